#!/usr/bin/env bash
# Cuts one business date out of a file of many days.
# usage: day.sh CSV DATE
# Reads  CSV, a file with a column "Order Date".
# Leaves the header and the lines of DATE (YYYY-MM-DD) on standard output.
set -euo pipefail
# shellcheck source=/dev/null
source "$(dirname "$0")/lib.sh"

[[ $# -eq 2 ]] || fail "needs a file and a date: day.sh data/superstore-2017-11-12.csv 2017-12-22"
[[ -r "$1" ]] || fail "cannot read '$1'; give the path of the CSV file"
[[ "$2" =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || fail "'$2' is not a date; write it as 2017-12-22"

DATE="$2" with_awk day <"$1"
