/*
 * Images of discs by UDF (ECMA-167, UDF 1.02 to 2.60): what its folders name,
 * which may be more than the ISO 9660 beside it does, and systems prefer it.
 *
 * An anchor at block 256 leads to a sequence of descriptors: of a partition, and
 * of the volume, which leads to its root.  A file is a block that tells its kind,
 * its length and where its bytes are; a folder's bytes are names with the blocks
 * of their files.  Volumes on one plain partition with blocks of 2048 bytes are
 * read; others (virtual, sparable, with metadata of their own) are said.
 */

#include <stdlib.h>

#include "file_read.h"


#define DEBAR_UDF_BLOCK     2048
#define DEBAR_UDF_MARKS     64        /* blocks in which its mark is looked for */
#define DEBAR_UDF_VOLUME    64        /* descriptors */
#define DEBAR_UDF_FOLDERS   4096
#define DEBAR_UDF_FOLDER    (4 << 20) /* bytes of one */
#define DEBAR_UDF_NAMES     (32 << 20) /* ... of all */
#define DEBAR_UDF_EXTENTS   4096      /* of one file */
#define DEBAR_UDF_MORES     65536     /* blocks that tell extents, of all */
#define DEBAR_UDF_PATH      1024
#define DEBAR_UDF_SLOTS     16384     /* twice that many, and more */

#define DEBAR_UDF_SHORT     0         /* how the extents of a file are told */
#define DEBAR_UDF_LONG      1
#define DEBAR_UDF_INLINE    3


typedef enum {
    DEBAR_UDF_ANCHOR = 2,
    DEBAR_UDF_PARTITION = 5,
    DEBAR_UDF_LOGICAL = 6,
    DEBAR_UDF_END = 8,
    DEBAR_UDF_SET = 256,
    DEBAR_UDF_NAME = 257,
    DEBAR_UDF_MORE = 258,
    DEBAR_UDF_FILE = 261,
    DEBAR_UDF_FILE_2 = 266
} debar_udf_tag_e;

typedef struct {
    uint64_t          off;            /* 0: nothing was written there */
    uint64_t          len;
} debar_udf_extent_t;

typedef struct {
    unsigned          folder;
    uint64_t          size;
    unsigned          n;
    debar_udf_extent_t  extents[DEBAR_UDF_EXTENTS];
} debar_udf_file_t;

typedef struct {
    uint32_t          block;
    char             *path;           /* with a slash behind it, or empty */
    size_t            len;
} debar_udf_folder_t;

typedef struct {
    debar_reader_t   *rd;
    uint64_t          start;          /* of the partition */
    uint64_t          blocks;
    uint32_t          root;
    uint64_t          names;          /* bytes of folders that were read */
    unsigned          more;           /* blocks of extents, likewise */
    size_t            nfolders;
    debar_udf_file_t  file;
    debar_udf_folder_t  folders[DEBAR_UDF_FOLDERS];
    uint32_t          seen[DEBAR_UDF_SLOTS];    /* blocks of folders, plus 1 */
} debar_udf_t;


static int debar_udf_is(debar_reader_t *rd);
static int debar_udf_open(debar_udf_t *u);
static int debar_udf_volume(debar_udf_t *u, uint64_t at, unsigned n);
static int debar_udf_root(debar_udf_t *u, uint32_t set);
static int debar_udf_block(debar_udf_t *u, uint64_t block, uint8_t *buf);
static unsigned debar_udf_tag(const uint8_t *p);
static int debar_udf_find(debar_udf_t *u, uint32_t block);
static int debar_udf_extents(debar_udf_t *u, uint32_t block, uint8_t *p,
    size_t from, size_t len, unsigned how);
static int debar_udf_extent(debar_udf_t *u, const uint8_t *p, unsigned how,
    uint64_t *left);
static int debar_udf_folder(debar_udf_t *u, const debar_udf_folder_t *folder);
static int debar_udf_name(debar_udf_t *u, const debar_udf_folder_t *folder,
    const uint8_t *p, size_t n);
static size_t debar_udf_text(const uint8_t *p, size_t n, char *out,
    size_t size);
