/*
 * ClientHello, from records to the few fields that a verdict needs.
 *
 * A server may read a hello more leniently than this does, so whatever two
 * readers could take for different names is BAD: what is refused here is not
 * sent by any client in use.
 */

#include "hello.h"


#define RECORD_HEADER      5
#define MAX_RECORD         16384
#define HANDSHAKE_HEADER   4

#define TYPE_CCS           20     /* RFC 8446 s.5.1, RFC 6520: 20 .. 24 */
#define TYPE_HANDSHAKE     22
#define TYPE_HEARTBEAT     24
#define CLIENT_HELLO       1

#define OTHER_MAX          32     /* of a method, a scheme, empty lines */

#define SHORT_HELLO        "a ClientHello that ends within a field"


typedef struct {
    const uint8_t  *p;
    size_t          len;
} hello_bytes_t;


typedef struct {
    size_t    type;
    void    (*read)(debar_hello_t *h, hello_bytes_t b);
} hello_extension_t;


static int hello_opening(debar_hello_t *h, const uint8_t *p, size_t len);
static int hello_record(debar_hello_t *h, const uint8_t *p, size_t len,
    size_t *size);
static int hello_gather(debar_hello_t *h, const uint8_t *p, size_t len,
    uint8_t *out, size_t *n);
static int hello_length(debar_hello_t *h, const uint8_t *p, size_t *need);
static int hello_body(debar_hello_t *h, hello_bytes_t b);
static int hello_extensions(debar_hello_t *h, hello_bytes_t b);
static void hello_names(debar_hello_t *h, hello_bytes_t b);
static void hello_alpn(debar_hello_t *h, hello_bytes_t b);
static void hello_versions(debar_hello_t *h, hello_bytes_t b);
static void hello_ech(debar_hello_t *h, hello_bytes_t b);
static void hello_esni(debar_hello_t *h, hello_bytes_t b);


static const hello_extension_t  hello_known[] = {
    { 0, hello_names },
    { 16, hello_alpn },
    { 43, hello_versions },
    { 0xfe0d, hello_ech },
    { 0xffce, hello_esni }
};


/* The first fault is the one that is told. */

static int
hello_bad(debar_hello_t *h, const char *fault)
{
    if (h->fault == NULL) {
        h->fault = fault;
    }

    return DEBAR_HELLO_BAD;
}


static int
hello_number(hello_bytes_t *b, unsigned width, size_t *value)
{
    size_t  n;

    if (b->len < width) {
        return 0;
    }

    b->len -= width;

    for (n = 0; width; width--) {
        n = n << 8 | *b->p++;
    }

    *value = n;

    return 1;
}


/* A vector behind its own length, which is width bytes (RFC 8446 s.3.4). */

static int
hello_vector(hello_bytes_t *b, unsigned width, hello_bytes_t *part)
{
    size_t  n;

    if (!hello_number(b, width, &n) || n > b->len) {
        return 0;
    }

    part->p = b->p;
    part->len = n;
    b->p += n;
    b->len -= n;

    return 1;
}


int
debar_hello_parse(debar_hello_t *h, const char *data, size_t len,
    char *scratch)
{
    int             rc;
    size_t          n;
    hello_bytes_t   body;
    const uint8_t  *p = (const uint8_t *) data;

    memset(h, 0, sizeof(debar_hello_t));

    /* What is said must not depend on how much the peek was able to hold. */

    len = len < DEBAR_HELLO_BYTES ? len : DEBAR_HELLO_BYTES;

    rc = hello_opening(h, p, len);

    if (rc == DEBAR_HELLO_OK) {
        rc = hello_gather(h, p, len, (uint8_t *) scratch, &n);
    }

    if (rc == DEBAR_HELLO_MORE && len == DEBAR_HELLO_BYTES) {
        return hello_bad(h, "a ClientHello in too many records");
    }

    if (rc != DEBAR_HELLO_OK) {
        return rc;
    }

    body.p = (const uint8_t *) scratch + HANDSHAKE_HEADER;
    body.len = n - HANDSHAKE_HEADER;

    return hello_body(h, body);
}


