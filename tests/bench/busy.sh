#!/bin/sh
# What a step takes on two processors while an endless loop runs beside it, over what it takes alone, in turn.
# Means: the loop gets its turns of milliseconds, which the median of shorter steps does not see.
# usage: busy.sh BUILD [WORKLOAD...]     ROUNDS and STEP_SECONDS come from the environment.
build=$1
shift
. "$(dirname "$0")/two.sh"
[ $# -gt 0 ] || set -- mnist_mlp mnist_cnn gpt_nano
mean() { "$build/bench/step" "$1" --seconds "${STEP_SECONDS:-2}" | sed -n 's/.*"mean_s": \([0-9.e+-]*\).*/\1/p'; }
for workload; do
    rounds=${ROUNDS:-3}
    while [ $((rounds -= 1)) -ge 0 ]; do
        alone=$(mean "$workload")
        (while :; do :; done) &
        loop=$!
        trap 'kill $loop' EXIT
        beside=$(mean "$workload")
        kill "$loop"
        trap - EXIT
        echo "$workload $alone $beside"
    done
done | awk '{ n[$1]++; alone[$1] += $2; beside[$1] += $3 }
    END { for (w in n) printf "%-10s alone %.3g s, beside a loop %.3g s: %.2f times\n", w, alone[w] / n[w],
        beside[w] / n[w], beside[w] / alone[w] }'
