/*
 * How old a file of the log is, and its deletion.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "audit_retain.h"


#define DEBAR_RETAIN_TAIL  (64u << 10)       /* holds the last line, mostly */
#define DEBAR_RETAIN_NEAR  86400             /* s */

static const char  debar_retain_key[] = "{\"time\":\"";


static int debar_retain_latest(int64_t *t, const debar_audit_part_t *part,
    uint64_t from, debar_fault_t *fault);
static int debar_retain_stub(const debar_audit_t *a,
    const debar_sealed_file_t *f, debar_fault_t *fault);
static int debar_retain_unlink(const debar_audit_t *a, const char *folder,
    const char *name, debar_fault_t *fault);
static int debar_retain_write(int fd, const char *data, size_t len,
    off_t at);


int
debar_retain_since(int64_t *t, int64_t now, const char *text)
{
    char       *unit;
    long        n, days;
    time_t      when;
    struct tm   tm;

    static const int  length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                   31 };

    if (*text < '1' || *text > '9') {
        return DEBAR_ERROR;
    }

    errno = 0;
    n = strtol(text, &unit, 10);
    when = (time_t) now;

    if (errno || n > 36525) {
        return DEBAR_ERROR;
    }

    days = strcmp(unit, "d") == 0 ? n : strcmp(unit, "w") == 0 ? 7 * n : 0;

    if (days) {
        *t = now - (int64_t) days * 86400;
        return days > 36525 ? DEBAR_ERROR : DEBAR_OK;
    }

    n = strcmp(unit, "y") == 0 ? 12 * n : strcmp(unit, "mo") == 0 ? n : 0;

    if (n == 0 || n > 1200 || gmtime_r(&when, &tm) == NULL) {
        return DEBAR_ERROR;
    }

    n = 12L * tm.tm_year + tm.tm_mon - n;
    tm.tm_year = (int) (n >= 0 ? n / 12 : (n - 11) / 12);
    tm.tm_mon = (int) (n - 12L * tm.tm_year);

    /* a month before 31 March is the end of February */

    days = length[tm.tm_mon];
    n = tm.tm_year + 1900;
    days += tm.tm_mon == 1 && n % 4 == 0 && (n % 100 != 0 || n % 400 == 0);

    if (tm.tm_mday > days) {
        tm.tm_mday = (int) days;
    }

    *t = (int64_t) timegm(&tm);

    return DEBAR_OK;
}


/*
 * A line of a worker that was taken over may say any time: no single one makes
 * a file old, since its latest line counts, and none makes it younger than its
 * end, which the sealer wrote.
 */

