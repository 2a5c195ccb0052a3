/*
 * Verdicts by date, activity, permit and waiver, over a list built for the
 * test: source -> snapshot -> judgement, as the command and the gateway do it.
 */

#include "fixture.h"
#include "judge.h"
#include "record.h"
#include "url.h"
#include "tap.h"


static char           folder[] = "/tmp/debar-verdict-XXXXXX";
static debar_list_t  *list;


static const char  list_yaml[] =
    "title: Test list\n"
    "publisher: Tests\n"
    "timezone: America/New_York\n"
    "serial: 7\n"
    "authorities:\n"
    "  law-1:\n"
    "    title: First law\n"
    "    url: https://law.example/1\n"
    "    phases:\n"
    "      - {from: 2018-07-16, acquire: log}\n"
    "      - {from: 2018-10-01, browse: log, acquire: block, download: block,"
    " update: block}\n"
    "  law-2:\n"
    "    title: Second law\n"
    "    phases:\n"
    "      - {from: 2024-09-29, update: block}\n"
    "  law-3:\n"
    "    title: A law that stops\n"
    "    phases:\n"
    "      - {from: 2020-01-01, browse: block, acquire: block,"
    " download: block, update: block}\n"
    "      - {from: 2021-01-01, browse: pass, acquire: pass, download: pass,"
    " update: pass}\n";

static const char  acme_yaml[] =
    "id: acme\n"
    "name: Acme Corporation\n"
    "authorities: [law-1, law-2]\n"
    "names:\n"
    "  - {text: Acmesoft, match: anywhere}\n"
    "  - {text: Acme Guard, match: word}\n"
    "  - {text: Acmeborn, action: log}\n"
    "  - {text: weaknamea, action: log}\n"
    "  - {text: weaknameb, action: log}\n"
    "  - {text: weaknamec, action: log}\n"
    "  - {text: weaknamed, action: log}\n"
    "  - {text: weaknamee, action: log}\n"
    "  - {text: weaknamef, action: log}\n"
    "  - {text: weaknameg, action: log}\n"
    "  - {text: weaknameh, action: log}\n"
    "  - {text: weaknamei, action: log}\n"
    "  - {text: weaknamej, action: log}\n"
    "  - {text: weaknamek, action: log}\n"
    "  - {text: weaknamel, action: log}\n"
    "  - {text: weaknamem, action: log}\n"
    "  - {text: weaknamen, action: log}\n"
    "  - {text: weaknameo, action: log}\n"
    "  - {text: weaknamep, action: log}\n"
    "  - {text: weaknameq, action: log}\n"
    "  - {text: weaknamer, action: log}\n"
    "not-names: [Acmesoftware]\n"
    "hosts:\n"
    "  - acme-cdn.example\n"
    "  - {host: acme.example, activity: browse}\n"
    "  - {host: update.acme.example, activity: update}\n"
    "  - {host: apex.example, subdomains: false}\n"
    "  - {host: hint.example, action: log}\n"
    "  - {host: later.example, authorities: [law-2], activity: update}\n"
    "urls:\n"
    "  - {url: shop.example/store/acme, activity: acquire}\n"
    "  - {url: \"pay.example/buy?sku=4711\", activity: acquire}\n"
    "  - {url: acme-cdn.example/docs, activity: browse}\n"
    "networks: [192.0.2.0/24, {network: 2001:db8:66::/48, action: log}]\n"
    "asns: [64500]\n"
    "countries: []\n"
    "files: [\"acmesetup_*.exe\", tool.bin]\n"
    "part-numbers: [AC4541XYZ, {pattern: \"AX[0-9]{4}[A-Z]{2,4}\"}]\n"
    "gtins: [\"05060486858538\"]\n"
    "certificate-organizations: [\"Acme-Corp, Ltd.\","
    " {pattern: \"acme (lab|works)\", action: log}]\n"
    "products:\n"
    "  - {id: pro, name: Acme Pro, part-numbers: [PRO1234X],"
    " names: [Acme Removal Kit]}\n"
    "permits:\n"
    "  - {url: files.acme.example/tools/remover.exe, why: the removal tool}\n"
    "  - {url: \"docs.acme-cdn.example/free/*\", why: manuals}\n"
    "  - {host: intel.acme-cdn.example, authorities: [law-2],"
    " why: outside law 2}\n";

static const char  old_yaml[] =
    "id: old\n"
    "name: Old Vendor\n"
    "authorities: [law-3]\n"
    "hosts: [old.example]\n";

static const char  waivers_yaml[] =
    "waivers:\n"
    "  - {id: W-1, vendor: acme, clients: [10.1.0.0/16], from: 2025-01-01,"
    " until: 2025-01-31, approved-by: CIO, why: forensic lab}\n"
    "  - {id: W-2, vendor: acme, users: [eve], activities: [download],"
    " from: 2025-01-01, until: 2025-12-31, approved-by: CIO, why: tests}\n"
    "  - {id: W-3, vendor: acme, products: [pro],"
    " urls: [\"store.example/cart\"], from: 2025-06-01, until: 2025-06-30,"
    " approved-by: CIO, why: last renewal}\n";

