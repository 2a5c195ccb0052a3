/*
 * One thread reads files and hands their lines out in blocks; the others hash
 * them and compare.  Tiles are compared with what stands above them first.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_check.h"


#define DEBAR_AUDIT_THREADS  64

/* Leaves that a tile of level 1 stands for. */

#define DEBAR_AUDIT_SPAN  ((uint64_t) DEBAR_TILE_WIDTH * DEBAR_TILE_WIDTH)


typedef struct debar_audit_job_s  debar_audit_job_t;

struct debar_audit_job_s {
    debar_audit_job_t  *next;
    unsigned            tiles;    /* of this tile of level 1, not lines */
    uint64_t            first;    /* leaf, or tile */
    uint64_t            index;    /* in its file, of the first line */
    uint64_t            lines;
    size_t              part;
    unsigned            last;
    uint8_t             secret[DEBAR_SEALED_SECRET];
    size_t              len;
    char                data[];
};

typedef struct {
    debar_audit_check_t  *check;
    pthread_mutex_t       mutex;
    pthread_cond_t        work;
    pthread_cond_t        room;
    debar_audit_job_t    *head;
    debar_audit_job_t   **tail;
    unsigned              queued;
    unsigned              busy;
    unsigned              limit;  /* of jobs that wait */
    unsigned              ended;
    unsigned              failed; /* fault says why */
    debar_fault_t         fault;
} debar_audit_pool_t;

typedef struct {
    debar_audit_pool_t   *pool;
    debar_hasher_t       *hasher;
    debar_tiles_t         tiles;
    debar_audit_tiles_t   store;
    debar_hash_t          hashes[DEBAR_TILE_WIDTH];
    debar_hash_t          above[DEBAR_TILE_WIDTH];
} debar_audit_worker_t;


static void *debar_audit_work(void *data);
static void debar_audit_work_lines(debar_audit_worker_t *w,
    const debar_audit_job_t *job);
static void debar_audit_work_tiles(debar_audit_worker_t *w, uint64_t index);
static void debar_audit_bad(debar_audit_pool_t *pool, uint64_t leaf,
    size_t part);
static void debar_audit_bad_tile(debar_audit_pool_t *pool, uint64_t tile);
static int debar_audit_give(debar_audit_pool_t *pool, debar_audit_job_t *job);
static void debar_audit_drain(debar_audit_pool_t *pool);
static int debar_audit_run(debar_audit_pool_t *pool);
static void debar_audit_tiles_all(debar_audit_pool_t *pool);
static void debar_audit_above(debar_audit_pool_t *pool);
static int debar_audit_lines_all(debar_audit_pool_t *pool);
static int debar_audit_file(debar_audit_pool_t *pool,
    debar_audit_part_t *part, size_t i);
static int debar_audit_file_lines(debar_audit_pool_t *pool,
    const debar_audit_part_t *part, size_t i, debar_audit_job_t *proto,
    debar_audit_reader_t *r);
static int debar_audit_block(debar_audit_pool_t *pool,
    const debar_audit_job_t *proto, debar_audit_reader_t *r, uint64_t *left);
static void debar_audit_file_end(debar_audit_pool_t *pool,
    const debar_audit_part_t *part, size_t i, debar_audit_reader_t *r,
    uint64_t left);
static void debar_audit_unsealed(debar_audit_pool_t *pool,
    const debar_audit_part_t *part, debar_audit_reader_t *r);
static void debar_audit_bar(const debar_audit_check_t *check);


int
debar_audit_check(debar_audit_check_t *check, debar_fault_t *fault)
{
    int                 rc;
    long                n;
    debar_audit_pool_t  pool;

    n = sysconf(_SC_NPROCESSORS_ONLN);

    if (check->threads == 0) {
        check->threads = n < 1 ? 1 : (unsigned) n;
    }

    if (check->threads > DEBAR_AUDIT_THREADS) {
        check->threads = DEBAR_AUDIT_THREADS;
    }

    check->leaf = UINT64_MAX;
    check->tile = UINT64_MAX;

    memset(&pool, 0, sizeof(pool));
    pool.check = check;
    pool.tail = &pool.head;
    pool.limit = check->threads + 2;
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.work, NULL);
    pthread_cond_init(&pool.room, NULL);

    rc = debar_audit_run(&pool);

    pthread_cond_destroy(&pool.work);
    pthread_cond_destroy(&pool.room);
    pthread_mutex_destroy(&pool.mutex);

    if (rc != DEBAR_OK) {
        *fault = pool.fault;
        return DEBAR_ERROR;
    }

    if (check->leaf == UINT64_MAX && !check->tiles_bad) {
        return DEBAR_OK;
    }

    return debar_audit_blame(check, fault);
}


