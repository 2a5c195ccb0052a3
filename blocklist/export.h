/*
 * A list in the words of others: DNS response policy zones, Squid, hosts files,
 * Palo Alto external dynamic lists, Suricata, STIX 2.1, CSV.
 *
 * What is exported is what the list blocks on a day, for an activity: rows that
 * are recorded only, or not yet in force, are left out.  Consumers compare
 * fewer things than Debar does; what one of them cannot say is left out, never
 * said wider than the list says it, and counted by reason.
 *
 * Rows are walked in the order of their keys with a bounded memory, so that the
 * output is the same for lists that say the same.
 */

#ifndef DEBAR_EXPORT_H
#define DEBAR_EXPORT_H

#include "judge.h"


typedef enum {
    DEBAR_EXPORT_RPZ = 0,
    DEBAR_EXPORT_SQUID,
    DEBAR_EXPORT_HOSTS,
    DEBAR_EXPORT_EDL_DOMAIN,
    DEBAR_EXPORT_EDL_URL,
    DEBAR_EXPORT_EDL_IP,
    DEBAR_EXPORT_SURICATA,
    DEBAR_EXPORT_STIX,
    DEBAR_EXPORT_CSV,
    DEBAR_EXPORTS
} debar_export_e;

/* "rpz", "edl-domain", ...; the reverse: -1 where it is unknown. */

const char *debar_export_name(unsigned format);
int debar_export_by_name(const char *name);


/* Why something was left out. */

typedef enum {
    DEBAR_LEFT_MILD = 0,
    DEBAR_LEFT_PERMITTED,
    DEBAR_LEFT_PERMIT_BELOW,
    DEBAR_LEFT_EXCEPT,
    DEBAR_LEFT_BELOW,
    DEBAR_LEFT_HOST,
    DEBAR_LEFT_LITERAL,
    DEBAR_LEFT_LONG,
    DEBAR_LEFT_MANY,
    DEBAR_LEFT_URL,
    DEBAR_LEFT_QUERY,
    DEBAR_LEFT_NETWORK,
    DEBAR_LEFT_ORIGIN,
    DEBAR_LEFT_ID,
    DEBAR_LEFT_NAME,
    DEBAR_LEFT_PATTERN,
    DEBAR_LEFT_PINNED,
    DEBAR_LEFT_WAIVER,
    DEBAR_LEFTS
} debar_left_e;

/* "a URL, which it does not see" */

const char *debar_left_words(unsigned left);


typedef struct {
    unsigned     format;          /* debar_export_e */
    unsigned     activity;        /* debar_activity_e; DEBAR_ACTIVITIES: as a
                                     CONNECT is judged, by each row's floor */
    int64_t      now;
    unsigned     bare;            /* without the head */
    const char  *zone;            /* rpz: its name; NULL: "debar.rpz" */
    const char  *target;          /* rpz: of a CNAME; NULL: ".", NXDOMAIN */
    unsigned     drop;            /* suricata: drop, not alert */
    uint32_t     sid;             /* suricata: the first; 0: 9100000 */
    uint32_t     max;             /* suricata: rules at most; 0: 300000 */

    /* Takes what was written; other than 0: give up. */

    int        (*write)(void *data, const char *text, size_t len);
    void        *data;
} debar_export_opts_t;

typedef struct {
    uint64_t  written;            /* rows that the output says */
    uint64_t  covered;            /* that a wider row says too */
    uint64_t  left[DEBAR_LEFTS];
} debar_export_info_t;

/* 00:00 of a day ("2026-12-01") in the time zone of the list; DEBAR_ERROR: no
 * such day. */

int debar_export_day(debar_list_t *list, const char *text, int64_t *when);

/*
 * All of it: the list is walked twice, first to count what the head tells.
 * DEBAR_ERROR: *fault says why (a damaged row); DEBAR_DECLINED: write() gave up.
 */

int debar_export(debar_list_t *list, const debar_export_opts_t *opts,
    debar_export_info_t *info, debar_fault_t *fault);


#endif /* DEBAR_EXPORT_H */
