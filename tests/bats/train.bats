# Training, stopping, going on, evaluating, predicting: the digits from end to end.

setup() {
    load common
    common_setup
}

# long OPTIONS...: the digits for longer than any test waits, unless it is told how long
long() { "$ctorch" train specs/digits-mlp.yaml --quiet "$@"; }

differ() { if cmp -s "$1" "$2"; then echo "$1 and $2 are the same" && return 1; fi; }

# wait_for FILE [TEXT]: until it is there (and says TEXT)
wait_for() {
    for _ in $(seq 500); do
        [ -e "$1" ] && grep -qs -- "${2-}" "$1" && return
        sleep 0.02
    done
    echo "$1 did not come"
    return 1
}

wait_newer() {
    for _ in $(seq 1000); do
        [ "$1" -nt "$2" ] && return
        sleep 0.01
    done
    echo "$1 did not change"
    return 1
}

@test "train, eval: a run directory, and a model that is good" {
    need_python
    succeeds "$ctorch" train specs/digits-mlp.yaml -o run
    says "30 epochs, 1230 steps in" "validation accuracy" "model: run/best.safetensors"
    [ "$(ls run)" = "$(printf '%s\n' best.safetensors last.safetensors log.jsonl spec.yaml state.safetensors)" ]
    quick -o one --set train.epochs=1
    [ one/last.safetensors -ef one/best.safetensors ] # there is no other epoch
    python3 -c '
import json
log = [json.loads(line) for line in open("run/log.jsonl")]
assert log[0]["type"] == "run" and log[0]["version"] == 1, log[0]
assert [r["epoch"] for r in log if r["type"] == "epoch"] == list(range(1, 31))
assert [r["step"] for r in log if r["type"] == "step"] == list(range(100, 1230, 100))'
    succeeds "$ctorch" eval run
    says "digits, test split: 355 samples" "95% interval" "confusion"
    succeeds "$ctorch" eval run --json
    json 'd["accuracy"] > 0.95 and d["n"] == 355 and d["split"] == "test" and d["dataset"] == "digits" and "top5" not in d'
    json 'd["accuracy_low"] < d["accuracy"] < d["accuracy_high"] and 0 < d["loss"] < 0.3'
    json 'sum(map(sum, d["confusion"])) == 355 == sum(c["support"] for c in d["classes"])'
    json 'abs(sum(d["confusion"][i][i] for i in range(10)) / 355 - d["accuracy"]) < 1e-6'
    json 'all(abs(c["recall"] - d["confusion"][i][i] / c["support"]) < 1e-6 for i, c in enumerate(d["classes"]))'
}

@test "eval from another directory, of a model file alone, of every split" {
    need_python
    quick -o run
    succeeds "$ctorch" eval run --json
    in_place=$output
    mkdir other
    cd other
    succeeds "$ctorch" eval ../run --json
    [ "$output" = "$in_place" ]
    mv ../run/best.safetensors .
    rm -r ../run
    succeeds "$ctorch" eval best.safetensors --json
    [ "$output" = "$in_place" ]
    for split in train:1297 validation:145 test:355; do
        succeeds "$ctorch" eval best.safetensors --split "${split%:*}" --json
        json "d['n'] == ${split#*:} and d['split'] == '${split%:*}'"
    done
}

@test "the same seed gives the same bits, another one does not; eager agrees to rounding" {
    need_python
    quick -o a --json >a.json
    quick -o b
    quick -o c --set seed=1
    quick -o d --eager --json >d.json
    cmp a/best.safetensors b/best.safetensors
    differ a/best.safetensors c/best.safetensors
    python3 -c '
import json
a, d = json.load(open("a.json")), json.load(open("d.json"))
assert abs(a["loss"] - d["loss"]) < 1e-4 * a["loss"], (a, d)
assert a["steps"] == d["steps"] == 123 and a["parameters"] == 4810'
}

