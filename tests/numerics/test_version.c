/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "numerics/version.h"

/* CMake reads only the string; the numbers beside it are typed by hand. */
Test(version, agrees_everywhere)
{
    char numbers[32];
    snprintf(numbers, sizeof numbers, "%d.%d.%d", ASSAY_VERSION_MAJOR, ASSAY_VERSION_MINOR,
             ASSAY_VERSION_PATCH);
    cr_assert_str_eq(ASSAY_VERSION, numbers);
    cr_assert_str_eq(assay_version(), ASSAY_VERSION);
    cr_assert_str_eq(ASSAY_CMAKE_VERSION, ASSAY_VERSION);
}
