#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Same inputs, same bits: runs cross_compiler.txt's commands with this build and with clang's
# (build/clang), for every instruction set and for 1 and 2 threads, and compares every byte
# that they print and write.
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
    rm -rf work && mkdir work && cd work
    assay() { "$binary" "$@" --isa "$isa" --threads "$threads"; }
    binary=$1 isa=$2 threads=$3
    while IFS= read -r line; do
        case $line in '' | '#'*) continue ;; esac
        status=0
        eval "$line" >>printed 2>>errors || status=$?
        echo "$status: $line" >>printed
        if [ "$status" -gt 1 ]; then
            echo "$line: exit $status" >&2
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

digest "${ASSAY:?}" baseline 1 >expected
for binary in "$ASSAY" "$clang/assay"; do
    for isa in baseline avx2 avx512; do
        available "$isa" || { echo "not on this machine: $isa"; continue; }
        for threads in 1 2; do
            echo "$binary --isa $isa --threads $threads"
            digest "$binary" "$isa" "$threads" >found
            diff expected found
        done
    done
done
