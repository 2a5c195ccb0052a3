/*
 * Archives that stand somewhere in other bytes: what installers carry behind a
 * program of Windows, behind ELF, behind a script.
 */

#include <stdlib.h>

#include "file_read.h"

#if (defined __x86_64__)
#include <immintrin.h>
#endif


#define DEBAR_OVERLAY_CHUNK  65536
#define DEBAR_OVERLAY_LINES  16384
#define DEBAR_OVERLAY_MARK   32   /* longer than any mark */
#define DEBAR_OVERLAY_STEP   4    /* shorter than any mark */
#define DEBAR_OVERLAY_VECTOR 32
#define DEBAR_OVERLAY_BYTES  3    /* of a mark, that vectors look for */
#define DEBAR_OVERLAY_PARTS  16
#define DEBAR_OVERLAY_HEAD   (4 << 20)
#define DEBAR_OVERLAY_PLACES 1024 /* marks that are kept of what goes by */


/* What is found by its first bytes: each begins with another one, and is long
 * enough not to be met by chance. */

typedef enum {
    DEBAR_OVERLAY_NSIS = 0,
    DEBAR_OVERLAY_INNO,
    DEBAR_OVERLAY_CAB,
    DEBAR_OVERLAY_7Z,
    DEBAR_OVERLAY_RAR,
    DEBAR_OVERLAY_OLE,
    DEBAR_OVERLAY_XZ,
    DEBAR_OVERLAY_DEB,
    DEBAR_OVERLAY_SQUASHFS,
    DEBAR_OVERLAY_MARKS
} debar_overlay_e;

