# Lines as awk/lines.awk leaves them, then the cleaned sales → the outputs of the day, as name=value.
BEGIN { FS = "\t" }
FILENAME == ARGV[1] { read++; next }
{
    lines++
    total += $9
    if (!($2 in seen)) orders++
    seen[$2] = 1
    if ($12 != "") { adjustments++; adjusted += $9 }
}
END {
    print "lines=" lines + 0
    print "orders=" orders + 0
    print "duplicates=" read - lines
    print "adjustments=" adjustments + 0
    printf "adjusted_cents=%.0f\n", adjusted
    printf "total_cents=%.0f\n", total
    print "total=" decimal(total + 0)
}
