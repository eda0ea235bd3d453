#!/bin/sh
# What ctorch is built and tested with, a row each: when it is needed (need: no build without it; want: a part is left
# out; test, long, bench: for `make test`, `make test-long`, `make bench`), how to tell that it is there, and Debian's
# package.
# usage: deps.sh missing WHEN...   names the packages that are not there
#        deps.sh install WHEN...   installs them by apt; fails when something needed stays missing
rows='
need command cc         gcc
need header  stdio.h    libc6-dev
need command pkg-config pkg-config
need module  yaml-0.1   libyaml-dev
need module  libpng     libpng-dev
need module  zlib       zlib1g-dev
need module  libcrypto  libssl-dev
need module  jansson    libjansson-dev
want module  libcurl    libcurl4-openssl-dev
want module  libarchive libarchive-dev
test command bats       bats
test command python3    python3
test command groff      groff-base
test command strace     strace
long command clang      clang
long command valgrind   valgrind
bench header dnnl.h     libdnnl-dev
'
CC=${CC:-cc}

is_there() {
    case $1:$2 in
        command:cc) command -v "${CC%% *}" >/dev/null ;;
        command:*) command -v "$2" >/dev/null ;;
        module:*) pkg-config --exists "$2" 2>/dev/null ;;
        header:*) echo "#include <$2>" | $CC -E - >/dev/null 2>&1 ;;
    esac
}

missing() {
    echo "$rows" | while read -r when how what package; do
        case " $* " in *" ${when:--} "*) is_there "$how" "$what" || printf '%s ' "$package" ;; esac
    done
}

install() {
    packages=$(missing "$@")
    [ -n "$packages" ] || return 0
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo"
    if command -v apt-get >/dev/null && { [ -z "$as_root" ] || command -v sudo >/dev/null; }; then
        echo "installing: $packages"
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086 # words are meant
        set -- $as_root apt-get install -y -q --no-install-recommends $packages
        "$@" </dev/null >/dev/null 2>&1 || { $as_root apt-get update -q && "$@" </dev/null; } >/dev/null
    fi
    needed=$(missing need)
    if [ -n "$needed" ]; then
        echo "missing: $needed: install these Debian packages, or what your system calls them" >&2
        return 1
    fi
    [ -z "$(missing want test)" ] || echo "going on without: $(missing want test)"
}

case $1 in
    missing) shift && missing "$@" ;;
    install) shift && install "$@" ;;
    *) echo "usage: deps.sh missing|install need|want|test|long..." >&2; exit 2 ;;
esac
