/*
 * What the http and the stream module share: the list of a worker, the audit
 * file, names resolved once and checked, and the directives' values for them.
 *
 * The code behind this header is built into ngx_http_debar_module.so; the
 * stream module's .so is loaded after it and uses it from there.  State hangs
 * on configuration structures, never on statics: a failed reload must leave
 * the running cycle alone.
 */

#ifndef _NGX_DEBAR_H_INCLUDED_
#define _NGX_DEBAR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "judge.h"
#include "record.h"


/* --- the list of a worker (ngx_debar_list.c) --------------------------- */

#define NGX_DEBAR_LIST_NONE      0   /* none could be opened */
#define NGX_DEBAR_LIST_OK        1
#define NGX_DEBAR_LIST_LAST_GOOD 2   /* the file in place is bad: an older one
                                        is used */
#define NGX_DEBAR_LIST_EXPIRED   3   /* open, but past its "expires" */

typedef struct ngx_debar_list_s  ngx_debar_list_t;
typedef struct ngx_debar_held_s  ngx_debar_held_t;

/* Somebody who holds on to a list across events. */

typedef struct {
    ngx_queue_t           queue;
    ngx_debar_held_t     *held;          /* NULL: nothing is held */
    void                (*lost)(void *data);
    void                 *data;
} ngx_debar_hold_t;

struct ngx_debar_list_s {
    ngx_str_t             path;          /* full, NUL-terminated */
    ngx_cycle_t          *cycle;

    debar_list_t         *list;          /* NULL: none */
    ngx_uint_t            generation;    /* changes whenever list does */
    ngx_uint_t            state;         /* NGX_DEBAR_LIST_* */
    debar_fault_t         fault;         /* why the file in place is not used */

    uint64_t              floor_serial;
    char                  floor_digest[65];
    uint64_t              inode;         /* of the file last looked at */
    uint64_t              device;
    time_t                mtime;

    ngx_connection_t     *inotify;
    int                   watch;         /* -1: the folder is not watched */
    ngx_event_t           timer;
    ngx_msec_t            interval;      /* of the slow look, 5 s */

    uint32_t              owner;         /* uid that may own the file, beside
                                            root and, where nginx was not
                                            started by root, ourselves;
                                            DEBAR_ANY_OWNER: none */
    uint64_t              size;          /* of the file last looked at */
    unsigned              bad:1;         /* and it was refused */
    unsigned              warned:1;      /* of expiry */
    void                (*changed)(ngx_debar_list_t *l);
    void                 *data;          /* for changed */

    ngx_debar_held_t     *held;          /* list is, or NULL */
    ngx_queue_t           old;           /* replaced ones that still are */
    ngx_uint_t            nold;
};

/* Configuration: one object per path and per cycle.  Fails `nginx -t` with one
 * line if the file cannot be used and required is set. */

ngx_debar_list_t *ngx_debar_list_add(ngx_conf_t *cf, ngx_array_t *lists,
    ngx_str_t *path, ngx_uint_t required);

/* "debar_list PATH [owner=USER]" for both modules' directives. */

char *ngx_debar_list_directive(ngx_conf_t *cf, ngx_array_t *lists,
    ngx_debar_list_t **lp);

/* In the worker: opens, watches the folder by inotify, reopens on rename. */

ngx_int_t ngx_debar_list_init_worker(ngx_cycle_t *cycle, ngx_debar_list_t *l);
void ngx_debar_list_exit_worker(ngx_debar_list_t *l);

/*
 * Keeps l->list open, whatever comes in its place, until the release.  No more
 * than NGX_DEBAR_LIST_OLD replaced ones are kept: those who hold the oldest are
 * told that it is lost, and closed it is when they return.  h: zeroed; lost and
 * data may be set behind the call.  A release of nothing does nothing.
 */

#define NGX_DEBAR_LIST_OLD  4

ngx_int_t ngx_debar_list_hold(ngx_debar_list_t *l, ngx_debar_hold_t *h);
void ngx_debar_list_release(ngx_debar_hold_t *h);

/* NULL: nothing is held. */

debar_list_t *ngx_debar_list_held(ngx_debar_hold_t *h);

/* Past its "expires"?  The state and the log follow. */

ngx_uint_t ngx_debar_list_expired(ngx_debar_list_t *l);

const char *ngx_debar_list_state_name(ngx_uint_t state);

/* Where there is no list, or one that has expired. */

#define NGX_DEBAR_BLOCK    0
#define NGX_DEBAR_PASS     1
#define NGX_DEBAR_KEEP     2

extern ngx_conf_enum_t  ngx_debar_failures[];   /* debar_on_failure */
extern ngx_conf_enum_t  ngx_debar_expiries[];   /* debar_expired */

/* "debar_status 403 | 451;" */

char *ngx_debar_status_directive(ngx_conf_t *cf, ngx_uint_t *status);


/* --- the audit file (ngx_debar_audit.c) -------------------------------- */

