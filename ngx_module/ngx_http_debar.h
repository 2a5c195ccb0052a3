/*
 * The http module's own: its configuration and what hangs on a request.
 */

#ifndef _NGX_HTTP_DEBAR_H_INCLUDED_
#define _NGX_HTTP_DEBAR_H_INCLUDED_


#include <ngx_http.h>
#include "ngx_debar.h"
#include "body.h"
#include "judge_file.h"
#include "record.h"
#include "refuse_edi.h"
#include "ngx_debar_front.h"
#include "ngx_debar_learned.h"
#include "ngx_debar_parent.h"
#include "ngx_debar_glass.h"
#include "ngx_debar_user.h"


/*
 * Counters: a slot a worker in shared memory, so that workers do not share
 * cache lines; the report sums them.  A change of layout must change the name
 * of the zone (ngx_http_debar_report.c): a reload may bring a newer .so.
 */

#define NGX_HTTP_DEBAR_SLOTS  128
#define NGX_HTTP_DEBAR_LISTS  8

typedef enum {
    NGX_HTTP_DEBAR_N_PASS = 0,           /* the first four: debar_action_e */
    NGX_HTTP_DEBAR_N_LOG,
    NGX_HTTP_DEBAR_N_REJECT,
    NGX_HTTP_DEBAR_N_BLOCK,
    NGX_HTTP_DEBAR_N_SUSPENDED,          /* blocks that monitor mode let go
                                            on */
    NGX_HTTP_DEBAR_N_UNPARSED,           /* refused by nginx's own parser */
    NGX_HTTP_DEBAR_N_UNRESOLVED,
    NGX_HTTP_DEBAR_N_NO_LIST,            /* refused or passed without a list */
    NGX_HTTP_DEBAR_N_AUDIT_FAILED,
    NGX_HTTP_DEBAR_N
} ngx_http_debar_counter_e;

typedef struct {
    ngx_atomic_t          state;         /* NGX_DEBAR_LIST_* */
    ngx_atomic_t          serial;
    ngx_atomic_t          since;         /* epoch seconds */
    ngx_atomic_t          pad;
} ngx_http_debar_slot_list_t;

typedef struct {
    ngx_atomic_t                pid;     /* 0: never used */
    ngx_atomic_t                n[NGX_HTTP_DEBAR_N];
    ngx_atomic_t                nlists;
    ngx_http_debar_slot_list_t  lists[NGX_HTTP_DEBAR_LISTS];
    ngx_atomic_t                pad[5];
} ngx_http_debar_slot_t;


typedef struct ngx_http_debar_page_s  ngx_http_debar_page_t;

typedef struct {
    ngx_array_t           lists;         /* of ngx_debar_list_t * */
    ngx_array_t           audits;        /* of ngx_debar_audit_t * */
    ngx_uint_t            audit_keep;    /* it was said */
    ngx_debar_names_t    *names;
    ngx_debar_geo_t      *geo;

    ngx_shm_zone_t       *zone;
    ngx_http_debar_slot_t *slot;         /* this worker's; NULL in other
                                            processes */
    debar_verdict_t      *scratch;       /* where this worker judges */
    ngx_http_debar_page_t *page;         /* the built-in one */
    ngx_shm_zone_t       *learned;       /* see ngx_debar_learned.h; or NULL */
    ngx_debar_refused_t  *refused;       /* by this worker: logins recorded */
} ngx_http_debar_main_conf_t;


#define NGX_HTTP_DEBAR_STAPLE_OFF      0     /* debar_staple */
#define NGX_HTTP_DEBAR_STAPLE_CHECK    1
#define NGX_HTTP_DEBAR_STAPLE_REQUIRE  2

#define NGX_HTTP_DEBAR_CLIENT_SPLICE   0     /* debar_client_certificate */
#define NGX_HTTP_DEBAR_CLIENT_REFUSE   1

#define NGX_HTTP_DEBAR_AS_OTHERS  1      /* debar_dialect: the status of a
                                            refusal in EDI is as of others */

#define NGX_HTTP_DEBAR_BODY_OFF     0    /* debar_body */
#define NGX_HTTP_DEBAR_BODY_ON      1
#define NGX_HTTP_DEBAR_BODY_STREAM  2

