# Adjusted lines → CSV, amounts with two decimals, the discount as a share.
BEGIN {
    FS = "\t"
    print "Row ID,Order ID,Region,State,Category,Sub-Category,Product ID,Quantity,Sales,Discount,Profit,Reason"
}
{
    row = ""
    for (i = 1; i <= 8; i++) row = row csv_field($i) ","
    print row decimal($9) "," $10 / 10000 "," decimal($11) "," $12
}
