/*
 * A template of the refusal page, taken apart at configuration.
 */

#ifndef _NGX_HTTP_DEBAR_TEMPLATE_H_INCLUDED_
#define _NGX_HTTP_DEBAR_TEMPLATE_H_INCLUDED_


/* What can be shown; the names are in ngx_http_debar_template.c. */

typedef enum {
    NGX_HTTP_DEBAR_V_STATUS = 0,
    NGX_HTTP_DEBAR_V_TITLE,
    NGX_HTTP_DEBAR_V_DETAIL,
    NGX_HTTP_DEBAR_V_REASON,
    NGX_HTTP_DEBAR_V_VERDICT,
    NGX_HTTP_DEBAR_V_ACTIVITY,
    NGX_HTTP_DEBAR_V_VENDOR,
    NGX_HTTP_DEBAR_V_PRODUCT,
    NGX_HTTP_DEBAR_V_AUTHORITY,
    NGX_HTTP_DEBAR_V_CITATION,
    NGX_HTTP_DEBAR_V_AUTHORITIES,
    NGX_HTTP_DEBAR_V_INCIDENT,
    NGX_HTTP_DEBAR_V_CONTACT,
    NGX_HTTP_DEBAR_V_URL,
    NGX_HTTP_DEBAR_V_GATEWAY,
    NGX_HTTP_DEBAR_V_TIME,
    NGX_HTTP_DEBAR_VALUES
} ngx_http_debar_value_e;


typedef enum {
    NGX_HTTP_DEBAR_LITERAL = 0,
    NGX_HTTP_DEBAR_VALUE,                /* {{name}} */
    NGX_HTTP_DEBAR_IF,                   /* {{#name}}: where it is not empty */
    NGX_HTTP_DEBAR_END                   /* {{/name}} */
} ngx_http_debar_part_e;

typedef struct {
    ngx_uint_t            type;
    ngx_uint_t            value;
    ngx_str_t             text;
} ngx_http_debar_part_t;

struct ngx_http_debar_page_s {
    ngx_array_t           parts;         /* of ngx_http_debar_part_t */
};


#endif /* _NGX_HTTP_DEBAR_TEMPLATE_H_INCLUDED_ */
