/*
 * Signatures of Apple's as programs and disk images have them.
 */

#ifndef DEBAR_FILE_APPLE_H
#define DEBAR_FILE_APPLE_H

#include "file_read.h"


/* What all that is in one file may use up. */

typedef struct {
    unsigned         lists;
    uint64_t         left;        /* bytes that digests are made of */
} debar_apple_t;

/* One program, or the disk image: what is signed of the file. */

typedef struct {
    debar_reader_t  *rd;
    debar_apple_t   *all;
    uint64_t         base;
    uint64_t         size;
    unsigned         big;
    unsigned         wide;        /* 64 bits */
    unsigned         astray;      /* what is signed is not where it was */
    uint64_t         signature;   /* 0: none */
    uint64_t         signature_size;
    uint64_t         end;         /* what belongs to it ends there */
} debar_macho_t;

/* A signature at m->signature, and what it says. */

int debar_code_read(const debar_macho_t *m);

/* Where one lies at the end, if nothing leads to it: m->signature is set. */

void debar_macho_lost(debar_macho_t *m);

/* Signatures that lie anywhere in the file: whose they are, not whether they
 * hold. */

int debar_code_scan(debar_reader_t *rd);


/* Numbers, big-endian. */

static inline uint32_t
debar_be32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}


static inline uint64_t
debar_be64(const uint8_t *p)
{
    return (uint64_t) debar_be32(p) << 32 | debar_be32(p + 4);
}


#endif /* DEBAR_FILE_APPLE_H */
