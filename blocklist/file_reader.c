/*
 * What drives the readers of file formats: a file's type and digest, its
 * readers in their order, its members as they come out of it, each read at
 * once and in the same way.
 *
 * A member is read inside of debar_reader_done(), so that one room for each
 * depth is enough.  That nests calls as deep as archives lie in each other,
 * which is a limit (DEBAR_FILE_DEEPEST at most) and never up to the input.
 */

#include <stdlib.h>

#include <openssl/evp.h>

#include "file_archive.h"
#include "file_read.h"


#define DEBAR_FILE_DEEPEST  8
#define DEBAR_FILE_CHUNK    16384
#define DEBAR_FILE_READERS  3


/* One call of debar_file_read(). */

typedef struct {
    debar_file_limits_t        limits;
    const debar_file_room_t   *room;
    debar_found_pt             sink;
    void                      *data;
    uint64_t                   size;         /* of the outermost file */
    const debar_file_marks_t  *marks;        /* what stands in it; or NULL */
    uint64_t                   expanded;
    unsigned                   members;
    unsigned                   findings;
    unsigned                   bounds;
    unsigned                   full;         /* no more members */
    unsigned                   stop;         /* nothing more is told */
    unsigned                   enough;       /* because the sink said so */
} debar_reading_t;

typedef struct {
    const debar_file_source_t *src;
    uint64_t                   off;
    uint64_t                   size;
} debar_reader_part_t;

typedef struct {
    char                       text[DEBAR_FOUND_TEXT];
    size_t                     len;
} debar_reader_text_t;

struct debar_reader_s {
    debar_reading_t           *all;
    debar_file_source_t        src;
    unsigned                   depth;
    unsigned                   type;         /* as it is told */
    unsigned                   as;           /* as it is read */
    unsigned                   also;         /* ... beside what it is */
    unsigned                   told;         /* its FILE */
    unsigned                   parent;       /* a member's FILE was told */
    size_t                     held;
    debar_reader_text_t        name;
    uint8_t                    sha256[32];
    unsigned                   has_sha256;
    uint64_t                   length;       /* what FILE says; src may hold
                                                less */

    /* the member whose bytes are coming */

    unsigned                   open;
    unsigned                   kept;         /* the room takes its bytes */
    EVP_MD_CTX                *md;
    uint64_t                   size;
    size_t                     nhead;
    uint8_t                    head[DEBAR_FILE_HEAD];
    debar_reader_text_t        member;
};

typedef int (*debar_file_reader_pt)(debar_reader_t *rd);

typedef struct {
    unsigned                   type;
    debar_file_reader_pt       readers[DEBAR_FILE_READERS];
} debar_reader_row_t;


static void debar_reading_limits(debar_file_limits_t *to,
    const debar_file_limits_t *limits);
static void debar_reading_file(debar_reader_t *rd, const uint8_t *head,
    size_t len);
static void debar_reading_run(debar_reader_t *rd, unsigned type);
static void debar_reading_also(debar_reader_t *rd, unsigned type);
static unsigned debar_reading_image(debar_reader_t *rd);
static int debar_reading_trailing_zip(debar_reader_t *rd, uint64_t *start);
static int debar_reading_digest(const debar_file_source_t *src, uint8_t *out);
static int debar_reading_tell(debar_reader_t *rd, debar_found_t *found);
static int debar_reading_tell_file(debar_reader_t *rd);
static int debar_reader_tell(debar_reader_t *rd, debar_found_t *found);
static int debar_reading_tell_end(debar_reader_t *rd);
static int debar_reading_grows(debar_reader_t *rd, size_t n);
static int debar_reading_member(debar_reader_t *rd, const char *name,
    size_t len);
static void debar_reading_finish(debar_reader_t *rd, int whole);
static void debar_reading_open(debar_reader_t *rd, debar_reader_t *member);
static void debar_reading_text(debar_reader_text_t *to, const char *data,
    size_t len);
static size_t debar_reading_char(const char *p, size_t len, char *out);
static long debar_reader_part_read(void *data, uint64_t off, void *buf,
    size_t n);


/*
 * The readers of each type, in their order: what a file says of itself and who
 * signed it before what is in it; one row a type.  An empty line stands between
 * the rows, so that they can be added apart.
 */