@test "a run is not overwritten, but with --force; what is finished stays" {
    quick -o run
    cp -r run before
    fails 1 quick -o run
    says "run: holds a finished run; --force replaces it"
    diff -r run before
    succeeds "$ctorch" train --resume run
    cmp run/best.safetensors before/best.safetensors
    succeeds quick -o run --force --set seed=3
    differ run/best.safetensors before/best.safetensors
    fails 2 "$ctorch" train run
    says "run: is a directory; --resume goes on with the run in it"
    fails 2 "$ctorch" train specs/digits-mlp.yaml -o run --resume
    says "differs from the spec given"
}

@test "SIGINT and SIGTERM: a checkpoint, an end by that signal, and the same bits after going on" {
    env --default-signal=INT true 2>/dev/null || skip "no env --default-signal"
    long -o whole --set train.epochs=150
    for signal in INT TERM; do
        # in the background a shell has its commands ignore SIGINT
        env --default-signal=INT "$ctorch" train specs/digits-mlp.yaml -q -o run$signal --set train.epochs=150 2>err 3>&- &
        pid=$!
        wait_for run$signal/log.jsonl epoch
        kill -$signal $pid
        status=0
        wait $pid || status=$?
        [ "$status" -eq $((128 + $(kill -l $signal))) ]
        grep -qx 'ctorch: stopped after step [0-9]*; --resume goes on from there' err
        differ whole/last.safetensors run$signal/last.safetensors
        "$ctorch" train --resume run$signal --quiet
        cmp whole/best.safetensors run$signal/best.safetensors
        cmp whole/last.safetensors run$signal/last.safetensors
        [ "$(wc -l <whole/log.jsonl)" = "$(wc -l <run$signal/log.jsonl)" ]
    done
}

@test "a signal that was ignored stays so" {
    (trap '' TERM; exec "$ctorch" train specs/digits-mlp.yaml -q -o run --set train.epochs=60 3>&-) &
    pid=$!
    wait_for run/log.jsonl epoch
    kill -TERM $pid
    wait $pid
    [ "$(grep -c '"type":"epoch"' run/log.jsonl)" -eq 60 ]
}

@test "SIGKILL, again and again: the same bits in the end" {
    set_keys="--set train.epochs=60 --set train.checkpoint_every=0.02 --set data.augment=[random_flip,gaussian_noise]"
    # shellcheck disable=SC2086 # two options
    long -o whole $set_keys
    for _ in $(seq 6); do
        touch mark
        # shellcheck disable=SC2086
        "$ctorch" train specs/digits-mlp.yaml -q -o run --resume $set_keys 2>err 3>&- &
        pid=$!
        wait_newer run/state.safetensors mark
        kill -KILL $pid
        status=0
        wait $pid || status=$?
        [ "$status" -eq 137 ]
        [ ! -s err ] || { cat err; false; }
    done
    # shellcheck disable=SC2086
    long -o run --resume $set_keys
    cmp whole/best.safetensors run/best.safetensors
    cmp whole/last.safetensors run/last.safetensors
    diff <(sed 's/,"seconds.*//' whole/log.jsonl) <(sed 's/,"seconds.*//' run/log.jsonl)
}

@test "killed before its first checkpoint, a run starts anew, and so does its log" {
    "$ctorch" train specs/digits-mlp.yaml -q -o run --set train.batch_size=1 --set train.log_every=1 \
        --set model.1.linear=50000 3>&- & # slow steps, so that the epoch is still under way
    pid=$!
    wait_for run/log.jsonl '"step":5,'
    kill -KILL $pid
    wait $pid || true
    [ ! -e run/state.safetensors ]
    quick -o run --resume
    [ "$(grep -c '"type":"run"' run/log.jsonl)" -eq 1 ]
    [ "$(grep -c '"type":"epoch"' run/log.jsonl)" -eq 3 ]
    quick -o whole
    cmp whole/best.safetensors run/best.safetensors
}

