#!/bin/sh
# Known vulnerabilities of what the lock pins, by pip-audit: sh deploy/audit.sh [--offline-ok] [--service osv] [LOCK]
#
# Status: 0 none is known; 1 some are; 2 usage, or a lock that cannot be read; 3 nobody could be asked, or not for
# all of it, which --offline-ok makes a 0. The lock is of all platforms: what it pins for this one is asked for.
# PyPI is asked unless --service says osv. pip-audit is $PIP_AUDIT, or made in work/audit.
set -eu

version=2.10.1
offline_ok=no
service=pypi
lock=requirements.lock

usage() {
	echo "usage: sh deploy/audit.sh [--offline-ok] [--service pypi|osv] [LOCK]" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case "$1" in
	--offline-ok) offline_ok=yes ;;
	--service)
		[ $# -gt 1 ] || usage
		shift
		case "$1" in pypi | osv) service="$1" ;; *) usage ;; esac
		;;
	-*) usage ;;
	*) lock="$1" ;;
	esac
	shift
done

nobody() {
	if [ "$offline_ok" = yes ]; then
		echo "not audited: $1; taken as good, as --offline-ok says"
		exit 0
	fi
	echo "not audited: $1; --offline-ok lets that pass" >&2
	exit 3
}

if [ ! -r "$lock" ]; then
	echo "no lock to audit: $lock" >&2
	exit 2
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if [ -z "${PIP_AUDIT:-}" ]; then
	PIP_AUDIT=work/audit/bin/pip-audit
	if [ ! -x "$PIP_AUDIT" ]; then
		python3 -m venv --clear work/audit
		if ! work/audit/bin/python -m pip install --quiet --disable-pip-version-check "pip-audit==$version"; then
			rm -rf work/audit
			nobody "pip-audit $version cannot be installed"
		fi
	fi
fi

ask() {
	"$PIP_AUDIT" --requirement "$lock" --disable-pip --require-hashes --progress-spinner off "$@"
}

if ! ask --dry-run >"$scratch/said" 2>&1; then
	cat "$scratch/said" >&2
	echo "$lock cannot be read" >&2
	exit 2
fi
# Its status is 1 for findings and for faults: only with findings, or none, there is a report.
ask --vulnerability-service "$service" --format json --output "$scratch/report.json" >"$scratch/said" 2>&1 || true
if [ ! -s "$scratch/report.json" ]; then
	cat "$scratch/said" >&2
	nobody "$service did not answer"
fi

status=0
python3 - "$scratch/report.json" "$lock" <<'PYTHON' || status=$?
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    dependencies = json.load(file)["dependencies"]
skipped = [one for one in dependencies if "skip_reason" in one]
findings = [(one, found) for one in dependencies for found in one.get("vulns", ())]
for one, found in findings:
    mended = ", ".join(found["fix_versions"]) or "no version"
    names = " ".join([found["id"], *found.get("aliases", ())])
    print(f"{one['name']} {one['version']}: {names}, mended in {mended}")
affected = len({one["name"] for one, _ in findings})
asked = len(dependencies) - len(skipped)
print(f"{sys.argv[2]}: {asked} distributions asked for, {len(findings)} known vulnerabilities in {affected}")
if skipped:
    names = ", ".join(one["name"] for one in skipped[:5]) + (", ..." if len(skipped) > 5 else "")
    print(f"{len(skipped)} the service does not know: {names}")
sys.exit(1 if findings else 3 if skipped else 0 if asked else 2)
PYTHON
if [ "$status" -eq 3 ]; then
	nobody "$service does not know all of it"
fi
exit "$status"
