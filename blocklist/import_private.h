/*
 * What the readers of imports share.  Nobody else includes this.
 *
 *   import.c         what a row means; dates, ids, clean text
 *   import_table.c   layouts that have a header: SAM, CSL, by mapping, GSA
 *   import_sdn.c     OFAC's files without a header
 *   import_json.c    CSL as JSON
 *   import_yaml.c    imported rows in a vendor's file
 */

#ifndef DEBAR_IMPORT_PRIVATE_H
#define DEBAR_IMPORT_PRIVATE_H

#include "import.h"
#include "csv.h"
#include "similar.h"


#define DEBAR_IMPORT_ROOM  (4 * DEBAR_CSV_MAX_ROW)

/* A row in the making, and room for its text. */

typedef struct {
    debar_import_row_t  row;
    char               *room;
    size_t              used;
    debar_similar_t     similar;
} debar_import_make_t;

void debar_import_make(debar_import_make_t *m);
void debar_import_make_free(debar_import_make_t *m);
void debar_import_begin(debar_import_make_t *m, uint64_t row, unsigned line,
    debar_str_t raw);

/* Clean text, in the row's room. */

debar_str_t debar_import_text(debar_import_make_t *m, debar_str_t in);
debar_str_t debar_import_join(debar_import_make_t *m, const debar_str_t *parts,
    size_t n, const char *between);

/* A value to the row, unless it is empty or there. */

void debar_import_value(debar_import_make_t *m, const char *list,
    debar_str_t text);

/* A name, also without what stands in parentheses behind it. */

void debar_import_named(debar_import_make_t *m, debar_str_t name);

/* The members of text that are parted by ";". */

void debar_import_members(debar_import_make_t *m, const char *list,
    debar_str_t text);

/* A site as people write it: to hosts, or to urls where it has a path. */

void debar_import_site(debar_import_make_t *m, debar_str_t text);

/* "...; Website www.example.com; ..." of remarks. */

void debar_import_websites(debar_import_make_t *m, debar_str_t remarks);

/* Where a source gives no key of its own. */

void debar_import_make_key(debar_import_make_t *m, debar_str_t a, debar_str_t b);

/* The class by the list's word; list and name are set. */

void debar_import_csl_type(debar_import_make_t *m, debar_str_t type);

int debar_import_is(debar_str_t s, const char *word);


#endif /* DEBAR_IMPORT_PRIVATE_H */
