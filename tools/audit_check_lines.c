/*
 * Lines of a sealed log, checked.  A thread reads some lines of a file that is
 * open and hashes them; others do so with what follows.  Several files are open
 * where there are many threads, since a file's own digest is made in order.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_check_private.h"


/* What was read at once. */

typedef struct {
    size_t    len;                /* of the lines */
    size_t    behind;             /* bytes behind them, which belong to none */
    uint64_t  index;              /* of the first line in its file */
    uint64_t  lines;
    uint64_t  number;             /* of the read */
    unsigned  last;               /* its file ends with it */
    unsigned  final;              /* no more lines of the file are sealed */
} debar_audit_lines_t;


static debar_audit_stream_t *debar_audit_join(debar_audit_pool_t *pool);
static void debar_audit_leave(debar_audit_pool_t *pool,
    debar_audit_stream_t *s);
static int debar_audit_open(debar_audit_pool_t *pool, debar_audit_stream_t *s,
    size_t i);
static int debar_audit_begin(debar_audit_pool_t *pool,
    debar_audit_stream_t *s);
static int debar_audit_take(debar_audit_worker_t *w, debar_audit_stream_t *s,
    debar_audit_lines_t *b);
static void debar_audit_over(debar_audit_pool_t *pool,
    debar_audit_stream_t *s);
static int debar_audit_fill(debar_audit_worker_t *w, debar_audit_stream_t *s,
    size_t *len);
static int debar_audit_turn(debar_audit_worker_t *w, debar_audit_stream_t *s,
    const debar_audit_lines_t *b, int wait);
static void debar_audit_leaves(debar_audit_worker_t *w,
    debar_audit_stream_t *s, const debar_audit_lines_t *b);
static void debar_audit_end(debar_audit_worker_t *w, debar_audit_stream_t *s,
    const debar_audit_lines_t *b);
static int debar_audit_digest(EVP_MD_CTX *ctx, const void *more, size_t len,
    const uint8_t sha256[32]);
static void debar_audit_entry(debar_audit_pool_t *pool, uint64_t number,
    const char *member);
static void debar_audit_unsealed(debar_audit_pool_t *pool,
    debar_audit_stream_t *s, size_t behind);


void
debar_audit_lines(debar_audit_worker_t *w)
{
    int                    hashed;
    debar_audit_lines_t    b;
    debar_audit_stream_t  *s;

    while ((s = debar_audit_join(w->pool))) {

        if (debar_audit_take(w, s, &b) == DEBAR_OK) {

            hashed = debar_audit_turn(w, s, &b, 0);
            debar_audit_leaves(w, s, &b);

            if (!hashed) {
                (void) debar_audit_turn(w, s, &b, 1);
            }

            if (b.final) {
                debar_audit_end(w, s, &b);
            }
        }

        debar_audit_leave(w->pool, s);
    }
}


/* The file with the fewest that work on it; another one, while there are fewer
 * open than keep all threads busy.  NULL: there is no more to do. */

static debar_audit_stream_t *
debar_audit_join(debar_audit_pool_t *pool)
{
    size_t                 n;
    unsigned               i;
    debar_audit_stream_t  *s, *best;

    pthread_mutex_lock(&pool->mutex);
    n = debar_audit_parts(pool->check->log);

    while (pool->next < n && !pool->failed
           && pool->check->leaf == UINT64_MAX
           && pool->open < (pool->check->threads + 2) / 3)
    {
        for (i = 0; pool->streams[i].used; i++) { /* void */ }

        (void) debar_audit_open(pool, &pool->streams[i], pool->next++);
    }

    best = NULL;

    for (i = 0; i < 2 * DEBAR_AUDIT_THREADS && !pool->failed; i++) {

        s = &pool->streams[i];

        if (s->used && !s->ended && (!best || s->workers < best->workers)) {
            best = s;
        }
    }

    if (best) {
        best->workers++;
    }

    pthread_mutex_unlock(&pool->mutex);

    return best;
}


static void
debar_audit_leave(debar_audit_pool_t *pool, debar_audit_stream_t *s)
{
    pthread_mutex_lock(&pool->mutex);

    if (--s->workers == 0 && s->ended) {
        debar_audit_stream_free(s);
    }

    pthread_mutex_unlock(&pool->mutex);
}


