/*
 * Checkpoints of the audit log (C2SP tlog-checkpoint,
 * https://c2sp.org/tlog-checkpoint): the text of a signed note (note.h),
 *
 *     debar-audit/GATEWAY                  origin: the name of the sealer's key
 *     1234                                 leaves of the tree
 *     BASE64                               its root
 *
 * Lines behind these are extensions, read and kept by who signed them.
 */

#ifndef DEBAR_CHECKPOINT_H
#define DEBAR_CHECKPOINT_H

#include "merkle.h"
#include "note.h"


#define DEBAR_CHECKPOINT_ORIGIN  "debar-audit/"   /* GATEWAY comes behind */


typedef struct {
    char          origin[DEBAR_KEY_NAME + 1];
    uint64_t      size;
    debar_hash_t  root;
} debar_checkpoint_t;

/* The text, without signatures. */

void debar_checkpoint_text(debar_buf_t *out, const debar_checkpoint_t *c);

/* The text of a note that was read. */

int debar_checkpoint_parse(debar_checkpoint_t *c, const char *file,
    debar_str_t text, debar_fault_t *fault);

/* Text, blank line, signature: appended to out.  private as in note.h. */

int debar_checkpoint_sign(debar_buf_t *out, const debar_checkpoint_t *c,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault);

/* A note of len bytes whose text is a checkpoint, signed by key (NULL: whoever
 * signed it) with its name as origin. */

int debar_checkpoint_read(debar_checkpoint_t *c, const char *file,
    const void *data, size_t len, const debar_vkey_t *key,
    debar_fault_t *fault);


/*
 * The file of all checkpoints: for each a line with the bytes of its note, and
 * the note.  Add: appended to out.  Next: the note at the beginning of data;
 * the bytes that it takes with its line, 0 at the end, -1: what stands there is
 * no whole one, as a torn end.
 */

void debar_checkpoints_add(debar_buf_t *out, debar_str_t note);
int64_t debar_checkpoints_next(debar_str_t *note, const char *data,
    size_t len);


#endif /* DEBAR_CHECKPOINT_H */
