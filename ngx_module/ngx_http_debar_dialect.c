/*
 * "debar_dialect": in what a refused document is answered, and what has to be
 * known of one for that.
 */

#include "ngx_http_debar.h"


static int ngx_http_debar_dialect_event(void *data,
    const debar_peel_event_t *ev);
static int ngx_http_debar_dialect_found(void *data, const debar_line_t *line);


/*
 * An order by EDI says whom to answer, and how: that is kept while it is
 * peeled.  A partner by AS2 reads no answer but a receipt (RFC 4130 s.7): he
 * gets the status alone.
 */

ngx_int_t
ngx_http_debar_dialect_watch(ngx_http_request_t *r, ngx_http_debar_body_t *b,
    debar_body_trace_t *trace)
{
    ngx_str_t                   as2;
    ngx_http_debar_loc_conf_t  *dlcf;

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);

    if (dlcf->x12_status == 0 && dlcf->edifact_status == 0) {
        return NGX_OK;
    }

    if (ngx_http_debar_field(r, "as2-from", ", ", &as2) != NGX_OK) {
        return NGX_ERROR;
    }

    if (as2.len) {
        return NGX_OK;
    }

    b->pool = r->pool;
    b->x12 = dlcf->x12_status != 0;
    b->edifact = dlcf->edifact_status != 0;

    trace->event = ngx_http_debar_dialect_event;
    trace->found = ngx_http_debar_dialect_found;

    return NGX_OK;
}


/* A body that is an interchange by itself: one in a form came from a browser. */

static int
ngx_http_debar_dialect_event(void *data, const debar_peel_event_t *ev)
{
    ngx_http_debar_body_t  *b = data;

    if (b->order == NULL) {

        if (b->pool == NULL || ev->event != DEBAR_PEEL_BEGIN || !ev->document
            || ev->syntax == DEBAR_SYNTAX_ENCODING)
        {
            return DEBAR_OK;
        }

        if ((ev->syntax == DEBAR_SYNTAX_X12 && b->x12)
            || (ev->syntax == DEBAR_SYNTAX_EDIFACT && b->edifact))
        {
            b->order = ngx_pcalloc(b->pool, sizeof(debar_edi_order_t));
        }

        b->pool = NULL;
    }

    if (b->order) {
        debar_edi_event(b->order, ev);
    }

    return DEBAR_OK;
}


static int
ngx_http_debar_dialect_found(void *data, const debar_line_t *line)
{
    ngx_http_debar_body_t  *b = data;

    if (b->order) {
        debar_edi_found(b->order, line);
    }

    return DEBAR_OK;
}


/* "debar_dialect cxml=200 x12=855 edifact=ordrsp" */

char *
ngx_http_debar_dialect(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_debar_loc_conf_t  *dlcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i, k, *status;

    static struct {
        ngx_str_t   name;
        size_t      offset;
        ngx_uint_t  status;
    } dialects[] = {
        { ngx_string("cxml=200"),
          offsetof(ngx_http_debar_loc_conf_t, cxml_status), NGX_HTTP_OK },
        { ngx_string("cxml=403"),
          offsetof(ngx_http_debar_loc_conf_t, cxml_status),
          NGX_HTTP_FORBIDDEN },
        { ngx_string("x12=855"),
          offsetof(ngx_http_debar_loc_conf_t, x12_status),
          NGX_HTTP_DEBAR_AS_OTHERS },
        { ngx_string("x12=200"),
          offsetof(ngx_http_debar_loc_conf_t, x12_status), NGX_HTTP_OK },
        { ngx_string("x12=403"),
          offsetof(ngx_http_debar_loc_conf_t, x12_status),
          NGX_HTTP_FORBIDDEN },
        { ngx_string("x12=off"),
          offsetof(ngx_http_debar_loc_conf_t, x12_status), 0 },
        { ngx_string("edifact=ordrsp"),
          offsetof(ngx_http_debar_loc_conf_t, edifact_status),
          NGX_HTTP_DEBAR_AS_OTHERS },
        { ngx_string("edifact=200"),
          offsetof(ngx_http_debar_loc_conf_t, edifact_status), NGX_HTTP_OK },
        { ngx_string("edifact=403"),
          offsetof(ngx_http_debar_loc_conf_t, edifact_status),
          NGX_HTTP_FORBIDDEN },
        { ngx_string("edifact=off"),
          offsetof(ngx_http_debar_loc_conf_t, edifact_status), 0 },
    };

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (k = 0; k < sizeof(dialects) / sizeof(dialects[0]); k++) {
            if (value[i].len == dialects[k].name.len
                && ngx_strcmp(value[i].data, dialects[k].name.data) == 0)
            {
                break;
            }
        }

        if (k == sizeof(dialects) / sizeof(dialects[0])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": \"debar_dialect\" "
                               "takes cxml=403 or cxml=200, x12=855, "
                               "edifact=ordrsp, and of these two =403, =200 "
                               "and =off", &value[i]);
            return NGX_CONF_ERROR;
        }

        status = (ngx_uint_t *) ((u_char *) dlcf + dialects[k].offset);

        if (*status != NGX_CONF_UNSET_UINT) {
            return "is duplicate";
        }

        *status = dialects[k].status;
    }

    return NGX_CONF_OK;
}
