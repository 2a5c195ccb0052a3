/*
 * For file_metadata.c: which files say what a package is, and what is binary
 * among them.  Pure, over bytes.
 */

#ifndef DEBAR_FILE_METADATA_H
#define DEBAR_FILE_METADATA_H

#include "file_read.h"


/* Which files are read as what, and what is told of each: file_metadata_rows.c. */

typedef enum {
    DEBAR_METADATA_NPM = 0,
    DEBAR_METADATA_WEBEXT,
    DEBAR_METADATA_NUSPEC,
    DEBAR_METADATA_APPX,
    DEBAR_METADATA_RDF,
    DEBAR_METADATA_POM,
    DEBAR_METADATA_PLIST,
    DEBAR_METADATA_VSIX,
    DEBAR_METADATA_IMAGE,
    DEBAR_METADATA_TREES,         /* those after it are lines, or binary */
    DEBAR_METADATA_PYTHON = DEBAR_METADATA_TREES,
    DEBAR_METADATA_CONTROL,
    DEBAR_METADATA_PROPERTIES,
    DEBAR_METADATA_MANIFEST,
    DEBAR_METADATA_DPKG,
    DEBAR_METADATA_ALPINE,
    DEBAR_METADATA_ANDROID,
    DEBAR_METADATA_KINDS
} debar_metadata_e;

typedef struct {
    const char         *name;     /* the last part of the path; "*" before: how
                                     it ends */
    unsigned            kind;
} debar_metadata_name_t;

/* field or ecosystem may be NULL */

typedef struct {
    unsigned            kind;
    const char         *path;
    const char         *field;
    unsigned            role;
    const char         *ecosystem;
} debar_metadata_row_t;

extern const debar_metadata_name_t  debar_metadata_names[];
extern const size_t  debar_metadata_nnames;
extern const debar_metadata_row_t  debar_metadata_rows[];

/* The labels of an image of containers, which stand behind these paths. */

extern const debar_metadata_row_t  debar_metadata_labels[];
extern const debar_str_t  debar_metadata_labelled[];
extern const size_t  debar_metadata_nlabelled;


/* A binary property list: what its outermost dictionary says in strings. */

typedef int (*debar_metadata_pair_pt)(void *data, debar_str_t key,
    debar_str_t value);

int debar_metadata_bplist(const uint8_t *p, size_t n,
    debar_metadata_pair_pt tell, void *data);
int debar_metadata_plist(void *data, debar_str_t key, debar_str_t value);

/* Android's binary XML: the attributes of a manifest. */

int debar_metadata_android(debar_reader_t *rd, const uint8_t *p, size_t n);


#endif /* DEBAR_FILE_METADATA_H */
