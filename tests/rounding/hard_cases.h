/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of binary32 and how near their results come to a value or to the middle between two, in
 * halves of a place: the hardest that tests/bench/bench_hard.c found, of all x with 2^-12 <= |x| <
 * 2^7 for exp, exp2, sigmoid and silu, of 700000 random ones otherwise. */
#ifndef ASSAY_TESTS_ROUNDING_HARD_CASES_H
#define ASSAY_TESTS_ROUNDING_HARD_CASES_H

#include <stdint.h>

static const struct {
    const char *name;
    uint32_t code;
} hard_cases[] = {
    { "exp", 0x3ab13d4f },       /* 4.1e-09 */
    { "exp", 0xc16912cd },       /* 4.7e-09 */
    { "exp", 0xbb32cf64 },       /* 6.4e-09 */
    { "exp", 0xc236bd8c },       /* 7.6e-09 */
    { "exp2", 0xbcf3a937 },      /* 2.5e-10 */
    { "exp2", 0x3b429d37 },      /* 1.6e-09 */
    { "exp2", 0xbaec2b40 },      /* 3.7e-09 */
    { "exp2", 0x3a07857c },      /* 4.7e-09 */
    { "expm1", 0xc22920bc },     /* 1.5e-11 */
    { "expm1", 0xc2291cc0 },     /* 1.5e-11 */
    { "expm1", 0xc2291b0f },     /* 1.5e-11 */
    { "expm1", 0xc2291ad0 },     /* 1.5e-11 */
    { "log", 0x3f38581f },       /* 9e-08 */
    { "log", 0x3a132e97 },       /* 2.1e-06 */
    { "log", 0x41746feb },       /* 3e-06 */
    { "log", 0x427e2478 },       /* 3.3e-06 */
    { "log2", 0x3d1977ed },      /* 6.1e-07 */
    { "log2", 0x41f07a11 },      /* 2.4e-06 */
    { "log2", 0x3f9f1622 },      /* 4.8e-06 */
    { "log2", 0x3bcc0994 },      /* 5.8e-06 */
    { "log1p", 0x3c6eb7af },     /* 4.9e-08 */
    { "log1p", 0x3d3c9a14 },     /* 2.3e-07 */
    { "log1p", 0x409a594d },     /* 2.7e-07 */
    { "log1p", 0x3d7245fa },     /* 3.2e-07 */
    { "sin", 0x410c05f5 },       /* 6.8e-07 */
    { "sin", 0x3d61fb02 },       /* 2.2e-06 */
    { "sin", 0xbf4eb43b },       /* 2.3e-06 */
    { "sin", 0xbf00ccd3 },       /* 2.5e-06 */
    { "cos", 0x3bf79cfa },       /* 6.2e-07 */
    { "cos", 0x3fc64667 },       /* 1.5e-06 */
    { "cos", 0x41813cd2 },       /* 1.5e-06 */
    { "cos", 0xc1338f7d },       /* 1.7e-06 */
    { "tan", 0x3e5e28c2 },       /* 6.9e-07 */
    { "tan", 0x4048f1a4 },       /* 9.2e-07 */
    { "tan", 0xc25fec41 },       /* 1.9e-06 */
    { "tan", 0xbac37ddb },       /* 2.7e-06 */
    { "asin", 0xbb7c9f2a },      /* 9.1e-07 */
    { "asin", 0xbbd2f45b },      /* 1.9e-06 */
    { "asin", 0xbce466f8 },      /* 2.6e-06 */
    { "asin", 0x39e89753 },      /* 4.1e-06 */
    { "acos", 0x3c961a62 },      /* 1.1e-06 */
    { "acos", 0xbb9afbb8 },      /* 1.2e-06 */
    { "acos", 0x3983e222 },      /* 1.5e-06 */
    { "acos", 0x3cb75b1d },      /* 2.3e-06 */
    { "atan", 0x3ab4add2 },      /* 1.5e-07 */
    { "atan", 0x3e20a8d8 },      /* 6.1e-07 */
    { "atan", 0xbf4c3ccd },      /* 6.9e-07 */
    { "atan", 0x418aae36 },      /* 2.5e-06 */
    { "sinpi", 0xbf939394 },     /* 1e-06 */
    { "sinpi", 0x3bf581cf },     /* 2.2e-06 */
    { "sinpi", 0xc1344c24 },     /* 2.5e-06 */
    { "sinpi", 0x414e5ac8 },     /* 2.7e-06 */
    { "cospi", 0x425e0807 },     /* 1.3e-06 */
    { "cospi", 0x3d4f79ea },     /* 2.4e-06 */
    { "cospi", 0x3c675fbe },     /* 2.4e-06 */
    { "cospi", 0xbac6097b },     /* 3.5e-06 */
    { "tanpi", 0xbdb902cc },     /* 1.7e-07 */
    { "tanpi", 0x40b1a3fa },     /* 1.1e-06 */
    { "tanpi", 0xc1572e03 },     /* 1.1e-06 */
    { "tanpi", 0xbe20618d },     /* 3e-06 */
    { "asinpi", 0xb99cc30b },    /* 1.7e-06 */
    { "asinpi", 0x3eebd2d5 },    /* 2.6e-06 */
    { "asinpi", 0x3cc0cd91 },    /* 2.8e-06 */
    { "asinpi", 0x39bf1820 },    /* 3.3e-06 */
    { "acospi", 0xbc6c0ff1 },    /* 2.7e-07 */
    { "acospi", 0x3b8493b6 },    /* 1.1e-06 */
    { "acospi", 0x3eebd2d5 },    /* 1.3e-06 */
    { "acospi", 0xba734d35 },    /* 3.7e-06 */
    { "atanpi", 0x3d96840b },    /* 2.1e-08 */
    { "atanpi", 0xb9879298 },    /* 2e-06 */
    { "atanpi", 0xba91f523 },    /* 2.1e-06 */
    { "atanpi", 0xbffc7e8b },    /* 2.1e-06 */
    { "sinh", 0xc192abed },      /* 8.8e-07 */
    { "sinh", 0xbdaa1afa },      /* 9.7e-07 */
    { "sinh", 0xbcb45cfd },      /* 1.6e-06 */
    { "sinh", 0xbe9d314b },      /* 2.2e-06 */
    { "cosh", 0xbae6c158 },      /* 6.3e-07 */
    { "cosh", 0xc192abed },      /* 8.9e-07 */
    { "cosh", 0xbcd380c4 },      /* 2.1e-06 */
    { "cosh", 0xc04ced1d },      /* 2.8e-06 */
    { "tanh", 0xc1abe46e },      /* 1.5e-11 */
    { "tanh", 0xc1abe44e },      /* 1.5e-11 */
    { "tanh", 0xc1abe440 },      /* 1.5e-11 */
    { "tanh", 0x41abe383 },      /* 1.5e-11 */
    { "asinh", 0x3ce8693d },     /* 1.2e-06 */
    { "asinh", 0x3e211a30 },     /* 2.2e-06 */
    { "asinh", 0xbbfe68b9 },     /* 3.6e-06 */
    { "asinh", 0x39e89753 },     /* 4.3e-06 */
    { "acosh", 0x3fbf0ef7 },     /* 3.7e-08 */
    { "acosh", 0x40b4d10c },     /* 9.9e-07 */
    { "acosh", 0x416128ee },     /* 1e-05 */
    { "acosh", 0x421e2c54 },     /* 1.1e-05 */
    { "atanh", 0x3ef59c6e },     /* 1.2e-06 */
    { "atanh", 0xbdd64873 },     /* 1.6e-06 */
    { "atanh", 0xbe0b3c4d },     /* 2.8e-06 */
    { "atanh", 0x3e879862 },     /* 3.1e-06 */
    { "erf", 0x3c94ba6b },       /* 1.9e-06 */
    { "erf", 0x3a3dcdb1 },       /* 5.5e-06 */
    { "erf", 0xba63fc23 },       /* 6.5e-06 */
    { "erf", 0xc071faa9 },       /* 6.8e-06 */
    { "sigmoid", 0x3d91300f },   /* 9e-10 */
    { "sigmoid", 0xba928601 },   /* 9.4e-10 */
    { "sigmoid", 0xbd91300f },   /* 1.8e-09 */
    { "sigmoid", 0x3d21bc81 },   /* 1.8e-09 */
    { "silu", 0xb9fd5c85 },      /* 1.1e-08 */
    { "silu", 0x39fd5c85 },      /* 1.1e-08 */
    { "silu", 0x3bf6a2cd },      /* 1.6e-08 */
    { "silu", 0xbbf6a2cd },      /* 1.6e-08 */
    { "gelu", 0x40ffff50 },      /* 2.1e-08 */
    { "gelu", 0x40fff7b1 },      /* 2.1e-08 */
    { "gelu", 0x40fff44a },      /* 2.1e-08 */
    { "gelu", 0x40fff26d },      /* 2.1e-08 */
    { "gelu_tanh", 0x40f05721 }, /* 1.5e-11 */
    { "gelu_tanh", 0x40f056ed }, /* 1.5e-11 */
    { "gelu_tanh", 0x40f051d9 }, /* 1.5e-11 */
    { "gelu_tanh", 0x40f0501d }, /* 1.5e-11 */
    { "softplus", 0x42187593 },  /* 1.5e-11 */
    { "softplus", 0x42187493 },  /* 1.5e-11 */
    { "softplus", 0x42187457 },  /* 1.5e-11 */
    { "softplus", 0x42187446 },  /* 1.5e-11 */
};

#endif
