/*
 * What the sealer cannot do as its own user: tell nginx to reopen its files, and
 * learn whether anybody has one open for writing.  A small process that stayed
 * root does it, and nothing else; its questions name a number.  A parent of it
 * starts another if it is killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seal.h"


#define DEBAR_SEAL_DEAF   10                 /* s that an answer may take */
#define DEBAR_SEAL_AGAIN  50000              /* us until another one serves */


/* turn: the answer has it, too.  One that a sealer which was killed did not
 * take is nobody's; 0: ask again. */

typedef struct {
    char      what;               /* 'r': reopen, 'n': does nginx run, 'w': is
                                     it written to */
    uint64_t  number;
    uint64_t  turn;
} debar_seal_ask_t;

typedef struct {
    int32_t   rc;
    uint64_t  turn;
} debar_seal_answer_t;


static int debar_seal_answer(debar_seal_t *s, const debar_seal_ask_t *ask);
static int debar_seal_signal(const char *file, int signo);
static int debar_seal_open_for_writing(debar_seal_t *s, uint64_t number);
static int debar_seal_ask(debar_seal_t *s, char what, uint64_t number);
static int debar_seal_deaf(debar_seal_t *s);
static void debar_seal_keep(debar_seal_t *s, int fd);
static void debar_seal_serve(debar_seal_t *s, int fd);


int
debar_seal_helper(debar_seal_t *s, const debar_service_user_t *u)
{
    int             fds[2], fd;
    pid_t           pid;
    struct timeval  tv = { DEBAR_SEAL_DEAF, 0 };

    s->helper = -1;
    signal(SIGIO, SIG_IGN);                  /* of leases that are broken */

    if (geteuid() != 0 || u->uid == 0) {
        return DEBAR_OK;
    }

    if (socketpair(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0, fds) == -1
        || (pid = fork()) == -1)
    {
        debar_say("seal: %s", strerror(errno));
        return DEBAR_ERROR;
    }

    if (pid) {
        close(fds[1]);
        (void) setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
        s->helper = fds[0];
        return DEBAR_OK;
    }

    /* the folder, and the other end: it ends with the last that asks */

    setsid();
    close(fds[0]);
    close(s->sealed_fd);
    close(s->lock_fd);
    fd = open("/dev/null", O_RDWR|O_CLOEXEC);

    if (fd != -1) {
        (void) dup2(fd, STDIN_FILENO);
        (void) dup2(fd, STDOUT_FILENO);
        (void) dup2(fd, STDERR_FILENO);
    }

    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    debar_seal_keep(s, fds[1]);
    _exit(0);
}


/* One that serves, and another when it dies: the sealer could not start any. */

static void
debar_seal_keep(debar_seal_t *s, int fd)
{
    int                  status;
    pid_t                pid;
    debar_seal_answer_t  again;

    memset(&again, 0, sizeof(again));

    for ( ;; ) {
        pid = fork();

        if (pid == 0) {
            debar_seal_serve(s, fd);
            _exit(0);
        }

        status = -1;

        while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
            /* void */
        }

        if (pid > 0 && WIFEXITED(status)) {
            return;
        }

        usleep(DEBAR_SEAL_AGAIN);

        /* the question that died with it is to be put once more */

        (void) send(fd, &again, sizeof(again), MSG_NOSIGNAL|MSG_DONTWAIT);
    }
}


static void
debar_seal_serve(debar_seal_t *s, int fd)
{
    ssize_t              n;
    debar_seal_ask_t     ask;
    debar_seal_answer_t  answer;

    s->helper = -1;
    memset(&answer, 0, sizeof(answer));

    for ( ;; ) {
        n = recv(fd, &ask, sizeof(ask), 0);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n != (ssize_t) sizeof(ask)) {
            return;
        }

        answer.rc = debar_seal_answer(s, &ask);
        answer.turn = ask.turn;

        if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL)
            != (ssize_t) sizeof(answer))
        {
            return;
        }
    }
}


int
debar_seal_reopen(debar_seal_t *s)
{
    return debar_seal_ask(s, 'r', 0);
}


int
debar_seal_nginx(debar_seal_t *s)
{
    return debar_seal_ask(s, 'n', 0);
}


