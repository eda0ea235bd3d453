# Batches of named fields: tokens, masks, values, several inputs and losses, a file of tensors.

setup() {
    load common
    common_setup
}

# spec NAME DATA MODEL LOSS
spec() {
    printf 'data: {%s}\nmodel: %s\nloss: %s\noptimizer: {adam: {lr: 1e-2}}\n' "$2" "$3" "$4" >"$1.yaml"
    printf 'train: {epochs: 3, batch_size: 24, log_every: 1}\n' >>"$1.yaml"
}

tokens() {
    spec tokens 'dataset: random, shape: [12], vocab: 11, samples: 100, validation: 0.2' \
        '[embedding: {num_embeddings: 11, embedding_dim: 16}, dropout: 0.1, linear: 11]' cross_entropy
}

vae() {
    cat >model <<'Y'
[flatten, {linear: 8, name: h}, {linear: 4, name: mu, inputs: [h]}, {linear: 4, name: logvar, inputs: [h]},
  {linear: 16, inputs: [mu]}, {reshape: {shape: [-1, 1, 4, 4]}}]
Y
    spec vae 'dataset: random, shape: [1, 4, 4], classes: 4, samples: 100, validation: 0.2' "$(cat model)" \
        '[{mse: {target: input}}, {kl_normal: {inputs: [mu, logvar], weight: 0.5}}]'
}

# tensors FILE: x of 4 numbers, the target their sum, 60 rows, the last 20 as test
tensors() {
    python3 - "$1" <<'P'
import json, random, struct, sys
r = random.Random(1)
x = [[r.uniform(-1, 1) for _ in range(4)] for _ in range(60)]
parts = {"input": x[:40], "test.input": x[40:]}
parts |= {k.replace("input", "target"): [[sum(row)] for row in v] for k, v in list(parts.items())}
head, data = {}, b""
for name, rows in parts.items():
    flat = [v for row in rows for v in row]
    head[name] = {"dtype": "F32", "shape": [len(rows), len(rows[0])], "data_offsets": [len(data), len(data) + 4 * len(flat)]}
    data += struct.pack(f"<{len(flat)}f", *flat)
text = json.dumps(head).encode()
text += b" " * (-len(text) % 8)
open(sys.argv[1], "wb").write(struct.pack("<Q", len(text)) + text + data)
P
}

@test "fields: a model of tokens learns, and eval says its perplexity" {
    need_python
    tokens
    succeeds "$ctorch" train tokens.yaml -o run --json
    json 'd["loss"] < 2.39 and d["validation_accuracy"] > 0'
    succeeds "$ctorch" eval run --json
    json 'abs(d["perplexity"] - 2.718281828459045 ** d["loss"]) < 1e-5'
    json 'd["n"] == 100 and d["tokens"] == 1200 and d["classes"] == [] and 0 < d["accuracy"] < 1'
    succeeds "$ctorch" eval run
    says "perplexity" "of 1200 tokens"
    fails 1 "$ctorch" predict run x.png
    says "gives no class for an image"
    fails 1 "$ctorch" eval run --predictions out.csv
}

@test "fields: masks, and what ignore_index leaves out" {
    need_python
    spec mask 'dataset: random, shape: [3, 6, 6], classes: 3, target: [6, 6], samples: 60' \
        '[conv2d: {out_channels: 3, kernel_size: 1}]' '{cross_entropy: {ignore_index: 1}}'
    succeeds "$ctorch" train mask.yaml -o run --json
    json 'd["validation_accuracy"] is None'
    succeeds "$ctorch" eval run --json
    json 'd["pixels"] < 60 * 36 and d["classes"][1]["support"] == 0'
    json 'sum(c["support"] for c in d["classes"]) == d["pixels"]'
}

@test "fields: an autoencoder's two losses, each logged, planned and eager" {
    need_python
    vae
    succeeds "$ctorch" train vae.yaml -o run --json
    json 'd["validation_accuracy"] is None and d["validation_loss"] > 0'
    output=$(tail -n 1 run/log.jsonl)
    json 'abs(d["loss"] - d["losses"]["mse"] - 0.5 * d["losses"]["kl_normal"]) < 1e-6 and d["accuracy"] is None'
    json 'abs(d["val_loss"] - d["val_losses"]["mse"] - 0.5 * d["val_losses"]["kl_normal"]) < 1e-6'
    succeeds "$ctorch" eval run
    says "mse" "kl_normal"
    [[ $output != *accuracy* ]]
    succeeds "$ctorch" train vae.yaml -o eager --eager --json
    json "abs(d['validation_loss'] - $(sed -n 's/.*"val_loss":\([0-9.]*\).*/\1/p' run/log.jsonl | tail -n 1)) < 1e-4"
}

