/*
 * Hostile packages, programs and disk images of Apple's, and extensions of
 * Chrome's: what cannot be is said, what can be read is.
 */

#include <zlib.h>

#include "found.h"


#define BYTES  65536

typedef struct {
    uint8_t  b[BYTES];
    size_t   len;
} bytes_t;


static void
put32(bytes_t *b, uint32_t n)
{
    b->b[b->len++] = n >> 24;
    b->b[b->len++] = n >> 16;
    b->b[b->len++] = n >> 8;
    b->b[b->len++] = n;
}


static void
le32(bytes_t *b, uint32_t n)
{
    put32(b, __builtin_bswap32(n));
}


static void
put(bytes_t *b, const void *p, size_t n)
{
    memcpy(b->b + b->len, p, n);
    b->len += n;
}


static const char *
in(found_t *f, bytes_t *b)
{
    return found_in(f, b->b, b->len);
}


/* --- xar ----------------------------------------------------------------- */

static void
xar(bytes_t *b, const char *toc)
{
    uLongf  n;

    b->len = 0;
    n = sizeof(b->b) - 28;
    compress(b->b + 28, &n, (const uint8_t *) toc, strlen(toc));
    put(b, "xar!\0\x1c\0\1", 8);
    put32(b, 0);
    put32(b, n);
    put32(b, 0);
    put32(b, strlen(toc));
    put32(b, 1);
    b->len += n;
}


static void
packages(void)
{
    size_t    n;
    char     *many;
    found_t   f;
    bytes_t   b;

    memset(&f, 0, sizeof(f));

    b.len = 0;
    put(&b, "xar!\0\x1c\0\1", 8);
    is_str(in(&f, &b), "file  xar 8\n", "a header that is cut off");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... is said");

    xar(&b, "<xar><toc/></xar>");
    memset(b.b + 8, 0xff, 8);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_BROKEN, "contents as large as can be said");

    xar(&b, "<xar><toc/></xar>");
    is_str(in(&f, &b), b.len == 43 ? "file  xar 43\n" : f.text.data,
           "contents that are empty");
    is_int(f.bounds, 0, "... are read");

    xar(&b, "<xar><toc><file><data><offset>18446744073709551615</offset>"
            "<length>18446744073709551615</length></data><name>a</name>"
            "</file><file><data><offset>0</offset><length>4</length></data>"
            "<name>b</name></file></toc></xar>");
    put(&b, "PK\5\6", 4);
    in(&f, &b);
    found_has(&f, "  file a text 0\n  file b zip 4\n",
              "a file that lies nowhere, and one that is there");
    ok(f.bounds & DEBAR_FILE_BROKEN, "... which is said");

    xar(&b, "<xar><toc><file><file><data><length>2</length>"
            "</data><name>b</name></file><name>a</name></file></toc></xar>");
    put(&b, "hi", 2);
    in(&f, &b);
    found_has(&f, "  file a/b text 2\n",
              "a folder's name that stands behind what is in it");

    xar(&b, "<xar><toc><file><data><encoding style='application/x-gzip'/>"
            "<length>4</length></data><name>a</name></file></toc></xar>");
    put(&b, "\x78\x9c\xff\xff", 4);
    in(&f, &b);
    found_has(&f, "  file a unknown- 0\n", "a file that does not unpack");
    ok(f.bounds & DEBAR_FILE_BROKEN, "... which is said");

    xar(&b, "<xar><toc><signature style='RSA'><offset>0</offset>"
            "<size>99999999</size><KeyInfo><X509Data><X509Certificate>"
            "AAAA</X509Certificate></X509Data></KeyInfo></signature>"
            "</toc></xar>");
    in(&f, &b);
    ok(f.bounds & DEBAR_FILE_BROKEN, "a signature of nothing by nobody");

    /* more than the bounds allow */

    many = malloc(4 << 20);
    n = sprintf(many, "<xar><toc>");

    while (n < 2 << 20) {
        n += sprintf(many + n, "<file><name>x</name></file>");
    }

    sprintf(many + n, "</toc></xar>");
    xar(&b, many);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_MEMBERS, "more files than are taken");

    n = sprintf(many, "<xar><toc>");

    while (n < 1000000) {
        n += sprintf(many + n, "<x>");
    }

    xar(&b, many);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_DEPTH, "elements in elements");

    n = sprintf(many, "<xar><toc><file><name>");
    memset(many + n, 'n', 100000);
    sprintf(many + n + 100000, "</name></file></toc></xar>");
    xar(&b, many);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_HELD, "a name of 100,000 letters");

    free(many);
    found_free(&f);
}


