#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command end to end: options, exit codes, errors of one line, files whole or not at all.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}

# float32: 1, 1.1, -0, NaN, inf, 465, 2^-10, -3
npy f32.npy '<f4' '(2, 4)' 00 00 80 3f cd cc 8c 3f 00 00 00 80 00 00 c0 7f \
    00 00 80 7f 00 80 e8 43 00 00 80 3a 00 00 40 c0
npy two.npy '<f4' '(2,)' 00 00 80 3f 00 00 00 40
npy bytes.npy '|u1' '(4,)' 38 7f 80 10
npy signed.npy '|i1' '(3,)' 7f 80 ff
npy half.npy '<f2' '(1,)' ff 7b
npy empty.npy '<f4' '(0, 3)'
npy scalar.npy '<f8' '()' 00 00 00 00 00 00 f8 3f

# The command itself
expect_exit 'help' 0 "$assay" --help
expect_line 'help lists cast' '^  cast '
expect_exit 'version' 0 "$assay" --version
for part in 'assay [0-9]' isa openmp mpfr cuda blas compiler; do
    expect_line "version says $part" "^$part"
done
for command in formats codes cast decode diff digest; do
    expect_exit "$command --help" 0 "$assay" $command --help
    expect_line "$command has a usage line" "^Usage: assay $command "
    expect_error "$command: unknown option" 2 "^assay $command: .*--bogus" "$assay" $command --bogus
done
expect_error 'no command' 2 'command is missing' "$assay"
expect_error 'unknown command' 2 '^assay nonsense: ' "$assay" nonsense
expect_error 'a line break stays out of the error' 2 'no such command' "$assay" 'two
lines'

# Options
expect_exit 'value after =' 0 "$assay" codes e2m1 --threads=2
expect_exit 'value after a blank' 0 "$assay" codes --threads 2 e2m1
expect_exit 'isa baseline' 0 "$assay" codes e2m1 --isa baseline
expect_error 'unknown isa' 2 isa "$assay" codes e2m1 --isa sse9
for bad in 0 -1 1025 2x '' 99999999999999999999 0x2 ' 2'; do
    expect_error "threads '$bad'" 2 threads "$assay" codes e2m1 "--threads=$bad"
done
expect_error 'value missing at the end' 2 'needs a value' "$assay" codes e2m1 --threads
expect_error 'an option as a value' 2 'needs a value' "$assay" cast f32.npy o.npy --to --round rtz
expect_error 'given twice' 2 twice "$assay" cast f32.npy o.npy --to e4m3 --to e5m2
expect_error 'flag with a value' 2 'no value' "$assay" codes e2m1 --quiet=yes
expect_error 'single hyphen' 2 'unknown option' "$assay" codes -x
expect_error 'operand missing' 2 missing "$assay" cast f32.npy --to e4m3
expect_error 'too many operands' 2 'too many' "$assay" codes e2m1 e4m3
expect_error 'after -- nothing is an option' 2 "format '--help'" "$assay" codes -- --help
expect_error 'a required option' 2 'to is missing' "$assay" cast f32.npy o.npy
expect_error 'unknown mode' 2 'round' "$assay" cast f32.npy o.npy --to e4m3 --round sx
expect_error 'unknown policy' 2 'overflow' "$assay" cast f32.npy o.npy --to e4m3 --overflow no
expect_error 'unknown NaN rule' 2 'nan' "$assay" cast f32.npy o.npy --to e2m1 --nan no
expect_error 'unknown format' 2 "e9m9" "$assay" cast f32.npy o.npy --to e9m9
expect_error 'policy that the format lacks' 2 infinity \
    "$assay" cast f32.npy o.npy --to e4m3 --overflow inf
expect_nothing_left 'no output after usage errors' o.npy

# Lists and codes
for list in modes policies accumulators operations schemes rules; do
    expect_exit "formats --$list" 0 "$assay" formats --$list
    expect_exit "formats --$list --json" 0 "$assay" formats --$list --json
    expect_line "formats --$list --json is an array" '^\['
done
expect_exit 'formats' 0 "$assay" formats
expect_line 'formats lists e4m3' '^e4m3 '
expect_exit 'formats NAME' 0 "$assay" formats e4m3 float:e=3,m=2
expect_line 'its canonical NaN' '^nan .*0x7f'
expect_error 'two lists' 2 'one list' "$assay" formats --modes --rules
expect_error 'unknown name, nothing printed' 2 nonsense "$assay" formats e4m3 nonsense
expect_exit 'codes' 0 "$assay" codes float:e=2,m=1,inf=no,nan=ones
expect_text 'every code' 'code,value
0,0x0p+0
1,0x1p-1
2,0x1p+0
3,0x1.8p+0
4,0x1p+1
5,0x1.8p+1
6,0x1p+2
7,nan
8,-0x0p+0
9,-0x1p-1
10,-0x1p+0
11,-0x1.8p+0
12,-0x1p+1
13,-0x1.8p+1
14,-0x1p+2
15,nan'
expect_exit 'codes with infinities' 0 "$assay" codes e5m2
expect_line 'inf' '^124,inf$'
expect_line '-inf' '^252,-inf$'
expect_error 'codes of a wide format' 2 'binary32: 32 bits' "$assay" codes binary32