static const char  channels_yaml[] =
    "id: test\n"
    "title: Test words\n"
    "recipes:\n"
    "  - {step: cart, activity: acquire, methods: [POST], path: \"/api/cart\"}\n"
    "  - {step: slow, activity: acquire, path: \"/(a|aa)+[bc]\"}\n"
    "  - {step: view, activity: browse, hosts: [view.example],"
    " path: \"/cart.*\"}\n"
    "words:\n"
    "  path: {acquire: [cart, buy], update: [updates]}\n"
    "  query-keys: {acquire: [add-to-cart]}\n"
    "  extensions: {download: [exe, msi]}\n"
    "  veto: [cancel]\n"
    "  caution: [uninstall, removal]\n"
    "fields:\n"
    "  part: [sku, mpn]\n"
    "  gtin: [ean]\n"
    "  search: [q]\n"
    "  name: [title]\n"
    "  url: [u]\n"
    "relays:\n"
    "  - {host: archive.example, path: \"/web/[^/]+/(.+)\"}\n"
    "  - {host: doh.example, key: name, name-only: true}\n";


static void
build(void)
{
    if (mkdtemp(folder) == NULL) {
        perror("mkdtemp");
        exit(1);
    }

    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/acme.yaml", acme_yaml);
    fixture_put(folder, "vendors/old.yaml", old_yaml);
    fixture_put(folder, "waivers.yaml", waivers_yaml);
    fixture_put(folder, "channels/test.yaml", channels_yaml);

    list = fixture_open(folder);
    ok(list != NULL, "source, snapshot and list go through each other");
}


static void
facts(debar_facts_t *f, const char *method, const char *url, const char *date)
{
    struct tm          tm;
    debar_url_parts_t  u;

    memset(f, 0, sizeof(*f));
    memset(&tm, 0, sizeof(tm));

    (void) strptime(date, "%Y-%m-%dT%H:%M", &tm);

    f->now = timegm(&tm);
    f->method = debar_str(method, strlen(method));

    if (strcmp(method, "CONNECT") == 0) {
        f->connect = 1;
        f->authority = debar_str(url, strlen(url));
        return;
    }

    debar_url_split(&u, url, strlen(url));

    f->scheme = u.scheme;
    f->authority = u.authority;
    f->hosts[0] = u.authority;
    f->nhosts = 1;
    f->target = debar_str(u.path.data, url + strlen(url) - u.path.data);
}


#define NOW  "2025-03-01T12:00"

