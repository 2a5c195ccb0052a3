/*
 * ZIP: members in turn, by libarchive, from bytes that are held (what is in an
 * archive stands at its end).  Where its directory cannot be read, its members'
 * own headers are followed.
 *
 * A member is a container that is named by its path, and read as what it is; the
 * parts of office documents as their text (peel_office.h).  Paths are values
 * too: "@name".
 */

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "peel_office.h"


#define DEBAR_ARCHIVE_MEMBERS  2000
#define DEBAR_ARCHIVE_BLOCK    131072


typedef struct {
    debar_buf_t       held;
    unsigned          full;
    unsigned          members;    /* that were seen, in both ways together */
    unsigned          office;     /* it is such a document */
    debar_office_t   *reader;
    struct archive   *archive;
    size_t            credit;     /* held bytes that nothing was made of yet */
    char             *block;
} debar_archive_t;


static int debar_archive_open(debar_node_t *node);
static int debar_archive_push(debar_node_t *node, const char *data,
    size_t len);
static int debar_archive_finish(debar_node_t *node);
static void debar_archive_free(debar_node_t *node);
static int debar_archive_read(debar_node_t *node);
static int debar_archive_begin(debar_node_t *node, unsigned directory);
static void debar_archive_end(debar_node_t *node);
static int debar_archive_look(debar_node_t *node);
static int debar_archive_members(debar_node_t *node, unsigned directory);
static int debar_archive_member(debar_node_t *node,
    struct archive_entry *entry);
static int debar_archive_part(debar_node_t *node, const char *path,
    unsigned part);
static int debar_archive_child(debar_node_t *node, const char *path);
static la_ssize_t debar_archive_block(debar_node_t *node);
static const char *debar_archive_path(struct archive_entry *entry);
static int debar_archive_is_media(const char *data, size_t len);


const debar_reader_t  debar_reader_archive = {
    .syntax = DEBAR_SYNTAX_ZIP,
    .name = "zip",
    .open = debar_archive_open,
    .push = debar_archive_push,
    .finish = debar_archive_finish,
    .free = debar_archive_free
};


static int
debar_archive_open(debar_node_t *node)
{
    node->state = calloc(1, sizeof(debar_archive_t));

    return node->state ? DEBAR_OK : DEBAR_ERROR;
}


static void
debar_archive_free(debar_node_t *node)
{
    debar_archive_t  *a = node->state;

    if (a) {
        debar_archive_end(node);
        debar_office_free(a->reader);
        debar_buf_free(&a->held);
        free(a->block);
        free(a);
        node->state = NULL;
    }
}


static int
debar_archive_push(debar_node_t *node, const char *data, size_t len)
{
    debar_archive_t  *a = node->state;

    if (!a->full && debar_node_hold(node, &a->held, data, len) != DEBAR_OK) {
        a->full = 1;
    }

    return DEBAR_OK;
}


static int
debar_archive_finish(debar_node_t *node)
{
    int               rc;
    locale_t          utf8, before;
    debar_archive_t  *a = node->state;

    a->block = malloc(DEBAR_ARCHIVE_BLOCK);
    a->reader = debar_office_new(node);
    a->credit = a->held.len;

    if (a->block == NULL || a->reader == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_OK;
    }

    /* libarchive gives names in the charset of the locale, or not at all */

    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
    before = utf8 ? uselocale(utf8) : (locale_t) 0;

    rc = debar_archive_read(node);

    debar_archive_end(node);

    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }

    return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
}


static int
debar_archive_read(debar_node_t *node)
{
    int  rc;

    rc = debar_archive_look(node);

    if (rc == DEBAR_OK) {
        rc = debar_archive_members(node, 1);
    }

    if (rc == DEBAR_ERROR) {
        rc = debar_archive_members(node, 0);
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
    }

    return rc;
}


