#!/usr/bin/env bash
# pack-folder.sh FOLDER TARGET [URL]: has every file of FOLDER checksummed and compressed by the service, one job a file. Writes
# TARGET/NAME.gz and prints "SHA-256  NAME" as sha256sum does. The file's name travels as custom_id and joins result and file.
# Files of up to 700 KB: a job may have 1 MB (conveyor.intake.max-job-size), and base64 adds a third.
set -euo pipefail
folder=$1 target=$2 url=${3:-${CONVEYOR_URL:-http://localhost:8080}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$target"

for file in "$folder"/*; do
  [[ -f $file ]] || continue
  base64 -w0 <"$file" |
    jq -Rc --arg name "${file##*/}" '{kind: "command", custom_id: $name, input: {command: "pack", stdin: .}}'
done | jq -s . >"$work/jobs"

# --fail-with-body: a refusal is printed, and ends the script.
curl -sS --fail-with-body --json @"$work/jobs" "$url/v1/batches" -o "$work/batch"
self=$url$(jq -r .links.self "$work/batch")
until [[ $(curl -sS --fail-with-body "$self?wait=60" | jq -r .state) == ended ]]; do :; done
curl -sS --fail-with-body "$self/results" >"$work/results"

# One line a job, in the order of the jobs.
while IFS=$'\t' read -r name state sum gzip; do
  if [[ $state == succeeded ]]; then
    base64 -d <<<"$gzip" >"$target/$name.gz"
    echo "$sum  $name"
  else
    echo "$name: $sum" >&2
  fi
done < <(jq -r '[.custom_id, .state, .output.sha256 // .error.detail, .output.gzip // ""] | @tsv' "$work/results")
