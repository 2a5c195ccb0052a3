/*
 * Archives and what is compressed, by libarchive: each member is handed over by
 * name with its bytes.  One coding is undone at a time and formats are those of
 * the file's type alone, so that what is in it is again a file like any other,
 * with its own bounds; only a tar or cpio comes out of its coding at once.
 *
 * libarchive starts no program here and opens no file but the tables of character
 * sets, which debar_file_archive_prepare() fetches beforehand.
 */

#include <iconv.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

#include <archive.h>
#include <archive_entry.h>

#include "file_archive.h"
#include "file_zip.h"


#define DEBAR_ARCHIVE_BLOCK   65536
#define DEBAR_ARCHIVE_ERRORS  64     /* that a reader goes on after */
#define DEBAR_ARCHIVE_WAYS    4      /* to read one type */
#define DEBAR_ARCHIVE_END     1


typedef struct {
    debar_reader_t    *rd;
    struct archive    *archive;
    uint64_t           at;           /* where libarchive is in the source */
    unsigned           type;
    unsigned           coded;        /* one coding is undone */
    unsigned           streamed;     /* a ZIP by its members' own headers */
    unsigned           opened;
    unsigned           errors;
    char               name[DEBAR_FOUND_TEXT + 1];
    char               block[DEBAR_ARCHIVE_BLOCK];
} debar_archive_reading_t;

typedef int (*debar_archive_support_pt)(struct archive *a);

typedef struct {
    unsigned                   type;
    debar_archive_support_pt   support[DEBAR_ARCHIVE_WAYS];
} debar_archive_row_t;


static void debar_archive_prepared(void);
static int debar_archive_go(debar_archive_reading_t *r);
static int debar_archive_unread(debar_archive_reading_t *r);
static int debar_archive_is_udf(debar_archive_reading_t *r);
static int debar_archive_is_coding(unsigned type);
static int debar_archive_members(debar_archive_reading_t *r);
static int debar_archive_open(debar_archive_reading_t *r);
static unsigned debar_archive_support(struct archive *a,
    const debar_archive_row_t *row, unsigned type);
static void debar_archive_undo(debar_archive_reading_t *r);
static int debar_archive_next(debar_archive_reading_t *r,
    struct archive_entry **entry);
static int debar_archive_member(debar_archive_reading_t *r,
    struct archive_entry *entry);
static int debar_archive_is_file(struct archive_entry *entry);
static debar_str_t debar_archive_name(debar_archive_reading_t *r,
    struct archive_entry *entry);
static debar_str_t debar_archive_raw_name(debar_archive_reading_t *r);
static int debar_archive_bytes(debar_archive_reading_t *r);
static int debar_archive_hole(debar_archive_reading_t *r, uint64_t n);
static int debar_archive_trouble(debar_archive_reading_t *r, int rc);
static la_ssize_t debar_archive_read(struct archive *a, void *data,
    const void **buf);
static la_int64_t debar_archive_skip(struct archive *a, void *data,
    la_int64_t n);
static la_int64_t debar_archive_seek(struct archive *a, void *data,
    la_int64_t off, int whence);


static const debar_archive_row_t  debar_archive_rows[] = {
    { DEBAR_FILE_ZIP, { archive_read_support_format_zip_seekable } },
    { DEBAR_FILE_7Z, { archive_read_support_format_7zip } },
    { DEBAR_FILE_RAR, { archive_read_support_format_rar,
                        archive_read_support_format_rar5 } },
    { DEBAR_FILE_CAB, { archive_read_support_format_cab } },
    { DEBAR_FILE_ISO, { archive_read_support_format_iso9660 } },
    { DEBAR_FILE_TAR, { archive_read_support_format_tar } },
    { DEBAR_FILE_CPIO, { archive_read_support_format_cpio } },
    { DEBAR_FILE_AR, { archive_read_support_format_ar } },
    { DEBAR_FILE_DEB, { archive_read_support_format_ar } },
    { DEBAR_FILE_LHA, { archive_read_support_format_lha } },
    { DEBAR_FILE_TYPES, { NULL } }
};

