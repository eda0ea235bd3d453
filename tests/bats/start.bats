# How runs start: with another model's weights; tried before; with a limit of time.

setup() {
    load common
    common_setup
}

# cnn CLASSES MORE: a small convolutional model of the digits, in s.yaml
cnn() {
    cat >s.yaml <<Y
data: {dataset: digits, validation: 0.1$2}
model: [conv2d: {out_channels: 8, kernel_size: 3}, relu, max_pool2d: 2, flatten, {linear: 32}, relu, linear: $1]
loss: cross_entropy
optimizer: {adam: {lr: 3e-3}}
train: {epochs: 1, batch_size: 32}
Y
}

@test "init.from: ten classes start five; the table is right, and it learns faster" {
    need_python
    cnn 10
    "$ctorch" train s.yaml -o base --quiet --set train.epochs=5
    cnn 5 ", only: [8, 2, 4, 6, 0]"
    slow=$("$ctorch" train s.yaml -o scratch --json)
    echo "init: {from: base}" >>s.yaml
    output=$("$ctorch" train s.yaml -o tuned --json 2>err)
    [ "$(<err)" = "ctorch: starting from base/best.safetensors
  loaded           4  0.weight, 0.bias, 4.weight, 4.bias
  by class         2  6.weight, 6.bias; rows from the file: 8, 2, 4, 6, 0" ]
    json "d['validation_loss'] < 0.3 * $(printf '%s' "$slow" | python3 -c 'import json, sys; print(json.load(sys.stdin)["validation_loss"])')"
    grep -q '^{"type":"init","loaded":4,"by_class":2,"reinitialised":0,"missing":0,"unused":0}$' tuned/log.jsonl
    run "$ctorch" eval --json tuned
    json '[c["name"] for c in d["classes"]] == ["8", "2", "4", "6", "0"] and len(d["confusion"]) == 5'
    json 'd["n"] == sum(c["support"] for c in d["classes"]) == 176 and d["accuracy"] > 0.9'
    succeeds "$ctorch" train s.yaml -o quiet --quiet
    [ -z "$output" ]
}

@test "init.from: a path from the spec's place, kept in the run's spec, in no model" {
    mkdir -p specs.d/deep
    cnn 10
    mv s.yaml specs.d/deep/s.yaml
    "$ctorch" train specs.d/deep/s.yaml -o specs.d/base --quiet
    echo "init: {from: ../base/last.safetensors, on_mismatch: error}" >>specs.d/deep/s.yaml
    "$ctorch" train specs.d/deep/s.yaml -o runs/next --quiet
    grep -q '^  from: ../../specs.d/base/last.safetensors$' runs/next/spec.yaml
    rm -r specs.d/base
    succeeds "$ctorch" train --resume runs/next
    succeeds "$ctorch" eval runs/next
    cp runs/next/best.safetensors alone.safetensors
    succeeds "$ctorch" eval alone.safetensors
    ! grep -aq 'specs.d\|on_mismatch' alone.safetensors
    fails 1 "$ctorch" train specs.d/deep/s.yaml -o runs/next --force
    says "init.from: specs.d/deep/../base/last.safetensors: cannot be opened"
    succeeds "$ctorch" eval runs/next # what was there before
}

@test "data.only: classes that are not there, and samples without a class" {
    cnn 2 ", only: [1, cat]"
    fails 2 "$ctorch" train s.yaml -o run
    says "data: only: digits has no class 'cat'"
    cnn 3 ", only: ['1', '2']"
    fails 2 "$ctorch" check s.yaml
    says "the data has 2 classes: it must be (N, 2)"
    cat >t.yaml <<'Y'
data: {dataset: random, shape: [4], target: [3], only: ["1"]}
model: [linear: 3]
loss: mse
optimizer: adam
Y
    fails 2 "$ctorch" train t.yaml -o run
    says "only wants a class for each sample; random has none"
}

@test "train --dry-run: a step and an evaluation, and nothing is left" {
    need_python
    ls >before
    succeeds "$ctorch" train specs/digits-mlp.yaml --dry-run
    says "a step on 32 samples: loss 2." "a batch of the validation samples: loss 2." " ms with its plan"
    run "$ctorch" train - --dry-run --json <specs/digits-mlp.yaml
    json 'd["samples"] == 32 and 2 < d["loss"] < 3 and 2 < d["evaluation_loss"] < 3 and d["parameters"] == 4810'
    succeeds "$ctorch" train specs/digits-mlp.yaml --dry-run --quiet
    [ -z "$output" ]
    fails 3 "$ctorch" train specs/mnist-mlp.yaml --dry-run
    says "ctorch fetch mnist"
    fails 2 "$ctorch" train specs/digits-mlp.yaml --dry-run --set model.3.linear=11
    says "it must be (N, 10)"
    fails 2 "$ctorch" train --resume run --dry-run
    fails 2 "$ctorch" train specs/digits-mlp.yaml --dry-run --overfit 1
    [ "$(ls)" = "$(cat before)" ]
}

@test "train --overfit: near zero, or it says that it could not" {
    need_python
    ls >before
    succeeds "$ctorch" train specs/digits-mlp.yaml --overfit 2
    says "64 samples learned by heart in "
    run "$ctorch" train specs/digits-mlp.yaml --overfit 1 --json --set optimizer.adam.lr=1e-9 --set train.batch_size=4
    [ "$status" -eq 1 ]
    says "after 1000 passes over 4 samples the loss is "
    output=$(grep '^{' <<<"$output")
    json 'd["passes"] == 1000 and d["learned"] is False and d["loss"] > 0.9 * d["first_loss"]'
    fails 2 "$ctorch" train specs/digits-mlp.yaml --overfit 0
    [ "$(ls)" = "$(cat before)" ]
}

@test "train --max-time: the run is complete when the time is up" {
    need_python
    run "$ctorch" train specs/digits-mlp.yaml -o run --json --max-time 0.2s --set train.epochs=1000000
    json 'd["out_of_time"] and not d["stopped_early"] and 0 < d["steps"] < 41000000 and d["seconds"] >= 0.2'
    tail -n 1 run/log.jsonl | grep -q '^{"type":"end","reason":"max_time","step":[0-9]*,"max_seconds":0.2}$'
    succeeds "$ctorch" eval run
    succeeds "$ctorch" train --resume run
    says "at the end of its time"
    for wrong in 5 -1s 0s 1m1h 2x h '' 99999d; do
        fails 2 "$ctorch" train specs/digits-mlp.yaml -o other --max-time "$wrong"
        says "is no time, such as 90s, 15m, 2h, 1d or 1h30m"
    done
    "$ctorch" train specs/digits-mlp.yaml -o long --quiet --max-time 1d2h30m1.5s
    grep -q '"type":"epoch","epoch":30' long/log.jsonl
    ! grep -q '"type":"end"' long/log.jsonl
}
