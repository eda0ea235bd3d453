#!/bin/sh
# The long tests: each part builds in a folder of its own below build/ and runs what it is for. Ends with the sum,
# "N passed, N failed, N skipped"; status 1 if anything failed or did not build.
# usage: tests/long.sh [PART...]   parts: default clang sanitized isa kill memcheck threads; all unless named
cd "$(dirname "$0")/.." || exit 2
unset MAKEFLAGS MFLAGS MAKELEVEL # of a make around this one
sums=$(mktemp) || exit 2
trap 'rm -f "$sums"' EXIT
trap 'exit 1' INT TERM

# tested BUILD "RUN PARTS" MAKE-SETTING...
tested() {
    build=$1 parts=$2
    shift 2
    echo "== $part: make $*"
    if make --no-print-directory BUILD="$build" "$@" tests >"$build.log" 2>&1; then
        # shellcheck disable=SC2086 # parts are words
        sh tests/run.sh "$build" $parts
    else
        tail -n 30 "$build.log"
        echo "$part does not build"
        echo "0 passed, 1 failed, 0 skipped"
    fi | tee -a "$sums"
}

default() { tested build "lint unit goldens instructions fuzz kill bats"; }
clang() {
    if command -v clang >/dev/null; then tested build/clang "unit goldens fuzz bats" CC=clang
    else echo "clang: skipped: not here" && echo "0 passed, 0 failed, 1 skipped" >>"$sums"; fi
}
sanitized() { FUZZ=${FUZZ:-4} tested build/san "unit goldens fuzz kill bats" SAN=1; }
isa() { tested build "isa"; }
kill() { for seed in 1 2 3; do SEED=$seed tested build "kill"; done; }
memcheck() { tested build "memcheck"; }
threads() { tested build/threads "threads" CFLAGS=-fsanitize=thread LDFLAGS=-fsanitize=thread; }

mkdir -p build
[ $# -gt 0 ] || set -- default clang sanitized isa kill memcheck threads
for part; do "$part"; done
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
    END { printf "\nin all:\n%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$sums"
