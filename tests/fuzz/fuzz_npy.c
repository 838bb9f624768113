/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what parses is written, and parses again to the same array; single elements are the
 * ones of the whole; the digest in pieces is the digest at once. */
#include <math.h>

#include "audit/digest.h"
#include "audit/npy.h"
#include "numerics/bits.h"
#include "tests/fuzz/fuzz.h"

static void check_writer(const assay_array *a)
{
    char *text = NULL;
    size_t size = 0;
    assay_array b;
    FILE *f = open_memstream(&text, &size);
    CHECK(f);
    CHECK(assay_npy_write(f, a->dtype, a->ndim, a->shape, a->data) == ASSAY_OK);
    fclose(f);
    CHECK(assay_npy_parse("again", text, size, &b) == ASSAY_OK);
    CHECK(b.dtype == a->dtype && b.ndim == a->ndim && b.count == a->count);
    CHECK(memcmp(a->shape, b.shape, sizeof a->shape) == 0);
    CHECK(assay_array_bytes(a) == assay_array_bytes(&b));
    CHECK((size - assay_array_bytes(a)) % 64 == 0);
    CHECK(memcmp(b.data, a->data, assay_array_bytes(a)) == 0);
    free(text);
}

static void check_elements(const assay_array *a)
{
    double *values = malloc(a->count * sizeof *values + 1);
    int64_t *ints = malloc(a->count * sizeof *ints + 1);
    CHECK(values && ints);
    assay_status floats = assay_array_to_f64(a, values), integers = assay_array_to_i64(a, ints);
    for (size_t i = 0; i < a->count; i++) {
        double x = assay_array_get_f64(a, i);
        if (floats == ASSAY_OK)
            CHECK(assay_bits64(x) == assay_bits64(values[i]));
        if (floats == ASSAY_OK && integers == ASSAY_OK)
            CHECK((double)ints[i] == x);
    }
    size_t bad = assay_dtype_nonfinite(a->dtype, a->data, a->count);
    CHECK(bad == a->count || !isfinite(assay_array_get_f64(a, bad)));
    free(values);
    free(ints);
}

static void check_digest(const assay_array *a, bool by_value)
{
    char whole[ASSAY_DIGEST_HEX], pieces[ASSAY_DIGEST_HEX];
    assay_digester d;
    size_t width = assay_dtypes[a->dtype].bits / 8, cut = a->count / 3 * width;
    CHECK(assay_digest(a->dtype, a->ndim, a->shape, a->data, by_value, whole) == ASSAY_OK);
    CHECK(assay_digest_begin(&d, a->dtype, a->ndim, a->shape, by_value) == ASSAY_OK);
    CHECK(assay_digest_update(&d, a->data, cut) == ASSAY_OK);
    CHECK(assay_digest_update(&d, a->data + cut, assay_array_bytes(a) - cut) == ASSAY_OK);
    CHECK(assay_digest_end(&d, pieces) == ASSAY_OK);
    CHECK(strcmp(whole, pieces) == 0 && strlen(whole) == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    assay_array a = { .ndim = 99 };
    assay_status status = assay_npy_parse("fuzz", data, size, &a);
    if (status != ASSAY_OK) {
        fuzz_refusal(status, "fuzz: ");
        CHECK(a.ndim == 99);
        return 0;
    }
    CHECK(a.data + assay_array_bytes(&a) == data + size);
    check_writer(&a);
    check_elements(&a);
    check_digest(&a, false);
    check_digest(&a, true);
    return 0;
}
