#!/usr/bin/env bash
# Compares the regions' figures with the sales that they were made from.
# Reads  $RUNYARD_RUN_DIR/sales.tsv and $RUNYARD_RUN_DIR/metrics/*.tsv.
# Leaves the number of differences on standard output, and each difference as a line on standard error.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR

[[ -r "$RUNYARD_RUN_DIR/sales.tsv" ]] || fail "cannot read sales.tsv in '$RUNYARD_RUN_DIR'; retry the run from the task returns"
shopt -s nullglob
with_awk check_metrics "$RUNYARD_RUN_DIR/sales.tsv" "$RUNYARD_RUN_DIR"/metrics/*.tsv
