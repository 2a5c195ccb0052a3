/*
 * What the sealer writes: tiles, state, checkpoints, secrets, the file of files.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "seal.h"
#include "trust.h"


#define DEBAR_SEAL_MODE  0640
#define DEBAR_SEAL_FEW   8                   /* tiles that are synced singly */


static int debar_seal_start(debar_seal_t *s, const debar_audit_t *a);
static int debar_seal_resume(debar_seal_t *s, const debar_audit_t *a);
static int debar_seal_folders(debar_seal_t *s, const char *path);
static int debar_seal_partials(debar_seal_t *s);
static int debar_seal_synced(debar_seal_t *s);
static void debar_seal_tidy(debar_seal_t *s);
static void debar_seal_unlink_partials(debar_seal_t *s, unsigned level,
    uint64_t index, unsigned but);
static int debar_seal_write(debar_seal_t *s, const char *name,
    const void *data, size_t len);
static int debar_seal_append(debar_seal_t *s, const char *name, uint64_t at,
    const void *data, size_t len);
static int debar_seal_put(int fd, const void *data, size_t len);
static int debar_seal_digest(debar_seal_t *s, uint8_t out[32],
    uint64_t *bytes);
static int debar_seal_error(debar_seal_t *s, const char *name,
    const char *what);


void
debar_seal_audit(const debar_seal_t *s, debar_audit_t *a)
{
    snprintf(a->path, sizeof(a->path), "/proc/self/fd/%d", s->audit_fd);
}


int
debar_seal_load(debar_seal_t *s)
{
    int            rc;
    debar_audit_t  a;

    debar_seal_audit(s, &a);

    if (s->fd != -1) {
        close(s->fd);
        s->fd = -1;
    }

    s->has_secret = 0;
    s->published = 0;
    s->rotated = 0;
    memset(s->partial, 0, sizeof(s->partial));

    rc = debar_audit_state(&s->state, &a, &s->fault);

    if (rc == DEBAR_ERROR) {
        return DEBAR_ERROR;
    }

    rc = rc == DEBAR_OK ? debar_seal_resume(s, &a) : debar_seal_start(s, &a);

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    s->next = s->state;
    s->saved = s->tree;
    s->loaded = s->state.time;

    return DEBAR_OK;
}


void
debar_seal_undo(debar_seal_t *s)
{
    while (s->nopen) {
        close(s->open[--s->nopen]);
    }

    s->next = s->state;
    s->tree = s->saved;
    s->has_secret = 0;

    if (s->fd != -1) {
        close(s->fd);
        s->fd = -1;
    }
}


/* A new log: what is there without a state is of one that was lost. */

static int
debar_seal_start(debar_seal_t *s, const debar_audit_t *a)
{
    char  path[DEBAR_MAX_DIR + 64];

    debar_audit_path(a, "sealed/checkpoint", path, sizeof(path));

    if (access(path, F_OK) == 0) {
        debar_fault(&s->fault, "%s/sealed/state: is not there, but a checkpoint "
                    "is: take it from a copy; to begin anew, move %s/sealed "
                    "away", s->path, s->path);
        return DEBAR_ERROR;
    }

    memset(&s->state, 0, sizeof(s->state));
    memset(&s->tree, 0, sizeof(s->tree));
    s->state.number = 1;
    debar_merkle_empty(s->hasher, s->state.root);

    return DEBAR_OK;
}