@test "fields: several inputs by name, and a loss of three" {
    cat >model <<'Y'
[{flatten: , inputs: [a], name: fa}, {concat: {inputs: [fa, b, input]}}, {linear: 4, name: t}, {linear: 2, name: m},
  {linear: 2, inputs: [t]}, {softplus: , name: v}]
Y
    spec several 'dataset: random, shape: [5], target: [2], inputs: {a: [3, 4, 4], b: [10]}, samples: 50' \
        "$(cat model)" '{gaussian_nll: {inputs: [m, v]}}'
    succeeds "$ctorch" train several.yaml -o run
    succeeds "$ctorch" eval run
    succeeds "$ctorch" eval run/last.safetensors --split train
}

@test "fields: what values miss by, of each number of a target, worked out by hand" {
    need_python
    python3 - <<'P'
import json, struct
x, y = [[0.0]] * 4, [[1, 10], [2, 10], [3, 10], [6, 10]]
head, data = {}, b""
for name, rows in {"input": x, "target": y, "test.input": x, "test.target": y}.items():
    flat = [v for row in rows for v in row]
    head[name] = {"dtype": "F32", "shape": [4, len(rows[0])], "data_offsets": [len(data), len(data) + 4 * len(flat)]}
    data += struct.pack(f"<{len(flat)}f", *flat)
text = json.dumps(head).encode()
text += b" " * (-len(text) % 8)
open("pairs.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)
P
    spec pairs 'tensors: pairs.safetensors' '[linear: 2]' 'l1'
    succeeds "$ctorch" train pairs.yaml -o run -q --set 'init={"*": zeros}' --set optimizer.adam.lr=1e-30 # says 0
    succeeds "$ctorch" eval run --json
    json 'd["columns"][0]["mae"] == 3 and abs(d["columns"][0]["rmse"] - (50 / 4) ** 0.5) < 1e-6'
    json 'abs(d["columns"][0]["r2"] - (1 - 50 / 14)) < 1e-6' # the mean is 3, the squares from it 4 + 1 + 0 + 9
    json 'd["columns"][1] == {"name": "1", "mae": 10, "rmse": 10, "r2": None}'
    json 'd["mae"] == 6.5 and abs(d["rmse"] - (12.5 ** 0.5 + 10) / 2) < 1e-6 and d["r2"] == d["columns"][0]["r2"]'
    succeeds "$ctorch" eval run
    says "MAE       6.5" "RMSE      6.76777" "R2        -2.5714"
    [[ ${lines[-1]} == "1 "*" 10 "*" 10 "*nan ]]
    spec logits 'tensors: pairs.safetensors' '[linear: 2]' 'poisson_nll' # what it says is no value, but its logarithm
    succeeds "$ctorch" train logits.yaml -o logits -q
    succeeds "$ctorch" eval logits --json
    json '"mae" not in d'
}

@test "fields: tensors of a file, and a model file away from it" {
    need_python
    tensors data.safetensors
    spec file 'tensors: data.safetensors, validation: 0.25' '[linear: 1]' '{mse_loss: {reduction: sum}}'
    succeeds "$ctorch" train file.yaml -o run --set train.epochs=150 --json
    json 'd["loss"] < 0.01 and d["validation_loss"] < 0.01'
    succeeds "$ctorch" eval run --json
    json 'd["n"] == 20 and d["loss"] < 0.01 and d["accuracy"] is None'
    one=$output
    mv run/best.safetensors away.safetensors
    fails 1 "$ctorch" eval away.safetensors
    says "--data says where there is one"
    succeeds "$ctorch" eval away.safetensors --data data.safetensors --json
    [ "$output" = "$one" ]
    spec other 'tensors: none.safetensors' '[linear: 1]' mse
    fails 1 "$ctorch" train other.yaml -o other
    spec broadcast 'tensors: data.safetensors' '[linear: 3]' mse
    for command in check "train -o broadcast"; do
        fails 2 "$ctorch" $command broadcast.yaml
        says "broadcast.yaml:3:7: error: mse: the prediction is (N, 3) and the target (N, 1)" "broadcast.yaml:2:9: note"
    done
}
