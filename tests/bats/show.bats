# ctorch show: what it draws of a model, its steps, its schedule and its data.

setup() {
    load common
    common_setup
}

# A model with all that can be in one: blocks, branches, a projected shortcut, named values, several losses.
rich() {
    cat >rich.yaml <<'END'
data: {dataset: random, shape: [3, 8, 8], target: [2], inputs: {extra: [4]}}
blocks:
  unit: {params: {width: }, layers: [conv2d: {out_channels: $width, kernel_size: 3, padding: 1}, relu]}
model:
  - unit: 4
  - {unit: 6, repeat: 2}
  - {residual: [conv2d: {out_channels: 8, kernel_size: 1}], name: body}
  - concat: [[relu], [sequential: [tanh, sigmoid]]]
  - {parallel: {left: [relu], right: [tanh]}}
  - {add: {inputs: [left, right, 1.5]}, name: sum}
  - {residual: [relu], name: same}
  - flatten
  - {linear: 4, name: shape}
  - {add: {inputs: [extra, shape]}}
  - {linear: 2, name: out}
loss: [mse, {l1: {inputs: [out], weight: 0.5}}]
optimizer: sgd
END
}

@test "show: a tree of names, outputs, parameters, settings, nesting" {
    succeeds "$ctorch" show specs/resnet20.yaml
    says $'\n3 stage   ' $'\n|- 3.0 basic   ' $'\n|  |- 3.0.0 residual   ' $'\n|  |  |- 3.0.0.0 conv2d   ' \
        $'\n|  |  `- 3.0.0.4 batch_norm   ' $'\n|  `- 3.0.1 relu   ' $'\n`- 3.2 basic   ' $'\n   |- 3.2.0 residual   ' \
        $'\n|  |     |- 4.0.0.shortcut.0 conv2d   ' "(N, 16, 32, 32)        2304  out_channels: 16, kernel_size: 3"
    [[ $output =~ $'\n'total\ +272474$ ]]
    [[ $output != *" "$'\n'* ]]
    succeeds "$ctorch" show specs/vae.yaml
    says "logvar linear <- hidden" "apart mul <- std, noise" $'\nkl_normal <- mu, logvar\n' $'\nmse <- 13, input\n'
    succeeds "$ctorch" show specs/gpt2.yaml
    says "out_features: 50257, bias: false, weight tied to wte.weight"
    succeeds "$ctorch" show specs/mnist-mlp.yaml --set 'freeze=["1.*"]'
    [[ $output =~ $'\n'trainable\ +1290$ ]]
}

