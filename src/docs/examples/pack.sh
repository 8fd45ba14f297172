#!/usr/bin/env bash
# The program behind the command "pack": takes a file in base64 on standard input, writes its size, its SHA-256 and its gzip (in
# base64) as one JSON object. A command that fails here fails the job, and what it says on standard error stands in the result.
set -euo pipefail
file=$(mktemp)
trap 'rm -f "$file"' EXIT

base64 -d >"$file"
sum=$(sha256sum <"$file")
printf '{"bytes": %d, "sha256": "%s", "gzip": "%s"}\n' \
  "$(wc -c <"$file")" "${sum%% *}" "$(gzip -9n <"$file" | base64 -w0)"
