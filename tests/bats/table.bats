# Tables: CSV files, from training to predictions.

setup() {
    load common
    common_setup
    need_python
    python3 - <<'P'
import random
r = random.Random(3)
kinds = {"setosa": (5, 3.4), "versicolor": (6, 2.7), "virginica": (7, 2.9)}
with open("flowers.csv", "w") as f:
    f.write('id,length,width,"colour, of it",kind\r\n')
    for i in range(240):
        kind = r.choice(list(kinds))
        length, width = kinds[kind]
        colour = "blue" if kind == "setosa" else r.choice(["red", 'dark "red"'])
        colour = '"' + colour.replace('"', '""') + '"'
        f.write(f"{i},{r.gauss(length, 0.3):.2f},{r.gauss(width, 0.2):.2f},{colour},{kind}\r\n")
P
}

# spec NAME DATA LAYER LOSS
spec() {
    printf 'data: {csv: flowers.csv, %s}\nmodel: [linear: 16, relu, %s]\nloss: %s\n' "$2" "$3" "$4" >"$1.yaml"
    printf 'optimizer: {adam: {lr: 1e-2}}\ntrain: {epochs: 20, batch_size: 32}\n' >>"$1.yaml"
}

classes() { spec classes 'target: kind, columns: [length, width, "colour, of it"], validation: 0.1' 'linear: 3' cross_entropy; }

@test "table: classes are learned; eval and predict take other tables as training took its own" {
    classes
    succeeds "$ctorch" train classes.yaml -o run --json
    json 'd["validation_accuracy"] > 0.8'
    succeeds "$ctorch" eval run --json
    json 'd["split"] == "test" and d["n"] == 23 and d["accuracy"] > 0.8'
    json '[c["name"] for c in d["classes"]] == ["setosa", "versicolor", "virginica"]'
    succeeds "$ctorch" eval run --predictions all.csv --split train
    python3 - <<'P'
import csv
rows = list(csv.DictReader(open("flowers.csv")))
columns = ["kind", "width", "colour, of it", "more", "length"] # another order, one more
with open("other.csv", "w") as f:
    w = csv.DictWriter(f, columns)
    w.writeheader()
    for row in rows[:50]:
        w.writerow({k: row.get(k, "x") for k in columns})
with open("new.csv", "w") as f:
    w = csv.DictWriter(f, columns[1:])
    w.writeheader()
    for row in rows:
        w.writerow({k: row.get(k, "x") for k in columns[1:]})
P
    mv run/best.safetensors model.safetensors # alone it knows the columns
    fails 1 "$ctorch" eval model.safetensors
    says "was trained on a table; --data says where there is one"
    succeeds "$ctorch" bench model.safetensors --seconds 0.02 --no-peak
    says "random numbers instead of the data: a model file has no path of its table"
    succeeds "$ctorch" eval model.safetensors --data other.csv --json
    json 'd["split"] == "whole" and d["n"] == 50'
    "$ctorch" predict model.safetensors new.csv --json >new
    python3 - <<'P'
import csv, json
said = {d["file"]: d for d in map(json.loads, open("new"))}
rows = list(csv.DictReader(open("all.csv")))
assert len(said) == 240 and len(rows) > 190
for row in rows: # the same rows, of the same lines, in other columns' company
    d = said[row["file"].replace("flowers", "new")]
    assert d["class"] == row["prediction"] and abs(d["probability"] - float(row["p_" + d["class"]])) < 1e-5
P
    succeeds "$ctorch" predict model.safetensors new.csv --top 2
    [[ ${lines[0]} == new.csv:2$'\t'*$'\t'0.*$'\t'*$'\t'0.* ]]
    sed 's/virginica/other/' other.csv >unknown.csv
    fails 3 "$ctorch" eval model.safetensors --data unknown.csv
    says "unknown.csv:" "column 'kind' has 'other', a class that training did not have"
}

