/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of tokenizer.json are matched by Oniguruma. Where PCRE2 reads the same text in another
 * way, this file rewrites it: \s \w \b \h \v and [:name:] (other sets of characters), {n,m}+
 * (there: a repeated interval, here: a possessive one), {n}? and {,n}, option m (here: s), \uHHHH,
 * and classes with nested classes or &&. Whatever else differs is a compile error in PCRE2 or
 * refused here, but for the case of characters that fold to several ("ss" and U+00DF), which PCRE2
 * keeps apart. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audit/tokenizer_parts.h"

enum { MAX_DEPTH = 100 };

typedef struct translation {
    const tok_where *where;
    const char *field, *begin, *p; /* p: what is read next; the pattern ends in a NUL */
    const char *trouble;           /* why it cannot be translated */
    tok_bytes *out;
    size_t atom; /* where in out the last thing that can be repeated starts */
    size_t groups[MAX_DEPTH];
    int depth;
} translation;

static void put(tok_bytes *out, const char *text)
{
    assay_tok_put(out, text, strlen(text));
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Oniguruma's named sets in Unicode, as members of a PCRE2 class; "^": all others. */
static const struct {
    const char *name, *members;
} sets[] = {
    { "s", TOK_SPACE },
    { "w", TOK_WORD },
    { "h", "0-9a-fA-F" },
    { "alnum", "\\p{Alphabetic}\\p{Nd}" },
    { "alpha", "\\p{Alphabetic}" },
    { "ascii", "\\x00-\\x7f" },
    { "blank", "\\p{Zs}\\t" },
    { "cntrl", "\\p{Cc}" },
    { "digit", "\\p{Nd}" },
    { "graph", "^\\p{Z}\\p{Cc}\\p{Cn}\\p{Cs}" },
    { "lower", "\\p{Lowercase}" },
    { "print", "^\\p{Zl}\\p{Zp}\\p{Cc}\\p{Cn}\\p{Cs}" },
    { "punct", "\\p{P}\\p{S}" },
    { "space", TOK_SPACE },
    { "upper", "\\p{Uppercase}" },
    { "word", TOK_WORD },
    { "xdigit", "0-9a-fA-F" },
};

/* What a set is spelt as in the pattern, and how much of the pattern that takes. */
typedef struct named_set {
    const char *members;
    bool negated;
    size_t length;
} named_set;

static bool find_set(const char *name, size_t size, named_set *out)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strlen(sets[i].name) != size || strncasecmp(sets[i].name, name, size) != 0)
            continue;
        bool others = sets[i].members[0] == '^';
        out->members = sets[i].members + others;
        out->negated ^= others;
        return true;
    }
    return false;
}

/* \s and its like, \p{Alpha}, \P{^Alpha}, [:alpha:], [:^alpha:] at the start of p. */
static bool read_set(const char *p, named_set *out)
{
    bool posix = p[0] == '[' && p[1] == ':';
    *out = (named_set){ .length = 2 };
    if (p[0] == '\\' && p[1] && strchr("swhSWH", p[1])) {
        out->negated = p[1] < 'a';
        return find_set(p + 1, 1, out);
    }
    if (!posix && !(p[0] == '\\' && (p[1] == 'p' || p[1] == 'P') && p[2] == '{'))
        return false;
    const char *name = p + (posix ? 2 : 3);
    out->negated = (p[1] == 'P') != (*name == '^');
    name += *name == '^';
    if (!posix && (strncasecmp(name, "punct", 5) == 0 || strncasecmp(name, "word", 4) == 0))
        return false; /* as properties, these are other sets: PCRE2 will not know them */
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    out->length = (size_t)(name + size - p) + (posix ? 2 : 1);
    return size > 1 && strncmp(name + size, posix ? ":]" : "}", posix ? 2 : 1) == 0 &&
           find_set(name, size, out);
}

