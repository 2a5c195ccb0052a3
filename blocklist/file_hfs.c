/*
 * Files of a volume of HFS+ or HFSX, by its catalogue (Apple's Technical Note
 * TN1150).  All leaves of the catalogue are read as they lie there, those that
 * are free too: what was deleted is still there.
 */

#include <stdlib.h>

#include "file_apple.h"
#include "file_hfs.h"


#define DEBAR_HFS_CATALOG  (16 << 20)
#define DEBAR_HFS_EXTENTS  8
#define DEBAR_HFS_FOLDERS  10000
#define DEBAR_HFS_LEVELS   32
#define DEBAR_HFS_NAME     128           /* bytes, of one */
#define DEBAR_HFS_PATH     512
#define DEBAR_HFS_CHUNK    16384


typedef struct {
    uint64_t           size;
    uint64_t           off[DEBAR_HFS_EXTENTS];
    uint64_t           len[DEBAR_HFS_EXTENTS];
} debar_hfs_fork_t;

typedef struct {
    uint32_t           id;
    uint32_t           parent;
    uint32_t           len;
    char               name[DEBAR_HFS_NAME];
} debar_hfs_folder_t;

typedef struct {
    debar_reader_t      *rd;
    uint32_t             block;
    uint8_t             *catalog;
    uint64_t             size;    /* of it */
    uint32_t             node;    /* bytes of each */
    debar_hfs_folder_t  *folders;
    unsigned             nfolders;
    unsigned             room;
} debar_hfs_t;

typedef int (*debar_hfs_record_pt)(debar_hfs_t *h, const uint8_t *key,
    const uint8_t *data, uint32_t len);


static int debar_hfs_catalog(debar_hfs_t *h, const uint8_t *head);
static void debar_hfs_fork(debar_hfs_t *h, const uint8_t *p,
    debar_hfs_fork_t *f);
static int debar_hfs_leaves(debar_hfs_t *h, debar_hfs_record_pt record);
static int debar_hfs_leaf(debar_hfs_t *h, const uint8_t *node,
    debar_hfs_record_pt record);
static int debar_hfs_folder(debar_hfs_t *h, const uint8_t *key,
    const uint8_t *data, uint32_t len);
static int debar_hfs_folder_cmp(const void *a, const void *b);
static int debar_hfs_file(debar_hfs_t *h, const uint8_t *key,
    const uint8_t *data, uint32_t len);
static int debar_hfs_bytes(debar_hfs_t *h, debar_hfs_fork_t *f,
    const char *path, size_t len);
static size_t debar_hfs_path(debar_hfs_t *h, const uint8_t *key, char *path);
static size_t debar_hfs_name(const uint8_t *key, char *out, size_t size);
static uint16_t debar_be16(const uint8_t *p);


int
debar_hfs(debar_reader_t *rd)
{
    int          rc;
    uint8_t      head[512];
    debar_hfs_t  h;

    if (debar_reader_at(rd, 1024, head, sizeof(head)) != DEBAR_OK
        || (memcmp(head, "H+\0\4", 4) != 0 && memcmp(head, "HX\0\5", 4) != 0))
    {
        return DEBAR_ERROR;
    }

    memset(&h, 0, sizeof(h));
    h.rd = rd;

    if (debar_hfs_catalog(&h, head) != DEBAR_OK) {
        debar_reader_bound(rd, DEBAR_FILE_BROKEN);
        rc = DEBAR_OK;

    } else {
        rc = debar_hfs_leaves(&h, debar_hfs_folder);

        if (h.nfolders) {
            qsort(h.folders, h.nfolders, sizeof(debar_hfs_folder_t),
                  debar_hfs_folder_cmp);
        }

        if (rc == DEBAR_OK) {
            rc = debar_hfs_leaves(&h, debar_hfs_file);
        }
    }

    debar_reader_free(rd, h.folders, h.room * sizeof(debar_hfs_folder_t));
    debar_reader_free(rd, h.catalog, h.size);

    return rc;
}


/* --- the catalogue -------------------------------------------------------- */

