/*
 * Where an answer leads: references and refreshes as browsers read them.
 */

#include <stdlib.h>

#include "redirect.h"
#include "tap.h"


typedef struct {
    const char  *text;
    const char  *want;        /* NULL: it stays with its origin */
} case_t;

static const case_t  references[] = {
    { "http://a.example/x?y#z", "http|a.example|/x?y" },
    { "HTTPS://A.example:8443", "HTTPS|A.example:8443|/" },
    { "http://a.example?q=1", "http|a.example|/?q=1" },
    { "http://a.example#f", "http|a.example|/" },
    { "//a.example/b", "|a.example|/b" },
    { "////a.example/b", "|a.example|/b" },
    { "/\\a.example\\b\\c?d\\e", "|a.example|/b/c?d\\e" },
    { "\\\\a.example", "|a.example|/" },
    { "https:a.example/b", "https|a.example|/b" },
    { "https:/a.example/b", "https|a.example|/b" },
    { "http:\\\\a.example\\b", "http|a.example|/b" },
    { " \t\nht\ntp:/\t/a.exam\rple/b \n", "http|a.example|/b" },
    { "http://u:p@a.example/b", "http|u:p@a.example|/b" },
    { "ftp://a.example/b", "ftp|a.example|/b" },
    { "http:a.example/b", NULL },
    { "http:/b", NULL },
    { "/b", NULL },
    { "b", NULL },
    { "b/c:d//e", NULL },
    { "?http://a.example", NULL },
    { "#", NULL },
    { "", NULL },
    { " ", NULL },
    { "http://", NULL },
    { "http:///", NULL },
    { "//", NULL },
    { "javascript://a.example/", NULL },
    { "mailto:x@a.example", NULL },
    { "data:text/html,//a.example", NULL },
    { "1http://a.example", NULL }
};

static const case_t  values[] = {
    { "0; url=http://a.example", "http://a.example" },
    { "5;URL=a", "a" },
    { "0.5 , Url = a", "a" },
    { "0\turl\n=\r a", "a" },
    { " 0 a", "a" },
    { "0;a", "a" },
    { "0;url=\"a b\" c", "a b" },
    { "0;url='a", "a" },
    { "0;'a'b", "a" },
    { "0;urla", "urla" },
    { "0;\xc2\xa0url=\xc2\xa0" "a", "a" },
    { "url=a", "a" },
    { ";url=a", "a" },
    { "0; url=a?b='c'", "a?b='c'" },
    { "0", NULL },
    { "10;", NULL },
    { "0;url=", NULL },
    { "0;url=''", NULL },
    { "0x;url=a", NULL },
    { "", NULL }
};

static const case_t  tags[] = {
    { "<meta http-equiv=refresh content=0;url=a>", "a" },
    { "<META CONTENT='0;url=a' HTTP-EQUIV='REFRESH'/>", "a" },
    { "<meta\nname=x\thttp-equiv = \"refresh\" content = \"0;url=a&amp;b\">",
      "a&b" },
    { "<meta http-equiv=refresh content='0;url=&#104;ttp&#58;//a'>",
      "http://a" },
    { "<meta http-equiv='&#82;&#101;&#102;&#114;&#101;&#115;&#104;' content="
      "'0&semi;url&equals;a'>", "a" },
    { "<meta http-equiv=refresh content='0;url=a' content='0;url=b'>", "a" },
    { "<meta/http-equiv='refresh'/content='0;url=a'/>", "a" },
    { "<meta http-equiv=refresh content='0;url=\"a\"", "a" },
    { "<meta/http-equiv=refresh/content='0;url=a'/>", NULL },
    { "<meta http-equiv=x http-equiv=refresh content='0;url=a'>", NULL },
    { "<meta http-equiv=refreshed content='0;url=a'>", NULL },
    { "<meta http-equiv content='0;url=a'>", NULL },
    { "<meta name=refresh content='0;url=a'>", NULL },
    { "<meta http-equiv=refresh>", NULL },
    { "<meta http-equiv=refresh content=5>", NULL },
    { "<meta>", NULL },
    { "<meta", NULL },
    { "<", NULL }
};

