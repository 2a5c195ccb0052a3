/*
 * Answers of any bytes (libFuzzer): the first byte is the label, the second the
 * size of the pieces, the third the coding.  Nothing may run out of its room,
 * a field that is held has its bound, an answer that came in pieces has the
 * verdict that it has as a whole, and the cart of a page begins at the same
 * byte however it is cut.
 */

#include "../unit/fixture.h"
#include "response.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static debar_list_t  *list;

static const char *const  types[] = {
    "", "text/html", "text/html; charset=utf-16", "text/xml",
    "application/json", "application/xhtml+xml", "text/plain",
    "multipart/form-data; boundary=b"
};

static const char *const  codings[] = { "", "gzip", "br", "zstd" };


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char  folder[] = "/tmp/debar-fuzz-XXXXXX";

    if (mkdtemp(folder) == NULL) {
        abort();
    }

    fixture_put(folder, "list.yaml", "title: T\npublisher: T\ntimezone: UTC\n"
                "serial: 1\nauthorities:\n  law:\n    title: A law\n"
                "    phases: [{from: 2018-10-01, acquire: block}]\n");
    fixture_put(folder, "vendors/acme.yaml", "id: acme\nname: Acme\n"
                "authorities: [law]\n"
                "names: [{text: Acmesoft, match: anywhere}]\n"
                "part-numbers: [AC4711XY]\n");

    list = fixture_open(folder);

    return 0;
}


static void
judge(debar_verdict_t *v, const uint8_t *data, size_t len, size_t step)
{
    int                  rc, last;
    char                *copy;
    size_t               i, n;
    debar_facts_t        f;
    debar_response_t    *rs;
    debar_peel_input_t   in;

    memset(&f, 0, sizeof(f));
    memset(&in, 0, sizeof(in));

    f.method = debar_str("GET", 3);
    f.scheme = debar_str("https", 5);
    f.authority = debar_str("shop.example", 12);
    f.target = debar_str("/return", 7);
    f.now = 1774000000;
    in.content_type = debar_str(types[data[0] % 8],
                                strlen(types[data[0] % 8]));
    in.content_encoding = debar_str(codings[data[2] % 4],
                                    strlen(codings[data[2] % 4]));

    debar_judge(list, &f, v);
    rs = debar_response_new(list, &f, v, &in, NULL, 2048, NULL);
    claim(rs != NULL);

    rc = DEBAR_OK;

    for (i = 3; i < len && rc != DEBAR_DECLINED; i += n) {
        n = len - i < step ? len - i : step;
        copy = malloc(n);
        memcpy(copy, data + i, n);
        last = rc;
        rc = debar_response_push(rs, copy, n);
        free(copy);

        /* what waits does so until there is a verdict */

        claim(last != DEBAR_HOLD || rc != DEBAR_OK);
    }

    (void) debar_response_cxml(rs);
    debar_response_finish(rs, 0, v);
    debar_response_free(rs);

    /* a glance at all of it says no more than that */

    claim(v->verdict != DEBAR_BLOCK || in.content_encoding.len
          || !debar_response_nothing(&in, (char *) data + 3, len - 3, 1));

    claim(v->nevidence <= DEBAR_MAX_EVIDENCE);

    for (i = 0; i < v->nevidence; i++) {
        claim(memchr(v->evidence[i].where, '\0', DEBAR_WHERE) != NULL);
        claim(memchr(v->evidence[i].value, '\0', DEBAR_VALUE) != NULL);
    }
}


/* How many bytes of a page, which has begun, go on before a cart is seen. */

static size_t
let(const uint8_t *data, size_t len, size_t step, debar_verdict_t *v)
{
    char                *copy;
    size_t               i, n;
    debar_facts_t        f;
    debar_response_t    *rs;
    debar_peel_input_t   in;

    static const char  begin[] = "<html><body><form>";

    memset(&f, 0, sizeof(f));
    memset(&in, 0, sizeof(in));

    f.authority = debar_str("shop.example", 12);
    f.target = debar_str("/return", 7);
    f.now = 1774000000;
    in.content_type = debar_str("text/html", 9);

    debar_judge(list, &f, v);
    rs = debar_response_new(list, &f, v, &in, NULL, 2048, NULL);
    claim(rs != NULL);
    claim(debar_response_push(rs, begin, sizeof(begin) - 1) == DEBAR_OK);

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;
        copy = malloc(n);
        memcpy(copy, data + i, n);

        if (debar_response_push(rs, copy, n) != DEBAR_OK) {
            free(copy);
            break;
        }

        free(copy);
    }

    debar_response_finish(rs, 0, v);
    debar_response_free(rs);

    return i;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           n, step;
    debar_verdict_t  v, w;

    if (size < 4) {
        return 0;
    }

    judge(&v, data, size, size);
    judge(&w, data, size, 1 + data[1]);

    claim(v.verdict != DEBAR_BLOCK || w.verdict == DEBAR_BLOCK);

    data += 3;
    size -= 3;
    n = let(data, size, 1, &v);

    for (step = 2; step < 16; step += 3) {
        claim(let(data, size, step, &w)
              == (n < size ? n / step * step : size));
    }

    claim(let(data, size, size, &w) == (n < size ? 0 : size));

    return 0;
}