@test "two processes cannot train in one directory" {
    "$ctorch" train specs/digits-mlp.yaml -q -o run --set train.epochs=100000 2>err 3>&- &
    pid=$!
    wait_for run/log.jsonl epoch
    status=0
    said=$("$ctorch" train --resume run 2>&1) || status=$?
    kill -KILL $pid
    wait $pid || true
    [ "$status" -eq 1 ]
    [[ $said == *"another run is writing there"* ]]
}

@test "of two processes that begin one run at once, one trains, and the other touches nothing" {
    for i in 1 2 3 4 5 6 7 8 9 10; do
        rm -rf run
        "$ctorch" train specs/digits-mlp.yaml -q -o run --set train.epochs=3 >first 2>&1 3>&- &
        status=0 other=0
        "$ctorch" train specs/digits-mlp.yaml -q -o run --set train.epochs=3 >second 2>&1 || status=$?
        wait $! || other=$?
        [ $((status + other)) -eq 1 ]
        grep -qE "another run is writing there|holds an? (un)?finished run" first second
        [ -e run/best.safetensors ]
        grep -q '"type":"epoch"' run/log.jsonl
    done
}

@test "a run that is killed as soon as it has a directory can be gone on with" {
    "$ctorch" train specs/digits-mlp.yaml -q -o run 2>err 3>&- &
    until [ -e run/spec.yaml ]; do kill -0 $!; done
    kill -KILL $!
    wait $! || true
    succeeds "$ctorch" train --resume run -q
    [ -e run/best.safetensors ]
}

@test "a last batch that a layer cannot train on is refused before the work, and a run that is there is left" {
    cat >model.yaml <<END
data: {dataset: digits, validation: 0.1}
model: [flatten, linear: {out_features: 8, bias: false}, batch_norm, relu, linear: 10]
loss: cross_entropy
optimizer: {adam: {lr: 1e-3}}
train: {epochs: 1, batch_size: 32}
END
    succeeds "$ctorch" train model.yaml -q -o run
    cp run/best.safetensors best
    fails 2 "$ctorch" train model.yaml -q -o run --force --set train.batch_size=3
    says "train.batch_size: 3: the last batch of an epoch has 1 of the 1297 samples: batch_norm: training wants more"
    cmp best run/best.safetensors
    fails 2 "$ctorch" train model.yaml -q -o new/run --set train.batch_size=3
    [ ! -e new ]
    fails 2 "$ctorch" train model.yaml --dry-run --set train.batch_size=3
    succeeds "$ctorch" train model.yaml -q -o few --set train.batch_size=3 --set train.steps=9 # no epoch's end
}

@test "a loss that is no number ends the run, status 4, the step named" {
    fails 4 "$ctorch" train specs/digits-mlp.yaml -o run --set 'optimizer={sgd: {lr: 1e37}}'
    says "ctorch: the loss is" "at step 2"
    [ ! -e run/best.safetensors ]
}

@test "early stopping, and the best epoch's model is kept" {
    need_python
    succeeds "$ctorch" train specs/digits-mlp.yaml -o run --json --set train.early_stopping=2 --set 'optimizer={adam: {lr: 0.05}}'
    [ ! run/last.safetensors -ef run/best.safetensors ] # the best was two epochs before
    json 'd["stopped_early"] and d["epochs"] == d["best_epoch"] + 2 < 30 and d["model"] == "run/best.safetensors"'
    best=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["validation_accuracy"])' "$output")
    succeeds "$ctorch" eval run --split validation --json
    json "abs(d['accuracy'] - $best) < 1e-6"
}

