/*
 * URLs: pieces, canonical paths, pairs and queries.
 */

#include "tap.h"
#include "url.h"


#define CUT  (DEBAR_PATH_ODD|DEBAR_PATH_CUT)


static const struct {
    const char  *in;
    const char  *scheme;
    const char  *authority;
    const char  *path;
    const char  *query;           /* NULL: none */
    const char  *fragment;
} splits[] = {
    { "http://a.example/b?c#d", "http", "a.example", "/b", "c", "d" },
    { "http://a.example", "http", "a.example", "", NULL, "" },
    { "http://a.example?c", "http", "a.example", "", "c", "" },
    { "http://a.example#d", "http", "a.example", "", NULL, "d" },
    { "http://a.example#d?e", "http", "a.example", "", NULL, "d?e" },
    { "HTTPS://u:p@a.example:80/", "HTTPS", "u:p@a.example:80", "/", NULL,
      "" },
    { "/b/c?d=e", "", "", "/b/c", "d=e", "" },
    { "/b?", "", "", "/b", "", "" },
    { "//b/c", "", "", "//b/c", NULL, "" },
    { "/http://a.example/", "", "", "/http://a.example/", NULL, "" },
    { "*", "", "", "*", NULL, "" },
    { "", "", "", "", NULL, "" },
    { "a.example/b", "", "a.example", "/b", NULL, "" },
    { "a.example:443", "", "a.example:443", "", NULL, "" },
    { "localhost:443", "", "localhost:443", "", NULL, "" },
    { "a.example:/b", "", "a.example:", "/b", NULL, "" },
    { "http:/a.example/b", "http", "", "/a.example/b", NULL, "" },
    { "http:///a.example/b", "http", "", "/a.example/b", NULL, "" },
    { "http:////a.example/", "http", "", "//a.example/", NULL, "" },
    { "http://a.example\\b/c", "http", "a.example\\b", "/c", NULL, "" },
    { "http://[::1]:80/b", "http", "[::1]:80", "/b", NULL, "" },
    { "?a=b", "", "", "", "a=b", "" },
    { "#f", "", "", "", NULL, "f" },
    { "1http://a/b", "", "1http:", "//a/b", NULL, "" }
};


static const struct {
    const char  *in;
    const char  *path;
    unsigned     flags;
} paths[] = {
    { "", "/", 0 },
    { "/", "/", 0 },
    { "/a", "/a", 0 },
    { "/a/", "/a", 0 },
    { "/A/B.EXE", "/a/b.exe", 0 },
    { "a", "/a", 0 },
    { "//a//b//", "/a/b", 0 },
    { "/a.b/c.d", "/a.b/c.d", 0 },
    { "/./a/./b/.", "/a/b", 0 },
    { "/a/../b", "/b", 0 },
    { "/a/b/../../c", "/c", 0 },
    { "/a/b/..", "/a", 0 },
    { "/x/../k/./aspersky/../kaspersk%79/kes.exe",
      "/k/kaspersky/kes.exe", 0 },
    { "/..", "/", DEBAR_PATH_ODD },
    { "/../../a", "/a", DEBAR_PATH_ODD },
    { "/a/.../b", "/a/.../b", 0 },
    { "/.well-known/x", "/.well-known/x", 0 },
    { "/a b", "/a b", 0 },
    { "/a%20b", "/a b", 0 },
    { "/%41", "/a", 0 },
    { "/a%2fb", "/a/b", DEBAR_PATH_ODD },
    { "/a%2Fb", "/a/b", DEBAR_PATH_ODD },
    { "/a%5cb", "/a/b", DEBAR_PATH_ODD },
    { "/a/%2e%2e/b", "/b", DEBAR_PATH_ODD },
    { "/a/.%2e/b", "/b", DEBAR_PATH_ODD },
    { "/a%2ee", "/a.e", DEBAR_PATH_ODD },
    { "/a%252fb", "/a/b", DEBAR_PATH_ODD },
    { "/%2541", "/a", DEBAR_PATH_ODD },
    { "/a%00b", "/a\0b", DEBAR_PATH_ODD },
    { "/a%0d%0ab", "/a\r\nb", DEBAR_PATH_ODD },
    { "/a%3fb", "/a?b", DEBAR_PATH_ODD },
    { "/a%23b", "/a#b", DEBAR_PATH_ODD },
    { "/a%3bb", "/a", DEBAR_PATH_ODD },
    { "/a\\b", "/a/b", DEBAR_PATH_ODD },
    { "/a;v=1/b;w", "/a/b", DEBAR_PATH_ODD },
    { "/a/..;/b", "/b", DEBAR_PATH_ODD },
    { "/a/%c0%ae%c0%ae/b", "/b", DEBAR_PATH_ODD },
    { "/a%c0%afb", "/a/b", DEBAR_PATH_ODD },
    { "/a%e0%80%afb", "/a/b", DEBAR_PATH_ODD },
    { "/%u0061", "/a", DEBAR_PATH_ODD },
    { "/%zz", "/%zz", DEBAR_PATH_ODD },
    { "/a%", "/a%", DEBAR_PATH_ODD },
    { "/a&#47;b", "/a/b", DEBAR_PATH_ODD },
    { "/a&b", "/a&b", 0 },
    { "/b%C3%BC", "/b\xc3\xbc", 0 },
    { "/B%C3%9C", "/b\xc3\xbc", 0 },
    { "/\xd0\x9a", "/\xd0\xba", 0 },
    { "/%EF%BD%8B", "/k", DEBAR_PATH_ODD },
    { "/k%C2%AD", "/k", DEBAR_PATH_ODD },
    { "/a\xef\xbc\x8f..", "/", DEBAR_PATH_ODD },
    { "/%FF", "/\xc3\xbf", DEBAR_PATH_ODD }
};


