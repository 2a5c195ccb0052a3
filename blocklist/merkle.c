/*
 * The tree over the lines: leaves, roots, tiles, and what verifies a proof.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/sha.h>

#include "merkle.h"


/*
 * What is hashed here is short: EVP takes as long to begin and end as to hash
 * it.  Where it would come to OpenSSL's own code anyway, that is called at once;
 * where another provider is configured, as that of FIPS, it is asked.
 */

struct debar_hasher_s {
    EVP_MD      *md;
    EVP_MD_CTX  *ctx;
    unsigned     direct;

    uint8_t      secret[32];      /* whose HMAC has begun so */
    unsigned     keyed;
    SHA256_CTX   inner;
    SHA256_CTX   outer;
};


static unsigned debar_hasher_direct(const EVP_MD *md);
static void debar_hash(debar_hasher_t *h, debar_hash_t out, const void *a,
    size_t alen, const void *b, size_t blen);
static void debar_hash_last(debar_hash_t out, SHA256_CTX *c, uint8_t *block,
    size_t used, uint64_t len);
static void debar_merkle_key(debar_hasher_t *h, const uint8_t secret[32]);


debar_hasher_t *
debar_hasher_new(void)
{
    debar_hash_t     out;
    debar_hasher_t  *h;

    h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return NULL;
    }

    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();

    if (h->md == NULL || h->ctx == NULL
        || EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1
        || EVP_DigestFinal_ex(h->ctx, out, NULL) != 1)
    {
        debar_hasher_free(h);
        return NULL;
    }

    h->direct = debar_hasher_direct(h->md);

    return h;
}


static unsigned
debar_hasher_direct(const EVP_MD *md)
{
    const char  *name;

    name = OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(md));

    return name && strcmp(name, "default") == 0;
}


void
debar_hasher_free(debar_hasher_t *h)
{
    if (h) {
        EVP_MD_CTX_free(h->ctx);
        EVP_MD_free(h->md);
        OPENSSL_cleanse(h, sizeof(*h));
        free(h);
    }
}


/* After a first success nothing of this allocates. */

static void
debar_hash(debar_hasher_t *h, debar_hash_t out, const void *a, size_t alen,
    const void *b, size_t blen)
{
    SHA256_CTX  c;

    if (h->direct) {
        (void) SHA256_Init(&c);
        (void) SHA256_Update(&c, a, alen);
        (void) SHA256_Update(&c, b, blen);
        (void) SHA256_Final(out, &c);
        return;
    }

    (void) EVP_DigestInit_ex2(h->ctx, NULL, NULL);
    (void) EVP_DigestUpdate(h->ctx, a, alen);

    if (blen) {
        (void) EVP_DigestUpdate(h->ctx, b, blen);
    }

    (void) EVP_DigestFinal_ex(h->ctx, out, NULL);
}


/* The end of a message of len bytes, of which the last used ones, fewer than
 * 56, stand in block. */

static void
debar_hash_last(debar_hash_t out, SHA256_CTX *c, uint8_t *block, size_t used,
    uint64_t len)
{
    int       i;
    uint32_t  h[DEBAR_HASH / 4];

    block[used] = 0x80;
    memset(block + used + 1, 0, 56 - used - 1);
    len = htobe64(len * 8);
    memcpy(block + 56, &len, 8);

    SHA256_Transform(c, block);

    for (i = 0; i < DEBAR_HASH / 4; i++) {
        h[i] = htobe32(c->h[i]);
    }

    memcpy(out, h, DEBAR_HASH);
}


void
debar_merkle_leaf(debar_hasher_t *h, debar_hash_t out,
    const uint8_t salt[DEBAR_SALT], const void *line, size_t len)
{
    uint8_t  head[1 + DEBAR_SALT];

    head[0] = 0x00;
    memcpy(head + 1, salt, DEBAR_SALT);
    debar_hash(h, out, head, sizeof(head), line, len);
}


void
debar_merkle_node(debar_hasher_t *h, debar_hash_t out,
    const debar_hash_t left, const debar_hash_t right)
{
    uint8_t     in[128];
    SHA256_CTX  c;

    in[0] = 0x01;
    memcpy(in + 1, left, DEBAR_HASH);
    memcpy(in + 1 + DEBAR_HASH, right, DEBAR_HASH);

    if (h->direct) {
        (void) SHA256_Init(&c);
        SHA256_Transform(&c, in);
        debar_hash_last(out, &c, in + 64, 1, 1 + 2 * DEBAR_HASH);
        return;
    }

    debar_hash(h, out, in, 1 + 2 * DEBAR_HASH, NULL, 0);
}


