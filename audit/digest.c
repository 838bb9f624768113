/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Fetched once: a fetch per digest costs more than hashing a small array. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const EVP_MD *sha256;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static assay_status no_hash(void)
{
    return assay_fail(ASSAY_ERR_UNAVAILABLE, "digest: libcrypto has no SHA-256");
}

static assay_status hash_line(const assay_digester *d, size_t ndim, const size_t *shape)
{
    char text[32];
    const assay_dtype_info *info = &assay_dtypes[d->dtype];
    int n = snprintf(text, sizeof text, "assay1%s %s ", d->by_value ? "v" : "",
                     info->descr ? info->descr : info->name);
    bool ok = EVP_DigestUpdate(d->context, text, (size_t)n);
    for (size_t i = 0; ok && i < ndim; i++) {
        n = snprintf(text, sizeof text, i ? ",%zu" : "%zu", shape[i]);
        ok = EVP_DigestUpdate(d->context, text, (size_t)n);
    }
    return ok && EVP_DigestUpdate(d->context, "\n", 1) ? ASSAY_OK : no_hash();
}

assay_status assay_digest_begin(assay_digester *digester, assay_dtype dtype, size_t ndim,
                                const size_t *shape, bool by_value)
{
    size_t count, bits;
    if (!assay_shape_count(ndim, shape, &count) || !assay_dtype_size(dtype, count, &bits))
        return assay_fail(ASSAY_ERR_SHAPE, "digest: number of elements overflows");
    if (bits % 8 != 0)
        return assay_fail(ASSAY_ERR_SHAPE, "digest: elements do not fill whole bytes");
    if (by_value && assay_dtypes[dtype].bits == 6)
        return assay_fail(ASSAY_ERR_USAGE, "digest: no value digest of %s",
                          assay_dtypes[dtype].word);
    pthread_once(&once, fetch);
    assay_digester d = { .dtype = dtype, .by_value = by_value, .left = bits / 8 };
    if (!sha256)
        return no_hash();
    d.context = EVP_MD_CTX_new();
    if (!d.context)
        return assay_fail(ASSAY_ERR_MEMORY, "digest: no memory");
    assay_status status = EVP_DigestInit_ex2(d.context, sha256, NULL) ? ASSAY_OK : no_hash();
    if (status == ASSAY_OK)
        status = hash_line(&d, ndim, shape);
    if (status != ASSAY_OK) {
        assay_digest_abort(&d);
        return status;
    }
    *digester = d;
    return ASSAY_OK;
}

static bool update_by_value(const assay_digester *d, const unsigned char *data, size_t bytes)
{
    unsigned char chunk[1 << 14];
    bool ok = true;
    for (size_t n; bytes > 0 && ok; data += n, bytes -= n) {
        n = bytes < sizeof chunk ? bytes : sizeof chunk;
        memcpy(chunk, data, n);
        ok = assay_dtype_canonical(d->dtype, chunk, n) && EVP_DigestUpdate(d->context, chunk, n);
    }
    return ok;
}

assay_status assay_digest_update(assay_digester *digester, const void *data, size_t bytes)
{
    unsigned bits = assay_dtypes[digester->dtype].bits;
    size_t whole = bits == 6 ? 3 : bits < 8 ? 1 : bits / 8;
    if (bytes > digester->left)
        return assay_fail(ASSAY_ERR_SHAPE, "digest: %zu bytes more than the shape has",
                          bytes - digester->left);
    if (bytes % whole != 0)
        return assay_fail(ASSAY_ERR_SHAPE, "digest: the last element is cut off");
    if (bytes == 0)
        return ASSAY_OK;
    bool ok = digester->by_value ? update_by_value(digester, data, bytes)
                                 : EVP_DigestUpdate(digester->context, data, bytes) == 1;
    if (!ok)
        return no_hash();
    digester->left -= bytes;
    return ASSAY_OK;
}

assay_status assay_digest_end(assay_digester *digester, char hex[ASSAY_DIGEST_HEX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    assay_status status = ASSAY_OK;
    if (digester->left > 0)
        status = assay_fail(ASSAY_ERR_SHAPE, "digest: %zu bytes less than the shape has",
                            digester->left);
    else if (!EVP_DigestFinal_ex(digester->context, hash, NULL))
        status = no_hash();
    for (size_t i = 0; i < 32 && status == ASSAY_OK; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    assay_digest_abort(digester);
    return status;
}

void assay_digest_abort(assay_digester *digester)
{
    EVP_MD_CTX_free(digester->context);
    digester->context = NULL;
}

assay_status assay_digest(assay_dtype dtype, size_t ndim, const size_t *shape, const void *data,
                          bool by_value, char hex[ASSAY_DIGEST_HEX])
{
    assay_digester d;
    assay_status status = assay_digest_begin(&d, dtype, ndim, shape, by_value);
    if (status != ASSAY_OK)
        return status;
    status = assay_digest_update(&d, data, d.left);
    if (status == ASSAY_OK)
        return assay_digest_end(&d, hex);
    assay_digest_abort(&d);
    return status;
}
