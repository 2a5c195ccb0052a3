/*
 * The log of verdicts in the forms that other systems collect.
 */

#ifndef DEBAR_TOOLS_AUDIT_EXPORT_H
#define DEBAR_TOOLS_AUDIT_EXPORT_H

#include <jansson.h>

#include "audit.h"


/* Where a line begins: which of the files that were opened, and bytes. */

typedef struct {
    uint64_t  file;
    uint64_t  offset;
} debar_place_t;


/* A decision.  An address, a port, a host are empty, 0, if it has none that is
 * one: privacy may have kept a network or a hash of a client. */

typedef struct {
    const json_t  *line;
    const json_t  *outcome;       /* NULL: not in reach */
    const json_t  *upstream;      /* of the outcome, else of the line */
    debar_str_t    text;          /* the line as it was written */
    char           time[25];
    int64_t        msec;          /* since the epoch */
    unsigned       verdict;       /* debar_action_e */
    unsigned       denied;        /* block, reject and not only watched */
    char           client[48];    /* an address without brackets */
    unsigned       client_port;
    char           host[256];
    unsigned       host_port;
    char           scheme[8];     /* http, https, or empty */
    char           dialled[48];
    unsigned       dialled_port;
} debar_export_t;

/* Adds one record with its newline. */

typedef void (*debar_export_pt)(debar_buf_t *out, const debar_export_t *e);

/* DEBAR_DECLINED: is no decision; DEBAR_ERROR: nor anything else of ours. */

int debar_export_fill(debar_export_t *e, const json_t *line, debar_str_t text);

/* Whom the request went to, as its outcome has it, else the line. */

void debar_export_upstream(debar_export_t *e);

debar_str_t debar_export_str(const json_t *object, const char *key);
int64_t debar_export_number(const json_t *object, const char *key);

/* JSON of one line, nothing in it drives a terminal. */

void debar_export_json(debar_buf_t *b, const char *text, size_t len);

void debar_export_ocsf(debar_buf_t *out, const debar_export_t *e);
void debar_export_ecs(debar_buf_t *out, const debar_export_t *e);
void debar_export_cef(debar_buf_t *out, const debar_export_t *e);
void debar_export_syslog(debar_buf_t *out, const debar_export_t *e);

/* CEF as the message of one of syslog, as collectors take it from a socket. */

void debar_export_cef_syslog(debar_buf_t *out, const debar_export_t *e);

/* Whose structured data it is: 32473 is that of examples (RFC 5612). */

extern unsigned  debar_export_enterprise;


/* --- decisions with their outcomes (audit_export_pair.c) ------------------- */

#define DEBAR_PAIR_MAX  4096                 /* decisions that wait */

typedef struct {
    debar_export_t  e;
    json_t         *line;
    json_t         *outcome;
    size_t          outcome_len;
    char           *text;
    debar_place_t   place;
    double          since;
} debar_waiting_t;

typedef struct debar_pair_s  debar_pair_t;

struct debar_pair_s {
    void            (*put)(debar_pair_t *p, const debar_export_t *e);
    void             *data;
    char              since[25];             /* "": of any time */
    char              until[25];
    uint64_t          lines;
    uint64_t          records;
    uint64_t          unreadable;

    size_t            from;                  /* the oldest one that waits */
    size_t            waiting;
    size_t            bytes;
    uint64_t          keys[DEBAR_PAIR_MAX];  /* of ids: looked at first */
    char              ids[DEBAR_PAIR_MAX][32];
    debar_waiting_t   wait[DEBAR_PAIR_MAX];
};

/* One line without its newline, read at now. */

void debar_pair_line(debar_pair_t *p, const char *text, size_t len,
    const debar_place_t *place, double now);

/* Those that were read by then leave. */

void debar_pair_leave(debar_pair_t *p, double since);

/* Where the oldest one that waits begins; NULL: none does. */

const debar_place_t *debar_pair_place(const debar_pair_t *p);

/* Those that wait are forgotten. */

void debar_pair_free(debar_pair_t *p);


#endif /* DEBAR_TOOLS_AUDIT_EXPORT_H */