@test "predict says of PNG files what eval says of the samples" {
    need_python
    quick -o run
    digits_png pictures 100
    succeeds "$ctorch" eval run --predictions all.csv
    [ ! -e all.csv.tmp ]
    succeeds "$ctorch" predict run pictures --json
    [ "$(wc -l <<<"$output")" -eq 100 ]
    printf '%s\n' "$output" >said
    python3 -c '
import csv, json, re
rows = list(csv.DictReader(open("all.csv", newline="")))
assert len(rows) == 355 and list(rows[0])[:4] == ["index", "file", "label", "prediction"]
assert [int(r["index"]) for r in rows] == list(range(355))
for line in open("said"):
    d = json.loads(line)
    r = rows[int(re.search(r"(\d+)\.png", d["file"])[1])]
    assert d["class"] == r["prediction"], (d, r)
    assert abs(d["probability"] - float(r["p_" + d["class"]])) < 1e-5, (d, r)
    assert abs(sum(float(v) for k, v in r.items() if k.startswith("p_")) - 1) < 1e-4
assert sum(r["label"] == r["prediction"] for r in rows) > 300'
    fails 1 "$ctorch" eval run --predictions nowhere/all.csv
    says "nowhere/all.csv"
}

@test "predict: files, folders in order, names on standard input, --top, text" {
    need_python
    quick -o run
    digits_png in/b 2
    digits_png in/a/deep 1
    mkdir in/.hidden
    cp in/b/0.png in/.hidden
    cp in/b/0.png in/note.txt
    ln -s .. in/b/up
    succeeds "$ctorch" predict run in
    [ "$(cut -f1 <<<"$output")" = "$(printf 'in/%s\n' a/deep/0.png b/0.png b/1.png)" ]
    [[ ${lines[0]} =~ ^in/a/deep/0.png$'\t'[0-9]$'\t'[01]\.[0-9]{4}$ ]]
    folder=$output
    run bash -c 'printf "%s\n" in/a in/b/0.png in/b/1.png | "$1" predict run' - "$ctorch"
    [ "$output" = "$folder" ]
    run bash -c 'echo in/b/1.png | "$1" predict run in/a in/b/0.png -' - "$ctorch"
    [ "$output" = "$folder" ]
    succeeds "$ctorch" predict run in/b/0.png --top 99
    [ "$(tr '\t' '\n' <<<"$output" | wc -l)" -eq 21 ]
    tr '\t' '\n' <<<"$output" | sed -n '3~2p' | sort -rgc
    succeeds "$ctorch" predict run in/b/0.png --top 3 --json
    json 'len(d["top"]) == 3 and d["top"][0] == {"class": d["class"], "probability": d["probability"]}'
}

@test "predict: what is damaged is named, the others go on, status 3" {
    need_python
    quick -o run
    digits_png in 3
    head -c 60 in/1.png >in/1b.png
    : >in/empty.png
    fails 3 "$ctorch" predict run in
    [ "$(cut -f1 <<<"$output" | grep -c '^in/[0-9].png$')" -eq 3 ]
    says "ctorch: in/1b.png: " "ctorch: in/empty.png: "
    fails 1 "$ctorch" predict run in/0.png in/nothing.png
    says "in/nothing.png: cannot be opened" "in/0.png"
    mkdir none
    fails 3 "$ctorch" predict run none
    says "none: holds no .png file"
    fails 1 "$ctorch" predict none in/0.png
    says "none: holds no model"
}

@test "a model whose bytes were changed is refused, status 3" {
    need_python
    quick -o run
    for at in -1 -2000 8 200; do
        python3 - run/best.safetensors bad.safetensors $at <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[3])] ^= 4
open(sys.argv[2], "wb").write(data)
END
        fails 3 "$ctorch" eval bad.safetensors
        says bad.safetensors
    done
    head -c 1000 run/best.safetensors >bad.safetensors
    fails 3 "$ctorch" predict bad.safetensors x.png
    fails 3 "$ctorch" eval run/state.safetensors
    says "is no model of ctorch"
}

