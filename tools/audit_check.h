/*
 * A sealed log checked: every line against the hash of its leaf, every hash
 * against the checkpoint.
 */

#ifndef DEBAR_TOOLS_AUDIT_CHECK_H
#define DEBAR_TOOLS_AUDIT_CHECK_H

#include "audit_log.h"


/* The first place where the log is not what was sealed. */

typedef struct {
    char         file[DEBAR_SEALED_NAME + 64];    /* of DIR/audit */
    uint64_t     line;            /* from 1; 0: the file as a whole */
    uint64_t     leaf;
    const char  *what;            /* changed, removed, added, reordered,
                                     truncated, doubled, missing; by its
                                     witnesses: uncosigned, stale; NULL: it is
                                     intact */
    char         text[256];       /* for people */
} debar_audit_blame_t;

typedef struct {
    const debar_audit_log_t  *log;
    unsigned              threads;           /* 0: one for each processor */
    unsigned              quiet;             /* no progress */

    uint64_t              lines;             /* that were read */
    uint64_t              bytes;
    uint64_t              files;
    uint64_t              gone_files;        /* deleted by policy */
    uint64_t              gone_lines;
    uint64_t              unsealed;          /* whole lines */

    uint64_t              leaf;              /* the first that is not as its
                                                tile says; UINT64_MAX: none */
    size_t                part;              /* of that line */
    uint64_t              tile;              /* the first tile of leaves that
                                                is not what stands above it;
                                                UINT64_MAX: none */
    unsigned              tiles_bad;         /* some tile is not, or the root */
    uint64_t              entry;             /* the first file of which its
                                                line in sealed/files tells
                                                another story than its lines;
                                                0: none */
    const char           *member;            /* of it: "bytes", "sha256" */
    char                  policy[64];        /* by which files were deleted
                                                last; empty: none was */
    debar_audit_blame_t   blame;
} debar_audit_check_t;

/* DEBAR_OK: it was checked, and check->blame says what was found.  DEBAR_ERROR:
 * it could not be. */

int debar_audit_check(debar_audit_check_t *check, debar_fault_t *fault);

/* audit_blame.c: what was done at the place that was found. */

int debar_audit_blame(debar_audit_check_t *check, debar_fault_t *fault);

/* audit_blame_files.c: the same, where lines and hashes are as they were. */

int debar_audit_blame_entry(debar_audit_check_t *check, debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_CHECK_H */
