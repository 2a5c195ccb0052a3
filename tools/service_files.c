/*
 * A service's socket, log and pid file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service.h"


static int debar_service_listen(debar_service_t *s,
    const debar_service_user_t *u);
static int debar_service_address(const debar_service_t *s,
    struct sockaddr_un *sun);
static int debar_service_free_path(const debar_service_t *s,
    const struct sockaddr_un *sun);
static int debar_service_own(const debar_service_t *s, int fd,
    const char *path, const debar_service_user_t *u);


int
debar_service_open(debar_service_t *s, const debar_service_user_t *u)
{
    s->log_fd = STDERR_FILENO;
    s->pid_fd = -1;

    if (s->log[0]) {
        s->log_fd = open(s->log, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC|O_NOFOLLOW
                                 |O_NOCTTY, 0640);

        if (s->log_fd == -1) {
            debar_say("%s: %s: cannot be opened: %s: name another with --log",
                      s->name, s->log, strerror(errno));
            return DEBAR_ERROR;
        }

        if (debar_service_own(s, s->log_fd, s->log, u) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    if (s->pid[0]) {
        s->pid_fd = open(s->pid, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0644);

        if (s->pid_fd == -1) {
            debar_say("%s: %s: cannot be opened: %s: name another with --pid",
                      s->name, s->pid, strerror(errno));
            return DEBAR_ERROR;
        }

        if (debar_service_own(s, s->pid_fd, s->pid, u) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    if (s->socket[0] == '\0') {
        s->listener = -1;
        return DEBAR_OK;
    }

    return debar_service_listen(s, u);
}


/* Files are reopened, and emptied, by the user that we become. */

static int
debar_service_own(const debar_service_t *s, int fd, const char *path,
    const debar_service_user_t *u)
{
    struct stat  st;

    /* never a device: /dev/stderr is not ours to give */

    if (geteuid() == 0 && u->uid != 0
        && (fstat(fd, &st) == -1
            || (S_ISREG(st.st_mode) && fchown(fd, u->uid, u->gid) == -1)))
    {
        debar_say("%s: %s: cannot be given to uid %ld: %s", s->name, path,
                  (long) u->uid, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_service_listen(debar_service_t *s, const debar_service_user_t *u)
{
    gid_t               gid;
    mode_t              mask;
    const char         *path;
    struct sockaddr_un  sun;

    path = s->socket;

    if (debar_service_address(s, &sun) != DEBAR_OK
        || debar_service_free_path(s, &sun) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    s->listener = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
    mask = umask(0177);

    if (s->listener == -1
        || bind(s->listener, (struct sockaddr *) &sun, sizeof(sun)) == -1)
    {
        debar_say("%s: %s: cannot be bound: %s: name another with --socket",
                  s->name, path, strerror(errno));
        return DEBAR_ERROR;
    }

    umask(mask);
    gid = s->has_gid ? s->gid : u->gid;

    if ((geteuid() == 0 || s->has_gid)
        && lchown(path, u->uid, gid) == -1)
    {
        debar_say("%s: %s: cannot be given to group %ld: %s", s->name, path,
                  (long) gid, strerror(errno));
        (void) unlink(path);
        return DEBAR_ERROR;
    }

    if (chmod(path, 0660) == -1 || listen(s->listener, 128) == -1) {
        debar_say("%s: %s: %s", s->name, path, strerror(errno));
        (void) unlink(path);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_service_address(const debar_service_t *s, struct sockaddr_un *sun)
{
    const char  *path = s->socket;

    memset(sun, 0, sizeof(*sun));
    sun->sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sun->sun_path)) {
        debar_say("%s: %s: longer than the %zu bytes that a socket's path "
                  "may have: use a shorter folder", s->name, path,
                  sizeof(sun->sun_path) - 1);
        return DEBAR_ERROR;
    }

    strcpy(sun->sun_path, path);

    return DEBAR_OK;
}


/* A socket that nobody answers on is left over from another run. */

static int
debar_service_free_path(const debar_service_t *s,
    const struct sockaddr_un *sun)
{
    int          fd, rc;
    const char  *path = s->socket;
    struct stat  st;

    if (lstat(path, &st) == -1) {
        return DEBAR_OK;
    }

    if (!S_ISSOCK(st.st_mode)) {
        debar_say("%s: %s: is there and is no socket: name another with "
                  "--socket", s->name, path);
        return DEBAR_ERROR;
    }

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
    rc = connect(fd, (const struct sockaddr *) sun, sizeof(*sun));

    if (rc == 0 || errno == EAGAIN) {
        debar_say("%s: %s: %s runs there already", s->name, path, s->what);
        close(fd);
        return DEBAR_ERROR;
    }

    close(fd);

    if (unlink(path) == -1) {
        debar_say("%s: %s: is left over and cannot be removed: %s", s->name,
                  path, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_service_write_pid(debar_service_t *s, pid_t pid)
{
    int   n;
    char  text[32];

    if (s->pid_fd == -1) {
        return DEBAR_OK;
    }

    n = snprintf(text, sizeof(text), "%ld\n", (long) pid);

    if (ftruncate(s->pid_fd, 0) == -1 || pwrite(s->pid_fd, text, n, 0) != n) {
        debar_say("%s: %s: cannot be written: %s", s->name, s->pid,
                  strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_service_remove(debar_service_t *s)
{
    /* in a folder of root's, they stay: an empty pid file names nobody, and a
     * socket without a listener is taken over by the next start */

    if (s->socket[0]) {
        (void) unlink(s->socket);
    }

    if (s->pid_fd != -1 && unlink(s->pid) == -1) {
        (void) !ftruncate(s->pid_fd, 0);
    }
}


void
debar_service_reopen(debar_service_t *s)
{
    int  fd;

    if (s->log[0] == '\0') {
        return;
    }

    fd = open(s->log,
              O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC|O_NOFOLLOW|O_NOCTTY, 0640);

    if (fd == -1) {
        (void) debar_service_log(s, "cannot reopen %s: %s: make it, for uid %ld "
                              "to write", s->log, strerror(errno),
                              (long) geteuid());
        return;
    }

    close(s->log_fd);
    s->log_fd = fd;
    s->log_torn = 0;
}


int
debar_service_log(debar_service_t *s, const char *fmt, ...)
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
        n = (int) write(s->log_fd, line, len);
    } while (n == -1 && errno == EINTR);

    if (n != (int) len) {
        s->log_torn |= (n > 0);
        return DEBAR_ERROR;
    }

    s->log_torn = 0;

    return DEBAR_OK;
}