static int
debar_audit_run(debar_audit_pool_t *pool)
{
    unsigned               i, n;
    pthread_t              threads[DEBAR_AUDIT_THREADS];
    debar_audit_worker_t  *workers;

    n = pool->check->threads;
    workers = calloc(n, sizeof(*workers));

    for (i = 0; workers && i < n; i++) {

        workers[i].pool = pool;
        workers[i].hasher = debar_hasher_new();

        if (workers[i].hasher == NULL
            || pthread_create(&threads[i], NULL, debar_audit_work, &workers[i]))
        {
            debar_hasher_free(workers[i].hasher);
            break;
        }
    }

    if (workers == NULL || i == 0) {
        free(workers);
        debar_fault(&pool->fault, "no thread, or no memory for one, to hash "
                    "with");
        return DEBAR_ERROR;
    }

    n = i;

    debar_audit_tiles_all(pool);
    debar_audit_drain(pool);

    if (!pool->failed && debar_audit_lines_all(pool) != DEBAR_OK) {
        pool->failed = 1;
    }

    debar_audit_drain(pool);

    pthread_mutex_lock(&pool->mutex);
    pool->ended = 1;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);

    for (i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        debar_hasher_free(workers[i].hasher);
    }

    free(workers);

    return pool->failed ? DEBAR_ERROR : DEBAR_OK;
}


static void *
debar_audit_work(void *data)
{
    debar_audit_job_t         *job;
    debar_audit_pool_t        *pool;
    debar_audit_worker_t      *w = data;
    const debar_audit_log_t   *log;

    pool = w->pool;
    log = pool->check->log;
    debar_audit_tiles(&w->tiles, &w->store, &log->audit, log->checkpoint.size,
                      w->hasher);

    pthread_mutex_lock(&pool->mutex);

    for ( ;; ) {

        while (pool->head == NULL && !pool->ended) {
            pthread_cond_wait(&pool->work, &pool->mutex);
        }

        job = pool->head;

        if (job == NULL) {
            break;
        }

        pool->head = job->next;

        if (pool->head == NULL) {
            pool->tail = &pool->head;
        }

        pool->queued--;
        pool->busy++;
        pthread_cond_signal(&pool->room);
        pthread_mutex_unlock(&pool->mutex);

        if (job->tiles) {
            debar_audit_work_tiles(w, job->first);

        } else {
            debar_audit_work_lines(w, job);
        }

        free(job);

        pthread_mutex_lock(&pool->mutex);
        pool->busy--;
        pthread_cond_signal(&pool->room);
    }

    pthread_mutex_unlock(&pool->mutex);

    return NULL;
}


static void
debar_audit_work_lines(debar_audit_worker_t *w, const debar_audit_job_t *job)
{
    size_t         len, n, at;
    uint8_t        salt[DEBAR_SALT];
    uint64_t       i, leaf, tile, size;
    debar_hash_t   hash;
    debar_fault_t  fault;

    at = 0;
    tile = UINT64_MAX;
    size = w->tiles.size;

    for (i = 0; i < job->lines; i++, at += n) {

        leaf = job->first + i;
        n = debar_sealed_line(job->data + at, job->len - at, job->last, &len);

        if (leaf / DEBAR_TILE_WIDTH != tile) {
            tile = leaf / DEBAR_TILE_WIDTH;

            if (w->tiles.read(w->tiles.data, 0, tile,
                              debar_tile_width(size, 0, tile), w->hashes,
                              &fault) != DEBAR_OK)
            {
                debar_audit_bad(w->pool, leaf, job->part);
                return;
            }
        }

        debar_merkle_salt(w->hasher, salt, job->secret, job->index + i);
        debar_merkle_leaf(w->hasher, hash, salt, job->data + at, len);

        if (memcmp(hash, w->hashes[leaf % DEBAR_TILE_WIDTH], DEBAR_HASH)) {
            debar_audit_bad(w->pool, leaf, job->part);
            return;
        }
    }
}


