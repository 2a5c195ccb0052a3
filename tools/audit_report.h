/*
 * debar audit report: lines are read once, counted in groups of a bounded
 * number, put into tables, and the tables are written as a page, CSV or JSON,
 * so that all forms say the same.
 */

#ifndef DEBAR_TOOLS_AUDIT_REPORT_H
#define DEBAR_TOOLS_AUDIT_REPORT_H

#include "audit.h"


#define DEBAR_REPORT_GROUPS   100000         /* of a table; more are "others" */
#define DEBAR_REPORT_PARTS    6              /* of what a group is named by */
#define DEBAR_REPORT_COLUMNS  12
#define DEBAR_REPORT_TABLES   12
#define DEBAR_REPORT_LINE     65536          /* a longer one is not ours */


/* --- who belongs to which bureau (audit_report_bureau.c) ----------------- */

typedef struct debar_bureaus_s  debar_bureaus_t;

/*
 * A line: NETWORK or USER, blanks, the bureau's name.  Networks are ADDR or
 * ADDR/BITS of either family; "@domain" is every user of it.  "#": a comment.
 * NULL: *fault has file, line and remedy.
 */

debar_bureaus_t *debar_bureaus_open(const char *path, debar_fault_t *fault);

/* A user goes before a network, the longest network before others; "" if there
 * is none.  addr: text of an address. */

debar_str_t debar_bureau(const debar_bureaus_t *b, debar_str_t user,
    const char *addr);
void debar_bureaus_free(debar_bureaus_t *b);


/* --- one line of the log (audit_report_read.c) --------------------------- */

typedef enum {
    DEBAR_ROW_DECISION,
    DEBAR_ROW_EVENT
} debar_row_e;


typedef struct {
    debar_row_e  type;
    char         time[25];
    debar_str_t  incident;
    debar_str_t  gateway;
    debar_str_t  surface;
    debar_str_t  user;
    debar_str_t  url;
    debar_str_t  activity;
    debar_str_t  mode;
    debar_str_t  fault;
    debar_str_t  vendor;
    debar_str_t  product;
    debar_str_t  permit;
    debar_str_t  waiver;
    debar_str_t  digest;
    debar_str_t  bureau;
    debar_str_t  host;            /* of the URL, in lower case */
    char         host_room[256];
    char         addr[64];        /* the client's, without its port */
    unsigned     verdict;         /* debar_action_e */
    uint64_t     serial;          /* 0: no list */
    const void  *authorities;     /* json_t, or NULL */
    const void  *evidence;

    /* of an event */

    debar_str_t  event;
    debar_str_t  state;
    debar_str_t  by;
    debar_str_t  reason;
} debar_audit_row_t;


typedef struct {
    const char        *kind;
    const char        *incident;      /* NULL: all */
    const char        *vendor;
    const char        *authority;
    const char        *contract;
    const char        *order;
    const char        *clause;
    const char        *zone;
    const char        *identified;
    const char        *submitted;
    const char        *deviation;     /* date from which 52.240-91 counts */
    char               since[25];     /* "": none; compared as text */
    char               until[25];     /* the first moment behind */
    uint64_t           serial;        /* 0: all */
    size_t             top;           /* rows of a table */
    debar_bureaus_t   *bureaus;
} debar_report_args_t;


typedef struct {
    uint64_t  files;
    uint64_t  lines;
    uint64_t  decisions;              /* within the period */
    uint64_t  unreadable;             /* lines, torn ones among them */
    uint64_t  deleted;                /* files, by retention */
    char      first[25];              /* of the decisions */
    char      last[25];
} debar_report_read_t;

/* Calls take for each decision and event of the period, the oldest file first.
 * DEBAR_ERROR: *fault. */

typedef void (*debar_report_pt)(void *data, const debar_audit_row_t *row);

int debar_report_read(debar_report_read_t *rd, const debar_audit_t *a,
    const debar_report_args_t *args, debar_report_pt take, void *data,
    debar_fault_t *fault);

/* The first evidence of one of the kinds ("part-number gtin"; NULL: of any), as
 * "KIND VALUE (WHERE)", or its value alone. */

void debar_row_evidence(debar_buf_t *b, const debar_audit_row_t *row,
    const char *kinds, int bare);

/* Whether one of its authorities has one of the words, which blanks part. */

int debar_row_authority(const debar_audit_row_t *row, const char *words);


/* --- counting (audit_report_count.c) ------------------------------------- */

typedef struct {
    debar_str_t  part[DEBAR_REPORT_PARTS];
    uint64_t     n;
    uint64_t     by[DEBAR_BLOCK + 1];     /* by verdict */
    uint64_t     extra;                   /* of n: not enforced */
    uint64_t     hash;
    char         first[25];
    char         last[25];
    char         mark[25];                /* a third moment */
    char        *text[3];                 /* what the kind keeps of the first */
} debar_group_t;


