# The spec's language: what its pages promise, from a file to a trained model.

setup() {
    load common
    common_setup
}

@test "graph: the man page's block trains" {
    cat >spec.yaml <<'Y'
data: {dataset: digits}
blocks:
  conv:
    params: {width: , stride: 1}
    layers: [conv2d: {out_channels: $width, kernel_size: 3, stride: $stride}, relu]
model: [conv: 8, conv: {width: 16, stride: 2}, flatten, linear: 10]
loss: cross_entropy
optimizer: {adamw: {lr: 1e-2, weight_decay: 0.1}, groups: {"*.bias": {weight_decay: 0}}}
schedule: {one_cycle: {max_lr: 1e-2, total_steps: 46}, per: step}
train: {epochs: 2}
Y
    run "$ctorch" train spec.yaml -o run
    [ "$status" -eq 0 ]
    run "$ctorch" eval run --json
    [ "$status" -eq 0 ]
    [[ $output =~ '"accuracy": 0.'[89] ]]
    run grep -c 'blocks\|\$' run/spec.yaml # resolved: what is kept needs no blocks
    [ "$output" = 0 ]
}

@test "graph: an error in a block names the block's line and the use's" {
    cat >spec.yaml <<'Y'
data: {dataset: digits}
blocks:
  body:
    params: {width: }
    layers: [linear: $width, conv2d: {out_channels: 3, kernel_size: 3}]
model:
  - flatten
  - body: 12
loss: cross_entropy
optimizer: adam
Y
    run "$ctorch" check spec.yaml
    [ "$status" -eq 2 ]
    [[ $output == *"spec.yaml:5:30: error: conv2d wants an input (N, C, H, W), it has 2 dimensions"* ]]
    [[ $output == *"spec.yaml:8:5: note: used here"* ]]
}

@test "graph: include lies under the spec, --set over it" {
    echo 'train: {epochs: 9, batch_size: 32}' >base.yaml
    cat >spec.yaml <<'Y'
include: base.yaml
data: {dataset: digits}
model: [flatten, linear: 10]
loss: cross_entropy
optimizer: sgd
train: {epochs: 3}
Y
    run "$ctorch" train spec.yaml -o run --set train.epochs=1
    [ "$status" -eq 0 ]
    [[ $output == "1 epoch, 46 steps"* ]]
}

@test "graph: every model that comes along trains on random data" {
    for spec in "$repo"/specs/*.yaml; do
        grep -q 'dataset: random' "$spec" || continue
        small=(--set train.epochs=1 --set train.batch_size=4 --set data.samples=8)
        grep -q 'shape: \[3, 224, 224\]' "$spec" && small+=(--set 'data.shape=[3, 64, 64]')
        grep -q '^vars:.*vocab' "$spec" && small+=(--set vars.dim=64 --set vars.heads=4 --set vars.depth=2
            --set vars.vocab=100 --set 'data.shape=[16]')
        grep -q 'sgd:' "$spec" && small+=(--set optimizer.sgd.lr=0.01)
        run "$ctorch" train "$spec" -o run --force "${small[@]}"
        [ "$status" -eq 0 ] || { echo "$spec: $output"; false; }
    done
}
