/*
 * For the readers of ZIP: its directory, and members by name (APPNOTE 6.3.10).
 */

#ifndef DEBAR_FILE_ZIP_H
#define DEBAR_FILE_ZIP_H

#include "file_read.h"


typedef struct {
    debar_str_t          name;        /* as it stands in the directory */
    uint64_t             local;       /* of its own header */
    uint64_t             packed;
    uint64_t             size;
    unsigned             flags;
    unsigned             method;
} debar_zip_entry_t;

typedef struct {
    debar_reader_t      *rd;
    char                *bytes;       /* the directory */
    uint64_t             at;          /* ... where it stands */
    uint64_t             len;
    uint64_t             end;         /* the record behind it, "PK\5\6" */
    uint64_t             behind;      /* what follows that and its comment */
    debar_zip_entry_t   *entries;     /* by name, once sorted */
    size_t               n;
    size_t               room;
} debar_zip_t;

/* DEBAR_ERROR: there is none that can be read.  Close it in both cases. */

int debar_zip_open(debar_zip_t *z, debar_reader_t *rd);
void debar_zip_close(debar_zip_t *z);

/* By its whole name, or NULL; with any case where so asked. */

const debar_zip_entry_t *debar_zip_find(const debar_zip_t *z, const char *name,
    size_t len);
const debar_zip_entry_t *debar_zip_find_any(const debar_zip_t *z,
    const char *name);

/* The member's bytes as they come out, up to max in all.  DEBAR_ERROR: not to
 * its end (max, a coding that is not read here, damage). */

typedef int (*debar_zip_bytes_pt)(void *data, const void *buf, size_t n);

int debar_zip_read(const debar_zip_t *z, const debar_zip_entry_t *e,
    uint64_t max, debar_zip_bytes_pt take, void *data);

/* The same in memory of its own (free() it) with a NUL behind, or NULL. */

char *debar_zip_bytes(const debar_zip_t *z, const debar_zip_entry_t *e,
    size_t max, size_t *len);

/* Members that the directory does not tell are members of an "overlay"; those
 * of which their own headers say something else, of one that has the name that
 * the directory gives.  DEBAR_DECLINED as of readers. */

int debar_zip_hidden(debar_reader_t *rd);

/* Who signed it by a manifest (JAR, APK v1, XPI), under a name for how. */

int debar_zip_jar(const debar_zip_t *z, const char *how);

/* Who signed it by COSE (extensions of Firefox). */

int debar_zip_cose(const debar_zip_t *z);

/* Who signed it as a whole, the signature being a member: NuGet, appx. */

int debar_zip_nuget(const debar_zip_t *z);
int debar_zip_appx(const debar_zip_t *z);

/* Who signed it by Android's block before the directory (v2, v3). */

int debar_zip_apk(const debar_zip_t *z);


#endif /* DEBAR_FILE_ZIP_H */
