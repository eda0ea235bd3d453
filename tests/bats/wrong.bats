# tests/wrong: what is said of specs that are wrong. NAME.yaml's first line, "# LINE:COLUMN: LEVEL: WORDS", says what must
# be there; NAME.txt is all of it (UPDATE=1 writes it anew: read what changed).

setup() {
    load common
    common_setup
    cd "$repo/tests/wrong"
}

@test "wrong specs: refused at the place, in the words, and as ever before" {
    [ "$(ls ./*.yaml | wc -l)" -ge 60 ]
    differ=0
    for spec in *.yaml; do
        name=${spec%.yaml} status=0
        got=$("$ctorch" check -Werror "$spec" 2>&1) || status=$?
        read -r _ place level words <"$spec"
        [ -z "${UPDATE:-}" ] || printf '%s\n' "$got" >"$name.txt"
        line=$(grep -F "$spec:$place $level " <<<"$got") || line=
        if [ "$status" -ne 2 ] || [[ $line != *"$words"* ]] || [ "$got" != "$(<"$name.txt")" ]; then
            echo "$spec: status $status, $place $level $words"
            diff "$name.txt" - <<<"$got" || true
            differ=$((differ + 1))
        fi
    done
    [ "$differ" -eq 0 ]
}

@test "warnings alone do not refuse, -Werror does, and the shelf has none" {
    for spec in warn-*.yaml; do
        succeeds "$ctorch" check "$spec"
        says "warning: "
        fails 2 "$ctorch" check -Werror "$spec"
    done
    fails 2 "$ctorch" train -Werror warn-rate.yaml -o "$BATS_TEST_TMPDIR/run"
    [ ! -e "$BATS_TEST_TMPDIR/run" ]
    fails 2 "$ctorch" check -Wall warn-rate.yaml
    for spec in "$repo"/specs/*.yaml; do
        succeeds "$ctorch" check -Werror "$spec"
        [[ $output != *warning:* ]]
    done
}

@test "check --expand: a spec that says the same" {
    cd "$repo"
    for spec in specs/*.yaml; do
        succeeds "$ctorch" check --json "$spec"
        want=$output
        "$ctorch" check --expand "$spec" >"$BATS_TEST_TMPDIR/expanded.yaml"
        ! grep -q '^ *\(vars\|blocks\|include\):\|[$]\|repeat:' "$BATS_TEST_TMPDIR/expanded.yaml"
        run "$ctorch" check --json - <"$BATS_TEST_TMPDIR/expanded.yaml"
        [ "$output" = "$want" ]
    done
}

@test "check --expand: names, paths and --set stay what they are" {
    cd "$BATS_TEST_TMPDIR"
    mkdir -p sub/pictures
    cat >sub/blocks.yaml <<'Y'
blocks: {dense: {params: {width: }, layers: [linear: $width, {relu: , name: act}]}}
Y
    cat >sub/s.yaml <<'Y'
include: blocks.yaml
vars: {n: 2}
data: {images: pictures, size: 4, channels: 1}
model: [flatten, {dense: 8*$n, name: head}, {dense: 4, repeat: $n}, linear: 3]
loss: cross_entropy
optimizer: {adamw: {lr: 1e-3}, groups: {"*.bias": {weight_decay: 0}}}
Y
    succeeds "$ctorch" check --expand sub/s.yaml --set train.epochs=7
    says "images: sub/pictures" "epochs: 7" "name: head" "linear: 16" "lr: 1e-3" '"*.bias":'
    printf '%s\n' "$output" >e.yaml
    want=$("$ctorch" check --json sub/s.yaml)
    [ "$("$ctorch" check --json e.yaml)" = "$want" ]
    [[ $want == *'"head.act"'* ]]
    fails 2 "$ctorch" check --expand sub/s.yaml --set train.epoch=7
    [[ $output != *"model:"* ]]
}

@test "hostile specs: refused at once, in little memory" {
    cd "$BATS_TEST_TMPDIR"
    small() { # SPEC-TEXT: check ends within 5 s, in 400 MB of address space
        printf '%s\nloss: cross_entropy\noptimizer: adam\n' "$1" >s.yaml
        run timeout 5 sh -c 'ulimit -v 400000; exec "$0" check s.yaml' "$ctorch"
    }
    need_plain_memory
    small 'model: [flatten, linear: 1073741824]' # its shapes cost nothing
    says "(N, 1073741824), but the data has 10 classes"
    small 'model: [flatten, linear: 2147483648]'
    says "out_features must be between"
    small 'model: [flatten, linear: 9223372036854775807]'
    says "out_features must be between"
    small 'model: [flatten, linear: 9223372036854775808]'
    says "too large a number"
    small 'data: {dataset: random, shape: [16777216, 16777216, 16777216, 16777216], classes: 2}
model: [flatten, linear: 2]'
    says "more elements than are possible"
    small 'model: [{linear: 1073741824, repeat: 10000}]'
    [ "$status" -eq 2 ]
    small 'blocks: {a: {layers: [{b: , repeat: 100}]}, b: {layers: [{c: , repeat: 100}]}, c: {layers: [{relu: , repeat: 100}]}}
model: [flatten, a, linear: 10]'
    says "too large"
    small 'vars: {a: [$a, $a]}
model: $a'
    [ "$status" -eq 2 ]
    small 'model: &m [flatten, {sequential: *m}]'
    says "stands inside what it names"
}