void
debar_merkle_empty(debar_hasher_t *h, debar_hash_t out)
{
    debar_hash(h, out, "", 0, NULL, 0);
}


/* RFC 2104, for a key of half a block. */

void
debar_merkle_salt(debar_hasher_t *h, uint8_t out[DEBAR_SALT],
    const uint8_t secret[32], uint64_t index)
{
    int           i;
    uint8_t       in[64 + DEBAR_HASH];
    SHA256_CTX    c;
    debar_hash_t  inner;

    index = htobe64(index);

    if (h->direct) {

        if (!h->keyed || memcmp(h->secret, secret, 32)) {
            debar_merkle_key(h, secret);
        }

        c = h->inner;
        memcpy(in, &index, 8);
        debar_hash_last(inner, &c, in, 8, 64 + 8);
        c = h->outer;
        memcpy(in, inner, DEBAR_HASH);
        debar_hash_last(inner, &c, in, DEBAR_HASH, 64 + DEBAR_HASH);
        memcpy(out, inner, DEBAR_SALT);
        return;
    }

    memset(in, 0x36, 64);
    memcpy(in + 64, &index, 8);

    for (i = 0; i < 32; i++) {
        in[i] ^= secret[i];
    }

    debar_hash(h, inner, in, 64 + 8, NULL, 0);

    for (i = 0; i < 64; i++) {
        in[i] ^= 0x36 ^ 0x5c;
    }

    memcpy(in + 64, inner, DEBAR_HASH);
    debar_hash(h, inner, in, sizeof(in), NULL, 0);
    memcpy(out, inner, DEBAR_SALT);
    OPENSSL_cleanse(in, sizeof(in));
}


/* Both hashes up to the end of the padded key, the same for all of a file. */

static void
debar_merkle_key(debar_hasher_t *h, const uint8_t secret[32])
{
    int      i;
    uint8_t  pad[64];

    memset(pad, 0x36, 64);

    for (i = 0; i < 32; i++) {
        pad[i] ^= secret[i];
    }

    (void) SHA256_Init(&h->inner);
    SHA256_Transform(&h->inner, pad);

    for (i = 0; i < 64; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }

    (void) SHA256_Init(&h->outer);
    SHA256_Transform(&h->outer, pad);

    memcpy(h->secret, secret, 32);
    h->keyed = 1;
    OPENSSL_cleanse(pad, sizeof(pad));
}


