# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Checks of a command, for POSIX shell scripts that source this file: each prints `ok` or `FAIL`
# with its name, and `check_end` returns nonzero if any has failed.
check_failed=0
check_done=0

check_ok() {
    check_done=$((check_done + 1))
    echo "ok   $1"
}

check_fail() {
    check_done=$((check_done + 1))
    check_failed=$((check_failed + 1))
    echo "FAIL $1"
    [ -z "${2-}" ] || echo "     $2"
}

# expect_exit NAME CODE COMMAND [ARG...]: leaves what it printed in the files stdout and stderr.
expect_exit() {
    check_name=$1
    check_code=$2
    shift 2
    "$@" >stdout 2>stderr && check_got=0 || check_got=$?
    if [ "$check_got" -eq "$check_code" ]; then
        check_ok "$check_name"
    else
        check_fail "$check_name" "exit code $check_got, not $check_code: $(cat stderr)"
    fi
}

# expect_error NAME CODE PATTERN COMMAND [ARG...]: that exit code, nothing on stdout, and one
# line on stderr that starts with `assay` and matches the basic regular expression.
expect_error() {
    check_name=$1
    check_code=$2
    check_pattern=$3
    shift 3
    "$@" >stdout 2>stderr && check_got=0 || check_got=$?
    if [ "$check_got" -ne "$check_code" ]; then
        check_fail "$check_name" "exit code $check_got, not $check_code: $(cat stderr)"
    elif [ "$(wc -l <stderr)" -ne 1 ] || ! grep -q '^assay' stderr; then
        check_fail "$check_name" "not one line 'assay ...': $(cat stderr)"
    elif [ -s stdout ]; then
        check_fail "$check_name" "something on standard output: $(head -n 1 stdout)"
    elif grep -q -e "$check_pattern" stderr; then
        check_ok "$check_name"
    else
        check_fail "$check_name" "no '$check_pattern' in: $(cat stderr)"
    fi
}

# expect_text NAME TEXT: the last command printed exactly that on stdout.
expect_text() {
    if [ "$(cat stdout)" = "$2" ]; then
        check_ok "$1"
    else
        check_fail "$1" "printed: $(head -n 5 stdout)"
    fi
}

# expect_line NAME PATTERN: some line on stdout matches the basic regular expression.
expect_line() {
    if grep -q -e "$2" stdout; then
        check_ok "$1"
    else
        check_fail "$1" "no '$2' in: $(head -n 5 stdout)"
    fi
}

# expect_true NAME COMMAND [ARG...]
expect_true() {
    check_name=$1
    shift
    if "$@"; then
        check_ok "$check_name"
    else
        check_fail "$check_name" "false: $*"
    fi
}

# expect_nothing_left NAME OUTPUT: neither the output nor a part of it is there.
expect_nothing_left() {
    for check_file in "$2" "$2".*; do
        if [ -e "$check_file" ]; then
            check_fail "$1" "left behind: $check_file"
            return
        fi
    done
    check_ok "$1"
}

# npy FILE DESCR SHAPE [BYTE...]: an .npy file of version 1; bytes are two hexadecimal digits.
npy() {
    npy_file=$1
    npy_text="{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
    shift 3
    {
        printf '\223NUMPY\001\000v\000%-117s\n' "$npy_text"
        for npy_byte; do
            # shellcheck disable=SC2059
            printf "\\$(printf '%03o' "0x$npy_byte")"
        done
    } >"$npy_file"
}

# npy_data FILE: its elements' bytes as hexadecimal digits (files whose header is 128 bytes).
npy_data() {
    tail -c +129 "$1" | od -An -v -tx1 | tr -d ' \n'
}

check_end() {
    echo "$check_done checks, $check_failed failed"
    [ "$check_failed" -eq 0 ]
}
