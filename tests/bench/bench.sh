#!/bin/sh
# ctorch beside the peers on two processors of this machine: every contender in turn, ROUNDS times, medians; then whole
# runs. Prints tables. What is not there (Python, PyTorch, JAX, a script, the data) is left out with a line. When all
# workloads, a peer of each and whole runs were measured, the tables go into README between its two bench marks.
# usage: bench.sh BUILD [README.md]     PYTHON, PEERS, DATA, WORKLOADS, ROUNDS, STEP_SECONDS and EPOCHS come from the
# environment. The large workloads take PyTorch minutes a round where a step takes seconds: at least eight each.
set -u
build=$1 readme=${2:-README.md}
. "$(dirname "$0")/two.sh"
PYTHON=${PYTHON:-python3} PEERS=${PEERS:-../shared/peers} DATA=${DATA:-../shared/data}
small='mnist_mlp mnist_cnn infer_mlp infer_cnn infer_resnet20'
all="$small resnet20 resnet18 gpt_nano gpt_char lstm_char"
WORKLOADS=${WORKLOADS:-$all}
ROUNDS=${ROUNDS:-3} STEP_SECONDS=${STEP_SECONDS:-2} EPOCHS=${EPOCHS:-5}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
for file in times whole log; do : >"$work/$file"; done

say() { echo "bench: $*" >&2; }
python_has() { "$PYTHON" -c "import $1; print($1.__version__)" 2>/dev/null; }
field() { sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p" "$2"; }

# ---- single steps ----

torch_peers() { # workload: name | command
    for threads in 1 2; do
        for compile in '' --compile; do
            for layout in '' --channels-last; do
                how="${layout:+, channels-last}${compile:+, compiled}"
                case $1,$layout in gpt_*,?* | lstm_*,?* | *_mlp,?*) continue ;; esac # not images: the same again
                echo "PyTorch, $threads thread$([ $threads = 1 ] || echo s)$how" \
                    "|$PYTHON $PEERS/torch_peer.py $1 --threads $threads $compile $layout --seconds $STEP_SECONDS"
            done
        done
    done
}

contenders() { # workload
    echo "ctorch|$build/bench/step $1 --seconds $STEP_SECONDS"
    [ -z "$torch" ] || torch_peers "$1"
    [ -z "$jax" ] || ! grep -q "'$1'" "$PEERS/jax_peer.py" ||
        echo "JAX|$PYTHON $PEERS/jax_peer.py $1 --seconds $STEP_SECONDS"
}

# Appends "name|workload|seconds|operations|mib".
run_contender() { # workload name command
    # shellcheck disable=SC2086
    "$build/bench/measure" -o "$work/took" $3 >"$work/out" 2>>"$work/log" || {
        say "$2, $1: failed, left out"
        tail -n 3 "$work/log" >&2
        return
    }
    operations=$(field operations "$work/out")
    echo "$2|$1|$(field median_s "$work/out")|${operations:-0}|$(field peak_mib "$work/took")" >>"$work/times"
}

single_steps() {
    round=0
    while [ $((round += 1)) -le "$ROUNDS" ]; do
        for workload in $WORKLOADS; do
            "$build/bench/step" --peak >"$work/out" || return 1
            echo "product|rate|$(field peak "$work/out")|0|0" >>"$work/times"
            contenders "$workload" >"$work/contenders"
            say "round $round of $ROUNDS: $workload, $(wc -l <"$work/contenders") contenders"
            while IFS='|' read -r name command; do
                run_contender "$workload" "${name% }" "$command" </dev/null
            done <"$work/contenders"
        done
    done
}

# ---- whole runs ----

whole() { # name | seconds | mib | until the first step
    echo "$1|$(field seconds "$work/took")|$(field peak_mib "$work/took")|$(field seen "$work/took")" >>"$work/whole"
}

train() { # epochs data log_every [measure's options]
    epochs=$1 data=$2 log_every=$3
    shift 3
    CTORCH_DATA=$data "$build/bench/measure" -o "$work/took" "$@" \
        "$build/ctorch" train specs/mnist-mlp.yaml --force -o "$work/run" --quiet --set train.epochs="$epochs" \
        --set train.log_every="$log_every" >>"$work/log" 2>&1 && return
    say "ctorch train failed: $(tail -n 1 "$work/log")"
    return 1
}

