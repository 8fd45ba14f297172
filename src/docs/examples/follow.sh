#!/usr/bin/env bash
# follow.sh BATCH FILE [URL]: writes the results of a batch into the file, in the order of its jobs, until the batch has ended. Goes on
# where the file ends, however it was interrupted: by a broken connection, a restart of the service, or the end of this script.
set -euo pipefail
batch=$1 file=$2 url=${3:-${CONVEYOR_URL:-http://localhost:8080}}

touch "$file"
while true; do
  if [[ -n $(tail -c 1 "$file") ]]; then
    sed -i '$d' "$file" # a line that was cut has no line feed
  fi
  after=$(tail -n 1 "$file" | jq -r '"&after=\(.index)"')
  curl -sSfN "$url/v1/batches/$batch/results?follow=true$after" >>"$file" && break || code=$?
  if [[ $code == 22 ]]; then
    exit "$code" # refused: asking again changes nothing
  fi
  sleep 1
done
