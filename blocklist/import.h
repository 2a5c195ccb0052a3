/*
 * Lists that offices publish, read row by row: SAM.gov Public Exclusions
 * Extract (V1, V2), Consolidated Screening List (CSV, TSV, JSON), OFAC SDN
 * delimited files, CSV of any layout by a mapping of its header, contract
 * removals of GSA.  Pure: bytes in, rows out.
 *
 * What a row means for a list of vendors is said by debar_import_judge(): who
 * is no vendor, what prohibits products only, what is over, is kept aside with
 * a reason and never becomes a name that blocks.
 */

#ifndef DEBAR_IMPORT_H
#define DEBAR_IMPORT_H

#include "debar.h"
#include "similar.h"


typedef enum {
    DEBAR_IMPORT_SAM = 0,
    DEBAR_IMPORT_CSL,
    DEBAR_IMPORT_SDN,
    DEBAR_IMPORT_CSV,
    DEBAR_IMPORT_GSA,
    DEBAR_IMPORT_KINDS
} debar_import_kind_e;

typedef enum {
    DEBAR_IMPORT_FIRM = 0,
    DEBAR_IMPORT_SPECIAL,         /* Special Entity Designation */
    DEBAR_IMPORT_INDIVIDUAL,
    DEBAR_IMPORT_VESSEL,
    DEBAR_IMPORT_AIRCRAFT,
    DEBAR_IMPORT_CLASSES
} debar_import_class_e;

/* "sam", "firm", ...; -1: unknown */

extern const char *const  debar_import_kind_names[DEBAR_IMPORT_KINDS];
extern const char *const  debar_import_class_names[DEBAR_IMPORT_CLASSES];

int debar_import_kind_by_name(const char *name);
int debar_import_class_by_name(const char *name, size_t len);


#define DEBAR_IMPORT_MAX_VALUES  256      /* of a row */
#define DEBAR_IMPORT_MAX_ROWS    4000000  /* of an import */

/* One identifier that a row gives: list is its key in vendors/ ("names"). */

typedef struct {
    const char   *list;
    debar_str_t   text;
} debar_import_value_t;

/*
 * A row.  All text is clean UTF-8 (bytes that are not are windows-1252),
 * without controls or space at its ends, and good until the sink returns.
 */

typedef struct {
    uint64_t               row;   /* as a spreadsheet counts, from 1 with the
                                     header; in JSON the result's number */
    unsigned               line;
    debar_str_t            raw;   /* as it is in the file */

    debar_str_t            key;   /* stable: SAM Number, _id, ent_num; or made
                                     of list and name */
    debar_str_t            name;  /* what the vendor is called */
    unsigned               type;  /* debar_import_class_e */
    debar_str_t            list;
    debar_str_t            program;
    debar_str_t            agency;
    char                   active[12];    /* 2019-12-13, or empty */
    char                   ends[12];      /* empty: open */
    unsigned               product_rule;  /* prohibits products, not the firm */
    unsigned               inactive;      /* the file says that it is over */

    debar_import_value_t   values[DEBAR_IMPORT_MAX_VALUES];
    size_t                 n;
    size_t                 more;  /* values beyond the bound */
} debar_import_row_t;

/*
 * Who takes them.  row: any other value than DEBAR_OK ends the reading with
 * it.  fault: a malformed row with its place; the next ones are read.
 */

typedef struct {
    void   *data;
    int   (*row)(void *data, const debar_import_row_t *row);
    void  (*fault)(void *data, unsigned line, unsigned col, const char *text,
                   debar_str_t raw);
    void  (*progress)(void *data, size_t offset);     /* may be NULL */
} debar_import_sink_t;


/*
 * --map: "Vendor=name,Website=host,...", the header's names caseless.  What a
 * column may be: name, alias, host, url, network, part-number, gtin, uei, cage,
 * file, sha256, signer, organization, id (the row's own key), class, list,
 * program, agency, active, ends.  text is kept.  DEBAR_ERROR: *why.
 */

#define DEBAR_IMPORT_MAX_MAP  64

typedef struct {
    debar_str_t   column;
    unsigned      to;
} debar_import_map_t;

typedef struct {
    debar_import_map_t  list[DEBAR_IMPORT_MAX_MAP];
    size_t              n;
    unsigned            nameless; /* the rows are of one vendor: no column needs
                                     to be a name */
} debar_import_maps_t;

int debar_import_maps(debar_import_maps_t *maps, const char *text,
    debar_fault_t *why);


/*
 * Reads a file of sam, csl, csv or gsa to its end.  DEBAR_ERROR: it is not one
 * (*why says what it looks like), or a bound was reached.  maps: for csv and
 * gsa, else NULL.
 */

int debar_import_read(unsigned kind, const char *data, size_t len,
    const debar_import_maps_t *maps, const debar_import_sink_t *sink,
    debar_fault_t *why);

/*
 * The files of OFAC, told apart by their number of fields; sdn.csv is one of
 * them.  current: the number of the file that is being read.
 */

#define DEBAR_IMPORT_SDN_FILES  4

typedef struct {
    const char  *data;
    size_t       len;
} debar_import_file_t;

int debar_import_sdn(const debar_import_file_t *files, size_t n,
    const debar_import_sink_t *sink, size_t *current, debar_fault_t *why);

/* Of csl: JSON by its first byte (import_json.c). */

int debar_import_json(const char *data, size_t len,
    const debar_import_sink_t *sink, debar_fault_t *why);


/* What is wanted of the rows. */

typedef struct {
    unsigned     classes;         /* bits by debar_import_class_e */
    char         since[12];       /* of the active date; empty: any */
    char         until[12];
    char         today[12];
    unsigned     nameless;        /* the vendor is known without the row */
    debar_str_t  program;         /* part of the program, caseless; empty: any */
} debar_import_filter_t;

typedef enum {
    DEBAR_IMPORT_TAKE = 0,
    DEBAR_IMPORT_PASS,            /* not asked for */
    DEBAR_IMPORT_OVER,            /* terminated */
    DEBAR_IMPORT_ASIDE            /* a person must look at it: *why */
} debar_import_verdict_e;

unsigned debar_import_judge(const debar_import_row_t *row,
    const debar_import_filter_t *filter, debar_fault_t *why);


/* "MM/DD/YYYY" or "YYYY-MM-DD" to the latter; empty, Indefinite: empty.
 * DEBAR_ERROR: no date. */

int debar_import_date(char out[12], const char *data, size_t len);

/* A name to an id: "PEANUT BUTTER, LLC" -> "peanut-butter-llc", at most 56
 * bytes, other scripts transliterated; 0: nothing is left. */

#define DEBAR_IMPORT_SLUG  64

size_t debar_import_slug(const debar_similar_t *s, char out[DEBAR_IMPORT_SLUG],
    const char *data, size_t len);


#endif /* DEBAR_IMPORT_H */
