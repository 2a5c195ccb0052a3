/*
 * Protocol buffers: text at any depth, in the frames of gRPC and without.
 */

#include "peeled.h"


#define PROTOBUF  "application/x-protobuf"

#define is(type, data, want, claim)                                           \
    peeled_is(type, data, sizeof(data) - 1, want, claim)


static void
messages(void)
{
    is(PROTOBUF, "\x08\x01\x12\x0b" "Acme Rocket" "\x1a\x07\x0a\x05" "AR-10"
       "\x25\x01\x02\x03\x04\x29" "12345678",
       "2=Acme Rocket 3{ 1=AR-10 }",
       "strings, and those of a message in it");

    is(PROTOBUF, "\x0a\x0c\x0a\x0a\x0a\x08\x0a\x06\x12\x04\xd0\x9a\xd0\xb0"
       "\x12\x02ok",
       "1{ 1{ 1{ 1{ } } } }",
       "no text of fewer than three characters") ;

    is(PROTOBUF, "\x0a\x0b\x0a\x09" "ACME-1234",
       "1=\\x0a\\x09" "ACME-1234 1{ 1=ACME-1234 }",
       "what reads as text and as a message is both");

    is(PROTOBUF, "\x08\xc0\xde\xea\x9a\xb2\x25\x10\x07",
       "1=1284788367168",
       "a number that could be an identifier");

    is(PROTOBUF, "\x0b\x12\x03" "abc" "\x0c\x1a\x03" "def",
       "2=abc 3=def", "fields in a group");

    is(PROTOBUF, "\x05\x0a\x03" "abc" "\x05\x0a\x03" "def",
       "message{ 1=abc } message{ 1=def }",
       "messages that each have their length before them");

    is(PROTOBUF, "\x0a\x06" "\x00\x01" "ACME" "\x12\x06\xff\xfe" "ACME",
       "1=\\x00\\x01ACME 2=\xff\xfe" "ACME", "bytes with text in them");

    is(PROTOBUF, "\x0a\x0b" "Acme Rocket" "\x12\x7f" "AR-10 cut off",
       "1=Acme Rocket =\\x12\x7f" "AR-10 cut off",
       "a message that is cut off: what could be read, and its rest");
}


static void
frames(void)
{
    is("application/grpc-web+proto",
       "\x00\x00\x00\x00\x06\x0a\x04" "Acme" "\x00\x00\x00\x00\x00"
       "\x00\x00\x00\x00\x06\x12\x04" "AR-1"
       "\x80\x00\x00\x00\x0f" "grpc-status:0\r\n",
       "message{ 1=Acme } message{ 2=AR-1 } trailers=grpc-status:0\\x0d\\x0a",
       "frames of gRPC-web, and their trailers");

    is(PROTOBUF,
       "\x00\x00\x00\x00\x06\x0a\x04" "Acme",
       "message{ 1=Acme }", "frames that are labelled as a message");

    is("application/grpc-web-text", "AAAAAAYKBEFjbWU=AAAAAAYSBEFSLTE=",
       "message{ 1=Acme } message{ 2=AR-1 }",
       "frames in base64, each with its padding");

    is("application/grpc", "\x0a\x0b" "Acme Rocket",
       "1=Acme Rocket", "a message that is labelled as frames");

    is("application/grpc", "\x00\x00\x00\x00\x7f\x0a\x04" "Acme",
       "message{ 1=Acme }", "a frame that is cut off");
}


/* Each level of a message looks like text, and like a message. */

static void
nesting(void)
{
    char      *data, *got;
    size_t     len, n, at;
    unsigned   bounds;

    len = 1 << 20;
    data = malloc(len);
    memset(data, 'a', len);

    for (at = 0, n = len; at + 5 < len && n > 8; /* void */) {
        n -= 5;
        data[at++] = '\x0a';
        data[at++] = (char) (0x80 | (n & 0x7f));
        data[at++] = (char) (0x80 | ((n >> 7) & 0x7f));
        data[at++] = (char) (0x80 | ((n >> 14) & 0x7f));
        data[at++] = (char) (n >> 21);
    }

    got = peeled(PROTOBUF, data, len, 0, &bounds);
    ok(bounds & DEBAR_PEEL_NESTING, "200,000 messages in each other: a bound");

    free(got);
    free(data);
}


int
main(void)
{
    messages();
    frames();
    nesting();

    return done();
}
