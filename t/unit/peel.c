/*
 * Peeling: the engine, text, forms, encodings, charsets: what is told, whatever
 * the cuts on the wire; and that bounds hold.
 */

#include "peel.h"
#include "tap.h"

#include <stdlib.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>


typedef struct {
    char      *text;
    size_t     len;
    size_t     size;
    unsigned   paths;             /* told with each value */
    int        open;
    unsigned   odd;               /* what no event may be */
    unsigned   leaves;
    unsigned   stop;              /* after so many values */
    const char *find;             /* whole in one value */
    unsigned   found;
    size_t     bytes;
} tale_t;


static void
add(tale_t *t, const char *s, size_t len)
{
    if (t->len + len + 1 > t->size) {
        t->size = (t->len + len + 1) * 2;
        t->text = realloc(t->text, t->size);
    }

    memcpy(t->text + t->len, s, len);
    t->len += len;
    t->text[t->len] = '\0';
}


static int
told(void *data, const debar_peel_event_t *ev)
{
    size_t   i;
    tale_t  *t = data;

    for (i = 0; ev->path[i]; i++) {
        t->odd += ev->path[i] <= 0x20 || ev->path[i] > 0x7e;
    }

    t->odd += i > DEBAR_MAX_PEEL_PATH;
    t->odd += ev->nth == 0;
    t->odd += (int) ev->depth != (ev->event == DEBAR_PEEL_END ? t->open - 1
                                                             : t->open);

    if (ev->event == DEBAR_PEEL_VALUE) {
        t->leaves++;
        t->bytes += ev->value.len;
        t->found += t->find && memmem(ev->value.data, ev->value.len, t->find,
                                      strlen(t->find)) != NULL;

        if (t->paths) {
            add(t, ev->path, i);

        } else {
            add(t, ev->name.data, ev->name.len);
        }

        add(t, "=", 1);
        add(t, ev->value.data, ev->value.len < 200 ? ev->value.len : 200);
        add(t, ";", 1);

        return t->stop && t->leaves == t->stop ? DEBAR_DECLINED : DEBAR_OK;
    }

    if (ev->event == DEBAR_PEEL_BEGIN) {
        t->open++;

        if (t->paths) {
            return DEBAR_OK;
        }

        if (ev->document && ev->syntax != DEBAR_SYNTAX_ENCODING) {
            add(t, debar_syntax_name(ev->syntax),
                strlen(debar_syntax_name(ev->syntax)));
        } else {
            add(t, ev->name.data, ev->name.len);
        }

        add(t, "{", 1);

    } else {
        t->open--;

        if (!t->paths) {
            add(t, "}", 1);
        }
    }

    return DEBAR_OK;
}


static unsigned
run(tale_t *t, const debar_peel_input_t *in, const debar_peel_limits_t *limits,
    const char *data, size_t len, size_t cut)
{
    char          *copy;
    size_t         i, n;
    unsigned       bounds;
    debar_peel_t  *p;

    p = debar_peel_new(in, limits, told, t);

    for (i = 0; i < len; i += n) {
        n = cut && cut < len - i ? cut : len - i;

        /* a copy of its own, so that a look beyond it is seen */

        copy = malloc(n);
        memcpy(copy, data + i, n);

        if (debar_peel_push(p, copy, n) != DEBAR_OK) {
            free(copy);
            break;
        }

        free(copy);
    }

    (void) debar_peel_finish(p);
    bounds = debar_peel_bounds(p);
    debar_peel_free(p);

    return bounds;
}


/* The events of an input, which must be the same for all cuts. */

static unsigned
peels(const char *type, const char *coding, const char *data, size_t len,
    const char *want, const char *claim)
{
    size_t               i;
    tale_t               t;
    unsigned             bounds;
    char                *whole;
    debar_peel_input_t   in;
    static const size_t  cuts[] = { 0, 1, 3, 1000, 4096 };

    memset(&in, 0, sizeof(in));
    in.content_type = debar_str(type, strlen(type));
    in.content_encoding = debar_str(coding, strlen(coding));

    whole = NULL;
    bounds = 0;

    for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        memset(&t, 0, sizeof(t));
        add(&t, "", 0);
        bounds = run(&t, &in, NULL, data, len, cuts[i]);

        if (i == 0) {
            whole = t.text;

            if (want) {
                is_str(t.text, want, claim);
            }

            ok(t.odd == 0 && t.open == 0, "... in order, paths plain");
            continue;
        }

        if (strcmp(whole, t.text) != 0 || t.odd || t.open) {
            is_str(t.text, whole, "... the same for every cut");
        }

        free(t.text);
    }

    free(whole);

    return bounds;
}


