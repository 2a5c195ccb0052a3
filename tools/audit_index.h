/*
 * The index of an audit log: DIR/audit/index.sqlite, which can always be made
 * again.  The log is what counts: rows say where a line is, and lines are read
 * from there.
 *
 *     file      the files that were read, how far, and digests by which a file
 *               that was replaced is noticed
 *     span      lines of a file that came one after the other: ids from first
 *               to last, which begin a block; file 0: it is being dropped
 *     line      id (order of the log), time, where it is, its outcome and where
 *               that is
 *     word      what people search by: kind and text, lower case
 *     post      of a word and a block of 4,096 lines, which have it: up to 255
 *               offsets of two bytes, or a bitmap of 512
 *     block     first and last time in it
 *     incident  first 60 bits of the number, and line
 *     orphan    outcomes whose decision has not been read yet
 *     words_N   full text (FTS5, without its content) of the span that begins
 *               with line N: what policy deletes is dropped as a whole
 */

#ifndef DEBAR_TOOLS_AUDIT_INDEX_H
#define DEBAR_TOOLS_AUDIT_INDEX_H

#include <sqlite3.h>
#include <jansson.h>

#include "audit.h"


#define DEBAR_INDEX_FORMAT  2
#define DEBAR_INDEX_ID      0x44425849       /* "DBXI" */
#define DEBAR_INDEX_BLOCK   4096
#define DEBAR_INDEX_BITMAP  (DEBAR_INDEX_BLOCK / 8)
#define DEBAR_INDEX_LINE    (1 << 20)        /* bytes of a line, at most */
#define DEBAR_INDEX_WORD    256              /* bytes of a word, at most */
#define DEBAR_INDEX_LABELS  6                /* names above a host, at most */
#define DEBAR_INDEX_DIGEST  32


typedef enum {
    DEBAR_WORD_USER = 0,
    DEBAR_WORD_CLIENT,
    DEBAR_WORD_HOST,
    DEBAR_WORD_VENDOR,
    DEBAR_WORD_PRODUCT,
    DEBAR_WORD_AUTHORITY,
    DEBAR_WORD_ACTIVITY,
    DEBAR_WORD_VERDICT,
    DEBAR_WORD_SURFACE,
    DEBAR_WORD_EVENT,
    DEBAR_WORD_KINDS
} debar_word_kind_e;


/* --- a line (audit_index_line.c): pure ------------------------------------ */

typedef enum {
    DEBAR_LINE_DECISION = 1,
    DEBAR_LINE_OUTCOME,
    DEBAR_LINE_EVENT
} debar_line_kind_e;

typedef struct {
    unsigned  kind;
    size_t    len;
    char      text[DEBAR_INDEX_WORD];
} debar_index_word_t;

typedef struct {
    json_t              *json;    /* all of it */
    unsigned             kind;    /* debar_line_kind_e */
    int64_t              time;    /* ms since the epoch; 0: not told */
    uint64_t             incident;       /* first 60 bits; 0: none */
    int64_t              status;  /* of an outcome; -1: not told */
    int64_t              bytes;
    debar_index_word_t  *words;
    size_t               nwords;
    size_t               room;
    debar_buf_t          text;    /* for the full text; NULs are spaces */
} debar_index_line_t;

/* What the last call left in l is used again; zeros at first. DEBAR_DECLINED:
 * it is no line of the log (torn, or somebody else's). */

int debar_index_line(debar_index_line_t *l, const char *data, size_t len);
void debar_index_line_free(debar_index_line_t *l);

/* Text as it is compared: ASCII in lower case, cut at DEBAR_INDEX_WORD. */

size_t debar_index_fold(char out[DEBAR_INDEX_WORD], const char *data,
    size_t len);

/* The host of an url of the log, canonical; 0: none. */

size_t debar_index_host(char out[DEBAR_INDEX_WORD], const char *url,
    size_t len);

