# Texts that models go on with: the same with and without a cache, repeated by seed, refused where they cannot be.

setup() {
    load common
    common_setup
    for i in {1..99}; do echo "the cat sat on the mat, là."; done >text
}

# learn NAME LAYERS [OPTION...]: a model of the 15 characters of `text`
learn() {
    cat >"$1.yaml" <<Y
data: {dataset: text, file: text, block_size: 32, validation: 0.1}
model: [embedding: {num_embeddings: 15, embedding_dim: 16}, $2, linear: 15]
loss: cross_entropy
optimizer: {adam: {lr: 2e-2}}
train: {steps: 60, batch_size: 16}
Y
    succeeds "$ctorch" train "$1.yaml" -o "$1" --quiet "${@:3}"
}
attention='positions: {kind: sinusoidal}, transformer_encoder_layer: {nhead: 2, dim_feedforward: 32, dropout: 0, batch_first: true, is_causal: true}'
recurrent='gru: {hidden_size: 32, batch_first: true}'

@test "generate: learned text is said again, the same with a cache and without, from the model file alone" {
    learn gpt "$attention" --set train.steps=200
    succeeds "$ctorch" generate gpt/best.safetensors --prompt "the cat" --tokens 120 --temperature 0
    says "the cat sat on the mat, là."
    "$ctorch" generate gpt -p "the cat" -n 120 -t 0 >cached
    [ "$(wc -m <cached)" -eq 128 ] # prompt, tokens, a line feed at the end
    "$ctorch" generate gpt -p "the cat" -n 120 -t 0 --no-cache >whole
    cmp cached whole
    "$ctorch" generate gpt -n 200 --seed 3 >cached # past the window of 32
    "$ctorch" generate gpt -n 200 --seed 3 --no-cache >whole
    cmp cached whole
}

@test "generate: a seed gives the same bytes on any number of threads, another one others; samples differ" {
    learn lm "$recurrent" --set train.steps=5
    "$ctorch" generate lm --tokens 80 --seed 7 --threads 1 >a
    "$ctorch" generate lm --tokens 80 --seed 7 --threads 2 >b
    "$ctorch" generate lm --tokens 80 --seed 8 >c
    cmp a b
    run cmp -s a c
    [ "$status" -eq 1 ]
    "$ctorch" generate lm --tokens 80 --seed 7 --samples 3 >d
    [ "$(grep -c '^---------------$' d)" -eq 2 ]
    head -c "$(wc -c <a)" d | cmp - a
    "$ctorch" generate lm --tokens 80 --seed 7 --top-k 1 --temperature 9 >e
    "$ctorch" generate lm --tokens 80 --temperature 0 >f
    "$ctorch" generate lm --tokens 80 --top-p 0 >g
    cmp e f
    cmp f g
}

@test "generate: --json" {
    need_python
    learn lm "$recurrent"
    succeeds "$ctorch" generate lm --prompt "the là" --tokens 20 --json
    json 'd["prompt"] == "the là" and len(d["text"]) == 20 == d["tokens"] and d["prompt_tokens"] == 6'
    json 'd["cached"] and d["sample"] == 0 and d["seconds"] > 0 and d["prompt_seconds"] > 0'
    succeeds "$ctorch" generate lm --tokens 20 --json --no-cache
    json 'd["prompt"] == "" and not d["cached"]'
    "$ctorch" generate lm --tokens 5 --json --samples 3 >lines
    [ "$(grep -c '^{.*}$' lines)" -eq 3 ]
}

