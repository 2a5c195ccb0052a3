/*
 * The tree of the sealed log, against RFC 6962 section 2.1 written down here
 * once more, word for word, and over OpenSSL's one-shot digest.
 */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "tap.h"
#include "merkle.h"

#include <stdlib.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/sha.h>


#define LEAVES  1100


static debar_hash_t     leaves[LEAVES];
static debar_hasher_t  *hasher;


typedef struct {
    unsigned      level;
    uint64_t      index;
    debar_hash_t  hashes[DEBAR_TILE_WIDTH];
} tile_t;

static tile_t    tiles[64];
static unsigned  ntiles;


static void
sha(uint8_t *out, const void *in, size_t len)
{
    EVP_Q_digest(NULL, "SHA256", NULL, in, len, out, NULL);
}


/* MTH */

static void
mth(uint8_t *out, debar_hash_t *d, size_t n)
{
    size_t   k;
    uint8_t  in[65];

    if (n == 0) {
        sha(out, "", 0);
        return;
    }

    if (n == 1) {
        memcpy(out, d[0], 32);
        return;
    }

    for (k = 1; k * 2 < n; k *= 2) { /* void */ }

    in[0] = 1;
    mth(in + 1, d, k);
    mth(in + 33, d + k, n - k);
    sha(out, in, sizeof(in));
}


static size_t
path(debar_hash_t *out, size_t m, debar_hash_t *d, size_t n)
{
    size_t  k, i;

    if (n == 1) {
        return 0;
    }

    for (k = 1; k * 2 < n; k *= 2) { /* void */ }

    if (m < k) {
        i = path(out, m, d, k);
        mth(out[i], d + k, n - k);

    } else {
        i = path(out, m - k, d + k, n - k);
        mth(out[i], d, k);
    }

    return i + 1;
}


static size_t
subproof(debar_hash_t *out, size_t m, debar_hash_t *d, size_t n, int b)
{
    size_t  k, i;

    if (m == n) {
        if (b) {
            return 0;
        }

        mth(out[0], d, m);
        return 1;
    }

    for (k = 1; k * 2 < n; k *= 2) { /* void */ }

    if (m <= k) {
        i = subproof(out, m, d, k, b);
        mth(out[i], d + k, n - k);

    } else {
        i = subproof(out, m - k, d + k, n - k, 0);
        mth(out[i], d, k);
    }

    return i + 1;
}


static int
keep(void *data, unsigned level, uint64_t index, const debar_hash_t *hashes,
    unsigned width)
{
    tile_t  *t = &tiles[ntiles++];

    t->level = level;
    t->index = index;
    memcpy(t->hashes, hashes, width * 32);

    return ntiles < 64 ? DEBAR_OK : DEBAR_ERROR;
}


/* Full tiles as they were given, the last ones from the tree. */

static int
give(void *data, unsigned level, uint64_t index, unsigned width,
    debar_hash_t *hashes, debar_fault_t *fault)
{
    unsigned      i;
    debar_tree_t  *t = data;

    for (i = 0; i < ntiles; i++) {
        if (tiles[i].level == level && tiles[i].index == index) {
            memcpy(hashes, tiles[i].hashes, width * 32);
            return DEBAR_OK;
        }
    }

    if (width <= t->width[level] && index == t->size >> (8 * level + 8)) {
        memcpy(hashes, t->tile[level], width * 32);
        return DEBAR_OK;
    }

    debar_fault(fault, "no tile %u/%llu", level, (unsigned long long) index);

    return DEBAR_ERROR;
}


static void
roots(debar_tree_t *t)
{
    size_t        i, bad;
    debar_hash_t  want, got;

    memset(t, 0, sizeof(*t));
    bad = 0;

    for (i = 0; i <= LEAVES; i++) {

        mth(want, leaves, i);
        debar_tree_root(hasher, got, t);
        bad += memcmp(want, got, 32) != 0;

        if (i < LEAVES) {
            bad += debar_tree_add(hasher, t, leaves[i], keep, NULL)
                   != DEBAR_OK;
        }
    }

    is_int((long long) bad, 0, "roots of 0 to 1,100 leaves are RFC 6962's");
    is_int((long long) t->size, LEAVES, "the tree counts its leaves");
    is_int(ntiles, 4, "four tiles of the lowest level were full");
}


