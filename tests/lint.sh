#!/bin/sh
# What a machine can say about the source; the last line is "lint: N passed, N failed, N skipped", a rule each.
# shellcheck disable=SC2086 # lists of files are words
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C.UTF-8
passed=0 failed=0 skipped=0
sources=$(find lib kernels cmd tests -name '*.[ch]' | sort)
library=$(find lib kernels -name '*.c')
CC=${CC:-cc}

# Includes point one way: a room sees those left of it. Rooms of one rank don't see each other; cmd/ sees what is
# installed.
upward_includes() {
    awk '
    BEGIN {
        n = split("base yaml kernels tensor graph ops autograd nn,optim file data plan spec run cmd", column, " ")
        for (i = 1; i <= n; i++) { m = split(column[i], room, ","); for (j = 1; j <= m; j++) rank[room[j]] = i }
    }
    function place(path) { sub(/^lib\//, "", path); return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "" }
    FNR == 1 { mine = place(FILENAME) }
    mine in rank && /^ *# *include "/ {
        split($0, quoted, "\""); what = quoted[2]; its = place(what)
        if (what == "ctorch.h" || what == "ctorch_ops.h" || its == mine) ok = 1
        else if (what == "ctorch_run.h") ok = rank[mine] >= rank["run"]
        else if (its == "") ok = 1 # beside it
        else ok = mine != "cmd" && its in rank && rank[its] < rank[mine]
        if (!ok) print FILENAME ":" FNR ": " mine " includes " what
    }' $sources
}

long_files() { awk 'FNR == 501 { print FILENAME }' $sources; }
long_header() { awk 'END { if (NR > 400) print "lib/ctorch.h: " NR " lines" }' lib/ctorch.h; }
long_lines() { grep -nE '.{121}' $sources Makefile tests/*.sh | cut -c1-80; }
library_manners() { grep -nE '\b(printf|puts|putchar|exit|abort|getenv|setenv)\(' $library; }
stray_memory() { grep -nE '\b(malloc|calloc|realloc|strdup)\(' $library | grep -v '^lib/base/alloc.c:'; }

# Functions, and macros with a body, by their length.
long_functions() {
    awk '
    FNR == 1 { start = macro = 0 }
    macro { if (!/\\$/) { print FNR - macro + 1, FILENAME ":" macro; macro = 0 } next }
    /^#define .*\\$/ { macro = FNR; next }
    /^[a-zA-Z_][^=]*\) *\{.*\}$/ { print 1, FILENAME ":" FNR; next }
    /^[a-zA-Z_ ][^=]*\) *\{$/ && !/^ {4}/ { start = FNR }
    /^}/ && start { print FNR - start + 1, FILENAME ":" start; start = 0 }' $sources | sort -n | awk '
    { length_of[NR] = $1; if ($1 > 80) over[++k] = $2 ": " $1 " lines" }
    END {
        p90 = length_of[int(NR * 0.9) + 1]
        if (NR < 100) print "found only " NR " functions"
        if (p90 > 35) print "nine in ten are at most " p90 " lines long, not 35"
        if (k > NR / 100) for (i = 1; i <= k; i++) print over[i]
    }'
}

badly_formatted() {
    clang-format --dry-run $sources 2>&1 | grep -F 'clang-formatted [-W' | cut -d: -f1 | uniq -c |
        awk '{ print $2 ": " $1 " places" }'
}

headers_as_cpp() {
    made=$(mktemp -d) || return
    sh lib/ops/header.sh >"$made/ctorch_ops.h"
    $CC -fsyntax-only -std=c++17 -Wall -Wextra -Werror -Ilib -I"$made" -xc++ lib/ctorch_run.h 2>&1
    rm -r "$made"
}

# rule CHECK WHAT: a check prints what breaks it
rule() {
    found=$($1)
    if [ -z "$found" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        printf '%s:\n%s\n' "$2" "$found" | sed '2,$s/^/    /'
    fi
}
rule upward_includes "includes that point to the right"
rule long_files "files over 500 lines"
rule long_header "the installed header has over 400 lines"
rule long_lines "lines over 120 columns"
rule library_manners "the library prints, exits or reads the environment"
rule stray_memory "memory that is not from base/alloc.h"
rule long_functions "functions: p90 over 35 lines, or more than 1% over 80"
case $(clang-format --version 2>/dev/null) in
    *" version 14."*) rule badly_formatted "not as clang-format writes it" ;;
    *) skipped=$((skipped + 1)) ;;
esac
if echo 'int x;' | $CC -fsyntax-only -xc++ - 2>/dev/null; then rule headers_as_cpp "the installed headers as C++17"
else skipped=$((skipped + 1)); fi

echo "lint: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
