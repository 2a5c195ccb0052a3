/*
 * What `debar audit retain` does with each file of a sealed log.
 */

#ifndef DEBAR_TOOLS_AUDIT_RETAIN_H
#define DEBAR_TOOLS_AUDIT_RETAIN_H

#include <unistd.h>

#include "audit_check.h"
#include "audit_index.h"


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

typedef struct {
    const char           *dir;
    const char           *key;
    const char           *keep;
    const char           *searchable;
    unsigned              dry;
    unsigned              quiet;
    unsigned              json;
    int64_t               keep_from;         /* epoch seconds */
    int64_t               search_from;

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


/* now less "12mo", "400d", "52w", "2y", by the calendar in UTC. */

int debar_retain_since(int64_t *t, int64_t now, const char *text);

/* The time of its last line, and what is to be done with it. */

int debar_retain_age(debar_retain_file_t *f, const debar_retain_t *r,
    const debar_audit_part_t *part, debar_fault_t *fault);

/*
 * Marked in sealed/files, then its secret, then the file: each is on the disk
 * before the next, and what a crash leaves is finished by the next call.
 */

int debar_retain_delete(const debar_audit_t *a, const debar_sealed_file_t *f,
    debar_fault_t *fault);

/* The first file of the index (debar_audit_index_from()) is written. */

int debar_retain_mark(const debar_audit_t *a, uint64_t from,
    debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_RETAIN_H */
