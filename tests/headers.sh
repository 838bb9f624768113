#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed headers (PREFIX/include) are the tree's, and each compiles alone as C17 and C++17.
set -euo pipefail
include=${1:?the prefix of an installation}/include
status=0
flags="-Wall -Wextra -Wshadow -Wconversion -Werror -fsyntax-only -I$include"

while IFS= read -r header; do
    cmp "$include/assay/$header" "${ASSAY_SOURCE_DIR:?}/$header" || status=1
    case $header in *.def) continue ;; esac
    echo "#include <assay/$header>" >alone.c
    ${CC:-cc} -std=c17 $flags alone.c || { echo "$header: not C17 alone"; status=1; }
    ${CXX:-g++} -std=c++17 $flags -x c++ alone.c || { echo "$header: not C++17 alone"; status=1; }
done < <(cd "$include/assay" && find . -type f | sed 's/^..//' | sort)
exit $status
