/*
 * What audit_check.c and audit_check_lines.c share.
 */

#ifndef DEBAR_TOOLS_AUDIT_CHECK_PRIVATE_H
#define DEBAR_TOOLS_AUDIT_CHECK_PRIVATE_H

#include <pthread.h>
#include <openssl/evp.h>

#include "audit_check.h"


#define DEBAR_AUDIT_THREADS  64

/* Of one read: what was read is hashed twice, for its file and line by line,
 * while it is in a processor's cache. */

#define DEBAR_AUDIT_CHUNK    (256u << 10)

/* A file that is open.  Whoever has its mutex reads the next lines of it; they
 * are hashed by who read them, beside what others read. */

typedef struct {
    pthread_mutex_t       mutex;
    unsigned              used;   /* under the pool's mutex, as is workers */
    unsigned              workers;
    unsigned              ended;  /* there is nothing more to read */
    debar_audit_part_t    part;
    size_t                i;      /* of the part */
    uint8_t               secret[DEBAR_SEALED_SECRET];
    uint64_t              left;   /* lines that are not read yet */
    uint64_t              offset; /* in the file, of what is read next */
    uint64_t              reads;
    unsigned              end;    /* of the file */
    char                 *rest;   /* of the last read: no whole line */
    size_t                nrest;

    pthread_mutex_t       turn;   /* the file's digest takes reads in order */
    pthread_cond_t        turns;
    uint64_t              hashed; /* reads */
    EVP_MD_CTX           *digest; /* NULL: it is not closed */
} debar_audit_stream_t;

typedef struct {
    debar_audit_check_t  *check;
    pthread_mutex_t       mutex;
    pthread_cond_t        done;
    unsigned              running;           /* workers */
    uint64_t              tile;   /* of level 1, that is checked next */
    size_t                next;   /* part that is read next */
    unsigned              open;   /* streams that have not ended */
    debar_audit_stream_t  streams[2 * DEBAR_AUDIT_THREADS];
    unsigned              failed; /* fault says why */
    debar_fault_t         fault;
} debar_audit_pool_t;

typedef struct {
    debar_audit_pool_t   *pool;
    debar_hasher_t       *hasher;
    debar_tiles_t         tiles;
    debar_audit_tiles_t   store;
    debar_hash_t          hashes[DEBAR_TILE_WIDTH];
    debar_hash_t          above[DEBAR_TILE_WIDTH];
    char                 *data;   /* DEBAR_AUDIT_ROOM bytes */
} debar_audit_worker_t;

#define DEBAR_AUDIT_ROOM  (DEBAR_AUDIT_CHUNK + DEBAR_SEALED_LINE + 1)


/* A leaf that is not what its tile says; the first one counts. */

void debar_audit_bad(debar_audit_pool_t *pool, uint64_t leaf, size_t part);

/* It cannot be checked; the first fault is told. */

void debar_audit_failed(debar_audit_pool_t *pool, const debar_fault_t *fault);

/* audit_check_lines.c: all lines, by as many workers as call it. */

void debar_audit_lines(debar_audit_worker_t *w);
void debar_audit_stream_free(debar_audit_stream_t *s);


#endif /* DEBAR_TOOLS_AUDIT_CHECK_PRIVATE_H */
