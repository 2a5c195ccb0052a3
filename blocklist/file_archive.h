/*
 * For file_reader.c: what reading archives needs of the system, fetched once and
 * before a sandbox closes.  Called by debar_file_read(); calling it again costs
 * nothing.
 */

#ifndef DEBAR_FILE_ARCHIVE_H
#define DEBAR_FILE_ARCHIVE_H

#include "file_read.h"


void debar_file_archive_prepare(void);


#endif /* DEBAR_FILE_ARCHIVE_H */
