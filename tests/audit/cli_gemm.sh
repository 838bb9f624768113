#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay gemm` end to end: values, shapes, types, schemes, errors. Sums are checked by
# tests/kernels/test_gemm_oracle.py.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}

# float32 [2,3]: 1, 2, 3 and -1, 0.5, 4; [3,2]: 1, 2; 4, 8; 0.5, -1; C [2,2]: 1, -1, 0.5, 8
npy a.npy '<f4' '(2, 3)' 00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 bf 00 00 00 3f 00 00 80 40
npy b.npy '<f4' '(3, 2)' 00 00 80 3f 00 00 00 40 00 00 80 40 00 00 00 41 00 00 00 3f 00 00 80 bf
npy c.npy '<f4' '(2, 2)' 00 00 80 3f 00 00 80 bf 00 00 00 3f 00 00 00 41
npy third.npy '<f4' '(2, 2)' 00 00 80 3f ab aa aa 3e 00 00 00 3f 00 00 00 41
npy nan.npy '<f4' '(2, 3)' 00 00 c0 7f 00 00 00 40 00 00 40 40 00 00 80 bf 00 00 00 3f 00 00 80 40
npy int.npy '|i1' '(1, 2)' 64 7f
npy ints.npy '|i1' '(2, 1)' 7f 7f
npy half.npy '<f2' '(1, 1)' 00 7c
npy flat.npy '<f4' '(3,)' 00 00 80 3f 00 00 00 40 00 00 40 40
npy no_terms.npy '<f4' '(2, 0)'
npy no_terms_b.npy '<f4' '(0, 2)'
npy no_rows.npy '<f4' '(0, 3)'
npy short.npy '<f4' '(2, 3)' 00 00 80 3f 00 00
npy word.npy '|S4' '(1, 1)' 61 62 63 64
npy wide.npy '<i8' '(1, 1)' 01 00 00 00 00 00 20 00

f32='--a binary32 --b binary32'
data_is() { # NAME HEX: of o.npy
    expect_true "$1" [ "$(npy_data o.npy)" = "$2" ]
}
gemm() { # what follows OUT
    "$assay" gemm a.npy b.npy o.npy "$@"
}

expect_exit 'help' 0 "$assay" gemm --help
for name in reference exact F:step F:pairwise F:kahan int32:sat bf16x9 ozaki ef=yes @operand:F; do
    expect_line "help names $name" ".*$name"
done
# D = 10.5, 15; 3, -2
for acc in reference exact binary32 binary32:unfused binary32:block=2 binary32:pairwise \
    binary32:kahan bf16x9 ozaki bfloat16:step,ef=yes binary16:step,round=sr \
    binary32@operand:bfloat16; do
    # shellcheck disable=SC2086
    expect_exit "$acc" 0 gemm $f32 --acc "$acc" --out binary32
    data_is "$acc: its values" 000028410000704100004040000000c0
    # shellcheck disable=SC2086
    expect_exit "$acc with C" 0 gemm $f32 --acc "$acc" --out binary32 --c c.npy
    data_is "$acc: D = A B + C" 000038410000604100006040''0000c040
done
expect_exit 'a scheme' 0 gemm --a mxfp8_e4m3 --b mxfp4 --acc binary32 --out binary32
data_is 'its values' 000028410000704100004040000000c0
expect_exit 'a scheme as output' 0 gemm $f32 --acc exact --out mxfp4
data_is '12, 12, which saturates; 3, -2' 000040410000404100004040000000c0
expect_exit 'output rounding' 0 gemm $f32 --acc exact --out e2m1 --round rup
data_is 'saturates' 0000c0400000c04000004040000000c0
expect_exit 'stochastic output' 0 gemm $f32 --acc exact --out e5m2 --round sr --seed 3
expect_exit 'the same again' 0 "$assay" gemm a.npy b.npy again.npy $f32 --acc exact --out e5m2 \
    --round sr --seed 3 --threads 2 --isa baseline
expect_true 'the same bits' cmp o.npy again.npy
expect_exit 'integers' 0 "$assay" gemm int.npy ints.npy o.npy --a int8 --b int8 --acc int32 \
    --out int8 --overflow sat
data_is 'saturated into their own type' 7f
expect_exit 'no terms' 0 "$assay" gemm no_terms.npy no_terms_b.npy o.npy $f32 --acc binary32 \
    --out binary32