@test "a folder of PNG files trains like the dataset; damaged ones, changed ones" {
    need_python
    python3 "$repo/tests/bats/png.py" "$repo/datasets/digits" train pictures/train 2000 classes
    python3 "$repo/tests/bats/png.py" "$repo/datasets/digits" t10k pictures/test 2000 classes
    quick -o run --set 'data={images: '"$PWD"'/pictures}' --set train.epochs=10
    succeeds "$ctorch" eval run --json
    json 'd["accuracy"] > 0.9 and d["n"] == 355'
    mv pictures moved
    fails 1 "$ctorch" eval run
    succeeds "$ctorch" eval run --data moved --json
    json 'd["n"] == 355'
    mv moved pictures
    bad=pictures/train/3/$(ls pictures/train/3 | head -n 1)
    head -c 70 "$bad" >half
    cp half "$bad"
    fails 3 quick -o bad --set 'data={images: '"$PWD"'/pictures}'
    says "$bad: "
    succeeds "$ctorch" train specs/digits-mlp.yaml -o skip --set train.epochs=1 --set 'data={images: '"$PWD"'/pictures, on_bad: skip}'
    says "1 damaged sample"
    grep -q "${bad#pictures/}" skip/skipped.txt
}

@test "going on with other data is refused, and names the file" {
    need_python
    python3 "$repo/tests/bats/png.py" "$repo/datasets/digits" train pictures 300 classes
    cat >s.yaml <<'END'
data: {images: pictures}
model: [flatten, linear: 10]
loss: cross_entropy
optimizer: sgd
train: {epochs: 100000, checkpoint_every: 0.01}
END
    "$ctorch" train s.yaml -q -o run 3>&- &
    pid=$!
    wait_for run/state.safetensors
    kill -KILL $pid
    wait $pid || true
    changed=$(ls pictures/5 | head -n 1)
    cp "pictures/5/$(ls pictures/5 | tail -n 1)" "pictures/5/$changed"
    fails 3 "$ctorch" train --resume run
    says "5/$changed has changed"
}

@test "data that is not there is said to be, with the command that brings it" {
    fails 3 "$ctorch" train specs/mnist-mlp.yaml -o run
    says "ctorch fetch mnist"
    [ ! -e run/best.safetensors ]
}

@test "eval --show draws samples, in characters where there is no terminal" {
    quick -o run
    succeeds "$ctorch" eval run --show 4
    says "4 samples" "0: 0 " "3: "
    [ "$(grep -c '[@%#]' <<<"$output")" -ge 8 ]
    [[ $output != *$'\033'* ]]
}

@test "progress: on a terminal only, cleared at the end" {
    script -qec true typescript >/dev/null 2>&1 || skip "no pseudo-terminal"
    script -qec "stty cols 40; $ctorch train specs/digits-mlp.yaml -o run --set train.epochs=2" seen >/dev/null
    grep -q 'epoch 1/2  loss' seen
    grep -q $'\repoch 1/2  step 1/41' seen
    [ "$(tr '\r' '\n' <seen | grep 'step ' | awk '{ if (length > n) n = length } END { print n }')" -lt 40 ]
    "$ctorch" train specs/digits-mlp.yaml -o piped --set train.epochs=2 2>err >out
    [ ! -s err ]
    [ "$(wc -l <out)" -eq 3 ]
}

@test "passes off: the same bytes, more launches; a pass that is not there is refused" {
    launches() { sed -n '1s/.*"launches":\([0-9]*\).*/\1/p' "$1/log.jsonl"; }
    quick -o all
    quick -o none --passes=-all
    quick -o some --passes=-fuse,-join
    cmp all/best.safetensors none/best.safetensors
    cmp all/best.safetensors some/best.safetensors
    [ "$(launches all)" -lt "$(launches some)" ]
    [ "$(launches some)" -lt "$(launches none)" ]
    run "$ctorch" train spec.yaml -o x --passes=-fuze
    [ "$status" -eq 2 ]
    [[ $output == *"'-fuze' switches no pass off"*"-fuse"* ]]
}

