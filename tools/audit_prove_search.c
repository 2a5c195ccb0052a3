/*
 * The lines of an incident.  The index is believed in nothing: a line that it
 * names has to stand there and to be the leaf that was sealed, and that it has
 * none is found out by a look at all of the log.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_index.h"
#include "audit_prove_private.h"


#define DEBAR_PROVE_LONG  (256u << 20)       /* bytes that take a while */


static int debar_prove_indexed(debar_prove_t *s, debar_fault_t *fault);
static int debar_prove_hits(debar_prove_t *s, size_t i,
    const debar_index_hits_t *hits);
static int debar_prove_hit(debar_prove_t *s, const debar_audit_part_t *part,
    const debar_index_place_t *place);
static void debar_prove_forget(debar_prove_t *s);
static int debar_prove_all(debar_prove_t *s, debar_fault_t *fault);
static int debar_prove_part(debar_prove_t *s, debar_audit_part_t *part,
    uint64_t offset, uint64_t n, debar_fault_t *fault);
static int debar_prove_add(debar_prove_t *s, const debar_audit_part_t *part,
    uint64_t index, const char *line, size_t len, debar_fault_t *fault);
static int debar_prove_sealed(debar_prove_t *s);


int
debar_prove_search(debar_prove_t *s, debar_fault_t *fault)
{
    int            rc;
    debar_fault_t  why;

    rc = debar_prove_indexed(s, &why);

    if (rc != DEBAR_OK) {
        debar_prove_forget(s);
        rc = debar_prove_all(s, fault);

        if (!s->quiet && s->total > DEBAR_PROVE_LONG) {
            debar_say("all of the log was read, since %s", why.text);
        }
    }

    if (rc == DEBAR_OK && s->proof->n == 0) {
        debar_fault(fault, s->unsealed ? "%s: incident %s is not sealed yet: "
                    "try again in a second, or run `debar audit seal --once`"
                    : "%s: no line has the incident %s: it is of another "
                    "gateway, or was deleted by policy", s->log->audit.path,
                    s->proof->incident);
        return DEBAR_DECLINED;
    }

    return rc;
}


/* Anything but DEBAR_OK: it does not help; fault says why. */

static int
debar_prove_indexed(debar_prove_t *s, debar_fault_t *fault)
{
    int                  rc;
    size_t               i;
    uint64_t             part;
    debar_index_hits_t  *hits;

    if (debar_index_incident(&part, s->proof->incident, DEBAR_PROOF_INCIDENT)
        != DEBAR_OK)
    {
        debar_fault(fault, "its number is none");
        return DEBAR_DECLINED;
    }

    if (debar_index_hits(&hits, &s->log->audit, part, fault) != DEBAR_OK) {
        debar_fault(fault, "there is no index: `debar audit index %s` makes "
                    "this quick", s->log->audit.path);
        return DEBAR_DECLINED;
    }

    rc = hits->n ? DEBAR_OK : DEBAR_DECLINED;

    for (i = 0; i < debar_audit_parts(s->log) && rc == DEBAR_OK; i++) {
        rc = debar_prove_hits(s, i, hits);
    }

    if (rc != DEBAR_OK || s->hits != hits->n
        || (s->proof->n == 0 && !s->unsealed))
    {
        debar_fault(fault, "the index has %s: `debar audit index %s` brings it "
                    "up to date", hits->n ? "not what the log has"
                    : "no such incident", s->log->audit.path);
        rc = DEBAR_DECLINED;
    }

    debar_index_hits_free(hits);

    return rc;
}


/* Of one file: what the index names, and what it has not read.  Nothing of an
 * incident stands before its first line. */

static int
debar_prove_hits(debar_prove_t *s, size_t i, const debar_index_hits_t *hits)
{
    int                         rc;
    size_t                      k;
    uint64_t                    from, n;
    struct stat                 st;
    debar_fault_t               fault;
    debar_audit_part_t          part;
    const debar_index_known_t  *known;

    if (debar_audit_part(&part, s->log, i, &fault) != DEBAR_OK) {
        return DEBAR_DECLINED;
    }

    if (part.fd == -1) {
        return DEBAR_OK;
    }

    known = debar_index_known_as(hits, part.fd, part.name);
    from = known ? (uint64_t) known->offset : 0;
    n = known ? known->lines : 0;
    rc = DEBAR_OK;

    if (s->look) {
        from = n = 0;
    }

    for (k = 0; known && k < hits->n && rc == DEBAR_OK; k++) {

        if (hits->list[k].file != known->id) {
            continue;
        }

        rc = debar_prove_hit(s, &part, &hits->list[k]);
        s->hits++;

        /* an outcome that the index has not is looked for in all that follows:
         * of what was a moment ago, little; later few have none */

        if (hits->bare) {
            s->look = 1;
            from = hits->list[k].offset + hits->list[k].len + 1;
            n = hits->list[k].nth + 1;
        }
    }

    if (rc == DEBAR_OK && s->hits && fstat(part.fd, &st) == 0
        && (uint64_t) st.st_size > from)
    {
        rc = debar_prove_part(s, &part, from, n, &fault);
    }

    debar_audit_part_close(&part);

    return rc;
}


