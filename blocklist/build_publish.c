/*
 * Publication: a temporary file in the folder of the final one, made whole
 * and renamed.  A kill at any moment leaves the old file or the new one.
 */

#include "layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>


static void debar_publish_sweep(const debar_publish_t *p);
static int debar_publish_serial(debar_publish_t *p, uint64_t serial,
    const char *digest, debar_fault_t *fault);


void
debar_publish_errno(debar_fault_t *fault, const char *what, const char *path,
    int err)
{
    const char  *remedy;

    switch (err) {

    case ENOSPC:
        remedy = ": free some space there, or give -o a path on another file "
                 "system; the list in place was not touched";
        break;

    case EDQUOT:
    case EFBIG:
        remedy = ": raise the limit for this user; the list in place was not "
                 "touched";
        break;

    case EACCES:
    case EPERM:
    case EROFS:
        remedy = ": run it as a user who may write to the folder";
        break;

    case ENOENT:
        remedy = ": make the folder first";
        break;

    default:
        remedy = "; the list in place was not touched";
    }

    debar_fault(fault, "%.200s: %s: %s%s", path, what, mdb_strerror(err),
                remedy);
}


int
debar_publish_start(debar_publish_t *p, const char *path, debar_fault_t *fault)
{
    const char  *slash;

    memset(p, 0, sizeof(debar_publish_t));
    p->dirfd = -1;
    p->fd = -1;

    slash = strrchr(path, '/');

    p->dir = slash ? strndup(path, slash == path ? 1 : (size_t) (slash - path))
                   : strdup(".");
    p->name = strdup(slash ? slash + 1 : path);

    if (p->dir == NULL || p->name == NULL
        || asprintf(&p->tmp, "%s/.%s.%ld.tmp", p->dir, p->name,
                    (long) getpid()) == -1)
    {
        p->tmp = NULL;
        debar_fault(fault, "%.200s: no memory", path);
        goto failed;
    }

    if (p->name[0] == '\0') {
        debar_fault(fault, "%.200s: it is a folder: name the file in it", path);
        goto failed;
    }

    p->dirfd = open(p->dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (p->dirfd == -1) {
        debar_publish_errno(fault, "its folder cannot be opened", path, errno);
        goto failed;
    }

    debar_publish_sweep(p);

    p->fd = open(p->tmp, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0600);
    if (p->fd == -1) {
        debar_publish_errno(fault, "it cannot be made", p->tmp, errno);
        goto failed;
    }

    return DEBAR_OK;

failed:

    debar_publish_free(p);

    return DEBAR_ERROR;
}


/* Removes the temporary file unless it has been renamed. */

void
debar_publish_free(debar_publish_t *p)
{
    if (p->fd != -1) {
        close(p->fd);
        (void) unlink(p->tmp);
    }

    if (p->dirfd != -1) {
        close(p->dirfd);
    }

    free(p->dir);
    free(p->name);
    free(p->tmp);
    memset(p, 0, sizeof(debar_publish_t));
    p->fd = -1;
    p->dirfd = -1;
}


/* ".NAME.PID.tmp" and ".NAME.serial.PID.tmp" of builders that are no more. */

static void
debar_publish_sweep(const debar_publish_t *p)
{
    int             fd;
    DIR            *dir;
    long            pid;
    char           *end;
    size_t          n;
    const char     *rest;
    struct dirent  *de;

    fd = openat(p->dirfd, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return;
    }

    n = strlen(p->name);

    while ((de = readdir(dir)) != NULL) {

        if (de->d_name[0] != '.' || strncmp(de->d_name + 1, p->name, n) != 0
            || de->d_name[n + 1] != '.')
        {
            continue;
        }

        rest = de->d_name + n + 2;

        if (strncmp(rest, "serial.", 7) == 0) {
            rest += 7;
        }

        if (*rest < '0' || *rest > '9') {
            continue;
        }

        errno = 0;
        pid = strtol(rest, &end, 10);

        if (errno || pid <= 0 || pid > INT32_MAX || strcmp(end, ".tmp") != 0) {
            continue;
        }

        if (pid == getpid() || (kill((pid_t) pid, 0) == -1 && errno == ESRCH)) {
            (void) unlinkat(p->dirfd, de->d_name, 0);
        }
    }

    closedir(dir);
}


int
debar_publish_allowed(const char *path, uint64_t serial, const char *digest,
    unsigned replace, debar_fault_t *fault)
{
    int       rc;
    char      last_digest[65];
    uint64_t  last;

    if (replace) {
        return DEBAR_OK;
    }

    rc = debar_snapshot_floor(path, &last, last_digest, fault);

    if (rc != DEBAR_OK) {
        return rc == DEBAR_DECLINED ? DEBAR_OK : DEBAR_ERROR;
    }

    if (serial < last) {
        debar_fault(fault, "%.200s: serial %" PRIu64 " is older than %" PRIu64
                    ", which was published here (%.100s.serial): raise "
                    "\"serial\" in list.yaml", path, serial, last, path);
        return DEBAR_ERROR;
    }

    if (digest && serial == last && strcmp(digest, last_digest) != 0) {
        debar_fault(fault, "%.200s: serial %" PRIu64 " was published here with "
                    "other contents (digest %.12s..., now %.12s...): raise "
                    "\"serial\" in list.yaml", path, serial, last_digest,
                    digest);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


/* The folder is locked, so that of two builders the later one sees the serial
 * of the other. */

int
debar_publish_end(debar_publish_t *p, const char *path, uint64_t serial,
    const char *digest, unsigned replace, debar_fault_t *fault)
{
    if (fchmod(p->fd, 0444) == -1 || fsync(p->fd) == -1) {
        debar_publish_errno(fault, "it cannot be written", p->tmp, errno);
        return DEBAR_ERROR;
    }

    if (flock(p->dirfd, LOCK_EX) == -1) {
        debar_publish_errno(fault, "its folder cannot be locked", path, errno);
        return DEBAR_ERROR;
    }

    if (debar_publish_allowed(path, serial, digest, replace, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (rename(p->tmp, path) == -1) {
        debar_publish_errno(fault, "it cannot be put in place", path, errno);
        return DEBAR_ERROR;
    }

    close(p->fd);
    p->fd = -1;

    if (fsync(p->dirfd) == -1) {
        debar_publish_errno(fault, "it is in place, but its folder cannot be "
                            "written", path, errno);
        return DEBAR_ERROR;
    }

    return debar_publish_serial(p, serial, digest, fault);
}


static int
debar_publish_serial(debar_publish_t *p, uint64_t serial, const char *digest,
    debar_fault_t *fault)
{
    int      fd, n, rc;
    char     line[128], *name, *tmp;

    fd = -1;
    rc = DEBAR_ERROR;
    tmp = NULL;

    if (asprintf(&name, "%s.serial", p->name) == -1) {
        debar_fault(fault, "%.200s: no memory for its serial", p->name);
        return DEBAR_ERROR;
    }

    if (asprintf(&tmp, ".%s.%ld.tmp", name, (long) getpid()) == -1) {
        tmp = NULL;
        debar_fault(fault, "%.200s: no memory for its serial", p->name);
        goto done;
    }

    n = snprintf(line, sizeof(line), "%" PRIu64 " %s\n", serial, digest);

    fd = openat(p->dirfd, tmp, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW,
                0600);

    if (fd == -1 || write(fd, line, (size_t) n) != n
        || fchmod(fd, 0444) == -1 || fsync(fd) == -1
        || renameat(p->dirfd, tmp, p->dirfd, name) == -1
        || fsync(p->dirfd) == -1)
    {
        debar_publish_errno(fault, "the list is in place, but this cannot be "
                            "written", name, errno);

        if (fd != -1) {
            (void) unlinkat(p->dirfd, tmp, 0);
        }

        goto done;
    }

    rc = DEBAR_OK;

done:

    if (fd != -1) {
        close(fd);
    }

    free(name);
    free(tmp);

    return rc;
}
