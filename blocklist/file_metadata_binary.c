/*
 * Binary property lists (Apple's "bplist00") and Android's binary XML: only
 * strings are read, and only those at the top.
 */

#include "file_metadata.h"


#define DEBAR_BPLIST_PAIRS    1000
#define DEBAR_ANDROID_CHUNKS  64
#define DEBAR_ANDROID_ATTRS   64

#define DEBAR_ANDROID_STRINGS  0x0001
#define DEBAR_ANDROID_XML      0x0003
#define DEBAR_ANDROID_ELEMENT  0x0102


typedef struct {
    const uint8_t  *p;
    size_t          n;
    uint64_t        offsets;      /* where the table of offsets is */
    uint64_t        objects;
    unsigned        width;        /* of an offset */
    unsigned        ref;          /* of a reference */
} debar_bplist_t;

typedef struct {
    const uint8_t  *p;            /* the chunk of strings */
    size_t          n;
    uint32_t        count;
    unsigned        utf8;
    uint32_t        start;
} debar_android_strings_t;


static uint64_t debar_bplist_int(const uint8_t *p, unsigned width);
static const uint8_t *debar_bplist_object(const debar_bplist_t *b, uint64_t ref,
    unsigned *kind, uint64_t *count);
static size_t debar_bplist_string(const debar_bplist_t *b, uint64_t ref,
    char *out);
static size_t debar_wide(const uint8_t *p, size_t n, unsigned big, char *out);
static int debar_android_manifest(debar_reader_t *rd,
    const debar_android_strings_t *s, const uint8_t *p, size_t n);
static int debar_android_open(debar_android_strings_t *s, const uint8_t *p,
    size_t n);
static size_t debar_android_string(const debar_android_strings_t *s,
    uint32_t nth, char *out);


/* --- property lists ------------------------------------------------------ */

int
debar_metadata_bplist(const uint8_t *p, size_t n, debar_metadata_pair_pt tell,
    void *data)
{
    int             rc;
    char            key[DEBAR_FOUND_TEXT], value[DEBAR_FOUND_TEXT];
    size_t          klen, vlen;
    uint64_t        i, top, count;
    unsigned        kind;
    const uint8_t  *dict, *t;
    debar_bplist_t  b;

    if (n < 8 + 32) {
        return DEBAR_OK;
    }

    t = p + n - 32;
    b.p = p;
    b.n = n - 32;
    b.width = t[6];
    b.ref = t[7];
    b.objects = debar_bplist_int(t + 8, 8);
    top = debar_bplist_int(t + 16, 8);
    b.offsets = debar_bplist_int(t + 24, 8);

    if (b.width == 0 || b.width > 8 || b.ref == 0 || b.ref > 8
        || b.offsets > b.n || b.objects > (b.n - b.offsets) / b.width)
    {
        return DEBAR_OK;
    }

    dict = debar_bplist_object(&b, top, &kind, &count);

    if (dict == NULL || kind != 0xd || count > DEBAR_BPLIST_PAIRS) {
        return DEBAR_OK;
    }

    for (i = 0, rc = DEBAR_OK; i < count && rc == DEBAR_OK; i++) {
        if ((uint64_t) (p + b.n - dict) < (count + i + 1) * b.ref) {
            break;
        }

        klen = debar_bplist_string(&b, debar_bplist_int(dict + i * b.ref,
                                                        b.ref), key);
        vlen = debar_bplist_string(&b, debar_bplist_int(dict + (count + i)
                                                               * b.ref,
                                                        b.ref), value);

        if (klen && vlen) {
            rc = tell(data, debar_str(key, klen), debar_str(value, vlen));
        }
    }

    return rc;
}


static uint64_t
debar_bplist_int(const uint8_t *p, unsigned width)
{
    uint64_t  n;

    for (n = 0; width; width--) {
        n = n << 8 | *p++;
    }

    return n;
}


