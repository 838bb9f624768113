#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs one test: COMMAND [ARG...], in an empty directory of its own. A test that could not do a
# part prints "SKIPPED for want of WHAT: PART"; the whole then counts as skipped (77), or as
# failed where CI=true, since there everything that can be wanted is at hand.
set -uo pipefail
directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/work"
cd "$directory/work" || exit 1
"$@" </dev/null 2>&1 | tee "$directory/output"
status=${PIPESTATUS[0]}
if [ "$status" -eq 0 ] && grep -q 'SKIPPED for want of' "$directory/output"; then
    if [ "${CI:-}" = true ]; then
        echo "with CI=true nothing may be skipped"
        exit 1
    fi
    exit 77
fi
exit "$status"
