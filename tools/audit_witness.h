/*
 * Witnesses of a log (C2SP tlog-witness, tlog-cosignature): the one that
 * cosigns, on a machine of somebody else; the one that asks, beside the log;
 * what was cosigned, in DIR/audit/sealed/cosigned.
 */

#ifndef DEBAR_TOOLS_AUDIT_WITNESS_H
#define DEBAR_TOOLS_AUDIT_WITNESS_H

#include "audit_check.h"
#include "service.h"
#include "witness.h"


int debar_audit_witness(int argc, char **argv);      /* audit_witness.c */
int debar_witness_serve(int argc, char **argv);      /* audit_witness_serve.c */
int debar_witness_show(int argc, char **argv);       /* audit_witness_state.c */
int debar_witness_ask(int argc, char **argv);        /* audit_witness_ask.c */


/* --- who cosigns (audit_witness_serve.c) ---------------------------------- */

#define DEBAR_WITNESS_LOGS     64
#define DEBAR_WITNESS_FILE     48            /* of a name in its folder */
#define DEBAR_WITNESS_CLIENTS  128           /* connections */

typedef struct {
    int                    fd;
    time_t                 since;            /* 0: free */
} debar_witness_client_t;

typedef struct {
    debar_service_t        service;          /* the first */

    const char            *key_file;
    const char            *pass_file;
    const char            *listen;
    const char            *state;
    debar_witness_log_t    logs[DEBAR_WITNESS_LOGS];
    size_t                 nlogs;

    debar_vkey_t           key;
    struct evp_pkey_st    *private;
    debar_hasher_t        *hasher;
    int                    state_fd;
    int                    lock_fd;
    int                    fd;               /* listens */
    char                   address[80];      /* where */

    debar_witness_client_t clients[DEBAR_WITNESS_CLIENTS];

    /* what is said of requests that were refused: so many a minute */

    time_t                 minute;
    unsigned               said;
    unsigned               unsaid;
} debar_witness_t;


/* audit_witness_http.c: answers at w->fd; NULL: libmicrohttpd does not. */

struct MHD_Daemon *debar_witness_http(debar_witness_t *w);

/* Now and then: connections that are too old are shut. */

void debar_witness_http_sweep(debar_witness_t *w);


/*
 * audit_witness_state.c: of each log a file in the folder, the last checkpoint
 * that was cosigned, as a note with its cosignature; replaced by rename.
 *
 * Open: before the user is given up; the folder is u's then, and nobody else
 * works in it.  Load: what is there; a file that cannot be read ends it, since
 * a witness that forgets signs both sides of a fork.  Keep: on the disk when it
 * returns DEBAR_OK, before the cosignature (its line) may be shown.  Fork: the
 * first pair of notes that shows one, for people.
 */

int debar_witness_state_open(debar_witness_t *w, const debar_service_user_t *u);
int debar_witness_state_load(debar_witness_t *w, debar_fault_t *fault);
int debar_witness_state_keep(debar_witness_t *w,
    const debar_witness_answer_t *a, const debar_buf_t *line,
    debar_fault_t *fault);
void debar_witness_state_fork(debar_witness_t *w,
    const debar_witness_answer_t *a);


/* --- what was cosigned (audit_witness_cosigned.c) ------------------------- */

/*
 * DIR/audit/sealed/cosigned: notes behind lines with their lengths
 * (debar_checkpoints_add()), each a checkpoint with the log's signature and one
 * of a witness.  Appended by who asks; a torn end is cut by the next.
 */

#define DEBAR_COSIGNERS  16

typedef struct {
    debar_vkey_t  key;
    unsigned      found;          /* a checkpoint that the log agrees with */
    uint64_t      size;           /* of the latest one */
    uint64_t      time;
} debar_cosigner_t;

typedef struct {
    debar_cosigner_t  list[DEBAR_COSIGNERS];
    unsigned          n;
    unsigned          quorum;     /* how many have to have cosigned; 0: all */
    uint64_t          age;        /* s: the latest may be old; 0: any */
} debar_cosigners_t;

/* One more, of --witness: a .pub file, or a key's text.  -1; else an exit code,
 * said already. */

int debar_cosigners_add(debar_cosigners_t *c, const char *command,
    const char *arg);

/* --witness-quorum; the same. */

int debar_cosigners_quorum(debar_cosigners_t *c, const char *command,
    const char *arg);

/* Once all options are read: as many as are wanted are named.  The same. */

int debar_cosigners_enough(const debar_cosigners_t *c, const char *command);

/* Whether so many of them are found; missing: the first that is not. */

int debar_cosigners_agree(const debar_cosigners_t *c,
    const debar_cosigner_t **missing);

/* The note of the latest checkpoint, by its time, that this witness has
 * cosigned, among the last ones; empty: none. */

