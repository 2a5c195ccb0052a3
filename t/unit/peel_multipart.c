/*
 * Multipart and MIME: parts, their names and encodings, where boundaries are;
 * parameters of field values; S/MIME.
 */

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/x509.h>

#include "peel_node.h"
#include "peel_told.h"

#define FORM   "multipart/form-data; boundary=xX"
#define MIXED  "multipart/mixed; boundary=\"a b\""
#define DISP   "Content-Disposition: form-data; name="


static void
parameters(void)
{
    int          n;
    char         out[128];
    size_t       i;
    debar_str_t  field;

    static const struct {
        const char  *field;
        const char  *name;
        const char  *want;
    } cases[] = {
        { "multipart/mixed; boundary=abc", "boundary", "abc" },
        { "multipart/mixed;boundary=\"a; b=c\" ; x=y", "boundary", "a; b=c" },
        { "multipart/mixed; Boundary = abc ", "boundary", "abc" },
        { "multipart/mixed; xboundary=abc", "boundary", NULL },
        { "boundary=abc", "boundary", NULL },
        { "a/b; boundary=one; boundary=two", "boundary", "one" },
        { "a/b; boundary*0=\"ab\"; boundary*1=cd", "boundary", "abcd" },
        { "a/b; n*1*=%20b; n*0*=iso-8859-1''%E9; n*2=c", "n",
          "\xC3\xA9 bc" },
        { "x; filename*=UTF-8''%e2%82%ac%20r", "filename*",
          "\xE2\x82\xAC r" },
        { "x; filename*=windows-1251''%CA%E0%F1", "filename*",
          "\xD0\x9A\xD0\xB0\xD1\x81" },
        { "x; filename=\"C:\\dir\\a \\\"b\\\".exe\"", "filename",
          "C:\\dir\\a \"b\".exe" },
        { "x; name=\"a\\b\"", "name", "ab" },
        { "x; name=\"open; y=z", "name", "open; y=z" },
        { "x; name", "name", "" },
        { "x;;; name=a", "name", "a" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        field = debar_str(cases[i].field, strlen(cases[i].field));
        n = debar_field_parameter(field, cases[i].name, out, sizeof(out) - 1);
        out[n > 0 ? n : 0] = '\0';
        is_str(n < 0 ? NULL : out, cases[i].want, cases[i].field);
    }

    field = debar_str("x; name=abcdef", 14);
    ok(debar_field_parameter(field, "name", out, 3) == 3
       && memcmp(out, "abc", 3) == 0, "no more than there is room for");

    field = debar_str("=?utf-8?B?S2Fz?= =?UTF-8?q?p=65r_?= x =?y", 43);
    n = debar_field_words(field, out, sizeof(out) - 1);
    out[n] = '\0';
    is_str(out, "Kasper  x =?y", "encoded words");
}


static void
forms(void)
{
    peeled(FORM, "--xX\r\n" DISP "\"a\"\r\n\r\n1\r\n2\r\n"
           "--xX\r\n" DISP "b\r\nContent-Type: text/plain\r\n\r\n"
           "\r\n--xX--\r\n", "<multipart>{a=1\r\n2;b=;}", 0, "fields of a form");
    peeled(FORM, "--xX\n" DISP "\"a\"\n\n1\n--xX  \n" DISP "b\n\n2\n--xX--",
           "<multipart>{a=1;b=2;}", 0, "bare LF, blanks after a boundary");
    peeled(FORM, "--xX\r\n" DISP "\"a\"\r\n\r\n--xXy\r\n-\r\n--\r\n--xX-\r\nz"
           "\r\n--xX--", "<multipart>{a=--xXy\r\n-\r\n--\r\n--xX-\r\nz;}", 0,
           "lines that only begin as a boundary");
    peeled(FORM, "--xX\r\n" DISP "\"j\"\r\n\r\n{\"a\":1}\r\n--xX--",
           "<multipart>{j={\"a\":1};j<json>{{a=1;}}}", 0,
           "a field is looked into");
    peeled(FORM, "--xX\r\n" DISP "\"f\"; filename=\"o.xml\"\r\n"
           "Content-Type: text/xml\r\n\r\n<o>t</o>\r\n--xX--",
           "<multipart>{f{@filename=o.xml;<xml>{o{=t;}}}}", 0, "a file");
    peeled(FORM, "--xX\r\ncontent-disposition : form-data;\r\n name=\"f\";\r\n"
           "\tfilename=\"=?utf-8?Q?r=6Fcket?=\"; filename*=utf-8''s%6Bates\r\n"
           "\r\nx\r\n--xX--",
           "<multipart>{f{@filename=rocket;@filename=skates;<text>{=x;}}}", 0,
           "folded fields, names of every kind");
    peeled(FORM, "--xX\r\n" DISP "\"a\"\r\n"
           "Content-Transfer-Encoding: base64\r\n\r\nUm9ja2V0IFNr\r\nYXRlcw=="
           "\r\n--xX--",
           "<multipart>{a{base64{<text>{=Rocket Skates;}}}}", 0, "base64");
    peeled(FORM, "--xX\r\n" DISP "\"a\"\r\n"
           "Content-Transfer-Encoding: quoted-printable\r\n\r\nRock=\r\net=20S"
           "\r\n--xX--", "<multipart>{a{quoted-printable{<text>{=Rocket S;}}}}",
           0, "quoted-printable");
    peeled(FORM, "--xX\r\n" DISP "\"a\"\r\n"
           "Content-Type: text/plain; charset=windows-1251\r\n\r\n\xCA\xE0\xF1"
           "\r\n--xX--",
           "<multipart>{a{charset{<text>{=\xD0\x9A\xD0\xB0\xD1\x81;}}}}", 0,
           "a charset of its own");
    peeled(FORM, "--xX\r\n" DISP "\"a\"\r\n--xX\r\n" DISP "\"b\"\r\n\r\n--xX--",
           "<multipart>{a=;b=;}", 0, "parts without a body");

    told(FORM, "--xX\r\n" DISP "\"a\"\r\n\r\nRocket\r\n", DEBAR_PEEL_BROKEN,
         "no last boundary", "a=Rocket\r\n;");
    told(FORM, "Rocket skates", DEBAR_PEEL_BROKEN, "no boundary at all",
         "Rocket skates");
    told(FORM, "--xX\r\n" DISP "\"a\"\r\nRocket skates\r\n--xX--", 0,
         "a head without its empty line", "a=Rocket skates;");
    told("", "--q1\r\n" DISP "\"a\"\r\n\r\nRocket\r\n--q1--\r\n", 0,
         "no label: the boundary is what it begins with", "a=Rocket;");
    told("multipart/form-data", "--q1\r\n" DISP "\"a\"\r\n\r\nRocket\r\n--q1--",
         0, "a label without a boundary", "a=Rocket;");
    told(FORM, "--q1\r\n" DISP "\"a\"\r\n\r\nRocket\r\n--q1--", 
         DEBAR_PEEL_BROKEN, "a label with another boundary", "a=Rocket;");
}


static void
mixed(void)
{
    peeled(MIXED, "intro\r\n--a b\r\n\r\none\r\n--a b--\r\nafter\r\n",
           "<multipart>{<text>{=intro;}{<text>{=one;}}<text>{=after;}}", 0,
           "preamble and epilogue are looked at");
    peeled(MIXED, "--a b\r\nContent-Type: multipart/mixed; boundary=\"a\"\r\n\r\n"
           "--a\r\n\r\none\r\n--a\r\nContent-Type: application/json\r\n\r\n[1]"
           "\r\n--a--\r\n--a b--",
           "<multipart>{{<multipart>{{<text>{=one;}}{<json>{{=1;}}}}}}", 0,
           "parts in parts");
    peeled("multipart/signed; protocol=\"application/pkcs7-signature\"; "
           "boundary=s", "--s\r\nContent-Type: application/json\r\n\r\n[1]\r\n"
           "--s\r\nContent-Type: application/pkcs7-signature; name=smime.p7s"
           "\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIG\r\n--s--",
           "<multipart>{{<json>{{=1;}}}}", 0, "a signature is passed over");
    peeled("message/rfc822", "Subject: x\r\nContent-Type: application/json\r\n"
           "\r\n[1]", "<multipart>{<json>{{=1;}}}", 0, "an entity");
}


static X509 *
certificate(EVP_PKEY *key)
{
    X509       *x;
    X509_NAME  *name;

    x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *) "a", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_sign(x, key, EVP_sha256());

    return x;
}


