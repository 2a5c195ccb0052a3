/*
 * libdebar: the terms that every part of Debar shares.
 *
 * Nothing in blocklist/ knows nginx, opens a socket or reads the clock: time,
 * files and requests come in as arguments.  There is no global state.
 *
 * Strings are (data, len) pairs of bytes, UTF-8 where they are text, and are
 * not NUL-terminated unless a comment says so.
 */

#ifndef DEBAR_H
#define DEBAR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>


#define DEBAR_VERSION  "0.2.0"


typedef struct {
    const char  *data;
    size_t       len;
} debar_str_t;

#define debar_string(s)  { (s), sizeof(s) - 1 }


static inline debar_str_t
debar_str(const char *data, size_t len)
{
    debar_str_t  s;

    s.data = data;
    s.len = len;

    return s;
}


/* What a call returns where it has no better way to say it. */

#define DEBAR_OK        0
#define DEBAR_ERROR    -1
#define DEBAR_DECLINED -2


/*
 * What a request does, from the weakest to the strongest: an identifier with
 * a floor counts at least as that activity.
 */

typedef enum {
    DEBAR_BROWSE = 0,
    DEBAR_UPDATE,
    DEBAR_DOWNLOAD,
    DEBAR_ACQUIRE,
    DEBAR_ACTIVITIES,             /* how many there are */
    DEBAR_EVERY = DEBAR_ACTIVITIES  /* a floor: every activity at once */
} debar_activity_e;


/* Actions and verdicts, from the weakest to the strongest. */

typedef enum {
    DEBAR_PASS = 0,
    DEBAR_LOG,
    DEBAR_REJECT,                 /* a verdict only, never an action of a
                                     list */
    DEBAR_BLOCK
} debar_action_e;


/*
 * Kinds of identifiers.  The numbers are stored in snapshots: add at the end,
 * never renumber.
 */

typedef enum {
    DEBAR_KIND_NAME = 1,
    DEBAR_KIND_PRODUCT_NAME,      /* a term under products: */
    DEBAR_KIND_HOST,
    DEBAR_KIND_URL,
    DEBAR_KIND_NETWORK,
    DEBAR_KIND_ASN,
    DEBAR_KIND_COUNTRY,
    DEBAR_KIND_FILE,              /* name of a download */
    DEBAR_KIND_SHA256,
    DEBAR_KIND_SIGNER,
    DEBAR_KIND_CERTIFICATE_ORGANIZATION,
    DEBAR_KIND_PACKAGE,           /* "ecosystem:identifier" */
    DEBAR_KIND_PART_NUMBER,
    DEBAR_KIND_GTIN,
    DEBAR_KIND_UEI,
    DEBAR_KIND_CAGE,
    DEBAR_KINDS
} debar_kind_e;


/* Names as they stand in configuration, lists, logs and documents. */

/* "browse", ..., "every" */
const char *debar_activity_name(unsigned activity);
/* "pass", "log", "reject", "block" */
const char *debar_action_name(unsigned action);
/* "host", "part-number", ... */
const char *debar_kind_name(unsigned kind);

/* The reverse: -1 where the name is unknown.  Names are compared exactly. */

int debar_activity_by_name(const char *data, size_t len);
int debar_action_by_name(const char *data, size_t len);   /* pass, log, block */


/* Bytes of the well-formed UTF-8 sequence at p (RFC 3629 s.4), 0 where there is
 * none; len is at least 1. */

size_t debar_utf8_len(const char *p, size_t len);


/* A byte of a token: methods, field names (RFC 9110 s.5.6.2). */

static inline int
debar_is_tchar(uint8_t ch)
{
    return (ch >= '0' && ch <= '9')
           || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
           || (ch && strchr("!#$%&'*+-.^_`|~", ch));
}


/*
 * A place for one message to the person at the other end: it names the file,
 * the value and the remedy.  Filled by calls that return DEBAR_ERROR.
 */

typedef struct {
    char  text[512];
} debar_fault_t;

void debar_fault(debar_fault_t *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


/*
 * Messages about a list source: all of them are gathered in one run.
 * File names are as reached from the source folder that was given.
 */

typedef struct {
    char      *file;
    unsigned   line;              /* from 1; 0: the file as a whole */
    unsigned   col;               /* from 1, in characters */
    char      *text;
} debar_error_t;

typedef struct {
    debar_error_t  *list;
    size_t          n;
    size_t          size;
    size_t          dropped;      /* beyond DEBAR_MAX_ERRORS */
} debar_errors_t;

#define DEBAR_MAX_ERRORS  10000

void debar_errors_add(debar_errors_t *e, const char *file, unsigned line,
    unsigned col, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void debar_errors_free(debar_errors_t *e);


/*
 * A growing buffer of bytes, for tools and the builder (workers use bounded
 * arrays).  debar_buf_* abort the process when memory ends.
 */

typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
} debar_buf_t;

void debar_buf_add(debar_buf_t *b, const void *data, size_t len);
void debar_buf_printf(debar_buf_t *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* quoted, invalid UTF-8 as U+FFFD */
void debar_buf_json(debar_buf_t *b, const char *data, size_t len);
void debar_buf_free(debar_buf_t *b);


#endif /* DEBAR_H */