static const debar_str_t  debar_overlay_marks[] = {
    debar_string("\xef\xbe\xad\xdeNullsoftInst"),
    debar_string("Inno Setup Setup Data ("),
    debar_string("MSCF\0\0\0\0"),
    debar_string("7z\xbc\xaf\x27\x1c"),
    debar_string("Rar!\x1a\7"),
    debar_string("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    debar_string("\xfd" "7zXZ\0"),
    debar_string("!<arch>\ndebian-binary"),
    debar_string("hsqs\7\0\0\0")
};


typedef struct {
    uint8_t   begins[256];        /* which mark, and 1 */
    uint8_t   pairs[65536 / 8];   /* two bytes of a mark, behind each other */
    uint8_t   low[DEBAR_OVERLAY_BYTES][16];   /* which marks, a bit each, have */
    uint8_t   high[DEBAR_OVERLAY_BYTES][16];  /* such a half of a byte there */
} debar_overlay_filter_t;

typedef struct {
    uint64_t  at;
    unsigned  what;
} debar_overlay_place_t;

struct debar_file_marks_s {
    debar_overlay_filter_t  filter;
    uint64_t                seen;
    unsigned                full;   /* there are more than are kept */
    unsigned                n;
    debar_overlay_place_t   places[DEBAR_OVERLAY_PLACES];
    size_t                  nlast;
    uint8_t                 last[DEBAR_OVERLAY_MARK];
};


static void debar_overlay_filter(debar_overlay_filter_t *f);
static void debar_overlay_keep(debar_file_marks_t *m, const uint8_t *p,
    size_t n, uint64_t at, size_t known);
static int debar_overlay_marked(debar_reader_t *rd, const debar_file_marks_t *m,
    uint64_t from, uint64_t to);
static int debar_overlay_is(const debar_overlay_filter_t *f,
    const uint8_t *p, const uint8_t *end, unsigned *what);
static const uint8_t *debar_overlay_next(const debar_overlay_filter_t *f,
    const uint8_t *p, const uint8_t *end, unsigned *what);
static const uint8_t *debar_overlay_scalar(const debar_overlay_filter_t *f,
    const uint8_t *p, const uint8_t *end, unsigned *what);
#if (defined __x86_64__)
static const uint8_t *debar_overlay_vectors(const debar_overlay_filter_t *f,
    const uint8_t *p, const uint8_t *end, unsigned *what);
#endif
static int debar_overlay_found(debar_reader_t *rd, unsigned what, uint64_t *off,
    uint64_t to);
static int debar_overlay_search(debar_reader_t *rd, uint64_t from,
    uint64_t to);
static uint64_t debar_script_end(debar_reader_t *rd);
static uint64_t debar_elf_end(debar_reader_t *rd);


/*
 * Where the bytes begin as an archive, or another program, they are it;
 * otherwise it is looked for.  (A ZIP at their end is found by the driver.)
 */

int
debar_reader_overlay(debar_reader_t *rd, uint64_t from, uint64_t to)
{
    size_t   n;
    uint8_t  head[DEBAR_FILE_HEAD];

    if (from >= to) {
        return DEBAR_OK;
    }

    n = to - from < sizeof(head) ? to - from : sizeof(head);

    if (debar_reader_at(rd, from, head, n) != DEBAR_OK) {
        return DEBAR_OK;
    }

    switch (debar_file_class(debar_file_type(head, n, 0))) {

    case DEBAR_CLASS_PROGRAM:
    case DEBAR_CLASS_PACKAGE:
    case DEBAR_CLASS_ARCHIVE:

        /* cabinets may stand behind each other */

        if (memcmp(head, "MSCF", 4) != 0) {
            return debar_reader_part(rd, "overlay", 7, from, to - from);
        }
    }

    return debar_overlay_search(rd, from, to);
}


static int
debar_overlay_search(debar_reader_t *rd, uint64_t from, uint64_t to)
{
    size_t                  n;
    uint8_t                 buf[DEBAR_OVERLAY_CHUNK];
    uint64_t                off;
    unsigned                parts, what;
    const uint8_t          *p;
    debar_overlay_filter_t  filter;
    const debar_file_marks_t  *m;

    m = debar_reader_marks(rd);

    if (m != NULL && !m->full && m->seen == debar_reader_source(rd)->size) {
        return debar_overlay_marked(rd, m, from, to);
    }

    debar_overlay_filter(&filter);

    for (off = from, parts = 0; off < to; /* void */ ) {
        n = to - off < sizeof(buf) ? to - off : sizeof(buf);

        if (debar_reader_at(rd, off, buf, n) != DEBAR_OK) {
            break;
        }

        p = debar_overlay_next(&filter, buf, buf + n, &what);

        if (p == NULL) {

            /* a mark may be cut by the end of the buffer */

            off += n < sizeof(buf) ? n : n - DEBAR_OVERLAY_MARK;
            continue;
        }

        if (parts++ == DEBAR_OVERLAY_PARTS) {
            debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
            break;
        }

        off += p - buf;

        if (debar_overlay_found(rd, what, &off, to) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }
    }

    return DEBAR_OK;
}


/*
 * What is looked at is little of what comes, for somebody waits for the last
 * bytes of a download while a gigabyte of it is searched: by vectors the places
 * where the halves of DEBAR_OVERLAY_BYTES bytes are those of a mark; else one
 * place in DEBAR_OVERLAY_STEP, of which every mark covers one and the byte
 * behind it.
 */

static void
debar_overlay_filter(debar_overlay_filter_t *f)
{
    size_t          i, j;
    unsigned        pair;
    const uint8_t  *m;

    memset(f, 0, sizeof(*f));

    for (i = 0; i < DEBAR_OVERLAY_MARKS; i++) {
        m = (const uint8_t *) debar_overlay_marks[i].data;
        f->begins[m[0]] = i + 1;

        for (j = 0; j < DEBAR_OVERLAY_STEP; j++) {
            pair = m[j] | (unsigned) m[j + 1] << 8;
            f->pairs[pair >> 3] |= 1 << (pair & 7);
        }

        /* more marks than bits: some share one, and are met a bit more often */

        for (j = 0; j < DEBAR_OVERLAY_BYTES; j++) {
            f->low[j][m[j] & 15] |= 1 << (i & 7);
            f->high[j][m[j] >> 4] |= 1 << (i & 7);
        }
    }
}


static int
debar_overlay_is(const debar_overlay_filter_t *f, const uint8_t *p,
    const uint8_t *end, unsigned *what)
{
    unsigned            i;
    const debar_str_t  *m;

    i = f->begins[*p];

    if (i == 0) {
        return 0;
    }

    m = &debar_overlay_marks[i - 1];

    if ((size_t) (end - p) < m->len || p[1] != (uint8_t) m->data[1]
        || memcmp(p, m->data, m->len) != 0)
    {
        return 0;
    }

    *what = i - 1;

    return 1;
}


/* The first mark of any kind. */

static const uint8_t *
debar_overlay_next(const debar_overlay_filter_t *f, const uint8_t *p,
    const uint8_t *end, unsigned *what)
{
#if (defined __x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        return debar_overlay_vectors(f, p, end, what);
    }
#endif

    return debar_overlay_scalar(f, p, end, what);
}


