/*
 * What a file is by its first bytes, and the names of what is said of files.
 */

#include "file.h"


typedef struct {
    const char  *name;
    unsigned     class;
} debar_file_kind_t;

typedef struct {
    unsigned     off;
    unsigned     len;
    const char  *bytes;
    unsigned     type;
} debar_file_magic_t;


#define debar_magic(off, s, type)  { off, sizeof(s) - 1, s, type }


static unsigned debar_file_by_magic(const uint8_t *p, size_t len);
static unsigned debar_file_by_fields(const uint8_t *p, size_t len);
static unsigned debar_file_media(const uint8_t *p, size_t len);
static unsigned debar_file_riff(const uint8_t *p, size_t len);
static unsigned debar_file_mp4(const uint8_t *p, size_t len);
static unsigned debar_file_mz(const uint8_t *p, size_t len);
static unsigned debar_file_tar(const uint8_t *p, size_t len);
static unsigned debar_file_der(const uint8_t *p, size_t len);
static unsigned debar_file_text(const uint8_t *p, size_t len);
static unsigned debar_file_markup(const uint8_t *p, size_t len);
static int debar_file_is_json(const uint8_t *p, size_t len);
static int debar_file_starts(const uint8_t *p, size_t len, const char *word);
static long debar_file_memory_read(void *data, uint64_t off, void *buf,
    size_t n);


/* In the order of debar_file_type_e. */

static const debar_file_kind_t  debar_file_kinds[] = {
    { "unknown", DEBAR_CLASS_UNKNOWN },
    { "text", DEBAR_CLASS_TEXT },
    { "html", DEBAR_CLASS_TEXT },
    { "xml", DEBAR_CLASS_TEXT },
    { "json", DEBAR_CLASS_TEXT },
    { "script", DEBAR_CLASS_PROGRAM },
    { "pe", DEBAR_CLASS_PROGRAM },
    { "dos", DEBAR_CLASS_PROGRAM },
    { "elf", DEBAR_CLASS_PROGRAM },
    { "macho", DEBAR_CLASS_PROGRAM },
    { "ole", DEBAR_CLASS_PACKAGE },
    { "cab", DEBAR_CLASS_ARCHIVE },
    { "xar", DEBAR_CLASS_PACKAGE },
    { "dmg", DEBAR_CLASS_PACKAGE },
    { "zip", DEBAR_CLASS_ARCHIVE },
    { "apk", DEBAR_CLASS_PACKAGE },
    { "jar", DEBAR_CLASS_PACKAGE },
    { "office", DEBAR_CLASS_DOCUMENT },
    { "nupkg", DEBAR_CLASS_PACKAGE },
    { "wheel", DEBAR_CLASS_PACKAGE },
    { "appx", DEBAR_CLASS_PACKAGE },
    { "xpi", DEBAR_CLASS_PACKAGE },
    { "crx", DEBAR_CLASS_PACKAGE },
    { "deb", DEBAR_CLASS_PACKAGE },
    { "ar", DEBAR_CLASS_ARCHIVE },
    { "rpm", DEBAR_CLASS_PACKAGE },
    { "tar", DEBAR_CLASS_ARCHIVE },
    { "gzip", DEBAR_CLASS_ARCHIVE },
    { "bzip2", DEBAR_CLASS_ARCHIVE },
    { "xz", DEBAR_CLASS_ARCHIVE },
    { "zstd", DEBAR_CLASS_ARCHIVE },
    { "lzma", DEBAR_CLASS_ARCHIVE },
    { "7z", DEBAR_CLASS_ARCHIVE },
    { "rar", DEBAR_CLASS_ARCHIVE },
    { "iso", DEBAR_CLASS_ARCHIVE },
    { "cpio", DEBAR_CLASS_ARCHIVE },
    { "lha", DEBAR_CLASS_ARCHIVE },
    { "class", DEBAR_CLASS_PROGRAM },
    { "dex", DEBAR_CLASS_PROGRAM },
    { "wasm", DEBAR_CLASS_PROGRAM },
    { "pdf", DEBAR_CLASS_DOCUMENT },
    { "rtf", DEBAR_CLASS_DOCUMENT },
    { "image", DEBAR_CLASS_MEDIA },
    { "audio", DEBAR_CLASS_MEDIA },
    { "video", DEBAR_CLASS_MEDIA },
    { "font", DEBAR_CLASS_MEDIA },
    { "certificate", DEBAR_CLASS_DOCUMENT },
    { "squashfs", DEBAR_CLASS_ARCHIVE },
    { "disk", DEBAR_CLASS_ARCHIVE },
    { "pbzx", DEBAR_CLASS_ARCHIVE }
};

