/*
 * What processes that serve the gateway's workers over a unix socket share:
 * `debar sign`, `debar inspect --serve`.
 *
 * root opens files and binds the socket; everything after that runs as another
 * user.  In the background a small parent of that user starts another one if the
 * service dies.
 */

#ifndef DEBAR_SERVICE_H
#define DEBAR_SERVICE_H

#include <signal.h>
#include <sys/types.h>

#include "tools.h"


#define DEBAR_SERVICE_UIDS  16

typedef struct debar_service_s  debar_service_t;

struct debar_service_s {
    const char    *name;          /* of the command: "sign" */
    const char    *what;          /* for people: "the signer" */
    const char    *account;       /* user that it becomes where there is one */
    unsigned       files;         /* descriptors that it needs */

    /* Serves until SIGTERM; ready: where one byte says that it does, or text why
     * not; -1: none.  Exit code. */

    int          (*run)(debar_service_t *s, int ready);

    const char    *user;          /* name or uid; NULL: chosen */
    uid_t          uids[DEBAR_SERVICE_UIDS];
    unsigned       nuids;         /* who may ask, beside root and itself */
    gid_t          gid;           /* of clients */
    unsigned       has_gid:1;
    unsigned       daemon:1;

    const char    *socket_arg;    /* as given, or NULL */
    const char    *pid_arg;
    const char    *log_arg;

    char           socket[DEBAR_MAX_DIR];
    char           pid[DEBAR_MAX_DIR];       /* "": none */
    char           log[DEBAR_MAX_DIR];       /* "": stderr */

    int            listener;
    int            log_fd;
    int            log_torn;      /* the last line is not whole */
    int            pid_fd;        /* -1: none */
};

typedef struct {
    uid_t          uid;
    gid_t          gid;
    char           why[160];      /* for the log: how it was chosen */
} debar_service_user_t;


/* --- service.c: options, life --------------------------------------------- */

/* Options that every service has, from 1000 on; put into the command's own. */

enum {
    DEBAR_SERVICE_SOCKET = 1000,
    DEBAR_SERVICE_PID,
    DEBAR_SERVICE_LOG,
    DEBAR_SERVICE_USER,
    DEBAR_SERVICE_UID,
    DEBAR_SERVICE_GID,
    DEBAR_SERVICE_DAEMON
};

#define DEBAR_SERVICE_OPTIONS                                                 \
    { "socket",     required_argument, NULL, DEBAR_SERVICE_SOCKET },          \
    { "pid",        required_argument, NULL, DEBAR_SERVICE_PID },             \
    { "log",        required_argument, NULL, DEBAR_SERVICE_LOG },             \
    { "user",       required_argument, NULL, DEBAR_SERVICE_USER },            \
    { "client-uid", required_argument, NULL, DEBAR_SERVICE_UID },             \
    { "client-gid", required_argument, NULL, DEBAR_SERVICE_GID },             \
    { "daemon",     no_argument,       NULL, DEBAR_SERVICE_DAEMON }

/* One option of getopt_long(): DEBAR_DECLINED: none of these; -1: taken; else an
 * exit code, said already. */

int debar_service_option(debar_service_t *s, int ch, const char *value);

/* A number of an option: -1, or an exit code. */

int debar_service_number(const debar_service_t *s, const char *option,
    const char *text, unsigned long min, unsigned long max, unsigned *out);

/* After all options: what is missing, paths made absolute.  -1: go on. */

int debar_service_paths(debar_service_t *s);

/* What stdin, stdout and stderr are for is all that it inherits. */

void debar_service_close_files(const debar_service_t *s);

/* Runs it, in the background where it was asked for.  Exit code. */

int debar_service_start(debar_service_t *s);


/* --- service_user.c: who it runs as --------------------------------------- */

/* DEBAR_ERROR: said already. */

int debar_service_user(const debar_service_t *s, debar_service_user_t *u);

/* No core, no tracer, no new privileges; before a secret is read. */

void debar_service_harden(void);

/* For good; nothing if u is who we are. */

int debar_service_drop(const debar_service_t *s, const debar_service_user_t *u);

/*
 * SIGTERM and SIGINT set debar_service_ended, SIGUSR1 debar_service_usr1 (the
 * log is to be opened anew), while the process waits with mask, and only then.
 * also: a signal that is to end a wait and sets nothing; 0: none.
 */

extern volatile sig_atomic_t  debar_service_ended, debar_service_usr1;

void debar_service_signals(const debar_service_t *s, sigset_t *mask, int also);

/* Whether a peer may ask. */

int debar_service_allowed(const debar_service_t *s, uid_t uid);


/* --- service_files.c: socket, log and pid file ---------------------------- */

int debar_service_open(debar_service_t *s, const debar_service_user_t *u);
int debar_service_write_pid(debar_service_t *s, pid_t pid);

/* Takes socket and pid file away, as far as this user may. */

void debar_service_remove(debar_service_t *s);

/* The file that stands there now; the old one goes on where that fails. */

void debar_service_reopen(debar_service_t *s);

/* One line with the time before it; DEBAR_ERROR: it is not in the file. */

int debar_service_log(debar_service_t *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* DEBAR_SERVICE_H */
