/*
 * Changes to the files of a source, kept aside until all of them are known to
 * be right: `debar list add`, `remove`, `set`, `format`, `csv import`.
 */

#ifndef DEBAR_CHANGE_H
#define DEBAR_CHANGE_H

#include "tools.h"


typedef struct {
    char         *name;           /* "vendors/acme.yaml" */
    debar_buf_t   was;
    debar_buf_t   text;           /* as it will be */
    unsigned      there;          /* it is in the folder */
    unsigned      changed;
} debar_change_t;

typedef struct {
    const char      *source;
    debar_change_t  *list;
    size_t           n;
    size_t           size;
} debar_changes_t;

/* DEBAR_ERROR: said already, source is no folder of a list. */

int debar_changes_open(debar_changes_t *c, const char *source);
void debar_changes_free(debar_changes_t *c);

/*
 * A file with its text, as changed so far; valid until the next call.
 * optional: NULL without a word where it is not there.  NULL: said already.
 */

debar_change_t *debar_changes_file(debar_changes_t *c, const char *name,
    int optional);

/* A file that is new, or whose text is another.  Takes the buffer over. */

void debar_changes_put(debar_changes_t *c, const char *name,
    debar_buf_t *text);

/* The .yaml files of a folder of the source, sorted; NULL at the end. */

char **debar_changes_names(debar_changes_t *c, const char *folder);
void debar_changes_names_free(char **names);

/*
 * Reads the source as it would be.  Where that has errors which it has not now
 * they are said.  digest (65 bytes) may be NULL: of its rows, empty where the
 * source had errors before.
 */

int debar_changes_check(debar_changes_t *c, char *digest, int quiet);

/* The digest of the source as it is; DEBAR_ERROR: it has errors, said unless
 * quiet. */

int debar_changes_digest(debar_changes_t *c, char *digest, int quiet);

/* What would change, as a unified diff on stdout; to the files, each by rename,
 * with its mode and behind links. */

int debar_changes_diff(debar_changes_t *c);
int debar_changes_write(debar_changes_t *c);


#endif /* DEBAR_CHANGE_H */
