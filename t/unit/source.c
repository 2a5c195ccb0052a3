/*
 * The source reader: what it makes of a folder, and every kind of error with
 * its file, line, column and text.
 */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"
#include "key.h"
#include "tap.h"


static char            root[] = P_tmpdir "/debar-source-XXXXXX";
static char            said[65536];   /* errors, one a line, without the root */
static debar_source_t  src;
static debar_errors_t  errors;


static const char  good_list[] =
    "title: A list\n"
    "publisher: An agency\n"
    "timezone: America/New_York\n"
    "serial: 7\n"
    "expires: 2027-06-30\n"
    "channels: none\n"
    "authorities:\n"
    "  a1: {title: First, url: 'https://example.gov/1', phases: [{from: 2018-07-16,\n"
    "       acquire: log}, {from: 2018-10-01, browse: log, acquire: block}]}\n"
    "  a2: {title: Second, phases: [{from: 2024-07-20, download: block}]}\n";

static const char  good_vendor[] =
    "id: acme\n"
    "name: Acme Corp\n"
    "authorities: [a1, a2]\n";


static void
write_file(const char *name, const char *data, size_t len)
{
    char   path[4096], *p;
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s", root, name);

    for (p = path + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }

    f = fopen(path, "w");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        printf("Bail out! %s: %s\n", path, strerror(errno));
        exit(1);
    }
}


static void
put(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}


static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return ftw->level ? remove(path) : 0;
}


/* A folder with nothing in it but the good files. */

static void
fresh(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH|FTW_PHYS);

    put("list.yaml", good_list);
    put("vendors/acme.yaml", good_vendor);
}


static int
read_path(const char *path)
{
    int             rc;
    size_t          i, n;
    const char     *file;
    debar_error_t  *e;

    debar_errors_free(&errors);
    debar_source_free(&src);

    rc = debar_source_read(&src, path, &errors, NULL, NULL);

    said[0] = '\0';

    for (i = 0, n = 0; i < errors.n && n < sizeof(said) - 1024; i++) {
        e = &errors.list[i];
        file = e->file;

        if (strncmp(file, root, strlen(root)) == 0) {
            file += strlen(root);
            file += (*file == '/');
        }

        n += snprintf(said + n, sizeof(said) - n, "%s%s:%u:%u: %s",
                      i ? "\n" : "", file, e->line, e->col, e->text);
    }

    return rc;
}


static int
read_it(void)
{
    return read_path(root);
}


static debar_str_t
text(debar_ref_t ref)
{
    return debar_ref_str(src.tables[DEBAR_T_STRINGS].data, ref);
}


static void *
record(unsigned table, size_t i)
{
    return (char *) src.tables[table].data + i * debar_record_size[table];
}


static void
is_text(debar_ref_t ref, const char *want, const char *claim)
{
    debar_str_t  s = text(ref);

    is_mem(s.data, s.len, want, claim);
}


/* Rules of a key, and the last of them. */

static size_t
rules_of(unsigned db, const char *key, size_t len, debar_rule_t **rule)
{
    size_t           i, n;
    debar_row_t     *row;
    debar_rowset_t  *rs = &src.rows[db];

    for (i = 0, n = 0; i < rs->n; i++) {
        row = &rs->rows[i];

        if (row->len == len && memcmp(rs->bytes.data + row->off, key, len) == 0)
        {
            n++;

            if (rule && row->rule != DEBAR_RULE_HAS_URLS) {
                *rule = record(DEBAR_T_RULES, row->rule);
            }
        }
    }

    return n;
}


static size_t
host_rules(const char *name, debar_rule_t **rule)
{
    char           key[DEBAR_MAX_KEY];
    const char    *why;
    debar_host_t   h;

    if (debar_host_parse(&h, name, strlen(name), DEBAR_HOST_BARE, &why)
        != DEBAR_OK)
    {
        return 0;
    }

    return rules_of(DEBAR_DB_HOST, key, debar_key_host(key, &h), rule);
}


static size_t
id_rules(unsigned kind, const char *value, debar_rule_t **rule)
{
    char  key[DEBAR_MAX_KEY];

    return rules_of(DEBAR_DB_ID, key,
                    debar_key_id(key, kind, value, strlen(value)), rule);
}


/* --- errors of one file ------------------------------------------------- */

typedef struct {
    const char  *claim;
    const char  *yaml;            /* a vendor: behind the good three lines */
    const char  *want;
} case_t;


static const case_t  list_cases[] = {

    { "a list needs its keys", "channels: none\n",
      "list.yaml:1:1: list.yaml needs \"title\"\n"
      "list.yaml:1:1: list.yaml needs \"publisher\"\n"
      "list.yaml:1:1: list.yaml needs \"serial\"\n"
      "list.yaml:1:1: list.yaml needs \"authorities\"" },

    { "an empty list.yaml", "# nothing\n",
      "list.yaml:0:0: the file is empty" },

    { "a list.yaml that is no map", "- a\n",
      "list.yaml:1:1: list.yaml is a map of keys and values" },

    { "a syntax error has its place",
      "title: A\npublisher: [B\nserial: 1\n",
      "list.yaml:3:7: YAML: did not find expected ',' or ']', while parsing "
      "a flow sequence" },

    { "a tab where YAML takes none", "title: A\n\tpublisher: B\n",
      "list.yaml:2:1: YAML: found a tab character that violates indentation, "
      "while scanning a plain scalar" },

    { "a second document", "title: A\n---\ntitle: B\n",
      "list.yaml:2:1: a second document begins here: a file is one document" },

    { "bytes that are not UTF-8", "title: A\npublisher: \xc3\xa9t\xe9\n",
      "list.yaml:2:14: byte 0xe9 is not UTF-8: save the file as UTF-8" },

    { "a control character", "title: A\x01\n",
      "list.yaml:1:9: control character 0x01" },

    { "a control character by an escape", "title: \"A\\0\"\n",
      "list.yaml:1:8: control character 0x00" },

    { "an anchor that is not there", "title: *x\n",
      "list.yaml:1:8: *x: there is no anchor of that name above" },

    { "a list that holds itself", "title: &x [*x]\n",
      "list.yaml:1:12: *x: there is no anchor of that name above" },

    { "what is nested too deep",
      "title: [[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]\n",
      "list.yaml:1:23: nested deeper than 16" },

    { NULL, NULL, NULL }
};


/* Behind title, publisher and serial, on lines 1 to 3; the vendor has a1. */

