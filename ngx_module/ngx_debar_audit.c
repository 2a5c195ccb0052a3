/*
 * The audit file: whole lines, appended by write(2): one at a time, or those
 * that came in one round of events together, while the requests wait that they
 * are of: nothing of them has gone anywhere before.  The master opens it with
 * nginx's other files, so that USR1 reopens it; each worker holds a shared
 * lock on the file that it writes, by which the sealer knows when a rotated
 * file will get no more lines.
 */

#include "ngx_debar.h"
#include <sys/file.h>
#include <sys/random.h>
#include <sys/uio.h>


#define NGX_DEBAR_AUDIT_ACCESS  0640
#define NGX_DEBAR_INCIDENT      16       /* bytes */
#define NGX_DEBAR_AUDIT_BUF     65536


static ngx_int_t ngx_debar_audit_create(ngx_str_t *path);
static void ngx_debar_audit_flush(ngx_open_file_t *file, ngx_log_t *log);
static ngx_int_t ngx_debar_audit_shared(ngx_conf_t *cf, ngx_debar_audit_t *a);
static void ngx_debar_audit_cleanup(void *data);
static void ngx_debar_audit_lock(ngx_debar_audit_t *a, ngx_log_t *log);
static void ngx_debar_audit_round(ngx_event_t *ev);
static size_t ngx_debar_audit_out(ngx_debar_audit_t *a, ngx_log_t *log);
static size_t ngx_debar_audit_file(ngx_debar_audit_t *a, u_char *p, size_t len,
    ngx_log_t *log);
static ngx_uint_t ngx_debar_audit_torn(ngx_debar_audit_t *a);
static void ngx_debar_audit_tear(ngx_debar_audit_t *a, ngx_uint_t torn);
static void ngx_debar_audit_failed(ngx_debar_audit_t *a, ngx_err_t err,
    ssize_t n, size_t len, ngx_log_t *log);
static void ngx_debar_random(u_char *bytes, size_t size);


char *
ngx_debar_audit_directive(ngx_conf_t *cf, ngx_array_t *audits,
    ngx_debar_audit_t **ap, ngx_uint_t *all, ngx_uint_t *pass)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;
    *all = 0;
    *pass = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "all") == 0) {
            *all = 1;

        } else if (ngx_strcmp(value[i].data, "on_failure=refuse") == 0) {
            *pass = 0;

        } else if (ngx_strcmp(value[i].data, "on_failure=pass") == 0) {
            *pass = 1;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": \"debar_audit\" "
                               "takes \"all\", \"on_failure=refuse\" and "
                               "\"on_failure=pass\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts > 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"debar_audit off\" takes nothing more");
            return NGX_CONF_ERROR;
        }

        *ap = NULL;
        return NGX_CONF_OK;
    }

    *ap = ngx_debar_audit_add(cf, audits, &value[1]);

    return *ap ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_debar_audit_t *
ngx_debar_audit_add(ngx_conf_t *cf, ngx_array_t *audits, ngx_str_t *path)
{
    ngx_uint_t           i;
    ngx_open_file_t     *file;
    ngx_debar_audit_t   *a, **ap;

    file = ngx_conf_open_file(cf->cycle, path);
    if (file == NULL) {
        return NULL;
    }

    if (file->flush == ngx_debar_audit_flush) {

        /* one object per file, be it for http, stream or both */

        a = file->data;
        ap = audits->elts;

        for (i = 0; i < audits->nelts; i++) {
            if (ap[i] == a) {
                return a;
            }
        }

        ap = ngx_array_push(audits);
        if (ap == NULL) {
            return NULL;
        }

        *ap = a;

        return a;
    }

    if (file->flush || file->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "debar_audit: \"%V\" is a buffered log already: "
                           "give audit lines a file of their own",
                           &file->name);
        return NULL;
    }

    if (ngx_debar_audit_create(&file->name) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "debar_audit: \"%V\" cannot be opened for appending",
                           &file->name);
        return NULL;
    }

    a = ngx_pcalloc(cf->pool, sizeof(ngx_debar_audit_t));
    ap = ngx_array_push(audits);
    if (a == NULL || ap == NULL) {
        return NULL;
    }

    *ap = a;

    a->file = file;
    a->path = file->name;
    a->locked = NGX_INVALID_FILE;

    a->buf = ngx_palloc(cf->pool, NGX_DEBAR_AUDIT_BUF);
    if (a->buf == NULL) {
        return NULL;
    }

    ngx_queue_init(&a->waiting);
    ngx_queue_init(&a->written);

    a->flush.handler = ngx_debar_audit_round;
    a->flush.data = a;
    a->flush.log = &cf->cycle->new_log;

    if (ngx_debar_audit_shared(cf, a) != NGX_OK) {
        return NULL;
    }

    file->flush = ngx_debar_audit_flush;
    file->data = a;

    return a;
}


