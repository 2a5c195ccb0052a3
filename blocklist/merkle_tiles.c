/*
 * The tree's hashes as they lie in tiles, and proofs made from them.
 */

#include <stdio.h>

#include "merkle.h"


static int debar_tiles_range(debar_hash_t out, const debar_tiles_t *tiles,
    uint64_t lo, uint64_t n, debar_fault_t *fault);
static int debar_tiles_subtree(debar_hash_t out, const debar_tiles_t *tiles,
    unsigned bits, uint64_t lo, debar_fault_t *fault);
static uint64_t debar_tiles_split(uint64_t n);


unsigned
debar_tile_width(uint64_t size, unsigned level, uint64_t index)
{
    uint64_t  n;

    if (level >= DEBAR_TILE_LEVELS) {
        return 0;
    }

    n = size >> (8 * level);

    if (index >= n / DEBAR_TILE_WIDTH) {
        return index > n / DEBAR_TILE_WIDTH
               ? 0 : (unsigned) (n % DEBAR_TILE_WIDTH);
    }

    return DEBAR_TILE_WIDTH;
}


size_t
debar_tile_path(char out[DEBAR_TILE_PATH], unsigned level, uint64_t index,
    unsigned width)
{
    int       n;
    unsigned  group[7], i;

    for (i = 0; i == 0 || index; i++) {
        group[i] = (unsigned) (index % 1000);
        index /= 1000;
    }

    n = snprintf(out, DEBAR_TILE_PATH, "tile/%u", level);

    while (i--) {
        n += snprintf(out + n, DEBAR_TILE_PATH - (size_t) n, "/%s%03u",
                      i ? "x" : "", group[i]);
    }

    if (width < DEBAR_TILE_WIDTH) {
        n += snprintf(out + n, DEBAR_TILE_PATH - (size_t) n, ".p/%u", width);
    }

    return (size_t) n;
}


