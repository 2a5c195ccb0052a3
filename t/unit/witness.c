/*
 * Requests to a witness: the specification's example, everything that is not
 * one, and what is decided of a log that grows, forks and goes back.
 */

#include "tap.h"
#include "witness.h"

#include <stdlib.h>
#include <openssl/evp.h>


#define DASH  "\xe2\x80\x94 "
#define NOTE  "example.com/behind-the-sofa\n20852163\n" \
              "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" \
              DASH "example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5I" \
              "ZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ" \
              "8=\n" \
              DASH "example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a6" \
              "2DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9" \
              "Q=\n"
#define HASH  "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
#define ASKED  "old 20852014\n" HASH \
               "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n" \
               "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n" \
               "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n" NOTE
#define LEAVES  9

static debar_fault_t            fault;
static debar_hasher_t          *hasher;
static debar_witness_request_t  asked;


/* Without a NUL behind it. */

static int
parse(const char *s, size_t len)
{
    int    rc;
    char  *copy;

    copy = malloc(len ? len : 1);
    memcpy(copy, s, len);
    rc = debar_witness_parse(&asked, copy, len, &fault);
    free(copy);

    return rc;
}


static void
requests(void)
{
    char         text[80 * 64];
    size_t       i, n;
    uint64_t     size;
    debar_buf_t  b;

    static const char *const  bad[] = {
        "", "\n", "old", "old \n", "old 1", "old 1\n", "old 01\n\n" NOTE,
        "old -1\n\n" NOTE, "old +1\n\n" NOTE, "old 1 \n\n" NOTE,
        "old  1\n\n" NOTE, "Old 1\n\n" NOTE, "old 1\r\n\r\n" NOTE,
        "old 72057594037927937\n\n" NOTE, "old 99999999999999999999\n\n" NOTE,
        "old 1\n" NOTE, "old 1\nAAAA\n\n" NOTE, "old 1\n " HASH "\n" NOTE,
        "old 1\n" HASH HASH, "size 1\n\n" NOTE
    };

    memset(&b, 0, sizeof(b));
    is_int(debar_witness_parse(&asked, ASKED, strlen(ASKED), &fault), DEBAR_OK,
           "the specification's example is read");
    ok(asked.old == 20852014 && asked.n == 4 && asked.proof[3][0] == 0xff,
       "old size and proof");
    is_mem(asked.note.data, asked.note.len, NOTE, "and the checkpoint");
    debar_witness_text(&b, &asked);
    is_mem(b.data, b.len, ASKED, "and it is written again");
    b.len = 0;

    is_int(parse("old 0\n\n" NOTE, strlen("old 0\n\n" NOTE)), DEBAR_OK,
           "nothing is known, and no proof");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(parse(bad[i], strlen(bad[i])) == DEBAR_ERROR,
           "request %zu is refused: %s", i, fault.text);
    }

    for (n = 63; n <= 64; n++) {
        strcpy(text, "old 1\n");

        for (i = 0; i < n; i++) {
            strcat(text, HASH);
        }

        strcat(text, "\nx");
        is_int(parse(text, strlen(text)), n == 63 ? DEBAR_OK : DEBAR_ERROR,
               n == 63 ? "63 hashes are read" : "64 are not");
    }

    is_int(debar_witness_known(&size, "20852014\n", 9), DEBAR_OK,
           "what a witness knows is read");
    ok(size == 20852014, "as a number");
    is_int(debar_witness_known(&size, "20852014", 8), DEBAR_ERROR,
           "with its newline");
    is_int(debar_witness_known(&size, "1\n\n", 3), DEBAR_ERROR, "of one");
    is_int(debar_witness_known(&size, "", 0), DEBAR_ERROR, "not nothing");
    debar_buf_free(&b);
}


/* --- a log of 9 leaves, and another that differs from its fourth on ------- */

static debar_hash_t  leaves[2][LEAVES];


static void
root_of(debar_hash_t out, const debar_hash_t *d, size_t n)
{
    size_t        k;
    debar_hash_t  l, r;

    if (n == 0) {
        debar_merkle_empty(hasher, out);
        return;
    }

    if (n == 1) {
        memcpy(out, d[0], DEBAR_HASH);
        return;
    }

    for (k = 1; k * 2 < n; k *= 2) { /* void */ }

    root_of(l, d, k);
    root_of(r, d + k, n - k);
    debar_merkle_node(hasher, out, (const uint8_t *) l, (const uint8_t *) r);
}


/* SUBPROOF of RFC 6962 s.2.1.2 */

static void
proof_of(size_t m, const debar_hash_t *d, size_t n, int whole)
{
    size_t  k;

    if (m == n) {
        if (!whole) {
            root_of(asked.proof[asked.n++], d, n);
        }

        return;
    }

    for (k = 1; k * 2 < n; k *= 2) { /* void */ }

    if (m <= k) {
        proof_of(m, d, k, whole);
        root_of(asked.proof[asked.n++], d + k, n - k);

    } else {
        proof_of(m - k, d + k, n - k, 0);
        root_of(asked.proof[asked.n++], d, k);
    }
}


static EVP_PKEY                *private[2];
static debar_vkey_t             keys[2];
static debar_witness_log_t      known;
static debar_witness_answer_t   answer;


/* Asks, with the proof of the tree itself; which: of the two logs. */