static const case_t  authority_cases[] = {

    { "an unknown key with the one that is meant",
      "expire: 2027-01-01\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:1: unknown key \"expire\" of list.yaml: \"expires\" is meant?" },

    { "an unknown key that is like no other",
      "colour: red\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:1: unknown key \"colour\" of list.yaml" },

    { "a key that is here twice",
      "title: B\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:1: \"title\" is here twice" },

    { "a date that is none",
      "expires: 2027-02-29\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:10: bad date \"2027-02-29\" of \"expires\": a day as "
      "YYYY-MM-DD, from 1900 on" },

    { "a date of another order",
      "authorities: {a1: {title: A, phases: [{from: 01/10/2018}]}}\n",
      "list.yaml:4:46: bad date \"01/10/2018\" of \"from\": a day as "
      "YYYY-MM-DD, from 1900 on" },

    { "a timezone that is none",
      "timezone: Mars/Olympus\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:11: unknown timezone \"Mars/Olympus\": a name as "
      "\"America/New_York\" or \"UTC\"" },

    { "phases that fall in date",
      "authorities:\n  a1:\n    title: A\n    phases:\n"
      "      - {from: 2020-01-01, browse: log}\n"
      "      - {from: 2020-01-01, browse: block}\n",
      "list.yaml:9:16: phases rise in date: this one is not after the one "
      "before it" },

    { "an action that is none",
      "authorities: {a1: {title: A, phases: [{from: 2020-01-01, browse: deny}]}}\n",
      "list.yaml:4:66: unknown action \"deny\": pass, log or block" },

    { "an action that only a verdict is",
      "authorities: {a1: {title: A, phases: [{from: 2020-01-01, browse: reject}]}}\n",
      "list.yaml:4:66: unknown action \"reject\": pass, log or block" },

    { "an activity that is none",
      "authorities: {a1: {title: A, phases: [{from: 2020-01-01, aquire: log}]}}\n",
      "list.yaml:4:58: unknown key \"aquire\" of a phase: \"acquire\" is meant?" },

    { "no phases", "authorities: {a1: {title: A, phases: []}}\n",
      "list.yaml:4:38: \"phases\" is empty: an authority needs one at least" },

    { "an authority without a title",
      "authorities: {a1: {phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:19: an authority needs \"title\"" },

    { "authorities that are a list", "authorities: [a1]\n",
      "list.yaml:4:14: \"authorities\" is a map of keys and values" },

    { "no authorities", "authorities: {}\n",
      "list.yaml:4:14: \"authorities\" is empty" },

    { "an id with a blank",
      "authorities: {a1: {title: A, phases: [{from: 2020-01-01}]}, "
      "'b 1': {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:61: \"b 1\" is not an id: at most 64 letters, digits and "
      "\".\", \"_\", \"-\"" },

    { "an authority in force that is not there",
      "in-force: [a1, a9]\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:16: unknown authority \"a9\": list.yaml has no such one" },

    { "nothing in force",
      "in-force: []\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:11: \"in-force\" is empty" },

    { "a link that is none",
      "authorities: {a1: {title: A, url: acquisition.gov, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:35: \"url\" of an authority begins with https:// or http://" },

    { "channels other than none",
      "channels: all\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:11: \"channels\" is none, or left out for the shipped ones" },

    { "text that is a list",
      "timezone: [UTC]\nauthorities: {a1: {title: A, phases: [{from: 2020-01-01}]}}\n",
      "list.yaml:4:11: \"timezone\" is text, not a list" },

    { NULL, NULL, NULL }
};