static const struct {
    const char  *base;
    const char  *reference;
    const char  *want;
} joins[] = {
    { "http://a.example/d/e?f/g", "h", "http://a.example/d/h" },
    { "http://a.example", "h", "http://a.example/h" },
    { "http://a.example/d/", "/h", "http://a.example/h" },
    { "//a.example/d/", "h", "//a.example/d/h" },
    { "http://a.example/d/", "//b/h", "//b/h" },
    { "http://a.example/d/", "\\/b/h", "\\/b/h" },
    { "http://a.example/d/", "https://b", "https://b" },
    { "/d/", "h", "h" },
    { "", "h", "h" }
};


/* What is read lies at the end of its room, for who looks beyond. */

static debar_str_t
copied(const char *text)
{
    size_t  n = strlen(text);
    char   *p = malloc(n ? n : 1);

    memcpy(p, text, n);

    return debar_str(p, n);
}


static void
is(const char *got, const case_t *c, const char *what)
{
    char    line[128];
    size_t  i;

    for (i = 0; i < sizeof(line) - 1 && c->text[i]; i++) {
        line[i] = c->text[i] == '\n' || c->text[i] == '\r' ? ' ' : c->text[i];
    }

    line[i] = '\0';

    if (!ok((got == NULL) == (c->want == NULL)
            && (got == NULL || strcmp(got, c->want) == 0),
            "%s: %s", what, line))
    {
        printf("#  got %s\n", got ? got : "nothing");
    }
}


static void
redirects(void)
{
    char               buf[DEBAR_REDIRECT + 1], out[DEBAR_REDIRECT + 64];
    size_t             i;
    debar_str_t        s;
    debar_redirect_t   to;

    for (i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        s = copied(references[i].text);

        if (debar_redirect(s, debar_str("http", 4), buf, &to) == DEBAR_OK) {
            snprintf(out, sizeof(out), "%.*s|%.*s|%.*s", (int) to.scheme.len,
                     to.scheme.data, (int) to.authority.len, to.authority.data,
                     (int) to.target.len, to.target.data);
            is(out, &references[i], "reference");

        } else {
            is(NULL, &references[i], "reference");
        }

        free((char *) s.data);
    }

    /* a long one is cut, and its host known all the same */

    s = debar_str(malloc(3 * DEBAR_REDIRECT), 3 * DEBAR_REDIRECT);
    memset((char *) s.data, 'x', s.len);
    memcpy((char *) s.data, "//a.example?", 12);
    ok(debar_redirect(s, debar_str("http", 4), buf, &to) == DEBAR_OK
       && to.authority.len == 9 && to.target.len == DEBAR_REDIRECT + 1 - 11,
       "a long one is cut");
    memset((char *) s.data + 2, 'x', s.len - 2);
    ok(debar_redirect(s, debar_str("http", 4), buf, &to) == DEBAR_OK
       && to.target.len == 1, "... a host without an end, too");
    free((char *) s.data);
}


static void
refreshes(void)
{
    char         buf[DEBAR_REDIRECT + 1], out[DEBAR_REDIRECT + 1];
    size_t       i, n;
    debar_str_t  s, url;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        s = copied(values[i].text);
        n = debar_refresh_value(s, &url) == DEBAR_OK ? url.len + 1 : 0;

        if (n) {
            snprintf(out, sizeof(out), "%.*s", (int) url.len, url.data);
        }

        is(n ? out : NULL, &values[i], "value");
        free((char *) s.data);
    }

    for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        s = copied(tags[i].text);
        n = debar_refresh_tag(s, buf, &url) == DEBAR_OK ? url.len + 1 : 0;

        if (n) {
            snprintf(out, sizeof(out), "%.*s", (int) url.len, url.data);
        }

        is(n ? out : NULL, &tags[i], "tag");
        free((char *) s.data);
    }

    for (i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
        s = debar_redirect_join(debar_str(joins[i].base, strlen(joins[i].base)),
                                debar_str(joins[i].reference,
                                          strlen(joins[i].reference)),
                                buf, sizeof(buf));
        is_mem(s.data, s.len, joins[i].want, joins[i].want);
    }
}


int
main(void)
{
    redirects();
    refreshes();

    return done();
}
