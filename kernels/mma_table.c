/* SPDX-License-Identifier: Apache-2.0 */
/* The table of units: rows, names, aliases, and parameters set on a row. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/mma_plan.h"

#define KM          "Khattak and Mikaitis, arXiv:2512.07004: captured data"
#define KM_REPLAYED "found by replaying the captured data of arXiv:2512.07004"
#define MS          "MMA-Sim, arXiv:2511.10909"
#define SDM         "Intel SDM and 319433"
#define PTX         "NVIDIA PTX ISA"

static const assay_mma_unit rows[] = {
#define ASSAY_MMA(name_, kind_, m_, n_, K_, fa_, fb_, fc_, L_, F_, rho_, e_zero_, certainty_, ...) \
    { .name = name_,                                                                               \
      .kind = ASSAY_MMA_KIND_##kind_,                                                              \
      .m = m_,                                                                                     \
      .n = n_,                                                                                     \
      .K = K_,                                                                                     \
      .fa = ASSAY_MMA_##fa_,                                                                       \
      .fb = ASSAY_MMA_##fb_,                                                                       \
      .fc = ASSAY_MMA_##fc_,                                                                       \
      .L = L_,                                                                                     \
      .F = F_,                                                                                     \
      .rho = ASSAY_MMA_##rho_,                                                                     \
      .e_zero = e_zero_,                                                                           \
      .certainty = ASSAY_MMA_##certainty_,                                                         \
      .source = __VA_ARGS__ },
#include "mma.def"
#undef ASSAY_MMA
};

enum { ROWS = sizeof rows / sizeof rows[0], ALIAS_BYTES = 96 };

#define NAME(id, name, ...)  name,
#define TEXT(id, name, text) text,
static const char *const kinds[] = { ASSAY_MMA_KINDS(NAME) };
static const char *const rhos[] = { ASSAY_MMA_RHOS(NAME) };
static const char *const certainties[] = { ASSAY_MMA_CERTAINTIES(NAME) };
static const char *const certainty_texts[] = { ASSAY_MMA_CERTAINTIES(TEXT) };

static const struct {
    const char *name;
    unsigned char bits, bytes;
} formats[] = {
#define FORMAT(id, name, bits, bytes) { name, bits, bytes },
    ASSAY_MMA_FORMATS(FORMAT)
};

size_t assay_mma_count(void)
{
    return ROWS;
}

const assay_mma_unit *assay_mma_row(size_t i)
{
    return &rows[i];
}

const char *assay_mma_format_name(assay_mma_format format)
{
    return formats[format].name;
}

size_t assay_mma_format_bits(assay_mma_format format)
{
    return formats[format].bits;
}

size_t assay_mma_format_bytes(assay_mma_format format)
{
    return formats[format].bytes;
}

const char *assay_mma_kind_name(assay_mma_kind kind)
{
    return kinds[kind];
}

const char *assay_mma_rho_name(assay_mma_rho rho)
{
    return rhos[rho];
}

const char *assay_mma_certainty_name(assay_mma_certainty certainty)
{
    return certainties[certainty];
}

const char *assay_mma_certainty_text(assay_mma_certainty certainty)
{
    return certainty_texts[certainty];
}

assay_status assay_mma_format_parse(const char *name, assay_mma_format *out)
{
    for (int f = 1; f < ASSAY_MMA_FORMAT_COUNT; f++)
        if (strcmp(name, formats[f].name) == 0) {
            *out = (assay_mma_format)f;
            return ASSAY_OK;
        }
    return assay_fail(ASSAY_ERR_USAGE, "'%s' is no operand format of a matrix unit", name);
}

/* ---- names ---- */

/* The words of NVIDIA's names between shape and types, as `.mxf8f6f4.block32`. */
static int modifiers(const char *name, const char **start)
{
    const char *mx = strstr(name, ".mxf"), *end = mx ? strstr(mx, ".f32") : NULL;
    *start = mx ? mx : "";
    return end ? (int)(end - mx) : 0;
}