/* A backslash and what follows, in a class and outside, but for the sets. */
static void escape(translation *t, tok_bytes *out)
{
    char letter = t->p[1];
    if (letter == 0) {
        t->trouble = "ends in a backslash";
    } else if (strchr("QEVC", letter)) {
        t->trouble = "has an escape of another meaning";
    } else if (letter == 'v') {
        put(out, "\\x0b");
        t->p += 2;
    } else if (letter == 'u' && is_hex(t->p[2]) && is_hex(t->p[3]) && is_hex(t->p[4]) &&
               is_hex(t->p[5])) {
        put(out, "\\x{");
        assay_tok_put(out, t->p + 2, 4);
        put(out, "}");
        t->p += 6;
    } else if (letter == 'p' || letter == 'P') {
        const char *end = t->p[2] == '{' ? strchr(t->p, '}') : NULL;
        size_t length = end ? (size_t)(end - t->p) + 1 : 2;
        assay_tok_put(out, t->p, length);
        t->p += length;
    } else {
        size_t length = 1, size = strnlen(t->p, 5);
        assay_tok_next(t->p, size, &length);
        assay_tok_put(out, t->p, length);
        t->p += length;
    }
}

static void class_(translation *t, tok_bytes *out, int depth);

/* Positive sets go into the class as they are; a negated one is a class of its own, like what
 * stands in brackets. Returns whether a hyphen that follows stands for itself. */
static bool class_part(translation *t, tok_bytes *plain, tok_bytes *nested, int depth)
{
    named_set set;
    if (read_set(t->p, &set)) {
        if (set.negated)
            put(nested, nested->size ? "|[^" : "[^");
        put(set.negated ? nested : plain, set.members);
        put(nested, set.negated ? "]" : "");
        t->p += set.length;
        return true;
    }
    if (*t->p == '[') {
        put(nested, nested->size ? "|" : "");
        class_(t, nested, depth + 1);
        return false;
    }
    char letter = t->p[1];
    escape(t, plain);
    return letter && strchr("pPdD", letter);
}

/* The members of a class up to its ']' or "&&". */
static void members(translation *t, tok_bytes *plain, tok_bytes *nested, int depth)
{
    bool after_set = false;
    for (bool first = true; !t->trouble; first = false) {
        char c = *t->p;
        if (c == 0)
            t->trouble = "has a class without its ']'";
        else if ((c == ']' && !first) || (c == '&' && t->p[1] == '&'))
            return;
        else if (c == '\\' || c == '[') {
            after_set = class_part(t, plain, nested, depth);
            continue;
        } else {
            if (c == '^' || c == ']' || (c == '-' && after_set))
                put(plain, "\\");
            assay_tok_put(plain, t->p++, 1);
        }
        after_set = false;
    }
}

static void put_members(tok_bytes *out, const tok_bytes *plain, const tok_bytes *nested)
{
    if (nested->size)
        put(out, "(?:");
    if (plain->size) {
        put(out, "[");
        assay_tok_put(out, plain->data, plain->size);
        put(out, "]");
    }
    if (nested->size) {
        put(out, plain->size ? "|" : "");
        assay_tok_put(out, nested->data, nested->size);
        put(out, ")");
    }
}

/* The operands of &&: all but the last become look-aheads, and a negated class "not these, then
 * any character". The frequent class of one operand without nested ones stays a class, which
 * PCRE2 repeats without keeping states. */
static void operands(translation *t, tok_bytes *out, bool negated, int depth)
{
    bool more = true, only = true;
    while (more && !t->trouble) {
        tok_bytes plain = { 0 }, nested = { 0 };
        members(t, &plain, &nested, depth);
        more = *t->p == '&';
        out->failed |= plain.failed || nested.failed;
        if (!plain.size && !nested.size && !out->failed && !t->trouble)
            t->trouble = "has an empty class";
        if (only && !more && !nested.size) {
            put(out, negated ? "[^" : "[");
            assay_tok_put(out, plain.data, plain.size);
            put(out, "]");
        } else {
            put(out, !only ? "" : negated ? "(?:(?!" : "(?:");
            put(out, more ? "(?=" : "");
            put_members(out, &plain, &nested);
            put(out, more ? ")" : negated ? ")(?s:.))" : ")");
        }
        only = false;
        t->p += more ? 2 : 0;
        free(plain.data);
        free(nested.data);
    }
}

static void class_(translation *t, tok_bytes *out, int depth)
{
    if (depth > MAX_DEPTH) {
        t->trouble = "is nested too deeply";
        return;
    }
    bool negated = t->p[1] == '^';
    t->p += negated ? 2 : 1;
    operands(t, out, negated, depth);
    if (!t->trouble)
        t->p++;
}

/* Outside classes, its word characters include those of Latin-1's numbers. */
#define WORD    "[" TOK_WORD "\\xb2\\xb3\\xb9\\xbc-\\xbe]"
#define NO_WORD "[^" TOK_WORD "\\xb2\\xb3\\xb9\\xbc-\\xbe]"

