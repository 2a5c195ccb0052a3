/*
 * The lean pass: plain bodies are clean, what may be more is not, and no body
 * of the corpus is judged in another way for it.
 */

#include <glob.h>
#include <yajl/yajl_tree.h>

#include "fixture.h"
#include "leaner.h"
#include "peel_node.h"
#include "tap.h"


static char           folder[] = "/tmp/debar-lean-XXXXXX";
static debar_list_t  *list;


static const char  list_yaml[] =
    "title: Test list\n"
    "publisher: Tests\n"
    "timezone: UTC\n"
    "serial: 1\n"
    "authorities:\n"
    "  law:\n"
    "    title: A law\n"
    "    phases:\n"
    "      - {from: 2018-10-01, browse: log, acquire: block, download: block,"
    " update: block}\n";

static const char  acme_yaml[] =
    "id: acme\n"
    "name: Acme Corporation\n"
    "authorities: [law]\n"
    "names:\n"
    "  - {text: Acmesoft, match: anywhere}\n"
    "  - Acme Rocket\n"
    "not-names: [Acme Rocket Science]\n"
    "hosts: [acme.example]\n"
    "networks: [192.0.2.0/24]\n"
    "files: [\"acme*.exe\"]\n"
    "part-numbers: [AC4711XY, ABCDEFGH, {pattern: \"ZQ[0-9]{4}\"}]\n"
    "gtins: [\"5060486858538\"]\n"
    "packages: {android: [com.acme.guard], shop: [\"shop.example/777001\"]}\n";


#define FORM  "application/x-www-form-urlencoded"
#define JSON  "application/json"
#define XML   "text/xml; charset=UTF-8"
#define TEXT  "text/plain"

#define DOCTYPE                                                               \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE cXML SYSTEM "      \
    "\"http://xml.cxml.org/schemas/cXML/1.2.014/cXML.dtd\">\n"

