/*
 * debar sign: options, then root's part, then a parent that keeps a signer
 * running.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sign.h"


#define DEBAR_SIGN_BACKOFF      100000      /* us, doubled at each death */
#define DEBAR_SIGN_BACKOFF_MAX  5000000
#define DEBAR_SIGN_STEADY       60          /* s: one that lived so long */


static int debar_sign_args(debar_sign_conf_t *c, int argc, char **argv);
static int debar_sign_uid(debar_sign_conf_t *c, const char *text);
static int debar_sign_gid(debar_sign_conf_t *c, const char *text);
static int debar_sign_number(const char *option, const char *text,
    unsigned long min, unsigned long max, unsigned *out);
static int debar_sign_path(const char *option, const char *path, char *out);
static int debar_sign_run(debar_signer_t *s, int ready);
static int debar_sign_detach(debar_signer_t *s);
static int debar_sign_keep(debar_signer_t *s, int ready);
static void debar_sign_background(void);
static pid_t debar_sign_start(debar_signer_t *s, int ready);
static void debar_sign_pass_on(int signo);
static void debar_sign_close_files(void);


static const char  debar_sign_help[] =
    "usage: debar sign --ca CERT.pem --key KEY --socket PATH [options]\n"
    "\n"
    "Holds the CA's key of a gateway that inspects HTTPS, and signs server\n"
    "certificates, one a name, for the workers that ask on PATH.  It drops root\n"
    "for a user of its own.\n"
    "\n"
    "      --ca CERT.pem       the CA's certificate, then those above it\n"
    "      --key KEY           its key: a PEM file or a pkcs11: URI\n"
    "      --passphrase FILE   its first line opens the key, or is the PIN\n"
    "      --socket PATH       unix socket to listen on\n"
    "      --pid PATH          file for the process id\n"
    "      --log PATH          a line for each name (default: stderr)\n"
    "      --user NAME|UID     who to run as (default: debar-sign, else a free\n"
    "                          user id)\n"
    "      --client-uid UID    who may ask beside root and itself; repeatable\n"
    "      --client-gid GID    group that the socket is given to\n"
    "      --rate N            names a second (default 200)\n"
    "      --burst N           names at once (default 1000)\n"
    "      --days N            that a certificate lasts (default 30, up to 397)\n"
    "      --daemon            go to the background once it listens; a signer\n"
    "                          that dies is started again\n"
    "  -h, --help              this text\n"
    "\n"
    "SIGTERM ends it, SIGUSR1 reopens the log.\n"
    "Exit: 0 ended or in the background, 1 not started (stderr says why),\n"
    "2 usage.\n";


