/*
 * Bytes of a file that are packed by themselves: zlib, and what libarchive knows.
 */

#include <archive.h>
#include <zlib.h>

#include "file_unpack.h"


#define DEBAR_UNPACK_CHUNK  16384


typedef struct {
    debar_reader_t  *rd;
    uint64_t         off;
    uint64_t         end;
    uint8_t          buf[DEBAR_UNPACK_CHUNK];
} debar_packed_t;


static int debar_file_unpack_zlib(debar_packed_t *w, debar_file_unpack_pt sink,
    void *data);
static int debar_file_unpack_other(debar_packed_t *w,
    debar_file_unpack_pt sink, void *data);
static size_t debar_file_unpack_more(debar_packed_t *w);
static la_ssize_t debar_file_unpack_archive(struct archive *a, void *data,
    const void **buf);


int
debar_file_unpack(debar_reader_t *rd, uint64_t off, uint64_t len,
    unsigned coding, debar_file_unpack_pt sink, void *data)
{
    int             rc;
    size_t          n;
    debar_packed_t  w;

    w.rd = rd;
    w.off = off;
    w.end = off + len;

    if (coding == DEBAR_UNPACK_ZLIB) {
        return debar_file_unpack_zlib(&w, sink, data);
    }

    if (coding == DEBAR_UNPACK_OTHER) {
        return debar_file_unpack_other(&w, sink, data);
    }

    for (rc = DEBAR_OK; w.off < w.end && rc == DEBAR_OK; /* void */) {
        n = debar_file_unpack_more(&w);
        rc = n ? sink(data, w.buf, n) : DEBAR_ERROR;
    }

    return rc;
}


static int
debar_file_unpack_zlib(debar_packed_t *w, debar_file_unpack_pt sink,
    void *data)
{
    int       rc, went;
    char      out[DEBAR_UNPACK_CHUNK];
    z_stream  z;

    memset(&z, 0, sizeof(z));

    if (inflateInit2(&z, 15 + 32) != Z_OK) {
        return DEBAR_ERROR;
    }

    for (rc = Z_OK, went = DEBAR_OK; went == DEBAR_OK; /* void */) {
        if (rc == Z_STREAM_END) {
            break;
        }

        if (z.avail_in == 0) {
            z.avail_in = debar_file_unpack_more(w);
            z.next_in = w->buf;
        }

        z.next_out = (uint8_t *) out;
        z.avail_out = sizeof(out);
        rc = inflate(&z, Z_NO_FLUSH);

        if (z.avail_out < sizeof(out)) {
            went = sink(data, out, sizeof(out) - z.avail_out);
        }

        if (went == DEBAR_OK && rc != Z_OK && rc != Z_STREAM_END) {
            went = DEBAR_ERROR;
        }
    }

    inflateEnd(&z);

    return went;
}


static int
debar_file_unpack_other(debar_packed_t *w, debar_file_unpack_pt sink,
    void *data)
{
    int                    went;
    char                   out[DEBAR_UNPACK_CHUNK];
    la_ssize_t             n;
    struct archive        *a;
    struct archive_entry  *entry;

    a = archive_read_new();

    if (a == NULL) {
        return DEBAR_ERROR;
    }

    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_lzma(a);
    archive_read_support_format_raw(a);
    went = DEBAR_ERROR;

    if (archive_read_open(a, w, NULL, debar_file_unpack_archive, NULL)
        == ARCHIVE_OK
        && archive_read_next_header(a, &entry) == ARCHIVE_OK)
    {
        for (went = DEBAR_OK, n = 1; n > 0 && went == DEBAR_OK; /* void */) {
            n = archive_read_data(a, out, sizeof(out));

            if (n) {
                went = n > 0 ? sink(data, out, n) : DEBAR_ERROR;
            }
        }
    }

    archive_read_free(a);

    return went;
}


/* More of it into buf: how many bytes. */

static size_t
debar_file_unpack_more(debar_packed_t *w)
{
    size_t  n;

    n = w->end - w->off < sizeof(w->buf) ? w->end - w->off : sizeof(w->buf);

    if (debar_reader_at(w->rd, w->off, w->buf, n) != DEBAR_OK) {
        w->end = w->off;
        return 0;
    }

    w->off += n;

    return n;
}


static la_ssize_t
debar_file_unpack_archive(struct archive *a, void *data, const void **buf)
{
    debar_packed_t  *w = data;

    *buf = w->buf;

    return debar_file_unpack_more(w);
}


int
debar_file_unpack_push(void *data, const void *buf, size_t n)
{
    return debar_reader_push(data, buf, n);
}