/* What one worker tore, the next to write begins a new line after. */

static ngx_int_t
ngx_debar_audit_shared(ngx_conf_t *cf, ngx_debar_audit_t *a)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    a->shm.size = ngx_pagesize;
    a->shm.name = a->path;
    a->shm.log = cf->cycle->log;

    if (ngx_shm_alloc(&a->shm) != NGX_OK) {
        return NGX_ERROR;
    }

    a->torn = (ngx_atomic_t *) a->shm.addr;
    *a->torn = 0;

    cln->handler = ngx_debar_audit_cleanup;
    cln->data = a;

    return NGX_OK;
}


static void
ngx_debar_audit_cleanup(void *data)
{
    ngx_debar_audit_t  *a = data;

    a->shm.log = ngx_cycle->log;
    ngx_shm_free(&a->shm);
}


/*
 * nginx would make the file readable to all; so it is there before nginx opens
 * it, at the start and, by way of flush, when files are reopened.
 */

static ngx_int_t
ngx_debar_audit_create(ngx_str_t *path)
{
    ngx_fd_t  fd;

    fd = ngx_open_file(path->data, NGX_FILE_APPEND|O_CLOEXEC,
                       NGX_FILE_CREATE_OR_OPEN, NGX_DEBAR_AUDIT_ACCESS);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    (void) ngx_close_file(fd);

    return NGX_OK;
}


static void
ngx_debar_audit_flush(ngx_open_file_t *file, ngx_log_t *log)
{
    ngx_debar_audit_t  *a = file->data;

    /* the file that comes may get the descriptor's number of the last one */

    a->locked = NGX_INVALID_FILE;

    /* a worker may lack the right to: the master has been here before it */

    (void) ngx_debar_audit_create(&file->name);
}


void
ngx_debar_audit_init_worker(ngx_debar_audit_t *a, ngx_log_t *log)
{
    ngx_debar_audit_lock(a, log);
}


static void
ngx_debar_audit_lock(ngx_debar_audit_t *a, ngx_log_t *log)
{
    if (flock(a->file->fd, LOCK_SH|LOCK_NB) == 0) {
        a->locked = a->file->fd;
        return;
    }

    /* someone looks at it exclusively, for a moment: the next line tries it */

    if (ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "flock(\"%V\") failed", &a->path);
    }
}


ngx_int_t
ngx_debar_audit_write(ngx_debar_audit_t *a, u_char *line, size_t len,
    ngx_log_t *log)
{
    if (len > NGX_DEBAR_AUDIT_BUF - a->len) {
        (void) ngx_debar_audit_out(a, log);
    }

    ngx_memcpy(a->buf + a->len, line, len);
    a->len += len;

    len = a->len;

    return ngx_debar_audit_out(a, log) == len ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_debar_audit_append(ngx_debar_audit_t *a, u_char *line, size_t len,
    ngx_debar_audit_wait_t *wait, ngx_log_t *log)
{
    if (len > NGX_DEBAR_AUDIT_BUF - a->len) {
        (void) ngx_debar_audit_out(a, log);
    }

    ngx_memcpy(a->buf + a->len, line, len);
    a->len += len;

    wait->end = a->len;
    wait->rc = NGX_AGAIN;

    ngx_queue_insert_tail(&a->waiting, &wait->queue);

    ngx_post_event(&a->flush, &ngx_posted_events);

    return NGX_AGAIN;
}


void
ngx_debar_audit_cancel(ngx_debar_audit_wait_t *wait)
{
    if (wait->rc == NGX_AGAIN) {
        wait->rc = NGX_ERROR;
        ngx_queue_remove(&wait->queue);
    }
}


/* The round ends.  Who is told may end others, and lines may come anew. */

static void
ngx_debar_audit_round(ngx_event_t *ev)
{
    ngx_debar_audit_t  *a = ev->data;

    ngx_queue_t             *q;
    ngx_debar_audit_wait_t  *wait;

    if (a->len) {
        (void) ngx_debar_audit_out(a, ngx_cycle->log);
    }

    while (!ngx_queue_empty(&a->written)) {
        q = ngx_queue_head(&a->written);
        wait = ngx_queue_data(q, ngx_debar_audit_wait_t, queue);

        ngx_queue_remove(q);

        wait->rc = wait->told;
        wait->handler(wait);
    }
}


/*
 * Writes what is in buf, which is empty then; returns how much of it is in the
 * file.  Those who wait are told at the end of the round, not from within the
 * request that made it write.
 */

static size_t
ngx_debar_audit_out(ngx_debar_audit_t *a, ngx_log_t *log)
{
    size_t                   n;
    ngx_queue_t             *q;
    ngx_debar_audit_wait_t  *wait;

    n = ngx_debar_audit_file(a, a->buf, a->len, log);

    while (!ngx_queue_empty(&a->waiting)) {
        q = ngx_queue_head(&a->waiting);
        wait = ngx_queue_data(q, ngx_debar_audit_wait_t, queue);

        wait->told = (wait->end <= n) ? NGX_OK : NGX_ERROR;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&a->written, q);
    }

    a->len = 0;

    return n;
}


