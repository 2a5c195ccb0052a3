/*
 * What `debar list add`, `remove` and `set` share.
 */

#ifndef DEBAR_LIST_EDIT_H
#define DEBAR_LIST_EDIT_H

#include "change.h"
#include "edit.h"


#define DEBAR_MAX_NAMED  64           /* authorities on one command line */

enum { DEBAR_ADD = 0, DEBAR_REMOVE, DEBAR_SET };

typedef struct {
    const char         *command;      /* "debar list add" */
    unsigned            what;
    debar_edit_row_t    row;
    const char         *authorities[DEBAR_MAX_NAMED];
    const char         *name;
    unsigned            dry_run;
    unsigned            json;
    unsigned            quiet;
    unsigned            unset;
    unsigned            from_file;
    unsigned            all;
    char              **args;         /* behind the options */
    int                 nargs;

    debar_changes_t     changes;
    debar_buf_t         done;         /* JSON members of what was done */
    size_t              ndone;
    size_t              nhere;        /* what was there already */
} debar_list_edit_t;

typedef struct {
    char                file[4200];   /* "vendors/acme.yaml" */
    char                vendor[256];
    const char         *product;      /* in vendor, or NULL */
} debar_place_t;


/* -1: go on; else the exit code. */

int debar_list_edit_options(debar_list_edit_t *le, const char *help, int argc,
    char **argv);

/* The source opened, edited, checked as a whole, written or shown. */

int debar_list_edit_run(debar_list_edit_t *le,
    int (*edit)(debar_list_edit_t *le));

/* "vendors/acme.yaml:12: added ..." */

void debar_list_told(debar_list_edit_t *le, const char *file, unsigned line,
    const char *what, const char *text);

/* The file of a vendor by its id.  DEBAR_ERROR, NULL: said already. */

int debar_list_place(debar_list_edit_t *le, const char *name,
    debar_place_t *p);
const char *debar_list_kind_of(const char *name);
debar_edit_t *debar_list_edit_file(debar_list_edit_t *le, const char *name);

/* What the edits make of it becomes the file's text.  e is freed. */

int debar_list_edit_done(debar_list_edit_t *le, const char *name,
    debar_edit_t *e, int rc, debar_fault_t *why);

/* The file of KIND-from in the vendor or product; DEBAR_DECLINED: none.
 * listed: there is a list of the kind, too.  (list_add.c) */

int debar_list_from_file(debar_list_edit_t *le, debar_place_t *p,
    const char *kind, char *file, size_t size, unsigned *listed);


#endif /* DEBAR_LIST_EDIT_H */
