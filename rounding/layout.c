/* SPDX-License-Identifier: Apache-2.0 */
#include "rounding/layout.h"

#include <string.h>

static size_t tiles(size_t n, size_t of)
{
    return n / of + (n % of != 0);
}

size_t assay_swizzled_bytes(size_t rows, size_t cols)
{
    return tiles(rows, ASSAY_SWIZZLE_ROWS) * tiles(cols, ASSAY_SWIZZLE_COLS) *
           (ASSAY_SWIZZLE_ROWS * ASSAY_SWIZZLE_COLS);
}

size_t assay_swizzled_at(size_t cols, size_t row, size_t col)
{
    size_t across = tiles(cols, ASSAY_SWIZZLE_COLS), r = row % ASSAY_SWIZZLE_ROWS;
    size_t tile = row / ASSAY_SWIZZLE_ROWS * across + col / ASSAY_SWIZZLE_COLS;
    return tile * (ASSAY_SWIZZLE_ROWS * ASSAY_SWIZZLE_COLS) + r % 32 * 16 + r / 32 * 4 +
           col % ASSAY_SWIZZLE_COLS;
}

void assay_swizzle_scales(const unsigned char *scales, size_t rows, size_t cols, unsigned char *out)
{
    memset(out, 0, assay_swizzled_bytes(rows, cols));
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            out[assay_swizzled_at(cols, i, j)] = scales[i * cols + j];
}

void assay_unswizzle_scales(const unsigned char *in, size_t rows, size_t cols,
                            unsigned char *scales)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            scales[i * cols + j] = in[assay_swizzled_at(cols, i, j)];
}

#define NAME(id, name, text) name,
#define TEXT(id, name, text) text,
static const char *const names[] = { ASSAY_LAYOUTS(NAME) };
static const char *const texts[] = { ASSAY_LAYOUTS(TEXT) };

const char *assay_layout_name(assay_layout layout)
{
    return names[layout];
}

const char *assay_layout_text(assay_layout layout)
{
    return texts[layout];
}

assay_status assay_layout_parse(const char *name, assay_layout *out)
{
    char list[160] = "";
    for (int i = 0; i < ASSAY_LAYOUT_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (assay_layout)i;
            return ASSAY_OK;
        }
        strcat(strcat(list, i ? ", " : ""), names[i]);
    }
    return assay_fail(ASSAY_ERR_USAGE, "unknown layout '%s'; there are %s", name, list);
}

/* How a part lies, for parts that are not stored as they are. */
typedef enum lie {
    AS_IT_IS,
    BYTES_ALONG_ROWS,
    WORDS_ALONG_ROWS,
    WORDS_OF_ROWS, /* those of a row below each other: [cols b / 32, rows]    */
    WORDS_OF_COLS, /* along columns, below each other: [rows b / 32, cols]    */
    COLS_AS_ROWS,  /* words along columns, [cols, rows b / 32]                */
    EIGHT_ROWS,    /* the same, in AutoAWQ's order                            */
    HIGH_FIRST,
    TRANSPOSED,
    SWIZZLED
} lie;

static lie lie_of(assay_layout layout, assay_part part)
{
    static const lie all[ASSAY_LAYOUT_COUNT][3] = {
        [ASSAY_LAYOUT_ROWS] = { BYTES_ALONG_ROWS, AS_IT_IS, AS_IT_IS },
        [ASSAY_LAYOUT_BLACKWELL] = { BYTES_ALONG_ROWS, SWIZZLED, AS_IT_IS },
        [ASSAY_LAYOUT_WORDS] = { WORDS_ALONG_ROWS, AS_IT_IS, WORDS_OF_COLS },
        [ASSAY_LAYOUT_GPTQ] = { WORDS_OF_ROWS, TRANSPOSED, COLS_AS_ROWS },
        [ASSAY_LAYOUT_GPTQ_V2] = { WORDS_OF_ROWS, TRANSPOSED, COLS_AS_ROWS },
        [ASSAY_LAYOUT_AWQ] = { EIGHT_ROWS, TRANSPOSED, EIGHT_ROWS },
        [ASSAY_LAYOUT_BITSANDBYTES] = { HIGH_FIRST, AS_IT_IS, AS_IT_IS },
    };
    return all[layout][part];
}

static assay_stored stored(size_t width, size_t rows, size_t cols)
{
    return (assay_stored){ width, 2, { rows, cols } };
}

static assay_stored shape_of(lie how, const assay_format *f, size_t rows, size_t cols)
{
    size_t bits = (size_t)f->bits, width = assay_format_container(f);
    switch (how) {
    case BYTES_ALONG_ROWS: return stored(1, rows, tiles(cols * bits, 8));
    case WORDS_ALONG_ROWS: return stored(4, rows, tiles(cols * bits, 32));
    case WORDS_OF_ROWS: return stored(4, tiles(cols * bits, 32), rows);
    case WORDS_OF_COLS: return stored(4, tiles(rows * bits, 32), cols);
    case COLS_AS_ROWS:
    case EIGHT_ROWS: return stored(4, cols, tiles(rows * bits, 32));
    case HIGH_FIRST: return stored(1, tiles(rows * cols, 2), 1);
    case TRANSPOSED: return stored(width, cols, rows);
    case SWIZZLED: return (assay_stored){ 1, 1, { assay_swizzled_bytes(rows, cols), 0 } };
    default: return stored(width, rows, cols);
    }
}

