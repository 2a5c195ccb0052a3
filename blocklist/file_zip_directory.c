/*
 * The directory of a ZIP, its members' bytes, and what it does not tell: readers
 * of ZIP that stream see members' own headers, others see the directory, and they
 * need not agree.
 */

#include <stdlib.h>

#include <zlib.h>

#include "file_zip.h"


#define DEBAR_ZIP_TAIL     (65535 + 22)
#define DEBAR_ZIP_ENTRIES  65536
#define DEBAR_ZIP_BLOCK    16384
#define DEBAR_ZIP_HIDDEN   16


typedef struct {
    char      *bytes;
    size_t     len;
    size_t     room;
} debar_zip_held_t;


static int debar_zip_end(debar_zip_t *z, uint64_t *size, uint64_t *off);
static void debar_zip_wide_end(debar_zip_t *z, uint64_t *size, uint64_t *off);
static int debar_zip_entries(debar_zip_t *z, uint64_t shift);
static int debar_zip_whole(const uint8_t *p, const uint8_t *end, size_t *n);
static void debar_zip_entry(debar_zip_entry_t *e, const uint8_t *p);
static int debar_zip_by_name(const void *one, const void *two);
static int debar_zip_by_place(const void *one, const void *two);
static uint64_t debar_zip_data(const debar_zip_t *z,
    const debar_zip_entry_t *e);
static int debar_zip_inflate(const debar_zip_t *z, uint64_t at,
    const debar_zip_entry_t *e, uint64_t max, debar_zip_bytes_pt take,
    void *data);
static int debar_zip_hold(void *data, const void *buf, size_t n);
static int debar_zip_differs(const debar_zip_t *z, const debar_zip_entry_t *e);
static uint64_t debar_zip_header(debar_reader_t *rd, uint64_t from,
    uint64_t to);
static int debar_zip_is_header(debar_reader_t *rd, uint64_t at);


