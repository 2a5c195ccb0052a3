/*
 * The records of a compiled list: what the source reader fills, the builder
 * stores, the snapshot maps and the matcher reads.
 *
 * A snapshot stores each table as one value, 8-byte aligned, host byte order
 * (a marker in meta refuses a foreign one).  Records refer to each other by
 * index and to text by debar_ref_t into DEBAR_T_STRINGS.  A reader checks
 * every index and reference once, at open: later code may trust them.
 * Records hold no pointers and no padding that is not named (zero it).
 */

#ifndef DEBAR_TABLES_H
#define DEBAR_TABLES_H

#include "debar.h"


#define DEBAR_NONE  UINT32_MAX        /* no such record */

/* Bounds of a list; the source reader reports what goes beyond. */

#define DEBAR_MAX_AUTHORITIES   64    /* they are kept as bits of a uint64_t */
#define DEBAR_MAX_PATTERNS   10000
#define DEBAR_MAX_KEY          500    /* LMDB keys hold 511 bytes */


typedef struct {
    uint32_t  off;
    uint32_t  len;
} debar_ref_t;


typedef enum {
    DEBAR_T_STRINGS = 0,          /* bytes */
    DEBAR_T_AUTHORITIES,          /* debar_authority_t */
    DEBAR_T_PHASES,               /* debar_phase_t */
    DEBAR_T_ENTRIES,              /* debar_entry_t */
    DEBAR_T_PRODUCTS,             /* debar_product_t */
    DEBAR_T_RULES,                /* debar_rule_t */
    DEBAR_T_TERMS,                /* debar_term_t */
    DEBAR_T_PATTERNS,             /* debar_pattern_t */
    DEBAR_T_PERMITS,              /* debar_permit_t */
    DEBAR_T_WAIVERS,              /* debar_waiver_t */
    DEBAR_T_RECIPES,              /* debar_recipe_t */
    DEBAR_T_CONDS,                /* debar_cond_t */
    DEBAR_T_WORDS,                /* debar_word_t */
    DEBAR_T_RELAYS,               /* debar_relay_t */
    DEBAR_T_MARKS,                /* debar_mark_t: purchase documents */
    DEBAR_T_REFS,                 /* debar_ref_t: members of string lists */
    DEBAR_T_CIDRS,                /* debar_cidr_t: members of client lists */
    DEBAR_T_HOST_FILTER,          /* uint64_t, see filter.h; made by the
                                     builder */
    DEBAR_T_ID_FILTER,            /* uint64_t; made by the builder */
    DEBAR_T_TERM_INDEX,           /* bytes, see term.h; made by the builder */
    DEBAR_TABLES
} debar_table_e;


/* The legal ground of an entry. */

typedef struct {
    debar_ref_t  id;              /* "far-52.204-23" */
    debar_ref_t  title;
    debar_ref_t  url;             /* where the text stands; may be empty */
    uint32_t     phase;           /* its phases, oldest first */
    uint32_t     nphases;
    uint32_t     in_force;        /* 0: named in the source, not enforced */
    uint32_t     pad;
} debar_authority_t;

/* From a moment on: what each activity gets.  Unnamed ones are filled in. */

typedef struct {
    int64_t      from;            /* seconds since the epoch, UTC */
    uint8_t      action[4];       /* debar_action_e by debar_activity_e */
    uint8_t      pad[4];
} debar_phase_t;

/* A vendor. */

typedef struct {
    debar_ref_t  id;
    debar_ref_t  name;            /* a label, not a term to match */
    uint64_t     authorities;     /* bit i: authority i */
} debar_entry_t;

typedef struct {
    debar_ref_t  id;
    debar_ref_t  name;            /* a label */
    uint32_t     entry;
    uint32_t     pad;
} debar_product_t;


/*
 * What an identifier means once it is found.  Exact identifiers with the same
 * meaning share one rule, so that ten million hosts need a handful.
 */

#define DEBAR_RULE_SUBDOMAINS  1      /* host: and every name below it */
#define DEBAR_RULE_INFO        2      /* secondary ground; reserved */

typedef struct {
    uint64_t     authorities;     /* of the entry, or fewer */
    uint32_t     entry;
    uint32_t     product;         /* or DEBAR_NONE */
    uint8_t      kind;            /* debar_kind_e */
    uint8_t      cap;             /* strongest action of this evidence; BLOCK:
                                     no cap */
    uint8_t      floor;           /* debar_activity_e; DEBAR_EVERY: all at once;
                                     DEBAR_BROWSE: the request's own activity */
    uint8_t      flags;
    uint32_t     pad;
    debar_ref_t  source;          /* the "source:" of the row, for the
                                     explanation */
} debar_rule_t;


/* A name to find in text.  The text is canonical tokens (text.h). */

#define DEBAR_TERM_WORD      0        /* whole tokens */
#define DEBAR_TERM_ANYWHERE  1        /* also inside a longer token */
#define DEBAR_TERM_NOT       2        /* a longer word that contains a name and
                                         is someone else's: hides names in it */

