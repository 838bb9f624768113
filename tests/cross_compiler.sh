#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Same inputs, same bits: runs cross_compiler.txt's commands with this build and with clang's
# (build/clang), for instruction sets and numbers of threads, and compares every byte that they
# print and write.
set -euo pipefail
clang=${ASSAY_SOURCE_DIR:?}/build/clang
commands=$ASSAY_SOURCE_DIR/tests/cross_compiler.txt
command -v clang >/dev/null || { echo "SKIPPED for want of clang: same bits across compilers"; exit; }
{
    [ -f "$clang/build.ninja" ] ||
        cmake -S "$ASSAY_SOURCE_DIR" -B "$clang" -G Ninja -DCMAKE_C_COMPILER=clang -DASSAY_TESTS=OFF
    cmake --build "$clang" --target assay
} >built 2>&1 || { cat built && exit 1; }

# In a directory of its own, since commands name the files that they write.
digest() ( # ASSAY ISA THREADS
    assay() { "$binary" "$@" --isa "$isa" --threads "$threads"; }
    export -f assay
    export binary=$1 isa=$2 threads=$3
    rm -rf work && mkdir work && cd work
    while IFS= read -r line; do
        case $line in '' | '#'*) continue ;; esac
        if ! bash -euo pipefail -c "$line" </dev/null >>printed 2>errors; then
            echo "failed: $line" >&2
            cat errors >&2
            exit 1
        fi
    done <"$commands"
    find . -type f ! -name errors | sort | xargs sha256sum
)

available() { # ISA: can this machine run it?
    case $1 in
    baseline) true ;;
    avx2) grep -qw avx2 /proc/cpuinfo ;;
    avx512) grep -qw avx512bw /proc/cpuinfo && grep -qw avx512vl /proc/cpuinfo ;;
    esac
}

# Every compiler meets every instruction set; both thread counts meet both.
digest "${ASSAY:?}" baseline 1 >expected
while read -r binary isa threads; do
    available "$isa" || { echo "not on this machine: $isa"; continue; }
    echo "$binary --isa $isa --threads $threads"
    digest "$binary" "$isa" "$threads" >found
    diff expected found
done <<EOF
$ASSAY avx2 2
$ASSAY avx512 1
$clang/assay baseline 2
$clang/assay avx2 1
$clang/assay avx512 2
EOF
