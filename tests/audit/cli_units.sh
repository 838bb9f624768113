#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Matrix units as accumulators of `assay gemm` and of recipes: bits, plans, and what is refused.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}

# A [1, 32]: 1 and 31 times 2^-6; B [32, 1]: 1 and 31 times 2^-9, as float32.
ones() { i=0; while [ $i -lt "$1" ]; do printf '%s ' "$2"; i=$((i + 1)); done; }
# shellcheck disable=SC2046
npy a.npy '<f4' '(1, 32)' 00 00 80 3f $(ones 31 '00 00 80 3c')
# shellcheck disable=SC2046
npy b.npy '<f4' '(32, 1)' 00 00 80 3f $(ones 31 '00 00 00 3b')
npy c.npy '<f4' '(1, 1)' 01 00 80 3f
gemm() { # NAME ACC BYTES [OPTION...]
    name=$1 acc=$2 bytes=$3
    shift 3
    expect_exit "$name" 0 "$assay" gemm a.npy b.npy d.npy --a e4m3 --b e4m3 --out binary32 --acc "$acc" "$@"
    [ "$(npy_data d.npy)" = "$bytes" ] && check_ok "$name: bits" || check_fail "$name: bits" "$(npy_data d.npy)"
}
gemm 'Ada keeps 13 bits' ada.mma.f32.e4m3.e4m3 0000803f
gemm 'Hopper mma keeps all' hopper.mma.f32.e4m3.e4m3 001f803f
gemm 'wgmma promotes' hopper.wgmma.f32.e4m3.e4m3:promote=32 0000803f
gemm 'more bits' hopper.wgmma.f32.e4m3.e4m3:F=18,rho=rne_f32 001f803f
gemm 'C has 23 bits, wgmma 13' hopper.wgmma.f32.e4m3.e4m3 00000040 --c c.npy
gemm 'a promoted total keeps C' hopper.wgmma.f32.e4m3.e4m3:plan=deepgemm 00000040 --c c.npy
npy c.npy '<f4' '(1, 1)' 01 00 00 3f
gemm 'chained through C' hopper.wgmma.f32.e4m3.e4m3 0000c03f --c c.npy
gemm 'added to C' hopper.wgmma.f32.e4m3.e4m3:promote=128 0000c03f --c c.npy

refuse() { # NAME PATTERN OPTION...
    name=$1 pattern=$2
    shift 2
    expect_error "$name" 2 "$pattern" "$assay" gemm a.npy b.npy e.npy --out binary32 "$@"
    expect_true "$name: nothing is left" test ! -e e.npy
}
refuse 'no such unit' '--acc.*no such unit' --a e4m3 --b e4m3 --acc ada.mma.f32.e4m3.e9m9
refuse 'a plan that does not suit' '--acc.*multiples' --a e4m3 --b e4m3 --acc ada.mma.f32.e4m3.e4m3:promote=33
refuse 'A in another format' '--a: e5m2' --a e5m2 --b e4m3 --acc ada.mma.f32.e4m3.e4m3
refuse 'B in another format' '--b: bfloat16' --a e4m3 --b bfloat16 --acc ada.mma.f32.e4m3.e4m3
refuse 'scales of another size' '--a.*each 32 terms' --a nvfp4 --b mxfp4 --acc blackwell.tcgen05.mxf4nvf4.block32.f32.e2m1.e2m1.ue8m0
npy cbad.npy '<f8' '(1, 1)' 01 00 00 00 00 00 f0 3f
refuse 'C is no binary32' 'cbad.npy: element 0' --a e4m3 --b e4m3 --c cbad.npy --acc ada.mma.f32.e4m3.e4m3

# Block-scaled units take the schemes' codes and scales: 32 terms of a multiple of 1/8 are exact.
for pair in mxfp4:blackwell.tcgen05.mxf4nvf4.block32.f32.e2m1.e2m1.ue8m0 \
    nvfp4:rtx_blackwell.mma.mxf4nvf4.block16.f32.e2m1.e2m1.ue4m3; do
    scheme=${pair%%:*}
    expect_exit "$scheme on its unit" 0 "$assay" gemm a.npy b.npy d.npy --a "$scheme" --b "$scheme" --out binary32 --acc "${pair#*:}"
    expect_exit "$scheme exactly" 0 "$assay" gemm a.npy b.npy x.npy --a "$scheme" --b "$scheme" --out binary32 --acc exact
    expect_true "$scheme: the same" cmp d.npy x.npy
done

# Recipes
recipe() { printf '{"assay_recipe":1,"rules":[%s{"tap":"*"}]}' "$1" >r.json; }
run() { # NAME PATTERN RULE
    recipe "$3"
    expect_error "$1" 2 "$2" "$assay" run demo --text And --recipe r.json --backend emulated --logits l.npy
}
run 'a norm is no product' 'rules\[0\].acc: tap layers.0.input_layernorm' \
    '{"tap":"layers.0.*","in":"e4m3","weight":"e4m3","acc":"ada.mma.f32.e4m3.e4m3"},'
run 'weights in another format' 'rules\[0\].weight: tap layers.0.self_attn.q_proj: bfloat16' \
    '{"tap":"*q_proj","in":"e4m3","weight":"bfloat16","acc":"ada.mma.f32.e4m3.e4m3"},'
run 'no format at all' 'rules\[0\].in: tap layers.0.mlp.up_proj: binary64' \
    '{"tap":"*up_proj","acc":"ada.mma.f32.e4m3.e4m3"},'
run 'blocks along heads' 'rules\[0\].acc: tap layers.0.self_attn.scores' \
    '{"tap":"*scores","in":"mxfp4","acc":"blackwell.tcgen05.mxf4nvf4.block32.f32.e2m1.e2m1.ue8m0"},'
recipe '{"tap":"*scores","in":"e4m3","acc":"ada.mma.f32.e4m3.e4m3","out":"binary32","overflow":"sat"},'
expect_exit 'attention on a unit' 0 "$assay" run demo --text And --recipe r.json --backend emulated --logits l.npy

# The shipped recipes of units: 13 bits are seen in the arithmetic's share, 25 are not.
for unit in fp8_ada fp8_hopper fp8_hopper_promoted fp8_deepseek fp8_blackwell mxfp4_blackwell nvfp4_blackwell; do
    expect_exit "audit $unit" 0 "$assay" audit demo --recipe $unit --text 'And God said' --greedy 1 --out $unit
done
arithmetic() { awk -F, '$1 == "layers.1.mlp.down_proj" { print $13 }' "$1"/tensors.csv; }
expect_true 'Ada rounds' test "$(arithmetic fp8_ada | cut -c 1-4)" = 0.00
expect_true 'Blackwell does not' test "$(arithmetic fp8_blackwell)" = 0
check_end
