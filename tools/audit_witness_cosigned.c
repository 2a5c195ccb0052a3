/*
 * What witnesses have cosigned of a log: DIR/audit/sealed/cosigned, and whom a
 * reviewer asks for.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trust.h"
#include "audit_witness.h"


#define DEBAR_COSIGNED_FILE  "sealed/cosigned"
#define DEBAR_COSIGNED_NOTE  (16 << 10)      /* bytes of one, with its line */
#define DEBAR_COSIGNED_TAIL  (256 << 10)     /* holds many */
#define DEBAR_COSIGNED_READ  (1 << 20)       /* bytes at a time */
#define DEBAR_COSIGNED_BAD   100000          /* lines that begin no note */


/* The file, read as a whole. */

typedef struct {
    int                 fd;
    const char         *path;
    char               *block;
    size_t              used;     /* bytes of it */
    unsigned            last;     /* nothing comes behind */
    unsigned            bad;
    debar_cosigned_pt   call;
    void               *data;
    debar_fault_t      *fault;
} debar_cosigned_t;


static int64_t debar_cosigned_next(debar_note_t *note, debar_checkpoint_t *c,
    debar_str_t *bytes, const char *p, size_t len);
static int debar_cosigned_open(const debar_audit_t *a, char *path, size_t size,
    int flags, debar_fault_t *fault);
static int debar_cosigned_block(debar_cosigned_t *f, size_t len);
static int debar_cosigned_later(void *data, const debar_note_t *note,
    debar_str_t bytes, const debar_checkpoint_t *c);
static ssize_t debar_cosigned_tail(int fd, char *data, off_t *at);
static int debar_cosigned_end(int fd, off_t *end);
static int debar_cosigned_append(int fd, const debar_buf_t *b);


/* --- who is asked for ----------------------------------------------------- */

int
debar_cosigners_add(debar_cosigners_t *c, const char *command, const char *arg)
{
    unsigned       i;
    debar_vkey_t   key;
    debar_fault_t  fault;

    if (debar_trust_public_as(&key, DEBAR_KEY_COSIGNER, arg, &fault)
        != DEBAR_OK)
    {
        return debar_say("--witness %s", fault.text);
    }

    /* one key counts once, whatever it is called */

    for (i = 0; i < c->n; i++) {
        if (debar_vkey_same(&c->list[i].key, &key)) {
            return debar_usage(command, "--witness %s: was named before, as %s",
                               arg, c->list[i].key.name);
        }
    }

    if (c->n == DEBAR_COSIGNERS) {
        return debar_usage(command, "more than %d times --witness",
                           DEBAR_COSIGNERS);
    }

    c->list[c->n++].key = key;

    return -1;
}


int
debar_cosigners_quorum(debar_cosigners_t *c, const char *command,
    const char *arg)
{
    char           *end;
    unsigned long   n;

    n = strtoul(arg, &end, 10);

    if (*arg < '1' || *arg > '9' || *end || n > DEBAR_COSIGNERS) {
        return debar_usage(command, "--witness-quorum \"%s\": a number from 1 "
                           "to %d is wanted", arg, DEBAR_COSIGNERS);
    }

    c->quorum = (unsigned) n;

    return -1;
}


int
debar_cosigners_enough(const debar_cosigners_t *c, const char *command)
{
    if (c->quorum > c->n) {
        return debar_usage(command, "--witness-quorum %u: but only %u "
                           "--witness", c->quorum, c->n);
    }

    if (c->age && c->n == 0) {
        return debar_usage(command, "--witness-age needs --witness");
    }

    return -1;
}


int
debar_cosigners_agree(const debar_cosigners_t *c,
    const debar_cosigner_t **missing)
{
    unsigned  i, n;

    *missing = NULL;

    for (n = 0, i = 0; i < c->n; i++) {

        if (c->list[i].found) {
            n++;

        } else if (*missing == NULL) {
            *missing = &c->list[i];
        }
    }

    return n >= (c->quorum ? c->quorum : c->n);
}


/* --- the file ------------------------------------------------------------- */

/* The note at p, and what it says; as debar_checkpoints_next(). */

static int64_t
debar_cosigned_next(debar_note_t *note, debar_checkpoint_t *c,
    debar_str_t *bytes, const char *p, size_t len)
{
    int64_t        n;
    debar_fault_t  fault;

    n = debar_checkpoints_next(bytes, p, len);

    if (n > 0
        && (n > DEBAR_COSIGNED_NOTE
            || debar_note_parse(note, "cosigned", bytes->data, bytes->len, 0,
                                &fault) != DEBAR_OK
            || debar_checkpoint_parse(c, "cosigned", note->text, &fault)
               != DEBAR_OK))
    {
        return -1;
    }

    return n;
}


