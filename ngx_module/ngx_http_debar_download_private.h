/*
 * What the files of downloads share: the filters (ngx_http_debar_download.c),
 * what a head says (..._head.c), how a body flows (..._body.c), and its verdict
 * (..._verdict.c).
 */

#ifndef _NGX_HTTP_DEBAR_DOWNLOAD_PRIVATE_H_INCLUDED_
#define _NGX_HTTP_DEBAR_DOWNLOAD_PRIVATE_H_INCLUDED_


#include "ngx_http_debar_download.h"


/* r->buffered: four bits, of which the image filter has this one. */

#define NGX_HTTP_DEBAR_BUFFERED     0x08

#define NGX_HTTP_DEBAR_STREAM_TEXT  1
#define NGX_HTTP_DEBAR_STREAM_ANY   2


/* ngx_http_debar_download.c */

/* Bytes of the tail that nothing behind them would push out. */

ngx_int_t ngx_http_debar_download_push(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *out);

/* The head, if it is still here, what is in the tail where all is over, and
 * in. */

ngx_int_t ngx_http_debar_download_send(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);


/* ngx_http_debar_download_head.c */

/* Its head says that it is part of a page, and nothing else that counts: where
 * its first bytes say the same, that is all there is to it. */

ngx_uint_t ngx_http_debar_download_plain(ngx_http_request_t *r);

/* What the head alone says: where it leads, what the file is called.
 * NGX_DECLINED: that is enough. */

ngx_int_t ngx_http_debar_download_head(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);

/* NGX_OK: what comes is looked at; NGX_DONE: there is nothing to look at;
 * NGX_DECLINED: it is refused. */

ngx_int_t ngx_http_debar_download_begin(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);


/* ngx_http_debar_download_body.c */

/* Bytes of its origin's. */

ngx_int_t ngx_http_debar_download_in(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_chain_t *in);

/* The tail, and the end. */

ngx_int_t ngx_http_debar_download_last(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);

/* Nobody reads it any more. */

void ngx_http_debar_download_unspool(ngx_http_debar_download_t *dl);

void ngx_http_debar_download_waited(ngx_event_t *ev);


/* ngx_http_debar_download_verdict.c */

/* Findings are gathered from here on, by a list that stays. */

ngx_int_t ngx_http_debar_download_filing(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl);

/* What the inspector says, and that it said all. */

void ngx_http_debar_download_found(void *data, const debar_found_t *found);
void ngx_http_debar_download_done(void *data, ngx_uint_t bounds,
    const char *failed);

/* NGX_DECLINED: it is refused. */

ngx_int_t ngx_http_debar_download_settle(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t bounds, const char *failed);

/* By a page, or where its head has gone out by no more of it. */

ngx_int_t ngx_http_debar_download_stop(ngx_http_request_t *r,
    ngx_http_debar_download_t *dl, ngx_uint_t event);
void ngx_http_debar_download_refuse(ngx_event_t *ev);

void ngx_http_debar_download_lost(void *data);


#endif /* _NGX_HTTP_DEBAR_DOWNLOAD_PRIVATE_H_INCLUDED_ */