typedef struct {
    debar_ref_t  text;            /* canonical: debar_text_tokens() */
    debar_ref_t  written;         /* as in the source */
    uint32_t     rule;            /* for DEBAR_TERM_NOT its entry is what
                                     counts */
    uint8_t      match;           /* DEBAR_TERM_* */
    uint8_t      pad[3];
} debar_term_t;

/*
 * A PCRE2 expression over canonical values of a kind, anchored at both ends,
 * caseless.  Globs of "files" become expressions in the source reader.
 */

typedef struct {
    debar_ref_t  regex;
    debar_ref_t  written;
    uint32_t     rule;
    uint32_t     pad;
} debar_pattern_t;


/* Something of a listed vendor that stays allowed. */

typedef struct {
    uint64_t     authorities;     /* under which it holds */
    uint32_t     entry;
    uint32_t     from;            /* epoch seconds, inclusive; 0: always */
    debar_ref_t  key;             /* URL key (key.h); ends with "/" + "*":
                                     all below; without a path: the host as a
                                     whole */
    debar_ref_t  why;             /* with who approved it behind it */
    debar_ref_t  sha256;          /* 32 bytes, or empty */
    debar_ref_t  product;         /* product name in the file, canonical, or
                                     empty */
    uint32_t     subdomains;      /* host permits only */
    uint32_t     until;           /* epoch seconds, exclusive; 0: for good */
} debar_permit_t;

static inline int
debar_permit_now(const debar_permit_t *p, int64_t now)
{
    return (int64_t) p->from <= now && (p->until == 0 || now < p->until);
}

/* A dated, approved exception for named clients, users, orders or URLs. */

typedef struct {
    debar_ref_t  id;
    uint64_t     authorities;
    int64_t      from;            /* inclusive, epoch seconds */
    int64_t      until;           /* exclusive */
    uint32_t     entry;
    uint32_t     product;         /* or DEBAR_NONE: every product */
    uint32_t     activities;      /* bit i: activity i */
    uint32_t     client, nclients;    /* DEBAR_T_CIDRS; none: every client */
    uint32_t     user, nusers;        /* DEBAR_T_REFS, exact bytes */
    uint32_t     order, norders;      /* DEBAR_T_REFS, order numbers */
    uint32_t     url, nurls;          /* DEBAR_T_REFS, keys as in a permit */
    uint32_t     pad;
    debar_ref_t  approved_by;
    debar_ref_t  why;
} debar_waiver_t;

typedef struct {
    uint8_t      addr[16];        /* IPv6; IPv4 as ::ffff:a.b.c.d */
    uint32_t     bits;            /* of 128 */
    uint32_t     pad;
} debar_cidr_t;


/*
 * Channels: how buying looks on the wire.  A recipe that names hosts and fits
 * decides alone; else the strongest of fitting recipes, words and extensions;
 * a veto word takes acquire away.  See activity.h.
 */

#define DEBAR_M_GET      0x01
#define DEBAR_M_HEAD     0x02
#define DEBAR_M_POST     0x04
#define DEBAR_M_PUT      0x08
#define DEBAR_M_PATCH    0x10
#define DEBAR_M_DELETE   0x20
#define DEBAR_M_CONNECT  0x40
#define DEBAR_M_OTHER    0x80

typedef struct {
    debar_ref_t  channel;         /* id */
    debar_ref_t  step;            /* "cart", "checkout", "installer", for
                                     people */
    debar_ref_t  path;            /* PCRE2 on the canonical path (url.h),
                                     anchored at both ends, caseless; empty:
                                     any */
    uint32_t     host, nhosts;    /* DEBAR_T_REFS: canonical hosts, with all
                                     names below; none: any host */
    uint32_t     cond, nconds;    /* DEBAR_T_CONDS: query pairs, all needed */
    uint32_t     methods;         /* DEBAR_M_* bits; 0: any */
    uint32_t     activity;
} debar_recipe_t;

typedef struct {
    debar_ref_t  key;             /* PCRE2, anchored, caseless */
    debar_ref_t  value;           /* likewise; empty: any value */
} debar_cond_t;

#define DEBAR_WORD_PATH       1   /* a token of the path means value
                                     (activity) */
#define DEBAR_WORD_QUERY_KEY  2   /* a query key means value (activity) */
#define DEBAR_WORD_EXTENSION  3   /* the last path segment ends in .word */
#define DEBAR_WORD_VETO       4   /* a token of path or query key: not
                                     acquiring */
#define DEBAR_WORD_CAUTION    5   /* a token beside a name: removal,
                                     prohibition */
#define DEBAR_WORD_FIELD      6   /* a field of that name has the role value */
#define DEBAR_WORD_CART       7   /* such a field beside goods makes a cart */
#define DEBAR_WORD_REPORT     8   /* a field or part of a path that tells of a
                                     report on goods, not a cart */
#define DEBAR_WORD_WITHDRAW   9   /* what a line's action takes back with */
#define DEBAR_WORD_COOKIE    10   /* a cookie of that name is a cart */
#define DEBAR_WORD_OPERATION 11   /* a member of that name says what a body does,
                                     as a pair of a form would */

