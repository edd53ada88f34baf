#!/bin/sh
# Starts a process of a Flink cluster: flink.sh job-manager|task-manager|job-server [OPTION...]
#
# FLINK_CONF_DIR has flink-conf.yaml. A task manager's memory must be set there part by part: Flink's own scripts,
# which would work the parts out of a sum, are not in the jars.
set -eu
jars="${FLINK_JARS:-/opt/flink/jars}"
conf="${FLINK_CONF_DIR:-/opt/flink/conf}"
name="${1:-}"
[ $# -eq 0 ] || shift
case "$name" in
job-manager)
    set -- org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$conf" "$@"
    ;;
task-manager)
    set -- org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$conf" "$@"
    ;;
job-server)
    set -- org.apache.beam.runners.flink.FlinkJobServerDriver --flink-conf-dir "$conf" "$@"
    ;;
*)
    echo "usage: flink.sh job-manager|task-manager|job-server [OPTION...]" >&2
    exit 2
    ;;
esac
# Java 17 keeps these from what serialises by reflection.
for package in java.lang java.lang.reflect java.net java.io java.nio java.text java.time java.util \
    java.util.concurrent java.util.concurrent.atomic; do
    set -- "--add-opens=java.base/$package=ALL-UNNAMED" "$@"
done
# shellcheck disable=SC2086 # one argument an option
exec java ${JVM_OPTIONS:-} -cp "$jars/*" "$@"