/* The pool's mutex is held, as in those that it calls. */

static int
debar_audit_open(debar_audit_pool_t *pool, debar_audit_stream_t *s, size_t i)
{
    int                    rc;
    debar_fault_t          fault;
    debar_audit_check_t   *check = pool->check;

    memset(s, 0, sizeof(*s));

    if (debar_audit_part(&s->part, check->log, i, &pool->fault) != DEBAR_OK) {
        pool->failed = 1;
        return DEBAR_ERROR;
    }

    s->i = i;
    s->left = s->part.lines;

    rc = s->part.fd == -1 || s->part.lines == 0 ? DEBAR_OK
         : debar_audit_secret(s->secret, &check->log->audit, s->part.number,
                              &fault);

    /* of what was deleted by policy the hashes are left */

    if (s->part.closed && s->part.closed->deleted
        && (s->part.fd == -1 || rc == DEBAR_DECLINED))
    {
        check->gone_files++;
        check->gone_lines += s->part.lines;
        rc = DEBAR_DECLINED;

    } else if (rc != DEBAR_OK || (s->part.fd == -1 && s->part.lines)) {

        if (s->part.first < check->leaf) {
            check->leaf = s->part.first;
            check->part = i;
        }

        rc = DEBAR_DECLINED;
    }

    if (rc == DEBAR_OK && s->part.fd != -1) {
        rc = debar_audit_begin(pool, s);

    } else {
        rc = DEBAR_DECLINED;
    }

    if (rc != DEBAR_OK) {
        debar_audit_part_close(&s->part);
        return rc;
    }

    check->files++;
    pool->open++;

    return DEBAR_OK;
}


static int
debar_audit_begin(debar_audit_pool_t *pool, debar_audit_stream_t *s)
{
    s->rest = malloc(DEBAR_AUDIT_ROOM);
    s->digest = s->part.closed ? EVP_MD_CTX_new() : NULL;

    if (s->rest == NULL
        || (s->part.closed
            && (s->digest == NULL
                || EVP_DigestInit_ex(s->digest, EVP_sha256(), NULL) != 1)))
    {
        debar_fault(&pool->fault, "%s: no memory to read it", s->part.name);
        pool->failed = 1;
        free(s->rest);
        EVP_MD_CTX_free(s->digest);
        return DEBAR_ERROR;
    }

    pthread_mutex_init(&s->mutex, NULL);
    pthread_mutex_init(&s->turn, NULL);
    pthread_cond_init(&s->turns, NULL);
    s->used = 1;

    return DEBAR_OK;
}


void
debar_audit_stream_free(debar_audit_stream_t *s)
{
    debar_audit_part_close(&s->part);
    pthread_mutex_destroy(&s->mutex);
    pthread_mutex_destroy(&s->turn);
    pthread_cond_destroy(&s->turns);
    EVP_MD_CTX_free(s->digest);
    free(s->rest);
    s->used = 0;
}


/* The next whole lines.  DEBAR_DECLINED: somebody else has read the last. */

static int
debar_audit_take(debar_audit_worker_t *w, debar_audit_stream_t *s,
    debar_audit_lines_t *b)
{
    int                   rc, more;
    size_t                at, n, len, got;
    debar_audit_pool_t   *pool = w->pool;

    memset(b, 0, sizeof(*b));
    pthread_mutex_lock(&s->mutex);

    /* ended is set under both */

    rc = s->ended ? DEBAR_DECLINED : debar_audit_fill(w, s, &got);

    if (rc != DEBAR_OK) {
        debar_audit_over(pool, s);
        pthread_mutex_unlock(&s->mutex);
        return rc;
    }

    b->last = s->end && s->part.closed;
    b->index = s->part.lines - s->left;

    for (at = 0; s->left; at += n, s->left--, b->lines++) {

        n = debar_sealed_line(w->data + at, got - at, (int) b->last, &len);

        if (n == 0) {
            break;
        }
    }

    b->len = at;
    b->behind = got - at;
    b->number = s->reads++;
    b->final = s->left == 0 || s->end;

    memcpy(s->rest, w->data + at, b->behind);
    s->nrest = b->behind;

    pthread_mutex_lock(&pool->mutex);
    pool->check->lines += b->lines;
    pool->check->bytes += b->len;

    /* behind a bad line nothing need be looked at */

    more = !b->final && !pool->failed
           && s->part.first + b->index + b->lines <= pool->check->leaf;
    pthread_mutex_unlock(&pool->mutex);

    if (!more) {
        debar_audit_over(pool, s);
    }

    pthread_mutex_unlock(&s->mutex);

    return DEBAR_OK;
}