/* The tiles of leaves below a tile of level 1. */

static void
debar_audit_work_tiles(debar_audit_worker_t *w, uint64_t index)
{
    unsigned       i, width;
    uint64_t       tile;
    debar_hash_t   root;
    debar_fault_t  fault;

    tile = index * DEBAR_TILE_WIDTH;
    width = debar_tile_width(w->tiles.size, 1, index);

    if (w->tiles.read(w->tiles.data, 1, index, width, w->above, &fault)
        != DEBAR_OK)
    {
        debar_audit_bad_tile(w->pool, tile);
        return;
    }

    for (i = 0; i < width; i++, tile++) {

        if (w->tiles.read(w->tiles.data, 0, tile, DEBAR_TILE_WIDTH, w->hashes,
                          &fault) == DEBAR_OK)
        {
            debar_tile_root(w->hasher, root, (const debar_hash_t *) w->hashes,
                            DEBAR_TILE_WIDTH);

            if (memcmp(root, w->above[i], DEBAR_HASH) == 0) {
                continue;
            }
        }

        debar_audit_bad_tile(w->pool, tile);
        return;
    }
}


static void
debar_audit_bad(debar_audit_pool_t *pool, uint64_t leaf, size_t part)
{
    pthread_mutex_lock(&pool->mutex);

    if (leaf < pool->check->leaf) {
        pool->check->leaf = leaf;
        pool->check->part = part;
    }

    pthread_mutex_unlock(&pool->mutex);
}


static void
debar_audit_bad_tile(debar_audit_pool_t *pool, uint64_t tile)
{
    pthread_mutex_lock(&pool->mutex);
    pool->check->tiles_bad = 1;

    if (tile < pool->check->tile) {
        pool->check->tile = tile;
    }

    pthread_mutex_unlock(&pool->mutex);
}


/* job is NULL: no memory.  0 ends the giving: there is a bad line before. */

static int
debar_audit_give(debar_audit_pool_t *pool, debar_audit_job_t *job)
{
    int  more;

    if (job == NULL) {
        debar_fault(&pool->fault, "no memory for the lines that are checked");
        pool->failed = 1;
        return 0;
    }

    pthread_mutex_lock(&pool->mutex);

    while (pool->queued >= pool->limit) {
        pthread_cond_wait(&pool->room, &pool->mutex);
    }

    job->next = NULL;
    *pool->tail = job;
    pool->tail = &job->next;
    pool->queued++;
    more = pool->check->leaf == UINT64_MAX;

    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);

    return more;
}


static void
debar_audit_drain(debar_audit_pool_t *pool)
{
    pthread_mutex_lock(&pool->mutex);

    while (pool->queued || pool->busy) {
        pthread_cond_wait(&pool->room, &pool->mutex);
    }

    pthread_mutex_unlock(&pool->mutex);
}


static void
debar_audit_tiles_all(debar_audit_pool_t *pool)
{
    uint64_t            i, n, size;
    debar_audit_job_t  *job;

    size = pool->check->log->checkpoint.size;
    n = size / DEBAR_TILE_WIDTH;
    n = n / DEBAR_TILE_WIDTH + (n % DEBAR_TILE_WIDTH != 0);

    for (i = 0; i < n; i++) {

        job = calloc(1, sizeof(*job));

        if (job) {
            job->tiles = 1;
            job->first = i;
        }

        (void) debar_audit_give(pool, job);

        if (pool->failed) {
            return;
        }

        if (!pool->check->quiet) {
            debar_progress(NULL, "hashes checked",
                           (i + 1) * DEBAR_AUDIT_SPAN < size
                           ? (i + 1) * DEBAR_AUDIT_SPAN : size);
        }
    }

    debar_audit_above(pool);
}


/* Levels above the leaves', a 256th of the work, and the root. */