void assay_mma_alias(const assay_mma_unit *unit, char *text, size_t room)
{
    const char *dot = strchr(unit->name, '.'), *mx;
    int arch = (int)(dot - unit->name);
    bool amd = strncmp(dot + 1, "v_mfma", 6) == 0;
    int family = (int)strcspn(dot + 1, "."), modifier = modifiers(unit->name, &mx);
    if (room > 0)
        text[0] = 0;
    if (!amd && !strchr(dot + 1, '.'))
        return; /* one word, as the instructions of x86, which is short enough */
    snprintf(text, room, "%.*s.%.*s%.*s.%s.%s.%s%s%s%s", arch, unit->name, amd ? 4 : family,
             amd ? "mfma" : dot + 1, modifier, mx, formats[unit->fc].name, formats[unit->fa].name,
             formats[unit->fb].name, unit->fs ? "." : "", formats[unit->fs].name,
             unit->saturate ? ".satfinite" : "");
}

static const assay_mma_unit *find(const char *name)
{
    const assay_mma_unit *best = NULL;
    for (size_t i = 0; i < ROWS; i++) {
        char alias[ALIAS_BYTES];
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
        assay_mma_alias(&rows[i], alias, sizeof alias);
        if (strcmp(alias, name) == 0 && (!best || rows[i].K > best->K))
            best = &rows[i];
    }
    return best;
}

/* ---- parameters ---- */

static assay_status set_integer(const char *name, const char *value, int *to)
{
    char *end;
    errno = 0;
    long x = strtol(value, &end, 10);
    if (errno || end == value || *end || x < -1000 || x > 1000)
        return assay_fail(ASSAY_ERR_USAGE, "%s: '%s' is no integer from -1000 to 1000", name,
                          value);
    *to = (int)x;
    return ASSAY_OK;
}

static assay_status set_rho(const char *value, assay_mma_rho *to)
{
    for (int r = 0; r < ASSAY_MMA_RHO_COUNT; r++)
        if (strcmp(value, rhos[r]) == 0) {
            *to = (assay_mma_rho)r;
            return ASSAY_OK;
        }
    return assay_fail(ASSAY_ERR_USAGE, "rho: '%s' is no conversion", value);
}

static assay_status set_pre(const char *value, assay_mma_pre *to)
{
    static const char *const names[] = { "trunc", "rna", "rne" };
    for (int p = 0; p < 3; p++)
        if (strcmp(value, names[p]) == 0) {
            *to = (assay_mma_pre)p;
            return ASSAY_OK;
        }
    return assay_fail(ASSAY_ERR_USAGE, "pre: '%s' is not trunc, rna or rne", value);
}

static assay_status set(assay_mma_unit *unit, const char *name, const char *value)
{
    const struct {
        const char *name;
        int *to;
    } integers[] = { { "K", &unit->K },   { "L", &unit->L }, { "F", &unit->F },
                     { "F2", &unit->F2 }, { "G", &unit->G }, { "e_zero", &unit->e_zero } };
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        if (strcmp(name, integers[i].name) == 0)
            return set_integer(name, value, integers[i].to);
    if (strcmp(name, "rho") == 0)
        return set_rho(value, &unit->rho);
    if (strcmp(name, "pre") == 0)
        return set_pre(value, &unit->pre);
    return assay_fail(ASSAY_ERR_USAGE, "'%s' is no parameter; K, L, F, F2, G, e_zero, rho, pre",
                      name);
}

/* planned: NULL where a unit stands alone. */
static assay_status set_all(assay_mma_unit *unit, mma_planned *planned, char *list)
{
    char *next;
    assay_status status = ASSAY_OK;
    for (char *item = list; item && status == ASSAY_OK; item = next) {
        next = strchr(item, ',');
        if (next)
            *next++ = 0;
        char *equals = strchr(item, '=');
        if (!equals)
            return assay_fail(ASSAY_ERR_USAGE, "'%s' is not NAME=VALUE", item);
        *equals = 0;
        if (planned && mma_plan_has(item))
            status = mma_plan_set(item, equals + 1, planned);
        else
            status = set(unit, item, equals + 1);
    }
    return status;
}

