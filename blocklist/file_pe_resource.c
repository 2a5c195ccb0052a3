/*
 * Resources of a program of Windows: the version, and files among them.
 *
 * The tree has three levels, type, name and language, walked by as many loops;
 * a budget bounds the entries that are seen, so that directories that point at
 * each other end it soon.
 */

#include <stdlib.h>

#include "file_pe.h"


#define DEBAR_PE_RCDATA      10
#define DEBAR_PE_VERSION     16
#define DEBAR_PE_BUDGET      8192
#define DEBAR_PE_VERSION_MAX 262144
#define DEBAR_PE_STRINGS     512


typedef struct {
    debar_pe_t      *pe;
    uint64_t         base;        /* offset of the root, and bytes from there */
    uint64_t         size;
    unsigned         budget;
    unsigned         version;     /* told already: one is enough of each
                                     language */
} debar_pe_tree_t;

typedef struct {
    uint64_t         at;          /* of the entries */
    unsigned         n;
    unsigned         i;
} debar_pe_dir_t;

/* A block of VS_VERSIONINFO. */

typedef struct {
    const uint8_t   *key;         /* UTF-16, nkey units */
    size_t           nkey;
    const uint8_t   *value;
    const uint8_t   *end;         /* of the block */
    const uint8_t   *next;
} debar_pe_block_t;

typedef struct {
    const char      *name;
    unsigned         role;
} debar_pe_string_t;


static const debar_pe_string_t  debar_pe_strings[] = {
    { "CompanyName", DEBAR_SAYS_MAKER },
    { "ProductName", DEBAR_SAYS_PRODUCT },
    { "FileDescription", DEBAR_SAYS_TEXT },
    { "OriginalFilename", DEBAR_SAYS_FILE },
    { "InternalName", DEBAR_SAYS_FILE },
    { "ProductVersion", DEBAR_SAYS_VERSION },
    { "FileVersion", DEBAR_SAYS_VERSION },
    { "LegalCopyright", DEBAR_SAYS_TEXT },
    { "LegalTrademarks", DEBAR_SAYS_TEXT },
    { NULL, 0 }
};


static uint64_t debar_pe_offset(debar_pe_t *pe, uint32_t rva, uint64_t *n);
static int debar_pe_dir(debar_pe_tree_t *t, uint32_t off, debar_pe_dir_t *d);
static int debar_pe_entry(debar_pe_tree_t *t, debar_pe_dir_t *d, uint32_t *id,
    uint32_t *off);
static int debar_pe_type(debar_pe_tree_t *t, uint32_t id, uint32_t off);
static int debar_pe_data(debar_pe_tree_t *t, uint32_t id, uint32_t off);
static int debar_pe_embedded(debar_pe_tree_t *t, uint64_t at, uint64_t n);
static int debar_pe_version(debar_pe_tree_t *t, uint64_t at, uint64_t n);
static int debar_pe_string_table(debar_pe_tree_t *t,
    const debar_pe_block_t *table);
static int debar_pe_block(const uint8_t *base, const uint8_t *p,
    const uint8_t *end, debar_pe_block_t *b);
static int debar_pe_block_is(const debar_pe_block_t *b, const char *name);
static size_t debar_pe_utf8(char *out, size_t size, const uint8_t *p,
    const uint8_t *end);


int
debar_pe_resources(debar_pe_t *pe)
{
    int              rc;
    uint32_t         id, off;
    debar_pe_dir_t   root;
    debar_pe_tree_t  t;

    memset(&t, 0, sizeof(t));
    t.pe = pe;
    t.base = debar_pe_offset(pe, pe->resources, &t.size);
    t.budget = DEBAR_PE_BUDGET;

    if (pe->resources == 0 || t.base == 0
        || debar_pe_dir(&t, 0, &root) != DEBAR_OK)
    {
        return DEBAR_OK;
    }

    rc = DEBAR_OK;

    while (rc == DEBAR_OK
           && debar_pe_entry(&t, &root, &id, &off) == DEBAR_OK)
    {
        if (off & 0x80000000) {
            rc = debar_pe_type(&t, id, off & 0x7fffffff);
        }
    }

    if (t.budget == 0) {
        debar_reader_bound(pe->rd, DEBAR_FILE_MEMBERS);
    }

    return rc;
}


