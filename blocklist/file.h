/*
 * What a file is, wherever it is hosted and whatever it is called: its type by
 * its bytes, its digest, who signed it, who says to have made it, which package
 * it is, and the same of what is packed in it.
 *
 * A reader works on a source of bytes at any offset and tells a sink what it
 * finds.  Nothing is recursive on input, everything is bounded, and what a
 * bound left unread is said.  No files, no sockets, no clock: whoever calls
 * brings the bytes (and, in the gateway, calls from a process that can do
 * nothing else, see tools/inspect.h).
 *
 * Signatures are read, and it is told whether they hold for these bytes; trust
 * in a chain is not judged: the list names signers, and a certificate that names
 * a listed one is reason enough whoever issued it.
 */

#ifndef DEBAR_FILE_H
#define DEBAR_FILE_H

#include "debar.h"


/* Types by magic, never by name or label.  The numbers are on the wire. */

typedef enum {
    DEBAR_FILE_UNKNOWN = 0,       /* binary without a magic that is known */
    DEBAR_FILE_TEXT,              /* no NUL, no control but white space */
    DEBAR_FILE_HTML,
    DEBAR_FILE_XML,
    DEBAR_FILE_JSON,
    DEBAR_FILE_SCRIPT,            /* #! */
    DEBAR_FILE_PE,                /* MZ .. PE: exe, dll, sys, EFI image */
    DEBAR_FILE_DOS,               /* MZ of another kind */
    DEBAR_FILE_ELF,
    DEBAR_FILE_MACHO,             /* thin or universal */
    DEBAR_FILE_OLE,               /* compound file: msi, msp, msix no; doc */
    DEBAR_FILE_CAB,
    DEBAR_FILE_XAR,               /* Apple pkg */
    DEBAR_FILE_DMG,               /* by its "koly" trailer or known images */
    DEBAR_FILE_ZIP,               /* zip that is nothing else */
    DEBAR_FILE_APK,
    DEBAR_FILE_JAR,
    DEBAR_FILE_OFFICE,            /* docx, xlsx, odt, ... */
    DEBAR_FILE_NUPKG,
    DEBAR_FILE_WHEEL,
    DEBAR_FILE_APPX,              /* appx, msix and their bundles */
    DEBAR_FILE_XPI,
    DEBAR_FILE_CRX,
    DEBAR_FILE_DEB,
    DEBAR_FILE_AR,
    DEBAR_FILE_RPM,
    DEBAR_FILE_TAR,
    DEBAR_FILE_GZIP,
    DEBAR_FILE_BZIP2,
    DEBAR_FILE_XZ,
    DEBAR_FILE_ZSTD,
    DEBAR_FILE_LZMA,              /* also lzip, lz4, compress */
    DEBAR_FILE_7Z,
    DEBAR_FILE_RAR,
    DEBAR_FILE_ISO,               /* ISO 9660, UDF */
    DEBAR_FILE_CPIO,
    DEBAR_FILE_LHA,               /* lha, arj, ace: named, not read */
    DEBAR_FILE_CLASS,             /* Java class */
    DEBAR_FILE_DEX,
    DEBAR_FILE_WASM,
    DEBAR_FILE_PDF,
    DEBAR_FILE_RTF,
    DEBAR_FILE_IMAGE,
    DEBAR_FILE_AUDIO,
    DEBAR_FILE_VIDEO,
    DEBAR_FILE_FONT,
    DEBAR_FILE_CERTIFICATE,       /* PEM, DER, PKCS #7 */
    DEBAR_FILE_SQUASHFS,          /* snap, AppImage's inside; named only */
    DEBAR_FILE_DISK,              /* vhd, vmdk, qcow2, wim: programs alone */
    DEBAR_FILE_PBZX,              /* the payload of an Apple package */
    DEBAR_FILE_TYPES
} debar_file_type_e;

const char *debar_file_type_name(unsigned type);    /* "pe", "msi" is "ole" */

