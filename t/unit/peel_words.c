/*
 * Encoded words and signed tokens in values.
 */

#include "peel_told.h"

#define JSON  "application/json"


int
main(void)
{
    double    t;
    unsigned  bounds;

    peeled(JSON, "{\"a\":\"=?UTF-8?B?Um9ja2V0?=\"}",
           "<json>{{a==?UTF-8?B?Um9ja2V0?=;encoded-word{a<text>{=Rocket;}}}}",
           0, "an encoded word");
    told(JSON, "{\"a\":\"Rocket =?iso-8859-1?q?sk=E4tes?=\r\n "
         "=?us-ascii*en?Q?_two?= end\"}", 0,
         "words among others, their charset, a fold between them",
         "Rocket sk\xC3\xA4tes two end");
    told(JSON, "{\"a\":\"=?cp1251?B?0ODq5fLg?=\"}", 0, "of another script",
         "\xD0\xA0\xD0\xB0\xD0\xBA\xD0\xB5\xD1\x82\xD0\xB0");
    peeled(JSON, "{\"a\":\"x=?y?= =?UTF-8?X?Um9?= =?utf-8?B?Um9j\"}",
           "<json>{{a=x=?y?= =?UTF-8?X?Um9?= =?utf-8?B?Um9j;}}", 0,
           "what is none");

    told(JSON, "{\"t\":\"eyJhbGciOiJub25lIn0.eyJza3UiOiJBMSIsInF0eSI6Mn0."
         "c2lnbmVk\"}", 0, "a signed token", "token{", "alg=none;",
         "sku=A1;qty=2;");
    told(JSON, "{\"t\":\"eyJhbGciOiJub25lIn0.eyJza3UiOiJBMSIsInF0eSI6Mn0.\"}",
         0, "one that has no signature", "sku=A1;qty=2;");
    told("application/jose", "eyJhbGciOiJub25lIn0.eyJza3UiOiJBMSIsInF0eSI6Mn0."
         "c2lnbmVk", 0, "one that is the body", "sku=A1;qty=2;");
    peeled(JSON, "{\"t\":\"eyebrow.pencils.are-cheap-today\"}",
           "<json>{{t=eyebrow.pencils.are-cheap-today;}}", 0,
           "names with points are none");

    t = peeled_long(JSON, "{\"a\":\"", "=?a?q?b?=", 1 << 18, 1400, &bounds);
    ok(t < 5, "a quarter of a million of words: %.2f s", t);

    t = peeled_long(JSON, "{\"a\":\"", "=?a?", 1 << 20, 1400, &bounds);
    ok(t < 5, "a million that do not end: %.2f s", t);

    return done();
}
