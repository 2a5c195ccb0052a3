/*
 * Bodies judged with the lean pass and without (libFuzzer): what it says
 * nothing of must be what the engine finds nothing in.  The first byte says
 * how they are labelled, the second where they go, the third in what pieces
 * they come.
 *
 * Bytes alone hardly ever make what is listed: some of what is put in is.
 */

#include "../unit/fixture.h"
#include "../unit/leaner.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
    unsigned seed);


static debar_list_t  *list;

static const char *const  types[] = {
    "application/x-www-form-urlencoded", "application/json", "text/xml",
    "", "application/soap+xml; charset=utf-8", "application/graphql+json",
    "application/x-www-form-urlencoded; charset=utf-7", "text/plain"
};

static const char *const  targets[] = {
    "/cart/add", "/as2", "/search", "/api/submit"
};

static const char *const  bodies[] = {
    "sku=100&qty=2&name=Desk+lamp%2C+black&note=Paper+%26+Mill+Co.&x[0][id]=7",
    "{\"order\": {\"id\": \"PO-1\", \"lines\": [{\"sku\": \"NF-0123/A\", "
    "\"qty\": 2, \"price\": 1.5, \"name\": \"Lamp (LED)\"}, {\"sku\": null}]}}",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<cXML payloadID=\"1\"><Request>"
    "<OrderRequest><ItemOut quantity=\"1\"><ItemID><SupplierPartID>77"
    "</SupplierPartID></ItemID><ItemDetail><Description xml:lang=\"en\">"
    "tape &amp; cord</Description></ItemDetail></ItemOut></OrderRequest>"
    "</Request></cXML>",
    "{\"name\": \"part\", \"value\": \"x\", \"files\": [\"a.exe\"], \"url\": "
    "\"www.other.example/a?b=c\", \"package\": \"com.other\"}"
};

static const char *const  pieces[] = {
    "acmesoft", "Acme Rocket", "acme", "rocket", " science", "a c m e s o f t",
    "AC4711XY", "AC-4711-XY", "AC 47", "11XY", "abcdefgh", "abcd-efgh", "ZQ1234",
    "zq-12-34", "5060486858538", "5060486-858538", "5060486 858 538",
    "com.acme.guard", "acme1.exe", "c:\\acme1.exe", "acme.example",
    "http://acme.example/x", "https:\\\\acme.example", "//acme.example/",
    "192.0.2.7", "3221225991.x", "shop.example/acme", "QWNtZXNvZnQ=",
    "QWNtZXNvZnQ", "41636d65736f6674", "%41cmesoft", "acme%2573oft", "%",
    "&#115;", "&amp;", "&lt;", "&", "\\u0061", "\\u0041cmesoft", "\\n", "\\\"",
    "\\", "{\"sku\":\"AC4711XY\"}", "<a>acmesoft</a>", "a=b&c=d", "%7B%22a%22%3A",
    "data:,acmesoft", "mutation{a(b:\"acmesoft\")}", "\xd0\xb0" "cmesoft", "\xc3\xbc",
    "&sku=", "&url=", "&file=", "&doc=", "&ean=", "&value=", ";", "+", "=",
    "\"sku\": \"", "\"url\": \"", "\"file\": \"", "\"ean\": \"", "\"", ", ", ": ",
    "<b>", "</b>", "<sku>", "</sku>", "<URL>", "</URL>", "<!--", "-->", "<![CDATA[",
    "777001", "{\"requests\":[{\"method\":\"POST\",\"url\":\"/acme1.exe\"}]}",
    "\"method\": \"GET\", \"path\": \"/u/acmesoft\"", "\"requests\": [",
    "]]>", "<b/>", "=?utf-8?Q?acmesoft?=", "42[\"acmesoft\"]", "cb({\"a\":",
    "eyJhIjoiYiJ9.eyJhIjoiYWNtZXNvZnQifQ.c2ln", " sku=\"", "[", "]", "{", "}", "\r\n", "\t", "\x01", "\x7f",
    "<!DOCTYPE a [<!ENTITY s \"soft\">]>", "&s;", "encoding=\"utf-16\"", "ISA*00*"
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
                "    phases: [{from: 2018-10-01, browse: log, acquire: block,"
                " download: block, update: block}]\n");
    fixture_put(folder, "vendors/acme.yaml", "id: acme\nname: Acme\n"
                "authorities: [law]\n"
                "names: [{text: Acmesoft, match: anywhere}, Acme Rocket]\n"
                "not-names: [Acme Rocket Science]\n"
                "hosts: [acme.example]\n"
                "urls: [shop.example/acme]\n"
                "networks: [192.0.2.0/24]\n"
                "files: [\"acme*.exe\"]\n"
                "part-numbers: [AC4711XY, ABCDEFGH, {pattern:"
                " \"ZQ[0-9]{4}\"}]\n"
                "gtins: [\"5060486858538\"]\n"
                "packages: {android: [com.acme.guard], shop:"
                " [\"shop.example/777001\"]}\n");

    list = fixture_open(folder);

    return 0;
}


