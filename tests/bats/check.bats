# What check says that a model costs, held against a run.

setup() {
    load common
    common_setup
    need_python
}

# spec NAME SHAPE MODEL...: on random data, in NAME.yaml
spec() {
    cat >"$1.yaml" <<END
data: {dataset: random, shape: $2, classes: 10, samples: 16}
model: $3
loss: cross_entropy
optimizer: {adam: {lr: 1e-4}}
train: {steps: 2, batch_size: 8}
END
}

# resident OPTIONS...: bytes that train had at its peak
resident() {
    "$repo/build/bench/measure" -o peak.json "$ctorch" train "$@" -o run --force --quiet >/dev/null
    python3 -c 'import json; print(int(json.load(open("peak.json"))["peak_mib"] * 2**20))'
}

@test "multiply-adds are those of the papers, of one sample whatever the batch" {
    for case in resnet50:4089184256 mobilenet-v2:300774272 resnet20:40813184 mnist-mlp:101632; do
        succeeds "$ctorch" check "specs/${case%:*}.yaml" --json
        json "d['multiply_adds'] == ${case#*:} == sum(l['multiply_adds'] for l in d['layers'])"
        succeeds "$ctorch" check "specs/${case%:*}.yaml" --json -b 3
        json "d['multiply_adds'] == ${case#*:} and d['batch_size'] == 3"
    done
}

@test "multiply-adds of each kind of layer" {
    # an LSTM's input and state by 4 gates, 5 steps; a transposed convolution spreads each input
    spec lstm '[5, 3]' '[lstm: {hidden_size: 2, batch_first: true}, flatten, linear: 10]'
    succeeds "$ctorch" check lstm.yaml --json
    json "[l['multiply_adds'] for l in d['layers']] == [5 * (3 + 2) * 4 * 2, 0, 100]"
    spec up '[3, 4, 4]' '[conv_transpose2d: {out_channels: 5, kernel_size: 2}, conv2d: {out_channels: 4, kernel_size: 1, groups: 1}, flatten, linear: 10]'
    succeeds "$ctorch" check up.yaml --json
    json "[l['multiply_adds'] for l in d['layers']] == [16 * 3 * 5 * 4, 25 * 5 * 4, 0, 1000]"
    spec add '[4]' '[residual: [linear: 4, relu], linear: 10]'
    succeeds "$ctorch" check add.yaml --json
    json "[(l['layer'], l['multiply_adds']) for l in d['layers']] == [('linear', 16), ('relu', 0), ('residual', 0), ('linear', 40)]"
}

@test "activations are what the backward reads, and grow with the batch" {
    spec mlp '[100]' '[linear: 50, relu, linear: 20, sigmoid, linear: 10]'
    succeeds "$ctorch" check mlp.yaml --json
    json "[l['activation_bytes'] for l in d['layers']] == [0, 8*50*4, 0, 8*20*4, 8*10*4]"
    succeeds "$ctorch" check mlp.yaml --json --batch 4
    json "[l['activation_bytes'] for l in d['layers']] == [0, 4*50*4, 0, 4*20*4, 4*10*4]"
}

@test "memory by kind: of the optimizer, of accumulated gradients, with checkpointed activations" {
    spec mlp '[1000]' '[linear: 1000, relu, linear: 10]'
    weights=$((4 * (1000 * 1000 + 1000 + 10 * 1000 + 10)))
    succeeds "$ctorch" check mlp.yaml --json
    json "d['bytes']['parameters'] == $weights == d['bytes']['gradients'] == d['bytes']['optimizer'] / 2"
    json "d['peak_bytes'] == sum(d['bytes'].values())"
    succeeds "$ctorch" check mlp.yaml --json --set train.accumulate=2
    json "d['bytes']['gradients'] == 2 * $weights"
    printf '%s\n' 'optimizer: {sgd: {lr: 1}}' >>mlp.yaml
    sed -i /adam/d mlp.yaml
    succeeds "$ctorch" check mlp.yaml --json
    json "d['bytes']['optimizer'] == 0 and d['bytes']['gradients'] == $weights"
    all=$("$ctorch" check specs/gpt-nano.yaml --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["peak_bytes"])')
    succeeds "$ctorch" check specs/gpt-nano.yaml --json --set train.checkpoint_activations=true
    json "d['peak_bytes'] < 0.9 * $all"
}

@test "the peak is that of a run, to 10%" {
    need_plain_memory
    [ -x "$repo/build/bench/measure" ] || skip "no build/bench/measure"
    spec tiny '[2]' '[linear: 10]'
    spec mlp '[1000]' '[linear: 3000, relu, linear: 1000, relu, linear: 10]'
    spec conv '[3, 64, 64]' '[conv2d: {out_channels: 32, kernel_size: 3, bias: false}, batch_norm, relu, conv2d: {out_channels: 64, kernel_size: 3}, relu, flatten, linear: 10]'
    process=$(resident tiny.yaml)
    for options in mlp.yaml "mlp.yaml --set train.accumulate=2" conv.yaml "conv.yaml --set data.validation=0.5" \
        "specs/bert-small.yaml --set train.steps=2 --set train.batch_size=4" \
        "specs/resnet18.yaml --set train.steps=2 --set train.batch_size=4 --set data.samples=64"; do
        # shellcheck disable=SC2086 # options are words
        rise=$(($(resident $options) - process))
        # shellcheck disable=SC2086
        succeeds "$ctorch" check $options --json
        json "abs(d['peak_bytes'] - $rise) < 0.1 * $rise"
    done
}

@test "a model of any size is looked at in little memory" {
    need_plain_memory
    ulimit -v 1000000
    succeeds "$ctorch" check specs/gpt2.yaml --json -b 64
    json "d['parameters'] == 124439808 and d['peak_bytes'] > 5e10"
    succeeds "$ctorch" check specs/resnet50.yaml --batch 4096
    says "memory to train with batches of 64" # samples, there are no more
}

@test "--batch wants a number; the data are counted before they are there" {
    fails 2 "$ctorch" check specs/mnist-mlp.yaml -b 0
    says "--batch: '0' is not a whole number from 1"
    succeeds "$ctorch" check specs/resnet20.yaml --set data='{dataset: cifar-10}'
    says "data            184.4 MB" # 60,000 of 3,073 bytes, in an archive whose size does not tell
    succeeds "$ctorch" check specs/mnist-mlp.yaml --set data='{images: nowhere}' --json
    json "d['input'] is None and 'peak_bytes' not in d and d['layers'] == []"
}