static const debar_reader_row_t  debar_reader_rows[] = {

    { DEBAR_FILE_PE, { debar_file_read_pe } },

    { DEBAR_FILE_ELF, { debar_file_read_elf } },

    { DEBAR_FILE_SCRIPT, { debar_file_read_script, debar_file_read_encoded } },

    { DEBAR_FILE_OLE, { debar_file_read_ole } },

    { DEBAR_FILE_CAB, { debar_file_read_cab, debar_file_read_archive } },

    { DEBAR_FILE_XAR, { debar_file_read_xar } },

    { DEBAR_FILE_PBZX, { debar_file_read_pbzx } },

    { DEBAR_FILE_DMG, { debar_file_read_dmg } },

    { DEBAR_FILE_MACHO, { debar_file_read_macho } },

    { DEBAR_FILE_ZIP, { debar_file_read_zip, debar_file_read_archive } },

    { DEBAR_FILE_CRX, { debar_file_read_crx } },

    { DEBAR_FILE_DEB, { debar_file_read_deb, debar_file_read_archive } },

    { DEBAR_FILE_RPM, { debar_file_read_rpm } },

    { DEBAR_FILE_CERTIFICATE, { debar_file_read_cms } },

    { DEBAR_FILE_TEXT, { debar_file_read_signed_text,
                         debar_file_read_metadata,
                         debar_file_read_encoded } },

    { DEBAR_FILE_XML, { debar_file_read_signed_text,
                        debar_file_read_metadata,
                        debar_file_read_encoded } },

    { DEBAR_FILE_JSON, { debar_file_read_metadata, debar_file_read_encoded } },

    { DEBAR_FILE_UNKNOWN, { debar_file_read_metadata } },

    { DEBAR_FILE_AR, { debar_file_read_archive } },

    { DEBAR_FILE_TAR, { debar_file_read_archive } },

    { DEBAR_FILE_GZIP, { debar_file_read_archive } },

    { DEBAR_FILE_BZIP2, { debar_file_read_archive } },

    { DEBAR_FILE_XZ, { debar_file_read_archive } },

    { DEBAR_FILE_ZSTD, { debar_file_read_archive } },

    { DEBAR_FILE_LZMA, { debar_file_read_archive } },

    { DEBAR_FILE_7Z, { debar_file_read_archive } },

    { DEBAR_FILE_RAR, { debar_file_read_archive } },

    { DEBAR_FILE_ISO, { debar_file_read_udf, debar_file_read_archive } },

    { DEBAR_FILE_CPIO, { debar_file_read_archive } },

    { DEBAR_FILE_LHA, { debar_file_read_archive } },

    { DEBAR_FILE_SQUASHFS, { debar_file_read_archive } },

    { DEBAR_FILE_DISK, { debar_file_read_archive, debar_file_read_disk } },

    { DEBAR_FILE_PDF, { debar_file_read_pdf } },

    { DEBAR_FILE_HTML, { debar_file_read_encoded } },

    { DEBAR_FILE_TYPES, { NULL } }
};


int
debar_file_read(const debar_file_source_t *src, const uint8_t *sha256,
    const debar_file_room_t *room, const debar_file_limits_t *limits,
    debar_found_pt sink, void *data)
{
    return debar_file_read_marked(src, NULL, sha256, room, limits, sink, data);
}


int
debar_file_read_marked(const debar_file_source_t *src,
    const debar_file_marks_t *marks, const uint8_t *sha256,
    const debar_file_room_t *room, const debar_file_limits_t *limits,
    debar_found_pt sink, void *data)
{
    size_t           n;
    uint8_t          head[DEBAR_FILE_HEAD];
    debar_reader_t   rd;
    debar_reading_t  all;

    debar_file_archive_prepare();

    memset(&all, 0, sizeof(all));
    debar_reading_limits(&all.limits, limits);
    all.room = room;
    all.sink = sink;
    all.data = data;
    all.size = src->size;
    all.marks = marks;

    memset(&rd, 0, offsetof(debar_reader_t, head));
    rd.all = &all;
    rd.src = *src;
    rd.length = src->size;

    if (sha256 != NULL) {
        memcpy(rd.sha256, sha256, 32);
        rd.has_sha256 = 1;

    } else {
        rd.has_sha256 = debar_reading_digest(src, rd.sha256) == DEBAR_OK;
    }

    n = src->size < sizeof(head) ? src->size : sizeof(head);

    if (debar_reader_at(&rd, 0, head, n) != DEBAR_OK) {
        n = 0;
        all.bounds |= DEBAR_FILE_BROKEN;
    }

    debar_reading_file(&rd, head, n);

    return all.enough ? DEBAR_DECLINED : (int) all.bounds;
}


