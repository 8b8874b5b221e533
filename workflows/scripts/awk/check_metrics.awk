# Cleaned sales, then the figures of all regions → the number of differences; each one on standard error.
function differs(what, expected, found) {
    if (expected + 0 == found + 0) return
    print what ": " expected + 0 " in the sales, " found + 0 " in the figures" > "/dev/stderr"
    differences++
}
BEGIN { FS = "\t" }
FILENAME == ARGV[1] {
    sold[$3] += $9
    earned[$3] += $11
    next
}
$1 == "total" {
    name[FILENAME] = $2
    revenue[$2] = $4
    profit[$2] = $5
    next
}
{ part[FILENAME, $1] += $4 }
END {
    for (region in sold) {
        differs(region " revenue in cents", sold[region], revenue[region])
        differs(region " profit in cents", earned[region], profit[region])
    }
    for (file in name) {
        region = name[file]
        if (!(region in sold)) differs(region " revenue in cents", 0, revenue[region])
        differs(region " sum of sub-categories", revenue[region], part[file, "subcategory"])
        differs(region " sum of products", revenue[region], part[file, "product"])
    }
    print differences + 0
}
