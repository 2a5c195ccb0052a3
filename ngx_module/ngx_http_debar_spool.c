/*
 * Where a download is kept while it is judged: a file without a name, and its
 * last bytes in memory.
 */

#include "ngx_http_debar_download.h"


#define NGX_HTTP_DEBAR_TAIL_BUFFER  8192


static ngx_fd_t
ngx_http_debar_spool_file(ngx_http_request_t *r, ngx_str_t *folder)
{
    ngx_fd_t  fd;

    /* nobody else can open what has no name, and nothing is left behind */

    fd = open((const char *) folder->data,
              O_TMPFILE|O_RDWR|O_CLOEXEC|O_EXCL, 0600);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, ngx_errno,
                      "debar: no file can be made in \"%V\" "
                      "(debar_download_temp_path)", folder);
    }

    return fd;
}


ngx_int_t
ngx_http_debar_spool_open(ngx_http_request_t *r, ngx_http_debar_spool_t *sp,
    ngx_str_t *folder)
{
    u_char  path[sizeof("/proc/self/fd/") + NGX_INT_T_LEN];

    sp->size = 0;
    sp->reading = NGX_INVALID_FILE;
    sp->room = NGX_INVALID_FILE;
    sp->file = ngx_http_debar_spool_file(r, folder);

    if (sp->file == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    sp->room = ngx_http_debar_spool_file(r, folder);

    (void) ngx_sprintf(path, "/proc/self/fd/%d%Z", sp->file);
    sp->reading = open((const char *) path, O_RDONLY|O_CLOEXEC);

    if (sp->room == NGX_INVALID_FILE || sp->reading == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, ngx_errno,
                      "debar: \"%s\" cannot be opened again", path);
        ngx_http_debar_spool_close(sp);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_debar_spool_write(ngx_http_request_t *r, ngx_http_debar_spool_t *sp,
    u_char *p, size_t n)
{
    ssize_t  written;

    while (n) {
        written = pwrite(sp->file, p, n, sp->size);

        if (written == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (written <= 0) {
            ngx_log_error(NGX_LOG_CRIT, r->connection->log, ngx_errno,
                          "debar: a download cannot be kept in "
                          "debar_download_temp_path");
            return NGX_ERROR;
        }

        p += written;
        n -= written;
        sp->size += written;
    }

    return NGX_OK;
}


void
ngx_http_debar_spool_close(ngx_http_debar_spool_t *sp)
{
    ngx_uint_t  i;
    ngx_fd_t   *fds[3];

    fds[0] = &sp->file;
    fds[1] = &sp->reading;
    fds[2] = &sp->room;

    for (i = 0; i < 3; i++) {
        if (*fds[i] != NGX_INVALID_FILE) {
            (void) ngx_close_file(*fds[i]);
            *fds[i] = NGX_INVALID_FILE;
        }
    }
}


/* --- the tail --------------------------------------------------------------- */

ngx_int_t
ngx_http_debar_tail_add(ngx_pool_t *pool, ngx_http_debar_tail_t *t, u_char *p,
    size_t n)
{
    size_t        part;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    while (n) {
        b = t->room;

        if (b == NULL || b->last == b->end) {
            cl = ngx_chain_get_free_buf(pool, &t->free);

            if (cl == NULL) {
                return NGX_ERROR;
            }

            b = cl->buf;

            if (b->start == NULL) {
                b->start = ngx_palloc(pool, NGX_HTTP_DEBAR_TAIL_BUFFER);

                if (b->start == NULL) {
                    return NGX_ERROR;
                }

                b->end = b->start + NGX_HTTP_DEBAR_TAIL_BUFFER;
            }

            b->pos = b->start;
            b->last = b->start;
            b->temporary = 1;
            b->flush = 0;
            b->last_buf = 0;
            b->tag = (ngx_buf_tag_t) &ngx_http_debar_tail_add;

            if (t->head == NULL) {
                t->last = &t->head;
            }

            cl->next = NULL;
            *t->last = cl;
            t->last = &cl->next;
            t->room = b;
        }

        part = ngx_min(n, (size_t) (b->end - b->last));

        b->last = ngx_cpymem(b->last, p, part);
        p += part;
        n -= part;
        t->size += part;
    }

    return NGX_OK;
}


ngx_chain_t *
ngx_http_debar_tail_take(ngx_http_debar_tail_t *t, size_t keep)
{
    size_t         n;
    ngx_chain_t   *out, **last;

    out = t->head;
    last = &out;

    while (*last) {
        n = (*last)->buf->last - (*last)->buf->pos;

        if (t->size < n || t->size - n < keep) {
            break;
        }

        t->size -= n;
        last = &(*last)->next;
    }

    t->head = *last;
    *last = NULL;

    if (t->head == NULL) {
        t->last = &t->head;
        t->room = NULL;
    }

    return out;
}


void
ngx_http_debar_tail_sent(ngx_pool_t *pool, ngx_http_debar_tail_t *t,
    ngx_chain_t *out)
{
    ngx_chain_update_chains(pool, &t->free, &t->busy, &out,
                            (ngx_buf_tag_t) &ngx_http_debar_tail_add);
}


size_t
ngx_http_debar_tail_crowd(ngx_http_debar_tail_t *t)
{
    size_t        n;
    ngx_chain_t  *cl;

    n = 0;

    for (cl = t->busy; cl; cl = cl->next) {
        n += cl->buf->last - cl->buf->pos;
    }

    return n;
}
