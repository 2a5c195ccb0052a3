/*
 * The inspector's supervisor: takes connections, forks a reader for each, sees
 * that none stays whose worker went away, and writes down those that died.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect.h"


#define DEBAR_INSPECT_GRACE  2000     /* ms: to see that nobody asks any more */


static int debar_inspect_args(debar_inspect_t *in, int argc, char **argv);
static int debar_inspect_run(debar_service_t *service, int ready);
static int debar_inspect_wait(debar_inspect_t *in, struct pollfd *p,
    const sigset_t *mask);
static void debar_inspect_accept(debar_inspect_t *in);
static int debar_inspect_may(debar_inspect_t *in, int fd, long *peer);
static void debar_inspect_refuse(int fd, const char *why);
static void debar_inspect_fork(debar_inspect_t *in, int fd, long peer);
static void debar_inspect_watch(debar_inspect_t *in, const struct pollfd *p);
static void debar_inspect_reap(debar_inspect_t *in);
static uint64_t debar_inspect_now(void);


static const char  debar_inspect_help[] =
    "usage: debar inspect --serve --socket PATH [options]\n"
    "\n"
    "Reads downloads for a gateway's workers, each file in a process of its own\n"
    "that can open nothing, reach nobody and start nothing.\n"
    "\n"
    "      --socket PATH       unix socket to listen on\n"
    "      --max N             files at once (default 64); one more is refused,\n"
    "                          and the gateway does as its configuration says\n"
    "      --time SECONDS      to read a file that has come (default 30)\n"
    "      --memory MB         that one file may take (default 512)\n"
    "      --pid PATH          file for the process id\n"
    "      --log PATH          a line for each reader that died (default: stderr)\n"
    "      --user NAME|UID     who to run as (default: debar-inspect, else a free\n"
    "                          user id)\n"
    "      --client-uid UID    who may ask beside root and itself; repeatable\n"
    "      --client-gid GID    group that the socket is given to\n"
    "      --daemon            go to the background once it listens; one that dies\n"
    "                          is started again\n"
    "  -h, --help              this text\n"
    "\n"
    "SIGTERM ends it, SIGUSR1 reopens the log.\n"
    "Exit: 0 ended or in the background, 1 not started (stderr says why),\n"
    "2 usage.\n";


