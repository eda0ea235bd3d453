# Wrong specs are refused before any work: at their place, with what was meant, status 2.

setup() {
    load common
    common_setup
}

# spec LINE...: a spec of these lines, in place of the sound one's of the same key
spec() {
    cat >sound <<'END'
data: {dataset: digits}
model: [flatten, linear: 16, relu, linear: 10]
loss: cross_entropy
optimizer: {adam: {lr: 1e-3}}
train: {epochs: 2, batch_size: 32}
END
    for line; do sed -i "/^${line%%:*}:/d" sound; done
    { cat sound; printf '%s\n' "$@"; } >s.yaml
}

# wrong LINE COLUMN MESSAGE: check and train refuse s.yaml with it there, and show the line
wrong() {
    fails 2 "$ctorch" check s.yaml
    says "s.yaml:$1:$2: error: $3" "$(printf '%5d | %s' "$1" "$(sed -n "$1p" s.yaml)")"
    grep -qE '^ +\| +\^' <<<"$output"
    fails 2 "$ctorch" train s.yaml -o run
    says "s.yaml:$1:$2: error: $3"
}

@test "a sound spec is sound, from standard input too" {
    spec
    succeeds "$ctorch" check s.yaml
    succeeds "$ctorch" check - <s.yaml
}

@test "unknown and duplicate keys" {
    spec 'train: {epoch: 2}'
    wrong 5 9 "unknown key 'epoch' in train; did you mean 'epochs'?"
    spec 'sed: 1'
    wrong 6 1 "unknown key 'sed'; did you mean 'seed'?"
    spec 'train: {epochs: 2, epochs: 3}'
    wrong 5 20 "duplicate key 'epochs'"
    says "s.yaml:5:9: note: first given here"
    spec 'model: [linear: {out_features: 10, baias: true}]'
    wrong 5 36 "unknown key 'baias' in linear; did you mean 'bias'?"
}

@test "unknown layers, losses, optimizers, datasets, choices" {
    spec 'model: [flatten, linaer: 10]'
    wrong 5 18 "unknown layer 'linaer'; did you mean 'linear'?"
    spec 'loss: cross_entrpy'
    wrong 5 7 "unknown loss 'cross_entrpy'; did you mean 'cross_entropy'?"
    spec 'optimizer: adma'
    wrong 5 12 "unknown optimizer 'adma'; did you mean 'adam'?"
    spec 'train: {monitor: acuracy}'
    wrong 5 18 "unknown monitor 'acuracy'"
    says "did you mean 'accuracy'?"
    spec 'data: {dataset: mnits}'
    fails 2 "$ctorch" check s.yaml
    says "s.yaml:5:17: error: no dataset is called 'mnits'; did you mean 'mnist'?"
}

@test "wrong types and ranges" {
    spec 'train: {epochs: ten}'
    wrong 5 17 "epochs must be an integer, got 'ten'"
    spec 'train: {epochs: "10"}'
    wrong 5 17 "epochs must be an integer, got the string '10'"
    spec 'train: {epochs: 0}'
    wrong 5 17 "epochs must be between 1 and 1000000000, got 0"
    spec 'train: {epochs: 1.5}'
    wrong 5 17 "epochs must be an integer, got '1.5'"
    spec 'data: {validation: 0.95}'
    wrong 5 20 "validation must be between 0 and 0.9, got 0.95"
    spec 'model: [flatten, linear: {out_features: 10, bias: yes}]'
    wrong 5 51 "bias must be true or false, got 'yes'"
    spec 'model: [flatten, dropout: 1.5, linear: 10]'
    wrong 5 27 "p must be between 0 and 1, got 1.5"
    spec 'optimizer: {adam: {betas: [0.9]}}'
    wrong 5 27 "betas must be a number or a list of 2, got a list of 1"
    spec 'model: [flatten, relu: 3, linear: 10]'
    wrong 5 24 "relu has no settings, got '3'"
    spec 'model: flatten'
    wrong 5 8 "expected a list of layers"
    spec 'model: [flatten, linear]'
    wrong 5 18 "missing key 'out_features' in linear"
}

@test "sections that are missing or too many" {
    printf 'model: [flatten, linear: 10]\n' >s.yaml
    fails 2 "$ctorch" check s.yaml
    says "the document has no 'loss'" "the document has no 'optimizer'"
    spec 'data: {dataset: digits, images: pictures}'
    wrong 5 33 "data has both dataset and images"
    printf '[1, 2]\n' >s.yaml
    wrong 1 1 "a spec is a map"
    : >s.yaml
    fails 2 "$ctorch" check s.yaml
    fails 2 "$ctorch" check nothing.yaml
    says "nothing.yaml: error: cannot be read: No such file or directory"
}

