/*
 * Content codings of an answer undone as it streams (RFC 9110 s.8.4): gzip with
 * all its members, deflate with and without zlib's wrapping, br, zstd, and
 * several of them one in the other.
 */

#ifndef DEBAR_UNPACK_H
#define DEBAR_UNPACK_H

#include "debar.h"


/* Codings that are undone, one in the other; more are not read. */

#define DEBAR_UNPACK_CODINGS  3

typedef struct debar_unpack_s  debar_unpack_t;

/* Given bytes as they are made, in pieces of 16 KiB at most.  DEBAR_DECLINED:
 * enough. */

typedef int (*debar_unpack_pt)(void *data, const char *bytes, size_t len);

/* codings: a Content-Encoding; empty, or not known: bytes pass as they are.
 * NULL: no memory, or too many of them. */

debar_unpack_t *debar_unpack_new(debar_str_t codings);

/* DEBAR_OK; DEBAR_DECLINED, from the sink; DEBAR_ERROR: from here on the bytes
 * are not of that coding, and no more are made. */

int debar_unpack_push(debar_unpack_t *u, const char *data, size_t len,
    debar_unpack_pt sink, void *arg);

void debar_unpack_free(debar_unpack_t *u);


#endif /* DEBAR_UNPACK_H */
