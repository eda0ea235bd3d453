# From name|workload|seconds|operations|mib, a row a workload: ctorch, the best of the peers, their ratio, the floor
# (operations over the product rate), and the peak memory of the processes, the smallest peer's beside it.
function median(of, name, workload,    n, i, j, t, v) {
    n = count[name, workload]
    for (i = 1; i <= n; i++) v[i] = of[name, workload, i]
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
}
function time_text(s) { return s >= 0.9995 ? sprintf("%.3g s", s) : s >= 1e-3 ? sprintf("%.3g ms", s * 1e3) : sprintf("%.3g us", s * 1e6) }
# The least of the peers' medians: best, best_value.
function best_peer(of, workload,    i, m) {
    best = ""
    for (i = 1; i <= names; i++) {
        if (name[i] == "ctorch" || name[i] == "product" || !count[name[i], workload]) continue
        m = median(of, name[i], workload)
        if (best == "" || m < best_value) { best = name[i]; best_value = m }
    }
    return best
}
function step_row(workload,    ours, floor, peer, memory) {
    if (!count["ctorch", workload]) return
    ours = median(value, "ctorch", workload)
    floor = operations[workload] / rate
    peer = "none | | "
    memory = sprintf("%.0f MiB", median(mib, "ctorch", workload))
    if (best_peer(value, workload) != "") peer = sprintf("%s | %s | %.2f", time_text(best_value), best, ours / best_value)
    if (best_peer(mib, workload) != "") memory = memory sprintf(" / %.0f MiB", best_value)
    printf "| %s | %s | %s | %s | %.2f | %s |\n", workload, time_text(ours), peer, time_text(floor), ours / floor, memory
}
{
    if (!known[$1]++) name[++names] = $1
    if ($2 != "rate" && !listed[$2]++) workload[++workloads] = $2
    value[$1, $2, ++count[$1, $2]] = $3
    mib[$1, $2, count[$1, $2]] = $5
    if ($2 == "rate" && $3 + 0 > rate) rate = $3 + 0
    if ($4 > 0) operations[$2] = $4
}
END {
    print "| step | ctorch | best peer | which | ctorch / peer | floor | ctorch / floor | memory, ours / smallest peer's |"
    print "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for (i = 1; i <= workloads; i++) step_row(workload[i])
    print "\nForward, backward and update of a batch from memory, of the peers' size; infer_*: one sample forward."
    printf "Floor: the operations over the product rate, %.0f GFLOP/s (the better of ctorch's and oneDNN's,", rate / 1e9
    print " 2048 cubed, all threads, the best round); Winograd's convolutions need fewer. Memory: the process's peak."
}