static void
path_is(unsigned syntax, const char *name, const char *type, const char *data,
    const char *want, const char *claim)
{
    tale_t              t;
    debar_peel_input_t  in;

    memset(&t, 0, sizeof(t));
    memset(&in, 0, sizeof(in));
    t.paths = 1;
    in.syntax = syntax;
    in.name = debar_str(name, strlen(name));
    in.content_type = debar_str(type, strlen(type));

    add(&t, "", 0);
    (void) run(&t, &in, NULL, data, strlen(data), 0);
    is_str(t.text, want, claim);
    free(t.text);
}


#define S(s)   s, sizeof(s) - 1
#define FORM   "application/x-www-form-urlencoded"


static void
texts(void)
{
    peels("text/plain", "", S("Acme Rocket\r\n\r\nsecond line"),
          "text{=Acme Rocket;=second line;}", "text is told line by line");
    peels("", "", S(""), "text{}", "no bytes are empty text");
    peels("text/plain", "", S("AB1171XCAFS\t5\nAB1939XCBFS\t5\n"),
          "text{line{1=AB1171XCAFS;2=5;}line{1=AB1939XCBFS;2=5;}}",
          "lines with as many tabs are rows");
    peels("text/csv", "", S("part,qty,text\nA1,2,\"x, \"\"y\"\"\"\n"),
          "text{line{1=part;2=qty;3=text;}line{1=A1;2=2;3=x, \"y\";}}",
          "cells of CSV lose their quotes");
    peels("text/plain", "", S("A1,2\nA2,3\n"),
          "text{line{1=A1;2=2;}line{1=A2;2=3;}}", "a pad of two lines");
    peels("text/plain", "", S("x[1]=Acme Rocket\r\ny=<?xml version='1.0'?><a/>\r\n"
                              "no pair\r\n"),
          "text{=x[1]=Acme Rocket;=y=<?xml version='1.0'?><a/>;=no pair;}",
          "lines of which one is no pair");
    peels("text/plain", "", S("x[1]=Acme Rocket\r\ny=<?xml version='1.0'?><a/>"
                              "\r\nz=\r\n"),
          "text{x[1]=Acme Rocket;y=<?xml version='1.0'?><a/>;xml{a{}}z=;}",
          "pairs of a form that is sent as text");
    peels("text/plain", "", S("Dear sir, hello\nwe write, as agreed\n"),
          "text{=Dear sir, hello;=we write, as agreed;}",
          "two sentences with a comma are no rows");
    peels("", "", S("\x01\x02\x03\xff\xfe\x80" "Acme Rocket\0\0\x01" "ab\0\0"
                    "R\0o\0c\0k\0e\0t\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08"),
          NULL, "bytes");
}


static void
long_line(void)
{
    char       *s, *at;
    size_t      i, len;
    tale_t      t;
    unsigned    missed;
    debar_peel_input_t  in;

    len = 20000;
    s = malloc(len);
    memset(&in, 0, sizeof(in));
    missed = 0;

    for (i = 3000; i < 13000; i += 97) {
        memset(s, 'x', len);

        for (at = s; at < s + len; at += 11) {
            *at = ' ';
        }

        memcpy(s + i, "Acme Rocket Company", 19);

        memset(&t, 0, sizeof(t));
        add(&t, "", 0);
        t.find = "Acme Rocket Company";
        (void) run(&t, &in, NULL, s, len, 0);
        missed += t.found == 0;
        free(t.text);
    }

    is_int(missed, 0, "no name is lost where a long line is cut");
    free(s);
}


