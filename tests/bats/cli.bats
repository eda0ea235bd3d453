# The command line itself: usage, messages, exit statuses, JSON.

setup() {
    load common
    common_setup
}

@test "--version, help: on standard output, status 0" {
    succeeds "$ctorch" --version
    [[ $output =~ ^ctorch\ [0-9]+\.[0-9]+ ]]
    succeeds "$ctorch" help
    says train eval predict check fetch devices
    succeeds "$ctorch" --help
    for command in train eval predict check fetch devices; do
        succeeds "$ctorch" help $command
        says "Usage: ctorch $command" --help
        [ "$output" = "$("$ctorch" $command --help 2>/dev/null)" ]
    done
}

@test "what is not known is refused with what was meant, status 2" {
    fails 2 "$ctorch"
    says "a command is missing"
    fails 2 "$ctorch" trian
    says "ctorch: unknown command 'trian'; did you mean 'train'?"
    fails 2 "$ctorch" help evl
    says "did you mean 'eval'?"
    fails 2 "$ctorch" xyzzy
    says "'ctorch help' lists what there is"
    fails 2 "$ctorch" train --quite x.yaml
    says "ctorch: train has no option '--quite'; did you mean '--quiet'?"
    fails 2 "$ctorch" check -x a.yaml
    says "check has no option '-x'"
}

