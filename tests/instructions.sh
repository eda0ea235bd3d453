#!/bin/sh
# How many instructions the kernels of eight steps take, by valgrind's callgrind, which counts the same each time: a
# guard against slower steps that no clock would show. It is of gcc's code for v3, on one thread.
# usage: tests/instructions.sh CTORCH DIR
expected=1633179 # when a change is meant to cost this, or made it cheaper, write the new count here
most=$((expected + expected / 20))
valgrind --tool=callgrind --toggle-collect=ct_plan_run --callgrind-out-file="$2/callgrind" "$1" train \
    specs/digits-mlp.yaml -q --force --isa v3 --threads 1 --set train.steps=8 -o "$2/run-instructions" >&2 || exit
count=$(sed -n 's/^totals: //p' "$2/callgrind")
echo "$count instructions, $expected expected, at most $most"
if [ "${count:-0}" -gt 0 ] && [ "$count" -le "$most" ]; then echo "1 passed, 0 failed"
else echo "0 passed, 1 failed: if it must cost as much, write the count into tests/instructions.sh"; fi
