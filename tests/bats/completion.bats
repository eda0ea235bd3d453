# ctorch completion: what the shells are told.

setup() {
    load common
    common_setup
    PATH=$(dirname "$ctorch"):$PATH
}

@test "completion --keys: one step further, then values" {
    run "$ctorch" completion --keys tr
    [ "$output" = "train." ]
    run "$ctorch" completion --keys train.ep
    [ "$output" = "train.epochs=" ]
    run "$ctorch" completion --keys train.monitor=
    [ "$output" = $'train.monitor=accuracy\ntrain.monitor=loss' ]
    run "$ctorch" completion --keys model.12.conv2d.kern
    [ "$output" = "model.12.conv2d.kernel_size=" ]
    run "$ctorch" completion --keys optimizer.adamw.b
    [ "$output" = "optimizer.adamw.betas=" ]
    run "$ctorch" completion --keys nothing
    [ -z "$output" ]
    fails 2 "$ctorch" completion tcsh
    fails 2 "$ctorch" completion
}

# bash_completes LINE: what bash would offer, in one line
bash_completes() {
    "$ctorch" completion bash >c.bash
    bash -c '
        source ./c.bash
        compopt() { :; }
        COMP_LINE=$1 COMP_POINT=${#1}
        read -ra COMP_WORDS <<<"$1"
        [[ $1 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _ctorch
        echo "${COMPREPLY[*]}"' bash "$1"
}

@test "completion: bash" {
    [ "$(bash_completes "ctorch tr")" = train ]
    [[ $(bash_completes "ctorch ") == "train eval predict generate check "*help ]]
    [ "$(bash_completes "ctorch train --res")" = --resume ]
    [ "$(bash_completes "ctorch check --exp")" = --expand ]
    [ "$(bash_completes "ctorch train --set train.ep")" = train.epochs= ]
    [ "$(bash_completes "ctorch train --set=train.ep")" = train.epochs= ]
    [ "$(bash_completes "ctorch train --set train.monitor=l")" = loss ]
    [ -z "$(bash_completes "ctorch train s")" ]
}

@test "completion: fish" {
    command -v fish >/dev/null || skip "no fish"
    export HOME=$PWD
    "$ctorch" completion fish >c.fish
    fish -c 'source c.fish; complete -C "ctorch tra"' | grep -q '^train'
    fish -c 'source c.fish; complete -C "ctorch train --res"' | grep -q '^--resume.go on from'
    fish -c 'source c.fish; complete -C "ctorch train --set train.ep"' | grep -q '^train.epochs='
}

@test "completion: zsh" {
    command -v zsh >/dev/null || skip "no zsh"
    "$ctorch" completion zsh >_ctorch
    succeeds zsh -n _ctorch
    succeeds zsh -fc 'fpath=($PWD $fpath); autoload -U compinit; compinit -D -u; whence -w _ctorch; [[ $_comps[ctorch] == _ctorch ]]'
}
