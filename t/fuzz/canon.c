/*
 * Canonical forms over any bytes (libFuzzer): output stays within its room,
 * and what is canonical stays as it is.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Iblocklist
 *       t/fuzz/canon.c blocklist/{host*,text*,url,ident,key}.c -licuuc
 */

#include "host.h"
#include "ident.h"
#include "key.h"
#include "text.h"
#include "url.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
hosts(const char *in, size_t len)
{
    char                     key[DEBAR_MAX_KEY], shown[1024];
    unsigned                 bits, i;
    uint8_t                  addr[16];
    const char              *why;
    debar_host_t             again, h;
    debar_authority_parts_t  a;

    for (i = 0; i < 2; i++) {
        if (debar_host_parse(&h, in, len, i ? DEBAR_HOST_BARE : 0, &why)
            != DEBAR_OK)
        {
            claim(why != NULL && why[0]);
            continue;
        }

        claim(h.len && h.len <= DEBAR_MAX_HOST && strlen(h.name) == h.len);
        claim((h.spelt == DEBAR_SPELT_ODD) == (h.odd != NULL));
        claim(debar_host_parse(&again, h.name, h.len, DEBAR_HOST_BARE, &why)
              == DEBAR_OK);
        claim(again.spelt == DEBAR_SPELT_PLAIN && again.type == h.type);
        claim(strcmp(again.name, h.name) == 0);
        claim(debar_key_host(key, &h) <= DEBAR_MAX_KEY);
        claim(debar_host_unicode(&h, shown, sizeof(shown)) <= sizeof(shown));

        if (h.type == DEBAR_HOST_ADDRESS) {
            (void) debar_addr_special(h.addr);
        }
    }

    debar_authority_parse(&a, in, len);
    claim(a.n <= DEBAR_MAX_READINGS && a.port <= 65535);
    claim(a.fault || (a.n == 1 && a.readings[0].spelt == DEBAR_SPELT_PLAIN));

    if (debar_cidr_parse(addr, &bits, in, len, &why) == DEBAR_OK) {
        claim(bits <= 128 && debar_addr_in(addr, addr, bits));
        claim(debar_key_network(key, addr, bits) == 17);
    }
}


static void
texts(const char *in, size_t len, size_t room)
{
    char      *again, *out;
    size_t     i, m, n;
    uint32_t  *map;
    unsigned   flags, rounds;
    const char  *end;

    out = malloc(room);
    again = malloc(room);
    map = malloc(room * sizeof(uint32_t));

    n = debar_text_decode(out, room, in, len, len & 1, &flags, &rounds);
    claim(n <= room && n <= len && rounds <= DEBAR_DECODE_DEPTH);

    n = debar_text_fold(out, room, in, len, &flags);
    claim(n <= room);

    n = debar_text_tokens(out, room, in, len, map, &flags);
    claim(n <= room);
    claim(n == 0 || (out[0] != ' ' && out[n - 1] != ' '));

    for (i = 0; i < n; i++) {
        claim(map[i] < len);
    }

    m = debar_text_tokens(again, room, in, len, NULL, &rounds);
    claim(m == n && rounds == flags && memcmp(again, out, n) == 0);

    end = n ? memchr(out, DEBAR_TEXT_BREAK, n) : NULL;
    n = end ? (size_t) (end - out) : n;

    m = debar_text_tokens(again, room, out, n, NULL, &flags);
    end = m ? memchr(again, DEBAR_TEXT_BREAK, m) : NULL;
    m = end ? (size_t) (end - again) : m;
    claim(m == n && memcmp(again, out, n) == 0);

    free(out);
    free(again);
    free(map);
}


static void
urls(const char *in, size_t len, size_t room)
{
    char              *out;
    size_t             n, pos;
    unsigned           flags;
    debar_str_t        key, value;
    debar_url_parts_t  u;

    out = malloc(room);

    debar_url_split(&u, in, len);
    claim(u.scheme.len + u.authority.len + u.path.len + u.query.len
          + u.fragment.len <= len);

    n = debar_url_path(out, room, in, len, &flags);
    claim(n <= room && (n == 0 || out[0] == '/'));

    n = debar_url_query(out, room, in, len, &flags);
    claim(n <= room);

    pos = 0;
    n = 0;

    while (debar_url_pair(in, len, &pos, &key, &value) == DEBAR_OK) {
        claim(pos <= len);
        n += key.len + value.len;
    }

    claim(n <= len);
    free(out);
}


static void
idents(const char *in, size_t len, size_t room)
{
    char    *out, part[DEBAR_MAX_IDENT];
    size_t   m, n;

    out = malloc(room);

    n = debar_ident_part(out, room, in, len);
    claim(n <= room);

    if (n && n <= sizeof(part)) {
        m = debar_ident_part(part, sizeof(part), out, n);
        claim(m == n && memcmp(part, out, n) == 0);
    }

    n = debar_ident_gtin(out, room, in, len);
    claim(n == 0 || n == 14);
    n = debar_ident_sha256(out, room, in, len);
    claim(n == 0 || n == 32);
    n = debar_ident_uei(out, room, in, len);
    claim(n == 0 || n == 12);
    n = debar_ident_cage(out, room, in, len);
    claim(n == 0 || n == 5);
    claim(debar_ident_file(out, room, in, len) <= room);
    claim(debar_ident_org(out, room, in, len) <= room);
    claim(debar_ident_package(out, room, in, len / 2, in, len) <= room);

    free(out);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char    *in;
    size_t   room;

    if (size < 2) {
        return 0;
    }

    room = (data[0] << 4 | data[1] >> 4) + 1;

    /* a copy, so that a read behind its end is seen */

    in = malloc(size - 2 + !(size - 2));
    memcpy(in, data + 2, size - 2);

    hosts(in, size - 2);
    texts(in, size - 2, room);
    urls(in, size - 2, room);
    idents(in, size - 2, room);

    free(in);

    return 0;
}
