/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/recode.h"

#include <string.h>

#include "rounding/array.h"

enum { PIECE = 512 };

static uint64_t load(const char *codes, size_t i, size_t bytes)
{
    uint8_t c1;
    uint16_t c2;
    uint32_t c4;
    uint64_t c8;
    switch (bytes) {
    case 1: return memcpy(&c1, codes + i, 1), c1;
    case 2: return memcpy(&c2, codes + 2 * i, 2), c2;
    case 4: return memcpy(&c4, codes + 4 * i, 4), c4;
    default: return memcpy(&c8, codes + 8 * i, 8), c8;
    }
}

static void store(char *codes, size_t i, size_t bytes, uint64_t code)
{
    uint8_t c1 = (uint8_t)code;
    uint16_t c2 = (uint16_t)code;
    uint32_t c4 = (uint32_t)code;
    switch (bytes) {
    case 1: memcpy(codes + i, &c1, 1); return;
    case 2: memcpy(codes + 2 * i, &c2, 2); return;
    case 4: memcpy(codes + 4 * i, &c4, 4); return;
    default: memcpy(codes + 8 * i, &code, 8); return;
    }
}

/* Values that binary64 does not hold go one by one, exactly. */
static void one_by_one(const assay_rounder *r, const assay_random *random, uint64_t first,
                       const assay_format *from, const char *in, char *out, size_t n)
{
    size_t width = assay_format_container(from), to = assay_format_container(&r->format);
    for (size_t i = 0; i < n; i++) {
        assay_exact x = assay_decode_exact(from, load(in, i, width));
        uint64_t at = random->bits ? i : first + i;
        store(out, i, to, assay_round_exact_at(r, x, random, at));
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
