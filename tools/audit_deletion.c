/*
 * Deletions of files of a log: read, held against sealed/files, and made.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit_deletion.h"
#include "trust.h"


#define DEBAR_DELETIONS_MAX  (256u << 20)    /* bytes of the file */


static int debar_deletions_notes(debar_audit_deletions_t *d,
    const debar_audit_log_t *log, const char *path, const debar_buf_t *data,
    char *vouched, debar_fault_t *fault);
static int debar_deletions_files(const debar_audit_log_t *log,
    const char *path, debar_str_t lines, char *vouched, debar_fault_t *fault);
static int debar_deletion_write(const debar_audit_log_t *now, int fd, int notes,
    const uint64_t *files, size_t n, debar_sealed_deletion_t *d,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault);
static int debar_deletion_open(const debar_audit_t *a, const char *name,
    debar_fault_t *fault);
static int debar_deletion_append(const debar_audit_t *a, const char *name,
    int fd, off_t at, const debar_buf_t *b, debar_fault_t *fault);


int
debar_audit_deletions(debar_audit_deletions_t *d, const debar_audit_log_t *log,
    debar_fault_t *fault)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64], *vouched;
    size_t       i;
    debar_buf_t  data;
    struct stat  st;

    memset(d, 0, sizeof(*d));
    memset(&data, 0, sizeof(data));
    debar_audit_path(&log->audit, "sealed/deletions", path, sizeof(path));
    vouched = calloc(log->files.n + 1, 1);

    if (vouched == NULL) {
        debar_fault(fault, "no memory for %zu files", log->files.n);
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    /* none was yet, or the first one not to its end */

    if (stat(path, &st) == -1 ? errno != ENOENT : st.st_size != 0) {

        rc = debar_trust_read(&data, path, DEBAR_DELETIONS_MAX, "the deletions "
                              "that were signed", fault);

        if (rc == DEBAR_OK) {
            rc = debar_deletions_notes(d, log, path, &data, vouched, fault);
        }

        debar_buf_free(&data);
    }

    for (i = 0; i < log->files.n && d->first_bad == 0; i++) {
        if (log->files.list[i].deleted && !vouched[i]) {
            d->first_bad = i + 1;
        }
    }

    free(vouched);

    return rc;
}


/* A torn end is what a crash leaves, and vouches for nothing. */

static int
debar_deletions_notes(debar_audit_deletions_t *d, const debar_audit_log_t *log,
    const char *path, const debar_buf_t *data, char *vouched,
    debar_fault_t *fault)
{
    int64_t                  n;
    debar_str_t              note;
    debar_sealed_deletion_t  one;

    while ((n = debar_checkpoints_next(&note, data->data + d->end,
                                       data->len - d->end)) > 0)
    {
        if (debar_sealed_deletion_read(&one, path, note.data, note.len,
                                       log->has_key ? &log->key : NULL, fault)
            != DEBAR_OK)
        {
            return DEBAR_DECLINED;
        }

        if (strcmp(one.origin, log->checkpoint.origin) != 0) {
            debar_fault(fault, "%s: has a deletion of another log, %s", path,
                        one.origin);
            return DEBAR_DECLINED;
        }

        if (debar_deletions_files(log, path, one.files, vouched, fault)
            != DEBAR_OK)
        {
            return DEBAR_DECLINED;
        }

        memcpy(d->policy, one.policy, sizeof(d->policy));
        memcpy(d->by, one.by, sizeof(d->by));
        d->end += (size_t) n;
    }

    return DEBAR_OK;
}


/* Its lines have to be those of sealed/files, with the same time. */