static int
debar_archive_begin(debar_node_t *node, unsigned directory)
{
    debar_archive_t  *a = node->state;

    debar_archive_end(node);

    a->archive = archive_read_new();

    if (a->archive == NULL) {
        return DEBAR_ERROR;
    }

    if (directory) {
        archive_read_support_format_zip_seekable(a->archive);

    } else {
        archive_read_support_format_zip_streamable(a->archive);
    }

    return archive_read_open_memory(a->archive, a->held.data, a->held.len)
           == ARCHIVE_OK ? DEBAR_OK : DEBAR_ERROR;
}


static void
debar_archive_end(debar_node_t *node)
{
    debar_archive_t  *a = node->state;

    if (a->archive) {
        archive_read_free(a->archive);
        a->archive = NULL;
    }
}


/* What kind of archive it is; strings that sheets share, which may stand behind
 * the sheets. */

static int
debar_archive_look(debar_node_t *node)
{
    int                    rc;
    unsigned               n;
    const char            *path;
    debar_archive_t       *a = node->state;
    struct archive_entry  *entry;

    if (debar_archive_begin(node, 1) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (n = 0; n < DEBAR_ARCHIVE_MEMBERS; n++) {
        rc = archive_read_next_header(a->archive, &entry);

        if (rc == ARCHIVE_EOF) {
            break;
        }

        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
            return n ? DEBAR_OK : DEBAR_ERROR;
        }

        path = debar_archive_path(entry);

        a->office |= strcmp(path, "[Content_Types].xml") == 0
                     || strcmp(path, "META-INF/manifest.xml") == 0;

        if (debar_office_part(path) == DEBAR_OFFICE_STRINGS) {
            rc = debar_archive_part(node, path, DEBAR_OFFICE_STRINGS);

            if (rc != DEBAR_OK) {
                return rc == DEBAR_DECLINED ? rc : DEBAR_OK;
            }
        }
    }

    return n ? DEBAR_OK : DEBAR_ERROR;
}


/* DEBAR_ERROR: it breaks off. */

static int
debar_archive_members(debar_node_t *node, unsigned directory)
{
    int                    rc;
    debar_archive_t       *a = node->state;
    struct archive_entry  *entry;

    if (debar_archive_begin(node, directory) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for ( ;; ) {
        rc = archive_read_next_header(a->archive, &entry);

        if (rc == ARCHIVE_EOF) {
            return DEBAR_OK;
        }

        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
            return DEBAR_ERROR;
        }

        if (a->members++ == DEBAR_ARCHIVE_MEMBERS) {
            debar_node_bound(node, DEBAR_PEEL_NODES);
            return DEBAR_OK;
        }

        rc = debar_archive_member(node, entry);

        if (rc != DEBAR_OK) {

            /* of bytes that are too many the bound is told */

            return rc == DEBAR_ERROR ? DEBAR_OK : rc;
        }
    }
}


