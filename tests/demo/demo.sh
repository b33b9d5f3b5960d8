#!/bin/sh
# `make demo`: runs the documents of tests/data through a node of their own, searches them and shows the actors.
# Some of those documents are broken on purpose, so failures are part of the show. Leaves nothing behind.
#
#   tests/demo/demo.sh BUILD_FOLDER
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
millrace=$(cd "${1:-$root/build/release}" && pwd)/app/millrace
finished_with_failures=3

# Not below the clone: when root starts it, PostgreSQL runs as another user, and a home may be closed to it.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/millrace-demo.XXXXXX")
chmod 711 "$scratch"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
export MILLRACE_DATA="$scratch/data"

step() { printf '\n$ millrace %s\n' "$*"; }

cd "$root"
step run tests/data --dataset demo
status=0
"$millrace" run tests/data --dataset demo || status=$?
case $status in
  0) ;;
  "$finished_with_failures")
    step documents demo --status failed
    "$millrace" documents demo --status failed
    ;;
  *)
    echo "demo: millrace run ended with exit code $status" >&2
    exit "$status"
    ;;
esac

step search demo '"how does a water mill work"'
"$millrace" search demo "how does a water mill work"

step actors
"$millrace" actors