/* Is it TLS at all?  OK: a handshake record begins, or may begin, here. */

static int
hello_opening(debar_hello_t *h, const uint8_t *p, size_t len)
{
    if (len == 0) {
        return DEBAR_HELLO_MORE;
    }

    if (p[0] == TYPE_HANDSHAKE) {
        return DEBAR_HELLO_OK;
    }

    if (p[0] >= TYPE_CCS && p[0] <= TYPE_HEARTBEAT) {
        if (len < 2) {
            return DEBAR_HELLO_MORE;
        }

        return p[1] == 3 ? hello_bad(h, "a record before the ClientHello")
                         : DEBAR_HELLO_NOT_TLS;
    }

    /* RFC 5246 s.E.2: length with its high bit set, type 1, version. */

    if (!(p[0] & 0x80)
        || (len > 2 && p[2] != CLIENT_HELLO)
        || (len > 3 && p[3] != 0 && p[3] != 3)
        || (len > 4 && p[3] == 0 && p[4] != 2))
    {
        return DEBAR_HELLO_NOT_TLS;
    }

    return len > 4 ? DEBAR_HELLO_SSLV2 : DEBAR_HELLO_MORE;
}


/*
 * The minor version of a record is to be ignored (RFC 8446 s.5.1); a fragment
 * of a handshake is never empty, and nothing comes between two of them.
 */

static int
hello_record(debar_hello_t *h, const uint8_t *p, size_t len, size_t *size)
{
    if (len > 0 && p[0] != TYPE_HANDSHAKE) {
        return hello_bad(h, "another record within the ClientHello");
    }

    if (len > 1 && p[1] != 3) {
        return hello_bad(h, "a handshake record of an unknown version");
    }

    if (len < RECORD_HEADER) {
        return DEBAR_HELLO_MORE;
    }

    *size = (size_t) p[3] << 8 | p[4];

    if (*size == 0) {
        return hello_bad(h, "an empty handshake record");
    }

    if (*size > MAX_RECORD) {
        return hello_bad(h, "a handshake record over 16384 bytes");
    }

    return DEBAR_HELLO_OK;
}


static int
hello_gather(debar_hello_t *h, const uint8_t *p, size_t len, uint8_t *out,
    size_t *n)
{
    int     rc;
    size_t  begin, have, need, room, size;

    *n = 0;
    need = HANDSHAKE_HEADER;

    while (*n < need) {
        rc = hello_record(h, p, len, &size);
        if (rc != DEBAR_HELLO_OK) {
            return rc;
        }

        p += RECORD_HEADER;
        len -= RECORD_HEADER;

        begin = *n;
        have = size < len ? size : len;
        room = DEBAR_MAX_HELLO - begin;

        memcpy(out + begin, p, have < room ? have : room);
        *n += have < room ? have : room;

        if (*n > 0 && out[0] != CLIENT_HELLO) {
            return hello_bad(h, "a handshake that begins otherwise");
        }

        if (*n >= HANDSHAKE_HEADER) {
            rc = hello_length(h, out, &need);
            if (rc != DEBAR_HELLO_OK) {
                return rc;
            }

            /* RFC 8446 s.5.1: a ClientHello ends with its record. */

            if (begin + size > need) {
                return hello_bad(h, "bytes behind the ClientHello in its "
                                    "record");
            }
        }

        if (have < size) {
            return DEBAR_HELLO_MORE;
        }

        h->records++;
        p += size;
        len -= size;
    }

    return DEBAR_HELLO_OK;
}


static int
hello_length(debar_hello_t *h, const uint8_t *p, size_t *need)
{
    size_t  n;

    n = (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3];

    if (n > DEBAR_MAX_HELLO - HANDSHAKE_HEADER) {
        return hello_bad(h, "a ClientHello over 16384 bytes");
    }

    *need = n + HANDSHAKE_HEADER;

    return DEBAR_HELLO_OK;
}


/* RFC 8446 s.4.1.2; extensions may be absent (RFC 5246 s.7.4.1.2). */