assay_status assay_layout_stored(assay_layout layout, assay_part part, const assay_format *f,
                                 size_t rows, size_t cols, assay_stored *out)
{
    const lie how = lie_of(layout, part);
    const size_t bits = (size_t)f->bits;
    bool four = how == EIGHT_ROWS || how == HIGH_FIRST, whole = how == WORDS_OF_ROWS;
    bool words = whole || how == WORDS_ALONG_ROWS || how == WORDS_OF_COLS || how == COLS_AS_ROWS;
    if (f->bits > (how == AS_IT_IS || how == TRANSPOSED ? 32 : 8) || (four && f->bits != 4) ||
        (words && 32 % f->bits != 0))
        return assay_fail(ASSAY_ERR_USAGE, "layout %s: it does not take codes of %d bits",
                          names[layout], f->bits);
    if ((whole && cols * bits % 32 != 0) ||
        ((how == COLS_AS_ROWS || how == EIGHT_ROWS) && rows * bits % 32 != 0))
        return assay_fail(ASSAY_ERR_SHAPE,
                          "layout %s: %zu codes of %d bits do not fill words of 32", names[layout],
                          whole ? cols : rows, f->bits);
    *out = shape_of(how, f, rows, cols);
    return ASSAY_OK;
}

/* The bit at which the code of (r, c) begins in the bytes. */
static size_t bit_of(lie how, size_t bits, size_t rows, size_t cols, size_t r, size_t c)
{
    static const size_t nibble[8] = { 0, 4, 1, 5, 2, 6, 3, 7 };
    size_t along = c * bits, down = r * bits, i = r * cols + c;
    switch (how) {
    case BYTES_ALONG_ROWS: return r * tiles(cols * bits, 8) * 8 + along;
    case WORDS_ALONG_ROWS: return r * tiles(cols * bits, 32) * 32 + along;
    case WORDS_OF_ROWS: return (along / 32 * rows + r) * 32 + along % 32;
    case WORDS_OF_COLS: return (down / 32 * cols + c) * 32 + down % 32;
    case COLS_AS_ROWS: return c * tiles(rows * bits, 32) * 32 + down;
    case EIGHT_ROWS: return (c * tiles(rows, 8) + r / 8) * 32 + 4 * nibble[r % 8];
    default: return i / 2 * 8 + (i % 2 ? 0 : 4); /* HIGH_FIRST */
    }
}

/* What is added to codes before they are stored. */
static unsigned added(assay_layout layout, assay_part part, const assay_format *f)
{
    bool biased = layout >= ASSAY_LAYOUT_WORDS && layout <= ASSAY_LAYOUT_AWQ;
    unsigned add = biased && f->encoding == ASSAY_CODE_TWOS_COMPLEMENT &&
                           f->kind == ASSAY_FAMILY_FIXED && f->is_signed
                       ? 1u << (f->bits - 1)
                       : 0;
    return layout == ASSAY_LAYOUT_GPTQ && part == ASSAY_PART_ZEROS ? add - 1 : add;
}

static void transpose(const unsigned char *from, size_t rows, size_t cols, size_t width,
                      unsigned char *to)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            memcpy(to + (j * rows + i) * width, from + (i * cols + j) * width, width);
}

void assay_layout_store(assay_layout layout, assay_part part, const assay_format *f, size_t rows,
                        size_t cols, const void *codes, void *out)
{
    const lie how = lie_of(layout, part);
    const unsigned char *from = codes;
    unsigned char *to = out;
    const assay_stored shape = shape_of(how, f, rows, cols);
    size_t bits = (size_t)f->bits, width = assay_format_container(f);
    unsigned add = added(layout, part, f), mask = (1u << (bits & 31)) - 1;
    if (how == AS_IT_IS)
        memcpy(to, from, rows * cols * width);
    else if (how == TRANSPOSED)
        transpose(from, rows, cols, width, to);
    else if (how == SWIZZLED)
        assay_swizzle_scales(from, rows, cols, to);
    if (how == AS_IT_IS || how == TRANSPOSED || how == SWIZZLED)
        return;
    memset(to, 0, shape.width * shape.shape[0] * shape.shape[1]);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            size_t at = bit_of(how, bits, rows, cols, r, c);
            unsigned code = ((from[r * cols + c] + add) & mask) << at % 8;
            to[at / 8] = (unsigned char)(to[at / 8] | code);
            if (code >> 8)
                to[at / 8 + 1] = (unsigned char)(to[at / 8 + 1] | code >> 8);
        }
}

void assay_layout_load(assay_layout layout, assay_part part, const assay_format *f, size_t rows,
                       size_t cols, const void *in, void *codes)
{
    const lie how = lie_of(layout, part);
    const unsigned char *from = in;
    unsigned char *to = codes;
    size_t bits = (size_t)f->bits, width = assay_format_container(f);
    unsigned add = added(layout, part, f), mask = (1u << (bits & 31)) - 1;
    if (how == AS_IT_IS)
        memcpy(to, from, rows * cols * width);
    else if (how == TRANSPOSED)
        transpose(from, cols, rows, width, to);
    else if (how == SWIZZLED)
        assay_unswizzle_scales(from, rows, cols, to);
    if (how == AS_IT_IS || how == TRANSPOSED || how == SWIZZLED)
        return;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            size_t at = bit_of(how, bits, rows, cols, r, c);
            unsigned word = from[at / 8];
            if (at % 8 + bits > 8)
                word |= (unsigned)from[at / 8 + 1] << 8;
            to[r * cols + c] = (unsigned char)(((word >> at % 8) - add) & mask);
        }
}