int
debar_sign_command(int argc, char **argv)
{
    int                 rc;
    const char         *warning;
    debar_fault_t       fault;
    debar_signer_t      s;
    debar_sign_user_t   user;

    memset(&s, 0, sizeof(s));
    rc = debar_sign_args(&s.conf, argc, argv);

    if (rc != -1) {
        return rc;
    }

    debar_sign_close_files();
    debar_sign_harden();

    if (debar_sign_user(&s.conf, &user) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    /* a key in a file is root's to read; one in a token is opened as user */

    s.mint = debar_mint_open(&s.conf.mint, time(NULL), &fault);

    if (s.mint == NULL) {
        return debar_say("sign: %s", fault.text);
    }

    warning = debar_mint_warning(s.mint);

    if (warning) {
        (void) debar_say("sign: warning: %s", warning);
    }

    umask(077);

    if (debar_sign_open(&s, &user) != DEBAR_OK) {
        return DEBAR_EXIT_FAILURE;
    }

    if (chdir("/") == -1 || debar_sign_drop(&user) != DEBAR_OK) {
        (void) unlink(s.conf.socket);
        return DEBAR_EXIT_FAILURE;
    }

    (void) debar_sign_log(&s, "started on %s as uid=%ld gid=%ld (%s)%s%s",
                          s.conf.socket, (long) user.uid, (long) user.gid,
                          user.why, warning ? ": " : "",
                          warning ? warning : "");

    if (s.conf.daemon) {
        rc = debar_sign_detach(&s);

    } else {
        (void) debar_sign_write_pid(&s, getpid());
        rc = debar_sign_run(&s, -1);
        debar_sign_remove(&s);
    }

    debar_mint_close(s.mint);

    return rc;
}


/* -1: go on; else the exit code. */

static int
debar_sign_args(debar_sign_conf_t *c, int argc, char **argv)
{
    int          n, ch;
    const char  *socket_path, *pid, *log_path;

    enum { CA = 256, KEY, PASSPHRASE, SOCKET, PID, LOG, USER, UID, GID, RATE,
           BURST, DAYS, DAEMON };

    static const struct option  options[] = {
        { "ca",         required_argument, NULL, CA },
        { "key",        required_argument, NULL, KEY },
        { "passphrase", required_argument, NULL, PASSPHRASE },
        { "socket",     required_argument, NULL, SOCKET },
        { "pid",        required_argument, NULL, PID },
        { "log",        required_argument, NULL, LOG },
        { "user",       required_argument, NULL, USER },
        { "client-uid", required_argument, NULL, UID },
        { "client-gid", required_argument, NULL, GID },
        { "rate",       required_argument, NULL, RATE },
        { "burst",      required_argument, NULL, BURST },
        { "days",       required_argument, NULL, DAYS },
        { "daemon",     no_argument,       NULL, DAEMON },
        { "help",       no_argument,       NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    c->rate = 200;
    c->burst = 1000;
    socket_path = pid = log_path = NULL;
    opterr = 0;

    while ((ch = getopt_long(argc, argv, ":h", options, NULL)) != -1) {

        n = -1;

        switch (ch) {
        case CA:
            c->mint.cert = optarg;
            break;
        case KEY:
            c->mint.key = optarg;
            break;
        case PASSPHRASE:
            c->mint.passphrase = optarg;
            break;
        case SOCKET:
            socket_path = optarg;
            break;
        case PID:
            pid = optarg;
            break;
        case LOG:
            log_path = optarg;
            break;
        case USER:
            c->user = optarg;
            break;
        case UID:
            n = debar_sign_uid(c, optarg);
            break;
        case GID:
            n = debar_sign_gid(c, optarg);
            break;
        case RATE:
            n = debar_sign_number("--rate", optarg, 1, 1000000, &c->rate);
            break;
        case BURST:
            n = debar_sign_number("--burst", optarg, 1, 1000000, &c->burst);
            break;
        case DAYS:
            n = debar_sign_number("--days", optarg, 1, 397, &c->mint.days);
            break;
        case DAEMON:
            c->daemon = 1;
            break;
        case 'h':
            fputs(debar_sign_help, stdout);
            return 0;
        default:
            return debar_bad_option("sign", ch, argv);
        }

        if (n != -1) {
            return n;
        }
    }

    if (optind != argc) {
        return debar_usage("debar sign", "it takes options only");
    }

    if (c->mint.cert == NULL || c->mint.key == NULL || socket_path == NULL) {
        return debar_usage("debar sign", "--ca, --key and --socket are needed");
    }

    if (c->daemon && log_path == NULL) {
        return debar_usage("debar sign", "--daemon needs --log");
    }

    if (debar_sign_path("--socket", socket_path, c->socket) != DEBAR_OK
        || debar_sign_path("--pid", pid, c->pid) != DEBAR_OK
        || debar_sign_path("--log", log_path, c->log) != DEBAR_OK)
    {
        return DEBAR_EXIT_FAILURE;
    }

    return -1;
}


static int
debar_sign_uid(debar_sign_conf_t *c, const char *text)
{
    int       n;
    unsigned  uid;

    if (c->nuids == DEBAR_SIGN_UIDS) {
        return debar_usage("debar sign", "more than %d times --client-uid",
                           DEBAR_SIGN_UIDS);
    }

    n = debar_sign_number("--client-uid", text, 0, 0xfffffffe, &uid);

    if (n == -1) {
        c->uids[c->nuids++] = uid;
    }

    return n;
}


static int
debar_sign_gid(debar_sign_conf_t *c, const char *text)
{
    int       n;
    unsigned  gid;

    n = debar_sign_number("--client-gid", text, 0, 0xfffffffe, &gid);

    if (n == -1) {
        c->gid = gid;
        c->has_gid = 1;
    }

    return n;
}


static int
debar_sign_number(const char *option, const char *text, unsigned long min,
    unsigned long max, unsigned *out)
{
    char           *end;
    unsigned long   n;

    errno = 0;
    n = strtoul(text, &end, 10);

    if (errno || *end || *text < '0' || *text > '9' || n < min || n > max) {
        return debar_usage("debar sign", "%s \"%s\": a number from %lu to %lu",
                           option, text, min, max);
    }

    *out = (unsigned) n;

    return -1;
}


/* Absolute: the process leaves its folder. */

static int
debar_sign_path(const char *option, const char *path, char *out)
{
    int   n;
    char  cwd[DEBAR_MAX_DIR];

    if (path == NULL) {
        return DEBAR_OK;
    }

    cwd[0] = '\0';

    if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL) {
        debar_say("sign: %s: no current folder: name an absolute path", option);
        return DEBAR_ERROR;
    }

    n = snprintf(out, DEBAR_MAX_DIR, "%s%s%s", cwd, cwd[0] ? "/" : "", path);

    if (n >= DEBAR_MAX_DIR) {
        debar_say("sign: %s: the path is too long", option);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* What stdin, stdout and stderr are for is all that it inherits. */

static void
debar_sign_close_files(void)
{
    int            fd;
    struct rlimit  limit;

    closefrom(3);

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd != -1 && fd < 3);

    if (fd > 2) {
        close(fd);
    }

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0
        && limit.rlim_cur < DEBAR_SIGN_CLIENTS + 64)
    {
        limit.rlim_cur = DEBAR_SIGN_CLIENTS + 64;

        if (limit.rlim_cur > limit.rlim_max) {
            limit.rlim_cur = limit.rlim_max;
        }

        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
}


/* ready: where one byte says that it serves, or text why not; -1: none. */

static int
debar_sign_run(debar_signer_t *s, int ready)
{
    debar_fault_t  fault;

    if (debar_mint_wants_token(s->mint)
        && debar_mint_token(s->mint, &fault) != DEBAR_OK)
    {
        if (ready == -1) {
            return debar_say("sign: %s", fault.text);
        }

        (void) !write(ready, fault.text, strlen(fault.text));
        (void) debar_sign_log(s, "%s", fault.text);

        return DEBAR_EXIT_FAILURE;
    }

    if (ready != -1) {
        (void) !write(ready, "", 1);
        close(ready);
    }

    return debar_sign_serve(s);
}


/* The parent waits for the first byte of the signer's, and goes. */

static int
debar_sign_detach(debar_signer_t *s)
{
    int      fds[2];
    char     text[sizeof(debar_fault_t)];
    pid_t    pid;
    ssize_t  n;

    if (pipe2(fds, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
        debar_sign_remove(s);
        return debar_say("sign: %s", strerror(errno));
    }

    if (pid == 0) {
        close(fds[0]);
        exit(debar_sign_keep(s, fds[1]));
    }

    close(fds[1]);

    do {
        n = read(fds[0], text, sizeof(text) - 1);
    } while (n == -1 && errno == EINTR);

    close(fds[0]);

    if (n == 1 && text[0] == '\0') {
        return 0;
    }

    if (n > 0) {
        text[n] = '\0';
        return debar_say("sign: %s", text);
    }

    return debar_say("sign: the signer died at once: see %s", s->conf.log);
}


/* Where signals of ours go; 0: nowhere at the moment. */

static volatile sig_atomic_t  debar_sign_child, debar_sign_ending;


/* A small parent of the same user: a crash does not end signing. */

static int
debar_sign_keep(debar_signer_t *s, int ready)
{
    int       status;
    pid_t     pid;
    time_t    born;
    unsigned  first, wait;

    debar_sign_background();
    (void) debar_sign_write_pid(s, getpid());

    wait = DEBAR_SIGN_BACKOFF;

    for (first = 1; /* void */ ; first = 0) {

        born = time(NULL);
        pid = debar_sign_start(s, ready);
        status = -1;

        if (first) {
            close(ready);
            ready = -1;
        }

        while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
            /* void */
        }

        debar_sign_child = 0;

        if (debar_sign_ending
            || (first && WIFEXITED(status) && WEXITSTATUS(status) != 0))
        {
            break;
        }

        if (time(NULL) - born >= DEBAR_SIGN_STEADY) {
            wait = DEBAR_SIGN_BACKOFF;
        }

        (void) debar_sign_log(s, "the signer died (%s %d): starting another "
                              "in %u ms",
                              WIFSIGNALED(status) ? "signal" : "status",
                              WIFSIGNALED(status) ? WTERMSIG(status)
                                                  : WEXITSTATUS(status),
                              wait / 1000);
        usleep(wait);

        wait = wait * 2 > DEBAR_SIGN_BACKOFF_MAX ? DEBAR_SIGN_BACKOFF_MAX
                                                 : wait * 2;
    }

    debar_sign_remove(s);
    (void) debar_sign_log(s, "ended");

    return 0;
}


/* Without the terminal, and with signals that are passed on. */

static void
debar_sign_background(void)
{
    int               fd;
    struct sigaction  sa;

    setsid();

    fd = open("/dev/null", O_RDWR);

    if (fd != -1) {
        (void) dup2(fd, STDIN_FILENO);
        (void) dup2(fd, STDOUT_FILENO);
        (void) dup2(fd, STDERR_FILENO);

        if (fd > STDERR_FILENO) {
            close(fd);
        }
    }

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = debar_sign_pass_on;
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGHUP, &sa, NULL);
}


/* The signer itself; -1: none was started. */

static pid_t
debar_sign_start(debar_signer_t *s, int ready)
{
    pid_t     pid;
    sigset_t  block, old;

    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGUSR1);

    /* a signal between the fork and the note of whom it is for waits */

    sigprocmask(SIG_BLOCK, &block, &old);
    pid = debar_sign_ending ? -1 : fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        signal(SIGUSR1, SIG_IGN);
        sigprocmask(SIG_SETMASK, &old, NULL);
        exit(debar_sign_run(s, ready));
    }

    debar_sign_child = pid > 0 ? pid : 0;
    sigprocmask(SIG_SETMASK, &old, NULL);

    return pid;
}


static void
debar_sign_pass_on(int signo)
{
    if (signo != SIGUSR1) {
        debar_sign_ending = 1;
    }

    if (debar_sign_child > 0) {
        (void) kill(debar_sign_child, signo);
    }
}
