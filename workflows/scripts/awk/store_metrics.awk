# Cleaned sales → figures of REGION, amounts in cents, unsorted:
# total        region    ""            revenue profit units lines orders
# subcategory  category  sub-category  revenue profit units lines orders
# product      ""        product       revenue profit units lines orders
function add(key) {
    revenue[key] += $9
    profit[key] += $11
    units[key] += $8
    lines[key]++
    if (!((key, $2) in seen)) orders[key]++
    seen[key, $2] = 1
}
BEGIN {
    FS = OFS = "\t"
    region = ENVIRON["REGION"] ""
    lines["total\t" region "\t"] = 0
}
$3 "" == region {
    add("total\t" region "\t")
    add("subcategory\t" $5 "\t" $6)
    add("product\t\t" $7)
}
END { for (key in lines) print key, revenue[key] + 0, profit[key] + 0, units[key] + 0, lines[key], orders[key] + 0 }
