/*
 * Disk images of Apple's: the trailer ("koly") says where the signature lies,
 * whose CodeDirectory is of what stands before it, and where a property list has
 * the tables of the partitions, by whose pieces they are unpacked: each is a
 * member.  Of a partition HFS+ is read (file_hfs.c); in others at least the
 * signatures of programs are found.  ADC and LZFSE are not unpacked.
 */

#include <stdlib.h>

#include <expat.h>
#include <openssl/evp.h>

#include "file_apple.h"
#include "file_hfs.h"
#include "file_unpack.h"


#define DEBAR_DMG_TRAILER  512
#define DEBAR_DMG_LIST     (8 << 20)      /* the property list */
#define DEBAR_DMG_TABLES   32
#define DEBAR_DMG_TABLE    204            /* its head; 40 bytes each piece */
#define DEBAR_DMG_NAME     128
#define DEBAR_DMG_CHUNK    16384

#define DEBAR_DMG_ZERO     0x00000000
#define DEBAR_DMG_RAW      0x00000001
#define DEBAR_DMG_IGNORE   0x00000002
#define DEBAR_DMG_ZLIB     0x80000005
#define DEBAR_DMG_BZIP2    0x80000006
#define DEBAR_DMG_LZMA     0x80000008
#define DEBAR_DMG_COMMENT  0x7ffffffe
#define DEBAR_DMG_END      0xffffffff


typedef struct {
    debar_buf_t       table;
    char              name[DEBAR_DMG_NAME];
    size_t            len;
} debar_dmg_part_t;

typedef struct {
    debar_reader_t   *rd;
    uint64_t          fork;       /* where their pieces lie */
    debar_dmg_part_t  parts[DEBAR_DMG_TABLES];
    unsigned          nparts;
} debar_dmg_t;

/* The property list as it is read. */

typedef struct {
    debar_dmg_t      *d;
    XML_Parser        xml;
    unsigned          levels;
    unsigned          tables;     /* the level of what "blkx" is; 0: not there */
    char              key[16];
    debar_buf_t       text;
} debar_dmg_list_t;

/* A partition as it is unpacked. */

typedef struct {
    debar_reader_t   *rd;
    uint64_t          made;       /* bytes of it */
    uint64_t          end;        /* of the piece at hand */
} debar_dmg_piece_t;


static int debar_dmg_signature(debar_reader_t *rd, const uint8_t *b);
static int debar_dmg_volume(debar_reader_t *rd);
static void debar_dmg_list(debar_dmg_t *d, uint64_t off, uint64_t len);
static void XMLCALL debar_dmg_start(void *data, const XML_Char *name,
    const XML_Char **attrs);
static void XMLCALL debar_dmg_text(void *data, const XML_Char *s, int len);
static void XMLCALL debar_dmg_stop(void *data, const XML_Char *name);
static void debar_dmg_value(debar_dmg_list_t *l, const char *name);
static void debar_dmg_table(debar_dmg_list_t *l);
static int debar_dmg_partition(debar_dmg_t *d, debar_dmg_part_t *p);
static int debar_dmg_piece(debar_dmg_t *d, debar_dmg_piece_t *at,
    const uint8_t *e, uint64_t base);
static int debar_dmg_push(void *data, const void *buf, size_t n);
static int debar_dmg_zero(debar_dmg_piece_t *at);


int
debar_file_read_dmg(debar_reader_t *rd)
{
    int          rc;
    uint8_t      b[DEBAR_DMG_TRAILER];
    unsigned     i;
    uint64_t     size;
    debar_dmg_t  d;

    size = debar_reader_source(rd)->size;

    if (size < sizeof(b)
        || debar_reader_at(rd, size - sizeof(b), b, sizeof(b)) != DEBAR_OK
        || memcmp(b, "koly", 4) != 0)
    {
        return debar_dmg_volume(rd);
    }

    rc = debar_dmg_signature(rd, b);

    memset(&d, 0, sizeof(d));
    d.rd = rd;
    d.fork = debar_be64(b + 24);

    if (rc == DEBAR_OK) {
        debar_dmg_list(&d, debar_be64(b + 216), debar_be64(b + 224));
    }

    if (d.nparts == 0) {
        debar_reader_bound(rd, DEBAR_FILE_UNREAD);
    }

    for (i = 0; i < d.nparts; i++) {
        if (rc == DEBAR_OK) {
            rc = debar_dmg_partition(&d, &d.parts[i]);
        }

        debar_buf_free(&d.parts[i].table);
    }

    return rc;
}