static const uint8_t *
debar_overlay_scalar(const debar_overlay_filter_t *f, const uint8_t *p,
    const uint8_t *end, unsigned *what)
{
    unsigned        pair;
    const uint8_t  *at, *from;

    for (at = p; end - at >= 2; at += DEBAR_OVERLAY_STEP) {
        pair = at[0] | (unsigned) at[1] << 8;

        if (!(f->pairs[pair >> 3] & 1 << (pair & 7))) {
            continue;
        }

        from = at - p < DEBAR_OVERLAY_STEP ? p : at - (DEBAR_OVERLAY_STEP - 1);

        for ( /* void */ ; from <= at; from++) {
            if (debar_overlay_is(f, from, end, what)) {
                return from;
            }
        }
    }

    return NULL;
}


#if (defined __x86_64__)

/* Which marks have each of these bytes at their place i. */

__attribute__((target("avx2"), always_inline))
static inline __m256i
debar_overlay_byte(const debar_overlay_filter_t *f, const uint8_t *p,
    unsigned i)
{
    __m256i  v, half, low, high;

    half = _mm256_set1_epi8(15);
    low = _mm256_broadcastsi128_si256(
              _mm_loadu_si128((const __m128i *) f->low[i]));
    high = _mm256_broadcastsi128_si256(
               _mm_loadu_si128((const __m128i *) f->high[i]));

    v = _mm256_loadu_si256((const __m256i *) (p + i));

    return _mm256_and_si256(
               _mm256_shuffle_epi8(low, _mm256_and_si256(v, half)),
               _mm256_shuffle_epi8(high, _mm256_and_si256(
                                       _mm256_srli_epi16(v, 4), half)));
}


__attribute__((target("avx2")))
static const uint8_t *
debar_overlay_vectors(const debar_overlay_filter_t *f, const uint8_t *p,
    const uint8_t *end, unsigned *what)
{
    __m256i   hit;
    unsigned  i, places;

    for ( /* void */ ;
         end - p >= DEBAR_OVERLAY_VECTOR + DEBAR_OVERLAY_BYTES - 1;
         p += DEBAR_OVERLAY_VECTOR)
    {
        hit = _mm256_and_si256(debar_overlay_byte(f, p, 0),
                               debar_overlay_byte(f, p, 1));
        hit = _mm256_and_si256(hit, debar_overlay_byte(f, p, 2));

        if (_mm256_testz_si256(hit, hit)) {
            continue;
        }

        places = ~(unsigned) _mm256_movemask_epi8(
                     _mm256_cmpeq_epi8(hit, _mm256_setzero_si256()));

        for ( /* void */ ; places; places &= places - 1) {
            i = __builtin_ctz(places);

            if (debar_overlay_is(f, p + i, end, what)) {
                return p + i;
            }
        }
    }

    return debar_overlay_scalar(f, p, end, what);
}

