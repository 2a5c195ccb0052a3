/*
 * The engine: a request's facts in, a verdict with its evidence out.  nginx,
 * `debar check` and the tests call the same functions.
 *
 * Time is passed in.  A debar_list_t belongs to one thread.
 */

#ifndef DEBAR_JUDGE_H
#define DEBAR_JUDGE_H

#include <stddef.h>
#include "snapshot.h"


/* An opened list, ready to judge with: a snapshot and its compiled patterns. */

typedef struct debar_list_s  debar_list_t;

debar_list_t *debar_list_open(const char *path, const debar_open_opts_t *opts,
    debar_fault_t *fault);
void debar_list_close(debar_list_t *list);
debar_snapshot_t *debar_list_snapshot(debar_list_t *list);
const debar_snapshot_meta_t *debar_list_meta(const debar_list_t *list);


#define DEBAR_MAX_HOST_FIELDS  4

typedef struct {
    debar_str_t  method;          /* as sent */
    debar_str_t  scheme;          /* of an absolute-form target; empty:
                                     "http" */
    debar_str_t  authority;       /* of an absolute-form or CONNECT target, raw;
                                     data NULL: the target had none */
    debar_str_t  hosts[DEBAR_MAX_HOST_FIELDS];  /* values of Host fields, raw */
    unsigned     nhosts;
    unsigned     more_hosts;      /* there were more: a contradiction */
    debar_str_t  target;          /* path and query as sent; empty for
                                     CONNECT */
    debar_str_t  user;            /* verified by the gateway itself; or empty */
    debar_str_t  referer;         /* raw */
    debar_str_t  cookie;          /* values of Cookie fields, "; " between */
    debar_str_t  original_url;    /* X-Original-URL or X-Rewrite-URL, raw */
    debar_str_t  form;            /* pairs of a form in the body, as of a query:
                                     a script is told there what to do, too */
    uint8_t      client[16];      /* address; IPv4 as ::ffff:a.b.c.d */
    unsigned     has_client;
    unsigned     connect;         /* authority-form: only a host is known */
    unsigned     inspecting;      /* of a CONNECT: requests inside will be
                                     judged */
    unsigned     filing;          /* the file that comes will be read: a permit
                                     that is pinned to one holds until then */
    time_t       now;
} debar_facts_t;


#define DEBAR_MAX_EVIDENCE  16
#define DEBAR_WHERE          112
#define DEBAR_VALUE          128

typedef struct {
    uint32_t     rule;            /* DEBAR_NONE for a fault of the request */
    uint32_t     offset;          /* bytes into the decoded value at where */
    uint8_t      kind;            /* debar_kind_e */
    uint8_t      action;          /* after phases, caps, permits and waivers */
    uint8_t      raw_action;      /* before permits and waivers */
    uint8_t      cap;             /* a cap from where it was found */
    uint8_t      floor;           /* what asking for it is, as a host of updates
                                     alone, where that is more than the request
                                     shows (debar_activity_e); 0: it is not */
    uint64_t     authorities;     /* that give the action */
    uint32_t     permit;          /* that lifted it, or DEBAR_NONE */
    uint32_t     waiver;
    char         where[DEBAR_WHERE];   /* "host", "address", "path", "file",
                                          "query:item/percent",
                                          "body:line[2]/maker:" + the way,
                                          NUL-terminated */
    char         value[DEBAR_VALUE];   /* the listed identifier,
                                          NUL-terminated */
} debar_evidence_t;

/* What a permit may be pinned to: the file that came (judge_file.h). */

#define DEBAR_PIN_PRODUCTS    8
#define DEBAR_PIN_PRODUCT   128

typedef struct {
    uint8_t      sha256[32];
    unsigned     has_sha256;
    unsigned     nproducts;
    struct {
        size_t   len;
        char     text[DEBAR_PIN_PRODUCT];      /* canonical tokens */
    }            products[DEBAR_PIN_PRODUCTS];
} debar_pin_t;


