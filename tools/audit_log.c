/*
 * A sealed log opened as of its latest checkpoint, and its lines in order.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_log.h"
#include "trust.h"


#define DEBAR_AUDIT_TAIL  (64u << 10)        /* holds many checkpoints */


static int debar_audit_log_checkpoint(debar_audit_log_t *log,
    debar_fault_t *fault);
static void debar_audit_log_later(debar_audit_log_t *log);
static int debar_audit_open(const debar_audit_log_t *log, const char *name);


int
debar_audit_log_open(debar_audit_log_t *log, const char *dir, const char *key,
    debar_fault_t *fault)
{
    memset(log, 0, sizeof(*log));

    return debar_audit_find(&log->audit, dir, fault) == DEBAR_OK
           ? debar_audit_log_read(log, key, fault) : DEBAR_ERROR;
}


int
debar_audit_log_read(debar_audit_log_t *log, const char *key,
    debar_fault_t *fault)
{
    int  rc;

    if (key) {
        if (debar_trust_public(&log->key, key, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        log->has_key = 1;
    }

    rc = debar_audit_log_checkpoint(log, fault);

    /* read last: what is closed meanwhile had its lines sealed before */

    if (rc == DEBAR_OK) {
        rc = debar_audit_files(&log->files, &log->audit, fault);
    }

    if (rc != DEBAR_OK) {
        debar_audit_log_close(log);
    }

    return rc;
}


void
debar_audit_log_close(debar_audit_log_t *log)
{
    debar_buf_free(&log->note);
    debar_audit_files_free(&log->files);
}


static int
debar_audit_log_checkpoint(debar_audit_log_t *log, debar_fault_t *fault)
{
    int  rc;

    rc = debar_audit_checkpoint(&log->checkpoint, &log->note, &log->audit,
                                log->has_key ? &log->key : NULL, fault);

    if (rc == DEBAR_OK) {
        debar_audit_log_later(log);
    }

    return rc;
}


/* The last whole note of sealed/checkpoints, if it is of a larger tree. */

static void
debar_audit_log_later(debar_audit_log_t *log)
{
    int                  fd;
    char                 path[DEBAR_MAX_DIR + 64], *data, *p, *end;
    size_t               len;
    int64_t              n;
    ssize_t              got;
    struct stat          st;
    debar_str_t          note;
    debar_fault_t        fault;
    debar_checkpoint_t   c;

    debar_audit_path(&log->audit, "sealed/checkpoints", path, sizeof(path));
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd == -1) {
        return;
    }

    data = malloc(DEBAR_AUDIT_TAIL);
    got = -1;

    if (data && fstat(fd, &st) == 0) {
        len = st.st_size < DEBAR_AUDIT_TAIL ? (size_t) st.st_size
                                            : DEBAR_AUDIT_TAIL;
        got = pread(fd, data, len, st.st_size - (off_t) len);
    }

    close(fd);

    end = data + (got > 0 ? got : 0);

    /* what begins in the middle of one, and what is none: on by a line */

    p = data;

    while (p && p < end) {

        n = debar_checkpoints_next(&note, p, (size_t) (end - p));

        if (n <= 0 || debar_checkpoint_read(&c, path, note.data, note.len,
                                            log->has_key ? &log->key : NULL,
                                            &fault) != DEBAR_OK)
        {
            p = memchr(p, '\n', (size_t) (end - p));
            p += p != NULL;
            continue;
        }

        p += n;

        if (c.size > log->checkpoint.size) {
            log->checkpoint = c;
            log->note.len = 0;
            debar_buf_add(&log->note, note.data, note.len);
        }
    }

    free(data);
}


int
debar_audit_part(debar_audit_part_t *part, const debar_audit_log_t *log,
    size_t i, debar_fault_t *fault)
{
    int                         saved;
    uint64_t                    size;
    const debar_sealed_file_t  *f;

    memset(part, 0, sizeof(*part));
    size = log->checkpoint.size;

    if (i < log->files.n) {
        f = &log->files.list[i];
        part->closed = f;
        part->number = f->number;
        part->first = f->first;
        part->lines = f->lines;

    } else {
        f = i ? &log->files.list[i - 1] : NULL;
        part->number = i + 1;
        part->first = f ? f->first + f->lines : 0;
        part->lines = size;
    }

    part->lines = part->first >= size ? 0
                  : part->lines < size - part->first ? part->lines
                  : size - part->first;

    debar_sealed_file_name(part->name, part->number);
    part->fd = debar_audit_open(log, part->name);

    if (part->fd == -1 && errno == ENOENT && part->closed == NULL) {

        /* it may be renamed as we look: then it is there by its number */

        part->fd = debar_audit_open(log, DEBAR_SEALED_LIVE);
        saved = debar_audit_open(log, part->name);

        if (saved == -1) {
            snprintf(part->name, sizeof(part->name), DEBAR_SEALED_LIVE);
            errno = part->fd == -1 ? ENOENT : 0;

        } else {
            debar_audit_part_close(part);
            part->fd = saved;
        }
    }

    if (part->fd == -1 && errno != ENOENT) {
        debar_fault(fault, "%s/%s: %s: run as one who may read the log",
                    log->audit.path, part->name, strerror(errno));
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_audit_open(const debar_audit_log_t *log, const char *name)
{
    int          fd;
    char         path[DEBAR_MAX_DIR + 64];
    struct stat  st;

    debar_audit_path(&log->audit, name, path, sizeof(path));
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
        errno = EINVAL;
    }

    return fd;
}


void
debar_audit_part_live(debar_audit_part_t *part, const debar_audit_log_t *log)
{
    memset(part, 0, sizeof(*part));
    snprintf(part->name, sizeof(part->name), DEBAR_SEALED_LIVE);
    part->fd = debar_audit_open(log, part->name);
}


void
debar_audit_part_close(debar_audit_part_t *part)
{
    if (part->fd != -1) {
        close(part->fd);
        part->fd = -1;
    }
}


int
debar_audit_reader(debar_audit_reader_t *r, const debar_audit_part_t *part,
    debar_fault_t *fault)
{
    memset(r, 0, sizeof(*r));
    r->fd = part->fd;
    r->last = part->closed != NULL;
    r->block = malloc(DEBAR_AUDIT_BLOCK);

    if (r->block == NULL) {
        debar_fault(fault, "%s: no memory to read it", part->name);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_audit_reader_free(debar_audit_reader_t *r)
{
    free(r->block);
    r->block = NULL;
}


size_t
debar_audit_read(debar_audit_reader_t *r)
{
    size_t   rest;
    ssize_t  n;

    rest = r->len - r->at;
    memmove(r->block, r->block + r->at, rest);
    r->at = 0;
    r->len = rest;

    while (!r->end && r->len < DEBAR_AUDIT_BLOCK) {

        n = pread(r->fd, r->block + r->len, DEBAR_AUDIT_BLOCK - r->len,
                  (off_t) (r->offset + r->len));

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            r->end = 1;
            r->error = n == -1 ? errno : 0;
            break;
        }

        r->len += (size_t) n;
    }

    return r->len - rest;
}


size_t
debar_audit_line(debar_audit_reader_t *r, const char **line, size_t *len)
{
    size_t  n;

    for ( ;; ) {
        n = debar_sealed_line(r->block + r->at, r->len - r->at,
                              r->last && r->end, len);

        if (n) {
            *line = r->block + r->at;
            r->at += n;
            r->offset += n;

            return n;
        }

        if (r->end || (debar_audit_read(r) == 0 && !r->last)) {
            return 0;
        }
    }
}