static void
forms(void)
{
    peels(FORM, "", S("a=1&b=x+y%21&c&=e&b=%zz%4"),
          "form{a=1;b=x y!;=c;=e;b=%zz%4;}", "pairs, decoded once");
    peels(FORM, "", S("{\"a\": \"b=c&d\"}"), "json{{a=b=c&d;}}",
          "JSON that is labelled as a form");
    peels(FORM, "", S("{\"a\":1}&name=Acme"),
          "json{{a=1;}}form{={\"a\":1};json{{a=1;}}name=Acme;}",
          "a form that begins like JSON");
    peels("application/json", "", S(""), "text{}", "nothing is no JSON");
    peels("application/json", "", S("\"{\\\"a\\\": \\\"b\\\"}\""),
          "json{={\"a\": \"b\"};json{{a=b;}}}", "JSON in a string of JSON");
    peels(FORM, "", S("x=%26lt%3BIt%26gt%3Bb%26lt%3B/It%26gt%3B&y=[1,2]"),
          "form{x=&lt;It&gt;b&lt;/It&gt;;entities{xml{It{=b;}}}y=[1,2];}",
          "markup that was written as references");
    peels("application/json", "", S("a=1&b=Acme"), "json{}form{a=1;b=Acme;}",
          "a form that is labelled as JSON");
    peels("", "", S("qty=1&part=AB%20C"), "form{qty=1;part=AB C;}",
          "a form is known without its label");
    peels(FORM, "", S("a=1;b=2"), "form{a=1;b=2;}", "parted by semicolons");
    peels(FORM, "", S("a=1;x"), "form{a=1;x;}", "a semicolon in a value");
    peels(FORM, "", S("qty%3D1%26b%3D2"), "form{=qty=1&b=2;form{qty=1;b=2;}}",
          "a form that was escaped once more");
    peels(FORM "; charset=windows-1251", "", S("a=%CA%E0%F1"),
          "form{a=\xd0\x9a\xd0\xb0\xd1\x81;}",
          "escapes in the label's charset");
    path_is(DEBAR_SYNTAX_FORM, "query", "", "a=1&a=2&b%5B%5D=3",
            "query:a=1;query:a[2]=2;query:b[]=3;", "paths of a query");
    path_is(DEBAR_SYNTAX_COOKIE, "cookie", "", "a=1; cart=\"x y\"",
            "cookie:a=1;cookie:cart=x y;", "cookies");
    path_is(0, "", FORM, "x=QWNtZSBSb2NrZXQgQ29tcGFueQ==",
            "form:x=QWNtZSBSb2NrZXQgQ29tcGFueQ==;"
            "form:x/base64/text:[1]=Acme Rocket Company;",
            "the path through an encoding");
    path_is(0, "body", "", "{\"items\": [{\"n\": 1}, {\"n\": [2]}]}",
            "body/json:items[1]/n=1;body/json:items[2]/n[1]=2;",
            "paths of JSON");
    path_is(0, "body", "",
            "<?xml version='1.0'?><A><B/><B c='1'><D>x</D></B></A>",
            "body/xml:/A/B[2]/@c=1;body/xml:/A/B[2]/D=x;", "paths of XML");
}


static void
armours(void)
{
    peels(FORM, "", S("x=QWNtZSBSb2NrZXQ"),
          "form{x=QWNtZSBSb2NrZXQ;base64{text{=Acme Rocket;}}}",
          "base64 without padding");
    peels(FORM, "", S("x=S2FzcGVyc2t5&y=Kaspersky&z=passwords&w=AB4863XANFS1"),
          "form{x=S2FzcGVyc2t5;base64{text{=Kaspersky;}}y=Kaspersky;"
          "z=passwords;w=AB4863XANFS1;}", "words that fit are words");
    peels(FORM, "", S("s=4f2a9c0b7d1e8f3a6b5c4d3e2f1a0b9c"),
          "form{s=4f2a9c0b7d1e8f3a6b5c4d3e2f1a0b9c;}", "a digest is a digest");
    peels(FORM, "", S("s=41636d6520526f636b6574&t=0x41636d6520526f636b6574"),
          "form{s=41636d6520526f636b6574;hex{text{=Acme Rocket;}}"
          "t=0x41636d6520526f636b6574;hex{text{=Acme Rocket;}}}", "hex");
    peels(FORM, "", S("s=data%3Atext/plain%3Bbase64%2CQWNtZSBSb2NrZXQ%3D"),
          "form{s=data:text/plain;base64,QWNtZSBSb2NrZXQ=;"
          "data{text{=Acme Rocket;}}}", "a data URL");
    peels("text/plain", "", S("QWNtZSBSb2NrZXQg\r\nQ29tcGFueSBpcyBo\r\nZXJl"
                              "\r\n"),
          "text{=QWNtZSBSb2NrZXQg;=Q29tcGFueSBpcyBo;=ZXJl;"
          "base64{text{=Acme Rocket Company is here;}}}", "base64 in lines");
    peels("text/plain", "base64", S("QWNtZSBSb2NrZXQg\r\nQ29tcGFueQ=="),
          "base64{text{=Acme Rocket Company;}}", "a transfer encoding");
    peels("text/plain", "quoted-printable", S("Ac=6De Ro=\r\ncket =4 =\n!"),
          "quoted-printable{text{=Acme Rocket =4 !;}}", "quoted-printable");
    peels(FORM, "", S("x=YT0xJmI9MiZjPTM%253D"),
          "form{x=YT0xJmI9MiZjPTM%3D;percent{text{=YT0xJmI9MiZjPTM=;base64{"
          "form{a=1;b=2;c=3;}}}}}", "percent around base64 around a form");
}


