#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Includes point leftward only: numerics <- formats <- rounding <- kernels <- audit. What lies
# left of audit needs libc alone for its own work; examples in docs see installed headers.
set -euo pipefail
cd "${ASSAY_SOURCE_DIR:?}"
find numerics formats rounding kernels audit $([ ! -d docs ] || echo docs) -name '*.[ch]' -o -name '*.def' -o -name '*.inc' |
    sort | xargs grep -nH '^ *# *include' | awk -F: '
    BEGIN { split("numerics formats rounding kernels audit", names, " ")
            for (i in names) rank[names[i]] = i }
    function wrong(why) { printf "%s:%s: %s: %s\n", $1, $2, $3, why; failed = 1 }
    {
        split($1, path, "/")
        room = path[1]
        quoted = $3 ~ /"/
        header = $3
        sub(/^[^"<]*["<]/, "", header)
        sub(/[">].*/, "", header)
        if (room == "docs") {
            if (quoted || header ~ /jansson|pcre2|openssl/)
                wrong("an example includes installed headers only, as <assay.h>")
        } else if (quoted) {
            sub(/^(\.\.\/)+/, "", header)
            split(header, target, "/")
            if (target[1] in rank && rank[target[1]] > rank[room])
                wrong(room " knows nothing of " target[1])
            if (target[1] == "tests")
                wrong("a room never includes tests")
            if (target[1] == "audit" && target[2] == "cli" && path[2] != "cli")
                wrong("the library knows nothing of the command")
        } else if (room != "audit" && header ~ /jansson|pcre2|openssl/) {
            wrong("only audit reads files")
        }
    }
    END { exit failed }'
