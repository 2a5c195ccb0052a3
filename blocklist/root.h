/*
 * The root of trust: who may approve lists, how many of them it takes, until
 * when.  It is a signed note itself.  Its text, exactly so, in this order:
 *
 *     debar-root/1
 *     version 2
 *     threshold 2
 *     created 2026-11-22T09:00:00Z
 *     until 2027-11-22T00:00:00Z
 *     previous HEX                   SHA-256 of the text of version 1, or: none
 *     approver anna.smith+1b2c3d4e+ARpc2Qc...
 *     approver ...                   of at most 64
 *     revoked bob+...                of at most 256, none, or more
 *
 * The first version comes to a machine by a way that is trusted already.  Each
 * later one is signed by the threshold of the one before, and by its own: so a
 * machine that knows one can follow to the last.
 *
 * Signatures are counted by key, never by name.  In one root no two approvers
 * share a key or a name, nor have names that look alike (UTS 39).
 */

#ifndef DEBAR_ROOT_H
#define DEBAR_ROOT_H

#include "note.h"


#define DEBAR_ROOT_FORMAT     "debar-root/1"
#define DEBAR_ROOT_APPROVERS  64
#define DEBAR_ROOT_REVOKED    256


typedef struct {
    uint64_t      version;        /* from 1 */
    unsigned      threshold;      /* from 1, at most n */
    int64_t       created;        /* epoch seconds */
    int64_t       until;
    char          previous[65];   /* empty: none, of version 1 alone */
    char          digest[65];     /* SHA-256 of this text, hex */
    size_t        n;
    size_t        nrevoked;
    debar_vkey_t  approvers[DEBAR_ROOT_APPROVERS];
    debar_vkey_t  revoked[DEBAR_ROOT_REVOKED];
} debar_root_t;

/* Reads the text of a root; who signed it is another question. */

int debar_root_parse(debar_root_t *root, const char *file, debar_str_t text,
    debar_fault_t *fault);

/* The text, parsed again into root->digest; DEBAR_ERROR: not a root. */

int debar_root_text(debar_buf_t *out, debar_root_t *root,
    debar_fault_t *fault);

/* DEBAR_OK: letters and digits of any script and . _ - @ /, 64 bytes. */

int debar_root_name(const char *name, size_t len);


/*
 * How many of the root's approvers signed the note, each key once; who[i] (may
 * be NULL, of root->n) tells of each.  -1: a line of an approver or a revoked
 * key that is not a signature of this text, and *fault says whose.
 */

int debar_root_count(const debar_root_t *root, const debar_note_t *note,
    const char *file, uint8_t *who, debar_fault_t *fault);

/* DEBAR_OK: count reaches the threshold.  Else *fault says how many there are,
 * how many it takes, and of signers that do not count, why. */

int debar_root_threshold(const debar_root_t *root, const debar_note_t *note,
    const char *file, debar_fault_t *fault);

/*
 * A root as fetched or given, len bytes at data: a note with the text of a
 * root, signed by its own threshold.  Its time is not looked at: of a chain only the
 * last root has to be in it (debar_root_current()).
 */

int debar_root_check(debar_root_t *root, const char *file, const void *data,
    size_t len, debar_fault_t *fault);

/*
 * The same, and that it follows old: version + 1, previous the digest of old,
 * signed by the threshold of old's approvers too, none of old's revoked keys
 * back, all of them kept.
 */

int debar_root_follows(debar_root_t *root, const debar_root_t *old,
    const char *file, const void *data, size_t len, debar_fault_t *fault);

/* DEBAR_OK: now is not past its until. */

int debar_root_current(const debar_root_t *root, const char *file, int64_t now,
    debar_fault_t *fault);


/* "2026-11-22T09:00:00Z" and NUL. */

void debar_root_time(char out[21], int64_t t);

/* One line "KEY VALUE\n" of *text taken off its front into *value, for texts
 * that have their keys in order; DEBAR_ERROR: the next line is another. */

int debar_root_line(debar_str_t *text, const char *key, debar_str_t *value);

/* Values as both texts have them, in their one form: a number without zeros in
 * front, a time, 64 hex digits or (where none is set) "none", which is "". */

int debar_root_number(debar_str_t s, uint64_t max, uint64_t *n);
int debar_root_when(debar_str_t s, int64_t *t);
int debar_root_hex(debar_str_t s, int none, char out[65]);


#endif /* DEBAR_ROOT_H */
