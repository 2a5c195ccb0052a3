/*
 * Peeling of any bytes (libFuzzer): the same events whatever the cuts, each
 * container ends, paths are plain, bounds hold.
 *
 * The first byte chooses a type, the second a coding, the third how the bytes
 * are cut.  Called by the name of one decoder or reader ("peel-gzip", a link),
 * it is a target for that one alone: then the first byte chooses among its
 * labels.
 */

#include "peel.h"

#include <stdlib.h>

#include <archive.h>
#include <archive_entry.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
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


/* Each decoder and reader: its labels, and what has to stand around the bytes
 * for them to come to it. */

#define LABELS  12

typedef struct {
    const char  *name;
    const char  *types[LABELS];
    const char  *codings[LABELS];
    unsigned     syntax;
    unsigned     office;          /* the bytes are members */
    const char  *before;
    const char  *after;
} kind_t;

#define FIELD                                                                 \
    { "multipart/form-data; boundary=b" }, .after = "\r\n--b--\r\n",          \
    .before = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"

static const kind_t  kinds[] = {
    { "percent", FIELD "%7B%22a%22%3A%22" },
    { "entities", FIELD "&lt;a&gt;" },
    { "data", FIELD "data:" },
    { "base64", .codings = { "base64", "base64, gzip" } },
    { "hex", .codings = { "hex" } },
    { "quoted", .codings = { "quoted-printable" } },
    { "gzip", .codings = { "gzip", "gzip, gzip" } },
    { "deflate", .codings = { "deflate", "zlib" } },
    { "brotli", .codings = { "br" } },
    { "zstd", .codings = { "zstd" } },
    { "charset", { "text/plain; charset=utf-16", "text/plain",
                   "text/xml; charset=windows-1251", "text/xml",
                   "application/json; charset=shift_jis",
                   "application/x-www-form-urlencoded; charset=gb18030",
                   "text/plain; charset=iso-2022-jp",
                   "text/plain; charset=ibm037",
                   "text/plain; charset=utf-32",
                   "text/csv; charset=big5",
                   "application/x-www-form-urlencoded; charset=euc-kr" } },
    { "utf7", { "text/plain; charset=utf-7", "text/xml; charset=utf-7",
                "application/x-www-form-urlencoded; charset=utf-7" } },
    { "form", { "application/x-www-form-urlencoded", "" } },
    { "multipart", { "multipart/form-data; boundary=b",
                     "multipart/mixed; boundary=\"b\"",
                     "multipart/related; type=\"text/xml\"; boundary=b",
                     "multipart/signed; boundary=b", "message/rfc822" } },
    { "json", { "application/json", "application/x-ndjson", "",
                "text/plain" } },
    { "words", FIELD "=?utf-8?q?" },
    { "token", FIELD "ey" },
    { "http", { "application/http", "application/http; msgtype=request" } },
    { "xml", { "text/xml", "application/soap+xml", "" } },
    { "plist", { "application/x-apple-plist", "text/xml" },
      .before = "<plist version=\"1.0\">" },
    { "graphql", { "application/graphql" } },
    { "x12", { "application/edi-x12", "" } },
    { "edifact", { "application/edifact", "" } },
    { "protobuf", { "application/x-protobuf", "application/grpc",
                    "application/grpc-web", "application/grpc-web-text" } },
    { "zip", { "application/zip" } },
    { "office", { "application/zip" }, .office = 1 },
    { "pdf", { "application/pdf" } },
    { "cookie", { "" }, .syntax = DEBAR_SYNTAX_COOKIE },
    { "html", { "text/html" } },
    { "http", { "application/http", "message/http" } },
    { "words", FIELD "=?utf-8?B?" },
    { "cms", { "application/pkcs7-mime" } },
    { "text", { "text/plain", "text/csv", "application/octet-stream",
                "text/tab-separated-values" } }
};

static const kind_t  *kind;


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


