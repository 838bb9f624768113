#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `assay verify` end to end: the last line, exit codes, what cannot be asked for.
set -u
# shellcheck source=tests/support/check.sh
. "${ASSAY_SOURCE_DIR:?}/tests/support/check.sh"
assay=${ASSAY:?}

# last_line NAME PATTERN: of what the last command printed.
last_line() {
    tail -n 1 stdout >last
    expect_true "$1" grep -q -x -e "$2" last
}

if "$assay" --version | grep -q '^mpfr *out'; then
    expect_error 'without MPFR' 3 'built without MPFR' "$assay" verify e4m3
    check_end
    exit
fi

expect_exit 'help' 0 "$assay" verify --help
expect_line 'has a usage line' '^Usage: assay verify SPEC '
expect_line 'says what exhaustive means' 'all 2^32 operands'

for spec in e4m3 e5m2 e8m0 int4 nf4 posit8 takum8 lns8 hif8 binary8p3se \
    float:e=3,m=2,inf=no,nan=negzero; do
    expect_exit "$spec" 0 "$assay" verify $spec --threads 1
    last_line 'a count' '[1-9][0-9]* checked, 0 wrong'
done
expect_exit 'all modes and policies' 0 "$assay" verify e2m1 --round all --overflow all
last_line 'a count' '[1-9][0-9]* checked, 0 wrong'
expect_exit 'a stochastic mode' 0 "$assay" verify e4m3 --round sra:bits=5 --overflow sat
last_line 'a count' '[1-9][0-9]* checked, 0 wrong'
expect_exit 'samples' 0 "$assay" verify binary16 --samples 50 --from binary64
last_line 'at least those' '[1-9][0-9][0-9]* checked, 0 wrong'
expect_exit 'all of binary16' 0 "$assay" verify e5m2 --exhaustive --from binary16 --round rtz
last_line '2^16' '65536 checked, 0 wrong'
expect_exit 'binary64 by breakpoints' 0 "$assay" verify e2m1 --exhaustive --from binary64
expect_exit 'a wide format' 0 "$assay" verify posit32 --samples 20
cp stdout first
expect_exit 'again' 0 "$assay" verify posit32 --samples 20 --threads 2
expect_true 'threads do not matter' cmp -s first stdout

# Operations: every tuple of small formats, samples, stochastic modes, mixed and irrational formats.
expect_line_count() { # NAME COUNT SPEC...
    name=$1 count=$2
    shift 2
    expect_exit "$name" 0 "$assay" verify "$@" --threads 1
    last_line "$name: a count" "$count checked, 0 wrong"
}
expect_line_count 'all pairs' 65536 e4m3 --op add
expect_line_count 'all triples and policies' "$((4096 * 3))" e2m1 --op fma --overflow all
expect_line_count 'all inputs' 65536 binary16 --op exp --round rup
expect_line_count 'samples' 3000 binary32 --op gelu --samples 3000 --round rdn
expect_line_count 'a stochastic mode' 256 e2m1 --op div --round sr
expect_line_count 'all modes' "$((256 * 25))" e2m1 --op mul --round all
expect_line_count 'mixed formats' 400 e4m3 --op mul --operands binary16 --samples 400
expect_line_count 'thirds' 256 bnb_fp4 --op sub --round rdn
expect_line_count 'powers of roots of 2' 256 sqrt2_4 --op hypot --round rup
expect_line_count 'sums of roots, half of the way' "$((256 * 25))" sqrt2_4 --op add --round all
expect_line_count 'small angles of powers' 2500 takum8_log --op atan2 --samples 2500 --round raz
expect_line_count 'powers beyond every exponent' 400 lns8 --op exp2 --operands float:e=8,m=7 --samples 400
expect_line_count 'products of roots that cancel' 800 sqrt2_4 --op fma --samples 800 --round sr
expect_line_count 'sums of roots, a part' 3000 lns8 --op add --samples 3000 --round src:bits=8
expect_line_count 'remainders of irrational values' 256 sqrt2_4 --op remainder --round raz
expect_line_count 'sums that are powers' 400 lns8 --op sub --round rdn --samples 400
for name in sinpi acospi silu sin; do
    expect_line_count "$name of logarithms" 256 lns8 --op $name --round rdn --exhaustive
done
expect_line_count 'infinite operands of posits' 2000 posit8 --op hypot --operands e5m2 \
    --samples 500 --overflow all
expect_line_count 'posits' 300 posit16 --op rsqrt --samples 300
expect_line_count 'sums' 2000 binary16 --op sum --samples 2000 --round rup
expect_line_count 'dot products of thirds' 300 bnb_fp4 --op dot --samples 300 --round rdn
expect_line_count 'dot products, at random' 300 e4m3 --op dot --samples 300 --round sr
expect_error 'too many tuples' 2 '2\^64' "$assay" verify binary32 --op add --exhaustive
expect_error 'a reduction' 2 'no last tuple' "$assay" verify e4m3 --op dot --exhaustive
expect_error 'operands of a cast' 2 'option --operands' "$assay" verify e4m3 --operands e5m2
expect_error 'source of an operation' 2 'option --from' "$assay" verify e4m3 --op add \
    --from binary16

# Schemes: tensors.
for spec in mxfp4 nvfp4:order=modelopt int4_group_asym block:elem=e3m2,size=12,rule=nearest; do
    expect_exit "$spec" 0 "$assay" verify $spec --samples 2000
    last_line "$spec: a count" '[2-9][0-9][0-9][0-9] checked, 0 wrong'
done
expect_exit 'a scheme, at random' 0 "$assay" verify mxint8 --round sra:bits=8 --from binary16
expect_error 'a scheme has no last tensor' 2 'option --exhaustive' "$assay" verify mxfp4 --exhaustive
expect_error 'an operation of a scheme' 2 'option --op' "$assay" verify mxfp4 --op add
expect_error 'a packed type' 2 'q4_k: a packed type' "$assay" verify q4_k

expect_error 'no SPEC' 2 missing "$assay" verify
expect_error 'unknown format' 2 nonsense "$assay" verify nonsense
expect_error 'unknown mode' 2 'option --round' "$assay" verify e4m3 --round up
expect_error 'feedback' 2 'came before' "$assay" verify e4m3 --round rne+ef
expect_error 'unknown policy' 2 'option --overflow' "$assay" verify e4m3 --overflow wrap
expect_error 'a policy that the format lacks' 2 'no infinity' "$assay" verify e4m3 --overflow inf
expect_error 'no NaN' 2 'no NaN' "$assay" verify e2m1 --overflow nan
expect_error 'unknown operation' 2 'option --op: .*not one of' "$assay" verify e4m3 --op adds
expect_error 'unknown source' 2 'option --from' "$assay" verify e4m3 --from bfloat16
expect_error 'two tiers' 2 'exclude' "$assay" verify e4m3 --samples 5 --exhaustive
expect_error 'no samples' 2 'option --samples' "$assay" verify e4m3 --samples 0

check_end
