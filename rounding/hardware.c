/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/hardware.h"

#include <string.h>

static const assay_instruction rows[] = {
#define ASSAY_HARDWARE(name, group, source, format, rounding, overflow, nan, code, deviations, \
                       bits, certainty, document)                                              \
    { name,                                                                                    \
      group,                                                                                   \
      ASSAY_HARDWARE_##source,                                                                 \
      format,                                                                                  \
      rounding,                                                                                \
      ASSAY_OVERFLOW_##overflow,                                                               \
      ASSAY_HARDWARE_NAN_##nan,                                                                \
      code,                                                                                    \
      deviations,                                                                              \
      ASSAY_HARDWARE_BITS_##bits,                                                              \
      ASSAY_##certainty,                                                                       \
      document },
#define RELU       ASSAY_HARDWARE_RELU
#define FLUSH      ASSAY_HARDWARE_FLUSH
#define SIGNED_NAN ASSAY_HARDWARE_SIGNED_NAN
#include "hardware.def"
#undef ASSAY_HARDWARE
};

size_t assay_hardware_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const assay_instruction *assay_hardware_row(size_t i)
{
    return &rows[i];
}

assay_status assay_hardware_find(const char *name, const assay_instruction **out)
{
    char list[4096] = "";
    size_t used = 0;
    for (size_t i = 0; i < assay_hardware_count(); i++) {
        size_t n = strlen(rows[i].name);
        if (strcmp(rows[i].name, name) == 0) {
            *out = &rows[i];
            return ASSAY_OK;
        }
        if (used + n + 2 < sizeof list) {
            list[used++] = ' ';
            memcpy(list + used, rows[i].name, n + 1);
            used += n;
        }
    }
    return assay_fail(ASSAY_ERR_USAGE, "instruction '%s' is unknown; there are%s", name, list);
}

static uint32_t reversed_16(uint32_t x)
{
    uint32_t r = 0;
    for (int i = 0; i < 16; i++)
        r |= (x >> i & 1) << (15 - i);
    return r;
}

/* R of element `lane` of a group. */
static uint32_t bits_of(const assay_instruction *row, int n, uint32_t word, int lane)
{
    uint32_t half;
    switch (row->bits) {
    case ASSAY_HARDWARE_BITS_HALVES_13: return (lane == 0 ? word >> 16 : word) & 0x1fff;
    case ASSAY_HARDWARE_BITS_HALVES_16: return lane == 0 ? word >> 16 : word & 0xffff;
    case ASSAY_HARDWARE_BITS_MIRRORED:
        half = lane < 2 ? word >> 16 : word & 0xffff;
        return lane % 2 == 0 ? reversed_16(half) : half;
    case ASSAY_HARDWARE_BITS_MIRRORED_BYTES:
        word >>= lane < 2 ? 8 : 0; /* bytes 3 and 1, or 2 and 0 */
        half = (word >> 8 & 0xff00) | (word & 0xff);
        return lane % 2 == 0 ? reversed_16(half) : half;
    case ASSAY_HARDWARE_BITS_TOP: return word >> (32 - n);
    case ASSAY_HARDWARE_BITS_LOW_8: return word & 0xff;
    default: return 0;
    }
}

/* The row with what follows from it. */
typedef struct conversion {
    const assay_instruction *row;
    assay_format source;
    assay_rounder rounder;
} conversion;

static assay_status prepare(const assay_instruction *row, conversion *c)
{
    assay_format f;
    assay_rounding how;
    assay_status status =
        assay_format_parse(row->source == ASSAY_HARDWARE_F32 ? "binary32" : "binary16", &c->source);
    if (status == ASSAY_OK)
        status = assay_format_parse(row->format, &f);
    if (status == ASSAY_OK)
        status = assay_rounding_parse(row->rounding, &how);
    c->row = row;
    if (status != ASSAY_OK)
        return status;
    return assay_rounder_make_for(&f, how, row->overflow, ASSAY_NAN_RULE_DEFAULT, &c->rounder);
}

static uint64_t convert_nan(const conversion *c, uint32_t bits, bool negative)
{
    const assay_format *f = &c->rounder.format;
    if (c->row->nan == ASSAY_HARDWARE_NAN_CODE)
        return c->row->nan_code;
    uint64_t sign = negative ? f->sign_bit : 0;
    if (c->row->nan == ASSAY_HARDWARE_NAN_SIGNED)
        return sign | c->row->nan_code;
    uint64_t fraction = bits >> (c->source.fraction_bits - f->fraction_bits);
    return sign | f->nan_code | (fraction & (((uint64_t)1 << f->fraction_bits) - 1));
}

static uint64_t convert_one(const conversion *c, uint32_t bits, uint32_t r)
{
    const assay_format *f = &c->rounder.format;
    const int set = c->row->deviations;
    assay_exact x = assay_decode_exact(&c->source, bits);
    bool negative = (bits & c->source.sign_bit) != 0;
    if (x.kind == ASSAY_NOT_A_NUMBER)
        return convert_nan(c, bits, negative);
    bool flushed =
        (set & ASSAY_HARDWARE_FLUSH) && x.kind == ASSAY_FINITE && x.exp + 63 < c->source.emin;
    bool cut = (set & ASSAY_HARDWARE_RELU) && negative;
    if (flushed || cut)
        x = (assay_exact){ .kind = ASSAY_ZERO, .negative = negative && !cut };
    assay_random random = { .bits = &r };
    uint64_t code = assay_round_exact_at(&c->rounder, x, &random, 0);
    if ((set & ASSAY_HARDWARE_SIGNED_NAN) && assay_code_is_nan(f, code) && negative)
        code |= f->sign_bit;
    return code;
}

assay_status assay_hardware_convert(const assay_instruction *row, const uint32_t *source,
                                    const uint32_t *random_words, uint32_t *codes, size_t n)
{
    conversion c;
    if (row->bits != ASSAY_HARDWARE_BITS_NONE && !random_words)
        return assay_fail(ASSAY_ERR_USAGE, "%s: needs a random word per group", row->name);
    assay_status status = prepare(row, &c);
    if (status != ASSAY_OK)
        return status;
    size_t group = (size_t)row->group;
    for (size_t i = 0; i < n * group; i++) {
        uint32_t word = random_words ? random_words[i / group] : 0;
        uint32_t r = bits_of(row, c.rounder.random_bits, word, (int)(i % group));
        codes[i] = (uint32_t)convert_one(&c, source[i], r);
    }
    return ASSAY_OK;
}