# cast and decode
expect_exit 'cast' 0 "$assay" cast f32.npy o.npy --to e4m3
expect_true 'its values' [ "$(npy_data o.npy)" = \
    0000803f0000903f000000800000c07f0000c07f0000c07f00000000000040c0 ]
expect_exit 'cast --overflow sat' 0 "$assay" cast f32.npy o.npy --to e4m3 --overflow sat
expect_true 'saturates' [ "$(npy_data o.npy)" = \
    0000803f0000903f000000800000c07f0000e0430000e04300000000000040c0 ]
expect_exit 'cast --codes' 0 "$assay" cast f32.npy o.npy --to e4m3 --codes --round=raz
expect_true 'its codes' [ "$(npy_data o.npy)" = 3839807f7f7f01c4 ]
expect_exit 'cast --packed' 0 "$assay" cast f32.npy o.npy --to e2m1 --packed
expect_true 'two codes in a byte' [ "$(npy_data o.npy)" = 227877d0 ]
expect_exit 'decode' 0 "$assay" decode bytes.npy o.npy --from e4m3
expect_true 'its values' [ "$(npy_data o.npy)" = \
    000000000000f03f000000000000f87f0000000000000080000000000000a03f ]
expect_exit 'cast codes into codes' 0 "$assay" cast bytes.npy o.npy --in e4m3 --to e5m2 --codes
expect_true 'their codes' [ "$(npy_data o.npy)" = 3c7e8028 ]
expect_exit 'an empty array' 0 "$assay" cast empty.npy o.npy --to e4m3
expect_exit 'a scalar' 0 "$assay" cast scalar.npy o.npy --to mxfp4
expect_true 'its value' [ "$(npy_data o.npy)" = 000000000000f83f ]
for isa in baseline avx2 avx512; do
    "$assay" cast f32.npy o.npy --to bfloat16 --isa $isa --threads 3 >stdout 2>stderr
    case $? in
    0) expect_true "isa $isa: the same" [ "$(npy_data o.npy)" = \
        0000803f00008d3f000000800000c07f0000807f0000e8430000803a000040c0 ] ;;
    3) expect_true "isa $isa: says what is missing" grep -q '^assay cast: .*lacks' stderr ;;
    *) check_fail "isa $isa" "$(cat stderr)" ;;
    esac
done
rm -f o.npy
expect_error 'a value that the type lacks' 2 'half.npy: element 0' \
    "$assay" cast half.npy o.npy --to bfloat16
expect_error 'a NaN as an error' 2 'f32.npy: element 3' \
    "$assay" cast f32.npy o.npy --to e2m1 --nan error
expect_error 'a code beyond the width' 2 'bytes.npy: element 0' \
    "$assay" decode bytes.npy o.npy --from e2m1
expect_error 'a negative code' 2 'signed.npy: element 1' \
    "$assay" decode signed.npy o.npy --from e4m3
expect_error 'floats are no codes' 2 'f32.npy: dtype' "$assay" decode f32.npy o.npy --from e4m3
expect_error 'decode needs a format' 2 'from is missing' "$assay" decode bytes.npy o.npy
expect_nothing_left 'no output after invalid input' o.npy

# Files
head -c 100 f32.npy >short.npy
head -c 140 f32.npy >cut.npy
printf 'not an array' >text.npy
npy big.npy '>f4' '(1,)' 3f 80 00 00
sed 's/False, /True,  /' f32.npy >fortran.npy
mkdir directory
expect_error 'missing file' 2 '^assay cast: nowhere.npy: ' "$assay" cast nowhere.npy o.npy --to e4m3
expect_error 'directory as input' 2 directory "$assay" cast directory o.npy --to e4m3
for bad in short cut text big fortran; do
    expect_error "bad input: $bad" 2 "$bad.npy: " "$assay" cast $bad.npy o.npy --to e4m3
    expect_error "bad input of diff: $bad" 2 "$bad.npy: " "$assay" diff f32.npy $bad.npy
    expect_error "bad input of digest: $bad" 2 "$bad.npy: " "$assay" digest $bad.npy
