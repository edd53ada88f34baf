#!/bin/sh
# Fetches the servers that tests of `moodscribe index` start into the folder $1 (200 MB, once), with Python $2:
# OpenSearch with its k-NN plugin from Maven Central, PostgreSQL from Debian's packages where none is installed,
# and a PostgreSQL with pgvector from PyPI. Says what is missing and ends with 1 where one of them cannot be had.
set -eu
folder=$1
python=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
status=0

missing() {
	echo "no $1" >&2
	status=1
}

opensearch() {
	for tool in java javac mvn unzip; do
		command -v "$tool" >/dev/null ||
			{ missing "OpenSearch: $tool is missing (apt-get install openjdk-17-jdk-headless maven unzip)"; return; }
	done
	rm -rf "$folder/opensearch"
	mvn --batch-mode --quiet --file "$here/opensearch/pom.xml" dependency:copy-dependencies \
		"-DoutputDirectory=$folder/opensearch/lib" ||
		{ missing "OpenSearch: Maven could not fetch $here/opensearch/pom.xml"; return; }
	unzip -q "$folder"/opensearch/lib/*.zip -d "$folder/opensearch/knn"
	rm "$folder"/opensearch/lib/*.zip
	javac -cp "$folder/opensearch/lib/*" -d "$folder/opensearch/main" "$here/opensearch/SearchServer.java"
	touch "$folder/opensearch/.complete"
}

postgres() {
	rm -rf "$folder/postgres"
	mkdir -p "$folder/postgres/packages"
	version=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p')
	# Where root runs this, apt fetches as a user of its own, who may not write here.
	(cd "$folder/postgres/packages" && apt-get --quiet=2 --option APT::Sandbox::User=root download \
		"postgresql-$version" libpq5) || { missing "PostgreSQL: apt-get could not download postgresql-$version"; return; }
	for package in "$folder"/postgres/packages/*.deb; do
		dpkg -x "$package" "$folder/postgres"
	done
	rm -r "$folder/postgres/packages"
	touch "$folder/postgres/.complete"
}

pgvector() {
	rm -rf "$folder/pgvector"
	"$python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--python-version 3.12 --target "$folder/pgvector" pgserver==0.1.4 ||
		{ missing "pgvector: pip could not fetch pgserver"; return; }
	touch "$folder/pgvector/.complete"
}

[ "$folder/opensearch/.complete" -nt "$here/opensearch/pom.xml" ] || opensearch
[ -e "$folder/postgres/.complete" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || postgres
[ -e "$folder/pgvector/.complete" ] || pgvector
exit $status
