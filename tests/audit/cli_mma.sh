#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Matrix units from the command line: known products, the list, and what is refused.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}

# 2^23 - 2^23 - 0.5 - 0.25 - 0.125 in binary16: 2^12 2^11 twice, and three small products.
npy a.npy '<u2' '(1, 16)' 00 6c 00 ec 00 b8 00 b4 00 b0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
    00 00 00 00 00 00 00 00
npy b.npy '<u2' '(1, 16)' 00 68 00 68 00 3c 00 3c 00 3c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
    00 00 00 00 00 00 00 00
npy c.npy '<u4' '(1, 1)' 00 00 00 00
unit() { # NAME UNIT BYTES
    expect_exit "$1" 0 "$assay" mma "$2" a.npy b.npy c.npy d.npy
    [ "$(npy_data d.npy)" = "$3" ] && check_ok "$1: bits" || check_fail "$1: bits" "$(npy_data d.npy)"
}
unit 'volta in steps of 4' volta.mma.m8n8k4.f32.f16.f16.f32 000000be
unit 'ampere keeps 24 bits' ampere.mma.f32.f16.f16 000000bf
unit 'hopper keeps 25 bits' hopper.mma.m16n8k16.f32.f16.f16.f32 000040bf
unit 'more bits, set by hand' hopper.mma.f32.f16.f16:F=26,e_zero=-134 000060bf
unit '13 bits, set by hand' hopper.mma.f32.f16.f16:F=13,rho=rz_e8m13 00000000
unit 'cdna1 is exact in fours' cdna1.v_mfma_f32_16x16x16f16 000060bf
expect_true 'the header is C'"'"'s' cmp -n 128 c.npy d.npy

# FP8 on Ada and on Hopper: one PTX instruction, two results: 1 + 31 times 2^-15.
ones() { i=0; while [ $i -lt "$1" ]; do printf '%s ' "$2"; i=$((i + 1)); done; }
# shellcheck disable=SC2046
npy a8.npy '|u1' '(1, 32)' $(ones 1 38) $(ones 31 08)
# shellcheck disable=SC2046
npy b8.npy '|u1' '(1, 32)' $(ones 1 38) $(ones 31 01)
for arch in ada hopper; do
    expect_exit "$arch fp8" 0 "$assay" mma $arch.mma.m16n8k32.f32.e4m3.e4m3.f32 a8.npy b8.npy c.npy $arch.npy
done
expect_true 'Ada loses what Hopper keeps' test "$(npy_data ada.npy)" = 0000803f
expect_true 'Hopper keeps it' test "$(npy_data hopper.npy)" = 001f803f

# Scales, integers, batches, an empty product
# shellcheck disable=SC2046
npy f4.npy '|u1' '(1, 64)' $(ones 64 02)
npy s.npy '|u1' '(1, 4)' 38 38 38 38
expect_exit 'block-scaled FP4' 0 "$assay" mma rtx_blackwell.mma.m16n8k64.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3 \
    f4.npy f4.npy c.npy d.npy --sa s.npy --sb s.npy
expect_true '64 ones' test "$(npy_data d.npy)" = 00008042
npy i8.npy '|i1' '(2, 1, 4)' 80 80 80 80 01 02 03 04
npy u8.npy '|u1' '(2, 1, 4)' ff ff ff ff 01 01 01 01
npy ci.npy '<i4' '(2, 1, 1)' 00 00 00 80 ff ff ff ff
expect_exit 'vpdpbusd wraps' 0 "$assay" mma avx512.vpdpbusd u8.npy i8.npy ci.npy d.npy
expect_true 'wrapped' test "$(npy_data d.npy)" = 0002fe7f09000000
expect_exit 'vpdpbusds saturates' 0 "$assay" mma avx512.vpdpbusds u8.npy i8.npy ci.npy d.npy
expect_true 'saturated' test "$(npy_data d.npy)" = 0000008009000000
npy none.npy '<u2' '(0, 16)'
npy cnone.npy '<u4' '(0, 1)'
expect_exit 'no rows' 0 "$assay" mma ampere.mma.f32.f16.f16 none.npy b.npy cnone.npy d.npy

# The list
expect_exit 'list' 0 "$assay" mma --list
expect_line 'a row' '^hopper.wgmma.m64n8k32.f32.e4m3.e4m3  *hopper.wgmma.f32.e4m3.e4m3  *t .*captured'
expect_exit 'list as JSON' 0 "$assay" mma --list --json
for key in name kind a b c K L F rho e_zero certainty source; do
    expect_line "with $key" "\"$key\": "
done