#endif


/* *off: of the mark, then where to go on. */

static int
debar_overlay_found(debar_reader_t *rd, unsigned what, uint64_t *off,
    uint64_t to)
{
    int       rc;
    uint8_t   b[36];
    uint64_t  n, size;

    n = to - *off;

    switch (what) {

    case DEBAR_OVERLAY_NSIS:

        /* the search goes on all the same: a mark alone hides nothing */

        rc = *off < 4 ? DEBAR_OK : debar_reader_nsis(rd, *off - 4, to);
        *off += debar_overlay_marks[what].len;

        return rc;

    case DEBAR_OVERLAY_INNO:

        /* a format of its own, which nothing that is linked here unpacks */

        debar_reader_bound(rd, DEBAR_FILE_UNREAD);
        *off += debar_overlay_marks[what].len;

        return debar_reader_field(rd, "Installer", DEBAR_SAYS_TEXT,
                                  "Inno Setup", 10);

    case DEBAR_OVERLAY_CAB:

        size = 0;

        if (n >= sizeof(b)
            && debar_reader_at(rd, *off, b, sizeof(b)) == DEBAR_OK)
        {
            size = debar_le32(b + 8);
        }

        if (size < sizeof(b) || size > n) {
            *off += debar_overlay_marks[what].len;
            return DEBAR_OK;
        }

        n = size;
        break;
    }

    rc = debar_reader_part(rd, "overlay", 7, *off, n);
    *off += n;

    return rc;
}


/* --- what was seen as it went by ------------------------------------------ */

debar_file_marks_t *
debar_file_marks_new(void)
{
    debar_file_marks_t  *m;

#if (defined __x86_64__)
    if (!__builtin_cpu_supports("avx2")) {
        return NULL;
    }
#else
    return NULL;
#endif

    m = calloc(1, sizeof(*m));

    if (m != NULL) {
        debar_overlay_filter(&m->filter);
    }

    return m;
}


void
debar_file_marks_free(debar_file_marks_t *m)
{
    free(m);
}


/* A mark may be cut by the end of what is pushed at once. */

void
debar_file_marks_push(debar_file_marks_t *m, const void *bytes, size_t n)
{
    size_t          part, keep;
    uint8_t         both[2 * DEBAR_OVERLAY_MARK];
    const uint8_t  *p = bytes;

    if (m == NULL || m->full || n == 0) {
        return;
    }

    part = n < DEBAR_OVERLAY_MARK ? n : DEBAR_OVERLAY_MARK;

    memcpy(both, m->last, m->nlast);
    memcpy(both + m->nlast, p, part);

    debar_overlay_keep(m, both, m->nlast + part, m->seen - m->nlast, m->nlast);

    if (n > part) {
        debar_overlay_keep(m, p, n, m->seen, part);
        keep = DEBAR_OVERLAY_MARK;
        memcpy(m->last, p + n - keep, keep);

    } else {
        keep = m->nlast + part;
        keep = keep < DEBAR_OVERLAY_MARK ? keep : DEBAR_OVERLAY_MARK;
        memmove(m->last, both + m->nlast + part - keep, keep);
    }

    m->nlast = keep;
    m->seen += n;
}


/* Those that end behind the first bytes, which were looked at before. */

static void
debar_overlay_keep(debar_file_marks_t *m, const uint8_t *p, size_t n,
    uint64_t at, size_t known)
{
    size_t          len;
    unsigned        what;
    const uint8_t  *from, *end;

    end = p + n;

    for (from = p; /* void */ ; from += len) {
        from = debar_overlay_next(&m->filter, from, end, &what);

        if (from == NULL) {
            return;
        }

        len = debar_overlay_marks[what].len;

        if ((size_t) (from - p) + len <= known) {
            continue;
        }

        if (m->n == DEBAR_OVERLAY_PLACES) {
            m->full = 1;
            return;
        }

        m->places[m->n].at = at + (from - p);
        m->places[m->n++].what = what;
    }
}


