/*
 * A proof: lines of one incident, and what shows that they were sealed.  One
 * JSON object, checked with the sealer's public key alone:
 *
 *     format      "debar-proof/1"
 *     incident    32 hex digits
 *     checkpoint  the signed note (checkpoint.h), text; with the cosignatures of
 *                 witnesses, where there are
 *     lines       [{file, number (from 1), leaf (from 0), line (text; or
 *                 base64, where it is no UTF-8), salt (32 hex digits),
 *                 path [hex, ...]}]
 *     list        {serial, digest} of the decision
 *     manifest    the note of the list of that serial, where it was at hand
 *
 * leaf = SHA-256(0x00 || salt || line), path from the leaf up (RFC 6962
 * s.2.1.1).
 */

#ifndef DEBAR_TOOLS_AUDIT_PROOF_H
#define DEBAR_TOOLS_AUDIT_PROOF_H

#include "audit_log.h"


#define DEBAR_PROOF_FORMAT    "debar-proof/1"
#define DEBAR_PROOF_LINES     32
#define DEBAR_PROOF_MAX       (32u << 20)    /* bytes of such a file */
#define DEBAR_PROOF_INCIDENT  32             /* hex digits */

typedef struct {
    char          file[DEBAR_SEALED_NAME];
    uint64_t      number;
    uint64_t      leaf;
    debar_buf_t   line;
    uint8_t       salt[DEBAR_SALT];
    debar_hash_t  path[DEBAR_MERKLE_DEPTH];
    unsigned      npath;
} debar_proof_line_t;

typedef struct {
    char                 incident[DEBAR_PROOF_INCIDENT + 1];
    debar_buf_t          note;
    debar_checkpoint_t   checkpoint;         /* of it, by nobody yet */
    debar_proof_line_t   lines[DEBAR_PROOF_LINES];
    unsigned             n;
    unsigned             more;               /* lines that had no room */
    unsigned             decision;           /* of lines; n: there is none */
    uint64_t             serial;             /* of its list; 0: not said */
    char                 digest[65];
    debar_buf_t          manifest;
} debar_proof_t;

/* True if it is an incident as lines have it. */

int debar_proof_incident(const char *text);

/* Made from a log (audit_prove.c).  DEBAR_DECLINED: no sealed line has the
 * incident.  quiet: without progress. */

int debar_proof_make(debar_proof_t *p, debar_audit_log_t *log,
    const char *incident, unsigned quiet, debar_fault_t *fault);

/* Read from a file, checked for nothing but its form (audit_proof.c). */

int debar_proof_read(debar_proof_t *p, const char *path, debar_fault_t *fault);

/* The same of what was read; path: for messages. */

int debar_proof_parse(debar_proof_t *p, const char *path, const void *data,
    size_t len, debar_fault_t *fault);

/* What the decision says of its list, from lines.  DEBAR_ERROR: no line is a
 * JSON object with the incident. */

int debar_proof_list(debar_proof_t *p, const char *path, debar_fault_t *fault);

/* Every line is in the tree of the checkpoint, and key (NULL: whoever) signed
 * that. */

int debar_proof_check(debar_proof_t *p, const char *path,
    const debar_vkey_t *key, debar_fault_t *fault);

void debar_proof_text(debar_buf_t *out, const debar_proof_t *p);
void debar_proof_free(debar_proof_t *p);


#endif /* DEBAR_TOOLS_AUDIT_PROOF_H */