/* --- Mach-O -------------------------------------------------------------- */

/* A thin program with room for commands. */

static void
macho(bytes_t *b, unsigned n, unsigned size)
{
    b->len = 0;
    put(b, "\xcf\xfa\xed\xfe\7\0\0\1\3\0\0\0\2\0\0\0", 16);
    le32(b, n);
    le32(b, size);
    le32(b, 0);
    le32(b, 0);
}


static void
programs(void)
{
    unsigned  i, j;
    found_t   f;
    bytes_t   b;

    memset(&f, 0, sizeof(f));

    macho(&b, 0xffffffff, 0xffffffff);
    put(&b, "\x1d\0\0\0\0\0\0\0", 8);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_BROKEN, "more commands than there are bytes");

    macho(&b, 1, 16);
    put(&b, "\x1d\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    is_str(in(&f, &b), "file  macho 48\n", "a signature that lies nowhere");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... is said");

    macho(&b, 1, 72);
    put(&b, "\x19\0\0\0\x48\0\0\0", 8);
    memset(b.b + b.len, 0xff, 64);
    b.len += 64;
    in(&f, &b);
    is_str(f.text.data, "file  macho 104\n", "a segment of the largest numbers");

    macho(&b, 1, 32);
    put(&b, "\x0d\0\0\0\x20\0\0\0\x18\0\0\0", 12);
    put(&b, "\0\0\0\0\0\0\0\0\0\0\0\0abcdefgh", 20);
    in(&f, &b);
    found_has(&f, "field InstallName=abcdefgh\n", "a name without its end");

    /* a SuperBlob whose blobs lie on each other, and outside */

    macho(&b, 1, 16);
    put(&b, "\x1d\0\0\0\x10\0\0\0\x30\0\0\0\xa0\0\0\0", 16);
    put32(&b, 0xfade0cc0);
    put32(&b, 160);
    put32(&b, 0xffffffff);

    for (i = 0; i < 18; i++) {
        put32(&b, i & 1 ? 0x10000 : 0);
        put32(&b, i < 9 ? i * 8 : 0xfffffff0 + i);
    }

    put32(&b, 0);
    in(&f, &b);
    found_has(&f, "file  macho 208\n", "blobs that lie on each other");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... and outside");

    /* a message that nothing is signed by: there is no CodeDirectory */

    macho(&b, 1, 16);
    put(&b, "\x1d\0\0\0\x10\0\0\0\x30\0\0\0\x40\0\0\0", 16);
    put32(&b, 0xfade0cc0);
    put32(&b, 64);
    put32(&b, 1);
    put32(&b, 0x10000);
    put32(&b, 20);
    put32(&b, 0xfade0b01);
    put32(&b, 44);
    memset(b.b + b.len, 0x30, 36);
    b.len += 36;
    in(&f, &b);
    is_str(f.text.data, "file  macho 112\n", "a message and no CodeDirectory");
    ok(f.bounds & DEBAR_FILE_BROKEN, "... is said");

    /* slices that are all of the file */

    b.len = 0;
    put32(&b, 0xcafebabe);
    put32(&b, 30);

    for (i = 0; i < 30; i++) {
        put32(&b, 7);
        put32(&b, 3);
        put32(&b, i == 29 ? 0xfffffff0 : 608);
        put32(&b, 0xffffffff);
        put32(&b, 12);
    }

    j = b.len;
    macho(&b, 0, 0);
    memmove(b.b + j, b.b, 32);
    b.len = j + 32;
    memset(b.b, 0, 8);
    b.b[0] = 0xca;
    b.b[1] = 0xfe;
    b.b[2] = 0xba;
    b.b[3] = 0xbe;
    b.b[7] = 30;
    in(&f, &b);
    ok(strncmp(f.text.data, "file  macho", 11) == 0,
       "slices that lie on each other");
    ok(f.bounds & DEBAR_FILE_BROKEN, "... and outside");

    found_free(&f);
}


/* The same with pages: digests of them are made no more often than is said. */

