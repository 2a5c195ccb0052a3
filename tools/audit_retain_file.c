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
static int debar_retain_unlink(const debar_audit_t *a, const char *folder,
    const char *name, debar_fault_t *fault);
static int debar_retain_write(int fd, const char *data, size_t len,
    off_t at);


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

    return debar_retain_unlink(a, "/sealed/secrets", secret, fault) == DEBAR_OK
           && debar_retain_unlink(a, "", file, fault) == DEBAR_OK
           ? DEBAR_OK : DEBAR_ERROR;
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

    /* the sealer knows the folder by its descriptor alone, a link */

    snprintf(path, sizeof(path), "%s%s/.", a->path, folder);
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
