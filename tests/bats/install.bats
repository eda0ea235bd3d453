# What `make install` leaves works, and `make uninstall` takes all of it away again.

setup() {
    load common
    common_setup
    prefix=$BATS_TEST_TMPDIR/prefix
    # -o all: what is there is installed, nothing is built again
    make="make -s -C $repo -o all BUILD=$(dirname "$ctorch") PREFIX=$prefix"
    $make install
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
    sed -n '/^```c$/,/^```$/p' "$repo/README.md" | sed '/^```/d; /^#include/,/^}/!d' >example.c
}

plain() { ! nm "$ctorch" | grep -qE '__(asan|tsan)_init' || skip "a build with sanitizers"; }

@test "install: the example of README, linked both ways" {
    plain
    # shellcheck disable=SC2046 # words
    cc example.c -o shared $(pkg-config --cflags --libs ctorch)
    succeeds ./shared
    says "[4, 4, 4]" done
    # shellcheck disable=SC2046
    cc example.c -o static -I"$prefix/include" "$prefix/lib/libctorch.a" $(pkg-config --static --libs ctorch | sed 's/-lctorch//')
    LD_LIBRARY_PATH= succeeds ./static
    says "[4, 4, 4]" done
}

@test "install: the library shows what the headers declare, and nothing else" {
    nm -D --defined-only "$prefix/lib/libctorch.so" | sed -n 's/.* [TDBR] //p' | sed 's/@.*//' | sort -u >shown
    cat "$prefix"/include/*.h | grep -o '\bct_[a-z0-9_]*(' | tr -d '(' | sort -u >declared
    [ "$(wc -l <shown)" -gt 100 ]
    [ -z "$(comm -23 shown declared)" ]
    grep -qx ct_train shown
    grep -qx ct_relu shown
}

@test "install: the command and its pages; DESTDIR goes in front" {
    plain
    succeeds "$prefix/bin/ctorch" --version
    for page in ctorch.1 ctorch-train.1; do [ -s "$prefix/share/man/man1/$page" ]; done
    [ -s "$prefix/share/man/man5/ctorch-spec.5" ]
    succeeds "$prefix/bin/ctorch" check "$prefix/share/ctorch/specs/digits-mlp.yaml"
    $make DESTDIR="$BATS_TEST_TMPDIR/stage" install
    [ -x "$BATS_TEST_TMPDIR/stage$prefix/bin/ctorch" ]
    grep -qx "prefix=$prefix" "$BATS_TEST_TMPDIR/stage$prefix/lib/pkgconfig/ctorch.pc"
}

@test "uninstall: no file is left" {
    touch "$prefix/bin/other"
    $make uninstall
    [ "$(find "$prefix" ! -type d)" = "$prefix/bin/other" ]
    [ ! -e "$prefix/share/ctorch" ]
}