static int
debar_dmg_signature(debar_reader_t *rd, const uint8_t *b)
{
    debar_apple_t  all;
    debar_macho_t  m;

    memset(&m, 0, sizeof(m));
    m.rd = rd;
    m.all = &all;
    m.size = debar_reader_source(rd)->size - DEBAR_DMG_TRAILER;
    m.signature = debar_be64(b + 296);
    m.signature_size = debar_be64(b + 304);
    all.lists = 0;
    all.left = 2 * m.size;

    if (m.signature == 0) {
        debar_macho_lost(&m);
    }

    return m.signature ? debar_code_read(&m) : DEBAR_OK;
}


/* No trailer: an encrypted image, or a file system as it is. */

static int
debar_dmg_volume(debar_reader_t *rd)
{
    int      rc;
    uint8_t  b[8];

    if (debar_reader_at(rd, 0, b, 8) == DEBAR_OK
        && memcmp(b, "encrcdsa", 8) == 0)
    {
        debar_reader_bound(rd, DEBAR_FILE_SEALED);
        return DEBAR_OK;
    }

    rc = debar_hfs(rd);

    if (rc == DEBAR_ERROR) {
        debar_reader_bound(rd, DEBAR_FILE_UNREAD);
        rc = debar_code_scan(rd);
    }

    return rc;
}


/* --- the property list ---------------------------------------------------- */

static void
debar_dmg_list(debar_dmg_t *d, uint64_t off, uint64_t len)
{
    char              *xml;
    debar_dmg_list_t   l;

    if (len == 0) {
        return;
    }

    if (len > DEBAR_DMG_LIST) {
        debar_reader_bound(d->rd, DEBAR_FILE_HELD);
        return;
    }

    xml = debar_reader_bytes(d->rd, off, len);

    if (xml == NULL) {
        debar_reader_bound(d->rd, DEBAR_FILE_BROKEN);
        return;
    }

    memset(&l, 0, sizeof(l));
    l.d = d;
    l.xml = XML_ParserCreate(NULL);

    if (l.xml != NULL) {
        XML_SetUserData(l.xml, &l);
        XML_SetElementHandler(l.xml, debar_dmg_start, debar_dmg_stop);
        XML_SetCharacterDataHandler(l.xml, debar_dmg_text);

        if (XML_Parse(l.xml, xml, len, 1) != XML_STATUS_OK) {
            debar_reader_bound(d->rd, DEBAR_FILE_BROKEN);
        }

        XML_ParserFree(l.xml);
    }

    debar_buf_free(&l.text);
    free(xml);
}


static void XMLCALL
debar_dmg_start(void *data, const XML_Char *name, const XML_Char **attrs)
{
    debar_dmg_list_t  *l = data;

    l->levels++;
    l->text.len = 0;

    if (l->tables == 0 && strcmp(name, "array") == 0
        && strcmp(l->key, "blkx") == 0)
    {
        l->tables = l->levels;
    }
}


static void XMLCALL
debar_dmg_text(void *data, const XML_Char *s, int len)
{
    debar_dmg_list_t  *l = data;

    if (l->text.len + len > DEBAR_DMG_LIST) {
        (void) XML_StopParser(l->xml, XML_FALSE);
        return;
    }

    debar_buf_add(&l->text, s, len);
}


static void XMLCALL
debar_dmg_stop(void *data, const XML_Char *name)
{
    debar_dmg_list_t  *l = data;

    debar_buf_add(&l->text, "", 1);
    l->text.len--;

    if (strcmp(name, "key") == 0) {
        strncpy(l->key, l->text.data, sizeof(l->key) - 1);

    } else if (l->tables != 0 && l->levels > l->tables) {
        debar_dmg_value(l, name);

    } else if (l->tables == l->levels) {
        l->tables = 0;
        l->key[0] = '\0';
    }

    l->text.len = 0;
    l->levels--;
}


/* Of a table its bytes come before its names, but for one. */

static void
debar_dmg_value(debar_dmg_list_t *l, const char *name)
{
    size_t             len;
    debar_dmg_part_t  *p;

    if (strcmp(name, "data") == 0 && strcmp(l->key, "Data") == 0) {
        debar_dmg_table(l);
        return;
    }

    if (strcmp(name, "string") != 0 || strcmp(l->key, "Name") != 0
        || l->d->nparts == 0)
    {
        return;
    }

    p = &l->d->parts[l->d->nparts - 1];
    len = l->text.len < sizeof(p->name) ? l->text.len : sizeof(p->name);
    memcpy(p->name, l->text.data, len);
    p->len = len;
}


