/*
 * Apple flat packages (xar) as their reader and what reads their table of
 * contents share them.
 */

#ifndef DEBAR_FILE_XAR_H
#define DEBAR_FILE_XAR_H

#include "file_read.h"


#define DEBAR_XAR_CERTS       16
#define DEBAR_XAR_SIGNATURES  4
#define DEBAR_XAR_PATH        1024


/* Offsets are in the heap, which stands behind the table of contents. */

typedef struct {
    uint64_t               off;
    uint64_t               length;        /* as it lies there */
    uint32_t               name;          /* in debar_xar_t.names */
    uint32_t               name_len;
    unsigned               parent;        /* its number + 1; 0: none */
    unsigned               coding;        /* debar_file_unpack_e */
    unsigned               has_data;
    int                    nid;           /* of the digest of these bytes */
    unsigned               sum_len;
    uint8_t                sum[64];
} debar_xar_file_t;

typedef struct {
    uint64_t               off;
    uint64_t               size;
    unsigned               cms;
    unsigned               ncerts;
    debar_str_t            certs[DEBAR_XAR_CERTS];      /* DER, allocated */
} debar_xar_signature_t;

typedef struct {
    debar_reader_t        *rd;
    uint64_t               size;          /* of the file */
    uint64_t               toc;           /* where its contents stand ... */
    uint64_t               toc_size;      /* ... packed */
    uint64_t               heap;
    uint64_t               end;           /* of what the contents name */

    /* the digest of the contents: which, and where it is stored */

    int                    nid;
    uint64_t               sum_off;
    uint64_t               sum_size;

    debar_xar_signature_t  signatures[DEBAR_XAR_SIGNATURES];
    unsigned               nsignatures;

    debar_xar_file_t      *files;
    unsigned               nfiles;
    unsigned               room;
    debar_buf_t            names;

    /* filled where something is signed */

    unsigned               broken;        /* other bytes than are named */
    unsigned               unknown;       /* digests that cannot be made */
    unsigned               md_len;
    uint8_t                md[64];        /* of the contents as they are */
} debar_xar_t;


/* Reads the table of contents into x: DEBAR_ERROR: it broke off, what was read
 * is there. (file_xar_toc.c) */

int debar_xar_contents(debar_xar_t *x);
void debar_xar_forget(debar_xar_t *x);

/* Packages and products of a PackageInfo or Distribution. (file_xar_info.c) */

int debar_xar_info(debar_reader_t *rd, const char *xml, size_t len);


#endif /* DEBAR_FILE_XAR_H */
