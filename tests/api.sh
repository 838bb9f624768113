#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the library offers is what is written down: audit/assay.h includes every header that
# declares something ASSAY_API, and what these include; the shared library exports exactly
# tests/exports.txt, and takes from libm only what IEEE 754 fixes. `./dev api` writes both anew
# after a change that is meant.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

public_headers() {
    local public room
    public=$(grep -l --include='*.h' -r ASSAY_API numerics formats rounding kernels audit |
        xargs ${CC:-cc} -std=c17 -MM -I. | tr -s ' \\' '\n' | grep '\.h$' |
        xargs realpath --relative-to=. | sort -u)
    for room in numerics formats rounding kernels audit; do
        grep "^$room/" <<<"$public" | sed 's/.*/#include <assay\/&>/' && echo || true
    done
}
umbrella() {
    echo '/* SPDX-License-Identifier: Apache-2.0 */'
    echo '/* The whole library: every public header, each of which also stands alone. */'
    echo '#ifndef ASSAY_H'
    echo '#define ASSAY_H'
    echo
    public_headers
    echo '#endif'
}
symbols() { nm -D "$@" | awk '{ print $NF }' | sed 's/@.*//' | sort -u; }

list=tests/exports.txt
case ${1:-} in
--write-headers) text=$(umbrella) && echo "$text" >audit/assay.h && exit ;;
--write-exports) symbols --defined-only "$ASSAY_BUILD_DIR/libassay.so" >$list && exit ;;
esac

anew() { echo "$1 differs: ./dev api writes it anew" && exit 1; }
umbrella | diff audit/assay.h - || anew audit/assay.h
library=${ASSAY_BUILD_DIR:?}/libassay.so
if symbols --defined-only "$library" | grep -v '^assay_'; then
    echo "exported without the prefix assay_"
    exit 1
fi
symbols --defined-only "$library" | diff $list - || anew $list

# The bits of these are the same in every libm; those of exp, log, sin or pow are not.
exact='^(sqrt|floor|ceil|trunc|rint|nearbyint|round|roundeven|fma|fabs|copysign|fmin|fmax|ldexp|'
exact+='scalbn|scalbln|frexp|modf|fmod|remainder|logb|ilogb|nextafter|l?lrint|l?lround|'
exact+='fe[a-z]*)f?$'
libm=$(ldd "$library" | awk '$1 ~ /^libm\./ { print $3 }')
[ -n "$libm" ] || exit 0
inexact=$(comm -12 <(symbols --undefined-only "$library") <(symbols --defined-only "$libm") |
    grep -Ev "$exact" || true)
[ -z "$inexact" ] || { echo "taken from libm, whose bits depend on its version: $inexact"; exit 1; }