typedef struct {
    unsigned          verdict;    /* debar_action_e */
    unsigned          activity;   /* debar_activity_e */
    const char       *step;       /* the channel's word for it, or NULL; lives
                                     as the list */
    size_t            step_len;
    const char       *channel;
    size_t            channel_len;
    const char       *fault;      /* why reject; static text, or NULL */
    unsigned          more;       /* evidence was left out at
                                     DEBAR_MAX_EVIDENCE */
    unsigned          cut;        /* something was longer than what is looked
                                     at */
    unsigned          fresh;      /* evidence came that is not settled */
    unsigned          inspect;    /* CONNECT: judge what is inside */

    uint32_t          entry;      /* of the strongest evidence, or DEBAR_NONE */
    uint32_t          product;
    uint64_t          authorities;
    uint32_t          permit;     /* that lifted all of it, or DEBAR_NONE */
    uint32_t          waiver;

    const debar_pin_t  *pin;      /* set while a file is being judged */

    unsigned          order_len;  /* the order that a document names: */
    char              order[64];

    debar_host_t      host;       /* to be dialled, if verdict is PASS or LOG */
    unsigned          port;       /* 0: none given */

    unsigned          nevidence;  /* strongest first */
    debar_evidence_t  evidence[DEBAR_MAX_EVIDENCE];     /* the last: what is
                                     behind nevidence need not be kept */
} debar_verdict_t;

/* Bytes of a verdict with the evidence that it has: what a copy needs. */

#define debar_verdict_size(v)                                                 \
    (offsetof(debar_verdict_t, evidence)                                      \
     + (v)->nevidence * sizeof(debar_evidence_t))

/*
 * Judges everything that is known before a name is resolved.  Every reading of
 * a faulty or contradictory authority is judged; where none is listed the
 * verdict is REJECT and v->fault says why.  An address literal is looked up in
 * networks here too.
 */

void debar_judge(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v);

/*
 * Adds what an address says (networks, ASN, country; asn 0 and country NULL:
 * unknown) to a verdict and settles it anew.  addr: to be dialled.
 */

void debar_judge_address(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v, const uint8_t addr[16], uint32_t asn,
    const char *country);

/*
 * Adds what the certificate of the origin says of its holder to a verdict and
 * settles it anew: an organisation (O) of the subject, UTF-8; empty is nothing.
 * Matched by canonical tokens (certificate-organizations); where is
 * "certificate".
 */

void debar_judge_certificate(debar_list_t *list, const debar_facts_t *f,
    debar_verdict_t *v, debar_str_t organization);

/* True if the organisation cannot give evidence: cacheable by snapshot. */

int debar_certificate_clean(debar_list_t *list, debar_str_t organization);

/* True if a look at the address cannot give evidence: cacheable by snapshot. */

int debar_address_clean(debar_list_t *list, const uint8_t addr[16],
    uint32_t asn, const char *country);

/*
 * What a parser before us refused: the head of a request as it came.  Host-like
 * pieces of request line and Host fields are judged; v->verdict is BLOCK (or
 * LOG -> REJECT) if one is listed, else REJECT with fault as given.
 */

void debar_judge_refused(debar_list_t *list, const char *head, size_t len,
    const char *fault, time_t now, debar_verdict_t *v);

/* What was refused or not looked at, in words; static text, or NULL: all was. */

const char *debar_verdict_fault(const debar_verdict_t *v);

/* Names for people. */

debar_str_t debar_list_entry_id(debar_list_t *list, uint32_t entry);
debar_str_t debar_list_entry_name(debar_list_t *list, uint32_t entry);
debar_str_t debar_list_product_name(debar_list_t *list, uint32_t product);
debar_str_t debar_list_authority_id(debar_list_t *list, unsigned bit);
debar_str_t debar_list_authority_title(debar_list_t *list, unsigned bit);
debar_str_t debar_list_authority_url(debar_list_t *list, unsigned bit);
debar_str_t debar_list_permit_why(debar_list_t *list, uint32_t permit);
debar_str_t debar_list_waiver_id(debar_list_t *list, uint32_t waiver);


#endif /* DEBAR_JUDGE_H */