/* What follows its marker: kind, and how many units. */

static const uint8_t *
debar_bplist_object(const debar_bplist_t *b, uint64_t ref, unsigned *kind,
    uint64_t *count)
{
    uint64_t        at;
    unsigned        width;
    const uint8_t  *p, *end;

    if (ref >= b->objects) {
        return NULL;
    }

    at = debar_bplist_int(b->p + b->offsets + ref * b->width, b->width);

    if (at >= b->n) {
        return NULL;
    }

    p = b->p + at;
    end = b->p + b->n;
    *kind = *p >> 4;
    *count = *p++ & 15;

    if (*count == 15) {

        /* an integer object: 1 << n bytes */

        if (p == end || *p >> 4 != 1 || (*p & 15) > 3) {
            return NULL;
        }

        width = 1 << (*p++ & 15);

        if ((size_t) (end - p) < width) {
            return NULL;
        }

        *count = debar_bplist_int(p, width);
        p += width;
    }

    return p;
}


static size_t
debar_bplist_string(const debar_bplist_t *b, uint64_t ref, char *out)
{
    uint64_t        count;
    unsigned        kind;
    const uint8_t  *p;

    p = debar_bplist_object(b, ref, &kind, &count);

    if (p == NULL || count > (uint64_t) (b->p + b->n - p)) {
        return 0;
    }

    if (kind == 5) {
        count = count < DEBAR_FOUND_TEXT ? count : DEBAR_FOUND_TEXT;
        memcpy(out, p, count);
        return count;
    }

    if (kind != 6 || 2 * count > (uint64_t) (b->p + b->n - p)) {
        return 0;
    }

    return debar_wide(p, count, 1, out);
}


/* n units of UTF-16 as UTF-8, as many as there is room for. */

static size_t
debar_wide(const uint8_t *p, size_t n, unsigned big, char *out)
{
    size_t    i, len;
    uint32_t  c, d;

    for (i = 0, len = 0; i < n && len + 4 <= DEBAR_FOUND_TEXT; i++) {
        c = big ? p[2 * i] << 8 | p[2 * i + 1] : p[2 * i] | p[2 * i + 1] << 8;

        if (c >= 0xd800 && c < 0xdc00 && i + 1 < n) {
            d = big ? p[2 * i + 2] << 8 | p[2 * i + 3]
                    : p[2 * i + 2] | p[2 * i + 3] << 8;

            if (d >= 0xdc00 && d < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
                i++;
            }
        }

        if (c >= 0xd800 && c < 0xe000) {
            continue;
        }

        if (c < 0x80) {
            out[len++] = c;
            continue;
        }

        if (c >= 0x10000) {
            out[len++] = 0xf0 | c >> 18;
            out[len++] = 0x80 | (c >> 12 & 0x3f);

        } else if (c >= 0x800) {
            out[len++] = 0xe0 | c >> 12;
        }

        if (c >= 0x800) {
            out[len++] = 0x80 | (c >> 6 & 0x3f);

        } else {
            out[len++] = 0xc0 | c >> 6;
        }

        out[len++] = 0x80 | (c & 0x3f);
    }

    return len;
}


/* --- Android ------------------------------------------------------------- */

/*
 * Chunks of a type, a size of their header, a size (ResourceTypes.h of Android):
 * the strings, then elements, of which the first is the manifest.
 */

int
debar_metadata_android(debar_reader_t *rd, const uint8_t *p, size_t n)
{
    size_t                   at, size;
    unsigned                 i;
    debar_android_strings_t  s;

    if (n < 8 || debar_le16(p) != DEBAR_ANDROID_XML) {
        return DEBAR_OK;
    }

    memset(&s, 0, sizeof(s));
    at = debar_le16(p + 2);

    for (i = 0; i < DEBAR_ANDROID_CHUNKS && at + 8 <= n; i++) {
        size = debar_le32(p + at + 4);

        if (size < 8 || size > n - at) {
            break;
        }

        if (debar_le16(p + at) == DEBAR_ANDROID_STRINGS && s.p == NULL
            && debar_android_open(&s, p + at, size) != DEBAR_OK)
        {
            break;
        }

        if (debar_le16(p + at) == DEBAR_ANDROID_ELEMENT) {
            return debar_android_manifest(rd, &s, p + at, size);
        }

        at += size;
    }

    debar_reader_bound(rd, DEBAR_FILE_BROKEN);

    return DEBAR_OK;
}


