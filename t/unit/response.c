/*
 * Answers: which are looked at, where a cart is seen to begin, what is let go
 * before it, and its verdict, in pieces of any size.
 */

#include "fixture.h"
#include "response.h"
#include "tap.h"


static char           folder[] = "/tmp/debar-response-XXXXXX";
static debar_list_t  *list;

#define HELD  65536

#define HTML  "text/html; charset=utf-8"
#define CXML(maker)                                                           \
    "<cXML><Message><PunchOutOrderMessage><BuyerCookie>1</BuyerCookie>"       \
    "<ItemIn quantity=\"1\"><ItemDetail><ManufacturerName>Globex"             \
    "</ManufacturerName></ItemDetail></ItemIn><ItemIn quantity=\"1\">"        \
    "<ItemDetail><ManufacturerName>" maker "</ManufacturerName></ItemDetail>" \
    "</ItemIn></PunchOutOrderMessage></Message></cXML>"

#define FIELD(name, value)                                                    \
    "<input type=hidden name=\"" name "\" value=\"" value "\">"
#define OCI(maker)                                                            \
    FIELD("NEW_ITEM-QUANTITY[1]", "1") FIELD("NEW_ITEM-DESCRIPTION[1]", "x")  \
    FIELD("NEW_ITEM-MANUFACTCODE[1]", maker)

#define PAGE(s)  "<!DOCTYPE html><html><body><form method=post>" s            \
                 "</form></body></html>"
#define LEADS(url)  "<meta http-equiv=\"refresh\" content=\"0; url=" url "\">"
#define FILLER   "<p class=\"a\">Nothing of this matters, 1 < 2.</p>"


typedef struct {
    const char  *type;
    const char  *body;
    unsigned     verdict;
    const char  *what;
} case_t;