@test "show: all specs of the shelf; parameters and outputs are those of check" {
    need_python
    for spec in specs/*.yaml; do
        "$ctorch" check --json "$spec" >check.json
        succeeds "$ctorch" show --json "$spec"
        printf '%s' "$output" >show.json
        python3 - "$spec" <<'END'
import json, sys
show, check = json.load(open("show.json")), json.load(open("check.json"))
parts = show["parts"]
assert show["parameters"] == check["parameters"] and show["trainable"] == check["trainable"], sys.argv[1]
rows = {l["name"]: l for l in check["layers"]}
layers = {p["name"]: p for p in parts if p["kind"] == "layer"}
assert set(layers) <= set(rows)
for name, p in layers.items():
    assert (p["output"], p["parameters"]) == (rows[name]["output"], rows[name]["parameters"]), (sys.argv[1], name)
    assert p["layer"] == rows[name]["layer"]
assert sum(p["parameters"] for p in layers.values()) == show["parameters"]
for i, p in enumerate(parts):
    assert all(k < i and parts[k]["kind"] not in ("group", "branch", "loss") for k in p["inputs"])
    assert p["group"] is None or p["group"] < i and parts[p["group"]]["kind"] in ("group", "branch")
    assert p["kind"] in ("field", "group", "branch") or p["inputs"] or p["name"] in ("parameter",), p
END
    done
}

@test "show: who reads whose result" {
    need_python
    rich
    succeeds "$ctorch" show --json rich.yaml
    printf '%s' "$output" >show.json
    python3 - <<'END'
import json
parts = json.load(open("show.json"))["parts"]
def one(name, kind): return [p for p in parts if p["name"] == name and p["kind"] == kind][0]
def reads(name, kind="layer"): return [parts[i]["name"] + "/" + parts[i]["kind"] for i in one(name, kind)["inputs"]]
def groups(name, kind="layer"):
    found, g = [], one(name, kind)["group"]
    while g is not None: found.append(parts[g]["name"]); g = parts[g]["group"]
    return found
assert [p["name"] for p in parts if p["kind"] == "field"] == ["input", "extra"]
assert [p["layer"] for p in parts if p["kind"] == "group"][:3] == ["unit", "unit", "unit"]
assert reads("0.0") == ["input/field"] and reads("1.0") == ["0.1/layer"] and groups("0.0") == ["0"]
assert reads("body", "join") == ["body.0/layer", "body.shortcut.1/layer"] and groups("body.shortcut.0") == ["body.shortcut", "body"]
assert reads("body.shortcut.0") == ["2.1/layer"]
assert reads("4.0.0") == ["body/join"] and reads("4.1.0.0") == ["body/join"] and groups("4.1.0.0") == ["4.1.0", "4.1", "4"]
assert reads("4", "join") == ["4.0.0/layer", "4.1.0.1/layer"]
assert reads("5.left.0") == ["4/join"] and reads("sum") == ["5.left.0/layer", "5.right.0/layer"]
assert reads("same.0") == ["sum/layer"] and reads("same", "join") == ["same.0/layer", "sum/layer"]
assert reads("8") == ["same/join"] and reads("10") == ["extra/field", "shape/layer"]
assert reads("mse", "loss") == ["out/layer"] and reads("l1", "loss") == ["out/layer"]
END
    succeeds "$ctorch" show rich.yaml
    says "sum add <- left, right, 1.5" "body.shortcut branch" "10 add <- extra, shape" "4.1 branch"
}

@test "show: --depth closes groups" {
    succeeds "$ctorch" show specs/resnet20.yaml --depth 1
    says $'\n3 stage '
    [[ $output != *3.0* ]]
    succeeds "$ctorch" show specs/resnet20.yaml -d 2
    says $'\n`- 3.2 basic '
    [[ $output != *residual* ]]
}

@test "show: a terminal gets what fits into its width" {
    command -v script >/dev/null || skip "no script"
    for width in 20 45 60 200; do
        LC_ALL=C.UTF-8 TERM=xterm script -qec "stty cols $width; '$ctorch' show specs/resnet20.yaml" out >/dev/null </dev/null
        sed '1d;$d' out | tr -d '\r' >lines
        grep -q '├─ 3.0 ba' lines
        [ "$(wc -L <lines)" -le "$width" ]
    done
    grep -q "out_channels" lines
    LC_ALL=C TERM=xterm script -qec "'$ctorch' show specs/resnet20.yaml" out >/dev/null </dev/null
    grep -q -- '|- 3.0 basic' out
}

@test "show: runs and models, as the spec that they were trained by" {
    quick -o run
    "$ctorch" show specs/digits-mlp.yaml >spec
    for model in run run/best.safetensors; do
        succeeds "$ctorch" show $model
        [ "$output" = "$(<spec)" ]
    done
    fails 2 "$ctorch" show run --set train.epochs=2
    says "a model has its own spec"
    cp run/best.safetensors damaged.safetensors
    printf X | dd of=damaged.safetensors bs=1 seek=9 conv=notrunc status=none
    fails 3 "$ctorch" show damaged.safetensors
    mkdir empty
    fails 1 "$ctorch" show empty
    says "holds no model"
}

@test "show: a model knows its fields, whatever has become of its data" {
    printf '%s\n' a,b,kind 1,2,x 2,1,y 1,3,x 3,1,y 1,2,x 2,1,y >table.csv
    printf '%s\n' 'data: {csv: table.csv, target: kind, validation: 0}' 'model: [linear: 2]' 'loss: cross_entropy' \
        'optimizer: sgd' 'train: {epochs: 1}' >spec.yaml
    "$ctorch" train spec.yaml -q -o run
    succeeds "$ctorch" show run
    shown=$output
    for data in a,b,sort a,b,kind; do
        echo "$data" >table.csv
        succeeds "$ctorch" show run
        [ "$output" = "$shown" ]
        succeeds "$ctorch" show --plan run
    done
}

@test "show: shapes that only the data tell are the data's" {
    need_python
    digits_png images/train/a 4
    cp -r images/train/a images/train/b
    printf '%s\n' 'data: {images: images}' 'model: [flatten, linear: 2]' 'loss: cross_entropy' 'optimizer: sgd' >spec.yaml
    succeeds "$ctorch" show spec.yaml
    says "(N, 1, 8, 8)" "(N, 64)"
    rm -r images
    fails 1 "$ctorch" show spec.yaml
    says "images"
}

@test "show: what is wrong is refused" {
    fails 2 "$ctorch" show
    fails 2 "$ctorch" show a b
    fails 2 "$ctorch" show "$repo/tests/wrong/shape-groups.yaml"
    says "shape-groups.yaml:3:52: error"
    fails 2 "$ctorch" show "$repo/tests/wrong/layer-unknown.yaml"
    fails 2 "$ctorch" show -Werror "$repo/tests/wrong/warn-softmax.yaml"
    says "warning"
    succeeds "$ctorch" show "$repo/tests/wrong/warn-softmax.yaml"
    fails 2 "$ctorch" show none.yaml
    fails 1 "$ctorch" show specs/vae.yaml -o none/x
    says "none/x: cannot be written"
    succeeds "$ctorch" show - -o out <specs/vae.yaml
    [ -z "$output" ]
    [ "$(cat out)" = "$("$ctorch" show specs/vae.yaml -o -)" ]
    [ ! -e out.tmp ]
}

@test "show: --dot is Graphviz's text, with a cluster a group" {
    rich
    succeeds "$ctorch" show --dot specs/vae.yaml
    says "digraph model {" '  n1 [fillcolor="#ffffff", label="0 flatten\n(N, 784)"]' $'\n  n0 -> n1\n'
    [[ $output != *cluster* ]]
    succeeds "$ctorch" show --dot rich.yaml
    says $'subgraph cluster_2 {\n  label="0 unit"'
    opened=$(grep -c '{$' <<<"$output")
    [ "$opened" -eq "$(grep -c '^ *}$' <<<"$output")" ]
    command -v dot >/dev/null || skip "no graphviz"
    for spec in specs/*.yaml rich.yaml; do "$ctorch" show --dot "$spec" | dot -Tcanon >/dev/null; done
}

@test "show: --svg draws every model so that no line crosses a box" {
    need_python
    rich
    for spec in specs/*.yaml rich.yaml; do
        name=$(basename "$spec" .yaml)
        succeeds "$ctorch" show --svg "$spec" -o "$name.svg"
        succeeds "$ctorch" show --svg "$spec" --depth 2 -o "$name-2.svg"
    done
    succeeds python3 "$repo/tests/bats/svg.py" ./*.svg
    grep -q '>0.0 conv2d<' rich.svg
    ! grep -q '>0.0 conv2d<' <("$ctorch" show --svg rich.yaml --depth 1)
}

@test "show: text from outside is text in a drawing" {
    need_python
    cat >odd.yaml <<'END'
data: {dataset: random, shape: [4], classes: 2, inputs: {"<a&\"\\]]>": [4]}}
model: [linear: 2]
loss: cross_entropy
optimizer: sgd
END
    succeeds "$ctorch" show --svg odd.yaml -o odd.svg
    python3 -c 'import xml.etree.ElementTree as x; assert "<a&\"\\]]>" in [t.text for t in x.parse("odd.svg").getroot().iter("{http://www.w3.org/2000/svg}text")]'
    succeeds "$ctorch" show --dot odd.yaml
    says '<a&\"\\]]>'
}

@test "show: --plan counts what each pass changes, and switches it off" {
    need_python
    succeeds "$ctorch" show --plan --json specs/gpt-nano.yaml
    printf '%s' "$output" >plan.json
    names=$(python3 - <<'END'
import json
d = json.load(open("plan.json"))
p = {p["name"]: p for p in d["passes"]}
ops = [d["captured"]] + [p["ops"] for p in d["passes"]] + [d["launches"]]
assert ops == sorted(ops, reverse=True) and all(p["on"] for p in d["passes"]) and d["batch_size"] == 12
assert p["whole"]["ops"] < d["captured"] and p["fuse"]["ops"] < p["fold"]["ops"] and p["join"]["ops"] < p["fuse"]["ops"]
assert len(d["before"]) == p["whole"]["ops"] and len(d["after"]) == len(d["kernels"]) == d["launches"]
assert 0 < d["values_bytes"] < d["apart_bytes"]
assert sum(k["operations"] for k in d["kernels"]) > 3 * 2 * 12 * 55e6
assert any(k["name"] == "linear+gelu" for k in d["kernels"])
assert any("linear(" in l and "; " in l and "gelu(" in l for l in d["after"])
print(*p)
END
)
    whole=$(python3 -c 'import json; print(json.load(open("plan.json"))["launches"])')
    for pass in $names; do
        succeeds "$ctorch" show --plan --json specs/gpt-nano.yaml "--passes=-$pass"
        json "[p['name'] for p in d['passes'] if not p['on']] == ['$pass'] and d['launches'] >= $whole"
    done
    succeeds "$ctorch" show --plan --json specs/gpt-nano.yaml --passes=-all
    json "not any(p['on'] for p in d['passes']) and d['launches'] > 2 * $whole and not any('; ' in l for l in d['after'])"
    fails 2 "$ctorch" show --plan specs/gpt-nano.yaml --passes=-none
}

@test "show: --plan as text; of evaluation; of models; the same each time" {
    succeeds "$ctorch" show --plan specs/mnist-mlp.yaml
    says "a step of training on 64 samples" $'\ncaptured ' $'\nfuse ' "  linear+relu"$'\n' $'\nafter: a kernel a line\n' " = linear("
    text=$output
    succeeds "$ctorch" show --plan specs/mnist-mlp.yaml
    [ "$output" = "$text" ]
    succeeds "$ctorch" show --plan specs/mnist-mlp.yaml --passes=-fuse
    [[ $output =~ $'\n'fuse\ +off ]]
    succeeds "$ctorch" show --plan --eval specs/mnist-mlp.yaml --set train.batch_size=7
    says "a step of evaluation on 7 samples"
    [[ $output != *adam* ]]
    quick -o run
    succeeds "$ctorch" show --plan run
    [ "$output" = "$("$ctorch" show --plan specs/digits-mlp.yaml)" ]
}

@test "show: --schedule has each step's rate, as the optimizer gets it" {
    need_python
    cat >spec.yaml <<'END'
data: {dataset: random, shape: [4], classes: 2, samples: 50}
model: [linear: 8, relu, linear: 2]
loss: cross_entropy
optimizer: {sgd: {lr: 0.5}, groups: {"*.bias": {lr: 0.25}, "2.*": {adam: {lr: 0.1}}}}
schedule: {cosine: {T_max: 6}}
train: {epochs: 6, batch_size: 10}
END
    succeeds "$ctorch" show --schedule --json spec.yaml
    json 'd["steps"] == 30 and d["epoch_steps"] == 5 and d["step"] == list(range(30)) and d["schedule"] == "cosine" and d["per"] == "epoch"'
    json '[g["pattern"] for g in d["groups"]] == [None, "*.bias", "2.*"]'
    json 'all(abs(r - b * (1 + __import__("math").cos(__import__("math").pi * (i // 5) / 6)) / 2) < 1e-8 for g, b in zip(d["groups"], (0.5, 0.25, 0.1)) for i, r in enumerate(g["rate"]))'
    succeeds "$ctorch" show --schedule spec.yaml
    [ "$(grep -c ' to ' <<<"$output")" -eq 3 ]
    says "cosine, moved every epoch: 30 steps, 5 an epoch" "all but the groups: 0.5 to " "*.bias: 0.25 to "
    [[ $output =~ $'\n       0.5 |#'  ]]
    succeeds "$ctorch" show --schedule --json spec.yaml --set 'schedule={linear: {start_factor: 0.5, total_iters: 10}, per: step}' --set train.accumulate=2
    json 'd["steps"] == 18 and d["epoch_steps"] == 3 and d["per"] == "step"'
    json 'all(abs(r - 0.5 * min(0.5 + 0.05 * i, 1)) < 1e-8 for i, r in enumerate(d["groups"][0]["rate"]))'
    # PyTorch's SequentialLR of LinearLR(start_factor=1/4, total_iters=3) and CosineAnnealingLR(6), at milestone 3
    succeeds "$ctorch" show --schedule --json spec.yaml --set 'schedule={cosine: {T_max: 6}, warmup: 3}' --set train.epochs=9
    json '[round(r, 6) for r in d["groups"][0]["rate"][::5]] == [0.125, 0.25, 0.375, 0.5, 0.466506, 0.375, 0.25, 0.125, 0.033494]'
    json 'all(abs(r - s / 2) < 1e-8 for r, s in zip(d["groups"][1]["rate"], d["groups"][0]["rate"]))'
    # PyTorch's, of LinearLR(total_iters=3) and CosineAnnealingLR(6, eta_min=0.05)
    succeeds "$ctorch" show --schedule --json spec.yaml --set 'schedule={chained: [linear: {total_iters: 3}, cosine: {T_max: 6, eta_min: 0.05}]}' --set train.epochs=9
    json '[round(r, 6) for r in d["groups"][0]["rate"][::5]] == [0.166667, 0.26252, 0.305244, 0.278304, 0.164152, 0.080587, 0.05, 0.080144, 0.1625]'
    json '[round(r, 6) for r in d["groups"][1]["rate"][::5]] == [0.083333, 0.132934, 0.15941, 0.153304, 0.101652, 0.06384, 0.05, 0.063397, 0.1]'
    succeeds "$ctorch" show --schedule --json spec.yaml --set 'schedule={reduce_on_plateau: {patience: 1}, warmup: 4, per: step}'
    json '[round(r, 6) for r in d["groups"][0]["rate"][:6]] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]'
    succeeds "$ctorch" show --schedule --json spec.yaml --set 'train.swa={start: 3, lr: 0.01, anneal_epochs: 2, anneal_strategy: linear}'
    json '[round(r, 6) for r in d["groups"][0]["rate"][15:30:5]] == [0.25, 0.13, 0.01] and d["groups"][0]["rate"][0] == 0.5'
    succeeds "$ctorch" show --schedule --json spec.yaml --set 'train.swa={start: 3, lr: 0.01, anneal_epochs: 0}'
    json '[round(r, 6) for r in d["groups"][0]["rate"][10:20:5]] == [0.375, 0.01]'
    succeeds "$ctorch" show --schedule --json spec.yaml --set train.epochs=1000000 --set schedule.cosine.T_max=1000000
    json 'd["steps"] == 5000000 and len(d["step"]) == 100000 and d["step"][0] == 0 and d["step"][-1] == 4999999'
}

@test "show: --schedule of every kind, as text, as SVG, without one" {
    need_python
    for schedule in 'step: 100' 'multistep: {milestones: [200, 700]}' 'exponential: 0.999' 'cosine_warm_restarts: 100' \
        'one_cycle: {max_lr: 0.3, total_steps: 800}' polynomial constant 'cyclic: {base_lr: 0.01, max_lr: 0.1}' \
        'reduce_on_plateau: {mode: max}' 'chained: [linear, exponential: 0.999]' \
        'sequential: {schedulers: [linear, chained: [cosine: 400]], milestones: [5]}'; do
        [[ $schedule == *:* ]] || schedule="$schedule: {}"
        succeeds "$ctorch" show --schedule specs/resnet20.yaml --set "schedule={$schedule, per: step}"
        says "${schedule%%:*}, moved every step: 800 steps, 4 an epoch" $'\nlearning rate: '
        [ "$(grep -c '|' <<<"$output")" -eq 12 ]
        succeeds "$ctorch" show --schedule --svg specs/resnet20.yaml --set "schedule={$schedule, per: step}" -o plot.svg
        python3 -c 'import xml.etree.ElementTree as x; [l] = x.parse("plot.svg").getroot().iter("{http://www.w3.org/2000/svg}polyline"); assert len(l.get("points").split()) == 800'
    done
    succeeds "$ctorch" show --schedule specs/mnist-mlp.yaml
    says "no schedule: 4690 steps, 938 an epoch" "learning rate: 0.001 to 0.001"
    succeeds "$ctorch" show --schedule specs/resnet20.yaml --set 'schedule={reduce_on_plateau: {mode: max}}'
    says "where the metric always gets better"
    succeeds "$ctorch" show --schedule specs/resnet20.yaml --set train.steps=1
    fails 2 "$ctorch" show --schedule --plan specs/resnet20.yaml
    fails 2 "$ctorch" show --schedule --dot specs/resnet20.yaml
    fails 2 "$ctorch" show --plan --svg specs/resnet20.yaml
    fails 2 "$ctorch" show --eval specs/resnet20.yaml
    fails 2 "$ctorch" show --svg --json specs/resnet20.yaml
}

@test "show: --schedule is in blocks on a terminal that has them" {
    command -v script >/dev/null || skip "no script"
    LC_ALL=C.UTF-8 TERM=xterm script -qec "stty cols 50; '$ctorch' show --schedule specs/resnet20.yaml" out >/dev/null </dev/null
    tr -d '\r' <out >lines
    grep -q '█' lines
    grep -q '[▁▂▃▄▅▆▇]' lines
    [ "$(sed '1d;$d' lines | wc -L)" -le 50 ]
}

@test "show: --batch draws training images with their labels, not normalised" {
    need_python
    for normalize in '{}' '{mean: 0.3, std: 0.2}'; do
        succeeds "$ctorch" show specs/digits-mlp.yaml --set "data.normalize=$normalize" --set train.batch_size=49 --batch b.png
        [ -z "$output" ]
        succeeds python3 "$repo/tests/bats/grid.py" digits b.png "$repo/datasets/digits" 7
    done
    cp b.png plain.png
    succeeds "$ctorch" show specs/digits-mlp.yaml --set train.batch_size=49 --set 'data.augment=[random_rotation: 30]' --batch b.png
    fails 1 cmp b.png plain.png
    cp b.png again.png
    "$ctorch" show specs/digits-mlp.yaml --set train.batch_size=49 --set 'data.augment=[random_rotation: 30]' --batch b.png
    cmp b.png again.png
}

@test "show: --batch puts masks beside their images, moved as these are" {
    need_python
    python3 - <<'END'
import json, random, struct
random.seed(1)
n, s = 9, 48
x, y = bytearray(n * 3 * s * s), bytearray(n * s * s)
for i in range(n):
    for colour, label in ((0, 1), (2, 2)):
        top, left = random.randrange(s - 16), random.randrange(s // 2 - 16) + s // 2 * (label - 1)
        for k in range(256):
            at = (top + k // 16) * s + left + k % 16
            x[(i * 3 + colour) * s * s + at], y[i * s * s + at] = 255, label
head = json.dumps({"input": {"dtype": "U8", "shape": [n, 3, s, s], "data_offsets": [0, len(x)]},
                   "target": {"dtype": "U8", "shape": [n, s, s], "data_offsets": [len(x), len(x) + len(y)]}}).encode()
head += b" " * (-len(head) % 8)
open("data.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + x + y)
END
    printf '%s\n' 'data: {tensors: data.safetensors, classes: 3, augment: [random_flip, random_crop: {padding: 5}]}' \
        'model: [conv2d: {out_channels: 3, kernel_size: 1}]' 'loss: cross_entropy' 'optimizer: sgd' >spec.yaml
    succeeds "$ctorch" show spec.yaml --batch b.png
    succeeds python3 "$repo/tests/bats/grid.py" masks b.png 3
}

@test "show: --batch of a text is its samples; of other data, of none, refused" {
    printf 'abcdefghij\n%.0s' $(seq 30) >text
    printf '%s\n' 'data: {dataset: text, file: text, block_size: 8}' 'model: [embedding: {num_embeddings: 11, embedding_dim: 4}, linear: 11]' \
        'loss: cross_entropy' 'optimizer: sgd' 'train: {batch_size: 3}' >spec.yaml
    succeeds "$ctorch" show spec.yaml --batch samples
    [ "$(grep -c '^-----' samples)" -eq 2 ]
    tr -d '\n' <samples | grep -q '[a-j]\{7\}'
    fails 1 "$ctorch" show specs/tabular.yaml --batch b.png
    says "neither images nor text"
    fails 3 "$ctorch" show specs/mnist-mlp.yaml --batch b.png
    says "ctorch fetch mnist"
    fails 1 "$ctorch" show specs/digits-mlp.yaml --batch none/b.png
    [ ! -e b.png ]
    fails 2 "$ctorch" show specs/digits-mlp.yaml --batch b.png --plan
    fails 2 "$ctorch" show specs/digits-mlp.yaml --batch b.png -o c.png
    quick -o run
    succeeds "$ctorch" show run --batch b.png
    "$ctorch" show specs/digits-mlp.yaml --batch c.png
    cmp b.png c.png
}

@test "show: what is no file is written where it is, a link followed" {
    mkfifo pipe
    cat pipe >drawn &
    succeeds timeout 10 "$ctorch" show specs/digits-mlp.yaml --svg -o pipe
    wait
    [ -p pipe ]
    >drawing
    ln -s drawing link
    succeeds "$ctorch" show specs/digits-mlp.yaml --svg -o link
    [ -L link ]
    cmp drawn drawing
    fails 1 "$ctorch" show specs/digits-mlp.yaml --svg -o /dev/full
    says "No space left"
    [ -c /dev/full ]
}