static int
debar_hfs_catalog(debar_hfs_t *h, const uint8_t *head)
{
    uint64_t          at, n;
    unsigned          i;
    debar_hfs_fork_t  f;

    h->block = debar_be32(head + 40);

    if (h->block < 512 || h->block > 1 << 24) {
        return DEBAR_ERROR;
    }

    debar_hfs_fork(h, head + 272, &f);

    if (f.size > DEBAR_HFS_CATALOG) {
        debar_reader_bound(h->rd, DEBAR_FILE_HELD);
        f.size = DEBAR_HFS_CATALOG;
    }

    h->catalog = debar_reader_alloc(h->rd, f.size);

    if (h->catalog == NULL) {
        return DEBAR_ERROR;
    }

    h->size = f.size;

    for (i = 0, at = 0; i < DEBAR_HFS_EXTENTS && at < f.size; i++) {
        n = f.len[i] < f.size - at ? f.len[i] : f.size - at;

        if (debar_reader_at(h->rd, f.off[i], h->catalog + at, n) != DEBAR_OK) {
            debar_reader_bound(h->rd, DEBAR_FILE_BROKEN);
            break;
        }

        at += n;
    }

    if (at < f.size) {
        debar_reader_bound(h->rd, DEBAR_FILE_BROKEN);
    }

    if (at < 512) {
        return DEBAR_ERROR;
    }

    h->node = debar_be16(h->catalog + 32);

    return h->node >= 512 && h->node <= h->size ? DEBAR_OK : DEBAR_ERROR;
}


static void
debar_hfs_fork(debar_hfs_t *h, const uint8_t *p, debar_hfs_fork_t *f)
{
    unsigned  i;

    f->size = debar_be64(p);

    for (i = 0; i < DEBAR_HFS_EXTENTS; i++) {
        f->off[i] = (uint64_t) debar_be32(p + 16 + 8 * i) * h->block;
        f->len[i] = (uint64_t) debar_be32(p + 20 + 8 * i) * h->block;
    }
}


static int
debar_hfs_leaves(debar_hfs_t *h, debar_hfs_record_pt record)
{
    int       rc;
    uint64_t  at;

    for (at = h->node, rc = DEBAR_OK;
         at + h->node <= h->size && rc == DEBAR_OK;
         at += h->node)
    {
        if (h->catalog[at + 8] == 0xff) {
            rc = debar_hfs_leaf(h, h->catalog + at, record);
        }
    }

    return rc;
}


/* Where its records begin is said from its end; no more of them fit in than
 * have a key of 6 bytes and two of data. */

static int
debar_hfs_leaf(debar_hfs_t *h, const uint8_t *node, debar_hfs_record_pt record)
{
    int       rc;
    uint32_t  i, n, at, data;

    n = debar_be16(node + 10);
    n = n < h->node / 10 ? n : h->node / 10;

    for (i = 0, rc = DEBAR_OK; i < n && rc == DEBAR_OK; i++) {
        at = debar_be16(node + h->node - 2 * (i + 1));

        if (at < 14 || at + 10 > h->node) {
            continue;
        }

        data = at + 2 + debar_be16(node + at);

        if (debar_be16(node + at) < 6 || data + 2 > h->node
            || 6 + 2 * debar_be16(node + at + 6) > debar_be16(node + at))
        {
            continue;
        }

        rc = record(h, node + at, node + data, h->node - data);
    }

    return rc;
}


static int
debar_hfs_folder(debar_hfs_t *h, const uint8_t *key, const uint8_t *data,
    uint32_t len)
{
    unsigned             room;
    debar_hfs_folder_t  *f;

    if (len < 88 || debar_be16(data) != 1) {
        return DEBAR_OK;
    }

    if (h->nfolders == h->room) {
        room = h->room ? 2 * h->room : 64;
        f = room <= 2 * DEBAR_HFS_FOLDERS
            ? debar_reader_alloc(h->rd, room * sizeof(*f)) : NULL;

        /* the paths of what is in the others lack them */

        if (f == NULL) {
            return DEBAR_OK;
        }

        if (h->nfolders) {
            memcpy(f, h->folders, h->nfolders * sizeof(*f));
        }

        debar_reader_free(h->rd, h->folders, h->room * sizeof(*f));
        h->folders = f;
        h->room = room;
    }

    f = &h->folders[h->nfolders++];
    f->id = debar_be32(data + 8);
    f->parent = debar_be32(key + 2);
    f->len = debar_hfs_name(key, f->name, sizeof(f->name));

    return DEBAR_OK;
}


static int
debar_hfs_folder_cmp(const void *a, const void *b)
{
    const debar_hfs_folder_t  *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}


/* --- files ---------------------------------------------------------------- */

