/*
 * The hot path may only say "certainly nothing": whatever it lets go must give
 * no evidence in the full look.  Random requests are put together from pieces
 * that are listed, nearly listed, encoded and plain.
 */

#include "judge_private.h"
#include "fixture.h"
#include "tap.h"


static char  folder[] = "/tmp/debar-hot-XXXXXX";


static const char  list_yaml[] =
    "title: Hot\n"
    "publisher: Tests\n"
    "serial: 1\n"
    "channels: none\n"
    "authorities:\n"
    "  a:\n"
    "    title: A\n"
    "    phases: [{from: 2000-01-01, browse: block, acquire: block,"
    " download: block, update: block}]\n";

static const char  vendor_yaml[] =
    "id: v\n"
    "name: V\n"
    "authorities: [a]\n"
    "names: [{text: Globex, match: anywhere}, {text: Acme Soft, match: word},"
    " {text: Zorg}, {text: Ünïcode}]\n"
    "not-names: [globexwald]\n"
    "hosts: [globex.example, {host: exact.example, subdomains: false},"
    " {pattern: \"dl[0-9]+\\\\.cdn\\\\.example\"}]\n"
    "urls: [{url: shop.example/a/b}, {url: \"shop.example/buy?sku=47\"}]\n"
    "files: [\"gxsetup_*.exe\", tool.bin, {pattern: \"(ab|cd)[0-9]+\\\\.msi\"}]\n"
    "part-numbers: [GX4541XYZ, {pattern: \"QX[0-9]{4}[A-Z]{2,4}\"},"
    " {pattern: \"7?W[0-9]{3}\"}]\n"
    "gtins: [\"05060486858538\"]\n";

static const char  channel_yaml[] =
    "id: c\n"
    "title: C\n"
    "fields: {part: [sku], gtin: [ean], url: [u], file: [f], search: [q]}\n"
    "relays: [{host: archive.example, path: \"/web/(.+)\"},"
    " {host: r.io, key: x, name-only: true}]\n";


static const char  *hosts[] = {
    "plain.example", "www.plain.example", "globex.example", "a.globex.example",
    "aglobex.example", "exact.example", "x.exact.example", "dl1.cdn.example",
    "shop.example", "archive.example", "r.io", "x.r.io", "zorg.example",
    "acme-soft.example", "192.0.2.1", "xn--bcher-kva.example",
};

static const char  *pieces[] = {
    "/", "/", "/", "?", "&", "=", "-", ".", "_", ";", ":", "//", "/./", "/../",
    "%20", "%67", "%", "+", "a", "x", "page", "index.html", "sku=", "ean=",
    "u=", "f=", "q=", "x=", "GlobEx", "globexwald", "glob", "ex", "acme",
    "soft", "Acme-Soft", "acme--soft", "zorg", "Zorg", "ZORGs", "a/b", "buy",
    "sku=47", "gxsetup_1.exe", "tool.bin", "ab12.msi", "cd1", ".msi",
    "GX4541XYZ", "gx-4541-xyz", "GX4541", "QX1234AB", "qx1234", "7W123",
    "W123", "5060486858538", "5060486858539", "http://globex.example/",
    "globex.example", "g.l.o.b.e.x", "g-l-o-b-e-x", "z/o/r/g", "\xc3\xbc",
    "\xc3\xbcnicode", "1", "22", "a1", "article-17", "\x01", "#", "@", "~", "(",
};

/* What most requests are made of: most of these must be let go. */

static const char  *plain[] = {
    "/", "/", "-", "_", ".", "section", "Page", "index.html", "article", "17",
    "2024", "img", "logo.png", "x1", "b2c3", "news", "static", "css", "v2",
    "glo", "ex", "soft", "shop", "qx", "gx", "w", "tool", "ab", "cd",
};

#define N(a)  (sizeof(a) / sizeof(a[0]))


static debar_list_t *
build(void)
{
    if (mkdtemp(folder) == NULL) {
        perror("mkdtemp");
        exit(1);
    }

    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/v.yaml", vendor_yaml);
    fixture_put(folder, "channels/c.yaml", channel_yaml);

    return fixture_open(folder);
}


static unsigned
full(debar_list_t *list, const debar_host_t *h, debar_str_t target)
{
    static debar_verdict_t  v;

    debar_verdict_init(&v);
    debar_match_host(list, &v, h, "host", DEBAR_BLOCK);
    debar_match_url(list, &v, h, target);

    return v.nevidence;
}


int
main(void)
{
    char           target[2048], command[128];
    size_t         n, i, len;
    unsigned       seed, k, round, wrong, quick, evidence;
    const char    *why, *p;
    debar_str_t    t;
    debar_host_t   h;
    debar_list_t  *list;

    list = build();
    seed = 889;

    for (round = 0; round < 20; round++) {
        wrong = 0;
        quick = 0;
        evidence = 0;

        for (i = 0; i < 5000; i++) {
            p = hosts[rand_r(&seed) % (i % 2 ? 2 : N(hosts))];

            if (debar_host_parse(&h, p, strlen(p), 0, &why) != DEBAR_OK) {
                continue;
            }

            n = 0;
            target[n++] = '/';

            for (k = 1 + rand_r(&seed) % (round < 15 ? 8 : 60); k > 0; k--) {
                p = (unsigned) rand_r(&seed) % 16 >= round
                    ? plain[rand_r(&seed) % N(plain)]
                    : pieces[rand_r(&seed) % N(pieces)];
                len = strlen(p);
                memcpy(target + n, p, len);
                n += len;
            }

            t = debar_str(target, n);

            if (debar_host_nothing(list, &h) && debar_target_nothing(list, t)) {
                quick++;

                if (full(list, &h, t) != 0) {
                    wrong++;
                    printf("# let go: %s%.*s\n", h.name, (int) n, target);
                }

            } else {
                evidence += full(list, &h, t) != 0;
            }
        }

        ok(wrong == 0, "round %u: of %u let go none gives evidence (%u do)",
           round, quick, evidence);
    }

    for (i = 0; i < 2; i++) {
        t = debar_str("/plain/page.html?id=1", 21);
        ok(debar_target_nothing(list, t), "a plain target is let go%s",
           i ? ", and again" : "");
        t = debar_str("/plain/globex.html?id=1", 23);
        ok(!debar_target_nothing(list, t), "a name in it is not%s",
           i ? ", nor again" : "");
    }

    for (len = 0; len < 200; len++) {
        memset(target, 'a', sizeof(target));
        target[0] = '/';
        memcpy(target + 1 + len, "globex", 6);

        if (debar_target_nothing(list, debar_str(target, len + 7))
            || debar_target_nothing(list, debar_str(target, len + 40)))
        {
            break;
        }
    }

    is_int(len, 200, "a name is found at every offset of a block");

    debar_list_close(list);

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ok(system(command) == 0, "the test's folder is removed");

    return done();
}
