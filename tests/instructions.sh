#!/bin/sh
# How many instructions the kernels of some steps take, by valgrind's callgrind, which counts the same each time: a
# guard against slower steps that no clock would show. It is of gcc's code for v3, on one thread.
# usage: tests/instructions.sh CTORCH DIR
ctorch=$1 dir=$2
passed=0 failed=0

# counted SPEC EXPECTED SETTING...: when a change is meant to cost or to save instructions, write the new count below
counted() {
    spec=$1 expected=$2 n=$#
    shift 2
    while [ $((n -= 1)) -gt 1 ]; do
        set -- "$@" --set "$1"
        shift
    done
    rm -f "$dir/callgrind"
    valgrind --tool=callgrind --toggle-collect=ct_plan_run --callgrind-out-file="$dir/callgrind" "$ctorch" train \
        "specs/$spec.yaml" -q --force --isa v3 --threads 1 "$@" -o "$dir/run-instructions" >&2
    count=$(sed -n 's/^totals: //p' "$dir/callgrind")
    echo "$spec: ${count:=0} instructions, $expected expected, to a twentieth"
    off=$((count > expected ? count - expected : expected - count))
    if [ $((off * 20)) -le "$expected" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

counted digits-mlp 1618227 train.steps=8
counted resnet20 146747188 data.samples=8 train.batch_size=4 train.steps=2
counted gpt-nano 96372104 vars.depth=1 data.samples=8 train.batch_size=4 train.steps=2
echo "$passed passed, $failed failed"
