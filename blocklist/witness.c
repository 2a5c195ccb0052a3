/*
 * Requests to a witness: read, written, decided.
 */

#include <inttypes.h>

#include "witness.h"


#define DEBAR_WITNESS_OLD     "old "
#define DEBAR_WITNESS_DIGITS  17             /* of DEBAR_MERKLE_MAX */
#define DEBAR_WITNESS_BASE64  44             /* of a hash */


static int debar_witness_number(uint64_t *n, const char *p, size_t len);
static debar_witness_log_t *debar_witness_find(debar_witness_log_t *logs,
    size_t n, const char *origin);
static int debar_witness_signed(debar_witness_answer_t *a,
    const debar_note_t *note);
static void debar_witness_decide(debar_witness_answer_t *a, debar_hasher_t *h,
    const debar_witness_request_t *r);


int
debar_witness_parse(debar_witness_request_t *r, const void *data, size_t len,
    debar_fault_t *fault)
{
    size_t       n, head;
    const char  *p, *end, *eol;

    r->n = 0;
    p = data;
    end = p + len;
    head = sizeof(DEBAR_WITNESS_OLD) - 1;

    if (len > DEBAR_WITNESS_REQUEST) {
        debar_fault(fault, "%zu bytes, a request has at most %d", len,
                    DEBAR_WITNESS_REQUEST);
        return DEBAR_ERROR;
    }

    eol = memchr(p, '\n', len);

    if (eol == NULL || (size_t) (eol - p) <= head
        || memcmp(p, DEBAR_WITNESS_OLD, head) != 0
        || debar_witness_number(&r->old, p + head, (size_t) (eol - p) - head)
           != DEBAR_OK)
    {
        debar_fault(fault, "the first line is not \"old SIZE\"");
        return DEBAR_ERROR;
    }

    for (p = eol + 1; /* void */ ; p = eol + 1) {

        eol = memchr(p, '\n', (size_t) (end - p));

        if (eol == p) {
            break;
        }

        n = eol ? (size_t) (eol - p) : 0;

        if (r->n == DEBAR_WITNESS_PROOF) {
            debar_fault(fault, "more than %d lines of a proof",
                        DEBAR_WITNESS_PROOF);
            return DEBAR_ERROR;
        }

        if (n != DEBAR_WITNESS_BASE64
            || debar_base64_decode(r->proof[r->n], DEBAR_HASH, p, n)
               != DEBAR_HASH)
        {
            debar_fault(fault, "line %u is neither a hash in base64 nor empty",
                        r->n + 2);
            return DEBAR_ERROR;
        }

        r->n++;
    }

    r->note = debar_str(p + 1, (size_t) (end - p) - 1);

    return DEBAR_OK;
}


void
debar_witness_text(debar_buf_t *out, const debar_witness_request_t *r)
{
    char      b64[DEBAR_WITNESS_BASE64 + 1];
    unsigned  i;

    debar_buf_printf(out, DEBAR_WITNESS_OLD "%" PRIu64 "\n", r->old);

    for (i = 0; i < r->n; i++) {
        debar_base64_encode(b64, r->proof[i], DEBAR_HASH);
        debar_buf_printf(out, "%s\n", b64);
    }

    debar_buf_add(out, "\n", 1);
    debar_buf_add(out, r->note.data, r->note.len);
}


int
debar_witness_known(uint64_t *size, const char *data, size_t len)
{
    if (len == 0 || data[len - 1] != '\n') {
        return DEBAR_ERROR;
    }

    return debar_witness_number(size, data, len - 1);
}


/* Decimal, without leading zeroes, at most DEBAR_MERKLE_MAX. */

static int
debar_witness_number(uint64_t *n, const char *p, size_t len)
{
    size_t  i;

    if (len == 0 || len > DEBAR_WITNESS_DIGITS || (p[0] == '0' && len > 1)) {
        return DEBAR_ERROR;
    }

    for (*n = 0, i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return DEBAR_ERROR;
        }

        *n = *n * 10 + (uint64_t) (p[i] - '0');
    }

    return *n > DEBAR_MERKLE_MAX ? DEBAR_ERROR : DEBAR_OK;
}


