/*
 * Compound files of Windows ([MS-CFB]): packages of Windows Installer (msi,
 * msp, msm), and documents and messages with what is packed in them.
 *
 * Our own walk, since libgsf and libmsi work on GLib's objects and files by
 * name, and abort where memory ends; what is needed of the format is a chain
 * and a tree.
 *
 * Chains of sectors are followed as long as the file has sectors, and not
 * around; the tree of the directory takes each entry once; streams together
 * give no more bytes than the file has.
 */

#include <strings.h>

#include "file_ole.h"


#define DEBAR_OLE_ENTRIES  65536
#define DEBAR_OLE_CHUNK    16384
#define DEBAR_OLE_HEADER   512
#define DEBAR_OLE_DIFAT    109
#define DEBAR_OLE_FREE     0xffffffff
#define DEBAR_OLE_TYPE     0x42     /* offsets in an entry */
#define DEBAR_OLE_START    0x74
#define DEBAR_OLE_SIZE     0x78
#define DEBAR_OLE_PATH     1024
#define DEBAR_OLE_PARENTS  8


static int debar_ole_head(debar_ole_t *ole);
static int debar_ole_fat(debar_ole_t *ole, const uint8_t *head);
static void debar_ole_used(debar_ole_t *ole);
static int debar_ole_directory(debar_ole_t *ole, uint32_t start);
static void debar_ole_mini(debar_ole_t *ole, uint32_t start);
static uint32_t debar_ole_follow(const debar_ole_t *ole, uint32_t sector,
    unsigned small);
static uint32_t debar_ole_chain(debar_ole_t *ole, uint32_t start,
    uint32_t *list, uint32_t max);
static void debar_ole_sectors(debar_ole_t *ole, const uint32_t *list,
    uint32_t n, uint8_t *out);
static int debar_ole_tree(debar_ole_t *ole);
static void debar_ole_reach(debar_ole_t *ole, uint32_t *stack, uint32_t *n,
    uint32_t entry, uint32_t parent);
static void debar_ole_children(debar_ole_t *ole);
static int debar_ole_compare(const debar_ole_t *ole, uint32_t a, uint32_t b);
static void debar_ole_sort(debar_ole_t *ole);
static void debar_ole_sift(debar_ole_t *ole, uint32_t at, uint32_t n);
static uint64_t debar_ole_where(const debar_ole_t *ole,
    const debar_ole_stream_t *s);
static int debar_ole_advance(debar_ole_stream_t *s);
static void debar_ole_document(debar_ole_t *ole);
static int debar_ole_sealed(debar_ole_t *ole, uint32_t entry,
    const char *name);
static int debar_ole_members(debar_ole_t *ole, int msi);
static int debar_ole_member(debar_ole_t *ole, uint32_t entry, int msi);
static int debar_ole_native(debar_ole_t *ole, uint32_t entry);
static int debar_ole_hand(debar_ole_stream_t *s, const char *name, size_t len);
static size_t debar_ole_path(const debar_ole_t *ole, uint32_t entry,
    char out[DEBAR_OLE_PATH]);
static size_t debar_ole_attached(debar_ole_t *ole, uint32_t entry,
    char out[DEBAR_OLE_PATH]);
static void debar_ole_free(debar_ole_t *ole);


