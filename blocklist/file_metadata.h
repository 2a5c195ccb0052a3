/*
 * For file_metadata.c: what is binary among the files in which packages say what
 * they are.  Pure, over bytes.
 */

#ifndef DEBAR_FILE_METADATA_H
#define DEBAR_FILE_METADATA_H

#include "file_read.h"


/* A binary property list: what its outermost dictionary says in strings. */

typedef int (*debar_metadata_pair_pt)(void *data, debar_str_t key,
    debar_str_t value);

int debar_metadata_bplist(const uint8_t *p, size_t n,
    debar_metadata_pair_pt tell, void *data);
int debar_metadata_plist(void *data, debar_str_t key, debar_str_t value);

/* Android's binary XML: the attributes of a manifest. */

int debar_metadata_android(debar_reader_t *rd, const uint8_t *p, size_t n);


#endif /* DEBAR_FILE_METADATA_H */
