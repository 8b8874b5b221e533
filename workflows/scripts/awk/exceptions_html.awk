# Adjusted lines → a page.
BEGIN { FS = "\t" }
{
    revenue += $9
    profit += $11
    rows = rows "<tr>" td(html($2)) td(html($3)) td(html($6)) td(html($7)) number(html($8)) number(money($9)) \
        number(percent($10, 10000)) number(signed($11)) td(html($12)) "</tr>\n"
}
END {
    page_start("Returns and adjustments, " ENVIRON["RUNYARD_PARAM_BUSINESS_DATE"])
    print "<p><a href=\"index.html\">All regions</a></p>"
    print "<dl>" card("Lines", NR) card("Revenue", money(revenue)) card("Profit", signed(profit)) "</dl>"
    print "<table>"
    heads("Order|Region|Sub-category|Product|#Units|#Revenue|#Discount|#Profit|Reason")
    printf "%s", rows
    print "</table>"
    page_end()
}
