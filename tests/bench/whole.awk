# From name|seconds|MiB|until the first step, what whole processes need.
function median(list,    n, i, j, t, v) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
}
function compared(a, b, format) {
    return b == "" ? " | |" : sprintf(format " | 1/%.0f |", median(b), median(b) / median(a))
}
{ seconds[$1] = seconds[$1] " " $2; mib[$1] = mib[$1] " " $3; first[$1] = first[$1] " " $4 }
END {
    print "| whole process | ctorch | PyTorch's tutorial | ratio |"
    print "| --- | --- | --- | --- |"
    if (seconds["run"] != "") {
        printf "| %d epochs of specs/mnist-mlp.yaml, start to end | %.3g s | ", epochs, median(seconds["run"])
        print compared(seconds["run"], seconds["tutorial"], "%.3g s")
        printf "| its peak memory | %.0f MiB | ", median(mib["run"])
        print compared(mib["run"], mib["tutorial"], "%.0f MiB")
    }
    if (first["first"] != "")
        printf "| start to the end of the first step | %.0f ms | | |\n", median(first["first"]) * 1e3
    printf "| `ctorch --version` | %.1f ms | | |\n", median(seconds["version"]) * 1e3
}
