# ctorch bench: what it prints in each form, what multiplies, what is compared, what is refused. Never how fast it is.

setup() {
    load common
    common_setup
}

# quickly ARGUMENT...: a measurement that is over at once
quickly() { "$ctorch" bench --seconds 0.02 --quiet --no-peak "$@"; }

@test "bench: a result for people, with its kernels" {
    succeeds "$ctorch" bench specs/digits-mlp.yaml --seconds 0.02
    says "median " "per s " "FLOP/s " "of product " "of copy " "memory " "dearest kernels" "linear+relu" "adam" "load"
    says "x roofline" "Shares are of all kernels' time, " "The machine, " "FLOP/s, a copy's "
    [ "$(grep -c '^step *training$' <<<"$output")" -eq 1 ]
    succeeds quickly specs/digits-mlp.yaml --eval --device-only
    says "forward"
    [[ $output != *adam* && $output != *"load "* && $output != *"of product"* ]]
    [[ $output != *roofline* && $output != *"The machine"* ]]
}

@test "bench: lists, ranges, specs and models multiply, in Markdown, CSV and lines of JSON" {
    need_python
    quick -o run
    succeeds quickly specs/digits-mlp.yaml run run/best.safetensors -b 1,4:16:*2 --threads 1:2 --csv
    [ "$(wc -l <<<"$output")" -eq 25 ]
    [[ ${lines[0]} == model,op,shape,step,batch,threads,*median_s,*per_s,*peak_bytes,* ]]
    [[ ${lines[4]} == specs/digits-mlp.yaml,,,training,16,1,* && ${lines[5]} == specs/digits-mlp.yaml,,,training,1,2,* ]]
    [[ ${lines[24]} == run/best.safetensors,,,training,16,2,* ]]
    succeeds quickly specs/digits-mlp.yaml -b 3:9:3 --markdown
    [ "${lines[1]%%:*}" = "| --- | --- | ---" ]
    [[ ${#lines[@]} -eq 5 && ${lines[4]} == "| specs/digits-mlp.yaml | training | 9 | "* ]]
    succeeds quickly specs/digits-mlp.yaml specs/digits-mlp.yaml --jsonl all.jsonl --json
    [ "$(wc -l <all.jsonl)" -eq 2 ]
    [ "$output" = "$(cat all.jsonl)" ]
    quickly specs/digits-mlp.yaml --jsonl all.jsonl >table
    [ "$(wc -l <all.jsonl)" -eq 3 ]
    grep -q '^median' table
}

@test "bench: --json" {
    need_python
    succeeds "$ctorch" bench specs/digits-mlp.yaml --seconds 0.02 --quiet --json -b 8 --threads 1
    json 'd["model"] == "specs/digits-mlp.yaml" and d["step"] == "training" and d["batch"] == 8 and d["threads"] == 1'
    json '0 < d["low_s"] <= d["median_s"] <= d["high_s"] and d["median_s"] <= d["p75_s"] <= d["p90_s"] <= d["p99_s"]'
    json 'abs(d["per_s"] * d["median_s"] - 8) < 1e-6 and d["peak_bytes"] > 1e6 and d["steps"] >= 5'
    json 'd["operations"] == 2 * 8 * (2 * 64 * 64 + 3 * 64 * 10) == sum(k["operations"] for k in d["dearest"])'
    json 'd["launches"] + 1 == sum(k["calls"] for k in d["dearest"]) and d["parameters"] == 4810'
    json 'abs(sum(k["share"] for k in d["dearest"]) - 1) < 1e-6 and all(k["roofline"] > 0 for k in d["dearest"])'
    json 'd["precision"] == "f32" and d["device_only"] is False and d["passes"] is None and d["set"] is None'
    json 'd["min_s"] <= d["median_s"] and d["min_s"] <= d["mean_s"] and d["sd_s"] > 0 and "samples_s" not in d'
    json 'abs(d["kernels_s"] - sum(k["seconds"] for k in d["dearest"])) < 1e-6 * d["kernels_s"]'
    json 'd["product_operations_per_s"] > 1e8 and d["copy_bytes_per_s"] > 1e7'
    json 'd["date"][4] == "-" and d["date"][-1] == "Z" and d["version"] and d["cpu"] and d["load"] >= 0'
    json 'd["of_product"] > 0 and d["vs"] is None and d["vs_ratio"] is None and isinstance(d["warnings"], list)'
}

@test "bench: --samples keeps every step, with the same figures" {
    need_python
    succeeds quickly specs/digits-mlp.yaml --json --samples --set seed=3 --device-only --passes=-fuse
    json 'len(d["samples_s"]) == d["steps"] >= 8 and min(d["samples_s"]) == d["min_s"]'
    json 'd["set"] == "seed=3" and d["device_only"] is True and d["passes"] == "-fuse"'
    json 'abs(__import__("statistics").median(d["samples_s"]) - d["median_s"]) < 1e-8'
    json 'abs(__import__("statistics").stdev(d["samples_s"]) / d["sd_s"] - 1) < 1e-3'
    fails 2 quickly specs/digits-mlp.yaml --samples
    says "bench --samples: wants --json or --jsonl FILE"
}

@test "bench: a step takes fewer than half the launches that it takes without passes" {
    for spec in mnist-cnn gpt-nano; do
        succeeds quickly "specs/$spec.yaml" -b 2 --device-only --csv
        with=$(cut -d, -f13 <<<"${lines[1]}")
        succeeds quickly "specs/$spec.yaml" -b 2 --device-only --csv --passes=-all
        [ "$((2 * with))" -lt "$(cut -d, -f13 <<<"${lines[1]}")" ]
    done
}

@test "bench: --vs a spec, a model: a ratio of what each side is, and its interval" {
    need_python
    succeeds quickly specs/digits-mlp.yaml --vs specs/lenet5.yaml -b 32 --json --threads 1
    json 'd["vs"] == "specs/lenet5.yaml" and 0 < d["vs_low"] <= d["vs_ratio"] <= d["vs_high"] < 1' # 20 times the work
    json 'd["vs_batch"] == 32 and d["vs_threads"] == 1 and d["vs_kernels"] == d["kernels"] and d["vs_precision"] == "f32"'
    for n in 1 1280; do sed "s/batch_size: 32/batch_size: $n/" specs/digits-mlp.yaml >$n.yaml; done
    chmod +x 1.yaml # is a spec all the same
    succeeds quickly 1280.yaml --vs 1.yaml --threads 1
    says "1280.yaml (batch 1280, 1 thread, v" ", f32) takes 0." " times as long a sample as 1.yaml (batch 1, 1 thread, v"
    quick -o run
    succeeds quickly run --vs specs/lenet5.yaml -b 32 --eval
    says "run (batch 32, " " takes 0." " times as long as specs/lenet5.yaml (batch 32, " ": faster"
    fails 2 quickly specs/digits-mlp.yaml --vs away.yaml
}

# another NAME: a program that notes its arguments and does as ctorch does
another() {
    printf '#!/bin/sh\necho "$*" >>args\nexec "%s" "$@"\n' "$ctorch" >"$1"
    chmod +x "$1"
}

@test "bench: --vs another program" {
    need_python
    another other
    succeeds quickly specs/digits-mlp.yaml --vs other -b 8 --threads 1 --eval --set model.1.linear=9 --json
    json 'd["vs"] == "other" and 0 < d["vs_low"] <= d["vs_ratio"] <= d["vs_high"]'
    json 'd["vs_batch"] == 8 and d["vs_threads"] == 1 and d["vs_kernels"] == d["kernels"] and d["vs_precision"] == "f32"'
    [ "$(wc -l <args)" -eq 11 ]
    options="bench specs/digits-mlp.yaml --json --no-peak --quiet --set model.1.linear=9 --eval --threads=1 --batch=8"
    [ "$(sort -u args)" = "$options --seconds=0.001
$options --seconds=0.002" ]
    succeeds quickly specs/digits-mlp.yaml --vs "$ctorch" -b 8 --threads 1
    says "times as long as $ctorch (batch 8, 1 thread, v"
}

@test "bench: --vs what is no ctorch fails before anything is measured" {
    printf '#!/bin/sh\necho "{}"\n' >other
    chmod +x other
    fails 1 "$ctorch" bench specs/digits-mlp.yaml --vs ./other --seconds 1000
    says "./other: 'bench --json' gives no median_s"
    cp /bin/true other
    fails 1 "$ctorch" bench specs/digits-mlp.yaml --vs ./other --seconds 1000
    says "./other: 'bench --json' gives no median_s"
}

@test "bench: what is wrong with the last spec is said before the first is measured" {
    printf 'data: {dataset: digits}\nmodel: [linar: 3]\n' >wrong.yaml
    for others in "wrong.yaml" "--vs wrong.yaml"; do
        # shellcheck disable=SC2086
        fails 2 "$ctorch" bench specs/digits-mlp.yaml $others --seconds 1000 --jsonl none
        says "did you mean 'linear'"
        [ ! -s none ]
    done
}

@test "bench: --baseline passes what is as fast, fails what has become slower or was not there" {
    quickly specs/digits-mlp.yaml -b 8,16 --json --threads 1 >before
    alike() { quickly specs/digits-mlp.yaml -b 8,16 --threads 1 --max-slowdown 5000% --baseline "$@"; }
    succeeds alike before
    says "digits-mlp.yaml, training, batch 8, 1 thread: " " before " "(95%: "
    sed '2s/"median_s": [0-9.e-]*/"median_s": 1e-9/' before >doctored
    fails 1 alike doctored
    says "ctorch: specs/digits-mlp.yaml, training, batch 16, 1 thread: more than 5e+03% slower than in doctored"
    cat doctored before >both # the latest counts
    succeeds alike both
    cat before doctored >both
    fails 1 alike both
    for other in --device-only --eval --passes=-fuse --isa=ref --set=seed=1 --threads=2 --batch=9; do
        fails 1 alike before $other
        says "before: has no result of specs/digits-mlp.yaml, "
    done
    quickly specs/digits-mlp.yaml -b 8,16 --json --threads 1 --device-only --passes=-fuse --set=seed=1 >before
    succeeds alike before --device-only --passes=-fuse --set=seed=1
}

@test "bench: --baseline's file is read before anything is measured" {
    fails 1 "$ctorch" bench specs/digits-mlp.yaml --seconds 1000 --baseline away
    says "away: cannot be opened: No such file"
    echo 'median 3' >none
    fails 1 "$ctorch" bench specs/digits-mlp.yaml --seconds 1000 --baseline none
    says "none:1: warning: no whole result, passed over: " "none: has no result of 'bench --json'"
}

@test "bench: lines of JSON survive a crash" {
    one() { quickly specs/digits-mlp.yaml --threads 1 -b "$@"; }
    one 8 --jsonl lines >table
    one 16 --json >>lines
    truncate -s -20 lines # as a crash leaves it
    one 32 --jsonl lines >table
    [ "$(wc -l <lines)" -eq 3 ]
    [[ $(sed -n 3p lines) == '{"model": '*'"batch": 32,'*'}' ]]
    succeeds one 8,32 --baseline lines --max-slowdown 5000%
    says "lines:2: warning: no whole result, passed over: "
    fails 1 one 16 --baseline lines
    says "lines: has no result of specs/digits-mlp.yaml, training, batch 16, 1 thread"
    one 64 --jsonl lines >table # nothing to be mended now
    [ "$(wc -l <lines)" -eq 4 ]
}

@test "bench: warnings name what they are of" {
    run "$ctorch" bench specs/digits-mlp.yaml --seconds 0.02 --no-peak --threads 64 -b 8,16
    [ "$status" -eq 0 ]
    says "ctorch: specs/digits-mlp.yaml, training, batch 8, 64 threads: 64 threads share "
    says "ctorch: specs/digits-mlp.yaml, training, batch 16, 64 threads: 64 threads share "
}

@test "bench: --trace writes a step's kernels one after another" {
    need_python
    succeeds quickly specs/digits-mlp.yaml --trace step.json
    output=$(cat step.json)
    json '[(e["name"], e["args"]["name"]) for e in d["traceEvents"] if e["ph"] == "M"] == [
        ("process_name", "ctorch bench"), ("thread_name", "specs/digits-mlp.yaml")]'
    json '[e["name"] for e in d["traceEvents"]][2:4] == ["load", "linear+relu"]'
    json 'all(e["ph"] == "X" and e["dur"] >= 0 and e["args"]["bytes"] > 0 for e in d["traceEvents"][2:])'
    json 'all(a["ts"] + a["dur"] <= b["ts"] + 1e-3 for a, b in zip(d["traceEvents"][2:], d["traceEvents"][3:]))'
    fails 1 "$ctorch" bench specs/digits-mlp.yaml -s 86400 --trace away/step.json # at once
    says "away/step.json: cannot be written: No such file"
    fails 2 quickly specs/digits-mlp.yaml -b 1,2 --trace step.json
}

@test "bench: without the data random numbers stand in, and a note says so" {
    run "$ctorch" bench specs/mnist-mlp.yaml --seconds 0.02 --no-peak
    [ "$status" -eq 0 ]
    says "specs/mnist-mlp.yaml: random numbers instead of the data: mnist: train-images-idx3-ubyte is not in data/mnist"
    run "$ctorch" bench specs/mnist-mlp.yaml --vs specs/mnist-cnn.yaml -b 1 --eval --seconds 0.02 --no-peak
    [ "$status" -eq 0 ]
    for spec in mnist-mlp mnist-cnn; do # each once
        [ "$(grep -c "^ctorch: specs/$spec.yaml: random numbers instead of the data" <<<"$output")" -eq 1 ]
    done
    run "$ctorch" bench specs/mnist-mlp.yaml --seconds 0.02 --no-peak --device-only
    [ "$status" -eq 0 ]
    [[ $output != *"random numbers"* ]]
}

@test "bench: what is wrong is said" {
    fails 2 quickly
    says "bench wants SPEC|MODEL..."
    fails 2 quickly away.yaml
    says "away.yaml: error: cannot be read: No such file"
    quick -o run
    head -c 1000 run/best.safetensors >cut.safetensors
    fails 3 quickly cut.safetensors
    fails 1 quickly .
    says "holds no model"
    fails 2 quickly run --set train.batch_size=8
    says "run: a model has its own spec"
    fails 2 quickly specs/digits-mlp.yaml --set optimizer.adam.lr=-1
    for list in 0 -1 1,,2 , 1: 5:2 1:8:0 1:8:*1 1:100 9999999999 x 8x; do
        fails 2 quickly specs/digits-mlp.yaml -b "$list"
        says "bench --batch: '$list' is no list of numbers from 1 to 1048576"
    done
    fails 2 quickly specs/digits-mlp.yaml --threads 4000
    fails 2 quickly specs/digits-mlp.yaml --baseline x --max-slowdown fast
    says "'fast' is no percentage"
    fails 2 quickly specs/digits-mlp.yaml --max-slowdown 5%
    fails 2 quickly specs/digits-mlp.yaml --csv --json
    fails 1 quickly specs/digits-mlp.yaml --jsonl away/file
    fails 4 quickly specs/digits-mlp.yaml --set "optimizer={sgd: {lr: 1e30}}"
    says "the loss is "
}

@test "bench --ops: ops alone, by pattern, with their rates; what no op is called" {
    succeeds quickly --ops '*softmax' matmul view
    [ "${#lines[@]}" -eq 5 ]
    [[ ${lines[0]} == "op  "*"FLOP/s"*"byte/s"* && ${lines[1]} == "softmax  "*"(1024, 1024)"* && ${lines[3]} == "view  "* ]]
    succeeds quickly --ops exp view # no products, and no kernel
    [[ $output != *FLOP/s* && $output == *byte/s* ]]
    fails 2 quickly --ops 'matmlu'
    says "no op is called 'matmlu'"
    fails 2 quickly --ops exp matmlu
    fails 2 quickly
    says "bench wants SPEC|MODEL..., or --ops"
}

@test "bench --ops: threads, every form, earlier results" {
    need_python
    succeeds quickly --ops matmul --json --samples --threads 1 --jsonl lines
    [ "$output" = "$(cat lines)" ]
    json 'd["op"] == "matmul" and d["shape"] == "(512, 512)" and d["threads"] == 1 and d["model"] is None'
    json 'd["operations"] == 2 * 512 ** 3 and d["bytes"] == 3 * 4 * 512 ** 2'
    json '0 < d["median_s"] < 10 and abs(d["median_s"] * d["per_s"] - 1) < 1e-6 and d["spread"] >= 0'
    json 'len(d["samples_s"]) == d["steps"] >= 8 and d["of_product"] is None'
    succeeds quickly --ops matmul exp --threads 1,2 --csv
    [ "${#lines[@]}" -eq 5 ]
    [[ ${lines[1]} == ,exp,*,1,* && ${lines[2]} == ,exp,*,2,* && ${lines[4]} == ",matmul,\"(512, 512)\","*,2,* ]]
    succeeds quickly --ops matmul --markdown
    [[ ${lines[0]} == "| op | result | threads |"* && ${lines[2]} == "| matmul | (512, 512) | "* ]]
    succeeds quickly --ops matmul --threads 1 --baseline lines --max-slowdown 5000%
    says "matmul, 1 thread: "
    fails 1 quickly --ops exp --threads 1 --baseline lines
    says "lines: has no result of exp, 1 thread"
    sed -i 's/"median_s": [0-9.e-]*/"median_s": 1e-9/' lines
    fails 1 quickly --ops matmul --threads 1 --baseline lines
}

@test "bench --ops: what does not go with it is refused" {
    for option in --vs=x --set=a=1 --batch=8 --eval --device-only --trace=x; do
        fails 2 quickly --ops matmul $option
        says "bench --ops: no ${option%%=*}"
    done
    fails 2 quickly --ops matmul --threads 0
    fails 2 quickly --ops matmul --csv --json
}

@test "bench --ops: every op of the table; those with a size for timing have it" {
    succeeds quickly --ops --seconds 0.0001 --csv
    page=$(dirname "$ctorch")/gen/ctorch-ops.7 # its table has a line before and after, and a head as well
    [ "${#lines[@]}" -eq $(($(sed -n '/^.Bd/,/^.Ed/p' "$page" | wc -l) - 2)) ]
    need_python
    printf '%s\n' "${lines[@]}" >table
    sed -n 's/^    {"\([a-z0-9_]*\)", ".*/\1/p' "$repo/lib/run/op_time.c" >sized
    [ "$(wc -l <sized)" -gt 40 ]
    python3 -c 'import csv
large = {r["op"] for r in csv.DictReader(open("table")) if float(r["bytes"]) > 1e5}
small = set(open("sized").read().split()) - large
assert not small, f"timed on small inputs, or no ops: {small}"'
}
