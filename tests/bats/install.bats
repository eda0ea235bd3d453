# What `make install` leaves is all that a C or C++ programmer needs.

# One installation for all tests, from the default build: others would be built again with other settings.
setup_file() {
    command -v pkg-config >/dev/null && [ "$(basename "$(dirname "$(realpath "${CTORCH:-build/ctorch}")")")" = build ] || return 0
    export STAGE=$BATS_FILE_TMPDIR/stage
    make -s install PREFIX="$STAGE" >/dev/null
}

setup() {
    load common
    common_setup
    [ "$STAGE" ] || skip "no pkg-config, or not the default build"
    export PKG_CONFIG_PATH=$STAGE/lib/pkgconfig LD_LIBRARY_PATH=$STAGE/lib
}

compilers() { for c in gcc clang; do command -v $c || true; done; }

# compile COMPILER SOURCE PROGRAM [static]
compile() {
    libs=$(pkg-config --libs ctorch)
    [ -z "$4" ] || libs="$STAGE/lib/libctorch.a $(pkg-config --libs --static ctorch | sed 's/-lctorch//')"
    # shellcheck disable=SC2046,SC2086 # flags are words
    succeeds "$1" -std=c11 -Wall -Wextra -Wno-unused-parameter -Werror "$2" $(pkg-config --cflags ctorch) $libs -o "$3"
}

# matches WANT: the lines of the output are those of the file, in which * is anything
matches() {
    [ "${#lines[@]}" -eq "$(wc -l <"$1")" ] || { echo "not as many lines as in $1:"; echo "$output"; return 1; }
    i=0
    while read -r pattern; do
        pattern=${pattern//[/\\[}
        # shellcheck disable=SC2053 # a pattern is meant
        [[ ${lines[i]} == $pattern ]] || { echo "${lines[i]} is not $pattern"; return 1; }
        i=$((i + 1))
    done <"$1"
}

@test "install: the examples compile with each compiler, shared and static, and say what they should" {
    for source in "$repo"/tests/examples/*.c; do
        name=$(basename "$source" .c)
        sed -n 's|^ *prints: ||p' "$source" >want
        [ -s want ]
        for compiler in $(compilers); do
            for link in "" static; do
                compile "$compiler" "$source" "$name" $link
                succeeds "./$name"
                matches want
            done
        done
        ldd "$name" >needs
        ! grep libctorch needs
    done
}

@test "install: the examples of libctorch(3) run and print what the page says" {
    awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Sh ADDING/ { on = 0 }
        on && /^\.Bd/ { inside = 1; n++; next } /^\.Ed/ { inside = 0 }
        on && inside { gsub(/\\e/, "\\"); print > ("page" n ".in") }' "$repo/man/libctorch.3"
    [ -s page6.in ]
    for part in page*.in; do
        head='int main(void) { ct_scope *scope = ct_scope_open();'
        tail='return !ct_scope_close(scope) ? 0 : (fprintf(stderr, "%s\n", ct_error()), 1); }'
        ! grep -q '^int main' "$part" || head='' tail='' # a whole program but for its includes
        printf '#include <ctorch.h>\n#include <stdio.h>\n%s\n%s\n%s\n' "$head" "$(cat "$part")" "$tail" >page.c
        sed -n 's|.*/\* prints \(.*\) \*/.*|\1|p' "$part" >want
        [ -s want ]
        compile "${CC:-cc}" page.c page
        succeeds ./page
        matches want
    done
}

@test "install: the headers are C++17, each alone" {
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || continue
        for header in ctorch.h ctorch_run.h; do
            printf '#include <%s>\nint main() { return ct_ndim(ct_zeros(CT_F32, CT_DIMS(2, 3))) != 2; }\n' $header >one.cc
            # shellcheck disable=SC2046
            succeeds $compiler -std=c++17 -Wall -Wextra -Werror one.cc $(pkg-config --cflags --libs ctorch) -o one
            succeeds ./one
        done
    done
}

@test "install: the shared library shows what the headers declare, all of it and nothing else" {
    command -v nm >/dev/null || skip "no nm"
    # shellcheck disable=SC2046
    printf '#include <ctorch_run.h>\n' | cc -E -P $(pkg-config --cflags ctorch) -xc - | grep -o '\bct_[a-z0-9_]*(' |
        tr -d '(' | sort -u >declared
    nm -D --defined-only "$LD_LIBRARY_PATH/libctorch.so.0" | sed -n 's/.* T \([a-z0-9_]*\).*/\1/p' | sort -u >shown
    [ "$(wc -l <shown)" -gt 100 ]
    diff declared shown
}

# What IEEE 754 rounds exactly may be libm's.
@test "install: no function of libm is called whose last digits are its own" {
    command -v nm >/dev/null || skip "no nm"
    echo '#include <math.h>' | cc -E -P -D_GNU_SOURCE -xc - | grep -oE '\b[a-z][a-z0-9_]* ?\(' | tr -d ' (' | sort -u >libm
    grep -qx cos libm && grep -qx powf libm
    exact='(ceil|floor|fmax|fmin|fmod|ldexp|(ll?)?(rint|round)|sqrt|trunc)f?'
    for file in "$LD_LIBRARY_PATH/libctorch.so.0" "$STAGE/bin/ctorch"; do
        nm -D --undefined-only "$file" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort -u | comm -12 - libm >called
        grep -qx sqrt called
        run grep -vxE "$exact" called
        [ -z "$output" ] || { echo "$file calls $output"; return 1; }
    done
}

@test "install: the command, its pages and the table of ops are there" {
    succeeds "$STAGE/bin/ctorch" --version
    for page in man1/ctorch.1 man3/libctorch.3 man5/ctorch-spec.5 man7/ctorch-ops.7; do
        [ -s "$STAGE/share/man/$page" ]
    done
    run cat "$STAGE/share/man/man7/ctorch-ops.7"
    says "conv2d " "cross_entropy " "tanh "
    command -v groff >/dev/null && [ -n "$(find /usr/share/groff -name doc.tmac -print -quit)" ] || return 0
    run groff -mdoc -Tutf8 -ww -z "$STAGE/share/man/man7/ctorch-ops.7"
    [ "$status" -eq 0 ] && [ -z "$output" ]
}

@test "install: uninstall leaves nothing" {
    make -s -C "$repo" install DESTDIR="$PWD/other" PREFIX=/usr >/dev/null
    [ -s other/usr/include/ctorch.h ]
    make -s -C "$repo" uninstall DESTDIR="$PWD/other" PREFIX=/usr >/dev/null
    [ -z "$(find other ! -type d)" ]
}
