/*
 * What `debar key`, `debar root` and the approval of lists share: private keys
 * and passphrases, bounded reading, writing by rename, dates of the command
 * line.  Every fault has one line with file, value and remedy.
 */

#ifndef DEBAR_TOOLS_TRUST_H
#define DEBAR_TOOLS_TRUST_H

#include "manifest.h"
#include "tools.h"


/* --- keys (trust_key.c) -------------------------------------------------- */

/*
 * A key file: the line "debar-key VKEY", then PKCS#8 in PEM, encrypted by
 * PBES2 (scrypt, AES-256-CBC; RFC 8018, RFC 7914).  Mode 0600.
 */

#define DEBAR_KEY_PASSPHRASE  12             /* characters of a new one */

/* Makes a key of a type of note.h, named name: writes path, which must not be
 * there, and path.pub.
 * pass_file NULL: asked on the terminal, twice. */

int debar_trust_new_key(debar_vkey_t *key, unsigned type, const char *name,
    const char *path, const char *pass_file, debar_fault_t *fault);

/* The public half, of a key file, a .pub file or the text of a key itself; of
 * type DEBAR_KEY_ED25519, or the one that is named, 0: either. */

int debar_trust_public(debar_vkey_t *key, const char *arg,
    debar_fault_t *fault);
int debar_trust_public_as(debar_vkey_t *key, unsigned type, const char *arg,
    debar_fault_t *fault);

/* Opens the private half; the caller's, EVP_PKEY_free(). */

struct evp_pkey_st *debar_trust_open_key(debar_vkey_t *key, const char *path,
    const char *pass_file, debar_fault_t *fault);
struct evp_pkey_st *debar_trust_open_key_as(debar_vkey_t *key, unsigned type,
    const char *path, const char *pass_file, debar_fault_t *fault);

/*
 * Adds the signature of key to the note, or unsigned text, at path: read again
 * and replaced under a lock of its folder, so that two who sign at once both
 * do.  text: what the signer was shown; another one in the file is refused, as
 * is a second signature by the key.
 */

int debar_trust_sign(const char *path, debar_str_t text,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault);


/*
 * The same with signatures that are there already: those of the root's
 * approvers in the note other, of the same text, that the file lacks.  Returns
 * how many were added, -1: *fault says why none.
 */

int debar_trust_merge(const char *path, debar_str_t text,
    const debar_root_t *root, const debar_note_t *other,
    debar_fault_t *fault);


/* --- files (trust.c) ----------------------------------------------------- */

/* The whole of a regular file or pipe of at most max bytes; what: what it
 * should be, for messages. */

int debar_trust_read(debar_buf_t *out, const char *path, size_t max,
    const char *what, debar_fault_t *fault);

/* Writes path with mode by a temporary file beside it, fsync and rename: the
 * old or the new one stands whole.  create: it must not be there yet. */

int debar_trust_write(const char *path, const void *data, size_t len,
    unsigned mode, int create, debar_fault_t *fault);

/* A lock on the folder of path, held until the descriptor is closed; -1. */

int debar_trust_lock(const char *path, debar_fault_t *fault);

/* SHA-256 in hex and size of the file, with progress. */

int debar_trust_digest(const char *path, char out[65], uint64_t *size,
    debar_fault_t *fault);

/* "2027-01-31" (its beginning, UTC), "2027-01-31T12:00:00Z", "30d" (from now):
 * at a time after now. */

int debar_trust_when(int64_t *t, const char *option, const char *arg,
    int64_t now, debar_fault_t *fault);

/* "in 30 days", "in 3 hours", "2 days ago"; out: 32 bytes. */

const char *debar_trust_away(char out[32], int64_t t, int64_t now);

/* Asks question on the terminal; true if the answer is "yes".  No terminal:
 * false, and *fault says to use --yes. */

int debar_trust_agreed(const char *question, debar_fault_t *fault);

/* A root file that is signed by its own threshold; current or not. */

int debar_trust_root(debar_root_t *root, const char *path,
    debar_fault_t *fault);

/* Says the fault, with json as an object on stdout, too:
 * DEBAR_EXIT_FAILURE. */

int debar_trust_failed(unsigned json, const debar_fault_t *fault);

/* An approver of the root in one column: name, padded, and id. */

void debar_trust_print_key(const debar_vkey_t *key, const char *what);


#endif /* DEBAR_TOOLS_TRUST_H */
