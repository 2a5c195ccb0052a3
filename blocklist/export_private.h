/*
 * What the walk (export.c) tells the writers of formats (export_*.c).
 */

#ifndef DEBAR_EXPORT_PRIVATE_H
#define DEBAR_EXPORT_PRIVATE_H

#include "export.h"
#include "judge_private.h"


/* A host that is listed, permitted or between such, on the way from its top
 * level down.  More exceptions than are kept are counted alone. */

#define DEBAR_EXPORT_EXCEPTS   16
#define DEBAR_EXPORT_DEPTH    130

#define DEBAR_AT_HOST   1         /* an exception for the host itself ... */
#define DEBAR_AT_BELOW  2         /* ... and for the names below it */

typedef struct {
    char             key[DEBAR_MAX_KEY];
    size_t           len;
    char             name[DEBAR_MAX_HOST + 3];
    const uint32_t  *rules;
    size_t           n;
    size_t           permit;      /* of e->permits */
    size_t           npermits;
    unsigned         host;        /* it is blocked, ... */
    unsigned         host_url;    /* ... but for URLs that are permitted */
    unsigned         below;       /* names below it that are not listed are */
    unsigned         above;       /* so they would be without it */
    unsigned         level;       /* exceptions and blocks take turns */
    unsigned         told;        /* rpz: it has records */
    uint32_t         rule;        /* that blocks */
    size_t           nexcepts;
    struct {
        unsigned     at;
        char         name[DEBAR_MAX_HOST + 3];
    }                excepts[DEBAR_EXPORT_EXCEPTS];
} debar_export_node_t;

typedef struct {
    uint32_t         permit;
    debar_str_t      key;
    size_t           host_len;
} debar_export_permit_t;

typedef struct {
    debar_list_t               *list;
    const debar_export_opts_t  *opts;
    debar_export_info_t        *info;
    debar_fault_t              *fault;
    debar_buf_t                 out;
    unsigned                    counting;    /* the first of two walks */
    int                         rc;
    uint32_t                    sid;

    uint8_t                    *actions;     /* of rules, without permits;
                                                0xff: not asked yet */
    debar_export_permit_t      *permits;     /* by host, hosts before URLs */
    size_t                      npermits;
    debar_export_node_t        *nodes;
    size_t                      depth;
    debar_buf_t                 room;
    uint32_t                    last;        /* stix: the rule of these */
    debar_buf_t                 made[2];     /* what is the same for its rows */
} debar_export_t;

/* One row in the words of a format; NULL: it has none for such rows. */

typedef struct {
    const char  *name;
    const char  *comment;         /* begins a line of the head; NULL: no head */
    const char  *cannot;          /* what it says of itself in the head */
    void       (*begin)(debar_export_t *e);
    void       (*host)(debar_export_t *e, const debar_export_node_t *n);
    void       (*literal)(debar_export_t *e, const char *name, uint32_t rule);
    void       (*url)(debar_export_t *e, const char *host, debar_str_t path,
                      uint32_t rule);
    void       (*network)(debar_export_t *e, const uint8_t addr[16],
                          unsigned bits, uint32_t rule);
    void       (*id)(debar_export_t *e, unsigned kind, debar_str_t value,
                     uint32_t rule);
    void       (*end)(debar_export_t *e);
    unsigned     every;           /* it is told hosts that a wider one says */
    unsigned     dense;           /* and all names between two hosts */
    unsigned     urls;            /* it permits URLs of a host by itself */
} debar_export_format_t;

extern const debar_export_format_t  debar_export_rpz, debar_export_hosts;
extern const debar_export_format_t  debar_export_squid;
extern const debar_export_format_t  debar_export_edl_domain;
extern const debar_export_format_t  debar_export_edl_url, debar_export_edl_ip;
extern const debar_export_format_t  debar_export_suricata, debar_export_stix;
extern const debar_export_format_t  debar_export_csv;

/* To the output; out is written when it is long enough. */

void debar_export_flush(debar_export_t *e, size_t above);
#define debar_export_put(e, ...)  debar_buf_printf(&(e)->out, __VA_ARGS__)

/* The strongest action of a rule, less what these authorities would give. */

unsigned debar_export_action(debar_export_t *e, uint32_t rule,
    uint64_t lifted);

/* The authority that blocks by a rule, and since when. */

const debar_authority_t *debar_export_authority(debar_export_t *e,
    uint32_t rule, int64_t *since);

/* "192.0.2.0/24" */

void debar_export_cidr(char out[64], const uint8_t addr[16], unsigned bits);

/* A host key as a name: "com.example." -> "example.com". */

size_t debar_export_host_name(char *out, const char *key, size_t len);

/* Rows of a CSV beyond the walk: names and expressions. */

debar_str_t debar_export_text(debar_export_t *e, debar_ref_t r);


#endif /* DEBAR_EXPORT_PRIVATE_H */
