/*
 * Lines of access logs: what was asked for, by whom and when.  Pure functions
 * over bytes; any bytes may come.
 *
 * Known by themselves: nginx and Apache "combined" and "common", Squid's
 * "squid", "combined" and "common", and the decisions of Debar's audit log
 * (DESIGN section 8).  Others are told by the text of an nginx log_format.
 */

#ifndef DEBAR_ACCESS_LOG_H
#define DEBAR_ACCESS_LOG_H

#include "debar.h"


#define DEBAR_ACCESS_LINE    65536   /* a longer line is none */
#define DEBAR_ACCESS_FIELDS     64   /* variables of a format */

typedef struct {
    struct {
        debar_str_t  literal;     /* before the variable */
        unsigned     variable;    /* 0: the end */
    }            parts[DEBAR_ACCESS_FIELDS + 1];
    unsigned     n;
} debar_access_format_t;

/* Text points into the line or into room. */

typedef struct {
    debar_str_t  method;
    debar_str_t  url;             /* absolute, or HOST:PORT of a CONNECT, or a
                                     path of host */
    debar_str_t  scheme;          /* empty: not told */
    debar_str_t  host;            /* of a path; empty: not told */
    debar_str_t  user;            /* empty: none */
    debar_str_t  client;          /* address, without port */
    debar_str_t  referer;
    debar_str_t  verdict;         /* of an audit line */
    int64_t      time;            /* seconds since the epoch; -1: not told */
} debar_access_t;

/*
 * text: of a log_format, "$remote_addr $host [$time_local] \"$request\"".  It
 * lives as long as f.  Variables that say nothing of a request are skipped.
 * DEBAR_ERROR: *fault says what is missing in it.
 */

int debar_access_format(debar_access_format_t *f, const char *text,
    debar_fault_t *fault);

/*
 * A line without its newline; format NULL: one that is known.  room:
 * DEBAR_ACCESS_LINE bytes.  DEBAR_DECLINED: a line that is about no request
 * (an outcome, an empty one).  DEBAR_ERROR: *why is static text.
 */

int debar_access_read(debar_access_t *a, const debar_access_format_t *f,
    const char *line, size_t len, char *room, const char **why);

/* "22/Nov/2026:09:12:58 +0000", "2026-11-22T09:12:58+01:00" (a fraction, "Z"),
 * "1795338778.123"; -1: none of them. */

int64_t debar_access_time(const char *data, size_t len);


#endif /* DEBAR_ACCESS_LOG_H */