typedef struct {
    ngx_open_file_t      *file;          /* reopened on USR1 */
    ngx_str_t             path;
    ngx_fd_t              locked;        /* the fd that bears our shared lock */
    ngx_shm_t             shm;           /* of torn, for all workers */
    ngx_atomic_t         *torn;          /* inode of the file whose last line is
                                            torn: begin with \n; 0: none */
    unsigned              failing:1;     /* said so in the error log already */

    u_char               *buf;           /* lines of this round of events */
    size_t                len;
    ngx_queue_t           waiting;       /* who has lines in buf */
    ngx_queue_t           written;       /* who is to be told so */
    ngx_event_t           flush;         /* at the end of the round */
} ngx_debar_audit_t;

/* Who waits for a line. */

typedef struct ngx_debar_audit_wait_s  ngx_debar_audit_wait_t;

struct ngx_debar_audit_wait_s {
    ngx_queue_t           queue;
    size_t                end;           /* of the line, in buf */
    ngx_int_t             told;          /* what rc will be */
    ngx_int_t             rc;            /* NGX_AGAIN: it waits; NGX_ERROR: the
                                            line is not wholly in the file */
    void                (*handler)(ngx_debar_audit_wait_t *wait);
    void                 *data;
};

ngx_debar_audit_t *ngx_debar_audit_add(ngx_conf_t *cf, ngx_array_t *audits,
    ngx_str_t *path);

/* "debar_audit PATH|off [all] [on_failure=refuse|pass]": *ap NULL for off. */

char *ngx_debar_audit_directive(ngx_conf_t *cf, ngx_array_t *audits,
    ngx_debar_audit_t **ap, ngx_uint_t *all, ngx_uint_t *pass);

/* In the worker: takes the shared lock. */

void ngx_debar_audit_init_worker(ngx_debar_audit_t *a, ngx_log_t *log);

/*
 * One write(2), with what waits before it.  NGX_ERROR: the line is not (wholly)
 * in the file.
 */

ngx_int_t ngx_debar_audit_write(ngx_debar_audit_t *a, u_char *line, size_t len,
    ngx_log_t *log);

/*
 * The line goes out with the others of this round of events, in one write(2);
 * then wait->handler is called once, with wait->rc set.  NGX_AGAIN, or, as it
 * was written at once, NGX_OK or NGX_ERROR and no call.  Who goes away before
 * cancels; the line is written all the same.
 */

ngx_int_t ngx_debar_audit_append(ngx_debar_audit_t *a, u_char *line,
    size_t len, ngx_debar_audit_wait_t *wait, ngx_log_t *log);
void ngx_debar_audit_cancel(ngx_debar_audit_wait_t *wait);


/* --- what of a request the file keeps (ngx_debar_privacy.c) -------------- */

typedef struct {
    debar_privacy_t       kept;
    unsigned              url_set:1;
    unsigned              user_set:1;
    unsigned              client_set:1;
} ngx_debar_privacy_t;

/* "debar_audit_url none | evidence | path | whole" */

char *ngx_debar_privacy_url(ngx_conf_t *cf, ngx_debar_privacy_t *p);

/* "debar_audit_user plain | hash [key=FILE]"; without user "debar_audit_client",
 * which takes net, too.  The key is read here, by who reads the configuration:
 * `nginx -t` finds one that is missing, short or open to everybody. */

char *ngx_debar_privacy_person(ngx_conf_t *cf, ngx_debar_privacy_t *p,
    ngx_uint_t user);

void ngx_debar_privacy_merge(ngx_debar_privacy_t *conf,
    ngx_debar_privacy_t *prev);


/* --- names resolved once (ngx_debar_resolve.c) -------------------------- */

typedef struct {
    struct sockaddr      *sockaddr;
    socklen_t             socklen;
    ngx_str_t             text;          /* "192.0.2.1:80",
                                            "[2001:db8::1]:80" */
    uint8_t               addr[16];
    uint32_t              asn;           /* 0: unknown */
    char                  country[4];    /* "" or two letters and NUL */
    const char           *special;       /* debar_addr_special(), NULL if it
                                            may be dialled (allowed ranges
                                            are NULL) */
    ngx_uint_t            clean;         /* list generation under which it gives
                                            no evidence; 0: not known */
} ngx_debar_addr_t;

typedef struct {                         /* of debar_allow_destination */
    uint8_t               addr[16];
    ngx_uint_t            bits;          /* of 128 */
} ngx_debar_cidr_t;

typedef struct ngx_debar_names_s  ngx_debar_names_t;   /* a worker's cache */
typedef struct ngx_debar_geo_s    ngx_debar_geo_t;     /* open MMDB files */

typedef struct ngx_debar_parent_s   ngx_debar_parent_t;  /* a parent proxy */

typedef struct ngx_debar_resolve_s  ngx_debar_resolve_t;

typedef void (*ngx_debar_resolve_pt)(ngx_debar_resolve_t *rs);

struct ngx_debar_resolve_s {
    /* set by the caller */
    ngx_pool_t           *pool;          /* results live here */
    ngx_log_t            *log;
    ngx_resolver_t       *resolver;      /* core's "resolver" directive */
    ngx_msec_t            timeout;
    ngx_debar_names_t    *names;
    ngx_debar_geo_t      *geo;           /* or NULL */
    ngx_array_t          *allow;         /* of ngx_debar_cidr_t, or NULL */
    ngx_debar_parent_t   *parent;        /* or NULL; it may have the name to
                                            resolve: OK and no address then */
    const debar_host_t   *host;
    in_port_t             port;          /* host byte order */
    ngx_debar_resolve_pt  handler;       /* called once, only after NGX_AGAIN */
    void                 *data;