typedef struct {
    debar_ref_t  word;            /* canonical token(s); for FIELD and QUERY_KEY
                                     letters and digits only, lower case */
    uint32_t     methods;         /* 0: any */
    uint16_t     use;             /* DEBAR_WORD_* */
    uint16_t     value;
} debar_word_t;

/* Roles of fields (DESIGN section 6). */

typedef enum {
    DEBAR_ROLE_OTHER = 0,
    DEBAR_ROLE_MAKER,
    DEBAR_ROLE_PART,
    DEBAR_ROLE_SUPPLIER_PART,
    DEBAR_ROLE_GTIN,
    DEBAR_ROLE_NAME,
    DEBAR_ROLE_DESCRIPTION,
    DEBAR_ROLE_UNSPSC,
    DEBAR_ROLE_QUANTITY,
    DEBAR_ROLE_LINE_ACTION,
    DEBAR_ROLE_NOTE,
    DEBAR_ROLE_PERSON,
    DEBAR_ROLE_PARTY,
    DEBAR_ROLE_URL,
    DEBAR_ROLE_FILE,
    DEBAR_ROLE_PACKAGE,           /* + ecosystem in the word's channel; any */
    DEBAR_ROLE_SEARCH,            /* what someone looks for, not what they
                                     buy */
    DEBAR_ROLES
} debar_role_e;

const char *debar_role_name(unsigned role);   /* "maker", "supplier-part",
                                                 ... */

/*
 * Purchase documents (document.h): what a place in one of some format means.
 * Marks of a format follow each other.
 *
 * path: names of containers and of the field, the last ones, with slashes
 * ("ItemDetail/ManufacturerName"); "*" as its last name: any.  A number of
 * a form's field is left out of its name.
 *
 * when: another field of the same container that has to have this value; "-1"
 * and "+1": the one before it, the one behind it, as in X12 and EDIFACT.
 */

#define DEBAR_MARK_ROOT       1       /* here it begins; role: its activity */
#define DEBAR_MARK_LINE       2       /* a line: a container, or where no
                                         container holds it, what begins it */
#define DEBAR_MARK_END        3       /* past the last line */
#define DEBAR_MARK_FIELD      4       /* role: debar_role_e */
#define DEBAR_MARK_JOIN       5       /* likewise; components are one text */
#define DEBAR_MARK_CANCEL     6       /* the document takes back an order */
#define DEBAR_MARK_WITHDRAW   7       /* the line does */
#define DEBAR_MARK_ORDER      8       /* the number of the order */

#define DEBAR_MARK_RETURNS    0x80000000u   /* the document comes back to a
                                               buyer in an answer */

typedef struct {
    debar_ref_t  format;          /* id */
    debar_ref_t  path;
    debar_ref_t  when;            /* name of the other field, or empty */
    debar_ref_t  value;           /* of when, or of the field itself; empty:
                                     any */
    uint32_t     syntaxes;        /* bit i: debar_syntax_e i; of a root also
                                     DEBAR_MARK_RETURNS */
    uint16_t     use;
    uint16_t     role;
} debar_mark_t;

/* A service that fetches the URL that it is given. */

typedef struct {
    debar_ref_t  channel;
    debar_ref_t  host;            /* canonical, with all names below */
    debar_ref_t  path;            /* PCRE2 on the path as sent, one capture
                                     group: the URL; empty: look at the query
                                     key */
    debar_ref_t  key;             /* query key that holds the URL, or empty */
    uint32_t     name_only;       /* 1: holds a host name (DoH) */
    uint32_t     pad;
} debar_relay_t;


/*
 * Exact identifiers: (key bytes -> rule).  Keys are written in key.h.
 * Several rules may share a key.
 */

typedef enum {
    DEBAR_DB_HOST = 0,
    DEBAR_DB_URL,
    DEBAR_DB_NETWORK,
    DEBAR_DB_ASN,
    DEBAR_DB_ID,
    DEBAR_DBS
} debar_db_e;

typedef struct {
    uint64_t  off;                /* into bytes */
    uint32_t  len;
    uint32_t  rule;
} debar_row_t;

typedef struct {
    debar_row_t  *rows;
    size_t        n;
    size_t        size;
    debar_buf_t   bytes;
} debar_rowset_t;

void debar_rowset_add(debar_rowset_t *rs, const char *key, size_t len,
    uint32_t rule);
void debar_rowset_free(debar_rowset_t *rs);


/* A table while it is being made. */

typedef struct {
    void    *data;
    size_t   n;                   /* records */
    size_t   size;                /* records of room */
} debar_table_t;

/* Size of a record of a table: 1 for bytes, 8 for filters. */

extern const size_t  debar_record_size[DEBAR_TABLES];

/* Room for one more zeroed record, its index in *i.  Aborts without memory. */

void *debar_table_add(debar_table_t *tables, unsigned which, uint32_t *i);

/* Adds text to DEBAR_T_STRINGS (equal neighbours need not be shared). */

debar_ref_t debar_table_text(debar_table_t *tables, const char *data,
    size_t len);

static inline debar_str_t
debar_ref_str(const char *strings, debar_ref_t r)
{
    return debar_str(strings + r.off, r.len);
}


#endif /* DEBAR_TABLES_H */