void
debar_witness_judge(debar_witness_answer_t *a, debar_hasher_t *h,
    debar_witness_log_t *logs, size_t n, const void *data, size_t len)
{
    debar_note_t             note;
    debar_witness_request_t  r;

    memset(a, 0, sizeof(*a));
    a->status = 400;

    if (debar_witness_parse(&r, data, len, &a->why) != DEBAR_OK
        || debar_note_parse(&note, "the checkpoint", r.note.data, r.note.len,
                            0, &a->why) != DEBAR_OK
        || debar_checkpoint_parse(&a->checkpoint, "the checkpoint", note.text,
                                  &a->why) != DEBAR_OK)
    {
        return;
    }

    a->text = note.text;
    a->log = debar_witness_find(logs, n, a->checkpoint.origin);

    if (a->log == NULL) {
        a->status = 404;
        debar_fault(&a->why, "%s is no log of this witness",
                    a->checkpoint.origin);
        return;
    }

    if (debar_witness_signed(a, &note) != DEBAR_OK) {
        a->status = 403;
        debar_fault(&a->why, "the checkpoint of %s is not signed by its key",
                    a->checkpoint.origin);
        return;
    }

    debar_witness_decide(a, h, &r);
}


static debar_witness_log_t *
debar_witness_find(debar_witness_log_t *logs, size_t n, const char *origin)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (logs[i].nkeys && strcmp(logs[i].keys[0].name, origin) == 0) {
            return &logs[i];
        }
    }

    return NULL;
}


static int
debar_witness_signed(debar_witness_answer_t *a, const debar_note_t *note)
{
    unsigned             i;
    const debar_vkey_t  *key;

    for (i = 0; i < a->log->nkeys; i++) {

        key = &a->log->keys[i];

        if (debar_note_signed(note, key) == DEBAR_OK) {
            a->signature = *debar_note_find(note, key);
            return DEBAR_OK;
        }
    }

    return DEBAR_ERROR;
}


/* The log has signed it: does it go on from what was cosigned? */

static void
debar_witness_decide(debar_witness_answer_t *a, debar_hasher_t *h,
    const debar_witness_request_t *r)
{
    debar_hash_t                empty;
    const debar_checkpoint_t   *c = &a->checkpoint;
    const debar_witness_log_t  *log = a->log;

    if (r->old > c->size) {
        debar_fault(&a->why, "old size %" PRIu64 " is more than the "
                    "checkpoint's, %" PRIu64, r->old, c->size);
        return;
    }

    if (r->old != log->size) {
        a->status = 409;

        /* what it says of the size that is known tells, whatever it asks */

        a->forked = c->size == log->size && c->size
                    && memcmp(c->root, log->root, DEBAR_HASH) != 0;
        debar_fault(&a->why, "%" PRIu64 " leaves are known, not %" PRIu64,
                    log->size, r->old);
        return;
    }

    debar_merkle_empty(h, empty);

    if (c->size == log->size
        && memcmp(c->root, log->size ? log->root : empty, DEBAR_HASH) != 0)
    {
        a->status = 409;
        a->forked = log->size != 0;
        debar_fault(&a->why, "%s has signed another root for its %" PRIu64
                    " leaves", c->origin, c->size);
        return;
    }

    if (debar_merkle_consistent(h, r->old, c->size,
                                r->old ? log->root : empty, c->root,
                                (const debar_hash_t *) r->proof, r->n)
        != DEBAR_OK)
    {
        a->status = 422;
        debar_fault(&a->why, "the proof does not show that %s goes on from %"
                    PRIu64 " leaves to %" PRIu64, c->origin, r->old, c->size);
        return;
    }

    a->status = 200;
}