static const struct {
    const char  *date;
    const char  *method;
    const char  *url;
    unsigned     verdict;
    const char  *where;           /* of the strongest evidence; NULL: none */
    const char  *claim;
} cases[] = {

    /* phases */

    { "2018-07-15T12:00", "POST", "http://s.example/api/cart?t=acmesoft",
      DEBAR_PASS, "query:t", "before the first phase everything passes" },
    { "2018-07-16T03:59", "POST", "http://s.example/api/cart?t=acmesoft",
      DEBAR_PASS, "query:t", "a phase begins at 00:00 in the list's zone" },
    { "2018-07-16T04:00", "POST", "http://s.example/api/cart?t=acmesoft",
      DEBAR_LOG, "query:t", "then acquiring is logged" },
    { "2018-07-16T04:00", "GET", "http://s.example/news/acmesoft",
      DEBAR_PASS, "path", "an activity that no phase named passes" },
    { "2018-10-01T04:00", "POST", "http://s.example/api/cart?t=acmesoft",
      DEBAR_BLOCK, "query:t", "a later phase blocks acquiring" },
    { NOW, "GET", "http://s.example/news/acmesoft", DEBAR_LOG, "path",
      "and logs browsing" },
    { "2024-09-28T12:00", "GET", "http://later.example/x", DEBAR_PASS, "host",
      "an identifier of a later law waits for it" },
    { "2024-09-29T12:00", "GET", "http://later.example/x", DEBAR_BLOCK, "host",
      "and counts from its day on" },
    { "2020-06-01T12:00", "GET", "http://old.example/", DEBAR_BLOCK, "host",
      "a law that has ended did block" },
    { "2021-06-01T12:00", "GET", "http://old.example/", DEBAR_PASS, "host",
      "and does no longer" },

    /* hosts and floors */

    { NOW, "GET", "http://acme-cdn.example/", DEBAR_BLOCK, "host",
      "a bare host counts as every activity" },
    { NOW, "GET", "http://a.b.acme-cdn.example/", DEBAR_BLOCK, "host",
      "with every name below it" },
    { NOW, "GET", "http://notacme-cdn.example/", DEBAR_PASS, NULL,
      "a name that only ends alike is someone else's" },
    { NOW, "GET", "http://www.acme.example/news", DEBAR_LOG, "host",
      "reading on a mixed host is logged" },
    { NOW, "GET", "http://www.acme.example/x/setup.exe", DEBAR_BLOCK, "host",
      "a download from it is blocked" },
    { NOW, "GET", "http://www.acme.example/x/setup.exe.%20", DEBAR_BLOCK,
      "host", "also with dots and spaces that servers drop" },
    { NOW, "GET", "http://www.acme.example/x/setup.exe::$DATA", DEBAR_BLOCK,
      "host", "and as a stream of the file" },
    { NOW, "GET", "http://www.acme.example/x/v1:setup.exe", DEBAR_BLOCK,
      "host", "or with a colon in its name" },
    { NOW, "FETCH", "http://www.acme.example/x/setup.exe", DEBAR_BLOCK, "host",
      "by a method that may count as GET, too" },
    { NOW, "POST", "http://www.acme.example/x/setup.exe", DEBAR_LOG, "host",
      "what is sent there is no download" },
    { NOW, "POST", "http://www.acme.example/api/cart", DEBAR_BLOCK, "host",
      "so is an order" },
    { NOW, "GET", "http://update.acme.example/", DEBAR_BLOCK, "host",
      "a floor lifts browsing to an update" },
    { NOW, "GET", "http://apex.example/", DEBAR_BLOCK, "host",
      "an exact host is found" },
    { NOW, "GET", "http://www.apex.example/", DEBAR_PASS, NULL,
      "and nothing below it" },
    { NOW, "GET", "http://hint.example/setup.exe", DEBAR_LOG, "host",
      "an action of a row is a cap" },
    { NOW, "CONNECT", "acme-cdn.example:443", DEBAR_BLOCK, "host",
      "CONNECT to a bare host is blocked" },
    { NOW, "CONNECT", "www.acme.example:443", DEBAR_LOG, "host",
      "CONNECT to a mixed host uses its floor" },
    { NOW, "GET", "http://acmesoft-fans.example/", DEBAR_LOG, "host/name",
      "a name in a host is a hint" },
    { NOW, "GET", "http://acmesoft-fans.example/setup.exe", DEBAR_BLOCK,
      "host/name", "unless the host ships something" },
    { NOW, "GET", "http://xn--cmesoft-1fg.example/", DEBAR_LOG, "host/name",
      "a look-alike host is logged" },

    /* URLs */

    { NOW, "GET", "http://shop.example/store/acme/checkout", DEBAR_BLOCK,
      "url", "a listed URL counts with all below its path" },
    { NOW, "GET", "http://shop.example/store/%61cme", DEBAR_BLOCK, "url",
      "however it is encoded" },
    { NOW, "GET", "http://shop.example/x/../store//acme/", DEBAR_BLOCK, "url",
      "and however its path is bent" },
    { NOW, "GET", "http://shop.example/store/acmeter", DEBAR_PASS, NULL,
      "a longer segment is another URL" },
    { NOW, "GET", "http://pay.example/buy?x=1&sku=4711", DEBAR_BLOCK, "url",
      "a listed pair is found among others" },
    { NOW, "GET", "http://pay.example/buy?sku=4712", DEBAR_PASS, NULL,
      "another value is not listed" },
    { NOW, "GET", "http://acme-cdn.example/docs/1", DEBAR_LOG, "url",
      "a milder URL decides over its host" },

    /* names in URL text */

    { NOW, "GET", "http://s.example/buy?t=Acme%20Guard", DEBAR_BLOCK,
      "query:t/percent", "a name of two words is found" },
    { NOW, "GET", "http://s.example/buy?t=%2541cmesoft", DEBAR_BLOCK,
      "query:t/percent", "behind two percent-encodings" },
    { NOW, "GET", "http://s.example/buy?t=a.c.m.e.s.o.f.t", DEBAR_BLOCK,
      "query:t", "behind separators" },
    { NOW, "GET", "http://s.example/buy?t=%D0%B0cmesoft", DEBAR_BLOCK,
      "query:t/percent", "behind a letter of another script" },
    { NOW, "GET", "http://s.example/buy?t=Acme+soft", DEBAR_PASS, NULL,
      "two words are not one" },
    { NOW, "GET", "http://s.example/buy?t=acmesoftware", DEBAR_PASS, NULL,
      "someone else's longer word is no evidence" },
    { NOW, "GET", "http://s.example/buy?t=acmeborn", DEBAR_LOG, "query:t",
      "a surname is logged, whatever is bought" },
    { NOW, "GET", "http://s.example/buy?q=acmesoft", DEBAR_LOG, "query:q",
      "who searches does not buy" },
    { NOW, "GET", "http://s.example/buy/uninstall-acmesoft", DEBAR_LOG, "path",
      "a word of removal beside a name caps it" },
    { NOW, "GET", "http://s.example/buy/acmesoft-uninstall-acmesoft",
      DEBAR_LOG, "path", "on either side" },
    { NOW, "GET", "http://s.example/buy?title=acmesoft+removal", DEBAR_BLOCK,
      "query:title/percent", "but not in the field that names the goods" },
    { NOW, "GET", "http://s.example/buy/acme-removal-kit", DEBAR_BLOCK, "path",
      "nor where it is part of the product's name" },
    { NOW, "GET", "http://s.example/acmesoft/cancel?add-to-cart=1", DEBAR_LOG,
      "path", "a veto word means that nothing is acquired" },
    { NOW, "DELETE", "http://s.example/cart/acmesoft", DEBAR_LOG, "path",
      "neither is it by DELETE" },
    { NOW, "GET", "http://view.example/cart/acmesoft", DEBAR_LOG, "path",
      "a host's own recipe decides over the words" },

    { NOW, "GET", "http://s.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad?t=acmesoft",
      DEBAR_BLOCK, "query:t", "what drives an expression to its limit fits" },

    /* identifiers */

    { NOW, "GET", "http://s.example/buy/AC4541XYZ", DEBAR_BLOCK, "path",
      "a part number in a path" },
    { NOW, "GET", "http://s.example/buy?mpn=ac-4541-xyz", DEBAR_BLOCK,
      "query:mpn", "a part number with separators in its own field" },
    { NOW, "GET", "http://s.example/buy?t=ac-4541-xyz", DEBAR_PASS, NULL,
      "elsewhere separators separate" },
    { NOW, "GET", "http://s.example/buy?sku=AX1234QQ", DEBAR_BLOCK,
      "query:sku", "a part number by its pattern" },
    { NOW, "GET", "http://s.example/buy?sku=AX1234", DEBAR_PASS, NULL,
      "the stem alone is someone else's" },
    { NOW, "GET", "http://s.example/buy?sku=PRO1234X", DEBAR_BLOCK,
      "query:sku", "a product's part number" },
    { NOW, "GET", "http://s.example/buy?ean=5060486858538", DEBAR_BLOCK,
      "query:ean", "a GTIN-13 of a listed GTIN-14" },
    { NOW, "GET", "http://s.example/buy/5060486858538", DEBAR_BLOCK, "path",
      "a GTIN in a path" },
    { NOW, "GET", "http://s.example/buy/5060486858539", DEBAR_PASS, NULL,
      "a wrong check digit is a number" },
    { NOW, "GET", "http://m.example/x/AcmeSetup_12.exe", DEBAR_BLOCK, "file",
      "a file name by its glob" },
    { NOW, "GET", "http://m.example/x/tool.bin", DEBAR_BLOCK, "file",
      "a file name counts as a download at least" },
    { NOW, "GET", "http://m.example/get?f=AcmeSetup_12.exe", DEBAR_BLOCK,
      "query:f", "a file name in a query" },
    { NOW, "GET", "http://m.example/9f?rscd=attachment;filename=acmesetup_1.exe",
      DEBAR_BLOCK, "query:rscd", "a file name that a store is to give" },
    { NOW, "GET", "http://m.example/9f?response-content-disposition=attachment"
      "%3B+filename%2A%3DUTF-8%27%27acme%2573etup_1.exe", DEBAR_BLOCK,
      "query:response-content-disposi/percent", "one that is extended" },
    { NOW, "GET", "http://m.example/9f?response-content-disposition=attachment"
      "%3B+filename%3D%22%3D%3Futf-8%3Fq%3Fac%3D6desetup%3D5F1.exe%3F%3D%22",
      DEBAR_BLOCK, "query:response-content-disposi/percent",
      "one in encoded words" },
    { NOW, "GET", "http://m.example/x/acmesetup_12.exe.html", DEBAR_PASS,
      NULL, "a page about a file is not the file" },

    /* addresses */

    { NOW, "GET", "http://192.0.2.9/", DEBAR_BLOCK, "host",
      "an address literal in a listed network" },
    { NOW, "GET", "http://3221225993/", DEBAR_BLOCK, "host",
      "the same as a number" },
    { NOW, "GET", "http://0xC0.0.2.9/", DEBAR_BLOCK, "host",
      "the same in hexadecimal" },
    { NOW, "GET", "http://[::ffff:192.0.2.9]/", DEBAR_BLOCK, "host",
      "the same inside IPv6" },
    { NOW, "GET", "http://[2001:db8:66::1]/", DEBAR_LOG, "host",
      "a network that is capped is logged" },
    { NOW, "GET", "http://3405803777/", DEBAR_REJECT, NULL,
      "an odd notation of an unlisted address is refused" },

    /* authorities */

    { NOW, "GET", "http://x@acme-cdn.example/", DEBAR_BLOCK, "host",
      "userinfo before a listed host" },
    { NOW, "GET", "http://acme-cdn.example:80@x.example/", DEBAR_BLOCK, "host",
      "a listed host as userinfo" },
    { NOW, "GET", "http://user@x.example/", DEBAR_REJECT, NULL,
      "userinfo is refused" },
    { NOW, "GET", "http://acme-cdn%2eexample/", DEBAR_BLOCK, "host",
      "a percent-encoded listed host" },
    { NOW, "GET", "http://x%2eexample/", DEBAR_REJECT, NULL,
      "percent-encoding in a host is refused" },
    { NOW, "GET", "http://x.example:99999/", DEBAR_REJECT, NULL,
      "so is an impossible port" },
    { NOW, "GET", "http://unix:/run/x.sock", DEBAR_REJECT, NULL,
      "so is a socket" },
    { NOW, "GET", "http://unix:80/", DEBAR_REJECT, NULL,
      "with a port, too" },
    { NOW, "GET", "ftp://x.example/", DEBAR_REJECT, NULL,
      "so is another scheme" },
    { NOW, "GET", "http://ACME-CDN.example.:080/", DEBAR_BLOCK, "host",
      "case, last dot and a padded port change nothing" },

    /* URLs inside URLs */

    { NOW, "GET", "http://archive.example/web/2024/http://acme-cdn.example/a",
      DEBAR_BLOCK, "path/url", "a relay is judged by what it fetches" },
    { NOW, "GET", "http://archive.example/web/2024/http://news.example/a",
      DEBAR_PASS, NULL, "and passes what is not listed" },
    { NOW, "GET", "http://doh.example/r?name=x.acme-cdn.example", DEBAR_BLOCK,
      "query:name/url", "a resolver by the name that it looks up" },
    { NOW, "GET", "http://go.example/?u=http%3A%2F%2Facme-cdn.example%2F",
      DEBAR_LOG, "query:u/percent/url", "elsewhere a URL is a mention" },
    { NOW, "GET", "http://go.example/?x=http:%5C%5Cacme-cdn.example%5Ca",
      DEBAR_LOG, "query:x/percent/url", "backslashes are slashes there" },

    /* permits */

    { NOW, "GET", "http://files.acme.example/tools/remover.exe", DEBAR_PASS,
      "host", "a permitted URL passes" },
    { NOW, "GET", "http://files.acme.example/tools/Remover.exe", DEBAR_PASS,
      "host", "in any case" },
    { NOW, "GET", "http://files.acme.example/tools/./remover.exe", DEBAR_PASS,
      "host", "plain dot segments change nothing" },
    { NOW, "GET", "http://files.acme.example/tools/remover.exe/x.exe",
      DEBAR_BLOCK, "host", "nothing below a permitted URL is permitted" },
    { NOW, "GET", "http://files.acme.example/tools/remover2.exe", DEBAR_BLOCK,
      "host", "nor what begins alike" },
    { NOW, "GET", "http://files.acme.example/x.exe%2f..%2ftools/remover.exe",
      DEBAR_BLOCK, "host", "nor what servers may read otherwise" },
    { NOW, "GET", "http://files.acme.example/tools/remover.exe?sku=AX1234QQ",
      DEBAR_BLOCK, "query:sku", "nor anything else in the request" },
    { NOW, "GET", "http://docs.acme-cdn.example/free/a/b?x=1", DEBAR_PASS,
      "host", "a path with a star permits all below" },
    { NOW, "GET", "http://docs.acme-cdn.example/freedom", DEBAR_BLOCK, "host",
      "at the border of a segment" },
    { NOW, "GET", "http://intel.acme-cdn.example/", DEBAR_BLOCK, "host",
      "a permit under one law leaves the other" },

    { NOW, "GET", "http://plain.example/a/b?c=d", DEBAR_PASS, NULL,
      "what has nothing to do with the list passes" },
};


