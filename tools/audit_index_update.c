/*
 * The index kept in step with the files of the log: each is read from where
 * the last time stopped.  A file is known again by its inode, or its name, and
 * by what its first and last bytes were.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/sha.h>

#include "audit_index.h"


#define DEBAR_INDEX_MARK    4096             /* bytes that a digest is of */
#define DEBAR_INDEX_FILES   100000
#define DEBAR_INDEX_QUIET   60               /* s: a rotated file is whole */
#define DEBAR_INDEX_COMMIT  (64 * DEBAR_INDEX_BLOCK)


typedef struct {
    int64_t   id;                 /* 0: not known yet */
    int64_t   ino;
    int64_t   offset;
    int64_t   torn;
    int64_t   lines;              /* before offset */
    uint64_t  number;             /* of its name; UINT64_MAX: the live one */
    char      name[DEBAR_SEALED_NAME];
    uint8_t   head[DEBAR_INDEX_DIGEST];
    uint8_t   tail[DEBAR_INDEX_DIGEST];
    int       seen;
    int       renamed;            /* since it was read */
} debar_index_file_t;

typedef struct {
    debar_index_file_t  *list;
    size_t               n;
    size_t               size;
} debar_index_files_t;

typedef struct {
    debar_index_t        *x;
    const debar_audit_t  *audit;
    debar_index_told_t   *told;
    double                until;  /* monotonic; 0: none */
    char                 *data;   /* room for a line */
    debar_index_line_t    line;
    int                   stop;
} debar_index_run_t;


volatile int  debar_index_stop;


static int debar_index_lock(const debar_audit_t *a, debar_fault_t *fault);
static int debar_index_again(debar_index_t *x, const debar_audit_t *a,
    debar_index_told_t *told, debar_fault_t *fault);
static int debar_index_pass(debar_index_run_t *r, debar_fault_t *fault);
static int debar_index_known(debar_index_files_t *f, debar_index_t *x,
    debar_fault_t *fault);
static int debar_index_there(debar_index_files_t *f, const debar_audit_t *a,
    debar_fault_t *fault);
static int debar_index_match(debar_index_run_t *r, debar_index_files_t *there,
    debar_index_files_t *known, debar_fault_t *fault);
static int debar_index_match_one(debar_index_run_t *r, debar_index_file_t *f,
    debar_index_files_t *known);
static int debar_index_deleted(debar_index_run_t *r,
    const debar_index_file_t *f, uint64_t from);
static int debar_index_gone(debar_index_run_t *r,
    const debar_index_files_t *known, debar_fault_t *fault);
static int debar_index_more_time(void *data);
static int debar_index_read(debar_index_run_t *r, debar_index_file_t *f,
    debar_fault_t *fault);
static size_t debar_index_lines(debar_index_run_t *r, debar_index_file_t *f,
    size_t len, int last, debar_fault_t *fault);
static int debar_index_save(debar_index_run_t *r, debar_index_file_t *f,
    int fd, debar_fault_t *fault);


static double
debar_index_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


int
debar_index_update(debar_index_t *x, const debar_audit_t *a, double seconds,
    debar_index_told_t *told, debar_fault_t *fault)
{
    int                lock, rc, tries;
    double             began;
    debar_index_run_t  r;

    memset(told, 0, sizeof(*told));
    lock = debar_index_lock(a, fault);

    if (lock < 0) {
        return lock == DEBAR_DECLINED
               && debar_index_open(x, a, 0, fault) == DEBAR_OK
               ? DEBAR_DECLINED : DEBAR_ERROR;
    }

    memset(&r, 0, sizeof(r));
    began = debar_index_now();
    r.x = x;
    r.audit = a;
    r.told = told;
    r.until = seconds > 0 ? began + seconds : 0;
    r.data = malloc(DEBAR_INDEX_LINE);

    if (r.data == NULL) {
        debar_fault(fault, "%s: no memory to index with", a->path);
        close(lock);
        return DEBAR_ERROR;
    }

    rc = debar_index_open(x, a, 1, fault);

    for (tries = 0; tries < 3; tries++) {

        if (rc == DEBAR_OK) {
            rc = debar_index_pass(&r, fault);

            if (rc == DEBAR_ERROR && x->damaged) {
                rc = DEBAR_DECLINED;
            }
        }

        if (rc != DEBAR_DECLINED) {
            break;
        }

        rc = debar_index_again(x, a, told, fault);
    }

    if (rc != DEBAR_OK) {
        debar_index_close(x);
        rc = DEBAR_ERROR;
    }

    debar_index_line_free(&r.line);
    free(r.data);
    close(lock);
    told->seconds = debar_index_now() - began;

    return rc;
}


