#!/usr/bin/env bash
# Makes one region's page; the same figures give the same bytes.
# Reads  $RUNYARD_RUN_DIR/metrics/$REGION.tsv, $REGION and $OUT_DIR (the day's folder).
# Leaves $OUT_DIR/$REGION.html, complete or not at all.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR RUNYARD_PARAM_BUSINESS_DATE REGION OUT_DIR
check_region "$REGION"

metrics="$RUNYARD_RUN_DIR/metrics/$REGION.tsv"
[[ -r "$metrics" ]] || fail "cannot read '$metrics'; the task store_metrics makes it: retry the run from there"

put "$OUT_DIR/$REGION.html" with_awk dashboard "$metrics"