static void
judge_cases(void)
{
    size_t           i;
    debar_facts_t    f;
    debar_verdict_t  v;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        facts(&f, cases[i].method, cases[i].url, cases[i].date);
        memset(&v, 0xa5, sizeof(v));
        debar_judge(list, &f, &v);

        if (!ok(v.verdict == cases[i].verdict
                && (cases[i].where == NULL
                    ? v.nevidence == 0
                    : v.nevidence != 0
                      && strcmp(v.evidence[0].where, cases[i].where) == 0),
                "%s", cases[i].claim))
        {
            printf("# %s %s: %s (wanted %s), %u evidence, first at %s, %s\n",
                   cases[i].method, cases[i].url,
                   debar_action_name(v.verdict),
                   debar_action_name(cases[i].verdict), v.nevidence,
                   v.nevidence ? v.evidence[0].where : "-",
                   v.fault ? v.fault : "no fault");
        }
    }
}


static void
judge_one(debar_verdict_t *v, const char *method, const char *url,
    const char *date, const char *client, const char *user)
{
    unsigned       bits;
    const char    *why;
    debar_facts_t  f;

    facts(&f, method, url, date);

    if (client != NULL) {
        f.has_client = 1;
        (void) debar_cidr_parse(f.client, &bits, client, strlen(client), &why);
    }

    if (user != NULL) {
        f.user = debar_str(user, strlen(user));
    }

    debar_judge(list, &f, v);
}


