#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs in C and in C++ that use every exported symbol build against an installation (PREFIX)
# in each of the ways that it offers, and run.
set -euo pipefail
prefix=${1:?the prefix of an installation}
symbols=${ASSAY_SOURCE_DIR:?}/tests/exports.txt
include=$prefix/include
version=$(sed -n 's/^#define ASSAY_VERSION  *"\(.*\)"/\1/p' "$include/assay/numerics/version.h")

{
    printf '#include <assay.h>\n#include <stdio.h>\n#include <string.h>\n'
    echo 'static const void *const every[] = {'
    sed 's/.*/    (const void *)\&&,/' "$symbols"
    printf '};\nint main(void)\n{\n    for (size_t i = 0; i < sizeof every / sizeof *every; i++)\n'
    printf '        if (!every[i])\n            return 1;\n'
    printf '    puts(assay_version());\n    return strcmp(assay_version(), ASSAY_VERSION) != 0;\n}\n'
} >use.c
cp use.c use.cpp

runs() { # PROGRAM
    [ "$(LD_LIBRARY_PATH=$(dirname "$library") "$1")" = "$version" ] || { echo "$1 failed"; exit 1; }
}
library=$(find "$prefix" -name libassay.so)
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
[ "$(pkg-config --modversion assay)" = "$version" ]

echo "pkg-config, shared"
${CC:-cc} -std=c17 use.c -o c_shared $(pkg-config --cflags --libs assay)
g++ -std=c++17 use.cpp -o cpp_shared $(pkg-config --cflags --libs assay)
runs ./c_shared
runs ./cpp_shared

echo "pkg-config --static, from a copy without the shared library"
cp -r "$prefix" only_static
find only_static -name 'libassay.so*' -delete
PKG_CONFIG_PATH=${PKG_CONFIG_PATH/$prefix/$PWD/only_static}
${CC:-cc} -std=c17 use.c -o c_static $(pkg-config --static --cflags --libs assay)
g++ -std=c++17 use.cpp -o cpp_static $(pkg-config --static --cflags --libs assay)
runs ./c_static
runs ./cpp_static
if ldd ./c_static | grep libassay; then
    exit 1
fi

echo "find_package"
cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.25)
project(use LANGUAGES C CXX)
set(CMAKE_C_STANDARD 17)
set(CMAKE_CXX_STANDARD 17)
find_package(assay REQUIRED COMPONENTS static)
foreach(language c cpp)
  add_executable(${language}_cmake use.${language})
  target_link_libraries(${language}_cmake PRIVATE assay::assay)
  add_executable(${language}_cmake_static use.${language})
  target_link_libraries(${language}_cmake_static PRIVATE assay::assay_static)
endforeach()
EOF
cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >configured || { cat configured; exit 1; }
cmake --build build >built || { cat built; exit 1; }
for program in build/*_cmake build/*_cmake_static; do
    runs "$program"
done

if [ -x "$prefix/bin/assay" ]; then
    "$prefix/bin/assay" --version | grep -F "$version"
fi
