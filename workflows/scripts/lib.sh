# shellcheck shell=bash
# What the retail scripts share. Sourced, never run.

# Bytes, not the language of whoever runs it, decide the order of lines and the decimal point.
export LC_ALL=C

scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export script="${0##*/}"
readonly scripts script

# fail MESSAGE: ends the script; 65 is "bad data" in sysexits(3).
fail() {
    printf '%s: %s\n' "$script" "$1" >&2
    exit 65
}

# need NAME…: ends the script unless each environment variable is set.
need() {
    local name
    for name in "$@"; do
        [[ -n "${!name:-}" ]] || fail "$name is not set; run this as a task of retail-daily-sales, or set it by hand"
    done
}

# with_awk NAME [FILE…]: runs awk/NAME.awk with the shared functions.
with_awk() {
    local name=$1
    shift
    awk -f "$scripts/awk/common.awk" -f "$scripts/awk/page.awk" -f "$scripts/awk/$name.awk" "$@"
}

# put FILE COMMAND…: FILE appears with the whole output of COMMAND, or not at all.
put() {
    local file=$1
    local part="${file%/*}/.${file##*/}.part"
    shift
    mkdir -p "${file%/*}"
    "$@" >"$part"
    mv "$part" "$file"
}

# check_region NAME: a region names files, so it must be able to be one.
check_region() {
    case $1 in
        '' | .* | */* | *[[:cntrl:]]*)
            fail "region '$1' cannot be a file name; take names without '/' and leading '.' for the parameter regions" ;;
    esac
}