static void
smime(void)
{
    BIO              *in;
    X509             *x;
    EVP_PKEY         *key;
    unsigned char    *der;
    CMS_ContentInfo  *cms;
    STACK_OF(X509)   *to;
    int               len;

    static const char  entity[] = "Content-Type: application/json\r\n\r\n"
                                  "[\"Rocket\"]";

    key = EVP_EC_gen("P-256");
    x = certificate(key);

    in = BIO_new_mem_buf(entity, -1);
    cms = CMS_sign(x, key, NULL, in, CMS_BINARY);
    der = NULL;
    len = i2d_CMS_ContentInfo(cms, &der);
    peeled_is("application/pkcs7-mime; smime-type=signed-data",
              (const char *) der, len,
              "<multipart>{<multipart>{<json>{{=Rocket;}}}}", 0,
              "what was signed is read");
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);

    in = BIO_new_mem_buf(entity, -1);
    to = sk_X509_new_null();
    sk_X509_push(to, x);
    cms = CMS_encrypt(to, in, EVP_aes_128_cbc(), CMS_BINARY);
    der = NULL;
    len = i2d_CMS_ContentInfo(cms, &der);
    peeled_is("application/pkcs7-mime; smime-type=enveloped-data",
              (const char *) der, len, "<multipart>{}", DEBAR_PEEL_SEALED,
              "what is encrypted is said to be");
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);

    sk_X509_free(to);
    X509_free(x);
    EVP_PKEY_free(key);

    told("application/pkcs7-mime", "Rocket skates", DEBAR_PEEL_BROKEN,
         "what is no S/MIME is text", "Rocket skates");
}