static const struct {
    unsigned     clean;
    const char  *type, *body, *claim;
} cases[] = {

    /* forms */

    { 1, FORM, "sku=100&qty=2&name=Desk+lamp%2C+black&note=Paper+%26+Mill+Co.",
      "a form" },
    { 1, FORM, "a=1&b=2\r\n", "a line break behind a form" },
    { 1, FORM, "text=one%0D%0Atwo&empty=&flag", "a form with a text of lines" },
    { 0, FORM, "brand=acmesoft", "a name in a form" },
    { 0, FORM, "brand=xacmesoftx", "a name inside of a word" },
    { 0, FORM, "a=Acme&rocket=1", "a name across a value and a name" },
    { 0, FORM, "a=Acme+Rocket&b=Science",
      "a longer name across values hides none" },
    { 0, FORM, "a%63mesoft=1", "a name of a field" },
    { 0, FORM, "sku=AC-4711-XY", "a part number with hyphens" },
    { 1, FORM, "text=AC-4711-XY", "the same where nothing is a part" },
    { 0, FORM, "text=AC4711XY", "a part number in a text" },
    { 0, FORM, "text=zq1234", "a part number of a pattern" },
    { 0, FORM, "sku=abcdefgh", "a part number without digits" },
    { 0, FORM, "ean=5060486-858538", "a GTIN with a hyphen" },
    { 0, FORM, "text=5060486858538", "a GTIN in a text" },
    { 0, FORM, "doc=com.acme.guard", "a package" },
    { 0, FORM, "sku=777001", "a number of the shop's own" },
    { 1, FORM, "sku=777002", "another one" },
    { 0, JSON, "{\"requests\": [{\"method\": \"POST\", \"url\": \"/a\"}]}",
      "a request in a body" },
    { 0, "application/x-www-form-urlencoded; charset=UTF-7", "a=%2BAEE-",
      "a charset" },
    { 0, FORM, "file=acme-setup.exe", "a file" },
    { 0, FORM, "u=https%3A%2F%2Facme.example%2Fx", "a listed host" },
    { 0, FORM, "u=%2F%2Facme.example%2Fx", "one without a scheme" },
    { 0, FORM, "url=acme.example", "one where a URL is expected" },
    { 0, FORM, "url=192.0.2.7", "a listed address" },
    { 1, FORM, "u=https%3A%2F%2Fother.example%2Fx", "a URL of another host" },
    { 0, FORM, "x=QWNtZXNvZnQ%3D", "base64" },
    { 0, FORM, "x=UiBhY21lc29mdCBvbmU%3D", "base64 that begins as EDIFACT may" },
    { 0, JSON, "[\"eyJhIjoiYiJ9.eyJhIjoiYWNtZXNvZnQifQ.c2ln\"]", "a token" },
    { 0, JSON, "[\"=?utf-8?B?YWNtZXNvZnQ=?=\"]", "encoded words" },
    { 0, JSON, "[\"42[\\\"x\\\", 1]\"]", "a packet with an event" },
    { 0, FORM, "x=41636d65736f6674", "hex" },
    { 0, FORM, "x=%2541cmesoft", "percent-encoding twice" },
    { 0, FORM, "x=Acme%26%23115%3Boft", "a character reference" },
    { 0, FORM, "x=%5Cu0041cmesoft", "an escape of JSON" },
    { 0, FORM, "x=%7B%22a%22%3A%22b%22%7D", "a document of JSON" },
    { 0, FORM, "x=a%3Db%26c%3Dd", "a form in a form" },
    { 0, FORM, "x=A%26c=b&y=a.c.m.e.s.o.f.t", "letters one by one" },
    { 0, FORM, "x=M%C3%BCller", "letters beyond ASCII" },
    { 0, FORM, "x=a%00b", "a control" },
    { 0, FORM, "x=100%", "half an escape" },
    { 0, FORM, "a=1;b=2", "pairs that another sign may part" },

    /* JSON */

    { 1, JSON, "{\"sku\": \"100\", \"qty\": 2, \"deep\": [[{\"a\": []}], {},"
      " -1.5e+3, true, null]}\n", "JSON" },
    { 1, JSON, " [\"see \\\"this\\\" \\/ that\\n\", \"Q\\u0026A\"]", "escapes" },
    { 0, JSON, "{\"brand\": \"acmesoft\"}", "a name in JSON" },
    { 0, JSON, "{\"brand\": \"ac\\u006desoft\"}", "one with an escape" },
    { 0, JSON, "{\"brand\": \"Acme\\nRocket\"}", "one over two lines" },
    { 0, JSON, "{\"Acme Rocket\": 2}", "a name of a member" },
    { 0, JSON, "{\"name\": \"ean\", \"value\": \"5060486-858538\"}",
      "what its key says that it is" },
    { 0, JSON, "{\"files\": [{\"x\": \"acme1.exe\"}], \"file\": 1}",
      "what the container says that it is" },
    { 0, JSON, "{\"x\": 1", "an end that is missing" },
    { 0, JSON, "{\"x\": 1}}", "one too many" },
    { 0, JSON, "{\"x\": 01}", "a number that is none" },
    { 0, JSON, "{\"x\": tru}", "a word that is none" },
    { 0, JSON, "{\"x\": 1,}", "a comma too many" },
    { 0, JSON, "{\"x\": 1} {\"x\": 2}", "two documents" },
    { 0, JSON, "/* */ {\"x\": 1}", "a comment" },
    { 0, JSON, "{\"x\": \"a\\q\"}", "an escape that JSON has not" },
    { 0, JSON, "\"x\"", "a string alone" },

    /* XML */

    { 1, XML, DOCTYPE "<cXML a='1' b=\"x &amp; y\">\n <b:A xmlns:b=\"http://b\""
      "> text &lt; 3 </b:A><C/>\n</cXML>\n", "XML" },
    { 0, XML, "<a><b>acmesoft</b></a>", "a name in XML" },
    { 0, XML, "<a><b>acme&#115;oft</b></a>", "one with a reference" },
    { 0, XML, "<a>acme<b/>soft</a>", "text around an element" },
    { 0, XML, "<a>acme<!-- -->soft</a>", "a comment" },
    { 0, XML, "<a>acme<![CDATA[soft]]></a>", "a section of CDATA" },
    { 0, XML, "<!DOCTYPE a [<!ENTITY s \"soft\">]><a>acme&s;</a>",
      "an entity" },
    { 0, XML, "<a><b>x</a></b>", "ends in a wrong order" },
    { 0, XML, "<a><b>x</b>", "an end that is missing" },
    { 0, XML, "<a/><b/>", "two roots" },
    { 0, XML, DOCTYPE, "no root" },
    { 0, XML, "<a b='1' b='2'/>", "an attribute twice" },
    { 0, XML, "<a b='1'c='2'/>", "attributes that run on" },
    { 0, XML, "<plist><key>sku</key><string>x</string></plist>",
      "a property list" },

    /* whatever else */

    { 0, TEXT, "nothing of note", "a text" },
    { 1, "", "a=1&b=2", "a form that nothing labels" },
    { 0, "text/xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>x</a>",
      "a charset" },
    { 0, FORM, "", "no body" }
};