static const case_t  cases[] = {

    /* carts */

    { HTML, PAGE(OCI("Acmesoft")), DEBAR_BLOCK, "OCI" },
    { HTML, PAGE(FILLER OCI("Globex")), DEBAR_PASS, "a clean one" },
    { HTML, PAGE("<INPUT VALUE='1' NAME=NEW_ITEM-QUANTITY[1]>"
                 "<input value=Acmesoft name=NEW_ITEM-MANUFACTCODE[1]>"),
      DEBAR_BLOCK, "OCI: values before names" },
    { HTML, PAGE("<select name=\"NEW_ITEM-QUANTITY[1]\"><option>1<option>2"
                 "</select><select name=\"NEW_ITEM-MANUFACTCODE[1]\"><option "
                 "value=Acmesoft>A</select>"), DEBAR_BLOCK,
      "OCI: in the options of selects" },
    { HTML, PAGE("<select name=\"NEW_ITEM-QUANTITY[1]\"><option>1</select>"
                 "<select name=\"NEW_ITEM-MANUFACTCODE[1]\"><option>Acmesoft"
                 "<option selected>Globex</select>"), DEBAR_LOG,
      "OCI: what might have been chosen is none of it" },
    { HTML, PAGE("<textarea name=\"NEW_ITEM-QUANTITY[1]\">1</textarea>"
                 "<textarea name=\"NEW_ITEM-MANUFACTCODE[1]\">Acmesoft"
                 "</textarea>"), DEBAR_BLOCK, "OCI: in textareas" },
    { HTML, PAGE(FIELD("NEW_ITEM-QUANTITY[1]", "1")
                 "<button name=\"NEW_ITEM-MANUFACTCODE[1]\" value=Acmesoft>Back"
                 "</button>"), DEBAR_BLOCK, "OCI: in a button" },
    { HTML, PAGE("<input name='cxml-urlencoded' value='" CXML("Acmesoft") "'>"),
      DEBAR_BLOCK, "cXML" },
    { HTML, PAGE("<textarea name=t>" CXML("Acmesoft") "</textarea>"),
      DEBAR_BLOCK, "cXML in a textarea of any name" },
    { HTML, PAGE("<textarea name=t>" CXML("Acmesoft")), DEBAR_BLOCK,
      "... that has no end" },
    { HTML, PAGE("<p title='a>\"b' class = \"<!-- '\" x=y'z>1</p><br/>"
                 "<datalist id=d><data value=1></data></datalist><!-->"
                 OCI("Acmesoft")), DEBAR_BLOCK,
      "OCI: behind tags with quotes, and an empty comment" },
    { HTML, PAGE("<a href=\"x" OCI("Globex") "'>" OCI("Acmesoft")),
      DEBAR_BLOCK, "OCI: behind a quote that ends in the field of another" },
    { "text/xml", CXML("Acmesoft"), DEBAR_BLOCK, "cXML as the answer" },
    { "", CXML("Acmesoft"), DEBAR_BLOCK, "... without a label" },
    { "application/json", "{\"q\":1,\"cart\":\"<cXML><Message>"
      "<PunchOutOrderMessage><ItemIn quantity='1'><ItemDetail>"
      "<ManufacturerName>Acmesoft</ManufacturerName></ItemDetail></ItemIn>"
      "</PunchOutOrderMessage></Message></cXML>\"}", DEBAR_BLOCK,
      "cXML in JSON" },

    /* where a page leads */

    { HTML, PAGE(LEADS("http://listed.example/a")), DEBAR_BLOCK, "a refresh" },
    { "", "<html><meta content='5, //LISTED.example' http-equiv=Refresh />",
      DEBAR_BLOCK, "... of no label, its attributes the other way round" },
    { "application/xhtml+xml", "<?xml version='1.0'?><html>"
      LEADS("http://listed.example/"), DEBAR_BLOCK, "... in XHTML" },
    { HTML, PAGE("<noscript>" LEADS("https://listed.example") "</noscript>"),
      DEBAR_BLOCK, "... for who runs no scripts" },
    { HTML, PAGE("<!--><p>--><META HTTP-EQUIV='&#114;efresh' CONTENT='0;URL="
                 "&quot;http&colon;//listed&period;example&quot;'>"),
      DEBAR_BLOCK, "... with character references, behind a short comment" },
    { HTML, PAGE("<!-- a --!>" LEADS("http://listed.example/")), DEBAR_BLOCK,
      "... behind a comment that ends in another way" },
    { HTML, "<base href='https://listed.example/d/'>" LEADS("setup.exe"),
      DEBAR_BLOCK, "... beside the base of the page" },
    { HTML, PAGE(LEADS("http://fine.example/") LEADS("http://listed.example")),
      DEBAR_BLOCK, "... the second of two" },
    { HTML, PAGE(LEADS("http://fine.example/")), DEBAR_PASS,
      "one to elsewhere" },
    { HTML, PAGE(LEADS("listed.example/a")), DEBAR_PASS, "one to a path" },
    { HTML, PAGE("<!-- " LEADS("http://listed.example/") "-->"), DEBAR_PASS,
      "one in a comment" },
    { HTML, PAGE("<script>'" LEADS("http://listed.example/") "'</script>"),
      DEBAR_PASS, "one in a script" },
    { HTML, PAGE("<meta name=refresh content='0;url=http://listed.example/'>"
                 "<meta http-equiv=refresh content=30>"
                 "<meta property=og:url content='http://listed.example/'>"),
      DEBAR_PASS, "other metadata" },
    { "text/plain", LEADS("http://listed.example/"), DEBAR_PASS,
      "text about one" },

    /* none */

    { HTML, PAGE("<p>Acmesoft</p>" FIELD("brand", "Acmesoft")
                 FIELD("quantity", "1")), DEBAR_PASS, "a page of a shop" },
    { HTML, PAGE("<!-- " OCI("Acmesoft") " -->"), DEBAR_PASS, "a comment" },
    { HTML, PAGE("<inputs name=\"NEW_ITEM-QUANTITY[1]\" value=1><span name="
                 "\"NEW_ITEM-MANUFACTCODE[1]\" value=Acmesoft>x</span>"
                 "<textareaoftextareas name=\"NEW_ITEM-QUANTITY[2]\">"),
      DEBAR_PASS, "elements whose names are like those of controls" },
    { HTML, PAGE("<script>var a = '" OCI("Acmesoft") "';</script>"),
      DEBAR_PASS, "a script" },
    { HTML, PAGE("<p title='" "<input name=\"NEW_ITEM-QUANTITY[1]\">" "'>"
                 "Acmesoft</p>"), DEBAR_PASS, "an attribute of something else" },
    { HTML, PAGE("NEW_ITEM-MANUFACTCODE[1]=Acmesoft&NEW_ITEM-QUANTITY[1]=1"),
      DEBAR_PASS, "text about OCI" },
    { "text/xml", "<cXML><Request><OrderRequest><ItemOut quantity=\"1\">"
      "<ItemDetail><ManufacturerName>Acmesoft</ManufacturerName></ItemDetail>"
      "</ItemOut></OrderRequest></Request></cXML>", DEBAR_PASS,
      "an order that is looked up" },
    { "application/json", "[{\"name\":\"Acmesoft\",\"quantity\":1}]",
      DEBAR_PASS, "JSON of a shop" },
    { HTML, "Acmesoft", DEBAR_PASS, "no page" },
    { HTML, "", DEBAR_PASS, "nothing" }
};


