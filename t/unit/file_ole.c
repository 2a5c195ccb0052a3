/*
 * Compound files that lie: chains and trees that go around, streams that share
 * their bytes or have more than the file, sectors of any size; tables of MSI that
 * refer to what is not there.
 */

#include "found.h"

#include "file_ole.h"


#define SECTOR   512
#define SECTORS  64
#define SIZE     ((SECTORS + 1) * SECTOR)
#define END      0xfffffffe
#define FREE     0xffffffff
#define STREAM   4096
#define ENTRIES  16
#define DATA     6               /* where streams begin: FAT, MiniFAT, four of
                                    the directory */

typedef struct {
    uint8_t   b[SIZE];
    unsigned  entries;
    unsigned  next;               /* sector that is free */
} ole_t;


static void
put32(uint8_t *p, uint32_t x)
{
    p[0] = x;
    p[1] = x >> 8;
    p[2] = x >> 16;
    p[3] = x >> 24;
}


static uint8_t *
sector(ole_t *o, unsigned n)
{
    return o->b + (n + 1) * SECTOR;
}


static void
fat(ole_t *o, unsigned n, uint32_t next)
{
    put32(sector(o, 0) + 4 * n, next);
}


static uint8_t *
entry(ole_t *o, unsigned n)
{
    return sector(o, 2) + 128 * n;
}


/* An entry behind the last one, its right sibling; units of name from name. */

static uint8_t *
add(ole_t *o, const char *name, unsigned type, uint32_t start, uint32_t size)
{
    size_t    i;
    uint8_t  *e = entry(o, o->entries);

    memset(e, 0, 128);

    for (i = 0; i < strlen(name); i++) {
        e[2 * i] = name[i];
    }

    e[64] = 2 * i + 2;
    e[66] = type;
    put32(e + 0x44, FREE);
    put32(e + 0x48, FREE);
    put32(e + 0x4c, FREE);
    put32(e + 0x74, start);
    put32(e + 0x78, size);

    if (o->entries == 1) {
        put32(entry(o, 0) + 0x4c, 1);

    } else if (o->entries) {
        put32(entry(o, o->entries - 1) + 0x48, o->entries);
    }

    o->entries++;

    return e;
}


/* Bytes in sectors of their own; where they begin. */

static unsigned
bytes(ole_t *o, const void *data, size_t len)
{
    unsigned  start, i, n;

    start = o->next;
    n = (len + SECTOR - 1) / SECTOR;
    memcpy(sector(o, start), data, len);

    for (i = 0; i < n; i++) {
        fat(o, start + i, i + 1 < n ? start + i + 1 : END);
    }

    o->next += n;

    return start;
}


static uint8_t *
stream(ole_t *o, const char *name, const char *head, size_t len)
{
    char  b[STREAM];

    memset(b, 'x', sizeof(b));
    memcpy(b, head, len);

    return add(o, name, DEBAR_OLE_STREAM, bytes(o, b, sizeof(b)), STREAM);
}