static assay_status parse(const char *text, assay_mma_unit *out, mma_planned *planned)
{
    char copy[256];
    if (strlen(text) >= sizeof copy)
        return assay_fail(ASSAY_ERR_USAGE, "unit '%.40s...' is longer than %zu characters", text,
                          sizeof copy - 1);
    strcpy(copy, text);
    char *colon = strchr(copy, ':');
    if (colon)
        *colon++ = 0;
    const assay_mma_unit *row = find(copy);
    if (!row)
        return assay_fail(ASSAY_ERR_USAGE, "unit '%s': no such unit", copy);
    assay_mma_unit unit = *row;
    assay_status status = colon ? set_all(&unit, planned, colon) : ASSAY_OK;
    if (status == ASSAY_OK)
        status = assay_mma_unit_check(&unit);
    if (status == ASSAY_OK && planned)
        status = mma_planned_check(&unit, planned);
    if (status != ASSAY_OK) {
        char prefix[300];
        snprintf(prefix, sizeof prefix, "unit '%s'", text);
        return assay_fail_in(status, prefix);
    }
    *out = unit;
    return ASSAY_OK;
}

assay_status assay_mma_parse(const char *text, assay_mma_unit *out)
{
    return parse(text, out, NULL);
}

assay_status assay_mma_parse_planned(const char *text, assay_mma_unit *unit, assay_mma_plan *plan)
{
    mma_planned planned = { 0 };
    assay_status status = parse(text, unit, &planned);
    if (status == ASSAY_OK)
        *plan = planned.plan;
    return status;
}

/* ---- what fits together ---- */

static assay_mma_format written_by(assay_mma_rho rho)
{
    switch (rho) {
    case ASSAY_MMA_RNE_F16:
    case ASSAY_MMA_RZ_F16: return ASSAY_MMA_F16;
    case ASSAY_MMA_RNE_F64: return ASSAY_MMA_F64;
    case ASSAY_MMA_INT32: return ASSAY_MMA_S32;
    default: return ASSAY_MMA_F32;
    }
}

static const char *wrong_sizes(const assay_mma_unit *u)
{
    bool aligned = u->kind <= ASSAY_MMA_KIND_GTR;
    if (u->K < 1 || u->K > MMA_MAX_K)
        return "K is not from 1 to 128";
    if (u->L < 1 || u->L > u->K || u->K % u->L != 0)
        return "L does not divide K";
    if (aligned && (u->F < 0 || u->F > MMA_MAX_F))
        return "F is not from 0 to 48";
    if (u->e_zero < -400 || u->e_zero > 400)
        return "e_zero is not from -400 to 400";
    if (u->emulated && (u->K % 4 != 0 || u->K / 2 % u->L != 0))
        return "L does not divide half of K";
    return NULL;
}

static const char *wrong_groups(const assay_mma_unit *u)
{
    assay_mma_kind kind = u->kind;
    if (u->block > 0 && (u->K % u->block != 0 || u->L % u->block != 0))
        return "blocks of scales do not divide L";
    if (kind == ASSAY_MMA_KIND_GST && (u->G < 1 || u->block % u->G != 0))
        return "G does not divide the block of a scale";
    if (kind == ASSAY_MMA_KIND_FTZ && (u->G != u->L || (u->L & (u->L - 1)) != 0))
        return "G is not L, a power of two";
    bool second = kind == ASSAY_MMA_KIND_TR || kind == ASSAY_MMA_KIND_GTR;
    if (second && (u->F2 < u->F || u->F2 > u->F + 16 || u->F > 30))
        return "F2 is not from F to F + 16, or F is beyond 30";
    if (kind == ASSAY_MMA_KIND_GTR && u->L % 2 != 0)
        return "L is odd";
    if (u->chain == ASSAY_MMA_ODD_FIRST && u->L % 2 != 0)
        return "L is odd";
    return NULL;
}

assay_status assay_mma_unit_check(const assay_mma_unit *u)
{
    const char *wrong = wrong_sizes(u);
    if (!wrong)
        wrong = wrong_groups(u);
    if (!wrong && written_by(u->rho) != u->fc)
        wrong = "rho does not write C's format";
    bool truncating = u->rho != ASSAY_MMA_RNE_F32;
    if (!wrong && truncating && u->fc == ASSAY_MMA_F32 && u->kind > ASSAY_MMA_KIND_GTR)
        wrong = "rho: this kind rounds to nearest";
    if (!wrong && u->pre != ASSAY_MMA_PRE_TRUNCATE && u->fa != ASSAY_MMA_TF32)
        wrong = "pre is for tf32 operands";
    return wrong ? assay_fail(ASSAY_ERR_USAGE, "%s", wrong) : ASSAY_OK;
}