static unsigned
ask(int which, uint64_t old, uint64_t size, int key)
{
    debar_buf_t         body, note;
    debar_checkpoint_t  c;

    memset(&c, 0, sizeof(c));
    memset(&body, 0, sizeof(body));
    memset(&note, 0, sizeof(note));
    strcpy(c.origin, "log.example/1");
    c.size = size;
    root_of(c.root, (const debar_hash_t *) leaves[which], size);
    (void) debar_checkpoint_sign(&note, &c, &keys[key], private[key], &fault);

    asked.old = old;
    asked.n = 0;
    asked.note = debar_str(note.data, note.len);

    if (old && old < size) {
        proof_of(old, (const debar_hash_t *) leaves[which], size, 1);
    }

    debar_witness_text(&body, &asked);
    debar_witness_judge(&answer, hasher, &known, 1, body.data, body.len);

    if (answer.status == 200) {
        known.size = answer.checkpoint.size;
        memcpy(known.root, answer.checkpoint.root, DEBAR_HASH);
    }

    debar_buf_free(&body);
    debar_buf_free(&note);

    return answer.status;
}


static void
decisions(void)
{
    size_t    i, k, n;
    uint8_t   pub[32];
    unsigned  wrong;

    for (k = 0; k < 2; k++) {
        private[k] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        n = sizeof(pub);
        EVP_PKEY_get_raw_public_key(private[k], pub, &n);
        debar_vkey_set(&keys[k], "log.example/1", 13, pub);

        for (i = 0; i < LEAVES; i++) {
            memset(leaves[k][i], (int) (i + (i > 2 ? 100 * k : 0)), DEBAR_HASH);
        }
    }

    known.keys[0] = keys[0];
    known.nkeys = 1;

    is_int(ask(0, 0, 0, 0), 200, "an empty log");
    is_int(ask(0, 0, 3, 0), 200, "the first checkpoint is taken as it comes");
    is_int(ask(0, 0, 5, 0), 409, "behind it, what is known has to be named");
    ok(!answer.forked, "which is no fork");
    is_int(ask(0, 3, 5, 0), 200, "then it goes on");
    is_int(ask(0, 5, 5, 0), 200, "the same once more");
    is_int(ask(1, 5, 5, 0), 409, "another root for that size is refused");
    is_int((long long) answer.forked, 1, "as a fork");
    is_int(ask(1, 0, 5, 0), 409, "whatever it says is known");
    is_int((long long) answer.forked, 1, "is a fork, too");
    is_int(ask(1, 3, 5, 0), 409, "also by a size that was");
    is_int(ask(1, 5, 9, 0), 422, "a larger one of the fork has no proof");
    is_int(ask(0, 5, 4, 0), 400, "a checkpoint goes not back");
    is_int(ask(0, 4, 4, 0), 409, "even where it is honest of it");
    is_int(ask(0, 5, 9, 1), 403, "another key of that name is no key");
    is_int(ask(0, 5, 9, 0), 200, "and all that changed nothing");

    /* every pair of sizes; and one hash more, less, or another */

    for (wrong = 0, i = 1; i < LEAVES; i++) {
        for (k = i; k <= LEAVES; k++) {
            known.size = i;
            root_of(known.root, (const debar_hash_t *) leaves[0], i);
            wrong += ask(0, i, k, 0) != 200;
        }
    }

    is_int((long long) wrong, 0, "each size goes on to each later one");

    known.size = 0;
    is_int(ask(1, 0, 4, 0), 200, "a witness that has nothing takes either");

    known.nkeys = 0;
    is_int(ask(0, 4, 9, 0), 404, "of a log without keys it knows nothing");

    for (k = 0; k < 2; k++) {
        EVP_PKEY_free(private[k]);
    }
}


/* What a proof is not: with the first hash only, or one more. */

static void
proofs(void)
{
    debar_buf_t         note, body;
    debar_checkpoint_t  c;
    debar_vkey_t        key;
    EVP_PKEY           *pkey;
    uint8_t             pub[32];
    size_t              n;
    int                 i;

    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    n = sizeof(pub);
    EVP_PKEY_get_raw_public_key(pkey, pub, &n);
    debar_vkey_set(&key, "log.example/1", 13, pub);
    known.keys[0] = key;
    known.nkeys = 1;
    known.size = 3;
    root_of(known.root, (const debar_hash_t *) leaves[0], 3);

    memset(&c, 0, sizeof(c));
    memset(&note, 0, sizeof(note));
    memset(&body, 0, sizeof(body));
    strcpy(c.origin, "log.example/1");
    c.size = 7;
    root_of(c.root, (const debar_hash_t *) leaves[0], 7);
    (void) debar_checkpoint_sign(&note, &c, &key, pkey, &fault);

    for (i = 0; i < 4; i++) {
        asked.old = 3;
        asked.n = 0;
        asked.note = debar_str(note.data, note.len);
        proof_of(3, (const debar_hash_t *) leaves[0], 7, 1);

        if (i == 1) {
            asked.n--;

        } else if (i == 2) {
            memset(asked.proof[asked.n++], 0, DEBAR_HASH);

        } else if (i == 3) {
            asked.proof[1][31] ^= 1;
        }

        body.len = 0;
        debar_witness_text(&body, &asked);
        debar_witness_judge(&answer, hasher, &known, 1, body.data, body.len);
        is_int((long long) answer.status, i ? 422 : 200,
               i == 0 ? "a proof holds" : i == 1 ? "a hash less does not"
               : i == 2 ? "nor one more" : "nor another");
    }

    known.size = 0;
    asked.old = 0;
    asked.n = 1;
    body.len = 0;
    debar_witness_text(&body, &asked);
    debar_witness_judge(&answer, hasher, &known, 1, body.data, body.len);
    is_int((long long) answer.status, 422, "from nothing there is no proof");

    debar_buf_free(&note);
    debar_buf_free(&body);
    EVP_PKEY_free(pkey);
}


int
main(void)
{
    hasher = debar_hasher_new();
    requests();
    decisions();
    proofs();
    debar_hasher_free(hasher);

    return done();
}
