#!/usr/bin/env bash
# Takes the day out of the list of days: the undo of announce.sh. Done twice it is done once.
# Reads  $DAYS and $RUNYARD_OUTPUT_LINE, which announce.sh has given back.
# Leaves $DAYS without that line.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_OUTPUT_LINE DAYS

without_day() { grep -vxF -- "$RUNYARD_OUTPUT_LINE" "$DAYS" || true; }

[[ ! -e "$DAYS" ]] || put "$DAYS" without_day
