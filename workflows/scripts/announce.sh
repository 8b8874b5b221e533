#!/usr/bin/env bash
# Enters the day in the list of days, once, in the order of the dates.
# Reads  $DAYS (the list; it need not be there) and $RUNYARD_PARAM_BUSINESS_DATE.
# Leaves $DAYS with the day in it, and the output line.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"
need RUNYARD_OUTPUTS RUNYARD_PARAM_BUSINESS_DATE DAYS

with_day() { { [[ ! -e "$DAYS" ]] || cat "$DAYS"; printf '%s\n' "$RUNYARD_PARAM_BUSINESS_DATE"; } | sort -u; }

put "$DAYS" with_day
printf 'line=%s\n' "$RUNYARD_PARAM_BUSINESS_DATE" >>"$RUNYARD_OUTPUTS"
