/*
 * Whether a log is what its witnesses have cosigned.
 */

#include <inttypes.h>
#include <stdlib.h>

#include "audit_check.h"
#include "audit_witness.h"


typedef struct {
    const debar_audit_log_t  *log;
    debar_cosigners_t        *cosigners;
    debar_audit_blame_t      *blame;
    debar_fault_t            *fault;
    debar_tiles_t             tiles;
    debar_audit_tiles_t       store;

    /* of the note before: witnesses often cosign the same */

    unsigned                  has_root;
    uint64_t                  size;
    debar_hash_t              root;
} debar_witnessed_t;


static int debar_witnessed_note(void *data, const debar_note_t *note,
    debar_str_t bytes, const debar_checkpoint_t *c);
static int debar_witnessed_latest(void *data, const debar_note_t *note,
    debar_str_t bytes, const debar_checkpoint_t *c);
static int debar_witnessed_all(const debar_cosigners_t *cosigners);
static int debar_witnessed_same(debar_witnessed_t *w,
    const debar_checkpoint_t *c);
static void debar_witnessed_blame(debar_witnessed_t *w,
    const debar_cosigner_t *by, uint64_t seconds, const debar_checkpoint_t *c);
static void debar_witnessed_enough(debar_cosigners_t *cosigners,
    debar_audit_blame_t *blame);


int
debar_audit_witnessed(debar_cosigners_t *cosigners,
    const debar_audit_log_t *log, uint64_t len, debar_audit_blame_t *blame,
    debar_fault_t *fault)
{
    int                 rc;
    debar_witnessed_t  *w;

    w = calloc(1, sizeof(*w));

    if (w) {
        w->tiles.hasher = debar_hasher_new();
    }

    if (w == NULL || w->tiles.hasher == NULL) {
        debar_fault(fault, "no memory to compare cosigned checkpoints");
        free(w);
        return DEBAR_ERROR;
    }

    w->log = log;
    w->cosigners = cosigners;
    w->blame = blame;
    w->fault = fault;
    debar_audit_tiles(&w->tiles, &w->store, &log->audit, log->checkpoint.size,
                      w->tiles.hasher);

    rc = debar_cosigned_each(&log->audit, len, debar_witnessed_note, w, fault);

    /* who cosigned what last is mostly among the last */

    if (rc == DEBAR_OK && blame->what == NULL) {
        rc = debar_cosigned_recent(&log->audit, debar_witnessed_latest, w,
                                   fault);
    }

    if (rc == DEBAR_OK && blame->what == NULL
        && !debar_witnessed_all(cosigners))
    {
        rc = debar_cosigned_each(&log->audit, len, debar_witnessed_latest, w,
                                 fault);
    }

    debar_hasher_free(w->tiles.hasher);
    free(w);

    if (rc == DEBAR_OK && blame->what == NULL) {
        debar_witnessed_enough(cosigners, blame);
    }

    return rc;
}


/* What a witness cosigned says what the log was, whoever signed for the log.
 * Only of what the log is not it matters whether it is the witness's: a
 * signature takes longer to verify than a root to find. */

static int
debar_witnessed_note(void *data, const debar_note_t *note, debar_str_t bytes,
    const debar_checkpoint_t *c)
{
    int                      same;
    unsigned                 i;
    uint64_t                 seconds;
    debar_witnessed_t       *w = data;
    const debar_cosigner_t  *by;

    if (strcmp(c->origin, w->log->checkpoint.origin) != 0) {
        return DEBAR_OK;
    }

    same = debar_witnessed_same(w, c);

    if (same != 0) {
        return same == 1 ? DEBAR_OK : DEBAR_ERROR;
    }

    for (i = 0; i < w->cosigners->n; i++) {

        by = &w->cosigners->list[i];

        if (debar_note_cosigned(note, &by->key, &seconds) == DEBAR_OK) {
            debar_witnessed_blame(w, by, seconds, c);
        }
    }

    return DEBAR_OK;
}


