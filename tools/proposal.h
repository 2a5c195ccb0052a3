/*
 * A list on its way from its builder to those who approve it: a manifest's
 * text, the snapshot that it names, and beside it what changes and what that
 * would have done (PROPOSAL.diff.json, PROPOSAL.preview.json).
 */

#ifndef DEBAR_TOOLS_PROPOSAL_H
#define DEBAR_TOOLS_PROPOSAL_H

#include "snapshot.h"
#include "trust.h"


#define DEBAR_PROPOSAL_JSON  (64 << 20)      /* bytes of a diff, a preview */


/* A snapshot, read from its first row to its last. */

typedef struct {
    debar_snapshot_t  *snapshot;
    const char        *path;
    char               sha256[65];
    uint64_t           size;
} debar_proposed_t;

/* Opens and verifies it all: rows, tables, digest.  The caller closes it by
 * debar_snapshot_close(). */

int debar_proposed_open(debar_proposed_t *p, const char *path,
    debar_fault_t *fault);

/* DEBAR_OK: it is the snapshot that the manifest names, in every respect. */

int debar_proposed_is(const debar_proposed_t *p, const debar_manifest_t *m,
    const char *file, debar_fault_t *fault);

/* "12 vendors, 345 hosts, ...": out of 256 bytes. */

const char *debar_proposed_rows(const debar_proposed_t *p, char out[256]);

/*
 * The manifest in force before: arg is a published folder, a manifest, or
 * "none", for which serial is 0.  Its signatures are checked by the root where
 * there is one, and *doubt is what they lack (empty: nothing).
 */

int debar_proposal_previous(debar_manifest_t *m, const char *arg,
    const debar_root_t *root, debar_fault_t *doubt, debar_fault_t *fault);

/*
 * What differs between the snapshot at old, which has to be the one of that
 * serial and digest (else DEBAR_DECLINED), and p: as `debar list diff` says it.
 */

typedef struct {
    debar_buf_t  json;
    debar_buf_t  words;
    char         sha256[65];      /* of json: a manifest's "diff" */
} debar_proposal_diff_t;

int debar_proposal_diff(debar_proposal_diff_t *out, const char *old,
    const debar_proposed_t *p, uint64_t serial, const char *digest,
    debar_fault_t *fault);
void debar_proposal_diff_free(debar_proposal_diff_t *diff);

/* The last snapshot that was published from here, where previous is the folder
 * and has it: in path; NULL: none. */

const char *debar_proposal_base(char *path, size_t size, const char *previous);

/*
 * The JSON that goes with a proposal: its bytes and their SHA-256.  path NULL:
 * FILE.WHAT.json, what being "diff" or "preview".
 */

int debar_proposal_json(debar_buf_t *data, char sha256[65], const char *path,
    const char *file, const char *what, debar_fault_t *fault);

/* DEBAR_OK: it is a JSON object, and not one that says that it is of a list
 * with other rows than those of digest.  file: for messages. */

int debar_proposal_of(const debar_buf_t *data, const char *file,
    const char *what, const char *digest, debar_fault_t *fault);

/* What it says: its own "words", or numbers and texts of its first two levels, and
 * how many there are of what it lists.  DEBAR_ERROR: it is not JSON. */

int debar_proposal_print(const debar_buf_t *data);


#endif /* DEBAR_TOOLS_PROPOSAL_H */