static const struct {
    const char  *in;
    const char  *out;
    unsigned     flags;
} queries[] = {
    { "", "", 0 },
    { "a=b", "a=b", 0 },
    { "b=2&a=1", "a=1&b=2", 0 },
    { "A=B", "a=b", 0 },
    { "a", "a", 0 },
    { "a=", "a=", 0 },
    { "&&a=1&&", "a=1", 0 },
    { "a=b+c", "a=b c", 0 },
    { "a=b%20c", "a=b c", 0 },
    { "a=2&a=1", "a=1&a=2", 0 },
    { "a=1&ab=1&a", "a&a=1&ab=1", 0 },
    { "a=b=c", "a=b=c", 0 },
    { "a=%2541", "a=a", DEBAR_PATH_ODD },
    { "a=b%26c", "a=b&c", DEBAR_PATH_ODD },
    { "a%3Db=c", "a=b=c", DEBAR_PATH_ODD },
    { "a=b;c=d", "a=b;c=d", 0 },
    { "item=K%C3%84", "item=k\xc3\xa4", 0 }
};


static int
same(debar_str_t s, const char *want)
{
    return s.len == strlen(want) && memcmp(s.data ? s.data : "", want, s.len)
                                    == 0;
}


static void
split(void)
{
    size_t             i;
    debar_url_parts_t  u;

    for (i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
        debar_url_split(&u, splits[i].in, strlen(splits[i].in));

        ok(same(u.scheme, splits[i].scheme)
           && same(u.authority, splits[i].authority)
           && same(u.path, splits[i].path)
           && (u.query.data != NULL) == (splits[i].query != NULL)
           && same(u.query, splits[i].query ? splits[i].query : "")
           && same(u.fragment, splits[i].fragment),
           "\"%s\" has its pieces", splits[i].in);
    }
}