typedef struct ngx_http_debar_loc_conf_s  ngx_http_debar_loc_conf_t;

struct ngx_http_debar_loc_conf_s {
    ngx_flag_t              enable;
    ngx_debar_list_t       *list;
    ngx_uint_t              mode;
    ngx_uint_t              on_failure;
    ngx_uint_t              expired;
    ngx_uint_t              status;      /* 403, 451 */

    ngx_debar_audit_t      *audit;       /* NULL: off */
    ngx_uint_t              audit_all;
    ngx_uint_t              audit_pass;  /* on_failure=pass */
    ngx_debar_privacy_t     privacy;

    ngx_int_t               user;        /* index of a variable */
    ngx_uint_t              user_verified;
    ngx_debar_users_t       users;       /* whom requests are let through
                                            for */

    ngx_http_debar_page_t  *page;
    ngx_str_t               contact;
    ngx_str_t               gateway;
    ngx_array_t            *allow;       /* of ngx_debar_cidr_t */
    ngx_array_t            *ports;       /* of in_port_t: CONNECT's, beside
                                            443 */
    ngx_debar_parent_t     *parent_proxy; /* or NULL */
    ngx_uint_t              report;      /* a location that only reports */
    ngx_uint_t              websocket;   /* debar_action_e */
    ngx_debar_glass_t      *glass;       /* NULL: off */
    ngx_uint_t              staple;      /* NGX_HTTP_DEBAR_STAPLE_* */
    ngx_uint_t              client_certificate;
    ngx_uint_t              body;        /* NGX_HTTP_DEBAR_BODY_* */
    ngx_uint_t              cxml_status; /* of a refusal in cXML; 0: as of
                                            others */
    ngx_uint_t              x12_status;  /* 0: none is in X12 */
    ngx_uint_t              edifact_status;
    debar_peel_limits_t     limits;
    ngx_uint_t              limits_set;

    ngx_flag_t              response;
    size_t                  response_head;  /* of debar_response_limits */
    size_t                  response_held;
    ngx_msec_t              response_wait;

    ngx_flag_t              download;
    ngx_str_t               inspector;      /* path of its socket, or empty */
    ngx_msec_t              inspect_timeout;
    ngx_path_t             *download_temp;
    off_t                   spool;          /* of debar_download_limits: one */
    off_t                   spools;         /* file; all of a worker */
    size_t                  tail_hold;
    ngx_uint_t              ranges;         /* NGX_HTTP_DEBAR_RANGES_* */
    ngx_uint_t              on_failed;      /* debar_action_e */
    ngx_uint_t              on_sealed;
    ngx_uint_t              on_unread;
    debar_file_limits_t     file_limits;

    ngx_http_debar_loc_conf_t  *parent;
    ngx_http_debar_loc_conf_t  *within;  /* the first location below that has
                                            "debar on", where this has it off:
                                            what is refused before a location
                                            is found is recorded as it says */
};


typedef struct {
    ngx_uint_t              inspect;     /* shows the leaves of a front */
} ngx_http_debar_srv_conf_t;


/* The body of a request while it comes (ngx_http_debar_body.c). */

#define NGX_HTTP_DEBAR_BODY_HEAD  1024

typedef struct {
    debar_body_t         *body;          /* NULL: judged, or its list was
                                            lost */
    debar_facts_t         facts;
    ngx_debar_hold_t      hold;
    ngx_uint_t            generation;    /* of the list that is held */
    unsigned              verdict;       /* on the head */
    unsigned              nevidence;
    const char           *fault;
    unsigned              line;          /* that is refused; 0: none */
    char                  document[32];  /* id of its format, or "" */
    ngx_pool_t           *pool;          /* for what is kept of an order; NULL:
                                            it is none to be answered so */
    debar_edi_order_t    *order;         /* or NULL */
    ngx_str_t             text;          /* of a refusal in place of nginx's, */
    ngx_buf_t            *answer;        /* once its head has gone out */
    size_t                head_len;
    u_char                head[NGX_HTTP_DEBAR_BODY_HEAD];  /* first bytes */
    unsigned              first:1;       /* it comes before anything is let go:
                                            one verdict on the whole */
    unsigned              in_phase:1;    /* PRECONTENT has it read */
    unsigned              done:1;        /* the verdict stands */
    unsigned              stopped:1;     /* refused: what comes is dropped */
    unsigned              flowed:1;      /* it was on its way when it was */
    unsigned              answered:1;    /* with the buffer below */
    unsigned              x12:1;         /* answered in X12 */
    unsigned              edifact:1;
} ngx_http_debar_body_t;