static void set_or_escape(translation *t)
{
    char letter = t->p[1];
    named_set set;
    if (letter == 'w' || letter == 'W') {
        put(t->out, letter == 'w' ? WORD : NO_WORD);
        t->p += 2;
    } else if (read_set(t->p, &set)) {
        put(t->out, set.negated ? "[^" : "[");
        put(t->out, set.members);
        put(t->out, "]");
        t->p += set.length;
    } else if (letter == 'b' || letter == 'B') {
        const char *edge = "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))";
        const char *inside = "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))";
        put(t->out, letter == 'b' ? edge : inside);
        t->p += 2;
    } else {
        escape(t, t->out);
    }
}

/* "(?imx-imx)" or "(?imx-imx:": letters up to the end, with m spelt s. */
static void options(translation *t)
{
    const char *end = t->p + 2 + strspn(t->p + 2, "imx-");
    if (*end == ')' && t->p != t->begin)
        t->trouble = "sets options after its start";
    for (; t->p < end; t->p++)
        assay_tok_put(t->out, *t->p == 'm' ? "s" : t->p, 1);
}

static void open_group(translation *t)
{
    if (t->depth == MAX_DEPTH) {
        t->trouble = "is nested too deeply";
        return;
    }
    if (t->p[1] == '*') {
        t->trouble = "has a \"(*\"";
        return;
    }
    const char *comment = strncmp(t->p, "(?#", 3) == 0 ? strchr(t->p, ')') : NULL;
    if (comment) {
        t->p = comment + 1;
        return;
    }
    t->groups[t->depth++] = t->out->size;
    if (t->p[1] == '?' && t->p[2] && strchr("imx-", t->p[2]))
        options(t);
    else
        assay_tok_put(t->out, t->p++, 1);
}

static void close_group(translation *t)
{
    if (t->depth == 0) {
        t->trouble = "has a ')' too many";
        return;
    }
    t->atom = t->groups[--t->depth];
    assay_tok_put(t->out, t->p++, 1);
}

/* Puts what was written since the last atom into a group. */
static void group_atom(translation *t)
{
    size_t moved = t->out->size - t->atom;
    put(t->out, "(?:");
    if (t->out->failed || t->out->limited)
        return;
    char *atom = t->out->data + t->atom;
    memmove(atom + 3, atom, moved);
    for (int i = 0; i < 3; i++)
        atom[i] = "(?:"[i];
    put(t->out, ")");
}

/* {n}, {n,}, {n,m} or {,m}; any other brace stands for itself. */
static bool interval(translation *t)
{
    const char *low = t->p + 1, *p = low;
    while (is_digit(*p))
        p++;
    bool some = p > low, comma = *p == ',';
    p += comma;
    const char *high = p;
    while (is_digit(*p))
        p++;
    if (*p != '}' || !(some || (comma && p > high)))
        return false;
    put(t->out, some ? "{" : "{0");
    assay_tok_put(t->out, low, (size_t)(p + 1 - low));
    t->p = p + 1;
    if (*t->p == '+' || (*t->p == '?' && !comma))
        group_atom(t);
    return true;
}

static void token(translation *t)
{
    size_t start = t->out->size;
    switch (*t->p) {
    case '\\': set_or_escape(t); break;
    case '[': class_(t, t->out, 0); break;
    case '(': open_group(t); return;
    case ')': close_group(t); return;
    case '{':
        if (interval(t))
            return;
        put(t->out, "\\{");
        t->p++;
        break;
    case '*':
    case '+':
    case '?': assay_tok_put(t->out, t->p++, 1); return;
    default: {
        size_t length = 0;
        assay_tok_next(t->p, strnlen(t->p, 4), &length);
        assay_tok_put(t->out, t->p, length);
        t->p += length;
    }
    }
    t->atom = start;
}

assay_status assay_tok_translate(const tok_where *where, const char *field, const char *pattern,
                                 tok_bytes *out)
{
    translation t = { .where = where, .field = field, .begin = pattern, .p = pattern, .out = out };
    while (*t.p && !t.trouble)
        token(&t);
    if (t.trouble && !out->failed)
        return assay_tok_refuse(where, field, "the pattern %s, which is not supported", t.trouble);
    return assay_tok_check(out);
}