static void
debar_reading_limits(debar_file_limits_t *to, const debar_file_limits_t *limits)
{
    memset(to, 0, sizeof(*to));

    if (limits != NULL) {
        *to = *limits;
    }

    to->depth = to->depth ? to->depth : 5;
    to->members = to->members ? to->members : 10000;
    to->findings = to->findings ? to->findings : 20000;
    to->expanded = to->expanded ? to->expanded : 4ULL << 30;
    to->ratio = to->ratio ? to->ratio : 200;
    to->member = to->member ? to->member : 256 << 20;
    to->held = to->held ? to->held : 64 << 20;

    if (to->depth > DEBAR_FILE_DEEPEST) {
        to->depth = DEBAR_FILE_DEEPEST;
    }
}


/* A file, or a member, with all that is in it. */

static void
debar_reading_file(debar_reader_t *rd, const uint8_t *head, size_t len)
{
    uint64_t  start;
    unsigned  type, image;

    type = debar_file_type(head, len, len == rd->src.size);
    image = debar_reading_image(rd);

    /* an image may begin with anything: it is told as one, unless it is a
     * program with a few bytes put behind it */

    rd->type = image && debar_file_class(type) != DEBAR_CLASS_PROGRAM ? image
                                                                       : type;
    debar_reading_run(rd, type);

    if (image != DEBAR_FILE_UNKNOWN && image != type) {
        debar_reading_also(rd, image);
    }

    if (type != DEBAR_FILE_CRX
        && debar_file_class(type) != DEBAR_CLASS_ARCHIVE
        && debar_reading_trailing_zip(rd, &start))
    {
        if (start) {
            (void) debar_reader_part(rd, "overlay", 7, start,
                                     rd->src.size - start);
        } else {
            debar_reading_also(rd, DEBAR_FILE_ZIP);
        }
    }

    (void) debar_reading_tell_file(rd);
    (void) debar_reading_tell_end(rd);
}


static void
debar_reading_run(debar_reader_t *rd, unsigned type)
{
    unsigned                   i;
    const debar_reader_row_t  *row;

    rd->as = type;
    row = debar_reader_rows;

    while (row->type != DEBAR_FILE_TYPES && row->type != type) {
        row++;
    }

    for (i = 0; i < DEBAR_FILE_READERS && row->readers[i]; i++) {
        if (rd->all->stop) {
            break;
        }

        (void) row->readers[i](rd);

        if (rd->open) {
            debar_reading_finish(rd, 0);
        }
    }
}


/* The same bytes as a file of another type, too. */

static void
debar_reading_also(debar_reader_t *rd, unsigned type)
{
    rd->also = 1;
    debar_reading_run(rd, type);
    rd->also = 0;
}


/*
 * Types whose magic is not at the start: a disk image of Apple's by its
 * trailer, ISO 9660 and UDF behind 32 KiB that may hold anything.
 */

static unsigned
debar_reading_image(debar_reader_t *rd)
{
    char  buf[5];

    if (rd->src.size >= 512
        && debar_reader_at(rd, rd->src.size - 512, buf, 4) == DEBAR_OK
        && memcmp(buf, "koly", 4) == 0)
    {
        return DEBAR_FILE_DMG;
    }

    if (debar_reader_at(rd, 0x8001, buf, 5) == DEBAR_OK
        && (memcmp(buf, "CD001", 5) == 0 || memcmp(buf, "BEA01", 5) == 0))
    {
        return DEBAR_FILE_ISO;
    }

    /* volumes of Apple's as they are: HFS+, APFS */

    if (debar_reader_at(rd, 1024, buf, 4) == DEBAR_OK
        && (memcmp(buf, "H+\0\4", 4) == 0 || memcmp(buf, "HX\0\5", 4) == 0))
    {
        return DEBAR_FILE_DMG;
    }

    if (debar_reader_at(rd, 32, buf, 4) == DEBAR_OK
        && memcmp(buf, "NXSB", 4) == 0)
    {
        return DEBAR_FILE_DMG;
    }

    return DEBAR_FILE_UNKNOWN;
}


