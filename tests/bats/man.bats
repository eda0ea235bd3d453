# The pages say what the command does: the options are the tables', the examples run.

setup() {
    load common
    common_setup
    man=$repo/man
}

@test "man: the options of each page are those of the command" {
    for command in train eval predict generate check show schema completion fetch devices bench; do
        "$ctorch" $command --man-options >want
        [ "$(grep -c '^\.It Fl' want)" -gt 1 ]
        sed -n '/^The options are:/,/^\.El/p' "$man/ctorch-$command.1" | sed 1d >got
        diff want got
    done
}

@test "man: each command has a page, and ctorch(1) names it" {
    "$ctorch" help | sed -n 's/^  \([a-z]*\)  .*/\1/p' >commands
    [ "$(wc -l <commands)" -ge 6 ]
    while read -r command; do
        [ -s "$man/ctorch-$command.1" ]
        grep -q "^\.It Cm $command$" "$man/ctorch.1"
        grep -q "^\.Xr ctorch-$command 1 " "$man/ctorch.1"
        for section in NAME SYNOPSIS DESCRIPTION "EXIT STATUS" EXAMPLES "SEE ALSO"; do
            grep -q "^\.Sh $section" "$man/ctorch-$command.1"
        done
    done <commands
}

@test "man: what pages refer to is there" {
    sed -n 's/^\.Xr \([a-z-]*\) \([0-9]\).*/\1.\2/p' "$man"/*.[1-9]* | sort -u >pages
    [ -s pages ]
    while read -r page; do [ -s "$man/$page" ] || [ -s "$(dirname "$ctorch")/gen/$page" ]; done <pages
}

@test "man: groff has nothing to complain of" {
    command -v groff >/dev/null && [ -n "$(find /usr/share/groff -name doc.tmac -print -quit)" ] || skip "no groff with mdoc"
    for page in "$man"/*.[1-9] "$(dirname "$ctorch")"/gen/*.[1-9]; do
        run groff -mdoc -Tutf8 -ww -z "$page"
        [ "$status" -eq 0 ] && [ -z "$output" ] || { echo "$page: $output"; false; }
    done
}

@test "man: the examples run" {
    mkdir bin
    ln -s "$ctorch" bin/ctorch
    for page in "$man"/*.1; do
        mkdir -p run
        ln -sf "$repo/specs" run/specs
        sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\$ //p' "$page" >examples
        [ -s examples ]
        while read -r line; do
            run env PATH="$PWD/bin:$PATH" sh -ec "cd run; $line"
            [ "$status" -eq 0 ] || { echo "$page: $line"; echo "$output"; false; }
            [[ $line == *--quiet* || $line == *one.png || $line == *--predictions* || -n $output ]]
        done <examples
        rm -r run
    done
}
