/*
 * One witness asked for its cosignature: what it is shown, what it answers.
 */

#include <inttypes.h>
#include <stdlib.h>

#include "trust.h"
#include "audit_witness.h"


#define DEBAR_ASK_TIMES  4                   /* of one witness, at once */
#define DEBAR_ASK_AGAIN  3600                /* s: the same is cosigned anew */


static int debar_ask_until(debar_ask_t *a, debar_asked_t *w,
    debar_ask_for_t *f, debar_fault_t *fault);
static int debar_ask_request(debar_ask_t *a, debar_ask_for_t *f,
    debar_fault_t *fault);
static int debar_ask_conflict(debar_ask_t *a, debar_asked_t *w,
    debar_ask_for_t *f, const debar_witness_reply_t *reply,
    debar_fault_t *fault);
static int debar_ask_take(debar_ask_t *a, debar_asked_t *w,
    const debar_ask_for_t *f, const debar_buf_t *body, debar_fault_t *fault);
static int debar_ask_refused(const debar_ask_t *a, const debar_asked_t *w,
    const debar_ask_for_t *f, long status, debar_fault_t *fault);


int
debar_ask_one(debar_ask_t *a, debar_asked_t *w, const debar_ask_for_t *latest,
    debar_fault_t *fault)
{
    int                  rc;
    time_t               now;
    uint64_t             when;
    debar_buf_t          note;
    debar_ask_for_t      f;
    debar_checkpoint_t   last;

    memset(&f, 0, sizeof(f));
    memset(&last, 0, sizeof(last));

    if (debar_cosigned_last(&note, &last, &when, &a->audit, &w->key, fault)
        != DEBAR_OK)
    {
        return DEBAR_ERROR;
    }

    f.c = latest->c;
    debar_buf_add(&f.note, latest->note.data, latest->note.len);

    if (note.len && strcmp(last.origin, f.c.origin) == 0
        && last.size <= f.c.size)
    {
        f.old = last.size;
    }

    now = time(NULL);

    if (a->every && f.old == f.c.size && note.len
        && memcmp(last.root, f.c.root, DEBAR_HASH) == 0
        && (uint64_t) now < when + DEBAR_ASK_AGAIN)
    {
        rc = DEBAR_DECLINED;

    } else {
        rc = debar_ask_until(a, w, &f, fault);
    }

    debar_buf_free(&note);
    debar_buf_free(&f.note);
    debar_buf_free(&f.request);

    return rc;
}


int
debar_ask_latest(debar_ask_t *a, debar_ask_for_t *f, debar_fault_t *fault)
{
    debar_buf_free(&f->note);

    return debar_audit_checkpoint(&f->c, &f->note, &a->audit,
                                  a->key ? &a->log : NULL, fault);
}


/* It may know of another size than we do, and the log may grow meanwhile. */

