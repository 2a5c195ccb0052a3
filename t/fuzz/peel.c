/*
 * Peeling of any bytes (libFuzzer): the same events whatever the cuts, each
 * container ends, paths are plain, bounds hold.
 *
 * The first byte chooses a type, the second a coding, the third how the bytes
 * are cut.
 */

#include "peel.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  *types[] = {
    "", "text/plain", "application/x-www-form-urlencoded", "application/json",
    "text/xml", "text/html", "multipart/form-data; boundary=b",
    "multipart/mixed; boundary=\"b\"", "application/graphql",
    "application/edi-x12", "application/EDIFACT", "application/grpc",
    "application/x-protobuf", "application/zip", "application/pdf",
    "application/octet-stream", "text/csv", "text/plain; charset=utf-7",
    "text/plain; charset=utf-16", "text/xml; charset=windows-1251",
    "text/plain; charset=iso-2022-jp",
    "application/x-www-form-urlencoded; charset=gb18030",
    "application/json; charset=shift_jis", "application/x-plist"
};

static const char  *codings[] = {
    "", "gzip", "deflate", "br", "zstd", "base64", "quoted-printable", "hex",
    "gzip, deflate", "br, gzip, x", "base64, gzip"
};


typedef struct {
    uint64_t   hash;
    unsigned   open;
    unsigned   leaves;
    size_t     largest;
} tale_t;


static void
mix(tale_t *t, const void *data, size_t len)
{
    size_t          i;
    const uint8_t  *p = data;

    for (i = 0; i < len; i++) {
        t->hash = (t->hash ^ p[i]) * 0x100000001b3ULL;
    }

    t->hash = (t->hash ^ len) * 0x100000001b3ULL;
}


static int
told(void *data, const debar_peel_event_t *ev)
{
    size_t   i;
    tale_t  *t = data;

    for (i = 0; ev->path[i]; i++) {
        claim(ev->path[i] > 0x20 && ev->path[i] < 0x7f);
    }

    claim(i <= DEBAR_MAX_PEEL_PATH);
    claim(ev->nth >= 1);
    claim(ev->syntax < DEBAR_SYNTAXES);

    switch (ev->event) {

    case DEBAR_PEEL_BEGIN:
        claim(ev->depth == t->open);
        t->open++;
        break;

    case DEBAR_PEEL_END:
        claim(t->open > 0);
        t->open--;
        claim(ev->depth == t->open);
        break;

    default:
        claim(ev->event == DEBAR_PEEL_VALUE);
        claim(ev->depth == t->open && t->open > 0);
        t->leaves++;
        t->largest = ev->value.len > t->largest ? ev->value.len : t->largest;
    }

    mix(t, &ev->event, sizeof(ev->event));
    mix(t, &ev->syntax, sizeof(ev->syntax));
    mix(t, &ev->nth, sizeof(ev->nth));
    mix(t, ev->name.data, ev->name.len);
    mix(t, ev->value.data, ev->value.len);
    mix(t, ev->path, i);

    return DEBAR_OK;
}


static unsigned
run(tale_t *t, const debar_peel_input_t *in, const uint8_t *data, size_t size,
    size_t cut)
{
    char                 *copy;
    size_t                i, n;
    unsigned              bounds;
    debar_peel_t         *p;
    debar_peel_limits_t   limits;

    memset(&limits, 0, sizeof(limits));
    limits.leaves = 5000;
    limits.held = 65536;
    limits.nesting = 32;

    memset(t, 0, sizeof(*t));
    p = debar_peel_new(in, &limits, told, t);
    claim(p != NULL);

    for (i = 0; i < size; i += n) {
        n = cut && cut < size - i ? cut : size - i;
        copy = malloc(n);
        claim(copy != NULL);
        memcpy(copy, data + i, n);
        claim(debar_peel_push(p, copy, n) == DEBAR_OK);
        free(copy);
    }

    claim(debar_peel_finish(p) == DEBAR_OK);
    claim(t->open == 0);
    claim(t->leaves <= limits.leaves);

    bounds = debar_peel_bounds(p);
    claim(bounds == 0 || debar_peel_fault(bounds)[0]);
    debar_peel_free(p);

    return bounds;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               cut;
    tale_t               cuts, whole;
    const char          *coding, *type;
    unsigned             bounds;
    debar_peel_input_t   in;

    if (size < 3) {
        return 0;
    }

    type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
    coding = codings[data[1] % (sizeof(codings) / sizeof(codings[0]))];
    cut = data[2] < 128 ? 1 : data[2] - 126;

    memset(&in, 0, sizeof(in));
    in.content_type = debar_str(type, strlen(type));
    in.content_encoding = debar_str(coding, strlen(coding));
    in.syntax = data[1] == 255 ? DEBAR_SYNTAX_COOKIE : DEBAR_SYNTAX_TEXT;

    bounds = run(&whole, &in, data + 3, size - 3, 0);
    bounds |= run(&cuts, &in, data + 3, size - 3, cut);

    /* where expansion was ended depends on what had come */

    if (!(bounds & DEBAR_PEEL_EXPANDED)) {
        claim(whole.leaves == cuts.leaves && whole.hash == cuts.hash);
    }

    return 0;
}