static int
debar_overlay_marked(debar_reader_t *rd, const debar_file_marks_t *m,
    uint64_t from, uint64_t to)
{
    unsigned  i, parts, what;
    uint64_t  off;

    for (off = from, i = 0, parts = 0; i < m->n; i++) {
        what = m->places[i].what;

        if (m->places[i].at < off
            || m->places[i].at + debar_overlay_marks[what].len > to)
        {
            continue;
        }

        if (parts++ == DEBAR_OVERLAY_PARTS) {
            debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
            break;
        }

        off = m->places[i].at;

        if (debar_overlay_found(rd, what, &off, to) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }
    }

    return DEBAR_OK;
}


/* --- scripts and ELF ----------------------------------------------------- */

int
debar_file_read_script(debar_reader_t *rd)
{
    uint64_t  end;

    end = debar_script_end(rd);

    return end ? debar_reader_overlay(rd, end, debar_reader_source(rd)->size)
               : DEBAR_OK;
}


/*
 * A script that unpacks itself (makeself) is text up to the end of the line
 * before its archive.  0: it is text all along.
 */

static uint64_t
debar_script_end(debar_reader_t *rd)
{
    size_t    i, n;
    uint8_t   buf[DEBAR_OVERLAY_LINES];
    uint64_t  off, line, size;

    size = debar_reader_source(rd)->size;
    size = size < DEBAR_OVERLAY_HEAD ? size : DEBAR_OVERLAY_HEAD;

    for (off = 0, line = 0; off < size; off += n) {
        n = size - off < sizeof(buf) ? size - off : sizeof(buf);

        if (debar_reader_at(rd, off, buf, n) != DEBAR_OK) {
            break;
        }

        for (i = 0; i < n; i++) {
            if (buf[i] == '\n') {
                line = off + i + 1;

            } else if (buf[i] < ' ' && buf[i] != '\t' && buf[i] != '\r'
                       && buf[i] != '\f' && buf[i] != '\033')
            {
                return line;
            }
        }
    }

    return 0;
}


int
debar_file_read_elf(debar_reader_t *rd)
{
    uint64_t  end;

    end = debar_elf_end(rd);

    return end ? debar_reader_overlay(rd, end, debar_reader_source(rd)->size)
               : DEBAR_OK;
}


/*
 * Behind the table of sections, which is the last thing in what linkers make;
 * without one, behind the last segment.  0: it makes no sense.
 */

static uint64_t
debar_elf_end(debar_reader_t *rd)
{
    uint8_t   h[64], p[56];
    uint64_t  off, n, end, to;
    unsigned  i, wide, size;

    if (debar_reader_at(rd, 0, h, sizeof(h)) != DEBAR_OK || h[5] != 1) {
        return 0;
    }

    wide = h[4] == 2;
    off = wide ? debar_le64(h + 40) : debar_le32(h + 32);
    size = debar_le16(h + (wide ? 58 : 46));
    n = debar_le16(h + (wide ? 60 : 48));
    end = off && n && off < debar_reader_source(rd)->size ? off + n * size : 0;

    off = wide ? debar_le64(h + 32) : debar_le32(h + 28);
    size = debar_le16(h + (wide ? 54 : 42));
    n = debar_le16(h + (wide ? 56 : 44));

    for (i = 0; i < n && i < 256 && size >= (wide ? 56 : 32); i++) {
        if (off > debar_reader_source(rd)->size
            || debar_reader_at(rd, off + i * size, p, wide ? 56 : 32)
               != DEBAR_OK)
        {
            break;
        }

        to = wide ? debar_le64(p + 8) + debar_le64(p + 32)
                  : (uint64_t) debar_le32(p + 4) + debar_le32(p + 16);

        if (to > end && to < debar_reader_source(rd)->size) {
            end = to;
        }
    }

    return end < debar_reader_source(rd)->size ? end : 0;
}