static int
debar_hfs_file(debar_hfs_t *h, const uint8_t *key, const uint8_t *data,
    uint32_t len)
{
    char              path[DEBAR_HFS_PATH];
    size_t            n;
    unsigned          i;
    debar_hfs_fork_t  f;

    if (len < 248 || debar_be16(data) != 2) {
        return DEBAR_OK;
    }

    debar_hfs_fork(h, data + 88, &f);

    if (f.size == 0) {
        return DEBAR_OK;
    }

    n = debar_hfs_path(h, key, path);

    /* in one piece, nothing has to be copied */

    for (i = 1; i < DEBAR_HFS_EXTENTS && f.len[0] < f.size; i++) {
        if (f.off[i] != f.off[0] + f.len[0]) {
            break;
        }

        f.len[0] += f.len[i];
        f.off[i] = 0;
        f.len[i] = 0;
    }

    if (f.len[0] >= f.size) {
        return debar_reader_part(h->rd, path, n, f.off[0], f.size)
               == DEBAR_DECLINED ? DEBAR_DECLINED : DEBAR_OK;
    }

    return debar_hfs_bytes(h, &f, path, n);
}


static int
debar_hfs_bytes(debar_hfs_t *h, debar_hfs_fork_t *f, const char *path,
    size_t len)
{
    int       rc;
    char      buf[DEBAR_HFS_CHUNK];
    size_t    n;
    unsigned  i;
    uint64_t  left;

    rc = debar_reader_member(h->rd, path, len);
    left = f->size;

    for (i = 0; i < DEBAR_HFS_EXTENTS && left; i++) {
        while (f->len[i] && left && rc == DEBAR_OK) {
            n = f->len[i] < sizeof(buf) ? f->len[i] : sizeof(buf);
            n = n < left ? n : left;

            if (debar_reader_at(h->rd, f->off[i], buf, n) != DEBAR_OK) {
                debar_reader_bound(h->rd, DEBAR_FILE_BROKEN);
                return DEBAR_OK;
            }

            rc = debar_reader_push(h->rd, buf, n);
            f->off[i] += n;
            f->len[i] -= n;
            left -= n;
        }
    }

    /* more pieces than eight are elsewhere: it is read as far as it came */

    if (rc == DEBAR_OK && left) {
        debar_reader_bound(h->rd, DEBAR_FILE_UNREAD);
        return DEBAR_OK;
    }

    return rc == DEBAR_OK ? debar_reader_done(h->rd) : rc;
}


/* From its end: as many of its folders as there is room for. */

static size_t
debar_hfs_path(debar_hfs_t *h, const uint8_t *key, char *path)
{
    size_t               at, n;
    unsigned             levels;
    debar_hfs_folder_t   want, *f;

    char                 name[DEBAR_HFS_NAME];

    n = debar_hfs_name(key, name, sizeof(name));
    at = DEBAR_HFS_PATH - n;
    memcpy(path + at, name, n);
    want.id = debar_be32(key + 2);

    /* 2 is the root, whose name is the volume's */

    for (levels = 0; levels < DEBAR_HFS_LEVELS && want.id > 2; levels++) {
        f = h->nfolders ? bsearch(&want, h->folders, h->nfolders, sizeof(*f),
                                  debar_hfs_folder_cmp) : NULL;

        if (f == NULL || f->len + 1 > at) {
            break;
        }

        path[--at] = '/';
        at -= f->len;
        memcpy(path + at, f->name, f->len);
        want.id = f->parent;
    }

    memmove(path, path + at, DEBAR_HFS_PATH - at);

    return DEBAR_HFS_PATH - at;
}


/* UTF-16 to UTF-8, as much as there is room for. */

static size_t
debar_hfs_name(const uint8_t *key, char *out, size_t size)
{
    size_t    len;
    uint32_t  i, n, ch;

    n = debar_be16(key + 6);

    for (i = 0, len = 0; i < n && len + 4 <= size; i++) {
        ch = debar_be16(key + 8 + 2 * i);

        if (ch >= 0xd800 && ch < 0xdc00 && i + 1 < n) {
            ch = 0x10000 + ((ch & 0x3ff) << 10)
                 + (debar_be16(key + 8 + 2 * ++i) & 0x3ff);
            out[len++] = 0xf0 | ch >> 18;
            out[len++] = 0x80 | (ch >> 12 & 0x3f);
            out[len++] = 0x80 | (ch >> 6 & 0x3f);
            out[len++] = 0x80 | (ch & 0x3f);

        } else if (ch >= 0x800) {
            out[len++] = 0xe0 | ch >> 12;
            out[len++] = 0x80 | (ch >> 6 & 0x3f);
            out[len++] = 0x80 | (ch & 0x3f);

        } else if (ch >= 0x80) {
            out[len++] = 0xc0 | ch >> 6;
            out[len++] = 0x80 | (ch & 0x3f);

        } else {
            out[len++] = ch;
        }
    }

    return len;
}


static uint16_t
debar_be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}
