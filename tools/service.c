/*
 * A service's life: its options, and a parent that keeps it running.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service.h"


#define DEBAR_SERVICE_BACKOFF      100000      /* us, doubled at each death */
#define DEBAR_SERVICE_BACKOFF_MAX  5000000
#define DEBAR_SERVICE_STEADY       60          /* s: one that lived so long */


static int debar_service_uid(debar_service_t *s, const char *text);
static int debar_service_gid(debar_service_t *s, const char *text);
static int debar_service_path(const debar_service_t *s, const char *option,
    const char *path, char *out);
static int debar_service_detach(debar_service_t *s);
static int debar_service_keep(debar_service_t *s, int ready);
static void debar_service_background(void);
static pid_t debar_service_spawn(debar_service_t *s, int ready);
static void debar_service_pass_on(int signo);


int
debar_service_option(debar_service_t *s, int ch, const char *value)
{
    switch (ch) {

    case DEBAR_SERVICE_SOCKET:
        s->socket_arg = value;
        return -1;

    case DEBAR_SERVICE_PID:
        s->pid_arg = value;
        return -1;

    case DEBAR_SERVICE_LOG:
        s->log_arg = value;
        return -1;

    case DEBAR_SERVICE_USER:
        s->user = value;
        return -1;

    case DEBAR_SERVICE_UID:
        return debar_service_uid(s, value);

    case DEBAR_SERVICE_GID:
        return debar_service_gid(s, value);

    case DEBAR_SERVICE_DAEMON:
        s->daemon = 1;
        return -1;
    }

    return DEBAR_DECLINED;
}


static int
debar_service_uid(debar_service_t *s, const char *text)
{
    int       n;
    char      command[64];
    unsigned  uid;

    if (s->nuids == DEBAR_SERVICE_UIDS) {
        snprintf(command, sizeof(command), "debar %s", s->name);
        return debar_usage(command, "more than %d times --client-uid",
                           DEBAR_SERVICE_UIDS);
    }

    n = debar_service_number(s, "--client-uid", text, 0, 0xfffffffe, &uid);

    if (n == -1) {
        s->uids[s->nuids++] = uid;
    }

    return n;
}


static int
debar_service_gid(debar_service_t *s, const char *text)
{
    int       n;
    unsigned  gid;

    n = debar_service_number(s, "--client-gid", text, 0, 0xfffffffe, &gid);

    if (n == -1) {
        s->gid = gid;
        s->has_gid = 1;
    }

    return n;
}


int
debar_service_number(const debar_service_t *s, const char *option,
    const char *text, unsigned long min, unsigned long max, unsigned *out)
{
    char           *end, command[64];
    unsigned long   n;

    errno = 0;
    n = strtoul(text, &end, 10);

    if (errno || *end || *text < '0' || *text > '9' || n < min || n > max) {
        snprintf(command, sizeof(command), "debar %s", s->name);
        return debar_usage(command, "%s \"%s\": a number from %lu to %lu",
                           option, text, min, max);
    }

    *out = (unsigned) n;

    return -1;
}


int
debar_service_paths(debar_service_t *s)
{
    char  command[64];

    if (s->daemon && s->log_arg == NULL) {
        snprintf(command, sizeof(command), "debar %s", s->name);
        return debar_usage(command, "--daemon needs --log");
    }

    if (debar_service_path(s, "--socket", s->socket_arg, s->socket) != DEBAR_OK
        || debar_service_path(s, "--pid", s->pid_arg, s->pid) != DEBAR_OK
        || debar_service_path(s, "--log", s->log_arg, s->log) != DEBAR_OK)
    {
        return DEBAR_EXIT_FAILURE;
    }

    return -1;
}


/* Absolute: the process leaves its folder. */

static int
debar_service_path(const debar_service_t *s, const char *option,
    const char *path, char *out)
{
    int   n;
    char  cwd[DEBAR_MAX_DIR];

    if (path == NULL) {
        return DEBAR_OK;
    }

    cwd[0] = '\0';

    if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL) {
        debar_say("%s: %s: no current folder: name an absolute path", s->name,
                  option);
        return DEBAR_ERROR;
    }

    n = snprintf(out, DEBAR_MAX_DIR, "%s%s%s", cwd, cwd[0] ? "/" : "", path);

    if (n >= DEBAR_MAX_DIR) {
        debar_say("%s: %s: the path is too long", s->name, option);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_service_close_files(const debar_service_t *s)
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

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < s->files) {
        limit.rlim_cur = s->files < limit.rlim_max ? s->files : limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
}


int
debar_service_start(debar_service_t *s)
{
    int  rc;

    if (s->daemon) {
        return debar_service_detach(s);
    }

    (void) debar_service_write_pid(s, getpid());
    rc = s->run(s, -1);
    debar_service_remove(s);

    return rc;
}


