/*
 * What an installer of NSIS unpacks: the files, without their names, which are
 * in a program of the installer's own that is not read.
 *
 * Behind the mark stands a header of 28 bytes: flags, the mark, the size of the
 * installer's program and that of all.  Then come blocks, the first being that
 * program: each with its size, of which the highest bit says that it is
 * compressed; or ("solid") all of them compressed as one.  The method is told by
 * the first bytes, as 7-Zip does: LZMA, deflate, or bzip2 of a form of their own,
 * which is not read.
 */

#include <stdio.h>
#include <stdlib.h>

#include <lzma.h>
#include <zlib.h>

#include "file_read.h"


#define DEBAR_NSIS_CHUNK  16384
#define DEBAR_NSIS_HEAD   28
#define DEBAR_NSIS_DICT   (64 << 20)
#define DEBAR_NSIS_ONE    0x80000000


typedef enum {
    DEBAR_NSIS_PLAIN = 0,
    DEBAR_NSIS_DEFLATE,
    DEBAR_NSIS_LZMA,
    DEBAR_NSIS_BZIP2
} debar_nsis_method_e;

typedef struct {
    debar_reader_t  *rd;
    unsigned         method;
    unsigned         blocks;

    /* of a solid one: a block's size, then its bytes */

    uint8_t          size[4];
    unsigned         nsize;
    uint64_t         left;
} debar_nsis_t;

typedef int (*debar_nsis_pt)(debar_nsis_t *ns, const uint8_t *p, size_t n);


static unsigned debar_nsis_method(const uint8_t *p);
static int debar_nsis_is_lzma(const uint8_t *p);
static int debar_nsis_blocks(debar_nsis_t *ns, uint64_t off, uint64_t end);
static int debar_nsis_solid(debar_nsis_t *ns, uint64_t off, uint64_t end);
static int debar_nsis_solid_bytes(debar_nsis_t *ns, const uint8_t *p,
    size_t n);
static int debar_nsis_begin(debar_nsis_t *ns);
static int debar_nsis_bytes(debar_nsis_t *ns, const uint8_t *p, size_t n);
static int debar_nsis_expand(debar_nsis_t *ns, unsigned method, uint64_t off,
    uint64_t end, debar_nsis_pt sink);
static int debar_nsis_plain(debar_nsis_t *ns, uint64_t off, uint64_t end,
    debar_nsis_pt sink);
static int debar_nsis_inflate(debar_nsis_t *ns, uint64_t off, uint64_t end,
    debar_nsis_pt sink);
static int debar_nsis_lzma(debar_nsis_t *ns, uint64_t off, uint64_t end,
    debar_nsis_pt sink);


int
debar_reader_nsis(debar_reader_t *rd, uint64_t off, uint64_t to)
{
    int           rc;
    uint8_t       b[DEBAR_NSIS_HEAD + 12];
    uint32_t      first;
    uint64_t      end;
    debar_nsis_t  ns;

    rc = debar_reader_field(rd, "Installer", DEBAR_SAYS_TEXT, "NSIS", 4);

    if (rc != DEBAR_OK) {
        return rc;
    }

    if (to - off < sizeof(b)
        || debar_reader_at(rd, off, b, sizeof(b)) != DEBAR_OK)
    {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    end = off + debar_le32(b + 24);
    off += DEBAR_NSIS_HEAD;

    if (end > to || end < off + 12) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        end = to;
    }

    memset(&ns, 0, sizeof(ns));
    ns.rd = rd;

    /* LZMA with the usual dictionary looks like the size of a block, too */

    first = debar_le32(b + 28);

    if (debar_nsis_method(b + 28) != DEBAR_NSIS_LZMA
        && (first == debar_le32(b + 20)
            || ((first & DEBAR_NSIS_ONE)
                && (first & ~DEBAR_NSIS_ONE) < end - off
                && (first & ~DEBAR_NSIS_ONE) > 4)))
    {
        ns.method = debar_nsis_method(b + 32);
        return debar_nsis_blocks(&ns, off, end);
    }

    ns.method = debar_nsis_method(b + 28);

    return debar_nsis_solid(&ns, off, end);
}


/* Deflate has no mark. */

