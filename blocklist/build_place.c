/*
 * A snapshot that came from elsewhere, packed by zstd: unpacked aside, held
 * against what was wanted, read back, put in place.
 */

#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#include <openssl/evp.h>


#define DEBAR_PLACE_WINDOW  27    /* log2 of what unpacking may keep */
#define DEBAR_PLACE_STEP    (64u << 20)


typedef struct {
    const char                *from;
    const debar_wanted_t      *wanted;
    const debar_build_opts_t  *opts;
    debar_fault_t             *fault;
    debar_publish_t            pub;
    int                        fd;
    EVP_MD_CTX                *md;
    ZSTD_DCtx                 *z;
    char                      *in;
    char                      *out;
    uint64_t                   size;
} debar_place_t;


static int
debar_place_bad(debar_place_t *p, const char *why)
{
    debar_fault(p->fault, "%.200s: it is not the snapshot of serial %" PRIu64
                " that was published: %s; the list in place was not touched",
                p->from, p->wanted->serial, why);

    return DEBAR_DECLINED;
}


static int
debar_place_write(debar_place_t *p, size_t len)
{
    size_t   off;
    ssize_t  n;

    for (off = 0; off < len; off += (size_t) n) {
        n = write(p->pub.fd, p->out + off, len - off);

        if (n <= 0) {
            debar_publish_errno(p->fault, "it cannot be written", p->pub.tmp,
                                n ? errno : EIO);
            return DEBAR_ERROR;
        }
    }

    if (EVP_DigestUpdate(p->md, p->out, len) != 1) {
        debar_fault(p->fault, "%.200s: no SHA-256", p->from);
        return DEBAR_ERROR;
    }

    /* the disk works while there is more to unpack */

    if (p->size / DEBAR_PLACE_STEP != (p->size + len) / DEBAR_PLACE_STEP) {
        (void) sync_file_range(p->pub.fd, 0, 0, SYNC_FILE_RANGE_WRITE);

        if (p->opts->progress) {
            p->opts->progress(p->opts->data, "unpacking", p->size + len);
        }
    }

    p->size += len;

    return DEBAR_OK;
}


static int
debar_place_unpack(debar_place_t *p)
{
    int             rc;
    size_t          left, size = ZSTD_DStreamInSize();
    ssize_t         n;
    ZSTD_inBuffer   in;
    ZSTD_outBuffer  out;

    left = 1;

    while ((n = read(p->fd, p->in, size)) > 0) {
        in.src = p->in;
        in.size = (size_t) n;
        in.pos = 0;

        while (in.pos < in.size) {
            out.dst = p->out;
            out.size = ZSTD_DStreamOutSize();
            out.pos = 0;

            left = ZSTD_decompressStream(p->z, &out, &in);

            if (ZSTD_isError(left)) {
                return debar_place_bad(p, "it cannot be unpacked");
            }

            if (out.pos > p->wanted->size - p->size) {
                return debar_place_bad(p, "it is larger");
            }

            rc = debar_place_write(p, out.pos);
            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    if (n == -1) {
        debar_fault(p->fault, "%.200s: cannot be read: %s", p->from,
                    strerror(errno));
        return DEBAR_ERROR;
    }

    if (left != 0 || p->size != p->wanted->size) {
        return debar_place_bad(p, "it was cut");
    }

    return DEBAR_OK;
}


static int
debar_place_digest(debar_place_t *p)
{
    char      hex[65];
    uint8_t   md[EVP_MAX_MD_SIZE];
    unsigned  i, n;

    if (EVP_DigestFinal_ex(p->md, md, &n) != 1 || n != 32) {
        debar_fault(p->fault, "%.200s: no SHA-256", p->from);
        return DEBAR_ERROR;
    }

    for (i = 0; i < 32; i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", md[i]);
    }

    return strcmp(hex, p->wanted->sha256) == 0
           ? DEBAR_OK : debar_place_bad(p, "its SHA-256 is another");
}


/* SHA-256 says that it is what was signed; this, that what was signed is a
 * list, which no worker will find damaged. */

static int
debar_place_verify(debar_place_t *p, debar_build_info_t *info)
{
    int                 rc;
    unsigned            i;
    debar_open_opts_t   opts;
    debar_snapshot_t   *s;

    memset(&opts, 0, sizeof(debar_open_opts_t));
    opts.uid = DEBAR_ANY_OWNER;

    s = debar_snapshot_open(p->pub.tmp, &opts, p->fault);
    if (s == NULL) {
        return DEBAR_DECLINED;
    }

    if (p->opts->progress) {
        p->opts->progress(p->opts->data, "verifying", p->size);
    }

    rc = debar_snapshot_verify(s, p->fault) == DEBAR_OK ? DEBAR_OK
                                                        : DEBAR_DECLINED;

    if (rc == DEBAR_OK && (strcmp(s->meta.digest, p->wanted->digest) != 0
                           || s->meta.serial != p->wanted->serial))
    {
        rc = debar_place_bad(p, "its rows or its serial are others");
    }

    memcpy(info->digest, s->meta.digest, 65);
    info->serial = s->meta.serial;
    info->bytes = s->meta.bytes;

    for (i = 0; i < DEBAR_DBS; i++) {
        info->rows += s->meta.rows[i];
    }

    debar_snapshot_close(s);

    return rc;
}


int
debar_snapshot_place(const char *from, const char *path,
    const debar_wanted_t *wanted, const debar_build_opts_t *opts,
    debar_build_info_t *info, debar_fault_t *fault)
{
    int            rc;
    debar_place_t  p;

    memset(&p, 0, sizeof(debar_place_t));
    memset(info, 0, sizeof(debar_build_info_t));
    p.from = from;
    p.wanted = wanted;
    p.opts = opts;
    p.fault = fault;

    if (debar_publish_allowed(path, wanted->serial, wanted->digest,
                              opts->replace, fault) != DEBAR_OK
        || debar_publish_start(&p.pub, path, fault) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    rc = DEBAR_ERROR;
    p.fd = open(from, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);
    p.md = EVP_MD_CTX_new();
    p.z = ZSTD_createDCtx();
    p.in = malloc(ZSTD_DStreamInSize());
    p.out = malloc(ZSTD_DStreamOutSize());

    if (p.fd == -1) {
        debar_fault(fault, "%.200s: cannot be opened: %s", from,
                    strerror(errno));

    } else if (p.md == NULL || p.z == NULL || p.in == NULL || p.out == NULL
               || EVP_DigestInit_ex(p.md, EVP_sha256(), NULL) != 1)
    {
        debar_fault(fault, "%.200s: no memory to unpack it", from);

    } else {
        (void) ZSTD_DCtx_setParameter(p.z, ZSTD_d_windowLogMax,
                                      DEBAR_PLACE_WINDOW);
        rc = debar_place_unpack(&p);
    }

    if (rc == DEBAR_OK) {
        rc = debar_place_digest(&p);
    }

    if (rc == DEBAR_OK) {
        rc = debar_place_verify(&p, info);
    }

    if (rc == DEBAR_OK) {
        rc = debar_publish_end(&p.pub, path, wanted->serial, wanted->digest,
                               opts->replace, fault);
    }

    if (p.fd != -1) {
        close(p.fd);
    }

    EVP_MD_CTX_free(p.md);
    ZSTD_freeDCtx(p.z);
    free(p.in);
    free(p.out);
    debar_publish_free(&p.pub);

    return rc;
}
