/*
 * `debar sign`: the process that alone holds the CA's key.
 *
 * root opens files, binds the socket and reads a PEM key; everything after
 * that runs as another user.
 */

#ifndef DEBAR_SIGN_H
#define DEBAR_SIGN_H

#include <sys/types.h>

#include "mint.h"
#include "tools.h"


#define DEBAR_SIGN_UIDS     16
#define DEBAR_SIGN_CLIENTS  256

typedef struct {
    debar_mint_conf_t   mint;
    const char         *user;         /* name or uid; NULL: chosen */
    uid_t               uids[DEBAR_SIGN_UIDS];
    unsigned            nuids;
    gid_t               gid;          /* of clients */
    unsigned            has_gid:1;
    unsigned            daemon:1;
    unsigned            rate;
    unsigned            burst;

    char                socket[DEBAR_MAX_DIR];
    char                pid[DEBAR_MAX_DIR];       /* "": none */
    char                log[DEBAR_MAX_DIR];       /* "": stderr */
} debar_sign_conf_t;

typedef struct {
    debar_sign_conf_t   conf;
    debar_mint_t       *mint;
    int                 listener;
    int                 log;          /* fd */
    int                 log_torn;     /* the last line is not whole */
    int                 pid;          /* fd, -1: none */
} debar_signer_t;


/* --- sign_user.c: who it runs as ------------------------------------------ */

typedef struct {
    uid_t        uid;
    gid_t        gid;
    char         why[160];            /* for the log: how it was chosen */
} debar_sign_user_t;

/* DEBAR_ERROR: said already. */

int debar_sign_user(const debar_sign_conf_t *c, debar_sign_user_t *u);

/* No core, no tracer, no new privileges; before the key is read. */

void debar_sign_harden(void);

/* For good; nothing if u is who we are. */

int debar_sign_drop(const debar_sign_user_t *u);


/* --- sign_files.c: socket, log and pid file ------------------------------- */

int debar_sign_open(debar_signer_t *s, const debar_sign_user_t *u);
int debar_sign_write_pid(debar_signer_t *s, pid_t pid);

/* Takes socket and pid file away, as far as this user may. */

void debar_sign_remove(debar_signer_t *s);

/* The file that stands there now; the old one goes on where that fails. */

void debar_sign_reopen(debar_signer_t *s);

/* One line with the time before it; DEBAR_ERROR: it is not in the file. */

int debar_sign_log(debar_signer_t *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


/* --- sign_serve.c: the loop ------------------------------------------------ */

/* Until SIGTERM; exit code. */

int debar_sign_serve(debar_signer_t *s);


#endif /* DEBAR_SIGN_H */
