#!/bin/sh
# Prints the entries of a lock that have one of the given names, with their hashes: pick.sh LOCK NAME...
# Ends with 1 where the lock has no entry of a name.
set -eu
lock=$1
shift
printf '%s\n' "$@" | awk '
    NR == FNR { wanted[$1]; next }
    /^[A-Za-z0-9]/ { split($1, parts, "=="); kept = parts[1] in wanted; if (kept) found[parts[1]] }
    kept { print }
    END {
        for (name in wanted) if (!(name in found)) {
            print FILENAME ": no entry of " name > "/dev/stderr"
            missing = 1
        }
        exit missing
    }' - "$lock"