static void
charsets(void)
{
    peels("text/plain", "", S("\xff\xfe" "A\0c\0m\0e\0"),
          "charset{text{=Acme;}}", "UTF-16 by its mark");
    peels("text/plain", "", S("\0A\0c\0m\0e\0 \0R\0o"),
          "charset{text{=Acme Ro;}}", "UTF-16 by its zeros");
    peels("text/plain", "", S("\xef\xbb\xbf" "Acme"), "text{=Acme;}",
          "a mark of UTF-8 is no text");
    peels("text/plain; charset=utf-7", "", S("Ac+AG0-e"),
          "charset{text{=Acme;}}", "UTF-7 by label");
    peels("text/plain; charset=\"windows-1251\"", "", S("\xca\xe0\xf1"),
          "charset{text{=\xd0\x9a\xd0\xb0\xd1\x81;}}", "windows-1251 by label");
    peels("text/plain; charset=ibm1047", "", S("Acme Rocket"),
          "text{=Acme Rocket;}", "a label that is not true of ASCII");
    peels("text/plain; charset=utf-16", "", S("Acme Rocket"),
          "text{=Acme Rocket;}", "nor UTF-16");
    peels("", "", S("{\0\"\0n\0\"\0:\0\"\0\x1a\x04\x30\x04\x41\x04\x3f\x04"
                    "\"\0}\0"),
          "charset{json{{n=\xd0\x9a\xd0\xb0\xd1\x81\xd0\xbf;}}}",
          "UTF-16 of other letters, without a mark");
    peels("text/xml; charset=utf-8", "",
          S("<?xml version='1.0' encoding='utf-7'?><a>Ac+AG0-e</a>"),
          "charset{xml{a{=Acme;}}}", "UTF-7 by declaration");
    peels("text/xml", "",
          S("\x4c\x6f\xa7\x94\x93\x40\xa5\x85\x99\xa2\x89\x96\x95\x7e"
            "\x7d\xf1\x4b\xf0\x7d\x6f\x6e\x4c\x81\x6e\xc1\x83\x94\x85"
            "\x4c\x61\x81\x6e"), "charset{xml{a{=Acme;}}}", "EBCDIC");
    peels("text/plain", "", S("Caf\xe9 Acme"), "text{=Caf\xe9 Acme;}",
          "bytes without a charset stay");
}


/* bits: of the window: 15 zlib, -15 raw, 31 gzip */

static size_t
deflated(int bits, const char *data, size_t len, char *out, size_t size)
{
    z_stream  z;

    memset(&z, 0, sizeof(z));
    deflateInit2(&z, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *) data;
    z.avail_in = len;
    z.next_out = (Bytef *) out;
    z.avail_out = size;
    deflate(&z, Z_FINISH);
    deflateEnd(&z);

    return z.total_out;
}


