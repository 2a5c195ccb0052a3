/*
 * What the sealer of the audit log keeps beside it, in DIR/audit/sealed:
 *
 *     checkpoint        the latest checkpoint (checkpoint.h)
 *     checkpoints       every one, appended
 *     tile/L/NNN        hashes of the tree (merkle.h)
 *     files             a line for each file that is closed (below)
 *     deletions         which of them policy deleted (sealed_deletion.h)
 *     state             how far the sealer is (below)
 *     secrets/NAME      32 random bytes, from which a file's salts are made
 *     lock              held by the sealer that runs
 *
 * Files are numbered from 1.  The one with the number of the state is followed:
 * it is audit-NNNNNNNN.jsonl once that is there, audit.jsonl until then.
 */

#ifndef DEBAR_SEALED_H
#define DEBAR_SEALED_H

#include "merkle.h"


#define DEBAR_SEALED_LIVE    "audit.jsonl"
#define DEBAR_SEALED_NAME    48              /* "audit-00000001.jsonl" */
#define DEBAR_SEALED_SECRET  32              /* bytes of a secret */
#define DEBAR_SEALED_LINE    (1 << 20)       /* bytes of a leaf, at most */
#define DEBAR_SEALED_TEXT    1024            /* of a line of files, of state */
#define DEBAR_SEALED_FORMAT  "debar-seal/1"


/* "audit-00000001.jsonl", and "audit-00000001", its secret. */

void debar_sealed_file_name(char out[DEBAR_SEALED_NAME], uint64_t number);
void debar_sealed_secret_name(char out[DEBAR_SEALED_NAME], uint64_t number);

/* The number of such a file; 0: it is not one. */

uint64_t debar_sealed_number(const char *name, size_t len);


/*
 * The next leaf of a file of which len bytes at p are not yet read.  *len: its
 * bytes, without the newline; returned: bytes to go on by, 0: it is not all
 * there.  last: nothing comes behind (a file that is closed), so that what has
 * no newline is a line, too.
 *
 * A line of more than DEBAR_SEALED_LINE bytes is as many leaves as it takes.
 */

size_t debar_sealed_line(const char *p, size_t avail, int last, size_t *len);

/* Whether it is no JSON object from brace to brace, as a full disk leaves it. */

int debar_sealed_torn(const char *p, size_t len);


/*
 * A file that is closed, as JSON on one line: file, first, lines, bytes, sha256,
 * secret, closed, deleted (absent: it is there).  Appended, never changed: for
 * a file that was deleted by policy there is a second line, which counts.
 */

typedef struct {
    uint64_t  number;
    uint64_t  first;              /* leaf of its first line */
    uint64_t  lines;
    uint64_t  bytes;
    uint8_t   sha256[32];         /* of the whole file */
    int64_t   closed;             /* epoch seconds */
    int64_t   deleted;            /* 0: it is there */
} debar_sealed_file_t;

/* With its newline. */

void debar_sealed_file_text(debar_buf_t *out, const debar_sealed_file_t *f);

/* One line, without its newline.  name: of the file of files, for messages. */

int debar_sealed_file_parse(debar_sealed_file_t *f, const char *name,
    const char *data, size_t len, debar_fault_t *fault);


/*
 * How far the sealer is: one JSON object.  It is written, after the tiles and
 * before a checkpoint is signed, by rename: no two roots are signed for a size.
 */

typedef struct {
    uint64_t      size;           /* leaves of the tree */
    debar_hash_t  root;
    uint64_t      number;         /* of the file that is followed */
    uint64_t      first;          /* leaf of its first line */
    uint64_t      lines;          /* of it, sealed */
    uint64_t      bytes;          /* of it, sealed */
    uint64_t      torn;           /* lines of all files that are no JSON */
    uint64_t      inode;          /* of the file; 0: none was there */
    uint64_t      checkpoints;    /* bytes of the file of all checkpoints, but
                                     for that of this state */
    int64_t       began;          /* epoch seconds: its first line was sealed;
                                     0: none was */
    int64_t       time;           /* epoch seconds: of this state */
} debar_sealed_state_t;

void debar_sealed_state_text(debar_buf_t *out, const debar_sealed_state_t *s);
int debar_sealed_state_parse(debar_sealed_state_t *s, const char *name,
    const char *data, size_t len, debar_fault_t *fault);


#endif /* DEBAR_SEALED_H */
