/*
 * What files are by their bytes, and how the driver of the readers treats them.
 */

#include "found.h"


typedef struct {
    const char  *bytes;
    size_t       len;
    unsigned     type;
    const char  *claim;
} type_case_t;

#define T(s, type, claim)  { s, sizeof(s) - 1, type, claim }


static const type_case_t  types[] = {
    T("", DEBAR_FILE_TEXT, "an empty file is text"),
    T("hello\r\n", DEBAR_FILE_TEXT, "text"),
    T("caf\xe9\n", DEBAR_FILE_TEXT, "text in another charset"),
    T("\xff\xfeh\0i\0", DEBAR_FILE_TEXT, "text in UTF-16"),
    T("a\0b", DEBAR_FILE_UNKNOWN, "a NUL is not of text"),
    T("#!/bin/sh\n", DEBAR_FILE_SCRIPT, "a script"),
    T("<!DOCTYPE html><p>", DEBAR_FILE_HTML, "HTML by its declaration"),
    T("  <HTML><head>", DEBAR_FILE_HTML, "HTML by its element"),
    T("<!-- a --><html>", DEBAR_FILE_HTML, "HTML behind a comment"),
    T("<?xml version='1.0'?><r/>", DEBAR_FILE_XML, "XML"),
    T("\xef\xbb\xbf<package xmlns='x'>", DEBAR_FILE_XML, "XML behind a mark"),
    T("\xff\xfe<\0r\0/\0>\0", DEBAR_FILE_XML, "XML in UTF-16"),
    T("{\n \"a\": 1}", DEBAR_FILE_JSON, "JSON"),
    T("[1, 2]", DEBAR_FILE_JSON, "JSON, an array"),
    T("{rtf no, a brace", DEBAR_FILE_TEXT, "a brace alone is no JSON"),
    T("1 < 2", DEBAR_FILE_TEXT, "a sign alone is no XML"),
    T("MZ is a prefix", DEBAR_FILE_TEXT, "text may begin with MZ"),
    T("MZ\x90\0\3\0", DEBAR_FILE_DOS, "a program of DOS"),
    T("\x7f" "ELF\2\1\1", DEBAR_FILE_ELF, "ELF"),
    T("\xcf\xfa\xed\xfe\7\0\0\1", DEBAR_FILE_MACHO, "Mach-O"),
    T("\xca\xfe\xba\xbe\0\0\0\2", DEBAR_FILE_MACHO, "Mach-O, universal"),
    T("\xca\xfe\xba\xbe\0\0\0\x34", DEBAR_FILE_CLASS, "a class of Java"),
    T("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DEBAR_FILE_OLE, "a compound file"),
    T("MSCF\0\0\0\0", DEBAR_FILE_CAB, "a cabinet"),
    T("xar!\0\x1c\0\1", DEBAR_FILE_XAR, "a package of Apple's"),
    T("PK\3\4\x14\0", DEBAR_FILE_ZIP, "a ZIP"),
    T("PK\5\6\0\0", DEBAR_FILE_ZIP, "an empty ZIP"),
    T("Cr24\3\0\0\0", DEBAR_FILE_CRX, "an extension of Chrome's"),
    T("!<arch>\ndebian-binary   ", DEBAR_FILE_DEB, "a package of Debian's"),
    T("!<arch>\nx.o/  ", DEBAR_FILE_AR, "an archive of ar"),
    T("\xed\xab\xee\xdb\3\0", DEBAR_FILE_RPM, "a package of RPM"),
    T("\x1f\x8b\10\0", DEBAR_FILE_GZIP, "gzip"),
    T("BZh91AY&SY", DEBAR_FILE_BZIP2, "bzip2"),
    T("BZh9 is a name", DEBAR_FILE_TEXT, "not all that begins so is bzip2"),
    T("\xfd" "7zXZ\0\0\4", DEBAR_FILE_XZ, "xz"),
    T("\x28\xb5\x2f\xfd\4", DEBAR_FILE_ZSTD, "zstd"),
    T("\x50\x2a\x4d\x18\4\0\0\0", DEBAR_FILE_ZSTD, "zstd behind a frame"),
    T("]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff", DEBAR_FILE_LZMA, "LZMA"),
    T("7z\xbc\xaf\x27\x1c\0\4", DEBAR_FILE_7Z, "7z"),
    T("Rar!\x1a\7\1\0", DEBAR_FILE_RAR, "RAR"),
    T("070701000", DEBAR_FILE_CPIO, "cpio"),
    T("xx-lh5-", DEBAR_FILE_LHA, "lha"),
    T("dex\n035\0", DEBAR_FILE_DEX, "DEX"),
    T("\0asm\1\0\0\0", DEBAR_FILE_WASM, "WebAssembly"),
    T("junk\n%PDF-1.7", DEBAR_FILE_PDF, "PDF behind other bytes"),
    T("{\\rtf1 x", DEBAR_FILE_RTF, "RTF"),
    T("\x89PNG\r\n\x1a\n", DEBAR_FILE_IMAGE, "PNG"),
    T("RIFF\1\2\3\4WEBPVP8 ", DEBAR_FILE_IMAGE, "WebP"),
    T("RIFF\1\2\3\4WAVEfmt ", DEBAR_FILE_AUDIO, "WAVE"),
    T("ID3 is a label", DEBAR_FILE_TEXT, "text may begin with ID3"),
    T("\0\0\0\x18" "ftypmp42", DEBAR_FILE_VIDEO, "MP4"),
    T("\0\0\0\x18" "ftypavif", DEBAR_FILE_IMAGE, "AVIF"),
    T("-----BEGIN CERTIFICATE-----", DEBAR_FILE_CERTIFICATE, "PEM"),
    T("\x30\x82\3\4\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82\2\0"
      "\x30\x82\1\0\0", DEBAR_FILE_CERTIFICATE, "PKCS #7"),
    T("\1\2\3\4\5\6", DEBAR_FILE_UNKNOWN, "bytes of no kind")
};


static void
offsets(void)
{
    char      b[40000];
    size_t    i;
    unsigned  sum;
    found_t   f;

    memset(&f, 0, sizeof(f));

    memset(b, 0, sizeof(b));
    memcpy(b, "MZ", 2);
    b[60] = (char) 0x80;
    memcpy(b + 0x80, "PE\0\0", 4);
    is_int(debar_file_type(b, 512, 0), DEBAR_FILE_PE, "a program of Windows");
    memcpy(b + 0x80, "NE\0\0", 4);
    is_int(debar_file_type(b, 512, 0), DEBAR_FILE_DOS,
           "an older program is none");
    b[61] = 8;
    is_int(debar_file_type(b, 512, 0), DEBAR_FILE_PE,
           "a header that lies beyond the head may be one");

    memset(b, 0, sizeof(b));
    memcpy(b, "setup.exe", 9);
    memcpy(b + 257, "ustar\00000", 8);
    is_int(debar_file_type(b, 512, 0), DEBAR_FILE_TAR, "tar");
    memset(b + 257, 0, 8);
    memcpy(b + 100, "0000644", 7);
    memset(b + 148, ' ', 8);

    for (i = 0, sum = 0; i < 512; i++) {
        sum += (unsigned char) b[i];
    }

    snprintf(b + 148, 8, "%06o", sum);
    is_int(debar_file_type(b, 512, 0), DEBAR_FILE_TAR, "tar before ustar");
    b[0]++;
    is_int(debar_file_type(b, 512, 0), DEBAR_FILE_UNKNOWN,
           "not where the sum is wrong");

    memset(b, 0, sizeof(b));
    memcpy(b + sizeof(b) - 512, "koly\0\0\0\4", 8);
    found_in(&f, b, sizeof(b));
    is_str(f.text.data, "file  dmg 40000\n", "a disk image by its trailer");

    memset(b, 0, sizeof(b));
    memcpy(b + 0x8000, "\1CD001\1", 7);
    found_in(&f, b, sizeof(b));
    ok(strncmp(f.text.data, "file  iso 40000\n", 16) == 0,
       "an ISO image by its descriptor");

    memcpy(b, "#!/bin/sh\n", 10);
    found_in(&f, b, sizeof(b));
    ok(strncmp(f.text.data, "file  script 40000\n", 19) == 0,
       "a program stays one, whatever is put behind it");

    found_free(&f);
}


/* A source may give less than it is asked for. */

static long
one_byte(void *data, uint64_t off, void *buf, size_t n)
{
    debar_str_t  *s = data;

    if (off >= s->len || n == 0) {
        return 0;
    }

    memcpy(buf, s->data + off, 1);

    return 1;
}


static long
no_byte(void *data, uint64_t off, void *buf, size_t n)
{
    return -1;
}


static void
sources(void)
{
    char                 b[600];
    found_t              f;
    debar_str_t          s;
    debar_file_source_t  src;

    memset(&f, 0, sizeof(f));
    memset(b, ' ', sizeof(b));
    memcpy(b, "\xff\xff\xff\xff\xff" "070707", 11);
    memcpy(b + 257, "ustar", 5);
    s = debar_str(b, sizeof(b));
    src.size = s.len;
    src.data = &s;
    src.read = one_byte;
    is_int(debar_file_read(&src, NULL, NULL, NULL, found_sink, &f),
           DEBAR_FILE_BROKEN,
           "a source that gives one byte at a time, of a tar that is none");
    debar_buf_add(&f.text, "", 1);
    is_str(f.text.data, "file  tar 600\n", "... is read as a whole");

    f.text.len = 0;
    src.read = no_byte;
    is_int(debar_file_read(&src, NULL, NULL, NULL, found_sink, &f),
           DEBAR_FILE_BROKEN, "a source that fails");
    debar_buf_add(&f.text, "", 1);
    is_str(f.text.data, "file  unknown- 600\n", "... is told, without digest");

    found_free(&f);
}


static void
names(void)
{
    is_str(debar_file_type_name(DEBAR_FILE_DISK), "disk",
           "the last type has its name");
    is_str(debar_file_type_name(1000), "unknown", "a number of none");
    is_int(debar_file_class(DEBAR_FILE_PE), DEBAR_CLASS_PROGRAM,
           "a PE is a program");
    is_int(debar_file_class(DEBAR_FILE_APK), DEBAR_CLASS_PACKAGE,
           "an APK is a package");
    is_str(debar_file_class_name(DEBAR_CLASS_MEDIA), "media", "a class");
    is_str(debar_signed_name(DEBAR_SIGNED_APPENDED), "appended", "a state");
    is_str(debar_file_bound_name(DEBAR_FILE_SEALED | DEBAR_FILE_CODED),
           "sealed", "the lowest bound");
    is_str(debar_file_bound_name(0), "none", "no bound");
}


/* The smallest program: headers of 328 bytes, no sections, and an overlay. */

#define PE  328

static size_t
program(char *out, const char *overlay, size_t len)
{
    memset(out, 0, PE);
    memcpy(out, "MZ", 2);
    out[60] = 64;
    memcpy(out + 64, "PE\0\0", 4);
    out[64 + 20] = (char) 240;
    memcpy(out + 88, "\x0b\x02", 2);
    out[88 + 108] = 16;
    memmove(out + PE, overlay, len);

    return PE + len;
}


static void
nesting(void)
{
    char      b[16 * PE], inner[16 * PE];
    size_t    i, len;
    found_t   f;

    memset(&f, 0, sizeof(f));

    for (i = 0, len = 0; i < 9; i++) {
        memcpy(inner, b, len);
        len = program(b, inner, len);
    }

    f.limits.depth = 2;
    found_in(&f, b, len);
    is_str(f.text.data,
           "file  pe 2952\n"
           "  file overlay pe 2624\n"
           "    file overlay pe 2296\n"
           "  end\n"
           "end\n", "programs in programs, as deep as they may be");
    is_int(f.bounds, DEBAR_FILE_DEPTH, "... and that is said");

    f.limits.depth = 0;
    found_in(&f, b, len);
    found_has(&f, "          file overlay pe 1312\n        end\n",
              "five by default");
    ok(strstr(f.text.data, "pe 984") == NULL, "... and no more");

    f.limits.depth = 100;
    found_in(&f, b, len);
    found_has(&f, "                file overlay pe 328\n",
              "eight, if more are asked for");
    is_int(f.bounds, 0, "... which are all");

    f.limits.members = 3;
    found_in(&f, b, len);
    found_has(&f, "      file overlay pe 1968\n    end\n  end\nend\n",
              "so many members");
    is_int(f.bounds, DEBAR_FILE_MEMBERS, "... and that is said");

    f.limits.members = 0;
    f.limits.findings = 4;
    found_in(&f, b, len);
    is_int(f.n, 4, "so many findings");
    is_int(f.bounds, DEBAR_FILE_MEMBERS, "... and that is said, too");

    f.limits.findings = 0;
    f.limits.expanded = 5000;
    found_in(&f, b, len);
    found_has(&f, "      file overlay pe- 1968\n    end\n  end\nend\n",
              "so many bytes: what would be too much is told, and not read");
    is_int(f.bounds, DEBAR_FILE_EXPANDED, "... and that is said");

    f.limits.expanded = 0;
    f.enough = 3;
    found_in(&f, b, len);
    is_int(f.n, 3, "nothing is told once it is enough");
    is_int(f.bounds, DEBAR_DECLINED, "... which is said");

    found_free(&f);
}


/* What a file holds does not depend on how its bytes went by. */

static size_t
overlay_pushed(found_t *f, const char *b, size_t len, const char *want)
{
    size_t               i, n, off, piece;
    debar_file_marks_t  *m;

    static const size_t  pieces[] = { 1, 7, 31, 32, 33, 1000, 1 << 20 };

    for (i = 0, n = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        m = debar_file_marks_new();

        for (off = 0; off < len; off += piece) {
            piece = len - off < pieces[i] ? len - off : pieces[i];
            debar_file_marks_push(m, b + off, piece);
        }

        n += strcmp(found_marked(f, b, len, m), want) == 0;
        debar_file_marks_free(m);
    }

    return n == sizeof(pieces) / sizeof(pieces[0]);
}


static void
overlay_marks(char *b)
{
    char                *zeros, *want;
    size_t               i, n, len;
    found_t              f;
    debar_file_marks_t  *m;

    memset(&f, 0, sizeof(f));
    len = PE + 100000;
    n = 0;

    for (i = 0; i < 40; i++) {
        memset(b + PE, 'x', 100000);
        (void) program(b, "", 0);
        memcpy(b + PE + 960 + i, "7z\xbc\xaf\x27\x1c\0\4", 8);
        memcpy(b + PE + 5000 + i, "Inno Setup Setup Data (", 23);
        memcpy(b + PE + 6000, "Rar!\x1a\7\1", 7);
        want = strdup(found_in(&f, b, len));
        n += strstr(want, "rar") != NULL || strstr(want, "7z") != NULL;
        n += overlay_pushed(&f, b, len, want);
        free(want);
    }

    is_int(n, 2 * 40, "what went by in any pieces is what is found later");

    /* more than are kept: it is looked for after all */

    for (i = 0; i < 2000; i++) {
        memcpy(b + PE + 10000 + 32 * i, "MSCF\0\0\0\0", 8);
    }

    want = strdup(found_in(&f, b, len));
    is_int(overlay_pushed(&f, b, len, want), 1, "... and of too many marks");
    free(want);

    m = debar_file_marks_new();
    zeros = calloc(1, len);
    debar_file_marks_push(m, zeros, len - 1);
    n = strstr(found_marked(&f, b, len, m), "overlay") != NULL;
    is_int(n, 1, "marks of other bytes are not used");
    debar_file_marks_push(m, zeros, 1);
    n = strstr(found_marked(&f, b, len, m), "overlay") == NULL;
    is_int(n, m != NULL, "those of all bytes are");
    debar_file_marks_free(m);
    free(zeros);
    found_free(&f);
}


/* Vectors end, and what is read at once. */

static void
overlay_anywhere(char *b)
{
    size_t    i, at, n;
    char      want[64];
    found_t   f;

    memset(&f, 0, sizeof(f));

    for (i = 0, n = 0; i < 2 * 72; i++) {
        at = (i < 72 ? 0 : 65536 - 40 - 72) + i;

        memset(b + PE, 'x', 100000);
        (void) program(b, "", 0);
        memcpy(b + PE + at, "Rar!\x1a\7\1", 7);
        memcpy(b + PE + at + 300, "MSCF\0\0\0\0", 8);
        found_in(&f, b, PE + 100000);

        snprintf(want, sizeof(want), "  file overlay rar %zu\n", 100000 - at);
        n += strstr(f.text.data, want) != NULL;
    }

    is_int(n, 2 * 72, "an archive is found wherever it stands");
    found_free(&f);
}


static void
overlays(void)
{
    char      b[3 * PE + 100000];
    size_t    len;
    found_t   f;

    memset(&f, 0, sizeof(f));

    len = program(b, "", 0);
    b[88 + 96 + 1] = 1;
    memset(b + 88 + 112 + 32, 0xff, 8);
    found_in(&f, b, len);
    is_str(f.text.data, "file  pe 328\n",
           "a certificate table that is not there");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... is said");

    len = program(b, "MSCF\0\0\0\0\xff\xff\xff\xff MSCF\0\0\0\0", 21);
    found_in(&f, b, len);
    is_str(f.text.data, "file  pe 349\n", "no cabinets, by their sizes");

    memset(b + PE, 'x', 100000);
    len = program(b, "", 0);
    memcpy(b + PE + 16384 - 3, "7z\xbc\xaf\x27\x1c\0\4", 8);
    found_in(&f, b, len + 50000);
    found_has(&f, "  file overlay 7z 33619\n",
              "an archive across the border of what is read at once");

    overlay_anywhere(b);
    overlay_marks(b);

    found_in(&f, b, 100);
    is_str(f.text.data, "file  pe 100\n", "headers that are cut off");
    is_int(f.bounds, DEBAR_FILE_BROKEN, "... are said");

    found_free(&f);
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        is_int(debar_file_type(types[i].bytes, types[i].len, 1),
               types[i].type, types[i].claim);
    }

    offsets();
    sources();
    names();
    nesting();
    overlays();

    return done();
}