/* Its answer while it comes (ngx_http_debar_response.h). */

typedef struct ngx_http_debar_response_s  ngx_http_debar_response_t;

/* The file that comes (ngx_http_debar_download.h). */

typedef struct ngx_http_debar_download_s  ngx_http_debar_download_t;

#define NGX_HTTP_DEBAR_RANGES_STRIP  0
#define NGX_HTTP_DEBAR_RANGES_PASS   1


/* Hangs on a request (module context) from PREACCESS on. */

typedef struct {
    ngx_pool_cleanup_t    cleanup;       /* by which it is found again */
    ngx_http_request_t   *request;       /* that it was made for */
    ngx_debar_resolve_t   resolve;
    ngx_debar_addr_t     *addrs;         /* pinned: these and no others are
                                            dialled */
    ngx_uint_t            naddrs;
    ngx_uint_t            current;       /* index of the one in use, for
                                            $debar_peer */
    debar_verdict_t      *verdict;       /* NULL: a plain pass; no more of it
                                            than debar_verdict_size() */
    char                  incident[33];
    ngx_uint_t            done;          /* judged, go on */
    ngx_debar_audit_wait_t  line;        /* that is written before it goes on;
                                            rc 0: none, or it is */

    ngx_uint_t            waiting;       /* for a name; resolve.handler will
                                            come */
    ngx_uint_t            resolved;      /* resolve.rc is final */
    ngx_uint_t            action;        /* debar_action_e, as it was judged */
    uint64_t              serial;        /* of the list that judged; 0: none */
    ngx_uint_t            generation;    /* and its generation: see
                                            ngx_debar_list_t */
    uint64_t              started;       /* CLOCK_MONOTONIC, ns */
    ngx_str_t             authority;     /* canonical host, and port if one was
                                            given */
    ngx_str_t             vendor;        /* id of the entry; "" */
    ngx_str_t             evidence;      /* "host:a.example@host, ..."; "" */

    ngx_str_t             user;          /* proved to this gateway by the
                                            request itself; or empty */
    ngx_debar_front_t    *front;         /* TUNNELLED or INSPECTED; else NULL */
    ngx_str_t             server_name;   /* that the origin must prove: a name,
                                            or an address without brackets;
                                            canonical, NUL-terminated; empty
                                            where the origin is plain HTTP */
    ngx_http_debar_body_t *body;         /* NULL: not looked at (yet) */
    ngx_http_debar_response_t *response; /* likewise */
    ngx_http_debar_download_t *download; /* likewise */
    ngx_uint_t            awaited;       /* the first bytes of its answer are,
                                            by the answer's head */
    ngx_uint_t            fetched;       /* likewise, by what looks at files */
    ngx_uint_t            answered;      /* by a page of our own */
    ngx_uint_t            refused;       /* after it was let go, with what
                                            status: see ngx_http_debar_late() */
    ngx_uint_t            unrecorded;    /* because its line was not written */
    const char           *fault;         /* why the origin's TLS is not taken:
                                            static text for the page; or NULL */
    ngx_uint_t            fault_parent;  /* the parent proxy's, not the
                                            origin's */
    ngx_str_t             fault_detail;  /* what was seen, for people; or
                                            empty */
    debar_host_t          host;          /* last: not zeroed; what resolve.host
                                            points to, up to its name's end */
} ngx_http_debar_ctx_t;


extern ngx_module_t  ngx_http_debar_module;


/*
 * (ngx_http_debar_ctx.c)
 *
 * The context of a request; it outlives internal redirects, and subrequests
 * have that of the main request, if it was judged.  NULL: none.
 */

ngx_http_debar_ctx_t *ngx_http_debar_get_ctx(ngx_http_request_t *r);
ngx_http_debar_ctx_t *ngx_http_debar_create_ctx(ngx_http_request_t *r);

/* Gives the context an incident, a copy of the verdict, and what variables
 * say of it: the list may be gone when they are read. */