/* What is said of an answer, in pieces of step bytes, each a copy of its own;
 * let: of how many bytes it was said that they may go on. */

static void
judge(const char *type, const char *body, size_t len, size_t step,
    unsigned cut, debar_verdict_t *v, size_t *let)
{
    int                  rc;
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
    f.target = debar_str("/punchout/return", 16);
    f.now = 1774000000;
    in.content_type = debar_str(type, strlen(type));

    debar_judge(list, &f, v);
    rs = debar_response_new(list, &f, v, &in, NULL, HELD, NULL);
    *let = 0;

    for (i = 0, rc = DEBAR_OK; i < len && rc != DEBAR_DECLINED; i += n) {
        n = len - i < step ? len - i : step;
        copy = malloc(n);
        memcpy(copy, body + i, n);
        rc = debar_response_push(rs, copy, n);
        free(copy);
        *let += rc == DEBAR_OK ? n : 0;
    }

    debar_response_finish(rs, cut, v);
    debar_response_free(rs);
}


static void
answers(void)
{
    int              same;
    size_t           i, k, let, first;
    debar_verdict_t  v;

    static const size_t  steps[] = { 1, 2, 5, 64, 1 << 20 };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        same = 1;

        for (k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            judge(cases[i].type, cases[i].body, strlen(cases[i].body),
                  steps[k], 0, &v, &let);
            same &= v.verdict == cases[i].verdict;

            if (v.verdict != cases[i].verdict) {
                printf("# step %zu: %d\n", steps[k], v.verdict);
            }
        }

        ok(same, "%s: %s", cases[i].what,
           cases[i].verdict == DEBAR_PASS ? "passed"
           : cases[i].verdict == DEBAR_LOG ? "recorded" : "a block");
    }

    judge("text/xml", CXML("Acmesoft"), strlen(CXML("Acmesoft")), 100, 0, &v,
          &let);
    ok(strncmp(v.evidence[0].where, "response:line[2]/maker", 22) == 0,
       "the line of the cart is named");

    judge(HTML, PAGE(FILLER OCI("Acmesoft")),
          strlen(PAGE(FILLER OCI("Acmesoft"))), 1, 0, &v, &let);
    first = strstr(PAGE(FILLER OCI("Acmesoft")), "<input")
            - PAGE(FILLER OCI("Acmesoft"));
    ok(let >= first && let <= first + sizeof("<input type=hidden name="
                                             "\"NEW_ITEM-QUANTITY[1]\" "
                                             "value=\"1\">"),
       "what stands before a cart goes on, the cart does not");
}


/* Where pages lead that are not of one byte a character, and many of them. */

static void
leads(void)
{
    char             *p;
    size_t            i, n, let;
    debar_verdict_t   v;

    static const char  page[] = PAGE(LEADS("http://listed.example/a"));

    judge(HTML, page, sizeof(page) - 1, 1 << 20, 0, &v, &let);
    ok(strncmp(v.evidence[0].where, "response:meta-refresh/host", 26) == 0,
       "where it leads is named");

    p = malloc(2 * sizeof(page) + 20 * 64);

    for (n = 0; n < 2; n++) {
        p[0] = n ? '\xfe' : '\xff';
        p[1] = n ? '\xff' : '\xfe';

        for (i = 0; i < sizeof(page) - 1; i++) {
            p[2 + 2 * i + n] = page[i];
            p[2 + 2 * i + !n] = '\0';
        }

        judge("text/html", p, 2 * sizeof(page), 7, 0, &v, &let);
        ok(v.verdict == DEBAR_BLOCK, "in UTF-16, %s", n ? "BE" : "LE");
    }

    strcpy(p, "<html>");

    for (i = 0; i < 17; i++) {
        strcat(p, LEADS("//fine.example"));
    }

    judge(HTML, p, strlen(p), 100, 0, &v, &let);
    ok(v.verdict == DEBAR_LOG && v.fault != NULL, "too many are recorded");

    free(p);
}


/* A look that makes nothing says "nothing" only where there is. */

