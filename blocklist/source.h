/*
 * The source of a list: a folder of YAML and plain files (README.md has the
 * schema), read into the records of tables.h.
 *
 * Reading goes on after an error, so that one run lists all of them, each with
 * file, line and column.
 */

#ifndef DEBAR_SOURCE_H
#define DEBAR_SOURCE_H

#include "tables.h"


typedef struct {
    char           *title;        /* NUL-terminated UTF-8 */
    char           *publisher;
    char           *timezone;
    uint64_t        serial;
    int64_t         expires;      /* epoch seconds of 00:00 on that date in the
                                     timezone; 0: never */
    debar_table_t   tables[DEBAR_TABLES];   /* no filters, no term index */
    debar_rowset_t  rows[DEBAR_DBS];
} debar_source_t;

/*
 * Called now and then on long work, with the file that is being read and its
 * lines so far; may be NULL.
 */

typedef void (*debar_progress_pt)(void *data, const char *what, uint64_t n);

/*
 * Reads the folder `path`.  DEBAR_OK: *src is whole.  DEBAR_ERROR: errors has
 * at least one message; *src may be freed, nothing else.  Warnings do not
 * exist: what is worth a word is an error.
 *
 * The shipped channels are read from the library itself (they are compiled in)
 * unless list.yaml says "channels: none".
 */

int debar_source_read(debar_source_t *src, const char *path,
    debar_errors_t *errors, debar_progress_pt progress, void *data);

/*
 * The same, as the folder would be with these texts in place of its files, or
 * beside them: an edit is read before it is written.  name: from the folder on
 * ("vendors/acme.yaml"); data NULL: the file is gone.
 */

typedef struct {
    const char  *name;
    const char  *data;
    size_t       len;
} debar_overlay_t;

int debar_source_read_over(debar_source_t *src, const char *path,
    const debar_overlay_t *over, size_t n, debar_errors_t *errors,
    debar_progress_pt progress, void *data);

/*
 * The same with the guard rails of guard.h, for lists that people are to live
 * with.  now: epoch seconds; phases that ended before it do not count.
 */

int debar_source_read_guarded(debar_source_t *src, const char *path,
    int64_t now, const debar_overlay_t *over, size_t n,
    debar_errors_t *errors, debar_progress_pt progress, void *data);

void debar_source_free(debar_source_t *src);


/* The shipped channel files, made by the Makefile from blocklist/channels/. */

typedef struct {
    const char  *name;            /* "channels/downloads.yaml" */
    const char  *data;
    size_t       len;
} debar_shipped_t;

extern const debar_shipped_t  debar_shipped_channels[];   /* last: name NULL */


#endif /* DEBAR_SOURCE_H */
