/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/pack.h"

enum { BYTE = 8 };

size_t assay_packed_bytes(size_t count, int bits)
{
    size_t width = (size_t)bits; /* eight codes take `bits` whole bytes */
    return count / BYTE * width + (count % BYTE * width + BYTE - 1) / BYTE;
}

/* How many bits go on at once: up to the end of the byte, or of the code. */
static int step(int used, int left)
{
    return BYTE - used < left ? BYTE - used : left;
}

void assay_pack(const uint64_t *codes, size_t count, int bits, unsigned char *out)
{
    unsigned byte = 0;
    int used = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t code = codes[i];
        for (int left = bits; left > 0;) {
            int n = step(used, left);
            byte |= ((unsigned)code & ((1u << n) - 1)) << used;
            code >>= n;
            left -= n;
            used += n;
            if (used == BYTE) {
                *out++ = (unsigned char)byte;
                byte = 0;
                used = 0;
            }
        }
    }
    if (used > 0)
        *out = (unsigned char)byte;
}

void assay_unpack(const unsigned char *in, size_t count, int bits, uint64_t *codes)
{
    int used = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t code = 0;
        for (int done = 0; done < bits;) {
            int n = step(used, bits - done);
            code |= (uint64_t)((unsigned)*in >> used & ((1u << n) - 1)) << done;
            done += n;
            used += n;
            if (used == BYTE) {
                in++;
                used = 0;
            }
        }
        codes[i] = code;
    }
}