/* What a host is for is told where a request shows less of it. */

static void
floors(void)
{
    debar_verdict_t  v;

    judge_one(&v, "GET", "http://update.acme.example/", NOW, NULL, NULL);
    is_int(v.activity, DEBAR_BROWSE, "a request that only asks");
    is_int(v.evidence[0].floor, DEBAR_UPDATE, "a host that serves updates");

    judge_one(&v, "GET", "http://update.acme.example/a.exe", NOW, NULL, NULL);
    is_int(v.evidence[0].floor, 0, "a download is more than an update");

    judge_one(&v, "GET", "http://acme.example/", NOW, NULL, NULL);
    is_int(v.evidence[0].floor, 0, "a host that may be browsed");
}


static void
waivers(void)
{
    debar_verdict_t  v;

    judge_one(&v, "GET", "http://acme-cdn.example/x.exe", "2025-01-15T12:00",
              "10.1.2.3", NULL);
    is_int(v.verdict, DEBAR_LOG, "a waived client passes, and is logged");
    ok(v.waiver != DEBAR_NONE, "the verdict names the waiver");

    judge_one(&v, "GET", "http://acme-cdn.example/x.exe", "2025-01-15T12:00",
              "10.2.2.3", NULL);
    is_int(v.verdict, DEBAR_BLOCK, "another client does not");

    judge_one(&v, "GET", "http://acme-cdn.example/x.exe", "2025-02-01T04:59",
              "10.1.2.3", NULL);
    is_int(v.verdict, DEBAR_LOG, "the last day is included, to its end");

    judge_one(&v, "GET", "http://acme-cdn.example/x.exe", "2025-02-01T05:00",
              "10.1.2.3", NULL);
    is_int(v.verdict, DEBAR_BLOCK, "then the waiver is over");

    judge_one(&v, "GET", "http://acme-cdn.example/x.exe", NOW, NULL, "eve");
    is_int(v.verdict, DEBAR_LOG, "a waived user downloads");

    judge_one(&v, "POST", "http://acme-cdn.example/api/cart", NOW, NULL, "eve");
    is_int(v.verdict, DEBAR_BLOCK, "but does not buy");

    judge_one(&v, "GET", "http://acme-cdn.example/x.exe", NOW, NULL, "");
    is_int(v.verdict, DEBAR_BLOCK, "no user is not any user");

    judge_one(&v, "GET", "http://store.example/cart?sku=PRO1234X",
              "2025-06-15T12:00", NULL, NULL);
    is_int(v.verdict, DEBAR_LOG, "a waived product at a waived URL");

    judge_one(&v, "GET", "http://store.example/cart?sku=AX1234QQ",
              "2025-06-15T12:00", NULL, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "another product is not waived");

    judge_one(&v, "GET", "http://other.example/cart?sku=PRO1234X",
              "2025-06-15T12:00", NULL, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "nor is it at another URL");
}