int
debar_seal_written(debar_seal_t *s, uint64_t number)
{
    return debar_seal_ask(s, 'w', number) != 0;
}


static int
debar_seal_ask(debar_seal_t *s, char what, uint64_t number)
{
    ssize_t              n;
    debar_seal_ask_t     ask;
    debar_seal_answer_t  answer;

    memset(&ask, 0, sizeof(ask));
    ask.what = what;
    ask.number = number;

    if (s->helper == -1) {
        return debar_seal_answer(s, &ask);
    }

    if (getrandom(&ask.turn, sizeof(ask.turn), 0)
        != (ssize_t) sizeof(ask.turn))
    {
        return debar_seal_deaf(s);
    }

    answer.turn = 0;

    do {
        if (answer.turn == 0 && send(s->helper, &ask, sizeof(ask), MSG_NOSIGNAL)
                                != (ssize_t) sizeof(ask))
        {
            return debar_seal_deaf(s);
        }

        answer.turn = 1;
        n = recv(s->helper, &answer, sizeof(answer), 0);

    } while ((n == -1 && errno == EINTR)
             || (n == (ssize_t) sizeof(answer) && answer.turn != ask.turn));

    if (n != (ssize_t) sizeof(answer)) {
        return debar_seal_deaf(s);
    }

    s->deaf = 0;

    return answer.rc;
}


/* As if the log were written to for ever: it is sealed, and not rotated. */

static int
debar_seal_deaf(debar_seal_t *s)
{
    if (!s->deaf) {
        s->deaf = 1;
        (void) debar_service_log(&s->service, "%s: what tells nginx to reopen "
                                 "the log does not answer: it is not rotated "
                                 "until the sealer is started anew", s->path);
    }

    return DEBAR_ERROR;
}


static int
debar_seal_answer(debar_seal_t *s, const debar_seal_ask_t *ask)
{
    int   rc, old, signo;
    char  path[DEBAR_MAX_DIR + 16];

    if (ask->what == 'w') {
        return debar_seal_open_for_writing(s, ask->number);
    }

    if (s->master == NULL) {
        return DEBAR_DECLINED;
    }

    /* while its binary is replaced, there are two */

    signo = ask->what == 'r' ? SIGUSR1 : 0;
    rc = debar_seal_signal(s->master, signo);
    snprintf(path, sizeof(path), "%s.oldbin", s->master);
    old = debar_seal_signal(path, signo);

    return rc == DEBAR_OK ? rc : old;
}


/* Only a process that calls itself nginx's master: the file may be old. */

static int
debar_seal_signal(const char *file, int signo)
{
    int      fd;
    long     pid;
    char     text[64], path[64];
    ssize_t  n;

    fd = open(file, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1) {
        return DEBAR_DECLINED;
    }

    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    pid = strtol(text, NULL, 10);

    if (pid <= 1 || pid > INT_MAX) {
        return DEBAR_DECLINED;
    }

    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd == -1) {
        return DEBAR_DECLINED;
    }

    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';

    if (strncmp(text, "nginx: master", 13) != 0) {
        return DEBAR_DECLINED;
    }

    return kill((pid_t) pid, signo) == 0 ? DEBAR_OK : DEBAR_ERROR;
}


/*
 * The kernel knows: a lease to read is given for a file that nobody has open for
 * writing.  Where there are no leases, nginx's lock on the file tells.
 */

static int
debar_seal_open_for_writing(debar_seal_t *s, uint64_t number)
{
    int   fd, rc;
    char  name[DEBAR_SEALED_NAME];

    snprintf(name, sizeof(name), "%s", DEBAR_SEALED_LIVE);

    if (number) {
        debar_sealed_file_name(name, number);
    }

    fd = openat(s->audit_fd, name, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1) {
        return errno == ENOENT ? 0 : 1;
    }

    rc = fcntl(fd, F_SETLEASE, F_RDLCK) == 0 ? 0 : 1;

    if (rc == 0) {
        (void) fcntl(fd, F_SETLEASE, F_UNLCK);

    } else if (errno != EAGAIN) {
        rc = flock(fd, LOCK_EX|LOCK_NB) == 0 ? 0 : 1;
    }

    close(fd);

    return rc;
}
