/*
 * Bodies of any bytes, judged (libFuzzer): the first byte says how they are
 * labelled, the second in what pieces they come, the third where they go.
 * Nothing may run out of its room; a body that came in pieces is a block where
 * it is one as a whole.
 */

#include "../unit/fixture.h"
#include "body.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static debar_list_t  *list;

static const char *const  types[] = {
    "", "application/x-www-form-urlencoded", "application/json", "text/xml",
    "application/edi-x12", "application/edifact", "text/csv",
    "multipart/form-data; boundary=b"
};

static const char *const  targets[] = {
    "/cart/add", "/as2", "/search", "/api/submit"
};


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
judge(debar_verdict_t *v, const debar_facts_t *f, const char *type,
    const char *p, size_t len, size_t step)
{
    size_t               i, n;
    debar_body_t        *b;
    debar_peel_input_t   in;

    memset(&in, 0, sizeof(in));
    in.name = debar_str("body", 4);
    in.content_type = debar_str(type, strlen(type));

    debar_judge(list, f, v);
    b = debar_body_new(list, f, v, &in, NULL, NULL);
    claim(b != NULL);

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;

        if (debar_body_push(b, p + i, n) == DEBAR_DECLINED) {
            break;
        }
    }

    debar_body_finish(b, v);
    debar_body_free(b);

    claim(v->nevidence <= DEBAR_MAX_EVIDENCE);

    for (i = 0; i < v->nevidence; i++) {
        claim(memchr(v->evidence[i].where, '\0', DEBAR_WHERE) != NULL);
        claim(memchr(v->evidence[i].value, '\0', DEBAR_VALUE) != NULL);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char       *type;
    debar_facts_t     f;
    debar_verdict_t   v, w;

    if (size < 3) {
        return 0;
    }

    memset(&f, 0, sizeof(f));
    f.method = debar_str("POST", 4);
    f.scheme = debar_str("https", 5);
    f.authority = debar_str("shop.example", 12);
    f.target.data = targets[data[2] % 4];
    f.target.len = strlen(f.target.data);
    f.now = 1774000000;
    type = types[data[0] % 8];

    judge(&v, &f, type, (const char *) data + 3, size - 3, size);
    judge(&w, &f, type, (const char *) data + 3, size - 3, 1 + data[1]);

    claim(v.verdict != DEBAR_BLOCK || w.verdict == DEBAR_BLOCK);

    return 0;
}
