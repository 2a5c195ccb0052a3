/*
 * Between file_ole.c, which walks compound files ([MS-CFB]), and what is in
 * them: file_msi.c.
 */

#ifndef DEBAR_FILE_OLE_H
#define DEBAR_FILE_OLE_H

#include "file_read.h"


#define DEBAR_OLE_STORAGE  1
#define DEBAR_OLE_STREAM   2
#define DEBAR_OLE_NAME     128    /* a name as text */
#define DEBAR_OLE_NONE     0xffffffff


/* An entry of the directory, beside its 128 bytes. */

typedef struct {
    uint32_t            parent;
    uint32_t            place;    /* in order[] */
    uint32_t            first;    /* of a storage: its children in order[] */
    uint32_t            end;
    unsigned            reached;
} debar_ole_entry_t;

typedef struct {
    debar_reader_t     *rd;
    uint64_t            size;
    uint64_t            used;     /* where the last sector in use ends */
    uint64_t            budget;   /* bytes of streams that may still be read: they
                                     share none, so that they cannot be more
                                     than the file */
    unsigned            shift;    /* a sector is 1 << shift bytes */
    uint32_t            nsectors;
    uint8_t            *fat;      /* 4 bytes for each sector */
    uint64_t            nfat;     /* bytes */
    uint8_t            *minifat;
    uint64_t            nminifat;
    uint32_t           *mini;     /* sectors of the stream of small streams */
    uint32_t            nmini;
    uint64_t            cutoff;
    uint8_t            *dir;      /* 128 bytes each; entry 0 is the root */
    uint32_t            nentries;
    debar_ole_entry_t  *entries;
    uint32_t           *order;    /* by parent, then by the bytes of the name */
    uint32_t            norder;
} debar_ole_t;

typedef struct {
    debar_ole_t        *ole;
    uint64_t            left;
    uint64_t            steps;
    uint32_t            sector;
    uint32_t            mark;     /* a chain that comes back here is a ring */
    uint32_t            used;     /* bytes of the sector that were read */
    unsigned            small;
    unsigned            lost;     /* there is less than it says */
} debar_ole_stream_t;


/* Entries in their order, storages entered and left again. */

typedef enum {
    DEBAR_OLE_AT_STREAM = 1,
    DEBAR_OLE_AT_STORAGE,
    DEBAR_OLE_AT_END,             /* of that storage; of the root, too */
    DEBAR_OLE_AT_NOTHING
} debar_ole_at_e;

typedef struct {
    debar_ole_t        *ole;
    uint32_t            storage;
    uint32_t            next;     /* in order[] */
    uint32_t            entry;    /* what was come to */
    unsigned            done;
} debar_ole_walk_t;

void debar_ole_walk(debar_ole_walk_t *w, debar_ole_t *ole);
debar_ole_at_e debar_ole_next(debar_ole_walk_t *w);

static inline const uint8_t *
debar_ole_raw(const debar_ole_t *ole, uint32_t entry)
{
    return ole->dir + 128 * (uint64_t) entry;
}

uint64_t debar_ole_size(const debar_ole_t *ole, uint32_t entry);

/* Bytes of the name without its end, 62 at most. */

unsigned debar_ole_name_len(const debar_ole_t *ole, uint32_t entry);

/* As UTF-8, with a NUL; names of MSI decoded, those of its tables with a '!'
 * before them. */

size_t debar_ole_name(const debar_ole_t *ole, uint32_t entry,
    char out[DEBAR_OLE_NAME]);

/* The child of that name (ASCII and \5, in any case); NONE. */

uint32_t debar_ole_child(const debar_ole_t *ole, uint32_t storage,
    const char *name);

/* An entry of that name to which nothing leads any more; NONE. */

uint32_t debar_ole_lost(const debar_ole_t *ole, const char *name);

/* A stream from its start.  read: n bytes, fewer at its end; where there is less
 * than it says to have, what is there, then -1, and BROKEN is said. */

void debar_ole_open(debar_ole_t *ole, uint32_t entry, debar_ole_stream_t *s);
long debar_ole_read(debar_ole_stream_t *s, void *buf, size_t n);

/* All of it, at most max, in memory of debar_reader_alloc(); NULL: none of it,
 * or more than the bound.  *n: how many came, *room what to free. */

void *debar_ole_bytes(debar_ole_t *ole, uint32_t entry, uint64_t max,
    size_t *n, uint64_t *room);


/* Signature, what the package says of itself (file_msi.c). */

int debar_ole_is_msi(const debar_ole_t *ole);
int debar_msi_read(debar_ole_t *ole);

/* UTF-16 (little-endian) and code pages of Windows to UTF-8: bytes written. */

size_t debar_ole_utf16(const uint8_t *in, size_t len, char *out, size_t size);
size_t debar_ole_text(unsigned codepage, const char *in, size_t len, char *out,
    size_t size);


#endif /* DEBAR_FILE_OLE_H */
