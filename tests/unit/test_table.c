/* CSV files as datasets. */
#include "base/alloc.h"
#include "data/csv.h"
#include "data/dataset.h"
#include "tests/unit/scratch.h"

#define NAMES(...) \
    (const char *const[]) { __VA_ARGS__ }

static char path[128];

static ct_status load(ct_data_args args, const char *text, ct_dataset **d) {
    puts_in("t.csv", text);
    snprintf(path, sizeof path, "%s/t.csv", root);
    args.csv = path;
    return ct_dataset_load(&args, 0, NULL, d);
}

static void refused(ct_data_args args, const char *text, const char *why) {
    ct_dataset *d;
    CHECK(load(args, text, &d) == CT_BAD_DATA && !d);
    CHECK_HAS(ct_error(), why);
}

static float x_at(const ct_rows *s, int64_t row, int64_t i) {
    return ((const float *)ct_data(s->x))[row * ct_size(s->x, 1) + i];
}

static void rows_are_read(void) {
    static const char *const want[][3] = {
        {"a", "b", "c d"}, {"1", "x, \"y\"\nz", ""}, {"", "2", "3"}, {" q ", "r", "s"}};
    ct_csv c;
    bool more;
    puts_in("r.csv", "\xEF\xBB\xBF"
                     "a, b ,c d\r\n1,\"x, \"\"y\"\"\nz\",\n\n\r\n,\t2,3\n\" q \",r,s");
    CHECK(!ct_csv_open(at("r.csv"), &c));
    for (int i = 0; i < CT_COUNT(want); i++) {
        CHECK(!ct_csv_next(&c, &more) && more && c.n == 3);
        for (int k = 0; k < 3; k++) CHECK_STR(c.field[k].text, want[i][k]);
    }
    CHECK(c.field[1].line == 7 && c.field[1].column == 7);
    CHECK(!ct_csv_next(&c, &more) && !more);
    ct_csv_close(&c);
}

static void numbers_and_categories(void) {
    ct_dataset *d;
    const char *text = "id,age,city,price\n7,10,Ulm,1.5\n8,20,Bonn,2.5\n9,30,Ulm,-1e1\n";
    ct_data_args args = {.target_column = "price"};
    if (!CHECK(!load(args, text, &d))) {
        puts(ct_error());
        return;
    }
    CHECK(d->classes == 0 && ct_size(d->train.x, 0) == 3 && ct_size(d->train.x, 1) == 4);
    CHECK(ct_dtype_of(d->train.y) == CT_F32 && ct_ndim(d->train.y) == 2);
    CHECK(((float *)ct_data(d->train.y))[2] == -10);
    CHECK(d->table.n == 3 && d->table.input[1].mean == 20 && d->table.input[2].n == 2);
    CHECK_STR(d->table.input[2].category[0], "Bonn");
    CHECK(x_at(&d->train, 1, 1) == 0 && x_at(&d->train, 0, 1) < -1.22f && x_at(&d->train, 0, 1) > -1.23f);
    CHECK(x_at(&d->train, 0, 2) == 0 && x_at(&d->train, 0, 3) == 1 && x_at(&d->train, 1, 2) == 1);
    CHECK_STR(d->train.file[2], "t.csv:4");
    ct_data_args again = {.target_column = "price", .table = &d->table, .inputs_only = true};
    ct_dataset *e; /* other rows by the same columns, in another order; what is new is no category */
    CHECK(!load(again, "city,id,age\nKiel,8,30\n", &e));
    CHECK(!e->train.y && x_at(&e->train, 0, 1) == x_at(&d->train, 2, 1));
    CHECK(x_at(&e->train, 0, 2) == 0 && x_at(&e->train, 0, 3) == 0);
    ct_dataset_free(e);
    again.inputs_only = false;
    refused(again, "city,id,age\nUlm,8,30\n", "t.csv:1:1: no column is named 'price'");
    ct_dataset_free(d);
    args.columns = NAMES("ctiy"), args.n_columns = 1;
    refused(args, text, "no column is named 'ctiy'; did you mean 'city'?");
    args.categories = NAMES("id"), args.n_categories = 1, args.columns = NAMES("city", "id"), args.n_columns = 2;
    CHECK(!load(args, text, &d));
    CHECK(d->table.n == 2 && ct_size(d->train.x, 1) == 5 && d->table.input[1].n == 3);
    ct_dataset_free(d);
}

