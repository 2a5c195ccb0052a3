/*
 * The stream module's own: its configuration and what hangs on a session.
 */

#ifndef _NGX_STREAM_DEBAR_H_INCLUDED_
#define _NGX_STREAM_DEBAR_H_INCLUDED_


#include "ngx_http_debar.h"
#include "ngx_debar_user.h"
#include <ngx_stream.h>


typedef struct {
    ngx_array_t                   lists;   /* of ngx_debar_list_t * */
    ngx_array_t                   audits;  /* of ngx_debar_audit_t * */
    debar_verdict_t              *scratch; /* where this worker judges */
    ngx_debar_names_t            *names;
    ngx_http_debar_main_conf_t   *http;    /* NULL: there is no http block */
    char                         *peeked;  /* by the front; see its header */
    char                         *hello;
    ngx_debar_refused_t          *refused; /* where http is NULL */
} ngx_stream_debar_main_conf_t;


typedef struct {
    ngx_flag_t                    enable;
    ngx_debar_list_t             *list;
    ngx_uint_t                    mode;
    ngx_debar_glass_t            *glass;   /* NULL: off */
    ngx_debar_audit_t            *audit;   /* NULL: off */
    ngx_uint_t                    audit_all;
    ngx_uint_t                    audit_pass;
    ngx_debar_privacy_t           privacy;
    ngx_stream_complex_value_t   *target;
    ngx_str_t                     gateway;
    ngx_stream_content_handler_pt handler; /* goes on where ours lets it */
} ngx_stream_debar_srv_conf_t;


typedef struct {
    ngx_uint_t                    action;  /* debar_action_e */
    char                          incident[33];
} ngx_stream_debar_ctx_t;


extern ngx_module_t  ngx_stream_debar_module;


/* A rejection, of which the reason is to be given. */

void ngx_stream_debar_none(debar_verdict_t *v);


#endif /* _NGX_STREAM_DEBAR_H_INCLUDED_ */