int
debar_tree_add(debar_hasher_t *h, debar_tree_t *t, const debar_hash_t leaf,
    debar_tile_pt full, void *data)
{
    unsigned      level;
    uint64_t      index;
    debar_hash_t  hash;

    if (t->size >= DEBAR_MERKLE_MAX - 1) {
        return DEBAR_ERROR;
    }

    index = t->size++;
    memcpy(hash, leaf, DEBAR_HASH);

    for (level = 0; level < DEBAR_TILE_LEVELS; level++) {

        memcpy(t->tile[level][t->width[level]++], hash, DEBAR_HASH);

        if (t->width[level] < DEBAR_TILE_WIDTH) {
            break;
        }

        index /= DEBAR_TILE_WIDTH;

        if (full && full(data, level, index,
                         (const debar_hash_t *) t->tile[level],
                         DEBAR_TILE_WIDTH) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        debar_tile_root(h, hash, (const debar_hash_t *) t->tile[level],
                        DEBAR_TILE_WIDTH);
        t->width[level] = 0;
    }

    return DEBAR_OK;
}


/* Peaks from the right: those of the lowest level are the last leaves. */

void
debar_tree_root(debar_hasher_t *h, debar_hash_t out, const debar_tree_t *t)
{
    unsigned      level, n, peak, any;
    debar_hash_t  hash;

    any = 0;

    for (level = 0; level < DEBAR_TILE_LEVELS; level++) {

        for (n = t->width[level]; n; n -= peak) {

            peak = n & -n;
            debar_tile_root(h, hash,
                            (const debar_hash_t *) t->tile[level] + n - peak,
                            peak);

            if (any) {
                debar_merkle_node(h, out, hash, out);

            } else {
                memcpy(out, hash, DEBAR_HASH);
                any = 1;
            }
        }
    }

    if (!any) {
        debar_merkle_empty(h, out);
    }
}


/* Neighbours are joined, an odd last one goes up as it is: RFC 6962's tree. */

void
debar_tile_root(debar_hasher_t *h, debar_hash_t out,
    const debar_hash_t *hashes, unsigned width)
{
    unsigned      i, n;
    debar_hash_t  row[DEBAR_TILE_WIDTH];

    n = width < DEBAR_TILE_WIDTH ? width : DEBAR_TILE_WIDTH;

    if (n == 0) {
        debar_merkle_empty(h, out);
        return;
    }

    memcpy(row, hashes, n * DEBAR_HASH);

    while (n > 1) {

        for (i = 0; i + 1 < n; i += 2) {
            debar_merkle_node(h, row[i / 2], row[i], row[i + 1]);
        }

        if (n & 1) {
            memmove(row[n / 2], row[n - 1], DEBAR_HASH);
        }

        n = (n + 1) / 2;
    }

    memcpy(out, row[0], DEBAR_HASH);
}


int
debar_merkle_included(debar_hasher_t *h, const debar_hash_t leaf,
    uint64_t index, uint64_t size, const debar_hash_t *proof, size_t n,
    const debar_hash_t root)
{
    size_t        i;
    uint64_t      fn, sn;
    debar_hash_t  r;

    if (index >= size || size > DEBAR_MERKLE_MAX || n > DEBAR_MERKLE_DEPTH) {
        return DEBAR_ERROR;
    }

    fn = index;
    sn = size - 1;
    memcpy(r, leaf, DEBAR_HASH);

    for (i = 0; i < n; i++) {

        if (sn == 0) {
            return DEBAR_ERROR;
        }

        if ((fn & 1) || fn == sn) {
            debar_merkle_node(h, r, proof[i], r);

            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }

        } else {
            debar_merkle_node(h, r, r, proof[i]);
        }

        fn >>= 1;
        sn >>= 1;
    }

    return sn == 0 && memcmp(r, root, DEBAR_HASH) == 0 ? DEBAR_OK
                                                       : DEBAR_ERROR;
}


int
debar_merkle_consistent(debar_hasher_t *h, uint64_t old, uint64_t size,
    const debar_hash_t old_root, const debar_hash_t root,
    const debar_hash_t *proof, size_t n)
{
    size_t        i;
    uint64_t      fn, sn;
    debar_hash_t  fr, sr;

    if (old > size || size > DEBAR_MERKLE_MAX || n > DEBAR_MERKLE_DEPTH) {
        return DEBAR_ERROR;
    }

    if (old == 0) {
        debar_merkle_empty(h, fr);
        return n == 0 && memcmp(fr, old_root, DEBAR_HASH) == 0 ? DEBAR_OK
                                                               : DEBAR_ERROR;
    }

    if (old == size) {
        return n == 0 && memcmp(old_root, root, DEBAR_HASH) == 0
               ? DEBAR_OK : DEBAR_ERROR;
    }

    fn = old - 1;
    sn = size - 1;
    i = 0;

    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }

    /* a whole subtree is its own first hash: the proof leaves it out */

    if (fn) {
        if (n == 0) {
            return DEBAR_ERROR;
        }

        memcpy(fr, proof[i++], DEBAR_HASH);

    } else {
        memcpy(fr, old_root, DEBAR_HASH);
    }

    memcpy(sr, fr, DEBAR_HASH);

    for ( /* void */ ; i < n; i++) {

        if (sn == 0) {
            return DEBAR_ERROR;
        }

        if ((fn & 1) || fn == sn) {
            debar_merkle_node(h, fr, proof[i], fr);
            debar_merkle_node(h, sr, proof[i], sr);

            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }

        } else {
            debar_merkle_node(h, sr, sr, proof[i]);
        }

        fn >>= 1;
        sn >>= 1;
    }

    return sn == 0 && memcmp(fr, old_root, DEBAR_HASH) == 0
           && memcmp(sr, root, DEBAR_HASH) == 0 ? DEBAR_OK : DEBAR_ERROR;
}
