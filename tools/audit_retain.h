/*
 * What `debar audit retain` does with each file of a sealed log.
 */

#ifndef DEBAR_TOOLS_AUDIT_RETAIN_H
#define DEBAR_TOOLS_AUDIT_RETAIN_H

#include <unistd.h>

#include "audit_check.h"
#include "audit_deletion.h"
#include "audit_index.h"
#include "period.h"


typedef enum {
    DEBAR_RETAIN_KEEP = 0,
    DEBAR_RETAIN_GONE,            /* deleted before */
    DEBAR_RETAIN_FINISH,          /* marked so, and something is left of it */
    DEBAR_RETAIN_DELETE,
    DEBAR_RETAIN_UNSEARCHED       /* kept, and not in the index */
} debar_retain_act_e;

typedef struct {
    unsigned  act;
    int64_t   last;               /* of its lines, epoch seconds */
} debar_retain_file_t;

/* What nginx.conf says by `debar_audit_keep`. */

typedef struct {
    char  keep[DEBAR_PERIOD_TEXT];
    char  searchable[DEBAR_PERIOD_TEXT];     /* or empty */
} debar_retain_policy_t;

typedef struct {
    const char           *dir;
    const char           *key;
    const char           *keep;
    const char           *searchable;        /* NULL: 6mo, or keep */
    const char           *by;     /* who deletes */
    const debar_vkey_t   *signer; /* the sealer's key; NULL: it is not to be
                                     had, and nothing can be deleted */
    struct evp_pkey_st   *private;
    unsigned              threads;           /* 0: one for each processor */
    unsigned              dry;
    unsigned              quiet;
    unsigned              json;
    int64_t               keep_from;         /* epoch seconds */
    int64_t               search_from;

    const char           *sealer_key;        /* of the command */
    const char           *pass_file;
    debar_vkey_t          vkey;
    char                  vkey_text[DEBAR_VKEY_TEXT];
    debar_retain_policy_t policy;

    debar_audit_log_t     log;
    debar_retain_file_t  *files;  /* as log.files.list */
    size_t                old;
    uint64_t              old_lines;
    size_t                finished;
    size_t                gone;
    uint64_t              gone_lines;
    uint64_t              from;   /* first file of the index */
    const char           *index;
} debar_retain_t;


/* *keep_from and *search_from of keep and searchable.  DEBAR_ERROR: fault says
 * which of them is no time, or that more is to be searched than is kept. */

int debar_retain_times(debar_retain_t *r, int64_t now, debar_fault_t *fault);

/*
 * The policy of a configuration of nginx (audit_policy.c): name in the folder
 * dir, or path where dir is AT_FDCWD.  What it includes is not read.
 * DEBAR_DECLINED: it says nothing, or "off" (then keep is "off").
 */

int debar_retain_policy(debar_retain_policy_t *p, int dir, const char *name,
    debar_fault_t *fault);

/* All of it, of the log that is open; the caller frees r->files. */

int debar_retain_run(debar_retain_t *r, debar_fault_t *fault);

/* The time of its last line, and what is to be done with it. */

int debar_retain_age(debar_retain_file_t *f, const debar_retain_t *r,
    const debar_audit_part_t *part, debar_fault_t *fault);

/*
 * Of a file that is marked (debar_audit_delete()): its secret, then the file.
 * Each is gone from the disk before the next, and what a crash leaves is
 * finished by the next call.
 */

int debar_retain_delete(const debar_audit_t *a, const debar_sealed_file_t *f,
    debar_fault_t *fault);

/* The first file of the index (debar_audit_index_from()) is written. */

int debar_retain_mark(const debar_audit_t *a, uint64_t from,
    debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_RETAIN_H */