@test "train: the same bytes with any number of threads and on any kernels with the fused multiply-add" {
    cat >conv.yaml <<'END'
data: {dataset: digits}
model: [conv2d: {out_channels: 16, kernel_size: 3, padding: 1}, batch_norm, relu,
    conv2d: {out_channels: 32, kernel_size: 3, stride: 2, padding: 1}, gelu,
    conv2d: {out_channels: 32, kernel_size: 3, padding: 1, groups: 32}, dropout: 0.1, flatten, linear: 10]
loss: cross_entropy
optimizer: {adamw: {lr: 1e-2}}
train: {epochs: 1}
END
    cat >lstm.yaml <<'END'
include: conv.yaml
model: [flatten, {unflatten: {unflattened_size: [8, 8]}}, lstm: {hidden_size: 70, batch_first: true}, flatten, linear: 10]
END
    isas=$("$ctorch" devices | sed -n 's/^kernels.*(of \(.*\))/\1/p' | grep -oE 'v[34]') || skip "no fused multiply-add here"
    for spec in conv lstm; do
        first=
        for isa in $isas; do
            for threads in 1 2 3; do
                succeeds "$ctorch" train $spec.yaml -o run --force --reproducible --isa "$isa" --threads "$threads"
                says "sha256: $(sha256sum <run/best.safetensors | cut -d' ' -f1)"
                first=${first:-$(grep sha256 <<<"$output")}
                says "$first"
            done
        done
    done
    fails 1 "$ctorch" train conv.yaml -o run --force --reproducible --isa ref
    says "the kernels 'ref' have bits of their own"
}

# A preloaded libm whose functions are a little off.
@test "train: the bits of a transformer and its schedule are its own, not the C library's, on any threads and kernels" {
    need_plain_memory
    command -v cc >/dev/null || skip "no cc"
    cat >gpt.yaml <<'END'
data: {dataset: random, shape: [12], vocab: 20, samples: 240}
model:
  - embedding: {num_embeddings: 20, embedding_dim: 24}
  - positions: {kind: sinusoidal}
  - residual: [layer_norm, multi_head_attention: {num_heads: 3, batch_first: true, is_causal: true}, dropout: 0.1]
  - residual: [layer_norm, linear: 96, gelu, linear: 24, dropout: 0.1]
  - layer_norm
  - linear: 20
loss: cross_entropy
optimizer: {adamw: {lr: 1e-2}}
schedule: {cosine: 30, warmup: 5}
train: {epochs: 2, batch_size: 16}
END
    cat >libm.c <<'END'
#include <dlfcn.h>
#define FAULTY(T, f) T f(T x) { return ((T (*)(T))dlsym(RTLD_NEXT, #f))(x) * (T)1.0001; }
#define FAULTY2(T, f) T f(T x, T y) { return ((T (*)(T, T))dlsym(RTLD_NEXT, #f))(x, y) * (T)1.0001; }
#define BOTH(of) FAULTY(double, of) FAULTY(float, of##f)
BOTH(exp) BOTH(expm1) BOTH(log) BOTH(log1p) BOTH(sin) BOTH(cos) BOTH(tanh) BOTH(erf) BOTH(erfc)
FAULTY2(double, pow) FAULTY2(float, powf)
END
    cc -D_GNU_SOURCE -w -fno-builtin -shared -fPIC libm.c -o libm.so -ldl
    isas=$("$ctorch" devices | sed -n 's/^kernels.*(of \(.*\))/\1/p' | grep -oE 'v[34]') || skip "no fused multiply-add here"
    first=
    for isa in $isas; do
        for threads in 1 2; do
            for libm in "" "$PWD/libm.so"; do
                succeeds env LD_PRELOAD="$libm" "$ctorch" train gpt.yaml -o run --force --isa "$isa" --threads "$threads"
                first=${first:-$(grep '^sha256: ' <<<"$output")}
                says "${first:?no hash}"
            done
        done
    done
}

