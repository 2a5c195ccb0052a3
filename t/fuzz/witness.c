/*
 * Requests to a witness, of any bytes (libFuzzer): what is read is written
 * again byte for byte; nothing is cosigned that is not signed by the log and
 * larger than, or the same as, what was cosigned before.
 */

#include "witness.h"

#include <stdlib.h>
#include <openssl/evp.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Keys of the example of https://c2sp.org/signed-note, and of Go's tests. */

static const char *const  keys[] = {
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
};


static void
judged(debar_hasher_t *h, debar_witness_log_t *logs, const char *p, size_t size)
{
    debar_note_t            note;
    debar_fault_t           fault;
    debar_witness_answer_t  a;

    debar_witness_judge(&a, h, logs, 2, p, size);
    claim(a.status == 200 || a.status == 400 || a.status == 403
          || a.status == 404 || a.status == 409 || a.status == 422);

    if (a.status != 200) {
        claim(a.why.text[0]);
        return;
    }

    claim(a.checkpoint.size >= a.log->size);
    claim(a.checkpoint.size > a.log->size || a.log->size == 0
          || memcmp(a.checkpoint.root, a.log->root, DEBAR_HASH) == 0);
    claim(strcmp(a.checkpoint.origin, a.log->keys[0].name) == 0);
    claim(a.text.data > p && a.text.data + a.text.len < p + size);
    claim(debar_note_parse(&note, "n", a.text.data,
                           size - (size_t) (a.text.data - p), 0, &fault)
          == DEBAR_OK);
    claim(debar_note_signed(&note, &a.log->keys[0]) == DEBAR_OK);
}


/* The checkpoint of a request, signed by a log that the witness knows, so that
 * the proof is looked at, too. */

static void
signed_by_us(debar_hasher_t *h, debar_witness_request_t *r)
{
    uint8_t               pub[32];
    size_t                n;
    debar_buf_t           note, body;
    debar_note_t          read;
    debar_fault_t         fault;
    debar_checkpoint_t    c;
    debar_witness_log_t   logs[2];

    static EVP_PKEY      *private;
    static const uint8_t  seed[32] = { 1 };

    if (debar_note_parse(&read, "n", r->note.data, r->note.len, 1, &fault)
        != DEBAR_OK
        || debar_checkpoint_parse(&c, "n", read.text, &fault) != DEBAR_OK)
    {
        return;
    }

    if (private == NULL) {
        private = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                               sizeof(seed));
    }

    memset(logs, 0, sizeof(logs));
    memset(&note, 0, sizeof(note));
    memset(&body, 0, sizeof(body));
    n = sizeof(pub);
    EVP_PKEY_get_raw_public_key(private, pub, &n);
    claim(debar_vkey_set(&logs[0].keys[0], "f", 1, pub) == DEBAR_OK);
    strcpy(c.origin, "f");
    claim(debar_checkpoint_sign(&note, &c, &logs[0].keys[0], private, &fault)
          == DEBAR_OK);

    logs[0].nkeys = 1;
    logs[0].size = r->old;
    memcpy(logs[0].root, r->n ? r->proof[0] : c.root, DEBAR_HASH);
    r->note = debar_str(note.data, note.len);
    debar_witness_text(&body, r);
    judged(h, logs, body.data, body.len);

    debar_buf_free(&note);
    debar_buf_free(&body);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                     *p;
    unsigned                  i;
    uint64_t                  known;
    debar_buf_t               b;
    debar_fault_t             fault;
    debar_witness_log_t       logs[2];
    debar_witness_request_t   r;

    static debar_hasher_t  *h;

    if (h == NULL) {
        h = debar_hasher_new();
    }

    p = malloc(size ? size : 1);
    memcpy(p, data, size);

    if (debar_witness_parse(&r, p, size, &fault) == DEBAR_OK) {
        claim(r.n <= DEBAR_WITNESS_PROOF);
        claim(r.note.data + r.note.len == p + size);
        memset(&b, 0, sizeof(b));
        debar_witness_text(&b, &r);
        claim(b.len == size && memcmp(b.data, p, size) == 0);
        debar_buf_free(&b);
        signed_by_us(h, &r);
    }

    if (debar_witness_known(&known, p, size) == DEBAR_OK) {
        claim(known <= DEBAR_MERKLE_MAX && size <= 18);
    }

    memset(logs, 0, sizeof(logs));

    for (i = 0; i < 2; i++) {
        claim(debar_vkey_parse(&logs[i].keys[0], "key", keys[i],
                               strlen(keys[i]), &fault) == DEBAR_OK);
        logs[i].nkeys = 1;
    }

    judged(h, logs, p, size);

    logs[0].size = 5;
    logs[1].size = 5;
    judged(h, logs, p, size);

    free(p);

    return 0;
}