static void
begin(ole_t *o)
{
    unsigned  i;

    memset(o, 0, sizeof(*o));
    memset(o->b, 0xff, 2 * SECTOR);
    memcpy(o->b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    memset(o->b + 8, 0, 68);
    o->b[24] = 0x3e;
    o->b[26] = 3;
    memcpy(o->b + 28, "\xfe\xff\x09\0\x06", 5);
    put32(o->b + 44, 1);
    put32(o->b + 48, 2);
    put32(o->b + 56, 4096);
    put32(o->b + 60, 1);
    put32(o->b + 64, 1);
    put32(o->b + 68, END);
    put32(o->b + 76, 0);

    fat(o, 0, 0xfffffffd);
    fat(o, 1, END);
    memset(sector(o, 1), 0xff, SECTOR);

    for (i = 2; i < DATA; i++) {
        fat(o, i, i + 1 < DATA ? i + 1 : END);
    }

    o->next = DATA;
    (void) add(o, "Root Entry", 5, END, 0);
}


#define SEVEN  "7z\xbc\xaf\x27\x1c\0\4", 8

static void
chains(void)
{
    ole_t     o;
    size_t    i;
    found_t   f;

    memset(&f, 0, sizeof(f));

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "file  ole 7680\n  file Payload 7z 4096\n",
              "a stream that begins as an archive is a member");

    /* the archive itself is damaged */
    is_int(f.bounds & ~DEBAR_FILE_BROKEN, 0, "... and nothing is left out");

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    fat(&o, DATA + 1, DATA + 1);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z- 1024\n", "a chain that comes back to itself");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... is said");

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    fat(&o, DATA + 7, DATA + 2);
    put32(entry(&o, 1) + 0x78, 0x7fffffff);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z- ", "a ring that is longer");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... is said");

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    fat(&o, DATA - 1, 2);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z 4096\n",
              "a directory whose chain comes back");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... is said");

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    put32(entry(&o, 1) + 0x74, 0xfffffff0);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    is_str(f.text.data, "file  ole 7680\n", "a stream that begins nowhere");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... is said");

    /* a list of tables that goes on in itself: it is not needed */

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    put32(o.b + 68, 3);
    put32(o.b + 72, 0xffffffff);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z 4096\n", "a list of tables that is long");

    /* small streams */

    begin(&o);
    o.b[SIZE - 1] = 0;
    put32(entry(&o, 0) + 0x74, bytes(&o, "7z\xbc\xaf\x27\x1c\0\4", 512));
    put32(entry(&o, 0) + 0x78, 512);
    put32(sector(&o, 1), 1);
    put32(sector(&o, 1) + 4, 1);
    (void) add(&o, "Payload", DEBAR_OLE_STREAM, 0, 100);
    (void) add(&o, "Ring", DEBAR_OLE_STREAM, 0, 400);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z 100\n", "a small stream");
    found_has(&f, "  file Ring 7z- ", "a small one whose chain comes back");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... and is said");

    for (i = 0; i < 32; i++) {
        if (i != 9) {
            begin(&o);
            (void) stream(&o, "Payload", SEVEN);
            o.b[30] = i;
            found_in(&f, o.b, (o.next + 1) * SECTOR);
            ok(f.bounds & DEBAR_FILE_BROKEN, "sectors of 1 << %u bytes",
               (unsigned) i);
        }
    }

    found_free(&f);
}


static void
trees(void)
{
    ole_t     o;
    unsigned  i;
    found_t   f;

    memset(&f, 0, sizeof(f));

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    put32(entry(&o, 1) + 0x44, 1);
    put32(entry(&o, 1) + 0x48, 0);
    put32(entry(&o, 1) + 0x4c, 1);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z 4096\nend\n",
              "an entry that is its own sibling is told once");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... it is said");

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    put32(add(&o, "Folder", DEBAR_OLE_STORAGE, 0, 0) + 0x4c, 2);
    put32(entry(&o, 2) + 0x48, 1000000);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z 4096\nend\n",
              "a storage that is in itself, an entry beyond the directory");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... it is said");

    /* storages in storages, the stream in the innermost */

    begin(&o);
    (void) add(&o, "A", DEBAR_OLE_STORAGE, 0, 0);

    for (i = 2; i < 14; i++) {
        (void) add(&o, "B", DEBAR_OLE_STORAGE, 0, 0);
        put32(entry(&o, i - 1) + 0x48, FREE);
        put32(entry(&o, i - 1) + 0x4c, i);
    }

    (void) stream(&o, "Payload", SEVEN);
    put32(entry(&o, i - 1) + 0x48, FREE);
    put32(entry(&o, i - 1) + 0x4c, i);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file B/B/B/B/B/B/B/Payload 7z 4096\n",
              "a stream in many storages has the last of their names");

    /* many streams of the same bytes */

    begin(&o);
    (void) stream(&o, "Payload", SEVEN);

    for (i = 0; i < 10; i++) {
        (void) add(&o, "Payload", DEBAR_OLE_STREAM, DATA, STREAM);
    }

    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, "  file Payload 7z 4096\n", "streams that share bytes");
    ok(f.n < 8, "... are read no more often than the file has room for");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... it is said");

    begin(&o);
    memset(stream(&o, "Payload", SEVEN), 0xff, 66);
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    found_has(&f, " 7z 4096\n", "a name that is too long is cut");

    found_free(&f);
}


