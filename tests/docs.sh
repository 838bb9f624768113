#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the examples of one page, docs.sh PAGE.md: every block marked ```sh run, in order, in one
# empty directory with the command on PATH. A block marked ```output right after one is what
# that one prints, to the letter.
set -euo pipefail
page=${1:?a page}
PATH=$(dirname "${ASSAY:?}"):$PATH
mkdir blocks work
awk '
    /^```/ && inside { inside = 0; close(file); next }
    /^```sh run *$/  { inside = 1; file = sprintf("blocks/%03d", ++n); printf "" > file; print FNR > (file ".line"); next }
    /^```output *$/  { inside = 1; file = sprintf("blocks/%03d.output", n); printf "" > file; next }
    /^```/           { inside = 1; file = "/dev/null"; next }
    inside           { print > file }' "$page"
for block in blocks/???; do
    [ -e "$block" ] || continue
    echo "$(basename "$page"):$(cat "$block.line")"
    sed 's/^/    /' "$block"
    (cd work && bash -euo pipefail "../$block") >printed
    cat printed
    if [ -e "$block.output" ]; then
        diff "$block.output" printed
    fi
done
