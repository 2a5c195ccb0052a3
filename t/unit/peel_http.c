/*
 * Requests as parts of a batch.
 */

#include "peel_told.h"

#define HTTP  "application/http; msgtype=request"


int
main(void)
{
    double    t;
    unsigned  bounds;

    peeled(HTTP, "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Type: "
           "application/json\r\n\r\n{\"sku\":\"A1\"}",
           "<multipart>{@method=POST;@url=/a?b=c;<json>{{sku=A1;}}}", 0,
           "a request with a body");
    peeled(HTTP, "\r\nGET Products?$filter=Name eq 'x y'\n\n",
           "<multipart>{@method=GET;@url=Products?$filter=Name eq 'x y';"
           "<text>{}}", 0, "one of blanks, without a version");
    peeled(HTTP, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nRocket",
           "<multipart>{<text>{=Rocket;}}", 0, "an answer");
    peeled(HTTP, "POST /a HTTP/1.1\r\nContent-Type: "
           "application/x-www-form-urlencoded\r\n\r\nsku=A1&qty=2",
           "<multipart>{@method=POST;@url=/a;<form>{sku=A1;qty=2;}}", 0,
           "a form");
    told(HTTP, "POST /a HTTP/1.1\r\nX: y", 0, "one that is cut off",
         "@url=/a;");
    told(HTTP, "rocket skates\r\n\r\nmore", 0, "what is no request is told",
         "rocket", "more");
    told("multipart/mixed; boundary=b", "--b\r\nContent-Type: multipart/mixed; "
         "boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n"
         "PUT x HTTP/1.1\r\n\r\n{\"sku\":\"A1\"}\r\n--c--\r\n--b--", 0,
         "in a set of changes", "@method=PUT;@url=x;", "sku=A1;");

    t = peeled_long(HTTP, "POST /a HTTP/1.1\n", "a: b\n", 1 << 20, 1400,
                    &bounds);
    ok((bounds & DEBAR_PEEL_HELD) && t < 5, "a head of 5 MiB: %.2f s", t);

    t = peeled_long(HTTP, "", "\n", 1 << 20, 1, &bounds);
    ok(t < 5, "a million of empty lines: %.2f s", t);

    return done();
}
