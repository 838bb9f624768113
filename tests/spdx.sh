#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every source file names its licence.
set -euo pipefail
cd "${ASSAY_SOURCE_DIR:?}"
without=$(find . -name .git -prune -o -path './build*' -prune -o -type f \( -name '*.[ch]' \
    -o -name '*.def' -o -name '*.inc' -o -name '*.cu' -o -name '*.cpp' -o -name '*.sh' \
    -o -name '*.py' -o -name '*.cmake' -o -name CMakeLists.txt -o -path ./dev \
    -o -path ./.ci/run -o -name .clang-format \) -print0 |
    xargs -0 grep -L 'SPDX-License-Identifier: Apache-2.0' || true)
[ -z "$without" ] || { echo "no SPDX line: $without" && exit 1; }