static int
debar_seal_resume(debar_seal_t *s, const debar_audit_t *a)
{
    int                   fd, rc;
    char                  block[2048];
    unsigned              level;
    ssize_t               n;
    int64_t               took;
    debar_str_t           note;
    debar_hash_t          root;
    debar_tiles_t         tiles;
    debar_checkpoint_t    c;
    debar_audit_files_t   files;
    debar_audit_tiles_t  *store;

    store = malloc(sizeof(*store));

    if (store == NULL) {
        debar_fault(&s->fault, "no memory");
        return DEBAR_ERROR;
    }

    debar_audit_tiles(&tiles, store, a, s->state.size, s->hasher);
    rc = debar_tiles_tree(&s->tree, &tiles, &s->fault);
    free(store);

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_tree_root(s->hasher, root, &s->tree);

    if (memcmp(root, s->state.root, sizeof(root)) != 0) {
        debar_fault(&s->fault, "%s/sealed: the last tiles have not the root "
                    "that its state has: somebody changed them: take the "
                    "folder from a copy", s->path);
        return DEBAR_ERROR;
    }

    for (level = 0; level < DEBAR_TILE_LEVELS; level++) {
        s->partial[level] = s->tree.width[level];
    }

    /* the checkpoint of the state, where it was written */

    fd = openat(s->sealed_fd, "checkpoints", O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd != -1) {
        n = pread(fd, block, sizeof(block), (off_t) s->state.checkpoints);
        close(fd);
        took = n > 0 ? debar_checkpoints_next(&note, block, (size_t) n) : -1;

        if (took > 0 && debar_checkpoint_read(&c, "checkpoints", note.data,
                                              note.len, &s->key, NULL)
            == DEBAR_OK && c.size == s->state.size
            && memcmp(c.root, root, sizeof(root)) == 0)
        {
            s->state.checkpoints += (uint64_t) took;
            s->published = debar_seal_write(s, "checkpoint", note.data,
                                            note.len) == DEBAR_OK;
        }
    }

    /* or before it, when a file was closed since */

    if (debar_audit_checkpoint(&c, NULL, a, &s->key, NULL) == DEBAR_OK
        && c.size == s->state.size)
    {
        s->published = 1;
    }

    /* a file whose closing was the last that happened */

    if (debar_audit_files(&files, a, &s->fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (files.n >= s->state.number) {
        s->state.number++;
        s->state.first = s->state.size;
        s->state.lines = 0;
        s->state.bytes = 0;
        s->state.inode = 0;
        s->state.began = 0;
    }

    rc = files.n + 1 == s->state.number ? DEBAR_OK : DEBAR_ERROR;

    if (rc != DEBAR_OK) {
        debar_fault(&s->fault, "%s/sealed/files: has %zu files, %" PRIu64
                    " are due: take it from a copy", s->path, files.n,
                    s->state.number - 1);
    }

    debar_audit_files_free(&files);

    return rc;
}


/* Made as they are needed: "tile", "tile/0", "tile/0/x001", ... */

static int
debar_seal_folders(debar_seal_t *s, const char *path)
{
    char         folder[DEBAR_TILE_PATH];
    const char  *slash;

    for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {

        snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path), path);

        if (mkdirat(s->sealed_fd, folder, 0750) == -1 && errno != EEXIST) {
            return debar_seal_error(s, folder, "cannot be made");
        }
    }

    return DEBAR_OK;
}