static int
debar_ask_until(debar_ask_t *a, debar_asked_t *w, debar_ask_for_t *f,
    debar_fault_t *fault)
{
    int                    rc;
    unsigned               i;
    debar_witness_reply_t  reply;

    for (i = 0; i < DEBAR_ASK_TIMES; i++) {

        if (debar_ask_request(a, f, fault) != DEBAR_OK
            || debar_witness_post(&w->client, &reply, w->url, a->ca,
                                  &f->request, fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }

        if (reply.status == 409) {
            rc = debar_ask_conflict(a, w, f, &reply, fault);

        } else if (reply.status == 200) {
            rc = debar_ask_take(a, w, f, &reply.body, fault);

        } else {
            rc = debar_ask_refused(a, w, f, reply.status, fault);
        }

        debar_buf_free(&reply.body);

        if (rc != DEBAR_DECLINED) {
            return rc;
        }
    }

    debar_fault(fault, "%s: knows of another size each time it is asked: do "
                "others ask for this log?", w->url);

    return DEBAR_ERROR;
}


static int
debar_ask_request(debar_ask_t *a, debar_ask_for_t *f, debar_fault_t *fault)
{
    int                       n;
    debar_hash_t              proof[DEBAR_MERKLE_DEPTH];
    debar_tiles_t             tiles;
    debar_audit_tiles_t      *store;
    debar_witness_request_t   r;

    memset(&r, 0, sizeof(r));
    r.old = f->old;
    r.note = debar_str(f->note.data, f->note.len);
    n = 0;

    if (f->old && f->old < f->c.size) {

        store = malloc(sizeof(*store));

        if (store == NULL) {
            debar_fault(fault, "no memory for the log's hashes");
            return DEBAR_ERROR;
        }

        debar_audit_tiles(&tiles, store, &a->audit, f->c.size, a->hasher);
        n = debar_tiles_consistency(proof, &tiles, f->old, f->c.size, fault);
        free(store);

        if (n < 0) {
            return DEBAR_ERROR;
        }
    }

    if (n > DEBAR_WITNESS_PROOF) {
        debar_fault(fault, "a proof of %d hashes is more than a witness reads",
                    n);
        return DEBAR_ERROR;
    }

    r.n = (unsigned) n;
    memcpy(r.proof, proof, r.n * sizeof(proof[0]));
    f->request.len = 0;
    debar_witness_text(&f->request, &r);

    return DEBAR_OK;
}


/* DEBAR_DECLINED: to be asked again from the size that it knows of. */

static int
debar_ask_conflict(debar_ask_t *a, debar_asked_t *w, debar_ask_for_t *f,
    const debar_witness_reply_t *reply, debar_fault_t *fault)
{
    uint64_t  known;

    if (strncmp(reply->type, DEBAR_WITNESS_TYPE, sizeof(DEBAR_WITNESS_TYPE) - 1)
        || debar_witness_known(&known, reply->body.data, reply->body.len)
           != DEBAR_OK)
    {
        debar_fault(fault, "%s: answers 409 without the size that it knows of: "
                    "is it a witness?", w->url);
        return DEBAR_ERROR;
    }

    if (known == f->old && known != f->c.size) {
        debar_fault(fault, "%s: answers 409, and knows of the %" PRIu64
                    " lines that it was told: is it a witness?", w->url,
                    known);
        return DEBAR_ERROR;
    }

    if (known == f->old) {
        debar_fault(fault, "%s: A FORK: of the %" PRIu64 " lines of %s the "
                    "witness has cosigned another root: the log was rewritten, "
                    "or somebody else has its sealer's key", w->url, known,
                    f->c.origin);
        return DEBAR_ERROR;
    }

    if (known > f->c.size
        && (debar_ask_latest(a, f, fault) != DEBAR_OK || known > f->c.size))
    {
        debar_fault(fault, "%s: has cosigned %" PRIu64 " lines of %s, which "
                    "has %" PRIu64 ": an old log was put back, or somebody "
                    "else has its sealer's key", w->url, known, f->c.origin,
                    f->c.size);
        return DEBAR_ERROR;
    }

    f->old = known;

    return DEBAR_DECLINED;
}


/* The line of the key that is known; others are left out. */

static int
debar_ask_take(debar_ask_t *a, debar_asked_t *w, const debar_ask_for_t *f,
    const debar_buf_t *body, debar_fault_t *fault)
{
    int            rc;
    debar_buf_t    all, kept;
    debar_note_t   note;

    memset(&all, 0, sizeof(all));
    memset(&kept, 0, sizeof(kept));
    debar_buf_add(&all, f->note.data, f->note.len);
    debar_buf_add(&all, body->data ? body->data : "", body->len);

    rc = debar_note_parse(&note, w->url, all.data, all.len, 0, fault);

    if (rc == DEBAR_OK) {
        rc = debar_note_cosigned(&note, &w->key, &w->time);

        if (rc != DEBAR_OK) {
            debar_fault(fault, "%s: answers %s by %s: is that the witness's "
                        "key?", w->url, rc == DEBAR_DECLINED
                        ? "without a cosignature" : "with a false cosignature",
                        w->key.name);
            rc = DEBAR_ERROR;
        }
    }

    if (rc == DEBAR_OK) {
        debar_buf_add(&kept, f->note.data, f->note.len);
        debar_note_line_text(&kept, debar_note_find(&note, &w->key));
        rc = debar_cosigned_add(&a->audit, &kept, fault);
        w->size = f->c.size;
    }

    debar_buf_free(&all);
    debar_buf_free(&kept);

    return rc;
}


static int
debar_ask_refused(const debar_ask_t *a, const debar_asked_t *w,
    const debar_ask_for_t *f, long status, debar_fault_t *fault)
{
    switch (status) {

    case 403:
        debar_fault(fault, "%s: does not take the signature of %s: has its "
                    "operator the sealer's key of today (sealer.pub)?", w->url,
                    f->c.origin);
        break;

    case 404:
        debar_fault(fault, "%s: is no witness of %s: give its operator the "
                    "sealer's public key (sealer.pub), for --log", w->url,
                    f->c.origin);
        break;

    case 422:
        debar_fault(fault, "%s: A FORK: the log of %" PRIu64 " lines does not "
                    "go on from the %" PRIu64 " that the witness has cosigned: "
                    "it was rewritten (`debar audit verify %s --witness` says "
                    "more)", w->url, f->c.size, f->old, a->audit.path);
        break;

    default:
        debar_fault(fault, "%s: answers %ld: ask whoever runs it", w->url,
                    status);
    }

    return DEBAR_ERROR;
}