/* What kind of thing a type is; it decides how a download is treated. */

typedef enum {
    DEBAR_CLASS_UNKNOWN = 0,
    DEBAR_CLASS_PROGRAM,
    DEBAR_CLASS_PACKAGE,
    DEBAR_CLASS_ARCHIVE,
    DEBAR_CLASS_DOCUMENT,
    DEBAR_CLASS_TEXT,
    DEBAR_CLASS_MEDIA,
    DEBAR_CLASSES
} debar_file_class_e;

unsigned debar_file_class(unsigned type);
const char *debar_file_class_name(unsigned class);

/* Bytes at the start that debar_file_type() wants to see; it takes fewer. */

#define DEBAR_FILE_HEAD  512

/*
 * By the first bytes alone.  A ZIP is a ZIP here, an OLE file an OLE file; the
 * readers say more.  whole: there are no more bytes than these.
 */

unsigned debar_file_type(const void *head, size_t len, int whole);


/* Where bytes come from. */

typedef struct {
    uint64_t   size;
    void      *data;

    /* Up to n bytes at off into buf: how many came (0: end), -1: error. */
    long     (*read)(void *data, uint64_t off, void *buf, size_t n);
} debar_file_source_t;

/* Bytes in memory. */

void debar_file_memory(debar_file_source_t *src, const debar_str_t *bytes);


typedef enum {
    DEBAR_FOUND_FILE = 1,         /* a file or member: type, size, digest */
    DEBAR_FOUND_SIGNER,
    DEBAR_FOUND_FIELD,            /* what it says of itself */
    DEBAR_FOUND_PACKAGE,          /* name: ecosystem, value: identifier */
    DEBAR_FOUND_END               /* of what is packed in the last FILE of that
                                     depth, where anything was: told even where
                                     a bound ended it */
} debar_found_e;

/* Whether a signature holds for the bytes that it stands by. */

typedef enum {
    DEBAR_SIGNED_UNCHECKED = 0,   /* of a kind whose digest is not made anew */
    DEBAR_SIGNED_HOLDS,
    DEBAR_SIGNED_BROKEN,          /* other bytes, or the signature is damaged */
    DEBAR_SIGNED_APPENDED         /* holds for what stands before bytes that
                                     were put behind it */
} debar_signed_e;

const char *debar_signed_name(unsigned state);

/*
 * One finding; everything in it lives until the sink returns.  Text is UTF-8,
 * without control bytes, cut at DEBAR_FOUND_TEXT.
 *
 * FILE     name: the member's path as its archive has it (raw bytes made UTF-8),
 *          empty at depth 0; type, size, sha256
 * SIGNER   name: how ("authenticode", "authenticode-nested", "apk-v2", "jar",
 *          "xar", "apple", "deb", "rpm", "crx", "nuget"), organization,
 *          common_name, issuer (its CN, else O), thumbprint (SHA-1 of the
 *          certificate, 20 bytes, as signtool shows it; of PGP the key id or
 *          fingerprint), state
 * FIELD    name: as the format calls it ("CompanyName", "ProductName",
 *          "Manufacturer", "Maintainer", "Vendor", "TeamIdentifier"), value;
 *          role: whether it tells a maker, a product, a file's name, or text
 * PACKAGE  name: "android", "apple", "apple-team", "chrome", "firefox", "npm",
 *          "pypi", "nuget", "chocolatey", "maven", "debian", "rpm", "msi",
 *          "windows" (appx), "docker" (images of any kind), "alpine"; value:
 *          the identifier.  As "packages" of a list
 */

#define DEBAR_FOUND_TEXT  512

typedef enum {
    DEBAR_SAYS_TEXT = 0,
    DEBAR_SAYS_MAKER,
    DEBAR_SAYS_PRODUCT,
    DEBAR_SAYS_FILE,              /* OriginalFilename */
    DEBAR_SAYS_VERSION,
    DEBAR_SAYS
} debar_says_e;

