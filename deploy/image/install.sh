#!/bin/sh
# Installs what an image runs on, and nothing else: install.sh WHEEL [EXTRA...]
#
# What is installed from an index are the entries of requirements.lock that runtime.txt names, and for each EXTRA
# (aws, essentia, gpu, openvino) those of EXTRA.lock. Every file is checked against its hash, and nothing is resolved.
# Sources are built by the locked setuptools: an isolated build would fetch the newest, which nobody has checked.
set -eu
wheel=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
lock="${REQUIREMENTS_LOCK:-$here/../../requirements.lock}"
python="${PYTHON:-python}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

names=$(grep -v '^#' "$here/runtime.txt")
complaint=
for extra; do
    case "$extra" in
    aws | essentia | openvino) ;;
    gpu)
        # Both have the same files: with the one for GPUs, the one for processors stays out.
        names=$(printf '%s\n' "$names" | grep -v -x -e tensorflow -e tensorflow-cpu)
        complaint="requires tensorflow-cpu, which is not installed."
        ;;
    *)
        echo "install.sh: no extra $extra: aws, essentia, gpu, openvino" >&2
        exit 2
        ;;
    esac
    cp "$here/$extra.lock" "$scratch/"
done
# shellcheck disable=SC2086 # one argument a name
sh "$here/pick.sh" "$lock" $names >"$scratch/runtime.lock"
sh "$here/pick.sh" "$lock" setuptools >"$scratch/setuptools"

fetch() {
    "$python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --require-hashes --no-deps --no-build-isolation "$@"
}
fetch --requirement "$scratch/setuptools"
set --
for chosen in "$scratch"/*.lock; do
    set -- "$@" --requirement "$chosen"
done
fetch "$@"
"$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --no-index "$wheel"

if ! found=$("$python" -m pip check --disable-pip-version-check); then
    others=$(printf '%s\n' "$found" | grep -v -x "moodscribe .* ${complaint:-nothing}" || true)
    if [ -n "$others" ]; then
        printf 'pip check:\n%s\n' "$others" >&2
        exit 1
    fi
fi
"$python" "$here/check_names.py" "$scratch"/*