static void
debar_audit_above(debar_audit_pool_t *pool)
{
    unsigned               level;
    uint64_t               i, n, size;
    debar_hash_t           hashes[DEBAR_TILE_WIDTH], up[DEBAR_TILE_WIDTH], root;
    debar_tiles_t          tiles;
    debar_fault_t          fault;
    debar_hasher_t        *hasher;
    debar_audit_tiles_t    store;
    debar_audit_check_t   *check = pool->check;

    hasher = debar_hasher_new();

    if (hasher == NULL) {
        debar_fault(&pool->fault, "SHA-256 is not to be had from OpenSSL");
        pool->failed = 1;
        return;
    }

    size = check->log->checkpoint.size;
    debar_audit_tiles(&tiles, &store, &check->log->audit, size, hasher);

    for (level = 1; level + 1 < DEBAR_TILE_LEVELS; level++) {

        n = size >> (8 * (level + 1));

        for (i = 0; i < n; i++) {

            if (tiles.read(tiles.data, level, i, DEBAR_TILE_WIDTH, hashes,
                           &fault) != DEBAR_OK
                || tiles.read(tiles.data, level + 1, i / DEBAR_TILE_WIDTH,
                              debar_tile_width(size, level + 1,
                                               i / DEBAR_TILE_WIDTH),
                              up, &fault) != DEBAR_OK)
            {
                debar_audit_bad_tile(pool, UINT64_MAX);
                goto done;
            }

            debar_tile_root(hasher, root, (const debar_hash_t *) hashes,
                            DEBAR_TILE_WIDTH);

            if (memcmp(root, up[i % DEBAR_TILE_WIDTH], DEBAR_HASH)) {
                debar_audit_bad_tile(pool, UINT64_MAX);
                goto done;
            }
        }
    }

    if (debar_tiles_root(root, &tiles, size, &fault) != DEBAR_OK
        || memcmp(root, check->log->checkpoint.root, DEBAR_HASH))
    {
        debar_audit_bad_tile(pool, UINT64_MAX);
    }

done:

    debar_hasher_free(hasher);
}