/*
 * A ZIP is found from its end, whatever stands before it: programs that unpack
 * themselves, and files that are two things at once.  Readers of ZIP find where
 * it starts, but of ZIP64: start is set where that is not the file's.
 */

static int
debar_reading_trailing_zip(debar_reader_t *rd, uint64_t *start)
{
    char      *buf, *p;
    size_t     n;
    uint8_t   *e;
    uint64_t   from, dir;
    int        found;

    *start = 0;
    n = rd->src.size < 65535 + 22 ? rd->src.size : 65535 + 22;

    if (n < 22 + 46) {
        return 0;
    }

    from = rd->src.size - n;
    buf = debar_reader_bytes(rd, from, n);

    if (buf == NULL) {
        return 0;
    }

    for (p = buf, found = 0; !found; p++) {
        p = memmem(p, buf + n - p, "PK\5\6", 4);

        if (p == NULL || buf + n - p < 22) {
            break;
        }

        /* the directory's size leads to its first entry; of a larger one
         * (ZIP64) it stands elsewhere, and a locator before the end */

        e = (uint8_t *) p;
        dir = debar_le32(e + 12);

        if (dir == 0xffffffff) {
            found = p - buf >= 76 && memcmp(p - 20, "PK\6\7", 4) == 0
                    && memcmp(p - 76, "PK\6\6", 4) == 0
                    && debar_le64(e - 12) <= from + (p - 76 - buf);
            *start = found ? from + (p - 76 - buf) - debar_le64(e - 12) : 0;
            continue;
        }

        found = dir >= 46 && dir <= from + (p - buf)
                && debar_reader_at(rd, from + (p - buf) - dir, rd->head, 4)
                   == DEBAR_OK
                && memcmp(rd->head, "PK\1\2", 4) == 0;
    }

    free(buf);

    return found;
}


static int
debar_reading_digest(const debar_file_source_t *src, uint8_t *out)
{
    int          rc;
    long         n;
    char         buf[DEBAR_FILE_CHUNK];
    uint64_t     off;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();

    if (md == NULL || !EVP_DigestInit_ex(md, EVP_sha256(), NULL)) {
        EVP_MD_CTX_free(md);
        return DEBAR_ERROR;
    }

    for (off = 0, n = 1; off < src->size; off += n) {
        n = src->read(src->data, off, buf, sizeof(buf));

        if (n <= 0 || !EVP_DigestUpdate(md, buf, n)) {
            break;
        }
    }

    rc = off >= src->size && EVP_DigestFinal_ex(md, out, NULL)
         ? DEBAR_OK : DEBAR_ERROR;
    EVP_MD_CTX_free(md);

    return rc;
}


/* --- telling ------------------------------------------------------------- */

/* found->depth is set; its text is clean already. */

static int
debar_reading_tell(debar_reader_t *rd, debar_found_t *found)
{
    debar_reading_t  *all = rd->all;

    if (all->stop) {
        return DEBAR_DECLINED;
    }

    if (all->findings == all->limits.findings) {
        all->bounds |= DEBAR_FILE_MEMBERS;
        all->stop = 1;
        return DEBAR_DECLINED;
    }

    all->findings++;

    if (all->sink(all->data, found) == DEBAR_DECLINED) {
        all->stop = 1;
        all->enough = 1;
        return DEBAR_DECLINED;
    }

    return DEBAR_OK;
}


/*
 * Before the first thing that is found in it, when its readers have had the
 * chance to say what it is more exactly.
 */

static int
debar_reading_tell_file(debar_reader_t *rd)
{
    debar_found_t  found;

    if (rd->told) {
        return rd->all->stop ? DEBAR_DECLINED : DEBAR_OK;
    }

    rd->told = 1;

    memset(&found, 0, sizeof(found));
    found.what = DEBAR_FOUND_FILE;
    found.depth = rd->depth;
    found.type = rd->type;
    found.size = rd->length;
    found.name = debar_str(rd->name.text, rd->name.len);
    found.has_sha256 = rd->has_sha256;
    memcpy(found.sha256, rd->sha256, 32);

    return debar_reading_tell(rd, &found);
}


static int
debar_reading_tell_end(debar_reader_t *rd)
{
    debar_found_t  found;

    if (!rd->parent) {
        return DEBAR_OK;
    }

    memset(&found, 0, sizeof(found));
    found.what = DEBAR_FOUND_END;
    found.depth = rd->depth;

    return debar_reading_tell(rd, &found);
}


