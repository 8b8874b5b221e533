# Figures of all regions, a file each → the day's front page.
BEGIN { FS = "\t" }
$1 == "total" {
    label[++n] = $2
    amount[n] = $4
    revenue += $4
    profit += $5
    units += $6
    lines += $7
    orders += $8
    rows = rows "<tr>" td("<a href=\"" url($2) ".html\">" html($2) "</a>") number($8) number($7) number($6) \
        number(money($4)) number(signed($5)) number(percent($5, $4)) "</tr>\n"
}
END {
    date = ENVIRON["RUNYARD_PARAM_BUSINESS_DATE"]
    page_start("Daily sales, " date)
    cards(revenue, profit, orders, units)
    if (ENVIRON["EXCEPTIONS"] == "succeeded")
        print "<p><a href=\"exceptions.html\">Returns and adjustments</a> (<a href=\"exceptions.csv\">CSV</a>)</p>"
    print "<h2>Revenue by region</h2>"
    bars(n, label, amount)
    print "<h2>Regions</h2>"
    print "<table>"
    heads("Region|#Orders|#Lines|#Units|#Revenue|#Profit|#Margin")
    printf "%s", rows
    print "<tr class=\"sum\">" td("All") number(orders) number(lines) number(units) number(money(revenue)) \
        number(signed(profit)) number(percent(profit, revenue)) "</tr>"
    print "</table>"
    page_end()
}
