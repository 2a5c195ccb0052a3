/*
 * Counters in shared memory, a slot a worker, and the report: what this
 * gateway does and by which list, as JSON for people and monitoring.
 */

#include "ngx_http_debar.h"


#define NGX_HTTP_DEBAR_ZONE  "ngx_http_debar_counters_1"


typedef struct {
    ngx_http_debar_slot_t   slots[NGX_HTTP_DEBAR_SLOTS];
} ngx_http_debar_counters_t;


static ngx_int_t ngx_http_debar_zone_init(ngx_shm_zone_t *zone, void *data);
static u_char *ngx_http_debar_report_sums(u_char *p, u_char *last,
    ngx_http_debar_counters_t *cs);
static u_char *ngx_http_debar_report_stored(u_char *p, u_char *last,
    const debar_privacy_t *kept);
static u_char *ngx_http_debar_report_lists(u_char *p, u_char *last,
    ngx_http_debar_main_conf_t *mcf);
static u_char *ngx_http_debar_report_workers(u_char *p, u_char *last,
    ngx_http_debar_main_conf_t *mcf, ngx_http_debar_counters_t *cs);
static u_char *ngx_http_debar_report_text(u_char *p, u_char *last,
    const char *data, size_t len);


static const char  *ngx_http_debar_sums[] = {
    "pass", "log", "reject", "block", "suspended", "unparsed", "unresolved",
    "no_list", "audit_failures"
};


ngx_int_t
ngx_http_debar_zone(ngx_conf_t *cf, ngx_http_debar_main_conf_t *mcf)
{
    size_t     size;
    ngx_str_t  name = ngx_string(NGX_HTTP_DEBAR_ZONE);

    /* the slots and what a slab pool needs beside them */

    size = ngx_align(sizeof(ngx_http_debar_counters_t), ngx_pagesize)
           + 8 * ngx_pagesize;

    mcf->zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_debar_module);
    if (mcf->zone == NULL) {
        return NGX_ERROR;
    }

    mcf->zone->init = ngx_http_debar_zone_init;

    return NGX_OK;
}


static ngx_int_t
ngx_http_debar_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *shpool;

    if (data) {
        zone->data = data;
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = shpool->data;
        return NGX_OK;
    }

    shpool->data = ngx_slab_calloc(shpool, sizeof(ngx_http_debar_counters_t));
    if (shpool->data == NULL) {
        return NGX_ERROR;
    }

    zone->data = shpool->data;

    return NGX_OK;
}


/*
 * Workers of two generations share a slot for a while after a reload: counters
 * are atomic, and what is said about lists is the younger one's.
 */

void
ngx_http_debar_slot_init(ngx_cycle_t *cycle, ngx_http_debar_main_conf_t *mcf)
{
    ngx_http_debar_counters_t  *cs;

    cs = mcf->zone->data;

    mcf->slot = &cs->slots[ngx_worker % NGX_HTTP_DEBAR_SLOTS];
    mcf->slot->pid = ngx_pid;
}


void
ngx_http_debar_slot_lists(ngx_http_debar_main_conf_t *mcf)
{
    ngx_uint_t                   i;
    ngx_debar_list_t           **lp;
    ngx_http_debar_slot_list_t  *sl;

    if (mcf->slot == NULL || mcf->slot->pid != (ngx_atomic_uint_t) ngx_pid) {
        return;
    }

    lp = mcf->lists.elts;

    for (i = 0; i < mcf->lists.nelts && i < NGX_HTTP_DEBAR_LISTS; i++) {
        sl = &mcf->slot->lists[i];

        sl->state = lp[i]->state;
        sl->serial = lp[i]->list ? debar_list_meta(lp[i]->list)->serial : 0;
        sl->since = ngx_time();
    }

    mcf->slot->nlists = i;
}


