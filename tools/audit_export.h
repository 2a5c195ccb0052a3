/*
 * The log of verdicts in the forms that other systems collect.
 */

#ifndef DEBAR_TOOLS_AUDIT_EXPORT_H
#define DEBAR_TOOLS_AUDIT_EXPORT_H

#include <jansson.h>

#include "audit.h"


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

int debar_export_fill(debar_export_t *e, const json_t *line,
    const json_t *outcome, debar_str_t text);

debar_str_t debar_export_str(const json_t *object, const char *key);
int64_t debar_export_number(const json_t *object, const char *key);

/* JSON of one line, nothing in it drives a terminal. */

void debar_export_json(debar_buf_t *b, const char *text, size_t len);

void debar_export_ocsf(debar_buf_t *out, const debar_export_t *e);
void debar_export_ecs(debar_buf_t *out, const debar_export_t *e);
void debar_export_cef(debar_buf_t *out, const debar_export_t *e);
void debar_export_syslog(debar_buf_t *out, const debar_export_t *e);


#endif /* DEBAR_TOOLS_AUDIT_EXPORT_H */