/* One process at a time writes; DEBAR_DECLINED: it is another. */

static int
debar_index_lock(const debar_audit_t *a, debar_fault_t *fault)
{
    int          fd;
    char         path[DEBAR_MAX_DIR + 64];
    struct stat  st;

    debar_audit_path(a, "index.lock", path, sizeof(path));
    fd = open(path, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);

    if (fd == -1) {
        debar_fault(fault, "%s: %s: let somebody index who may write there, "
                    "and search with --no-update", path, strerror(errno));
        return DEBAR_ERROR;
    }

    /* the sealer's, too, whoever was the first */

    if (geteuid() == 0 && stat(a->path, &st) == 0) {
        (void) !fchown(fd, st.st_uid, (gid_t) -1);
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == -1) {
        debar_fault(fault, "%s: another process keeps the index", path);
        close(fd);
        return DEBAR_DECLINED;
    }

    return fd;
}


static int
debar_index_again(debar_index_t *x, const debar_audit_t *a,
    debar_index_told_t *told, debar_fault_t *fault)
{
    snprintf(told->why, sizeof(told->why), "%s", fault->text);
    told->again = 1;
    told->lines = told->torn = told->bytes = told->left = 0;
    debar_index_close(x);

    return debar_index_remove(a, fault) == DEBAR_OK
           ? debar_index_open(x, a, 1, fault) : DEBAR_ERROR;
}


/* All files once.  DEBAR_DECLINED: one was replaced. */

static int
debar_index_pass(debar_index_run_t *r, debar_fault_t *fault)
{
    int                  rc, tries;
    size_t               i;
    debar_index_files_t  known, there;

    rc = DEBAR_DECLINED;
    r->told->left = 0;

    /* a rotation between two looks is not a replacement */

    for (tries = 0; tries < 3 && rc == DEBAR_DECLINED; tries++) {

        if (tries) {
            debar_nap();
        }

        memset(&known, 0, sizeof(known));
        memset(&there, 0, sizeof(there));
        rc = debar_index_known(&known, r->x, fault);

        if (rc == DEBAR_OK) {
            rc = debar_index_there(&there, r->audit, fault);
        }

        if (rc == DEBAR_OK) {
            rc = debar_index_match(r, &there, &known, fault);
        }

        for (i = 0; rc == DEBAR_OK && i < there.n; i++) {
            rc = debar_index_read(r, &there.list[i], fault);
        }

        free(known.list);
        free(there.list);
    }

    return rc;
}


static debar_index_file_t *
debar_index_more(debar_index_files_t *f)
{
    void    *list;
    size_t   size;

    if (f->n == f->size) {
        size = f->size ? 2 * f->size : 64;
        list = f->n < DEBAR_INDEX_FILES
               ? realloc(f->list, size * sizeof(*f->list)) : NULL;

        if (list == NULL) {
            return NULL;
        }

        f->list = list;
        f->size = size;
    }

    memset(&f->list[f->n], 0, sizeof(*f->list));

    return &f->list[f->n++];
}


static int
debar_index_known(debar_index_files_t *f, debar_index_t *x,
    debar_fault_t *fault)
{
    int                  rc;
    sqlite3_stmt        *s;
    debar_index_file_t  *one;

    if (sqlite3_prepare_v2(x->db, "SELECT id, name, ino, offset, torn, head, "
                           "tail, lines FROM file", -1, &s, NULL) != SQLITE_OK)
    {
        return debar_index_wrong(x, fault);
    }

    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        one = debar_index_more(f);

        if (one == NULL || sqlite3_column_bytes(s, 5) != DEBAR_INDEX_DIGEST
            || sqlite3_column_bytes(s, 6) != DEBAR_INDEX_DIGEST)
        {
            break;
        }

        one->id = sqlite3_column_int64(s, 0);
        snprintf(one->name, sizeof(one->name), "%s",
                 (const char *) sqlite3_column_text(s, 1));
        one->ino = sqlite3_column_int64(s, 2);
        one->offset = sqlite3_column_int64(s, 3);
        one->torn = sqlite3_column_int64(s, 4);
        memcpy(one->head, sqlite3_column_blob(s, 5), DEBAR_INDEX_DIGEST);
        memcpy(one->tail, sqlite3_column_blob(s, 6), DEBAR_INDEX_DIGEST);
        one->lines = sqlite3_column_int64(s, 7);
    }

    sqlite3_finalize(s);

    if (rc == SQLITE_ROW) {
        debar_fault(fault, "%s: its table of files is damaged", x->path);
        return DEBAR_DECLINED;
    }

    return rc == SQLITE_DONE ? DEBAR_OK : debar_index_wrong(x, fault);
}