ngx_int_t
ngx_http_debar_report_handler(ngx_http_request_t *r)
{
    u_char                      *p, *last;
    size_t                       size;
    ngx_int_t                    rc;
    ngx_buf_t                   *b;
    ngx_chain_t                  out;
    ngx_http_debar_loc_conf_t   *dlcf;
    ngx_http_debar_counters_t   *cs;
    ngx_http_debar_main_conf_t  *mcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    dlcf = ngx_http_get_module_loc_conf(r, ngx_http_debar_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_debar_module);
    cs = mcf->zone->data;

    size = 4096 + mcf->lists.nelts * 16384
           + NGX_HTTP_DEBAR_SLOTS * (128 + NGX_HTTP_DEBAR_LISTS * 128);

    b = ngx_create_temp_buf(r->pool, size);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = b->last;
    last = b->end;

    p = ngx_slprintf(p, last, "{\"version\":\"%s\",\"gateway\":",
                     DEBAR_VERSION);
    p = ngx_http_debar_report_text(p, last, (char *) dlcf->gateway.data,
                                   ngx_min(dlcf->gateway.len, 256));
    p = ngx_http_debar_report_sums(p, last, cs);
    p = ngx_http_debar_report_stored(p, last, &dlcf->privacy.kept);
    p = ngx_http_debar_report_lists(p, last, mcf);
    p = ngx_http_debar_report_workers(p, last, mcf, cs);
    p = ngx_slprintf(p, last, "}\n");

    b->last = p;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = b->last - b->pos;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static u_char *
ngx_http_debar_report_sums(u_char *p, u_char *last,
    ngx_http_debar_counters_t *cs)
{
    uint64_t    sum;
    ngx_uint_t  i, n;

    p = ngx_slprintf(p, last, ",\"verdicts\":{");

    for (n = 0; n < NGX_HTTP_DEBAR_N; n++) {
        sum = 0;

        for (i = 0; i < NGX_HTTP_DEBAR_SLOTS; i++) {
            sum += cs->slots[i].n[n];
        }

        /* the four verdicts, then what else is counted */

        p = ngx_slprintf(p, last, "%s\"%s\":%uL",
                         n == 0 ? ""
                         : n == NGX_HTTP_DEBAR_N_SUSPENDED ? "}," : ",",
                         ngx_http_debar_sums[n], sum);
    }

    return p;
}


/* What the audit file keeps of a request, as around this location. */

static u_char *
ngx_http_debar_report_stored(u_char *p, u_char *last,
    const debar_privacy_t *kept)
{
    static const char  *const urls[] = { "whole", "path", "evidence", "none" };
    static const char  *const persons[] = { "plain", "net", "hash" };

    return ngx_slprintf(p, last, ",\"stored\":{\"url\":\"%s\","
                        "\"user\":\"%s\",\"client\":\"%s\"}",
                        urls[kept->url], persons[kept->user],
                        persons[kept->client]);
}


static u_char *
ngx_http_debar_report_lists(u_char *p, u_char *last,
    ngx_http_debar_main_conf_t *mcf)
{
    ngx_uint_t                     i;
    ngx_debar_list_t             **lp;
    const debar_snapshot_meta_t   *meta;

    lp = mcf->lists.elts;

    p = ngx_slprintf(p, last, ",\"lists\":[");

    for (i = 0; i < mcf->lists.nelts; i++) {

        p = ngx_slprintf(p, last, "%s{\"path\":", i ? "," : "");
        p = ngx_http_debar_report_text(p, last, (char *) lp[i]->path.data,
                                       ngx_min(lp[i]->path.len, 1024));
        p = ngx_slprintf(p, last, ",\"state\":\"%s\"",
                         ngx_debar_list_state_name(lp[i]->state));

        if (lp[i]->list) {
            meta = debar_list_meta(lp[i]->list);

            p = ngx_slprintf(p, last, ",\"serial\":%uL,\"digest\":\"%s\"",
                             meta->serial, meta->digest);
            p = ngx_slprintf(p, last, ",\"title\":");
            p = ngx_http_debar_report_text(p, last, meta->title.data,
                                           ngx_min(meta->title.len, 512));

            if (meta->expires) {
                char  at[25];

                debar_record_time(at, meta->expires * 1000);
                p = ngx_slprintf(p, last, ",\"expires\":\"%s\"", at);
            }
        }

        if (lp[i]->fault.text[0]) {
            p = ngx_slprintf(p, last, ",\"fault\":");
            p = ngx_http_debar_report_text(p, last, lp[i]->fault.text,
                                           ngx_strlen(lp[i]->fault.text));
        }

        p = ngx_slprintf(p, last, "}");
    }

    return ngx_slprintf(p, last, "]");
}


static u_char *
ngx_http_debar_report_workers(u_char *p, u_char *last,
    ngx_http_debar_main_conf_t *mcf, ngx_http_debar_counters_t *cs)
{
    ngx_uint_t              i, k, n, workers;
    ngx_core_conf_t        *ccf;
    ngx_http_debar_slot_t  *slot;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);
    workers = ngx_max(ccf->worker_processes, 1);
    n = 0;

    p = ngx_slprintf(p, last, ",\"workers\":[");

    for (i = 0; i < workers && i < NGX_HTTP_DEBAR_SLOTS; i++) {
        slot = &cs->slots[i];

        if (slot->pid == 0) {
            continue;
        }

        p = ngx_slprintf(p, last, "%s{\"pid\":%uA,\"lists\":[", n++ ? "," : "",
                         slot->pid);

        for (k = 0; k < slot->nlists && k < NGX_HTTP_DEBAR_LISTS; k++) {
            p = ngx_slprintf(p, last,
                             "%s{\"state\":\"%s\",\"serial\":%uA,"
                             "\"since\":%uA}", k ? "," : "",
                             ngx_debar_list_state_name(slot->lists[k].state),
                             slot->lists[k].serial, slot->lists[k].since);
        }

        p = ngx_slprintf(p, last, "]}");
    }

    return ngx_slprintf(p, last, "]");
}


/* Quoted; controls, and what is not UTF-8, are shown as "?". */

static u_char *
ngx_http_debar_report_text(u_char *p, u_char *last, const char *data,
    size_t len)
{
    size_t   n;
    u_char  *s, *end;

    s = (u_char *) data;
    end = s + len;

    p = ngx_slprintf(p, last, "\"");

    for ( /* void */ ; s < end; s += n) {
        n = ngx_http_debar_utf8(s, end);

        if (n == 0 || *s < 0x20 || *s == 0x7f) {
            n = 1;
            p = ngx_slprintf(p, last, "?");

        } else if (*s == '"' || *s == '\\') {
            p = ngx_slprintf(p, last, "\\%c", *s);

        } else {
            p = ngx_slprintf(p, last, "%*s", n, s);
        }
    }

    return ngx_slprintf(p, last, "\"");
}