static void
readings(void)
{
    debar_facts_t    f;
    debar_verdict_t  v;

    facts(&f, "GET", "http://x.example/", NOW);
    f.hosts[0] = debar_str("acme-cdn.example", 16);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_BLOCK, "a listed Host under another authority");

    f.hosts[0] = debar_str("y.example", 9);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_REJECT, "Host and authority that disagree");
    is_str(v.fault, "Host and authority disagree", "and the fault says so");

    f.hosts[0] = debar_str("X.Example:80", 12);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "case and default port do not disagree");

    f.hosts[0] = debar_str("x.example:81", 12);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_REJECT, "ports do");

    f.authority.data = NULL;
    f.hosts[0] = debar_str("x.example", 9);
    f.hosts[1] = debar_str("acme-cdn.example", 16);
    f.nhosts = 2;
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_BLOCK, "a listed second Host field");

    f.hosts[1] = f.hosts[0];
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_REJECT, "two Host fields, even the same");

    f.nhosts = 0;
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_REJECT, "no Host at all");
    is_str(v.fault, "no Host field", "and the fault says so");

    debar_judge_refused(list, "GET http:////acme-cdn.example/ HTTP/1.1\r\n\r\n",
                        42, "refused", f.now, &v);
    is_int(v.verdict, DEBAR_BLOCK, "a refused head is read for listed hosts");

    debar_judge_refused(list, "GET\thttp://x.example/\r\nHost : acme-cdn.example"
                        "\r\n\r\n", 50, "refused", f.now, &v);
    is_int(v.verdict, DEBAR_BLOCK, "its odd fields too");

    debar_judge_refused(list, "CONNECT x.example:443 HTTP/1.1\r\n\r\n", 34,
                        "refused", f.now, &v);
    is_int(v.verdict, DEBAR_REJECT, "with nothing listed it is a reject");

    debar_judge_refused(list, "\0\r\n", 3, "refused", f.now, &v);
    is_int(v.verdict, DEBAR_REJECT, "bytes that are no request are a reject");

    debar_judge_refused(list, "", 0, "refused", f.now, &v);
    is_int(v.verdict, DEBAR_REJECT, "so is nothing at all");
}


