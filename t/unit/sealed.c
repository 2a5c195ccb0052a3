/*
 * What the sealer writes beside the log, and checkpoints.
 */

#include "tap.h"
#include "checkpoint.h"
#include "sealed.h"

#include <stdlib.h>
#include <openssl/evp.h>


static debar_fault_t  fault;


static void
lines(void)
{
    char    *big;
    size_t   len, n, i, cut;

    is_int((long long) debar_sealed_line("ab\ncd", 5, 0, &len), 3,
           "a line and its newline");
    is_int((long long) len, 2, "is two bytes");
    is_int((long long) debar_sealed_line("cd", 2, 0, &len), 0,
           "what has no newline waits");
    is_int((long long) debar_sealed_line("cd", 2, 1, &len), 2,
           "and is a line at the end of a file");
    is_int((long long) debar_sealed_line("\n", 1, 0, &len), 1,
           "an empty line is one");
    is_int((long long) len, 0, "of no bytes");
    is_int((long long) debar_sealed_line("", 0, 1, &len), 0,
           "nothing is none");

    n = 2 * DEBAR_SEALED_LINE + 10;
    big = malloc(n + 1);
    memset(big, 'x', n);
    big[n] = '\n';

    is_int((long long) debar_sealed_line(big, DEBAR_SEALED_LINE, 0, &len), 0,
           "a line of the largest size waits for its newline");

    for (cut = 0, i = 0; i <= n && cut < 10; cut++) {
        i += debar_sealed_line(big + i, n + 1 - i, 0, &len);
    }

    is_int((long long) cut, 3, "a longer one is several leaves");
    is_int((long long) len, 10, "the last has what is left");
    free(big);

    ok(!debar_sealed_torn("{}", 2), "an object is whole");
    ok(debar_sealed_torn("{\"a\":1", 6), "its beginning is torn");
    ok(debar_sealed_torn("\"a\":1}", 6), "its end as well");
    ok(debar_sealed_torn("", 0), "nothing, too");
}


static void
files(void)
{
    size_t               i;
    char                 name[DEBAR_SEALED_NAME];
    debar_buf_t          b;
    debar_sealed_file_t  f, g;

    debar_sealed_file_name(name, 7);
    is_str(name, "audit-00000007.jsonl", "the name of a file");
    is_int((long long) debar_sealed_number(name, strlen(name)), 7,
           "and its number");
    is_int((long long) debar_sealed_number("audit.jsonl", 11), 0,
           "the live file has none");
    is_int((long long) debar_sealed_number("audit-7.jsonl", 13), 0,
           "nor has what we do not write");
    is_int((long long) debar_sealed_number("audit-00000000.jsonl", 20), 0,
           "nor zero");

    memset(&f, 0, sizeof(f));
    memset(&b, 0, sizeof(b));
    f.number = 12;
    f.first = 100;
    f.lines = 23;
    f.bytes = 4567;
    f.closed = 1795338000;
    memset(f.sha256, 0xab, 32);
    debar_sealed_file_text(&b, &f);

    is_mem(b.data, b.len, "{\"file\":\"audit-00000012.jsonl\",\"first\":100,"
           "\"lines\":23,\"bytes\":4567,\"sha256\":\"abababababababababababab"
           "abababababababababababababababababababab\",\"secret\":"
           "\"audit-00000012\",\"closed\":\"2026-11-22T09:00:00Z\"}\n",
           "the line of a file");
    is_int(debar_sealed_file_parse(&g, "files", b.data, b.len - 1, &fault),
           DEBAR_OK, "is read");
    ok(memcmp(&f, &g, sizeof(f)) == 0, "as it was");

    for (i = 0; i < b.len - 1; i++) {
        if (debar_sealed_file_parse(&g, "files", b.data, i, &fault)
            != DEBAR_ERROR)
        {
            break;
        }
    }

    is_int((long long) i, (long long) b.len - 1, "no beginning of it is one");

    b.len = 0;
    f.deleted = 1795338001;
    debar_sealed_file_text(&b, &f);
    is_int(debar_sealed_file_parse(&g, "files", b.data, b.len - 1, &fault),
           DEBAR_OK, "that of a deleted one, too");
    is_int(g.deleted, 1795338001, "with its time");
    debar_buf_free(&b);
}