static int
debar_pe_type(debar_pe_tree_t *t, uint32_t id, uint32_t off)
{
    int             rc;
    uint32_t        name, lang, at, data;
    debar_pe_dir_t  names, langs;

    /* icons, dialogs, strings and the like cannot be files */

    if (id < 0x80000000 && id <= 24 && id != DEBAR_PE_RCDATA
        && id != DEBAR_PE_VERSION)
    {
        return DEBAR_OK;
    }

    if (debar_pe_dir(t, off, &names) != DEBAR_OK) {
        return DEBAR_OK;
    }

    rc = DEBAR_OK;

    while (rc == DEBAR_OK && debar_pe_entry(t, &names, &name, &at) == DEBAR_OK)
    {
        if ((at & 0x80000000) == 0
            || debar_pe_dir(t, at & 0x7fffffff, &langs) != DEBAR_OK)
        {
            continue;
        }

        while (rc == DEBAR_OK
               && debar_pe_entry(t, &langs, &lang, &data) == DEBAR_OK)
        {
            if ((data & 0x80000000) == 0) {
                rc = debar_pe_data(t, id, data);
            }
        }
    }

    return rc;
}


static int
debar_pe_data(debar_pe_tree_t *t, uint32_t id, uint32_t off)
{
    uint8_t   b[8];
    uint64_t  at, n;

    if (off > t->size || t->size - off < sizeof(b)
        || debar_reader_at(t->pe->rd, t->base + off, b, sizeof(b)) != DEBAR_OK)
    {
        return DEBAR_OK;
    }

    at = debar_pe_offset(t->pe, debar_le32(b), &n);

    if (at == 0) {
        return DEBAR_OK;
    }

    n = debar_le32(b + 4) < n ? debar_le32(b + 4) : n;

    return id == DEBAR_PE_VERSION ? debar_pe_version(t, at, n)
                                  : debar_pe_embedded(t, at, n);
}


/* Cabinets, MSI packages, programs and drivers of installers. */

static int
debar_pe_embedded(debar_pe_tree_t *t, uint64_t at, uint64_t n)
{
    size_t   len;
    uint8_t  head[DEBAR_FILE_HEAD];

    len = n < sizeof(head) ? n : sizeof(head);

    if (debar_reader_at(t->pe->rd, at, head, len) != DEBAR_OK) {
        return DEBAR_OK;
    }

    switch (debar_file_class(debar_file_type(head, len, len == n))) {

    case DEBAR_CLASS_PROGRAM:
    case DEBAR_CLASS_PACKAGE:
    case DEBAR_CLASS_ARCHIVE:
        return debar_reader_part(t->pe->rd, "resource", 8, at, n);
    }

    return DEBAR_OK;
}


/* 0: in no section; n: bytes of the section from there on. */

static uint64_t
debar_pe_offset(debar_pe_t *pe, uint32_t rva, uint64_t *n)
{
    unsigned        i;
    uint32_t        from, raw, size;
    const uint8_t  *s;

    for (i = 0; i < pe->nsections; i++) {
        s = pe->sections + 40 * i;
        from = debar_le32(s + 12);
        size = debar_le32(s + 16);
        raw = debar_le32(s + 20);

        if (rva >= from && rva - from < size && raw != 0) {
            if ((uint64_t) raw + size > pe->size) {
                size = raw < pe->size ? pe->size - raw : 0;
            }

            *n = rva - from < size ? size - (rva - from) : 0;

            return *n ? (uint64_t) raw + (rva - from) : 0;
        }
    }

    *n = 0;

    return 0;
}


