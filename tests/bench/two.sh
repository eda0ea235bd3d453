# Sourced: this shell, and what it starts, gets the first two processors that it may use, as all contenders then do.
two=$(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
    while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done | head -n 2 | paste -sd, -)
taskset -cp "$two" $$ >/dev/null || exit
