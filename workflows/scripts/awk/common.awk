# Functions that the retail scripts share; for mawk and gawk alike.

# mawk takes whole numbers above 2^31 for fractions and would print six digits of them.
BEGIN { OFMT = CONVFMT = "%.15g" }

# csv(line, fields): splits one line of RFC 4180 CSV. Returns the number of fields, or -1 when a quote is not closed.
function csv(line, fields,    n, field, quoted, i, c) {
    sub(/\r$/, "", line)
    n = 0
    field = ""
    quoted = 0
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (quoted && c == "\"" && substr(line, i + 1, 1) == "\"") {
            field = field c
            i++
        } else if (c == "\"") {
            quoted = !quoted
        } else if (c == "," && !quoted) {
            fields[++n] = field
            field = ""
        } else {
            field = field c
        }
    }
    fields[++n] = field
    return quoted ? -1 : n
}

# csv_field(text): the text as one field of a CSV line.
function csv_field(text) {
    if (text !~ /[",]/) return text
    gsub(/"/, "\"\"", text)
    return "\"" text "\""
}

# is_number(text): a plain decimal number such as -1.9344.
function is_number(text) {
    return text ~ /^-?[0-9]+(\.[0-9]+)?$/
}

# scaled(text, places): a decimal number as an integer in units of 10^-places, halves away from zero.
# Works on the digits, because 1.005 is not a binary fraction.
function scaled(text, places,    sign, parts, digits, value) {
    sign = text ~ /^-/ ? -1 : 1
    sub(/^-/, "", text)
    digits = split(text, parts, ".") == 2 ? parts[2] : ""
    while (length(digits) <= places) digits = digits "0"
    value = (parts[1] substr(digits, 1, places)) + (substr(digits, places + 1, 1) >= 5)
    return value ? sign * value : 0
}

# decimal(cents): 123456 as 1234.56
function decimal(cents,    sign) {
    sign = cents < 0 ? "-" : ""
    if (cents < 0) cents = -cents
    return sprintf("%s%.0f.%02d", sign, (cents - cents % 100) / 100, cents % 100)
}

# money(cents): 123456 as $1,234.56
function money(cents,    sign, text, whole, grouped) {
    sign = cents < 0 ? "−" : ""
    text = decimal(cents < 0 ? -cents : cents)
    whole = substr(text, 1, length(text) - 3)
    grouped = ""
    while (length(whole) > 3) {
        grouped = "," substr(whole, length(whole) - 2) grouped
        whole = substr(whole, 1, length(whole) - 3)
    }
    return sign "$" whole grouped substr(text, length(text) - 2)
}

# percent(part, whole): one decimal; 0.0 % of nothing is 0.0 %.
function percent(part, whole,    text) {
    text = sprintf("%.1f %%", whole ? 100 * part / whole : 0)
    if (text == "-0.0 %") text = "0.0 %"
    sub(/^-/, "−", text)
    return text
}

# html(text): the text for an element's content or a quoted attribute.
function html(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    gsub(/"/, "\\&quot;", text)
    gsub(/'/, "\\&#39;", text)
    return text
}

# url(text): the text as one segment of a path in a link.
function url(text,    i, c, out) {
    if (!(" " in byte)) for (i = 1; i < 256; i++) byte[sprintf("%c", i)] = i
    out = ""
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        out = out (c ~ /[A-Za-z0-9._~-]/ ? c : sprintf("%%%02X", byte[c]))
    }
    return out
}

# refuse(message): for bad data; the END block must begin with `if (refused) exit 65`.
function refuse(message) {
    print ENVIRON["script"] ": " message > "/dev/stderr"
    refused = 1
    exit 65
}