int
debar_file_read_ole(debar_reader_t *rd)
{
    int          rc, msi;
    debar_ole_t  ole;

    memset(&ole, 0, sizeof(ole));
    ole.rd = rd;
    ole.size = debar_reader_source(rd)->size;
    rc = debar_ole_head(&ole);

    if (rc == DEBAR_OK) {
        msi = debar_ole_is_msi(&ole);

        if (!msi) {
            debar_ole_document(&ole);
        }

        rc = debar_msi_read(&ole);

        if (rc == DEBAR_OK) {
            ole.budget = 2 * ole.size;
            rc = debar_ole_members(&ole, msi);
        }

        if (rc == DEBAR_OK && ole.used < ole.size) {
            rc = debar_reader_overlay(rd, ole.used, ole.size);
        }
    }

    debar_ole_free(&ole);

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


/* --- sectors ------------------------------------------------------------- */

/* DEBAR_ERROR: there is no directory to be read. */

static int
debar_ole_head(debar_ole_t *ole)
{
    uint8_t   b[DEBAR_OLE_HEADER];
    uint64_t  n;

    if (debar_reader_at(ole->rd, 0, b, sizeof(b)) != DEBAR_OK) {
        debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    ole->shift = debar_le16(b + 30);

    if ((ole->shift != 9 && ole->shift != 12) || debar_le16(b + 32) != 6
        || debar_le16(b + 28) != 0xfffe)
    {
        debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
        return DEBAR_ERROR;
    }

    /* the header takes a whole sector; the last one may be cut short */

    n = (ole->size + (1 << ole->shift) - 1) >> ole->shift;
    n = n < 0xfffffff0 ? n : 0xfffffff0;
    ole->nsectors = n ? n - 1 : 0;
    ole->cutoff = debar_le32(b + 56);
    ole->budget = ole->size;

    if (debar_ole_fat(ole, b) != DEBAR_OK
        || debar_ole_directory(ole, debar_le32(b + 48)) != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    debar_ole_used(ole);
    debar_ole_mini(ole, debar_le32(b + 60));

    return debar_ole_tree(ole);
}


/* Its sectors are listed in the header, then in a chain of their own, of which
 * no more is followed than the sectors of the file need. */

static int
debar_ole_fat(debar_ole_t *ole, const uint8_t *head)
{
    uint8_t   b[4];
    uint32_t  i, n, per, at, list;
    uint64_t  off;

    per = 1 << (ole->shift - 2);
    n = ((uint64_t) ole->nsectors + per - 1) / per;
    ole->nfat = (uint64_t) n << ole->shift;
    ole->fat = debar_reader_alloc(ole->rd, ole->nfat);

    if (ole->fat == NULL) {
        return DEBAR_ERROR;
    }

    memset(ole->fat, 0xff, ole->nfat);
    list = debar_le32(head + 68);

    for (i = 0; i < n; i++) {
        if (i < DEBAR_OLE_DIFAT) {
            at = debar_le32(head + 76 + 4 * i);

        } else {
            off = (uint64_t) list + 1;
            off = (off << ole->shift) + 4 * ((i - DEBAR_OLE_DIFAT) % (per - 1));

            if (list >= ole->nsectors
                || debar_reader_at(ole->rd, off, b, 4) != DEBAR_OK)
            {
                break;
            }

            at = debar_le32(b);

            if ((i - DEBAR_OLE_DIFAT) % (per - 1) == per - 2) {
                if (debar_reader_at(ole->rd, off + 4, b, 4) != DEBAR_OK) {
                    break;
                }

                list = debar_le32(b);
            }
        }

        if (at < ole->nsectors) {
            debar_ole_sectors(ole, &at, 1,
                              ole->fat + ((uint64_t) i << ole->shift));
        }
    }

    return DEBAR_OK;
}


/* What is behind the last sector that is used was put there. */

static void
debar_ole_used(debar_ole_t *ole)
{
    uint32_t  n;

    n = ole->nsectors;

    while (n && debar_le32(ole->fat + 4 * ((uint64_t) n - 1))
                == DEBAR_OLE_FREE)
    {
        n--;
    }

    ole->used = ((uint64_t) n + 1) << ole->shift;
}


static int
debar_ole_directory(debar_ole_t *ole, uint32_t start)
{
    uint32_t   n, max;
    uint32_t  *list;

    max = DEBAR_OLE_ENTRIES >> (ole->shift - 7);
    max = ole->nsectors < max ? ole->nsectors : max;
    list = debar_reader_alloc(ole->rd, 4 * (uint64_t) max);

    if (list == NULL) {
        return DEBAR_ERROR;
    }

    n = debar_ole_chain(ole, start, list, max);

    if (n == max && n != ole->nsectors) {
        debar_reader_bound(ole->rd, DEBAR_FILE_MEMBERS);
    }

    if (n) {
        ole->nentries = n << (ole->shift - 7);
        ole->dir = debar_reader_alloc(ole->rd, (uint64_t) n << ole->shift);

        if (ole->dir != NULL) {
            debar_ole_sectors(ole, list, n, ole->dir);
        }

    } else {
        debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
    }

    debar_reader_free(ole->rd, list, 4 * (uint64_t) max);

    return ole->dir != NULL ? DEBAR_OK : DEBAR_ERROR;
}


/* Small streams lie in sectors of 64 bytes in the stream of the root.  Without
 * them the others can be read. */

static void
debar_ole_mini(debar_ole_t *ole, uint32_t start)
{
    uint32_t   n, m, need;
    uint64_t   size;
    uint32_t  *list;

    size = debar_ole_size(ole, 0);

    if (size == 0) {
        return;
    }

    size = (size + (1 << ole->shift) - 1) >> ole->shift;
    need = size < ole->nsectors ? size : ole->nsectors;
    ole->mini = debar_reader_alloc(ole->rd, 4 * (uint64_t) need);
    ole->nmini = need;

    if (ole->mini == NULL) {
        return;
    }

    n = debar_ole_chain(ole, debar_le32(debar_ole_raw(ole, 0)
                                        + DEBAR_OLE_START), ole->mini, need);

    while (n < need) {
        ole->mini[n++] = DEBAR_OLE_FREE;
    }

    /* 4 bytes for 64 of them */

    need = (need + 15) / 16;
    list = debar_reader_alloc(ole->rd, 4 * (uint64_t) need);

    if (list == NULL) {
        return;
    }

    m = debar_ole_chain(ole, start, list, need);
    ole->nminifat = (uint64_t) m << ole->shift;
    ole->minifat = debar_reader_alloc(ole->rd, ole->nminifat);

    if (ole->minifat != NULL) {
        debar_ole_sectors(ole, list, m, ole->minifat);
    }

    debar_reader_free(ole->rd, list, 4 * (uint64_t) need);
}


static uint32_t
debar_ole_follow(const debar_ole_t *ole, uint32_t sector, unsigned small)
{
    uint64_t        n;
    const uint8_t  *table;

    table = small ? ole->minifat : ole->fat;
    n = small ? ole->nminifat : ole->nfat;

    return table != NULL && 4 * (uint64_t) sector < n
           ? debar_le32(table + 4 * (uint64_t) sector) : DEBAR_OLE_FREE;
}


/* The sectors of a chain, up to max of them. */

static uint32_t
debar_ole_chain(debar_ole_t *ole, uint32_t start, uint32_t *list, uint32_t max)
{
    uint32_t  n, mark;

    mark = DEBAR_OLE_FREE;

    for (n = 0; n < max && start < ole->nsectors; n++) {
        if (start == mark) {
            debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
            break;
        }

        if ((n & (n - 1)) == 0) {
            mark = start;
        }

        list[n] = start;
        start = debar_ole_follow(ole, start, 0);
    }

    return n;
}


/* Their bytes, zeros for what is cut off. */

static void
debar_ole_sectors(debar_ole_t *ole, const uint32_t *list, uint32_t n,
    uint8_t *out)
{
    size_t    len;
    uint32_t  i;
    uint64_t  off;

    for (i = 0; i < n; i++, out += 1 << ole->shift) {
        off = ((uint64_t) list[i] + 1) << ole->shift;
        len = 1 << ole->shift;

        if (off + len > ole->size) {
            debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
            len = off < ole->size ? ole->size - off : 0;
        }

        if (debar_reader_at(ole->rd, off, out, len) != DEBAR_OK) {
            debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
        }
    }
}


/* --- directory ----------------------------------------------------------- */

uint64_t
debar_ole_size(const debar_ole_t *ole, uint32_t entry)
{
    const uint8_t  *p = debar_ole_raw(ole, entry) + DEBAR_OLE_SIZE;

    /* files of 512-byte sectors may have anything in the upper half */

    return ole->shift == 9 ? debar_le32(p) : debar_le64(p);
}


unsigned
debar_ole_name_len(const debar_ole_t *ole, uint32_t entry)
{
    unsigned  n;

    n = debar_le16(debar_ole_raw(ole, entry) + 64) & ~1U;

    return n < 2 ? 0 : n > 64 ? 62 : n - 2;
}


/* Each entry that the root leads to, once; then all of them by parent and
 * name, so that the children of a storage stand together. */

static int
debar_ole_tree(debar_ole_t *ole)
{
    uint32_t        i, n, entry;
    uint32_t       *stack;
    const uint8_t  *p;

    ole->entries = debar_reader_alloc(ole->rd, ole->nentries
                                               * sizeof(debar_ole_entry_t));
    ole->order = debar_reader_alloc(ole->rd, 4 * (uint64_t) ole->nentries);
    stack = debar_reader_alloc(ole->rd, 4 * (uint64_t) ole->nentries);

    if (ole->entries == NULL || ole->order == NULL || stack == NULL) {
        debar_reader_free(ole->rd, stack, 4 * (uint64_t) ole->nentries);
        return DEBAR_ERROR;
    }

    ole->entries[0].reached = 1;
    n = 0;
    debar_ole_reach(ole, stack, &n, debar_le32(debar_ole_raw(ole, 0) + 0x4c),
                    0);

    while (n) {
        entry = stack[--n];
        p = debar_ole_raw(ole, entry);
        i = ole->entries[entry].parent;
        ole->order[ole->norder++] = entry;

        debar_ole_reach(ole, stack, &n, debar_le32(p + 0x44), i);
        debar_ole_reach(ole, stack, &n, debar_le32(p + 0x48), i);

        if (p[DEBAR_OLE_TYPE] == DEBAR_OLE_STORAGE) {
            debar_ole_reach(ole, stack, &n, debar_le32(p + 0x4c), entry);
        }
    }

    debar_reader_free(ole->rd, stack, 4 * (uint64_t) ole->nentries);
    debar_ole_sort(ole);
    debar_ole_children(ole);

    return DEBAR_OK;
}


static void
debar_ole_reach(debar_ole_t *ole, uint32_t *stack, uint32_t *n, uint32_t entry,
    uint32_t parent)
{
    unsigned  type;

    if (entry == DEBAR_OLE_NONE) {
        return;
    }

    if (entry < ole->nentries && !ole->entries[entry].reached) {
        type = debar_ole_raw(ole, entry)[DEBAR_OLE_TYPE];

        if (type == DEBAR_OLE_STORAGE || type == DEBAR_OLE_STREAM) {
            ole->entries[entry].reached = 1;
            ole->entries[entry].parent = parent;
            stack[(*n)++] = entry;
            return;
        }
    }

    debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
}


static void
debar_ole_children(debar_ole_t *ole)
{
    uint32_t            i;
    debar_ole_entry_t  *e, *parent;

    for (i = 0; i < ole->norder; i++) {
        e = &ole->entries[ole->order[i]];
        parent = &ole->entries[e->parent];
        e->place = i;

        if (parent->end == 0) {
            parent->first = i;
        }

        parent->end = i + 1;
    }
}


/* Windows Installer signs streams in the order of the bytes of their names;
 * where one is the beginning of the other, its end is a zero. */

static int
debar_ole_compare(const debar_ole_t *ole, uint32_t a, uint32_t b)
{
    int       diff;
    unsigned  m, n;

    if (ole->entries[a].parent != ole->entries[b].parent) {
        return ole->entries[a].parent < ole->entries[b].parent ? -1 : 1;
    }

    m = debar_ole_name_len(ole, a);
    n = debar_ole_name_len(ole, b);
    diff = memcmp(debar_ole_raw(ole, a), debar_ole_raw(ole, b),
                  m < n ? m : n);

    if (diff == 0) {
        diff = m != n ? (m < n ? -1 : 1) : (a < b ? -1 : 1);
    }

    return diff;
}


/* A heap: no memory, no input that is slow. */

static void
debar_ole_sort(debar_ole_t *ole)
{
    uint32_t  i, x;

    for (i = ole->norder / 2; i; i--) {
        debar_ole_sift(ole, i - 1, ole->norder);
    }

    for (i = ole->norder; i > 1; i--) {
        x = ole->order[0];
        ole->order[0] = ole->order[i - 1];
        ole->order[i - 1] = x;
        debar_ole_sift(ole, 0, i - 1);
    }
}


static void
debar_ole_sift(debar_ole_t *ole, uint32_t at, uint32_t n)
{
    uint32_t  child, x;

    for ( ;; ) {
        child = 2 * at + 1;

        if (child >= n) {
            return;
        }

        if (child + 1 < n
            && debar_ole_compare(ole, ole->order[child],
                                 ole->order[child + 1]) < 0)
        {
            child++;
        }

        if (debar_ole_compare(ole, ole->order[at], ole->order[child]) > 0) {
            return;
        }

        x = ole->order[at];
        ole->order[at] = ole->order[child];
        ole->order[child] = x;
        at = child;
    }
}


void
debar_ole_walk(debar_ole_walk_t *w, debar_ole_t *ole)
{
    memset(w, 0, sizeof(*w));
    w->ole = ole;
    w->next = ole->entries[0].first;
}


debar_ole_at_e
debar_ole_next(debar_ole_walk_t *w)
{
    debar_ole_entry_t  *e;

    if (w->done) {
        return DEBAR_OLE_AT_NOTHING;
    }

    e = &w->ole->entries[w->storage];

    if (w->next >= e->end) {
        w->entry = w->storage;
        w->done = w->storage == 0;
        w->storage = e->parent;
        w->next = e->place + 1;

        return DEBAR_OLE_AT_END;
    }

    w->entry = w->ole->order[w->next];

    if (debar_ole_raw(w->ole, w->entry)[DEBAR_OLE_TYPE] == DEBAR_OLE_STREAM) {
        w->next++;
        return DEBAR_OLE_AT_STREAM;
    }

    w->storage = w->entry;
    w->next = w->ole->entries[w->entry].first;

    return DEBAR_OLE_AT_STORAGE;
}


uint32_t
debar_ole_child(const debar_ole_t *ole, uint32_t storage, const char *name)
{
    char      text[DEBAR_OLE_NAME];
    uint32_t  i, entry;

    for (i = ole->entries[storage].first; i < ole->entries[storage].end; i++) {
        entry = ole->order[i];
        (void) debar_ole_name(ole, entry, text);

        if (strcasecmp(text, name) == 0) {
            return entry;
        }
    }

    return DEBAR_OLE_NONE;
}


uint32_t
debar_ole_lost(const debar_ole_t *ole, const char *name)
{
    char      text[DEBAR_OLE_NAME];
    uint32_t  i;

    for (i = 1; i < ole->nentries; i++) {
        if (!ole->entries[i].reached && debar_ole_name_len(ole, i)) {
            (void) debar_ole_name(ole, i, text);

            if (strcasecmp(text, name) == 0) {
                return i;
            }
        }
    }

    return DEBAR_OLE_NONE;
}


/*
 * Names of MSI have one or two characters of 64 in each unit from U+3800 on
 * (U+4840: of a table), so that 62 of them have room.
 */

size_t
debar_ole_name(const debar_ole_t *ole, uint32_t entry,
    char out[DEBAR_OLE_NAME])
{
    size_t          n;
    unsigned        i, len, ch;
    const uint8_t  *p;

    static const char  mime[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz._";

    p = debar_ole_raw(ole, entry);
    len = debar_ole_name_len(ole, entry);

    for (i = 0, n = 0; i < len; i += 2) {
        ch = debar_le16(p + i);

        if (ch >= 0x3800 && ch < 0x4800) {
            out[n++] = mime[(ch - 0x3800) & 0x3f];
            out[n++] = mime[(ch - 0x3800) >> 6];

        } else if (ch >= 0x4800 && ch < 0x4840) {
            out[n++] = mime[ch - 0x4800];

        } else if (ch == 0x4840 && i == 0) {
            out[n++] = '!';

        } else {
            n += debar_ole_utf16(p + i, 2, out + n, 3);
        }
    }

    out[n] = '\0';

    return n;
}


/* --- streams ------------------------------------------------------------- */

void
debar_ole_open(debar_ole_t *ole, uint32_t entry, debar_ole_stream_t *s)
{
    memset(s, 0, sizeof(*s));
    s->ole = ole;
    s->left = debar_ole_size(ole, entry);
    s->sector = debar_le32(debar_ole_raw(ole, entry) + DEBAR_OLE_START);
    s->small = s->left < ole->cutoff;
    s->mark = DEBAR_OLE_NONE;
}


long
debar_ole_read(debar_ole_stream_t *s, void *buf, size_t n)
{
    size_t        len, max, got, room;
    uint32_t      size;
    uint64_t      off;
    debar_ole_t  *ole = s->ole;

    n = n < s->left ? n : s->left;
    size = s->small ? 64 : 1 << ole->shift;

    for (got = 0; got < n; /* void */ ) {
        if (s->used == size && debar_ole_advance(s) != DEBAR_OK) {
            break;
        }

        off = debar_ole_where(ole, s);

        if (off == 0 || off >= ole->size) {
            break;
        }

        max = n - got;
        len = size - s->used < max ? size - s->used : max;
        s->used += len;

        /* sectors that lie behind each other are read at once */

        while (!s->small && len < max
               && debar_ole_follow(ole, s->sector, 0) == s->sector + 1
               && debar_ole_advance(s) == DEBAR_OK)
        {
            s->used = size < max - len ? size : max - len;
            len += s->used;
        }

        room = ole->size - off < ole->budget ? ole->size - off : ole->budget;
        room = room < len ? room : len;

        if (debar_reader_at(ole->rd, off, (char *) buf + got, room)
            != DEBAR_OK)
        {
            break;
        }

        ole->budget -= room;
        s->left -= room;
        got += room;

        if (room < len) {
            break;
        }
    }

    if (got < n || s->lost) {
        debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
        s->left = 0;
        s->lost = 1;
        return got ? (long) got : -1;
    }

    return got;
}


/* Where its next byte is in the file; 0: nowhere. */

static uint64_t
debar_ole_where(const debar_ole_t *ole, const debar_ole_stream_t *s)
{
    uint32_t  sector;
    uint64_t  off;

    if (!s->small) {
        return s->sector < ole->nsectors
               ? (((uint64_t) s->sector + 1) << ole->shift) + s->used : 0;
    }

    off = 64 * (uint64_t) s->sector + s->used;

    if (ole->mini == NULL || off >> ole->shift >= ole->nmini) {
        return 0;
    }

    sector = ole->mini[off >> ole->shift];

    return sector < ole->nsectors
           ? (((uint64_t) sector + 1) << ole->shift)
             + (off & ((1 << ole->shift) - 1))
           : 0;
}


/* A ring comes back to a sector that is kept at every power of two. */

static int
debar_ole_advance(debar_ole_stream_t *s)
{
    if ((s->steps & (s->steps - 1)) == 0) {
        s->mark = s->sector;
    }

    s->steps++;
    s->sector = debar_ole_follow(s->ole, s->sector, s->small);
    s->used = 0;

    return s->sector != s->mark ? DEBAR_OK : DEBAR_ERROR;
}


void *
debar_ole_bytes(debar_ole_t *ole, uint32_t entry, uint64_t max, size_t *n,
    uint64_t *room)
{
    long                 got;
    char                *p;
    debar_ole_stream_t   s;

    debar_ole_open(ole, entry, &s);

    if (s.left > max) {
        debar_reader_bound(ole->rd, DEBAR_FILE_HELD);
        s.left = max;
    }

    *room = s.left < ole->size ? s.left : ole->size;
    p = debar_reader_alloc(ole->rd, *room);

    if (p == NULL) {
        return NULL;
    }

    for (*n = 0; *n < *room; *n += got) {
        got = debar_ole_read(&s, p + *n, *room - *n < DEBAR_OLE_CHUNK
                                         ? *room - *n : DEBAR_OLE_CHUNK);
        if (got <= 0) {
            break;
        }
    }

    return p;
}


/* --- what is packed in it ------------------------------------------------ */

/* Documents are told as such, and whether they are encrypted. */

static void
debar_ole_document(debar_ole_t *ole)
{
    unsigned  i;
    uint32_t  entry;

    static const char  *names[] = {
        "EncryptedPackage", "WordDocument", "Workbook", "Book",
        "PowerPoint Document", "Current User"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        entry = debar_ole_child(ole, 0, names[i]);

        if (entry == DEBAR_OLE_NONE) {
            continue;
        }

        debar_reader_type(ole->rd, DEBAR_FILE_OFFICE);

        if (debar_ole_sealed(ole, entry, names[i])) {
            debar_reader_bound(ole->rd, DEBAR_FILE_SEALED);
        }
    }
}


/* [MS-OFFCRYPTO] s.2.3: a bit of Word's FIB, a FILEPASS among Excel's first
 * records, a token of PowerPoint's. */

static int
debar_ole_sealed(debar_ole_t *ole, uint32_t entry, const char *name)
{
    long                n;
    size_t              i;
    uint8_t             b[1024];
    debar_ole_stream_t  s;

    if (name[0] == 'E') {
        return 1;
    }

    debar_ole_open(ole, entry, &s);
    n = debar_ole_read(&s, b, sizeof(b));

    if (n < 16) {
        return 0;
    }

    if (name[0] == 'W' && name[4] == 'D') {
        return debar_le16(b) == 0xa5ec && (debar_le16(b + 10) & 0x0100);
    }

    if (name[0] == 'C') {
        return debar_le32(b + 12) == 0xf3d1c4df;
    }

    for (i = 0; name[0] != 'P' && i + 4 <= (size_t) n;
         i += 4 + debar_le16(b + i + 2))
    {
        if (debar_le16(b + i) == 0x002f) {
            return 1;
        }
    }

    return 0;
}


static int
debar_ole_members(debar_ole_t *ole, int msi)
{
    int               rc;
    debar_ole_at_e    at;
    debar_ole_walk_t  w;

    debar_ole_walk(&w, ole);
    rc = DEBAR_OK;

    while (rc == DEBAR_OK
           && (at = debar_ole_next(&w)) != DEBAR_OLE_AT_NOTHING)
    {
        if (at == DEBAR_OLE_AT_STREAM) {
            rc = debar_ole_member(ole, w.entry, msi);
        }
    }

    return rc;
}


/*
 * Of a package all but its tables (cabinets, libraries that run while it is
 * installed, icons); of others what is attached to a message, what was put into
 * a document, and streams that begin as programs and archives do.
 */

static int
debar_ole_member(debar_ole_t *ole, uint32_t entry, int msi)
{
    long                n;
    char                name[DEBAR_OLE_NAME], path[DEBAR_OLE_PATH];
    size_t              len;
    uint8_t             head[DEBAR_FILE_HEAD];
    debar_ole_stream_t  s;

    (void) debar_ole_name(ole, entry, name);

    if (name[0] == '!' || debar_ole_size(ole, entry) == 0
        || strcmp(name, "\5SummaryInformation") == 0
        || strcasecmp(name, "\5DigitalSignature") == 0
        || strcasecmp(name, "\5MsiDigitalSignatureEx") == 0)
    {
        return DEBAR_OK;
    }

    debar_ole_open(ole, entry, &s);

    if (msi) {
        len = debar_ole_path(ole, entry, path);
        return debar_ole_hand(&s, path, len);
    }

    if (strcmp(name, "__substg1.0_37010102") == 0) {
        len = debar_ole_attached(ole, entry, path);
        return debar_ole_hand(&s, path, len);
    }

    if (strcasecmp(name, "\1Ole10Native") == 0) {
        return debar_ole_native(ole, entry);
    }

    n = debar_ole_read(&s, head, sizeof(head));

    switch (debar_file_class(n > 0 ? debar_file_type(head, n, 0) : 0)) {

    case DEBAR_CLASS_PROGRAM:
    case DEBAR_CLASS_PACKAGE:
    case DEBAR_CLASS_ARCHIVE:
        break;

    default:
        return DEBAR_OK;
    }

    debar_ole_open(ole, entry, &s);
    len = debar_ole_path(ole, entry, path);

    return debar_ole_hand(&s, path, len);
}


/*
 * A file that was put into a document ([MS-OLEDS] s.2.3.6, and what the
 * Packager writes): size, a number, label and path with zeros behind them, two
 * numbers, the path again with its length, the length of the file.
 */

static int
debar_ole_native(debar_ole_t *ole, uint32_t entry)
{
    long                n;
    char                name[256];
    size_t              at, len;
    uint8_t             b[2048];
    debar_ole_stream_t  s;

    debar_ole_open(ole, entry, &s);
    n = debar_ole_read(&s, b, sizeof(b) - 1);

    if (n < 6) {
        return DEBAR_OK;
    }

    b[n] = '\0';
    at = 6 + strlen((char *) b + 6) + 1;
    len = at - 7 < sizeof(name) ? at - 7 : sizeof(name);
    memcpy(name, b + 6, len);

    at += at < (size_t) n ? strlen((char *) b + at) + 1 : 0;
    at += 4;

    if (at + 4 <= (size_t) n && debar_le32(b + at) < (size_t) n - at - 4) {
        at += 4 + debar_le32(b + at);

    } else {
        at = n;
    }

    /* otherwise all of it that follows its size */

    if (at + 4 > (size_t) n) {
        debar_reader_bound(ole->rd, DEBAR_FILE_BROKEN);
        at = 0;
    }

    debar_ole_open(ole, entry, &s);
    n = debar_ole_read(&s, b, at + 4);

    if (n > 0 && debar_le32(b + at) < s.left) {
        s.left = debar_le32(b + at);
    }

    return debar_ole_hand(&s, name, len);
}


static int
debar_ole_hand(debar_ole_stream_t *s, const char *name, size_t len)
{
    int      rc;
    long     n;
    uint8_t  buf[DEBAR_OLE_CHUNK];

    rc = debar_reader_member(s->ole->rd, name, len);

    while (rc == DEBAR_OK) {
        n = debar_ole_read(s, buf, sizeof(buf));

        if (n < 0) {
            return DEBAR_OK;
        }

        if (n == 0) {
            return debar_reader_done(s->ole->rd);
        }

        rc = debar_reader_push(s->ole->rd, buf, n);
    }

    return rc;
}


/* With the names of the storages that it is in. */

static size_t
debar_ole_path(const debar_ole_t *ole, uint32_t entry,
    char out[DEBAR_OLE_PATH])
{
    size_t    n, len;
    uint32_t  up[DEBAR_OLE_PARENTS], i;

    for (i = 0; i < DEBAR_OLE_PARENTS && entry != 0; i++) {
        up[i] = entry;
        entry = ole->entries[entry].parent;
    }

    for (n = 0; i && n + DEBAR_OLE_NAME < DEBAR_OLE_PATH; i--) {
        len = debar_ole_name(ole, up[i - 1], out + n);
        n += len;
        out[n++] = '/';
    }

    return n ? n - 1 : 0;
}


/* The name of an attachment stands beside it, long or short. */

static size_t
debar_ole_attached(debar_ole_t *ole, uint32_t entry, char out[DEBAR_OLE_PATH])
{
    long                n;
    uint8_t             b[2 * DEBAR_FOUND_TEXT];
    unsigned            i;
    uint32_t            found;
    debar_ole_stream_t  s;

    static const char  *names[] = {
        "__substg1.0_3707001F", "__substg1.0_3707001E",
        "__substg1.0_3704001F", "__substg1.0_3704001E"
    };

    /* a storage is of one attachment: more entries are none of a message */

    i = ole->entries[entry].parent;

    if (ole->entries[i].end - ole->entries[i].first > 256) {
        return debar_ole_path(ole, entry, out);
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        found = debar_ole_child(ole, ole->entries[entry].parent, names[i]);

        if (found == DEBAR_OLE_NONE) {
            continue;
        }

        debar_ole_open(ole, found, &s);
        n = debar_ole_read(&s, b, sizeof(b));

        if (n > 0) {
            return i & 1 ? debar_ole_text(1252, (char *) b, n, out,
                                          DEBAR_OLE_PATH)
                         : debar_ole_utf16(b, n, out, DEBAR_OLE_PATH);
        }
    }

    return debar_ole_path(ole, entry, out);
}


static void
debar_ole_free(debar_ole_t *ole)
{
    debar_reader_free(ole->rd, ole->fat, ole->nfat);
    debar_reader_free(ole->rd, ole->minifat, ole->nminifat);
    debar_reader_free(ole->rd, ole->mini, 4 * (uint64_t) ole->nmini);
    debar_reader_free(ole->rd, ole->dir, (uint64_t) ole->nentries * 128);
    debar_reader_free(ole->rd, ole->entries,
                      ole->nentries * sizeof(debar_ole_entry_t));
    debar_reader_free(ole->rd, ole->order, 4 * (uint64_t) ole->nentries);
}