static int
debar_prove_hit(debar_prove_t *s, const debar_audit_part_t *part,
    const debar_index_place_t *place)
{
    int            rc;
    char          *line;
    size_t         before;
    ssize_t        n;
    debar_fault_t  fault;

    if (place->len == 0 || place->len > DEBAR_SEALED_LINE) {
        return DEBAR_DECLINED;
    }

    line = malloc(place->len + 2);

    if (line == NULL) {
        return DEBAR_DECLINED;
    }

    /* a whole line: between two newlines */

    before = place->offset != 0;
    n = pread(part->fd, line, before + place->len + 1,
              (off_t) (place->offset - before));

    rc = n == (ssize_t) (before + place->len + 1)
         && (!before || line[0] == '\n') && line[before + place->len] == '\n'
         && memmem(line + before, place->len, s->needle, s->len)
         ? DEBAR_OK : DEBAR_DECLINED;

    if (rc == DEBAR_OK && place->nth >= part->lines) {
        s->unsealed = 1;

    } else if (rc == DEBAR_OK) {
        rc = debar_prove_add(s, part, place->nth, line + before, place->len,
                             &fault);

        if (rc == DEBAR_OK) {
            rc = debar_prove_sealed(s);
        }
    }

    free(line);

    return rc;
}


/* Is the last line that was added the leaf that it was taken for? */

static int
debar_prove_sealed(debar_prove_t *s)
{
    debar_hash_t               hash, leaf;
    debar_fault_t              fault;
    const debar_proof_line_t  *l;

    if (s->proof->n == 0 || s->proof->more) {
        return DEBAR_OK;
    }

    l = &s->proof->lines[s->proof->n - 1];
    debar_merkle_leaf(s->tiles.hasher, hash, l->salt, l->line.data,
                      l->line.len);

    return debar_tiles_leaf(leaf, &s->tiles, l->leaf, &fault) == DEBAR_OK
           && memcmp(hash, leaf, sizeof(hash)) == 0 ? DEBAR_OK
                                                    : DEBAR_DECLINED;
}


static void
debar_prove_forget(debar_prove_t *s)
{
    while (s->proof->n) {
        debar_buf_free(&s->proof->lines[--s->proof->n].line);
    }

    s->proof->more = 0;
    s->unsealed = 0;
    s->lines = s->bytes = 0;
}


static int
debar_prove_all(debar_prove_t *s, debar_fault_t *fault)
{
    int                 rc;
    size_t              i;
    struct stat         st;
    debar_audit_part_t  part;

    for (rc = DEBAR_OK, i = 0; i < debar_audit_parts(s->log); i++) {

        if (debar_audit_part(&part, s->log, i, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        s->total += part.fd != -1 && fstat(part.fd, &st) == 0
                    ? (uint64_t) st.st_size : 0;
        debar_audit_part_close(&part);
    }

    for (i = 0; i < debar_audit_parts(s->log) && rc == DEBAR_OK; i++) {

        if (debar_audit_part(&part, s->log, i, fault) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        if (part.fd != -1) {
            rc = debar_prove_part(s, &part, 0, 0, fault);
        }

        debar_audit_part_close(&part);
    }

    return rc;
}


/* From a line, the nth, on. */

static int
debar_prove_part(debar_prove_t *s, debar_audit_part_t *part, uint64_t offset,
    uint64_t n, debar_fault_t *fault)
{
    int                    rc;
    size_t                 len, used;
    const char            *line;
    debar_audit_reader_t   r;

    if (debar_audit_reader(&r, part, fault) != DEBAR_OK) {
        return DEBAR_ERROR;
    }

    r.offset = offset;

    for (rc = DEBAR_OK; rc == DEBAR_OK; n++) {

        used = debar_audit_line(&r, &line, &len);

        if (used == 0) {
            break;
        }

        /* a line that a full disk tore off says too little */

        if (memmem(line, len, s->needle, s->len)
            && !debar_sealed_torn(line, len))
        {
            if (n < part->lines) {
                rc = debar_prove_add(s, part, n, line, len, fault);

            } else {
                s->unsealed = 1;
            }
        }

        s->bytes += used;

        if (++s->lines % 65536 == 0 && !s->quiet) {
            debar_progress_bar("of the log searched", s->bytes,
                               s->total > s->bytes ? s->total : s->bytes);
        }
    }

    if (rc == DEBAR_OK && r.error) {
        debar_fault(fault, "%s/%s: %s", s->log->audit.path, part->name,
                    strerror(r.error));
        rc = DEBAR_ERROR;
    }

    debar_audit_reader_free(&r);

    return rc;
}


static int
debar_prove_add(debar_prove_t *s, const debar_audit_part_t *part,
    uint64_t index, const char *line, size_t len, debar_fault_t *fault)
{
    uint8_t              secret[DEBAR_SEALED_SECRET];
    debar_proof_line_t  *l;

    if (s->proof->n == DEBAR_PROOF_LINES) {
        s->proof->more++;
        return DEBAR_OK;
    }

    if (debar_audit_secret(secret, &s->log->audit, part->number, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    l = &s->proof->lines[s->proof->n++];
    memcpy(l->file, part->name, sizeof(l->file));
    l->number = index + 1;
    l->leaf = part->first + index;
    debar_buf_add(&l->line, line, len);
    debar_merkle_salt(s->tiles.hasher, l->salt, secret, index);

    return DEBAR_OK;
}
