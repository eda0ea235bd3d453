# ctorch bench: what it prints in each form, what multiplies, what is compared, what is refused. Never how fast it is.

setup() {
    load common
    common_setup
}

# quickly ARGUMENT...: a measurement that is over at once
quickly() { "$ctorch" bench --seconds 0.02 --quiet --no-peak "$@"; }

@test "bench: a result for people, with its kernels" {
    succeeds "$ctorch" bench specs/digits-mlp.yaml --seconds 0.02
    says "median " "samples/s " "FLOP/s " "of product " "of copy " "memory " "dearest kernels" "linear+relu" "adam" "load"
    [ "$(grep -c '^step *training$' <<<"$output")" -eq 1 ]
    succeeds quickly specs/digits-mlp.yaml --eval --device-only
    says "forward"
    [[ $output != *adam* && $output != *"load "* && $output != *"of product"* ]]
}

@test "bench: lists, ranges, specs and models multiply, in Markdown, CSV and lines of JSON" {
    need_python
    quick -o run
    succeeds quickly specs/digits-mlp.yaml run run/best.safetensors -b 1,4:16:*2 --threads 1:2 --csv
    [ "$(wc -l <<<"$output")" -eq 25 ]
    [[ ${lines[0]} == model,step,batch,threads,*median_s,*per_s,*peak_bytes,* ]]
    [[ ${lines[4]} == specs/digits-mlp.yaml,training,16,1,* && ${lines[5]} == specs/digits-mlp.yaml,training,1,2,* ]]
    [[ ${lines[24]} == run/best.safetensors,training,16,2,* ]]
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
    json 'd["precision"] == "f32"'
    json 'd["of_product"] > 0 and d["vs"] is None and d["vs_ratio"] is None and isinstance(d["warnings"], list)'
}

@test "bench: a step takes fewer than half the launches that it takes without passes" {
    for spec in mnist-cnn gpt-nano; do
        succeeds quickly "specs/$spec.yaml" -b 2 --device-only --csv
        with=$(cut -d, -f7 <<<"${lines[1]}")
        succeeds quickly "specs/$spec.yaml" -b 2 --device-only --csv --passes=-all
        [ "$((2 * with))" -lt "$(cut -d, -f7 <<<"${lines[1]}")" ]
    done
}

@test "bench: --vs a spec, a model, another program: a ratio and its interval" {
    need_python
    succeeds quickly specs/digits-mlp.yaml --vs specs/lenet5.yaml -b 32 --json
    json 'd["vs"] == "specs/lenet5.yaml" and 0 < d["vs_low"] <= d["vs_ratio"] <= d["vs_high"] < 1' # 20 times the work
    quick -o run
    succeeds quickly run --vs specs/lenet5.yaml -b 32 --eval
    says "run takes 0." ": faster"
    printf '#!/bin/sh\necho "$*" >>args\nexec "%s" "$@"\n' "$ctorch" >other
    chmod +x other
    succeeds quickly specs/digits-mlp.yaml --vs other -b 8 --threads 1 --eval --set model.1.linear=9 --json
    json 'd["vs"] == "other" and 0 < d["vs_low"] <= d["vs_ratio"] <= d["vs_high"]'
    [ "$(wc -l <args)" -eq 10 ]
    [ "$(sort -u args)" = "bench specs/digits-mlp.yaml --json --no-peak --quiet --set model.1.linear=9 --eval --threads=1 \
--batch=8 --seconds=0.002" ]
    printf '#!/bin/sh\necho "{}"\n' >other
    fails 1 quickly specs/digits-mlp.yaml --vs ./other
    says "./other: 'bench --json' gives no median_s"
}

@test "bench: --baseline passes what is as fast, fails what has become slower or was not there" {
    quickly specs/digits-mlp.yaml -b 8,16 --json >before
    succeeds quickly specs/digits-mlp.yaml -b 8,16 --baseline before --max-slowdown 5000%
    says "digits-mlp.yaml, training, batch 8: " "than in before (95%: "
    sed '2s/"median_s": [0-9.e-]*/"median_s": 1e-9/' before >doctored
    fails 1 quickly specs/digits-mlp.yaml -b 8,16 --baseline doctored --max-slowdown 5000%
    says "ctorch: specs/digits-mlp.yaml: more than 5e+03% slower than in doctored"
    fails 1 quickly specs/digits-mlp.yaml -b 9 --baseline before
    says "before: has no result of specs/digits-mlp.yaml, training, batch 9, "
    head -c 300 before >cut
    fails 1 quickly specs/digits-mlp.yaml -b 8 --baseline cut
    says "cut: is no result of 'bench --json': line 1: "
}

@test "bench: --trace writes a step's kernels one after another" {
    need_python
    succeeds quickly specs/digits-mlp.yaml --trace step.json
    output=$(cat step.json)
    json '[e["name"] for e in d["traceEvents"]][:2] == ["load", "linear+relu"]'
    json 'all(e["ph"] == "X" and e["dur"] >= 0 and e["args"]["bytes"] > 0 for e in d["traceEvents"])'
    json 'all(a["ts"] + a["dur"] <= b["ts"] + 1e-3 for a, b in zip(d["traceEvents"], d["traceEvents"][1:]))'
    fails 1 quickly specs/digits-mlp.yaml --trace away/step.json
    says "away/step.json: cannot be written: No such file"
    fails 2 quickly specs/digits-mlp.yaml -b 1,2 --trace step.json
}

@test "bench: without the data random numbers stand in, and a note says so" {
    run "$ctorch" bench specs/mnist-mlp.yaml --seconds 0.02 --no-peak
    [ "$status" -eq 0 ]
    says "specs/mnist-mlp.yaml: random numbers instead of the data: mnist: train-images-idx3-ubyte is not in data/mnist"
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

@test "bench --ops: ops alone, by pattern, with their rates; as JSON; what no op is called" {
    need_python
    succeeds quickly --ops '*softmax' matmul view
    [ "${#lines[@]}" -eq 5 ]
    [[ ${lines[0]} == "op  "*"byte/s" && ${lines[1]} == "softmax  "*"(1024, 1024)"* && ${lines[3]} == "view  "* ]]
    succeeds quickly --ops matmul --json
    python3 -c 'import json, sys
k = json.loads(sys.argv[1])
assert k["op"] == "matmul" and k["operations"] == 2 * 512 ** 3 and k["bytes"] == 3 * 4 * 512 ** 2, k
assert 0 < k["seconds"] < 10 and k["threads"] > 0, k' "$output"
    fails 2 quickly --ops 'matmlu'
    says "no op is called so"
    fails 2 quickly
    says "bench wants SPEC|MODEL..., or --ops"
}

@test "bench --ops: every op of the table" {
    succeeds quickly --ops --seconds 0.0001
    page=$(dirname "$ctorch")/gen/ctorch-ops.7 # its table has a line before and after, and a head as well
    [ "${#lines[@]}" -eq $(($(sed -n '/^.Bd/,/^.Ed/p' "$page" | wc -l) - 2)) ]
}
