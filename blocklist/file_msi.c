/*
 * Packages of Windows Installer: their signature, whose digest is of streams
 * and not of the file, and what they say of themselves: tables in a store of
 * strings, and the summary information.
 *
 * The digest is made as msi.c of osslsigncode makes it: the bytes of all streams
 * but the signature's in the order of their names, the class of a storage behind
 * what is in it; and with \5MsiDigitalSignatureEx, before them, the digest of
 * names, sizes, classes and times.
 */

#include <strings.h>
#include <unicode/ucnv.h>

#include "file_digest.h"
#include "file_ole.h"


#define DEBAR_MSI_CHUNK      16384
#define DEBAR_MSI_SIGNATURE  (8 << 20)
#define DEBAR_MSI_TABLE      (16 << 20)
#define DEBAR_MSI_SUMMARY    65536
#define DEBAR_MSI_PROPERTIES 64
#define DEBAR_MSI_FILES      8192   /* names of files that are told */
#define DEBAR_MSI_COLUMNS    64
#define DEBAR_MSI_TEXT       (4 * DEBAR_FOUND_TEXT)
#define DEBAR_MSI_UTF8       65001


/* What a table is a store of: one string behind the other, a reference is a
 * number from 1 on. */

typedef struct {
    debar_ole_t      *ole;
    uint8_t          *pool;
    uint64_t          pool_room;
    char             *data;
    uint64_t          data_room;
    uint32_t         *offsets;     /* n + 1 */
    uint32_t          n;
    unsigned          width;       /* of a reference: 2 or 3 bytes */
    unsigned          codepage;
} debar_msi_strings_t;

/* A table: rows of the bytes that its columns take, column by column. */

typedef struct {
    uint8_t          *data;
    size_t            len;
    uint64_t          room;
    uint32_t          rows;
} debar_msi_table_t;

typedef struct {
    debar_ole_t      *ole;
    debar_digests_t   digests;
} debar_msi_signed_t;

typedef struct {
    const char       *name;
    unsigned          role;
    unsigned          package;     /* told as its identifier */
} debar_msi_property_t;


static int debar_msi_signatures(debar_ole_t *ole);
static int debar_msi_digest(void *data, int nid, uint8_t *out, unsigned *len);
static int debar_msi_feed(void *data, EVP_MD_CTX *md, const EVP_MD *type);
static int debar_msi_is_signature(const debar_ole_t *ole, uint32_t entry);
static int debar_msi_feed_metadata(debar_ole_t *ole, EVP_MD_CTX *md,
    const EVP_MD *type);
static int debar_msi_metadata(debar_ole_t *ole, uint32_t entry, EVP_MD_CTX *md);
static int debar_msi_feed_stream(debar_ole_t *ole, uint32_t entry,
    EVP_MD_CTX *md);
static int debar_msi_summary(debar_ole_t *ole);
static int debar_msi_summary_value(debar_ole_t *ole, unsigned id,
    unsigned codepage, const char *p, size_t len);
static int debar_msi_identifiers(debar_ole_t *ole, const char *p, size_t len);
static int debar_msi_tables(debar_ole_t *ole);
static int debar_msi_strings(debar_msi_strings_t *st);
static debar_str_t debar_msi_string(const debar_msi_strings_t *st,
    const uint8_t *ref);
static int debar_msi_load(debar_msi_strings_t *st, const char *name,
    unsigned row, debar_msi_table_t *t);
static void debar_msi_unload(debar_ole_t *ole, debar_msi_table_t *t);
static int debar_msi_properties(debar_msi_strings_t *st, const char *table,
    unsigned before);
static const debar_msi_property_t *debar_msi_property(debar_str_t key);
static int debar_msi_files(debar_msi_strings_t *st);
static unsigned debar_msi_row(debar_msi_strings_t *st, const char *table,
    const char *column, unsigned *at);
static unsigned debar_msi_width(const debar_msi_strings_t *st, unsigned type);


/* What is worth to be told, and as what. */