static int
hello_body(debar_hello_t *h, hello_bytes_t b)
{
    size_t         version;
    hello_bytes_t  compression, extensions, session, suites;

    if (!hello_number(&b, 2, &version) || b.len < 32) {
        return hello_bad(h, SHORT_HELLO);
    }

    b.p += 32;
    b.len -= 32;

    if (!hello_vector(&b, 1, &session)
        || !hello_vector(&b, 2, &suites)
        || !hello_vector(&b, 1, &compression))
    {
        return hello_bad(h, SHORT_HELLO);
    }

    if (session.len > 32) {
        return hello_bad(h, "a session id over 32 bytes");
    }

    if (suites.len == 0 || suites.len % 2) {
        return hello_bad(h, "cipher suites of no or half a suite");
    }

    if (compression.len == 0) {
        return hello_bad(h, "no compression method");
    }

    if (version >> 8 != 3) {
        return hello_bad(h, "a ClientHello of an unknown version");
    }

    /* Later ones are only offered in supported_versions (s.4.2.1). */

    h->version = version > 0x0303 ? 0x0303 : version;

    if (b.len) {
        if (!hello_vector(&b, 2, &extensions)) {
            return hello_bad(h, SHORT_HELLO);
        }

        if (b.len) {
            return hello_bad(h, "bytes behind the extensions");
        }

        if (hello_extensions(h, extensions) != DEBAR_HELLO_OK) {
            return DEBAR_HELLO_BAD;
        }
    }

    if (h->version < 0x0301) {
        return hello_bad(h, "no version of TLS from 1.0 to 1.3");
    }

    return DEBAR_HELLO_OK;
}


/*
 * All of them are read, also behind a fault: a refusal names the host and the
 * ECH of a hello that had both.
 */

static int
hello_extensions(debar_hello_t *h, hello_bytes_t b)
{
    size_t         i, type;
    uint8_t        seen[65536 / 8];
    hello_bytes_t  part;

    memset(seen, 0, sizeof(seen));

    while (b.len) {
        if (!hello_number(&b, 2, &type) || !hello_vector(&b, 2, &part)) {
            return hello_bad(h, "extensions that end within one");
        }

        if (seen[type / 8] & 1 << type % 8) {
            hello_bad(h, "an extension twice");
        }

        seen[type / 8] |= 1 << type % 8;

        for (i = 0; i < sizeof(hello_known) / sizeof(hello_known[0]); i++) {
            if (hello_known[i].type == type) {
                hello_known[i].read(h, part);
            }
        }
    }

    return h->fault ? DEBAR_HELLO_BAD : DEBAR_HELLO_OK;
}


static void
hello_name(debar_hello_t *h, hello_bytes_t name)
{
    if (h->nnames++) {
        hello_bad(h, "two server names");
        return;
    }

    if (name.len == 0) {
        hello_bad(h, "an empty server name");
        return;
    }

    if (name.len >= sizeof(h->sni)) {
        hello_bad(h, "a server name over 255 bytes");
        return;
    }

    memcpy(h->sni, name.p, name.len);
    h->sni[name.len] = '\0';
    h->sni_len = strlen(h->sni);

    if (h->sni_len != name.len) {
        h->sni_nul = 1;
        hello_bad(h, "a NUL in the server name");
    }
}


/*
 * Servers differ on names of another type: some take the first entry, some
 * the first host_name, some neither.  No such type was ever defined.
 */

static void
hello_names(debar_hello_t *h, hello_bytes_t b)
{
    size_t         type;
    hello_bytes_t  list, name;

    if (!hello_vector(&b, 2, &list) || b.len) {
        hello_bad(h, "a malformed server_name");
        return;
    }

    if (list.len == 0) {
        hello_bad(h, "a server_name without a name");
    }

    while (list.len) {
        if (!hello_number(&list, 1, &type) || !hello_vector(&list, 2, &name)) {
            hello_bad(h, "a malformed server_name");
            return;
        }

        if (type != 0) {
            hello_bad(h, "a server name that is not a host_name");
            continue;
        }

        hello_name(h, name);
    }
}


