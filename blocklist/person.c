/* Keyed hashes of people, networks of addresses. */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "person.h"


#define DEBAR_PERSON_SEEN   512       /* names that are kept, and a power of
                                         two */
#define DEBAR_PERSON_NAME    61       /* bytes of one that is kept */
#define DEBAR_PERSON_HASH    34


typedef struct {
    uint8_t          len;             /* 0: none */
    char             name[DEBAR_PERSON_NAME];
    char             hash[DEBAR_PERSON_HASH];
} debar_person_seen_t;


struct debar_person_s {
    EVP_MAC_CTX          *mac;
    debar_person_seen_t   seen[DEBAR_PERSON_SEEN];
};


debar_person_t *
debar_person_create(debar_str_t key)
{
    EVP_MAC         *hmac;
    OSSL_PARAM       params[2];
    debar_person_t  *p;

    p = calloc(1, sizeof(debar_person_t));

    if (p == NULL) {
        return NULL;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 "SHA256", 0);
    params[1] = OSSL_PARAM_construct_end();

    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    p->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);

    if (p->mac == NULL
        || !EVP_MAC_init(p->mac, (const unsigned char *) key.data, key.len,
                         params))
    {
        debar_person_destroy(p);
        return NULL;
    }

    return p;
}


void
debar_person_destroy(debar_person_t *p)
{
    if (p) {
        EVP_MAC_CTX_free(p->mac);
        OPENSSL_cleanse(p->seen, sizeof(p->seen));
        free(p);
    }
}


/* FNV-1a. */

static debar_person_seen_t *
debar_person_place(debar_person_t *p, debar_str_t s)
{
    size_t    i;
    uint32_t  h;

    for (i = 0, h = 2166136261u; i < s.len; i++) {
        h = (h ^ (unsigned char) s.data[i]) * 16777619u;
    }

    return &p->seen[(h ^ h >> 16) & (DEBAR_PERSON_SEEN - 1)];
}


static int
debar_person_mac(debar_person_t *p, char out[DEBAR_PERSON_HASH], debar_str_t s)
{
    size_t         i, n;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    static const char  digits[] = "0123456789abcdef";

    n = 0;

    /* the key stays from one to the next */

    if (!EVP_MAC_init(p->mac, NULL, 0, NULL)
        || !EVP_MAC_update(p->mac, (const unsigned char *) s.data, s.len)
        || !EVP_MAC_final(p->mac, mac, &n, sizeof(mac))
        || n < 16)
    {
        return 0;
    }

    memcpy(out, "h:", 2);

    for (i = 0; i < 16; i++) {
        out[2 + 2 * i] = digits[mac[i] >> 4];
        out[3 + 2 * i] = digits[mac[i] & 15];
    }

    return 1;
}


debar_str_t
debar_person_hash(debar_person_t *p, char out[DEBAR_PERSON_TEXT],
    debar_str_t s)
{
    debar_person_seen_t  *seen;

    seen = NULL;

    if (p && s.len && s.len <= DEBAR_PERSON_NAME) {
        seen = debar_person_place(p, s);

        if (seen->len == s.len && memcmp(seen->name, s.data, s.len) == 0) {
            memcpy(out, seen->hash, DEBAR_PERSON_HASH);
            return debar_str(out, DEBAR_PERSON_HASH);
        }
    }

    if (p == NULL || !debar_person_mac(p, out, s)) {
        return debar_str("h:?", 3);
    }

    if (seen) {
        seen->len = (uint8_t) s.len;
        memcpy(seen->name, s.data, s.len);
        memcpy(seen->hash, out, DEBAR_PERSON_HASH);
    }

    return debar_str(out, DEBAR_PERSON_HASH);
}


debar_str_t
debar_person_addr(debar_str_t s)
{
    size_t  i;

    if (s.len && s.data[0] == '[') {
        for (i = 1; i < s.len && s.data[i] != ']'; i++) {
            /* void */
        }

        return debar_str(s.data + 1, i - 1);
    }

    for (i = s.len; i > 0 && s.data[i - 1] != ':'; i--) {
        /* void */
    }

    return i ? debar_str(s.data, i - 1) : s;
}


debar_str_t
debar_person_net(char out[DEBAR_PERSON_TEXT], debar_str_t addr)
{
    char           text[INET6_ADDRSTRLEN];
    unsigned char  raw[16];

    if (addr.len >= sizeof(text)) {
        return debar_str("", 0);
    }

    memcpy(text, addr.data, addr.len);
    text[addr.len] = '\0';

    if (inet_pton(AF_INET, text, raw) == 1) {
        raw[3] = 0;
        inet_ntop(AF_INET, raw, out, DEBAR_PERSON_TEXT);
        strcat(out, "/24");

    } else if (inet_pton(AF_INET6, text, raw) == 1) {

        if (memcmp(raw, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
            raw[15] = 0;
            inet_ntop(AF_INET, raw + 12, out, DEBAR_PERSON_TEXT);
            strcat(out, "/24");

        } else {
            memset(raw + 6, 0, 10);
            inet_ntop(AF_INET6, raw, out, DEBAR_PERSON_TEXT);
            strcat(out, "/48");
        }

    } else {
        return debar_str("", 0);
    }

    return debar_str(out, strlen(out));
}