static unsigned
debar_nsis_method(const uint8_t *p)
{
    if (debar_nsis_is_lzma(p)) {
        return DEBAR_NSIS_LZMA;
    }

    /* a byte before it says whether code was filtered */

    if (p[0] <= 1 && debar_nsis_is_lzma(p + 1)) {
        return DEBAR_NSIS_LZMA;
    }

    return p[0] == 0x31 && p[1] < 14 ? DEBAR_NSIS_BZIP2 : DEBAR_NSIS_DEFLATE;
}


/* The usual properties, a dictionary, and how its data always begins. */

static int
debar_nsis_is_lzma(const uint8_t *p)
{
    return p[0] == 0x5d && p[1] == 0 && p[2] == 0 && p[5] == 0
           && (p[6] & 0x80) == 0;
}


static int
debar_nsis_blocks(debar_nsis_t *ns, uint64_t off, uint64_t end)
{
    int       rc;
    uint8_t   b[4];
    uint32_t  n;
    unsigned  method;

    for (rc = DEBAR_OK; off + 4 < end && rc == DEBAR_OK; off += n) {
        if (debar_reader_at(ns->rd, off, b, 4) != DEBAR_OK) {
            break;
        }

        n = debar_le32(b) & ~DEBAR_NSIS_ONE;
        method = debar_le32(b) & DEBAR_NSIS_ONE ? ns->method
                                                : DEBAR_NSIS_PLAIN;
        off += 4;

        /* the sum at the end looks like one more size */

        if (n > end - off) {
            break;
        }

        if (ns->blocks++ == 0 || n == 0) {
            continue;
        }

        if (method == DEBAR_NSIS_BZIP2) {
            debar_reader_bound(ns->rd, DEBAR_FILE_UNREAD);
            continue;
        }

        rc = debar_nsis_begin(ns);

        if (rc == DEBAR_OK) {
            rc = debar_nsis_expand(ns, method, off, off + n,
                                   debar_nsis_bytes);
        }

        if (rc == DEBAR_OK) {
            rc = debar_reader_done(ns->rd);
        }
    }

    return rc;
}


static int
debar_nsis_solid(debar_nsis_t *ns, uint64_t off, uint64_t end)
{
    return debar_nsis_expand(ns, ns->method, off, end,
                             debar_nsis_solid_bytes);
}


static int
debar_nsis_solid_bytes(debar_nsis_t *ns, const uint8_t *p, size_t n)
{
    int     rc;
    size_t  use;

    while (n) {
        if (ns->nsize < 4) {
            ns->size[ns->nsize++] = *p++;
            n--;

            if (ns->nsize < 4) {
                continue;
            }

            ns->left = debar_le32(ns->size) & ~DEBAR_NSIS_ONE;

            if (ns->left && ns->blocks++
                && debar_nsis_begin(ns) != DEBAR_OK)
            {
                return DEBAR_DECLINED;
            }

            if (ns->left == 0) {
                ns->nsize = 0;
            }

            continue;
        }

        use = ns->left < n ? ns->left : n;

        if (ns->blocks > 1 && debar_nsis_bytes(ns, p, use) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }

        p += use;
        n -= use;
        ns->left -= use;

        if (ns->left == 0) {
            ns->nsize = 0;
            rc = ns->blocks > 1 ? debar_reader_done(ns->rd) : DEBAR_OK;

            if (rc != DEBAR_OK) {
                return rc;
            }
        }
    }

    return DEBAR_OK;
}


static int
debar_nsis_begin(debar_nsis_t *ns)
{
    char  name[32];
    int   n;

    n = snprintf(name, sizeof(name), "nsis/%u", ns->blocks - 1);

    return debar_reader_member(ns->rd, name, n) == DEBAR_OK ? DEBAR_OK
                                                            : DEBAR_DECLINED;
}


static int
debar_nsis_bytes(debar_nsis_t *ns, const uint8_t *p, size_t n)
{
    return debar_reader_push(ns->rd, p, n);
}


/* --- methods ------------------------------------------------------------- */

/* DEBAR_DECLINED: enough.  What is damaged is said, and ends. */

static int
debar_nsis_expand(debar_nsis_t *ns, unsigned method, uint64_t off,
    uint64_t end, debar_nsis_pt sink)
{
    switch (method) {

    case DEBAR_NSIS_PLAIN:
        return debar_nsis_plain(ns, off, end, sink);

    case DEBAR_NSIS_DEFLATE:
        return debar_nsis_inflate(ns, off, end, sink);

    case DEBAR_NSIS_LZMA:
        return debar_nsis_lzma(ns, off, end, sink);

    default:
        debar_reader_bound(ns->rd, DEBAR_FILE_UNREAD);
        return DEBAR_OK;
    }
}


