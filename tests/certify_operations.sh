#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates of operations and functions: `assay verify ROW --op NAME --round deterministic` over
# all tuples of operands, or a sample. Usage: certify_operations.sh ASSAY TIER [ROW...]
#   operations   rows of at most 8 bits: all pairs for the operations of two operands
#   triples      the same rows: all triples for fma
#   functions    all inputs of the operations of one operand: rows of at most 16 bits
#   functions32  binary32: all 2^32 inputs of the functions that the oracle takes by neighbours, or
#                SAMPLES=N inputs of any; ROWs are names of functions here
#   samples      SAMPLES tuples (10^6 if unset), random and adversarial, of what has two operands and
#                of fma: binary16, bfloat16, binary32 or ROWs
#   sums         exact dot products of 10^7 terms of binary64, by the test that knows their oracle
# What has been done with a build is not done again: build/certify holds a file per row, operation
# and build. Results are lines of docs/certified-operations.md, the latest in place of an older one.
set -euo pipefail
cd "$(dirname "$0")/.."
assay=$1 tier=$2
shift 2
page=docs/certified-operations.md
state=build/certify
mkdir -p "$state"
build=$(sha256sum "$assay" | cut -c 1-16)
compiler=$("$assay" --version | sed -n 's/^compiler *//p')
isa=$("$assay" --version | sed -n 's/^isa *//p')
two='add sub mul div remainder hypot minimum maximum minimum_number maximum_number
minimum_magnitude maximum_magnitude minimum_magnitude_number maximum_magnitude_number atan2 atan2pi
pow'
sampled='add sub mul div fma remainder hypot atan2 atan2pi pow'
smooth='exp log tanh rsqrt erf silu gelu sigmoid'
one='copy neg abs sqrt rsqrt reciprocal exp exp2 expm1 log log2 log1p sin cos tan asin acos atan
sinpi cospi tanpi asinpi acospi atanpi sinh cosh tanh asinh acosh atanh erf sigmoid silu gelu
gelu_tanh softplus'
failed=0

rows() { # MOST: names of the rows of at most so many bits
    "$assay" formats | awk -v most="$1" '
        NF == 0 { done = 1 }
        !done && $3 ~ /^[0-9]+$/ && $3 <= most { print $1 }'
}

write_line() { # ROW WHAT LINE: into the table, which ends the page, in place of an older one
    {
        sed '/^|---/q' "$page"
        {
            sed '1,/^|---/d' "$page" | grep -v -F -e "| $1 | $2 |" || true
            echo "$3"
        } | sort
    } >"$page.partial"
    mv "$page.partial" "$page"
}

verify() { # ROW OPERATION OPTION...: adds to `checked`, `wrong` and `spent`, the seconds it took once
    local file=$state/$1-$2-$build-${*: -1} output status=0 begun line seconds=0
    if [ ! -s "$file" ]; then
        begun=$(date +%s)
        output=$("$assay" verify "$1" --op "$2" --round deterministic "${@:3}" \
            ${THREADS:+--threads "$THREADS"}) || status=$?
        [[ $(tail -n 1 <<<"$output") =~ ^[0-9]+\ checked,\ [0-9]+\ wrong$ ]] ||
            return $((status > 1 ? status : 3))
        [ "$status" -eq 0 ] || printf '%s %s\n%s\n' "$1" "$2" "$output"
        printf '%s\n%s\n' "${BASH_REMATCH[0]}" $(($(date +%s) - begun)) >"$file.partial"
        mv "$file.partial" "$file"
    fi
    { read -r line && { read -r seconds || true; }; } <"$file"
    [[ $line =~ ^([0-9]+)\ checked,\ ([0-9]+)\ wrong$ ]] || return 3
    checked=$((checked + BASH_REMATCH[1]))
    wrong=$((wrong + BASH_REMATCH[2]))
    spent=$((spent + ${seconds:-0}))
}

# The output ends as that of `assay verify` does.
certify_sums() {
    local what='10^7 terms, 3 orders, 1 to 7 parts, 1 to 3 threads' begun output
    begun=$(date +%s)
    output=$(ASSAY_CERTIFY_TERMS=10000000 "$(dirname "$assay")/tests/test_superaccumulator_dot" \
        --filter superaccumulator_dot/certified 2>&1 | sed '/^\[/d') || true
    [[ $(tail -n 1 <<<"$output") =~ ^([0-9]+)\ checked,\ ([0-9]+)\ wrong$ ]] || return 3
    echo "dot, $what: ${BASH_REMATCH[0]}"
    write_line dot "$what" "| dot | $what | 1 | ${BASH_REMATCH[1]} | ${BASH_REMATCH[2]} |\
 $(($(date +%s) - begun)) | $(date -u +%F) | $compiler, $isa |"
    [ "${BASH_REMATCH[2]}" -eq 0 ]
}

# One line for a row and several operations.
certify() { # ROW WHAT OPERATIONS OPTION...
    local row=$1 what=$2 operation checked=0 wrong=0 spent=0 count=0
    for operation in $3; do
        verify "$row" "$operation" "${@:4}" || return
        count=$((count + 1))
    done
    echo "$row, $what: $count operations, $checked checked, $wrong wrong"
    write_line "$row" "$what" "| $row | $what | $count | $checked | $wrong |\
 $spent | $(date -u +%F) | $compiler, $isa |"
    [ "$wrong" -eq 0 ]
}

certify_row() { # ROW
    case $tier in
    operations) certify "$1" 'pairs, all' "$two" --exhaustive ;;
    triples) certify "$1" 'fma, all triples' fma --exhaustive ;;
    functions) certify "$1" 'one operand, all' "$one" --exhaustive ;;
    functions32)
        if [ "${SAMPLES:-all}" = all ]; then
            certify binary32 "$1, all" "$1" --exhaustive
        else
            certify binary32 "$1, $SAMPLES samples" "$1" --samples "$SAMPLES"
        fi
        ;;
    samples)
        local operation status=0
        for operation in $sampled; do
            certify "$1" "$operation, ${SAMPLES:-1000000} samples" "$operation" \
                --samples "${SAMPLES:-1000000}" || status=$?
        done
        return "$status"
        ;;
    sums) certify_sums ;;
    *) echo "no such tier: $tier" >&2 && exit 2 ;;
    esac
}

case $tier in
operations | triples) all=$(rows 8) ;;
functions) all=$(rows 16) ;;
functions32) all=$smooth && [ "${SAMPLES:-all}" = all ] || all=$one ;;
sums) all=dot ;;
*) all='binary16 bfloat16 binary32' ;;
esac
for row in ${*:-$all}; do
    certify_row "$row" || failed=$?
done
exit "$failed"
