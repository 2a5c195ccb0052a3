/* Secrets of URLs and texts, and how much of a URL is kept. */

#include <stdint.h>
#include <string.h>

#include "mask.h"
#include "secrets.h"
#include "tap.h"


typedef struct {
    const char  *text;
    const char  *masked;
} mask_case_t;


static void
each(const mask_case_t *c, size_t n, unsigned url, const char *what)
{
    char    out[1024];
    size_t  i, len;

    for (i = 0; i < n; i++) {
        len = debar_mask(out, sizeof(out), c[i].text, strlen(c[i].text), url);
        is_mem(out, len, c[i].masked, what);
    }
}


#define EACH(c, url, what)  each(c, sizeof(c) / sizeof(c[0]), url, what)


static void
userinfo(void)
{
    static const mask_case_t  cases[] = {
        { "http://u:p@a.example/x", "http://***@a.example/x" },
        { "http://u:p@q@a.example/x", "http://***@a.example/x" },
        { "http://u%40x:p@a.example", "http://***@a.example" },
        { "HTTP:u:p@a.example/", "HTTP:***@a.example/" },
        { "https:/u:p@a.example/", "https:/***@a.example/" },
        { "http:\\\\u:p@a.example/", "http:\\\\***@a.example/" },
        { "http:///u:p@a.example/", "http:///***@a.example/" },
        { "u:p@a.example:443", "***@a.example:443" },
        { "http://a.example/?u=ftp://u:p@b.example/",
          "http://a.example/?u=ftp://***@b.example/" },
        { "/x?next=https%3A%2F%2Fu%3Ap%40b.example%2F",
          "/x?next=https%3A%2F%2F***%40b.example%2F" },
        { "http://a.example/p@q", "http://a.example/p@q" },
        { "http://a.example/?mail=p@q.example",
          "http://a.example/?mail=p@q.example" },
        { "/p@q", "/p@q" },
        { "a.example:443", "a.example:443" },
        { "[2001:db8::1]:443", "[2001:db8::1]:443" },
    };
    static const mask_case_t  texts[] = {
        { "sales@a.example", "sales@a.example" },
        { "http://u:p@a.example/", "http://***@a.example/" },
    };

    EACH(cases, 1, "userinfo");
    EACH(texts, 0, "an address of mail is not userinfo");
}


static void
pairs(void)
{
    static const mask_case_t  cases[] = {
        { "/?token=abc", "/?token=***" },
        { "/?a=1&Access_Token=abc&b=2", "/?a=1&Access_Token=***&b=2" },
        { "/?p%61ssword=abc#x", "/?p%61ssword=***#x" },
        { "/?postcode=20405&author=x&keyword=y&monkey=z",
          "/?postcode=20405&author=x&keyword=y&monkey=z" },
        { "/?zip_code=1&product-code=2", "/?zip_code=1&product-code=2" },
        { "/?code=4%2F0&key=", "/?code=***&key=" },
        { "/?apiKey=1&APIKey=2&x-api-key=3", "/?apiKey=***&APIKey=***"
          "&x-api-key=***" },
        { "/?user[password]=a&user.pwd=b", "/?user[password]=***"
          "&user.pwd=***" },
        { "/?X-Amz-Credential=a/b&X-Amz-Signature=c/d?e&n=1",
          "/?X-Amz-Credential=***&X-Amz-Signature=***&n=1" },
        { "/?token=a%26b&x=1", "/?token=***&x=1" },
        { "/x;jsessionid=ABC/y;v=1", "/x;jsessionid=***/y;v=1" },
        { "/#access_token=abc&x=1", "/#access_token=***&x=1" },
        { "/?next=%2Fb%3Ftoken%3Dabc%26x%3D1&y=2",
          "/?next=%2Fb%3Ftoken%3D***%26x%3D1&y=2" },
        { "/?next=%252Fb%253Fsig%253Da%2525b%2526x%253D1&y=2",
          "/?next=%252Fb%253Fsig%253D***%2526x%253D1&y=2" },
        { "/?authorization=Basic%20dTpw", "/?authorization=***" },
        { "/?sessionId=1&PHPSESSID=2&sid=3&session=4",
          "/?sessionId=***&PHPSESSID=***&sid=***&session=***" },
        { "/?%25=%&%2=%252", "/?%25=%&%2=%252" },
        { "", "" },
    };
    static const mask_case_t  forms[] = {
        { "user=a&password=b/c;d&x=1", "user=a&password=***&x=1" },
        { "client_secret=s", "client_secret=***" },
    };

    EACH(cases, 1, "pairs of a URL");
    EACH(forms, 0, "pairs of a form");
}


static void
shapes(void)
{
    static const mask_case_t  cases[] = {
        { "/a/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln/b", "/a/***/b" },
        { "/?q=eyJhbGciOiJub25lIn0%2EeyJzdWIiOiIxIn0%2E", "/?q=***" },
        { "/?q=4111111111111111&r=1", "/?q=***&r=1" },
        { "/4111-1111-1111-1111/x", "/***/x" },
        { "/?q=4111+1111+1111+1111+2027", "/?q=***+2027" },
        { "/?q=4111%201111%201111%201111", "/?q=***" },
        { "/?q=378282246310005", "/?q=***" },
        { "/?q=4222222222222", "/?q=***" },
        { "/?q=4111111111111112", "/?q=4111111111111112" },
        { "/?t=1718000000000", "/?t=1718000000000" },
        { "/?at=40.4111111111111111", "/?at=40.4111111111111111" },
        { "/?q=AKIAIOSFODNN7EXAMPLE", "/?q=***" },
        { "/x/ghp_0123456789abcdefghijABCDEFGHIJ012345",
          "/x/***" },
        { "/?q=Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1O", "/?q=***" },
        { "/?f=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852",
          "/?f=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852" },
        { "/?q=ab&q=sk-learn-documentation-of-versions", "/?q=ab&q=sk-learn-"
          "documentation-of-versions" },
    };

    EACH(cases, 1, "what looks like a secret");
}