static int
debar_android_manifest(debar_reader_t *rd, const debar_android_strings_t *s,
    const uint8_t *p, size_t n)
{
    int       rc;
    char      name[DEBAR_FOUND_TEXT], value[DEBAR_FOUND_TEXT];
    size_t    at, len, vlen, each;
    unsigned  i, count;

    if (s->p == NULL || n < 36) {
        return DEBAR_OK;
    }

    at = 16 + debar_le16(p + 24);
    each = debar_le16(p + 26);
    count = debar_le16(p + 28);
    rc = DEBAR_OK;

    for (i = 0; i < count && i < DEBAR_ANDROID_ATTRS && rc == DEBAR_OK; i++) {
        if (each < 20 || at + 20 > n) {
            break;
        }

        len = debar_android_string(s, debar_le32(p + at + 4), name);
        vlen = debar_android_string(s, debar_le32(p + at + 8), value);

        if (len == 7 && memcmp(name, "package", 7) == 0 && vlen) {
            rc = debar_reader_field(rd, "package", DEBAR_SAYS_TEXT, value,
                                    vlen);

            if (rc == DEBAR_OK) {
                rc = debar_reader_package(rd, "android", value, vlen);
            }

        } else if (len == 11 && memcmp(name, "versionName", 11) == 0) {
            rc = debar_reader_field(rd, "versionName", DEBAR_SAYS_VERSION,
                                    value, vlen);
        }

        at += each;
    }

    return rc;
}


static int
debar_android_open(debar_android_strings_t *s, const uint8_t *p, size_t n)
{
    size_t  head;

    head = debar_le16(p + 2);

    if (n < 28 || head < 28 || head > n) {
        return DEBAR_ERROR;
    }

    s->p = p;
    s->n = n;
    s->count = debar_le32(p + 8);
    s->utf8 = debar_le32(p + 16) & 0x100;
    s->start = debar_le32(p + 20);

    return s->count <= (n - head) / 4 && s->start <= n ? DEBAR_OK : DEBAR_ERROR;
}


static size_t
debar_android_string(const debar_android_strings_t *s, uint32_t nth, char *out)
{
    size_t          at, len, wide;
    const uint8_t  *p;

    if (nth >= s->count) {
        return 0;
    }

    at = s->start
         + (size_t) debar_le32(s->p + debar_le16(s->p + 2) + 4 * nth);

    if (at > s->n || s->n - at < 4) {
        return 0;
    }

    /* lengths of one unit or two: in UTF-8 those of its UTF-16 come first */

    p = s->p + at;

    if (s->utf8) {
        wide = p[0] & 0x80 ? 2 : 1;
        len = p[wide];
        at += wide + 1;

        if (len & 0x80) {
            len = (len & 0x7f) << 8 | p[wide + 1];
            at++;
        }

        len = len < DEBAR_FOUND_TEXT ? len : DEBAR_FOUND_TEXT;

        if (at > s->n || len > s->n - at) {
            return 0;
        }

        memcpy(out, s->p + at, len);

        return len;
    }

    len = debar_le16(p);
    at += 2;

    if (len & 0x8000) {
        len = (len & 0x7fff) << 16 | debar_le16(p + 2);
        at += 2;
    }

    if (at > s->n || len > (s->n - at) / 2) {
        return 0;
    }

    return debar_wide(s->p + at, len, 0, out);
}
