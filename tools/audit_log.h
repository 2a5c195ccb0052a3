/*
 * The lines of a sealed log, in the order of their leaves: what `debar audit
 * verify`, `prove` and `replay` read.
 */

#ifndef DEBAR_TOOLS_AUDIT_LOG_H
#define DEBAR_TOOLS_AUDIT_LOG_H

#include "audit.h"


/*
 * A log as of one checkpoint: the later one of sealed/checkpoint and the last
 * of sealed/checkpoints, since who takes lines away may put an old one back.
 */

typedef struct {
    debar_audit_t        audit;
    debar_checkpoint_t   checkpoint;
    debar_buf_t          note;    /* as it is signed */
    debar_audit_files_t  files;
    debar_vkey_t         key;
    unsigned             has_key; /* it is by this key, which somebody named */
} debar_audit_log_t;

/* key: a .pub file, the text of a key, or NULL.  DEBAR_DECLINED: nothing is
 * sealed yet. */

int debar_audit_log_open(debar_audit_log_t *log, const char *dir,
    const char *key, debar_fault_t *fault);
void debar_audit_log_close(debar_audit_log_t *log);

/* The same of a folder that is known: log->audit is set, the rest zero. */

int debar_audit_log_read(debar_audit_log_t *log, const char *key,
    debar_fault_t *fault);


/* One file of it; there are files.n closed ones, and the one that is
 * followed. */

typedef struct {
    uint64_t                    number;
    uint64_t                    first;       /* leaf of its first line */
    uint64_t                    lines;       /* that the checkpoint covers */
    const debar_sealed_file_t  *closed;      /* NULL: it is followed */
    int                         fd;          /* -1: it is not there */
    char                        name[DEBAR_SEALED_NAME];
} debar_audit_part_t;

#define debar_audit_parts(log)  ((log)->files.n + 1)

/* Opens it; debar_audit_part_close().  DEBAR_ERROR: it is there and cannot be
 * read. */

int debar_audit_part(debar_audit_part_t *part, const debar_audit_log_t *log,
    size_t i, debar_fault_t *fault);

/* audit.jsonl, be it followed or not yet. */

void debar_audit_part_live(debar_audit_part_t *part,
    const debar_audit_log_t *log);
void debar_audit_part_close(debar_audit_part_t *part);


/* Lines of a file one by one, whole ones; of a closed one also what has no
 * newline behind it. */

#define DEBAR_AUDIT_BLOCK  (4u << 20)        /* of one read; holds a line */

typedef struct {
    int        fd;
    unsigned   last;              /* nothing comes behind */
    unsigned   end;
    char      *block;
    size_t     len;
    size_t     at;
    uint64_t   offset;            /* in the file, of block[at] */
    int        error;             /* errno of a read that failed */
} debar_audit_reader_t;

int debar_audit_reader(debar_audit_reader_t *r, const debar_audit_part_t *part,
    debar_fault_t *fault);
void debar_audit_reader_free(debar_audit_reader_t *r);

/* Bytes of the line with its newline, 0: there is none any more.  line lives
 * until the next one. */

size_t debar_audit_line(debar_audit_reader_t *r, const char **line,
    size_t *len);

/* Reads on, so that whole lines follow at at; 0: there is no more. */

size_t debar_audit_read(debar_audit_reader_t *r);


#endif /* DEBAR_TOOLS_AUDIT_LOG_H */
