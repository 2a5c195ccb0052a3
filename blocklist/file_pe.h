/*
 * Between file_pe.c and file_pe_resource.c.
 */

#ifndef DEBAR_FILE_PE_H
#define DEBAR_FILE_PE_H

#include "file_read.h"


typedef struct {
    debar_reader_t  *rd;
    uint64_t         size;
    uint64_t         checksum;    /* its offset */
    uint64_t         entry;       /* of the certificate table in the
                                     directories; 0: there is none */
    uint64_t         table;       /* certificates, 0: none */
    uint64_t         table_size;
    uint64_t         overlay;     /* where the last section ends */
    uint32_t         resources;   /* RVA; 0: none */
    uint8_t         *sections;    /* 40 bytes each */
    unsigned         nsections;
} debar_pe_t;


/* Version and what else resources carry.  DEBAR_DECLINED: enough. */

int debar_pe_resources(debar_pe_t *pe);


#endif /* DEBAR_FILE_PE_H */
