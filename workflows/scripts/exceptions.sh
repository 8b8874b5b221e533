#!/usr/bin/env bash
# Reports the day's adjusted lines, worst profit first.
# Reads  $RUNYARD_RUN_DIR/adjustments.tsv and $OUT_DIR (the day's folder).
# Leaves $OUT_DIR/exceptions.csv and $OUT_DIR/exceptions.html, each complete or not at all.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR RUNYARD_PARAM_BUSINESS_DATE OUT_DIR

adjustments="$RUNYARD_RUN_DIR/adjustments.tsv"
[[ -r "$adjustments" ]] || fail "cannot read '$adjustments'; the task returns makes it: retry the run from there"

put "$OUT_DIR/exceptions.csv" with_awk exceptions_csv "$adjustments"
put "$OUT_DIR/exceptions.html" with_awk exceptions_html "$adjustments"