int
debar_zip_open(debar_zip_t *z, debar_reader_t *rd)
{
    uint8_t   b[4];
    uint64_t  size, off;

    memset(z, 0, sizeof(*z));
    z->rd = rd;

    if (debar_zip_end(z, &size, &off) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    /* right before its end, wherever it says to be: other bytes may have been
     * put before it all */

    z->at = z->end >= size ? z->end - size : 0;

    if (debar_reader_at(rd, z->at, b, 4) != DEBAR_OK
        || (size && memcmp(b, "PK\1\2", 4) != 0))
    {
        z->at = off;
    }

    if (z->at > z->end || size > z->end - z->at) {
        return DEBAR_ERROR;
    }

    z->len = size;
    z->bytes = debar_reader_bytes(rd, z->at, size);

    return z->bytes ? debar_zip_entries(z, z->at - off) : DEBAR_ERROR;
}


void
debar_zip_close(debar_zip_t *z)
{
    debar_reader_free(z->rd, z->entries,
                      z->room * sizeof(debar_zip_entry_t));
    free(z->bytes);
    z->entries = NULL;
    z->bytes = NULL;
}


/* The last record that leads to a directory. */

static int
debar_zip_end(debar_zip_t *z, uint64_t *size, uint64_t *off)
{
    char      *buf;
    size_t     i, n;
    uint8_t   *p;
    uint64_t   all;
    unsigned   found;

    all = debar_reader_source(z->rd)->size;
    n = all < DEBAR_ZIP_TAIL ? all : DEBAR_ZIP_TAIL;
    buf = n < 22 ? NULL : debar_reader_bytes(z->rd, all - n, n);

    if (buf == NULL) {
        return DEBAR_ERROR;
    }

    for (i = n - 22 + 1, found = 0; i-- > 0 && !found; ) {
        p = (uint8_t *) buf + i;

        if (memcmp(p, "PK\5\6", 4) != 0) {
            continue;
        }

        z->end = all - n + i;
        z->behind = z->end + 22 + debar_le16(p + 20);
        z->behind = z->behind < all ? z->behind : all;
        *size = debar_le32(p + 12);
        *off = debar_le32(p + 16);
        debar_zip_wide_end(z, size, off);
        found = *size <= z->end;
    }

    free(buf);

    return found ? DEBAR_OK : DEBAR_ERROR;
}


/* A record of 64 bits, where one stands before it. */

static void
debar_zip_wide_end(debar_zip_t *z, uint64_t *size, uint64_t *off)
{
    uint8_t   b[56];
    uint64_t  at;

    if (z->end < 20 + 56
        || debar_reader_at(z->rd, z->end - 20, b, 20) != DEBAR_OK
        || memcmp(b, "PK\6\7", 4) != 0)
    {
        return;
    }

    at = debar_le64(b + 8);

    if (debar_reader_at(z->rd, at, b, 56) != DEBAR_OK
        || memcmp(b, "PK\6\6", 4) != 0)
    {
        at = z->end - 20 - 56;

        if (debar_reader_at(z->rd, at, b, 56) != DEBAR_OK
            || memcmp(b, "PK\6\6", 4) != 0)
        {
            return;
        }
    }

    if (at < z->end) {
        *size = debar_le64(b + 40);
        *off = debar_le64(b + 48);
        z->end = at;
    }
}


static int
debar_zip_entries(debar_zip_t *z, uint64_t shift)
{
    size_t    n;
    uint8_t  *p, *end;

    end = (uint8_t *) z->bytes + z->len;

    for (p = (uint8_t *) z->bytes; debar_zip_whole(p, end, &n); p += n) {
        z->room++;
    }

    if (z->room > DEBAR_ZIP_ENTRIES) {
        debar_reader_bound(z->rd, DEBAR_FILE_MEMBERS);
        z->room = DEBAR_ZIP_ENTRIES;
    }

    z->entries = debar_reader_alloc(z->rd,
                                    z->room * sizeof(debar_zip_entry_t));
    if (z->entries == NULL) {
        return DEBAR_ERROR;
    }

    for (p = (uint8_t *) z->bytes; z->n < z->room; p += n) {
        (void) debar_zip_whole(p, end, &n);
        debar_zip_entry(&z->entries[z->n], p);
        z->entries[z->n++].local += shift;
    }

    qsort(z->entries, z->n, sizeof(debar_zip_entry_t), debar_zip_by_name);

    return DEBAR_OK;
}


/* Whether an entry is all there, and its length. */

static int
debar_zip_whole(const uint8_t *p, const uint8_t *end, size_t *n)
{
    if (end - p < 46 || memcmp(p, "PK\1\2", 4) != 0) {
        return 0;
    }

    *n = 46 + (size_t) debar_le16(p + 28) + debar_le16(p + 30)
         + debar_le16(p + 32);

    return *n <= (size_t) (end - p);
}


static void
debar_zip_entry(debar_zip_entry_t *e, const uint8_t *p)
{
    size_t          len;
    const uint8_t  *x, *end, *field;

    e->flags = debar_le16(p + 8);
    e->method = debar_le16(p + 10);
    e->packed = debar_le32(p + 20);
    e->size = debar_le32(p + 24);
    e->local = debar_le32(p + 42);
    e->name = debar_str((const char *) p + 46, debar_le16(p + 28));

    x = p + 46 + e->name.len;
    end = x + debar_le16(p + 30);

    for ( /* void */ ; end - x >= 4; x += len) {
        len = 4 + debar_le16(x + 2);

        if (len > (size_t) (end - x)) {
            break;
        }

        if (debar_le16(x) != 1) {
            continue;
        }

        /* those that are all ones, in this order */

        field = x + 4;

        if (e->size == UINT32_MAX && x + len - field >= 8) {
            e->size = debar_le64(field);
            field += 8;
        }

        if (e->packed == UINT32_MAX && x + len - field >= 8) {
            e->packed = debar_le64(field);
            field += 8;
        }

        if (e->local == UINT32_MAX && x + len - field >= 8) {
            e->local = debar_le64(field);
        }

        break;
    }
}


static int
debar_zip_by_name(const void *one, const void *two)
{
    int                       rc;
    const debar_zip_entry_t  *a = one, *b = two;

    rc = memcmp(a->name.data, b->name.data,
                a->name.len < b->name.len ? a->name.len : b->name.len);

    return rc ? rc : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}


static int
debar_zip_by_place(const void *one, const void *two)
{
    const debar_zip_entry_t  *a = one, *b = two;

    return (a->local > b->local) - (a->local < b->local);
}


const debar_zip_entry_t *
debar_zip_find(const debar_zip_t *z, const char *name, size_t len)
{
    debar_zip_entry_t  key;

    key.name = debar_str(name, len);

    return bsearch(&key, z->entries, z->n, sizeof(key), debar_zip_by_name);
}


const debar_zip_entry_t *
debar_zip_find_any(const debar_zip_t *z, const char *name)
{
    size_t  i, len;

    len = strlen(name);

    for (i = 0; i < z->n; i++) {
        if (z->entries[i].name.len == len
            && strncasecmp(z->entries[i].name.data, name, len) == 0)
        {
            return &z->entries[i];
        }
    }

    return NULL;
}


/* --- bytes of members ---------------------------------------------------- */

/* Where they begin; 0: nowhere. */

static uint64_t
debar_zip_data(const debar_zip_t *z, const debar_zip_entry_t *e)
{
    uint8_t  h[30];

    if (debar_reader_at(z->rd, e->local, h, 30) != DEBAR_OK
        || memcmp(h, "PK\3\4", 4) != 0)
    {
        return 0;
    }

    return e->local + 30 + debar_le16(h + 26) + debar_le16(h + 28);
}


int
debar_zip_read(const debar_zip_t *z, const debar_zip_entry_t *e, uint64_t max,
    debar_zip_bytes_pt take, void *data)
{
    char      buf[DEBAR_ZIP_BLOCK];
    size_t    n;
    uint64_t  at, left;

    at = debar_zip_data(z, e);

    if (at == 0 || (e->flags & 1)) {
        return DEBAR_ERROR;
    }

    if (e->method == 8) {
        return debar_zip_inflate(z, at, e, max, take, data);
    }

    if (e->method != 0 || e->packed > max) {
        return DEBAR_ERROR;
    }

    for (left = e->packed; left; left -= n, at += n) {
        n = left < sizeof(buf) ? left : sizeof(buf);

        if (debar_reader_at(z->rd, at, buf, n) != DEBAR_OK
            || take(data, buf, n) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_zip_inflate(const debar_zip_t *z, uint64_t at,
    const debar_zip_entry_t *e, uint64_t max, debar_zip_bytes_pt take,
    void *data)
{
    int        rc;
    size_t     n;
    uint8_t    in[DEBAR_ZIP_BLOCK], out[DEBAR_ZIP_BLOCK];
    uint64_t   left, made;
    z_stream   s;

    memset(&s, 0, sizeof(s));

    if (inflateInit2(&s, -MAX_WBITS) != Z_OK) {
        return DEBAR_ERROR;
    }

    for (left = e->packed, made = 0, rc = Z_OK; rc == Z_OK; ) {
        if (s.avail_in == 0) {
            n = left < sizeof(in) ? left : sizeof(in);

            if (n == 0 || debar_reader_at(z->rd, at, in, n) != DEBAR_OK) {
                break;
            }

            s.next_in = in;
            s.avail_in = n;
            at += n;
            left -= n;
        }

        s.next_out = out;
        s.avail_out = sizeof(out);
        rc = inflate(&s, Z_NO_FLUSH);
        n = sizeof(out) - s.avail_out;
        made += n;

        if (made > max || (n && take(data, out, n) != DEBAR_OK)) {
            rc = Z_BUF_ERROR;
        }
    }

    (void) inflateEnd(&s);

    return rc == Z_STREAM_END ? DEBAR_OK : DEBAR_ERROR;
}


char *
debar_zip_bytes(const debar_zip_t *z, const debar_zip_entry_t *e, size_t max,
    size_t *len)
{
    debar_zip_held_t  held;

    memset(&held, 0, sizeof(held));

    if (debar_zip_read(z, e, max, debar_zip_hold, &held) != DEBAR_OK
        || debar_zip_hold(&held, "", 1) != DEBAR_OK)
    {
        free(held.bytes);
        return NULL;
    }

    *len = held.len - 1;

    return held.bytes;
}


static int
debar_zip_hold(void *data, const void *buf, size_t n)
{
    char              *p;
    debar_zip_held_t  *held = data;

    if (held->room - held->len < n) {
        p = realloc(held->bytes, 2 * held->room + n);

        if (p == NULL) {
            return DEBAR_ERROR;
        }

        held->bytes = p;
        held->room = 2 * held->room + n;
    }

    memcpy(held->bytes + held->len, buf, n);
    held->len += n;

    return DEBAR_OK;
}


/* --- what the directory does not tell ------------------------------------ */

int
debar_zip_hidden(debar_reader_t *rd)
{
    int                       rc;
    size_t                    i;
    uint64_t                  at, done, next;
    unsigned                  told;
    debar_zip_t               z;
    const debar_zip_entry_t  *e;

    rc = debar_zip_open(&z, rd) == DEBAR_OK ? DEBAR_OK : DEBAR_ERROR;

    if (rc == DEBAR_OK) {
        qsort(z.entries, z.n, sizeof(*e), debar_zip_by_place);
    }

    for (i = 0, done = 0, told = 0; rc == DEBAR_OK && i <= z.n + 1; i++) {
        e = i < z.n ? &z.entries[i] : NULL;
        next = e ? e->local : i == z.n ? z.at
                                       : debar_reader_source(rd)->size;

        /* between two, before the directory, behind it all */

        at = next > done ? debar_zip_header(rd, done, next) : UINT64_MAX;

        if (at != UINT64_MAX) {
            rc = debar_reader_part(rd, "overlay", 7, at, next - at);
            told++;
        }

        if (e != NULL && rc == DEBAR_OK && e->local < z.at
            && debar_zip_differs(&z, e))
        {
            next = i + 1 < z.n && z.entries[i + 1].local > e->local
                   ? z.entries[i + 1].local : z.at;
            rc = debar_reader_part(rd, e->name.data, e->name.len, e->local,
                                   next - e->local);
            told++;
        }

        if (told >= DEBAR_ZIP_HIDDEN) {
            debar_reader_bound(rd, DEBAR_FILE_MEMBERS);
            break;
        }

        next = e == NULL ? i == z.n ? z.behind : next
                         : debar_zip_data(&z, e) + e->packed;
        done = next > done ? next : done;
    }

    debar_zip_close(&z);

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


/* Whether who streams would see another member: another name, coding or size. */

static int
debar_zip_differs(const debar_zip_t *z, const debar_zip_entry_t *e)
{
    int       differs;
    char     *name;
    uint8_t   h[30];
    uint32_t  packed, size;

    if (debar_reader_at(z->rd, e->local, h, 30) != DEBAR_OK
        || memcmp(h, "PK\3\4", 4) != 0)
    {
        debar_reader_bound(z->rd, DEBAR_FILE_BROKEN);
        return 0;
    }

    packed = debar_le32(h + 18);
    size = debar_le32(h + 22);

    if (debar_le16(h + 8) != e->method || debar_le16(h + 26) != e->name.len) {
        return 1;
    }

    /* sizes may follow the bytes, or stand among those of 64 bits */

    if ((debar_le16(h + 6) & 8) == 0 && packed != UINT32_MAX
        && size != UINT32_MAX && (packed != e->packed || size != e->size))
    {
        return 1;
    }

    name = debar_reader_bytes(z->rd, e->local + 30, e->name.len);
    differs = name && memcmp(name, e->name.data, e->name.len) != 0;
    free(name);

    return differs;
}


/* The first of a member's headers in these bytes; UINT64_MAX: none. */

static uint64_t
debar_zip_header(debar_reader_t *rd, uint64_t from, uint64_t to)
{
    size_t    n;
    uint8_t   buf[DEBAR_ZIP_BLOCK], *p;
    uint64_t  off;

    for (off = from; off < to && to - off >= 30; off += n > 3 ? n - 3 : n) {
        n = to - off < sizeof(buf) ? to - off : sizeof(buf);

        if (debar_reader_at(rd, off, buf, n) != DEBAR_OK) {
            break;
        }

        for (p = buf; (p = memmem(p, buf + n - p, "PK\3\4", 4)); p += 4) {
            if (debar_zip_is_header(rd, off + (p - buf))) {
                return off + (p - buf);
            }
        }

        if (n < sizeof(buf)) {
            break;
        }
    }

    return UINT64_MAX;
}


/* The four bytes stand in programs, too, that read ZIP. */

static int
debar_zip_is_header(debar_reader_t *rd, uint64_t at)
{
    uint8_t   h[31];
    unsigned  method;

    if (debar_reader_at(rd, at, h, sizeof(h)) != DEBAR_OK) {
        return 0;
    }

    method = debar_le16(h + 8);

    return h[4] <= 63 && (method <= 20 || (method >= 93 && method <= 99))
           && debar_le16(h + 26) != 0 && debar_le16(h + 26) < 4096
           && h[30] >= ' ';
}