static void
pages(void)
{
    unsigned  i;
    found_t   f;
    bytes_t   b;

    memset(&f, 0, sizeof(f));
    macho(&b, 1, 16);
    put(&b, "\x1d\0\0\0\x10\0\0\0\0\4\0\0\0\1\0\0", 16);
    memset(b.b + b.len, 0, 1024 - b.len);
    b.len = 1024;

    put32(&b, 0xfade0cc0);
    put32(&b, 256);
    put32(&b, 2);
    put32(&b, 0);
    put32(&b, 28);
    put32(&b, 0x10000);
    put32(&b, 100);

    /* CodeDirectory: 4 Gi pages of one byte, its texts outside */

    put32(&b, 0xfade0c02);
    put32(&b, 72);
    put32(&b, 0x20400);
    put32(&b, 0);

    for (i = 0; i < 5; i++) {
        put32(&b, 0xffffffff);
    }

    put(&b, "\x20\2\0\0", 4);

    for (i = 0; i < 8; i++) {
        put32(&b, 0xffffffff);
    }

    put32(&b, 0xfade0b01);
    put32(&b, 0xffffffff);
    memset(b.b + b.len, 0x30, 256);
    b.len = 1280;
    in(&f, &b);
    is_str(f.text.data, "file  macho 1280\n", "pages without number");
    ok(f.bounds & DEBAR_FILE_BROKEN, "... and a message that is none");

    found_free(&f);
}


/* --- CRX ----------------------------------------------------------------- */

static void
extensions(void)
{
    unsigned  i;
    found_t   f;
    bytes_t   b;

    memset(&f, 0, sizeof(f));

    b.len = 0;
    put(&b, "Cr24\3\0\0\0\xff\xff\xff\xff\0\0\0\0", 16);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_BROKEN, "a header longer than the file");

    b.len = 0;
    put(&b, "Cr24\2\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_BROKEN, "a key longer than the file");

    b.len = 0;
    put(&b, "Cr24\x63\0\0\0\0\0\0\0PK\5\6", 16);
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_UNREAD, "a version that is not known");

    b.len = 0;
    put(&b, "Cr24\3\0\0\0\x0b\0\0\0", 12);
    put(&b, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11);
    in(&f, &b);
    is_str(f.text.data,
           "file  crx 23\n  file extension.zip text 0\nend\n",
           "a number that does not end");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... is said");

    /* more proofs than are taken, all empty */

    b.len = 0;
    put(&b, "Cr24\3\0\0\0\x14\0\0\0", 12);

    for (i = 0; i < 10; i++) {
        put(&b, "\x12\0", 2);
    }

    in(&f, &b);
    ok(f.bounds & DEBAR_FILE_MEMBERS, "more proofs than are taken");
    found_has(&f, "signer crx O= CN= issuer= broken\n",
              "proofs that are empty");

    b.len = 0;
    put(&b, "Cr24\3\0\0\0\x16\0\0\0", 12);
    put(&b, "\x82\xf1\x04\x12\x0a\x10" "0123456789abcdef", 22);
    in(&f, &b);
    found_has(&f, "package chrome:dadbdcdddedfdgdhdidjgbgcgdgegfgg\n",
              "an identifier without a key");

    found_free(&f);
}


static void
images(void)
{
    found_t  f;
    bytes_t  b;

    memset(&f, 0, sizeof(f));
    b.len = 512;
    memset(b.b, 0xff, 512);
    memcpy(b.b, "koly", 4);
    is_str(in(&f, &b), "file  dmg 512\n",
           "a trailer alone, of the largest numbers");
    ok(f.bounds & DEBAR_FILE_BROKEN, "... is said");

    b.len = 0;
    put(&b, "encrcdsa\0\0\0\2", 12);
    is_str(in(&f, &b), "file  dmg 12\n", "an encrypted image");
    ok(f.bounds != 0, "... is said");
    memset(b.b + 12, 0, 2000);
    b.len = 2000;
    in(&f, &b);
    is_int(f.bounds, DEBAR_FILE_SEALED, "... as what it is");

    /* HFS+ with a catalogue of the largest numbers */

    memset(b.b, 0xff, 4096);
    memcpy(b.b + 1024, "H+\0\4", 4);
    b.len = 4096;
    is_str(in(&f, &b), "file  dmg 4096\n", "a volume that cannot be");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... is said");
    memcpy(b.b + 1064, "\0\0\2\0", 4);
    memset(b.b + 1024 + 272, 0, 80);
    memcpy(b.b + 1024 + 278, "\x10\0", 2);
    memcpy(b.b + 1024 + 288, "\0\0\0\4\0\0\0\4", 8);
    memset(b.b + 2048, 0xff, 2048);
    memcpy(b.b + 2048 + 32, "\2\0", 2);
    is_str(in(&f, &b), "file  dmg 4096\n", "a catalogue of nothing but ones");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... is said, too");

    found_free(&f);
}


int
main(void)
{
    packages();
    programs();
    pages();
    extensions();
    images();

    return done();
}
