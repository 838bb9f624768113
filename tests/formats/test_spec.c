/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of a scalar SPEC: what it builds, and errors of one line that name the fault. */
#include <criterion/criterion.h>
#include <string.h>

#include "formats/format.h"
#include "formats/spec.h"

typedef struct fault {
    const char *spec, *names;
} fault;

static const fault faults[] = {
    { "", "" },
    { "e9m9", "e9m9" },
    { "e4m3:", "e4m3:" },
    { "e4m3:bias", "bias" },
    { "e4m3:bias=", "bias" },
    { "e4m3:bias=x", "bias=x" },
    { "e4m3:bias=7.5", "bias=7.5" },
    { "e4m3:bias=99999999999999999999", "bias" },
    { "e4m3:bias=7,bias=8", "bias" },
    { "e4m3:bias=7,", "empty" },
    { "e4m3:,bias=7", "empty" },
    { "e4m3:colour=red", "colour" },
    { "e4m3:nan=maybe", "maybe" },
    { "e4m3:zero=no", "zero" },
    { "e4m3:inf=1", "inf" },
    { "e4m3:sign", "sign" },
    { "e4m3:bias=[7", "brackets" },
    { "e4m3:bias=7]", "brackets" },
    { "float", "e=" },
    { "float:e=4", "m=" },
    { "float:m=4", "e=" },
    { "float:e=0,m=3,nan=ieee", "e=0" },
    { "float:e=31,m=1", "e=31" },
    { "float:e=4,m=-1", "m=-1" },
    { "float:e=8,m=24", "32 bits" },
    { "float:e=5,m=0", "nan=ieee" },
    { "float:e=1,m=0,nan=ones", "zero" },
    { "float:e=4,m=3,nan=negzero,sign=no", "sign" },
    { "float:e=4,m=3,nan=negzero,zero=signed", "zero" },
    { "float:e=4,m=3,bias=1000000000", "bias" },
    { "float:e=4,m=3,zero=none", "zero" },
    { "posit:es=2", "n=" },
    { "posit:n=33", "n=33" },
    { "posit:n=8,es=25", "es=25" },
    { "posit:n=8,e=2", "'e'" },
    { "takum:n=1", "n=1" },
    { "takum:n=8,kind=square", "square" },
    { "p3109:k=17,p=3", "k=17" },
    { "p3109:k=8,p=8", "precision" },
    { "int:sign=no", "n=" },
    { "int:n=1", "n=1" },
    { "fixed:i=4", "f=" },
    { "fixed:i=30,f=30", "bits" },
    { "lns:n=8", "r=" },
    { "pow2:n=40", "n=40" },
    { "hif8:n=8", "'n'" },
    { "nf4:n=8", "no parameters" },
};

Test(spec, faults_are_named_in_one_line)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        assay_format f, before;
        memset(&f, 0x5a, sizeof f);
        before = f;
        cr_expect_eq(assay_format_parse(faults[i].spec, &f), ASSAY_ERR_USAGE, "%s", faults[i].spec);
        const char *text = assay_last_error();
        cr_expect(memcmp(&f, &before, sizeof f) == 0, "%s: the output changed", faults[i].spec);
        cr_expect(strstr(text, faults[i].names) != NULL, "%s: %s", faults[i].spec, text);
        cr_expect(strstr(text, faults[i].spec) != NULL, "%s: %s", faults[i].spec, text);
        cr_expect(strchr(text, '\n') == NULL, "%s", text);
    }
}

Test(spec, defaults_of_the_builder)
{
    assay_format f;
    cr_assert_eq(assay_format_parse("float:e=5,m=10", &f), ASSAY_OK);
    cr_expect(f.bias == 15 && f.has_inf && f.has_negzero && f.has_subnormals && f.is_signed &&
              f.nan == ASSAY_NAN_IEEE);
    cr_expect_str_eq(f.name, "float:e=5,m=10");
    cr_assert_eq(assay_format_parse("float:e=4,m=3,nan=negzero", &f), ASSAY_OK);
    cr_expect(!f.has_negzero, "the code of -0 is taken");
}

Test(spec, a_row_with_parameters_keeps_the_rest)
{
    assay_format f;
    cr_assert_eq(assay_format_parse("e4m3:bias=8", &f), ASSAY_OK);
    cr_expect(f.bias == 8 && f.nan == ASSAY_NAN_ONES && !f.has_inf && f.max == 224);
    cr_assert_eq(assay_format_parse("fp8_e5m2:e=4", &f), ASSAY_OK);
    cr_expect(f.exponent_bits == 4 && f.bias == 7, "a new width moves the default bias");
}

Test(spec, brackets_protect_commas)
{
    assay_spec spec;
    cr_assert_eq(assay_spec_split("block:elem=[float:e=4,m=3],size=32,step", &spec), ASSAY_OK);
    cr_expect_eq(spec.count, 3);
    cr_expect_str_eq(assay_spec_find(&spec, "elem")->value, "float:e=4,m=3");
    cr_expect_str_eq(assay_spec_find(&spec, "size")->value, "32");
    cr_expect_null(assay_spec_find(&spec, "step")->value);
    cr_expect_null(assay_spec_find(&spec, "scale"));
}

Test(spec, too_long_or_too_many)
{
    char text[400] = "e4m3:";
    assay_spec spec;
    memset(text + 5, 'a', 300);
    cr_expect_eq(assay_spec_split(text, &spec), ASSAY_ERR_USAGE);
    cr_expect_eq(assay_spec_split("x:a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", &spec), ASSAY_ERR_USAGE);
}