@test "precision: bf16 is as good as f32, with the same bytes on any threads and kernels, and when it goes on" {
    need_python
    output=$("$ctorch" train specs/digits-mlp.yaml -o run --set train.precision=bf16 --json 2>slower) # it may say so
    json 'd["validation_accuracy"] > 0.95'
    grep -q '"precision":"bf16"' run/log.jsonl
    succeeds "$ctorch" eval run --json
    json 'd["accuracy"] > 0.95'
    long -o f32
    differ run/best.safetensors f32/best.safetensors
    grep -q '"precision":"f32"' f32/log.jsonl
    for isa in $("$ctorch" devices | sed -n 's/^kernels.*(of \([^)]*\)).*/\1/p' | grep -oE 'v[34]'); do
        long -o other --force --isa "$isa" --threads 1 --set train.precision=bf16
        long -o portable --force --isa "$isa" --reproducible --set train.precision=bf16
        [ -d first ] || cp -r portable first
        cmp first/best.safetensors portable/best.safetensors
        if [ "$isa" = v3 ]; then cmp portable/best.safetensors other/best.safetensors; else
            cmp run/best.safetensors other/best.safetensors
        fi
    done
    "$ctorch" train specs/digits-mlp.yaml -q -o slow --set train.precision=bf16 --set train.epochs=60 3>&- &
    wait_for slow/log.jsonl epoch
    kill -KILL $!
    wait $! || true
    "$ctorch" train --resume slow --quiet
    long -o whole --set train.precision=bf16 --set train.epochs=60
    cmp slow/best.safetensors whole/best.safetensors
}

@test "precision: auto times both once, says which it took, and the run stays with it" {
    succeeds "$ctorch" train specs/digits-mlp.yaml -o run --set train.epochs=2 --set train.precision=auto
    says "precision: auto took " " ms, with "
    took=$(grep -oE 'auto took (f32|bf16)' <<<"$output" | cut -d' ' -f3)
    grep -q "precision: $took" run/spec.yaml
    grep -q "\"precision\":\"$took\"" run/log.jsonl
    succeeds "$ctorch" train specs/digits-mlp.yaml -o run --resume --set train.epochs=2 --set train.precision=auto
    [[ $output != *"auto took"* ]]
    long -o same --set train.epochs=2 --set "train.precision=$took"
    cmp run/best.safetensors same/best.safetensors
    succeeds "$ctorch" train specs/digits-mlp.yaml --dry-run --set train.precision=auto
    says "precision: auto took "
    succeeds "$ctorch" train specs/digits-mlp.yaml -o ref --isa ref --set train.epochs=1 --set train.precision=bf16
    says "precision: bf16 is slower than f32 here"
}

@test "class_weights: balanced stands as numbers in the run's spec, resumes, evaluates" {
    quick -o run --set 'loss={cross_entropy: {class_weights: balanced}}'
    [ "$(grep -A 10 class_weights run/spec.yaml | grep -c '^ *- [01]\.[0-9]*$')" -eq 10 ]
    cp run/best.safetensors before
    quick -o run --resume --set 'loss={cross_entropy: {class_weights: balanced}}'
    cmp run/best.safetensors before
    succeeds "$ctorch" eval run
    says "accuracy"
    quick -o plain
    differ run/best.safetensors plain/best.safetensors
}

@test "what is refused before it begins leaves no directory that was not there" {
    mkdir there
    fails 3 "$ctorch" train specs/mnist-mlp.yaml -o there/new/run
    [ -d there ] && [ ! -e there/new ]
    fails 3 "$ctorch" train specs/mnist-mlp.yaml -o there
    [ -d there ]
    quick -o there/new/run
    [ -e there/new/run/best.safetensors ]
}