static const case_t  vendor_cases[] = {

    { "an unknown key of a vendor", "host: [a.example]\n",
      "vendors/acme.yaml:4:1: unknown key \"host\" of a vendor: \"hosts\" is "
      "meant?" },

    { "hosts that are no list", "hosts: acme.example\n",
      "vendors/acme.yaml:4:8: \"hosts\" is a list: [..] or one \"- \" a line" },

    { "a row that is a list", "hosts:\n  - [acme.example]\n",
      "vendors/acme.yaml:5:5: a row of \"hosts\" is a value or a map, not a "
      "list" },

    { "a row without its value", "hosts:\n  - {activity: browse}\n",
      "vendors/acme.yaml:5:5: a row of \"hosts\" needs \"host\" or \"pattern\"" },

    { "a row with both value and pattern",
      "hosts:\n  - {host: acme.example, pattern: a+}\n",
      "vendors/acme.yaml:5:5: a row of \"hosts\" needs \"host\" or "
      "\"pattern\", not both" },

    { "an unknown key of a row", "hosts:\n  - {host: acme.example, subdomain: no}\n",
      "vendors/acme.yaml:5:26: unknown key \"subdomain\" of a row of \"hosts\": "
      "\"subdomains\" is meant?" },

    { "a boolean that is none",
      "hosts:\n  - {host: acme.example.com, subdomains: no}\n",
      "vendors/acme.yaml:5:42: \"subdomains\" is true or false, not \"no\"" },

    { "a top-level domain as a host", "hosts: [com]\n",
      "vendors/acme.yaml:4:9: \"com\" is a public suffix: everyone's names are "
      "below it" },

    { "a public suffix of two labels", "hosts: [co.uk]\n",
      "vendors/acme.yaml:4:9: \"co.uk\" is a public suffix: everyone's names "
      "are below it" },

    { "a private public suffix", "hosts: [GitHub.io.]\n",
      "vendors/acme.yaml:4:9: \"GitHub.io.\" is a public suffix: everyone's "
      "names are below it" },

    { "a public suffix by a wildcard", "hosts: [foo.ck]\n",
      "vendors/acme.yaml:4:9: \"foo.ck\" is a public suffix: everyone's names "
      "are below it" },

    { "a host with a wildcard", "hosts: ['*.acme.example.com']\n",
      "vendors/acme.yaml:4:9: bad host \"*.acme.example.com\": names below it "
      "are meant anyway: leave out the \"*.\"" },

    { "a URL among hosts", "hosts: [acme.example.com/buy]\n",
      "vendors/acme.yaml:4:9: bad host \"acme.example.com/buy\": a URL goes "
      "under \"urls\", a network under \"networks\"" },

    { "a duplicate row in another spelling",
      "hosts:\n  - acme.example.com\n  - x.example.com\n  - ACME.example.com.\n",
      "vendors/acme.yaml:7:5: duplicate row: \"ACME.example.com.\" is listed at "
      "line 5 already" },

    { "an over-short term", "names: [Acm]\n",
      "vendors/acme.yaml:4:9: over-short term \"Acm\": fewer than 4 letters and "
      "digits would be found everywhere" },

    { "a term of separators", "names: ['-- A+C --']\n",
      "vendors/acme.yaml:4:9: over-short term \"-- A+C --\": fewer than 4 "
      "letters and digits would be found everywhere" },

    { "a match that is none", "names: [{text: Acme, match: some}]\n",
      "vendors/acme.yaml:4:29: \"match\" is word or anywhere, not \"some\"" },

    { "a cap that is none", "names: [{text: Acme, action: pass}]\n",
      "vendors/acme.yaml:4:30: \"action\" of a row is log or block, not "
      "\"pass\"" },

    { "an activity that is none", "hosts: [{host: a.example.com, activity: buy}]\n",
      "vendors/acme.yaml:4:41: unknown activity \"buy\": browse, update, "
      "download or acquire" },

    { "every is not written as an activity",
      "hosts: [{host: a.example.com, activity: every}]\n",
      "vendors/acme.yaml:4:41: unknown activity \"every\": browse, update, "
      "download or acquire" },

    { "not-names have no action", "not-names: [{text: Acmes, action: log}]\n",
      "vendors/acme.yaml:4:27: unknown key \"action\" of a row of "
      "\"not-names\"" },

    { "an authority of a row that is not there",
      "names: [{text: Acme, authorities: [a1, a3]}]\n",
      "vendors/acme.yaml:4:40: unknown authority \"a3\": list.yaml has no such "
      "one" },

    { "a URL without a path", "urls: [shop.example.com]\n",
      "vendors/acme.yaml:4:8: bad URL \"shop.example.com\": there is no path: a "
      "whole host goes under \"host\"" },

    { "a URL of another scheme", "urls: ['ftp://shop.example.com/a']\n",
      "vendors/acme.yaml:4:8: bad URL \"ftp://shop.example.com/a\": http and "
      "https only, or leave the scheme out" },

    { "a URL with a port", "urls: ['shop.example.com:8080/a']\n",
      "vendors/acme.yaml:4:8: bad URL \"shop.example.com:8080/a\": leave out the "
      "port: every port is meant" },

    { "a URL with a fragment", "urls: ['shop.example.com/a#b']\n",
      "vendors/acme.yaml:4:8: bad URL \"shop.example.com/a#b\": what is behind "
      "\"#\" is never sent" },

    { "an ASN that is none", "asns: [AS200107]\n",
      "vendors/acme.yaml:4:8: bad ASN \"AS200107\": a number from 1 to "
      "4294967295" },

    { "an ASN beyond 32 bits", "asns: [4294967296]\n",
      "vendors/acme.yaml:4:8: bad ASN \"4294967296\": a number from 1 to "
      "4294967295" },

    { "a country that is none", "countries: [RUS]\n",
      "vendors/acme.yaml:4:13: bad country \"RUS\": two letters of ISO 3166" },

    { "a file with its folder", "files: [bin/acme.exe]\n",
      "vendors/acme.yaml:4:9: bad file \"bin/acme.exe\": the name alone, without "
      "a folder" },

    { "a glob that fits every file", "files: ['*.exe']\n",
      "vendors/acme.yaml:4:9: over-short file \"*.exe\": beside wildcards fewer "
      "than 5 characters would be found everywhere" },

    { "a hash that is none", "sha256: [abcd]\n",
      "vendors/acme.yaml:4:10: bad sha256 \"abcd\": 64 hexadecimal digits" },

    { "a part number that is none", "part-numbers: [A-1]\n",
      "vendors/acme.yaml:4:16: bad part-number \"A-1\": 4 letters and digits at "
      "least" },

    { "a GTIN whose check digit does not hold", "gtins: ['05060486858539']\n",
      "vendors/acme.yaml:4:9: bad gtin \"05060486858539\": 8, 12, 13 or 14 "
      "digits, the last of which is the check digit" },

    { "a UEI that is none", "uei: [HWEKRJ3F3N2O]\n",
      "vendors/acme.yaml:4:7: bad uei \"HWEKRJ3F3N2O\": 12 letters and digits, "
      "no O and I, not 0 first" },

    { "a CAGE code that is none", "cage: [ABCDEF]\n",
      "vendors/acme.yaml:4:8: bad cage \"ABCDEF\": 5 letters and digits" },

    { "packages that are a list", "packages: [com.acme]\n",
      "vendors/acme.yaml:4:11: \"packages\" is a map of keys and values" },

    { "an ecosystem that is none", "packages: {Win Get: [a]}\n",
      "vendors/acme.yaml:4:12: \"Win Get\" is not an ecosystem: lower-case "
      "letters, digits and \"-\"" },

    { "an expression that does not compile",
      "part-numbers: [{pattern: \"KL[0-9\"}]\n",
      "vendors/acme.yaml:4:26: bad expression \"KL[0-9\": missing terminating ] "
      "for character class, at offset 6" },

    { "an expression that fits everything", "hosts: [{pattern: \"(acme)?\"}]\n",
      "vendors/acme.yaml:4:19: expression \"(acme)?\" fits the empty text, and "
      "so everything" },

    { "patterns are not for URLs", "urls: [{pattern: a}]\n",
      "vendors/acme.yaml:4:9: unknown key \"pattern\" of a row of \"urls\"\n"
      "vendors/acme.yaml:4:8: a row of \"urls\" needs \"url\"" },

    { "a product without a name", "products:\n  - {id: ab}\n",
      "vendors/acme.yaml:5:5: a product needs \"name\"" },

    { "two products of one id",
      "products:\n  - {id: ab, name: A}\n  - {id: ab, name: B}\n",
      "vendors/acme.yaml:6:10: duplicate id: product \"ab\" is at line 5 "
      "already" },

    { "a product has no authorities of its own",
      "products:\n  - {id: ab, name: A, authorities: [a1]}\n",
      "vendors/acme.yaml:5:23: unknown key \"authorities\" of a product" },

    { "a permit without a reason", "permits:\n  - {host: a.example.com}\n",
      "vendors/acme.yaml:5:5: a permit needs \"why\"" },

    { "a permit for nothing", "permits:\n  - {why: because}\n",
      "vendors/acme.yaml:5:5: a permit needs \"url\" or \"host\", not both" },

    { "a permit for a query", "permits:\n  - {url: 'a.example.com/x?y=1', why: w}\n",
      "vendors/acme.yaml:5:11: bad URL \"a.example.com/x?y=1\": leave out the "
      "query: every query is meant" },

    { "subdomains of a URL",
      "permits:\n  - {url: a.example.com/x, subdomains: true, why: w}\n",
      "vendors/acme.yaml:5:11: \"subdomains\" is for permits of a \"host\"" },

    { "a permit for everyone's names",
      "permits:\n  - {host: com, subdomains: true, why: w}\n",
      "vendors/acme.yaml:5:12: \"com\" is a public suffix: everyone's names are "
      "below it" },

    { "a permit that is here twice",
      "permits:\n  - {url: a.example.com/x, why: w}\n"
      "  - {url: 'http://A.example.com/x/', why: v}\n",
      "vendors/acme.yaml:6:11: duplicate row: this is permitted at line 5 "
      "already" },

    { "a permit pinned to no hash",
      "permits:\n  - {url: a.example.com/x, why: w, sha256: 12}\n",
      "vendors/acme.yaml:5:44: bad sha256 \"12\": 64 hexadecimal digits" },

    { "a plain file outside the folder", "hosts-from: ../hosts.txt\n",
      "vendors/acme.yaml:4:13: \"../hosts.txt\" cannot be read: No such file or "
      "directory" },

    { "a plain file by a path from the top", "hosts-from: /etc/hosts\n",
      "vendors/acme.yaml:4:13: \"/etc/hosts\": a file is named from the list's "
      "folder on" },

    { "a plain file that is a folder", "hosts-from: vendors\n",
      "vendors/acme.yaml:4:13: \"vendors\" is not a regular file" },

    { "several errors are all said",
      "hosts: [com, ok.example.com, net]\nnames: [ab]\nasns: [0]\n",
      "vendors/acme.yaml:5:9: over-short term \"ab\": fewer than 4 letters and "
      "digits would be found everywhere\n"
      "vendors/acme.yaml:4:9: \"com\" is a public suffix: everyone's names are "
      "below it\n"
      "vendors/acme.yaml:4:30: \"net\" is a public suffix: everyone's names are "
      "below it\n"
      "vendors/acme.yaml:6:8: bad ASN \"0\": a number from 1 to 4294967295" },

    { NULL, NULL, NULL }
};


static const case_t  channel_cases[] = {

    { "a channel needs an id and a title", "source: seen\n",
      "channels/shop.yaml:1:1: a channel needs \"id\"\n"
      "channels/shop.yaml:1:1: a channel needs \"title\"" },

    { "a recipe needs a step and an activity",
      "id: s\ntitle: S\nrecipes:\n  - {path: /cart}\n",
      "channels/shop.yaml:4:5: a recipe needs \"step\"\n"
      "channels/shop.yaml:4:5: a recipe needs \"activity\"" },

    { "a recipe that fits every request",
      "id: s\ntitle: S\nrecipes:\n  - {step: cart, activity: acquire}\n",
      "channels/shop.yaml:4:5: a recipe needs \"path\", \"query\" or \"hosts\": "
      "this one fits every request" },

    { "a bad expression of a path",
      "id: s\ntitle: S\nrecipes:\n  - {step: cart, activity: acquire, path: \"(a\"}\n",
      "channels/shop.yaml:4:43: bad expression \"(a\": missing closing "
      "parenthesis, at offset 2" },

    { "a bad expression of a query",
      "id: s\ntitle: S\nrecipes:\n  - {step: c, activity: acquire, query: {\"a\": \"*\"}}\n",
      "channels/shop.yaml:4:47: bad expression \"*\": quantifier does not follow "
      "a repeatable item, at offset 0" },

    { "a method that is none",
      "id: s\ntitle: S\nrecipes:\n  - {step: c, activity: acquire, path: /c, methods: [post]}\n",
      "channels/shop.yaml:4:54: unknown method \"post\": GET, HEAD, POST, PUT, "
      "PATCH, DELETE, CONNECT or OTHER" },

    { "a role that is none", "id: s\ntitle: S\nfields: {makr: [brand]}\n",
      "channels/shop.yaml:3:10: unknown role \"makr\": \"maker\" is meant?" },

    { "an activity of words that is none",
      "id: s\ntitle: S\nwords: {path: {buy: [cart]}}\n",
      "channels/shop.yaml:3:16: unknown activity \"buy\": browse, update, "
      "download or acquire" },

    { "words that mean two things",
      "id: s\ntitle: S\nfields: {part: [sku], gtin: [ean, S-K-U]}\n",
      "channels/shop.yaml:3:35: \"S-K-U\" means something else at line 3: a word "
      "means one thing in a channel" },

    { "an extension with a dot",
      "id: s\ntitle: S\nwords: {extensions: {download: [tar.gz]}}\n",
      "channels/shop.yaml:3:33: bad word \"tar.gz\": what is behind the last "
      "dot" },

    { "a veto of two words", "id: s\ntitle: S\nwords: {veto: [log out]}\n",
      "channels/shop.yaml:3:16: bad word \"log out\": a single word" },

    { "a word of nothing", "id: s\ntitle: S\nwords: {path: {acquire: ['--']}}\n",
      "channels/shop.yaml:3:26: bad word \"--\": letters or digits" },

    { "a relay without a place", "id: s\ntitle: S\nrelays: [{host: r.example.com}]\n",
      "channels/shop.yaml:3:10: a relay needs \"path\" or \"key\", not both" },

    { "a relay that captures nothing",
      "id: s\ntitle: S\nrelays: [{host: r.example.com, path: \"/web/.*\"}]\n",
      "channels/shop.yaml:3:38: bad expression \"/web/.*\": it has 0 groups in "
      "parentheses, not 1: write (?:...) for those that capture nothing" },

    { "a bad host of a channel", "id: s\ntitle: S\nhosts: [a..b]\n",
      "channels/shop.yaml:3:9: bad host \"a..b\": an empty label" },

    { NULL, NULL, NULL }
};