static int
debar_pe_dir(debar_pe_tree_t *t, uint32_t off, debar_pe_dir_t *d)
{
    uint8_t  b[16];

    if (off > t->size || t->size - off < sizeof(b)
        || debar_reader_at(t->pe->rd, t->base + off, b, sizeof(b)) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    d->at = (uint64_t) off + 16;
    d->n = debar_le16(b + 12) + debar_le16(b + 14);
    d->i = 0;

    return DEBAR_OK;
}


static int
debar_pe_entry(debar_pe_tree_t *t, debar_pe_dir_t *d, uint32_t *id,
    uint32_t *off)
{
    uint8_t   b[8];
    uint64_t  at;

    at = d->at + 8 * (uint64_t) d->i;

    if (d->i == d->n || t->budget == 0 || at > t->size || t->size - at < 8
        || debar_reader_at(t->pe->rd, t->base + at, b, 8) != DEBAR_OK)
    {
        return DEBAR_DECLINED;
    }

    t->budget--;
    d->i++;
    *id = debar_le32(b);
    *off = debar_le32(b + 4);

    return DEBAR_OK;
}


/* --- VS_VERSIONINFO ------------------------------------------------------ */

static int
debar_pe_version(debar_pe_tree_t *t, uint64_t at, uint64_t n)
{
    int                rc;
    uint8_t           *data;
    const uint8_t     *p, *q;
    debar_pe_block_t   root, info, table;

    if (t->version++ == 16) {
        debar_reader_bound(t->pe->rd, DEBAR_FILE_MEMBERS);
    }

    if (t->version > 16) {
        return DEBAR_OK;
    }

    n = n < DEBAR_PE_VERSION_MAX ? n : DEBAR_PE_VERSION_MAX;
    data = debar_reader_bytes(t->pe->rd, at, n);
    rc = DEBAR_OK;

    if (data == NULL || debar_pe_block(data, data, data + n, &root) != DEBAR_OK)
    {
        free(data);
        return DEBAR_OK;
    }

    /* VS_FIXEDFILEINFO, then StringFileInfo and VarFileInfo */

    at = (root.value - data + debar_le16(data + 2) + 3) & ~3U;
    p = at < n ? data + at : root.end;

    for ( /* void */ ; rc == DEBAR_OK; p = info.next) {
        if (debar_pe_block(data, p, root.end, &info) != DEBAR_OK) {
            break;
        }

        if (!debar_pe_block_is(&info, "StringFileInfo")) {
            continue;
        }

        for (q = info.value; rc == DEBAR_OK; q = table.next) {
            if (debar_pe_block(data, q, info.end, &table) != DEBAR_OK) {
                break;
            }

            rc = debar_pe_string_table(t, &table);
        }
    }

    free(data);

    return rc;
}


static int
debar_pe_string_table(debar_pe_tree_t *t, const debar_pe_block_t *table)
{
    int                       rc;
    char                      text[4 * DEBAR_FOUND_TEXT];
    size_t                    n;
    unsigned                  i;
    const uint8_t            *p;
    debar_pe_block_t          b;
    const debar_pe_string_t  *s;

    for (i = 0, p = table->value; i < DEBAR_PE_STRINGS; i++, p = b.next) {
        if (debar_pe_block(table->value, p, table->end, &b) != DEBAR_OK) {
            break;
        }

        s = debar_pe_strings;

        while (s->name && !debar_pe_block_is(&b, s->name)) {
            s++;
        }

        if (s->name == NULL) {
            continue;
        }

        n = debar_pe_utf8(text, sizeof(text), b.value, b.end);
        rc = debar_reader_field(t->pe->rd, s->name, s->role, text, n);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


/*
 * wLength, wValueLength, wType, szKey, padding, then the value.  Lengths of
 * values are not to be trusted, some writers count bytes and others units: a
 * text ends with its NUL or its block.
 */

static int
debar_pe_block(const uint8_t *base, const uint8_t *p, const uint8_t *end,
    debar_pe_block_t *b)
{
    size_t  len;

    if (p >= end || end - p < 8) {
        return DEBAR_ERROR;
    }

    len = debar_le16(p);

    if (len < 8) {
        return DEBAR_ERROR;
    }

    b->end = len < (size_t) (end - p) ? p + len : end;
    b->next = b->end + (4 - (b->end - base) % 4) % 4;
    b->key = p + 6;

    for (p = b->key; b->end - p >= 2 && (p[0] || p[1]); p += 2) { /* void */ }

    b->nkey = (p - b->key) / 2;

    if (b->end - p >= 2) {
        p += 2;
    }

    p += (4 - (p - base) % 4) % 4;
    b->value = p < b->end ? p : b->end;

    return DEBAR_OK;
}


static int
debar_pe_block_is(const debar_pe_block_t *b, const char *name)
{
    size_t  i, n;

    n = strlen(name);

    if (b->nkey != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (b->key[2 * i] != (uint8_t) name[i] || b->key[2 * i + 1] != 0) {
            return 0;
        }
    }

    return 1;
}


/* UTF-16 up to a NUL; a lone surrogate is U+FFFD. */

static size_t
debar_pe_utf8(char *out, size_t size, const uint8_t *p, const uint8_t *end)
{
    size_t    n;
    uint32_t  cp, low;

    for (n = 0; end - p >= 2 && size - n >= 4; p += 2) {
        cp = debar_le16(p);

        if (cp == 0) {
            break;
        }

        if (cp >= 0xd800 && cp < 0xe000) {
            low = end - p >= 4 ? debar_le16(p + 2) : 0;

            if (cp < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
                cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
                p += 2;

            } else {
                cp = 0xfffd;
            }
        }

        if (cp < 0x80) {
            out[n++] = cp;

        } else if (cp < 0x800) {
            out[n++] = 0xc0 | cp >> 6;
            out[n++] = 0x80 | (cp & 0x3f);

        } else if (cp < 0x10000) {
            out[n++] = 0xe0 | cp >> 12;
            out[n++] = 0x80 | ((cp >> 6) & 0x3f);
            out[n++] = 0x80 | (cp & 0x3f);

        } else {
            out[n++] = 0xf0 | cp >> 18;
            out[n++] = 0x80 | ((cp >> 12) & 0x3f);
            out[n++] = 0x80 | ((cp >> 6) & 0x3f);
            out[n++] = 0x80 | (cp & 0x3f);
        }
    }

    return n;
}
