/* SPDX-License-Identifier: Apache-2.0 */
/* Philox4x32-10 against the known answers of Random123 (its kat_vectors), and many words at a time
 * against one, on every instruction set. */
#include <criterion/criterion.h>

#include "numerics/cpu.h"
#include "numerics/philox.h"
#include "numerics/philox_lanes.h"

enum { MOST = 150 };

typedef struct answer {
    uint32_t counter[4], key[2], out[4];
} answer;

static const answer answers[] = {
    { { 0 }, { 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
    { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
      { 0xffffffff, 0xffffffff },
      { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
    { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
      { 0xa4093822, 0x299f31d0 },
      { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
};

Test(philox, known_answers)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint32_t out[4];
        assay_philox4x32(answers[i].counter, answers[i].key, out);
        cr_expect_arr_eq(out, answers[i].out, sizeof out);
    }
}

/* The same through the words of elements: key and counter are where the documents have them. */
Test(philox, known_answers_as_words)
{
    const answer *a = &answers[2];
    uint64_t seed = (uint64_t)a->key[1] << 32 | a->key[0];
    uint64_t group = (uint64_t)(a->counter[1] & 0x3fffffff) << 32 | a->counter[0];
    uint32_t counter[4] = { a->counter[0], a->counter[1] & 0x3fffffff, a->counter[2],
                            a->counter[3] };
    uint32_t want[4];
    assay_philox4x32(counter, a->key, want);
    for (uint64_t i = 0; i < 4; i++)
        cr_expect_eq(assay_philox_word(seed, a->counter[3], group * 4 + i, a->counter[2]), want[i]);
}

Test(philox, words_do_not_depend_on_how_many)
{
    const uint64_t firsts[] = { 0, 1, 2, 3, 7, ((uint64_t)1 << 34) - 5, UINT64_MAX - 2 * MOST };
    const uint64_t seed = 0x0123456789abcdef;
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        for (size_t f = 0; f < sizeof firsts / sizeof firsts[0]; f++)
            for (size_t n = 0; n < MOST; n++) {
                uint32_t out[MOST + 1] = { 0 };
                out[n] = 0xcacacaca;
                assay_philox_words(seed, 5, 2, firsts[f], out, n);
                cr_assert_eq(out[n], 0xcacacaca, "written past the end");
                for (size_t k = 0; k < n; k++)
                    cr_assert_eq(out[k], assay_philox_word(seed, 5, firsts[f] + k, 2));
            }
    }
}

Test(philox, columns_are_words_that_lie_apart)
{
    const assay_philox_grid grids[] = { { 5, 7, 3, 24, 25 },
                                        { 0, 0, 1, 1, 1 },
                                        { 9, 4, 2, 13, 13 } };
    const uint64_t seed = 0x0123456789abcdef;
    for (int isa = 0; isa <= (int)assay_isa_best(); isa++) {
        cr_assert_eq(assay_isa_force((assay_isa)isa), ASSAY_OK);
        for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++) {
            const assay_philox_grid *g = &grids[i];
            uint64_t out[12 * 25];
            memset(out, 0xca, sizeof out);
            assay_philox_columns(seed, 5, g, out);
            for (size_t q = 0; q < 4 * g->groups; q++)
                for (size_t j = 0; j < g->ld; j++) {
                    uint64_t element = 4 * (g->group + j * g->apart) + q;
                    uint64_t want = j < g->columns ? assay_philox_word(seed, 5, element, 0)
                                                   : 0xcacacacacacacaca;
                    cr_assert_eq(out[q * g->ld + j], want);
                }
        }
    }
}
