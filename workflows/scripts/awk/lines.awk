# CSV of one day → one tab-separated line an order line: its line number, then the columns of `wanted` in that order.
BEGIN {
    n_wanted = split("Row ID|Order ID|Order Date|Region|State|Category|Sub-Category|Product ID|Quantity|Sales|Discount|Profit", wanted, "|")
}
NR == 1 {
    sub(/^\357\273\277/, "")
    width = csv($0, field)
    for (i = 1; i <= width; i++) at[field[i]] = i
    for (i = 1; i <= n_wanted; i++)
        if (!(wanted[i] in at)) refuse("line 1: no column '" wanted[i] "'; the first line must name the columns")
    next
}
{
    n = csv($0, field)
    if (n < 0) refuse("line " NR ": a quote is not closed; a field may not go over the end of a line")
    if (n != width) refuse("line " NR ": " n " fields where the header has " width "; ask the sender for the file again")
    row = NR
    for (i = 1; i <= n_wanted; i++) {
        text = field[at[wanted[i]]]
        gsub(/\t/, " ", text)
        sub(/^ +/, "", text)
        sub(/ +$/, "", text)
        row = row "\t" text
    }
    print row
}
END {
    if (refused) exit 65
    if (!width) refuse("the file is empty; it must have at least the line that names the columns")
}
