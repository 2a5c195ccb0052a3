/*
 * JSON: what is told of it, whole or in pieces; what lax servers read; where it
 * breaks; that no document takes long.
 */

#include "peel_told.h"

#define JSON  "application/json"


int
main(void)
{
    double    t;
    unsigned  bounds;
    peeled_t  p;

    peeled(JSON, "{\"sku\":\"A1\",\"qty\":2,\"ok\":true,\"no\":null,\"f\":-1.5e3}",
           "<json>{{sku=A1;qty=2;ok=true;no=null;f=-1.5e3;}}", 0,
           "an object: numbers and words as they stand");
    peeled(JSON, "[{\"a\":[1,[\"x\"],{}]},\"y\"]",
           "<json>{{{a{=1;{=x;}{}}}=y;}}", 0,
           "arrays: what is in them has no name");
    peeled(JSON, "{\"a\":\"x\",\"a\":\"y\"}", "<json>{{a=x;a=y;}}", 0,
           "keys that come twice are told twice");
    peeled(JSON, "\"top\"", "<json>{=top;}", 0, "a value alone");
    peeled(JSON, " 12", "<json>{=12;}", 0, "a number alone");
    peeled(JSON, "{\"a\":1}\n{\"a\":2}\n\x1e{\"a\":3}\n",
           "<json>{{a=1;}{a=2;}{a=3;}}", 0, "several, a line each");
    peeled(JSON, "{\"n\":\"\\u004b\\u0061 \\ud83d\\ude00 \\/\\\"\"}",
           "<json>{{n=Ka \xF0\x9F\x98\x80 /\";}}", 0, "escapes, surrogates");
    peeled(JSON, "{\"k\\u0065y\":1}", "<json>{{key=1;}}", 0,
           "escapes in a name");
    told(JSON, "{\"n\":\"a\xE9" "b\"}", 0,
         "bytes that are not UTF-8 are no fault", "n=a");

    peeled(JSON, "\xEF\xBB\xBF)]}',\n{\"a\":1}", "<json>{{a=1;}}", 0,
           "a byte order mark, a prefix against scripts");
    peeled(JSON, "for (;;);{\"a\":1}", "<json>{{a=1;}}", 0,
           "another prefix");
    peeled(JSON, "{/* \"x */\"a\":/**/1,// y\" \n\"b\"://\n2}",
           "<json>{{a=1;b=2;}}", 0, "comments");
    peeled(JSON, "{\"a\":\"x\ty\nz\"}", "<json>{{a=x y z;}}", 0,
           "control characters in a string");
    peeled(JSON, "{\"a\":\"\\q\\xg\\u00zz\\\"\"}",
           "<json>{{a=\\q\\u00g\\u00zz\";}}", 0, "escapes that are none");

    peeled(JSON, "{a:'x \"y\" it\\'s\\\n \\x41',$b_1 : [1,+2,.5,0x1F,NaN,007,],}",
           "<json>{{a=x \"y\" it's A;$b_1{=1;=+2;=.5;=0x1F;=NaN;=007;}}}", 0,
           "JSON5: names and strings with other quotes, or none");
    peeled(JSON, "[,1,,'a' , true,-1.5E+3,\n{1:2,},]",
           "<json>{{=1;=a;=true;=-1.5E+3;{1=2;}}}", 0, "commas too many");
    peeled("", "{'a':'Rocket'}", "<json>{{a=Rocket;}}", 0,
           "other quotes without a label");
    peeled("text/plain", "{sku : 'A1'}", "<json>{{sku=A1;}}", 0,
           "a name without any");
    peeled("application/javascript", "/**/ cb_1.x({\"a\":1});",
           "<json>{{a=1;}}", 0, "the call of JSONP");
    told(JSON, "cb({\"a\":1}); Rocket 'skates'", 0,
         "what stands behind it is told", "{a=1;}", "=Rocket;", "=skates;");
    peeled("text/plain", "42[\"add\",{\"a\":1}]", "<json>{{=add;{a=1;}}}", 0,
           "a packet of Socket.IO");
    peeled("text/plain", "2\x1e" "42/shop,13[\"add\",{\"a\":1}]\x1e" "41/shop,",
           "<json>{{=add;{a=1;}}=41;=shop;}", 0, "several, of a namespace");
    peeled("text/plain", "15:42[\"a\",{\"b\":1}]2:40", "<json>{{=a;{b=1;}}=2;=40;}",
           0, "packets with their lengths");
    told("text/plain", "say (hello) and {go: now}", 0, "prose is none",
         "<text>{", "say (hello)");
    told(JSON, "rocket skates, two", DEBAR_PEEL_BROKEN, "nor with a label",
         "rocket skates");

    told(JSON, "{\"a\":\"x\0y\"}", 0, "a NUL in a string does not end it",
         "a=x\x7fy;");
    told(JSON, "{\"a\":[1, \"Rocket skat", DEBAR_PEEL_BROKEN,
         "of a string that is cut off, what has come is told",
         "{a{=1;=Rocket skat;");
    told(JSON, "{\"a\":1, rocket = 'skates'}", DEBAR_PEEL_BROKEN,
         "where it breaks, what is left is read as text", "{a=1;", "skates");

    memset(&p, 0, sizeof(p));
    p.stop = 2;
    peeled_run(&p, JSON, "[1,2,3]", 7, 1);
    is_str(p.told.data, "<json>{{=1;=2;", "a sink that has enough");
    debar_buf_free(&p.told);

    t = peeled_long(JSON, "", "[", 8 << 20, 1 << 16, &bounds);
    ok(bounds & DEBAR_PEEL_NESTING, "8 MiB of arrays in arrays: %.2f s", t);
    ok(t < 10, "... in bounded time");

    t = peeled_long(JSON, "{\"a\":", "{\"a\":", 1 << 20, 1 << 16, &bounds);
    ok((bounds & DEBAR_PEEL_NESTING) && t < 10, "... of objects: %.2f s", t);

    t = peeled_long(JSON, "{\"a\":\"", "xy", 10 << 20, 1400, &bounds);
    ok((bounds & (DEBAR_PEEL_HELD | DEBAR_PEEL_BROKEN)) && t < 10,
       "a string of 20 MiB without an end, in pieces: %.2f s", t);

    t = peeled_long(JSON, "{\"a\":1} ", " \n", 10 << 20, 1400, &bounds);
    ok(bounds == 0 && t < 10, "20 MiB of white space: %.2f s", t);

    t = peeled_long(JSON, "[", "\"a\",", 100, 1, &bounds);
    ok(bounds == DEBAR_PEEL_BROKEN, "an array that does not end");

    return done();
}