static void
addresses(void)
{
    uint8_t          addr[16];
    unsigned         bits;
    const char      *why;
    debar_facts_t    f;
    debar_verdict_t  v;

    facts(&f, "GET", "http://x.example/", NOW);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "a name that is not listed passes");

    (void) debar_cidr_parse(addr, &bits, "198.51.100.1", 12, &why);
    ok(debar_address_clean(list, addr, 0, NULL), "an unlisted address is clean");
    debar_judge_address(list, &f, &v, addr, 0, NULL);
    is_int(v.verdict, DEBAR_PASS, "and changes nothing");

    ok(!debar_address_clean(list, addr, 64500, NULL), "a listed ASN is not");
    debar_judge_address(list, &f, &v, addr, 64500, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "it blocks");
    is_str(v.evidence[0].where, "address/asn", "and is named");

    debar_judge(list, &f, &v);
    (void) debar_cidr_parse(addr, &bits, "192.0.2.7", 9, &why);
    ok(!debar_address_clean(list, addr, 0, NULL),
       "an address in a listed network is not clean");
    debar_judge_address(list, &f, &v, addr, 0, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "it blocks");
    is_str(v.evidence[0].value, "192.0.2.0/24", "the network is the value");

    /* what there is no room for takes the place of what does less */

    facts(&f, "GET", "http://x.example/?q=weaknamea+weaknameb+weaknamec+"
          "weaknamed+weaknamee+weaknamef+weaknameg+weaknameh+weaknamei+"
          "weaknamej+weaknamek+weaknamel+weaknamem+weaknamen+weaknameo+"
          "weaknamep+weaknameq", NOW);
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_LOG, "names that are recorded at most");
    is_int(v.nevidence, DEBAR_MAX_EVIDENCE, "as many as are kept");
    debar_judge_address(list, &f, &v, addr, 0, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "a listed address blocks in spite of them");
}


static void
certificates(void)
{
    size_t            i;
    debar_str_t       org;
    debar_facts_t     f;
    debar_verdict_t   v;

    static const struct {
        const char  *org;
        unsigned     verdict;
        const char  *value;
    } orgs[] = {
        { "Acme-Corp, Ltd.", DEBAR_BLOCK, "acme corp ltd" },
        { "ACME CORP LTD", DEBAR_BLOCK, "acme corp ltd" },
        { "\xd0\x90" "cme Corp Ltd", DEBAR_BLOCK, "acme corp ltd" },
        { "Acme Corp Ltd Holding", DEBAR_PASS, NULL },
        { "Acme Lab", DEBAR_LOG, "acme (lab|works)" },
        { "Someone Else", DEBAR_PASS, NULL },
        { "", DEBAR_PASS, NULL },
        { "\xff\xfe", DEBAR_PASS, NULL },
    };

    for (i = 0; i < sizeof(orgs) / sizeof(orgs[0]); i++) {
        facts(&f, "GET", "http://files.example/updates/x", NOW);
        debar_judge(list, &f, &v);

        org = debar_str(orgs[i].org, strlen(orgs[i].org));

        is_int(debar_certificate_clean(list, org), orgs[i].value == NULL,
               orgs[i].org);
        debar_judge_certificate(list, &f, &v, org);
        is_int(v.verdict, orgs[i].verdict, "its verdict");

        if (orgs[i].value != NULL) {
            is_str(v.evidence[0].where, "certificate", "where it was found");
            is_str(v.evidence[0].value, orgs[i].value, "what is listed");
        }
    }
}


static void
bounds(void)
{
    char             url[40000];
    size_t           n, i;
    debar_verdict_t  v;

    n = sprintf(url, "http://s.example/news?a=");
    memset(url + n, 'a', 20000);
    strcpy(url + n + 20000, "&t=acmesoft");

    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_LOG, "a target longer than what is looked at is "
           "recorded");
    ok(v.cut, "and said to be cut");

    memcpy(url + 17, "buys", 4);
    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_LOG, "a word of buying is a whole segment");

    memcpy(url + 17, "buy?", 4);
    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "who buys behind the bound is refused");

    n = sprintf(url, "http://s.example/x?");

    for (i = 0; i < 600; i++) {
        n += sprintf(url + n, "k%zu=v&", i);
    }

    strcpy(url + n, "t=acmesoft");
    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_LOG, "a name behind 600 pairs is found");

    n = sprintf(url, "http://s.example/buy?");

    for (i = 0; i < 18; i++) {
        n += sprintf(url + n, "k%zu=weakname%c&", i, (char) ('a' + i));
    }

    strcpy(url + n, "end=1");
    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "more evidence than is kept is not let "
           "through to buy");
    ok(v.more && v.nevidence == DEBAR_MAX_EVIDENCE, "and said to be more");
    is_int(v.evidence[0].action, DEBAR_LOG, "though each is a hint only");

    strcpy(url + n, "t=acmesoft");
    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "weak evidence");
    is_int(v.evidence[0].action, DEBAR_BLOCK, "cannot crowd out the strong");

    n = sprintf(url, "http://s.example/x?");

    for (i = 0; i < 40; i++) {
        n += sprintf(url + n, "k%zu=http://n%zu.example/&", i, i);
    }

    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_LOG, "more URLs inside than are looked at are "
           "recorded");

    memcpy(url, "http://doh.example/r?", 21);
    strcpy(url + n, "name=acme-cdn.example");
    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "and do not hide what a relay is asked");

    judge_one(&v, "GET", "http://s.example/x?t=%2525252525252541cmesoft", NOW,
              NULL, NULL);
    is_int(v.verdict, DEBAR_LOG, "so is what is encoded more often than is "
           "undone");

    n = sprintf(url, "http://shop.example/store/acme");

    for (i = 0; i < 300; i++) {
        n += sprintf(url + n, "/%zu", i);
    }

    judge_one(&v, "GET", url, NOW, NULL, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "a listed URL is found from any depth");
}


