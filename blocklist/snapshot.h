/*
 * A snapshot: one immutable LMDB file, built aside and renamed into place.
 * README.md of this folder has the key space.
 *
 * Readers open it MDB_RDONLY | MDB_NOLOCK | MDB_NOSUBDIR | MDB_NORDAHEAD (after
 * the fork), hold one read transaction, and never write, lock or copy.
 */

#ifndef DEBAR_SNAPSHOT_H
#define DEBAR_SNAPSHOT_H

#include "source.h"
#include "host.h"


#define DEBAR_SNAPSHOT_FORMAT  3


/*
 * Builds the snapshot of src at path: a temporary file in the same folder
 * (".NAME.PID.tmp", removed on failure; those of builders that died are removed
 * too), fsync, verification of the whole (every row read back), mode 0444,
 * rename, fsync of the folder; then PATH.serial ("SERIAL DIGEST\n", 0444,
 * replaced in the same way).  At any kill the old or the new file stands whole.
 *
 * Refused, with the remedy in *fault: a serial below that in PATH.serial, or
 * the same one with another digest (unless replace is set).
 *
 * digest: 64 hex digits and NUL.  It is SHA-256 over the sorted canonical rows,
 * one line each, of everything the list says (README.md): it does not depend
 * on page layout, machine, order of files or on how the list was built.
 */

typedef struct {
    unsigned           replace;   /* 1: take any serial */
    unsigned           verify;    /* 1: read every row back before the rename */
    debar_progress_pt  progress;
    void              *data;
} debar_build_opts_t;

typedef struct {
    char      digest[65];
    uint64_t  serial;
    uint64_t  rows;               /* exact identifiers */
    uint64_t  bytes;              /* of the file */
} debar_build_info_t;

int debar_snapshot_build(debar_source_t *src, const char *path,
    const debar_build_opts_t *opts, debar_build_info_t *info,
    debar_fault_t *fault);


/*
 * Puts a snapshot in place at path as debar_snapshot_build() does, which stands
 * packed by zstd in the file `from`.  It has to be of exactly these bytes
 * (sha256: 64 hex digits), serial and digest of rows; all of it is read back.
 * DEBAR_ERROR: the file at path is as it was.  DEBAR_DECLINED: likewise, and
 * what is in `from` is not what was wanted: it is to be fetched again.
 */

typedef struct {
    uint64_t     serial;
    uint64_t     size;
    const char  *digest;
    const char  *sha256;
} debar_wanted_t;

int debar_snapshot_place(const char *from, const char *path,
    const debar_wanted_t *wanted, const debar_build_opts_t *opts,
    debar_build_info_t *info, debar_fault_t *fault);

/*
 * A snapshot at path with the rows of base and another serial; expires: epoch
 * seconds, 0 for never, -1 for that of base.
 */

int debar_snapshot_again(const char *base, const char *path, uint64_t serial,
    int64_t expires, const debar_build_opts_t *opts, debar_build_info_t *info,
    debar_fault_t *fault);


/* An open snapshot.  Text is in strings and lives as long as the snapshot. */

typedef struct debar_snapshot_s  debar_snapshot_t;

typedef struct {
    debar_str_t   title;
    debar_str_t   publisher;
    uint64_t      serial;
    int64_t       expires;        /* 0: never */
    int64_t       built;          /* epoch seconds */
    char          digest[65];
    uint64_t      rows[DEBAR_DBS];
    uint64_t      bytes;
    uint64_t      inode;
    uint64_t      device;
} debar_snapshot_meta_t;

/*
 * Opens and checks: a regular file; owner root or the caller (unless foreign)
 * or (if uid is not DEBAR_ANY_OWNER) uid; not writable by group or others; size
 * against meta; format, byte order; every table's bounds and references; serial
 * against floor (below it, or equal with another digest: refused).  Expiry is
 * not checked here: the caller knows the time.
 *
 * NULL: *fault names the file, what was found and what to do.  Costs
 * microseconds, whatever the number of rows.
 */

#define DEBAR_ANY_OWNER  UINT32_MAX

typedef struct {
    uint32_t   uid;               /* a further owner to accept */
    uint64_t   floor_serial;      /* 0: none */
    char       floor_digest[65];  /* empty: any */
    unsigned   foreign;           /* a file of the caller's own is refused */
} debar_open_opts_t;

debar_snapshot_t *debar_snapshot_open(const char *path,
    const debar_open_opts_t *opts, debar_fault_t *fault);
void debar_snapshot_close(debar_snapshot_t *s);

/* Reads PATH.serial; DEBAR_DECLINED where there is none. */

int debar_snapshot_floor(const char *path, uint64_t *serial, char digest[65],
    debar_fault_t *fault);

/* Reads every row and table, compares the digest.  For `list check FILE`. */

int debar_snapshot_verify(debar_snapshot_t *s, debar_fault_t *fault);

const debar_snapshot_meta_t *debar_snapshot_meta(const debar_snapshot_t *s);

/* A table: its records and their number, as they stand in the mapping. */

const void *debar_snapshot_table(const debar_snapshot_t *s, unsigned which,
    size_t *n);
const char *debar_snapshot_strings(const debar_snapshot_t *s);

/*
 * Rules of a key: *rules points into the mapping (aligned on 4 bytes), the
 * number is returned, 0 for none.
 */

size_t debar_snapshot_get(debar_snapshot_t *s, unsigned db, const void *key,
    size_t len, const uint32_t **rules);

/*
 * Hosts: the listed names that are h or above it, the most specific first.
 * A cursor-free walk over the labels behind the filter.  Returns how many of
 * at most max were put to found; depth is the number of labels of the listed
 * name and exact tells that it is h itself (a rule without
 * DEBAR_RULE_SUBDOMAINS counts only then).
 */

typedef struct {
    const uint32_t  *rules;
    size_t           n;
    unsigned         labels;
    unsigned         exact;
    size_t           keylen;      /* of the host key that matched */
} debar_found_host_t;

size_t debar_snapshot_hosts(debar_snapshot_t *s, const debar_host_t *h,
    debar_found_host_t *found, size_t max);

/* Networks that hold addr, the narrowest first. */

typedef struct {
    const uint32_t  *rules;
    size_t           n;
    unsigned         bits;        /* of 128 */
} debar_found_net_t;

size_t debar_snapshot_networks(debar_snapshot_t *s, const uint8_t addr[16],
    debar_found_net_t *found, size_t max);

/*
 * 0 once a look-up has met a row that cannot be one: the file was damaged after
 * it was opened, a listed name may be missed, and another file is needed.
 */

int debar_snapshot_sound(const debar_snapshot_t *s);


#endif /* DEBAR_SNAPSHOT_H */