static void
nothing(void)
{
    unsigned            none;
    size_t              i, wrong;
    debar_peel_input_t  in;

    static const struct {
        const char  *type;
        const char  *body;
        unsigned     whole;
        unsigned     nothing;
    } looks[] = {
        { HTML, PAGE(FILLER), 1, 1 },
        { HTML, PAGE(FILLER), 0, 0 },
        { HTML, PAGE("<section><path d=x></section><bu"), 1, 1 },
        { HTML, PAGE("<!-- <INPUT> -->"), 1, 0 },
        { HTML, PAGE("<meta charset=utf-8><base href=/x>"), 1, 1 },
        { HTML, PAGE("<META content='x>' HTTP-Equiv=a>"), 1, 0 },
        { "text/plain", "plain words", 0, 1 },
        { "text/plain", "{\"a\": 1}", 1, 0 },
        { "application/json", "plain words", 1, 0 },
        { "text/html", "<?xml version=\"1.0\"?><a/>", 1, 0 },
        { "text/plain", "abc", 1, 0 }
    };

    memset(&in, 0, sizeof(in));

    for (i = 0, wrong = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        in.content_type = debar_str(cases[i].type, strlen(cases[i].type));

        wrong += cases[i].verdict != DEBAR_PASS
                 && debar_response_nothing(&in, cases[i].body,
                                           strlen(cases[i].body), 1);
    }

    ok(wrong == 0, "a glance takes no cart for nothing");

    for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        in.content_type = debar_str(looks[i].type, strlen(looks[i].type));
        none = debar_response_nothing(&in, looks[i].body,
                                      strlen(looks[i].body), looks[i].whole);

        ok(none == looks[i].nothing, "%s: %.40s: %s", looks[i].type,
           looks[i].body, looks[i].nothing ? "nothing" : "has to be read");
    }
}


static void
wanted(void)
{
    size_t  i;

    static const struct {
        const char  *type;
        unsigned     wanted;
    } types[] = {
        { "", 1 }, { "text/html", 1 }, { "TEXT/HTML; charset=x", 1 },
        { "application/xhtml+xml", 1 }, { "text/xml", 1 },
        { "application/json", 1 }, { "application/ld+json; a", 1 },
        { "text/plain", 1 }, { "image/png", 0 }, { "image/svg+xml", 0 },
        { "video/mp4", 0 }, { "font/woff2", 0 }, { "text/css", 0 },
        { "text/javascript", 0 }, { "application/javascript;charset=utf-8", 0 },
        { "text/event-stream", 0 }, { "application/octet-stream", 0 },
        { "application/zip", 0 }, { "application/dash+xml", 0 }
    };

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        ok(debar_response_wanted(debar_str(types[i].type,
                                           strlen(types[i].type)))
           == types[i].wanted, "\"%s\" is %slooked at", types[i].type,
           types[i].wanted ? "" : "not ");
    }
}


static void
bounds(void)
{
    char             *p;
    size_t            let, len;
    debar_verdict_t   v;

    len = 4 * HELD;
    p = malloc(len + 64);

    /* one field that is longer than what is held */

    memset(p, 'x', len);
    memcpy(p, "<html><input name=q value=\"", 27);
    judge(HTML, p, len, 5000, 0, &v, &let);
    ok(v.verdict == DEBAR_LOG && v.fault != NULL,
       "a field without an end is recorded");
    ok(let == len, "... and goes on");

    /* a cart that was not read to its end */

    strcpy(p, PAGE(OCI("Globex")));
    judge(HTML, p, strlen(p), 5000, 1, &v, &let);
    ok(v.verdict == DEBAR_LOG && v.fault != NULL, "a cart that is cut");
    strcpy(p, PAGE(OCI("Acmesoft")));
    judge(HTML, p, strlen(p), 5000, 1, &v, &let);
    ok(v.verdict == DEBAR_BLOCK, "... and is listed as far as it came");

    /* many bytes and no cart */

    memset(p, '<', len);
    judge(HTML, p, len, 777, 0, &v, &let);
    ok(v.verdict == DEBAR_PASS && let == len, "nothing but signs");

    free(p);
}


int
main(void)
{
    if (mkdtemp(folder) == NULL) {
        return 1;
    }

    fixture_put(folder, "list.yaml", "title: T\npublisher: T\ntimezone: UTC\n"
                "serial: 1\nauthorities:\n  law:\n    title: A law\n"
                "    phases: [{from: 2018-10-01, acquire: block}]\n");
    fixture_put(folder, "vendors/acme.yaml", "id: acme\nname: Acme\n"
                "authorities: [law]\n"
                "names: [{text: Acmesoft, match: anywhere}]\n"
                "hosts: [listed.example]\n");

    list = fixture_open(folder);

    answers();
    leads();
    wanted();
    nothing();
    bounds();

    debar_list_close(list);

    return done();
}
