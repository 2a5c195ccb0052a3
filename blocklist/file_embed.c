/*
 * Files that stand in others without being an archive's: streams of a PDF (what
 * is attached to it), base64 in text (mail, pages and scripts that carry a
 * program), programs somewhere in the image of a disk.  Only what is a program,
 * a package or an archive by its first bytes is a member.
 */

#include <stdlib.h>

#include "file_read.h"
#include "file_unpack.h"


#define DEBAR_EMBED_CHUNK    16384
#define DEBAR_EMBED_WORD     32       /* longer than any word looked for */
#define DEBAR_EMBED_STREAMS  20000    /* of a PDF */
#define DEBAR_EMBED_LINE     64       /* characters of base64 worth a look */
#define DEBAR_EMBED_SHORT    16       /* a line of them says nothing */
#define DEBAR_EMBED_TRIES    4        /* lines at which one may begin */
#define DEBAR_EMBED_LOOKS    20000    /* at what may begin there, in a file */
#define DEBAR_EMBED_PARTS    64       /* programs on a disk */
#define DEBAR_EMBED_SECTIONS 96


typedef struct {
    uint8_t   head[DEBAR_FILE_HEAD];
    size_t    n;
} debar_embed_head_t;

/* Base64 as it comes: up to three characters are waiting. */

typedef struct {
    uint64_t         off;
    uint32_t         bits;
    unsigned         n;
    size_t           nout;
    uint8_t          out[4096];
} debar_embed_text_t;

/* A window on the file: as much is looked at to say what begins there. */

typedef struct {
    debar_reader_t  *rd;
    uint64_t         from;
    size_t           n;
    uint8_t          buf[2 * DEBAR_FILE_HEAD];
} debar_embed_window_t;


static unsigned debar_embed_wanted(const uint8_t *p, size_t n);
static int debar_embed_peek(void *data, const void *buf, size_t n);
static int debar_embed_stream(debar_reader_t *rd, uint64_t off, uint64_t end);
static int debar_embed_byte(debar_embed_window_t *w, uint64_t off);
static int debar_embed_encoded(debar_reader_t *rd, uint64_t off,
    uint64_t *end);
static uint64_t debar_embed_program(debar_reader_t *rd, uint64_t off);


static unsigned
debar_embed_wanted(const uint8_t *p, size_t n)
{
    switch (debar_file_class(debar_file_type(p, n, 0))) {

    case DEBAR_CLASS_PROGRAM:
    case DEBAR_CLASS_PACKAGE:
    case DEBAR_CLASS_ARCHIVE:
        return 1;

    default:
        return 0;
    }
}


/* --- PDF ----------------------------------------------------------------- */

int
debar_file_read_pdf(debar_reader_t *rd)
{
    size_t    i, n;
    uint8_t   buf[DEBAR_EMBED_CHUNK + 1];
    uint64_t  off, size, start;
    unsigned  streams;
    uint8_t  *p;

    size = debar_reader_source(rd)->size;
    start = 0;
    streams = 0;

    for (off = 0; off < size; /* void */) {
        n = size - off < DEBAR_EMBED_CHUNK ? size - off : DEBAR_EMBED_CHUNK;

        if (debar_reader_at(rd, off, buf, n) != DEBAR_OK) {
            break;
        }

        for (i = 0; i < n; i = p + 6 - buf) {
            p = memmem(buf + i, n - i, "stream", 6);

            if (p == NULL) {
                break;
            }

            if (p - buf >= 3 && memcmp(p - 3, "end", 3) == 0) {

                if (start != 0
                    && debar_embed_stream(rd, start, off + (p - 3 - buf))
                       != DEBAR_OK)
                {
                    return DEBAR_DECLINED;
                }

                start = 0;

            } else if (start == 0) {

                if (streams++ == DEBAR_EMBED_STREAMS) {
                    debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
                    return DEBAR_OK;
                }

                start = off + (p + 6 - buf);
            }
        }

        /* a word may be cut by the end of the buffer */

        off += off + n == size ? n : n - DEBAR_EMBED_WORD;
    }

    /* cut off */

    return start != 0 ? debar_embed_stream(rd, start, size) : DEBAR_OK;
}