int debar_cosigned_last(debar_buf_t *note, debar_checkpoint_t *c,
    uint64_t *seconds, const debar_audit_t *a, const debar_vkey_t *key,
    debar_fault_t *fault);

/* Appends, on the disk when it returns DEBAR_OK. */

int debar_cosigned_add(const debar_audit_t *a, const debar_buf_t *note,
    debar_fault_t *fault);

/*
 * Calls for each whole note up to len bytes of the file, in the order of the
 * file.  What stands between them is passed over.  DEBAR_OK at its end, or what
 * call returned in its place.  debar_cosigned_recent(): some hundred of the
 * last ones.  debar_cosigned_size(): its bytes now.
 */

typedef int (*debar_cosigned_pt)(void *data, const debar_note_t *note,
    debar_str_t bytes, const debar_checkpoint_t *c);

int debar_cosigned_each(const debar_audit_t *a, uint64_t len,
    debar_cosigned_pt call, void *data, debar_fault_t *fault);
int debar_cosigned_recent(const debar_audit_t *a, debar_cosigned_pt call,
    void *data, debar_fault_t *fault);
uint64_t debar_cosigned_size(const debar_audit_t *a);


/*
 * Every checkpoint of the first len bytes of the file that one of them cosigned
 * has the log's own root of that size, and as many as are wanted have cosigned
 * one (audit_witness_verify.c).  len: as it was before the log was opened,
 * since it grows.  DEBAR_OK: blame->what says what is wrong, if anything; list
 * has who cosigned what last.
 */

int debar_audit_witnessed(debar_cosigners_t *cosigners,
    const debar_audit_log_t *log, uint64_t len, debar_audit_blame_t *blame,
    debar_fault_t *fault);


/* --- who asks (audit_witness_ask.c) --------------------------------------- */

/* An answer over HTTP (audit_witness_client.c). */

#define DEBAR_WITNESS_URL     2048
#define DEBAR_WITNESS_ANSWER  (64 << 10)     /* bytes */

typedef struct {
    long         status;
    char         type[64];        /* "text/x.tlog.size" */
    debar_buf_t  body;
} debar_witness_reply_t;

/*
 * POST to url, a submission prefix.  client: kept from one to the next, NULL at
 * first; debar_witness_hang_up().  ca: a file with CAs, or NULL for the
 * system's.  It is given up after some seconds, or 3 s after SIGTERM came,
 * which is blocked.  DEBAR_OK: an answer, whatever it says; its body is the
 * caller's.
 */

int debar_witness_post(void **client, debar_witness_reply_t *reply,
    const char *url, const char *ca, const debar_buf_t *request,
    debar_fault_t *fault);
void debar_witness_hang_up(void *client);


typedef struct {
    char            url[DEBAR_WITNESS_URL];
    debar_vkey_t    key;
    void           *client;
    debar_fault_t   fault;        /* of the last time; empty: none */
    uint64_t        size;         /* cosigned, and when */
    uint64_t        time;
} debar_asked_t;

typedef struct {
    debar_asked_t    list[DEBAR_COSIGNERS];
    unsigned         n;
    unsigned         keys;        /* of list, that have one */
    const char      *dir;
    const char      *key;         /* the sealer's */
    const char      *ca;
    uint64_t         every;       /* s; 0: once */
    uint64_t         every_file;  /* what the file says of that; 0: nothing */
    unsigned         json;
    int              fd;          /* of DIR/audit; -1: by its path */

    debar_audit_t    audit;
    debar_vkey_t     log;
    debar_hasher_t  *hasher;
} debar_ask_t;

/* A checkpoint that is to be cosigned. */

typedef struct {
    debar_checkpoint_t   c;
    debar_buf_t          note;
    debar_buf_t          request;
    uint64_t             old;
} debar_ask_for_t;


/* Those of DIR/audit/witness, of a->audit.  DEBAR_DECLINED: there is no such
 * file; fault says so. */

int debar_ask_file(debar_ask_t *a, debar_fault_t *fault);

/* audit_witness_asked.c: the latest checkpoint; DEBAR_DECLINED: nothing is
 * sealed yet. */

int debar_ask_latest(debar_ask_t *a, debar_ask_for_t *f, debar_fault_t *fault);

/* Has it cosigned by w; latest stays.  DEBAR_DECLINED, with every: that was
 * done not long ago. */

int debar_ask_one(debar_ask_t *a, debar_asked_t *w,
    const debar_ask_for_t *latest, debar_fault_t *fault);


/* --- audit_witness.c ------------------------------------------------------ */

/* "2026-11-22T11:00:00Z"; out: 24 bytes. */

const char *debar_witness_time(char out[24], uint64_t seconds);

/* "90s", "10m", "2h", "1d" in seconds; 0: none of these. */

uint64_t debar_witness_span(const char *text);


#endif /* DEBAR_TOOLS_AUDIT_WITNESS_H */
