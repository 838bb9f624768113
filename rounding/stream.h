/* SPDX-License-Identifier: Apache-2.0 */
/* Stores past the caches, for files that are compiled for an instruction set. Not installed. */
#ifndef ASSAY_ROUNDING_STREAM_H
#define ASSAY_ROUNDING_STREAM_H

#include <stddef.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Stores that skip the caches save reading each line of y before it is overwritten. n is a multiple
 * of 64, y aligned to that. */
static inline void stream(const void *x, void *y, size_t n)
{
#if defined __AVX512F__
    for (size_t i = 0; i < n; i += 64)
        _mm512_stream_si512((__m512i *)((char *)y + i), _mm512_loadu_si512((const char *)x + i));
#elif defined __AVX2__
    for (size_t i = 0; i < n; i += 32)
        _mm256_stream_si256((__m256i *)((char *)y + i),
                            _mm256_loadu_si256((const __m256i *)((const char *)x + i)));
#elif defined __x86_64__
    for (size_t i = 0; i < n; i += 16)
        _mm_stream_si128((__m128i *)((char *)y + i),
                         _mm_loadu_si128((const __m128i *)((const char *)x + i)));
#else
    memcpy(y, x, n);
#endif
}

#endif