static void
state(void)
{
    size_t                i;
    debar_buf_t           b;
    debar_sealed_state_t  s, t;

    memset(&s, 0, sizeof(s));
    memset(&b, 0, sizeof(b));
    s.size = 123;
    s.number = 2;
    s.first = 100;
    s.lines = 23;
    s.bytes = 9999;
    s.time = 1795338000;
    debar_sealed_state_text(&b, &s);
    ok(b.len < DEBAR_SEALED_TEXT, "the state is small");
    is_int(debar_sealed_state_parse(&t, "state", b.data, b.len, &fault),
           DEBAR_OK, "and read");
    ok(memcmp(&s, &t, sizeof(s)) == 0, "as it was");

    for (i = 0; i < b.len; i++) {
        if (debar_sealed_state_parse(&t, "state", b.data, i, &fault)
            != DEBAR_ERROR)
        {
            break;
        }
    }

    is_int((long long) i, (long long) b.len, "no beginning of it is one");

    b.len = 0;
    s.lines = 22;
    debar_sealed_state_text(&b, &s);
    is_int(debar_sealed_state_parse(&t, "state", b.data, b.len, &fault),
           DEBAR_ERROR, "leaves of nobody are refused");
    debar_buf_free(&b);
}


static void
checkpoints(void)
{
    uint8_t              pub[32];
    size_t               n, i;
    int64_t              took;
    EVP_PKEY            *key;
    debar_buf_t          b, all;
    debar_str_t          note;
    debar_vkey_t         v, w;
    debar_checkpoint_t   c, d;

    static const char  name[] = DEBAR_CHECKPOINT_ORIGIN "gw1";

    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    n = sizeof(pub);
    EVP_PKEY_get_raw_public_key(key, pub, &n);
    debar_vkey_set(&v, name, strlen(name), pub);

    memset(&c, 0, sizeof(c));
    memset(&b, 0, sizeof(b));
    memset(&all, 0, sizeof(all));
    strcpy(c.origin, name);
    c.size = 1000;
    memset(c.root, 0x11, 32);

    debar_checkpoint_text(&b, &c);
    is_mem(b.data, b.len, "debar-audit/gw1\n1000\n"
           "ERERERERERERERERERERERERERERERERERERERERERE=\n", "its text");
    b.len = 0;

    is_int(debar_checkpoint_sign(&b, &c, &v, key, &fault), DEBAR_OK,
           "a checkpoint is signed");
    is_int(debar_checkpoint_read(&d, "checkpoint", b.data, b.len, &v, &fault),
           DEBAR_OK, "and verified");
    ok(d.size == 1000 && memcmp(c.root, d.root, 32) == 0
       && strcmp(d.origin, name) == 0, "as it was");

    w = v;
    strcpy(w.name, "debar-audit/gw2");
    is_int(debar_checkpoint_read(&d, "checkpoint", b.data, b.len, &w, &fault),
           DEBAR_ERROR, "another key did not sign it");
    ok(strstr(fault.text, "debar-audit/gw2") != NULL, "which is said");

    debar_checkpoints_add(&all, debar_str(b.data, b.len));
    debar_checkpoints_add(&all, debar_str(b.data, b.len));
    took = debar_checkpoints_next(&note, all.data, all.len);
    ok(took == (int64_t) all.len / 2 && note.len == b.len
       && memcmp(note.data, b.data, b.len) == 0, "one of many is found");
    is_int(debar_checkpoints_next(&note, all.data + all.len, 0), 0,
           "and the end");

    for (i = 1; i < (size_t) took; i++) {
        if (debar_checkpoints_next(&note, all.data, i) != -1) {
            break;
        }
    }

    is_int((long long) i, took, "a torn one is recognised, wherever");

    b.data[b.len - 10] ^= 1;
    is_int(debar_checkpoint_read(&d, "checkpoint", b.data, b.len, &v, &fault),
           DEBAR_ERROR, "a changed signature is none");

    is_int(debar_checkpoint_parse(&d, "c", debar_str("a\n01\nAA==\n", 10),
                                  &fault), DEBAR_ERROR,
           "numbers have no zero before them");

    debar_buf_free(&b);
    debar_buf_free(&all);
    EVP_PKEY_free(key);
}


int
main(void)
{
    lines();
    files();
    state();
    checkpoints();

    return done();
}
