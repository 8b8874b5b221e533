#!/usr/bin/env bash
# Makes the day's front page, with links to the regions' pages.
# Reads  $RUNYARD_RUN_DIR/metrics/*.tsv and $EXCEPTIONS (the state of the task exceptions).
# Leaves $RUNYARD_RUN_DIR/site/index.html, complete or not at all.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_RUN_DIR RUNYARD_PARAM_BUSINESS_DATE EXCEPTIONS

metrics=("$RUNYARD_RUN_DIR"/metrics/*.tsv)
[[ -r "${metrics[0]}" ]] || fail "no figures in '$RUNYARD_RUN_DIR/metrics'; the task store_metrics makes them: retry the run from there"

put "$RUNYARD_RUN_DIR/site/index.html" with_awk index "${metrics[@]}"