static int
debar_audit_lines_all(debar_audit_pool_t *pool)
{
    int                       rc;
    size_t                    i;
    debar_audit_part_t        part;
    const debar_audit_log_t  *log;

    log = pool->check->log;

    for (i = 0; i < debar_audit_parts(log); i++) {

        if (debar_audit_part(&part, log, i, &pool->fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        rc = debar_audit_file(pool, &part, i);
        debar_audit_part_close(&part);

        if (rc != DEBAR_OK) {
            return rc == DEBAR_DECLINED ? DEBAR_OK : DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* DEBAR_DECLINED: a bad line was found, more need not be looked at. */

static int
debar_audit_file(debar_audit_pool_t *pool, debar_audit_part_t *part, size_t i)
{
    int                    rc;
    debar_fault_t          fault;
    debar_audit_job_t      proto;
    debar_audit_check_t   *check = pool->check;
    debar_audit_reader_t   r;

    memset(&proto, 0, sizeof(proto));

    rc = part->fd == -1 || part->lines == 0 ? DEBAR_OK
         : debar_audit_secret(proto.secret, &check->log->audit, part->number,
                              &fault);

    /* of what was deleted by policy the hashes are left */

    if (part->closed && part->closed->deleted
        && (part->fd == -1 || rc == DEBAR_DECLINED))
    {
        check->gone_files++;
        check->gone_lines += part->lines;
        return DEBAR_OK;
    }

    if (part->fd == -1) {

        if (part->lines == 0) {
            return DEBAR_OK;
        }

        debar_audit_bad(pool, part->first, i);
        return DEBAR_DECLINED;
    }

    if (rc != DEBAR_OK) {
        debar_audit_bad(pool, part->first, i);
        return DEBAR_DECLINED;
    }

    if (debar_audit_reader(&r, part, &pool->fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    check->files++;
    proto.first = part->first;
    proto.part = i;
    rc = debar_audit_file_lines(pool, part, i, &proto, &r);
    debar_audit_reader_free(&r);

    return rc;
}


static int
debar_audit_file_lines(debar_audit_pool_t *pool,
    const debar_audit_part_t *part, size_t i, debar_audit_job_t *proto,
    debar_audit_reader_t *r)
{
    int       more;
    uint64_t  left;

    more = 1;
    left = part->lines;

    while (left && more) {

        (void) debar_audit_read(r);
        proto->last = r->last && r->end;
        proto->first = part->first + part->lines - left;
        proto->index = part->lines - left;

        more = debar_audit_block(pool, proto, r, &left);

        if (r->end && more != 1) {
            break;
        }
    }

    if (r->error) {
        debar_fault(&pool->fault, "%s: %s", part->name, strerror(r->error));
        return DEBAR_ERROR;
    }

    if (pool->failed) {
        return DEBAR_ERROR;
    }

    if (left == 0 || r->end) {
        debar_audit_file_end(pool, part, i, r, left);
    }

    pthread_mutex_lock(&pool->mutex);
    more = pool->check->leaf == UINT64_MAX;
    pthread_mutex_unlock(&pool->mutex);

    return more ? DEBAR_OK : DEBAR_DECLINED;
}


/* The whole lines that were read, to a worker.  0: no more are wanted, or there
 * was none. */

static int
debar_audit_block(debar_audit_pool_t *pool, const debar_audit_job_t *proto,
    debar_audit_reader_t *r, uint64_t *left)
{
    int                 more;
    size_t              at, len, n;
    uint64_t            lines;
    debar_audit_job_t  *job;

    at = r->at;

    for (lines = 0; lines < *left; lines++, at += n) {

        n = debar_sealed_line(r->block + at, r->len - at, (int) proto->last,
                              &len);
        if (n == 0) {
            break;
        }
    }

    if (lines == 0) {
        return 0;
    }

    n = at - r->at;
    job = malloc(sizeof(*job) + n);

    if (job) {
        *job = *proto;
        job->lines = lines;
        job->len = n;
        memcpy(job->data, r->block + r->at, n);
    }

    more = debar_audit_give(pool, job);

    r->at = at;
    r->offset += n;
    *left -= lines;
    pool->check->lines += lines;
    pool->check->bytes += n;

    if (!pool->check->quiet) {
        debar_audit_bar(pool->check);
    }

    return more;
}


/* All its lines were given, or it has no more: is it as long as it was? */

static void
debar_audit_file_end(debar_audit_pool_t *pool, const debar_audit_part_t *part,
    size_t i, debar_audit_reader_t *r, uint64_t left)
{
    const debar_sealed_file_t  *f = part->closed;

    if (left) {
        debar_audit_bad(pool, part->first + part->lines - left, i);
        return;
    }

    if (f == NULL || part->lines < f->lines) {
        debar_audit_unsealed(pool, part, r);
        return;
    }

    if (r->at == r->len) {
        (void) debar_audit_read(r);
    }

    if (r->at < r->len || r->offset != f->bytes) {

        /* behind its last line, or its last newline is not there */

        debar_audit_bad(pool, part->first + part->lines
                              - (r->at == r->len && part->lines != 0), i);
    }
}


static void
debar_audit_unsealed(debar_audit_pool_t *pool, const debar_audit_part_t *part,
    debar_audit_reader_t *r)
{
    size_t              len;
    const char         *line;
    debar_audit_part_t  live;

    r->last = 0;

    while (debar_audit_line(r, &line, &len)) {
        pool->check->unsealed++;
    }

    /* a file that was rotated, and is not closed yet, has another behind it */

    if (part->closed || strcmp(part->name, DEBAR_SEALED_LIVE) == 0) {
        return;
    }

    debar_audit_part_live(&live, pool->check->log);

    if (live.fd != -1) {

        r->fd = live.fd;
        r->at = r->len = r->offset = r->end = 0;

        while (debar_audit_line(r, &line, &len)) {
            pool->check->unsealed++;
        }

        debar_audit_part_close(&live);
    }
}


static void
debar_audit_bar(const debar_audit_check_t *check)
{
    char      what[80];
    unsigned  i, tenth;
    uint64_t  done, size;

    if (!isatty(STDERR_FILENO)) {
        return;
    }

    size = check->log->checkpoint.size;
    done = check->lines + check->gone_lines;
    tenth = size ? (unsigned) (done * 20 / size) : 20;

    for (i = 0; i < 20; i++) {
        what[i + 1] = i < tenth ? '#' : '.';
    }

    what[0] = '[';
    snprintf(what + 21, sizeof(what) - 21, "] %3u%% lines checked",
             size ? (unsigned) (done * 100 / size) : 100);
    debar_progress(NULL, what, done);
}