/* "addr" of "addr:port", as it is compared. */

size_t debar_index_client(char out[DEBAR_INDEX_WORD], const char *data,
    size_t len);

/* Hex digits of an incident to 60 bits, what is missing being 0.
 * DEBAR_ERROR: they are none. */

int debar_index_incident(uint64_t *n, const char *data, size_t len);

/* RFC 3339 in UTC, to ms; -1: it is not. */

int64_t debar_index_time(const char *data, size_t len);


/* --- the file (audit_index_store.c) --------------------------------------- */

/* Where a line is: file is the index's number of it, nth its line there. */

typedef struct {
    int64_t   file;
    uint64_t  offset;
    size_t    len;
    uint64_t  nth;                /* from 0 */
} debar_index_place_t;

typedef struct {
    uint32_t  word;
    uint16_t  at;                 /* in its block */
} debar_index_post_t;

typedef struct {
    uint64_t  incident;
    int64_t   id;
} debar_index_pair_t;

typedef struct debar_index_cache_s  debar_index_cache_t;

typedef enum {
    DEBAR_DO_LINE = 0, DEBAR_DO_FIND_WORD, DEBAR_DO_ADD_WORD,
    DEBAR_DO_GET_POST, DEBAR_DO_PUT_POST, DEBAR_DO_BLOCK, DEBAR_DO_INCIDENT,
    DEBAR_DO_FIND, DEBAR_DO_OUTCOME, DEBAR_DO_ORPHAN, DEBAR_DO_TAKE_ORPHAN,
    DEBAR_DO_DROP_ORPHAN, DEBAR_DO_FILE, DEBAR_DO_SPAN, DEBAR_DO_LAST
} debar_index_do_e;

typedef struct {
    char                  path[DEBAR_MAX_DIR + 64];
    sqlite3              *db;
    sqlite3_stmt         *stmt[DEBAR_DO_LAST];
    int                   damaged;       /* it cannot be read: make it again */

    /* of who writes */

    int64_t               next;   /* id of the next line */
    int64_t               span;   /* that it goes to: id of its first; 0: none */
    int64_t               file;   /* of that */
    sqlite3_stmt         *text;   /* its full text */
    int64_t               orphans;
    int64_t               tmin;   /* of the block that is open */
    int64_t               tmax;
    debar_index_post_t   *posts;  /* of it, not yet written */
    size_t                nposts;
    size_t                posts_size;
    debar_index_pair_t   *pairs;
    size_t                npairs;
    debar_index_cache_t  *cache;
} debar_index_t;

/*
 * write: it is made where it is missing.  DEBAR_DECLINED: it is not there, or
 * damaged, or of another version (damaged is set).  fault says it.
 */

int debar_index_open(debar_index_t *x, const debar_audit_t *a, int write,
    debar_fault_t *fault);
void debar_index_close(debar_index_t *x);

/* Takes it away: what is there is made again. */

int debar_index_remove(const debar_audit_t *a, debar_fault_t *fault);

int debar_index_begin(debar_index_t *x, debar_fault_t *fault);
int debar_index_commit(debar_index_t *x, debar_fault_t *fault);

/* A line of the file that the span is of. */

int debar_index_add(debar_index_t *x, const debar_index_line_t *l,
    const debar_index_place_t *place, debar_fault_t *fault);

/* Words may have been dropped: none is known by heart. */

void debar_index_cache_clear(debar_index_t *x);

/* Says what SQLite says, marks damage; returns DEBAR_ERROR. */

int debar_index_wrong(debar_index_t *x, debar_fault_t *fault);
int debar_index_sql(debar_index_t *x, const char *sql, debar_fault_t *fault);

/* The one number that a statement gives. */

int debar_index_number(debar_index_t *x, const char *sql, int64_t *n,
    debar_fault_t *fault);

/* A statement to its end; it is reset. */

int debar_index_run(debar_index_t *x, sqlite3_stmt *s, debar_fault_t *fault);