static int
debar_reader_tell(debar_reader_t *rd, debar_found_t *found)
{
    if (debar_reading_tell_file(rd) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    found->depth = rd->depth;

    return debar_reading_tell(rd, found);
}


int
debar_reader_field(debar_reader_t *rd, const char *name, unsigned role,
    const char *value, size_t len)
{
    debar_found_t        found;
    debar_reader_text_t  text;

    debar_reading_text(&text, value, len);

    if (text.len == 0) {
        return rd->all->stop ? DEBAR_DECLINED : DEBAR_OK;
    }

    memset(&found, 0, sizeof(found));
    found.what = DEBAR_FOUND_FIELD;
    found.role = role;
    found.name = debar_str(name, strlen(name));
    found.value = debar_str(text.text, text.len);

    return debar_reader_tell(rd, &found);
}


int
debar_reader_package(debar_reader_t *rd, const char *ecosystem,
    const char *value, size_t len)
{
    debar_found_t        found;
    debar_reader_text_t  text;

    debar_reading_text(&text, value, len);

    if (text.len == 0) {
        return rd->all->stop ? DEBAR_DECLINED : DEBAR_OK;
    }

    memset(&found, 0, sizeof(found));
    found.what = DEBAR_FOUND_PACKAGE;
    found.name = debar_str(ecosystem, strlen(ecosystem));
    found.value = debar_str(text.text, text.len);

    return debar_reader_tell(rd, &found);
}


int
debar_reader_signer(debar_reader_t *rd, const debar_found_t *signer)
{
    unsigned             i;
    debar_str_t         *s;
    debar_found_t        found;
    debar_reader_text_t  text[5];

    found = *signer;
    found.what = DEBAR_FOUND_SIGNER;
    found.thumbprint.len = found.thumbprint.len < 32 ? found.thumbprint.len
                                                     : 32;

    for (i = 0; i < 5; i++) {
        s = i == 0 ? &found.name
            : i == 1 ? &found.value
            : i == 2 ? &found.organization
            : i == 3 ? &found.common_name : &found.issuer;

        debar_reading_text(&text[i], s->data, s->len);
        *s = debar_str(text[i].text, text[i].len);
    }

    return debar_reader_tell(rd, &found);
}


/* --- text ---------------------------------------------------------------- */

/*
 * UTF-8; other bytes are read as ISO 8859-1, as good a guess as any for the
 * names of old archives.  White space is a space, control characters go, and
 * it is cut between characters.
 */

static void
debar_reading_text(debar_reader_text_t *to, const char *data, size_t len)
{
    char         ch[2];
    size_t       n, used;
    const char  *from;

    to->len = 0;

    if (len > 4 * DEBAR_FOUND_TEXT) {
        len = 4 * DEBAR_FOUND_TEXT;
    }

    while (len) {
        used = debar_utf8_len(data, len);

        if (used > 2 || (used == 2 && (uint8_t) data[0] != 0xc2)) {
            from = data;
            n = used;

        } else {
            from = ch;
            n = debar_reading_char(data, used, ch);
            used = used ? used : 1;
        }

        if (to->len + n > DEBAR_FOUND_TEXT) {
            break;
        }

        memcpy(to->text + to->len, from, n);
        to->len += n;
        data += used;
        len -= used;
    }
}


/* One character below U+0100, used being 0 where it is no UTF-8. */

static size_t
debar_reading_char(const char *p, size_t used, char *out)
{
    unsigned  cp;

    cp = used == 2 ? (uint8_t) p[1] : (uint8_t) p[0];

    if (cp == '\t' || cp == '\n' || cp == '\r') {
        cp = ' ';
    }

    if (cp < ' ' || (cp >= 0x7f && cp < 0xa0)) {
        return 0;
    }

    if (cp < 0x80) {
        out[0] = cp;
        return 1;
    }

    out[0] = 0xc0 | cp >> 6;
    out[1] = 0x80 | (cp & 0x3f);

    return 2;
}


/* --- what readers ask ---------------------------------------------------- */

const debar_file_source_t *
debar_reader_source(debar_reader_t *rd)
{
    return &rd->src;
}


const debar_file_marks_t *
debar_reader_marks(const debar_reader_t *rd)
{
    return rd->depth == 0 && rd->src.size == rd->all->size ? rd->all->marks
                                                           : NULL;
}


debar_str_t
debar_reader_name(const debar_reader_t *rd)
{
    return debar_str(rd->name.text, rd->name.len);
}


unsigned
debar_reader_is(const debar_reader_t *rd)
{
    return rd->as;
}


void
debar_reader_type(debar_reader_t *rd, unsigned type)
{
    if (!rd->also) {
        rd->type = type;
    }
}


void
debar_reader_bound(debar_reader_t *rd, unsigned bits)
{
    rd->all->bounds |= bits;
}


int
debar_reader_at(debar_reader_t *rd, uint64_t off, void *buf, size_t n)
{
    long      got;
    uint8_t  *p = buf;

    if (off > rd->src.size || n > rd->src.size - off) {
        return DEBAR_ERROR;
    }

    while (n) {
        got = rd->src.read(rd->src.data, off, p, n);

        if (got <= 0) {
            return DEBAR_ERROR;
        }

        p += got;
        off += got;
        n -= got;
    }

    return DEBAR_OK;
}


void *
debar_reader_bytes(debar_reader_t *rd, uint64_t off, uint64_t n)
{
    char  *p;

    if (off > rd->src.size || n > rd->src.size - off) {
        return NULL;
    }

    if (n > rd->all->limits.held) {
        debar_reader_bound(rd, DEBAR_FILE_HELD);
        return NULL;
    }

    p = malloc(n + 1);

    if (p == NULL) {
        debar_reader_bound(rd, DEBAR_FILE_HELD);
        return NULL;
    }

    if (debar_reader_at(rd, off, p, n) != DEBAR_OK) {
        free(p);
        return NULL;
    }

    p[n] = '\0';

    return p;
}


void *
debar_reader_alloc(debar_reader_t *rd, uint64_t n)
{
    void  *p;

    if (n > rd->all->limits.held - rd->held) {
        debar_reader_bound(rd, DEBAR_FILE_HELD);
        return NULL;
    }

    p = calloc(1, n ? n : 1);

    if (p == NULL) {
        debar_reader_bound(rd, DEBAR_FILE_HELD);
        return NULL;
    }

    rd->held += n;

    return p;
}


void
debar_reader_free(debar_reader_t *rd, void *p, uint64_t n)
{
    if (p != NULL) {
        free(p);
        rd->held -= n;
    }
}


/* --- members ------------------------------------------------------------- */

int
debar_reader_member(debar_reader_t *rd, const char *name, size_t len)
{
    debar_reading_t  *all = rd->all;

    if (debar_reading_member(rd, name, len) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    rd->md = EVP_MD_CTX_new();

    if (rd->md == NULL || !EVP_DigestInit_ex(rd->md, EVP_sha256(), NULL)) {
        EVP_MD_CTX_free(rd->md);
        rd->md = NULL;
    }

    rd->kept = 0;

    if (all->room != NULL) {
        rd->kept = all->room->begin(all->room->data, rd->depth + 1) == DEBAR_OK;

        if (!rd->kept) {
            all->bounds |= DEBAR_FILE_HELD;
        }
    }

    rd->open = 1;

    return DEBAR_OK;
}


/* The same for members that come as bytes and as a part of the file. */

static int
debar_reading_member(debar_reader_t *rd, const char *name, size_t len)
{
    debar_reading_t  *all = rd->all;

    if (rd->open) {
        debar_reading_finish(rd, 0);
    }

    if (all->stop || all->full) {
        return DEBAR_DECLINED;
    }

    if (rd->depth == all->limits.depth) {
        all->bounds |= DEBAR_FILE_DEPTH;
        return DEBAR_DECLINED;
    }

    if (all->members == all->limits.members) {
        all->bounds |= DEBAR_FILE_MEMBERS;
        all->full = 1;
        return DEBAR_DECLINED;
    }

    if (debar_reading_tell_file(rd) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    all->members++;
    rd->parent = 1;
    rd->size = 0;
    rd->nhead = 0;
    debar_reading_text(&rd->member, name, len);

    return DEBAR_OK;
}


int
debar_reader_push(debar_reader_t *rd, const void *data, size_t len)
{
    size_t            n;
    debar_reading_t  *all = rd->all;

    if (!rd->open || all->stop || debar_reading_grows(rd, len) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    if (rd->md != NULL && !EVP_DigestUpdate(rd->md, data, len)) {
        EVP_MD_CTX_free(rd->md);
        rd->md = NULL;
    }

    n = sizeof(rd->head) - rd->nhead;
    n = n < len ? n : len;
    memcpy(rd->head + rd->nhead, data, n);
    rd->nhead += n;

    if (rd->kept && rd->size < all->limits.member) {
        n = all->limits.member - rd->size < len ? all->limits.member - rd->size
                                                : len;

        if (all->room->write(all->room->data, rd->depth + 1, data, n)
            != DEBAR_OK)
        {
            rd->kept = 0;
            all->bounds |= DEBAR_FILE_HELD;

        } else if (n != len) {
            all->bounds |= DEBAR_FILE_HELD;
        }
    }

    rd->size += len;

    return DEBAR_OK;
}


/* Bytes that are more than those of the file itself, against both bounds. */

static int
debar_reading_grows(debar_reader_t *rd, size_t n)
{
    debar_reading_t  *all = rd->all;

    all->expanded += n;

    if (all->expanded > all->limits.expanded
        || (all->expanded > 64 << 20
            && all->expanded / all->limits.ratio > all->size))
    {
        all->bounds |= DEBAR_FILE_EXPANDED;
        all->full = 1;
        return DEBAR_DECLINED;
    }

    return DEBAR_OK;
}


int
debar_reader_done(debar_reader_t *rd)
{
    if (rd->open) {
        debar_reading_finish(rd, 1);
    }

    return rd->all->stop || rd->all->full ? DEBAR_DECLINED : DEBAR_OK;
}


/* The open member is read; cut off, it has no digest. */

static void
debar_reading_finish(debar_reader_t *rd, int whole)
{
    debar_reader_t    member;
    debar_reading_t  *all = rd->all;

    debar_reading_open(rd, &member);
    member.length = rd->size;

    if (rd->md != NULL) {
        member.has_sha256 = whole
                          && EVP_DigestFinal_ex(rd->md, member.sha256, NULL);
        EVP_MD_CTX_free(rd->md);
        rd->md = NULL;
    }

    rd->open = 0;

    /* of a sealed member nothing came */

    if (!whole && rd->size == 0) {
        (void) debar_reading_tell_file(&member);
        return;
    }

    if (rd->kept
        && all->room->source(all->room->data, rd->depth + 1, &member.src)
           == DEBAR_OK)
    {
        debar_reading_file(&member, rd->head, rd->nhead);
        return;
    }

    member.type = debar_file_type(rd->head, rd->nhead, rd->nhead == rd->size);
    (void) debar_reading_tell_file(&member);
}


static void
debar_reading_open(debar_reader_t *rd, debar_reader_t *member)
{
    memset(member, 0, offsetof(debar_reader_t, head));
    member->all = rd->all;
    member->depth = rd->depth + 1;
    member->name = rd->member;
}


int
debar_reader_part(debar_reader_t *rd, const char *name, size_t len,
    uint64_t off, uint64_t n)
{
    int                  grown;
    debar_reader_t       member;
    debar_reader_part_t  part;

    if (off > rd->src.size) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    if (n > rd->src.size - off) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        n = rd->src.size - off;
    }

    if (debar_reading_member(rd, name, len) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    debar_reading_open(rd, &member);
    part.src = &rd->src;
    part.off = off;
    part.size = n;
    member.src.data = &part;
    member.src.size = n;
    member.src.read = debar_reader_part_read;
    member.length = n;
    grown = debar_reading_grows(rd, n);
    n = n < sizeof(rd->head) ? n : sizeof(rd->head);

    if (debar_reader_at(rd, off, rd->head, n) != DEBAR_OK) {
        n = 0;
    }

    if (grown != DEBAR_OK) {
        member.type = debar_file_type(rd->head, n, n == member.length);
        (void) debar_reading_tell_file(&member);
        return DEBAR_DECLINED;
    }

    member.has_sha256 = debar_reading_digest(&member.src, member.sha256)
                        == DEBAR_OK;
    debar_reading_file(&member, rd->head, n);

    return rd->all->stop || rd->all->full ? DEBAR_DECLINED : DEBAR_OK;
}


static long
debar_reader_part_read(void *data, uint64_t off, void *buf, size_t n)
{
    debar_reader_part_t  *part = data;

    if (off >= part->size) {
        return 0;
    }

    if (n > part->size - off) {
        n = part->size - off;
    }

    return part->src->read(part->src->data, part->off + off, buf, n);
}
