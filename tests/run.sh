#!/bin/sh
# Runs tests that are built in BUILD and sums them up: a line a program, what it said where it failed, and at the end
# "N passed, N failed, N skipped". Status 1 if anything failed.
# usage: tests/run.sh BUILD PART...   parts: lint unit goldens fuzz kill bats, and instructions isa memcheck threads
# GOLDENS is where golden files are, FUZZ how thorough the fuzz is, KILLS and SEED are kill.sh's.
build=$1
shift
here=$(dirname "$0")
goldens=${GOLDENS:-../shared/goldens}
log=$build/tests/log
export CTORCH="$PWD/$build/ctorch" LC_ALL=C.UTF-8 ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
case $build in /*) CTORCH=$build/ctorch ;; esac
passed=0 failed=0 skipped=0
unset MAKEFLAGS MFLAGS MAKELEVEL # of a make around this one
mkdir -p "$log"

# add NAME PASSED FAILED SKIPPED SECONDS: counts them and says so
add() {
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    printf '%-28s %5d passed, %d failed, %d skipped  %4d s\n' "$1" "$2" "$3" "$4" "$5"
}

# The counts in the last line that has them: "... 3 passed, 0 failed, 1 skipped", the last optional.
counts() {
    sed -nE 's/^.*\b([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?.*$/\1 \2 0\4/p' "$1" | tail -n 1
}

# program NAME SECONDS COMMAND...: one that prints its counts last; ending in another way is a failure
program() {
    name=$1 limit=$2 start=$(date +%s)
    shift 2
    timeout -k 5 "$limit" "$@" >"$log/$name" 2>&1 </dev/null
    status=$?
    # shellcheck disable=SC2046 # three words
    set -- $(counts "$log/$name")
    p=${1:-0} f=${2:-0} s=${3:-0}
    if [ $# -eq 0 ] || { [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; }; then
        f=$((f + 1))
        [ "$status" -ne 124 ] || echo "took more than $limit s" >>"$log/$name"
        echo "ended with status $status" >>"$log/$name"
    fi
    add "$name" "$p" "$f" "$s" $(($(date +%s) - start))
    [ "$f" -eq 0 ] || tail -n 40 "$log/$name" | sed 's/^/    /'
}

skip() {
    echo "$1: skipped: $2"
    skipped=$((skipped + 1))
}

part_lint() { program lint 60 sh "$here/lint.sh"; }
part_unit() { for t in "$build"/tests/test_*; do program "${t##*/}" 600 "$t"; done; }
part_fuzz() {
    program fuzz 1200 "$build/tests/fuzz" "${FUZZ:-1}"
    program graphs 1200 "$build/tests/test_graphs" $((4000 * ${FUZZ:-1})) 5000
}
part_kill() { program kill 1200 sh "$here/kill.sh" "$CTORCH" "${KILLS:-20}" ${SEED:+"$SEED"}; }
part_goldens() {
    [ -d "$goldens" ] || { skip goldens "no $goldens here"; return; }
    program goldens 600 "$build/tests/goldens" "$goldens"
    program goldens-ref 600 "$build/tests/goldens" --isa ref "$goldens"
}

# trained ISA: the digits' spec reaches its accuracy on that instruction set
trained() {
    # shellcheck disable=SC2016 # sh -c has its own arguments
    program "train-$1" 600 sh -c '"$0" train specs/digits-mlp.yaml -q --force --isa "$1" -o "$2" &&
        "$0" eval --json --isa "$1" "$2" | grep -E "\"accuracy\": 0\.9[5-9]" && echo "1 passed, 0 failed"' \
        "$CTORCH" "$1" "$log/run-$1"
}
# Each instruction set that this machine has: golden files, and a run that learns.
part_isa() {
    for isa in $("$CTORCH" devices | sed -n 's/^kernels.*(of \(.*\))/\1/p'); do
        [ ! -d "$goldens" ] || program "goldens-$isa" 600 "$build/tests/goldens" --isa "$isa" "$goldens"
        trained "$isa"
    done
}
part_memcheck() {
    command -v valgrind >/dev/null || { skip memcheck "no valgrind here"; return; }
    for t in "$build"/tests/test_*; do
        of=
        case $t in */test_plan) of=100000 ;; esac # parameters of a spec at most: fused multiply-adds take long there
        program "memcheck-${t##*/test_}" 1200 valgrind -q --error-exitcode=99 --leak-check=full \
            --errors-for-leak-kinds=definite "$t" ${of:+"$of"}
    done
}
part_instructions() {
    command -v valgrind >/dev/null || { skip instructions "no valgrind here"; return; }
    "$CTORCH" devices | grep -q '^kernels.*v3' || { skip instructions "no v3 here"; return; }
    case $(sed -n 's/ .*//p' "$build/flags") in *clang*) skip instructions "not gcc's code"; return ;; esac
    program instructions 300 sh "$here/instructions.sh" "$CTORCH" "$log"
}
# The programs in which threads meet, built with -fsanitize=thread.
part_threads() {
    for t in parallel ahead loader images gemm plan run threads; do
        program "threads-$t" 1200 "$build/tests/test_$t"
    done
    trained v3
}
part_bats() {
    command -v bats >/dev/null || { skip bats "no bats here"; return; }
    for t in "$here"/bats/*.bats; do
        name=$(basename "$t") start=$(date +%s)
        timeout -k 5 600 bats --formatter tap "$t" >"$log/$name" 2>&1 </dev/null
        status=$?
        s=$(grep -c '^ok .* # skip' "$log/$name") p=$(grep -c '^ok ' "$log/$name") f=$(grep -c '^not ok ' "$log/$name")
        [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
        add "$name" $((p - s)) "$f" "$s" $(($(date +%s) - start))
        [ "$f" -eq 0 ] || grep -v '^ok ' "$log/$name" | head -n 40 | sed 's/^/    /'
    done
}

for part; do "part_$part"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
