/*
 * What a refusal says, for those who write it: people's pages and cXML
 * (ngx_http_debar_page.c), EDI and gRPC (ngx_http_debar_page_edi.c, _grpc.c).
 */

#ifndef _NGX_HTTP_DEBAR_PAGE_H_INCLUDED_
#define _NGX_HTTP_DEBAR_PAGE_H_INCLUDED_


#include "ngx_http_debar_template.h"


#define NGX_HTTP_DEBAR_AUTHORITIES  8    /* that a refusal names */
#define NGX_HTTP_DEBAR_TEXT_MAX     512  /* bytes of each value shown */


/* Writes, or where p is NULL only counts. */

typedef struct {
    u_char               *p;
    size_t                n;
} ngx_http_debar_out_t;

typedef struct {
    ngx_str_t             value[NGX_HTTP_DEBAR_VALUES];
    ngx_str_t             authority[NGX_HTTP_DEBAR_AUTHORITIES];
    ngx_str_t             citation[NGX_HTTP_DEBAR_AUTHORITIES];
    ngx_uint_t            nauthorities;
    ngx_uint_t            status;
    ngx_str_t             line;          /* of the body: digits, or empty */
    ngx_str_t             document;
    u_char                line_text[NGX_INT32_LEN];
    u_char                reason[sizeof("line  of the document")
                                 + NGX_INT32_LEN];
    u_char                numbers[16];
    char                  time[25];
} ngx_http_debar_values_t;


/* Empty: it is no such order, or is not to be answered so. */

ngx_int_t ngx_http_debar_edi(ngx_http_request_t *r,
    ngx_http_debar_refusal_t *rf, ngx_http_debar_values_t *vs,
    ngx_str_t *text);

/* Whether it is a call by gRPC or gRPC-web: it has its status in fields. */

ngx_uint_t ngx_http_debar_is_grpc(ngx_http_request_t *r);
ngx_int_t ngx_http_debar_grpc(ngx_http_request_t *r,
    ngx_http_debar_values_t *vs);

/* key, value: static, or of the request's pool. */

ngx_int_t ngx_http_debar_header(ngx_http_request_t *r, const char *key,
    const char *value);


#endif /* _NGX_HTTP_DEBAR_PAGE_H_INCLUDED_ */