int
main(void)
{
    double    t;
    unsigned  bounds;

    parameters();
    forms();
    mixed();
    smime();

    t = peeled_long(FORM, "", "--xX\r\n\r\n", 1 << 20, 1400, &bounds);
    ok(t < 10, "a million of empty parts: %.2f s, bounds %x", t, bounds);

    t = peeled_long(FORM, "--xX\r\n", "a: b\r\n", 2 << 20, 1400, &bounds);
    ok((bounds & DEBAR_PEEL_HELD) && t < 10, "a head of 12 MiB: %.2f s", t);

    t = peeled_long(FORM, "--xX\r\n\r\n", "\r\n--xX-\r\n--x", 1 << 20, 1400,
                    &bounds);
    ok(t < 10, "what is nearly a boundary: %.2f s", t);

    t = peeled_long("multipart/mixed; boundary=a", "",
                    "--a\r\nContent-Type: application/json\r\n\r\n"
                    "{\"sku\":\"AR-10\"}\r\n", 300, 1400, &bounds);
    ok(bounds == DEBAR_PEEL_BROKEN, "300 parts that are documents: read, but "
       "for the end: bounds %x", bounds);

    t = peeled_long("multipart/mixed; boundary=a", "--a\r\n",
                    "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n",
                    1 << 17, 1400, &bounds);
    ok(t < 10, "multipart in multipart: %.2f s, bounds %x", t, bounds);

    return done();
}