/* As it is, or packed by zlib, as attachments are. */

static int
debar_embed_stream(debar_reader_t *rd, uint64_t off, uint64_t end)
{
    size_t              n;
    uint8_t             b[2];
    debar_embed_head_t  h;

    /* the end of the line belongs to the word */

    if (debar_reader_at(rd, off, b, 2) == DEBAR_OK) {
        off += b[0] == '\r';
        off += b[0] == '\n' || (b[0] == '\r' && b[1] == '\n');
    }

    if (off >= end) {
        return DEBAR_OK;
    }

    n = end - off < sizeof(h.head) ? end - off : sizeof(h.head);

    if (n < 4 || debar_reader_at(rd, off, h.head, n) != DEBAR_OK) {
        return DEBAR_OK;
    }

    if (debar_embed_wanted(h.head, n)) {
        return debar_reader_part(rd, "attachment", 10, off, end - off);
    }

    if ((h.head[0] & 0x0f) != 8 || (h.head[0] << 8 | h.head[1]) % 31 != 0) {
        return DEBAR_OK;
    }

    h.n = 0;
    (void) debar_file_unpack(rd, off, end - off, DEBAR_UNPACK_ZLIB,
                             debar_embed_peek, &h);

    if (!debar_embed_wanted(h.head, h.n)) {
        return DEBAR_OK;
    }

    if (debar_reader_member(rd, "attachment", 10) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    if (debar_file_unpack(rd, off, end - off, DEBAR_UNPACK_ZLIB,
                          debar_file_unpack_push, rd)
        != DEBAR_OK)
    {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
    }

    return debar_reader_done(rd);
}


static int
debar_embed_peek(void *data, const void *buf, size_t n)
{
    debar_embed_head_t  *h = data;

    n = n < sizeof(h->head) - h->n ? n : sizeof(h->head) - h->n;
    memcpy(h->head + h->n, buf, n);
    h->n += n;

    return h->n == sizeof(h->head) ? DEBAR_DECLINED : DEBAR_OK;
}


/* --- base64 -------------------------------------------------------------- */

static int
debar_embed_digit(int ch)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch - 'A';
    }

    if (ch >= 'a' && ch <= 'z') {
        return ch - 'a' + 26;
    }

    if (ch >= '0' && ch <= '9') {
        return ch - '0' + 52;
    }

    return ch == '+' || ch == '-' ? 62 : ch == '/' || ch == '_' ? 63 : -1;
}


/* The byte there, or -1. */

static int
debar_embed_byte(debar_embed_window_t *w, uint64_t off)
{
    uint64_t  size;

    if (off >= w->from && off - w->from < w->n) {
        return w->buf[off - w->from];
    }

    size = debar_reader_source(w->rd)->size;

    if (off >= size) {
        return -1;
    }

    w->from = off;
    w->n = size - off < sizeof(w->buf) ? size - off : sizeof(w->buf);

    if (debar_reader_at(w->rd, off, w->buf, w->n) != DEBAR_OK) {
        w->n = 0;
        return -1;
    }

    return w->buf[0];
}


/*
 * A run of base64 may be in lines; the first ones may be of something else, and
 * end like it ("begin-base64 644 setup.exe"), so each is tried for a while.
 */

typedef struct {
    uint64_t   start;
    unsigned   n;                 /* characters since then */
    unsigned   tries;
    unsigned   newline;
} debar_embed_run_t;


