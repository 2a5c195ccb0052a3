/*
 * Of publishing: a snapshot packed, and what is no longer kept removed.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <openssl/evp.h>

#include "publish.h"


#define DEBAR_PACK_BLOCK    (1 << 20)
#define DEBAR_PACK_WORKERS  8                /* at most; one a core */
#define DEBAR_PACK_LARGE    (8 << 20)        /* bytes that workers are for */
#define DEBAR_PRUNE_MAX     100000


typedef struct {
    int          in;
    int          out;
    EVP_MD_CTX  *md;
    ZSTD_CCtx   *z;
    char        *from;
    char        *to;
    size_t       room;
    uint64_t     read;
    uint64_t     written;
    unsigned     quiet;
} debar_pack_t;


/* What zstd has to give; -1: it cannot be written. */

static int
debar_pack_step(debar_pack_t *p, size_t len, int last)
{
    size_t           left, off;
    ssize_t          n;
    ZSTD_inBuffer    in = { p->from, len, 0 };
    ZSTD_outBuffer   out;

    do {
        out.dst = p->to;
        out.size = p->room;
        out.pos = 0;

        left = ZSTD_compressStream2(p->z, &out, &in,
                                    last ? ZSTD_e_end : ZSTD_e_continue);

        if (ZSTD_isError(left)) {
            errno = ENOMEM;
            return -1;
        }

        for (off = 0; off < out.pos; off += (size_t) n) {
            n = write(p->out, p->to + off, out.pos - off);

            if (n <= 0) {
                return -1;
            }
        }

        p->written += out.pos;

    } while (in.pos < in.size || (last && left));

    return 0;
}


static int
debar_pack_all(debar_pack_t *p)
{
    ssize_t  n;

    do {
        n = read(p->in, p->from, DEBAR_PACK_BLOCK);

        if (n == -1 || (n && EVP_DigestUpdate(p->md, p->from, (size_t) n) != 1)
            || debar_pack_step(p, (size_t) n, n == 0) == -1)
        {
            return -1;
        }

        p->read += (uint64_t) n;

        if (!p->quiet) {
            debar_progress(NULL, "packing", p->read);
        }

    } while (n);

    return 0;
}


static int
debar_pack_same(debar_pack_t *p, const debar_manifest_t *m)
{
    char      hex[65];
    uint8_t   md[EVP_MAX_MD_SIZE];
    unsigned  i, n;

    if (EVP_DigestFinal_ex(p->md, md, &n) != 1) {
        return 0;
    }

    for (i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", md[i]);
    }

    return p->read == m->size && strcmp(hex, m->sha256) == 0;
}


/* As many cores as this process may use. */

static int
debar_pack_workers(void)
{
    int        n;
    cpu_set_t  set;

    if (sched_getaffinity(0, sizeof(set), &set) == -1) {
        return 2;
    }

    n = CPU_COUNT(&set);

    return n < DEBAR_PACK_WORKERS ? n : DEBAR_PACK_WORKERS;
}


static int
debar_pack_start(debar_pack_t *p, const debar_manifest_t *m, int level)
{
    p->room = ZSTD_CStreamOutSize();
    p->from = malloc(DEBAR_PACK_BLOCK);
    p->to = malloc(p->room);
    p->md = EVP_MD_CTX_new();
    p->z = ZSTD_createCCtx();

    if (p->from == NULL || p->to == NULL || p->md == NULL || p->z == NULL
        || EVP_DigestInit_ex(p->md, EVP_sha256(), NULL) != 1)
    {
        errno = ENOMEM;
        return -1;
    }

    (void) ZSTD_CCtx_setParameter(p->z, ZSTD_c_compressionLevel, level);
    (void) ZSTD_CCtx_setParameter(p->z, ZSTD_c_checksumFlag, 1);

    if (m->size > DEBAR_PACK_LARGE) {
        (void) ZSTD_CCtx_setParameter(p->z, ZSTD_c_nbWorkers,
                                      debar_pack_workers());
    }

    return 0;
}