static size_t
ngx_debar_audit_file(ngx_debar_audit_t *a, u_char *p, size_t len,
    ngx_log_t *log)
{
    ssize_t       n;
    ngx_err_t     err;
    ngx_uint_t    torn;
    struct iovec  iov[2];

    if (a->locked != a->file->fd) {
        ngx_debar_audit_lock(a, log);
    }

    torn = *a->torn != 0 && ngx_debar_audit_torn(a);

    do {
        if (torn) {
            iov[0].iov_base = (void *) "\n";
            iov[0].iov_len = 1;
            iov[1].iov_base = (void *) p;
            iov[1].iov_len = len;

            n = writev(a->file->fd, iov, 2);

        } else {
            n = write(a->file->fd, p, len);
        }

        err = (n == -1) ? ngx_errno : 0;

    } while (err == NGX_EINTR);

    if (n == (ssize_t) (len + torn)) {

        if (a->failing) {
            ngx_log_error(NGX_LOG_WARN, log, 0,
                          "debar audit file \"%V\" takes lines again",
                          &a->path);
        }

        if (torn) {
            *a->torn = 0;
        }

        a->failing = 0;

        return len;
    }

    ngx_debar_audit_failed(a, err, n, len + torn, log);

    if (n <= 0) {
        return 0;
    }

    n -= torn;

    ngx_debar_audit_tear(a, n && p[n - 1] != LF);

    return n;
}


/* Whether it is our file, and not the one before it was rotated. */

static ngx_uint_t
ngx_debar_audit_torn(ngx_debar_audit_t *a)
{
    ngx_file_info_t  fi;

    return ngx_fd_info(a->file->fd, &fi) != NGX_FILE_ERROR
           && (ngx_atomic_uint_t) ngx_file_uniq(&fi) == *a->torn;
}


static void
ngx_debar_audit_tear(ngx_debar_audit_t *a, ngx_uint_t torn)
{
    ngx_file_info_t  fi;

    *a->torn = 0;

    if (torn && ngx_fd_info(a->file->fd, &fi) != NGX_FILE_ERROR) {
        *a->torn = ngx_file_uniq(&fi);
    }
}


static void
ngx_debar_audit_failed(ngx_debar_audit_t *a, ngx_err_t err, ssize_t n,
    size_t len, ngx_log_t *log)
{
    if (a->failing) {
        return;
    }

    a->failing = 1;

    if (n == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, err,
                      "debar audit file \"%V\" takes no line: requests that "
                      "need one get what \"on_failure\" says", &a->path);
        return;
    }

    ngx_log_error(NGX_LOG_CRIT, log, 0,
                  "debar audit file \"%V\" took %z of %uz bytes: requests "
                  "that need a line get what \"on_failure\" says",
                  &a->path, n, len);
}


/*
 * Random bytes are asked for some requests ahead: a call of the kernel for
 * each would cost as much as the line.  What a parent has asked for is not its
 * child's.
 */

void
ngx_debar_incident(char out[33])
{
    u_char  *bytes;

    static u_char  pool[NGX_DEBAR_INCIDENT * 64];
    static size_t  left;
    static pid_t   pid;

    if (left == 0 || pid != ngx_pid) {
        ngx_debar_random(pool, sizeof(pool));
        left = sizeof(pool);
        pid = ngx_pid;
    }

    left -= NGX_DEBAR_INCIDENT;
    bytes = pool + left;

    *ngx_hex_dump((u_char *) out, bytes, NGX_DEBAR_INCIDENT) = '\0';
}


static void
ngx_debar_random(u_char *bytes, size_t size)
{
    size_t   n;
    ssize_t  got;

    n = 0;

    while (n < size) {
        got = getrandom(bytes + n, size - n, 0);

        if (got > 0) {
            n += got;

        } else if (ngx_errno != NGX_EINTR) {

            /* no kernel that runs nginx lacks it, but a filter may forbid it */

            while (n < size) {
                bytes[n++] = (u_char) ngx_random();
            }
        }
    }
}


uint64_t
ngx_debar_clock(void)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1) {
        return 0;
    }

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


ssize_t
ngx_debar_peek(ngx_connection_t *c, void *buf, size_t size)
{
    ssize_t    n;
    ngx_err_t  err;

    do {
        n = recv(c->fd, buf, size, MSG_PEEK);
        err = (n == -1) ? ngx_socket_errno : 0;
    } while (err == NGX_EINTR);

    if (err == NGX_EAGAIN) {
        return NGX_AGAIN;
    }

    if (err) {
        (void) ngx_connection_error(c, err, "recv() failed");
        return NGX_ERROR;
    }

    return n;
}