int
debar_retain_age(debar_retain_file_t *f, const debar_retain_t *r,
    const debar_audit_part_t *part, debar_fault_t *fault)
{
    int                         rc;
    uint8_t                     secret[DEBAR_SEALED_SECRET];
    uint64_t                    tail;
    debar_fault_t               unused;
    const debar_sealed_file_t  *c = part->closed;

    f->last = c->closed;

    if (c->deleted) {
        rc = debar_audit_secret(secret, &r->log.audit, c->number, &unused);
        f->act = part->fd == -1 && rc == DEBAR_DECLINED ? DEBAR_RETAIN_GONE
                                                        : DEBAR_RETAIN_FINISH;
        return DEBAR_OK;
    }

    /* what no checkpoint covers is not sealed; what is not there is for verify
     * to find */

    if (part->lines != c->lines || part->fd == -1) {
        return DEBAR_OK;
    }

    tail = c->bytes > DEBAR_RETAIN_TAIL ? c->bytes - DEBAR_RETAIN_TAIL : 0;

    if (debar_retain_latest(&f->last, part, tail, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (tail && f->last < r->search_from && c->closed >= r->keep_from
        && (f->last == -1 || c->closed - f->last > DEBAR_RETAIN_NEAR)
        && debar_retain_latest(&f->last, part, 0, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    if (f->last == -1 || f->last > c->closed) {
        f->last = c->closed;
    }

    f->act = f->last < r->keep_from ? DEBAR_RETAIN_DELETE
             : f->last < r->search_from ? DEBAR_RETAIN_UNSEARCHED
             : DEBAR_RETAIN_KEEP;

    return DEBAR_OK;
}


/* The latest time of its lines behind from; -1: none says one. */

static int
debar_retain_latest(int64_t *t, const debar_audit_part_t *part, uint64_t from,
    debar_fault_t *fault)
{
    int                    error;
    size_t                 len, head, n;
    int64_t                ms;
    const char            *line, *quote;
    debar_audit_reader_t   r;

    if (debar_audit_reader(&r, part, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    *t = -1;
    r.offset = from;
    head = sizeof(debar_retain_key) - 1;

    while (debar_audit_line(&r, &line, &len)) {

        if (len <= head || memcmp(line, debar_retain_key, head) != 0) {
            continue;
        }

        n = len - head > 64 ? 64 : len - head;
        quote = memchr(line + head, '"', n);
        ms = quote ? debar_index_time(line + head,
                                      (size_t) (quote - line) - head) : -1;

        if (ms != -1 && ms / 1000 > *t) {
            *t = ms / 1000;
        }
    }

    error = r.error;
    debar_audit_reader_free(&r);

    if (error) {
        debar_fault(fault, "%s: %s", part->name, strerror(error));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


int
debar_retain_delete(const debar_audit_t *a, const debar_sealed_file_t *f,
    debar_fault_t *fault)
{
    char  file[DEBAR_SEALED_NAME], secret[DEBAR_SEALED_NAME];

    debar_sealed_file_name(file, f->number);
    debar_sealed_secret_name(secret, f->number);

    return (f->deleted || debar_retain_stub(a, f, fault) == DEBAR_OK)
           && debar_retain_unlink(a, "/sealed/secrets", secret, fault)
              == DEBAR_OK
           && debar_retain_unlink(a, "", file, fault) == DEBAR_OK
           ? DEBAR_OK : DEBAR_ERROR;
}


/* The line of sealed/files that says so. */

static int
debar_retain_stub(const debar_audit_t *a, const debar_sealed_file_t *f,
    debar_fault_t *fault)
{
    int                  fd, rc;
    char                 path[DEBAR_MAX_DIR + 64];
    debar_buf_t          b;
    debar_audit_files_t  files;
    debar_sealed_file_t  stub;

    debar_audit_path(a, "sealed/files", path, sizeof(path));
    fd = open(path, O_RDWR|O_CLOEXEC|O_NOFOLLOW);

    /* the sealer appends to it, too */

    if (fd == -1 || debar_audit_files_lock(fd) != DEBAR_OK) {
        debar_fault(fault, "%s: %s: run as root, or as who the sealer runs as",
                    path, strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return DEBAR_ERROR;
    }

    memset(&b, 0, sizeof(b));
    stub = *f;
    stub.deleted = (int64_t) time(NULL);
    debar_sealed_file_text(&b, &stub);
    rc = debar_audit_files(&files, a, fault);

    if (rc == DEBAR_OK) {

        /* a torn end is written over */

        if (ftruncate(fd, (off_t) files.end) == -1
            || debar_retain_write(fd, b.data, b.len, (off_t) files.end)
               != DEBAR_OK
            || fsync(fd) == -1)
        {
            debar_fault(fault, "%s: %s", path, strerror(errno));
            rc = DEBAR_ERROR;
        }

        debar_audit_files_free(&files);
    }

    debar_buf_free(&b);
    close(fd);

    return rc;
}


static int
debar_retain_write(int fd, const char *data, size_t len, off_t at)
{
    ssize_t  n;

    while (len) {

        n = pwrite(fd, data, len, at);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            return DEBAR_ERROR;
        }

        data += n;
        len -= (size_t) n;
        at += n;
    }

    return DEBAR_OK;
}


static int
debar_retain_unlink(const debar_audit_t *a, const char *folder,
    const char *name, debar_fault_t *fault)
{
    int   fd, rc;
    char  path[DEBAR_MAX_DIR + 64];

    snprintf(path, sizeof(path), "%s%s", a->path, folder);
    fd = open(path, O_RDONLY|O_DIRECTORY|O_CLOEXEC|O_NOFOLLOW);

    rc = fd != -1 && (unlinkat(fd, name, 0) == 0 || errno == ENOENT)
         && fsync(fd) == 0 ? DEBAR_OK : DEBAR_ERROR;

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s/%s: %s: it is marked as deleted; run this again "
                    "as root, or as who the sealer runs as", path, name,
                    strerror(errno));
    }

    if (fd != -1) {
        close(fd);
    }

    return rc;
}


int
debar_retain_mark(const debar_audit_t *a, uint64_t from, debar_fault_t *fault)
{
    int            fd, rc, n;
    char           path[DEBAR_MAX_DIR + 64], was[DEBAR_MAX_DIR + 64], text[32];
    uint64_t       old;
    debar_fault_t  unused;

    rc = debar_audit_index_from(&old, a, &unused);

    if (rc == DEBAR_OK && old == from) {
        return DEBAR_OK;
    }

    /* rows are in the order of the log: older ones cannot come behind */

    if ((rc != DEBAR_OK || from < old)
        && debar_index_remove(a, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    debar_audit_path(a, "index.from", path, sizeof(path));
    debar_audit_path(a, "index.from.new", was, sizeof(was));
    n = snprintf(text, sizeof(text), "%" PRIu64 "\n", from);

    /* what a run that was killed left; never through a link */

    (void) unlink(was);
    fd = open(was, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0644);

    rc = fd != -1 && fchmod(fd, 0644) == 0
         && debar_retain_write(fd, text, (size_t) n, 0) == DEBAR_OK
         && fsync(fd) == 0 && rename(was, path) == 0 ? DEBAR_OK : DEBAR_ERROR;

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s: %s: run as root, or as who the sealer runs as",
                    path, strerror(errno));
    }

    if (fd != -1) {
        close(fd);
    }

    return rc;
}