ngx_int_t ngx_http_debar_keep(ngx_http_request_t *r, debar_list_t *list,
    ngx_http_debar_ctx_t *ctx, const debar_verdict_t *v);

/* The canonical host, an IPv6 literal in brackets, with the port if given. */

ngx_int_t ngx_http_debar_keep_authority(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_verdict_t *v);


/* What a request says (ngx_http_debar_facts.c) */

void ngx_http_debar_facts(ngx_http_request_t *r, debar_facts_t *f);

/* A walk over the fields of a head, a request's or an answer's. */

typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_http_debar_walk_t;

static ngx_inline void
ngx_http_debar_walk(ngx_http_debar_walk_t *w, ngx_list_t *fields)
{
    w->part = &fields->part;
    w->i = 0;
}

/* NULL: that was the last. */

static ngx_inline ngx_table_elt_t *
ngx_http_debar_walk_next(ngx_http_debar_walk_t *w)
{
    while (w->part && w->i == w->part->nelts) {
        w->part = w->part->next;
        w->i = 0;
    }

    return w->part ? (ngx_table_elt_t *) w->part->elts + w->i++ : NULL;
}

/* Has the field that name?  A literal. */

#define ngx_http_debar_field_is(h, name)                                      \
    ((h)->key.len == sizeof(name) - 1                                         \
     && ngx_strncasecmp((h)->key.data, (u_char *) name, sizeof(name) - 1) == 0)

/* A field's values, joined where it stands there more than once; empty: none.
 * name: lower case. */

ngx_int_t ngx_http_debar_field(ngx_http_request_t *r, const char *name,
    const char *joint, ngx_str_t *value);

/* From nginx 1.31 on, a CONNECT comes as far as a phase. */

#define ngx_http_debar_is_connect(r)                                          \
    ((r)->method_name.len == 7                                                \
     && ngx_memcmp((r)->method_name.data, "CONNECT", 7) == 0)

/* Where the authority of the target ends: host and port.  host_end is set. */

u_char *ngx_http_debar_host_end(ngx_http_request_t *r);

/* What debar_judge() would say with an empty list. */

void ngx_http_debar_unjudged(const debar_facts_t *f, debar_verdict_t *v);

/*
 * Inside of a tunnel (ngx_http_debar_inspect.c).  NULL: a request that its
 * client sent to the proxy as such.
 */

ngx_debar_front_t *ngx_http_debar_front(ngx_http_request_t *r);

/* Why a request may not be where it came from: static text, or NULL.  front:
 * NULL outside of tunnels; v: judged, its host is whom the request names. */

const char *ngx_http_debar_front_fault(ngx_debar_front_t *front,
    const debar_facts_t *f, const debar_verdict_t *v);

/* Says a directive of a module in this block, on our account: NGX_CONF_OK, or
 * what is wrong. */

char *ngx_http_debar_say(ngx_conf_t *cf, ngx_module_t *module, void *conf,
    char *name, char *argument);