static void
zips(void)
{
    char      out[4096];
    size_t    m, n;
    unsigned  bounds;
    static const char  pairs[] = "qty=1&text=Acme+Rocket+Company";
    static const char  br[] = "\x8f\x0e\x80" "qty=1&text=Acme+Rocket+Company"
                              "\x03";

    n = deflated(31, S(pairs), out, sizeof(out));
    peels(FORM, "gzip", out, n, "gzip{form{qty=1;text=Acme Rocket Company;}}",
          "gzip by label");
    peels(FORM, "", out, n, "gzip{form{qty=1;text=Acme Rocket Company;}}",
          "gzip without a label");
    peels(FORM, "br", out, n, "gzip{form{qty=1;text=Acme Rocket Company;}}",
          "gzip labelled as something else");
    is_int(peels(FORM, "gzip", out, n - 9,
                 "gzip{form{qty=1;text=Acme Rocket Company;}}",
                 "gzip that was cut off"),
           DEBAR_PEEL_BROKEN, "... which is said");

    m = n + deflated(31, S("&more=x"), out + n, sizeof(out) - n);
    peels(FORM, "gzip", out, m,
          "gzip{form{qty=1;text=Acme Rocket Company;more=x;}}",
          "members of gzip one after the other");

    memcpy(out + n, "&part=x2", 8);
    bounds = peels(FORM, "gzip", out, n + 8, NULL, "");
    is_int(bounds & DEBAR_PEEL_BROKEN, DEBAR_PEEL_BROKEN,
           "bytes behind gzip are said to be there");

    m = deflated(31, out, n, out + 2048, 2048);
    peels(FORM, "gzip, gzip", out + 2048, m,
          "gzip{gzip{form{qty=1;text=Acme Rocket Company;}}}", "twice");

    n = deflated(15, S(pairs), out, sizeof(out));
    peels(FORM, "deflate", out, n,
          "deflate{form{qty=1;text=Acme Rocket Company;}}", "zlib by label");
    peels("", "", out, n,
          "deflate{form{qty=1;text=Acme Rocket Company;}}", "zlib without");

    n = deflated(-15, S(pairs), out, sizeof(out));
    peels(FORM, "deflate", out, n,
          "deflate{form{qty=1;text=Acme Rocket Company;}}", "raw deflate");

    n = ZSTD_compress(out, sizeof(out), pairs, sizeof(pairs) - 1, 3);
    peels(FORM, "zstd", out, n, "zstd{form{qty=1;text=Acme Rocket Company;}}",
          "zstd by label");
    peels(FORM, "", out, n, "zstd{form{qty=1;text=Acme Rocket Company;}}",
          "zstd without");

    peels(FORM, "br", S(br), "br{form{qty=1;text=Acme Rocket Company;}}",
          "brotli by label");

    is_int(peels(FORM, "gzip", S(pairs),
                 "gzip{}form{qty=1;text=Acme Rocket Company;}",
                 "plain pairs labelled as gzip"),
           DEBAR_PEEL_BROKEN, "... which is said");
    is_int(peels(FORM, "br", S(pairs),
                 "br{}form{qty=1;text=Acme Rocket Company;}",
                 "plain pairs labelled as brotli"),
           DEBAR_PEEL_BROKEN, "... which is said");
    is_int(peels(FORM, "x-unknown, identity", S(pairs),
                 "form{qty=1;text=Acme Rocket Company;}", "a coding unknown"),
           DEBAR_PEEL_BROKEN, "... which is said");
}


static void
pages(void)
{
    peels("", "", S("<!DOCTYPE html><html><body><p>Acme &amp; <b>Co</b></p>"
                    "<form action=\"/x\"><input type=hidden name='a[1]' "
                    "value=\"x &quot;y&quot; > z\"><textarea name=t>a<b>\nc"
                    "</textarea><input name=b value=1/></form><!-- <input "
                    "name=c value=2> --></html>"),
          "html{=Acme & Co;@action=/x;a[1]=x \"y\" > z;t=a<b>\nc;b=1/;}",
          "fields of a page");
    peels("text/html", "", S("<input name=x value=QWNtZSBSb2NrZXQ=><br"),
          "html{x=QWNtZSBSb2NrZXQ=;base64{text{=Acme Rocket;}}}",
          "what a field carries is looked into");

    peels("text/html", "", S("<form><select name=q><option value=1>One"
                    "<option value=2 selected>Two</select><select name=m>"
                    "<option>Acme <b>Co</b><option>Other</select></form>"),
          "html{=One;q=2;=Two;=1;=Other;m=Acme Co;}",
          "a select's name is that of the option chosen, else of the first");
    peels("text/html", "", S("<select name=m><option value=''>Which?<option>x"
                    "</select><select multiple name=n><option>a"
                    "<option selected>b<option selected value=c></select>"
                    "<select><option value=d></select><select name=o><option>"
                    "<script>e</script><option value=f></select>"),
          "html{=Which?;=x;=a;n=b;n=c;=d;script=e;=f;}",
          "... none of those that a browser would not send");
    peels("text/html", "", S("<button name=b value=v>Buy</button><select "
                             "name=s><option value=1>one<select name=t>"
                             "<option>two"),
          "html{b=v;=Buy;=one;s=1;t=two;}", "a button; selects without an end");
}