int
debar_inspect_serve(int argc, char **argv)
{
    int                    rc;
    debar_inspect_t       *in;
    debar_service_user_t   user;

    static debar_inspect_t  serving;

    in = &serving;
    in->service.name = "inspect";
    in->service.what = "the inspector";
    in->service.account = "debar-inspect";
    in->service.files = DEBAR_INSPECT_MAX + 64;
    in->service.run = debar_inspect_run;

    rc = debar_inspect_args(in, argc, argv);

    if (rc != -1) {
        return rc;
    }

    debar_service_close_files(&in->service);
    debar_service_harden();

    if (debar_service_user(&in->service, &user) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    umask(077);

    if (debar_service_open(&in->service, &user) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (chdir("/") == -1
        || debar_service_drop(&in->service, &user) != DEBAR_OK)
    {
        (void) unlink(in->service.socket);
        return DEBAR_EXIT_FAILURE;
    }

    (void) debar_service_log(&in->service, "started on %s as uid=%ld gid=%ld "
                             "(%s): %u files at once, %u s, %u MB each",
                             in->service.socket, (long) user.uid,
                             (long) user.gid, user.why, in->max, in->seconds,
                             in->megabytes);

    return debar_service_start(&in->service);
}


/* -1: go on; else the exit code. */

static int
debar_inspect_args(debar_inspect_t *in, int argc, char **argv)
{
    int  n, ch;

    enum { SERVE = 256, MAX, TIME, MEMORY };

    static const struct option  options[] = {
        { "serve",  no_argument,       NULL, SERVE },
        { "max",    required_argument, NULL, MAX },
        { "time",   required_argument, NULL, TIME },
        { "memory", required_argument, NULL, MEMORY },
        { "help",   no_argument,       NULL, 'h' },
        DEBAR_SERVICE_OPTIONS,
        { NULL, 0, NULL, 0 }
    };

    in->max = 64;
    in->seconds = 30;
    in->megabytes = 512;
    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        n = -1;

        switch (ch) {
        case SERVE:
            break;
        case MAX:
            n = debar_service_number(&in->service, "--max", optarg, 1,
                                     DEBAR_INSPECT_MAX, &in->max);
            break;
        case TIME:
            n = debar_service_number(&in->service, "--time", optarg, 1, 3600,
                                     &in->seconds);
            break;
        case MEMORY:
            n = debar_service_number(&in->service, "--memory", optarg, 128,
                                     65536, &in->megabytes);
            break;
        case 'h':
            fputs(debar_inspect_help, stdout);
            return 0;
        default:
            n = debar_service_option(&in->service, ch, optarg);

            if (n == DEBAR_DECLINED) {
                return debar_bad_option("inspect", ch, argv);
            }
        }

        if (n != -1) {
            return n;
        }
    }

    if (optind != argc) {
        return debar_usage("debar inspect", "--serve takes options only");
    }

    if (in->service.socket_arg == NULL) {
        return debar_usage("debar inspect", "--serve needs --socket");
    }

    return debar_service_paths(&in->service);
}


static int
debar_inspect_run(debar_service_t *service, int ready)
{
    unsigned          i;
    sigset_t          mask;
    struct pollfd    *p;
    debar_inspect_t  *in = (debar_inspect_t *) service;

    p = calloc(DEBAR_INSPECT_MAX + 1, sizeof(*p));

    if (p == NULL) {
        return debar_say("inspect: no memory");
    }

    debar_inspect_warm();
    debar_service_signals(&in->service, &mask, SIGCHLD);

    if (ready != -1) {
        (void) !write(ready, "", 1);
        close(ready);
    }

    while (!debar_service_ended) {

        if (debar_inspect_wait(in, p, &mask) != DEBAR_OK) {
            break;
        }

        if (debar_service_usr1) {
            debar_service_usr1 = 0;
            debar_service_reopen(service);
        }

        debar_inspect_watch(in, p);
        debar_inspect_reap(in);

        if (p[0].revents) {
            debar_inspect_accept(in);
        }
    }

    for (i = 0; i < in->n; i++) {
        (void) kill(in->children[i].pid, SIGKILL);
    }

    free(p);

    return 0;
}


static int
debar_inspect_wait(debar_inspect_t *in, struct pollfd *p, const sigset_t *mask)
{
    int              n;
    unsigned         i;
    struct timespec  ts;

    ts.tv_sec = 60;
    ts.tv_nsec = 0;

    p[0].fd = in->service.listener;
    p[0].events = POLLIN;
    p[0].revents = 0;

    for (i = 0; i < in->n; i++) {

        /* one that is known to be gone would wake us for ever */

        p[i + 1].fd = in->children[i].gone ? -1 : in->children[i].fd;
        p[i + 1].events = POLLRDHUP;
        p[i + 1].revents = 0;

        if (in->children[i].gone) {
            ts.tv_sec = 1;
        }
    }

    n = ppoll(p, in->n + 1, &ts, mask);

    if (n == -1) {

        for (i = 0; i <= in->n; i++) {
            p[i].revents = 0;
        }

        if (errno != EINTR) {
            (void) debar_service_log(&in->service, "poll: %s",
                                     strerror(errno));
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static void
debar_inspect_accept(debar_inspect_t *in)
{
    int   fd;
    long  peer;

    for ( ;; ) {

        fd = accept4(in->service.listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd == -1) {
            return;
        }

        if (!debar_inspect_may(in, fd, &peer)) {
            close(fd);
            continue;
        }

        if (in->n == in->max) {
            debar_inspect_refuse(fd, "too many files at once: --max");
            close(fd);
            continue;
        }

        debar_inspect_fork(in, fd, peer);
    }
}


static int
debar_inspect_may(debar_inspect_t *in, int fd, long *peer)
{
    socklen_t     len;
    struct ucred  who;

    len = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1) {
        return 0;
    }

    *peer = (long) who.pid;

    if (debar_service_allowed(&in->service, who.uid)) {
        return 1;
    }

    debar_inspect_refuse(fd, "this user may not ask: --client-uid");
    (void) debar_service_log(&in->service, "refused uid=%ld pid=%ld: "
                             "--client-uid names who may ask", (long) who.uid,
                             *peer);

    return 0;
}


static void
debar_inspect_refuse(int fd, const char *why)
{
    size_t              n;
    uint8_t             out[256];
    debar_file_frame_t  f;

    memset(&f, 0, sizeof(f));
    f.kind = DEBAR_FW_REFUSED;
    f.text = debar_str(why, strlen(why));

    n = debar_file_frame_write(out, sizeof(out), &f);

    (void) send(fd, out, n, MSG_NOSIGNAL|MSG_DONTWAIT);
}


static void
debar_inspect_fork(debar_inspect_t *in, int fd, long peer)
{
    pid_t                   pid;
    unsigned                i;
    sigset_t                none;
    debar_inspect_child_t  *c;

    pid = fork();

    if (pid == -1) {
        (void) debar_service_log(&in->service, "cannot start a reader: %s",
                                 strerror(errno));
        debar_inspect_refuse(fd, "no process for it");
        close(fd);
        return;
    }

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        signal(SIGUSR1, SIG_IGN);
        signal(SIGCHLD, SIG_DFL);
        signal(SIGXFSZ, SIG_IGN);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);

        close(in->service.listener);

        for (i = 0; i < in->n; i++) {
            close(in->children[i].fd);
        }

        if (in->service.log_fd != STDERR_FILENO) {
            close(in->service.log_fd);
        }

        if (in->service.pid_fd != -1) {
            close(in->service.pid_fd);
        }

        _exit(debar_inspect_file(in, fd));
    }

    c = &in->children[in->n++];
    c->fd = fd;
    c->pid = pid;
    c->peer = peer;
    c->gone = 0;
}


/* A reader that was taken over would not mind that nobody listens. */

static void
debar_inspect_watch(debar_inspect_t *in, const struct pollfd *p)
{
    unsigned                i;
    uint64_t                now;
    debar_inspect_child_t  *c;

    now = debar_inspect_now();

    for (i = 0; i < in->n; i++) {
        c = &in->children[i];

        if (c->gone == 0 && (p[i + 1].revents & (POLLRDHUP|POLLHUP|POLLERR))) {
            c->gone = now;
        }

        if (c->gone && now - c->gone >= DEBAR_INSPECT_GRACE) {
            (void) kill(c->pid, SIGKILL);
        }
    }
}


static void
debar_inspect_reap(debar_inspect_t *in)
{
    int                     status;
    pid_t                   pid;
    unsigned                i;
    debar_inspect_child_t  *c;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {

        for (i = 0; i < in->n && in->children[i].pid != pid; i++) {
            /* void */
        }

        if (i == in->n) {
            continue;
        }

        c = &in->children[i];

        if (WIFSIGNALED(status) && !c->gone) {
            (void) debar_service_log(&in->service, "a reader died (signal %d, "
                                     "%s) on a file of pid=%ld: its download "
                                     "is not judged by its content",
                                     WTERMSIG(status),
                                     WTERMSIG(status) == SIGALRM
                                     ? "out of time"
                                     : WTERMSIG(status) == SIGSYS
                                       ? "a call it may not make"
                                       : strsignal(WTERMSIG(status)),
                                     c->peer);
        }

        close(c->fd);
        *c = in->children[--in->n];
    }
}


static uint64_t
debar_inspect_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