/* Each begins on line 2, at column 4, behind "- {". */

static const case_t  waiver_cases[] = {

    { "a waiver needs its keys", "users: [u]",
      "waivers.yaml:2:3: a waiver needs \"id\"\n"
      "waivers.yaml:2:3: a waiver needs \"vendor\"\n"
      "waivers.yaml:2:3: a waiver needs \"from\"\n"
      "waivers.yaml:2:3: a waiver needs \"until\"\n"
      "waivers.yaml:2:3: a waiver needs \"approved-by\"\n"
      "waivers.yaml:2:3: a waiver needs \"why\"" },

    { "a waiver for everyone and everything",
      "id: w, vendor: acme, from: 2026-01-01, until: 2026-01-31, "
      "approved-by: CIO, why: test",
      "waivers.yaml:2:3: a waiver is for someone or something: it needs "
      "\"users\", \"clients\", \"orders\" or \"urls\"" },

    { "an empty list of users is not everyone",
      "id: w, vendor: acme, from: 2026-01-01, until: 2026-01-31, "
      "approved-by: CIO, why: test, users: []",
      "waivers.yaml:2:98: \"users\" is empty" },

    { "a vendor that is not there",
      "id: w, vendor: acne, from: 2026-01-01, until: 2026-01-31, "
      "approved-by: CIO, why: test, users: [u]",
      "waivers.yaml:2:19: unknown vendor \"acne\": no file of vendors/ has that "
      "id" },

    { "until before from",
      "id: w, vendor: acme, from: 2026-01-02, until: 2026-01-01, "
      "approved-by: CIO, why: test, users: [u]",
      "waivers.yaml:2:50: \"until\" is before \"from\"" },

    { "a product that is not there",
      "id: w, vendor: acme, from: 2026-01-01, until: 2026-01-01, "
      "approved-by: CIO, why: test, users: [u], products: [p]",
      "waivers.yaml:2:114: unknown product \"p\": its vendor has none of that "
      "id" },

    { "an activity that is none",
      "id: w, vendor: acme, from: 2026-01-01, until: 2026-01-01, "
      "approved-by: CIO, why: test, users: [u], activities: [buy]",
      "waivers.yaml:2:116: unknown activity \"buy\": browse, update, download or "
      "acquire" },

    { NULL, NULL, NULL }
};


static void
expect(const case_t *c)
{
    char  claim[256];
    int   rc;

    rc = read_it();

    snprintf(claim, sizeof(claim), "%s is said where it is", c->claim);
    is_str(said, c->want, claim);

    if (rc != DEBAR_ERROR) {
        ok(0, "%s fails the reading", c->claim);
    }
}


static void
test_errors(void)
{
    char           buf[8192];
    const case_t  *c;

    for (c = list_cases; c->claim; c++) {
        fresh();
        put("list.yaml", c->yaml);
        expect(c);
    }

    for (c = authority_cases; c->claim; c++) {
        fresh();
        snprintf(buf, sizeof(buf), "title: A\npublisher: B\nserial: 1\n%s",
                 c->yaml);
        put("list.yaml", buf);
        put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a1]\n");
        expect(c);
    }

    for (c = vendor_cases; c->claim; c++) {
        fresh();
        snprintf(buf, sizeof(buf), "%s%s", good_vendor, c->yaml);
        put("vendors/acme.yaml", buf);
        expect(c);
    }

    for (c = channel_cases; c->claim; c++) {
        fresh();
        put("channels/shop.yaml", c->yaml);
        expect(c);
    }

    for (c = waiver_cases; c->claim; c++) {
        fresh();
        snprintf(buf, sizeof(buf), "waivers:\n- {%s}\n", c->yaml);
        put("waivers.yaml", buf);
        expect(c);
    }
}


/* Bytes behind a NUL of a C string, or files that are not where they should be. */

static void
test_files(void)
{
    size_t  i;
    char    path[4096], link_to[4096], *big;

    is_int(read_path("/nowhere/at/all"), DEBAR_ERROR,
           "a folder that is not there is an error");
    is_str(said, "/nowhere/at/all:0:0: cannot be read: No such file or "
           "directory", "and is named");

    fresh();
    snprintf(path, sizeof(path), "%s/list.yaml", root);
    remove(path);
    read_it();
    is_str(said, "list.yaml:0:0: \"list.yaml\" cannot be read: No such file or "
           "directory", "a folder without list.yaml says that alone");

    snprintf(path, sizeof(path), "%s/vendors/acme.yaml", root);
    put("list.yaml", good_list);
    remove(path);
    read_it();
    is_str(said, ":0:0: there is no vendor: a list has vendors/NAME.yaml",
           "a list without vendors is an error");

    fresh();
    put("vendors/other.yml", good_vendor);
    put("waivers.yml", "waivers: []\n");
    read_it();
    is_str(said,
           "waivers.yml:0:0: is not read: its name must end in .yaml\n"
           "vendors/other.yml:0:0: is not read: its name must end in .yaml",
           "files that would be overlooked are named");

    fresh();
    put("vendors/.acme.yaml.swp", "not read");
    put("vendors/README.md", "not read");
    is_int(read_it(), DEBAR_OK, "hidden files and other files are left alone");

    fresh();
    put("vendors/bcme.yaml", good_vendor);
    read_it();
    is_str(said, "vendors/bcme.yaml:1:5: duplicate id: another file has a "
           "vendor \"acme\"", "two vendors of one id");

    fresh();
    put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a1, b1]\n");
    put("waivers.yaml", "waivers: {}\n");
    put("channels/a.yaml", "id: a\n");
    read_it();
    is_str(said,
           "vendors/acme.yaml:3:19: unknown authority \"b1\": list.yaml has no "
           "such one\n"
           "channels/a.yaml:1:1: a channel needs \"title\"\n"
           "waivers.yaml:1:10: \"waivers\" is a list: [..] or one \"- \" a line",
           "errors of several files are said in one run");

    fresh();
    put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a2]\nhosts:\n"
        "  - {host: a.example.com, authorities: [a1]}\n");
    read_it();
    is_str(said, "vendors/acme.yaml:5:41: authority \"a1\" is not one of its "
           "vendor", "a row has authorities of its vendor only");

    fresh();
    put("hosts.txt", "a.example.com\n");
    snprintf(path, sizeof(path), "%s/vendors/link.txt", root);
    snprintf(link_to, sizeof(link_to), "/etc/passwd");
    if (symlink(link_to, path) == 0) {
        put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a2]\n"
            "hosts-from: vendors/link.txt\n");
        read_it();
    }
    is_str(said, "vendors/acme.yaml:4:13: \"vendors/link.txt\" is outside the "
           "list's folder", "a link that leads out of the folder is not read");

    fresh();
    snprintf(path, sizeof(path), "%s/pipe", root);
    if (mkfifo(path, 0600) == 0) {
        put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a2]\n"
            "hosts-from: pipe\n");
        read_it();
    }
    is_str(said, "vendors/acme.yaml:4:13: \"pipe\" is not a regular file",
           "a pipe in the folder does not hang the reader");

    /* aliases that would be 10^10 rows if they were copies */

    fresh();
    big = malloc(65536);
    strcpy(big, good_vendor);
    strcat(big, "products:\n- &p {id: p, name: P, names: &n [{text: Acme, "
                "source: &s x}]}\n");

    for (i = 0; i < 1001; i++) {
        strcat(big, "- *p\n");
    }

    put("vendors/acme.yaml", big);
    free(big);
    read_it();
    is_str(said, "vendors/acme.yaml:1006:3: more than 1000 aliases",
           "aliases are bounded");
}