/* Label and first bytes both have to say so. */

static void
media(void)
{
    static const struct {
        const char  *type;
        const char  *bytes;
        size_t       len;
        int          passed;
        const char  *what;
    } cases[] = {
        { "image/png", S("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), 1, "PNG" },
        { "IMAGE/JPEG", S("\xff\xd8\xff\xe0\0\x10JFIF\0"), 1, "JPEG" },
        { "image/gif; a=b", S("GIF89a\1\0\1\0\x80\0\0\xff"), 1, "GIF" },
        { "video/mp4", S("\0\0\0\x18""ftypmp42\0\0\0\0"), 1, "MP4" },
        { "audio/wav", S("RIFF\x10\0\0\0WAVEfmt \x10\0\0\0"), 1, "WAV" },
        { "font/woff2", S("wOF2\0\1\0\0\0\0\x10\0"), 1, "WOFF" },
        { "image/png", S("\xff\xd8\xff\xe0\0\x10JFIF\0"), 1,
          "a JPEG that is called a PNG" },
        { "audio/mpeg", S("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), 0,
          "a picture that is called a sound" },
        { "application/octet-stream", S("GIF89a\1\0\1\0\x80\0\0"), 0,
          "a picture without its label" },
        { "image/png", S("item=Acme&qty=1"), 0, "a form that is renamed" },
        { "image/gif", S("GIF89a=1&item=Acme"), 0,
          "a form that begins like a picture" },
        { "image/svg+xml", S("<svg><text>Acme</text></svg>"), 0,
          "a picture in XML" }
    };

    size_t              i;
    tale_t              t;
    debar_peel_input_t  in;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&t, 0, sizeof(t));
        memset(&in, 0, sizeof(in));
        in.content_type = debar_str(cases[i].type, strlen(cases[i].type));
        add(&t, "", 0);
        (void) run(&t, &in, NULL, cases[i].bytes, cases[i].len, 0);
        ok((strcmp(t.text, "media{}") == 0) == cases[i].passed,
           "%s is %s", cases[i].what, cases[i].passed ? "passed over" : "read");
        free(t.text);
    }

    peels("multipart/form-data; boundary=b", "",
          S("--b\r\nContent-Disposition: form-data; name=f; filename=a.jpg\r\n"
            "Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\0\x10JFIF\0\1\1 "
            "Acme Rocket\r\n--b\r\nContent-Disposition: form-data; name=g\r\n"
            "\r\nAcme\r\n--b--\r\n"), NULL, "a picture among fields");
}


/* A bound that is reached is said, in time; the worst is printed. */

static double  worst;

static unsigned
bounded(const char *type, const char *coding, const char *data, size_t len,
    const char *claim)
{
    tale_t               t;
    double               took;
    unsigned             bounds;
    struct timespec      a, b;
    debar_peel_input_t   in;

    memset(&t, 0, sizeof(t));
    memset(&in, 0, sizeof(in));
    add(&t, "", 0);
    in.content_type = debar_str(type, strlen(type));
    in.content_encoding = debar_str(coding, strlen(coding));

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    bounds = run(&t, &in, NULL, data, len, 65536);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);

    took = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
    worst = took > worst ? took : worst;

    printf("# %s: %.0f ms, %u values, %zu bytes, bounds %#x\n", claim,
           took * 1e3, t.leaves, t.bytes, bounds);
    ok(t.odd == 0 && t.open == 0 && took < 5, "%s: in order, in time", claim);
    free(t.text);

    return bounds;
}


