# Pieces of the HTML pages.

function page_start(title,    css) {
    css = ":root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6878;--line:#dfe4ea;--back:#fff;--card:#f5f7f9;--bar:#2f6f9f;--bad:#b3372f}" \
        "@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#313a46;--back:#14181e;--card:#1c222a;--bar:#6fb1e0;--bad:#f0837a}}" \
        "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:60rem;margin:2rem auto;padding:0 1rem}" \
        "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{color:var(--soft);margin:.25rem 0}a{color:var(--bar)}" \
        "dl{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}dl div{background:var(--card);border-radius:.5rem;padding:.6rem 1rem;min-width:7rem}" \
        "dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}" \
        "table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left}" \
        "th{color:var(--soft);font-weight:500}.n{text-align:right;font-variant-numeric:tabular-nums}.sum td{font-weight:600}.bad{color:var(--bad)}" \
        "svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}rect{fill:var(--bar)}"
    print "<!DOCTYPE html>"
    print "<html lang=\"en\">"
    print "<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
    print "<title>" html(title) "</title>"
    print "<style>" css "</style></head>"
    print "<body>"
    print "<h1>" html(title) "</h1>"
}

function page_end() {
    print "</body>"
    print "</html>"
}

function card(label, text) {
    return "<div><dt>" label "</dt><dd>" text "</dd></div>"
}

# cards of the five figures; amounts in cents
function cards(revenue, profit, orders, units) {
    print "<dl>" card("Revenue", money(revenue)) card("Profit", signed(profit)) card("Margin", percent(profit, revenue)) \
        card("Orders", orders) card("Units", units) "</dl>"
}

function signed(cents) {
    return cents < 0 ? "<span class=\"bad\">" money(cents) "</span>" : money(cents)
}

function td(text) {
    return "<td>" text "</td>"
}

function number(text) {
    return "<td class=\"n\">" text "</td>"
}

# heads(names): the head row from a "|"-separated list; a leading "#" marks a column of numbers.
function heads(names,    list, n, i, row) {
    n = split(names, list, "|")
    row = "<tr>"
    for (i = 1; i <= n; i++)
        row = row (list[i] ~ /^#/ ? "<th class=\"n\">" substr(list[i], 2) "</th>" : "<th>" list[i] "</th>")
    print row "</tr>"
}

# bars(n, labels, values): a horizontal bar chart of amounts in cents.
function bars(n, labels, values,    i, most, y, width) {
    most = 0
    for (i = 1; i <= n; i++) if (values[i] > most) most = values[i]
    print "<svg viewBox=\"0 0 720 " n * 24 + 4 "\" role=\"img\" aria-label=\"Revenue\">"
    for (i = 1; i <= n; i++) {
        y = (i - 1) * 24 + 4
        width = most && values[i] > 0 ? int(480 * values[i] / most) : 0
        print "<text x=\"112\" y=\"" y + 14 "\" text-anchor=\"end\">" html(labels[i]) "</text>" \
            "<rect x=\"120\" y=\"" y "\" width=\"" width "\" height=\"18\" rx=\"2\"/>" \
            "<text x=\"" width + 128 "\" y=\"" y + 14 "\">" money(values[i]) "</text>"
    }
    print "</svg>"
}
