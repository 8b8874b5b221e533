# Prints the header and the lines whose Order Date is DATE.
NR == 1 {
    n = csv($0, field)
    for (i = 1; i <= n; i++) if (field[i] == "Order Date") column = i
    if (!column) refuse("the first line has no column 'Order Date'; give a file with the header of data/superstore-2017-11-12.csv")
    print
    next
}
csv($0, field) > 0 && field[column] == ENVIRON["DATE"] "" { print; found = 1 }
END {
    if (refused) exit 65
    if (!found) refuse("no line is of " ENVIRON["DATE"] "; the file has the dates: cut -d, -f3 FILE | sort -u")
}