/* A piece in base64 or hex, behind a letter or two of any kind. */

static size_t
encoded(char *out, const char *s, unsigned seed)
{
    char      in[64];
    size_t    i, n, k;
    uint32_t  v;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    n = snprintf(in, sizeof(in), "%.*s%s", (int) (seed >> 7) % 3, "\x7b\x22"
                 + (seed & 1), s);
    n = n < sizeof(in) ? n : sizeof(in) - 1;
    in[0] = seed & 2 ? ' ' + (seed >> 9) % 95 : in[0];

    for (i = 0, k = 0; i < n; i += 3) {

        if (seed & 4) {
            k += sprintf(out + k, "%02x", (uint8_t) in[i]);
            i -= 2;
            continue;
        }

        v = (uint8_t) in[i] << 16 | (i + 1 < n ? (uint8_t) in[i + 1] << 8 : 0)
            | (i + 2 < n ? (uint8_t) in[i + 2] : 0);
        out[k++] = digits[v >> 18];
        out[k++] = digits[v >> 12 & 63];
        out[k++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
        out[k++] = i + 2 < n ? digits[v & 63] : '=';
    }

    out[k] = '\0';

    return k;
}


/* Puts in a piece, or a body where there is none, or what libFuzzer does. */

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    char         code[160];
    size_t       at, n;
    const char  *s;

    if (size < 4 || seed % 64 == 0) {
        s = bodies[seed / 64 % (sizeof(bodies) / sizeof(bodies[0]))];
        n = strlen(s);

        if (n + 3 <= max) {
            memset(data, 0, 3);
            data[0] = seed / 64 % 4 == 3 ? 1 : seed / 64 % 4;
            data[2] = seed >> 16;
            memcpy(data + 3, s, n);

            return n + 3;
        }
    }

    if (seed % 3) {
        s = pieces[seed / 3 % (sizeof(pieces) / sizeof(pieces[0]))];
        n = strlen(s);

        if (seed >> 29 == 0) {
            n = encoded(code, s, seed >> 8);
            s = code;
        }

        at = 3 + (seed >> 11) % (size - 2);

        if (size + n <= max) {
            memmove(data + at + n, data + at, size - at);
            memcpy(data + at, s, n);

            return size + n;
        }
    }

    return LLVMFuzzerMutate(data, size, max);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char       *type, *p;
    debar_facts_t     f;
    debar_verdict_t   v, w;

    if (size < 3) {
        return 0;
    }

    memset(&f, 0, sizeof(f));
    f.method = debar_str("POST", 4);
    f.scheme = debar_str("https", 5);
    f.authority = debar_str("shop.example", 12);
    f.target.data = targets[data[1] % 4];
    f.target.len = strlen(f.target.data);
    f.now = 1774000000;
    type = types[data[0] % 8];
    p = (const char *) data + 3;

    leaner_judge(list, &f, type, p, size - 3, 1 + data[2], 0, &v);
    leaner_judge(list, &f, type, p, size - 3, size, 1, &w);

    claim(leaner_differs(&v, &w) == NULL);

    return 0;
}
