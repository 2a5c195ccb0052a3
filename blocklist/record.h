/*
 * The audit line of a decision (DESIGN section 8): one JSON object, keys in the
 * order below, absent when empty.  Pure: everything that is not the verdict's
 * comes in as text.
 */

#ifndef DEBAR_RECORD_H
#define DEBAR_RECORD_H

#include "judge.h"
#include "mask.h"
#include "person.h"


/* What is kept of a person. */

typedef enum {
    DEBAR_PERSON_PLAIN = 0,
    DEBAR_PERSON_NET,             /* of an address: debar_person_net() */
    DEBAR_PERSON_HASH             /* debar_person_hash() of the name, or of the
                                     address without its port */
} debar_person_kept_e;


/* What is kept of a request; all zero: everything but secrets. */

typedef struct {
    debar_url_kept_e     url;
    debar_person_kept_e  user;
    debar_person_kept_e  client;
    debar_person_t      *user_hash;
    debar_person_t      *client_hash;
} debar_privacy_t;


/* The file that came, as far as it is known. */

typedef struct {
    const char    *type;          /* debar_file_type_name(); NULL: no file */
    uint64_t       size;          /* bytes that came */
    const uint8_t *sha256;        /* 32 bytes, or NULL */
    debar_str_t    signer;        /* the first: organisation, else name */
    debar_str_t    name;          /* as the response calls it */
} debar_record_content_t;


typedef struct {
    int64_t      msec;            /* since the epoch, UTC */
    char         incident[33];    /* 32 hex digits and NUL; empty: none */
    debar_str_t  gateway;
    debar_str_t  surface;         /* http, connect, tls, inspected, response */
    debar_str_t  client;          /* "addr:port" */
    debar_str_t  user;
    debar_str_t  method;
    debar_str_t  url;             /* as received; secrets are masked by the
                                     renderer (mask.h) */
    debar_str_t  mode;            /* enforce, monitor, break-glass */
    debar_str_t  upstream;        /* "addr:port" */
    uint32_t     asn;
    debar_str_t  country;
    uint64_t     took_us;
    debar_record_content_t  content;
    const debar_privacy_t  *privacy;    /* NULL: as all zero */
} debar_record_t;

/*
 * Without a URL (DEBAR_URL_NONE) evidence from it has no value and its place no
 * name; DEBAR_URL_EVIDENCE, as "none", leaves out the name of a file.
 *
 * Writes the line, with its "\n", to out.  Returns its length; it always fits
 * DEBAR_MAX_RECORD: long values are cut at a character and end in "...".
 * list may be NULL (no list could be opened): then list, vendor and evidence
 * are absent and fault is in "fault".  v->fault is written as "fault".
 */

#define DEBAR_MAX_RECORD  16384

size_t debar_record_line(char *out, size_t size, const debar_record_t *r,
    debar_list_t *list, const debar_verdict_t *v);

/* An outcome line: time, incident, status, bytes, upstream. */

size_t debar_record_outcome(char *out, size_t size, const debar_record_t *r,
    unsigned status, uint64_t bytes);

/*
 * An event line: something that was done to the gateway by a person.  time,
 * gateway, event ("break-glass"), state ("opened", "ended"), by, reason, until
 * (RFC 3339).  What is empty, or 0, is absent.
 */

size_t debar_record_event(char *out, size_t size, int64_t msec,
    debar_str_t gateway, const char *event, const char *state, debar_str_t by,
    debar_str_t reason, time_t until);

/* Masks secrets of a URL (mask.h).  Returns the length written. */

size_t debar_record_mask_url(char *out, size_t size, const char *url,
    size_t len);

/* "2026-01-02T03:04:05.678Z" and NUL: 25 bytes. */

void debar_record_time(char out[25], int64_t msec);


#endif /* DEBAR_RECORD_H */