/* The same with larger sectors. */

static void
large_sectors(void)
{
    char      b[8 * 4096];
    ole_t     o;
    unsigned  i;
    found_t   f;

    memset(&f, 0, sizeof(f));
    begin(&o);
    memset(b, 0, sizeof(b));
    memcpy(b, o.b, SECTOR);
    b[26] = 4;
    b[30] = 12;

    /* FAT, MiniFAT, directory, the stream */

    memset(b + 4096, 0xff, 2 * 4096);
    put32((uint8_t *) b + 4096, 0xfffffffd);

    for (i = 1; i < 4; i++) {
        put32((uint8_t *) b + 4096 + 4 * i, END);
    }

    (void) add(&o, "Payload", DEBAR_OLE_STREAM, 3, 4096);
    memcpy(b + 3 * 4096, entry(&o, 0), 256);
    memcpy(b + 4 * 4096, "7z\xbc\xaf\x27\x1c\0\4", 8);

    found_in(&f, b, 5 * 4096);
    found_has(&f, "  file Payload 7z 4096\n", "sectors of 4096 bytes");

    /* sizes have 64 bits there */

    b[3 * 4096 + 128 + 0x7c] = 1;
    found_in(&f, b, 5 * 4096);
    found_has(&f, "  file Payload 7z- 4096\n", "a stream of more than 4 GiB");
    is_int(f.bounds & DEBAR_FILE_BROKEN, DEBAR_FILE_BROKEN, "... is cut off");

    found_free(&f);
}


/* A name of MSI: "!" and letters, two to a unit. */

