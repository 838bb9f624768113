/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/codebook.h"
#include "numerics/bits.h"

/* Codebooks are never freed, so that formats stay plain values; each list is there once. */
static _Atomic(const assay_codebook *) books;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const assay_codebook *find(const double *listed, size_t count, uint32_t divisor)
{
    for (const assay_codebook *b = atomic_load(&books); b; b = b->next)
        if (b->code_count == count && b->divisor == divisor &&
            memcmp(b->listed, listed, count * sizeof *listed) == 0)
            return b;
    return NULL;
}

/* One allocation: the struct, the values by code and by position, the codes, the positions. */
static assay_codebook *allocate(size_t count)
{
    size_t bytes = sizeof(assay_codebook) + count * (2 * sizeof(double) + 2 * sizeof(uint32_t));
    assay_codebook *b = calloc(1, bytes);
    if (!b)
        return NULL;
    double *listed = (double *)(b + 1), *values = listed + count;
    uint32_t *codes = (uint32_t *)(values + count);
    *b = (assay_codebook){
        .values = values, .listed = listed, .codes = codes, .of_code = codes + count
    };
    return b;
}

assay_status assay_codebook_make(const double *listed, size_t count, uint32_t divisor,
                                 const assay_codebook **out)
{
    *out = find(listed, count, divisor);
    if (*out)
        return ASSAY_OK;
    assay_codebook *b = allocate(count);
    if (!b)
        return assay_fail(ASSAY_ERR_MEMORY, "no memory for a codebook of %zu values", count);
    double *values = (double *)b->values;
    uint32_t *codes = (uint32_t *)b->codes, *of_code = (uint32_t *)b->of_code;
    memcpy((double *)b->listed, listed, count * sizeof *listed);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (listed[i] == listed[i])
            values[n++] = listed[i] + 0.0; /* -0 is 0's second code */
    qsort(values, n, sizeof *values, by_value);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || values[i] != values[kept - 1])
            values[kept++] = values[i];
    b->count = (uint32_t)kept;
    b->code_count = (uint32_t)count;
    b->divisor = divisor;
    for (size_t i = count; i-- > 0;) {
        const double *at = listed[i] == listed[i]
                               ? bsearch(&listed[i], values, kept, sizeof *values, by_value)
                               : NULL;
        of_code[i] = at ? (uint32_t)(at - values) : b->count;
        if (at)
            codes[at - values] = (uint32_t)i;
    }
    b->next = atomic_load(&books);
    while (!atomic_compare_exchange_weak(&books, &b->next, b)) {
    }
    *out = b;
    return ASSAY_OK;
}

assay_status assay_codebook_format(const assay_codebook *book, assay_format *f)
{
    if (book->count == 0 || !(book->values[book->count - 1] > 0))
        return assay_fail(ASSAY_ERR_USAGE, "format %s: no positive value", f->name);
    f->kind = ASSAY_FAMILY_CODEBOOK;
    f->book = book;
    f->bits = 1;
    while ((uint32_t)1 << f->bits < book->code_count)
        f->bits++;
    f->p = 53;
    f->is_signed = book->values[0] < 0;
    f->nan = ASSAY_NAN_NONE;
    f->nan_rule = ASSAY_NAN_RULE_ZERO;
    return ASSAY_OK;
}

/* ---- a list in a file: numbers apart by blanks, commas or lines, # starts a comment ---- */

static char *read_file(const char *path, assay_status *status)
{
    enum { MOST = 4 << 20 };
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(MOST + 1) : NULL;
    size_t n = text ? fread(text, 1, MOST + 1, file) : 0;
    *status = ASSAY_OK;
    if (!file || (text && ferror(file)))
        *status = assay_fail(ASSAY_ERR_IO, "%s: %s", path, strerror(errno));
    else if (!text)
        *status = assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", path);
    else if (n > MOST)
        *status = assay_fail(ASSAY_ERR_INPUT, "%s: a codebook of more than %d bytes", path, MOST);
    else if (memchr(text, 0, n))
        *status = assay_fail(ASSAY_ERR_INPUT, "%s: not a text file", path);
    if (file)
        fclose(file);
    if (*status == ASSAY_OK) {
        text[n] = 0;
        return text;
    }
    free(text);
    return NULL;
}

static assay_status read_values(const char *path, char *text, double *values, size_t *count)
{
    size_t line = 1;
    *count = 0;
    for (char *p = text; *p;) {
        if (*p == '#')
            p += strcspn(p, "\n");
        else if (isspace((unsigned char)*p) || *p == ',')
            line += *p++ == '\n';
        else {
            char *end;
            double x = strtod(p, &end);
            bool ends = !*end || isspace((unsigned char)*end) || *end == ',' || *end == '#';
            if (end == p || !ends || !isfinite(x))
                return assay_fail(ASSAY_ERR_INPUT, "%s: line %zu: '%.20s' is not a finite number",
                                  path, line, p);
            if (*count == ASSAY_CODEBOOK_MAX)
                return assay_fail(ASSAY_ERR_INPUT, "%s: more than %d values", path,
                                  ASSAY_CODEBOOK_MAX);
            values[(*count)++] = x;
            p = end;
        }
    }
    if (*count < 2)
        return assay_fail(ASSAY_ERR_INPUT, "%s: a codebook needs at least 2 values", path);
    return ASSAY_OK;
}

/* The path is all that follows the colon; the SPEC's own items were cut at commas. */
static assay_status parse(const assay_spec *spec, assay_format *f)
{
    (void)spec;
    const char *path = strchr(f->name, ':');
    assay_status status;
    if (!path)
        return assay_fail(ASSAY_ERR_USAGE, "codebook needs a file: codebook:FILE");
    char *text = read_file(path + 1, &status);
    if (!text)
        return status;
    double *values = malloc(ASSAY_CODEBOOK_MAX * sizeof *values);
    size_t count = 0;
    const assay_codebook *book = NULL;
    status = values ? read_values(path + 1, text, values, &count)
                    : assay_fail(ASSAY_ERR_MEMORY, "%s: no memory", path + 1);
    if (status == ASSAY_OK)
        status = assay_codebook_make(values, count, 1, &book);
    if (status == ASSAY_OK)
        status = assay_codebook_format(book, f);
    free(values);
    free(text);
    return status;
}

static uint64_t count(const assay_format *f)
{
    return f->book->count;
}

static assay_exact value(const assay_format *f, uint64_t position)
{
    return assay_exact_from(f->book->values[position]);
}

static uint64_t code(const assay_format *f, uint64_t position)
{
    return f->book->codes[position];
}

static bool position(const assay_format *f, uint64_t code, uint64_t *out)
{
    uint64_t c = code & (((uint64_t)1 << f->bits) - 1);
    *out = c < f->book->code_count ? f->book->of_code[c] : f->book->count;
    return *out < f->book->count;
}

const assay_format_family assay_family_codebook = { .name = "codebook",
                                                    .help =
                                                        "FILE: numbers in the order of their codes",
                                                    .parse = parse,
                                                    .count = count,
                                                    .value = value,
                                                    .code = code,
                                                    .position = position };
