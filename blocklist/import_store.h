/*
 * Imported rows in the source of a list.  A vendor's file holds them as rows
 * of its lists whose source begins with "import":
 *
 *     - {text: "ACME, INC.", source: "import sam S4MR: SAM.gov Public
 *        Exclusions, Reciprocal, DOL, from 2023-11-21; FILE row 3, sha256 HEX,
 *        read 2026-11-22"}
 *
 * (in one line).  Of a row that several records give, those are parted by
 * " | ".  Only such rows are ever replaced, each by what the same record says
 * now; everything else in the file, a key added to an imported row among it,
 * stays byte for byte.  Many values of a kind go to a plain file beside it
 * ("vendors/ID.hosts.txt", hosts-from), where the source is the comment.
 *
 * Pure: files come and go as bytes.
 */

#ifndef DEBAR_IMPORT_STORE_H
#define DEBAR_IMPORT_STORE_H

#include "import.h"


#define DEBAR_STORE_MAX_VENDORS  100000
#define DEBAR_STORE_INLINE       5000     /* values of a kind in the YAML */

typedef struct debar_store_s  debar_store_t;

/* Where rows come from. */

typedef struct {
    const char  *file;            /* its name without folders */
    char         sha256[65];
    char         today[12];
} debar_store_origin_t;

/* authorities: as they are written into new files, "a, b".  now: epoch seconds,
 * from which guard rails (guard.h) look at them. */

debar_store_t *debar_store_new(unsigned kind, const char *authorities,
    int64_t now);
void debar_store_free(debar_store_t *s);

/*
 * An existing file of vendors/, NAME.yaml or NAME.txt; all of them come before
 * rows do.  DEBAR_ERROR: *why, for a file that cannot be understood.
 */

int debar_store_file(debar_store_t *s, const char *name, const char *data,
    size_t len, debar_fault_t *why);

/*
 * A row that was judged to be taken.  What a guard rail refuses is a value that
 * a list cannot have, unless people gave such a row a reason ("forced").
 * vendor: the id that all rows go to, or
 * NULL: that of its name, or where its key was before.  aside is called for
 * each value that a list cannot have.  How many values were taken.
 */

typedef void (*debar_store_aside_pt)(void *data,
    const debar_import_row_t *row, const debar_import_value_t *value,
    const char *why);

size_t debar_store_add(debar_store_t *s, const debar_import_row_t *row,
    const debar_store_origin_t *origin, const char *vendor,
    debar_store_aside_pt aside, void *data);

/* A row that is over: what came from it before goes.  1: something did. */

int debar_store_over(debar_store_t *s, const debar_import_row_t *row);

/*
 * A link that a person decided: what this record gives stands in `vendor` from
 * now on.  key: "sam:S4MR".  DEBAR_ERROR: *why.
 */

int debar_store_link(debar_store_t *s, const char *key, const char *vendor,
    debar_fault_t *why);

/* After the last row: puts everything in order.  DEBAR_ERROR: *why (too many
 * vendors). */

int debar_store_finish(debar_store_t *s, debar_fault_t *why);

/*
 * The vendors; of a touched one its files are to be written anew.
 *
 * debar_store_render(): its YAML, from the old bytes (len 0: there is none);
 * DEBAR_DECLINED: nothing is left, the file goes.  *plain: bit for each kind
 * that has a plain file.  debar_store_plain(): the plain file of a kind.
 */

typedef struct {
    debar_str_t  id;
    debar_str_t  name;
    debar_str_t  file;            /* "acme.yaml" */
    unsigned     exists;          /* it was there */
    unsigned     made;            /* by an import, not by a person */
    unsigned     touched;
    uint32_t     plain;           /* kinds that had a plain file of an import */
    unsigned     rows;            /* imported rows that it has now */
} debar_store_vendor_t;

size_t debar_store_vendors(const debar_store_t *s);
void debar_store_vendor(const debar_store_t *s, size_t i,
    debar_store_vendor_t *v);
int debar_store_render(debar_store_t *s, size_t i, const char *old, size_t len,
    debar_buf_t *out, uint32_t *plain, debar_fault_t *why);
void debar_store_plain(debar_store_t *s, size_t i, unsigned kind,
    debar_buf_t *out);

/* "hosts" */

const char *debar_store_kind(unsigned kind);

/* Imported names and where they stand, for matching: called for each. */

typedef void (*debar_store_name_pt)(void *data, debar_str_t vendor,
    debar_str_t name, debar_str_t key);

void debar_store_names(const debar_store_t *s, debar_store_name_pt name,
    void *data);


#endif /* DEBAR_IMPORT_STORE_H */