static int
debar_index_file_cmp(const void *one, const void *two)
{
    const debar_index_file_t  *a = one, *b = two;

    return a->number < b->number ? -1 : a->number > b->number;
}


/* In the order of the log: rotated ones by number, the live one last. */

static int
debar_index_there(debar_index_files_t *f, const debar_audit_t *a,
    debar_fault_t *fault)
{
    DIR                 *d;
    uint64_t             number, from;
    struct dirent       *e;
    debar_index_file_t  *one;

    if (debar_audit_index_from(&from, a, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    d = opendir(a->path);

    if (d == NULL) {
        debar_fault(fault, "%s: %s", a->path, strerror(errno));
        return DEBAR_ERROR;
    }

    while ((e = readdir(d))) {

        number = strcmp(e->d_name, DEBAR_SEALED_LIVE) == 0
                 ? UINT64_MAX
                 : debar_sealed_number(e->d_name, strlen(e->d_name));

        /* lines that policy keeps, but not searchable, have lower ones */

        if (number < from) {
            continue;
        }

        one = debar_index_more(f);

        if (one == NULL) {
            debar_fault(fault, "%s: more than %d files", a->path,
                        DEBAR_INDEX_FILES);
            closedir(d);
            return DEBAR_ERROR;
        }

        one->number = number;
        snprintf(one->name, sizeof(one->name), "%.40s", e->d_name);
    }

    closedir(d);

    if (f->n) {
        qsort(f->list, f->n, sizeof(*f->list), debar_index_file_cmp);
    }

    return DEBAR_OK;
}


static int
debar_index_match(debar_index_run_t *r, debar_index_files_t *there,
    debar_index_files_t *known, debar_fault_t *fault)
{
    size_t    i;
    uint64_t  from;

    if (debar_audit_index_from(&from, r->audit, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < there->n; i++) {
        if (debar_index_match_one(r, &there->list[i], known) != DEBAR_OK) {
            debar_fault(fault, "%s/%s: %s", r->audit->path,
                        there->list[i].name, strerror(errno));
            return DEBAR_ERROR;
        }
    }

    for (i = 0; i < known->n; i++) {

        if (known->list[i].seen || known->list[i].offset == 0) {
            continue;
        }

        if (!debar_index_deleted(r, &known->list[i], from)) {
            debar_fault(fault, "%s/%s was replaced, changed or removed",
                        r->audit->path, known->list[i].name);
            return DEBAR_DECLINED;
        }
    }

    return debar_index_gone(r, known, fault);
}


/* A rotated file of which there is nothing any more, or that policy keeps, but
 * not searchable. */

static int
debar_index_deleted(debar_index_run_t *r, const debar_index_file_t *f,
    uint64_t from)
{
    char      path[DEBAR_MAX_DIR + 64];
    uint64_t  number;

    number = debar_sealed_number(f->name, strlen(f->name));
    debar_audit_path(r->audit, f->name, path, sizeof(path));

    return number && (number < from
                      || (access(path, F_OK) == -1 && errno == ENOENT));
}


static int
debar_index_gone(debar_index_run_t *r, const debar_index_files_t *known,
    debar_fault_t *fault)
{
    size_t  i, n;

    for (i = 0, n = 0; i < known->n; i++) {

        if (known->list[i].seen || known->list[i].offset == 0) {
            continue;
        }

        if ((n == 0 && debar_index_begin(r->x, fault) != DEBAR_OK)
            || debar_index_forget(r->x, known->list[i].id, fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        n++;
    }

    if (n && debar_index_commit(r->x, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    r->told->gone += n;

    return debar_index_drop(r->x, debar_index_more_time, r, fault);
}


static int
debar_index_more_time(void *data)
{
    debar_index_run_t  *r = data;

    r->stop = debar_index_stop
              || (r->until > 0 && debar_index_now() > r->until);
    debar_progress(NULL, "files dropped from the index", r->told->gone);

    return !r->stop;
}


static int
debar_index_match_one(debar_index_run_t *r, debar_index_file_t *f,
    debar_index_files_t *known)
{
    int                  fd, pass, name, ino;
    char                 path[DEBAR_MAX_DIR + 64];
    size_t               i;
    uint8_t              head[DEBAR_INDEX_DIGEST], tail[DEBAR_INDEX_DIGEST];
    struct stat          st;
    debar_index_file_t  *k;

    debar_audit_path(r->audit, f->name, path, sizeof(path));
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1) {
        return errno == ENOENT ? DEBAR_OK : DEBAR_ERROR;
    }

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        close(fd);
        errno = EINVAL;
        return DEBAR_ERROR;
    }

    f->ino = (int64_t) st.st_ino;

    for (pass = 0; pass < 2 && f->id == 0; pass++) {
        for (i = 0; i < known->n && f->id == 0; i++) {
            k = &known->list[i];
            ino = k->ino == f->ino;
            name = strcmp(k->name, f->name) == 0;

            if (k->seen || !(pass ? name : ino) || k->offset > st.st_size
                || debar_index_marks(fd, k->offset, head, tail) != DEBAR_OK
                || memcmp(head, k->head, sizeof(head)) != 0
                || memcmp(tail, k->tail, sizeof(tail)) != 0)
            {
                continue;
            }

            k->seen = 1;
            f->id = k->id;
            f->offset = k->offset;
            f->torn = k->torn;
            f->lines = k->lines;
            f->renamed = strcmp(k->name, f->name) != 0 || k->ino != f->ino;
        }
    }

    close(fd);

    return DEBAR_OK;
}


static int
debar_index_read(debar_index_run_t *r, debar_index_file_t *f,
    debar_fault_t *fault)
{
    int          fd, rc, last, skip;
    char         path[DEBAR_MAX_DIR + 64];
    size_t       used;
    ssize_t      n;
    uint64_t     since;
    struct stat  st;

    debar_audit_path(r->audit, f->name, path, sizeof(path));
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1 || fstat(fd, &st) == -1
        || (f->ino && (int64_t) st.st_ino != f->ino))
    {
        /* it is gone, or rotated, since the folder was read: next time */

        if (fd != -1) {
            close(fd);
        }

        return DEBAR_OK;
    }

    if ((st.st_size == f->offset && !f->renamed) || r->stop) {
        r->told->left += (uint64_t) (st.st_size - f->offset);
        close(fd);
        return DEBAR_OK;
    }

    last = f->number != UINT64_MAX
           && st.st_mtime + DEBAR_INDEX_QUIET < time(NULL);
    rc = debar_index_begin(r->x, fault);

    /* lines are found by the file's number */

    if (rc == DEBAR_OK && f->id == 0) {
        rc = debar_index_save(r, f, fd, fault);
    }

    skip = 0;
    since = r->told->lines;

    while (rc == DEBAR_OK && !r->stop) {

        n = pread(fd, r->data, DEBAR_INDEX_LINE, (off_t) f->offset);

        if (n == -1) {
            debar_fault(fault, "%s: %s", path, strerror(errno));
            rc = DEBAR_ERROR;
            break;
        }

        if (skip) {
            char  *eol = memchr(r->data, '\n', (size_t) n);

            used = eol ? (size_t) (eol - r->data) + 1 : (size_t) n;
            skip = eol == NULL;
            f->lines++;

        } else {
            used = debar_index_lines(r, f, (size_t) n, last, fault);

            if (used == SIZE_MAX) {
                rc = DEBAR_ERROR;
                break;
            }

            if (used == 0 && n == DEBAR_INDEX_LINE) {
                skip = 1;         /* no line is so long */
                used = (size_t) n;
                f->lines++;
                f->torn++;
                r->told->torn++;
            }
        }

        if (used == 0) {
            break;
        }

        f->offset += (int64_t) used;
        r->told->bytes += used;

        if (r->told->lines - since >= DEBAR_INDEX_COMMIT) {
            since = r->told->lines;
            rc = debar_index_save(r, f, fd, fault);

            if (rc == DEBAR_OK) {
                rc = debar_index_commit(r->x, fault);
            }

            if (rc == DEBAR_OK) {
                rc = debar_index_begin(r->x, fault);
            }
        }

        r->stop = debar_index_stop
                  || (r->until > 0 && debar_index_now() > r->until);
        debar_progress(NULL, "lines indexed", r->told->lines);
    }

    if (rc == DEBAR_OK) {
        rc = debar_index_save(r, f, fd, fault);
    }

    if (rc == DEBAR_OK) {
        rc = debar_index_commit(r->x, fault);
    }

    if (rc == DEBAR_OK && fstat(fd, &st) == 0 && st.st_size > f->offset) {
        r->told->left += (uint64_t) (st.st_size - f->offset);
    }

    debar_progress_end();
    close(fd);

    return rc;
}


/* Whole lines of what was read; SIZE_MAX: an error. */

static size_t
debar_index_lines(debar_index_run_t *r, debar_index_file_t *f, size_t len,
    int last, debar_fault_t *fault)
{
    int                  rc;
    char                *p, *eol, *end;
    size_t               n;
    debar_index_place_t  place;

    p = r->data;
    end = p + len;

    while (p < end) {

        eol = memchr(p, '\n', (size_t) (end - p));

        if (eol == NULL && (!last || len == DEBAR_INDEX_LINE)) {
            break;
        }

        n = (size_t) ((eol ? eol : end) - p);
        rc = n ? debar_index_line(&r->line, p, n) : DEBAR_OK;

        if (rc == DEBAR_DECLINED) {
            f->torn++;
            r->told->torn++;

        } else if (n && rc == DEBAR_OK) {
            place.file = f->id;
            place.offset = (uint64_t) f->offset + (uint64_t) (p - r->data);
            place.len = n;
            place.nth = (uint64_t) f->lines;
            rc = debar_index_add(r->x, &r->line, &place, fault);
        }

        if (rc == DEBAR_ERROR) {
            return SIZE_MAX;
        }

        r->told->lines += n != 0;
        f->lines++;
        p = eol ? eol + 1 : end;
    }

    return (size_t) (p - r->data);
}


static int
debar_index_save(debar_index_run_t *r, debar_index_file_t *f, int fd,
    debar_fault_t *fault)
{
    sqlite3_stmt  *s = r->x->stmt[DEBAR_DO_FILE];

    if (debar_index_marks(fd, f->offset, f->head, f->tail) != DEBAR_OK) {
        debar_fault(fault, "%s/%s: was cut while it was read: index again",
                    r->audit->path, f->name);
        return DEBAR_ERROR;
    }

    if (f->id) {
        sqlite3_bind_int64(s, 1, f->id);
    } else {
        sqlite3_bind_null(s, 1);
    }

    sqlite3_bind_text(s, 2, f->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, f->ino);
    sqlite3_bind_int64(s, 4, f->offset);
    sqlite3_bind_int64(s, 5, f->torn);
    sqlite3_bind_blob(s, 6, f->head, sizeof(f->head), SQLITE_STATIC);
    sqlite3_bind_blob(s, 7, f->tail, sizeof(f->tail), SQLITE_STATIC);
    sqlite3_bind_int64(s, 8, f->lines);

    if (debar_index_run(r->x, s, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (f->id == 0) {
        f->id = sqlite3_last_insert_rowid(r->x->db);
    }

    return DEBAR_OK;
}


/* Digests of the first and the last bytes before offset. */

int
debar_index_marks(int fd, int64_t offset, uint8_t head[DEBAR_INDEX_DIGEST],
    uint8_t tail[DEBAR_INDEX_DIGEST])
{
    size_t   n;
    uint8_t  data[DEBAR_INDEX_MARK];

    n = offset < DEBAR_INDEX_MARK ? (size_t) offset : DEBAR_INDEX_MARK;

    if (pread(fd, data, n, 0) != (ssize_t) n) {
        return DEBAR_ERROR;
    }

    SHA256(data, n, head);

    if (pread(fd, data, n, (off_t) (offset - (int64_t) n)) != (ssize_t) n) {
        return DEBAR_ERROR;
    }

    SHA256(data, n, tail);

    return DEBAR_OK;
}
