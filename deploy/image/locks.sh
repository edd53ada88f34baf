#!/bin/sh
# Renews what an image installs besides requirements.lock, after a change of that lock: locks.sh [UV]
#
# runtime.txt: the names of requirements.lock that moodscribe itself needs, without its extras and tools.
# aws.lock, essentia.lock, gpu.lock, openvino.lock: what an extra needs. sbom.lock: the tool that lists what is
# installed.
# All for the image's Python and Linux; versions of what requirements.lock has, too, are its.
set -eu
cd "$(dirname "$0")/../.."
uv="${1:-.venv/bin/uv}"
folder=deploy/image
header="# Written by deploy/image/locks.sh."

compile() {
    "$uv" pip compile --quiet --no-annotate --no-header --python-version 3.11 \
        --python-platform linux --constraint requirements.lock "$@" -
}

{
    echo "$header Names of requirements.lock that moodscribe needs to run."
    # ARM machines take the other of TensorFlow's two: the lock's markers choose.
    {
        "$uv" pip compile --quiet --no-annotate --no-header --python-version 3.11 --python-platform linux \
            --constraint requirements.lock pyproject.toml
        echo tensorflow==0
    } | sed -n 's/^\([a-z0-9][a-z0-9.-]*\)==.*/\1/p' | LC_ALL=C sort -u
} >$folder/runtime.txt.new
mv $folder/runtime.txt.new $folder/runtime.txt

requirement() {
    sed -n "s/^$1 = \\[\"\\(.*\\)\"\\]\$/\\1/p" pyproject.toml
}
for extra in aws essentia gpu openvino; do
    wanted=$(requirement $extra)
    [ -n "$wanted" ] || { echo "locks.sh: pyproject.toml has no extra $extra of one line" >&2; exit 1; }
    {
        echo "$header What the extra $extra needs."
        echo "$wanted" | compile --generate-hashes
    } >$folder/$extra.lock.new
    mv $folder/$extra.lock.new $folder/$extra.lock
done
{
    echo "$header The tool that writes the image's list of parts."
    echo "cyclonedx-bom>=7,<8" | compile --generate-hashes
} >$folder/sbom.lock.new
mv $folder/sbom.lock.new $folder/sbom.lock