static unsigned
debar_embed_run(debar_embed_run_t *r, unsigned digit, uint8_t ch, uint64_t off)
{
    if (digit) {

        if (r->n == 0 || (r->newline && r->tries)) {
            r->start = off;
            r->n = 0;
        }

        r->newline = 0;

        return ++r->n == DEBAR_EMBED_LINE && r->tries < DEBAR_EMBED_TRIES;
    }

    if (ch == '\r') {
        return 0;
    }

    if (ch == '\n' && !r->newline) {

        /* a short line is none of a run's */

        if (r->n <= DEBAR_EMBED_SHORT && r->tries == 0) {
            r->n = 0;
        }

        r->newline = 1;
        return 0;
    }

    r->n = 0;
    r->tries = 0;
    r->newline = 0;

    return 0;
}


/* Whether what begins with these four characters can be wanted: two bytes of
 * what it would be are looked at before a part of the file is. */

static unsigned
debar_embed_begins(const uint8_t *p)
{
    char      two[2];
    size_t    i;
    unsigned  bits;

    static const char  begins[][3] = {
        "MZ", "PK", "7z", "Ra", "\xd0\xcf", "\x7f" "E", "xa", "!<",
        "\xed\xab", "\x1f\x8b", "BZ", "\xfd" "7", "\x28\xb5", "Cr", "MS",
        "LZ", "\xca\xfe", "\xcf\xfa", "\xce\xfa", "\xfe\xed", "pb", "]\0"
    };

    for (i = 0, bits = 0; i < 4; i++) {
        bits = bits << 6 | (debar_embed_digit(p[i]) & 63);
    }

    two[0] = bits >> 16;
    two[1] = bits >> 8;

    for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        if (memcmp(begins[i], two, 2) == 0) {
            return 1;
        }
    }

    return 0;
}


int
debar_file_read_encoded(debar_reader_t *rd)
{
    int                rc;
    size_t             i, n;
    uint8_t            digits[256], buf[DEBAR_EMBED_CHUNK];
    uint64_t           off, next, size;
    unsigned           looks;
    debar_embed_run_t  r;

    for (i = 0; i < sizeof(digits); i++) {
        digits[i] = debar_embed_digit(i) >= 0;
    }

    memset(&r, 0, sizeof(r));
    looks = 0;
    size = debar_reader_source(rd)->size;

    for (off = 0; off < size; off = next) {
        n = size - off < sizeof(buf) ? size - off : sizeof(buf);
        next = off + n;

        if (debar_reader_at(rd, off, buf, n) != DEBAR_OK) {
            break;
        }

        for (i = 0; i < n; i++) {

            if (!debar_embed_run(&r, digits[buf[i]], buf[i], off + i)) {
                continue;
            }

            r.tries++;

            if (r.start >= off && !debar_embed_begins(buf + (r.start - off))) {
                continue;
            }

            if (looks++ == DEBAR_EMBED_LOOKS) {
                debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
                return DEBAR_OK;
            }

            rc = debar_embed_encoded(rd, r.start, &next);

            if (rc == DEBAR_DECLINED) {
                return rc;
            }

            if (rc == DEBAR_OK) {
                memset(&r, 0, sizeof(r));
                break;
            }
        }
    }

    return DEBAR_OK;
}


/* Whole groups; what stands behind the last one is left. */

static int
debar_embed_decode(debar_embed_text_t *t, debar_embed_window_t *w, size_t most)
{
    int  ch, d;

    for (t->nout = 0; t->nout + 3 <= most; t->off++) {
        ch = debar_embed_byte(w, t->off);

        if (ch == '\r' || ch == '\n') {
            continue;
        }

        d = debar_embed_digit(ch);

        if (d < 0) {
            break;
        }

        t->bits = t->bits << 6 | d;

        if (++t->n == 4) {
            t->out[t->nout++] = t->bits >> 16;
            t->out[t->nout++] = t->bits >> 8;
            t->out[t->nout++] = t->bits;
            t->n = 0;
        }
    }

    if (t->nout + 3 > most) {
        return DEBAR_OK;
    }

    /* the last ones of all */

    if (t->n == 3) {
        t->out[t->nout++] = t->bits >> 10;
        t->out[t->nout++] = t->bits >> 2;

    } else if (t->n == 2) {
        t->out[t->nout++] = t->bits >> 4;
    }

    return DEBAR_DECLINED;
}


