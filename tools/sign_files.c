/*
 * The signer's socket, log and pid file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sign.h"


static int debar_sign_listen(debar_signer_t *s, const debar_sign_user_t *u);
static int debar_sign_address(const char *path, struct sockaddr_un *sun);
static int debar_sign_free_path(const char *path,
    const struct sockaddr_un *sun);
static int debar_sign_own(int fd, const char *path,
    const debar_sign_user_t *u);


int
debar_sign_open(debar_signer_t *s, const debar_sign_user_t *u)
{
    s->log = STDERR_FILENO;
    s->pid = -1;

    if (s->conf.log[0]) {
        s->log = open(s->conf.log,
                      O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC|O_NOFOLLOW|O_NOCTTY,
                      0640);

        if (s->log == -1) {
            debar_say("sign: %s: cannot be opened: %s: name another with --log",
                      s->conf.log, strerror(errno));
            return DEBAR_ERROR;
        }

        if (debar_sign_own(s->log, s->conf.log, u) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    if (s->conf.pid[0]) {
        s->pid = open(s->conf.pid, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0644);

        if (s->pid == -1) {
            debar_say("sign: %s: cannot be opened: %s: name another with --pid",
                      s->conf.pid, strerror(errno));
            return DEBAR_ERROR;
        }

        if (debar_sign_own(s->pid, s->conf.pid, u) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    return debar_sign_listen(s, u);
}


/* Files are reopened, and emptied, by the user that we become. */

static int
debar_sign_own(int fd, const char *path, const debar_sign_user_t *u)
{
    struct stat  st;

    /* never a device: /dev/stderr is not ours to give */

    if (geteuid() == 0 && u->uid != 0
        && (fstat(fd, &st) == -1
            || (S_ISREG(st.st_mode) && fchown(fd, u->uid, u->gid) == -1)))
    {
        debar_say("sign: %s: cannot be given to uid %ld: %s", path,
                  (long) u->uid, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_sign_listen(debar_signer_t *s, const debar_sign_user_t *u)
{
    gid_t               gid;
    mode_t              mask;
    const char         *path;
    struct sockaddr_un  sun;

    path = s->conf.socket;

    if (debar_sign_address(path, &sun) != DEBAR_OK
        || debar_sign_free_path(path, &sun) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    s->listener = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
    mask = umask(0177);

    if (s->listener == -1
        || bind(s->listener, (struct sockaddr *) &sun, sizeof(sun)) == -1)
    {
        debar_say("sign: %s: cannot be bound: %s: name another with --socket",
                  path, strerror(errno));
        return DEBAR_ERROR;
    }

    umask(mask);
    gid = s->conf.has_gid ? s->conf.gid : u->gid;

    if ((geteuid() == 0 || s->conf.has_gid)
        && lchown(path, u->uid, gid) == -1)
    {
        debar_say("sign: %s: cannot be given to group %ld: %s", path,
                  (long) gid, strerror(errno));
        (void) unlink(path);
        return DEBAR_ERROR;
    }

    if (chmod(path, 0660) == -1 || listen(s->listener, 128) == -1) {
        debar_say("sign: %s: %s", path, strerror(errno));
        (void) unlink(path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_sign_address(const char *path, struct sockaddr_un *sun)
{
    memset(sun, 0, sizeof(*sun));
    sun->sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sun->sun_path)) {
        debar_say("sign: %s: longer than the %zu bytes that a socket's path "
                  "may have: use a shorter folder", path,
                  sizeof(sun->sun_path) - 1);
        return DEBAR_ERROR;
    }

    strcpy(sun->sun_path, path);

    return DEBAR_OK;
}


/* A socket that nobody answers on is left over from another run. */

static int
debar_sign_free_path(const char *path, const struct sockaddr_un *sun)
{
    int          fd, rc;
    struct stat  st;

    if (lstat(path, &st) == -1) {
        return DEBAR_OK;
    }

    if (!S_ISSOCK(st.st_mode)) {
        debar_say("sign: %s: is there and is no socket: name another with "
                  "--socket", path);
        return DEBAR_ERROR;
    }

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
    rc = connect(fd, (const struct sockaddr *) sun, sizeof(*sun));

    if (rc == 0 || errno == EAGAIN) {
        debar_say("sign: %s: a signer runs there already", path);
        close(fd);
        return DEBAR_ERROR;
    }

    close(fd);

    if (unlink(path) == -1) {
        debar_say("sign: %s: is left over and cannot be removed: %s", path,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_sign_write_pid(debar_signer_t *s, pid_t pid)
{
    int   n;
    char  text[32];

    if (s->pid == -1) {
        return DEBAR_OK;
    }

    n = snprintf(text, sizeof(text), "%ld\n", (long) pid);

    if (ftruncate(s->pid, 0) == -1 || pwrite(s->pid, text, n, 0) != n) {
        debar_say("sign: %s: cannot be written: %s", s->conf.pid,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_sign_remove(debar_signer_t *s)
{
    /* in a folder of root's, they stay: an empty pid file names nobody, and a
     * socket without a listener is taken over by the next start */

    (void) unlink(s->conf.socket);

    if (s->pid != -1 && unlink(s->conf.pid) == -1) {
        (void) !ftruncate(s->pid, 0);
    }
}


void
debar_sign_reopen(debar_signer_t *s)
{
    int  fd;

    if (s->conf.log[0] == '\0') {
        return;
    }

    fd = open(s->conf.log,
              O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC|O_NOFOLLOW|O_NOCTTY, 0640);

    if (fd == -1) {
        (void) debar_sign_log(s, "cannot reopen %s: %s: make it, for uid %ld "
                              "to write", s->conf.log, strerror(errno),
                              (long) geteuid());
        return;
    }

    close(s->log);
    s->log = fd;
    s->log_torn = 0;
}


int
debar_sign_log(debar_signer_t *s, const char *fmt, ...)
{
    int              n;
    char             line[1024];
    size_t           len;
    time_t           now;
    va_list          ap;
    struct tm        tm;

    now = time(NULL);
    gmtime_r(&now, &tm);
    len = 0;

    if (s->log_torn) {
        line[len++] = '\n';
    }

    len += strftime(line + len, sizeof(line) - len, "%Y-%m-%dT%H:%M:%SZ ", &tm);

    va_start(ap, fmt);
    n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
    va_end(ap);

    if (n < 0) {
        return DEBAR_ERROR;
    }

    len += n;

    if (len > sizeof(line) - 2) {
        len = sizeof(line) - 2;
    }

    line[len++] = '\n';

    do {
        n = (int) write(s->log, line, len);
    } while (n == -1 && errno == EINTR);

    if (n != (int) len) {
        s->log_torn |= (n > 0);
        return DEBAR_ERROR;
    }

    s->log_torn = 0;

    return DEBAR_OK;
}
