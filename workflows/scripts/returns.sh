#!/usr/bin/env bash
# Cleans the day's sales and finds the returns and adjustments in them: negative amounts, losses, deep discounts.
# Reads  $RUNYARD_PARAM_POS_DIR/$RUNYARD_PARAM_BUSINESS_DATE.csv and $RUNYARD_PARAM_DEEP_DISCOUNT.
# Leaves $RUNYARD_RUN_DIR/sales.tsv        every line once, amounts in cents (columns: awk/returns.awk)
#        $RUNYARD_RUN_DIR/adjustments.tsv  the lines that have a reason, worst profit first
#        outputs lines, orders, duplicates, adjustments, adjusted_cents, total_cents, total
# Each line is rounded to the cent, then summed: so sums of lines and sums of regions agree exactly.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR RUNYARD_OUTPUTS RUNYARD_PARAM_POS_DIR RUNYARD_PARAM_BUSINESS_DATE RUNYARD_PARAM_DEEP_DISCOUNT

day="$RUNYARD_PARAM_POS_DIR/$RUNYARD_PARAM_BUSINESS_DATE.csv"
lines="$RUNYARD_RUN_DIR/tmp/lines.tsv"
sales="$RUNYARD_RUN_DIR/sales.tsv"
adjustments="$RUNYARD_RUN_DIR/adjustments.tsv"
[[ -r "$day" ]] || fail "cannot read '$day'; put the day's file there (scripts/day.sh makes one from the sample data)"

adjusted() { awk -F '\t' '$12 != ""' "$sales" | sort -t $'\t' -k11,11n -k1,1n -k1,1; }

put "$lines" with_awk lines "$day"
put "$sales" with_awk returns "$lines"
put "$adjustments" adjusted
with_awk totals "$lines" "$sales" >>"$RUNYARD_OUTPUTS"