static int
debar_deletions_files(const debar_audit_log_t *log, const char *path,
    debar_str_t lines, char *vouched, debar_fault_t *fault)
{
    const char           *p, *end, *eol;
    debar_sealed_file_t   f;

    p = lines.data;
    end = p + lines.len;

    while ((eol = memchr(p, '\n', (size_t) (end - p)))) {

        if (debar_sealed_file_parse(&f, path, p, (size_t) (eol - p), fault)
            != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        if (f.number <= log->files.n && f.deleted
            && memcmp(&f, &log->files.list[f.number - 1], sizeof(f)) == 0)
        {
            vouched[f.number - 1] = 1;
        }

        p = eol + 1;
    }

    return DEBAR_OK;
}


int
debar_audit_blame_deletions(debar_audit_check_t *check, debar_fault_t *fault)
{
    int                         rc;
    const debar_audit_log_t    *log = check->log;
    debar_audit_blame_t        *blame = &check->blame;
    debar_audit_deletions_t     d;
    const debar_sealed_file_t  *f;

    rc = debar_audit_deletions(&d, log, fault);

    if (rc == DEBAR_ERROR) {
        return DEBAR_ERROR;
    }

    memcpy(check->policy, d.policy, sizeof(check->policy));

    if (rc == DEBAR_DECLINED) {
        snprintf(blame->file, sizeof(blame->file), "sealed/deletions");
        snprintf(blame->text, sizeof(blame->text), "%.*s",
                 (int) sizeof(blame->text) - 1, fault->text);
        blame->leaf = d.first_bad ? log->files.list[d.first_bad - 1].first
                                  : log->checkpoint.size;
        blame->what = "changed";

    } else if (d.first_bad) {
        f = &log->files.list[d.first_bad - 1];
        debar_sealed_file_name(blame->file, f->number);
        snprintf(blame->text, sizeof(blame->text), "sealed/files says that it "
                 "was deleted, with its %" PRIu64 " lines, and no deletion "
                 "that the sealer signed says so: somebody else deleted it, "
                 "or changed the mark", f->lines);
        blame->leaf = f->first;
        blame->what = "removed";
    }

    return DEBAR_OK;
}


int
debar_audit_delete(const debar_audit_log_t *log, const uint64_t *files,
    size_t n, debar_sealed_deletion_t *d, const debar_vkey_t *key,
    struct evp_pkey_st *private, debar_fault_t *fault)
{
    int                rc, fd, notes;
    debar_audit_log_t  now;

    /* the sealer appends to sealed/files, too */

    fd = debar_deletion_open(&log->audit, "files", fault);
    notes = fd == -1 ? -1 : debar_deletion_open(&log->audit, "deletions",
                                                fault);
    rc = notes == -1 ? DEBAR_ERROR : DEBAR_OK;

    if (rc == DEBAR_OK && debar_audit_files_lock(fd) != DEBAR_OK) {
        debar_fault(fault, "%s/sealed/files: somebody has it locked for a "
                    "second: try again", log->audit.path);
        rc = DEBAR_ERROR;
    }

    now = *log;

    if (rc == DEBAR_OK) {
        rc = debar_audit_files(&now.files, &log->audit, fault);
    }

    if (rc == DEBAR_OK) {
        strcpy(d->origin, key->name);
        d->size = log->checkpoint.size;
        rc = debar_deletion_write(&now, fd, notes, files, n, d, key, private,
                                  fault);
        debar_audit_files_free(&now.files);
    }

    if (fd != -1) {
        close(fd);
    }

    if (notes != -1) {
        close(notes);
    }

    return rc;
}


/* The note is on the disk before the marks are: it alone deletes nothing. */

static int
debar_deletion_write(const debar_audit_log_t *now, int fd, int notes,
    const uint64_t *files, size_t n, debar_sealed_deletion_t *d,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault)
{
    int                      rc;
    size_t                   i;
    debar_buf_t              marks, note, block;
    debar_sealed_file_t      f;
    debar_audit_deletions_t  was;

    memset(&marks, 0, sizeof(marks));
    memset(&note, 0, sizeof(note));
    memset(&block, 0, sizeof(block));

    for (i = 0; i < n; i++) {

        f = now->files.list[files[i] - 1];

        /* somebody else was here before */

        if (!f.deleted) {
            f.deleted = (int64_t) time(NULL);
            debar_sealed_file_text(&marks, &f);
        }
    }

    d->files = debar_str(marks.data, marks.len);
    rc = marks.len == 0 ? DEBAR_OK
         : debar_audit_deletions(&was, now, fault) == DEBAR_OK
           ? debar_sealed_deletion_sign(&note, d, key, private, fault)
           : DEBAR_ERROR;

    if (rc == DEBAR_OK && marks.len) {
        debar_checkpoints_add(&block, debar_str(note.data, note.len));

        rc = debar_deletion_append(&now->audit, "deletions", notes,
                                   (off_t) was.end, &block, fault);
    }

    if (rc == DEBAR_OK && marks.len) {
        rc = debar_deletion_append(&now->audit, "files", fd,
                                   (off_t) now->files.end, &marks, fault);
    }

    debar_buf_free(&marks);
    debar_buf_free(&note);
    debar_buf_free(&block);

    return rc;
}


/* A file of DIR/audit/sealed, the sealer's whoever makes it. */

static int
debar_deletion_open(const debar_audit_t *a, const char *name,
    debar_fault_t *fault)
{
    int          fd, dir;
    char         path[DEBAR_MAX_DIR + 64];
    struct stat  st;

    debar_audit_path(a, "sealed", path, sizeof(path));
    dir = open(path, O_RDONLY|O_DIRECTORY|O_CLOEXEC|O_NOFOLLOW);
    fd = -1;

    if (dir != -1 && fstat(dir, &st) == 0) {

        fd = openat(dir, name, O_RDWR|O_CLOEXEC|O_NOFOLLOW);

        if (fd == -1 && errno == ENOENT) {
            fd = openat(dir, name, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0640);

            if (fd != -1 && (fsync(dir) == -1
                             || (geteuid() == 0
                                 && fchown(fd, st.st_uid, st.st_gid) == -1)))
            {
                close(fd);
                fd = -1;
            }
        }
    }

    if (fd == -1) {
        debar_fault(fault, "%s/%s: %s: run as root, or as who the sealer runs "
                    "as", path, name, strerror(errno));
    }

    if (dir != -1) {
        close(dir);
    }

    return fd;
}


/* A torn end is written over; what did not come whole is taken back. */

static int
debar_deletion_append(const debar_audit_t *a, const char *name, int fd,
    off_t at, const debar_buf_t *b, debar_fault_t *fault)
{
    int      error;
    size_t   done;
    ssize_t  n;

    n = ftruncate(fd, at) == -1 ? -1 : 0;

    for (done = 0; n != -1 && done < b->len; done += (size_t) n) {

        n = pwrite(fd, b->data + done, b->len - done, at + (off_t) done);

        if (n == -1 && errno == EINTR) {
            n = 0;
        }
    }

    if (n != -1 && fsync(fd) == 0) {
        return DEBAR_OK;
    }

    error = errno;
    (void) !ftruncate(fd, at);
    debar_fault(fault, "%s/sealed/%s: %s", a->path, name, strerror(error));

    return DEBAR_ERROR;
}
