/*
 * What the files of the source reader share.  Besides them, what writes sources
 * includes this (import_rows.c, import_store.c).
 *
 *   source.c           the folder: its files and the order of it all
 *   source_list.c      list.yaml
 *   source_yaml.c      YAML to nodes that know their line and column
 *   source_node.c      what a node holds, or what is wrong with it
 *   source_vendor.c    vendors/: vendors, products, permits
 *   source_value.c     one value of any kind to its key, term or pattern
 *   source_from.c      plain files beside them, one value a line
 *   source_channels.c  channels/
 *   source_waivers.c   waivers.yaml
 *   source_set.c       sets of byte strings: what was seen before
 *   guard.c            rows that would refuse too much
 */

#ifndef DEBAR_SOURCE_PRIVATE_H
#define DEBAR_SOURCE_PRIVATE_H

#include "source.h"
#include "key.h"


#define DEBAR_MAX_YAML       (64 << 20)   /* bytes; longer lists go in a -from
                                             file */
#define DEBAR_MAX_DEPTH      16
#define DEBAR_MAX_ALIASES    1000
#define DEBAR_MAX_LINE       4096         /* of a -from file */
#define DEBAR_MAX_ID         64
#define DEBAR_MAX_TEXT       4096         /* titles, reasons, expressions */
#define DEBAR_MAX_TERMS      4000000
#define DEBAR_MAX_RECORDS    100000       /* of vendors, products, permits, ...
                                             each */


/* Byte strings with a number each. */

typedef struct {
    uint64_t  hash;
    uint64_t  off;
    uint64_t  value;
    uint64_t  len;
} debar_set_item_t;

typedef struct {
    debar_set_item_t  *items;
    size_t             n;
    size_t             size;
    uint32_t          *slots;     /* number of an item + 1 */
    size_t             nslots;    /* a power of two */
    debar_buf_t        keys;
} debar_set_t;

/* Adds a key with its value: NULL.  If it is there: its value, unchanged. */

uint64_t *debar_set_add(debar_set_t *s, const void *key, size_t len,
    uint64_t value);
uint64_t *debar_set_find(const debar_set_t *s, const void *key, size_t len);
void debar_set_free(debar_set_t *s);


/* Guard rails (guard.h). */

typedef struct debar_guard_s  debar_guard_t;


/* One reading of one folder. */

typedef struct {
    debar_source_t     *src;
    debar_errors_t     *errors;
    debar_progress_pt   progress;
    void               *data;

    const debar_overlay_t  *over; /* texts in place of files */
    size_t              nover;

    const char         *root;     /* as given, without the last slash */
    char               *real;     /* the same, resolved */
    void               *calendar; /* UCalendar in the timezone; NULL: not
                                     known */

    debar_set_t         texts;    /* text -> offset in DEBAR_T_STRINGS */
    debar_set_t         rules;    /* debar_rule_t -> index */
    debar_set_t         authorities;  /* id -> index */
    debar_set_t         vendors;      /* id -> index */
    debar_set_t         products;     /* vendor index, id -> index */

    debar_guard_t      *guard;    /* or NULL */

    unsigned            no_authorities;  /* list.yaml could not be read */
    unsigned            no_vendors;      /* a vendor could not be read */
    unsigned            no_shipped;      /* channels: none */
} debar_reader_t;

/* Text in DEBAR_T_STRINGS, equal ones shared; a rule likewise. */

debar_ref_t debar_reader_text(debar_reader_t *r, const char *data, size_t len);
uint32_t debar_reader_rule(debar_reader_t *r, const debar_rule_t *rule);


/* A YAML document. */

typedef enum {
    DEBAR_NODE_SCALAR = 0,
    DEBAR_NODE_LIST,
    DEBAR_NODE_MAP
} debar_node_e;

typedef struct debar_node_s  debar_node_t;

struct debar_node_s {
    unsigned        type;         /* debar_node_e */
    unsigned        line;         /* from 1 */
    unsigned        col;          /* from 1, in characters */
    unsigned        null;         /* a plain "", "~" or "null" */
    size_t          n;            /* bytes of a scalar, items of a list, twice
                                     the pairs of a map */
    const char     *text;         /* NUL-terminated */
    debar_node_t  **items;
};