static void
hello_alpn(debar_hello_t *h, hello_bytes_t b)
{
    hello_bytes_t  list, name;

    h->alpn = 1;

    if (!hello_vector(&b, 2, &list) || b.len || list.len == 0) {
        hello_bad(h, "a malformed ALPN");
        return;
    }

    while (list.len) {
        if (!hello_vector(&list, 1, &name) || name.len == 0) {
            hello_bad(h, "a malformed ALPN");
            return;
        }

        if (name.len == 2 && memcmp(name.p, "h2", 2) == 0) {
            h->h2 = 1;
        }

        if (name.len == 8 && memcmp(name.p, "http/1.1", 8) == 0) {
            h->http11 = 1;
        }
    }
}


static void
hello_versions(debar_hello_t *h, hello_bytes_t b)
{
    size_t         version;
    hello_bytes_t  list;

    if (!hello_vector(&b, 1, &list) || b.len || list.len == 0
        || list.len % 2)
    {
        hello_bad(h, "malformed supported_versions");
        return;
    }

    h->version = 0;

    while (hello_number(&list, 2, &version)) {
        if (version >= 0x0301 && version <= 0x0304 && version > h->version) {
            h->version = version;
        }
    }
}


static void
hello_ech(debar_hello_t *h, hello_bytes_t b)
{
    size_t  type;

    if (!hello_number(&b, 1, &type) || type > 1 || (type == 1 && b.len)) {
        h->ech = 1;
        hello_bad(h, "a malformed encrypted_client_hello");
        return;
    }

    h->ech = type == 0 ? 1 : 2;
}


static void
hello_esni(debar_hello_t *h, hello_bytes_t b)
{
    h->esni = 1;
}


/* Does data begin with word?  MORE: as far as it goes. */

static int
other_word(const char *data, size_t len, const char *word, int found)
{
    size_t  n = strlen(word);

    if (memcmp(data, word, len < n ? len : n) != 0) {
        return DEBAR_OTHER_UNKNOWN;
    }

    return len < n ? DEBAR_OTHER_MORE : found;
}


/* Origin-form, "*" or a scheme with "://": "EHLO host" is no request line. */

static int
other_target(const char *p, size_t len)
{
    size_t  i;

    if (len == 0) {
        return DEBAR_OTHER_MORE;
    }

    if (p[0] == '/' || p[0] == '*') {
        return DEBAR_OTHER_HTTP;
    }

    for (i = 0; i < len && i < OTHER_MAX; i++) {
        if (p[i] == ':') {
            return i == 0 ? DEBAR_OTHER_UNKNOWN
                          : other_word(p + i, len - i, "://",
                                       DEBAR_OTHER_HTTP);
        }

        if (!debar_is_tchar((uint8_t) p[i])) {
            return DEBAR_OTHER_UNKNOWN;
        }
    }

    return i < OTHER_MAX ? DEBAR_OTHER_MORE : DEBAR_OTHER_UNKNOWN;
}


int
debar_hello_other(const char *data, size_t len)
{
    int     rc;
    size_t  i;

    static const struct {
        const char  *word;
        int          found;
    } words[] = {
        { "SSH-", DEBAR_OTHER_SSH },
        { "PRI * HTTP/2.0", DEBAR_OTHER_HTTP2 },
        { "CONNECT ", DEBAR_OTHER_CONNECT }
    };

    /* RFC 9112 s.2.2: empty lines before a request line are skipped. */

    for (i = 0; i < len && (data[i] == '\r' || data[i] == '\n'); i++) {
        if (i == OTHER_MAX) {
            return DEBAR_OTHER_UNKNOWN;
        }
    }

    data += i;
    len -= i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        rc = other_word(data, len, words[i].word, words[i].found);
        if (rc != DEBAR_OTHER_UNKNOWN) {
            return rc;
        }
    }

    for (i = 0; i < len && i < OTHER_MAX; i++) {
        if (data[i] == ' ' && i > 0) {
            return other_target(data + i + 1, len - i - 1);
        }

        if (!debar_is_tchar((uint8_t) data[i])) {
            return DEBAR_OTHER_UNKNOWN;
        }
    }

    return i < OTHER_MAX ? DEBAR_OTHER_MORE : DEBAR_OTHER_UNKNOWN;
}
