# Texts: trained on from a file, by characters and by bytes.

setup() {
    load common
    common_setup
    for i in {1..150}; do echo "the $i. cat sat on the mat. le chat était là"; done >text
    cat >s.yaml <<'Y'
data: {dataset: text, file: text, block_size: 16, validation: 0.1}
vars: {tokens: 26}
model: [embedding: {num_embeddings: $tokens, embedding_dim: 16}, gru: {hidden_size: 32, batch_first: true}, linear: $tokens]
loss: cross_entropy
optimizer: {adam: {lr: 1e-2}}
train: {steps: 90, eval_every: 45, batch_size: 16}
Y
}

@test "text: characters are learned, and eval needs the model file and a text" {
    succeeds "$ctorch" train s.yaml -o run
    says "90 steps"
    succeeds "$ctorch" eval run --json
    json 'd["split"] == "test" and d["perplexity"] < 3 and d["accuracy"] > 0.7'
    here=$output
    mkdir elsewhere
    cp run/best.safetensors elsewhere/m.safetensors
    cd elsewhere
    fails 1 "$ctorch" eval m.safetensors
    says "was trained on a text; --data says where there is one"
    succeeds "$ctorch" eval m.safetensors --json --data ../text
    [ "$output" = "$here" ]
    yes "the cat sat" | head -n 40 >fewer # its characters are the model's all the same
    succeeds "$ctorch" eval m.safetensors --data fewer
    yes "the dog sat" | head -n 40 >others
    fails 3 "$ctorch" eval m.safetensors --data others
    says "others: the character at byte 4, 'd' (U+0064), is none of the 26 that the model knows"
}

@test "text: eval says which split it is of" {
    "$ctorch" train s.yaml -o run --set train.steps=2 --set data.test=0 --quiet
    succeeds "$ctorch" eval run
    says "text, validation split"
    fails 3 "$ctorch" eval run --split test
    says "text: has no test samples"
    succeeds "$ctorch" eval run --split train --json
    json 'd["split"] == "train"'
}

@test "text: a run killed and resumed, or on other threads, ends with the same bytes" {
    more=(--quiet --set train.steps=300 --set train.eval_every=10)
    "$ctorch" train s.yaml -o whole "${more[@]}" --threads 1
    "$ctorch" train s.yaml -o run "${more[@]}" --threads 1 3>&- &
    pid=$!
    until grep -qs '"type":"epoch"' run/log.jsonl; do sleep 0.01; done
    kill -KILL $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 137 ]
    "$ctorch" train --resume run --quiet --threads 1
    cmp whole/last.safetensors run/last.safetensors
    "$ctorch" train s.yaml -o two "${more[@]}" --threads 2
    cmp whole/last.safetensors two/last.safetensors
    echo '"' >>text # a character more: the model is not what is wrong
    fails 3 "$ctorch" train --resume two
    says "two: the data is not what this run was trained on: text has changed"
}

@test "text: bytes of anything" {
    head -c 4000 "$ctorch" >text
    fails 3 "$ctorch" train s.yaml -o run
    says "is no UTF-8; tokenizer: byte reads any file"
    succeeds "$ctorch" train s.yaml -o run --set data.tokenizer=byte --set vars.tokens=256 --set train.steps=3
    succeeds "$ctorch" eval run
    fails 2 "$ctorch" check s.yaml --set data.tokenizer=byte
    says "26), but the data has 256 classes"
}

@test "text: what is wrong with one" {
    fails 1 "$ctorch" train s.yaml -o run --set data.file=nowhere
    says "nowhere: cannot be opened: No such file"
    : >empty
    fails 3 "$ctorch" train s.yaml -o run --set data.file=empty
    says "empty: is empty"
    echo "too short" >short
    fails 3 "$ctorch" train s.yaml -o run --set data.file=short
    says "short: 9 tokens are too few for training: a block_size of 16 wants at least 17"
    head -c 1000 /dev/zero >zeros
    fails 3 "$ctorch" train s.yaml -o run --set data.file=zeros
    says "zeros: is one character over and over"
    fails 3 "$ctorch" train s.yaml -o run --set data.file=.
    says "is a directory"
    fails 3 "$ctorch" train s.yaml -o run --set data.validation=0.001
    says "are for validation"
    fails 2 "$ctorch" train s.yaml -o run --set vars.tokens=25
    says "s.yaml:3:9: error: embedding has 25 rows, but the data's numbers are up to 25: num_embeddings must be 26" \
        "s.yaml:3:109: error: " "but the data has 26 classes"
    fails 2 "$ctorch" train s.yaml -o run --set data.dataset=mnist
    says "data: file says where a dataset's only file is; mnist has 4"
}

@test "text: a dataset's, fetched or elsewhere" {
    cat >plays.yaml <<Y
name: plays
format: text
mirrors: ["file://$PWD/mirror"]
files: [{name: input.txt, role: text, size: $(stat -c %s text), sha256: $(sha256sum text | cut -c1-64)}]
Y
    mkdir mirror
    cp text mirror/input.txt
    succeeds "$ctorch" fetch ./plays.yaml --dir data
    short=(--set data.dataset=plays.yaml --set train.steps=2 --quiet)
    sed -i 's/, file: text//' s.yaml
    succeeds "$ctorch" train s.yaml -o a "${short[@]}"
    succeeds "$ctorch" train s.yaml -o b "${short[@]}" --set data.file=text
    succeeds "$ctorch" eval a
    says "plays, test split"
    echo more >>text
    fails 3 "$ctorch" train s.yaml -o c "${short[@]}" --set data.file=text
    says "text: has" "were expected"
}

@test "text: nanoGPT's model trains" {
    for i in {1..120}; do printf '%s\n' " !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"; done >text
    succeeds "$ctorch" train specs/gpt-shakespeare.yaml -o run --set train.steps=3 --set data.dataset=text \
        --set "data.file=$PWD/text"
    says "3 steps"
}