static void
test_meta(void)
{
    debar_phase_t      *p;
    debar_entry_t      *e;
    debar_authority_t  *a;

    fresh();
    is_int(read_it(), DEBAR_OK, "a good list is read");
    is_str(said, "", "and nothing is said");
    is_str(src.title, "A list", "its title");
    is_str(src.publisher, "An agency", "its publisher");
    is_str(src.timezone, "America/New_York", "its timezone");
    is_int(src.serial, 7, "its serial");
    is_int(src.expires, 1814328000, "it expires at 00:00 EDT");
    is_int(src.tables[DEBAR_T_AUTHORITIES].n, 2, "two authorities");

    a = record(DEBAR_T_AUTHORITIES, 0);
    is_text(a->id, "a1", "the first by its id");
    is_text(a->title, "First", "with its title");
    is_text(a->url, "https://example.gov/1", "and link");
    is_int(a->nphases, 2, "and two phases");
    is_int(a->in_force, 1, "in force, since the list names none");

    p = record(DEBAR_T_PHASES, a->phase);
    is_int(p[0].from, 1531713600, "2018-07-16 begins at 04:00 UTC (EDT)");
    is_int(p[0].action[DEBAR_ACQUIRE], DEBAR_LOG, "acquire is logged");
    is_int(p[0].action[DEBAR_BROWSE], DEBAR_PASS, "browse is nothing yet");
    is_int(p[1].from, 1538366400, "2018-10-01 likewise");
    is_int(p[1].action[DEBAR_BROWSE], DEBAR_LOG, "browse is logged then");
    is_int(p[1].action[DEBAR_ACQUIRE], DEBAR_BLOCK, "acquire is blocked");

    a = record(DEBAR_T_AUTHORITIES, 1);
    p = record(DEBAR_T_PHASES, a->phase);
    is_int(a->nphases, 1, "the second has a phase of its own");
    is_int(p->action[DEBAR_DOWNLOAD], DEBAR_BLOCK, "with its action");

    e = record(DEBAR_T_ENTRIES, 0);
    is_text(e->id, "acme", "the vendor's id");
    is_text(e->name, "Acme Corp", "and label");
    is_int(e->authorities, 3, "and authorities as bits");

    fresh();
    put("list.yaml", "title: A\npublisher: B\nserial: 1\nchannels: none\n"
        "in-force: [a2]\nauthorities:\n"
        "  a1: {title: A, phases: [{from: 2020-01-01, browse: log},"
        " {from: 2021-01-01, update: block}]}\n"
        "  a2: {title: A, phases: [{from: 2020-01-01, browse: block}]}\n");
    is_int(read_it(), DEBAR_OK, "a list without a timezone is read");
    is_int(((debar_authority_t *) record(DEBAR_T_AUTHORITIES, 0))->in_force, 0,
           "an authority that in-force leaves out is not in force");
    is_int(((debar_authority_t *) record(DEBAR_T_AUTHORITIES, 1))->in_force, 1,
           "the one that it names is");
    p = record(DEBAR_T_PHASES, 0);
    is_int(p->from, 1577836800, "dates are UTC then");
    is_int(p[1].action[DEBAR_BROWSE], DEBAR_LOG,
           "an unnamed activity keeps its action");
    is_int(p[1].action[DEBAR_UPDATE], DEBAR_BLOCK, "a named one changes");
    is_int(src.expires, 0, "a list without expires does not");
}


/* The first moment of a day, where clocks change at midnight too. */

