# What `make install` leaves is all that a C or C++ programmer needs.

# One installation for all: by default below a folder that goes with the tests.
setup_file() {
    command -v pkg-config >/dev/null || return 0
    export STAGE=$BATS_FILE_TMPDIR/stage BUILD
    BUILD=$(dirname "$(realpath "${CTORCH:-build/ctorch}")")
    san=$(case $BUILD in */san) echo 1 ;; *) echo 0 ;; esac)
    make -s install BUILD="$BUILD" SAN="$san" DESTDIR="$STAGE" PREFIX=/opt/ctorch >/dev/null
}

setup() {
    load common
    common_setup
    command -v pkg-config >/dev/null || skip "no pkg-config"
    case $BUILD in */san) skip "programs would need the sanitizers too" ;; esac
    export PKG_CONFIG_PATH=$STAGE/opt/ctorch/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$STAGE
    export LD_LIBRARY_PATH=$STAGE/opt/ctorch/lib
}

compilers() { for c in gcc clang; do command -v $c || true; done; }

# compile COMPILER SOURCE PROGRAM [static]
compile() {
    # shellcheck disable=SC2046 # flags are words
    if [ "$4" ]; then
        succeeds "$1" -std=c11 -Wall -Wextra -Werror "$2" $(pkg-config --cflags ctorch) -Wl,-Bstatic -L"$LD_LIBRARY_PATH" \
            -lctorch -Wl,-Bdynamic $(pkg-config --libs --static ctorch | sed 's/-lctorch//g') -o "$3"
    else
        succeeds "$1" -std=c11 -Wall -Wextra -Werror "$2" $(pkg-config --cflags --libs ctorch) -o "$3"
    fi
}

@test "install: the examples compile with each compiler, shared and static, and say what they should" {
    for source in "$repo"/tests/examples/*.c; do
        name=$(basename "$source" .c)
        sed -n 's|^ *prints: ||p' "$source" >want
        [ -s want ]
        for compiler in $(compilers); do
            for link in "" static; do
                compile "$compiler" "$source" "$name" $link
                run "./$name"
                [ "$status" -eq 0 ]
                # as many lines, each of the expected form (numbers that training reaches are patterns)
                [ "${#lines[@]}" -eq "$(wc -l <want)" ]
                i=0
                while read -r pattern; do
                    # shellcheck disable=SC2053 # a pattern is meant
                    [[ ${lines[i]} == $pattern ]] || { echo "$name: ${lines[i]} is not $pattern"; false; }
                    i=$((i + 1))
                done <want
            done
            ldd "./$name" >needs
            ! grep -q libctorch needs
        done
    done
}

@test "install: the examples of libctorch(3) run and print what the page says" {
    awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Sh ADDING/ { on = 0 }
        on && /^\.Bd/ { inside = 1; n++; next } /^\.Ed/ { inside = 0 }
        on && inside { gsub(/\\e/, "\\"); print > ("page" n ".in") }' "$repo/man/libctorch.3"
    [ -s page5.in ]
    for part in page*.in; do
        { printf '#include <ctorch.h>\n#include <stdio.h>\nint main(void) {\nct_scope *scope = ct_scope_open();\n'
          cat "$part"
          printf 'if (!ct_scope_close(scope)) return 0;\nfprintf(stderr, "%%s\\n", ct_error());\nreturn 1;\n}\n'; } >page.c
        sed -n 's|.*/\* prints \(.*\) \*/.*|\1|p' "$part" >want
        [ -s want ]
        compile "${CC:-cc}" page.c page
        run ./page
        [ "$output" = "$(cat want)" ] || { echo "$part:"; echo "$output"; false; }
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

@test "install: the command, its pages and the table of ops are there" {
    succeeds "$STAGE/opt/ctorch/bin/ctorch" --version
    for page in man1/ctorch.1 man3/libctorch.3 man5/ctorch-spec.5 man7/ctorch-ops.7; do
        [ -s "$STAGE/opt/ctorch/share/man/$page" ]
    done
    run cat "$STAGE/opt/ctorch/share/man/man7/ctorch-ops.7"
    says "conv2d " "cross_entropy " "tanh "
    command -v groff >/dev/null && [ -n "$(find /usr/share/groff -name doc.tmac -print -quit)" ] || return 0
    run groff -mdoc -Tutf8 -ww -z "$STAGE/opt/ctorch/share/man/man7/ctorch-ops.7"
    [ "$status" -eq 0 ] && [ -z "$output" ]
}

@test "install: uninstall leaves nothing" {
    make -s -C "$repo" install BUILD="$BUILD" DESTDIR="$PWD/other" PREFIX=/usr >/dev/null
    [ -s other/usr/include/ctorch.h ]
    make -s -C "$repo" uninstall BUILD="$BUILD" DESTDIR="$PWD/other" PREFIX=/usr >/dev/null
    [ -z "$(find other ! -type d)" ]
}