/* No more is read of it; its mutex is held. */

static void
debar_audit_over(debar_audit_pool_t *pool, debar_audit_stream_t *s)
{
    pthread_mutex_lock(&pool->mutex);

    if (!s->ended) {
        s->ended = 1;
        pool->open--;
    }

    pthread_mutex_unlock(&pool->mutex);
}


/* What is left of the last read, and as much again that a line is in it. */

static int
debar_audit_fill(debar_audit_worker_t *w, debar_audit_stream_t *s,
    size_t *len)
{
    size_t         want;
    ssize_t        n;
    debar_fault_t  fault;

    memcpy(w->data, s->rest, s->nrest);
    *len = s->nrest;
    want = s->nrest + DEBAR_AUDIT_CHUNK;
    want = want < DEBAR_AUDIT_ROOM ? want : DEBAR_AUDIT_ROOM;

    while (!s->end && *len < want) {

        n = pread(s->part.fd, w->data + *len, want - *len, (off_t) s->offset);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            debar_fault(&fault, "%s: %s", s->part.name, strerror(errno));
            debar_audit_failed(w->pool, &fault);
            return DEBAR_ERROR;
        }

        s->end = n == 0;
        s->offset += (uint64_t) n;
        *len += (size_t) n;
    }

    return DEBAR_OK;
}


/* The digest of a closed file, whose reads come in order.  False: it is not
 * this one's turn yet. */

static int
debar_audit_turn(debar_audit_worker_t *w, debar_audit_stream_t *s,
    const debar_audit_lines_t *b, int wait)
{
    if (s->digest == NULL) {
        return 1;
    }

    pthread_mutex_lock(&s->turn);

    while (wait && s->hashed != b->number) {
        pthread_cond_wait(&s->turns, &s->turn);
    }

    wait = s->hashed == b->number;
    pthread_mutex_unlock(&s->turn);

    if (!wait) {
        return 0;
    }

    /* the last newline is seen to by who ends the file */

    (void) EVP_DigestUpdate(s->digest, w->data, b->final && b->len
                            ? b->len - 1 : b->len);

    pthread_mutex_lock(&s->turn);
    s->hashed++;
    pthread_cond_broadcast(&s->turns);
    pthread_mutex_unlock(&s->turn);

    return 1;
}


static void
debar_audit_leaves(debar_audit_worker_t *w, debar_audit_stream_t *s,
    const debar_audit_lines_t *b)
{
    size_t         len, n, at;
    uint8_t        salt[DEBAR_SALT];
    uint64_t       i, leaf, tile, size;
    debar_hash_t   hash;
    debar_fault_t  fault;

    at = 0;
    tile = UINT64_MAX;
    size = w->tiles.size;

    for (i = 0; i < b->lines; i++, at += n) {

        leaf = s->part.first + b->index + i;
        n = debar_sealed_line(w->data + at, b->len - at, (int) b->last, &len);

        if (leaf / DEBAR_TILE_WIDTH != tile) {
            tile = leaf / DEBAR_TILE_WIDTH;

            if (w->tiles.read(w->tiles.data, 0, tile,
                              debar_tile_width(size, 0, tile), w->hashes,
                              &fault) != DEBAR_OK)
            {
                debar_audit_bad(w->pool, leaf, s->i);
                return;
            }
        }

        debar_merkle_salt(w->hasher, salt, s->secret, b->index + i);
        debar_merkle_leaf(w->hasher, hash, salt, w->data + at, len);

        if (memcmp(hash, w->hashes[leaf % DEBAR_TILE_WIDTH], DEBAR_HASH)) {
            debar_audit_bad(w->pool, leaf, s->i);
            return;
        }
    }
}


/* All its lines were read, or it has no more: is it what it was closed as? */

