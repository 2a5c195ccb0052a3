/*
 * Deletions of files of a sealed log, and periods of policies.
 */

#include <string.h>
#include <time.h>
#include <openssl/evp.h>

#include "period.h"
#include "sealed_deletion.h"
#include "tap.h"


static const char  files[] =
    "{\"file\":\"audit-00000001.jsonl\",\"first\":0,\"lines\":3,\"bytes\":9,"
    "\"sha256\":\"00\"}\n";


static void
periods(void)
{
    size_t      i;
    char        text[24], claim[80];
    time_t      when;
    int64_t     t, now;
    struct tm   tm;

    static const struct {
        const char  *now;
        const char  *period;
        const char  *then;        /* NULL: refused */
    } cases[] = {
        { "2026-03-31T10:00:00", "1mo",    "2026-02-28T10:00:00" },
        { "2024-03-31T10:00:00", "1mo",    "2024-02-29T10:00:00" },
        { "2026-11-22T09:00:00", "12mo",   "2025-11-22T09:00:00" },
        { "2026-11-22T09:00:00", "30mo",   "2024-05-22T09:00:00" },
        { "2024-02-29T09:00:00", "1y",     "2023-02-28T09:00:00" },
        { "2026-01-15T09:00:00", "2w",     "2026-01-01T09:00:00" },
        { "2026-01-15T09:00:00", "400d",   "2024-12-11T09:00:00" },
        { "2026-01-15T09:00:00", "100y",   "1926-01-15T09:00:00" },
        { "2026-01-15T09:00:00", "36525d", "1926-01-15T09:00:00" },
        { "2026-01-15T09:00:00", "36526d", NULL },
        { "2026-01-15T09:00:00", "101y",   NULL },
        { "2026-01-15T09:00:00", "1201mo", NULL },
        { "2026-01-15T09:00:00", "",       NULL },
        { "2026-01-15T09:00:00", "12",     NULL },
        { "2026-01-15T09:00:00", "mo",     NULL },
        { "2026-01-15T09:00:00", "0mo",    NULL },
        { "2026-01-15T09:00:00", "012mo",  NULL },
        { "2026-01-15T09:00:00", "-1d",    NULL },
        { "2026-01-15T09:00:00", "1 mo",   NULL },
        { "2026-01-15T09:00:00", "1month", NULL },
        { "2026-01-15T09:00:00", "99999999999999999999d", NULL },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        memset(&tm, 0, sizeof(tm));
        (void) strptime(cases[i].now, "%Y-%m-%dT%H:%M:%S", &tm);
        now = (int64_t) timegm(&tm);
        text[0] = '\0';

        if (debar_period_before(&t, now, cases[i].period,
                                strlen(cases[i].period)) == DEBAR_OK)
        {
            when = (time_t) t;
            (void) strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S",
                            gmtime_r(&when, &tm));
        }

        snprintf(claim, sizeof(claim), "%s less \"%s\"", cases[i].now,
                 cases[i].period);
        is_str(text, cases[i].then ? cases[i].then : "", claim);
    }
}


static void
notes(void)
{
    char                     bad[512];
    size_t                   i, n, len;
    uint8_t                  pub[32];
    EVP_PKEY                *key;
    debar_buf_t              b;
    debar_vkey_t             vkey, other;
    debar_fault_t            fault;
    debar_sealed_deletion_t  d, back;

    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    len = sizeof(pub);
    ok(key && EVP_PKEY_get_raw_public_key(key, pub, &len) == 1
       && debar_vkey_set(&vkey, "debar-audit/gw1", 15, pub) == DEBAR_OK
       && debar_vkey_set(&other, "debar-audit/gw2", 15, pub) == DEBAR_OK,
       "a key");

    memset(&d, 0, sizeof(d));
    strcpy(d.origin, "debar-audit/gw1");
    d.size = 1234;
    strcpy(d.policy, "12mo");
    strcpy(d.by, "uid 0");
    d.files = debar_str(files, sizeof(files) - 1);
    memset(&b, 0, sizeof(b));

    ok(debar_sealed_deletion_sign(&b, &d, &vkey, key, &fault) == DEBAR_OK,
       "a deletion is signed");
    ok(debar_sealed_deletion_read(&back, "x", b.data, b.len, &vkey, &fault)
       == DEBAR_OK, "and read by its key");
    ok(back.size == 1234 && strcmp(back.origin, d.origin) == 0
       && strcmp(back.policy, "12mo") == 0 && strcmp(back.by, "uid 0") == 0
       && back.files.len == sizeof(files) - 1
       && memcmp(back.files.data, files, back.files.len) == 0,
       "with all of it");
    ok(debar_sealed_deletion_read(&back, "x", b.data, b.len, &other, &fault)
       == DEBAR_ERROR, "another key's it is not");

    for (n = 0, i = 0; i < b.len && b.len < sizeof(bad); i++) {
        memcpy(bad, b.data, b.len);
        bad[i] ^= 1;
        n += debar_sealed_deletion_read(&back, "x", bad, b.len, &vkey, &fault)
             == DEBAR_OK;
    }

    ok(i == b.len && n == 0, "no byte of it can be changed");

    /* a note of another log by the same key */

    b.len = 0;
    strcpy(d.origin, "debar-audit/gw3");
    ok(debar_sealed_deletion_sign(&b, &d, &vkey, key, &fault) == DEBAR_OK
       && debar_sealed_deletion_read(&back, "x", b.data, b.len, &vkey, &fault)
          == DEBAR_ERROR, "one of another log is refused");

    debar_buf_free(&b);
    EVP_PKEY_free(key);
}


static void
texts(void)
{
    size_t                   i;
    debar_fault_t            fault;
    debar_sealed_deletion_t  d;

    static const char *const  bad[] = {
        "",
        "debar audit deletion\n",
        "debar-audit/gw1\n12\npolicy 1y\nby x\n{}\n",
        "debar audit deletion\n\n12\npolicy 1y\nby x\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n\npolicy 1y\nby x\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n012\npolicy 1y\nby x\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n1x\npolicy 1y\nby x\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n99999999999999999\npolicy 1y\n"
        "by x\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n12\nby x\npolicy 1y\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n12\npolicy \nby x\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n12\npolicy \033[2J\nby x\n{}\n",
        "debar audit deletion\ndebar-audit/gw1\n12\npolicy 1y\nby x\n",
        "debar audit deletion\ndebar-audit/gw1\n12\npolicy 1y\nby x\n{}",
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(debar_sealed_deletion_parse(&d, "x", debar_str(bad[i],
                                                          strlen(bad[i])),
                                       &fault) == DEBAR_ERROR,
           "no deletion: case %zu", i);
    }
}


int
main(void)
{
    periods();
    notes();
    texts();

    return done();
}