int
debar_seal_tile(void *data, unsigned level, uint64_t index,
    const debar_hash_t *hashes, unsigned width)
{
    int            fd;
    char           path[DEBAR_TILE_PATH];
    debar_seal_t  *s = data;

    if (s->nopen == DEBAR_SEAL_OPEN && debar_seal_synced(s) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_tile_path(path, level, index, width);
    fd = openat(s->sealed_fd, path, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC
                                    |O_NOFOLLOW, DEBAR_SEAL_MODE);

    if (fd == -1 && errno == ENOENT) {

        if (debar_seal_folders(s, path) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        fd = openat(s->sealed_fd, path, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC
                                        |O_NOFOLLOW, DEBAR_SEAL_MODE);
    }

    if (fd == -1) {
        return debar_seal_error(s, path, "cannot be made");
    }

    s->open[s->nopen++] = fd;

    if (debar_seal_put(fd, hashes, width * DEBAR_HASH) != DEBAR_OK) {
        return debar_seal_error(s, path, "cannot be written");
    }

    return DEBAR_OK;
}


/*
 * Of many, one syncfs(2) makes one commit of the file system; what then went
 * wrong with a file its own fsync(2) says.  Folders are synced with a file that
 * is new in them (ext4, xfs, btrfs); sealed/ itself is synced by the state.
 */

static int
debar_seal_synced(debar_seal_t *s)
{
    int       rc;
    unsigned  i;

    rc = DEBAR_OK;

    if (s->nopen > DEBAR_SEAL_FEW) {
        (void) syncfs(s->sealed_fd);
    }

    for (i = 0; i < s->nopen; i++) {

        if (rc == DEBAR_OK && fsync(s->open[i]) == -1) {
            rc = debar_seal_error(s, "tile", "cannot be written");
        }

        if (close(s->open[i]) == -1 && rc == DEBAR_OK) {
            rc = debar_seal_error(s, "tile", "cannot be written");
        }
    }

    s->nopen = 0;

    return rc;
}


/* The unfinished tiles of next, as far as they are not those of the state. */

static int
debar_seal_partials(debar_seal_t *s)
{
    unsigned  level;
    uint64_t  index;

    for (level = 0; level < DEBAR_TILE_LEVELS; level++) {

        index = s->next.size >> (8 * level + 8);

        if (s->tree.width[level] == 0
            || (index == s->state.size >> (8 * level + 8)
                && s->tree.width[level] == s->partial[level]))
        {
            continue;
        }

        if (debar_seal_tile(s, level, index,
                            (const debar_hash_t *) s->tree.tile[level],
                            s->tree.width[level]) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


int
debar_seal_commit(debar_seal_t *s)
{
    int          rc;
    debar_buf_t  b;

    /* the lines themselves: else there were leaves without lines */

    if (s->fd != -1 && fdatasync(s->fd) == -1) {
        (void) debar_seal_synced(s);
        return debar_seal_error(s, "../" DEBAR_SEALED_LIVE,
                                "cannot be synced");
    }

    rc = debar_seal_partials(s);

    if (debar_seal_synced(s) != DEBAR_OK || rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    debar_tree_root(s->hasher, s->next.root, &s->tree);
    s->next.time = time(NULL);

    memset(&b, 0, sizeof(b));
    debar_sealed_state_text(&b, &s->next);
    rc = debar_seal_write(s, "state", b.data, b.len);
    debar_buf_free(&b);

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (s->next.size != s->state.size) {
        s->published = 0;
        debar_seal_tidy(s);
    }

    s->state = s->next;
    s->saved = s->tree;

    return DEBAR_OK;
}


/* Unfinished tiles that the new state has no use for.  Those of the checkpoint
 * that is still the latest are found in wider ones. */

static void
debar_seal_tidy(debar_seal_t *s)
{
    unsigned  level, same;
    uint64_t  was, is;

    for (level = 0; level < DEBAR_TILE_LEVELS; level++) {

        was = s->state.size >> (8 * level + 8);
        is = s->next.size >> (8 * level + 8);
        same = was == is && s->partial[level] == s->tree.width[level];

        if (s->partial[level] && !same) {
            debar_seal_unlink_partials(s, level, was, was == is
                                       ? s->tree.width[level] : 0);
        }

        s->partial[level] = s->tree.width[level];
    }
}


static void
debar_seal_unlink_partials(debar_seal_t *s, unsigned level, uint64_t index,
    unsigned but)
{
    int             fd;
    DIR            *d;
    char            path[DEBAR_TILE_PATH], *slash;
    struct dirent  *e;

    debar_tile_path(path, level, index, 1);
    slash = strrchr(path, '/');
    *slash = '\0';

    fd = openat(s->sealed_fd, path, O_RDONLY|O_DIRECTORY|O_CLOEXEC|O_NOFOLLOW);
    d = fd == -1 ? NULL : fdopendir(fd);

    if (d == NULL) {
        if (fd != -1) {
            close(fd);
        }

        return;
    }

    while ((e = readdir(d))) {
        if (e->d_name[0] != '.'
            && (but == 0 || strtoul(e->d_name, NULL, 10) != but))
        {
            (void) unlinkat(fd, e->d_name, 0);
        }
    }

    closedir(d);

    if (but == 0) {
        (void) unlinkat(s->sealed_fd, path, AT_REMOVEDIR);
    }
}


int
debar_seal_publish(debar_seal_t *s)
{
    int                  rc;
    debar_buf_t          note, all;
    debar_checkpoint_t   c;

    if (s->published || s->state.size == 0) {
        return DEBAR_OK;
    }

    memset(&c, 0, sizeof(c));
    memset(&note, 0, sizeof(note));
    memset(&all, 0, sizeof(all));
    snprintf(c.origin, sizeof(c.origin), "%s", s->key.name);
    c.size = s->state.size;
    memcpy(c.root, s->state.root, sizeof(c.root));

    rc = debar_checkpoint_sign(&note, &c, &s->key, s->private, &s->fault);

    if (rc == DEBAR_OK) {
        debar_checkpoints_add(&all, debar_str(note.data, note.len));
        rc = debar_seal_append(s, "checkpoints", s->state.checkpoints,
                               all.data, all.len);
    }

    if (rc == DEBAR_OK) {
        rc = debar_seal_write(s, "checkpoint", note.data, note.len);
    }

    if (rc == DEBAR_OK) {
        s->published = 1;
        s->state.checkpoints += all.len;
        s->next.checkpoints = s->state.checkpoints;
    }

    debar_buf_free(&note);
    debar_buf_free(&all);

    return rc;
}


int
debar_seal_secret(debar_seal_t *s)
{
    int            rc;
    char           name[DEBAR_SEALED_NAME], path[DEBAR_SEALED_NAME + 16];
    size_t         n;
    ssize_t        got;
    debar_audit_t  a;

    if (s->has_secret) {
        return DEBAR_OK;
    }

    debar_seal_audit(s, &a);
    rc = debar_audit_secret(s->secret, &a, s->state.number, &s->fault);

    if (rc == DEBAR_OK) {
        s->has_secret = 1;
        return DEBAR_OK;
    }

    debar_sealed_secret_name(name, s->state.number);
    snprintf(path, sizeof(path), "secrets/%s", name);

    if (rc == DEBAR_ERROR || s->state.lines) {
        debar_fault(&s->fault, "%s/sealed/%s: is missing, but lines of its file "
                    "are sealed: take it from a copy", s->path, path);
        return DEBAR_ERROR;
    }

    for (n = 0; n < sizeof(s->secret); n += got > 0 ? (size_t) got : 0) {
        got = getrandom(s->secret + n, sizeof(s->secret) - n, 0);

        if (got == -1 && errno != EINTR) {
            return debar_seal_error(s, path, "no random bytes");
        }
    }

    if (mkdirat(s->sealed_fd, "secrets", 0750) == -1 && errno != EEXIST) {
        return debar_seal_error(s, "secrets", "cannot be made");
    }

    if (debar_seal_write(s, path, s->secret, sizeof(s->secret)) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    s->has_secret = 1;

    return DEBAR_OK;
}


int
debar_seal_closed(debar_seal_t *s, int gone)
{
    int                  rc, fd;
    uint64_t             bytes;
    debar_buf_t          b;
    debar_audit_t        a;
    debar_audit_files_t  files;
    debar_sealed_file_t  f;

    memset(&f, 0, sizeof(f));
    f.number = s->state.number;
    f.first = s->state.first;
    f.lines = s->state.lines;
    f.bytes = s->state.bytes;
    f.closed = time(NULL);

    if (!gone) {
        if (debar_seal_digest(s, f.sha256, &bytes) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (bytes != f.bytes) {
            debar_fault(&s->fault, "%s: file %" PRIu64 " has %" PRIu64
                        " bytes, of which %" PRIu64 " are sealed: somebody "
                        "writes to it", s->path, f.number, bytes, f.bytes);
            return DEBAR_ERROR;
        }
    }

    debar_seal_audit(s, &a);

    /* a deletion may be appended just now: both write behind its end */

    fd = openat(s->sealed_fd, "files", O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd != -1 && debar_audit_files_lock(fd) != DEBAR_OK) {
        debar_fault(&s->fault, "%s/sealed/files: somebody has it locked",
                    s->path);
        close(fd);
        return DEBAR_ERROR;
    }

    rc = debar_audit_files(&files, &a, &s->fault);
    memset(&b, 0, sizeof(b));

    if (rc == DEBAR_OK && files.n < f.number) {
        debar_sealed_file_text(&b, &f);
        rc = debar_seal_append(s, "files", files.end, b.data, b.len);
    }

    debar_audit_files_free(&files);
    debar_buf_free(&b);

    if (fd != -1) {
        close(fd);
    }

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    s->next.number++;
    s->next.first = s->next.size;
    s->next.lines = 0;
    s->next.bytes = 0;
    s->next.inode = 0;
    s->next.began = 0;
    s->has_secret = 0;
    s->rotated = 0;

    if (s->fd != -1) {
        close(s->fd);
        s->fd = -1;
    }

    return debar_seal_commit(s);
}


static int
debar_seal_digest(debar_seal_t *s, uint8_t out[32], uint64_t *bytes)
{
    int          rc;
    ssize_t      n;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();
    rc = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    *bytes = 0;
    n = -1;

    while (rc && (n = pread(s->fd, s->buffer, DEBAR_SEAL_BUFFER,
                            (off_t) *bytes)) > 0)
    {
        *bytes += (uint64_t) n;
        rc = EVP_DigestUpdate(ctx, s->buffer, (size_t) n) == 1;
    }

    rc = rc && n == 0 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);

    return rc ? DEBAR_OK : debar_seal_error(s, "../" DEBAR_SEALED_LIVE,
                                            "cannot be read");
}


/* Whole and on the disk, or not at all. */

static int
debar_seal_write(debar_seal_t *s, const char *name, const void *data,
    size_t len)
{
    int   fd, rc;
    char  path[DEBAR_SEALED_NAME + 32], folder[16];

    snprintf(path, sizeof(path), "%s.new", name);
    fd = openat(s->sealed_fd, path, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC
                                    |O_NOFOLLOW, DEBAR_SEAL_MODE);

    if (fd == -1) {
        return debar_seal_error(s, path, "cannot be made");
    }

    rc = debar_seal_put(fd, data, len);

    if (rc == DEBAR_OK && fsync(fd) == -1) {
        rc = DEBAR_ERROR;
    }

    if (close(fd) == -1 || rc != DEBAR_OK
        || renameat(s->sealed_fd, path, s->sealed_fd, name) == -1)
    {
        rc = debar_seal_error(s, name, "cannot be written");
        (void) unlinkat(s->sealed_fd, path, 0);
        return rc;
    }

    snprintf(folder, sizeof(folder), "%s", strchr(name, '/') ? "secrets" : ".");
    fd = openat(s->sealed_fd, folder, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    rc = fd == -1 ? -1 : fsync(fd);

    if (fd != -1) {
        close(fd);
    }

    return rc == 0 ? DEBAR_OK : debar_seal_error(s, folder, "cannot be synced");
}


/* Behind at bytes; what a write before left torn there is cut. */

static int
debar_seal_append(debar_seal_t *s, const char *name, uint64_t at,
    const void *data, size_t len)
{
    int  fd, rc;

    fd = openat(s->sealed_fd, name, O_WRONLY|O_CREAT|O_CLOEXEC|O_NOFOLLOW,
                DEBAR_SEAL_MODE);

    if (fd == -1) {
        return debar_seal_error(s, name, "cannot be made");
    }

    rc = DEBAR_ERROR;

    if (ftruncate(fd, (off_t) at) == 0
        && lseek(fd, (off_t) at, SEEK_SET) == (off_t) at
        && debar_seal_put(fd, data, len) == DEBAR_OK && fsync(fd) == 0)
    {
        rc = DEBAR_OK;
    }

    if (rc != DEBAR_OK) {
        rc = debar_seal_error(s, name, "cannot be written");
    }

    close(fd);

    return rc;
}


static int
debar_seal_put(int fd, const void *data, size_t len)
{
    size_t       done;
    ssize_t      n;
    const char  *p = data;

    for (done = 0; done < len; done += (size_t) n) {

        n = write(fd, p + done, len - done);

        if (n == -1 && errno == EINTR) {
            n = 0;

        } else if (n <= 0) {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_seal_error(debar_seal_t *s, const char *name, const char *what)
{
    debar_fault(&s->fault, "%.300s/sealed/%s: %s: %s%s", s->path, name, what,
                strerror(errno), errno == ENOSPC || errno == EDQUOT
                ? ": make room; nothing is lost meanwhile" : "");
    return DEBAR_ERROR;
}
