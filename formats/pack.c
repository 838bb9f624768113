/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/pack.h"

#include "formats/container.h"

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

/* A stream through 64 bits: whole 32-bit words leave, so that a code of 32 bits always fits. */
ASSAY_INLINE void pack_by(const unsigned char *codes, size_t width, size_t count, int bits,
                          unsigned char *out)
{
    uint64_t buffer = 0, mask = ~(uint64_t)0 >> (64 - bits);
    int used = 0;
    for (size_t i = 0; i < count; i++) {
        buffer |= (assay_container_load(codes, i, width) & mask) << used;
        used += bits;
        if (used >= 32) {
            uint32_t word = (uint32_t)buffer;
            for (int k = 0; k < 4; k++)
                *out++ = (unsigned char)(word >> 8 * k);
            buffer >>= 32;
            used -= 32;
        }
    }
    for (; used > 0; used -= BYTE, buffer >>= BYTE)
        *out++ = (unsigned char)buffer;
}

ASSAY_INLINE void unpack_by(const unsigned char *in, size_t width, size_t count, int bits,
                            unsigned char *codes)
{
    uint64_t buffer = 0, mask = ~(uint64_t)0 >> (64 - bits);
    int held = 0;
    for (size_t i = 0; i < count; i++) {
        for (; held < bits; held += BYTE)
            buffer |= (uint64_t)*in++ << held;
        assay_container_store(codes, i, width, buffer & mask);
        buffer >>= bits;
        held -= bits;
    }
}

/* Widths that fill whole bytes by twos or fours have loops that vectorise. */
static size_t pack_fours(const uint8_t *codes, size_t count, unsigned char *out)
{
    size_t pairs = count / 2;
    for (size_t i = 0; i < pairs; i++)
        out[i] = (unsigned char)((codes[2 * i] & 15) | codes[2 * i + 1] << 4);
    return 2 * pairs;
}

static size_t pack_sixes(const uint8_t *codes, size_t count, unsigned char *out)
{
    size_t groups = count / 4;
    for (size_t i = 0; i < groups; i++) {
        const uint8_t *c = codes + 4 * i;
        out[3 * i] = (unsigned char)((c[0] & 63) | c[1] << 6);
        out[3 * i + 1] = (unsigned char)((c[1] & 63) >> 2 | c[2] << 4);
        out[3 * i + 2] = (unsigned char)((c[2] & 63) >> 4 | c[3] << 2);
    }
    return 4 * groups;
}

void assay_pack_codes(const void *codes, size_t count, int bits, unsigned char *out)
{
    size_t done = 0;
    if (bits == 4)
        done = pack_fours(codes, count, out);
    else if (bits == 6)
        done = pack_sixes(codes, count, out);
    const unsigned char *rest = (const unsigned char *)codes;
    if (bits <= 8)
        pack_by(rest + done, 1, count - done, bits, out + done * (size_t)bits / 8);
    else if (bits <= 16)
        pack_by(rest, 2, count, bits, out);
    else
        pack_by(rest, 4, count, bits, out);
}

void assay_unpack_codes(const unsigned char *in, size_t count, int bits, void *codes)
{
    size_t done = 0;
    uint8_t *bytes = codes;
    if (bits == 4)
        for (; done + 2 <= count; done += 2) {
            bytes[done] = in[done / 2] & 15;
            bytes[done + 1] = in[done / 2] >> 4;
        }
    if (bits <= 8)
        unpack_by(in + done * (size_t)bits / 8, 1, count - done, bits, bytes + done);
    else if (bits <= 16)
        unpack_by(in, 2, count, bits, bytes);
    else
        unpack_by(in, 4, count, bits, bytes);
}

void assay_pack_nibbles_high(const uint8_t *codes, size_t count, unsigned char *out)
{
    size_t pairs = count / 2;
    for (size_t i = 0; i < pairs; i++)
        out[i] = (unsigned char)(codes[2 * i] << 4 | (codes[2 * i + 1] & 15));
    if (count % 2)
        out[pairs] = (unsigned char)(codes[count - 1] << 4);
}

void assay_unpack_nibbles_high(const unsigned char *in, size_t count, uint8_t *codes)
{
    for (size_t i = 0; i < count; i++)
        codes[i] = i % 2 ? in[i / 2] & 15 : in[i / 2] >> 4;
}