static const debar_archive_row_t  debar_archive_codings[] = {
    { DEBAR_FILE_GZIP, { archive_read_support_filter_gzip } },
    { DEBAR_FILE_BZIP2, { archive_read_support_filter_bzip2 } },
    { DEBAR_FILE_XZ, { archive_read_support_filter_xz } },
    { DEBAR_FILE_ZSTD, { archive_read_support_filter_zstd } },
    { DEBAR_FILE_LZMA, { archive_read_support_filter_lzma,
                         archive_read_support_filter_lzip,
                         archive_read_support_filter_lz4,
                         archive_read_support_filter_compress } },
    { DEBAR_FILE_TYPES, { NULL } }
};

static pthread_once_t  debar_archive_once = PTHREAD_ONCE_INIT;
static locale_t        debar_archive_utf8;
static volatile iconv_t  debar_archive_held[14];  /* or they look lost */


void
debar_file_archive_prepare(void)
{
    (void) pthread_once(&debar_archive_once, debar_archive_prepared);
}


/*
 * libarchive gives names in the character set of the locale, or not at all, and
 * converts them by iconv, whose modules stay as long as they are in use.
 */

static void
debar_archive_prepared(void)
{
    unsigned            i;
    static const char  *sets[] = {
        "UTF-8", "UTF-16BE", "UTF-16LE", "UTF-16", "CP437", "CP932", "CP1252"
    };

    debar_archive_utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);

    for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        debar_archive_held[2 * i] = iconv_open("UTF-8", sets[i]);
        debar_archive_held[2 * i + 1] = iconv_open(sets[i], "UTF-8");
    }
}


int
debar_file_read_archive(debar_reader_t *rd)
{
    int                       rc;
    locale_t                  before;
    debar_archive_reading_t  *r;

    debar_file_archive_prepare();

    r = debar_reader_alloc(rd, sizeof(*r));
    if (r == NULL) {
        return DEBAR_OK;
    }

    r->rd = rd;
    r->type = debar_reader_is(rd);

    before = debar_archive_utf8 ? uselocale(debar_archive_utf8) : (locale_t) 0;

    rc = debar_archive_go(r);

    if (before) {
        (void) uselocale(before);
    }

    debar_reader_free(rd, r, sizeof(*r));

    return rc;
}