static const debar_msi_property_t  debar_msi_known[] = {
    { "Manufacturer", DEBAR_SAYS_MAKER, 0 },
    { "ProductName", DEBAR_SAYS_PRODUCT, 0 },
    { "ProductVersion", DEBAR_SAYS_VERSION, 0 },
    { "ProductCode", DEBAR_SAYS_TEXT, 1 },
    { "UpgradeCode", DEBAR_SAYS_TEXT, 1 },
    { "ARPCONTACT", DEBAR_SAYS_TEXT, 0 },
    { "ARPCOMMENTS", DEBAR_SAYS_TEXT, 0 },
    { "ARPURLINFOABOUT", DEBAR_SAYS_TEXT, 0 },
    { "ARPHELPLINK", DEBAR_SAYS_TEXT, 0 },

    /* MsiPatchMetadata */

    { "ManufacturerName", DEBAR_SAYS_MAKER, 0 },
    { "TargetProductName", DEBAR_SAYS_PRODUCT, 0 },
    { "DisplayName", DEBAR_SAYS_PRODUCT, 0 },
    { "Description", DEBAR_SAYS_TEXT, 0 },
    { NULL, 0, 0 }
};


/* By the class of the root (a package, a patch, a module, a transform), or by
 * what Windows Installer reads it from. */