static void
proofs(debar_tree_t *t)
{
    int            n;
    size_t         i, m, size, want, bad, forged;
    debar_hash_t   a[64], b[64], root, old;
    debar_tree_t   again;
    debar_tiles_t  d = { hasher, t->size, give, t };
    debar_fault_t  fault;

    bad = forged = 0;

    for (size = 1; size <= LEAVES; size += size < 70 ? 1 : 103) {

        mth(root, leaves, size);

        for (i = 0; i < size; i += size < 70 ? 1 : 37) {

            want = path(a, i, leaves, size);
            n = debar_tiles_inclusion(b, &d, i, size, &fault);

            bad += n != (int) want || memcmp(a, b, want * 32) != 0
                   || debar_merkle_included(hasher, leaves[i], i, size, b,
                                            (size_t) n, root) != DEBAR_OK;

            /* another place, another leaf, one hash more, one less, one bit */

            forged += debar_merkle_included(hasher, leaves[i], i + 1, size, b,
                                            want, root) == DEBAR_OK;
            forged += debar_merkle_included(hasher, leaves[(i + 1) % LEAVES],
                                            i, size, b, want, root)
                      == DEBAR_OK;
            forged += want < 63
                      && debar_merkle_included(hasher, leaves[i], i, size, b,
                                               want + 1, root) == DEBAR_OK;

            if (want) {
                forged += debar_merkle_included(hasher, leaves[i], i, size, b,
                                                want - 1, root) == DEBAR_OK;
                b[i % want][i % 32] ^= 1;
                forged += debar_merkle_included(hasher, leaves[i], i, size, b,
                                                want, root) == DEBAR_OK;
            }
        }

        for (m = 1; m <= size; m += size < 70 ? 1 : 29) {

            mth(old, leaves, m);
            want = subproof(a, m, leaves, size, 1);
            n = debar_tiles_consistency(b, &d, m, size, &fault);

            bad += n != (int) want || memcmp(a, b, want * 32) != 0
                   || debar_merkle_consistent(hasher, m, size, old, root, b,
                                              want) != DEBAR_OK;

            if (want) {
                forged += debar_merkle_consistent(hasher, m, size, old, root,
                                                  b, want - 1) == DEBAR_OK;
                b[m % want][m % 32] ^= 0x80;
                forged += debar_merkle_consistent(hasher, m, size, old, root,
                                                  b, want) == DEBAR_OK;
            }

            old[0] ^= 1;
            forged += debar_merkle_consistent(hasher, m, size, old, root, a,
                                              want) == DEBAR_OK;
        }
    }

    is_int((long long) bad, 0, "proofs are RFC 6962's, and verify");
    is_int((long long) forged, 0, "what is none does not");

    is_int(debar_tiles_tree(&again, &d, &fault), DEBAR_OK,
           "a tree is taken up from its tiles");
    debar_tree_root(hasher, root, &again);
    mth(old, leaves, LEAVES);
    ok(memcmp(root, old, 32) == 0, "with the root that it had");

    is_int(debar_tiles_inclusion(b, &d, 3, LEAVES + 1, &fault), -1,
           "no proof for a tree that is larger than the tiles");
    is_int(debar_tiles_inclusion(b, &d, 3, 3, &fault), -1,
           "none of a leaf behind the end");
    is_int(debar_tiles_consistency(b, &d, 4, 3, &fault), -1,
           "none from a larger tree to a smaller one");
}


static void
leaf(void)
{
    uint8_t        secret[32], salt[16], mac[32], in[512];
    size_t         len, wrong;
    unsigned       n;
    debar_hash_t   out, want;
    static const uint8_t  index[8] = { 0, 0, 0, 1, 2, 3, 4, 5 };

    memset(secret, 0xa7, sizeof(secret));
    HMAC(EVP_sha256(), secret, 32, index, 8, mac, &n);
    debar_merkle_salt(hasher, salt, secret, 0x102030405);
    ok(memcmp(mac, salt, 16) == 0, "a salt is HMAC-SHA256 of the line's "
       "number");

    in[0] = 0;
    memcpy(in + 1, salt, 16);
    memcpy(in + 17, "{\"a\":1}", 7);
    sha(want, in, 24);
    debar_merkle_leaf(hasher, out, salt, "{\"a\":1}", 7);
    ok(memcmp(out, want, 32) == 0, "a leaf is SHA-256(0x00 || salt || line)");

    memset(in, 0x5a, sizeof(in));

    for (wrong = 0, len = 0; len < 300; len++) {

        in[0] = 0;
        secret[len % 3] ^= 1;
        HMAC(EVP_sha256(), secret, 32, index, 8, mac, &n);
        debar_merkle_salt(hasher, salt, secret, 0x102030405);
        wrong += memcmp(mac, salt, 16) != 0;

        memcpy(in + 1, salt, 16);
        sha(want, in, 17 + len);
        debar_merkle_leaf(hasher, out, salt, in + 17, len);
        wrong += memcmp(out, want, 32) != 0;
    }

    is_int(wrong, 0, "whatever the secret and the length");
}


