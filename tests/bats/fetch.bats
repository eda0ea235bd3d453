# ctorch fetch, from a server that misbehaves (server.py) and from a folder.

setup() {
    command -v python3 >/dev/null || skip "no python3"
    ctorch=${CTORCH:-build/ctorch}
    unset http_proxy all_proxy ALL_PROXY CTORCH_DATA
    work=$BATS_TEST_TMPDIR
    mkdir "$work/from"
    seq 100000 | head -c 500000 >"$work/numbers"
    gzip -c "$work/numbers" >"$work/from/numbers.gz"
    cat >"$work/set.yaml" <<END
name: set
mirrors: ["file:///nonexistent"]
files: [{name: numbers, role: train_x, size: 500000, sha256: "$(sha256sum <"$work/numbers" | cut -c1-64)"}]
classes: [a, b]
END
    mkfifo "$work/stop"
    python3 tests/bats/server.py "$work/from" "$work/log" <"$work/stop" >"$work/port" 3>&- &
    exec 9>"$work/stop"
    for _ in $(seq 100); do [ -s "$work/port" ] && break || sleep 0.05; done
    url=http://127.0.0.1:$(cat "$work/port")
}

teardown() {
    exec 9>&-
    wait
}

fetch() {
    run "$ctorch" fetch --dir "$work/to" --retries 1 --timeout 1 "$@" "$work/set.yaml"
}

is_whole() { cmp "$work/numbers" "$work/to/set/numbers"; }

@test "fetch: whole, unzipped, alone" {
    fetch --mirror "$url/ok"
    [ "$status" -eq 0 ]
    is_whole
    [ "$(ls "$work/to/set")" = numbers ]
}

@test "fetch: a second time nothing is asked for" {
    fetch --mirror "$url/ok"
    n=$(wc -l <"$work/log")
    fetch --mirror "$url/ok"
    [ "$status" -eq 0 ]
    [ "$(wc -l <"$work/log")" -eq "$n" ]
}

@test "fetch: truncated, redirected, 503 once: gone on with" {
    for how in truncate redirect 503-once norange; do
        rm -rf "$work/to"
        fetch --mirror "$url/$how"
        [ "$status" -eq 0 ]
        is_whole
    done
    grep -q 'truncate/numbers.gz bytes=' "$work/log"
}

@test "fetch: wrong, absent, stalled, endless, out of the server: refused, nothing in place" {
    for how in wrong 404 503 stall endless loop escape always-truncate; do
        rm -rf "$work/to"
        fetch --mirror "$url/$how"
        [ "$status" -eq 1 ]
        [[ $output == *"$url/$how/numbers"* ]]
        [ ! -e "$work/to/set/numbers" ]
    done
}

@test "fetch: a partial file is resumed by the next run" {
    fetch --mirror "$url/stall"
    [ "$status" -eq 1 ]
    have=$(stat -c %s "$work/to/set/numbers.part")
    [ "$have" -gt 0 ]
    printf %s "$url/ok/numbers.gz" >"$work/to/set/numbers.part.url"
    fetch --mirror "$url/ok"
    [ "$status" -eq 0 ]
    is_whole
    grep -qx "/ok/numbers.gz bytes=$have-" "$work/log"
}

@test "fetch: file:// mirrors, and none that has it" {
    fetch --mirror "file://$work/from"
    [ "$status" -eq 0 ]
    is_whole
    rm -rf "$work/to"
    fetch
    [ "$status" -eq 1 ]
    [[ $output == *"file:///nonexistent/numbers.gz"* ]]
}

@test "fetch --verify: whole, wrong, missing" {
    fetch --mirror "$url/ok"
    fetch --verify
    [ "$status" -eq 0 ]
    printf x | dd of="$work/to/set/numbers" conv=notrunc status=none
    fetch --verify
    [ "$status" -eq 3 ]
    [[ $output == *SHA-256* ]]
    rm "$work/to/set/numbers"
    fetch --verify
    [ "$status" -eq 3 ]
    [[ $output == *"is not there"* ]]
}

@test "fetch: an archive is kept as it is served, and trained on" {
    tar=$work/archive && mkdir "$tar"
    for i in $(seq 40); do printf '\000aaaazzzz\001zzzzaaaa'; done >"$tar/data_batch_1.bin"
    cp "$tar/data_batch_1.bin" "$tar/test_batch.bin"
    tar -C "$work" -czf "$work/from/tiny.tar.gz" archive
    cat >"$work/tiny.yaml" <<END
name: tiny
format: cifar
shape: [2, 2, 2]
mirrors: ["file://$work/from"]
files: [{name: tiny.tar.gz, role: archive, size: $(stat -c %s "$work/from/tiny.tar.gz"),
         sha256: "$(sha256sum <"$work/from/tiny.tar.gz" | cut -c1-64)"}]
classes: [a, z]
END
    run "$ctorch" fetch --dir "$work/to" "$work/tiny.yaml"
    [ "$status" -eq 0 ]
    cmp "$work/from/tiny.tar.gz" "$work/to/tiny/tiny.tar.gz"
    cat >"$work/spec.yaml" <<END
data: {dataset: $work/tiny.yaml}
model: [flatten, linear: 2]
loss: cross_entropy
optimizer: {sgd: {lr: 1}}
train: {epochs: 3}
END
    CTORCH_DATA=$work/to run "$ctorch" train "$work/spec.yaml" -o "$work/run"
    [[ $output != *"needs libarchive"* ]] || skip "no libarchive"
    [ "$status" -eq 0 ]
    CTORCH_DATA=$work/to run "$ctorch" eval --json "$work/run"
    [[ $output == *'"accuracy": 1,'* ]]
}

@test "fetch --list names the datasets; an unknown one is refused" {
    run "$ctorch" fetch --list
    [ "$status" -eq 0 ]
    for name in cifar-10 cifar-100 digits fashion-mnist mnist; do [[ $output == *"$name"* ]]; done
    run "$ctorch" fetch mnits
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'mnist'"* ]]
}