static void
test_dates(void)
{
    size_t         i;
    char           buf[1024];
    debar_phase_t  *p;

    static const struct {
        const char  *zone;
        const char  *date;
        int64_t      t;
        const char  *claim;
    } cases[] = {
        { "UTC", "1970-01-01", 0, "the epoch" },
        { "UTC", "2024-02-29", 1709164800, "a leap day" },
        { "UTC", "2000-02-29", 951782400, "a leap day of a century" },
        { "UTC", "9999-12-31", 253402214400, "a far day" },
        { "America/New_York", "2024-03-10", 1710046800,
          "the day on which EDT begins is still EST at 00:00" },
        { "America/New_York", "2024-03-11", 1710129600, "the day after is EDT" },
        { "America/New_York", "2024-11-03", 1730606400,
          "the day on which EST begins is still EDT at 00:00" },
        { "America/New_York", "2024-11-04", 1730696400, "the day after is EST" },
        { "Asia/Kolkata", "2024-01-01", 1704047400, "half an hour" },
        { "Pacific/Kiritimati", "2024-01-01", 1704016800, "far east" },
        { "America/Sao_Paulo", "2018-11-04", 1541300400,
          "a day without 00:00 begins at 01:00" },
        { "America/Havana", "2023-11-05", 1699156800,
          "a day with two 00:00 begins at the first" },
        { "Europe/Berlin", "2024-07-01", 1719784800, "summer time" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fresh();
        snprintf(buf, sizeof(buf), "title: A\npublisher: B\nserial: 1\n"
                 "timezone: %s\nchannels: none\nauthorities:\n"
                 "  a1: {title: A, phases: [{from: %s, browse: log}]}\n"
                 "  a2: {title: A, phases: [{from: %s, browse: log}]}\n",
                 cases[i].zone, cases[i].date, cases[i].date);
        put("list.yaml", buf);
        read_it();

        p = record(DEBAR_T_PHASES, 0);
        snprintf(buf, sizeof(buf), "%s %s: %s", cases[i].date, cases[i].zone,
                 cases[i].claim);
        is_int(p ? p->from : -1, cases[i].t, buf);
    }
}


static void
test_rows(void)
{
    char             key[DEBAR_MAX_KEY];
    size_t           len;
    uint8_t          addr[16];
    unsigned         bits;
    const char      *why;
    debar_rule_t    *rule, *other;
    debar_term_t    *t;
    debar_permit_t  *permit;
    debar_pattern_t *pattern;
    debar_product_t *product;

    fresh();
    put("vendors/acme.yaml",
        "id: acme\n"
        "name: Acme Corp\n"
        "authorities: [a1, a2]\n"
        "names:\n"
        "  - {text: Acme-Corp, match: anywhere}\n"
        "  - {text: Wile, action: log, source: FR 1}\n"
        "not-names: [Acmeology]\n"
        "hosts:\n"
        "  - Acme.example.com.\n"
        "  - acme-two.example.com\n"
        "  - {host: www.acme.example.com, activity: browse, subdomains: false}\n"
        "  - {host: www.acme.example.com, authorities: [a2]}\n"
        "  - {pattern: 'acme[0-9]+\\.example\\.net', action: log}\n"
        "  - 192.0.2.1\n"
        "  - \xd0\xb0\xd0\xba\xd0\xbc\xd0\xb5.example.com\n"
        "urls:\n"
        "  - {url: 'http://Shop.example.com/Store//./Acme/', activity: acquire}\n"
        "  - 'shop.example.com/p?b=2&a=1'\n"
        "networks: [198.51.100.0/24, '2001:db8::/32']\n"
        "asns: [64496]\n"
        "countries: [no]\n"
        "files: ['acme_*.EXE', Acme-Setup.exe]\n"
        "sha256: [0000000000000000000000000000000000000000000000000000000000000041]\n"
        "signers: ['ACME, Inc.']\n"
        "certificate-organizations: [Acme Inc]\n"
        "packages: {winget: [Acme.App], android: [{pattern: 'com\\.acme\\..+'}]}\n"
        "part-numbers: [ac-1234, {pattern: 'AC[0-9]{4}X'}]\n"
        "gtins: ['5060486858538']\n"
        "uei: [HWEKRJ3F3N29]\n"
        "cage: [1ABC5]\n"
        "products:\n"
        "  - {id: rocket, name: Rocket skates, names: [Rocket Skates], part-numbers: [RS-9000]}\n"
        "permits:\n"
        "  - {url: 'acme.example.com/tools/*', why: removal}\n"
        "  - {host: help.acme.example.com, subdomains: true, why: help, authorities: [a1]}\n"
        "  - {url: acme.example.com/x.exe, why: pinned, sha256: 0000000000000000000000000000000000000000000000000000000000000041, product: 'X Remover'}\n");

    is_int(read_it(), DEBAR_OK, "rows of every kind are read");
    is_str(said, "", "and nothing is said of them");

    rule = other = NULL;
    is_int(host_rules("acme.example.com", &rule), 1, "a host, canonical");
    is_int(rule->kind, DEBAR_KIND_HOST, "is a host");
    is_int(rule->floor, DEBAR_EVERY, "counts as every activity");
    is_int(rule->cap, DEBAR_BLOCK, "has no cap");
    is_int(rule->flags, DEBAR_RULE_SUBDOMAINS, "with all names below it");
    is_int(rule->authorities, 3, "under all authorities of its vendor");
    is_int(rule->product, DEBAR_NONE, "of no product");

    host_rules("acme-two.example.com", &other);
    ok(other == rule, "rows that mean the same share a rule");

    is_int(host_rules("www.acme.example.com", NULL), 2,
           "a host may be listed again for other authorities");
    host_rules("192.0.2.1", &other);
    ok(other == rule, "an address is a host too");
    is_int(host_rules("xn--80akoi.example.com", &other), 1,
           "a U-label is stored as its A-label");

    is_int(host_rules("shop.example.com", &other), 2,
           "the host of a URL says that there are URLs");

    len = rules_of(DEBAR_DB_URL, "com.example.shop./store/acme", 28, &other);
    is_int(len, 1, "a URL by host and canonical path");
    is_int(other->floor, DEBAR_ACQUIRE, "with the floor that the row gives");
    is_int(rules_of(DEBAR_DB_URL, "com.example.shop./p?a=1&b=2", 27, NULL), 1,
           "a URL's query is sorted");

    debar_cidr_parse(addr, &bits, "198.51.100.0/24", 15, &why);
    len = debar_key_network(key, addr, bits);
    is_int(rules_of(DEBAR_DB_NETWORK, key, len, &other), 1, "an IPv4 network");
    is_int(other->floor, DEBAR_EVERY, "counts as every activity");
    is_int(src.rows[DEBAR_DB_NETWORK].n, 2, "beside the IPv6 one");
    is_int(rules_of(DEBAR_DB_ASN, key, debar_key_asn(key, 64496), NULL), 1,
           "an ASN");
    is_int(id_rules(DEBAR_KIND_COUNTRY, "NO", NULL), 1,
           "a country in upper case, whatever YAML thinks of \"no\"");

    is_int(id_rules(DEBAR_KIND_FILE, "acme-setup.exe", &other), 1,
           "the name of a file");
    is_int(other->floor, DEBAR_DOWNLOAD, "is at least a download");
    is_int(rules_of(DEBAR_DB_ID, key, debar_key_id(key, DEBAR_KIND_SHA256,
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0A", 32),
           NULL), 1, "a hash as 32 bytes");
    is_int(id_rules(DEBAR_KIND_SIGNER, "acme inc", &other), 1, "a signer");
    is_int(other->floor, DEBAR_BROWSE, "counts as the request's own activity");
    is_int(id_rules(DEBAR_KIND_CERTIFICATE_ORGANIZATION, "acme inc", NULL), 1,
           "an organisation");
    is_int(id_rules(DEBAR_KIND_PACKAGE, "winget:acme.app", NULL), 1,
           "a package with its ecosystem");
    is_int(id_rules(DEBAR_KIND_PART_NUMBER, "AC1234", NULL), 1,
           "a part number");
    is_int(id_rules(DEBAR_KIND_GTIN, "05060486858538", NULL), 1,
           "a GTIN of 13 digits as 14");
    is_int(id_rules(DEBAR_KIND_UEI, "HWEKRJ3F3N29", NULL), 1, "a UEI");
    is_int(id_rules(DEBAR_KIND_CAGE, "1ABC5", NULL), 1, "a CAGE code");

    is_int(src.tables[DEBAR_T_TERMS].n, 4, "four terms");
    t = record(DEBAR_T_TERMS, 0);
    is_text(t->text, "acme corp", "a name in canonical text");
    is_text(t->written, "Acme-Corp", "and as it was written");
    is_int(t->match, DEBAR_TERM_ANYWHERE, "to be found anywhere");
    rule = record(DEBAR_T_RULES, t[1].rule);
    is_int(t[1].match, DEBAR_TERM_WORD, "a word by default");
    is_int(rule->cap, DEBAR_LOG, "capped by its action");
    is_text(rule->source, "FR 1", "with its source");
    is_int(t[2].match, DEBAR_TERM_NOT, "someone else's name");
    rule = record(DEBAR_T_RULES, t[3].rule);
    is_int(rule->kind, DEBAR_KIND_PRODUCT_NAME, "the name of a product");
    is_int(rule->product, 0, "of its product");

    product = record(DEBAR_T_PRODUCTS, 0);
    is_text(product->id, "rocket", "the product by its id");
    id_rules(DEBAR_KIND_PART_NUMBER, "RS9000", &other);
    is_int(other->product, 0, "a part number of a product says so");

    is_int(src.tables[DEBAR_T_PATTERNS].n, 4, "four expressions");
    pattern = record(DEBAR_T_PATTERNS, 0);
    is_text(pattern[0].regex, "acme[0-9]+\\.example\\.net", "of hosts");
    is_text(pattern[1].regex, "acme\\_.*\\.exe", "of files, from a glob");
    is_text(pattern[1].written, "acme_*.EXE", "which is kept as written");
    is_text(pattern[2].regex, "android:(?:com\\.acme\\..+)", "of packages");
    is_text(pattern[3].regex, "AC[0-9]{4}X", "of part numbers");

    is_int(src.tables[DEBAR_T_PERMITS].n, 3, "three permits");
    permit = record(DEBAR_T_PERMITS, 0);
    is_text(permit[0].key, "com.example.acme./tools/*", "all below a path");
    is_text(permit[0].why, "removal", "with its reason");
    is_int(permit[0].authorities, 3, "under every authority");
    is_text(permit[1].key, "com.example.acme.help.", "a host");
    is_int(permit[1].subdomains, 1, "with the names below it");
    is_int(permit[1].authorities, 1, "under the authorities that it names");
    is_text(permit[2].key, "com.example.acme./x.exe", "one URL");
    is_int(permit[2].sha256.len, 32, "pinned to a hash");
    is_text(permit[2].product, "x remover", "and to a product's name");
}


static unsigned  progressed;
static uint64_t  progress_lines;


static void
on_progress(void *data, const char *what, uint64_t n)
{
    progressed += (data == &progressed && strstr(what, "hosts.txt") != NULL);
    progress_lines = n;
}


static void
test_from(void)
{
    char          *big, *p;
    size_t         i;
    debar_rule_t  *rule;

    fresh();
    put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a1]\n"
        "hosts: [a.example.com]\n"
        "hosts-from: data/hosts.txt\n"
        "names-from: names.txt\n"
        "gtins-from: gtins.txt\n"
        "packages-from: packages.txt\n");
    put("data/hosts.txt", "\xef\xbb\xbf# made by hand\n\n  b.example.com  \r\n"
        "c.example.com # why\nb.example.com\na.example.com\nd.example.com");
    put("names.txt", "Acme Rockets\n# none\nAcme #1 Skates\n");
    put("gtins.txt", "5060486858538\n");
    put("packages.txt", "npm:acme\n");

    is_int(read_it(), DEBAR_OK, "plain files are read");
    is_str(said, "", "twice the same line is no error");
    is_int(src.rows[DEBAR_DB_HOST].n, 6, "every line is a row");
    is_int(host_rules("b.example.com", &rule), 2,
           "blanks and carriage returns around it are nothing");
    is_int(rule->floor, DEBAR_EVERY, "it means what a bare row means");
    is_int(host_rules("c.example.com", NULL), 1, "a comment may follow");
    is_int(host_rules("d.example.com", NULL), 1,
           "the last line needs no newline");
    is_int(src.tables[DEBAR_T_TERMS].n, 2, "names too");
    is_text(((debar_term_t *) record(DEBAR_T_TERMS, 1))->text, "acme",
            "a comment begins at a blank and \"#\"");
    is_int(id_rules(DEBAR_KIND_GTIN, "05060486858538", NULL), 1, "and GTINs");
    is_int(id_rules(DEBAR_KIND_PACKAGE, "npm:acme", NULL), 1,
           "and packages with their ecosystem");
    is_int(src.tables[DEBAR_T_RULES].n, 4, "a kind of values is one rule");

    write_file("data/hosts.txt",
               "com\nok.example.com\n\tbad host\nx\xff.example.com\n", 42);
    put("names.txt", "ab\nAcme\n");
    put("packages.txt", "acme\n");
    read_it();
    is_str(said,
           "names.txt:1:1: over-short term \"ab\": fewer than 4 letters and "
           "digits would be found everywhere\n"
           "data/hosts.txt:1:1: \"com\" is a public suffix: everyone's names are "
           "below it\n"
           "data/hosts.txt:3:2: bad host \"bad host\": a character that is not "
           "one of a host\n"
           "data/hosts.txt:4:2: byte 0xff is not UTF-8: save the file as UTF-8\n"
           "packages.txt:1:1: bad package \"acme\": ecosystem:identifier",
           "each bad line is said with its number");

    /* more than a block for each thread, with an error near every end */

    fresh();
    put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a1]\n"
        "hosts-from: hosts.txt\n");

    big = malloc(300000 * 32);
    p = big;

    for (i = 1; i <= 300000; i++) {
        p += sprintf(p, i % 100000 == 1 || i == 300000 ? "bad..%zu\n"
                        : "host-%zu.example.com\n", i);
    }

    write_file("hosts.txt", big, (size_t) (p - big));

    debar_errors_free(&errors);
    debar_source_free(&src);
    is_int(debar_source_read(&src, root, &errors, on_progress, &progressed),
           DEBAR_ERROR, "a long file with bad lines fails");
    is_int(errors.n, 4, "with an error for each of them");
    is_int(errors.list[0].line, 1, "the first line");
    is_int(errors.list[1].line, 100001, "one in the middle of a block");
    is_int(errors.list[2].line, 200001, "another");
    is_int(errors.list[3].line, 300000, "and the last, in order");
    is_int(src.rows[DEBAR_DB_HOST].n, 299996, "every other line is a row");
    is_int(host_rules("host-299999.example.com", NULL), 1,
           "the last good one is there once");
    is_int(host_rules("host-2.example.com", NULL), 1, "and the first");
    ok(progressed >= 2, "progress is told meanwhile");
    is_int(progress_lines, 300000, "and the number of lines at the end");

    for (i = 0, p = big; i < 20000; i++) {
        p += sprintf(p, "bad..%zu\n", i);
    }

    write_file("hosts.txt", big, (size_t) (p - big));
    free(big);

    read_it();
    is_int(errors.n, DEBAR_MAX_ERRORS, "errors are kept up to a bound");
    is_int(errors.dropped, 10000, "and counted beyond it");
    is_int(errors.list[9999].line, 10000, "the first ones are those kept");

    big = malloc(5 << 20);
    memset(big, 'a', 5 << 20);
    write_file("hosts.txt", big, 5 << 20);
    read_it();
    is_str(said, "hosts.txt:1:1: a line longer than 4096 bytes",
           "a file that is one endless line is refused");

    memset(big, 'a', 5000);
    big[5000] = '\n';
    memcpy(big + 5001, "a.example.com\n", 14);
    write_file("hosts.txt", big, 5015);
    free(big);
    read_it();
    is_str(said, "hosts.txt:1:1: a line longer than 4096 bytes",
           "a long line is refused and reading goes on");
    is_int(host_rules("a.example.com", NULL), 1, "with the line behind it");
}