static void
bombs(void)
{
    char      *big, *small;
    size_t     i, n, size;

    size = 32 * 1024 * 1024;
    big = malloc(size);
    small = malloc(size);

    memset(big, 'a', size);
    n = deflated(31, big, size, small, size);
    is_int(bounded("", "gzip", small, n, "32 MiB in gzip"),
           DEBAR_PEEL_EXPANDED, "... said");

    n = deflated(31, small, n, big, size);
    ok(bounded("", "gzip, gzip", big, n, "... in gzip again")
       & DEBAR_PEEL_EXPANDED, "... said");

    for (i = 0; i < 1024 * 1024; i++) {
        big[i] = "%25"[i % 3];
    }

    (void) bounded(FORM, "", big, 1024 * 1024, "1 MiB of %25 in a form");
    (void) bounded("text/plain", "", big, 1024 * 1024, "1 MiB of %25 as text");

    for (i = 0; i < 8 * 1024 * 1024; i++) {
        big[i] = "a=&"[i % 3];
    }

    is_int(bounded(FORM, "", big, i, "pairs without end"), DEBAR_PEEL_LEAVES,
           "... said");

    for (i = 0; i < 1024 * 1024; i++) {
        big[i] = "x=QWNtZSBSb2NrZXQ=&"[i % 19];
    }

    is_int(bounded(FORM, "", big, i, "base64 without end") & DEBAR_PEEL_NODES,
           DEBAR_PEEL_NODES, "... said");

    memset(big, 'A', size);
    is_int(bounded(FORM, "", big, 16 * 1024 * 1024, "a name of 16 MiB")
           & DEBAR_PEEL_HELD, DEBAR_PEEL_HELD, "... said");
    big[1] = '=';
    is_int(bounded(FORM, "", big, 16 * 1024 * 1024, "a value of 16 MiB")
           & DEBAR_PEEL_HELD, DEBAR_PEEL_HELD, "... said");

    for (i = 0; i < size; i++) {
        big[i] = i * 2654435761u >> 13;
    }

    is_int(bounded("application/octet-stream", "", big, size,
                   "32 MiB of bytes"),
           0, "... read to their end");

    for (i = 0; i < size; i++) {
        big[i] = "some words of a text, and a line\n"[i % 33];
    }

    is_int(bounded("text/plain", "", big, size, "32 MiB of lines"),
           0, "... read to their end");

    printf("# worst: %.0f ms\n", worst * 1e3);

    free(big);
    free(small);
}


static size_t
base64(const char *in, size_t len, char *out)
{
    size_t              i, n;
    uint32_t            v;
    static const char   digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
                                   "pqrstuvwxyz0123456789+/";

    for (i = 0, n = 0; i < len; i += 3) {
        v = (uint8_t) in[i] << 16;
        v |= i + 1 < len ? (uint8_t) in[i + 1] << 8 : 0;
        v |= i + 2 < len ? (uint8_t) in[i + 2] : 0;
        out[n++] = digits[v >> 18];
        out[n++] = digits[v >> 12 & 63];
        out[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
        out[n++] = i + 2 < len ? digits[v & 63] : '=';
    }

    return n;
}


static void
deep(void)
{
    char    a[16384], b[16384];
    size_t  i, n;

    /* base64 in base64 in ... */

    n = snprintf(a, sizeof(a), "Acme Rocket Company");

    for (i = 0; i < 9; i++) {
        n = base64(a, n, b);
        memcpy(a, b, n);
    }

    ok(bounded("text/plain", "", a, n, "nine levels of base64")
       & DEBAR_PEEL_DEPTH, "levels end, and it is said");
}


/* What the sink has had enough of is not read on; a hit is seen as it comes. */

static void
enough(void)
{
    char                 block[4096];
    int                  rc;
    size_t               i;
    tale_t               t;
    debar_peel_t        *p;
    debar_peel_input_t   in;

    memset(&t, 0, sizeof(t));
    memset(&in, 0, sizeof(in));
    t.stop = 700;
    in.content_type = debar_str(FORM, strlen(FORM));

    p = debar_peel_new(&in, NULL, told, &t);

    for (i = 0; i < sizeof(block); i++) {
        block[i] = "field=the+value+of+it&"[i % 22];
    }

    rc = DEBAR_OK;

    for (i = 0; i < 5000 && rc == DEBAR_OK; i++) {
        rc = debar_peel_push(p, block, 22 * 186);
    }

    is_int(rc, DEBAR_DECLINED, "the sink has enough");
    is_int(i, 4, "... in the block where it had");
    is_int(t.leaves, 700, "... and is told no more");
    is_int(debar_peel_finish(p), DEBAR_DECLINED, "... nor at the end");

    debar_peel_free(p);
    free(t.text);
}


int
main(void)
{
    texts();
    long_line();
    forms();
    armours();
    charsets();
    zips();
    pages();
    media();
    bombs();
    deep();
    enough();

    return done();
}
