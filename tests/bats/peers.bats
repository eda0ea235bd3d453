# make bench: what of it goes into README, with programs that only say that they took some time.

setup() {
    load common
    common_setup
    mkdir -p build/bench peers data/mnist
    echo pixels >data/mnist/images
    touch peers/torch_peer.py peers/torch_tutorial.py
    printf '#!/bin/sh\necho "{\\"peak\\": 1e11, \\"median_s\\": 0.25, \\"operations\\": 1e9}"\n' >build/bench/step
    printf '#!/bin/sh\nexit 0\n' >build/ctorch
    # -o FILE: what it measured; its other options are passed over up to the command
    cat >build/bench/measure <<'END'
#!/bin/sh
echo '{"seconds": 2, "peak_mib": 5, "seen": 0.1}' >"$2"
shift 2
until [ -x "$1" ]; do shift; done
exec "$@"
END
    # python -c 'import NAME...', and a peer
    cat >python <<'END'
#!/bin/sh
case "$*" in "-c import torch"*) echo 2.0 ;; -c*) exit 1 ;; *) echo '{"median_s": 0.5}' ;; esac
END
    chmod +x build/bench/* build/ctorch python
    printf 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n' >README.md
    cp README.md old
}

# bench [VARIABLE=VALUE...]
bench() {
    run env PYTHON="$PWD/python" PEERS=peers DATA=data ROUNDS=1 "$@" sh "$repo/tests/bench/bench.sh" "$PWD/build" README.md
    [ "$status" -eq 0 ]
}

@test "make bench: all that was measured goes into README" {
    bench
    says "| resnet18 | 250 ms | 500 ms | PyTorch, 1 thread"
    [ "$(head -n 2 README.md)" = "$(head -n 2 old)" ] && [ "$(tail -n 2 README.md)" = "$(tail -n 2 old)" ]
    [ "$(grep -c '^| [a-z0-9_]* | 250 ms | 500 ms | PyTorch' README.md)" -eq 10 ]
    ! grep -q old README.md || false
}

@test "make bench: a part of the workloads is printed, and README kept" {
    bench WORKLOADS='gpt_nano lstm_char'
    says "| gpt_nano | 250 ms | 500 ms" "not measured: mnist_mlp, a peer's mnist_mlp, " "README.md stays as it is"
    cmp README.md old
}

@test "make bench: without peers README is kept" {
    bench PYTHON=false
    says "| gpt_nano | 250 ms | none " "not measured: a peer's mnist_mlp, " "README.md stays as it is"
    cmp README.md old
}

@test "make bench: without whole runs README is kept" {
    bench DATA=away
    says "| gpt_nano | 250 ms | 500 ms" "not measured: a whole run, a whole tutorial: README.md stays as it is"
    cmp README.md old
}