static void
names(void)
{
    char  out[DEBAR_TILE_PATH];

    debar_tile_path(out, 0, 0, 256);
    is_str(out, "tile/0/000", "the first tile");
    debar_tile_path(out, 0, 1234067, 256);
    is_str(out, "tile/0/x001/x234/067", "as tlog-tiles has it");
    debar_tile_path(out, 1, 273, 5);
    is_str(out, "tile/1/273.p/5", "a partial one");
    debar_tile_path(out, 2, UINT64_MAX, 255);
    is_str(out, "tile/2/x018/x446/x744/x073/x709/x551/615.p/255",
           "however large");

    is_int(debar_tile_width(70000, 0, 273), 112, "width of the last tile");
    is_int(debar_tile_width(70000, 0, 272), 256, "of one before it");
    is_int(debar_tile_width(70000, 1, 1), 17, "of one above");
    is_int(debar_tile_width(70000, 2, 0), 1, "of the highest");
    is_int(debar_tile_width(70000, 0, 274), 0, "of none");
    is_int(debar_tile_width(70000, 3, 0), 0, "of none above");
}


/* --- a provider that is not OpenSSL's own, as that of FIPS is ------------- */

static unsigned  asked;


static void *
other_new(void *data)
{
    return calloc(1, sizeof(SHA256_CTX));
}


static void
other_free(void *ctx)
{
    free(ctx);
}


static void *
other_copy(void *ctx)
{
    SHA256_CTX  *c;

    c = malloc(sizeof(*c));
    memcpy(c, ctx, sizeof(*c));

    return c;
}


static int
other_init(void *ctx, const OSSL_PARAM params[])
{
    asked++;

    return SHA256_Init(ctx);
}


static int
other_update(void *ctx, const unsigned char *in, size_t len)
{
    return SHA256_Update(ctx, in, len);
}


static int
other_final(void *ctx, unsigned char *out, size_t *len, size_t size)
{
    *len = 32;

    return SHA256_Final(out, ctx);
}


static int
other_params(OSSL_PARAM params[])
{
    OSSL_PARAM  *p;

    p = OSSL_PARAM_locate(params, OSSL_DIGEST_PARAM_BLOCK_SIZE);

    if (p && !OSSL_PARAM_set_size_t(p, 64)) {
        return 0;
    }

    p = OSSL_PARAM_locate(params, OSSL_DIGEST_PARAM_SIZE);

    return p == NULL || OSSL_PARAM_set_size_t(p, 32);
}


static const OSSL_DISPATCH  other_sha256[] = {
    { OSSL_FUNC_DIGEST_NEWCTX, (void (*)(void)) other_new },
    { OSSL_FUNC_DIGEST_FREECTX, (void (*)(void)) other_free },
    { OSSL_FUNC_DIGEST_DUPCTX, (void (*)(void)) other_copy },
    { OSSL_FUNC_DIGEST_INIT, (void (*)(void)) other_init },
    { OSSL_FUNC_DIGEST_UPDATE, (void (*)(void)) other_update },
    { OSSL_FUNC_DIGEST_FINAL, (void (*)(void)) other_final },
    { OSSL_FUNC_DIGEST_GET_PARAMS, (void (*)(void)) other_params },
    { 0, NULL }
};

static const OSSL_ALGORITHM  other_digests[] = {
    { "SHA256:SHA2-256", "provider=other", other_sha256, NULL },
    { NULL, NULL, NULL, NULL }
};


static const OSSL_ALGORITHM *
other_query(void *ctx, int operation, int *no_cache)
{
    *no_cache = 0;

    return operation == OSSL_OP_DIGEST ? other_digests : NULL;
}


static const OSSL_DISPATCH  other_provider[] = {
    { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void)) other_query },
    { 0, NULL }
};


static int
other_begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ctx)
{
    *out = other_provider;
    *ctx = (void *) handle;

    return 1;
}


static void
elsewhere(debar_tree_t *t)
{
    OSSL_PROVIDER  *p;

    is_int(OSSL_PROVIDER_add_builtin(NULL, "other", other_begin), 1,
           "a provider of another maker");
    p = OSSL_PROVIDER_load(NULL, "other");
    ok(p != NULL, "is loaded");
    is_int(EVP_set_default_properties(NULL, "?provider=other"), 1,
           "and wanted");

    hasher = debar_hasher_new();
    asked = 0;
    ntiles = 0;
    leaf();
    ok(asked > 3, "it is asked for each hash");
    roots(t);
    debar_hasher_free(hasher);

    EVP_set_default_properties(NULL, "");
    OSSL_PROVIDER_unload(p);
}


int
main(void)
{
    size_t        i;
    debar_tree_t  *t;

    for (i = 0; i < LEAVES; i++) {
        sha(leaves[i], &i, sizeof(i));
    }

    hasher = debar_hasher_new();
    t = malloc(sizeof(*t));

    leaf();
    names();
    roots(t);
    proofs(t);
    debar_hasher_free(hasher);
    elsewhere(t);
    free(t);

    return done();
}