    /* set by the resolution */
    ngx_int_t             rc;            /* NGX_OK; NGX_ERROR with error */
    const char           *error;         /* "Host not found", "timed out",
                                            static */
    ngx_debar_addr_t     *addrs;         /* all of them, v4 first as they
                                            came */
    ngx_uint_t            naddrs;

    /* its own */
    ngx_queue_t           queue;         /* of those that wait for the name */
    ngx_uint_t            waiting;
    ngx_uint_t            pinned;        /* addrs are those of the parent */
};

/*
 * NGX_OK: results are there (literal or cached).  NGX_AGAIN: the handler will
 * be called.  NGX_ERROR: error says why.  The cache honours the TTL that the
 * resolver reports (at least 1 s, at most an hour), keeps failures for 5 s, is
 * bounded (LRU), and joins requests for a name that is under way.
 *
 * After NGX_AGAIN *rs must stay where it is until the handler is called or the
 * caller cancels; cancelling is right at any time, also when nothing waits.
 * host must live as long as the marks below are used.
 */

ngx_int_t ngx_debar_resolve(ngx_debar_resolve_t *rs);
/* the caller goes away */
void ngx_debar_resolve_cancel(ngx_debar_resolve_t *rs);

/* Remembers in the cache that addrs[i] is clean under a list generation. */

void ngx_debar_resolve_mark_clean(ngx_debar_resolve_t *rs, ngx_uint_t i,
    ngx_uint_t generation);

/* Remembers for 10 s that the address could not be reached: it comes last. */

void ngx_debar_resolve_mark_failed(ngx_debar_resolve_t *rs,
    const uint8_t addr[16]);

/* At configuration; freed with the pool.  max: names kept, 0 for 10,000. */

ngx_debar_names_t *ngx_debar_names_create(ngx_pool_t *pool, ngx_uint_t max);


/* --- may it be dialled (ngx_debar_destination.c) ------------------------- */

/*
 * Looks at every address of rs: evidence first, which goes to v, then whether
 * it may be dialled at all.  0, or the status of a refusal, with v->fault: 508
 * for the address that c came in by, else 403.
 *
 * Behind a 0 rs->addrs are what is dialled: where there is a parent, its own.
 */

ngx_uint_t ngx_debar_destination(ngx_connection_t *c, ngx_debar_list_t *l,
    ngx_debar_resolve_t *rs, const debar_facts_t *f, debar_verdict_t *v);

/* IPv4 as ::ffff:a.b.c.d; 0 where it is no address of IP. */

ngx_uint_t ngx_debar_addr(uint8_t addr[16], struct sockaddr *sa);

/* Why CONNECT may not reach the port: static text, or NULL.  ports: of
 * in_port_t, beside 443, or NULL; port: 0 where none was named. */

const char *ngx_debar_port_fault(ngx_array_t *ports, ngx_uint_t port);

/* "debar_connect_port N ..." for both modules' directives. */

char *ngx_debar_port_directive(ngx_conf_t *cf, ngx_array_t **ports);

/* "debar_allow_destination CIDR ..." for both modules' directives. */

char *ngx_debar_allow_directive(ngx_conf_t *cf, ngx_array_t **allow);


/* --- addresses to networks and countries (ngx_debar_geo.c) --------------- */

/* "debar_geo FILE.mmdb": GeoLite2-ASN and GeoLite2-Country layouts; opened at
 * configuration (nginx -t finds an unreadable one), looked up in workers. */

ngx_debar_geo_t *ngx_debar_geo_create(ngx_conf_t *cf);
char *ngx_debar_geo_add(ngx_conf_t *cf, ngx_debar_geo_t *geo, ngx_str_t *path);
void ngx_debar_geo_lookup(ngx_debar_geo_t *geo, const struct sockaddr *sa,
    uint32_t *asn, char country[4]);


/* What has come, left where it is: its length, 0 at the end, NGX_AGAIN, or
 * NGX_ERROR, which is logged.  The event stays as ready as it was. */

ssize_t ngx_debar_peek(ngx_connection_t *c, void *buf, size_t size);


/* 32 hex digits of 128 random bits, and NUL. */

void ngx_debar_incident(char out[33]);

/*
 * Connects to a service beside the gateway (ngx_debar_unix.c).  NULL: it could
 * not be reached, with *err; or, with *err 0, no connection of nginx is free.
 */

ngx_connection_t *ngx_debar_unix_connect(ngx_str_t *path, ngx_log_t *log,
    void *data, ngx_event_handler_pt read, ngx_event_handler_pt write,
    ngx_err_t *err);

/* CLOCK_MONOTONIC in nanoseconds: for took_us. */

uint64_t ngx_debar_clock(void);


#endif /* _NGX_DEBAR_H_INCLUDED_ */