/* Times that debar_record_time() has otherwise than gmtime(). */

static int
record_times(void)
{
    int        bad;
    char       out[25], want[64];
    time_t     t;
    int64_t    msec;
    struct tm  tm;

    for (bad = 0, msec = -5364662400000; msec < 253402300799999;
         msec += 32531246789)
    {
        t = msec / 1000 - (msec % 1000 < 0);
        gmtime_r(&t, &tm);
        snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                 tm.tm_min, tm.tm_sec, (int) (msec - (int64_t) t * 1000));
        debar_record_time(out, msec);
        bad += strcmp(out, want) != 0;
    }

    return bad;
}


static void
records(void)
{
    char             line[DEBAR_MAX_RECORD], out[512];
    size_t           n, i;
    debar_record_t   r;
    debar_verdict_t  v;

    static const struct {
        const char  *url;
        const char  *masked;
    } urls[] = {
        { "http://a.example/", "http://a.example/" },
        { "http://u:p@a.example/x", "http://***@a.example/x" },
        { "http://a.example/?token=abc", "http://a.example/?token=***" },
        { "http://a.example/?a=1&Access_Token=abc&b=2",
          "http://a.example/?a=1&Access_Token=***&b=2" },
        { "http://a.example/?p%61ssword=abc#x",
          "http://a.example/?p%61ssword=***#x" },
        { "http://a.example/?postcode=20405",
          "http://a.example/?postcode=20405" },
        { "http://a.example/?code=4%2F0&key=", "http://a.example/?code=***&key=" },
        { "/x?apikey=1", "/x?apikey=***" },
        { "http://a.example/p@q", "http://a.example/p@q" },
        { "", "" },
    };

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        n = debar_record_mask_url(out, sizeof(out), urls[i].url,
                                  strlen(urls[i].url));
        is_mem(out, n, urls[i].masked, "secrets of a URL are masked, the rest "
               "stays");
    }

    debar_record_time(out, 1514764800123);
    is_str(out, "2018-01-01T00:00:00.123Z", "time in UTC with milliseconds");
    is_int(record_times(), 0, "as gmtime() has it, from 1800 to 9999");

    judge_one(&v, "GET", "http://acme-cdn.example/x?token=s", NOW, NULL, NULL);

    memset(&r, 0, sizeof(r));
    r.msec = 1740830400000;
    strcpy(r.incident, "0123456789abcdef0123456789abcdef");
    r.surface = debar_str("http", 4);
    r.client = debar_str("10.0.0.1:5", 10);
    r.method = debar_str("GET", 3);
    r.url = debar_str("http://acme-cdn.example/x?token=s", 33);
    r.mode = debar_str("enforce", 7);
    r.took_us = 12;

    n = debar_record_line(line, sizeof(line), &r, list, &v);
    line[n] = '\0';

    ok(strncmp(line,
        "{\"time\":\"2025-03-01T12:00:00.000Z\","
        "\"incident\":\"0123456789abcdef0123456789abcdef\","
        "\"surface\":\"http\",\"client\":\"10.0.0.1:5\",\"method\":\"GET\","
        "\"url\":\"http://acme-cdn.example/x?token=***\","
        "\"activity\":\"browse\",\"verdict\":\"block\",\"mode\":\"enforce\","
        "\"vendor\":\"acme\",\"authorities\":[\"law-1\",\"law-2\"],"
        "\"evidence\":[{\"kind\":\"host\",\"value\":\"acme-cdn.example\","
        "\"where\":\"host\",\"offset\":0}],\"list\":{\"serial\":7,"
        "\"digest\":\"", 385) == 0,
       "a decision has its keys in the order of the contract");

    is_str(line + n - 15, ",\"took_us\":12}\n", "and ends with a newline");

    r.url = debar_str(line, n);
    memset(line, '"', sizeof(line));
    r.url = debar_str(line, 8000);
    n = debar_record_line(out, sizeof(out), &r, NULL, &v);
    ok(n <= sizeof(out), "a line never grows past its room");
}


int
main(void)
{
    char  command[128];

    build();
    judge_cases();
    floors();
    waivers();
    readings();
    addresses();
    certificates();
    bounds();
    records();

    debar_list_close(list);

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ok(system(command) == 0, "the test's folder is removed");

    return done();
}