int
debar_ole_is_msi(const debar_ole_t *ole)
{
    const uint8_t  *p = debar_ole_raw(ole, 0) + 0x50;

    if (p[0] >= 0x80 && p[0] <= 0x8f
        && memcmp(p + 1, "\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 15) == 0)
    {
        return 1;
    }

    return debar_ole_child(ole, 0, "!_StringPool") != DEBAR_OLE_NONE;
}


int
debar_msi_read(debar_ole_t *ole)
{
    int  rc;

    rc = debar_msi_signatures(ole);

    if (rc != DEBAR_OK || !debar_ole_is_msi(ole)) {
        return rc;
    }

    ole->budget = ole->size;
    rc = debar_msi_tables(ole);

    return rc == DEBAR_OK ? debar_msi_summary(ole) : rc;
}


/* --- who signed it ------------------------------------------------------- */

static int
debar_msi_signatures(debar_ole_t *ole)
{
    int                  rc;
    void                *der;
    size_t               n;
    uint32_t             entry;
    uint64_t             room;
    debar_cms_t          cms;
    debar_msi_signed_t  *sig;

    entry = debar_ole_child(ole, 0, "\5DigitalSignature");

    if (entry == DEBAR_OLE_NONE) {
        entry = debar_ole_lost(ole, "\5DigitalSignature");
    }

    if (entry == DEBAR_OLE_NONE) {
        return DEBAR_OK;
    }

    sig = debar_reader_alloc(ole->rd, sizeof(*sig));
    der = debar_ole_bytes(ole, entry, DEBAR_MSI_SIGNATURE, &n, &room);
    rc = DEBAR_OK;

    if (sig != NULL && der != NULL) {
        sig->ole = ole;
        sig->digests.feed = debar_msi_feed;
        sig->digests.data = ole;

        memset(&cms, 0, sizeof(cms));
        cms.how = "authenticode";
        cms.digest = debar_msi_digest;
        cms.data = sig;
        cms.spc = 1;

        rc = debar_reader_signatures(ole->rd, der, n, &cms);
    }

    debar_reader_free(ole->rd, der, room);
    debar_reader_free(ole->rd, sig, sizeof(*sig));

    return rc;
}


static int
debar_msi_digest(void *data, int nid, uint8_t *out, unsigned *len)
{
    debar_msi_signed_t  *sig = data;

    if (debar_digests(&sig->digests, nid, out, len) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    return sig->ole->used < sig->ole->size ? DEBAR_DECLINED : DEBAR_OK;
}


static int
debar_msi_feed(void *data, EVP_MD_CTX *md, const EVP_MD *type)
{
    int               rc;
    debar_ole_t      *ole = data;
    debar_ole_at_e    at;
    debar_ole_walk_t  w;

    ole->budget = ole->size;
    rc = DEBAR_OK;

    if (debar_ole_child(ole, 0, "\5MsiDigitalSignatureEx") != DEBAR_OLE_NONE) {
        rc = debar_msi_feed_metadata(ole, md, type);
    }

    debar_ole_walk(&w, ole);

    while (rc == DEBAR_OK
           && (at = debar_ole_next(&w)) != DEBAR_OLE_AT_NOTHING)
    {
        if (at == DEBAR_OLE_AT_STREAM
            && !debar_msi_is_signature(ole, w.entry))
        {
            rc = debar_msi_feed_stream(ole, w.entry, md);

        } else if (at == DEBAR_OLE_AT_END
                   && EVP_DigestUpdate(md, debar_ole_raw(ole, w.entry) + 0x50,
                                       16) != 1)
        {
            rc = DEBAR_ERROR;
        }
    }

    return rc;
}


static int
debar_msi_is_signature(const debar_ole_t *ole, uint32_t entry)
{
    char  name[DEBAR_OLE_NAME];

    if (ole->entries[entry].parent != 0) {
        return 0;
    }

    (void) debar_ole_name(ole, entry, name);

    return strcasecmp(name, "\5DigitalSignature") == 0
           || strcasecmp(name, "\5MsiDigitalSignatureEx") == 0;
}


static int
debar_msi_feed_metadata(debar_ole_t *ole, EVP_MD_CTX *md, const EVP_MD *type)
{
    int               rc;
    uint8_t           out[EVP_MAX_MD_SIZE];
    unsigned          len;
    EVP_MD_CTX       *meta;
    debar_ole_at_e    at;
    debar_ole_walk_t  w;

    meta = EVP_MD_CTX_new();

    rc = meta != NULL && EVP_DigestInit_ex(meta, type, NULL) == 1
         ? debar_msi_metadata(ole, 0, meta) : DEBAR_ERROR;
    debar_ole_walk(&w, ole);

    while (rc == DEBAR_OK
           && (at = debar_ole_next(&w)) != DEBAR_OLE_AT_NOTHING)
    {
        if (at == DEBAR_OLE_AT_STORAGE
            || (at == DEBAR_OLE_AT_STREAM
                && !debar_msi_is_signature(ole, w.entry)))
        {
            rc = debar_msi_metadata(ole, w.entry, meta);
        }
    }

    if (rc == DEBAR_OK
        && (EVP_DigestFinal_ex(meta, out, &len) != 1
            || EVP_DigestUpdate(md, out, len) != 1))
    {
        rc = DEBAR_ERROR;
    }

    EVP_MD_CTX_free(meta);

    return rc;
}


/* Name, class or size, state, times; of the root but class and state. */

static int
debar_msi_metadata(debar_ole_t *ole, uint32_t entry, EVP_MD_CTX *md)
{
    int             ok;
    unsigned        stream;
    const uint8_t  *p;

    p = debar_ole_raw(ole, entry);
    stream = entry != 0 && p[0x42] == DEBAR_OLE_STREAM;

    ok = entry == 0
         || EVP_DigestUpdate(md, p, debar_ole_name_len(ole, entry)) == 1;
    ok = ok && EVP_DigestUpdate(md, stream ? p + 0x78 : p + 0x50,
                                stream ? 4 : 16) == 1
            && EVP_DigestUpdate(md, p + 0x60, 4) == 1
            && (entry == 0 || EVP_DigestUpdate(md, p + 0x64, 16) == 1);

    return ok ? DEBAR_OK : DEBAR_ERROR;
}


static int
debar_msi_feed_stream(debar_ole_t *ole, uint32_t entry, EVP_MD_CTX *md)
{
    long                n;
    uint8_t             buf[DEBAR_MSI_CHUNK];
    debar_ole_stream_t  s;

    debar_ole_open(ole, entry, &s);

    do {
        n = debar_ole_read(&s, buf, sizeof(buf));

        if (n > 0 && EVP_DigestUpdate(md, buf, n) != 1) {
            return DEBAR_ERROR;
        }
    } while (n > 0);

    return n == 0 ? DEBAR_OK : DEBAR_DECLINED;
}


/* --- its summary --------------------------------------------------------- */

/* [MS-OLEPS]: one set of properties, each a number, a type and a value. */

static int
debar_msi_summary(debar_ole_t *ole)
{
    int             rc;
    size_t          n, at, off, len;
    uint8_t        *b;
    uint32_t        entry, i, count, id;
    uint64_t        room;
    unsigned        codepage;

    entry = debar_ole_child(ole, 0, "\5SummaryInformation");

    if (entry == DEBAR_OLE_NONE) {
        return DEBAR_OK;
    }

    b = debar_ole_bytes(ole, entry, DEBAR_MSI_SUMMARY, &n, &room);
    rc = DEBAR_OK;
    codepage = 1252;

    if (b == NULL || n < 48 || debar_le32(b + 44) > n - 8) {
        debar_reader_free(ole->rd, b, room);
        return DEBAR_OK;
    }

    at = debar_le32(b + 44);
    count = debar_le32(b + at + 4);
    count = count < (n - at - 8) / 8 ? count : (n - at - 8) / 8;
    count = count < DEBAR_MSI_PROPERTIES ? count : DEBAR_MSI_PROPERTIES;

    for (i = 0; i < 2 * count && rc == DEBAR_OK; i++) {
        id = debar_le32(b + at + 8 + 8 * (i % count));
        off = debar_le32(b + at + 12 + 8 * (i % count));

        if (off > n - at || n - at - off < 8) {
            continue;
        }

        off += at;

        /* the code page comes first, wherever it stands */

        if (i < count) {
            if (id == 1 && debar_le32(b + off) == 2) {
                codepage = debar_le16(b + off + 4);
            }

            continue;
        }

        if (debar_le32(b + off) == 30) {
            len = debar_le32(b + off + 4);
            len = len < n - off - 8 ? len : n - off - 8;
            len = strnlen((char *) b + off + 8, len);
            rc = debar_msi_summary_value(ole, id, codepage,
                                         (char *) b + off + 8, len);
        }
    }

    debar_reader_free(ole->rd, b, room);

    return rc;
}


static int
debar_msi_summary_value(debar_ole_t *ole, unsigned id, unsigned codepage,
    const char *p, size_t len)
{
    char    text[DEBAR_MSI_TEXT];
    size_t  n;

    n = debar_ole_text(codepage, p, len, text, sizeof(text));

    switch (id) {

    case 2:
        return debar_reader_field(ole->rd, "Title", DEBAR_SAYS_TEXT, text, n);

    case 3:
        return debar_reader_field(ole->rd, "Subject", DEBAR_SAYS_PRODUCT,
                                  text, n);
    case 4:
        return debar_reader_field(ole->rd, "Author", DEBAR_SAYS_MAKER, text,
                                  n);
    case 6:
        return debar_reader_field(ole->rd, "Comments", DEBAR_SAYS_TEXT, text,
                                  n);

    case 7:

        /* of a patch the products that it is for; of packages the platform and
         * languages */

        return debar_msi_identifiers(ole, p, len);

    case 9:
        return debar_msi_identifiers(ole, p, len);

    default:
        return DEBAR_OK;
    }
}


/* "{GUID}", one or more, whatever stands between them. */

static int
debar_msi_identifiers(debar_ole_t *ole, const char *p, size_t len)
{
    int          rc;
    const char  *end, *last;

    last = p + len;

    for (rc = DEBAR_OK; rc == DEBAR_OK && last - p >= 38; p++) {
        p = memchr(p, '{', last - p);

        if (p == NULL || last - p < 38) {
            break;
        }

        end = memchr(p, '}', 38);

        if (end == p + 37) {
            rc = debar_reader_package(ole->rd, "msi", p, 38);
        }
    }

    return rc;
}


/* --- its tables ---------------------------------------------------------- */

static int
debar_msi_tables(debar_ole_t *ole)
{
    int                  rc;
    debar_msi_strings_t  st;

    memset(&st, 0, sizeof(st));
    st.ole = ole;
    rc = debar_msi_strings(&st);

    if (rc == DEBAR_OK) {
        rc = debar_msi_properties(&st, "!Property", 0);
    }

    if (rc == DEBAR_OK) {
        rc = debar_msi_properties(&st, "!MsiPatchMetadata", 1);
    }

    if (rc == DEBAR_OK) {
        rc = debar_msi_files(&st);
    }

    debar_reader_free(ole->rd, st.pool, st.pool_room);
    debar_reader_free(ole->rd, st.data, st.data_room);
    debar_reader_free(ole->rd, st.offsets, 4 * ((uint64_t) st.n + 1));

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


/*
 * The pool has for each string its length and how often it is used; one of more
 * than 64 KiB has no length there and all of it in the next four bytes.  The
 * first four are the code page, and whether references have three bytes.
 */

static int
debar_msi_strings(debar_msi_strings_t *st)
{
    size_t    i, n, len;
    uint32_t  entry, size;
    uint64_t  at;

    entry = debar_ole_child(st->ole, 0, "!_StringPool");

    if (entry == DEBAR_OLE_NONE) {
        return DEBAR_ERROR;
    }

    st->pool = debar_ole_bytes(st->ole, entry, DEBAR_MSI_TABLE, &n,
                               &st->pool_room);
    entry = debar_ole_child(st->ole, 0, "!_StringData");

    if (st->pool == NULL || n < 4 || entry == DEBAR_OLE_NONE) {
        return DEBAR_ERROR;
    }

    st->data = debar_ole_bytes(st->ole, entry, DEBAR_MSI_TABLE, &len,
                               &st->data_room);
    st->n = n / 4;
    st->offsets = debar_reader_alloc(st->ole->rd, 4 * ((uint64_t) st->n + 1));

    if (st->data == NULL || st->offsets == NULL) {
        return DEBAR_ERROR;
    }

    st->codepage = debar_le32(st->pool) & 0x7fffffff;
    st->width = st->pool[3] & 0x80 ? 3 : 2;

    /* offsets[i]: where string i begins; 0 is the empty one */

    for (i = 4, at = 0, entry = 1; i + 4 <= n; i += 4, entry++) {
        st->offsets[entry] = at;
        size = debar_le16(st->pool + i);

        if (size == 0 && debar_le16(st->pool + i + 2) != 0 && i + 8 <= n) {
            i += 4;
            size = debar_le32(st->pool + i);
        }

        at = at + size < len ? at + size : len;
    }

    while (entry <= st->n) {
        st->offsets[entry++] = at;
    }

    return DEBAR_OK;
}


static debar_str_t
debar_msi_string(const debar_msi_strings_t *st, const uint8_t *ref)
{
    uint32_t  id;

    id = debar_le16(ref) | (st->width == 3 ? (uint32_t) ref[2] << 16 : 0);

    if (id == 0 || id >= st->n) {
        return debar_str("", 0);
    }

    return debar_str(st->data + st->offsets[id],
                     st->offsets[id + 1] - st->offsets[id]);
}


static int
debar_msi_load(debar_msi_strings_t *st, const char *name, unsigned row,
    debar_msi_table_t *t)
{
    uint32_t  entry;

    memset(t, 0, sizeof(*t));
    entry = debar_ole_child(st->ole, 0, name);

    if (entry == DEBAR_OLE_NONE || row == 0) {
        return DEBAR_ERROR;
    }

    t->data = debar_ole_bytes(st->ole, entry, DEBAR_MSI_TABLE, &t->len,
                              &t->room);
    t->rows = t->data != NULL ? t->len / row : 0;

    return t->data != NULL ? DEBAR_OK : DEBAR_ERROR;
}


static void
debar_msi_unload(debar_ole_t *ole, debar_msi_table_t *t)
{
    debar_reader_free(ole->rd, t->data, t->room);
}


/* Tables of strings, of which the last two are a name and a value. */

static int
debar_msi_properties(debar_msi_strings_t *st, const char *table,
    unsigned before)
{
    int                          rc;
    char                         text[DEBAR_MSI_TEXT];
    size_t                       n;
    uint32_t                     i, told;
    unsigned                     w;
    debar_str_t                  key, value;
    debar_msi_table_t            t;
    const debar_msi_property_t  *p;

    w = st->width;

    if (debar_msi_load(st, table, (before + 2) * w, &t) != DEBAR_OK) {
        return DEBAR_OK;
    }

    for (i = 0, told = 0, rc = DEBAR_OK; i < t.rows && rc == DEBAR_OK; i++) {
        key = debar_msi_string(st, t.data + ((size_t) before * t.rows + i) * w);
        value = debar_msi_string(st, t.data + ((size_t) (before + 1) * t.rows
                                               + i) * w);
        p = debar_msi_property(key);

        if (p == NULL) {
            continue;
        }

        if (told++ == DEBAR_MSI_PROPERTIES) {
            debar_reader_bound(st->ole->rd, DEBAR_FILE_MEMBERS);
            break;
        }

        n = debar_ole_text(st->codepage, value.data, value.len, text,
                           sizeof(text));

        rc = p->package ? debar_reader_package(st->ole->rd, "msi", text, n)
                        : debar_reader_field(st->ole->rd, p->name, p->role,
                                             text, n);
    }

    debar_msi_unload(st->ole, &t);

    return rc;
}


static const debar_msi_property_t *
debar_msi_property(debar_str_t key)
{
    const debar_msi_property_t  *p;

    for (p = debar_msi_known; p->name != NULL; p++) {
        if (strlen(p->name) == key.len
            && memcmp(p->name, key.data, key.len) == 0)
        {
            return p;
        }
    }

    return NULL;
}


/*
 * The names that files get when they are installed; in the cabinets they have
 * the keys of this table.  "SHORT~1.EXE|long name.exe".
 */

static int
debar_msi_files(debar_msi_strings_t *st)
{
    int                 rc;
    char                text[DEBAR_MSI_TEXT];
    size_t              n;
    uint32_t            i;
    unsigned            row, at;
    debar_str_t         name;
    const char         *bar;
    debar_msi_table_t   t;

    row = debar_msi_row(st, "File", "FileName", &at);

    if (debar_msi_load(st, "!File", row, &t) != DEBAR_OK) {
        return DEBAR_OK;
    }

    for (i = 0, rc = DEBAR_OK; i < t.rows && rc == DEBAR_OK; i++) {
        if (i == DEBAR_MSI_FILES) {
            debar_reader_bound(st->ole->rd, DEBAR_FILE_MEMBERS);
            break;
        }

        name = debar_msi_string(st, t.data + (size_t) at * t.rows
                                    + (size_t) i * st->width);
        bar = memchr(name.data, '|', name.len);

        if (bar != NULL) {
            name.len -= bar + 1 - name.data;
            name.data = bar + 1;
        }

        n = debar_ole_text(st->codepage, name.data, name.len, text,
                           sizeof(text));
        rc = debar_reader_field(st->ole->rd, "FileName", DEBAR_SAYS_FILE, text,
                                n);
    }

    debar_msi_unload(st->ole, &t);

    return rc;
}


/*
 * How many bytes a row of a table takes, and where in it a column of text is: by
 * the table of columns, which has their table, number (from 0x8001 on), name
 * and type.  0: there is none such.
 */

static unsigned
debar_msi_row(debar_msi_strings_t *st, const char *table, const char *column,
    unsigned *at)
{
    size_t              w, n;
    uint32_t            i, ncols;
    unsigned            row, number, want;
    debar_str_t         s;
    debar_msi_table_t   t;
    struct {
        unsigned        number;
        unsigned        size;
    } cols[DEBAR_MSI_COLUMNS];

    w = st->width;
    *at = 0;

    if (debar_msi_load(st, "!_Columns", 2 * w + 4, &t) != DEBAR_OK) {
        return 0;
    }

    n = t.rows;
    row = 0;
    want = 0;

    for (i = 0, ncols = 0; i < n && ncols < DEBAR_MSI_COLUMNS; i++) {
        s = debar_msi_string(st, t.data + i * w);

        if (s.len != strlen(table) || memcmp(s.data, table, s.len) != 0) {
            continue;
        }

        number = debar_le16(t.data + n * w + 2 * i);
        s = debar_msi_string(st, t.data + n * (w + 2) + i * w);
        cols[ncols].number = number;
        cols[ncols].size = debar_msi_width(st, debar_le16(t.data
                                               + n * (2 * w + 2) + 2 * i));
        row += cols[ncols].size;

        if (s.len == strlen(column) && memcmp(s.data, column, s.len) == 0
            && cols[ncols].size == w)
        {
            want = number;
        }

        ncols++;
    }

    debar_msi_unload(st->ole, &t);

    for (i = 0; i < ncols; i++) {
        *at += cols[i].number < want ? cols[i].size : 0;
    }

    return want ? row : 0;
}


/* By the type of a column: text, an object (a stream beside the table), numbers
 * of two or four bytes. */

static unsigned
debar_msi_width(const debar_msi_strings_t *st, unsigned type)
{
    if ((type & ~0x1000U) == 0x0900) {
        return 2;
    }

    return type & 0x0800 ? st->width : (type & 0xff) <= 2 ? 2 : 4;
}


/* --- text ---------------------------------------------------------------- */

size_t
debar_ole_utf16(const uint8_t *in, size_t len, char *out, size_t size)
{
    size_t    i, n;
    uint32_t  ch, low;

    for (i = 0, n = 0; i + 2 <= len; i += 2) {
        ch = debar_le16(in + i);

        if (ch == 0) {
            break;
        }

        if (ch >= 0xd800 && ch < 0xdc00 && i + 4 <= len) {
            low = debar_le16(in + i + 2);

            if (low >= 0xdc00 && low < 0xe000) {
                ch = 0x10000 + ((ch - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }

        if (ch >= 0xd800 && ch < 0xe000) {
            ch = 0xfffd;
        }

        if (n + (ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4)
            > size)
        {
            break;
        }

        if (ch < 0x80) {
            out[n++] = ch;
            continue;
        }

        if (ch < 0x800) {
            out[n++] = 0xc0 | ch >> 6;

        } else {
            if (ch < 0x10000) {
                out[n++] = 0xe0 | ch >> 12;

            } else {
                out[n++] = 0xf0 | ch >> 18;
                out[n++] = 0x80 | ((ch >> 12) & 0x3f);
            }

            out[n++] = 0x80 | ((ch >> 6) & 0x3f);
        }

        out[n++] = 0x80 | (ch & 0x3f);
    }

    return n;
}


/*
 * Only converters that ICU has in its library: one that it had to look for in
 * files must not be asked for where there are none.  ASCII needs none, UTF-8 is
 * taken as it is, what is unknown as windows-1252.
 */

size_t
debar_ole_text(unsigned codepage, const char *in, size_t len, char *out,
    size_t size)
{
    int          n;
    size_t       i;
    UErrorCode   rc;
    const char  *name;

    static const struct {
        unsigned     codepage;
        const char  *name;
    } names[] = {
        { 874, "windows-874" }, { 932, "windows-932" }, { 936, "GBK" },
        { 949, "windows-949" }, { 950, "Big5" }, { 1250, "windows-1250" },
        { 1251, "windows-1251" }, { 1253, "windows-1253" },
        { 1254, "windows-1254" }, { 1255, "windows-1255" },
        { 1256, "windows-1256" }, { 1257, "windows-1257" },
        { 1258, "windows-1258" }
    };

    len = len < size / 4 ? len : size / 4;

    for (i = 0; i < len && (in[i] & 0x80) == 0; i++) { /* void */ }

    if (i == len || codepage == DEBAR_MSI_UTF8) {
        memcpy(out, in, len);
        return len;
    }

    name = "windows-1252";

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].codepage == codepage) {
            name = names[i].name;
        }
    }

    rc = U_ZERO_ERROR;
    n = ucnv_convert("UTF-8", name, out, size, in, len, &rc);

    if (U_FAILURE(rc)) {
        memcpy(out, in, len);
        return len;
    }

    return n;
}
