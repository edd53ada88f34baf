#!/bin/sh
# Make .venv from the locks: sh deploy/venv.sh [PYTHON]
set -eu

fits() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

python="${1:-}"
if [ -z "$python" ]; then
    for candidate in python3 python3.13 python3.12 python3.11; do
        if fits "$candidate"; then
            python="$candidate"
            break
        fi
    done
fi
if [ -z "$python" ] || ! fits "$python"; then
    found="$(${python:-python3} --version 2>/dev/null || echo none)"
    echo "moodscribe needs Python 3.11, 3.12 or 3.13; found: $found." >&2
    echo "Install one of them (Debian: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "$("$python" --version) has no venv module. On Debian: apt-get install python3-venv" >&2
    exit 1
fi

echo "making .venv with $("$python" --version) ($python)"
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-uv.lock
# uv does not read pip's settings; an index of one's own is passed on.
if [ -n "${PIP_INDEX_URL:-}" ]; then
    UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
    export UV_DEFAULT_INDEX
fi
.venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/.complete