static void
facts(debar_facts_t *f, const char *target)
{
    memset(f, 0, sizeof(debar_facts_t));

    f->method = debar_str("POST", 4);
    f->scheme = debar_str("https", 5);
    f->authority = debar_str("shop.example", 12);
    f->target = debar_str(target, strlen(target));
    f->now = 1774000000;
}


static void
test_cases(void)
{
    size_t            i, len;
    unsigned          clean;
    const char       *differs;
    debar_facts_t     f;
    debar_verdict_t   v, w;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].body);
        facts(&f, "/cart/add");

        clean = leaner_clean(list, &f, cases[i].type, cases[i].body, len);
        ok(clean == cases[i].clean, "%s is %s", cases[i].claim,
           cases[i].clean ? "plain" : "looked at");

        leaner_judge(list, &f, cases[i].type, cases[i].body, len, 7, 0, &v);
        leaner_judge(list, &f, cases[i].type, cases[i].body, len, 7, 1, &w);
        differs = leaner_differs(&v, &w);
        ok(differs == NULL, "... and is judged so by both%s%s",
           differs ? ", but for the " : "", differs ? differs : "");
    }
}


/* However a value begins: where the engine looks into it, the lean pass leaves
 * that to it. */

static void
test_beginnings(void)
{
    char            body[256], *p;
    size_t          i, k, n;
    unsigned        a, b, more, missed;
    const char     *value;
    debar_facts_t   f;

    static const char *const  rest[] = {
        "", "GFjbWVzb2Z0IG9uZQ==", "Fjb.WVzb2Z0.IG9uZQ", "61636d65736f66742121",
        " acmesoft one two three", "\"a\":\"b\"}", "=b&c=d&e=f", "(['a'])",
        "[{\"a\":1}]", "%3Ca%3Eb%3C/a%3E", "?utf-8?q?a?=", "SA*00*"
    };

    more = 0;
    missed = 0;
    facts(&f, "/cart/add");

    for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        for (a = ' '; a < 127; a++) {
            for (b = ' '; b < 127; b++) {
                p = body + sprintf(body, "x=%%%02x%%%02x", a, b);

                for (k = 0; rest[i][k]; k++) {
                    p += sprintf(p, "%%%02x", rest[i][k]);
                }

                n = sprintf(body + 200, "%c%c", a, b);
                n += sprintf(body + 200 + n, "%s", rest[i]);
                value = body + 200;

                if (debar_peel_look_value(value, n) != NULL) {
                    more++;
                    missed += leaner_clean(list, &f, FORM, body, p - body);
                }
            }
        }
    }

    ok(more > 1000 && missed == 0, "%u beginnings of more are looked at",
       more);
}


/* What is longer than is kept, and what comes in time of it. */

static void
test_long(void)
{
    char             *p;
    size_t            i, n, len, at;
    debar_body_t     *b;
    debar_facts_t     f;
    debar_verdict_t   v, w;
    debar_peel_input_t  in;

    len = 3 * DEBAR_LEAN_MOST;
    p = malloc(len + 1);

    for (n = 0; n + 16 <= len; n += 16) {
        sprintf(p + n, "&f%06zu=%06zu", n % 1000000, n % 999983);
    }

    facts(&f, "/cart/add");
    len = n;

    for (i = 0; i < 3; i++) {
        at = i ? DEBAR_LEAN_MOST * i - 16 : 4096;
        memcpy(p + at, "&maker=acmesoft ", 16);
        p[at + 15] = '1';

        leaner_judge(list, &f, FORM, p, len, 5000, 0, &v);
        leaner_judge(list, &f, FORM, p, len, 5000, 1, &w);
        ok(v.verdict == DEBAR_BLOCK && leaner_differs(&v, &w) == NULL,
           "a name at %zu of %zu bytes is found, as by the engine", at, len);
    }

    memset(&in, 0, sizeof(in));
    in.name = debar_str("body", 4);
    in.content_type = debar_str(JSON, strlen(JSON));
    debar_judge(list, &f, &v);
    b = debar_body_new(list, &f, &v, &in, NULL, NULL);
    n = sprintf(p, "[{\"sku\": \"AC4711XY\", \"qty\": 1}");
    (void) debar_body_push(b, p, n);
    n = sprintf(p, ", {\"sku\": \"1000000\", \"quantity\": 1}\n");

    for (at = 0; at < len && debar_body_push(b, p, n) == DEBAR_OK; at += n) {
        /* void */
    }

    debar_body_finish(b, &v);
    debar_body_free(b);
    ok(v.verdict == DEBAR_BLOCK && at < len,
       "what is listed at its beginning ends an upload after %zu bytes", at);

    free(p);
}