/* By what is behind the name's hyphen. */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    size_t       i;
    const char  *name;

    name = strrchr(*argv[0], '/');
    name = strchr(name ? name : *argv[0], '-');

    for (i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name + 1) == 0) {
            kind = &kinds[i];
        }
    }

    claim(name == NULL || kind != NULL);

    return 0;
}


/* Members of an archive, none compressed: what a first byte names, up to a zero.
 */

static size_t
members(uint8_t *out, size_t room, const uint8_t *data, size_t size)
{
    size_t                 len, used;
    const uint8_t         *end;
    struct archive        *a;
    struct archive_entry  *e;

    static const char  *paths[] = {
        "[Content_Types].xml", "word/document.xml", "word/footnotes.xml",
        "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "content.xml",
        "META-INF/manifest.xml", "mimetype", "ppt/slides/slide1.xml",
        "docProps/core.xml", "word/embeddings/a.bin", "a/b.txt"
    };

    used = 0;
    a = archive_write_new();
    archive_write_set_format_zip(a);
    archive_write_set_options(a, "zip:compression=store");
    archive_write_set_bytes_in_last_block(a, 1);
    archive_write_open_memory(a, out, room, &used);

    while (size > 1) {
        e = archive_entry_new();
        archive_entry_set_pathname(e, paths[*data % (sizeof(paths)
                                                     / sizeof(paths[0]))]);
        data++;
        size--;
        end = memchr(data, 0, size);
        len = end ? (size_t) (end - data) : size;

        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_size(e, (int64_t) len);
        archive_write_header(a, e);
        archive_write_data(a, data, len);
        archive_entry_free(e);

        data += len + (end != NULL);
        size -= len + (end != NULL);
    }

    archive_write_close(a);
    archive_write_free(a);

    return used;
}


/* The bytes as the kind has them; the caller frees them. */

static uint8_t *
wrap(const uint8_t *data, size_t *size)
{
    size_t    after, before, room;
    uint8_t  *out;

    before = kind && kind->before ? strlen(kind->before) : 0;
    after = kind && kind->after ? strlen(kind->after) : 0;
    room = before + *size + after + 1;

    if (kind && kind->office) {
        room += 4096 + *size * 128;
    }

    out = malloc(room);
    claim(out != NULL);

    if (kind && kind->office) {
        *size = members(out, room, data, *size);
        return out;
    }

    memcpy(out, before ? kind->before : "", before);
    memcpy(out + before, data, *size);
    memcpy(out + before + *size, after ? kind->after : "", after);
    *size += before + after;

    return out;
}


static const char *
label(const char *const *labels, unsigned n)
{
    unsigned  k;

    for (k = 0; k < LABELS && labels[k]; k++) { /* void */ }

    return k ? labels[n % k] : "";
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               cut;
    tale_t               cuts, whole;
    uint8_t             *bytes;
    const char          *coding, *type;
    unsigned             bounds;
    debar_peel_input_t   in;

    if (size < 3) {
        return 0;
    }

    memset(&in, 0, sizeof(in));
    in.syntax = data[1] == 255 ? DEBAR_SYNTAX_COOKIE : DEBAR_SYNTAX_TEXT;
    type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
    coding = codings[data[1] % (sizeof(codings) / sizeof(codings[0]))];

    if (kind) {
        in.syntax = kind->syntax;
        type = label(kind->types, data[0]);
        coding = label(kind->codings, data[0]);
    }

    cut = data[2] < 128 ? 1 : data[2] - 126;
    in.content_type = debar_str(type, strlen(type));
    in.content_encoding = debar_str(coding, strlen(coding));

    size -= 3;
    bytes = wrap(data + 3, &size);

    bounds = run(&whole, &in, bytes, size, 0);
    bounds |= run(&cuts, &in, bytes, size, cut);

    free(bytes);

    /* where expansion was ended depends on what had come */

    if (!(bounds & DEBAR_PEEL_EXPANDED)) {
        claim(whole.leaves == cuts.leaves && whole.hash == cuts.hash);
    }

    return 0;
}