@test "table: values are learned, and predicted as values" {
    spec values 'target: width, columns: [length, kind], validation: 0.1' 'linear: 1' mse
    succeeds "$ctorch" train values.yaml -o run --set train.epochs=40 --json
    json 'd["loss"] < 0.2'
    succeeds "$ctorch" eval run --json
    json 'd["loss"] < 0.2 and d["accuracy"] is None'
    succeeds "$ctorch" eval run --data flowers.csv --json # misses of all rows, as predict says what is said of them
    all=$output
    succeeds "$ctorch" predict run flowers.csv --json
    output=$(python3 -c '
import csv, json, sys
said = [json.loads(line)["values"][0] for line in sys.argv[2].splitlines()]
true = [float(row["width"]) for row in csv.DictReader(open("flowers.csv"))]
n, mean = len(true), sum(true) / len(true)
square = sum((a - b) ** 2 for a, b in zip(said, true))
print(json.dumps([json.loads(sys.argv[1]), sum(abs(a - b) for a, b in zip(said, true)) / n, (square / n) ** 0.5,
                  1 - square / sum((x - mean) ** 2 for x in true)]))' "$all" "$output")
    json 'all(abs(d[0][k] - x) < 1e-5 for k, x in zip(["mae", "rmse", "r2"], d[1:])) and 0 < d[3] < 1'
    json 'd[0]["columns"] == [{"name": "width"} | {k: d[0][k] for k in ["mae", "rmse", "r2"]}]'
    succeeds "$ctorch" eval run
    says "MAE " "RMSE " "R2 "
    succeeds "$ctorch" predict run flowers.csv
    [ "${#lines[@]}" -eq 240 ]
    [[ ${lines[239]} == flowers.csv:241$'\t'[23].* ]]
    succeeds "$ctorch" predict run flowers.csv --json
    [[ ${lines[0]} == '{"file": "flowers.csv:2", "values": ['* ]]
    spec codes 'target: id, columns: [length], categories: [id], test: 0' 'linear: 240' cross_entropy
    succeeds "$ctorch" train codes.yaml -o codes --set train.epochs=1 -q
}

@test "table: a run does not go on with a table that was changed" {
    classes
    succeeds "$ctorch" train classes.yaml -o run -q
    sed -i 's/setosa/sotesa/' flowers.csv
    fails 3 "$ctorch" train classes.yaml -o run --resume
    says "flowers.csv has changed"
}

@test "table: check reads one that is there: its width, its classes, and the columns that a spec gets wrong" {
    classes
    succeeds "$ctorch" check classes.yaml --json
    json 'd["input"] == "(N, 5)" and d["layers"][-1]["output"] == "(N, 3)"' # two numbers, three colours
    json 'd["bytes"]["data"] == 240 * (5 * 4 + 8)'
    fails 2 "$ctorch" check classes.yaml --set model.2.linear=4
    says "the data has 3 classes: it must be (N, 3)"
    spec wrong 'target: kinds, columns: [length, width, colour], categories: [idd]' 'linear: 3' cross_entropy
    for command in check show "train -o run"; do
        fails 2 "$ctorch" $command wrong.yaml
        says "wrong.yaml:1:34: error: the table has no column 'kinds'; did you mean 'kind'?"
        says "wrong.yaml:1:66: error: the table has no column 'colour'; did you mean 'colour, of it'?"
        says "wrong.yaml:1:88: error: the table has no column 'idd'; did you mean 'id'?"
    done
    [ ! -e run ]
    fails 2 "$ctorch" check classes.yaml --set 'data.only=[setosa, verginica]'
    says "has no class 'verginica'; did you mean 'virginica'?"
    succeeds "$ctorch" check classes.yaml --set data.csv=none.csv
    says "The spec is sound" "none.csv: cannot be opened"
    sed -i '3s/,setosa\|,versicolor\|,virginica/,/' flowers.csv
    fails 3 "$ctorch" check classes.yaml
    says "flowers.csv:3:" "column 'kind' has no value"
}

@test "table: rows without a value are an error at their place, or left out" {
    classes
    sed -i '3s/^\([0-9]*\),[^,]*/\1,/; 5s/^\([0-9]*\),[^,]*/\1,tall/' flowers.csv
    fails 3 "$ctorch" train classes.yaml -o run
    says "flowers.csv:3:3: column 'length' has no value"
    succeeds "$ctorch" train classes.yaml -o run --set data.on_bad=skip --set train.epochs=1
    says "2 damaged samples left out"
    grep -q "flowers.csv:5:3: column 'length' has 'tall' among numbers" run/skipped.txt
    fails 2 "$ctorch" train classes.yaml -o run2 --set data.target=kinds
    says "the table has no column 'kinds'; did you mean 'kind'?"
    fails 1 "$ctorch" train classes.yaml -o run2 --set data.csv=none.csv
    says "none.csv: cannot be opened"
    fails 2 "$ctorch" train classes.yaml -o run2 --set model.2.linear=4 --set data.on_bad=skip
    says "the data has 3 classes: it must be (N, 3)"
}