first_step() { # raw files, as `ctorch fetch` leaves them
    mkdir -p "$work/raw/mnist"
    for file in "$DATA"/mnist/*; do
        case $file in
        *.gz) gzip -dc "$file" >"$work/raw/mnist/$(basename "$file" .gz)" ;;
        *) cp "$file" "$work/raw/mnist/" ;;
        esac
    done
    for round in 1 2 3 4 5; do
        train 1 "$work/raw" 1 -u "$work/run/log.jsonl" '"type":"step"' && whole first || return
    done
}

tutorial() {
    say "PyTorch's tutorial, $EPOCHS epochs: this takes minutes"
    if "$build/bench/measure" -o "$work/took" "$PYTHON" "$PEERS/torch_tutorial.py" "$DATA" --epochs "$EPOCHS" \
        >>"$work/log" 2>&1; then
        whole tutorial
    else
        say "torch_tutorial.py failed: $(tail -n 1 "$work/log")"
    fi
}

whole_runs() {
    "$build/bench/measure" -o "$work/took" -n 50 "$build/ctorch" --version >/dev/null && whole version
    if [ ! -d "$DATA/mnist" ]; then
        say "there is no $DATA/mnist: no whole runs"
        return
    fi
    say "whole runs of ctorch"
    first_step
    train "$EPOCHS" "$DATA" 100 && whole run && train "$EPOCHS" "$DATA" 100 && whole run
    [ -z "$torch" ] || [ ! -f "$PEERS/torch_tutorial.py" ] || tutorial
    train "$EPOCHS" "$DATA" 100 && whole run
}

# ---- the report ----

machine() {
    model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    kernels=$("$build/bench/step" infer_mlp --seconds 0 | sed -n 's/.*"kernels": "\([a-z0-9]*\)".*/\1/p')
    peers="${torch:+, PyTorch $torch}${jax:+, JAX $jax}"
    echo "Measured on ${model:-$(uname -m)}, $(nproc) cores, kernels $kernels$peers," \
        "with \`make bench PYTHON=path/to/python\`: medians of $ROUNDS round(s) in turn; the load before was $load."
}

report() {
    machine
    echo
    awk -F'|' -f "$(dirname "$0")/steps.awk" "$work/times"
    echo
    awk -F'|' -v epochs="$EPOCHS" -f "$(dirname "$0")/whole.awk" "$work/whole"
}

# What README's tables would lack.
missing() {
    for workload in $all; do
        grep -q "^ctorch|$workload|" "$work/times" || echo "$workload"
        grep -v '^ctorch|' "$work/times" | grep -q "|$workload|" || echo "a peer's $workload"
    done
    for process in run tutorial; do grep -q "^$process|" "$work/whole" || echo "a whole $process"; done
}

into_readme() {
    missing >"$work/missing"
    if [ -s "$work/missing" ]; then
        say "not measured: $(paste -sd, "$work/missing" | sed 's/,/, /g'): $readme stays as it is"
        return
    fi
    if ! grep -q '<!-- bench -->' "$readme" 2>/dev/null || ! grep -q '<!-- /bench -->' "$readme"; then
        say "$readme has no <!-- bench --> and <!-- /bench --> lines: nothing written there"
        return
    fi
    awk -v table="$1" '
        /<!-- bench -->/ { print; while ((getline line < table) > 0) print line; skip = 1 }
        /<!-- \/bench -->/ { skip = 0 }
        !skip { print }' "$readme" >"$work/readme" && cat "$work/readme" >"$readme"
}

torch=$(python_has torch) jax=$(python_has jax)
[ -f "$PEERS/torch_peer.py" ] || torch=
[ -f "$PEERS/jax_peer.py" ] || jax=
[ -n "$torch" ] || say "no PyTorch by $PYTHON, or no $PEERS/torch_peer.py: left out"
[ -n "$jax" ] || say "no JAX by $PYTHON, or no $PEERS/jax_peer.py: left out"
load=$(cut -d' ' -f1 /proc/loadavg)
case $load in 0.[0-4]*) ;; *) say "the load is $load: other programs are running, which slows all of this" ;; esac
single_steps || exit 1
whole_runs
report >"$work/table"
cat "$work/table"
into_readme "$work/table"