typedef struct {
    debar_reader_t  *r;
    char            *file;        /* for messages */
    debar_node_t    *root;
    void            *arena;
    unsigned         shipped;     /* a channel compiled in */
} debar_doc_t;

/* Reads YAML that is one document.  DEBAR_ERROR: said so, root is NULL. */

int debar_yaml_load(debar_doc_t *doc, debar_reader_t *r, const char *file,
    const char *data, size_t len);
void debar_yaml_free(debar_doc_t *doc);

/* Says what is wrong with a node (NULL: with the file). */

void debar_yaml_error(debar_doc_t *doc, const debar_node_t *node,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The pairs of a map by their keys: values[i] is that of keys[i], or NULL.
 * Unknown, repeated and missing keys are said.  what: "a vendor".
 * DEBAR_ERROR: it is not a map.
 */

typedef struct {
    const char  *name;            /* NULL: the end */
    unsigned     required;
} debar_yaml_key_t;

int debar_yaml_map(debar_doc_t *doc, const debar_node_t *node,
    const char *what, const debar_yaml_key_t *keys,
    const debar_node_t **values);

/* A map of any keys, and a list: how many items there are; 0 for null. */

size_t debar_yaml_pairs(debar_doc_t *doc, const debar_node_t *node,
    const char *what);
size_t debar_yaml_list(debar_doc_t *doc, const debar_node_t *node,
    const char *what);

/* Scalars.  Each says what is wrong and returns DEBAR_ERROR; a NULL node is an
 * error that was said before. */

int debar_yaml_text(debar_doc_t *doc, const debar_node_t *node,
    const char *what, debar_str_t *s);
int debar_yaml_id(debar_doc_t *doc, const debar_node_t *node,
    const char *what, debar_str_t *s);
int debar_yaml_bool(debar_doc_t *doc, const debar_node_t *node,
    const char *what, unsigned *v);
int debar_yaml_number(debar_doc_t *doc, const debar_node_t *node,
    const char *what, uint64_t max, uint64_t *v);
int debar_yaml_activity(debar_doc_t *doc, const debar_node_t *node,
    unsigned *v);
int debar_yaml_regex(debar_doc_t *doc, const debar_node_t *node,
    const char *what, int captures, debar_str_t *s);

/* "2018-10-01" -> 00:00 there, or (next) on the day after it. */

int debar_yaml_date(debar_doc_t *doc, const debar_node_t *node,
    const char *what, int next, int64_t *t);

/* A list of ids of authorities, all of which must be among `of`. */

int debar_yaml_authorities(debar_doc_t *doc, const debar_node_t *node,
    const char *what, uint64_t of, const char *whose, uint64_t *mask);

/* Room for one more in a table; said once per node where there is none. */

void *debar_yaml_record(debar_doc_t *doc, const debar_node_t *node,
    unsigned table, size_t max, uint32_t *i);

/* The nearest of names to a word that is none of them, or NULL. */

const char *debar_nearest(const char *word, const char *const *names, size_t n);


/* Expressions: PCRE2, anchored at both ends, caseless, UTF-8.  captures: how
 * many groups are wanted, -1: any number. */

int debar_regex_check(const char *data, size_t len, int captures,
    debar_fault_t *why);

/* Whether a good expression fits the empty text. */

int debar_regex_empty(const char *data, size_t len);

/* The first of n texts that a good expression fits, or -1. */

long debar_regex_fits(const char *data, size_t len, const char *const *texts,
    const size_t *lens, size_t n);


/* Kinds of values, as they stand in vendors/. */

#define DEBAR_KIND_PRODUCTS    1      /* also a list of a product */
#define DEBAR_KIND_PATTERNS    2      /* {pattern: ...} is a row too */
#define DEBAR_KIND_IS_NOT      4      /* not-names */
#define DEBAR_KIND_ECOSYSTEMS  8      /* a map of lists */
#define DEBAR_KIND_TABLES     16      /* values may need tables, not rows
                                         alone */

typedef struct {
    const char  *list;            /* "part-numbers" */
    const char  *from;            /* "part-numbers-from" */
    const char  *value;           /* "part-number" */
    unsigned     kind;            /* debar_kind_e */
    unsigned     floor;           /* debar_activity_e by default */
    unsigned     flags;
} debar_value_kind_t;

#define DEBAR_VALUE_KINDS  16

extern const debar_value_kind_t  debar_value_kinds[DEBAR_VALUE_KINDS];


typedef enum {
    DEBAR_VALUE_ROW = 0,
    DEBAR_VALUE_TERM,
    DEBAR_VALUE_PATTERN
} debar_value_e;

#define DEBAR_MAX_VALUE  (2 * DEBAR_MAX_TEXT + 64)

/* A value and what it means. */

typedef struct {
    const debar_value_kind_t  *kind;
    uint32_t                   rule;
    unsigned                   match;     /* DEBAR_TERM_* */
    debar_str_t                ecosystem; /* of a package; empty: in the
                                             value */
    const debar_rule_t        *means;     /* what rule stands for */
    unsigned                   forced;    /* a reason was given: no guard
                                             rails */

    /* what debar_value_read() makes of it */

    unsigned                   type;      /* debar_value_e */
    unsigned                   db;        /* of a row */
    unsigned                   suffix;    /* an error: a public suffix */
    size_t                     host;      /* of a URL: the host key's length */
    size_t                     len;
    char                       key[DEBAR_MAX_VALUE];  /* row: key; term:
                                                         canonical text;
                                                         pattern: expression */
} debar_value_t;

/* Pure, and so for any thread.  DEBAR_ERROR: *why says what is wrong. */

int debar_value_read(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);
int debar_value_pattern(debar_value_t *v, const char *data, size_t len,
    debar_fault_t *why);

/* Puts a value that is a row among rows[DEBAR_DBS]. */

void debar_value_row(const debar_value_t *v, debar_rowset_t *rows);

/* Any value, to where it belongs.  written: as in the source. */

int debar_value_add(debar_reader_t *r, const debar_value_t *v,
    const char *written, size_t len, debar_fault_t *why);

/* Host and URL as in permits, waivers and channels. */

int debar_value_host(debar_host_t *h, const char *data, size_t len,
    debar_fault_t *why);

/* DEBAR_ERROR: what stands in data is a public suffix. */

int debar_value_suffix(const debar_host_t *h, const char *data, size_t len,
    debar_fault_t *why);

#define DEBAR_URL_BELOW      1        /* may end in "/" + "*" */
#define DEBAR_URL_HOST_ONLY  2        /* may be without a path */

size_t debar_value_url(char *out, size_t *hostlen, const char *data, size_t len,
    unsigned flags, debar_fault_t *why);

/* A wrong value, cut to what a message holds: use at once. */

const char *debar_shown(char out[96], const char *data, size_t len);


/* The rooms. */

void debar_source_list(debar_reader_t *r, debar_doc_t *doc);
void debar_source_vendor(debar_reader_t *r, debar_doc_t *doc);

/* All channels at once: own ones replace shipped ones by id.  Documents that
 * could not be read have no root. */

/* source_documents.c: purchase documents of a channel. */

void debar_source_documents(debar_doc_t *doc, const debar_node_t *node);

void debar_source_channels(debar_reader_t *r, debar_doc_t *docs, size_t n);

void debar_source_waivers(debar_reader_t *r, debar_doc_t *doc);

/* A plain file: `v` has kind, rule, match and ecosystem. */

void debar_source_from(debar_reader_t *r, debar_doc_t *doc,
    const debar_node_t *node, const debar_value_t *v);

/*
 * Opens a file of the folder for reading: a regular one that lies inside it,
 * also behind links.  *path: to be freed, as in messages.  -1: *why.
 */

int debar_source_open(debar_reader_t *r, const char *name, size_t len,
    char **path, debar_fault_t *why);


#endif /* DEBAR_SOURCE_PRIVATE_H */