static int
debar_nsis_plain(debar_nsis_t *ns, uint64_t off, uint64_t end,
    debar_nsis_pt sink)
{
    size_t   n;
    uint8_t  buf[DEBAR_NSIS_CHUNK];

    for ( /* void */ ; off < end; off += n) {
        n = end - off < sizeof(buf) ? end - off : sizeof(buf);

        if (debar_reader_at(ns->rd, off, buf, n) != DEBAR_OK
            || sink(ns, buf, n) != DEBAR_OK)
        {
            return DEBAR_DECLINED;
        }
    }

    return DEBAR_OK;
}


static int
debar_nsis_inflate(debar_nsis_t *ns, uint64_t off, uint64_t end,
    debar_nsis_pt sink)
{
    int        rc, told;
    size_t     n;
    uint8_t    in[DEBAR_NSIS_CHUNK], out[DEBAR_NSIS_CHUNK];
    z_stream   zs;

    memset(&zs, 0, sizeof(zs));

    if (inflateInit2(&zs, -MAX_WBITS) != Z_OK) {
        debar_reader_bound(ns->rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    rc = Z_OK;
    told = DEBAR_OK;

    while (rc == Z_OK && told == DEBAR_OK) {
        if (zs.avail_in == 0 && off < end) {
            n = end - off < sizeof(in) ? end - off : sizeof(in);

            if (debar_reader_at(ns->rd, off, in, n) != DEBAR_OK) {
                break;
            }

            off += n;
            zs.next_in = in;
            zs.avail_in = n;
        }

        zs.next_out = out;
        zs.avail_out = sizeof(out);
        rc = inflate(&zs, Z_NO_FLUSH);

        if (zs.avail_out < sizeof(out)) {
            told = sink(ns, out, sizeof(out) - zs.avail_out);
        }
    }

    inflateEnd(&zs);

    if (told == DEBAR_OK && rc != Z_STREAM_END) {
        debar_reader_bound(ns->rd, DEBAR_FILE_BROKEN);
    }

    return told;
}


/* Properties of 5 bytes, no size, and as a rule no mark of an end. */

static int
debar_nsis_lzma(debar_nsis_t *ns, uint64_t off, uint64_t end,
    debar_nsis_pt sink)
{
    int           told;
    size_t        n;
    uint8_t       in[DEBAR_NSIS_CHUNK], out[DEBAR_NSIS_CHUNK];
    lzma_ret      rc;
    lzma_filter   filters[2];
    lzma_stream   ls = LZMA_STREAM_INIT;

    if (debar_reader_at(ns->rd, off, in, 6) != DEBAR_OK) {
        return DEBAR_OK;
    }

    n = in[0] <= 1;
    off += 5 + n;
    filters[0].id = LZMA_FILTER_LZMA1;
    filters[1].id = LZMA_VLI_UNKNOWN;

    if (lzma_properties_decode(&filters[0], NULL, in + n, 5) != LZMA_OK) {
        debar_reader_bound(ns->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    rc = LZMA_MEM_ERROR;

    if (((lzma_options_lzma *) filters[0].options)->dict_size
        <= DEBAR_NSIS_DICT)
    {
        rc = lzma_raw_decoder(&ls, filters);
    }

    free(filters[0].options);

    if (rc != LZMA_OK) {
        debar_reader_bound(ns->rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    told = DEBAR_OK;

    while (rc == LZMA_OK && told == DEBAR_OK) {
        if (ls.avail_in == 0 && off < end) {
            n = end - off < sizeof(in) ? end - off : sizeof(in);

            if (debar_reader_at(ns->rd, off, in, n) != DEBAR_OK) {
                break;
            }

            off += n;
            ls.next_in = in;
            ls.avail_in = n;
        }

        ls.next_out = out;
        ls.avail_out = sizeof(out);
        rc = lzma_code(&ls, LZMA_RUN);

        if (ls.avail_out < sizeof(out)) {
            told = sink(ns, out, sizeof(out) - ls.avail_out);
        }
    }

    lzma_end(&ls);

    if (told == DEBAR_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR) {
        debar_reader_bound(ns->rd, DEBAR_FILE_BROKEN);
    }

    return told;
}
