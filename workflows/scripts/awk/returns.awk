# Lines as awk/lines.awk leaves them → cleaned sales, amounts in cents:
# 1 row, 2 order, 3 region, 4 state, 5 category, 6 sub-category, 7 product, 8 units, 9 revenue, 10 discount (1/10000), 11 profit, 12 reason
# The reason says why a line is an adjustment and is empty for an ordinary one.
BEGIN {
    FS = OFS = "\t"
    date = ENVIRON["RUNYARD_PARAM_BUSINESS_DATE"] ""
    deep = ENVIRON["RUNYARD_PARAM_DEEP_DISCOUNT"] ""
    if (!is_number(deep)) refuse("the parameter deep_discount is '" deep "'; give a share such as 0.5")
    deep = scaled(deep, 4)
}
{
    rest = substr($0, length($1) + 2)
    if ($4 "" != date) refuse("line " $1 ": of " $4 ", but the file is for " date "; put it under its own date")
    if ($10 !~ /^-?[0-9]+$/) refuse("line " $1 ": quantity '" $10 "' is not a whole number")
    for (i = 11; i <= 13; i++)
        if (!is_number($i)) refuse("line " $1 ": '" $i "' is not an amount; write amounts as 1234.56")
}
$2 in seen {
    # A till that repeats a line after a lost connection must not sell twice.
    if (seen[$2] != rest) refuse("line " $1 ": row " $2 " was there before with other values; ask the sender which one holds")
    next
}
{
    seen[$2] = rest
    units = $10 + 0
    revenue = scaled($11, 2)
    discount = scaled($12, 4)
    profit = scaled($13, 2)
    reason = ""
    if (units < 0 || revenue < 0) reason = "return"
    if (discount >= deep) reason = reason (reason ? " + " : "") "deep discount"
    if ($13 ~ /^-/ && $13 + 0 < 0) reason = reason (reason ? " + " : "") "loss"
    print $2, $3, $5, $6, $7, $8, $9, units, revenue, discount, profit, reason
}
END { if (refused) exit 65 }
