/*
 * What was done to a log at the first place where it is not what was sealed.
 * One thread, and the log read again once or twice: it happens seldom.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_check.h"


/* Lines that are hashed to see where one came from, or went. */

#define DEBAR_BLAME_MAX     (1u << 22)

/* Checkpoints among which the first that does not fit is looked for. */

#define DEBAR_BLAME_POINTS  (1u << 16)


typedef struct {
    debar_audit_check_t    *check;
    debar_hasher_t         *hasher;
    debar_tiles_t           tiles;
    debar_audit_tiles_t     store;
    debar_audit_part_t      part;
    uint8_t                 secret[DEBAR_SEALED_SECRET];
    uint64_t                index;           /* of the line, in its file */

    char                   *line;            /* as it is now; NULL: none */
    size_t                  len;
    unsigned                whole;           /* with its newline */
    uint64_t                later;           /* where the sealed one stands
                                                now; 0: nowhere */
    uint64_t                earlier;         /* of a copy before; from 1 */
    uint64_t                from;            /* where it stood when sealed; 0:
                                                nowhere */
    unsigned                next;            /* the line behind is in place */
    unsigned                other;           /* some line behind is in place */
    uint64_t                count;           /* lines that are there */
    uint64_t                bytes;
} debar_blame_t;

typedef struct {
    uint64_t      size;
    debar_hash_t  root;
} debar_blame_point_t;

/* The tree, built anew from lines or from the tiles of leaves. */

typedef struct {
    debar_tree_t          tree;
    debar_tiles_t        *tiles;
    unsigned              bad;               /* level and index are of a tile
                                                that is not so */
    unsigned              level;
    uint64_t              index;
} debar_blame_tree_t;


static int debar_blame_line(debar_blame_t *b, debar_fault_t *fault);
static int debar_blame_read(debar_blame_t *b, debar_fault_t *fault);
static int debar_blame_take(debar_blame_t *b, uint64_t i, const char *line,
    size_t len, unsigned whole);
static void debar_blame_from(debar_blame_t *b);
static int debar_blame_is(debar_blame_t *b, uint64_t index, const char *line,
    size_t len);