/* The parent waits for the first byte of the service, and goes. */

static int
debar_service_detach(debar_service_t *s)
{
    int      fds[2];
    char     text[sizeof(debar_fault_t)];
    pid_t    pid;
    ssize_t  n;

    if (pipe2(fds, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
        debar_service_remove(s);
        return debar_say("%s: %s", s->name, strerror(errno));
    }

    if (pid == 0) {
        close(fds[0]);
        exit(debar_service_keep(s, fds[1]));
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
        return debar_say("%s: %s", s->name, text);
    }

    return debar_say("%s: %s died at once: see %s", s->name, s->what, s->log);
}


/* Where signals of ours go; 0: nowhere at the moment. */

static volatile sig_atomic_t  debar_service_child, debar_service_ending;


/* A small parent of the same user: a crash does not end the service. */

static int
debar_service_keep(debar_service_t *s, int ready)
{
    int       status;
    pid_t     pid;
    time_t    born;
    unsigned  first, wait;

    debar_service_background();
    (void) debar_service_write_pid(s, getpid());

    wait = DEBAR_SERVICE_BACKOFF;

    for (first = 1; /* void */ ; first = 0) {

        born = time(NULL);
        pid = debar_service_spawn(s, ready);
        status = -1;

        if (first) {
            close(ready);
            ready = -1;
        }

        while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
            /* void */
        }

        debar_service_child = 0;

        if (debar_service_ending
            || (first && WIFEXITED(status) && WEXITSTATUS(status) != 0))
        {
            break;
        }

        if (time(NULL) - born >= DEBAR_SERVICE_STEADY) {
            wait = DEBAR_SERVICE_BACKOFF;
        }

        (void) debar_service_log(s, "%s died (%s %d): starting another in %u "
                                 "ms", s->what,
                                 WIFSIGNALED(status) ? "signal" : "status",
                                 WIFSIGNALED(status) ? WTERMSIG(status)
                                                     : WEXITSTATUS(status),
                                 wait / 1000);
        usleep(wait);

        wait = wait * 2 > DEBAR_SERVICE_BACKOFF_MAX ? DEBAR_SERVICE_BACKOFF_MAX
                                                    : wait * 2;
    }

    debar_service_remove(s);
    (void) debar_service_log(s, "ended");

    return 0;
}


/* Without the terminal, and with signals that are passed on. */

static void
debar_service_background(void)
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
    sa.sa_handler = debar_service_pass_on;
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGHUP, &sa, NULL);
}


/* The service itself; -1: none was started. */

static pid_t
debar_service_spawn(debar_service_t *s, int ready)
{
    pid_t     parent, pid;
    sigset_t  block, old;

    parent = getpid();

    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGUSR1);

    /* a signal between the fork and the note of whom it is for waits */

    sigprocmask(SIG_BLOCK, &block, &old);
    pid = debar_service_ending ? -1 : fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);

        /* who died before that was set sends none */

        if (getppid() != parent) {
            _exit(0);
        }

        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        signal(SIGUSR1, SIG_IGN);
        sigprocmask(SIG_SETMASK, &old, NULL);
        exit(s->run(s, ready));
    }

    debar_service_child = pid > 0 ? pid : 0;
    sigprocmask(SIG_SETMASK, &old, NULL);

    return pid;
}


static void
debar_service_pass_on(int signo)
{
    if (signo != SIGUSR1) {
        debar_service_ending = 1;
    }

    if (debar_service_child > 0) {
        (void) kill(debar_service_child, signo);
    }
}


volatile sig_atomic_t  debar_service_ended, debar_service_usr1;


static void
debar_service_signal(int signo)
{
    if (signo == SIGUSR1) {
        debar_service_usr1 = 1;

    } else if (signo == SIGTERM || signo == SIGINT) {
        debar_service_ended = 1;
    }
}


void
debar_service_signals(const debar_service_t *s, sigset_t *mask, int also)
{
    int               signals[] = { SIGTERM, SIGINT, SIGUSR1, also };
    size_t            i, n;
    sigset_t          block;
    struct sigaction  sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = debar_service_signal;
    sigemptyset(&block);
    n = sizeof(signals) / sizeof(signals[0]) - (also == 0);

    for (i = 0; i < n; i++) {
        sigaction(signals[i], &sa, NULL);
        sigaddset(&block, signals[i]);
    }

    sigprocmask(SIG_BLOCK, &block, mask);

    for (i = 0; i < n; i++) {
        sigdelset(mask, signals[i]);
    }

    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
    sigaction(SIGXFSZ, &sa, NULL);

    if (s->daemon) {
        sigaction(SIGHUP, &sa, NULL);
    }
}
