/*
 * What the files of `debar audit prove` share.
 */

#ifndef DEBAR_TOOLS_AUDIT_PROVE_PRIVATE_H
#define DEBAR_TOOLS_AUDIT_PROVE_PRIVATE_H

#include "audit_proof.h"


/* A search for the lines of an incident. */

typedef struct {
    debar_proof_t        *proof;
    debar_audit_log_t    *log;
    char                  needle[DEBAR_PROOF_INCIDENT + 16];
    size_t                len;
    uint64_t              lines;  /* that were looked at */
    uint64_t              bytes;  /* of files that were looked at */
    uint64_t              total;  /* of all; 0: not known yet */
    unsigned              unsealed;          /* one was found behind */
    size_t                hits;   /* of the index, that stand in the log */
    unsigned              look;   /* files are read for an outcome */
    unsigned              quiet;
    debar_tiles_t         tiles;
    debar_audit_tiles_t   store;
} debar_prove_t;

/*
 * audit_prove_search.c: the lines, in the order of the log, to proof->lines.
 * Where the index says where they stand, that is looked at, and what the index
 * has not read; else all of the log is.  DEBAR_DECLINED: there is none.
 */

int debar_prove_search(debar_prove_t *s, debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_PROVE_PRIVATE_H */