static void debar_udf_push(debar_udf_t *u, uint32_t block, const char *path,
    size_t len);
static int debar_udf_member(debar_udf_t *u, const char *path, size_t len);
static int debar_udf_bytes(debar_udf_t *u, const debar_udf_extent_t *e,
    uint64_t *left);


int
debar_file_read_udf(debar_reader_t *rd)
{
    int           rc;
    size_t        i;
    debar_udf_t  *u;

    if (!debar_udf_is(rd)) {
        return DEBAR_OK;
    }

    u = debar_reader_alloc(rd, sizeof(*u));

    if (u == NULL) {
        return DEBAR_OK;
    }

    u->rd = rd;
    rc = debar_udf_open(u);

    if (rc == DEBAR_OK) {
        debar_udf_push(u, u->root, "", 0);
    }

    for (i = 0; i < u->nfolders && rc == DEBAR_OK; i++) {
        rc = debar_udf_folder(u, &u->folders[i]);
    }

    for (i = 0; i < u->nfolders; i++) {
        free(u->folders[i].path);
    }

    debar_reader_free(rd, u, sizeof(*u));

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


/* "NSR02" or "NSR03" stands among the marks of a volume. */

static int
debar_udf_is(debar_reader_t *rd)
{
    char      id[5];
    unsigned  i;

    for (i = 16; i < DEBAR_UDF_MARKS; i++) {
        if (debar_reader_at(rd, i * DEBAR_UDF_BLOCK + 1, id, 5) != DEBAR_OK) {
            return 0;
        }

        if (memcmp(id, "NSR0", 4) == 0) {
            return 1;
        }
    }

    return 0;
}


/* --- the volume ---------------------------------------------------------- */

static int
debar_udf_open(debar_udf_t *u)
{
    uint8_t   p[DEBAR_UDF_BLOCK];
    unsigned  i, n;

    if (debar_reader_at(u->rd, 256 * DEBAR_UDF_BLOCK, p, sizeof(p))
        != DEBAR_OK || debar_udf_tag(p) != DEBAR_UDF_ANCHOR)
    {
        debar_reader_bound(u->rd, DEBAR_FILE_UNREAD);
        return DEBAR_ERROR;
    }

    /* the sequence, and its copy */

    for (i = 16; i <= 24; i += 8) {
        n = debar_le32(p + i) / DEBAR_UDF_BLOCK;

        if (debar_udf_volume(u, debar_le32(p + i + 4), n) == DEBAR_OK) {
            return DEBAR_OK;
        }
    }

    debar_reader_bound(u->rd, DEBAR_FILE_UNREAD);

    return DEBAR_ERROR;
}


static int
debar_udf_volume(debar_udf_t *u, uint64_t at, unsigned n)
{
    uint8_t   p[DEBAR_UDF_BLOCK];
    uint32_t  set;
    unsigned  i, tag, logical;

    u->blocks = 0;
    logical = 0;
    set = 0;

    for (i = 0; i < n && i < DEBAR_UDF_VOLUME; i++) {
        if (debar_reader_at(u->rd, (at + i) * DEBAR_UDF_BLOCK, p, sizeof(p))
            != DEBAR_OK)
        {
            break;
        }

        tag = debar_udf_tag(p);

        if (tag == DEBAR_UDF_PARTITION) {
            u->start = debar_le32(p + 188);
            u->blocks = debar_le32(p + 192);

        } else if (tag == DEBAR_UDF_LOGICAL) {

            /* one map, and that a plain one */

            logical = debar_le32(p + 212) == DEBAR_UDF_BLOCK
                      && debar_le32(p + 268) == 1 && p[440] == 1;
            set = debar_le32(p + 252);

        } else if (tag == DEBAR_UDF_END) {
            break;
        }
    }

    return logical && u->blocks ? debar_udf_root(u, set) : DEBAR_ERROR;
}


static int
debar_udf_root(debar_udf_t *u, uint32_t set)
{
    uint8_t  p[DEBAR_UDF_BLOCK];

    if (debar_udf_block(u, set, p) != DEBAR_OK
        || debar_udf_tag(p) != DEBAR_UDF_SET)
    {
        return DEBAR_ERROR;
    }

    u->root = debar_le32(p + 404);

    return DEBAR_OK;
}


/* Of the partition. */

static int
debar_udf_block(debar_udf_t *u, uint64_t block, uint8_t *buf)
{
    if (block >= u->blocks) {
        return DEBAR_ERROR;
    }

    return debar_reader_at(u->rd, (u->start + block) * DEBAR_UDF_BLOCK, buf,
                           DEBAR_UDF_BLOCK);
}


/* A descriptor's kind, where the sum of its tag is right. */

static unsigned
debar_udf_tag(const uint8_t *p)
{
    uint8_t   sum;
    unsigned  i;

    for (i = 0, sum = 0; i < 16; i++) {
        sum += i == 4 ? 0 : p[i];
    }

    return sum == p[4] ? debar_le16(p) : 0;
}


/* --- files --------------------------------------------------------------- */

/* What the block says of a file, in u->file.  DEBAR_DECLINED: it is neither a
 * file nor a folder. */

static int
debar_udf_find(debar_udf_t *u, uint32_t block)
{
    size_t             attrs, descs, from;
    uint8_t            p[DEBAR_UDF_BLOCK];
    unsigned           tag, type;
    debar_udf_file_t  *f = &u->file;

    f->n = 0;

    if (debar_udf_block(u, block, p) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    tag = debar_udf_tag(p);

    if (tag != DEBAR_UDF_FILE && tag != DEBAR_UDF_FILE_2) {
        return DEBAR_ERROR;
    }

    type = p[27];
    f->folder = type == 4;
    f->size = debar_le64(p + 56);
    from = tag == DEBAR_UDF_FILE ? 176 : 216;
    attrs = debar_le32(p + from - 8);
    descs = debar_le32(p + from - 4);

    if (attrs > DEBAR_UDF_BLOCK - from
        || descs > DEBAR_UDF_BLOCK - from - attrs)
    {
        return DEBAR_ERROR;
    }

    if (type != 4 && type != 5 && type != 249) {
        return DEBAR_DECLINED;
    }

    from += attrs;

    if ((p[34] & 7) == DEBAR_UDF_INLINE) {
        f->extents[0].off = (u->start + block) * DEBAR_UDF_BLOCK + from;
        f->extents[0].len = f->size < descs ? f->size : descs;
        f->n = 1;

        return DEBAR_OK;
    }

    if ((p[34] & 7) > DEBAR_UDF_LONG) {
        return DEBAR_ERROR;
    }

    return debar_udf_extents(u, block, p, from, descs, p[34] & 7);
}


/* Extents are told in the block of the file, then in others; p is used up. */

static int
debar_udf_extents(debar_udf_t *u, uint32_t block, uint8_t *p, size_t from,
    size_t len, unsigned how)
{
    size_t    each;
    uint32_t  next;
    uint64_t  left;

    each = how == DEBAR_UDF_SHORT ? 8 : 16;
    left = u->file.size;

    while (len >= each && left != 0) {

        if (debar_le32(p + from) >> 30 == 3) {
            next = debar_le32(p + from + 4);

            if (u->more++ >= DEBAR_UDF_MORES || next == block
                || debar_udf_block(u, next, p) != DEBAR_OK
                || debar_udf_tag(p) != DEBAR_UDF_MORE)
            {
                return DEBAR_ERROR;
            }

            block = next;
            from = 24;
            len = debar_le32(p + 20);
            len = len < DEBAR_UDF_BLOCK - 24 ? len : DEBAR_UDF_BLOCK - 24;
            continue;
        }

        if ((debar_le32(p + from) & 0x3fffffff) == 0) {
            break;
        }

        if (debar_udf_extent(u, p + from, how, &left) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        from += each;
        len -= each;
    }

    return DEBAR_OK;
}


static int
debar_udf_extent(debar_udf_t *u, const uint8_t *p, unsigned how,
    uint64_t *left)
{
    uint64_t             off, len;
    debar_udf_file_t    *f = &u->file;
    debar_udf_extent_t  *last;

    len = debar_le32(p) & 0x3fffffff;
    len = len < *left ? len : *left;
    off = 0;

    if (debar_le32(p) >> 30 == 0) {
        off = (u->start + debar_le32(p + 4)) * DEBAR_UDF_BLOCK;

        if (debar_le32(p + 4) >= u->blocks
            || (how == DEBAR_UDF_LONG && debar_le16(p + 8) != 0))
        {
            return DEBAR_ERROR;
        }
    }

    *left -= len;
    last = f->n ? &f->extents[f->n - 1] : NULL;

    /* a large file is told in pieces that stand behind each other */

    if (last != NULL && off && last->off && last->off + last->len == off) {
        last->len += len;
        return DEBAR_OK;
    }

    if (f->n == DEBAR_UDF_EXTENTS) {
        debar_reader_bound(u->rd, DEBAR_FILE_HELD);
        *left = 0;
        return DEBAR_OK;
    }

    f->extents[f->n].off = off;
    f->extents[f->n].len = len;
    f->n++;

    return DEBAR_OK;
}


/* --- folders ------------------------------------------------------------- */

static int
debar_udf_folder(debar_udf_t *u, const debar_udf_folder_t *folder)
{
    int        rc;
    size_t     at, n;
    uint8_t   *p;
    uint64_t   size, len, off;
    unsigned   i;

    rc = debar_udf_find(u, folder->block);

    if (rc != DEBAR_OK || !u->file.folder) {
        debar_reader_bound(u->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    size = u->file.size;

    if (size > DEBAR_UDF_FOLDER || (u->names += size) > DEBAR_UDF_NAMES) {
        debar_reader_bound(u->rd, DEBAR_FILE_HELD);
        return DEBAR_OK;
    }

    p = debar_reader_alloc(u->rd, size);

    if (p == NULL) {
        return DEBAR_OK;
    }

    for (i = 0, at = 0; i < u->file.n && at < size; i++, at += len) {
        off = u->file.extents[i].off;
        len = u->file.extents[i].len;
        len = len < size - at ? len : size - at;

        if (off && debar_reader_at(u->rd, off, p + at, len) != DEBAR_OK) {
            debar_reader_bound(u->rd, DEBAR_FILE_BROKEN);
            break;
        }
    }

    /* u->file is used for what is in it from here on */

    for (at = 0, rc = DEBAR_OK; size - at >= 38 && rc == DEBAR_OK; at += n) {
        if (debar_udf_tag(p + at) != DEBAR_UDF_NAME) {
            debar_reader_bound(u->rd, DEBAR_FILE_BROKEN);
            break;
        }

        n = (38 + debar_le16(p + at + 36) + p[at + 19] + 3) & ~3;

        if (n > size - at) {
            debar_reader_bound(u->rd, DEBAR_FILE_BROKEN);
            break;
        }

        rc = debar_udf_name(u, folder, p + at, n);
    }

    debar_reader_free(u->rd, p, size);

    return rc;
}


/* A name and the block of its file; deleted ones and the way up are none. */

static int
debar_udf_name(debar_udf_t *u, const debar_udf_folder_t *folder,
    const uint8_t *p, size_t n)
{
    int       rc;
    char      path[DEBAR_UDF_PATH];
    size_t    len;
    uint32_t  block;

    if (p[18] & (0x04|0x08)) {
        return DEBAR_OK;
    }

    memcpy(path, folder->path, folder->len);
    len = folder->len;

    if (len < sizeof(path) - 1) {
        len += debar_udf_text(p + 38 + debar_le16(p + 36), p[19], path + len,
                              sizeof(path) - 1 - len);
    }

    block = debar_le32(p + 24);

    if (p[18] & 0x02) {
        debar_udf_push(u, block, path, len);
        return DEBAR_OK;
    }

    rc = debar_udf_find(u, block);

    if (rc == DEBAR_DECLINED) {
        return DEBAR_OK;
    }

    if (rc != DEBAR_OK) {
        debar_reader_bound(u->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    if (u->file.folder) {
        debar_udf_push(u, block, path, len);
        return DEBAR_OK;
    }

    return debar_udf_member(u, path, len);
}


/* A byte says how wide its characters are: 8 or 16 bits. */

static size_t
debar_udf_text(const uint8_t *p, size_t n, char *out, size_t size)
{
    size_t    i, len, wide;
    uint32_t  c;

    if (n == 0) {
        return 0;
    }

    wide = p[0] == 16 || p[0] == 255 ? 2 : 1;

    for (i = 1, len = 0; i + wide <= n && len + 3 <= size; i += wide) {
        c = wide == 2 ? p[i] << 8 | p[i + 1] : p[i];

        if (c < 0x80) {
            out[len++] = c;
            continue;
        }

        if (c >= 0x800) {
            out[len++] = 0xe0 | c >> 12;
            out[len++] = 0x80 | (c >> 6 & 0x3f);

        } else {
            out[len++] = 0xc0 | c >> 6;
        }

        out[len++] = 0x80 | (c & 0x3f);
    }

    return len;
}


/* Each folder once: those of hostile images are in themselves. */

static void
debar_udf_push(debar_udf_t *u, uint32_t block, const char *path, size_t len)
{
    size_t               i;
    debar_udf_folder_t  *folder;

    for (i = block * 2654435761u % DEBAR_UDF_SLOTS;
         u->seen[i] != 0;
         i = (i + 1) % DEBAR_UDF_SLOTS)
    {
        if (u->seen[i] == block + 1) {
            return;
        }
    }

    if (u->nfolders == DEBAR_UDF_FOLDERS || block >= u->blocks) {
        debar_reader_bound(u->rd, DEBAR_FILE_MEMBERS);
        return;
    }

    folder = &u->folders[u->nfolders];
    folder->path = malloc(len + 1);   /* and a slash, but for the root */

    if (folder->path == NULL) {
        debar_reader_bound(u->rd, DEBAR_FILE_HELD);
        return;
    }

    memcpy(folder->path, path, len);
    folder->len = len;

    if (len != 0 && len < DEBAR_UDF_PATH) {
        folder->path[folder->len++] = '/';
    }

    folder->block = block;
    u->nfolders++;
    u->seen[i] = block + 1;
}


/* --- bytes --------------------------------------------------------------- */

static int
debar_udf_member(debar_udf_t *u, const char *path, size_t len)
{
    int                rc;
    uint64_t           left;
    unsigned           i;
    debar_udf_file_t  *f = &u->file;

    if (f->n == 1 && f->extents[0].off && f->extents[0].len == f->size) {
        rc = debar_reader_part(u->rd, path, len, f->extents[0].off, f->size);

        return rc == DEBAR_ERROR ? DEBAR_OK : rc;
    }

    rc = debar_reader_member(u->rd, path, len);
    left = f->size;

    for (i = 0; i < f->n && rc == DEBAR_OK && left; i++) {
        rc = debar_udf_bytes(u, &f->extents[i], &left);
    }

    if (rc == DEBAR_ERROR || (rc == DEBAR_OK && left)) {

        /* what follows begins another one, or ends the reader */

        debar_reader_bound(u->rd, DEBAR_FILE_BROKEN);
        return DEBAR_OK;
    }

    return rc == DEBAR_OK ? debar_reader_done(u->rd) : rc;
}


static int
debar_udf_bytes(debar_udf_t *u, const debar_udf_extent_t *e, uint64_t *left)
{
    int       rc;
    char      buf[8 * DEBAR_UDF_BLOCK];
    size_t    n;
    uint64_t  at, len;

    len = e->len < *left ? e->len : *left;
    memset(buf, 0, sizeof(buf));

    for (at = 0, rc = DEBAR_OK; at < len && rc == DEBAR_OK; at += n) {
        n = len - at < sizeof(buf) ? len - at : sizeof(buf);

        if (e->off && debar_reader_at(u->rd, e->off + at, buf, n) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        rc = debar_reader_push(u->rd, buf, n);
    }

    *left -= len;

    return rc;
}