typedef struct {
    unsigned      what;           /* debar_found_e */
    unsigned      depth;          /* archives around it */
    unsigned      type;           /* debar_file_type_e */
    unsigned      role;           /* debar_says_e */
    unsigned      state;          /* debar_signed_e */
    uint64_t      size;
    debar_str_t   name;
    debar_str_t   value;
    debar_str_t   organization;
    debar_str_t   common_name;
    debar_str_t   issuer;
    debar_str_t   thumbprint;     /* bytes, not hex; 32 at most */
    unsigned      has_sha256;
    uint8_t       sha256[32];
} debar_found_t;

/* DEBAR_OK to go on, DEBAR_DECLINED: enough. */

typedef int (*debar_found_pt)(void *data, const debar_found_t *found);


/* Bounds; 0: the default. */

typedef struct {
    unsigned      depth;          /* archives inside of each other: 5 */
    unsigned      members;        /* files in all: 10,000 */
    unsigned      findings;       /* told to the sink: 20,000 */
    uint64_t      expanded;       /* bytes unpacked in all: 4 GiB ... */
    unsigned      ratio;          /* ... and so many times the file: 200, past
                                     64 MiB */
    uint64_t      member;         /* bytes of one member that are kept for
                                     readers (its digest is of all): 256 MiB */
    size_t        held;           /* memory that one reader may take: 64 MiB */
} debar_file_limits_t;

#define DEBAR_FILE_DEPTH     0x01
#define DEBAR_FILE_MEMBERS   0x02
#define DEBAR_FILE_EXPANDED  0x04
#define DEBAR_FILE_HELD      0x08
#define DEBAR_FILE_BROKEN    0x10 /* not what its magic says, or cut off: what
                                     could be read was */
#define DEBAR_FILE_SEALED    0x20 /* an encrypted member or archive */
#define DEBAR_FILE_UNREAD    0x40 /* a format that is known and not read */
#define DEBAR_FILE_CODED     0x80 /* Content-Encoding that could not be undone */

/* "deep", "members", "expanded", ...: of the lowest bit that is set. */

const char *debar_file_bound_name(unsigned bounds);

/*
 * Room for a member's bytes while its readers look at it: the sandbox gives a
 * file without a name, tests and `debar inspect` memory or the like.
 */

typedef struct {
    void  *data;
    int  (*begin)(void *data, unsigned depth);           /* empties it */
    int  (*write)(void *data, unsigned depth, const void *buf, size_t n);
    int  (*source)(void *data, unsigned depth, debar_file_source_t *src);
} debar_file_room_t;

/*
 * Reads a file and all that is in it.  sha256: of the whole, if the caller has it
 * already, else NULL.  Returns the bounds that were reached (DEBAR_FILE_* bits),
 * 0: none; the sink had enough: DEBAR_DECLINED.  room may be NULL: members
 * are then known by name and digest only.
 */

int debar_file_read(const debar_file_source_t *src, const uint8_t *sha256,
    const debar_file_room_t *room, const debar_file_limits_t *limits,
    debar_found_pt sink, void *data);

/*
 * The same, by who had all of its bytes in his hands before, and has pushed them
 * in their order: what may stand behind a program is known by then, where somebody
 * waits while the whole of it is searched otherwise.  debar_file_marks_new() gives
 * NULL where that would cost more than it saves, or no memory is left; NULL is
 * fine for the others, too.  Marks that are not of src's size are not used.
 */

typedef struct debar_file_marks_s  debar_file_marks_t;

debar_file_marks_t *debar_file_marks_new(void);
void debar_file_marks_push(debar_file_marks_t *m, const void *bytes, size_t n);
void debar_file_marks_free(debar_file_marks_t *m);

int debar_file_read_marked(const debar_file_source_t *src,
    const debar_file_marks_t *marks, const uint8_t *sha256,
    const debar_file_room_t *room, const debar_file_limits_t *limits,
    debar_found_pt sink, void *data);


#endif /* DEBAR_FILE_H */