typedef struct {
    debar_group_t  *list;
    size_t          n;
    size_t          size;
    uint32_t       *slots;                /* index + 1 */
    size_t          nslots;
    unsigned        nparts;
    uint64_t        others;               /* lines, over the bound */
} debar_groups_t;

/* NULL: it is one group too many, and was counted so. */

debar_group_t *debar_groups_add(debar_groups_t *g, const debar_str_t *parts,
    unsigned nparts, const debar_audit_row_t *row);

/* Most first, then by name; or by the parts in order. */

void debar_groups_sort(debar_groups_t *g, int by_name);
void debar_groups_free(debar_groups_t *g);


/* --- tables (audit_report_count.c) --------------------------------------- */

typedef struct {
    const char  *name;            /* in JSON and CSV */
    const char  *title;
    int          number;
} debar_column_t;


typedef struct {
    const char            *name;
    const char            *title;
    char                   caption[200];
    const char            *note;      /* a sentence below it, or NULL */
    const debar_column_t  *columns;
    unsigned               ncolumns;
    debar_buf_t            cells;     /* each: uint32_t length, bytes */
    size_t                 nrows;
    uint64_t               more;      /* rows left out */
    uint64_t               others;
    int                    chart;     /* column of the bars; 0: none */
    int                    by_day;    /* bars stand side by side */
} debar_report_table_t;


/* What is known of the log that it is made of. */

typedef struct {
    unsigned  verified;               /* it was looked into */
    unsigned  bad;                    /* it is not as it was sealed */
    unsigned  authenticated;          /* by a key that was named */
    uint64_t  size;                   /* lines that are sealed */
    uint64_t  unsealed;
    char      text[512];              /* for people */
} debar_report_sealed_t;

typedef struct {
    const char           *title;
    const char           *lead;       /* what the page is, one sentence */
    debar_buf_t           notes;      /* one a line */
    debar_report_table_t  tables[DEBAR_REPORT_TABLES];
    unsigned              ntables;
    debar_report_read_t   read;
    debar_report_sealed_t sealed;
    char                  made[25];
} debar_report_t;

debar_report_table_t *debar_report_table(debar_report_t *r, const char *name,
    const char *title, const debar_column_t *columns, unsigned ncolumns);
void debar_cell(debar_report_table_t *t, debar_str_t s);
void debar_cell_z(debar_report_table_t *t, const char *s);
void debar_cell_u(debar_report_table_t *t, uint64_t n);

/* One cell from *p on, which is moved behind it. */

debar_str_t debar_cell_next(const char **p);

/* "?": what a person must add; forms mark it. */

#define DEBAR_TO_ADD  "\x01"

void debar_report_free(debar_report_t *r);


/* --- kinds (audit_report_kinds.c, audit_report_far.c) -------------------- */

typedef struct {
    const char  *name;
    const char  *title;
    const char  *lead;
    size_t       size;            /* of its state, zeroed */
    void       (*take)(void *state, const debar_audit_row_t *row);
    void       (*make)(void *state, debar_report_t *r,
                       const debar_report_args_t *args);
} debar_report_kind_t;

/* What a state begins with. */

typedef struct {
    const debar_report_args_t  *args;
} debar_report_state_t;

extern const debar_report_kind_t  debar_report_kinds[];   /* last: no name */
extern const debar_report_kind_t  debar_report_far;

/* Whether the clause and the zone exist, the moments can be read. */

int debar_report_far_check(const debar_report_args_t *a, debar_fault_t *fault);

/* A date, or a moment of RFC 3339, to "2026-01-02T03:04:05.678Z"; a date is its
 * first moment, with behind the first one of the next day. */

int debar_report_moment(char out[25], const char *text, int behind);


/* --- the log (audit_report_verify.c) -------------------------------------- */

/* As `debar audit verify` does it.  key NULL: whoever sealed it. DEBAR_ERROR:
 * it could not be looked into. */

int debar_report_verify(debar_report_sealed_t *s, const debar_audit_t *audit,
    const char *key, debar_fault_t *fault);
void debar_report_unverified(debar_report_sealed_t *s);


/* --- forms (audit_report_page.c, audit_report_data.c) -------------------- */

void debar_report_html(debar_buf_t *b, const debar_report_t *r,
    const debar_report_args_t *args);
void debar_report_json(debar_buf_t *b, const debar_report_t *r,
    const debar_report_args_t *args);

/* table: NULL: the first; of attempts all, with the column "by". */

int debar_report_csv(debar_buf_t *b, const debar_report_t *r,
    const debar_report_args_t *args, const char *table, debar_fault_t *fault);

/* Prints a page by Chromium (audit_report_pdf.c); output: a file. */

int debar_report_pdf(const debar_buf_t *html, const char *output,
    debar_fault_t *fault);


#endif /* DEBAR_TOOLS_AUDIT_REPORT_H */