# Which unit was it?
expect_exit 'captured, as it were' 0 "$assay" mma hopper.mma.m16n8k16.f32.f16.f16.f32 a.npy b.npy c.npy d.npy
infer() { "$assay" mma --infer a.npy b.npy c.npy "$@" --fa f16 --fb f16 --fc f32; }
expect_exit 'infer' 0 infer d.npy --out apart
expect_line 'a row that explains' '^ *[0-9]*  hopper.mma.m16n8k16.f32.f16.f16.f32 .*captured'
expect_line 'a row that does not' '^  volta.mma.m8n8k4.f32.f16.f16.f32  *0  0xbf400000  0xbe000000'
expect_true 'vectors that separate' test -s apart/A.npy -a -s apart/D1.npy -a -s apart/D2.npy
for d in 1 2; do
    "$assay" mma --infer apart/A.npy apart/B.npy apart/C.npy apart/D$d.npy --fa f16 --fb f16 --fc f32 \
        --json >apart/$d.json
done
expect_true 'and do' test "$(cat apart/1.json)" != "$(cat apart/2.json)"
npy wrong.npy '<u4' '(1, 1)' 01 02 03 04
expect_exit 'nothing explains it' 1 infer wrong.npy --json
expect_line 'no group' '"groups": 0'

# What is refused
rm -f d.npy
refuse() { # NAME PATTERN ARG...
    refuse_name=$1 refuse_pattern=$2
    shift 2
    expect_error "$refuse_name" 2 "$refuse_pattern" "$assay" mma "$@"
    expect_nothing_left "$refuse_name: no output" d.npy
}
unit=ampere.mma.m16n8k16.f32.f16.f16.f32
npy a3.npy '<u2' '(1, 3)' 00 00 00 00 00 00
npy f.npy '<f4' '(1, 1)' 00 00 00 00
npy three.npy '|u1' '(1, 3)' 38 38 38
npy wide.npy '<u4' '(1, 2)' 00 00 00 00 00 00 00 00
npy line.npy '<u2' '(16,)' 00 6c 00 ec 00 b8 00 b4 00 b0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
    00 00 00 00 00 00 00 00
# shellcheck disable=SC2046
npy f4bad.npy '|u1' '(1, 64)' $(ones 63 02) 10
fp4=blackwell.tcgen05.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3
refuse 'unknown unit' 'no such unit' nonsense a.npy b.npy c.npy d.npy
refuse 'unknown parameter' 'no parameter' $unit:X=1 a.npy b.npy c.npy d.npy
refuse 'parameter without value' 'NAME=VALUE' $unit:F a.npy b.npy c.npy d.npy
refuse 'a value that is no number' 'integer' $unit:F=x a.npy b.npy c.npy d.npy
refuse 'L that does not divide K' 'divide' $unit:L=5 a.npy b.npy c.npy d.npy
refuse 'rho of another format' 'rho' $unit:rho=rne_f16 a.npy b.npy c.npy d.npy
refuse 'a dtype that is no container' 'f.npy: dtype' $unit a.npy b.npy f.npy d.npy
refuse 'another container' 'a8.npy: dtype' $unit a8.npy b.npy c.npy d.npy
refuse 'a vector' 'line.npy: shape' $unit line.npy b.npy c.npy d.npy
refuse 'k of A and B' 'b.npy: shape' $unit a3.npy b.npy c.npy d.npy
refuse 'k no multiple of K' 'a3.npy: shape: k = 3' $unit a3.npy a3.npy c.npy d.npy
refuse 'C of another shape' 'wide.npy: shape' $unit a.npy b.npy wide.npy d.npy
refuse 'scales are missing' 'sa is missing' $fp4 f4.npy f4.npy c.npy d.npy
refuse 'one scale is missing' 'sb is missing' $fp4 f4.npy f4.npy c.npy d.npy --sa s.npy
refuse 'scales of another shape' 'three.npy: shape' $fp4 f4.npy f4.npy c.npy d.npy --sa s.npy --sb three.npy
refuse 'scales that nobody reads' 'no scales' $unit a.npy b.npy c.npy d.npy --sa s.npy
refuse 'a code beyond its width' 'element 63: 16' $fp4 f4bad.npy f4.npy c.npy d.npy --sa s.npy --sb s.npy
refuse 'an absent file' 'absent.npy' $unit absent.npy b.npy c.npy d.npy
refuse 'operands are missing' '3 operands' $unit a.npy b.npy
refuse 'options of --infer' 'belong to --infer' $unit a.npy b.npy c.npy d.npy --fa f16
refuse 'a format is missing' 'fc is missing' --infer a.npy b.npy c.npy c.npy --fa f16 --fb f16
refuse 'no such format' 'no operand format' --infer a.npy b.npy c.npy c.npy --fa f17 --fb f16 --fc f32
refuse 'no unit has these' 'no unit' --infer a.npy b.npy c.npy c.npy --fa f16 --fb bf16 --fc f32
refuse 'list and infer' 'exclude' --list --infer
check_end
