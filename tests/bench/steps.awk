# From name|workload|seconds|operations, a row a workload: ctorch, the best of the peers, their ratio, and the floor
# (operations over the product rate). Then the peak memory of the processes.
function median(name, workload,    n, i, j, t, v) {
    n = count[name, workload]
    for (i = 1; i <= n; i++) v[i] = value[name, workload, i]
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
}
function time_text(s) { return s >= 1e-3 ? sprintf("%.3g ms", s * 1e3) : sprintf("%.3g us", s * 1e6) }
function best_peer(workload,    i, m) {
    best = ""
    for (i = 1; i <= names; i++) {
        if (name[i] == "ctorch" || name[i] == "product" || !count[name[i], workload]) continue
        m = median(name[i], workload)
        if (best == "" || m < best_value) { best = name[i]; best_value = m }
    }
    return best
}
function step_row(workload,    ours, floor, peer) {
    ours = median("ctorch", workload)
    floor = operations[workload] / rate
    peer = "none | | "
    if (best_peer(workload) != "") peer = sprintf("%s | %s | %.2f", time_text(best_value), best, ours / best_value)
    printf "| %s | %s | %s | %s | %.2f |\n", workload, time_text(ours), peer, time_text(floor), ours / floor
}
{
    if (!known[$1]++) name[++names] = $1
    if ($2 != "rate" && $2 != "peak_mib" && !listed[$2]++) workload[++workloads] = $2
    value[$1, $2, ++count[$1, $2]] = $3
    if ($2 == "rate" && $3 + 0 > rate) rate = $3 + 0
    if ($4 > 0) operations[$2] = $4
}
END {
    print "| step | ctorch | best peer | which | ctorch / peer | floor | ctorch / floor |"
    print "| --- | --- | --- | --- | --- | --- | --- |"
    for (i = 1; i <= workloads; i++) step_row(workload[i])
    print "\nmnist_*: forward, backward and update of a batch of 64, from memory; infer_*: one sample forward."
    printf "Floor: the operations over the product rate, %.0f GFLOP/s (the better of ctorch's and oneDNN's,", rate / 1e9
    printf " 2048 cubed, all threads, the best round); Winograd's convolutions need fewer. "
    printf "Peak memory of these processes: ctorch %.0f MiB", median("ctorch", "peak_mib")
    if (best_peer("peak_mib") != "") printf ", the smallest peer %.0f MiB (%s)", best_value, best
    print "."
}