static void
kept(void)
{
    char    out[256];
    size_t  i, n;

    static const struct {
        const char        *url;
        debar_url_kept_e   kept;
        const char        *out;
    } cases[] = {
        { "http://u:p@a.example:8080/x?y#z", DEBAR_URL_EVIDENCE,
          "http://***@a.example:8080" },
        { "http://a.example/x?y#z", DEBAR_URL_PATH, "http://a.example/x" },
        { "http://a.example/x#z", DEBAR_URL_PATH, "http://a.example/x" },
        { "http://a.example/x%3Fy", DEBAR_URL_PATH, "http://a.example/x" },
        { "http://a.example/x;sid=1/y", DEBAR_URL_PATH,
          "http://a.example/x;sid=***/y" },
        { "http://a.example/x?y", DEBAR_URL_NONE, "" },
        { "http://a.example/x?y=1", DEBAR_URL_WHOLE, "http://a.example/x?y=1" },
        { "a.example:443", DEBAR_URL_EVIDENCE, "a.example:443" },
        { "a.example:443", DEBAR_URL_PATH, "a.example:443" },
        { "a.example:443", DEBAR_URL_NONE, "" },
        { "/private/path?x", DEBAR_URL_EVIDENCE, "" },
        { "http:/private/path", DEBAR_URL_EVIDENCE, "http:" },
        { "http:\\\\a.example\\private", DEBAR_URL_EVIDENCE, "http:" },
        { "?x", DEBAR_URL_EVIDENCE, "" },
        { "", DEBAR_URL_EVIDENCE, "" },
        { "", DEBAR_URL_PATH, "" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = debar_mask_url(out, sizeof(out), cases[i].url,
                           strlen(cases[i].url), cases[i].kept);
        is_mem(out, n, cases[i].out, "as much of a URL as is kept");
    }
}


static void
bounds(void)
{
    char    text[4096], out[16];
    size_t  i, n;

    for (i = 0; i < 256; i++) {
        memset(text, (int) i, sizeof(text));
        n = debar_mask(out, sizeof(out), text, sizeof(text), i & 1);

        if (n > sizeof(out)) {
            break;
        }
    }

    is_int(i, 256, "what is written stays in its room");

    n = debar_mask(out, 0, "/?token=1", 9, 1);
    is_int(n, 0, "also where there is none");
}


/*
 * What is said to be plain is left as it is by the rules, too: a "%" at its end
 * is no encoding, but makes it not plain.
 */

static void
plain(void)
{
    char      text[64], out[64];
    size_t    i, k, n, len, plains, bad;
    uint32_t  x;

    static const char *const  words[] = {
        "code", "pan", "key", "token", "eyJ", "AKIA", "a", "Z9", "0", "4111",
        "1111", "-", ".", "_", "/", "?", "=", "&", ";", "#", " ", "+", ":", "@",
        ",", "[", "x.y", "ghp_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7b",
        "www.a-long-name-of-a-host.example", "http://",
    };

    ok(debar_mask_plain("http://www.a.example/p/q.html?id=12&q=a+b", 41),
       "an everyday URL is plain");

    x = 20171218;

    for (i = 0, bad = 0, plains = 0; i < 200000; i++) {

        for (len = 0; len < 56; len += n) {
            x = x * 1664525 + 1013904223;
            k = (x >> 8) % (sizeof(words) / sizeof(words[0]) + 1);

            if (k == sizeof(words) / sizeof(words[0])) {
                break;
            }

            n = strlen(words[k]);
            n = n < sizeof(text) - 1 - len ? n : sizeof(text) - 1 - len;
            memcpy(text + len, words[k], n);
        }

        if (!debar_mask_plain(text, len)) {
            continue;
        }

        plains++;
        text[len] = '%';

        n = debar_mask(out, sizeof(out), text, len + 1, i & 1);
        bad += n != len + 1 || memcmp(out, text, n) != 0;
    }

    is_int(bad, 0, "what is plain has nothing to mask");
    ok(plains > 20000, "and is seen often");
}


/* Looking for one ends at the first that is longer than the name. */

#define SORTED(t)  sorted(t, sizeof(t) / sizeof(t[0]), #t)

static void
sorted(const debar_secret_name_t *t, size_t n, const char *what)
{
    size_t  i;

    for (i = 1; i < n && t[i].len >= t[i - 1].len; i++) {
        /* void */
    }

    is_int(i, n, what);
}


int
main(void)
{
    SORTED(debar_secret_parts);
    SORTED(debar_secret_words);
    SORTED(debar_secret_names);
    plain();
    userinfo();
    pairs();
    shapes();
    kept();
    bounds();

    return done();
}
