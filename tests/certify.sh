#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates: `assay verify NAME --exhaustive --round MODE` over all 2^32 numbers of binary32, for
# the formats below and the eight deterministic modes; and the loops of matrix units against their
# definition, on 10^8 products of each row (PRODUCTS=N: others). Usage: certify.sh ASSAY [NAME|UNIT|units...]
# What has been done with a build is not done again: build/certify holds a file per format, mode
# and build. Results are lines of docs/certified.md, the latest in place of an older one.
set -euo pipefail
cd "$(dirname "$0")/.."
assay=$1
shift
names=(e4m3 e5m2 e2m1 e3m2 e8m0 binary16 bfloat16 posit16)
modes=(rne rna rnz rtz raz rup rdn rodd)
page=docs/certified.md
state=build/certify
mkdir -p "$state"
build=$(sha256sum "$assay" | cut -c 1-16)
compiler=$("$assay" --version | sed -n 's/^compiler *//p')
isa=$("$assay" --version | sed -n 's/^isa *//p')
failed=0

write_line() { # NAME MODE LINE: into the table, which ends the page, in place of an older one
    {
        sed '/^|---/q' "$page"
        {
            sed '1,/^|---/d' "$page" | grep -v -F -e "| $1 | $2 |" || true
            echo "$3"
        } | sort
    } >"$page.partial"
    mv "$page.partial" "$page"
}

verify() { # NAME MODE: prints what it does, and last "N checked, M wrong"
    if [ "$2" = loops ]; then
        ASSAY_CERTIFY_UNIT=$1 ASSAY_CERTIFY_PRODUCTS=${PRODUCTS:-100000000} \
            "$(dirname "$assay")/tests/test_mma_product_slow" --filter mma_product/certified 2>&1 |
            sed '/^\[/d'
    else
        "$assay" verify "$1" --exhaustive --round "$2" ${THREADS:+--threads "$THREADS"}
    fi
}

certify() { # NAME MODE
    local file=$state/$1-$2-$build begun output seconds status=0
    if [ -e "$file" ]; then
        echo "$1 $2: done with this build: $(cat "$file")"
        return
    fi
    begun=$(date +%s)
    output=$(verify "$1" "$2") || status=$?
    seconds=$(($(date +%s) - begun))
    printf '%s\n' "$output"
    if [[ $output == *'same arithmetic' ]]; then
        echo "$output" >"$file"
        return
    fi
    [[ $(tail -n 1 <<<"$output") =~ ^([0-9]+)\ checked,\ ([0-9]+)\ wrong$ ]] || return 3
    write_line "$1" "$2" "| $1 | $2 | ${BASH_REMATCH[1]} | ${BASH_REMATCH[2]} | $seconds |\
 $(date -u +%F) | $compiler, $isa |"
    [ "$status" -eq 0 ] || return "$status"
    echo "${BASH_REMATCH[1]} checked, 0 wrong, $seconds s" >"$file"
}

units() {
    "$assay" mma --list | awk 'NR > 1 && $1 ~ /\./ { print $1 }'
}

wanted=()
for name in "${@:-${names[@]}}"; do
    if [ "$name" = units ]; then
        mapfile -t -O "${#wanted[@]}" wanted < <(units)
    else
        wanted+=("$name")
    fi
done
for name in "${wanted[@]}"; do
    if [[ $name == *.* ]]; then # no format's name has a dot
        echo "== $name"
        certify "$name" loops || failed=$?
        continue
    fi
    for mode in "${modes[@]}"; do
        echo "== $name $mode"
        certify "$name" "$mode" || failed=$?
    done
done
# Without names also the tests that take a part of their cases in other runs.
if [ "$#" -eq 0 ]; then
    root=$PWD binary=$(realpath "$assay")
    for test in scheme_oracle scheme_gguf; do
        echo "== test_${test}_slow.py, all of it"
        mkdir -p "$state/$test"
        (cd "$state/$test" && ASSAY_THOROUGH=1 ASSAY=$binary ASSAY_SOURCE_DIR=$root \
            PYTHONPATH=$root/tests/support \
            /usr/bin/python3 "$root/tests/rounding/test_${test}_slow.py") || failed=$?
    done
fi
exit "$failed"
