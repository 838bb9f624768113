#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay op` end to end: values, shapes, types, errors.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}

# float32: 1, 2, 448, -0 and 0.125, -2, 448, 0; float64 1.5, -1.5; int8 1, 2, 4
npy a.npy '<f4' '(2, 2)' 00 00 80 3f 00 00 00 40 00 00 e0 43 00 00 00 80
npy b.npy '<f4' '(2, 2)' 00 00 00 3e 00 00 00 c0 00 00 e0 43 00 00 00 00
npy c.npy '<f4' '(2, 2)' 00 00 80 3f 00 00 80 3f 00 00 80 3f 00 00 80 3f
npy odd.npy '<f4' '(2, 2)' 00 00 80 3f 00 00 00 40 cd cc 8c 3f 00 00 00 00
npy flat.npy '<f4' '(4,)' 00 00 80 3f 00 00 00 40 00 00 e0 43 00 00 00 80
npy wide.npy '<f8' '(2,)' 00 00 00 00 00 00 f8 3f 00 00 00 00 00 00 f8 bf
npy int.npy '|i1' '(3,)' 01 02 04
npy three.npy '|i1' '(3,)' 01 02 03
npy scalar.npy '<f4' '()' 00 00 80 40
npy empty.npy '<f4' '(0, 3)'
npy none.npy '<f4' '(2, 0)'

data_is() { # NAME HEX: of o.npy
    expect_true "$1" [ "$(npy_data o.npy)" = "$2" ]
}

expect_exit 'help' 0 "$assay" op --help
for name in add fma minimum_magnitude_number dot atan2pi gelu_tanh softplus remainder; do
    expect_line "help names $name" "[ (]*$name"
done
expect_exit 'add' 0 "$assay" op add a.npy b.npy o.npy --format e4m3
data_is 'its values: 1.125, +0, NaN, +0' 0000903f000000000000c07f00000000
expect_exit 'add rdn sat' 0 "$assay" op add a.npy b.npy o.npy --format e4m3 --round rdn \
    --overflow sat
data_is 'its values: 1.125, -0, 448, -0' 0000903f000000800000e04300000080
expect_exit 'div by zero' 0 "$assay" op div c.npy b.npy o.npy --format e5m2 --operands e4m3
data_is '8, -0.5, 1.25 * 2^-9 for 1 / 448, inf' 00000041000000bf0000203b0000807f
expect_exit 'fma' 0 "$assay" op fma a.npy c.npy b.npy o.npy --format e4m3
data_is 'its values' 0000903f000000000000c07f00000000
expect_exit 'sqrt' 0 "$assay" op sqrt scalar.npy o.npy --format binary16
data_is 'of a scalar' 00000040
expect_exit 'integers' 0 "$assay" op div int.npy three.npy o.npy --format int8
data_is 'in their own type' 010101
expect_exit 'NaN by a rule' 0 "$assay" op sqrt wide.npy o.npy --format e2m1 --nan negzero
data_is '1 and -0' 000000000000f03f0000000000000080
expect_error 'NaN as an error' 2 'wide.npy: element 1: sqrt: .*NaN' \
    "$assay" op sqrt wide.npy n.npy --format e2m1 --nan error
expect_exit 'sum' 0 "$assay" op sum a.npy o.npy --format binary16 --operands e4m3
data_is 'of the last axis' 000040400000e043
expect_exit 'dot' 0 "$assay" op dot a.npy b.npy o.npy --format binary32 --operands e4m3
data_is '-3.875 and 200704' 000078c000004448
expect_exit 'sum of an empty axis' 0 "$assay" op sum none.npy o.npy --format e4m3
data_is 'is zero' 0000000000000000
expect_exit 'an empty array' 0 "$assay" op neg empty.npy o.npy --format e4m3
expect_exit 'exp2' 0 "$assay" op exp2 wide.npy o.npy --format e4m3 --round rtz
data_is '2.75, 0.34375' 0000000000000640000000000000d63f
expect_exit 'random bits' 0 "$assay" op div c.npy b.npy one.npy --format e4m3 --round sr --seed 7
expect_exit 'again' 0 "$assay" op div c.npy b.npy o.npy --format e4m3 --round sr --seed 7 \
    --threads 3
expect_true 'are the seed'"'"'s' cmp -s one.npy o.npy
expect_exit 'the output may be an operand' 0 "$assay" op copy c.npy c.npy --format e4m3

rm -f o.npy
expect_error 'an element that does not belong' 2 'odd.npy: element 2: 0x1.19999ap+0 is no value' \
    "$assay" op add a.npy odd.npy o.npy --format e4m3
expect_error 'nor in G' 2 'a.npy: element 2: ' "$assay" op neg a.npy o.npy --format e4m3 \
    --operands e2m1
expect_error 'a result that the type lacks' 2 'int.npy: element 0: the result ' \
    "$assay" op exp int.npy o.npy --format binary16 --operands int8
expect_error 'other shapes' 2 'flat.npy: shape' "$assay" op add a.npy flat.npy o.npy --format e4m3
expect_error 'a scalar has no axis' 2 'scalar.npy: shape' \
    "$assay" op sum scalar.npy o.npy --format e4m3
expect_error 'unknown operation' 2 "operation 'plus'.*add sub" \
    "$assay" op plus a.npy b.npy o.npy --format e4m3
expect_error 'too few operands' 2 'add takes 2 operands' "$assay" op add a.npy o.npy --format e4m3
expect_error 'no format' 2 'format is missing' "$assay" op neg a.npy o.npy
expect_error 'error feedback' 2 'no error feedback' \
    "$assay" op neg a.npy o.npy --format e4m3 --round rne+ef
expect_error 'policy that the format lacks' 2 infinity \
    "$assay" op neg a.npy o.npy --format e4m3 --overflow inf
expect_error 'missing file' 2 'nowhere.npy: ' "$assay" op neg nowhere.npy o.npy --format e4m3
if [ -w /dev/full ]; then
    expect_error 'a full disk, named once' 2 '^assay op: /dev/full: cannot write: ' \
        "$assay" op neg a.npy /dev/full --format e4m3
fi
expect_nothing_left 'no output after errors' o.npy

check_end