static void
msi_name(uint8_t *e, const char *name)
{
    size_t       i, n;
    unsigned     ch;
    const char  *p, *q;

    static const char  mime[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz._";

    memset(e, 0, 64);
    e[0] = 0x40;
    e[1] = 0x48;

    for (i = 1, n = 1; name[i]; n++) {
        p = strchr(mime, name[i++]);
        q = name[i] ? strchr(mime, name[i++]) : NULL;
        ch = q ? 0x3800 + (p - mime) + ((q - mime) << 6) : 0x4800 + (p - mime);
        e[2 * n] = ch;
        e[2 * n + 1] = ch >> 8;
    }

    e[64] = 2 * n + 2;
}


static void
table(ole_t *o, const char *name, const char *data, size_t len)
{
    msi_name(add(o, "", DEBAR_OLE_STREAM, bytes(o, data, len), len), name);
}


#define TABLE(o, name, s)  table(o, name, s, sizeof(s) - 1)

static void
tables(void)
{
    ole_t    o;
    found_t  f;

    memset(&f, 0, sizeof(f));

    /* no small streams: all are read from sectors of their own */

    begin(&o);
    put32(o.b + 56, 0);
    TABLE(&o, "!_StringPool", "\xe3\4\0\0" "\14\0\1\0" "\7\0\1\0"
                              "\0\0\0\0" "\13\0\1\0" "\3\0\1\0");
    TABLE(&o, "!_StringData", "Manufacturer" "\xd0\xe0\xea\xe5\xf2\xe0!"
                              "ProductName" "Mir");
    TABLE(&o, "!Property", "\1\0\4\0\2\0\5\0");
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    is_str(f.text.data, "file  ole 5120\n"
           "field Manufacturer=\xd0\xa0\xd0\xb0\xd0\xba\xd0\xb5\xd1\x82\xd0\xb0"
           "!\nfield ProductName=Mir\n",
           "properties, in a code page, with a hole among the strings");
    is_int(f.bounds, 0, "... and nothing else");

    begin(&o);
    put32(o.b + 56, 0);
    TABLE(&o, "!_StringPool", "\xe3\4\0\x80" "\0\0\1\0" "\14\0\0\0"
                              "\7\0\1\0");
    TABLE(&o, "!_StringData", "Manufacturer" "Rakete!");
    TABLE(&o, "!Property", "\1\0\0\1\0\0" "\2\0\0\2\0\1");
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    is_str(f.text.data, "file  ole 5120\nfield Manufacturer=Rakete!\n",
           "references of three bytes, a string whose length has four; one that "
           "is not there");

    begin(&o);
    put32(o.b + 56, 0);
    TABLE(&o, "!_StringPool", "\xe3\4\0\0" "\14\0\1\0" "\xff\xff\1\0"
                              "\0\0\1\0" "\xff\xff\xff\xff" "\0\0\1\0");
    TABLE(&o, "!_StringData", "Manufacturer" "Rakete!");
    TABLE(&o, "!Property", "\1\0\1\0\1\0\2\0\3\0\4\0");
    TABLE(&o, "!_Columns", "\1\0\1\0\3\x80\3\x80\1\0\1\0\xff\xff\xff\xff");
    TABLE(&o, "!File", "\1\0\1\0");
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    is_str(f.text.data, "file  ole 6144\nfield Manufacturer=Rakete!\n",
           "strings that are longer than all of them end with them");

    begin(&o);
    put32(o.b + 56, 0);
    TABLE(&o, "!_StringPool", "\xe3");
    TABLE(&o, "!Property", "\1\0\1\0");
    found_in(&f, o.b, (o.next + 1) * SECTOR);
    is_str(f.text.data, "file  ole 4608\n", "tables without strings");

    found_free(&f);
}


static void
texts(void)
{
    char    out[64];
    size_t  n;

    n = debar_ole_utf16((uint8_t *) "a\0\xe9\0\xac\x20\x3d\xd8\x80\xde\0\xd8"
                        "b\0", 14, out, sizeof(out));
    is_mem(out, n, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80\xef\xbf\xbd" "b",
            "UTF-16, with half a pair");
    n = debar_ole_utf16((uint8_t *) "\xac\x20\xac\x20", 4, out, 5);
    is_mem(out, n, "\xe2\x82\xac", "... cut at a character");
    n = debar_ole_text(1251, "\xcc\xe8\xf0", 3, out, sizeof(out));
    is_mem(out, n, "\xd0\x9c\xd0\xb8\xd1\x80", "windows-1251");
    n = debar_ole_text(932, "\x83\x8d", 2, out, sizeof(out));
    is_mem(out, n, "\xe3\x83\xad", "windows-932");
    n = debar_ole_text(0, "caf\xe9", 4, out, sizeof(out));
    is_mem(out, n, "caf\xc3\xa9", "no code page is windows-1252");
    n = debar_ole_text(65001, "caf\xc3\xa9", 5, out, sizeof(out));
    is_mem(out, n, "caf\xc3\xa9", "UTF-8");
}


/* Cut off anywhere, and each byte of its head and directory changed. */

static void
damage(void)
{
    ole_t     o;
    char     *copy;
    size_t    i, len;
    unsigned  n;
    found_t   f;

    memset(&f, 0, sizeof(f));
    begin(&o);
    (void) stream(&o, "Payload", SEVEN);
    put32(add(&o, "Folder", DEBAR_OLE_STORAGE, 0, 0) + 0x4c, 3);
    (void) stream(&o, "More", SEVEN);
    put32(entry(&o, 2) + 0x48, FREE);
    len = (o.next + 1) * SECTOR;

    for (i = 0, n = 0; i < len; i += i < 600 ? 1 : 37) {
        copy = malloc(i + 1);
        memcpy(copy, o.b, i);
        found_in(&f, copy, i);
        n += strncmp(f.text.data, "file  ", 6) != 0;
        free(copy);
    }

    is_int(n, 0, "cut off anywhere, it is told as a file");

    for (i = 8, n = 0; i < 7 * SECTOR; i++) {
        o.b[i] ^= 0xff;
        found_in(&f, o.b, len);
        n += strncmp(f.text.data, "file  ole", 9) != 0
             && strncmp(f.text.data, "file  office", 12) != 0;
        o.b[i] ^= 0xff;
    }

    is_int(n, 0, "any byte changed, it is told as what it is");
    found_free(&f);
}


int
main(void)
{
    chains();
    trees();
    large_sectors();
    tables();
    texts();
    damage();

    return done();
}
