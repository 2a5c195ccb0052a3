/*
 * Why files of a sealed log are gone: DIR/audit/sealed/deletions has, like the
 * file of all checkpoints (checkpoint.h), notes behind lines with their length.
 * The sealer's key signs the text of each:
 *
 *     debar audit deletion
 *     debar-audit/GATEWAY                  the log
 *     1234                                 leaves of its latest checkpoint then
 *     policy 12mo                          what is kept
 *     by sealer                            who deleted: sealer, or uid 0
 *     {"file":...,"deleted":"..."}         lines of sealed/files (sealed.h)
 *
 * A line of sealed/files that says "deleted" and stands in none of them is not
 * the sealer's.  The first line has spaces, which no key's name has: no
 * checkpoint can be taken for a deletion, nor the other way about.
 */

#ifndef DEBAR_SEALED_DELETION_H
#define DEBAR_SEALED_DELETION_H

#include "note.h"
#include "sealed.h"


#define DEBAR_DELETION_WORDS  64             /* of policy and by, with a NUL */
#define DEBAR_DELETION_FILES  1000           /* of one note that is written */


typedef struct {
    char         origin[DEBAR_KEY_NAME + 1];
    uint64_t     size;
    char         policy[DEBAR_DELETION_WORDS];
    char         by[DEBAR_DELETION_WORDS];
    debar_str_t  files;           /* lines, each with its newline; of a note
                                     that was read they point into it */
} debar_sealed_deletion_t;

void debar_sealed_deletion_text(debar_buf_t *out,
    const debar_sealed_deletion_t *d);

/* The text of a note.  Its lines of files are not looked into. */

int debar_sealed_deletion_parse(debar_sealed_deletion_t *d, const char *file,
    debar_str_t text, debar_fault_t *fault);

/* Text, blank line, signature: appended to out.  private as in note.h. */

int debar_sealed_deletion_sign(debar_buf_t *out,
    const debar_sealed_deletion_t *d, const debar_vkey_t *key,
    struct evp_pkey_st *private, debar_fault_t *fault);

/* A note whose text is a deletion, signed by key (NULL: whoever signed it) with
 * its name as origin. */

int debar_sealed_deletion_read(debar_sealed_deletion_t *d, const char *file,
    const void *data, size_t len, const debar_vkey_t *key,
    debar_fault_t *fault);


#endif /* DEBAR_SEALED_DELETION_H */