static void debar_blame_say(debar_blame_t *b);
static void debar_blame_what(debar_blame_t *b, const char *what,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int debar_blame_tiles(debar_blame_t *b, debar_fault_t *fault);
static int debar_blame_tree(debar_blame_t *b, debar_blame_tree_t *t,
    unsigned lines);
static int debar_blame_tree_part(debar_blame_t *b, debar_blame_tree_t *t,
    size_t i, unsigned lines);
static int debar_blame_tree_hashes(debar_blame_t *b, debar_blame_tree_t *t,
    uint64_t end);
static int debar_blame_full(void *data, unsigned level, uint64_t index,
    const debar_hash_t *hashes, unsigned width);
static void debar_blame_tile(debar_blame_t *b, unsigned level, uint64_t index,
    const char *why);
static void debar_blame_rewritten(debar_blame_t *b);
static void debar_blame_span(debar_blame_t *b, uint64_t first, uint64_t end,
    const char *how);
static uint64_t debar_blame_points(debar_blame_t *b, uint64_t *before);
static size_t debar_blame_history(debar_blame_t *b, debar_blame_point_t *list);


int
debar_audit_blame(debar_audit_check_t *check, debar_fault_t *fault)
{
    int             rc;
    debar_blame_t  *b;

    if (!check->quiet) {
        debar_progress(NULL, "looking for what was done at leaf",
                       check->leaf == UINT64_MAX ? 0 : check->leaf);
    }

    b = calloc(1, sizeof(*b));

    if (b) {
        b->hasher = debar_hasher_new();
    }

    if (b == NULL || b->hasher == NULL) {
        debar_fault(fault, "no memory to look for what was done");
        free(b);
        return DEBAR_ERROR;
    }

    b->check = check;
    b->part.fd = -1;
    debar_audit_tiles(&b->tiles, &b->store, &check->log->audit,
                      check->log->checkpoint.size, b->hasher);

    rc = check->tiles_bad ? debar_blame_tiles(b, fault)
                          : debar_blame_line(b, fault);

    debar_audit_part_close(&b->part);
    debar_hasher_free(b->hasher);
    free(b->line);
    free(b);

    return rc;
}


/* --- a line that is not what the tile says -------------------------------- */

static int
debar_blame_line(debar_blame_t *b, debar_fault_t *fault)
{
    int                   rc;
    debar_audit_check_t  *check = b->check;

    if (debar_audit_part(&b->part, check->log, check->part, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    b->index = check->leaf - b->part.first;
    check->blame.leaf = check->leaf;
    check->blame.line = b->index + 1;
    snprintf(check->blame.file, sizeof(check->blame.file), "%s", b->part.name);

    if (b->part.fd == -1) {
        debar_blame_what(b, "removed", "the file is not there; it has %" PRIu64
                         " sealed lines, and was not deleted by policy",
                         b->part.lines);
        return DEBAR_OK;
    }

    if (b->part.lines) {
        rc = debar_audit_secret(b->secret, &check->log->audit, b->part.number,
                                fault);

        if (rc != DEBAR_OK) {
            snprintf(check->blame.file, sizeof(check->blame.file),
                     "sealed/secrets/audit-%08" PRIu64, b->part.number);
            check->blame.line = 0;
            debar_blame_what(b, rc == DEBAR_DECLINED ? "missing" : "changed",
                             "without it the lines of %s cannot be checked: "
                             "take it from a copy", b->part.name);
            return DEBAR_OK;
        }
    }

    if (debar_blame_read(b, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (b->line && b->index < b->part.lines) {
        debar_blame_from(b);
    }

    debar_blame_say(b);

    return DEBAR_OK;
}


/* The line, and those of its file that tell where it belongs. */

static int
debar_blame_read(debar_blame_t *b, debar_fault_t *fault)
{
    int                    enough;
    size_t                 len, n;
    uint64_t               i;
    const char            *line;
    debar_audit_reader_t   r;

    if (debar_audit_reader(&r, &b->part, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    enough = 0;

    for (i = 0; !enough; i++) {

        n = debar_audit_line(&r, &line, &len);

        if (n == 0) {

            /* of the file that is followed, what has no newline yet */

            if (i == b->index && r.len > r.at) {
                (void) debar_blame_take(b, i, r.block + r.at, r.len - r.at, 0);
            }

            break;
        }

        enough = debar_blame_take(b, i, line, len, n > len);
    }

    b->count = i;
    b->bytes = r.offset;
    debar_audit_reader_free(&r);

    if (b->line == NULL || b->earlier) {
        return DEBAR_OK;
    }

    /* the same line before it? */

    if (debar_audit_reader(&r, &b->part, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < b->index && debar_audit_line(&r, &line, &len); i++) {
        if (len == b->len && memcmp(line, b->line, len) == 0) {
            b->earlier = i + 1;
        }
    }

    debar_audit_reader_free(&r);

    return DEBAR_OK;
}


/* True: enough was read. */

static int
debar_blame_take(debar_blame_t *b, uint64_t i, const char *line, size_t len,
    unsigned whole)
{
    if (i < b->index) {
        return 0;
    }

    if (i == b->index) {
        b->line = malloc(len + 1);

        if (b->line) {
            memcpy(b->line, line, len);
            b->len = len;
            b->whole = whole;
        }

        return b->line == NULL;
    }

    if (i < b->part.lines && i - b->index < 1000
        && debar_blame_is(b, i, line, len))
    {
        b->other = 1;
        b->next |= i == b->index + 1;
    }

    if (b->index < b->part.lines && !b->later
        && debar_blame_is(b, b->index, line, len))
    {
        b->later = i;
    }

    return (b->later && i - b->index >= 1000)
           || i - b->index >= DEBAR_BLAME_MAX;
}


/* Where the line stood when it was sealed. */

static void
debar_blame_from(debar_blame_t *b)
{
    uint64_t  i, end;

    end = b->part.lines;

    if (end - b->index > DEBAR_BLAME_MAX) {
        end = b->index + DEBAR_BLAME_MAX;
    }

    for (i = b->index + 1; i < end; i++) {
        if (debar_blame_is(b, i, b->line, b->len)) {
            b->from = i;
            return;
        }
    }
}


static int
debar_blame_is(debar_blame_t *b, uint64_t index, const char *line, size_t len)
{
    uint8_t        salt[DEBAR_SALT];
    uint64_t       leaf, tile;
    debar_hash_t   hash, hashes[DEBAR_TILE_WIDTH];
    debar_fault_t  fault;

    leaf = b->part.first + index;
    tile = leaf / DEBAR_TILE_WIDTH;

    if (b->tiles.read(b->tiles.data, 0, tile,
                      debar_tile_width(b->tiles.size, 0, tile), hashes, &fault)
        != DEBAR_OK)
    {
        return 0;
    }

    debar_merkle_salt(b->hasher, salt, b->secret, index);
    debar_merkle_leaf(b->hasher, hash, salt, line, len);

    return memcmp(hash, hashes[leaf % DEBAR_TILE_WIDTH], DEBAR_HASH) == 0;
}


static void
debar_blame_say(debar_blame_t *b)
{
    uint64_t  line, lines;

    line = b->index + 1;
    lines = b->part.lines;

    if (b->index >= lines) {
        debar_blame_what(b, b->earlier ? "doubled" : "added", "the file was "
                         "closed with %" PRIu64 " lines%s", lines,
                         b->earlier ? ", and this one stands above" : "");

    } else if (b->line == NULL) {
        debar_blame_what(b, "truncated", "the file ends here; %" PRIu64 " of "
                         "its %" PRIu64 " sealed lines are gone", lines
                         - b->index, lines);

    } else if (b->later && b->from) {
        debar_blame_what(b, "reordered", "what was sealed here stands in line "
                         "%" PRIu64 " now, and what stands here was line %"
                         PRIu64, b->later + 1, b->from + 1);

    } else if (b->later) {
        debar_blame_what(b, b->earlier ? "doubled" : "added", "what was "
                         "sealed here stands in line %" PRIu64 " now%s",
                         b->later + 1, b->earlier
                         ? ", and this line stands above as well" : "");

    } else if (b->from && !b->next) {
        debar_blame_what(b, "removed", "%" PRIu64 " line%s that %s sealed "
                         "before this one %s gone", b->from - b->index,
                         b->from - b->index == 1 ? "" : "s",
                         b->from - b->index == 1 ? "was" : "were",
                         b->from - b->index == 1 ? "is" : "are");

    } else if (!b->whole && b->count <= line
               && (b->part.closed == NULL || b->bytes < b->part.closed->bytes
                   || line < lines))
    {
        debar_blame_what(b, "truncated", "the file ends in the middle of this "
                         "line; %" PRIu64 " sealed lines are not whole",
                         lines - b->index);

    } else if (b->index == 0 && lines > 2 && !b->other) {
        snprintf(b->check->blame.file, sizeof(b->check->blame.file),
                 "sealed/secrets/audit-%08" PRIu64, b->part.number);
        b->check->blame.line = 0;
        debar_blame_what(b, "changed", "no line of %s fits it: either the "
                         "secret or the whole file was changed; take both "
                         "from a copy", b->part.name);

    } else if (b->part.closed && line == lines
               && debar_blame_is(b, b->index, b->line, b->len))
    {
        debar_blame_what(b, "changed", "the file was closed with %" PRIu64
                         " bytes and has %" PRIu64 ": what ends its last line "
                         "is not as it was", b->part.closed->bytes, b->bytes);

    } else {
        debar_blame_what(b, "changed", "this is not the line that was sealed");
    }
}


static void
debar_blame_what(debar_blame_t *b, const char *what, const char *fmt, ...)
{
    va_list  ap;

    b->check->blame.what = what;
    va_start(ap, fmt);
    vsnprintf(b->check->blame.text, sizeof(b->check->blame.text), fmt, ap);
    va_end(ap);
}


/* --- tiles that are not the checkpoint's ---------------------------------- */

static int
debar_blame_tiles(debar_blame_t *b, debar_fault_t *fault)
{
    int                   rc;
    debar_audit_check_t  *check = b->check;
    debar_blame_tree_t   *t;

    t = calloc(1, sizeof(*t));

    if (t == NULL) {
        debar_fault(fault, "no memory to look for what was done");
        return DEBAR_ERROR;
    }

    rc = DEBAR_OK;

    /* the lines lead to the checkpoint: a tile is damaged, no line */

    if (debar_blame_tree(b, t, 1) == DEBAR_OK) {
        debar_blame_tile(b, t->bad ? t->level : 0, t->bad ? t->index : 0,
                         "the lines are as they were sealed");

    } else if (debar_blame_tree(b, t, 0) == DEBAR_OK) {

        /* the hashes of leaves do: so they judge the lines */

        if (check->leaf != UINT64_MAX) {
            rc = debar_blame_line(b, fault);

        } else {
            debar_blame_tile(b, t->bad ? t->level : 1, t->bad ? t->index : 0,
                             "the lines are as they were sealed");
        }

    } else {
        debar_blame_rewritten(b);

        if (check->blame.what == NULL
            || (check->leaf != UINT64_MAX
                && check->leaf < check->blame.leaf))
        {
            rc = debar_blame_line(b, fault);
        }
    }

    free(t);

    return rc;
}


/* DEBAR_OK: it has the root of the checkpoint. */

static int
debar_blame_tree(debar_blame_t *b, debar_blame_tree_t *t, unsigned lines)
{
    size_t                     i;
    unsigned                   level;
    debar_hash_t               root;
    const debar_audit_log_t   *log = b->check->log;

    memset(t, 0, sizeof(*t));
    t->tiles = &b->tiles;

    for (i = 0; i < debar_audit_parts(log); i++) {
        if (debar_blame_tree_part(b, t, i, lines) != DEBAR_OK) {
            return DEBAR_DECLINED;
        }
    }

    if (t->tree.size != log->checkpoint.size) {
        return DEBAR_DECLINED;
    }

    for (level = 0; level < DEBAR_TILE_LEVELS; level++) {
        if (t->tree.width[level]) {
            (void) debar_blame_full(t, level, t->tree.size >> (8 * level)
                                    >> 8, (const debar_hash_t *)
                                    t->tree.tile[level],
                                    t->tree.width[level]);
        }
    }

    debar_tree_root(b->hasher, root, &t->tree);

    return memcmp(root, log->checkpoint.root, DEBAR_HASH) ? DEBAR_DECLINED
                                                         : DEBAR_OK;
}


static int
debar_blame_tree_part(debar_blame_t *b, debar_blame_tree_t *t, size_t i,
    unsigned lines)
{
    int                    rc;
    size_t                 len;
    uint8_t                salt[DEBAR_SALT], secret[DEBAR_SEALED_SECRET];
    uint64_t               n;
    const char            *line;
    debar_hash_t           leaf;
    debar_fault_t          fault;
    debar_audit_part_t     part;
    debar_audit_reader_t   r;

    if (debar_audit_part(&part, b->check->log, i, &fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    rc = part.fd == -1 ? DEBAR_DECLINED
         : debar_audit_secret(secret, &b->check->log->audit, part.number,
                              &fault);

    if (part.lines == 0 || !lines
        || (rc == DEBAR_DECLINED && part.closed && part.closed->deleted))
    {
        debar_audit_part_close(&part);
        return debar_blame_tree_hashes(b, t, part.first + part.lines);
    }

    if (rc != DEBAR_OK || debar_audit_reader(&r, &part, &fault) != DEBAR_OK) {
        debar_audit_part_close(&part);
        return DEBAR_ERROR;
    }

    for (n = 0; n < part.lines && debar_audit_line(&r, &line, &len); n++) {
        debar_merkle_salt(b->hasher, salt, secret, n);
        debar_merkle_leaf(b->hasher, leaf, salt, line, len);

        if (debar_tree_add(b->hasher, &t->tree, leaf, debar_blame_full, t)
            != DEBAR_OK)
        {
            break;
        }
    }

    debar_audit_reader_free(&r);
    debar_audit_part_close(&part);

    return n == part.lines ? DEBAR_OK : DEBAR_DECLINED;
}


static int
debar_blame_tree_hashes(debar_blame_t *b, debar_blame_tree_t *t, uint64_t end)
{
    uint64_t       tile, at;
    debar_hash_t   hashes[DEBAR_TILE_WIDTH];
    debar_fault_t  fault;

    while (t->tree.size < end) {

        at = t->tree.size;
        tile = at / DEBAR_TILE_WIDTH;

        if (b->tiles.read(b->tiles.data, 0, tile,
                          debar_tile_width(b->tiles.size, 0, tile), hashes,
                          &fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        do {
            if (debar_tree_add(b->hasher, &t->tree,
                               hashes[at % DEBAR_TILE_WIDTH],
                               debar_blame_full, t) != DEBAR_OK)
            {
                return DEBAR_ERROR;
            }

        } while (++at < end && at % DEBAR_TILE_WIDTH);
    }

    return DEBAR_OK;
}


/* A debar_tile_pt: is the file so? */

static int
debar_blame_full(void *data, unsigned level, uint64_t index,
    const debar_hash_t *hashes, unsigned width)
{
    debar_hash_t         there[DEBAR_TILE_WIDTH];
    debar_fault_t        fault;
    debar_blame_tree_t  *t = data;

    if (!t->bad && (t->tiles->read(t->tiles->data, level, index, width, there,
                                   &fault) != DEBAR_OK
                    || memcmp(there, hashes, width * DEBAR_HASH)))
    {
        t->bad = 1;
        t->level = level;
        t->index = index;
    }

    return DEBAR_OK;
}


static void
debar_blame_tile(debar_blame_t *b, unsigned level, uint64_t index,
    const char *why)
{
    char      name[DEBAR_TILE_PATH];
    unsigned  width;

    width = debar_tile_width(b->tiles.size, level, index);
    debar_tile_path(name, level, index, width ? width : 1);

    b->check->blame.line = 0;
    b->check->blame.leaf = index << (8 * (level + 1));
    snprintf(b->check->blame.file, sizeof(b->check->blame.file), "sealed/%s",
             name);
    debar_blame_what(b, "changed", "its hashes do not lead to the checkpoint "
                     "(%s): take it from a copy", why);
}


/*
 * Lines and hashes may agree, and not with the checkpoint: who could write both
 * changed them.  A tile that is not what stands above it tells where, else a
 * checkpoint of those days.
 */

static void
debar_blame_rewritten(debar_blame_t *b)
{
    uint64_t              before, size;
    debar_audit_check_t  *check = b->check;

    if (check->tile != UINT64_MAX) {
        debar_blame_span(b, check->tile * DEBAR_TILE_WIDTH,
                         (check->tile + 1) * DEBAR_TILE_WIDTH,
                         "with the hashes of their tile");
        return;
    }

    size = debar_blame_points(b, &before);

    if (size) {
        debar_blame_span(b, before, size, "with all hashes");
        return;
    }

    if (check->leaf == UINT64_MAX) {
        snprintf(check->blame.file, sizeof(check->blame.file),
                 "sealed/checkpoint");
        check->blame.line = 0;
        debar_blame_what(b, "changed", "lines and hashes agree and lead to "
                         "another root than its own");
    }
}


static void
debar_blame_span(debar_blame_t *b, uint64_t first, uint64_t end,
    const char *how)
{
    size_t                i;
    debar_fault_t         fault;
    debar_audit_part_t    part;
    debar_audit_check_t  *check = b->check;

    for (i = 0; i < debar_audit_parts(check->log); i++) {

        if (debar_audit_part(&part, check->log, i, &fault) != DEBAR_OK) {
            return;
        }

        debar_audit_part_close(&part);

        if (first < part.first + part.lines) {
            check->blame.leaf = first;
            check->blame.line = first - part.first + 1;
            snprintf(check->blame.file, sizeof(check->blame.file), "%s",
                     part.name);
            debar_blame_what(b, "changed", "this line or one of the %" PRIu64
                             " behind it was changed together %s",
                             end - first - 1, how);
            return;
        }
    }
}


/* The size of the first checkpoint that does not fit the tiles, and of the one
 * before it; 0: all that are there do. */

static uint64_t
debar_blame_points(debar_blame_t *b, uint64_t *before)
{
    size_t                n, lo, hi, mid;
    uint64_t              size;
    debar_hash_t          root;
    debar_fault_t         fault;
    debar_blame_point_t  *list;

    list = malloc(DEBAR_BLAME_POINTS * sizeof(*list));
    n = list ? debar_blame_history(b, list) : 0;
    lo = 0;
    hi = n;

    while (lo < hi) {

        mid = (lo + hi) / 2;

        if (debar_tiles_root(root, &b->tiles, list[mid].size, &fault)
            == DEBAR_OK && memcmp(root, list[mid].root, DEBAR_HASH) == 0)
        {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    size = lo < n ? list[lo].size : 0;
    *before = lo ? list[lo - 1].size : 0;
    free(list);

    return size;
}


/* At most DEBAR_BLAME_POINTS of them, evenly, in the order of their sizes. */

static size_t
debar_blame_history(debar_blame_t *b, debar_blame_point_t *list)
{
    char                      path[DEBAR_MAX_DIR + 64];
    FILE                     *f;
    char                      text[32], *note;
    size_t                    n, len, i;
    uint64_t                  seen, every;
    debar_fault_t             fault;
    debar_checkpoint_t        c;
    const debar_audit_log_t  *log = b->check->log;

    debar_audit_path(&log->audit, "sealed/checkpoints", path, sizeof(path));
    f = fopen(path, "re");
    note = f ? malloc(DEBAR_NOTE_MAX) : NULL;
    n = 0;
    every = 1;

    for (seen = 0; note && fgets(text, sizeof(text), f); seen++) {

        len = strtoul(text, NULL, 10);

        if (len == 0 || len > DEBAR_NOTE_MAX || fread(note, 1, len, f) != len) {
            break;
        }

        if (seen % every
            || debar_checkpoint_read(&c, path, note, len,
                                     log->has_key ? &log->key : NULL, &fault)
               != DEBAR_OK
            || c.size > log->checkpoint.size
            || (n && c.size <= list[n - 1].size))
        {
            continue;
        }

        if (n == DEBAR_BLAME_POINTS) {
            for (i = 0; i < n / 2; i++) {
                list[i] = list[2 * i];
            }

            n /= 2;
            every *= 2;
        }

        list[n].size = c.size;
        memcpy(list[n++].root, c.root, DEBAR_HASH);
    }

    free(note);

    if (f) {
        fclose(f);
    }

    return n;
}