@test "messages: no byte that is no UTF-8 reaches a terminal, nor a control; each is written in one piece" {
    need_python
    # an overlong ESC, a surrogate, past the last code point, C1's CSI, an override, two that are shown
    for word in '\xe0\x80\x9b[2J=???[2J' '\xed\xa0\x80=???' '\xf4\x90\x80\x80=????' '\xc2\x9bA=??A' '\xe2\x80\xae=???' \
        '\xc3\xa9=\xc3\xa9' '\xf0\x9f\x98\x80=\xf0\x9f\x98\x80'; do
        # shellcheck disable=SC2059 # the word is bytes to be made
        fails 2 "$ctorch" "$(printf "${word%=*}")"
        # shellcheck disable=SC2059
        says "unknown command '$(printf "${word#*=}")'"
    done
    python3 - "$ctorch" <<'P'
import os, subprocess, sys
read, write = os.pipe2(os.O_DIRECT) # what is written at once is read at once
run = subprocess.Popen([sys.argv[1], "trian"], stderr=write)
piece = os.read(read, 4096)
os.close(read)
run.wait()
assert piece == b"ctorch: unknown command 'trian'; did you mean 'train'?\n", piece
P
}

@test "a spec for a model, and a model for a spec, are told apart" {
    fails 1 "$ctorch" eval specs/digits-mlp.yaml
    says "specs/digits-mlp.yaml: is a spec; a model is what \`ctorch train\` makes of it"
    for command in check train; do
        fails 2 "$ctorch" $command run/best.safetensors
        says "run/best.safetensors is a model, and a spec is wanted"
    done
    fails 2 "$ctorch" check "$BATS_TEST_TMPDIR"
    says "is a directory, and a spec is wanted; that of a run is its spec.yaml"
}

@test "what is planned says so, status 1" {
    for command in export serve; do
        fails 1 "$ctorch" $command model
        [ "$output" = "ctorch: '$command' is planned and not there yet" ]
    done
}

@test "options: values, letters, numbers out of range, operands too few and too many" {
    fails 2 "$ctorch" train specs/digits-mlp.yaml --output
    says "train --output: DIR is missing"
    fails 2 "$ctorch" train specs/digits-mlp.yaml -o
    fails 2 "$ctorch" train --force=1 specs/digits-mlp.yaml
    says "takes no value"
    for n in 0 257 two 1x '' 99999999999999999999; do
        fails 2 "$ctorch" train specs/digits-mlp.yaml --threads "$n"
        says "is not a whole number from 1 to 256"
    done
    fails 2 "$ctorch" train specs/digits-mlp.yaml --isa v9
    says "'v9'"
    fails 2 "$ctorch" check
    says "check wants SPEC"
    fails 2 "$ctorch" check a.yaml b.yaml
    says "'b.yaml' is one too many"
    fails 2 "$ctorch" devices there
    fails 2 "$ctorch" train
    fails 2 "$ctorch" train --resume --force run
    fails 2 "$ctorch" eval run --split testing
    says "'testing'"
    fails 2 "$ctorch" check -- --json
    says "--json: error: cannot be read"
    succeeds "$ctorch" train -qor --set=train.epochs=1 specs/digits-mlp.yaml --threads=1
    [ -e r/best.safetensors ]
    [ -z "$output" ]
}

@test "standard output that cannot be written: status 1 and a message" {
    status=0
    said=$("$ctorch" help 2>&1 >&-) || status=$?
    [ "$status" -eq 1 ]
    [[ $said == "ctorch: standard output: cannot be written: "* ]]
    [ -e /dev/full ] || skip "no /dev/full"
    status=0
    said=$("$ctorch" check specs/digits-mlp.yaml 2>&1 >/dev/full) || status=$?
    [ "$status" -eq 1 ]
    [[ $said == "ctorch: standard output: cannot be written: "* ]]
}

@test "with no standard streams at all, files are not written into" {
    quick -o plain
    quick -o closed <&- >&- 2>&-
    cmp plain/best.safetensors closed/best.safetensors
    [ "$(wc -l <plain/log.jsonl)" = "$(wc -l <closed/log.jsonl)" ]
}

@test "devices: text and JSON agree" {
    need_python
    succeeds "$ctorch" devices
    says cpu kernels threads memory "no CUDA in this build"
    text=$output
    succeeds "$ctorch" devices --json
    json 'd["threads"] >= 1 and d["kernels"] in d["available"] and "ref" in d["available"] and d["cuda"] is False'
    json 'd["memory"] > 1 << 20 and d["threads_why"] and d["cpu"]'
    threads=$(sed -n 's/^threads *\([0-9]*\).*/\1/p' <<<"$text")
    json "d['threads'] == $threads"
}

@test "devices: an affinity mask lowers the threads, and says why" {
    command -v taskset >/dev/null || skip "no taskset"
    cpu=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
    succeeds taskset -c "$cpu" "$ctorch" devices
    says "threads  1 ("
}

@test "check: table and JSON agree; the specs have the parameters that they say" {
    need_python
    for spec in digits-mlp mnist-mlp mnist-cnn; do
        said=$(sed -n '1s/.* \([0-9,]*\) parameters.*/\1/p' specs/$spec.yaml | tr -d ,)
        succeeds "$ctorch" check specs/$spec.yaml
        [[ $output =~ total\ +$said\  ]]
        succeeds "$ctorch" check specs/$spec.yaml --json
        json "d['parameters'] == $said == sum(l['parameters'] for l in d['layers'])"
    done
    json 'd["input"] == "(N, 1, 28, 28)" and d["layers"][-1] == {"name": "10", "layer": "linear", "output": "(N, 10)", "parameters": 1290, "multiply_adds": 1280, "activation_bytes": 2560}'
    succeeds "$ctorch" check specs/mnist-cnn.yaml --set data.dataset=fashion-mnist
}

@test "fetch: embedded data need none; usage" {
    succeeds "$ctorch" fetch digits
    says "digits: ctorch carries it"
    [ ! -e data ]
    fails 2 "$ctorch" fetch
    fails 2 "$ctorch" fetch --list digits
}

@test "text from outside reaches a terminal without control characters" {
    name=$(printf 'a\033[31mb.yaml')
    printf 'model: [relu]\nloss: mse_loss\noptimizer: sgd\n\n' >"$name"
    fails 2 "$ctorch" train "$name" -o x --set data.dataset=nope
    [[ $output != *$'\033'* ]]
    fails 1 "$ctorch" eval "$name$name"
    [[ $output != *$'\033'* ]]
}

@test "no command but fetch opens a socket" {
    strace -o trace true 2>/dev/null || skip "no strace, or none allowed"
    for words in "check specs/mnist-cnn.yaml" "train specs/digits-mlp.yaml -q -o run" "eval run" "predict run x.png" \
        devices "fetch --list" "fetch --verify digits"; do
        # shellcheck disable=SC2086 # words
        ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=socket,connect,execve -o trace "$ctorch" $words >/dev/null 2>&1 || [ "$words" = "predict run x.png" ]
        grep -q execve trace
        run grep -E 'socket\(|connect\(' trace
        [ "$status" -eq 1 ] || { echo "$words: $output"; false; }
    done
}
