#!/bin/sh
# Fetches Beam's job server for Flink, and Flink, from Maven Central into the folder $1 (150 MB, once).
# Says what is missing and ends with 1 where that cannot be done.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)

if [ -f "$folder/.complete" ] && [ "$folder/.complete" -nt "$here/pom.xml" ]; then
	exit 0
fi
for tool in java mvn; do
	if ! command -v "$tool" >/dev/null; then
		echo "no Flink: $tool is missing (apt-get install openjdk-17-jre-headless maven)" >&2
		exit 1
	fi
done
echo "fetching Flink and Beam's job server into $folder" >&2
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if ! mvn --batch-mode --quiet --file "$here/pom.xml" dependency:copy-dependencies \
	-DincludeScope=runtime "-DoutputDirectory=$folder"; then
	echo "no Flink: Maven could not fetch $here/pom.xml" >&2
	exit 1
fi
touch "$folder/.complete"