static int
debar_witnessed_latest(void *data, const debar_note_t *note,
    debar_str_t bytes, const debar_checkpoint_t *c)
{
    int                 same;
    unsigned            i;
    uint64_t            seconds;
    debar_cosigner_t   *by;
    debar_witnessed_t  *w = data;

    if (strcmp(c->origin, w->log->checkpoint.origin) != 0) {
        return DEBAR_OK;
    }

    same = debar_witnessed_same(w, c);

    if (same != 1) {
        return same == 0 ? DEBAR_OK : DEBAR_ERROR;
    }

    for (i = 0; i < w->cosigners->n; i++) {

        by = &w->cosigners->list[i];

        if (debar_note_cosigned(note, &by->key, &seconds) == DEBAR_OK
            && (!by->found || seconds >= by->time))
        {
            by->found = 1;
            by->size = c->size;
            by->time = seconds;
        }
    }

    return DEBAR_OK;
}


static int
debar_witnessed_all(const debar_cosigners_t *cosigners)
{
    unsigned  i;

    for (i = 0; i < cosigners->n; i++) {
        if (!cosigners->list[i].found) {
            return 0;
        }
    }

    return 1;
}


/* 1, 0; -1: it cannot be told. */

static int
debar_witnessed_same(debar_witnessed_t *w, const debar_checkpoint_t *c)
{
    if (c->size > w->log->checkpoint.size) {
        return 0;
    }

    if (!w->has_root || w->size != c->size) {

        if (debar_tiles_root(w->root, &w->tiles, c->size, w->fault)
            != DEBAR_OK)
        {
            return -1;
        }

        w->has_root = 1;
        w->size = c->size;
    }

    return memcmp(w->root, c->root, DEBAR_HASH) == 0;
}


/* The smallest size says most. */

static void
debar_witnessed_blame(debar_witnessed_t *w, const debar_cosigner_t *by,
    uint64_t seconds, const debar_checkpoint_t *c)
{
    char                  when[24];
    debar_audit_blame_t  *b = w->blame;

    if (b->what && b->leaf <= c->size) {
        return;
    }

    b->leaf = c->size;
    snprintf(b->file, sizeof(b->file), "sealed/cosigned");
    debar_witness_time(when, seconds);

    if (c->size > w->log->checkpoint.size) {
        b->what = "truncated";
        snprintf(b->text, sizeof(b->text), "it has %" PRIu64 " lines, and "
                 "%.64s cosigned %" PRIu64 " at %s", w->log->checkpoint.size,
                 by->key.name, c->size, when);

    } else {
        b->what = "changed";
        snprintf(b->text, sizeof(b->text), "its first %" PRIu64 " lines are "
                 "not those that %.64s cosigned at %s", c->size, by->key.name,
                 when);
    }
}


static void
debar_witnessed_enough(debar_cosigners_t *cosigners,
    debar_audit_blame_t *blame)
{
    char                     when[24];
    unsigned                 i;
    time_t                   now;
    debar_cosigner_t        *c;
    const debar_cosigner_t  *missing;

    now = time(NULL);

    /* what is too old does not count */

    for (i = 0; cosigners->age && i < cosigners->n; i++) {

        c = &cosigners->list[i];

        if (c->time + cosigners->age < (uint64_t) now) {
            c->found = 0;
        }
    }

    if (debar_cosigners_agree(cosigners, &missing)) {
        return;
    }

    snprintf(blame->file, sizeof(blame->file), "sealed/cosigned");

    if (missing->time) {
        blame->what = "stale";
        snprintf(blame->text, sizeof(blame->text), "%.64s cosigned last at %s, "
                 "%" PRIu64 " lines: ask its operator since when it refuses",
                 missing->key.name, debar_witness_time(when, missing->time),
                 missing->size);
        return;
    }

    blame->what = "uncosigned";
    snprintf(blame->text, sizeof(blame->text), "no checkpoint is cosigned by "
             "%.64s: ask its operator (`debar audit witness show`) what it "
             "knows of the log", missing->key.name);
}