@test "shapes that clash name both places" {
    spec 'model: [conv2d: {out_channels: 4, kernel_size: 9}, flatten, linear: 10]'
    wrong 5 9 "conv2d"
    says "s.yaml:5:8: note: its input is the data"
    spec 'model:' '- flatten' '- conv2d: {out_channels: 4, kernel_size: 3}'
    wrong 7 3 "conv2d wants an input (N, C, H, W), it has 2 dimensions"
    says "s.yaml:6:3: note: its input"
    spec 'model: [flatten, linear: 9]'
    wrong 5 18 "the model's output is"
    says "the data has 10 classes"
}

@test "all errors at once" {
    spec 'model: [flatten, linaer: 3, linear: {out_features: 0}]' 'optimizer: {adam: {lr: fast}}' 'train: {epoch: 1}'
    fails 2 "$ctorch" check s.yaml
    [ "$(grep -c ' error: ' <<<"$output")" -eq 4 ]
}

@test "YAML that is none, or is too much" {
    spec 'train: {epochs: 2'
    fails 2 "$ctorch" check s.yaml
    says "s.yaml:" "error: "
    printf 'a: &a [x, x]\nb: &b [*a, *a]\nmodel: *missing\n' >s.yaml
    fails 2 "$ctorch" check s.yaml
    {
        printf 'a0: &a0 [x]\n'
        for i in $(seq 40); do printf 'a%d: &a%d [*a%d, *a%d]\n' "$i" "$i" $((i - 1)) $((i - 1)); done
    } >s.yaml
    fails 2 timeout 10 "$ctorch" check s.yaml
    printf '%0100000d' 0 | tr 0 '[' >s.yaml
    fails 2 timeout 10 "$ctorch" check s.yaml
    says "nested deeper"
    head -c 5000000 /dev/zero | tr '\0' '#' >s.yaml
    fails 2 "$ctorch" check s.yaml
    printf 'model: [\xff]\n' >s.yaml
    fails 2 "$ctorch" check s.yaml
    printf '\0' >s.yaml
    fails 2 "$ctorch" check s.yaml
    fails 2 "$ctorch" check "$BATS_TEST_TMPDIR"
}

@test "--set: replaces, adds, and is checked like the file" {
    spec
    succeeds "$ctorch" check s.yaml --set model.1.linear=32 --set seed=7
    says "(N, 32)"
    fails 2 "$ctorch" check s.yaml --set train.epochs=ten
    says "--set:1:14: error: epochs must be an integer, got 'ten'"
    fails 2 "$ctorch" check s.yaml --set train.epoch=1
    says "--set:1:7: error: unknown key 'epoch' in train; did you mean 'epochs'?"
    fails 2 "$ctorch" check s.yaml --set nonsense
    says "--set:1:1: error: expected path=value"
    fails 2 "$ctorch" check s.yaml --set model.9.linear=3
    says "--set:1:7: error: this is a list of 4"
}

@test "ctorch-spec(5) names nothing that there is not, and every key" {
    page=$(dirname "$ctorch")/gen/ctorch-spec.5
    awk '/^\.S[sh] / { in_it = $2 == "data" } in_it && /^\.It Cm / { print $3 }' "$page" >names
    [ -s names ]
    while read -r name; do
        spec "data: {$name: {}}"
        run "$ctorch" check s.yaml
        [[ $output != *"unknown key"* ]] || { echo "$output"; false; }
    done <names
    "$ctorch" schema --keys | awk -F'\t' '
        kind != "" && index($1, kind ".") == 1 { print ".Cm " substr($1, length(kind) + 2) " :"; next }
        { kind = $2 == "settings" ? $1 : ""; print $1 ~ /\./ ? ".It Cm " $1 : ".Ss Keys: " $1 }' >want
    sed -n '/^\.Sh KEYS/,/^\.Sh SEE/{/^\.It Cm\|^\.Cm\|^\.Ss/p}' "$page" >got
    diff want got
}

@test "spec: --set reaches what is included, and what it includes itself" {
    cd "$BATS_TEST_TMPDIR"
    printf 'vars: {width: 4}\nmodel: [flatten, linear: $width, linear: 10]\nloss: cross_entropy\noptimizer: adam\n' >base.yaml
    printf 'include: base.yaml\nseed: 1\n' >own.yaml
    succeeds "$ctorch" check own.yaml --json --set model.1.linear=16 --set vars.width=8
    json '[l["output"] for l in d["layers"]] == ["(N, 64)", "(N, 16)", "(N, 10)"]'
    succeeds "$ctorch" check own.yaml --json --set vars.width=8
    json 'd["layers"][1]["output"] == "(N, 8)"'
    echo 'vars: {width: 5}' >more.yaml
    succeeds "$ctorch" check own.yaml --json --set 'include=[base.yaml, more.yaml]'
    json 'd["layers"][1]["output"] == "(N, 5)"'
    fails 2 "$ctorch" check own.yaml --set include=none.yaml
    says "none.yaml"
}
