/*
 * The Merkle tree of RFC 6962 section 2 over the lines of the audit log, and
 * its hashes in tiles (C2SP tlog-tiles, https://c2sp.org/tlog-tiles, height
 * 8).  Bytes in, bytes out: who reads and writes the tiles passes a function.
 *
 * A leaf is salted: SHA-256(0x00 || salt || line).  For who has not the salt it
 * says nothing of a line, however few there are to guess from.
 */

#ifndef DEBAR_MERKLE_H
#define DEBAR_MERKLE_H

#include "debar.h"


#define DEBAR_HASH          32
#define DEBAR_SALT          16
#define DEBAR_MERKLE_DEPTH  64               /* hashes of a proof, at most */
#define DEBAR_TILE_WIDTH    256
#define DEBAR_TILE_LEVELS   7                /* trees of up to 2^56 leaves */
#define DEBAR_TILE_PATH     64
#define DEBAR_MERKLE_MAX    (1ULL << 56)

typedef uint8_t  debar_hash_t[DEBAR_HASH];


/*
 * What hashes: one for a thread, which holds OpenSSL's contexts.  NULL: SHA-256
 * is not to be had there.  Once it is made, hashing does not fail.
 */

typedef struct debar_hasher_s  debar_hasher_t;

debar_hasher_t *debar_hasher_new(void);
void debar_hasher_free(debar_hasher_t *h);

void debar_merkle_leaf(debar_hasher_t *h, debar_hash_t out,
    const uint8_t salt[DEBAR_SALT], const void *line, size_t len);
void debar_merkle_node(debar_hasher_t *h, debar_hash_t out,
    const debar_hash_t left, const debar_hash_t right);

/* The first bytes of HMAC-SHA256(secret, index in 8 bytes, big endian): index
 * is that of the line in its file, from 0. */

void debar_merkle_salt(debar_hasher_t *h, uint8_t out[DEBAR_SALT],
    const uint8_t secret[32], uint64_t index);

/* Of no leaves: SHA-256 of nothing. */

void debar_merkle_empty(debar_hasher_t *h, debar_hash_t out);


/*
 * A tree that only grows: the last, unfinished tile of each level.  Zeroes are
 * the empty tree.  tile[L] has width[L] hashes of subtrees of 256^L leaves.
 */

typedef struct {
    uint64_t      size;
    unsigned      width[DEBAR_TILE_LEVELS];
    debar_hash_t  tile[DEBAR_TILE_LEVELS][DEBAR_TILE_WIDTH];
} debar_tree_t;

/* A tile that is full: number index of its level.  Anything but DEBAR_OK ends
 * the growing. */

typedef int (*debar_tile_pt)(void *data, unsigned level, uint64_t index,
    const debar_hash_t *hashes, unsigned width);

/* Adds a leaf; full (may be NULL) is called for each tile that it fills, from
 * the lowest level.  DEBAR_ERROR: full said so, the tree is not to be used any
 * more; or it has DEBAR_MERKLE_MAX leaves. */

int debar_tree_add(debar_hasher_t *h, debar_tree_t *t, const debar_hash_t leaf,
    debar_tile_pt full, void *data);

/* Its root (RFC 6962 s.2.1). */

void debar_tree_root(debar_hasher_t *h, debar_hash_t out,
    const debar_tree_t *t);

/* How many hashes the tile has in a tree of size leaves: 0 to 256. */

unsigned debar_tile_width(uint64_t size, unsigned level, uint64_t index);

/* "tile/0/x001/234", "tile/1/000.p/17"; the length.  width: 1 to 256. */

size_t debar_tile_path(char out[DEBAR_TILE_PATH], unsigned level,
    uint64_t index, unsigned width);

/* The root of a full or partial tile: the hash that stands for it above, where
 * it is full. */

void debar_tile_root(debar_hasher_t *h, debar_hash_t out,
    const debar_hash_t *hashes, unsigned width);


/* The hashes of tile index of its level, of which at least width are there (in
 * a larger tree it may have become full). DEBAR_ERROR: fault says why not. */

typedef int (*debar_tile_read_pt)(void *data, unsigned level, uint64_t index,
    unsigned width, debar_hash_t *hashes, debar_fault_t *fault);

typedef struct {
    debar_hasher_t      *hasher;
    uint64_t             size;    /* of the tree that the tiles are read for */
    debar_tile_read_pt   read;
    void                *data;
} debar_tiles_t;

/* The tree of tiles->size leaves, to go on with. */

int debar_tiles_tree(debar_tree_t *t, const debar_tiles_t *tiles,
    debar_fault_t *fault);

/* The root of the tree of the first size leaves, size <= tiles->size. */

int debar_tiles_root(debar_hash_t out, const debar_tiles_t *tiles,
    uint64_t size, debar_fault_t *fault);

/* The hash of one leaf. */

int debar_tiles_leaf(debar_hash_t out, const debar_tiles_t *tiles,
    uint64_t index, debar_fault_t *fault);

/*
 * PATH(index, D[size]) and PROOF(old, D[size]) of RFC 6962 s.2.1.1, s.2.1.2.
 * The number of hashes, at most DEBAR_MERKLE_DEPTH; -1: fault says why.  index
 * < size <= tiles->size; 0 < old <= size.
 */

int debar_tiles_inclusion(debar_hash_t out[DEBAR_MERKLE_DEPTH],
    const debar_tiles_t *tiles, uint64_t index, uint64_t size,
    debar_fault_t *fault);
int debar_tiles_consistency(debar_hash_t out[DEBAR_MERKLE_DEPTH],
    const debar_tiles_t *tiles, uint64_t old, uint64_t size,
    debar_fault_t *fault);


/* DEBAR_OK: the proof holds (RFC 9162 s.2.1.3.2, s.2.1.4.2). */

int debar_merkle_included(debar_hasher_t *h, const debar_hash_t leaf,
    uint64_t index, uint64_t size, const debar_hash_t *proof, size_t n,
    const debar_hash_t root);
int debar_merkle_consistent(debar_hasher_t *h, uint64_t old, uint64_t size,
    const debar_hash_t old_root, const debar_hash_t root,
    const debar_hash_t *proof, size_t n);


#endif /* DEBAR_MERKLE_H */
