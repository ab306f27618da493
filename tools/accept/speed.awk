# Reads lines "ROUND LABEL THREADS LIMIT LIMIT READ JSON" of 40_speed.sh: the limits of the machine
# before and after (GFLOP/s, or GB/s for work without products) and the bandwidth of reading from
# the last cache in GB/s. Prints a table, and writes "NAME.ratio", "NAME.share" and "NAME.us" with
# their values to the file `figures`, for the products as a whole under the name gemm.

function json(key,    text) {
    if (!match($0, "\"" key "\": *\"?[^,\"}]*")) return ""
    text = substr($0, RSTART, RLENGTH)
    sub(/^[^:]*: *"?/, "", text)
    return text
}

function push(list, x) { value[list, ++count[list]] = x }

# Median of a list, which is sorted by it; "" of none.
function median(list,    n, i, j, x) {
    n = count[list]
    if (!n) return ""
    for (i = 2; i <= n; i++) {
        x = value[list, i]
        for (j = i - 1; j > 0 && value[list, j] > x; j--) value[list, j + 1] = value[list, j]
        value[list, j + 1] = x
    }
    return (value[list, int((n + 1) / 2)] + value[list, int(n / 2) + 1]) / 2
}

# Milliseconds that this workload takes at the limits of the machine. One row or ten columns move
# more than they compute: the slower of the two counts.
function least_ms(name, limit, read,    d, ms, moved) {
    if (json("gbyte_per_step") != "") return 1e3 * json("gbyte_per_step") / limit
    ms = 1e3 * json("gflop_per_step") / limit
    if (split(substr(name, 6), d, "x") == 3 && (d[1] == 1 || d[2] == 10) && read > 0) {
        moved = 4e-6 * (d[1] * d[3] + d[3] * d[2] + d[1] * d[2]) / read
        if (moved > ms) ms = moved
    }
    return ms
}

{
    name = json("workload")
    if (!(name in threads)) names[++n_names] = name
    threads[name] = $3
    if (!($2 in version)) labels[++n_labels] = $2
    version[$2] = json("version")
    if ($1 + 0 > rounds) rounds = $1 + 0
    ms[name, $2, $1] = json("step_ms_median") + 0
    push(name SUBSEP $2, ms[name, $2, $1])
    if ($2 == "tarn" && $4 > 0 && $5 > 0)
        push(name SUBSEP "share", least_ms(name, ($4 + $5) / 2, $6) / ms[name, $2, $1])
}

# Ratios to the peer that was the fastest in its round.
function compare(name,    r, l, best, key) {
    for (r = 1; r <= rounds; r++) {
        best = 0
        for (l = 1; l <= n_labels; l++) {
            key = name SUBSEP labels[l] SUBSEP r
            if (labels[l] != "tarn" && key in ms && (!best || ms[key] < best)) best = ms[key]
        }
        key = name SUBSEP "tarn" SUBSEP r
        if (best && key in ms) push(name SUBSEP "ratio", best / ms[key])
    }
}

function figure(name, x) { if (x != "") printf "%s %.4g\n", name, x >figures }
function shown(format, x) { return x == "" ? "" : sprintf(format, x) }

function row(name,    l, m, best, fastest, ratio, share, n, spread) {
    compare(name)
    for (l = 1; l <= n_labels; l++) {
        if (labels[l] == "tarn" || (m = median(name SUBSEP labels[l])) == "") continue
        if (best == "" || m < best) { best = m; fastest = labels[l] }
    }
    ratio = median(name SUBSEP "ratio")
    share = median(name SUBSEP "share")
    m = median(name SUBSEP "tarn")
    n = count[name SUBSEP "ratio"]
    if (n) spread = sprintf("%.2f to %.2f", value[name SUBSEP "ratio", 1], value[name SUBSEP "ratio", n])
    printf "| %s | %d | %s | %s | %s | %s | %s | %s |\n", name, threads[name],
        shown("%.4g", m), fastest, shown("%.4g", best), shown("%.2f", ratio), spread,
        shown("%.0f %%", share == "" ? "" : 100 * share)
    figure(name ".ratio", ratio)
    figure(name ".share", share)
    figure(name ".us", m == "" ? "" : 1e3 * m)
    if (name !~ /^gemm_/) return
    if (share != "") { shares += share; n_shares++ }
    if (n) { logs += log(ratio); n_logs++ }
}

END {
    print "| workload | threads | Tarn ms | fastest peer | ms | ratio | least to most | of limit |"
    print "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for (i = 1; i <= n_names; i++) row(names[i])
    if (n_shares) figure("gemm.share", shares / n_shares)
    if (n_logs) figure("gemm.ratio", exp(logs / n_logs))
    print ""
    for (l = 1; l <= n_labels; l++)
        printf "%s%s %s", (l == 1 ? "" : ", "), labels[l], version[labels[l]]
    print "."
}