static int
debar_archive_member(debar_node_t *node, struct archive_entry *entry)
{
    int               rc;
    unsigned          part;
    const char       *path;
    debar_archive_t  *a = node->state;

    path = debar_archive_path(entry);
    part = a->office ? debar_office_part(path) : DEBAR_OFFICE_NONE;

    if (part == DEBAR_OFFICE_SKIP) {
        return DEBAR_OK;
    }

    if (!a->office) {
        rc = debar_node_value(node, debar_str("@name", 5),
                              debar_str(path, strlen(path)));

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    if (archive_entry_is_data_encrypted(entry) > 0
        || archive_entry_is_encrypted(entry) > 0)
    {
        debar_node_bound(node, DEBAR_PEEL_SEALED);
        return DEBAR_OK;
    }

    if (archive_entry_filetype(entry) == AE_IFDIR) {
        return DEBAR_OK;
    }

    if (part == DEBAR_OFFICE_NONE) {
        return debar_archive_child(node, path);
    }

    if (part == DEBAR_OFFICE_STRINGS) {
        return DEBAR_OK;
    }

    rc = debar_node_begin(node, debar_str(path, strlen(path)));

    if (rc == DEBAR_OK) {
        rc = debar_archive_part(node, path, part);
    }

    return rc == DEBAR_OK ? debar_node_end(node) : rc;
}


/* DEBAR_ERROR: a bound. */

static int
debar_archive_part(debar_node_t *node, const char *path, unsigned part)
{
    int               rc;
    la_ssize_t        n;
    debar_archive_t  *a = node->state;

    if (debar_office_begin(a->reader, part) != DEBAR_OK) {
        return DEBAR_OK;
    }

    do {
        n = debar_archive_block(node);
        rc = n > 0 ? debar_office_push(a->reader, a->block, (size_t) n)
                   : DEBAR_OK;
    } while (n > 0 && rc == DEBAR_OK);

    rc = debar_office_end(a->reader);

    if (n == -2) {
        return rc == DEBAR_DECLINED ? rc : DEBAR_ERROR;
    }

    if (rc == DEBAR_ERROR) {
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
        rc = DEBAR_OK;
    }

    return rc;
}


static int
debar_archive_child(debar_node_t *node, const char *path)
{
    int                  rc, end;
    la_ssize_t           n;
    debar_node_t        *child;
    debar_archive_t     *a = node->state;
    debar_peel_input_t   in;

    n = debar_archive_block(node);

    if (n <= 0 || debar_archive_is_media(a->block, (size_t) n)) {
        return n == -2 ? DEBAR_ERROR : DEBAR_OK;
    }

    memset(&in, 0, sizeof(in));

    rc = debar_node_child(node, debar_str(path, strlen(path)), &in, &child);

    if (rc != DEBAR_OK || child == NULL) {
        return rc;
    }

    while (n > 0 && rc == DEBAR_OK) {
        rc = debar_child_push(child, a->block, (size_t) n);
        n = rc == DEBAR_OK ? debar_archive_block(node) : 0;
    }

    end = debar_child_finish(child);

    if (rc == DEBAR_OK) {
        rc = end;
    }

    return rc == DEBAR_DECLINED ? rc : n == -2 ? DEBAR_ERROR : DEBAR_OK;
}


/* Bytes of a member: 0 at its end, -1 where it breaks off, -2 at a bound. */

static la_ssize_t
debar_archive_block(debar_node_t *node)
{
    size_t            of;
    la_ssize_t        n;
    debar_archive_t  *a = node->state;

    n = archive_read_data(a->archive, a->block, DEBAR_ARCHIVE_BLOCK);

    if (n < 0) {
        debar_node_bound(node, DEBAR_PEEL_BROKEN);
        return -1;
    }

    /* of which bytes these were made libarchive does not say: of all together
     * not more than there are */

    of = (size_t) n < a->credit ? (size_t) n : a->credit;
    a->credit -= of;

    if (n && debar_node_expanded(node, (size_t) n, of) != DEBAR_OK) {
        return -2;
    }

    return n;
}


static const char *
debar_archive_path(struct archive_entry *entry)
{
    const char  *path;

    path = archive_entry_pathname_utf8(entry);

    if (path == NULL) {
        path = archive_entry_pathname(entry);
    }

    return path ? path : "";
}


/* Pictures, sounds, fonts: there is no text in them, and of documents that have
 * many of them the others are to be read. */

static int
debar_archive_is_media(const char *data, size_t len)
{
    size_t  i;

    static const struct {
        size_t       at;
        size_t       len;
        const char  *magic;
    } media[] = {
        { 0, 8, "\x89PNG\r\n\x1a\n" },
        { 0, 3, "\xff\xd8\xff" },
        { 0, 4, "GIF8" },
        { 8, 4, "WEBP" },
        { 0, 4, "wOFF" },
        { 0, 4, "wOF2" },
        { 0, 5, "\0\1\0\0\0" },
        { 0, 4, "OTTO" },
        { 0, 4, "\xd7\xcd\xc6\x9a" },
        { 40, 4, " EMF" },
        { 4, 4, "ftyp" },
        { 0, 3, "ID3" }
    };

    for (i = 0; i < sizeof(media) / sizeof(media[0]); i++) {
        if (len >= media[i].at + media[i].len
            && memcmp(data + media[i].at, media[i].magic, media[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
