#!/bin/sh
# Runs that are ended at random moments, and gone on with each time, end as the run that was left alone: the same bytes,
# the same log but for its seconds, nothing else left in the directory.
# usage: tests/kill.sh CTORCH [KILLS [SEED]]; the last line is "kill: N passed, N failed"
ctorch=$1 kills=${2:-20} seed=${3:-$(date +%s)}
passed=0 failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

check() { # WHAT COMMAND...
    what=$1
    shift
    if "$@" >"$work/said" 2>&1; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "not so: $what (seed $seed)" && head -n 5 "$work/said" | cut -c1-200
    fi
}
same_log() {
    for d in "$1" "$2"; do sed 's/,"seconds":[0-9.]*//' "$d/log.jsonl" >"$d.log"; done
    cmp "$1.log" "$2.log" || diff "$1.log" "$2.log"
}
same_eval() {
    for d in "$1" "$2"; do "$ctorch" eval "$d" --json | sed 's/"seconds": *[0-9.e-]*//' >"$d.eval" || return 1; done
    grep -q accuracy "$1.eval" && cmp "$1.eval" "$2.eval"
}
same_files() { [ "$(ls "$1")" = "$(ls "$2")" ] || ls "$1" "$2"; }

# fractions N: N random numbers below 1
fractions() { awk -v n="$1" -v seed="$seed" 'BEGIN { srand(seed); while (n--) printf "%.4f\n", rand() }'; }
product() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f", a * b }'; }

# ended SIGNAL STATUS SETTING...: a run left alone, and one ended over and over
ended() {
    signal=$1 want=$2 name=$1-$((passed + failed))
    shift 2
    cat >"$work/spec.yaml" <<END
data: {dataset: digits, validation: 0.1}
model: [flatten, linear: 32, relu, dropout: 0.2, linear: 10]
loss: cross_entropy
optimizer: {adam: {lr: 1e-3}}
train: {epochs: 60, batch_size: 32, log_every: 1}
END
    for set; do echo "--set=$set"; done >"$work/settings"
    alone=$work/$name.alone parts=$work/$name.parts
    # shellcheck disable=SC2046 # a setting a word
    set -- -q $(cat "$work/settings") "$work/spec.yaml"
    start=$(date +%s%N)
    check "$name: the run left alone ends well" "$ctorch" train -o "$alone" "$@"
    # A sixth of the run at most, so that it takes a good many to get through.
    longest=$(awk -v t=$(($(date +%s%N) - start)) 'BEGIN { print t / 6e9 + 0.02 }')
    signals=0 wrong=
    for part in $(fractions "$kills"); do
        timeout --foreground --preserve-status -s "$signal" "$(product "$longest" "$part")" \
            "$ctorch" train --resume -o "$parts" "$@" 2>"$work/stderr"
        status=$?
        if [ "$status" -eq "$want" ]; then signals=$((signals + 1))
        elif [ "$status" -ne 0 ]; then wrong="$wrong $status: $(cat "$work/stderr")"
        else # it got to the end: once more from the start
            check "$name: ended over and over, the log is the same" same_log "$alone" "$parts"
            check "$name: the same bytes" cmp "$alone/best.safetensors" "$parts/best.safetensors"
            rm -r "$parts"
            longest=$(product "$longest" 0.7) # the machine may have been slower when the run was timed
        fi
    done
    check "$name: only ended by the signal, not:$wrong" test -z "$wrong"
    check "$name: ended in most tries, $signals of $kills" test "$signals" -gt $((kills / 2))
    check "$name: the last one goes on to the end" "$ctorch" train --resume -o "$parts" "$@"
    check "$name: best.safetensors" cmp "$alone/best.safetensors" "$parts/best.safetensors"
    check "$name: last.safetensors" cmp "$alone/last.safetensors" "$parts/last.safetensors"
    check "$name: the log, step by step" same_log "$alone" "$parts"
    check "$name: what eval says" same_eval "$alone" "$parts"
    check "$name: no other files" same_files "$alone" "$parts"
}

ended KILL 137 train.epochs=150
ended KILL 137 train.epochs=3 train.batch_size=1
ended KILL 137 train.epochs=20 train.batch_size=1 train.checkpoint_every=0.01
ended TERM 143 train.epochs=20 train.batch_size=1
ended INT 130 train.epochs=150
echo "kill: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