static int
debar_archive_go(debar_archive_reading_t *r)
{
    int  rc;

    if (debar_archive_unread(r)) {
        debar_reader_bound(r->rd, DEBAR_FILE_UNREAD);
        return DEBAR_OK;
    }

    if (debar_archive_is_udf(r)) {
        return DEBAR_OK;
    }

    if (debar_archive_is_coding(r->type)) {
        debar_archive_undo(r);
    }

    rc = debar_archive_members(r);

    if (rc == DEBAR_ERROR && r->type == DEBAR_FILE_ZIP) {

        /* its directory cannot be read, or not to its end */

        r->streamed = 1;
        rc = debar_archive_members(r);

    } else if (rc == DEBAR_OK && r->type == DEBAR_FILE_ZIP) {
        rc = debar_zip_hidden(r->rd);
    }

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


/* Types that go by one name, of which some are not read. */

static int
debar_archive_unread(debar_archive_reading_t *r)
{
    uint8_t  head[8];

    memset(head, 0, sizeof(head));
    (void) debar_reader_at(r->rd, 0, head, sizeof(head));

    switch (r->type) {

    case DEBAR_FILE_LHA:
        return head[2] != '-' || head[3] != 'l' || head[6] != '-';

    case DEBAR_FILE_LZMA:
        return memcmp(head, "\x89LZO", 4) == 0;

    case DEBAR_FILE_RAR:
        return memcmp(head, "RE~^", 4) == 0;

    case DEBAR_FILE_AR:
        return memcmp(head, "!<thin>", 7) == 0;

    case DEBAR_FILE_SQUASHFS:
    case DEBAR_FILE_DISK:
        return 1;
    }

    return 0;
}


/* An image of a disc without ISO 9660 is UDF alone (file_udf.c); one with it
 * behind that is read by systems, and not by libarchive. */

static int
debar_archive_is_udf(debar_archive_reading_t *r)
{
    char      id[5];
    unsigned  i;

    if (r->type != DEBAR_FILE_ISO
        || debar_reader_at(r->rd, 16 * 2048 + 1, id, 5) != DEBAR_OK
        || memcmp(id, "BEA01", 5) != 0)
    {
        return 0;
    }

    for (i = 17; i < 64; i++) {
        if (debar_reader_at(r->rd, i * 2048 + 1, id, 5) != DEBAR_OK) {
            break;
        }

        if (memcmp(id, "CD001", 5) == 0) {
            debar_reader_bound(r->rd, DEBAR_FILE_UNREAD);
            break;
        }
    }

    return 1;
}


static int
debar_archive_is_coding(unsigned type)
{
    const debar_archive_row_t  *row;

    row = debar_archive_codings;

    while (row->type != DEBAR_FILE_TYPES && row->type != type) {
        row++;
    }

    return row->type != DEBAR_FILE_TYPES;
}


/* DEBAR_ERROR: it broke off. */

static int
debar_archive_members(debar_archive_reading_t *r)
{
    int                    rc;
    struct archive_entry  *entry;

    r->at = 0;
    r->errors = 0;
    r->opened = 0;
    r->archive = archive_read_new();

    if (r->archive == NULL) {
        debar_reader_bound(r->rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    rc = debar_archive_open(r);

    while (rc == DEBAR_OK) {
        rc = debar_archive_next(r, &entry);

        if (rc == DEBAR_OK) {
            rc = debar_archive_member(r, entry);

        } else if (rc == DEBAR_ARCHIVE_END) {
            rc = DEBAR_OK;
            break;
        }
    }

    /* it is asked of an open archive only: of others it is not safe */

    if (r->opened && archive_read_has_encrypted_entries(r->archive) > 0) {
        debar_reader_bound(r->rd, DEBAR_FILE_SEALED);
    }

    (void) archive_read_free(r->archive);
    r->archive = NULL;

    return rc;
}


static int
debar_archive_open(debar_archive_reading_t *r)
{
    struct archive  *a = r->archive;

    if (r->streamed) {
        (void) archive_read_support_format_zip_streamable(a);

    } else if (r->coded) {
        (void) debar_archive_support(a, debar_archive_codings, r->coded);

        if (debar_archive_support(a, debar_archive_rows, r->type) == 0) {
            (void) archive_read_support_format_raw(a);
        }

    } else {
        (void) debar_archive_support(a, debar_archive_rows, r->type);
    }

    (void) archive_read_set_callback_data(a, r);
    (void) archive_read_set_read_callback(a, debar_archive_read);
    (void) archive_read_set_skip_callback(a, debar_archive_skip);
    (void) archive_read_set_seek_callback(a, debar_archive_seek);

    if (archive_read_open1(a) < ARCHIVE_WARN) {
        debar_reader_bound(r->rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    r->opened = 1;

    return DEBAR_OK;
}


static unsigned
debar_archive_support(struct archive *a, const debar_archive_row_t *row,
    unsigned type)
{
    unsigned  i;

    while (row->type != DEBAR_FILE_TYPES && row->type != type) {
        row++;
    }

    for (i = 0; i < DEBAR_ARCHIVE_WAYS && row->support[i]; i++) {
        (void) row->support[i](a);
    }

    return i;
}


/*
 * What comes out of a coding: only of a tar or cpio are the members told, all
 * else is one.  (libarchive takes a file that begins with zeros for an empty
 * tar, and many an image does.)
 */

static void
debar_archive_undo(debar_archive_reading_t *r)
{
    size_t                 n;
    uint8_t                head[DEBAR_FILE_HEAD];
    unsigned               type;
    la_ssize_t             got;
    struct archive_entry  *entry;

    r->coded = r->type;
    r->type = DEBAR_FILE_UNKNOWN;
    r->at = 0;
    r->archive = archive_read_new();
    n = 0;

    if (r->archive != NULL && debar_archive_open(r) == DEBAR_OK
        && debar_archive_next(r, &entry) == DEBAR_OK)
    {
        for ( /* void */ ; n < sizeof(head); n += got) {
            got = archive_read_data(r->archive, head + n, sizeof(head) - n);

            if (got <= 0) {
                break;
            }
        }
    }

    type = debar_file_type(head, n, 0);

    if (type == DEBAR_FILE_TAR || type == DEBAR_FILE_CPIO) {
        r->type = type;
    }

    (void) archive_read_free(r->archive);
}


/* DEBAR_ARCHIVE_END: there are no more. */

static int
debar_archive_next(debar_archive_reading_t *r, struct archive_entry **entry)
{
    int  rc;

    for ( ;; ) {
        rc = archive_read_next_header(r->archive, entry);

        if (rc == ARCHIVE_EOF) {
            return DEBAR_ARCHIVE_END;
        }

        if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN) {
            break;
        }

        if (debar_archive_trouble(r, rc) != DEBAR_OK) {
            return DEBAR_ERROR;
        }
    }

    /* nothing was undone: the bytes themselves are no member of themselves */

    if (archive_format(r->archive) == ARCHIVE_FORMAT_RAW
        && archive_filter_count(r->archive) < 2)
    {
        debar_reader_bound(r->rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_archive_member(debar_archive_reading_t *r, struct archive_entry *entry)
{
    int          rc;
    debar_str_t  name;

    if (!debar_archive_is_file(entry)) {
        return DEBAR_OK;
    }

    name = debar_archive_name(r, entry);

    if (debar_reader_member(r->rd, name.data, name.len) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    /* the name is told; what is left open has no digest */

    if (archive_entry_is_encrypted(entry) > 0) {
        debar_reader_bound(r->rd, DEBAR_FILE_SEALED);
        return DEBAR_OK;
    }

    rc = debar_archive_bytes(r);

    return rc == DEBAR_ARCHIVE_END ? debar_reader_done(r->rd) : rc;
}


static int
debar_archive_is_file(struct archive_entry *entry)
{
    if (archive_entry_filetype(entry) != AE_IFREG
        && archive_entry_filetype(entry) != 0)
    {
        return 0;
    }

    /* a second name of a file that came before may bring its bytes again */

    return archive_entry_hardlink(entry) == NULL
           || archive_entry_size(entry) > 0;
}


static debar_str_t
debar_archive_name(debar_archive_reading_t *r, struct archive_entry *entry)
{
    const char  *name;

    if (archive_format(r->archive) == ARCHIVE_FORMAT_RAW) {
        return debar_archive_raw_name(r);
    }

    name = archive_entry_pathname_utf8(entry);

    if (name == NULL) {
        name = archive_entry_pathname(entry);
    }

    return debar_str(name ? name : "", name ? strlen(name) : 0);
}


/* gzip keeps a name; else what is compressed goes by its own, shortened. */

static debar_str_t
debar_archive_raw_name(debar_archive_reading_t *r)
{
    size_t        n;
    uint8_t       h[12];
    const char   *dot;
    debar_str_t   name;

    if (r->coded == DEBAR_FILE_GZIP
        && debar_reader_at(r->rd, 0, h, 12) == DEBAR_OK && (h[3] & 8))
    {
        n = 10 + (h[3] & 4 ? 2 + debar_le16(h + 10) : 0);

        if (n < debar_reader_source(r->rd)->size) {
            memset(r->name, 0, sizeof(r->name));
            (void) debar_reader_source(r->rd)->read(
                       debar_reader_source(r->rd)->data, n, r->name,
                       DEBAR_FOUND_TEXT);
            return debar_str(r->name, strlen(r->name));
        }
    }

    name = debar_reader_name(r->rd);
    dot = name.len ? memrchr(name.data, '.', name.len) : NULL;

    if (dot != NULL && dot != name.data
        && memchr(dot, '/', name.data + name.len - dot) == NULL)
    {
        return debar_str(name.data, dot - name.data);
    }

    return debar_str("data", 4);
}


/* DEBAR_ARCHIVE_END: to the member's end; DEBAR_OK: it broke off, others may follow. */

static int
debar_archive_bytes(debar_archive_reading_t *r)
{
    int          rc;
    size_t       n;
    uint64_t     pos;
    la_int64_t   off;
    const void  *buf;

    for (pos = 0; ; ) {
        buf = NULL;
        n = 0;
        off = pos;
        rc = archive_read_data_block(r->archive, &buf, &n, &off);

        if (rc == ARCHIVE_EOF) {

            /* a hole at the end, of which only the size is known */

            return off > 0 && (uint64_t) off > pos
                   && debar_archive_hole(r, off - pos) != DEBAR_OK
                   ? DEBAR_DECLINED : DEBAR_ARCHIVE_END;
        }

        if (rc != ARCHIVE_OK && debar_archive_trouble(r, rc) != DEBAR_OK) {
            return rc == ARCHIVE_FAILED ? DEBAR_OK : DEBAR_ERROR;
        }

        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
            continue;
        }

        if (off > 0 && (uint64_t) off > pos) {
            if (debar_archive_hole(r, off - pos) != DEBAR_OK) {
                return DEBAR_DECLINED;
            }

            pos = off;
        }

        if (n && debar_reader_push(r->rd, buf, n) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }

        pos += n;
    }
}


static int
debar_archive_hole(debar_archive_reading_t *r, uint64_t n)
{
    size_t             part;
    static const char  zeros[4096];

    while (n) {
        part = n < sizeof(zeros) ? n : sizeof(zeros);

        if (debar_reader_push(r->rd, zeros, part) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }

        n -= part;
    }

    return DEBAR_OK;
}


/* DEBAR_OK: it may go on. */

static int
debar_archive_trouble(debar_archive_reading_t *r, int rc)
{
    if (archive_read_has_encrypted_entries(r->archive) > 0) {
        debar_reader_bound(r->rd, DEBAR_FILE_SEALED);

    } else {
        debar_reader_bound(r->rd, DEBAR_FILE_BROKEN);
    }

    return (rc == ARCHIVE_WARN || rc == ARCHIVE_RETRY)
           && ++r->errors < DEBAR_ARCHIVE_ERRORS ? DEBAR_OK : DEBAR_ERROR;
}


/* --- the source ---------------------------------------------------------- */

/* Blocks are full but the last: where bytes break off, what libarchive makes of
 * them is to be the same however they come. */

static la_ssize_t
debar_archive_read(struct archive *a, void *data, const void **buf)
{
    long                       n;
    size_t                     len;
    debar_archive_reading_t   *r = data;
    const debar_file_source_t *src;

    src = debar_reader_source(r->rd);

    for (len = 0; len < sizeof(r->block); len += n) {
        n = src->read(src->data, r->at + len, r->block + len,
                      sizeof(r->block) - len);

        if (n < 0) {
            archive_set_error(a, -1, "read");
            return -1;
        }

        if (n == 0) {
            break;
        }
    }

    r->at += len;
    *buf = r->block;

    return len;
}


static la_int64_t
debar_archive_skip(struct archive *a, void *data, la_int64_t n)
{
    uint64_t                  left;
    debar_archive_reading_t  *r = data;

    left = debar_reader_source(r->rd)->size;
    left = left > r->at ? left - r->at : 0;

    if (n < 0) {
        return 0;
    }

    if ((uint64_t) n > left) {
        n = left;
    }

    r->at += n;

    return n;
}


static la_int64_t
debar_archive_seek(struct archive *a, void *data, la_int64_t off, int whence)
{
    uint64_t                  size;
    la_int64_t                base;
    debar_archive_reading_t  *r = data;

    size = debar_reader_source(r->rd)->size;
    base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (la_int64_t) r->at
                                                       : (la_int64_t) size;

    if ((off < 0 && -(off + 1) >= base) || (off > 0 && off > INT64_MAX - base)) {
        return ARCHIVE_FATAL;
    }

    base += off;
    r->at = (uint64_t) base < size ? (uint64_t) base : size;

    return r->at;
}