static void
test_channels(void)
{
    size_t          n, shipped;
    debar_ref_t    *ref;
    debar_word_t   *w;
    debar_cond_t   *cond;
    debar_relay_t  *relay;
    debar_recipe_t *recipe;

    fresh();
    put("channels/shop.yaml",
        "id: shop\n"
        "title: A shop\n"
        "hosts: [Shop.example.com, myshopify.com]\n"
        "recipes:\n"
        "  - {step: cart, activity: acquire, methods: [POST, PUT], path: '/cart/add'}\n"
        "  - {step: pay, activity: acquire, query: {action: 'buy|pay', n: }, hosts: [pay.example.com]}\n"
        "words:\n"
        "  path: {acquire: [cart, {word: Order-Form, methods: [POST]}], download: [get]}\n"
        "  query-keys: {acquire: [add-to_cart, addtocart]}\n"
        "  extensions: {download: [EXE]}\n"
        "  veto: [cancel]\n"
        "  caution: [uninstall]\n"
        "fields:\n"
        "  part: [SKU, mfr-part-number]\n"
        "  supplier-part: [vendormat]\n"
        "relays:\n"
        "  - {host: web.example.org, path: '/web/[^/]+/(.+)'}\n"
        "  - {host: dns.example.org, key: Name, name-only: true}\n");

    is_int(read_it(), DEBAR_OK, "a channel is read");
    is_str(said, "", "and nothing is said of it");

    is_int(src.tables[DEBAR_T_RECIPES].n, 2, "with its recipes");
    recipe = record(DEBAR_T_RECIPES, 0);
    is_text(recipe->channel, "shop", "of the channel");
    is_text(recipe->step, "cart", "with their steps");
    is_text(recipe->path, "/cart/add", "and paths");
    is_int(recipe->activity, DEBAR_ACQUIRE, "and activities");
    is_int(recipe->methods, DEBAR_M_POST | DEBAR_M_PUT, "and methods");
    is_int(recipe->nhosts, 2, "on the channel's hosts");
    ref = record(DEBAR_T_REFS, recipe->host);
    is_text(ref[0], "shop.example.com", "in canonical form");
    is_text(ref[1], "myshopify.com", "public suffixes among them");
    is_int(recipe[1].nhosts, 1, "or on their own");
    is_text(*(debar_ref_t *) record(DEBAR_T_REFS, recipe[1].host),
            "pay.example.com", "which is kept apart");
    is_int(recipe[1].nconds, 2, "with two conditions");
    cond = record(DEBAR_T_CONDS, recipe[1].cond);
    is_text(cond[0].key, "action", "a key");
    is_text(cond[0].value, "buy|pay", "with a value");
    is_int(cond[1].value.len, 0, "a key with any value");

    is_int(src.tables[DEBAR_T_WORDS].n, 10, "ten words, spellings joined");
    w = record(DEBAR_T_WORDS, 0);
    is_text(w[0].word, "cart", "a word of the path");
    is_int(w[0].value, DEBAR_ACQUIRE, "and what it means");
    is_text(w[1].word, "order form", "in canonical tokens");
    is_int(w[1].methods, DEBAR_M_POST, "with its methods");
    is_text(w[3].word, "addtocart", "a query key by letters and digits");
    is_int(w[3].use, DEBAR_WORD_QUERY_KEY, "as such");
    is_text(w[4].word, "exe", "an extension");
    is_int(w[5].use, DEBAR_WORD_VETO, "a veto");
    is_int(w[6].use, DEBAR_WORD_CAUTION, "a word of caution");
    is_text(w[8].word, "mfrpartnumber", "a field");
    is_int(w[8].value, DEBAR_ROLE_PART, "and its role");
    is_int(w[9].value, DEBAR_ROLE_SUPPLIER_PART, "a role of two words");

    relay = record(DEBAR_T_RELAYS, 0);
    is_text(relay[0].host, "web.example.org", "a relay");
    is_text(relay[0].path, "/web/[^/]+/(.+)", "with its path");
    is_text(relay[1].key, "name", "or its key");
    is_int(relay[1].name_only, 1, "that holds a name only");

    put("channels/tshop.yaml", "id: shop\ntitle: B\n");
    read_it();
    n = strlen(said);
    ok(n > 30 && strncmp(said, "channels/tshop.yaml:1:5: duplicate id: \"shop\" "
                         "is that of ", 57) == 0,
       "two channels of one id");

    /* the shipped ones */

    for (shipped = 0; debar_shipped_channels[shipped].name; shipped++) {
        /* void */
    }

    ok(shipped > 0, "channels are compiled in");

    fresh();
    put("list.yaml", "title: A\npublisher: B\nserial: 1\nauthorities:\n"
        "  a1: {title: A, phases: [{from: 2020-01-01}]}\n"
        "  a2: {title: A, phases: [{from: 2020-01-01}]}\n");
    is_int(read_it(), DEBAR_OK, "the shipped channels are read without error");
    is_str(said, "", "and nothing is said of them");
    n = src.tables[DEBAR_T_WORDS].n;
    ok(n > 0, "they are in the list");

    put("channels/general.yaml", "id: general\ntitle: None of it\n");
    is_int(read_it(), DEBAR_OK, "an own channel may have a shipped one's id");
    ok(src.tables[DEBAR_T_WORDS].n < n, "and replaces it");

    fresh();
    read_it();
    is_int(src.tables[DEBAR_T_WORDS].n + src.tables[DEBAR_T_RECIPES].n, 0,
           "channels: none leaves the shipped ones out");
}


