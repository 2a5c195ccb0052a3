/*
 * A sealed log checked by threads that take what is due next: first tiles,
 * which are compared with what stands above them, then lines
 * (audit_check_lines.c).
 */

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "audit_deletion.h"
#include "audit_check_private.h"


/* Leaves that a tile of level 1 stands for. */

#define DEBAR_AUDIT_SPAN  ((uint64_t) DEBAR_TILE_WIDTH * DEBAR_TILE_WIDTH)


static int debar_audit_run(debar_audit_pool_t *pool);
static void debar_audit_wait(debar_audit_pool_t *pool);
static int debar_audit_worker(debar_audit_worker_t *w,
    debar_audit_pool_t *pool);
static void *debar_audit_work(void *data);
static void debar_audit_tiles_all(debar_audit_worker_t *w);
static void debar_audit_tiles_of(debar_audit_worker_t *w, uint64_t index);
static void debar_audit_bad_tile(debar_audit_pool_t *pool, uint64_t tile);
static void debar_audit_above(debar_audit_pool_t *pool);
static void debar_audit_bar(debar_audit_pool_t *pool);


int
debar_audit_check(debar_audit_check_t *check, debar_fault_t *fault)
{
    int                  rc;
    long                 n;
    debar_audit_pool_t  *pool;

    n = sysconf(_SC_NPROCESSORS_ONLN);

    if (check->threads == 0) {
        check->threads = n < 1 ? 1 : (unsigned) n;
    }

    if (check->threads > DEBAR_AUDIT_THREADS) {
        check->threads = DEBAR_AUDIT_THREADS;
    }

    check->leaf = UINT64_MAX;
    check->tile = UINT64_MAX;

    pool = calloc(1, sizeof(*pool));

    if (pool == NULL) {
        debar_fault(fault, "no memory to check with");
        return DEBAR_ERROR;
    }

    pool->check = check;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->done, NULL);

    rc = debar_audit_run(pool);

    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);

    *fault = pool->fault;
    free(pool);

    if (rc != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    if (check->leaf != UINT64_MAX || check->tiles_bad) {
        return debar_audit_blame(check, fault);
    }

    return check->entry ? debar_audit_blame_entry(check, fault)
                        : debar_audit_blame_deletions(check, fault);
}


static int
debar_audit_run(debar_audit_pool_t *pool)
{
    unsigned               i, n;
    pthread_t              threads[DEBAR_AUDIT_THREADS];
    debar_audit_worker_t  *workers;

    n = pool->check->threads;
    workers = calloc(n, sizeof(*workers));
    pool->running = n;

    for (i = 0; workers && i < n; i++) {
        if (debar_audit_worker(&workers[i], pool) != DEBAR_OK
            || pthread_create(&threads[i], NULL, debar_audit_work, &workers[i]))
        {
            break;
        }
    }

    if (workers == NULL || i == 0) {
        debar_fault(&pool->fault, "no thread, or no memory for one, to hash "
                    "with");
        pool->failed = 1;
    }

    pthread_mutex_lock(&pool->mutex);
    pool->running -= n - i;
    pthread_mutex_unlock(&pool->mutex);

    if (i) {
        debar_audit_above(pool);
        debar_audit_wait(pool);
    }

    while (i) {
        pthread_join(threads[--i], NULL);
    }

    for (i = 0; workers && i < n; i++) {
        debar_hasher_free(workers[i].hasher);
        free(workers[i].data);
    }

    free(workers);

    for (i = 0; i < 2 * DEBAR_AUDIT_THREADS; i++) {
        if (pool->streams[i].used) {
            debar_audit_stream_free(&pool->streams[i]);
        }
    }

    return pool->failed ? DEBAR_ERROR : DEBAR_OK;
}


/* Until they are ready; how far they are is told meanwhile. */

static void
debar_audit_wait(debar_audit_pool_t *pool)
{
    struct timespec  t;

    pthread_mutex_lock(&pool->mutex);

    while (pool->running) {

        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += 100000000;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;

        if (pthread_cond_timedwait(&pool->done, &pool->mutex, &t) == ETIMEDOUT
            && !pool->check->quiet)
        {
            debar_audit_bar(pool);
        }
    }

    pthread_mutex_unlock(&pool->mutex);
}


static int
debar_audit_worker(debar_audit_worker_t *w, debar_audit_pool_t *pool)
{
    const debar_audit_log_t  *log = pool->check->log;

    w->pool = pool;
    w->hasher = debar_hasher_new();
    w->data = malloc(DEBAR_AUDIT_ROOM);

    if (w->hasher == NULL || w->data == NULL) {
        return DEBAR_ERROR;
    }

    debar_audit_tiles(&w->tiles, &w->store, &log->audit, log->checkpoint.size,
                      w->hasher);

    return DEBAR_OK;
}


static void *
debar_audit_work(void *data)
{
    debar_audit_worker_t  *w = data;

    debar_audit_tiles_all(w);
    debar_audit_lines(w);

    pthread_mutex_lock(&w->pool->mutex);
    w->pool->running--;
    pthread_cond_signal(&w->pool->done);
    pthread_mutex_unlock(&w->pool->mutex);

    return NULL;
}


void
debar_audit_bad(debar_audit_pool_t *pool, uint64_t leaf, size_t part)
{
    pthread_mutex_lock(&pool->mutex);

    if (leaf < pool->check->leaf) {
        pool->check->leaf = leaf;
        pool->check->part = part;
    }

    pthread_mutex_unlock(&pool->mutex);
}


void
debar_audit_failed(debar_audit_pool_t *pool, const debar_fault_t *fault)
{
    pthread_mutex_lock(&pool->mutex);

    if (!pool->failed) {
        pool->failed = 1;
        pool->fault = *fault;
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


static void
debar_audit_tiles_all(debar_audit_worker_t *w)
{
    uint64_t             i, n;
    debar_audit_pool_t  *pool = w->pool;

    n = pool->check->log->checkpoint.size / DEBAR_TILE_WIDTH;
    n = n / DEBAR_TILE_WIDTH + (n % DEBAR_TILE_WIDTH != 0);

    for ( ;; ) {
        pthread_mutex_lock(&pool->mutex);
        i = pool->tile;
        pool->tile += i < n;
        pthread_mutex_unlock(&pool->mutex);

        if (i == n) {
            return;
        }

        debar_audit_tiles_of(w, i);
    }
}


/* The tiles of leaves below a tile of level 1. */

static void
debar_audit_tiles_of(debar_audit_worker_t *w, uint64_t index)
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
        debar_fault(&fault, "SHA-256 is not to be had from OpenSSL");
        debar_audit_failed(pool, &fault);
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


/* The pool's mutex is held. */

static void
debar_audit_bar(debar_audit_pool_t *pool)
{
    uint64_t  done, size;

    size = pool->check->log->checkpoint.size;
    done = pool->check->lines + pool->check->gone_lines;

    if (done == 0) {
        done = pool->tile * DEBAR_AUDIT_SPAN;
        debar_progress(NULL, "hashes checked", done < size ? done : size);
        return;
    }

    debar_progress_bar("lines checked", done, size);
}
