#!/usr/bin/env bash
# Works out one region's figures. A region without sales that day has zeros.
# Reads  $RUNYARD_RUN_DIR/sales.tsv and $REGION.
# Leaves $RUNYARD_RUN_DIR/metrics/$REGION.tsv (columns: awk/store_metrics.awk), largest revenue first
#        outputs revenue_cents, revenue, profit_cents, profit, margin (a share of revenue), orders, lines, units
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR RUNYARD_OUTPUTS REGION
check_region "$REGION"

sales="$RUNYARD_RUN_DIR/sales.tsv"
metrics="$RUNYARD_RUN_DIR/metrics/$REGION.tsv"
[[ -r "$sales" ]] || fail "cannot read '$sales'; the task returns makes it: retry the run from there"

figures() { with_awk store_metrics "$sales" | sort -t $'\t' -k1,1 -k2,2 -k4,4nr -k3,3; }

put "$metrics" figures
with_awk region_outputs "$metrics" >>"$RUNYARD_OUTPUTS"
