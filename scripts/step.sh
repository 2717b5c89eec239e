#!/bin/sh
# step.sh WHAT COMMAND...  Runs the command, saying what is done and how long it took. Its own words
# are shown only when it fails.
set -u
what=$1
shift
output=$(mktemp)
trap 'rm -f "$output"' EXIT
started=$(date +%s)
printf '%s ... ' "$what"
if "$@" > "$output" 2>&1 < /dev/null; then
  echo "done ($(($(date +%s) - started)) s)"
else
  status=$?
  echo "failed: $*"
  cat "$output"
  exit "$status"
fi