@test "generate: the prompt from a file and from standard input" {
    learn lm "$recurrent"
    echo "on the mat" >prompt
    "$ctorch" generate lm --prompt $'on the mat\n' -n 30 >a
    "$ctorch" generate lm --prompt-file prompt -n 30 >b
    "$ctorch" generate lm - -n 30 <prompt >c
    "$ctorch" generate lm -f - -n 30 <prompt >d
    cmp a b && cmp a c && cmp a d
    "$ctorch" generate lm --prompt-file text -n 30 >long # far more than a window
    cmp <(head -c "$(wc -c <text)" long) text
    fails 2 "$ctorch" generate lm --prompt a --prompt-file prompt
    says "one prompt"
    fails 2 "$ctorch" generate lm prompt
    says "'prompt' is one too many; --prompt-file reads a prompt"
    fails 1 "$ctorch" generate lm --prompt-file nowhere
    says "nowhere: cannot be opened: No such file"
    fails 3 "$ctorch" generate lm --prompt ''
    says "--prompt: is empty"
    fails 3 "$ctorch" generate lm --prompt 'the dög'
    [ "$output" = "ctorch: --prompt: the character at byte 4, 'd' (U+0064), is none of the 15 that the model knows" ]
    printf 'the \377' >bad
    fails 3 "$ctorch" generate lm --prompt-file bad
    says "bad: byte 4 (0xff) is no UTF-8"
}

@test "generate: bytes are written as they are" {
    printf 'a\0b\377%.0s' {1..99} >text
    learn bytes "$recurrent" --set data.tokenizer=byte --set model.0.embedding.num_embeddings=256 --set model.2.linear=256
    "$ctorch" generate bytes --prompt a --tokens 7 --temperature 0 >got
    printf 'a\0b\377a\0b\377\n' | cmp got -
    succeeds "$ctorch" generate bytes --prompt a --tokens 7 --temperature 0 --json
    says '"text": "\u0000b\ufffda\u0000b\ufffd"'
}

@test "generate: a terminal is shown no bytes that it would obey" {
    command -v script >/dev/null || skip "no script, which makes a terminal"
    printf 'a\033[2Jé\n\xc3%.0s' {1..99} >text
    learn bytes "$recurrent" --set data.tokenizer=byte --set model.0.embedding.num_embeddings=256 --set model.2.linear=256
    script -qec "'$ctorch' generate bytes --prompt a --tokens 16 --temperature 0" /dev/null </dev/null >got
    printf 'a?[2Jé\r\n?a?[2Jé\r\n' | cmp got -
}

@test "generate: a model that looks ahead, or along in other ways, does it slowly and says so" {
    learn both "${attention/is_causal: true/is_causal: false}" --set train.steps=2
    succeeds "$ctorch" generate both --tokens 40 --seed 1 --samples 2
    says "ctorch: this model's layers keep nothing of earlier tokens"
    [ "$(grep -c 'keep nothing' <<<"$output")" -eq 1 ]
    succeeds "$ctorch" generate both --tokens 40 --no-cache --json
    says '"cached": false'
    [[ $output != *"keep nothing"* ]]
    learn conv 'transpose: {dim0: 1, dim1: 2}, conv1d: {out_channels: 16, kernel_size: 3, padding: 1}, transpose: {dim0: 1, dim1: 2}' --set train.steps=2
    succeeds "$ctorch" generate conv --tokens 40
    says "keep nothing"
    learn fixed 'transpose: {dim0: 1, dim1: 2}, linear: 32, transpose: {dim0: 1, dim1: 2}' --set train.steps=2
    fails 1 "$ctorch" generate fixed --prompt "the"
    says "fixed/best.safetensors: the model was made for 32 tokens and cannot read 3: "
}

@test "generate: what is no model of text is refused" {
    "$ctorch" train specs/digits-mlp.yaml -o digits --quiet --set train.epochs=1
    fails 1 "$ctorch" generate digits --prompt x
    says "digits/best.safetensors: was not trained on text"
    fails 1 "$ctorch" generate nowhere
    says "nowhere"
    learn lm "$recurrent" --set train.steps=2
    head -c 3000 lm/best.safetensors >cut.safetensors
    fails 3 "$ctorch" generate cut.safetensors
    says "cut.safetensors"
}

@test "generate: options out of range" {
    for o in --temperature=-1 --temperature=x --temperature=nan --temperature= --temperature=1e9 --top-p=1.5 --top-p=-0.1 \
        --top-k=0 --tokens=0 --samples=0 --seed=-1; do
        fails 2 "$ctorch" generate gpt "$o"
        says "generate ${o%%=*}: '${o#*=}' is not a "
    done
    says "a whole number from 0 to"
    fails 2 "$ctorch" generate gpt --top-p=2
    says "is not a number from 0 to 1"
    fails 2 "$ctorch" generate
    says "generate wants MODEL"
}
