/*
 * HFS+ as disk images of Apple's have it.
 */

#ifndef DEBAR_FILE_HFS_H
#define DEBAR_FILE_HFS_H

#include "file_read.h"


/* Its files are members.  DEBAR_ERROR: it is no HFS+. */

int debar_hfs(debar_reader_t *rd);


#endif /* DEBAR_FILE_HFS_H */