static void
path(void)
{
    char      big[3 * DEBAR_MAX_PATH], out[DEBAR_MAX_PATH];
    size_t    i, n, want;
    unsigned  flags;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        n = debar_url_path(out, sizeof(out), paths[i].in, strlen(paths[i].in),
                           &flags);
        want = strcmp(paths[i].in, "/a%00b") == 0 ? 4 : strlen(paths[i].path);

        if (!ok(n == want && memcmp(out, paths[i].path, n) == 0,
                "the path \"%s\"", paths[i].in))
        {
            printf("#      got: %.*s\n", (int) n, out);
        }

        is_int(flags, paths[i].flags, "whether servers may differ about it");
    }

    memset(big, 'a', sizeof(big));
    big[0] = '/';
    big[100] = '/';

    n = debar_url_path(out, sizeof(out), big, DEBAR_MAX_PATH, &flags);
    ok(n == DEBAR_MAX_PATH && flags == 0, "a path of 4096 bytes is whole");

    n = debar_url_path(out, sizeof(out), big, DEBAR_MAX_PATH + 1, &flags);
    ok(n <= DEBAR_MAX_PATH && flags == CUT, "a longer one is cut, and said so");

    n = debar_url_path(out, 50, big, 60, &flags);
    ok(n <= 50 && flags == CUT, "one beyond the room given too");

    n = debar_url_path(out, 150, big, 200, &flags);
    ok(n == 100 && flags == CUT, "by whole segments");

    n = debar_url_path(out, 0, "/a", 2, &flags);
    ok(n == 0, "no room, no path");

    memset(big, '/', sizeof(big));
    n = debar_url_path(out, sizeof(out), big, DEBAR_MAX_PATH, &flags);
    is_mem(out, n, "/", "slashes alone");

    for (i = 0; i + 3 <= sizeof(big); i += 3) {
        memcpy(big + i, "%2f", 3);
    }

    n = debar_url_path(out, sizeof(out), big, sizeof(big), &flags);
    is_mem(out, n, "/", "encoded slashes alone");
}


static void
pairs(void)
{
    size_t       pos;
    debar_str_t  key, value;

    static const char  query[] = "a=1&&b&c==&=d&";

    pos = 0;

    ok(debar_url_pair(query, 14, &pos, &key, &value) == DEBAR_OK
       && same(key, "a") && same(value, "1"), "key and value");
    ok(debar_url_pair(query, 14, &pos, &key, &value) == DEBAR_OK
       && same(key, "b") && value.data == NULL, "a key alone");
    ok(debar_url_pair(query, 14, &pos, &key, &value) == DEBAR_OK
       && same(key, "c") && same(value, "="), "a value that is \"=\"");
    ok(debar_url_pair(query, 14, &pos, &key, &value) == DEBAR_OK
       && same(key, "") && same(value, "d"), "an empty key");
    ok(debar_url_pair(query, 14, &pos, &key, &value) == DEBAR_DECLINED,
       "the end");
    ok(debar_url_pair(query, 14, &pos, &key, &value) == DEBAR_DECLINED,
       "and again");

    pos = 0;
    ok(debar_url_pair("a;b=c", 5, &pos, &key, &value) == DEBAR_OK
       && same(key, "a;b") && same(value, "c"), "\";\" parts no pairs");
    pos = 0;
    ok(debar_url_pair("", 0, &pos, &key, &value) == DEBAR_DECLINED,
       "a query of nothing has none");
}


static void
query(void)
{
    char      big[8192], out[8192];
    size_t    i, n;
    unsigned  flags;

    for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        n = debar_url_query(out, sizeof(out), queries[i].in,
                            strlen(queries[i].in), &flags);
        is_mem(out, n, queries[i].out, queries[i].in);
        is_int(flags, queries[i].flags, "whether servers may differ about it");
    }

    for (i = 0; i < sizeof(big); i++) {
        big[i] = i % 2 ? '&' : 'z' - i / 2 % 26;
    }

    n = debar_url_query(out, sizeof(out), big, 256, &flags);
    ok(n == 255 && flags == 0 && out[0] == 'a' && out[254] == 'z',
       "128 pairs are sorted");
    n = debar_url_query(out, sizeof(out), big, 258, &flags);
    ok(n == 255 && flags == CUT, "more are left out, and it is said");
    n = debar_url_query(out, 10, big, 256, &flags);
    ok(n <= 10 && flags == CUT, "so is what has no room");

    memset(big, 'a', sizeof(big));
    n = debar_url_query(out, sizeof(out), big, sizeof(big), &flags);
    ok(n == DEBAR_MAX_PATH && flags == CUT, "a long pair is cut");
}


int
main(void)
{
    split();
    path();
    pairs();
    query();

    return done();
}
