/*
 * DIR/audit/sealed/deletions: which files of a log the sealer's key says were
 * deleted by policy.
 */

#ifndef DEBAR_TOOLS_AUDIT_DELETION_H
#define DEBAR_TOOLS_AUDIT_DELETION_H

#include "audit_check.h"
#include "sealed_deletion.h"


/* What a log says of its deletions. */

typedef struct {
    uint64_t  first_bad;          /* the first file that is marked as deleted
                                     and in no note; 0: none */
    char      policy[DEBAR_DELETION_WORDS];  /* of the last note */
    char      by[DEBAR_DELETION_WORDS];
    size_t    end;                /* bytes of whole notes */
} debar_audit_deletions_t;

/* DEBAR_DECLINED: a note is not the key's, or is none; fault says why. */

int debar_audit_deletions(debar_audit_deletions_t *d,
    const debar_audit_log_t *log, debar_fault_t *fault);

/* For a check that found all else intact: what is wrong with deletions, and the
 * policy of the last. */

int debar_audit_blame_deletions(debar_audit_check_t *check,
    debar_fault_t *fault);

/*
 * Marks files as deleted now: the note, signed by key, is on the disk before
 * their lines in sealed/files are.  files: numbers, at most
 * DEBAR_DELETION_FILES.  Of d, the caller sets policy and by.
 */

int debar_audit_delete(const debar_audit_log_t *log, const uint64_t *files,
    size_t n, debar_sealed_deletion_t *d, const debar_vkey_t *key,
    struct evp_pkey_st *private, debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_DELETION_H */