int
debar_publish_pack(const char *path, const char *out,
    const debar_manifest_t *m, int level, uint64_t *packed, unsigned quiet,
    debar_fault_t *fault)
{
    int           rc;
    char          tmp[DEBAR_PUBLISH_PATH + 32];
    debar_pack_t  p;

    memset(&p, 0, sizeof(p));
    p.quiet = quiet;
    p.out = -1;

    snprintf(tmp, sizeof(tmp), "%s.tmp", out);

    p.in = open(path, O_RDONLY|O_CLOEXEC);
    if (p.in == -1) {
        debar_fault(fault, "%s: %s; name the snapshot that was approved", path,
                    strerror(errno));
        return DEBAR_ERROR;
    }

    /* the folder is locked: one that is there is of a publication that died */

    (void) unlink(tmp);
    p.out = open(tmp, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0644);

    rc = p.out == -1 || debar_pack_start(&p, m, level) == -1
         || debar_pack_all(&p) == -1 ? DEBAR_ERROR : DEBAR_OK;

    if (rc == DEBAR_ERROR) {
        debar_fault(fault, "%s: cannot be written: %s; the list that is "
                    "published was not touched", out, strerror(errno));

    } else if (!debar_pack_same(&p, m)) {
        debar_fault(fault, "%s: it is not the snapshot that was approved "
                    "(SHA-256 %.12s..., %llu bytes): name that one, or propose "
                    "this one", path, m->sha256, (unsigned long long) m->size);
        rc = DEBAR_DECLINED;

    } else if (fsync(p.out) == -1 || rename(tmp, out) == -1) {
        debar_fault(fault, "%s: cannot be written: %s", out, strerror(errno));
        rc = DEBAR_ERROR;
    }

    if (rc != DEBAR_OK && p.out != -1) {
        (void) unlink(tmp);
    }

    close(p.in);

    if (p.out != -1) {
        close(p.out);
    }

    *packed = p.written;
    EVP_MD_CTX_free(p.md);
    ZSTD_freeCCtx(p.z);
    free(p.from);
    free(p.to);

    return rc;
}


void
debar_sweep(const char *folder, const char *begin)
{
    DIR            *d;
    char            path[DEBAR_PUBLISH_PATH + 300];
    size_t          n;
    struct dirent  *e;

    d = opendir(folder);

    while (d && (e = readdir(d))) {
        n = strlen(e->d_name);

        if (n > 4 && strcmp(e->d_name + n - 4, ".tmp") == 0
            && strncmp(e->d_name, begin, strlen(begin)) == 0)
        {
            snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
            (void) unlink(path);
        }
    }

    if (d) {
        closedir(d);
    }
}


/* --- what is kept -------------------------------------------------------- */

typedef struct {
    uint64_t  *list;
    size_t     n;
} debar_serials_t;


static int
debar_serial_down(const void *one, const void *two)
{
    const uint64_t  *a = one, *b = two;

    return *a < *b ? 1 : *a > *b ? -1 : 0;
}


static void
debar_prune_serials(debar_serials_t *s, const char *folder)
{
    DIR            *d;
    char            path[DEBAR_PUBLISH_PATH];
    uint64_t        n;
    struct dirent  *e;

    snprintf(path, sizeof(path), "%s/manifests", folder);

    d = opendir(path);
    s->list = calloc(DEBAR_PRUNE_MAX, sizeof(uint64_t));

    while (d && s->list && s->n < DEBAR_PRUNE_MAX && (e = readdir(d))) {
        if (debar_root_number(debar_str(e->d_name, strlen(e->d_name)),
                              INT64_MAX, &n) == DEBAR_OK)
        {
            s->list[s->n++] = n;
        }
    }

    if (d) {
        closedir(d);
    }

    if (s->list) {
        qsort(s->list, s->n, sizeof(uint64_t), debar_serial_down);
    }
}


/* Removes what is in FOLDER/name and has none of the texts in its own. */

static void
debar_prune_folder(const char *folder, const char *name, const char *end,
    char (*keep)[65], size_t n)
{
    DIR            *d;
    char            path[DEBAR_PUBLISH_PATH + 300];
    size_t          i, len, elen = strlen(end);
    struct dirent  *e;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    d = opendir(path);

    while (d && (e = readdir(d))) {
        len = strlen(e->d_name);

        if (len < elen + 64 || strcmp(e->d_name + len - elen, end) != 0) {
            continue;
        }

        for (i = 0; i < n; i++) {
            if (strncmp(e->d_name + len - elen - 64, keep[i], 64) == 0) {
                break;
            }
        }

        if (i == n) {
            snprintf(path, sizeof(path), "%s/%s/%s", folder, name, e->d_name);
            (void) unlink(path);
        }
    }

    if (d) {
        closedir(d);
    }
}


void
debar_publish_prune(const char *folder, unsigned keep)
{
    char               (*sha)[65], (*digest)[65];
    size_t               i, n;
    debar_fault_t        fault;
    debar_serials_t      s;
    debar_manifest_t     m;

    memset(&s, 0, sizeof(s));
    debar_prune_serials(&s, folder);

    sha = calloc(keep, sizeof(*sha));
    digest = calloc(keep, sizeof(*digest));

    for (i = 0, n = 0; sha && digest && i < s.n && n < keep; i++) {

        /* one that cannot be read is nothing to remove others by */

        if (debar_published(&m, folder, s.list[i], &fault) != DEBAR_OK) {
            n = 0;
            break;
        }

        memcpy(sha[n], m.sha256, 65);
        memcpy(digest[n++], m.digest, 65);
    }

    if (n) {
        debar_prune_folder(folder, "snapshots", ".mdb.zst", sha, n);
        debar_prune_folder(folder, "deltas", ".delta.zst", digest, n);
    }

    free(s.list);
    free(sha);
    free(digest);
}
