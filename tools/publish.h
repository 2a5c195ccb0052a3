/*
 * A published folder, as any static HTTP server serves it:
 *
 *     manifest                    the note in force; replaced last, by rename
 *     manifests/SERIAL            each that was
 *     snapshots/SHA256.mdb.zst    by the SHA-256 of the file it unpacks to
 *     deltas/FROM-TO.delta.zst    by the digests of rows
 *     root, roots/VERSION         who may approve, and each before
 *     .base.mdb                   the last snapshot, for the next delta
 */

#ifndef DEBAR_TOOLS_PUBLISH_H
#define DEBAR_TOOLS_PUBLISH_H

#include "delta.h"
#include "trust.h"


#define DEBAR_PUBLISH_PATH  4096
#define DEBAR_PUBLISH_KEEP  10


/* FOLDER/manifest or, by its serial, one of FOLDER/manifests, as far as it can
 * be read: its signatures are not looked at.  DEBAR_DECLINED: there is none. */

int debar_published(debar_manifest_t *m, const char *folder, uint64_t serial,
    debar_fault_t *fault);

/* "snapshots/SHA256.mdb.zst", "deltas/FROM-TO.delta.zst" */

void debar_published_snapshot(char out[256], const debar_manifest_t *m);
void debar_published_delta(char out[256], const char *from, const char *to);

/* Packs path into out by zstd, and gives SHA-256 and size of what it packed:
 * DEBAR_DECLINED if that is not what m says, and out is not there. */

int debar_publish_pack(const char *path, const char *out,
    const debar_manifest_t *m, int level, uint64_t *packed, unsigned quiet,
    debar_fault_t *fault);

/* Removes temporary files that begin so: those of a command that was killed,
 * since the caller holds the lock under which they are made. */

void debar_sweep(const char *folder, const char *begin);

/* Removes snapshots and deltas of all but the last `keep` serials. */

void debar_publish_prune(const char *folder, unsigned keep);


/* --- fetching (sync_http.c) ---------------------------------------------- */

typedef struct {
    const char    *base;          /* URL of the folder, without a last slash */
    unsigned       stall;         /* s without a kilobyte each */
    unsigned       total;         /* s for what is small */
    volatile int  *stop;          /* set: give up */
} debar_fetch_t;

/* What came.  Text is NUL-terminated, and empty where there was none. */

typedef struct {
    long      status;             /* 200, 206, 304, 404, ... */
    char      etag[256];
    uint64_t  bytes;
} debar_fetched_t;

/*
 * GET base/name into out, at most max bytes.  etag NULL or empty: whatever is
 * there.  DEBAR_OK: 200; DEBAR_DECLINED: 304 or 404; DEBAR_ERROR: fault names
 * the URL, what went wrong and what to do.
 */

int debar_fetch_small(const debar_fetch_t *f, const char *name, size_t max,
    const char *etag, debar_buf_t *out, debar_fetched_t *got,
    debar_fault_t *fault);

/* The same into a file that may be there in part already: it is gone on with
 * where the server can. */

int debar_fetch_file(const debar_fetch_t *f, const char *name, uint64_t max,
    const char *path, debar_fetched_t *got, debar_fault_t *fault);

int debar_fetch_start(debar_fault_t *fault);


#endif /* DEBAR_TOOLS_PUBLISH_H */