/* DEBAR_ERROR: what begins here is nothing. */

static int
debar_embed_encoded(debar_reader_t *rd, uint64_t off, uint64_t *end)
{
    int                   rc;
    debar_embed_text_t    t;
    debar_embed_window_t  w;

    w.rd = rd;
    w.n = 0;
    w.from = 0;
    t.off = off;
    t.n = 0;
    t.bits = 0;

    (void) debar_embed_decode(&t, &w, DEBAR_FILE_HEAD);

    if (!debar_embed_wanted(t.out, t.nout)) {
        return DEBAR_ERROR;
    }

    if (debar_reader_member(rd, "encoded", 7) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    t.off = off;
    t.n = 0;
    t.bits = 0;

    do {
        rc = debar_embed_decode(&t, &w, sizeof(t.out));

        if (t.nout && debar_reader_push(rd, t.out, t.nout) != DEBAR_OK) {
            break;
        }

    } while (rc == DEBAR_OK);

    *end = t.off;

    return debar_reader_done(rd);
}


/* --- disks --------------------------------------------------------------- */

/*
 * Images that nothing here unpacks hold what is not packed in them as it is: a
 * program of Windows is found by its own headers, and ends where they say.
 */

int
debar_file_read_disk(debar_reader_t *rd)
{
    size_t          n;
    uint8_t         buf[DEBAR_EMBED_CHUNK];
    uint64_t        off, size, length;
    unsigned        parts;
    const uint8_t  *p;

    size = debar_reader_source(rd)->size;

    for (off = 1, parts = 0; off < size; /* void */) {
        n = size - off < sizeof(buf) ? size - off : sizeof(buf);

        if (debar_reader_at(rd, off, buf, n) != DEBAR_OK) {
            break;
        }

        p = memmem(buf, n, "MZ", 2);

        if (p == NULL) {
            off += off + n == size ? n : n - 1;
            continue;
        }

        off += p - buf;
        length = debar_embed_program(rd, off);

        if (length == 0) {
            off += 2;
            continue;
        }

        if (parts++ == DEBAR_EMBED_PARTS) {
            debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
            break;
        }

        if (debar_reader_part(rd, "program", 7, off, length) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }

        off += length;
    }

    return DEBAR_OK;
}


/* How long a program is that begins here: to the end of its last section, or of
 * its certificates; 0: none does. */

static uint64_t
debar_embed_program(debar_reader_t *rd, uint64_t off)
{
    uint8_t   h[0x40], pe[24 + 112 + 40], s[40];
    uint64_t  at, end, to, left;
    unsigned  i, n, wide, entry;

    left = debar_reader_source(rd)->size - off;

    if (debar_reader_at(rd, off, h, sizeof(h)) != DEBAR_OK) {
        return 0;
    }

    at = debar_le32(h + 0x3c);

    if (at < 0x40 || at > 0x1000
        || debar_reader_at(rd, off + at, pe, sizeof(pe)) != DEBAR_OK
        || memcmp(pe, "PE\0\0", 4) != 0)
    {
        return 0;
    }

    n = debar_le16(pe + 6);
    wide = debar_le16(pe + 24) == 0x20b;
    entry = 24 + (wide ? 112 : 96) + 32;
    end = at + sizeof(pe);

    if (debar_le32(pe + (wide ? 24 + 108 : 24 + 92)) > 4) {
        to = (uint64_t) debar_le32(pe + entry) + debar_le32(pe + entry + 4);
        end = to > end ? to : end;
    }

    at += 24 + debar_le16(pe + 20);

    for (i = 0; i < n && i < DEBAR_EMBED_SECTIONS; i++, at += sizeof(s)) {
        if (debar_reader_at(rd, off + at, s, sizeof(s)) != DEBAR_OK) {
            return 0;
        }

        to = (uint64_t) debar_le32(s + 20) + debar_le32(s + 16);
        end = to > end ? to : end;
    }

    return end < left ? end : left;
}
