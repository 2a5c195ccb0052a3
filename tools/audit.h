/*
 * What the sub-commands of `debar audit` share: a sealed log, opened to read.
 * Nothing here is locked: a sealer may go on meanwhile.  Who reads takes the
 * checkpoint, or the state, first, and then what it speaks of.
 */

#ifndef DEBAR_TOOLS_AUDIT_H
#define DEBAR_TOOLS_AUDIT_H

#include "checkpoint.h"
#include "sealed.h"
#include "tools.h"


typedef struct {
    char  path[DEBAR_MAX_DIR];    /* DIR/audit, absolute */
} debar_audit_t;

/* dir: DIR/audit, or the DIR of a gateway. */

int debar_audit_find(debar_audit_t *a, const char *dir, debar_fault_t *fault);

/* "DIR/audit/name" */

void debar_audit_path(const debar_audit_t *a, const char *name, char *out,
    size_t size);

/*
 * The latest checkpoint; note (may be NULL) gets it as it is signed.  key NULL:
 * whoever signed it.  DEBAR_DECLINED: nothing is sealed yet; fault says so.
 */

int debar_audit_checkpoint(debar_checkpoint_t *c, debar_buf_t *note,
    const debar_audit_t *a, const debar_vkey_t *key, debar_fault_t *fault);

/* The sealer's state; DEBAR_DECLINED as above. */

int debar_audit_state(debar_sealed_state_t *s, const debar_audit_t *a,
    debar_fault_t *fault);

/*
 * The files that are closed, in the order of their leaves: of two lines for a
 * file the later counts.  A torn last line is left out.  Refused: gaps, leaves
 * of two files.
 */

#define DEBAR_AUDIT_FILES_MAX  (1u << 30)    /* bytes of it */

typedef struct {
    debar_sealed_file_t  *list;
    size_t                n;
    size_t                end;    /* bytes of the file up to its last whole
                                     line */
} debar_audit_files_t;

int debar_audit_files(debar_audit_files_t *f, const debar_audit_t *a,
    debar_fault_t *fault);
void debar_audit_files_free(debar_audit_files_t *f);

/*
 * Of sealed/files, open at fd, before it is read and appended to: the sealer
 * and `debar audit retain` both do.  DEBAR_ERROR: somebody else holds it
 * for a second.
 */

int debar_audit_files_lock(int fd);

/*
 * The first file whose lines are in the index, DIR/audit/index.from: what is
 * older left it by policy.  1: all are.
 */

int debar_audit_index_from(uint64_t *from, const debar_audit_t *a,
    debar_fault_t *fault);

/* For scandir(3) of a log's folder: its rotated files, whether they are sealed
 * or not, the oldest first. */

struct dirent;

int debar_audit_numbered(const struct dirent *e);
int debar_audit_order(const struct dirent **a, const struct dirent **b);

/* DEBAR_DECLINED: it is not there, as that of a file deleted by policy. */

int debar_audit_secret(uint8_t secret[DEBAR_SEALED_SECRET],
    const debar_audit_t *a, uint64_t number, debar_fault_t *fault);


/* The tiles as files; the last one of each level is kept. */

typedef struct {
    char          sealed[DEBAR_MAX_DIR + 64];
    uint64_t      index[DEBAR_TILE_LEVELS];
    unsigned      width[DEBAR_TILE_LEVELS];      /* 0: none */
    debar_hash_t  tile[DEBAR_TILE_LEVELS][DEBAR_TILE_WIDTH];
} debar_audit_tiles_t;

/* tiles points into store; hasher stays the caller's. */

void debar_audit_tiles(debar_tiles_t *tiles, debar_audit_tiles_t *store,
    const debar_audit_t *a, uint64_t size, debar_hasher_t *hasher);


int debar_audit_command(int argc, char **argv);      /* audit.c */
int debar_audit_seal(int argc, char **argv);         /* audit_seal.c */
int debar_audit_rotate(int argc, char **argv);       /* audit_rotate.c */
int debar_audit_verify(int argc, char **argv);       /* audit_verify.c */
int debar_audit_prove(int argc, char **argv);        /* audit_prove.c */
int debar_audit_check_proof(int argc, char **argv);  /* audit_proof.c */
int debar_audit_consistency(int argc, char **argv);  /* audit_consistency.c */
int debar_audit_replay(int argc, char **argv);       /* audit_replay.c */
int debar_audit_report(int argc, char **argv);       /* audit_report.c */
int debar_audit_export(int argc, char **argv);       /* audit_export.c */
int debar_audit_retain(int argc, char **argv);       /* audit_retain.c */


#endif /* DEBAR_TOOLS_AUDIT_H */
