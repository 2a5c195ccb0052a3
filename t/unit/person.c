/* Keyed hashes of people, networks of addresses. */

#include <stdio.h>
#include <string.h>

#include "person.h"
#include "tap.h"


static debar_str_t
z(const char *s)
{
    return debar_str(s, strlen(s));
}


static void
hashes(void)
{
    int              i, bad;
    char             out[DEBAR_PERSON_TEXT], again[DEBAR_PERSON_TEXT];
    char             name[80], key[20];
    debar_str_t      h, a;
    debar_person_t  *p, *fresh;

    memset(key, 0x0b, sizeof(key));

    p = debar_person_create(debar_str(key, sizeof(key)));
    ok(p != NULL, "a key is taken");

    /* RFC 4231 section 4.2 */

    h = debar_person_hash(p, out, z("Hi There"));
    is_mem(h.data, h.len, "h:b0344c61d8db38535ca8afceaf0bf12b", "HMAC-SHA-256");

    h = debar_person_hash(p, out, z("Hi There"));
    is_mem(h.data, h.len, "h:b0344c61d8db38535ca8afceaf0bf12b", "and again");

    /* more names than are kept, each twice, as by a key that has seen none */

    for (i = 0, bad = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "%*d", i % 70 + 1, i % 1500);
        h = debar_person_hash(p, out, z(name));

        fresh = debar_person_create(debar_str(key, sizeof(key)));
        a = debar_person_hash(fresh, again, z(name));
        bad += h.len != 34 || a.len != 34 || memcmp(h.data, a.data, 34) != 0;
        debar_person_destroy(fresh);
    }

    is_int(bad, 0, "what was seen changes no hash");

    h = debar_person_hash(p, out, debar_str("", 0));
    ok(h.len == 34, "nothing has a hash, too");

    h = debar_person_hash(NULL, out, z("x"));
    is_mem(h.data, h.len, "h:?", "without a key there is none");

    debar_person_destroy(p);
    debar_person_destroy(NULL);
}


static void
networks(void)
{
    char         out[DEBAR_PERSON_TEXT];
    size_t       i;
    debar_str_t  s;

    static const struct {
        const char  *client;
        const char  *net;
    } cases[] = {
        { "192.0.2.77:1234", "192.0.2.0/24" },
        { "[2001:db8:1:2::3]:80", "2001:db8:1::/48" },
        { "[::ffff:192.0.2.77]:80", "192.0.2.0/24" },
        { "unix:", "" },
        { "[2001:db8", "" },
        { ":", "" },
        { "", "" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        s = debar_person_net(out, debar_person_addr(z(cases[i].client)));
        is_mem(s.data, s.len, cases[i].net, "the network of an address");
    }
}


int
main(void)
{
    hashes();
    networks();

    return done();
}
