#!/usr/bin/env bash
# Makes one region's page; the same figures give the same bytes.
# Reads  $RUNYARD_RUN_DIR/metrics/$REGION.tsv and $REGION.
# Leaves $RUNYARD_RUN_DIR/site/$REGION.html, complete or not at all.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR RUNYARD_PARAM_BUSINESS_DATE REGION
check_region "$REGION"

metrics="$RUNYARD_RUN_DIR/metrics/$REGION.tsv"
[[ -r "$metrics" ]] || fail "cannot read '$metrics'; the task store_metrics makes it: retry the run from there"

put "$RUNYARD_RUN_DIR/site/$REGION.html" with_awk dashboard "$metrics"
