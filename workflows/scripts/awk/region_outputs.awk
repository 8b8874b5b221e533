# Figures of one region → its outputs, as name=value.
BEGIN { FS = "\t" }
$1 == "total" {
    print "revenue_cents=" $4
    print "revenue=" decimal($4)
    print "profit_cents=" $5
    print "profit=" decimal($5)
    printf "margin=%.4f\n", $4 ? $5 / $4 : 0
    print "orders=" $8
    print "lines=" $7
    print "units=" $6
}
