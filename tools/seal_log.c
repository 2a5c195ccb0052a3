/*
 * The log as the sealer follows it: whole lines, to the end of each file.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal.h"


#define DEBAR_SEAL_AGAIN  2000    /* ms: nginx is told once more */


static int debar_seal_open(debar_seal_t *s);
static int debar_seal_still(debar_seal_t *s);
static int debar_seal_displaced(debar_seal_t *s, uint64_t inode);
static int debar_seal_find(debar_seal_t *s, uint64_t inode, char *name,
    size_t size);
static int debar_seal_take(debar_seal_t *s, int last, int *more);
static int debar_seal_due(debar_seal_t *s);
static int debar_seal_rename(debar_seal_t *s);
static int debar_seal_end(debar_seal_t *s);
static int debar_seal_fault(debar_seal_t *s, const char *name);


int
debar_seal_turn(debar_seal_t *s, int flush, int *more)
{
    uint64_t  pending;

    *more = 0;

    if (debar_seal_publish(s) != DEBAR_OK || debar_seal_open(s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (s->fd == -1) {
        return DEBAR_OK;
    }

    if (debar_seal_secret(s) != DEBAR_OK
        || debar_seal_take(s, 0, more) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    pending = s->next.size - s->state.size;

    if (pending && (flush || s->rotate || *more || pending >= s->lines
                    || debar_seal_now() - s->since >= s->every))
    {
        if (debar_seal_commit(s) != DEBAR_OK
            || debar_seal_publish(s) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        pending = 0;
    }

    if (*more) {
        return DEBAR_OK;
    }

    if (!s->rotated && debar_seal_due(s)
        && debar_seal_rename(s) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (!s->rotated || pending) {
        return DEBAR_OK;
    }

    if (debar_seal_end(s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    /* when it is closed, the next one may be there */

    *more = !s->rotated;

    return DEBAR_OK;
}


/* The file that is followed, if it is there. */

static int
debar_seal_open(debar_seal_t *s)
{
    char         name[DEBAR_SEALED_NAME];
    struct stat  st;

    if (s->fd != -1) {
        return debar_seal_still(s);
    }

    debar_sealed_file_name(name, s->state.number);
    s->fd = openat(s->audit_fd, name, O_RDONLY|O_CLOEXEC|O_NOFOLLOW
                                      |O_NONBLOCK);
    s->rotated = s->fd != -1;

    if (s->fd == -1 && errno == ENOENT) {
        snprintf(name, sizeof(name), "%s", DEBAR_SEALED_LIVE);
        s->fd = openat(s->audit_fd, name, O_RDONLY|O_CLOEXEC|O_NOFOLLOW
                                          |O_NONBLOCK);
    }

    if (s->fd == -1) {

        if (errno != ENOENT) {
            return debar_seal_fault(s, name);
        }

        return s->state.lines ? debar_seal_displaced(s, s->state.inode)
                              : DEBAR_OK;
    }

    if (fstat(s->fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        close(s->fd);
        s->fd = -1;
        errno = EINVAL;
        return debar_seal_fault(s, name);
    }

    if ((uint64_t) st.st_size < s->state.bytes
        || (s->state.lines && !s->rotated && st.st_ino != s->state.inode))
    {
        close(s->fd);
        s->fd = -1;
        return debar_seal_displaced(s, s->state.inode);
    }

    s->next.inode = st.st_ino;

    return DEBAR_OK;
}


/* Whether the live file is the one that we read. */

static int
debar_seal_still(debar_seal_t *s)
{
    int          rc;
    struct stat  ours, live;

    if (fstat(s->fd, &ours) == -1) {
        return debar_seal_fault(s, DEBAR_SEALED_LIVE);
    }

    if ((uint64_t) ours.st_size < s->next.bytes) {
        return debar_seal_displaced(s, 0);
    }

    if (s->rotated) {
        return DEBAR_OK;
    }

    rc = fstatat(s->audit_fd, DEBAR_SEALED_LIVE, &live, AT_SYMLINK_NOFOLLOW);

    if (rc == 0 && live.st_ino == ours.st_ino && live.st_dev == ours.st_dev) {
        return DEBAR_OK;
    }

    return debar_seal_displaced(s, ours.st_ino);
}


/*
 * Somebody else rotated the log, cut it or took it away.  A file that is still
 * in the folder gets the name that it should have.  Of one that is not, or that
 * is shorter now, what was sealed is recorded, as it is of any file: `debar
 * audit verify` will miss it.  What stands in the live file is sealed as another
 * one, from its beginning.
 */

static int
debar_seal_displaced(debar_seal_t *s, uint64_t inode)
{
    char         was[256], name[DEBAR_SEALED_NAME];
    struct stat  st;

    debar_sealed_file_name(name, s->state.number);
    (void) debar_seal_reopen(s);
    s->told = debar_seal_now();

    if (inode && debar_seal_find(s, inode, was, sizeof(was)) == DEBAR_OK
        && fstatat(s->audit_fd, was, &st, AT_SYMLINK_NOFOLLOW) == 0
        && (uint64_t) st.st_size >= s->state.bytes
        && renameat(s->audit_fd, was, s->audit_fd, name) == 0)
    {
        (void) fsync(s->audit_fd);
        (void) debar_service_log(&s->service, "%s: somebody renamed the log to "
                                 "%s; it is %s now: leave rotation to the "
                                 "sealer", s->path, was, name);
        s->rotated = s->fd != -1;
        return DEBAR_OK;
    }

    (void) debar_service_log(&s->service, "%s: of %s, %" PRIu64 " lines of "
                             "which are sealed, some or all are gone: somebody "
                             "cut or removed it", s->path, DEBAR_SEALED_LIVE,
                             s->state.lines);

    /* lines that are read and not sealed go with it */

    s->next = s->state;
    s->tree = s->saved;

    return debar_seal_closed(s, 1);
}


static int
debar_seal_find(debar_seal_t *s, uint64_t inode, char *name, size_t size)
{
    int             fd, rc;
    DIR            *d;
    struct dirent  *e;

    fd = openat(s->audit_fd, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    d = fd == -1 ? NULL : fdopendir(fd);

    if (d == NULL) {
        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    rc = DEBAR_ERROR;

    while (rc != DEBAR_OK && (e = readdir(d))) {

        /* never the name of a file that is closed, nor the live one */

        if (e->d_ino == inode && strlen(e->d_name) < size
            && strcmp(e->d_name, DEBAR_SEALED_LIVE) != 0
            && debar_sealed_number(e->d_name, strlen(e->d_name)) == 0)
        {
            strcpy(name, e->d_name);
            rc = DEBAR_OK;
        }
    }

    closedir(d);

    return rc;
}


/* Leaves of what is there; last: nothing comes behind. */

static int
debar_seal_take(debar_seal_t *s, int last, int *more)
{
    size_t         at, len, skip;
    uint8_t        salt[DEBAR_SALT];
    ssize_t        n;
    debar_hash_t   leaf;
    const char    *p;

    do {
        do {
            n = pread(s->fd, s->buffer, DEBAR_SEAL_BUFFER,
                      (off_t) s->next.bytes);
        } while (n == -1 && errno == EINTR);

        if (n == -1) {
            return debar_seal_fault(s, DEBAR_SEALED_LIVE);
        }

        for (at = 0; s->next.size - s->state.size < DEBAR_SEAL_BATCH;
             at += skip)
        {
            p = s->buffer + at;
            skip = debar_sealed_line(p, (size_t) n - at,
                                     last && n < DEBAR_SEAL_BUFFER, &len);

            if (skip == 0) {
                break;
            }

            debar_merkle_salt(s->hasher, salt, s->secret, s->next.lines);
            debar_merkle_leaf(s->hasher, leaf, salt, p, len);

            if (s->next.size == s->state.size) {
                s->since = debar_seal_now();
            }

            if (debar_tree_add(s->hasher, &s->tree, leaf, debar_seal_tile, s)
                != DEBAR_OK)
            {
                return DEBAR_ERROR;
            }

            s->next.torn += (uint64_t) debar_sealed_torn(p, len);
            s->next.size++;
            s->next.lines++;
            s->next.bytes += skip;
        }

        if (s->next.lines && s->next.began == 0) {
            s->next.began = time(NULL);
        }

        *more = s->next.size - s->state.size >= DEBAR_SEAL_BATCH;

    } while (!*more && at && n == DEBAR_SEAL_BUFFER);

    return DEBAR_OK;
}


/* Whether the live file is to be rotated. */

static int
debar_seal_due(debar_seal_t *s)
{
    int        due;
    time_t     now, began;
    struct tm  today, day;

    if (s->state.lines == 0) {
        s->rotate = 0;
        return 0;
    }

    due = s->rotate || (s->rotate_size && s->state.bytes >= s->rotate_size);

    if (!due && s->daily) {
        now = time(NULL);
        began = (time_t) s->state.began;
        due = gmtime_r(&now, &today) && gmtime_r(&began, &day)
              && (today.tm_yday != day.tm_yday
                  || today.tm_year != day.tm_year);
    }

    if (!due) {
        return 0;
    }

    /* who has it open would go on writing to it for ever */

    if (debar_seal_nginx(s) != DEBAR_OK && debar_seal_written(s, 0)) {

        if (!s->alone) {
            s->alone = 1;
            (void) debar_service_log(&s->service, "%s/" DEBAR_SEALED_LIVE " is "
                                     "not rotated: somebody writes to it, and "
                                     "no nginx is there to tell (--master)",
                                     s->path);
        }

        return 0;
    }

    s->alone = 0;

    return 1;
}


static int
debar_seal_rename(debar_seal_t *s)
{
    char  name[DEBAR_SEALED_NAME];

    debar_sealed_file_name(name, s->state.number);

    if (faccessat(s->audit_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return debar_seal_fault(s, name);
    }

    if (renameat(s->audit_fd, DEBAR_SEALED_LIVE, s->audit_fd, name) == -1
        || fsync(s->audit_fd) == -1)
    {
        return debar_seal_fault(s, name);
    }

    s->rotated = 1;
    s->rotate = 0;
    (void) debar_seal_reopen(s);
    s->told = debar_seal_now();

    return DEBAR_OK;
}


/* A rotated file is closed once nobody has it open for writing: then what is
 * read is all. */

static int
debar_seal_end(debar_seal_t *s)
{
    int                   more;
    uint64_t              now;
    debar_sealed_state_t  was;

    now = debar_seal_now();

    if (debar_seal_written(s, s->state.number)) {

        if (now - s->told >= DEBAR_SEAL_AGAIN) {
            s->told = now;
            (void) debar_seal_reopen(s);
        }

        return DEBAR_OK;
    }

    do {
        if (debar_seal_take(s, 1, &more) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (s->next.size != s->state.size
            && (debar_seal_commit(s) != DEBAR_OK
                || debar_seal_publish(s) != DEBAR_OK))
        {
            return DEBAR_ERROR;
        }

    } while (more);

    was = s->state;

    if (debar_seal_closed(s, 0) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    (void) debar_service_log(&s->service, "closed file %" PRIu64 ", %" PRIu64
                             " lines, %" PRIu64 " bytes", was.number,
                             was.lines, was.bytes);

    return DEBAR_OK;
}


uint64_t
debar_seal_behind(debar_seal_t *s)
{
    uint64_t     n;
    struct stat  st;

    n = 0;

    if (s->fd != -1 && fstat(s->fd, &st) == 0
        && (uint64_t) st.st_size > s->state.bytes)
    {
        n = (uint64_t) st.st_size - s->state.bytes;
    }

    if ((s->rotated || s->fd == -1)
        && fstatat(s->audit_fd, DEBAR_SEALED_LIVE, &st, AT_SYMLINK_NOFOLLOW)
           == 0)
    {
        n += (uint64_t) st.st_size;
    }

    return n;
}


uint64_t
debar_seal_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


static int
debar_seal_fault(debar_seal_t *s, const char *name)
{
    debar_fault(&s->fault, "%.300s/%s: %s", s->path, name, strerror(errno));
    return DEBAR_ERROR;
}