_Static_assert(sizeof(debar_file_kinds) / sizeof(debar_file_kinds[0])
               == DEBAR_FILE_TYPES, "a name and a class for each type");

static const char  *debar_file_classes[] = {
    "unknown", "program", "package", "archive", "document", "text", "media"
};

static const char  *debar_file_signed[] = {
    "unchecked", "holds", "broken", "appended"
};

static const char  *debar_file_bounds[] = {
    "deep", "members", "expanded", "held", "broken", "sealed", "unread",
    "coded"
};


/*
 * Long enough not to be met by chance in text; the others are below.  All but
 * the last DEBAR_FILE_INNER begin with one of debar_file_firsts.
 */

#define DEBAR_FILE_INNER  4

static const char  debar_file_firsts[] =
    "\0\x02\x04\x1a\x1f!#(-078CFGIKLMOPQRSWcdefhpstvwx\x7f\x89\xca\xce\xcf"
    "\xd0\xed\xfd\xfe\xff";

static const debar_file_magic_t  debar_file_magics[] = {
    debar_magic(0, "\x7f" "ELF", DEBAR_FILE_ELF),
    debar_magic(0, "#!/", DEBAR_FILE_SCRIPT),
    debar_magic(0, "#! /", DEBAR_FILE_SCRIPT),
    debar_magic(0, "\xfe\xed\xfa\xce", DEBAR_FILE_MACHO),
    debar_magic(0, "\xfe\xed\xfa\xcf", DEBAR_FILE_MACHO),
    debar_magic(0, "\xce\xfa\xed\xfe", DEBAR_FILE_MACHO),
    debar_magic(0, "\xcf\xfa\xed\xfe", DEBAR_FILE_MACHO),
    debar_magic(0, "\xca\xfe\xba\xbf", DEBAR_FILE_MACHO),
    debar_magic(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DEBAR_FILE_OLE),
    debar_magic(0, "MSCF", DEBAR_FILE_CAB),
    debar_magic(0, "ISc(", DEBAR_FILE_LHA),
    debar_magic(0, "xar!", DEBAR_FILE_XAR),
    debar_magic(0, "encrcdsa", DEBAR_FILE_DMG),
    debar_magic(0, "pbzx\0\0\0\0", DEBAR_FILE_PBZX),
    debar_magic(0, "PK\3\4", DEBAR_FILE_ZIP),
    debar_magic(0, "PK\5\6", DEBAR_FILE_ZIP),
    debar_magic(0, "PK\7\10", DEBAR_FILE_ZIP),
    debar_magic(0, "PK00PK", DEBAR_FILE_ZIP),
    debar_magic(0, "Cr24", DEBAR_FILE_CRX),
    debar_magic(0, "!<arch>\ndebian-binary", DEBAR_FILE_DEB),
    debar_magic(0, "!<arch>\n", DEBAR_FILE_AR),
    debar_magic(0, "!<thin>\n", DEBAR_FILE_AR),
    debar_magic(0, "\xed\xab\xee\xdb", DEBAR_FILE_RPM),
    debar_magic(0, "\x1f\x8b\x08", DEBAR_FILE_GZIP),
    debar_magic(0, "\xfd" "7zXZ\0", DEBAR_FILE_XZ),
    debar_magic(0, "\x28\xb5\x2f\xfd", DEBAR_FILE_ZSTD),
    debar_magic(0, "LZIP", DEBAR_FILE_LZMA),
    debar_magic(0, "\x04\x22\x4d\x18", DEBAR_FILE_LZMA),
    debar_magic(0, "\x02\x21\x4c\x18", DEBAR_FILE_LZMA),
    debar_magic(0, "\x1f\x9d\x90", DEBAR_FILE_LZMA),
    debar_magic(0, "\x89LZO\0\r\n\x1a\n", DEBAR_FILE_LZMA),
    debar_magic(0, "7z\xbc\xaf\x27\x1c", DEBAR_FILE_7Z),
    debar_magic(0, "Rar!\x1a\7", DEBAR_FILE_RAR),
    debar_magic(0, "RE~^", DEBAR_FILE_RAR),
    debar_magic(0, "070701", DEBAR_FILE_CPIO),
    debar_magic(0, "070702", DEBAR_FILE_CPIO),
    debar_magic(0, "070707", DEBAR_FILE_CPIO),
    debar_magic(0, "StuffIt ", DEBAR_FILE_LHA),
    debar_magic(0, "dex\n03", DEBAR_FILE_DEX),
    debar_magic(0, "\0asm", DEBAR_FILE_WASM),
    debar_magic(0, "\x89PNG\r\n\x1a\n", DEBAR_FILE_IMAGE),
    debar_magic(0, "\xff\xd8\xff", DEBAR_FILE_IMAGE),
    debar_magic(0, "GIF87a", DEBAR_FILE_IMAGE),
    debar_magic(0, "GIF89a", DEBAR_FILE_IMAGE),
    debar_magic(0, "II*\0", DEBAR_FILE_IMAGE),
    debar_magic(0, "MM\0*", DEBAR_FILE_IMAGE),
    debar_magic(0, "8BPS", DEBAR_FILE_IMAGE),
    debar_magic(0, "\0\0\0\x0cJXL \r\n\x87\n", DEBAR_FILE_IMAGE),
    debar_magic(0, "\0\0\0\x0cjP  \r\n\x87\n", DEBAR_FILE_IMAGE),
    debar_magic(0, "ID3\2", DEBAR_FILE_AUDIO),
    debar_magic(0, "ID3\3", DEBAR_FILE_AUDIO),
    debar_magic(0, "ID3\4", DEBAR_FILE_AUDIO),
    debar_magic(0, "OggS\0", DEBAR_FILE_AUDIO),
    debar_magic(0, "fLaC\0", DEBAR_FILE_AUDIO),
    debar_magic(0, "MThd\0", DEBAR_FILE_AUDIO),
    debar_magic(0, "\x1a\x45\xdf\xa3", DEBAR_FILE_VIDEO),
    debar_magic(0, "FLV\1", DEBAR_FILE_VIDEO),
    debar_magic(0, "\0\0\1\xba", DEBAR_FILE_VIDEO),
    debar_magic(0, "\0\0\1\xb3", DEBAR_FILE_VIDEO),
    debar_magic(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", DEBAR_FILE_VIDEO),
    debar_magic(0, "OTTO\0", DEBAR_FILE_FONT),
    debar_magic(0, "ttcf\0", DEBAR_FILE_FONT),
    debar_magic(0, "wOFF\0", DEBAR_FILE_FONT),
    debar_magic(0, "wOFFOTTO", DEBAR_FILE_FONT),
    debar_magic(0, "wOF2\0", DEBAR_FILE_FONT),
    debar_magic(0, "wOF2OTTO", DEBAR_FILE_FONT),
    debar_magic(0, "-----BEGIN CERTIFICATE", DEBAR_FILE_CERTIFICATE),
    debar_magic(0, "-----BEGIN PKCS7", DEBAR_FILE_CERTIFICATE),
    debar_magic(0, "-----BEGIN CMS", DEBAR_FILE_CERTIFICATE),
    debar_magic(0, "hsqs", DEBAR_FILE_SQUASHFS),
    debar_magic(0, "sqsh", DEBAR_FILE_SQUASHFS),
    debar_magic(0, "conectix", DEBAR_FILE_DISK),
    debar_magic(0, "vhdxfile", DEBAR_FILE_DISK),
    debar_magic(0, "KDMV", DEBAR_FILE_DISK),
    debar_magic(0, "COWD", DEBAR_FILE_DISK),
    debar_magic(0, "QFI\xfb", DEBAR_FILE_DISK),
    debar_magic(0, "MSWIM\0\0\0", DEBAR_FILE_DISK),
    debar_magic(0, "WLPWM\0\0\0", DEBAR_FILE_DISK),
    debar_magic(0, "\0\1\0\0\0", DEBAR_FILE_FONT),

    debar_magic(257, "ustar", DEBAR_FILE_TAR),
    debar_magic(7, "**ACE**", DEBAR_FILE_LHA),
    debar_magic(64, "\x7f\x10\xda\xbe", DEBAR_FILE_DISK),
    debar_magic(0, "{\\rt", DEBAR_FILE_RTF)
};


const char *
debar_file_type_name(unsigned type)
{
    return debar_file_kinds[type < DEBAR_FILE_TYPES ? type : 0].name;
}


unsigned
debar_file_class(unsigned type)
{
    return debar_file_kinds[type < DEBAR_FILE_TYPES ? type : 0].class;
}


const char *
debar_file_class_name(unsigned class)
{
    return debar_file_classes[class < DEBAR_CLASSES ? class : 0];
}


const char *
debar_signed_name(unsigned state)
{
    return debar_file_signed[state <= DEBAR_SIGNED_APPENDED ? state : 0];
}


const char *
debar_file_bound_name(unsigned bounds)
{
    unsigned  i;

    for (i = 0; i < sizeof(debar_file_bounds) / sizeof(char *); i++) {
        if (bounds & (1u << i)) {
            return debar_file_bounds[i];
        }
    }

    return "none";
}


unsigned
debar_file_type(const void *head, size_t len, int whole)
{
    unsigned        type;
    const uint8_t  *p = head;

    if (len > DEBAR_FILE_HEAD) {
        len = DEBAR_FILE_HEAD;
        whole = 0;
    }

    if (len == 0) {
        return whole ? DEBAR_FILE_TEXT : DEBAR_FILE_UNKNOWN;
    }

    type = debar_file_by_magic(p, len);

    if (type == DEBAR_FILE_UNKNOWN) {
        type = debar_file_by_fields(p, len);
    }

    if (type == DEBAR_FILE_UNKNOWN) {
        type = debar_file_text(p, len);
    }

    return type;
}


static unsigned
debar_file_by_magic(const uint8_t *p, size_t len)
{
    size_t                     i, n;
    const debar_file_magic_t  *m;

    /* pages, text and JSON begin as few of these do */

    n = sizeof(debar_file_magics) / sizeof(*m);
    i = memchr(debar_file_firsts, p[0], sizeof(debar_file_firsts) - 1)
        ? 0 : n - DEBAR_FILE_INNER;

    for ( /* void */ ; i < n; i++) {
        m = &debar_file_magics[i];

        if (m->off + m->len <= len && p[m->off] == (uint8_t) m->bytes[0]
            && memcmp(p + m->off, m->bytes, m->len) == 0)
        {
            return m->type;
        }
    }

    return DEBAR_FILE_UNKNOWN;
}


/* By its first byte: every answer is looked at, and few have one. */

static int
debar_file_is_pdf(const uint8_t *p, size_t len)
{
    const uint8_t  *last = p + len;

    for (p = memchr(p, '%', len); p; p = memchr(p + 1, '%', last - p - 1)) {
        if (last - p >= 5 && memcmp(p, "%PDF-", 5) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Magics that are short or common, and need a second look at what follows. */

static unsigned
debar_file_by_fields(const uint8_t *p, size_t len)
{
    unsigned  type;

    if (len >= 2 && p[0] == 'M' && p[1] == 'Z') {
        return debar_file_mz(p, len);
    }

    if (len >= 8 && memcmp(p, "\xca\xfe\xba\xbe", 4) == 0) {

        /* a universal binary has few architectures, a class has a version:
         * the lowest is 45 */

        return p[4] == 0 && p[5] == 0 && p[6] == 0 && p[7] < 45
               ? DEBAR_FILE_MACHO : DEBAR_FILE_CLASS;
    }

    if (len >= 10 && memcmp(p, "BZh", 3) == 0
        && (memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0
            || memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0))
    {
        return DEBAR_FILE_BZIP2;
    }

    /* a frame to be skipped before the first, LZMA alone with its usual
     * properties and a size that is unknown or below 2^40 */

    if (len >= 4 && (p[0] & 0xf0) == 0x50
        && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
    {
        return DEBAR_FILE_ZSTD;
    }

    if (len >= 13 && p[0] == 0x5d && p[1] == 0 && p[2] == 0
        && (memcmp(p + 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 0
            || memcmp(p + 10, "\0\0\0", 3) == 0))
    {
        return DEBAR_FILE_LZMA;
    }

    if (len >= 7 && p[2] == '-' && p[3] == 'l' && p[6] == '-'
        && (p[4] == 'h' || p[4] == 'z'))
    {
        return DEBAR_FILE_LHA;
    }

    /* arj: the size of a header, and that of its first part */

    if (len >= 5 && p[0] == 0x60 && p[1] == 0xea && p[3] < 11
        && p[4] >= 30 && p[4] < 50)
    {
        return DEBAR_FILE_LHA;
    }

    /* cpio of old, either byte order: the sizes of name and file are sane */

    if (len >= 26 && ((p[0] == 0xc7 && p[1] == 0x71 && p[21] < 16)
                      || (p[0] == 0x71 && p[1] == 0xc7 && p[20] < 16)))
    {
        return DEBAR_FILE_CPIO;
    }

    type = debar_file_media(p, len);

    if (type != DEBAR_FILE_UNKNOWN) {
        return type;
    }

    /* readers of PDF let other bytes stand before it */

    if (debar_file_is_pdf(p, len)) {
        return DEBAR_FILE_PDF;
    }

    if (debar_file_tar(p, len) == DEBAR_FILE_TAR) {
        return DEBAR_FILE_TAR;
    }

    return debar_file_der(p, len);
}


static unsigned
debar_file_media(const uint8_t *p, size_t len)
{
    if (len >= 12 && memcmp(p, "RIFF", 4) == 0) {
        return debar_file_riff(p, len);
    }

    if (len >= 12 && memcmp(p + 4, "ftyp", 4) == 0) {
        return debar_file_mp4(p, len);
    }

    if (len >= 26 && p[0] == 'B' && p[1] == 'M'
        && memcmp(p + 6, "\0\0\0\0", 4) == 0 && p[15] == 0 && p[16] == 0)
    {
        return DEBAR_FILE_IMAGE;
    }

    /* an icon or cursor: a count, and the first image's reserved byte */

    if (len >= 22 && p[0] == 0 && p[1] == 0 && (p[2] == 1 || p[2] == 2)
        && p[3] == 0 && p[4] != 0 && p[5] == 0 && p[9] == 0)
    {
        return DEBAR_FILE_IMAGE;
    }

    if (len >= 4 && p[0] == 0xff && (p[1] & 0xe6) == 0xe2
        && (p[2] & 0xf0) != 0xf0 && (p[2] & 0x0c) != 0x0c)
    {
        return DEBAR_FILE_AUDIO;
    }

    if (len >= 377 && p[0] == 0x47 && p[188] == 0x47 && p[376] == 0x47) {
        return DEBAR_FILE_VIDEO;
    }

    return DEBAR_FILE_UNKNOWN;
}


static unsigned
debar_file_riff(const uint8_t *p, size_t len)
{
    if (memcmp(p + 8, "WEBP", 4) == 0) {
        return DEBAR_FILE_IMAGE;
    }

    if (memcmp(p + 8, "WAVE", 4) == 0) {
        return DEBAR_FILE_AUDIO;
    }

    return DEBAR_FILE_VIDEO;
}


static unsigned
debar_file_mp4(const uint8_t *p, size_t len)
{
    if (memcmp(p + 8, "M4A", 3) == 0 || memcmp(p + 8, "M4B", 3) == 0) {
        return DEBAR_FILE_AUDIO;
    }

    if (memcmp(p + 8, "avif", 4) == 0 || memcmp(p + 8, "heic", 4) == 0
        || memcmp(p + 8, "heix", 4) == 0 || memcmp(p + 8, "mif1", 4) == 0)
    {
        return DEBAR_FILE_IMAGE;
    }

    return DEBAR_FILE_VIDEO;
}


/*
 * "MZ" in text is no program.  Where the header is beyond the bytes given, the
 * reader of PE says what it is.
 */

static unsigned
debar_file_mz(const uint8_t *p, size_t len)
{
    size_t    i;
    uint32_t  at;

    if (len < 64) {
        for (i = 0; i < len; i++) {
            if (p[i] < ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n') {
                return DEBAR_FILE_DOS;
            }
        }

        return debar_file_text(p, len);
    }

    at = p[60] | p[61] << 8 | p[62] << 16 | (uint32_t) p[63] << 24;

    if ((uint64_t) at + 4 <= len) {
        return memcmp(p + at, "PE\0\0", 4) == 0 ? DEBAR_FILE_PE
                                                : DEBAR_FILE_DOS;
    }

    if (debar_file_text(p, len) != DEBAR_FILE_UNKNOWN) {
        return debar_file_text(p, len);
    }

    return at < 0x10000000 ? DEBAR_FILE_PE : DEBAR_FILE_DOS;
}


/* Archives older than "ustar": the header's sum is right. */

static unsigned
debar_file_tar(const uint8_t *p, size_t len)
{
    size_t         i;
    unsigned       sum;
    unsigned long  want;

    if (len < 512 || p[0] == 0 || p[100 + 7] > ' ') {
        return DEBAR_FILE_UNKNOWN;
    }

    for (i = 148, want = 0; i < 156; i++) {
        if (p[i] >= '0' && p[i] <= '7') {
            want = want * 8 + (p[i] - '0');

        } else if (p[i] != ' ' && p[i] != 0) {
            return DEBAR_FILE_UNKNOWN;
        }
    }

    for (i = 0, sum = 0; i < 512; i++) {
        sum += (i >= 148 && i < 156) ? ' ' : p[i];
    }

    return sum == want ? DEBAR_FILE_TAR : DEBAR_FILE_UNKNOWN;
}


/* A certificate begins with two or three SEQUENCEs, CMS with one and its OID. */

static unsigned
debar_file_der(const uint8_t *p, size_t len)
{
    size_t  n;

    if (len < 24 || p[0] != 0x30 || p[1] < 0x80 || p[1] > 0x84) {
        return DEBAR_FILE_UNKNOWN;
    }

    n = 2 + (p[1] & 0x0f);

    if (memcmp(p + n, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", 10) == 0) {
        return DEBAR_FILE_CERTIFICATE;
    }

    if (p[n] == 0x30 && p[n + 1] > 0x80 && p[n + 1] < 0x84) {
        n += 2 + (p[n + 1] & 0x0f);

        if (memcmp(p + n, "\xa0\x03\x02\x01", 4) == 0) {
            return DEBAR_FILE_CERTIFICATE;
        }
    }

    return DEBAR_FILE_UNKNOWN;
}


/* Not 0 where one of eight bytes is below 0x20. */

static inline uint64_t
debar_below(uint64_t w)
{
    return (w - 0x2020202020202020) & ~w & 0x8080808080808080;
}


/* No control characters but those that lay text out: 32 bytes at once where
 * there are none at all, since every answer is looked at. */

static int
debar_file_printable(const uint8_t *p, size_t len)
{
    size_t    i, k;
    uint64_t  w[4];

    for (i = 0; i < len; i = k) {

        if (len - i >= sizeof(w)) {
            memcpy(w, p + i, sizeof(w));

            k = i + sizeof(w);

            if ((debar_below(w[0]) | debar_below(w[1]) | debar_below(w[2])
                 | debar_below(w[3])) == 0)
            {
                continue;
            }

        } else {
            k = len;
        }

        for ( /* void */ ; i < k; i++) {
            if (p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r'
                && p[i] != '\f')
            {
                return 0;
            }
        }
    }

    return 1;
}


/* Text by its bytes; UTF-16 by its mark. */

static unsigned
debar_file_text(const uint8_t *p, size_t len)
{
    size_t    i, n;
    uint8_t   narrow[DEBAR_FILE_HEAD];
    unsigned  wide;

    wide = len >= 2 && ((p[0] == 0xff && p[1] == 0xfe)
                        || (p[0] == 0xfe && p[1] == 0xff));

    if (wide) {
        for (i = 2, n = 0; i + 1 < len; i += 2) {
            narrow[n] = p[0] == 0xff ? p[i] : p[i + 1];

            if ((p[0] == 0xff ? p[i + 1] : p[i]) != 0) {
                narrow[n] = 'x';
            }

            n++;
        }

        p = narrow;
        len = n;

    } else if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
        len -= 3;
    }

    if (!debar_file_printable(p, len)) {
        return DEBAR_FILE_UNKNOWN;
    }

    if (len >= 2 && p[0] == '#' && p[1] == '!') {
        return DEBAR_FILE_SCRIPT;
    }

    return debar_file_markup(p, len);
}


static unsigned
debar_file_markup(const uint8_t *p, size_t len)
{
    size_t              i;
    const uint8_t      *end;
    static const char  *words[] = {
        "<!doctype html", "<html", "<head", "<body", "<script", "<meta",
        "<title", "<iframe", "<table", "<div", "<h1", "<style", "<br", "<p>",
        "<a ", "<font", "<b>"
    };

    while (len && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) {
        p++;
        len--;
    }

    if (p == NULL || len == 0) {
        return DEBAR_FILE_TEXT;
    }

    if (*p != '<') {
        return debar_file_is_json(p, len) ? DEBAR_FILE_JSON : DEBAR_FILE_TEXT;
    }

    /* XHTML has a declaration of XML first, HTML may have a comment */

    if (debar_file_starts(p, len, "<?xml")) {
        return memmem(p, len, "<html", 5) ? DEBAR_FILE_HTML : DEBAR_FILE_XML;
    }

    if (debar_file_starts(p, len, "<!--")) {
        end = memmem(p, len, "-->", 3);

        if (end != NULL && memmem(p, len, "<?xml", 5) == NULL) {
            len -= end + 3 - p;
            p = end + 3;

            while (len && (*p == ' ' || *p == '\t' || *p == '\n'
                           || *p == '\r'))
            {
                p++;
                len--;
            }
        }

        if (end == NULL || len == 0 || debar_file_starts(p, len, "<!--")) {
            return DEBAR_FILE_HTML;
        }
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (debar_file_starts(p, len, words[i])) {
            return DEBAR_FILE_HTML;
        }
    }

    if (len > 1 && ((p[1] | 0x20) < 'a' || (p[1] | 0x20) > 'z')
        && p[1] != '!' && p[1] != '?')
    {
        return DEBAR_FILE_TEXT;
    }

    return DEBAR_FILE_XML;
}


static int
debar_file_is_json(const uint8_t *p, size_t len)
{
    size_t   i;
    uint8_t  first;

    first = p[0];

    if (first != '{' && first != '[') {
        return 0;
    }

    for (i = 1; i < len; i++) {
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r') {
            return first == '{' ? p[i] == '"' || p[i] == '}'
                                : memchr("{[]\"-0123456789tfn", p[i], 19)
                                  != NULL;
        }
    }

    return 0;
}


static int
debar_file_starts(const uint8_t *p, size_t len, const char *word)
{
    for ( /* void */ ; *word; word++, p++, len--) {
        if (len == 0
            || (*p >= 'A' && *p <= 'Z' ? (*p | 0x20) : *p) != (uint8_t) *word)
        {
            return 0;
        }
    }

    return 1;
}


void
debar_file_memory(debar_file_source_t *src, const debar_str_t *bytes)
{
    src->size = bytes->len;
    src->data = (void *) bytes;
    src->read = debar_file_memory_read;
}


static long
debar_file_memory_read(void *data, uint64_t off, void *buf, size_t n)
{
    const debar_str_t  *bytes = data;

    if (off >= bytes->len) {
        return 0;
    }

    if (n > bytes->len - off) {
        n = bytes->len - off;
    }

    memcpy(buf, bytes->data + off, n);

    return n;
}