static void
debar_dmg_table(debar_dmg_list_t *l)
{
    int                n, last;
    uint8_t           *out;
    EVP_ENCODE_CTX    *ctx;
    debar_dmg_part_t  *p;

    if (l->d->nparts == DEBAR_DMG_TABLES) {
        debar_reader_bound(l->d->rd, DEBAR_FILE_MEMBERS);
        return;
    }

    out = malloc(l->text.len + 64);
    ctx = EVP_ENCODE_CTX_new();

    if (out != NULL && ctx != NULL) {
        EVP_DecodeInit(ctx);

        if (EVP_DecodeUpdate(ctx, out, &n, (uint8_t *) l->text.data,
                             l->text.len) >= 0)
        {
            n += EVP_DecodeFinal(ctx, out + n, &last) > 0 ? last : 0;
            p = &l->d->parts[l->d->nparts++];
            debar_buf_add(&p->table, out, n);
        }
    }

    EVP_ENCODE_CTX_free(ctx);
    free(out);
}


/* --- partitions ----------------------------------------------------------- */

static int
debar_dmg_partition(debar_dmg_t *d, debar_dmg_part_t *p)
{
    int                 rc;
    uint64_t            base;
    uint32_t            i, n;
    const uint8_t      *t;
    debar_dmg_piece_t   at;

    t = (const uint8_t *) p->table.data;

    if (p->table.len < DEBAR_DMG_TABLE || memcmp(t, "mish", 4) != 0) {
        debar_reader_bound(d->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    n = debar_be32(t + 200);

    if (n > (p->table.len - DEBAR_DMG_TABLE) / 40) {
        debar_reader_bound(d->rd, DEBAR_FILE_BROKEN);
        n = (p->table.len - DEBAR_DMG_TABLE) / 40;
    }

    rc = debar_reader_member(d->rd, p->name, p->len);
    base = d->fork + debar_be64(t + 24);
    at.rd = d->rd;
    at.made = 0;

    for (i = 0; i < n && rc == DEBAR_OK; i++) {
        rc = debar_dmg_piece(d, &at, t + DEBAR_DMG_TABLE + 40 * i, base);
    }

    return rc == DEBAR_OK ? debar_reader_done(d->rd) : rc;
}


/* Zeros stand where there is nothing, and where it cannot be unpacked. */

static int
debar_dmg_piece(debar_dmg_t *d, debar_dmg_piece_t *at, const uint8_t *e,
    uint64_t base)
{
    int       rc;
    uint32_t  type;
    uint64_t  sector, count, off, len, size;

    type = debar_be32(e);
    sector = debar_be64(e + 8);
    count = debar_be64(e + 16);
    off = base + debar_be64(e + 24);
    len = debar_be64(e + 32);
    size = debar_reader_source(d->rd)->size;

    if (type == DEBAR_DMG_COMMENT || type == DEBAR_DMG_END) {
        return DEBAR_OK;
    }

    if (sector > (1ULL << 40) || count > (1ULL << 40)
        || sector * 512 < at->made)
    {
        debar_reader_bound(d->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    at->end = sector * 512;
    rc = debar_dmg_zero(at);
    at->end += count * 512;

    if (rc != DEBAR_OK || type == DEBAR_DMG_ZERO || type == DEBAR_DMG_IGNORE) {
        return rc == DEBAR_OK ? debar_dmg_zero(at) : rc;
    }

    if (type != DEBAR_DMG_RAW && type != DEBAR_DMG_ZLIB
        && type != DEBAR_DMG_BZIP2 && type != DEBAR_DMG_LZMA)
    {
        debar_reader_bound(d->rd, DEBAR_FILE_UNREAD);
        return debar_dmg_zero(at);
    }

    if (off > size || len > size - off) {
        debar_reader_bound(d->rd, DEBAR_FILE_BROKEN);
        return debar_dmg_zero(at);
    }

    rc = debar_file_unpack(d->rd, off, len, type == DEBAR_DMG_RAW
                      ? DEBAR_UNPACK_STORED : type == DEBAR_DMG_ZLIB
                      ? DEBAR_UNPACK_ZLIB : DEBAR_UNPACK_OTHER,
                      debar_dmg_push, at);

    if (rc == DEBAR_ERROR) {
        debar_reader_bound(d->rd, DEBAR_FILE_BROKEN);
        rc = DEBAR_OK;
    }

    return rc == DEBAR_OK ? debar_dmg_zero(at) : rc;
}


static int
debar_dmg_push(void *data, const void *buf, size_t n)
{
    debar_dmg_piece_t  *at = data;

    if (n > at->end - at->made) {
        return DEBAR_ERROR;
    }

    at->made += n;

    return debar_reader_push(at->rd, buf, n);
}


/* Up to the end of the piece. */

static int
debar_dmg_zero(debar_dmg_piece_t *at)
{
    int     rc;
    char    zeros[DEBAR_DMG_CHUNK];
    size_t  n;

    memset(zeros, 0, sizeof(zeros));

    for (rc = DEBAR_OK; at->made < at->end && rc == DEBAR_OK; at->made += n) {
        n = at->end - at->made < sizeof(zeros) ? at->end - at->made
                                               : sizeof(zeros);
        rc = debar_reader_push(at->rd, zeros, n);
    }

    return rc;
}
