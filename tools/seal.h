/*
 * The sealer of an audit log (`debar audit seal`).
 *
 * It holds the folder's descriptor from before it became another user, and
 * reaches everything from there.  What it writes, in this order: tiles, state,
 * checkpoint (sealed.h); each is on the disk before the next is begun, so that
 * after any end it goes on behind the last leaf of the state.
 */

#ifndef DEBAR_TOOLS_SEAL_H
#define DEBAR_TOOLS_SEAL_H

#include "audit.h"
#include "period.h"
#include "service.h"


#define DEBAR_SEAL_BUFFER  (4 << 20)         /* more than one line */
#define DEBAR_SEAL_BATCH   65536             /* lines of a checkpoint, at most */
#define DEBAR_SEAL_OPEN    256               /* tiles that are written at once */


typedef struct debar_seal_retained_s  debar_seal_retained_t;

typedef struct {
    debar_service_t        service;          /* the first */

    /* set by options */

    unsigned               every;            /* ms */
    unsigned               lines;
    uint64_t               rotate_size;      /* bytes; 0: never */
    unsigned               daily;
    unsigned               once;
    unsigned               rotate;           /* asked for, now */
    const char            *key_file;
    const char            *pass_file;
    const char            *master;           /* nginx's pid file, or NULL */
    const char            *policy;           /* nginx.conf, or NULL */

    debar_vkey_t           key;
    struct evp_pkey_st    *private;
    debar_hasher_t        *hasher;

    char                   path[DEBAR_MAX_DIR];      /* for messages */
    int                    audit_fd;
    int                    sealed_fd;
    int                    lock_fd;
    int                    helper;           /* to who may signal nginx; -1:
                                                we may */
    unsigned               deaf;             /* said: it does not answer */

    /* the log */

    debar_sealed_state_t   state;            /* on the disk */
    int64_t                loaded;           /* epoch seconds: of the state
                                                that it began with */
    debar_sealed_state_t   next;             /* with the leaves since */
    debar_tree_t           tree;             /* of next */
    debar_tree_t           saved;            /* of state */
    uint8_t                secret[DEBAR_SEALED_SECRET];
    unsigned               has_secret;
    unsigned               published;        /* the state's checkpoint is there */
    unsigned               partial[DEBAR_TILE_LEVELS];   /* width, of state */
    int                    fd;               /* of the file followed; -1 */
    unsigned               rotated;          /* it has its number in its name */
    char                  *buffer;
    uint64_t               since;            /* ms: the oldest line of next */
    uint64_t               told;             /* ms: nginx, to reopen */
    unsigned               alone;            /* said: nobody to tell */

    /* tiles that are written and not yet synced */

    int                    open[DEBAR_SEAL_OPEN];
    unsigned               nopen;

    /* who asks its witnesses */

    pid_t                  asker;            /* 0: none */
    uint64_t               ask_next;         /* ms: looked at again */
    struct timespec        ask_file;         /* of DIR/witness, as it has it */

    /* what is deleted */

    int                    policy_dir;       /* -1: nothing is */
    char                   policy_name[256];
    pid_t                  retaining;        /* who does; 0: nobody now */
    int64_t                retain_day;       /* since the epoch: it began */
    int64_t                retain_clock;     /* epoch seconds when the machine
                                                was started, as they were
                                                last; 0: unknown */
    int64_t                retain_time;      /* epoch seconds: it was done */
    char                   retain_keep[DEBAR_PERIOD_TEXT];
    char                   retain_error[sizeof(debar_fault_t)];
    debar_seal_retained_t *retained;         /* shared with it */

    /* what goes wrong */

    unsigned               failing;          /* said */
    debar_fault_t          fault;
} debar_seal_t;


/* --- seal_store.c: what is written ---------------------------------------- */

/* The folder by its descriptor, for what reads by path. */

void debar_seal_audit(const debar_seal_t *s, debar_audit_t *a);

/* The state of the disk, or of a new log; every call of these: DEBAR_ERROR:
 * s->fault says why, and nothing is lost. */

int debar_seal_load(debar_seal_t *s);

/* Back to the state: what was read since is read again. */

void debar_seal_undo(debar_seal_t *s);

/* A tile, as debar_tile_pt. */

int debar_seal_tile(void *data, unsigned level, uint64_t index,
    const debar_hash_t *hashes, unsigned width);

/* Tiles and state of next are on the disk then; the log itself before. */

int debar_seal_commit(debar_seal_t *s);

/* The checkpoint of the state is signed and on the disk then. */

int debar_seal_publish(debar_seal_t *s);

/* The secret of the file that is followed; made if it has no lines yet. */

int debar_seal_secret(debar_seal_t *s);

/* The line of the file that is followed, sealed to its end.  gone: it is not
 * there any more, or not as it was. */

int debar_seal_closed(debar_seal_t *s, int gone);


/* --- seal_log.c: what is read --------------------------------------------- */

/* One turn: opens, reads, seals, closes what is to be closed.  more: there is
 * more to read at once. */

int debar_seal_turn(debar_seal_t *s, int flush, int *more);

/* Bytes of the log that are not yet sealed. */

uint64_t debar_seal_behind(debar_seal_t *s);

uint64_t debar_seal_now(void);               /* ms, monotonic */


/* --- seal_rotate.c: with root's rights, or the owner's -------------------- */

/* A process that stays root, for the calls below; -1 in s->helper: not needed. */

int debar_seal_helper(debar_seal_t *s, const debar_service_user_t *u);

/* nginx is told to reopen its files; only asked whether it runs.
 * DEBAR_DECLINED: it does not. */

int debar_seal_reopen(debar_seal_t *s);
int debar_seal_nginx(debar_seal_t *s);

/* Whether somebody may still write to the file of this number, 0: the live one.
 * 1, 0. */

int debar_seal_written(debar_seal_t *s, uint64_t number);


/* --- seal_witness.c: who has checkpoints cosigned ------------------------- */

/* At each turn: starts one where DIR/audit/witness is, another where that is
 * changed.  End: it asks for what was sealed last, and ends. */

void debar_seal_witness(debar_seal_t *s);
void debar_seal_witness_end(debar_seal_t *s);


/* --- seal_owner.c: before another user is become -------------------------- */

/* Whom, where no account and no option says it. */

void debar_seal_user(debar_seal_t *s);

/* The folder opened; it and DIR/sealed become his. */

int debar_seal_folder(debar_seal_t *s, const debar_service_user_t *user);


/* --- seal_retain.c: what policy need not keep ----------------------------- */

/* Before another user is become: where s->policy is. */

int debar_seal_policy(debar_seal_t *s, debar_fault_t *fault);

/* A turn: deletion is begun, or what it did is said.  Nothing waits for it. */

void debar_seal_retain(debar_seal_t *s);
void debar_seal_retain_stop(debar_seal_t *s);

/* Its members of the answer to `debar gateway status`. */

void debar_seal_retain_says(const debar_seal_t *s, debar_buf_t *b);


#endif /* DEBAR_TOOLS_SEAL_H */
