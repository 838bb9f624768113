#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files of schemes: shapes, types, errors, nothing left behind.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}

"$assay" cast --help >help 2>&1
grep -q -e --scales help || exit 77

# float32: 1 2 3 4 5 6 -7, NaN
npy x.npy '<f4' '(2, 4)' 00 00 80 3f 00 00 00 40 00 00 40 40 00 00 80 40 \
    00 00 a0 40 00 00 c0 40 00 00 e0 c0 00 00 c0 7f
npy i.npy '|i1' '(4,)' 01 02 fd 7f
npy none.npy '<f4' '(0, 4)'

header() { # FILE SHAPE DTYPE
    head -c 128 "$1" | tr -d '\0' | grep -a -q -F -e "'descr': '$3', 'fortran_order': False, 'shape': $2" &&
        check_ok "$1 is $3 $2" || check_fail "$1 is $3 $2" "$(head -c 100 "$1" | tr -d '\0' | tr '\n' ' ')"
}

expect_exit 'mxfp4' 0 "$assay" cast x.npy c.npy --to mxfp4:size=2 --codes --scales s.npy
header c.npy '(2, 4)' '|u1'
header s.npy '(2, 2)' '|u1'
expect_exit 'packed' 0 "$assay" cast x.npy p.npy --to mxfp4 --packed
header p.npy '(4,)' '|u1'
expect_exit 'decoded' 0 "$assay" decode c.npy d.npy --from mxfp4:size=2 --scales s.npy
header d.npy '(2, 4)' '<f8'
expect_exit 'values' 0 "$assay" cast x.npy v.npy --to mxfp4:size=2
header v.npy '(2, 4)' '<f4'
expect_exit 'nvfp4' 0 "$assay" cast x.npy c.npy --to nvfp4 --codes --scales s.npy --tensor-scale t.npy
header s.npy '(2, 1)' '|u1'
header t.npy '(1,)' '<f4'
expect_exit 'tiles' 0 "$assay" cast x.npy c.npy --to tile:elem=e4m3,rows=2,cols=3 --codes --scales s.npy
header s.npy '(1, 2)' '<u4'
expect_exit 'tensor' 0 "$assay" cast x.npy c.npy --to int8_tensor --codes --scales s.npy
header s.npy '(1,)' '<u4'
expect_exit 'token' 0 "$assay" cast x.npy c.npy --to int8_token_asym --codes --scales s.npy --zeros z.npy
header s.npy '(2, 1)' '<u4'
header z.npy '(2, 1)' '|u1'
expect_exit 'hierarchy' 0 "$assay" cast x.npy c.npy --to q4_0 --codes
header c.npy '(2, 1, 18)' '|u1'
expect_exit 'decoded' 0 "$assay" decode c.npy d.npy --from q4_0
header d.npy '(2, 32)' '<f8'
expect_exit 'nothing' 0 "$assay" cast none.npy c.npy --to mxfp4 --codes --scales s.npy
header s.npy '(0, 1)' '|u1'
expect_exit 'integers' 0 "$assay" cast i.npy v.npy --to mxint8
header v.npy '(4,)' '|i1'

rm -f o.npy s.npy
expect_error 'no scales' 2 'no scales' "$assay" cast x.npy o.npy --to e4m3 --scales s.npy
expect_error 'no zero points' 2 'zero points' "$assay" cast x.npy o.npy --to mxfp4 --zeros s.npy
expect_error 'no tensor scale' 2 'tensor-scale' "$assay" cast x.npy o.npy --to mxfp4 --tensor-scale s.npy
expect_error 'fields' 2 'fields' "$assay" cast x.npy o.npy --to q4_0 --scales s.npy
expect_error 'scales are needed' 2 'scales is missing' "$assay" decode p.npy o.npy --from mxfp4
expect_error 'NaN' 2 'element 7' "$assay" cast x.npy o.npy --to mxfp4 --nan error
npy c.npy '|u1' '(2, 4)' 01 02 03 04 05 06 07 10
npy s.npy '|u1' '(2, 1)' 7f 80
expect_error 'beyond the width' 2 'element 7' "$assay" decode c.npy o.npy --from mxfp4 --scales s.npy
npy c.npy '|u1' '(2, 4)' 01 02 03 04 05 06 07 08
npy s.npy '|u1' '(3, 1)' 7f 80 7f
expect_error 'a scale too many' 2 's.npy: shape' "$assay" decode c.npy o.npy --from mxfp4 --scales s.npy
expect_error 'bytes of a block' 2 'c.npy: shape' "$assay" decode c.npy o.npy --from q4_0
npy f.npy '<f4' '(1,)' 00 00 80 3f
expect_error 'what is no code' 2 'f.npy: .*dtype' "$assay" decode c.npy o.npy --from mxfp4 --scales f.npy
[ ! -e o.npy ] && check_ok 'nothing left behind' || check_fail 'nothing left behind'
expect_exit 'a scheme has its fields' 0 "$assay" formats nvfp4:order=te
expect_line 'the order' '^order  *te'
expect_line 'the extent' '^extent  *block of 16'
expect_exit 'rules name their users' 0 "$assay" formats --rules
expect_line 'rceil' '^rceil .*cuBLAS'
expect_exit 'codes of elements' 0 "$assay" codes nvfp4
cp stdout elements
expect_exit 'codes of e2m1' 0 "$assay" codes e2m1
expect_true 'are the same' cmp -s elements stdout
expect_exit 'codes of scales' 0 "$assay" codes nvfp4 --scales
expect_line 'are those of e4m3' '^126,0x1.cp+8$'
expect_exit 'codes of a packed type' 0 "$assay" codes q4_k
expect_error 'its scales' 2 'option --scales: q4_k has fields' "$assay" codes q4_k --scales
expect_error 'scales of a format' 2 'option --scales: e4m3 has no scales' "$assay" codes e4m3 --scales
expect_error 'wide scales' 2 'binary32: 32 bits' "$assay" codes nf4_64 --scales

check_end
