/*
 * A sealed log as it lies in its folder.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "trust.h"


static int debar_audit_take(debar_audit_files_t *f, size_t *size,
    const debar_sealed_file_t *one, const char *path, debar_fault_t *fault);
static int debar_audit_tile(void *data, unsigned level, uint64_t index,
    unsigned width, debar_hash_t *hashes, debar_fault_t *fault);
static int debar_audit_tile_file(const char *path, debar_hash_t *hashes,
    unsigned width);
static unsigned debar_audit_tile_wider(const char *path, unsigned width);


int
debar_audit_find(debar_audit_t *a, const char *dir, debar_fault_t *fault)
{
    int          n;
    char         path[DEBAR_MAX_DIR + 64];
    struct stat  st;

    n = snprintf(path, sizeof(path), "%s/audit", dir);

    if (n < 0 || n >= DEBAR_MAX_DIR) {
        debar_fault(fault, "%.80s...: the path is too long", dir);
        return DEBAR_ERROR;
    }

    if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode)) {
        snprintf(path, sizeof(path), "%s", dir);
    }

    if (realpath(path, a->path) == NULL || stat(a->path, &st) == -1) {
        debar_fault(fault, "%s: %s: name the folder with the audit log, "
                    "DIR/audit of a gateway", dir, strerror(errno));
        return DEBAR_ERROR;
    }

    if (!S_ISDIR(st.st_mode)) {
        debar_fault(fault, "%s: is no folder: name the one with the audit log, "
                    "DIR/audit of a gateway", dir);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_audit_path(const debar_audit_t *a, const char *name, char *out,
    size_t size)
{
    snprintf(out, size, "%s/%s", a->path, name);
}


int
debar_audit_checkpoint(debar_checkpoint_t *c, debar_buf_t *note,
    const debar_audit_t *a, const debar_vkey_t *key, debar_fault_t *fault)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64];
    debar_buf_t  data;

    debar_audit_path(a, "sealed/checkpoint", path, sizeof(path));

    if (access(path, F_OK) == -1 && errno == ENOENT) {
        debar_fault(fault, "%s: is not there: nothing is sealed yet (`debar "
                    "audit seal %s`)", path, a->path);
        return DEBAR_DECLINED;
    }

    if (debar_trust_read(&data, path, DEBAR_NOTE_MAX, "a checkpoint", fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_checkpoint_read(c, path, data.data, data.len, key, fault);

    if (rc == DEBAR_OK && note) {
        *note = data;

    } else {
        debar_buf_free(&data);
    }

    return rc;
}


int
debar_audit_state(debar_sealed_state_t *s, const debar_audit_t *a,
    debar_fault_t *fault)
{
    int          rc;
    char         path[DEBAR_MAX_DIR + 64];
    debar_buf_t  data;

    debar_audit_path(a, "sealed/state", path, sizeof(path));

    if (access(path, F_OK) == -1 && errno == ENOENT) {
        debar_fault(fault, "%s: is not there: nothing is sealed yet (`debar "
                    "audit seal %s`)", path, a->path);
        return DEBAR_DECLINED;
    }

    if (debar_trust_read(&data, path, DEBAR_SEALED_TEXT, "the sealer's state",
                         fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = debar_sealed_state_parse(s, path, data.data, data.len, fault);
    debar_buf_free(&data);

    return rc;
}


int
debar_audit_files(debar_audit_files_t *f, const debar_audit_t *a,
    debar_fault_t *fault)
{
    int                   rc;
    char                  path[DEBAR_MAX_DIR + 64];
    size_t                size;
    const char           *p, *end, *eol;
    debar_buf_t           data;
    struct stat           st;
    debar_sealed_file_t   one;

    memset(f, 0, sizeof(*f));
    debar_audit_path(a, "sealed/files", path, sizeof(path));

    /* none is closed yet */

    if (stat(path, &st) == -1 ? errno == ENOENT : st.st_size == 0) {
        return DEBAR_OK;
    }

    if (debar_trust_read(&data, path, DEBAR_AUDIT_FILES_MAX, "the list of "
                         "files that are closed", fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;
    size = 0;
    p = data.data;
    end = p + data.len;

    while (rc == DEBAR_OK && (eol = memchr(p, '\n', (size_t) (end - p)))) {

        rc = debar_sealed_file_parse(&one, path, p, (size_t) (eol - p), fault);

        if (rc == DEBAR_OK) {
            rc = debar_audit_take(f, &size, &one, path, fault);
        }

        p = eol + 1;
        f->end = (size_t) (p - data.data);
    }

    debar_buf_free(&data);

    if (rc != DEBAR_OK) {
        debar_audit_files_free(f);
    }

    return rc;
}


/* Files are numbered without a gap, from 1, as their leaves are from 0. */

static int
debar_audit_take(debar_audit_files_t *f, size_t *size,
    const debar_sealed_file_t *one, const char *path, debar_fault_t *fault)
{
    void                 *list;
    debar_sealed_file_t  *last;

    if (one->number <= f->n) {

        last = &f->list[one->number - 1];

        if (one->deleted && last->first == one->first
            && last->lines == one->lines && last->bytes == one->bytes
            && memcmp(last->sha256, one->sha256, sizeof(one->sha256)) == 0)
        {
            last->deleted = one->deleted;
            return DEBAR_OK;
        }

        /* a line that was written again after a crash is the same */

        if (one->number == f->n && memcmp(last, one, sizeof(*one)) == 0) {
            return DEBAR_OK;
        }
    }

    last = f->n ? &f->list[f->n - 1] : NULL;

    if (one->number != f->n + 1
        || one->first != (last ? last->first + last->lines : 0))
    {
        debar_fault(fault, "%s: file %" PRIu64 " begins with leaf %" PRIu64
                    ", but number %zu with leaf %" PRIu64 " is due: a line is "
                    "missing or was changed", path, one->number, one->first,
                    f->n + 1, last ? last->first + last->lines : 0);
        return DEBAR_ERROR;
    }

    if (f->n == *size) {
        *size = *size ? *size * 2 : 64;
        list = realloc(f->list, *size * sizeof(*f->list));

        if (list == NULL) {
            debar_fault(fault, "%s: no memory for %zu files", path, *size);
            return DEBAR_ERROR;
        }

        f->list = list;
    }

    f->list[f->n++] = *one;

    return DEBAR_OK;
}


void
debar_audit_files_free(debar_audit_files_t *f)
{
    free(f->list);
    memset(f, 0, sizeof(*f));
}


int
debar_audit_files_lock(int fd)
{
    int  i;

    for (i = 0; i < 50; i++) {

        if (flock(fd, LOCK_EX|LOCK_NB) == 0) {
            return DEBAR_OK;
        }

        debar_nap();
    }

    errno = EWOULDBLOCK;

    return DEBAR_ERROR;
}


int
debar_audit_index_from(uint64_t *from, const debar_audit_t *a,
    debar_fault_t *fault)
{
    int             fd;
    char            path[DEBAR_MAX_DIR + 64], text[32], *end;
    ssize_t         n;

    *from = 1;
    debar_audit_path(a, "index.from", path, sizeof(path));
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1 && errno == ENOENT) {
        return DEBAR_OK;
    }

    n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';

    if (fd != -1) {
        close(fd);
    }

    if (n > 1 && n < 20 && *text >= '1' && *text <= '9') {

        *from = strtoull(text, &end, 10);

        if (end == text + n - 1 && *end == '\n') {
            return DEBAR_OK;
        }
    }

    *from = 1;
    debar_fault(fault, "%s: is not the number of the first file to index: "
                "remove it, and run `debar audit retain`", path);

    return DEBAR_ERROR;
}