done
expect_nothing_left 'no output after bad files' o.npy
expect_error 'directory as output' 2 directory "$assay" cast f32.npy directory --to e4m3
expect_nothing_left 'nothing beside the directory' directory.partial
expect_error 'output in no directory' 2 'nowhere/o.npy' "$assay" cast f32.npy nowhere/o.npy --to e4m3
printf 'old' >o.npy
expect_error 'a failure' 2 element "$assay" cast half.npy o.npy --to bfloat16
expect_true 'leaves the old file alone' [ "$(cat o.npy)" = old ]
expect_exit 'the input may be the output' 0 "$assay" cast two.npy two.npy --to e4m3
if [ -w /dev/full ]; then
    "$assay" codes binary16 >/dev/full 2>stderr
    expect_true 'a full disk is an error' [ $? -eq 2 ]
    expect_true 'of one line' [ "$(wc -l <stderr)" -eq 1 ]
fi
"$assay" codes e4m3 >&- 2>stderr
expect_true 'a closed output is an error' [ $? -eq 2 ]
"$assay" decode bytes.npy closed.npy --from e4m3 >&- 2>&-
expect_true 'but not if nothing is printed' [ $? -eq 0 ]
expect_true 'and the file is right' [ "$(wc -c <closed.npy)" -eq 160 ]
{
    "$assay" codes binary16 2>stderr
    echo $? >code
} | head -n 1 >stdout
expect_true 'a closed pipe is an error' [ "$(cat code)" -eq 2 ]

# Exit code 3: the least memory in which the command runs, and a row of 2^24 zeros that share a
# scale, which needs more than its own bytes besides.
npy wide.npy '<f8' '(2,)' 00 00 00 00 00 00 f0 3f 00 00 00 00 00 00 00 40
runs_within() { # KIB; a build with sanitizers does not run within any
    # shellcheck disable=SC3045
    { (ulimit -v "$1" && "$assay" cast wide.npy o.npy --to e4m3 --threads 1); } 2>stderr
}
if runs_within 200000; then
    limit=12000
    until runs_within $limit; do
        limit=$((limit + 4000))
    done
fi
if [ -n "${limit-}" ]; then
    rm -f o.npy
    npy row.npy '<f8' '(16777216,)'
    truncate -s $((128 + 8 * 16777216)) row.npy
    expect_error 'out of memory' 3 'memory' sh -c "ulimit -v $((limit + 131072)) && exec \"$assay\" \
        cast row.npy o.npy --to fp8_token --threads 1"
    rm -f row.npy
    expect_nothing_left 'no output without memory' o.npy
fi

# diff and digest
npy other.npy '<f4' '(2, 4)' 00 00 80 3f cc cc 8c 3f 00 00 00 00 00 00 c0 ff \
    00 00 80 7f 00 80 e8 43 00 00 80 3a 00 00 40 c0
expect_exit 'diff of the same' 0 "$assay" diff f32.npy f32.npy
expect_exit 'diff of others' 1 "$assay" diff f32.npy other.npy
expect_line 'bits' '^bits_differ  *3$'
expect_line 'values' '^values_differ  *1$'
expect_line 'zeros' '^zero_sign_differ  *1$'
expect_line 'NaNs' '^nan_bits_differ  *1$'
expect_line 'first index' '^first_index  *1$'
expect_line 'first position' '^first_position  *\[0, 1\]$'
expect_line 'first value' '^first_a  *0x1.19999ap+0 (0x3f8ccccd)$'
expect_line 'largest error' '^max_abs  *1.19209e-07$'
expect_line 'in ulps' '^max_ulps  *1$'
expect_line 'histogram' '^  (0.5, 1]  *1$'
expect_exit 'diff --json' 1 "$assay" diff f32.npy other.npy --json
expect_line 'is an object' '^{'
expect_exit 'diff of shapes' 1 "$assay" diff f32.npy two.npy
expect_line 'says so' 'shape differs: float32 \[2, 4\] against float32 \[2\]'
expect_exit 'diff of types' 1 "$assay" diff f32.npy bytes.npy
expect_line 'says so' 'type differs'
npy codes.npy '|u1' '(4,)' 38 7e 00 10
expect_exit 'diff of codes' 1 "$assay" diff bytes.npy codes.npy --format e4m3
expect_line 'a NaN in one' '^nan_in_one  *1$'
expect_exit 'digest' 0 "$assay" digest scalar.npy f32.npy
expect_text 'as documented' "$({ printf 'assay1 <f8 \n'; tail -c 8 scalar.npy; } | sha256sum |
    cut -c 1-64)  scalar.npy
$({ printf 'assay1 <f4 2,4\n'; tail -c 32 f32.npy; } | sha256sum | cut -c 1-64)  f32.npy"
"$assay" digest --value f32.npy >stdout
mv stdout first
npy f32.npy '<f4' '(2, 4)' 00 00 80 3f cd cc 8c 3f 00 00 00 00 01 00 80 ff \
    00 00 80 7f 00 80 e8 43 00 00 80 3a 00 00 40 c0
expect_exit 'digest --value' 0 "$assay" digest --value f32.npy
expect_true 'knows one zero and one NaN' cmp -s first stdout
expect_error 'digest of nothing' 2 missing "$assay" digest

check_end
