# What the tests of the command share.

common_setup() {
    ctorch=$(realpath "${CTORCH:-build/ctorch}")
    repo=$PWD
    unset CTORCH_DATA NO_COLOR
    cd "$BATS_TEST_TMPDIR" || return
    ln -s "$repo/specs" specs
}

# Memory is measured: a sanitizer takes more of it.
need_plain_memory() { ! nm "$ctorch" | grep -q __asan_init || skip "a sanitizer takes more"; }

need_python() { command -v python3 >/dev/null || skip "no python3"; }

# succeeds COMMAND..., fails STATUS COMMAND...: and says what was printed where it did not
succeeds() { fails 0 "$@"; }
fails() {
    want=$1
    shift
    run "$@"
    [ "$status" -eq "$want" ] && return
    echo "status $status, not $want: $*"
    echo "$output"
    return 1
}

# says TEXT...: the output has each
says() {
    for text; do
        [[ $output == *"$text"* ]] && continue
        echo "does not say '$text':"
        echo "$output"
        return 1
    done
}

# json EXPRESSION: what the output's one JSON object, d, makes true
json() {
    printf '%s' "$output" | python3 -c '
import json, sys
def no(word): raise ValueError(word)
d = json.loads(sys.stdin.read(), parse_constant=no)
sys.exit(not eval(sys.argv[1], {"d": d}))' "$1" && return
    echo "not so: $1"
    echo "$output"
    return 1
}

# quick SPEC-OPTIONS...: the digits' spec for a few epochs, quietly
quick() { "$ctorch" train specs/digits-mlp.yaml --set train.epochs=3 --quiet "$@"; }

# The test images of digits as PNG files I.png in a folder, the first N of them.
digits_png() {
    mkdir -p "$1"
    python3 "$repo/tests/bats/png.py" "$repo/datasets/digits" t10k "$1" "$2"
}
