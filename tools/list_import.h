/*
 * What `debar list import` and `debar list match` share: files to read, and
 * the source that rows go into (list_into.c).
 */

#ifndef DEBAR_LIST_IMPORT_H
#define DEBAR_LIST_IMPORT_H

#include "tools.h"
#include "import_store.h"


#define DEBAR_MAX_INPUTS  DEBAR_IMPORT_SDN_FILES


/* --- files to import (list_input.c) -------------------------------------- */

/* A file in memory; of a ZIP the one table in it. */

typedef struct {
    const char            *path;
    const char            *data;
    size_t                 len;
    void                  *map;           /* what is to be unmapped */
    size_t                 map_len;
    char                  *made;          /* what is to be freed */
    debar_store_origin_t   origin;
} debar_input_t;

/* DEBAR_ERROR: said already. */

int debar_inputs_open(debar_input_t *inputs, char **paths, size_t n);
void debar_inputs_close(debar_input_t *inputs, size_t n);
int debar_input_is_json(const debar_input_t *in);

/* 2026-11-22, UTC */

void debar_today(char day[12]);

/* As ids are in the source of a list. */

int debar_is_id(const char *text);


/* --- the source (list_into.c) -------------------------------------------- */

typedef struct {
    const char     *path;
    char           *authorities;          /* "a, b" */
    int             lock;
    const char     *kind;
    debar_input_t  *files[DEBAR_MAX_INPUTS];
    size_t          nfiles;
    size_t         *current;
    void           *seen;                 /* keys of old rows of aside.csv */
    debar_buf_t     aside;                /* rows to come */
    debar_buf_t     malformed;
} debar_into_t;

/*
 * A folder with list.yaml that has these authorities (NULL: any); nobody else
 * may import while it is open.  DEBAR_ERROR: said already.
 */

int debar_into_open(debar_into_t *into, const char *path,
    const char *authorities);
void debar_into_close(debar_into_t *into);

/* What was imported before, to the store. */

int debar_into_scan(debar_into_t *into, debar_store_t *store, int quiet);

/* Rows for imports/aside.csv and imports/malformed.csv. */

void debar_into_seen(debar_into_t *into, const debar_import_row_t *row);
void debar_into_aside(debar_into_t *into, const debar_input_t *in,
    const debar_import_row_t *row, debar_str_t value, const char *why);
void debar_into_malformed(debar_into_t *into, const debar_input_t *in,
    unsigned line, unsigned col, const char *text, debar_str_t raw);

/*
 * vendors/ as it shall be is made aside and put in place at once: whoever
 * kills this has the old one.  dry: only counts.  DEBAR_ERROR: said already,
 * nothing has changed.
 */

int debar_into_write(debar_into_t *into, debar_store_t *store, int dry,
    int quiet, uint64_t *created, uint64_t *changed, uint64_t *gone);


#endif /* DEBAR_LIST_IMPORT_H */
