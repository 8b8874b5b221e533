# Figures of one region → its page.
BEGIN { FS = "\t"; top = 10 }
$1 == "total" { revenue = $4; profit = $5; units = $6; lines = $7; orders = $8 }
$1 == "product" && ++products <= top {
    product_rows = product_rows "<tr>" td(html($3)) number($6) number(money($4)) number(signed($5)) "</tr>\n"
}
$1 == "subcategory" {
    label[++n] = $3
    amount[n] = $4
    if (!($2 in category_revenue)) category[++categories] = $2
    category_revenue[$2] += $4
    category_profit[$2] += $5
    category_units[$2] += $6
    rows[$2] = rows[$2] "<tr>" td("") td(html($3)) number($6) number(money($4)) number(signed($5)) number(percent($5, $4)) "</tr>\n"
}
END {
    date = ENVIRON["RUNYARD_PARAM_BUSINESS_DATE"]
    page_start("Region " ENVIRON["REGION"] ", " date)
    print "<p><a href=\"index.html\">All regions</a></p>"
    cards(revenue, profit, orders, units)
    if (lines == 0) print "<p>No sales on this day.</p>"
    if (lines > 0) {
        print "<h2>Revenue by sub-category</h2>"
        bars(n, label, amount)
        print "<h2>Categories</h2>"
        print "<table>"
        heads("Category|Sub-category|#Units|#Revenue|#Profit|#Margin")
        for (i = 1; i <= categories; i++) {
            c = category[i]
            print "<tr class=\"sum\">" td(html(c)) td("") number(category_units[c]) number(money(category_revenue[c])) \
                number(signed(category_profit[c])) number(percent(category_profit[c], category_revenue[c])) "</tr>"
            printf "%s", rows[c]
        }
        print "</table>"
        print "<h2>Top products</h2>"
        print "<table>"
        heads("Product|#Units|#Revenue|#Profit")
        printf "%s", product_rows
        print "</table>"
    }
    page_end()
}
