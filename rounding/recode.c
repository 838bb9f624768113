/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/recode.h"

#include "formats/container.h"
#include "rounding/array.h"

enum { PIECE = 512 };

/* Values that binary64 does not hold go one by one, exactly. */
static void one_by_one(const assay_rounder *r, const assay_random *random, uint64_t first,
                       const assay_format *from, const char *in, char *out, size_t n)
{
    size_t width = assay_format_container(from), to = assay_format_container(&r->format);
    for (size_t i = 0; i < n; i++) {
        assay_exact x = assay_decode_exact(from, assay_container_load(in, i, width));
        uint64_t at = random->bits ? i : first + i;
        assay_container_store(out, i, to, assay_round_exact_at(r, x, random, at));
    }
}

void assay_recode(const assay_rounder *r, const assay_random *random, uint64_t first,
                  const assay_format *from, const void *in, void *out, size_t n)
{
    static const assay_random none = { 0 };
    double x[PIECE];
    size_t width = assay_format_container(from), to = assay_format_container(&r->format);
    random = random ? random : &none;
    if (!from->fits_binary64) {
        one_by_one(r, random, first, from, in, out, n);
        return;
    }
    for (size_t i = 0; i < n; i += PIECE) {
        size_t k = n - i < PIECE ? n - i : PIECE;
        assay_random here = *random;
        here.bits = here.bits ? here.bits + i : NULL;
        assay_decode_array_f64(from, (const char *)in + i * width, x, k);
        assay_encode_random_f64(r, &here, first + i, x, (char *)out + i * to, k);
    }
}