char *ngx_http_debar_inspect(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* At postconfiguration: servers with "debar_inspect" show leaves. */

ngx_int_t ngx_http_debar_inspect_init(ngx_conf_t *cf);


/* What is wrong with an origin (ngx_http_debar_fault.c) */

char *ngx_http_debar_fault(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* PREACCESS (ngx_http_debar_handler.c) */

ngx_int_t ngx_http_debar_handler(ngx_http_request_t *r);


/*
 * Before it: who asks (ngx_http_debar_user.c).  407 where debar_htpasswd wants
 * to know, unless the connection has proved it already.
 */

ngx_int_t ngx_http_debar_user_handler(ngx_http_request_t *r);

/* Whom this gateway itself has verified, or NULL. */

ngx_str_t *ngx_http_debar_verified(ngx_http_request_t *r);


/*
 * A verdict that was reached when the request had been let go: by its body, or
 * by the certificate of the origin, before a byte of it went there.  Settles
 * and records it.  NGX_OK: go on; NGX_DECLINED: it is refused, ctx->refused is
 * set, and the caller has the connection to the origin fail, without another
 * try.  v: the scratch verdict; f: from ngx_http_debar_facts().
 */

ngx_int_t ngx_http_debar_late(ngx_http_request_t *r, debar_verdict_t *v);


/* Bodies, in PRECONTENT and a request body filter (ngx_http_debar_body.c) */

ngx_int_t ngx_http_debar_body_init(ngx_conf_t *cf);
ngx_int_t ngx_http_debar_body_first(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, const debar_verdict_t *v);
ngx_int_t ngx_http_debar_body_handler(ngx_http_request_t *r);
void ngx_http_debar_body_log(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx);
char *ngx_http_debar_body_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Refusals in the buyer's dialect (ngx_http_debar_dialect.c) */

ngx_int_t ngx_http_debar_dialect_watch(ngx_http_request_t *r,
    ngx_http_debar_body_t *b, debar_body_trace_t *trace);
char *ngx_http_debar_dialect(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Answers, in filters before gzip (ngx_http_debar_response.c) */

ngx_int_t ngx_http_debar_response_init(ngx_conf_t *cf);
char *ngx_http_debar_response_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Downloads (ngx_http_debar_download*.c) */

ngx_int_t ngx_http_debar_download_init(ngx_conf_t *cf);
void ngx_http_debar_download_content(ngx_http_debar_download_t *dl,
    debar_record_content_t *content);
void ngx_http_debar_download_unset(ngx_http_debar_loc_conf_t *conf);
char *ngx_http_debar_download_merge(ngx_conf_t *cf,
    ngx_http_debar_loc_conf_t *prev, ngx_http_debar_loc_conf_t *conf);
char *ngx_http_debar_inspector_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_debar_download_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* By which list ctx->verdict was reached; NULL: it is gone. */

debar_list_t *ngx_http_debar_judged_by(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);


/* Without secrets in the error log (ngx_http_debar_error.c): from the first
 * phase on; hide() for a request that comes to none. */

ngx_int_t ngx_http_debar_error_init(ngx_conf_t *cf);
void ngx_http_debar_error_hide(ngx_http_request_t *r);


/* The audit line and the log phase (ngx_http_debar_log.c) */

typedef struct {
    ngx_str_t             method;
    ngx_str_t             url;           /* as received */
    ngx_str_t             user;
    ngx_str_t             upstream;
    uint32_t              asn;
    const char           *country;
    uint64_t              started;       /* 0: not timed */
    const char           *surface;
    debar_list_t         *list;          /* that gave the verdict; NULL: the one
                                            in use */
    debar_record_content_t  content;
    ngx_debar_audit_wait_t *wait;        /* NULL: it is written at once */
} ngx_http_debar_line_t;

/*
 * NGX_ERROR: nothing, or not all of it, was written, and the failure counts.
 * NGX_AGAIN: the request waits for its line, and the handler will be called.
 */

ngx_int_t ngx_http_debar_write(ngx_http_request_t *r,
    ngx_http_debar_loc_conf_t *dlcf, const debar_verdict_t *v,
    const char *incident, const ngx_http_debar_line_t *line);

/* For line->wait of a request that may go on; NULL: no memory. */

ngx_debar_audit_wait_t *ngx_http_debar_wait(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);

/*
 * Where ctx->line.rc is not NGX_OK as the request comes by again: NGX_AGAIN,
 * NGX_DECLINED to go on without a line, or the refusal: unrecorded().
 */

ngx_int_t ngx_http_debar_recorded(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);
ngx_int_t ngx_http_debar_unrecorded(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx);

/* What became of an answer that was cut off: bytes of it that went out. */

void ngx_http_debar_outcome(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx,
    ngx_uint_t status, off_t bytes);

/* The URL as received, in memory of the request's pool; bounded. */

ngx_int_t ngx_http_debar_url(ngx_http_request_t *r, ngx_str_t *url);

ngx_int_t ngx_http_debar_log_handler(ngx_http_request_t *r);

/* Whether nginx's own parser gave up before the end of the head. */

ngx_uint_t ngx_http_debar_unread(ngx_http_request_t *r);


/* Refusals (ngx_http_debar_page.c) */

typedef struct {
    ngx_uint_t            status;
    const char           *title;         /* static text */
    const char           *detail;        /* static text */
    const char           *reason;        /* static text of a fault, or NULL */
    const char           *incident;
    debar_list_t         *list;          /* NULL: none */
    const debar_verdict_t *verdict;      /* NULL: none was reached */
    unsigned              line;          /* of the body; 0: none */
    const char           *document;      /* id of its format, or NULL */
    ngx_uint_t            cxml;          /* it is cXML, and so is the answer */
    const debar_edi_order_t *order;      /* that an answer in EDI is made from,
                                            or NULL */
} ngx_http_debar_refusal_t;

/* What ngx_http_debar_late() refused, once the origin's head is held back: a page
 * in place of it (ngx_http_debar_response.c).  Called from an event, with a reference to the request. */

void ngx_http_debar_late_page(ngx_http_request_t *r,
    ngx_http_debar_refusal_t *rf);

/* And once it went out: the client must see that it has no whole answer.  The
 * caller ends the request with NGX_ERROR. */

void ngx_http_debar_cut(ngx_http_request_t *r, ngx_http_debar_ctx_t *ctx);

/* What ngx_http_debar_late() refused (ngx_http_debar_fault.c) */

void ngx_http_debar_late_refusal(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_http_debar_refusal_t *rf);

/* Sends it and finalizes the request: what PREACCESS may return. */

ngx_int_t ngx_http_debar_refuse(ngx_http_request_t *r,
    ngx_http_debar_refusal_t *rf);

/* Its head, in headers_out, and its body. */

ngx_int_t ngx_http_debar_refusal_head(ngx_http_request_t *r,
    ngx_http_debar_refusal_t *rf, ngx_str_t *text);

/* What a body was refused for; where it flows already, nginx's own answer is
 * replaced (ngx_http_debar_flow.c). */

void ngx_http_debar_body_refusal(ngx_http_request_t *r,
    ngx_http_debar_ctx_t *ctx, ngx_http_debar_refusal_t *rf);
ngx_int_t ngx_http_debar_flow_init(ngx_conf_t *cf);

/* Bytes of the well-formed UTF-8 character at p, or 0 (RFC 3629 s.4). */

size_t ngx_http_debar_utf8(const u_char *p, const u_char *last);

/* Whether Accept prefers JSON to HTML (ngx_http_debar_accept.c) */

ngx_uint_t ngx_http_debar_wants_json(ngx_http_request_t *r);


/* Templates of the page (ngx_http_debar_template.c).  NULL: it was said why */

ngx_http_debar_page_t *ngx_http_debar_page_builtin(ngx_conf_t *cf);
ngx_http_debar_page_t *ngx_http_debar_page_load(ngx_conf_t *cf,
    ngx_str_t *path);


/* $debar_* (ngx_http_debar_variables.c) */

ngx_int_t ngx_http_debar_add_variables(ngx_conf_t *cf);


/* Counters and the report (ngx_http_debar_report.c) */

ngx_int_t ngx_http_debar_zone(ngx_conf_t *cf, ngx_http_debar_main_conf_t *mcf);
void ngx_http_debar_slot_init(ngx_cycle_t *cycle,
    ngx_http_debar_main_conf_t *mcf);
void ngx_http_debar_slot_lists(ngx_http_debar_main_conf_t *mcf);
ngx_int_t ngx_http_debar_report_handler(ngx_http_request_t *r);

#define ngx_http_debar_count(mcf, which)                                      \
    if ((mcf)->slot) {                                                        \
        (void) ngx_atomic_fetch_add(&(mcf)->slot->n[which], 1);               \
    }


/*
 * upstream NAME {
 *     debar_pin [keepalive=N] [idle=TIME] [requests=N] [sessions=N];
 * }
 *
 * Dials the addresses pinned in ngx_http_debar_ctx_t, in turn, and keeps idle
 * connections and TLS sessions, found by exact sockaddr (address and port) and,
 * for TLS, by server_name and configuration, in a hash; bounded LRUs.  A
 * request without pinned addresses fails (500): nothing is resolved here.  Of
 * ctx it reads addrs, naddrs, server_name and resolve, and sets current, fault
 * and fault_detail.  Special addresses are passed over.
 * (ngx_http_debar_upstream*.c)
 *
 * { ngx_string("debar_pin"), NGX_HTTP_UPS_CONF|NGX_CONF_ANY,
 *   ngx_http_debar_pin, 0, 0, NULL }
 */

char *ngx_http_debar_pin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_DEBAR_H_INCLUDED_ */
