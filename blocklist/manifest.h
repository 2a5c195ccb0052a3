/*
 * The manifest of a list: what those who approve it sign (note.h), and what
 * whoever fetches it goes by.  Its text, exactly so, in this order:
 *
 *     debar-manifest/1
 *     serial 12
 *     previous 11 HEX                     or: previous none
 *     created 2026-11-22T09:00:00Z
 *     expires 2026-12-22T00:00:00Z
 *     title Federal list
 *     digest HEX                          of the rows (snapshot.h)
 *     sha256 HEX                          of the .mdb file
 *     size 1234567                        its bytes
 *     preview HEX                         SHA-256 of its JSON, or: none
 *     diff HEX                            the same
 *
 * There is one text for a manifest and one manifest for a text: another order,
 * space, number or key is refused, and a new format has a new first line.
 */

#ifndef DEBAR_MANIFEST_H
#define DEBAR_MANIFEST_H

#include "root.h"


#define DEBAR_MANIFEST_FORMAT  "debar-manifest/1"
#define DEBAR_MANIFEST_TITLE   512               /* bytes */
#define DEBAR_MANIFEST_SIZE    (1ULL << 46)      /* of a snapshot */
#define DEBAR_MANIFEST_AHEAD   86400             /* s that clocks may differ */


typedef struct {
    uint64_t  serial;             /* from 1 */
    uint64_t  previous;           /* 0: none */
    int64_t   created;            /* epoch seconds */
    int64_t   expires;
    uint64_t  size;
    char      title[DEBAR_MANIFEST_TITLE + 1];
    char      previous_digest[65];           /* of rows; empty: none */
    char      digest[65];
    char      sha256[65];
    char      preview[65];                   /* empty: none */
    char      diff[65];                      /* empty: none */
} debar_manifest_t;

/* Reads the text of a manifest; who signed it is another question.  A title
 * has no control characters, of Unicode either, nor marks of direction. */

int debar_manifest_parse(debar_manifest_t *m, const char *file,
    debar_str_t text, debar_fault_t *fault);

/* The text; DEBAR_ERROR: a member is not one that parse would take. */

int debar_manifest_text(debar_buf_t *out, const debar_manifest_t *m,
    debar_fault_t *fault);


/* What is in force where the manifest is to go: the last serial, 0 for none,
 * and its digest of rows (debar_snapshot_floor()). */

typedef struct {
    uint64_t  serial;
    char      digest[65];
} debar_manifest_floor_t;

/*
 * The whole question of a manifest that was fetched, len bytes at data: a note,
 * signed by the threshold of the root, which is in its time itself, with the
 * text of a manifest that has not expired at now and is not from the future,
 * whose serial is not below the floor, nor the same with other rows.
 *
 * The root's own signatures were checked where it was taken up
 * (debar_root_check(), debar_root_follows()).  floor NULL: none.  DEBAR_ERROR:
 * fault has one line with file, value and remedy; *m is not to be used then.
 */

int debar_manifest_verify(debar_manifest_t *m, const char *file,
    const void *data, size_t len, const debar_root_t *root, int64_t now,
    const debar_manifest_floor_t *floor, debar_fault_t *fault);

/* The same of the text alone: time and serial, without the signatures. */

int debar_manifest_current(const debar_manifest_t *m, const char *file,
    int64_t now, const debar_manifest_floor_t *floor, debar_fault_t *fault);


#endif /* DEBAR_MANIFEST_H */