/* --- runs of lines (audit_index_span.c) ------------------------------------ */

typedef struct {
    int64_t  first;
    int64_t  last;                /* first - 1: none yet */
    int64_t  file;
} debar_index_span_t;

typedef struct {
    debar_index_span_t  *list;    /* in order */
    size_t               n;
} debar_index_spans_t;

int debar_index_spans(debar_index_spans_t *s, debar_index_t *x,
    debar_fault_t *fault);
void debar_index_spans_free(debar_index_spans_t *s);

/* What is added next is of this file: its last span goes on if nothing came
 * since.  Inside of a transaction. */

int debar_index_span(debar_index_t *x, int64_t file, debar_fault_t *fault);

/* Marks a file's lines as being dropped, so that nobody finds them any more. */

int debar_index_forget(debar_index_t *x, int64_t file, debar_fault_t *fault);

/*
 * Drops what is marked, step by step, each its own transaction.  more (may be
 * NULL) is asked between them: false ends it, another call goes on.  Words that
 * no other line has go, too.
 */

int debar_index_drop(debar_index_t *x, int (*more)(void *data), void *data,
    debar_fault_t *fault);


/* --- kept in step (audit_index_update.c) ---------------------------------- */

typedef struct {
    uint64_t  lines;              /* read by this call */
    uint64_t  torn;               /* of them, no JSON */
    uint64_t  bytes;
    uint64_t  left;               /* bytes that are not read yet */
    uint64_t  gone;               /* files whose lines were dropped */
    unsigned  again;              /* it was made again: why says the cause */
    double    seconds;
    char      why[512];
} debar_index_told_t;

/*
 * Opens, brings up to date within so many seconds (0: all of it), makes it
 * again where it is damaged or a file was replaced.  DEBAR_DECLINED: another
 * process does it just now; x is open to read.  DEBAR_ERROR: x is closed.
 */

int debar_index_update(debar_index_t *x, const debar_audit_t *a,
    double seconds, debar_index_told_t *told, debar_fault_t *fault);

/* Digests of a file's first and last bytes before offset. */

int debar_index_marks(int fd, int64_t offset,
    uint8_t head[DEBAR_INDEX_DIGEST], uint8_t tail[DEBAR_INDEX_DIGEST]);


/* --- where lines stand (audit_index_hits.c) -------------------------------- */

#define DEBAR_INDEX_HITS  64                 /* lines of one incident, at most */

typedef struct {
    int64_t   id;
    int64_t   ino;
    char      name[DEBAR_SEALED_NAME];
    int64_t   offset;             /* what is before was read */
    uint64_t  lines;              /* before it */
    uint8_t   head[DEBAR_INDEX_DIGEST];
    uint8_t   tail[DEBAR_INDEX_DIGEST];
} debar_index_known_t;

typedef struct {
    debar_index_place_t   list[DEBAR_INDEX_HITS];     /* in order, by file */
    size_t                n;
    unsigned              bare;   /* a decision has no outcome */
    debar_index_known_t  *files;
    size_t                nfiles;
} debar_index_hits_t;

/* As the index has it, which may be behind, or somebody's invention.
 * DEBAR_DECLINED: there is none, or it cannot be read. */

int debar_index_hits(debar_index_hits_t **hits, const debar_audit_t *a,
    uint64_t incident, debar_fault_t *fault);
void debar_index_hits_free(debar_index_hits_t *h);

/* The file that is open, as the index has it; NULL: it has it not. */

const debar_index_known_t *debar_index_known_as(const debar_index_hits_t *h,
    int fd, const char *name);


/* Set by a signal: what runs ends after its transaction. */

extern volatile int  debar_index_stop;


int debar_audit_index(int argc, char **argv);        /* audit_index.c */
int debar_audit_search(int argc, char **argv);       /* audit_search.c */


#endif /* DEBAR_TOOLS_AUDIT_INDEX_H */