/* What is held out, for tests or for validation, is in no statistics; classes are of all rows. */
static void classes_and_parts(void) {
    ct_dataset *d;
    char text[2000] = "x,c,name\n";
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d,w%d,%s\n", i, i, i % 4 ? "10" : "9");
    ct_data_args args = {.target_column = "name", .test = 0.2, .validation = 0.25, .by_class = true};
    CHECK(!load(args, text, &d));
    CHECK(d->classes == 2 && ct_size(d->train.x, 0) == 32 && ct_size(d->test.x, 0) == 8);
    CHECK_STR(d->class_name[0], "9");
    int nines = 0;
    for (int i = 0; i < 8; i++) nines += ((int64_t *)ct_data(d->test.y))[i] == 0;
    CHECK(nines == 2);
    CHECK(d->table.input[1].n == 24); /* of 40 rows, without 8 and 8 */
    for (int p = 0; p < 2; p++) {
        const ct_rows *s = p ? &d->test : &d->train;
        for (int64_t i = 0; i < ct_size(s->x, 0); i++) { /* each row is its own */
            int line = atoi(strchr(s->file[i], ':') + 1);
            CHECK((((int64_t *)ct_data(s->y))[i] == 0) == ((line - 2) % 4 == 0));
        }
    }
    ct_data_args again = {.target_column = "name", .table = &d->table};
    refused(again, "x,c,name\n1,w1,11\n", "t.csv:2:6: column 'name' has '11', a class that training did not have");
    ct_dataset_free(d);
    args.by_class = false; /* numbers are values then */
    CHECK(!load(args, text, &d));
    CHECK(d->classes == 0 && ct_dtype_of(d->train.y) == CT_F32);
    ct_dataset_free(d);
}

static void damaged(void) {
    static const struct {
        const char *text, *why;
    } row[] = {
        {"", "t.csv: is empty"},
        {"a,y\n", "t.csv: has no row but the first"},
        {"1,2\n3,4\n", "t.csv:1:1: the first line must name the columns"},
        {"a,a,y\n1,2,3\n", "t.csv:1:3: a second column 'a'"},
        {"a,b\n1,2\n", "t.csv:1:1: no column is named 'y'"},
        {"a,yes\n1,2\n", "t.csv:1:1: no column is named 'y'"},
        {"y\n1\n", "t.csv:1:1: no column is left beside the target"},
        {"a,y\n1,2\n3\n", "t.csv:3:1: the row has 1 fields, the first line 2"},
        {"a,y\n1,2\n,3\n", "t.csv:3:1: column 'a' has no value"},
        {"a,y\n1,2\n3, NA\n", "t.csv:3:3: column 'y' has no value, but 'NA'"},
        {"a,y\n1,2\n\"two\nlines\",3\n", "t.csv:3:1: column 'a' has 'two"},
        {"a,y\n1,2\n1e999,3\n", "t.csv:3:1: column 'a' has '1e999' among numbers"},
        {"a,y\nx\xff,2\n", "t.csv:2:1: column 'a' is not UTF-8"},
        {"a\xff,y\nx,2\n", "t.csv:1:1: the column's name is not UTF-8"},
        {"a,y\n1,\"2\n", "t.csv:2:3: a quote is not closed"},
        {"a,y\n\"1\"1,2\n", "t.csv:2:1: text after a closing quote"},
        {"a,y\n1e308,1\n-1e308,2\n", "t.csv: column 'a' has numbers that are too large"},
    };
    ct_dataset *d;
    ct_data_args args = {.target_column = "y"};
    for (int i = 0; i < CT_COUNT(row); i++) refused(args, row[i].text, row[i].why);
    char *text = ct_alloc(1 << 20, 1);
    size_t n = 0;
    for (int i = 0; i < 20002; i++) n += (size_t)sprintf(text + n, "c%d,", i);
    refused(args, text, ": more than 20000 fields");
    n = (size_t)sprintf(text, "a,y\n");
    for (int i = 0; i < 1001; i++) n += (size_t)sprintf(text + n, "w%d,1\n", i);
    refused(args, text, "t.csv: column 'a' has 1001 different texts, too many for categories; leave it out");
    ct_free(text);
    put("t.csv", "a,y\n1,\0", 7);
    args.csv = path;
    CHECK(ct_dataset_load(&args, 0, NULL, &d) == CT_BAD_DATA);
    CHECK_HAS(ct_error(), "t.csv:2:3: a byte 0, so it is no text");
    args.csv = NULL, args.on_bad = 1;
    CHECK(!load(args, "a,y\n?,1\n1,2\nx,2\n3,4\n", &d));
    CHECK(d->skipped == 2 && ct_size(d->train.x, 0) == 2 && x_at(&d->train, 0, 0) == -1);
    CHECK_HAS(d->skipped_file[0], "t.csv:2:1: column 'a' has no value, but '?'");
    ct_dataset_free(d);
    refused(args, "a,y\n,1\n,2\n", "t.csv: all rows are damaged; the first: ");
}

int main(void) {
    if (!scratch_open()) return 1;
    RUN(rows_are_read);
    RUN(numbers_and_categories);
    RUN(classes_and_parts);
    RUN(damaged);
    scratch_close();
    return check_done("table");
}