int
debar_tiles_tree(debar_tree_t *t, const debar_tiles_t *tiles,
    debar_fault_t *fault)
{
    unsigned  level, width;
    uint64_t  n;

    memset(t, 0, sizeof(*t));
    t->size = tiles->size;

    for (level = 0; level < DEBAR_TILE_LEVELS; level++) {

        n = tiles->size >> (8 * level);
        width = (unsigned) (n % DEBAR_TILE_WIDTH);

        if (width && tiles->read(tiles->data, level, n / DEBAR_TILE_WIDTH,
                                 width, t->tile[level], fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        t->width[level] = width;
    }

    return DEBAR_OK;
}


int
debar_tiles_root(debar_hash_t out, const debar_tiles_t *tiles, uint64_t size,
    debar_fault_t *fault)
{
    return debar_tiles_range(out, tiles, 0, size, fault);
}


int
debar_tiles_leaf(debar_hash_t out, const debar_tiles_t *tiles, uint64_t index,
    debar_fault_t *fault)
{
    return debar_tiles_range(out, tiles, index, 1, fault);
}


/* MTH(D[lo : lo + n]), lo being a multiple of a power of two that is not less
 * than n: whole subtrees, joined from the right. */

static int
debar_tiles_range(debar_hash_t out, const debar_tiles_t *tiles, uint64_t lo,
    uint64_t n, debar_fault_t *fault)
{
    unsigned      bits, any;
    debar_hash_t  hash;

    if (lo > tiles->size || n > tiles->size - lo) {
        debar_fault(fault, "the tree has %llu leaves, and leaf %llu is asked "
                    "for: take a later checkpoint",
                    (unsigned long long) tiles->size,
                    (unsigned long long) (lo + n - (n > 0)));
        return DEBAR_ERROR;
    }

    for (any = 0; n; n &= n - 1) {

        bits = (unsigned) __builtin_ctzll(n);

        if (debar_tiles_subtree(hash, tiles, bits, lo + n - (1ULL << bits),
                                fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        if (any) {
            debar_merkle_node(tiles->hasher, out, hash, out);

        } else {
            memcpy(out, hash, DEBAR_HASH);
            any = 1;
        }
    }

    if (!any) {
        debar_merkle_empty(tiles->hasher, out);
    }

    return DEBAR_OK;
}


/* 2^bits leaves from lo on, a multiple of that: some hashes of one tile. */

static int
debar_tiles_subtree(debar_hash_t out, const debar_tiles_t *tiles,
    unsigned bits, uint64_t lo, debar_fault_t *fault)
{
    unsigned      level, from, n, width;
    uint64_t      at;
    debar_hash_t  tile[DEBAR_TILE_WIDTH];

    level = bits / 8;
    at = lo >> (8 * level);
    from = (unsigned) (at % DEBAR_TILE_WIDTH);
    n = 1u << (bits % 8);
    width = debar_tile_width(tiles->size, level, at / DEBAR_TILE_WIDTH);

    if (from + n > width) {
        debar_fault(fault, "tile %u/%llu: %u hashes of it belong to the tree, "
                    "%u are needed", level,
                    (unsigned long long) (at / DEBAR_TILE_WIDTH), width,
                    from + n);
        return DEBAR_ERROR;
    }

    if (tiles->read(tiles->data, level, at / DEBAR_TILE_WIDTH, width, tile,
                    fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    debar_tile_root(tiles->hasher, out, (const debar_hash_t *) tile + from, n);

    return DEBAR_OK;
}


/* The largest power of two below n, n > 1. */

static uint64_t
debar_tiles_split(uint64_t n)
{
    return 1ULL << (63 - __builtin_clzll(n - 1));
}


int
debar_tiles_inclusion(debar_hash_t out[DEBAR_MERKLE_DEPTH],
    const debar_tiles_t *tiles, uint64_t index, uint64_t size,
    debar_fault_t *fault)
{
    int       i, n;
    uint64_t  lo, left, k, from[DEBAR_MERKLE_DEPTH], many[DEBAR_MERKLE_DEPTH];

    if (index >= size) {
        debar_fault(fault, "leaf %llu is not in a tree of %llu leaves",
                    (unsigned long long) index, (unsigned long long) size);
        return -1;
    }

    lo = 0;
    left = size;

    for (n = 0; left > 1; n++) {

        k = debar_tiles_split(left);

        if (index - lo < k) {
            from[n] = lo + k;
            many[n] = left - k;
            left = k;

        } else {
            from[n] = lo;
            many[n] = k;
            lo += k;
            left -= k;
        }
    }

    /* from the leaf up */

    for (i = 0; i < n; i++) {
        if (debar_tiles_range(out[i], tiles, from[n - 1 - i], many[n - 1 - i],
                              fault) != DEBAR_OK)
        {
            return -1;
        }
    }

    return n;
}


int
debar_tiles_consistency(debar_hash_t out[DEBAR_MERKLE_DEPTH],
    const debar_tiles_t *tiles, uint64_t old, uint64_t size,
    debar_fault_t *fault)
{
    int       i, n;
    uint64_t  lo, left, k, from[DEBAR_MERKLE_DEPTH + 1],
              many[DEBAR_MERKLE_DEPTH + 1];

    if (old == 0 || old > size) {
        debar_fault(fault, "no proof leads from a tree of %llu leaves to one "
                    "of %llu", (unsigned long long) old,
                    (unsigned long long) size);
        return -1;
    }

    lo = 0;
    left = size;

    for (n = 0; old - lo < left; n++) {

        k = debar_tiles_split(left);

        if (old - lo <= k) {
            from[n] = lo + k;
            many[n] = left - k;
            left = k;

        } else {
            from[n] = lo;
            many[n] = k;
            lo += k;
            left -= k;
        }
    }

    /* what the old tree ends with, unless it is all of it */

    if (lo) {
        from[n] = lo;
        many[n++] = left;
    }

    for (i = 0; i < n; i++) {
        if (debar_tiles_range(out[i], tiles, from[n - 1 - i], many[n - 1 - i],
                              fault) != DEBAR_OK)
        {
            return -1;
        }
    }

    return n;
}