int
debar_audit_secret(uint8_t secret[DEBAR_SEALED_SECRET],
    const debar_audit_t *a, uint64_t number, debar_fault_t *fault)
{
    int      fd;
    char     path[DEBAR_MAX_DIR + 128], name[DEBAR_SEALED_NAME];
    uint8_t  more[DEBAR_SEALED_SECRET + 1];
    ssize_t  n;

    debar_sealed_secret_name(name, number);
    snprintf(path, sizeof(path), "%s/sealed/secrets/%s", a->path, name);

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd == -1) {
        debar_fault(fault, "%s: %s", path, strerror(errno));
        return errno == ENOENT ? DEBAR_DECLINED : DEBAR_ERROR;
    }

    n = read(fd, more, sizeof(more));
    close(fd);

    if (n != DEBAR_SEALED_SECRET) {
        debar_fault(fault, "%s: is not the secret of a file, which has %d "
                    "bytes: take it from a copy", path, DEBAR_SEALED_SECRET);
        return DEBAR_ERROR;
    }

    memcpy(secret, more, DEBAR_SEALED_SECRET);

    return DEBAR_OK;
}


void
debar_audit_tiles(debar_tiles_t *tiles, debar_audit_tiles_t *store,
    const debar_audit_t *a, uint64_t size, debar_hasher_t *hasher)
{
    memset(store, 0, sizeof(*store));
    debar_audit_path(a, "sealed", store->sealed, sizeof(store->sealed));

    tiles->hasher = hasher;
    tiles->size = size;
    tiles->read = debar_audit_tile;
    tiles->data = store;
}