static void
debar_audit_end(debar_audit_worker_t *w, debar_audit_stream_t *s,
    const debar_audit_lines_t *b)
{
    int                         same;
    char                        end[2];
    size_t                      n;
    uint64_t                    bytes, first;
    static const uint8_t        unknown[32];
    const debar_sealed_file_t  *f = s->part.closed;

    first = s->part.first;

    if (s->left) {
        debar_audit_bad(w->pool, first + s->part.lines - s->left, s->i);
        return;
    }

    if (f == NULL || s->part.lines < f->lines) {
        debar_audit_unsealed(w->pool, s, b->behind);
        return;
    }

    if (b->behind
        || (!s->end && pread(s->part.fd, end, 1, (off_t) s->offset) > 0))
    {
        debar_audit_bad(w->pool, first + s->part.lines, s->i);
        return;
    }

    /* the file is whole if its digest is right without its last newline, with
     * it, or with one more */

    bytes = s->offset;
    n = b->len != 0;
    end[0] = n ? w->data[b->len - 1] : '\0';
    end[1] = '\n';
    same = debar_audit_digest(s->digest, end, n, f->sha256);

    if (!same && f->lines
        && (debar_audit_digest(s->digest, end, n + 1, f->sha256)
            || (n && *end == '\n'
                && debar_audit_digest(s->digest, end, 0, f->sha256))))
    {
        debar_audit_bad(w->pool, first + s->part.lines - 1, s->i);

    } else if (memcmp(f->sha256, unknown, sizeof(unknown)) == 0) {

        /* it was not there when it was closed */

        same = 1;
    }

    if (bytes != f->bytes || !same) {
        debar_audit_entry(w->pool, f->number, bytes == f->bytes ? "sha256"
                          : same ? "bytes" : "bytes and sha256");
    }
}


static int
debar_audit_digest(EVP_MD_CTX *ctx, const void *more, size_t len,
    const uint8_t sha256[32])
{
    int          rc;
    uint8_t      out[EVP_MAX_MD_SIZE];
    EVP_MD_CTX  *copy;

    copy = EVP_MD_CTX_new();
    rc = copy && EVP_MD_CTX_copy_ex(copy, ctx) == 1
         && EVP_DigestUpdate(copy, more, len) == 1
         && EVP_DigestFinal_ex(copy, out, NULL) == 1
         && memcmp(out, sha256, 32) == 0;
    EVP_MD_CTX_free(copy);

    return rc;
}


/* What sealed/files says of a file whose lines are all as they were sealed. */

static void
debar_audit_entry(debar_audit_pool_t *pool, uint64_t number,
    const char *member)
{
    pthread_mutex_lock(&pool->mutex);

    if (pool->check->entry == 0 || number < pool->check->entry) {
        pool->check->entry = number;
        pool->check->member = member;
    }

    pthread_mutex_unlock(&pool->mutex);
}


/* Whole lines behind those that the checkpoint speaks of. */

static void
debar_audit_unsealed(debar_audit_pool_t *pool, debar_audit_stream_t *s,
    size_t behind)
{
    size_t                 n;
    uint64_t               lines;
    const char            *line;
    debar_fault_t          fault;
    debar_audit_part_t     live;
    debar_audit_reader_t   r;

    if (debar_audit_reader(&r, &s->part, &fault) != DEBAR_OK) {
        debar_audit_failed(pool, &fault);
        return;
    }

    r.last = 0;
    r.offset = s->offset - behind;
    lines = 0;

    while (debar_audit_line(&r, &line, &n)) {
        lines++;
    }

    /* a file that was rotated, and is not closed yet, has another behind it */

    if (s->part.closed == NULL && strcmp(s->part.name, DEBAR_SEALED_LIVE)) {

        debar_audit_part_live(&live, pool->check->log);

        if (live.fd != -1) {

            r.fd = live.fd;
            r.at = r.len = r.offset = r.end = 0;

            while (debar_audit_line(&r, &line, &n)) {
                lines++;
            }

            debar_audit_part_close(&live);
        }
    }

    debar_audit_reader_free(&r);

    pthread_mutex_lock(&pool->mutex);
    pool->check->unsealed += lines;
    pthread_mutex_unlock(&pool->mutex);
}
