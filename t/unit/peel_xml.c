/*
 * XML: what is told of it, whole or in pieces; entities within bounds; where it
 * breaks; property lists; that no document takes long.
 */

#include "peel_told.h"

#define XML  "text/xml"


static void
entities(void)
{
    int          i, j;
    double       t;
    unsigned     bounds;
    debar_buf_t  b;

    memset(&b, 0, sizeof(b));
    debar_buf_printf(&b, "<!DOCTYPE l [<!ENTITY a0 \"rocket\">");

    for (i = 1; i < 12; i++) {
        debar_buf_printf(&b, "<!ENTITY a%d \"", i);

        for (j = 0; j < 10; j++) {
            debar_buf_printf(&b, "&a%d;", i - 1);
        }

        debar_buf_printf(&b, "\">");
    }

    debar_buf_printf(&b, "]><l>&a11;</l>");
    debar_buf_add(&b, "", 1);

    t = peeled_long(XML, b.data, "", 0, 1, &bounds);
    ok((bounds & DEBAR_PEEL_EXPANDED) && t < 5,
       "a billion laughs stop: %.2f s", t);

    b.len = 0;
    debar_buf_printf(&b, "<!DOCTYPE l [<!ENTITY a0 \"x\">");

    for (i = 1; i < 5000; i++) {
        debar_buf_printf(&b, "<!ENTITY a%d \"&a%d;\">", i, i - 1);
    }

    debar_buf_printf(&b, "]><l>&a4999;</l>");
    debar_buf_add(&b, "", 1);

    t = peeled_long(XML, b.data, "", 0, 0, &bounds);
    ok((bounds & DEBAR_PEEL_EXPANDED) && t < 5,
       "a chain of 5000 entities is not followed: %.2f s", t);
    debar_buf_free(&b);

    b.data = NULL;
    t = peeled_long(XML, "<!DOCTYPE l [<!ENTITY a \"0123456789012345678901234567"
                    "8901234567890123456789012345678901234567890123456789\">]>"
                    "<l>", "&a;", 1 << 20, 1 << 16, &bounds);
    ok((bounds & DEBAR_PEEL_BROKEN) && t < 10,
       "one entity a million times: %.2f s", t);
}


static void
long_ones(void)
{
    double    t;
    unsigned  bounds;

    t = peeled_long(XML, "", "<a>", 4 << 20, 1 << 16, &bounds);
    ok((bounds & DEBAR_PEEL_NESTING) && t < 10,
       "elements 4 Mi deep: %.2f s", t);

    t = peeled_long(XML, "<a b=\"", "xy", 3 << 20, 1400, &bounds);
    ok((bounds & DEBAR_PEEL_BROKEN) && t < 10,
       "an attribute of 6 MiB without an end, in pieces: %.2f s", t);

    t = peeled_long(XML, "<a><!-- ", "xy", 3 << 20, 100, &bounds);
    ok((bounds & DEBAR_PEEL_BROKEN) && t < 10,
       "a comment likewise: %.2f s", t);

    t = peeled_long(XML, "<a>", "xy", 10 << 20, 1400, &bounds);
    ok((bounds & DEBAR_PEEL_HELD) && t < 10, "text of 20 MiB: %.2f s", t);
}


int
main(void)
{
    peeled(XML, "<?xml version=\"1.0\"?><a x=\"1\"><b>t</b><b/>u</a>",
           "<xml>{a{@x=1;b{=t;}b{}=u;}}", 0,
           "elements, attributes, text after the elements in it");
    peeled(XML, "<c:a xmlns:c=\"urn:x\" c:y=\"1\"><c:b>t</c:b></c:a>",
           "<xml>{a{@y=1;b{=t;}}}", 0, "prefixes go");
    peeled(XML, "<a>Roc<!-- x -->ket<![CDATA[ <Sk]]>&#97;t&#x65;s&amp;</a>",
           "<xml>{a{=Rocket <Skates&;}}", 0,
           "text is joined across comments, CDATA and references");
    peeled(XML, "\n <a>\n  <b> t\n u </b>\n</a>\n",
           "<xml>{a{b{=t\n u;}}}", 0, "white space around text goes");
    peeled(XML, "<!DOCTYPE a [<!ENTITY r \"Roc\"><!ENTITY k \"&r;ket\">]>"
           "<a x=\"&k;\">&k; S</a>", "<xml>{a{@x=Rocket;=Rocket S;}}", 0,
           "entities of the document");
    peeled(XML, "<!DOCTYPE a [<!ENTITY % p \"<!ENTITY r 'Roc'>\">%p;]>"
           "<a>&r;ket</a>", "<xml>{a{=Rocket;}}", 0,
           "... that a parameter entity declares");
    peeled(XML, "<!DOCTYPE a SYSTEM \"http://e.example/a.dtd\"><a>R&reg; &x;</a>",
           "<xml>{a{=R&reg; &x;;}}", 0,
           "references to what is declared elsewhere stay");
    peeled(XML, "<a>R&reg;</a>", "<xml>{a{=R&reg;;}}", 0,
           "... or nowhere");
    peeled(XML, "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"
           "<a>x&e;y</a>", "<xml>{a{&=file:///etc/passwd;=xy;}}", 0,
           "what lies elsewhere is not loaded, where is told");
    peeled(XML, "<!DOCTYPE a [<!ATTLIST a q CDATA \"3\">]><a/>",
           "<xml>{a{@q=3;}}", 0, "attributes that the document type sets");
    peeled(XML, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE9</a>",
           "charset{<xml>{a{=\xC3\xA9;}}}", 0, "its charset is undone before");

    peeled("application/x-plist", "<?xml version=\"1.0\"?><plist version=\"1.0\">"
           "<dict><key>id</key><string>x</string><key>l</key><array>"
           "<integer>5</integer><dict><key>b</key><true/></dict></array>"
           "</dict></plist>",
           "<xml>{{id=x;l{=5;{b=true;}}}}", 0, "a property list");

    told(XML, "<o><i q=\"1\"><n>Rocket skat", DEBAR_PEEL_BROKEN,
         "of text that is cut off, what has come is told",
         "o{i{@q=1;n{=Rocket skat;");
    told(XML, "<o><n>Rocket & co</n><m>skates</m></o>", DEBAR_PEEL_BROKEN,
         "where it breaks, what is left is read as text", "n{=Rocket", "skates");

    entities();
    long_ones();

    return done();
}