static int
debar_cosigned_open(const debar_audit_t *a, char *path, size_t size, int flags,
    debar_fault_t *fault)
{
    int          fd;
    struct stat  st;

    debar_audit_path(a, DEBAR_COSIGNED_FILE, path, size);
    fd = open(path, flags|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK|O_NOCTTY, 0640);

    if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
        errno = EINVAL;
    }

    if (fd == -1) {
        debar_fault(fault, "%s: %s: run as one who may %s it", path,
                    strerror(errno), flags & O_CREAT ? "write to" : "read");
    }

    return fd;
}


uint64_t
debar_cosigned_size(const debar_audit_t *a)
{
    char         path[DEBAR_MAX_DIR + 64];
    struct stat  st;

    debar_audit_path(a, DEBAR_COSIGNED_FILE, path, sizeof(path));

    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t) st.st_size : 0;
}


int
debar_cosigned_each(const debar_audit_t *a, uint64_t len,
    debar_cosigned_pt call, void *data, debar_fault_t *fault)
{
    int                rc;
    char               path[DEBAR_MAX_DIR + 64];
    size_t             want;
    ssize_t            got;
    uint64_t           at;
    debar_cosigned_t   f;

    if (len == 0) {
        return DEBAR_OK;
    }

    memset(&f, 0, sizeof(f));
    f.call = call;
    f.data = data;
    f.fault = fault;
    f.path = path;
    f.fd = debar_cosigned_open(a, path, sizeof(path), O_RDONLY, fault);

    if (f.fd == -1) {
        return DEBAR_ERROR;
    }

    f.block = malloc(DEBAR_COSIGNED_READ);
    rc = DEBAR_OK;
    at = 0;

    if (f.block == NULL) {
        debar_fault(fault, "%s: no memory to read it", path);
        rc = DEBAR_ERROR;
    }

    while (rc == DEBAR_OK && at < len) {

        want = len - at < DEBAR_COSIGNED_READ ? (size_t) (len - at)
                                              : DEBAR_COSIGNED_READ;
        got = pread(f.fd, f.block, want, (off_t) at);

        if (got == -1 && errno == EINTR) {
            continue;
        }

        if (got == -1) {
            debar_fault(fault, "%s: %s", path, strerror(errno));
            rc = DEBAR_ERROR;
        }

        if (got <= 0) {
            break;
        }

        f.last = (size_t) got < want || at + (uint64_t) got == len;
        rc = debar_cosigned_block(&f, (size_t) got);
        at += f.used;
    }

    free(f.block);
    close(f.fd);

    return rc;
}


/* The notes of a block; what is not all there is read again. */

static int
debar_cosigned_block(debar_cosigned_t *f, size_t len)
{
    int                  rc;
    char                *p, *end, *eol;
    int64_t              n;
    debar_str_t          bytes;
    debar_note_t         note;
    debar_checkpoint_t   c;

    rc = DEBAR_OK;
    p = f->block;
    end = p + len;

    while (rc == DEBAR_OK && p < end
           && (f->last || end - p >= DEBAR_COSIGNED_NOTE))
    {
        n = debar_cosigned_next(&note, &c, &bytes, p, (size_t) (end - p));

        if (n > 0) {
            rc = f->call(f->data, &note, bytes, &c);
            p += n;
            continue;
        }

        if (++f->bad > DEBAR_COSIGNED_BAD) {
            debar_fault(f->fault, "%s: is damaged: take it from a copy",
                        f->path);
            rc = DEBAR_ERROR;
        }

        eol = memchr(p, '\n', (size_t) (end - p));
        p = eol ? eol + 1 : end;
    }

    f->used = (size_t) (p - f->block);

    return rc;
}


/* The last bytes, and where they begin; -1: errno. */

static ssize_t
debar_cosigned_tail(int fd, char *data, off_t *at)
{
    struct stat  st;

    if (fstat(fd, &st) == -1) {
        return -1;
    }

    *at = st.st_size > DEBAR_COSIGNED_TAIL ? st.st_size - DEBAR_COSIGNED_TAIL
                                           : 0;

    return pread(fd, data, DEBAR_COSIGNED_TAIL, *at);
}


