#!/usr/bin/env bash
# Reports the day's adjusted lines, worst profit first.
# Reads  $RUNYARD_RUN_DIR/adjustments.tsv.
# Leaves $RUNYARD_RUN_DIR/site/exceptions.csv and $RUNYARD_RUN_DIR/site/exceptions.html, each complete or not at all.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR RUNYARD_PARAM_BUSINESS_DATE

adjustments="$RUNYARD_RUN_DIR/adjustments.tsv"
[[ -r "$adjustments" ]] || fail "cannot read '$adjustments'; the task returns makes it: retry the run from there"

put "$RUNYARD_RUN_DIR/site/exceptions.csv" with_awk exceptions_csv "$adjustments"
put "$RUNYARD_RUN_DIR/site/exceptions.html" with_awk exceptions_html "$adjustments"