data_is 'zeros' 00000000000000000000000000000000
expect_exit 'no terms but C' 0 "$assay" gemm no_terms.npy no_terms_b.npy o.npy $f32 \
    --acc exact --out binary32 --c c.npy
data_is 'is C' 0000803f000080bf0000003f00000041
expect_exit 'no rows' 0 "$assay" gemm no_rows.npy b.npy o.npy $f32 --acc exact --out binary32
data_is 'no elements' ''
expect_exit 'NaN' 0 "$assay" gemm nan.npy b.npy o.npy $f32 --acc binary32 --out binary32
data_is 'is NaN in its row' 0000c07f0000c07f00004040000000c0

rm -f o.npy
expect_error 'other shapes' 2 'c.npy: shape: 2 rows' "$assay" gemm a.npy c.npy o.npy $f32 \
    --acc exact --out binary32
expect_error 'one axis' 2 'flat.npy: shape: 1 axes' "$assay" gemm flat.npy b.npy o.npy $f32 \
    --acc exact --out binary32
expect_error 'C of another shape' 2 'a.npy: shape: expected .2, 2.' gemm $f32 --acc exact \
    --out binary32 --c a.npy
expect_error 'C beyond F' 2 'third.npy: element 1: 0x1.555556p-2 is no value of bfloat16' gemm $f32 \
    --acc bfloat16 --out binary32 --c third.npy
expect_error 'C beyond int32' 2 'c.npy: element 2: 0x1p-1 is no value of int32' gemm --a int8 \
    --b int8 --acc int32 --out binary32 --c c.npy
expect_error 'no integers' 2 'a.npy: vector 1, term 1: 0x1p-1 is no integer' gemm $f32 --acc int32 \
    --out binary32
expect_error 'NaN is no integer' 2 'nan.npy: vector 0, term 0: nan is no integer' \
    "$assay" gemm nan.npy b.npy o.npy $f32 --acc int32 --out binary32
expect_error 'a result beyond the type' 2 'int.npy: element 0 of the product: .* no value of its' \
    "$assay" gemm int.npy ints.npy o.npy --a int8 --b int8 --acc exact --out binary32
expect_error 'truncated' 2 'short.npy: ' "$assay" gemm short.npy b.npy o.npy $f32 --acc exact \
    --out binary32
expect_error 'text' 2 'word.npy: ' "$assay" gemm word.npy b.npy o.npy $f32 --acc exact --out binary32
expect_error 'no binary64' 2 'wide.npy: element 0: .* is no binary64' "$assay" gemm wide.npy \
    wide.npy o.npy --a binary64 --b binary64 --acc exact --out binary64
expect_error 'missing file' 2 'nowhere.npy: ' "$assay" gemm a.npy nowhere.npy o.npy $f32 \
    --acc exact --out binary32
expect_error 'no such directory' 2 'nowhere/o.npy' "$assay" gemm a.npy b.npy nowhere/o.npy $f32 \
    --acc exact --out binary32
if [ "$(id -u)" -ne 0 ]; then
    mkdir -p closed && chmod a-w closed
    expect_error 'a directory that may not be written' 2 'closed/o.npy' "$assay" gemm a.npy b.npy \
        closed/o.npy $f32 --acc exact --out binary32
fi
if [ -w /dev/full ]; then
    expect_error 'a full disk, named once' 2 '^assay gemm: /dev/full: cannot write: ' \
        "$assay" gemm a.npy b.npy /dev/full $f32 --acc exact --out binary32
fi
expect_error 'no accumulator' 2 'option --acc is missing' gemm $f32 --out binary32
expect_error 'no format' 2 'option --b is missing' gemm --a e4m3 --acc exact --out binary32
expect_error 'unknown accumulator' 2 'option --acc: .*nosuch' gemm $f32 --acc nosuch --out binary32
expect_error 'feedback of pairwise' 2 'feedback goes with' gemm $f32 \
    --acc binary32:pairwise,ef=yes --out binary32
expect_error 'slices' 2 'slices' gemm $f32 --acc ozaki:slices=17 --out binary32
expect_error 'feedback of the output' 2 'option --round: sums' gemm $f32 --acc exact \
    --out binary32 --round rne+ef
expect_error 'a policy that the output lacks' 2 'option --out: ' gemm $f32 --acc exact --out e2m1 \
    --overflow inf
expect_error 'a format beyond binary64' 2 'posit' gemm --a posit64 --b posit64 --acc exact \
    --out binary32
expect_nothing_left 'no output after errors' o.npy

check_end