/* The tile of width, the whole one, or one between them: the sealer takes those
 * away that it has no use for. */

static int
debar_audit_tile(void *data, unsigned level, uint64_t index, unsigned width,
    debar_hash_t *hashes, debar_fault_t *fault)
{
    int                   tries;
    char                  name[DEBAR_TILE_PATH], whole[DEBAR_MAX_DIR + 192],
                          path[DEBAR_MAX_DIR + 192];
    unsigned              w;
    debar_audit_tiles_t  *store = data;

    if (store->width[level] >= width && store->index[level] == index) {
        memcpy(hashes, store->tile[level], width * DEBAR_HASH);
        return DEBAR_OK;
    }

    debar_tile_path(name, level, index, DEBAR_TILE_WIDTH);
    snprintf(whole, sizeof(whole), "%s/%s", store->sealed, name);
    store->width[level] = 0;

    for (w = width, tries = 0; tries < 8 && w; tries++) {

        debar_tile_path(name, level, index, w);
        snprintf(path, sizeof(path), "%s/%s", store->sealed, name);

        if (debar_audit_tile_file(path, store->tile[level], w) != DEBAR_OK) {

            w = debar_audit_tile_file(whole, store->tile[level],
                                      DEBAR_TILE_WIDTH) == DEBAR_OK
                ? DEBAR_TILE_WIDTH : debar_audit_tile_wider(whole, width);

            if (w != DEBAR_TILE_WIDTH) {
                continue;
            }
        }

        store->width[level] = w;
        store->index[level] = index;
        memcpy(hashes, store->tile[level], width * DEBAR_HASH);

        return DEBAR_OK;
    }

    debar_tile_path(name, level, index, width);
    debar_fault(fault, "%s/%s: is missing or has not %u hashes of %d bytes: "
                "take it from a copy, or seal anew", store->sealed, name,
                width, DEBAR_HASH);

    return DEBAR_ERROR;
}


static int
debar_audit_tile_file(const char *path, debar_hash_t *hashes, unsigned width)
{
    int          fd;
    size_t       len;
    ssize_t      n;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd == -1) {
        return DEBAR_ERROR;
    }

    len = width * DEBAR_HASH;
    n = fstat(fd, &st) == 0 && st.st_size == (off_t) len
        ? read(fd, hashes, len) : -1;
    close(fd);

    return n == (ssize_t) len ? DEBAR_OK : DEBAR_ERROR;
}


/* The width of a partial tile that has at least so many; 0: none. */

static unsigned
debar_audit_tile_wider(const char *path, unsigned width)
{
    char            folder[DEBAR_MAX_DIR + 200], *end;
    DIR            *d;
    unsigned        found;
    unsigned long   w;
    struct dirent  *e;

    snprintf(folder, sizeof(folder), "%s.p", path);
    d = opendir(folder);
    found = 0;

    while (d && (e = readdir(d))) {
        w = strtoul(e->d_name, &end, 10);

        if (*end == '\0' && w >= width && w < DEBAR_TILE_WIDTH) {
            found = (unsigned) w;
        }
    }

    if (d) {
        closedir(d);
    }

    return found;
}


int
debar_audit_numbered(const struct dirent *e)
{
    size_t  len;

    len = strlen(e->d_name);

    return len > 12 && strncmp(e->d_name, "audit-", 6) == 0
           && strspn(e->d_name + 6, "0123456789") == len - 12
           && strcmp(e->d_name + len - 6, ".jsonl") == 0;
}


/* Numbers have eight digits, or more. */

int
debar_audit_order(const struct dirent **a, const struct dirent **b)
{
    size_t  one, two;

    one = strlen((*a)->d_name);
    two = strlen((*b)->d_name);

    return one != two ? (one < two ? -1 : 1)
                      : strcmp((*a)->d_name, (*b)->d_name);
}