/* --- the corpus ------------------------------------------------------------ */

static const char *
string_of(yajl_val row, const char *name)
{
    const char  *path[2] = { name, NULL };

    return YAJL_GET_STRING(yajl_tree_get(row, path, yajl_t_string));
}


static const char *
type_of(yajl_val row)
{
    size_t       i;
    yajl_val     h;
    const char  *path[2] = { "headers", NULL };

    h = yajl_tree_get(row, path, yajl_t_object);

    for (i = 0; h && i < YAJL_GET_OBJECT(h)->len; i++) {
        if (strcasecmp(YAJL_GET_OBJECT(h)->keys[i], "content-type") == 0) {
            return YAJL_GET_STRING(YAJL_GET_OBJECT(h)->values[i]);
        }
    }

    return "";
}


typedef struct {
    unsigned  bodies, nothing, clean, alike;
} counts_t;


static void
judge_row(debar_list_t *shipped, yajl_val row, counts_t *c)
{
    const char       *body, *type, *url, *differs;
    debar_facts_t     f;
    debar_verdict_t   v, w;

    body = string_of(row, "body");
    url = string_of(row, "url");
    type = type_of(row);

    if (body == NULL || url == NULL || type == NULL || *body == '\0'
        || strncmp(body, "base64:", 7) == 0)
    {
        return;
    }

    url = strstr(url, "://");
    url = url ? strchr(url + 3, '/') : NULL;
    facts(&f, url ? url : "/");

    leaner_judge(shipped, &f, type, body, strlen(body), 100, 0, &v);
    leaner_judge(shipped, &f, type, body, strlen(body), 100, 1, &w);
    differs = leaner_differs(&v, &w);

    c->bodies++;
    c->nothing += w.nevidence == 0 && w.fault == NULL;
    c->clean += w.nevidence == 0 && w.fault == NULL
                && leaner_clean(shipped, &f, type, body, strlen(body));
    c->alike += differs == NULL;

    if (differs) {
        printf("# %s: the %s\n", string_of(row, "id"), differs);
    }
}


static void
test_corpus(debar_list_t *shipped, const char *path, counts_t *all)
{
    char      *line, error[256];
    FILE      *f;
    size_t     size;
    counts_t   c;
    yajl_val   row;

    f = fopen(path, "r");

    if (f == NULL) {
        ok(0, "%s can be read", path);
        return;
    }

    memset(&c, 0, sizeof(c));
    line = NULL;
    size = 0;

    while (getline(&line, &size, f) > 0) {
        row = yajl_tree_parse(line, error, sizeof(error));

        if (row) {
            judge_row(shipped, row, &c);
            yajl_tree_free(row);
        }
    }

    free(line);
    fclose(f);

    ok(c.alike == c.bodies, "%s: %u bodies are judged as by the engine", path,
       c.bodies);
    all->nothing += c.nothing;
    all->clean += c.clean;
}


int
main(void)
{
    char           path[256];
    glob_t         g;
    size_t         i;
    counts_t       all;
    debar_list_t  *shipped;

    if (mkdtemp(folder) == NULL) {
        return 1;
    }

    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/acme.yaml", acme_yaml);
    list = fixture_open(folder);

    test_cases();
    test_beginnings();
    test_long();

    snprintf(path, sizeof(path), "%s/federal.mdb", folder);
    shipped = fixture_list("blocklist/lists/federal", path);

    memset(&g, 0, sizeof(g));
    memset(&all, 0, sizeof(all));
    ok(glob("t/corpus/*.jsonl", 0, NULL, &g) == 0, "there is a corpus");

    for (i = 0; i < g.gl_pathc; i++) {
        test_corpus(shipped, g.gl_pathv[i], &all);
    }

    globfree(&g);

    ok(all.nothing != 0 && all.clean * 2 >= all.nothing, "of %u bodies in which"
       " the engine finds nothing the lean pass says so of %u, which is half"
       " at least", all.nothing, all.clean);
    debar_list_close(shipped);
    debar_list_close(list);

    return done();
}
