/*
 * A file that comes by, given to `debar inspect --serve` to read
 * (ngx_http_debar_inspector.c): blocklist/file_wire.h over a connection of its
 * own.  Nothing waits: what cannot be written now is written later, and who asked
 * is told when there is something to tell.
 */

#ifndef _NGX_HTTP_DEBAR_INSPECTOR_H_INCLUDED_
#define _NGX_HTTP_DEBAR_INSPECTOR_H_INCLUDED_


#include "ngx_debar.h"
#include "file_wire.h"


typedef struct ngx_http_debar_inspector_s  ngx_http_debar_inspector_t;

typedef struct {
    void   *data;

    /* One finding, not to be kept. */
    void  (*found)(void *data, const debar_found_t *found);

    /* The last call: failed: why not all was read, static text, or NULL. */
    void  (*done)(void *data, ngx_uint_t bounds, const char *failed);
} ngx_http_debar_inspected_t;


/*
 * Connects and sends BEGIN with the descriptors, which stay the caller's.  NULL:
 * *failed says why, and it is in the log.  Lives in the pool; ends with it, too.
 */

ngx_http_debar_inspector_t *ngx_http_debar_inspector_begin(ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *path, ngx_fd_t file, ngx_fd_t room,
    debar_str_t coding, const debar_file_limits_t *limits,
    ngx_http_debar_inspected_t *inspected, const char **failed);

/* So many bytes of the file are there now. */

void ngx_http_debar_inspector_more(ngx_http_debar_inspector_t *in, off_t size);

/* These are all; done() is called within timeout, never from in here. */

void ngx_http_debar_inspector_end(ngx_http_debar_inspector_t *in, off_t size,
    ngx_msec_t timeout);

/* Nobody wants to know any more. */

void ngx_http_debar_inspector_abort(ngx_http_debar_inspector_t *in);


#endif /* _NGX_HTTP_DEBAR_INSPECTOR_H_INCLUDED_ */
