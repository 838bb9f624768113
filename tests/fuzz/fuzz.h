/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. Each target has an oracle: CHECK, besides the sanitizers. */
#ifndef ASSAY_TESTS_FUZZ_FUZZ_H
#define ASSAY_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numerics/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(int holds, const char *what, int line)
{
    if (holds)
        return;
    fprintf(stderr, "line %d: %s does not hold; last error: %s\n", line, what, assay_last_error());
    abort();
}

#define CHECK(x) fuzz_check((x) != 0, #x, __LINE__)

/* A refusal is one line that starts with the file's name. */
static inline void fuzz_refusal(assay_status status, const char *prefix)
{
    CHECK(status == ASSAY_ERR_INPUT);
    CHECK(strncmp(assay_last_error(), prefix, strlen(prefix)) == 0);
    CHECK(!strchr(assay_last_error(), '\n'));
}

#endif