int
debar_cosigned_recent(const debar_audit_t *a, debar_cosigned_pt call,
    void *user, debar_fault_t *fault)
{
    int                  fd, rc;
    char                 path[DEBAR_MAX_DIR + 64], *data, *p, *end;
    off_t                at;
    int64_t              n;
    ssize_t              got;
    debar_str_t          bytes;
    debar_note_t         note;
    debar_checkpoint_t   c;

    if (debar_cosigned_size(a) == 0) {
        return DEBAR_OK;
    }

    fd = debar_cosigned_open(a, path, sizeof(path), O_RDONLY, fault);
    if (fd == -1) {
        return DEBAR_ERROR;
    }

    data = malloc(DEBAR_COSIGNED_TAIL);
    got = data ? debar_cosigned_tail(fd, data, &at) : -1;
    close(fd);

    if (got == -1) {
        free(data);
        debar_fault(fault, "%s: %s", path, strerror(errno));
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;
    p = data;
    end = data + got;

    while (rc == DEBAR_OK && p && p < end) {

        n = debar_cosigned_next(&note, &c, &bytes, p, (size_t) (end - p));

        if (n > 0) {
            rc = call(user, &note, bytes, &c);
            p += n;
            continue;
        }

        p = memchr(p, '\n', (size_t) (end - p));
        p += p != NULL;
    }

    free(data);

    return rc;
}


typedef struct {
    const debar_vkey_t  *key;
    debar_buf_t         *note;
    debar_checkpoint_t  *c;
    uint64_t            *seconds;
} debar_cosigned_last_t;


static int
debar_cosigned_later(void *data, const debar_note_t *note, debar_str_t bytes,
    const debar_checkpoint_t *c)
{
    uint64_t                when;
    debar_cosigned_last_t  *last = data;

    if (debar_note_cosigned(note, last->key, &when) == DEBAR_OK
        && when >= *last->seconds)
    {
        *last->seconds = when;
        *last->c = *c;
        last->note->len = 0;
        debar_buf_add(last->note, bytes.data, bytes.len);
    }

    return DEBAR_OK;
}


int
debar_cosigned_last(debar_buf_t *out, debar_checkpoint_t *c,
    uint64_t *seconds, const debar_audit_t *a, const debar_vkey_t *key,
    debar_fault_t *fault)
{
    debar_cosigned_last_t  last = { key, out, c, seconds };

    memset(out, 0, sizeof(*out));
    *seconds = 0;

    return debar_cosigned_recent(a, debar_cosigned_later, &last, fault);
}


int
debar_cosigned_add(const debar_audit_t *a, const debar_buf_t *note,
    debar_fault_t *fault)
{
    int          fd, dir, rc;
    char         path[DEBAR_MAX_DIR + 64], folder[DEBAR_MAX_DIR + 64];
    off_t        end;
    debar_buf_t  b;
    struct stat  st, mine;

    fd = debar_cosigned_open(a, path, sizeof(path), O_RDWR|O_CREAT, fault);
    if (fd == -1) {
        return DEBAR_ERROR;
    }

    debar_audit_path(a, "sealed", folder, sizeof(folder));
    dir = open(folder, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    memset(&b, 0, sizeof(b));
    debar_checkpoints_add(&b, debar_str(note->data, note->len));
    rc = DEBAR_ERROR;

    /* who is root makes it the sealer's, who asks the next time; not a file
     * that has another name elsewhere */

    if (dir != -1 && b.len <= DEBAR_COSIGNED_NOTE && flock(fd, LOCK_EX) == 0
        && fstat(dir, &st) == 0 && fstat(fd, &mine) == 0 && mine.st_nlink == 1
        && (geteuid() != 0 || mine.st_uid == st.st_uid
            || fchown(fd, st.st_uid, (gid_t) -1) == 0)
        && debar_cosigned_end(fd, &end) == DEBAR_OK
        && (end == mine.st_size || ftruncate(fd, end) == 0)
        && lseek(fd, end, SEEK_SET) == end
        && debar_cosigned_append(fd, &b) == DEBAR_OK
        && fsync(fd) == 0 && fsync(dir) == 0)
    {
        rc = DEBAR_OK;
    }

    if (rc != DEBAR_OK) {
        debar_fault(fault, "%s: %s", path, b.len > DEBAR_COSIGNED_NOTE
                    ? "the checkpoint is too large" : strerror(errno));
    }

    if (dir != -1) {
        close(dir);
    }

    close(fd);
    debar_buf_free(&b);

    return rc;
}


/* Behind the last whole note; of the end of a file in which there is none
 * nothing is known, and nothing is cut. */

static int
debar_cosigned_end(int fd, off_t *end)
{
    char                *data, *p, *stop;
    off_t                at;
    int64_t              n;
    ssize_t              got;
    debar_str_t          bytes;
    debar_note_t         note;
    debar_checkpoint_t   c;

    data = malloc(DEBAR_COSIGNED_TAIL);

    if (data == NULL || (got = debar_cosigned_tail(fd, data, &at)) == -1) {
        free(data);
        return DEBAR_ERROR;
    }

    *end = at == 0 && got <= DEBAR_COSIGNED_NOTE ? 0 : at + got;
    p = data;
    stop = data + got;

    while (p && p < stop) {

        n = debar_cosigned_next(&note, &c, &bytes, p, (size_t) (stop - p));

        if (n > 0) {
            p += n;
            *end = at + (p - data);
            continue;
        }

        p = memchr(p, '\n', (size_t) (stop - p));
        p += p != NULL;
    }

    free(data);

    return DEBAR_OK;
}


static int
debar_cosigned_append(int fd, const debar_buf_t *b)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < b->len; done += (size_t) n) {

        n = write(fd, b->data + done, b->len - done);

        if (n == -1 && errno == EINTR) {
            n = 0;

        } else if (n <= 0) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}