static void
test_waivers(void)
{
    debar_cidr_t    *cidr;
    debar_waiver_t  *w;

    fresh();
    put("vendors/acme.yaml", "id: acme\nname: Acme\nauthorities: [a1, a2]\n"
        "products: [{id: p1, name: P}, {id: p2, name: Q}]\n");
    put("waivers.yaml",
        "waivers:\n"
        "- id: w-1\n"
        "  vendor: acme\n"
        "  users: [jane@example.gov]\n"
        "  clients: [192.0.2.0/24]\n"
        "  orders: [PO-1, PO-2]\n"
        "  urls: [shop.example.com, 'shop.example.com/a/*']\n"
        "  from: 2024-03-10\n"
        "  until: 2024-03-10\n"
        "  approved-by: CIO\n"
        "  why: >\n"
        "    forensic\n"
        "    work\n"
        "- {id: w-2, vendor: acme, users: [u], from: 2024-01-01, until: 2024-12-31,\n"
        "   approved-by: CIO, why: w, products: [p1, p2], authorities: [a2],\n"
        "   activities: [browse, download]}\n");

    is_int(read_it(), DEBAR_OK, "waivers are read");
    is_str(said, "", "and nothing is said of them");
    is_int(src.tables[DEBAR_T_WAIVERS].n, 3, "one for each product");

    w = record(DEBAR_T_WAIVERS, 0);
    is_text(w->id, "w-1", "a waiver by its id");
    is_int(w->from, 1710046800, "it begins at 00:00 EST");
    is_int(w->until - w->from, 23 * 3600,
           "and ends with its last day, which has 23 hours");
    is_int(w->product, DEBAR_NONE, "for every product");
    is_int(w->authorities, 3, "under every authority");
    is_int(w->activities, 15, "and for every activity");
    is_text(w->approved_by, "CIO", "by whom");
    is_text(w->why, "forensic work", "and why");
    is_int(w->nusers, 1, "a user");
    is_text(*(debar_ref_t *) record(DEBAR_T_REFS, w->user), "jane@example.gov",
            "as written");
    is_int(w->norders, 2, "two orders");
    is_text(*(debar_ref_t *) record(DEBAR_T_REFS, w->order + 1), "PO-2",
            "one behind the other");
    is_int(w->nurls, 2, "two URLs");
    is_text(*(debar_ref_t *) record(DEBAR_T_REFS, w->url), "com.example.shop.",
            "a whole host");
    is_text(*(debar_ref_t *) record(DEBAR_T_REFS, w->url + 1),
            "com.example.shop./a/*", "and all below a path");
    is_int(w->nclients, 1, "a network of clients");
    cidr = record(DEBAR_T_CIDRS, w->client);
    is_int(cidr->bits, 120, "as bits of 128");

    is_int(w[1].product, 0, "a waiver for a product");
    is_int(w[2].product, 1, "and for another");
    is_int(w[2].authorities, 2, "under the authority that it names");
    is_int(w[2].activities, 1 << DEBAR_BROWSE | 1 << DEBAR_DOWNLOAD,
           "for the activities that it names");

    put("waivers.yaml", "waivers: []\n");
    is_int(read_it(), DEBAR_OK, "no waivers is no error");

    put("waivers.yaml",
        "waivers:\n"
        "- {id: w, vendor: acme, users: [u], from: 2024-01-01, until: 2024-01-01, approved-by: a, why: b}\n"
        "- {id: w, vendor: acme, clients: [10.0.0.1/8], from: 2024-01-01, until: 2024-01-01, approved-by: a, why: b}\n");
    read_it();
    ok(strncmp(said, "waivers.yaml:3:8: duplicate id: waiver \"w\" is at line 2 "
               "already\nwaivers.yaml:3:35: bad network \"10.0.0.1/8\": ", 100)
       == 0, "two waivers of one id, and a network with host bits");
}


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        printf("Bail out! mkdtemp: %s\n", strerror(errno));
        return 1;
    }

    test_meta();
    test_dates();
    test_rows();
    test_from();
    test_channels();
    test_waivers();
    test_errors();
    test_files();

    debar_errors_free(&errors);
    debar_source_free(&src);

    nftw(root, remove_one, 16, FTW_DEPTH|FTW_PHYS);
    rmdir(root);

    return done();
}
