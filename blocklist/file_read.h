/*
 * For the readers of file formats (file_*.c).  A reader gets one file as a
 * source of bytes, tells what it finds, and hands over members.
 *
 * Rules for all of them: every offset and length of the input is checked
 * against the source's size in 64 bits before it is used; loops are bounded by
 * a count that does not come from the input alone; debar_reader_bound() says
 * what was left out; no reader calls another one.
 */

#ifndef DEBAR_FILE_READ_H
#define DEBAR_FILE_READ_H

#include "file.h"


typedef struct debar_reader_s  debar_reader_t;

/* The file that is being read. */

const debar_file_source_t *debar_reader_source(debar_reader_t *rd);

/* What was seen of the outermost file as it went by, or NULL. */

const debar_file_marks_t *debar_reader_marks(const debar_reader_t *rd);

/* Exactly n bytes at off: DEBAR_OK, or DEBAR_ERROR if they are not all there. */

int debar_reader_at(debar_reader_t *rd, uint64_t off, void *buf, size_t n);

/* n bytes at off in memory of their own (free() them) with a NUL behind them,
 * or NULL: not all there, more than the bound of memory (said), none left. */

void *debar_reader_bytes(debar_reader_t *rd, uint64_t off, uint64_t n);

/* Memory against the bound of the file, for readers that build tables; it is
 * zeroed. */

void *debar_reader_alloc(debar_reader_t *rd, uint64_t n);
void debar_reader_free(debar_reader_t *rd, void *p, uint64_t n);

void debar_reader_bound(debar_reader_t *rd, unsigned bits);

/*
 * Tell the sink; what, depth are filled in, text is made clean and cut, empty
 * fields and packages are left out.  DEBAR_DECLINED: stop now.
 */

int debar_reader_field(debar_reader_t *rd, const char *name, unsigned role,
    const char *value, size_t len);
int debar_reader_package(debar_reader_t *rd, const char *ecosystem,
    const char *value, size_t len);
int debar_reader_signer(debar_reader_t *rd, const debar_found_t *signer);

/* The file is more exactly this: an APK, not just a ZIP.  Before anything of it
 * is told: the finding of the file itself comes with the first of them. */

void debar_reader_type(debar_reader_t *rd, unsigned type);

/*
 * A member: begin, its bytes as they come, end.  DEBAR_DECLINED of any of the
 * three: no more members are taken (stop).  A member that is read to its end is
 * read, with all that is in it, inside of debar_reader_done(); one without it
 * (another begins, the reader returns) was cut off: it is read as far as it came
 * and has no digest.  Directories and links are no members.
 */

int debar_reader_member(debar_reader_t *rd, const char *name, size_t len);
int debar_reader_push(debar_reader_t *rd, const void *data, size_t len);
int debar_reader_done(debar_reader_t *rd);

/* A member that lies in the file as it is: n bytes at off, nothing is copied.
 * DEBAR_DECLINED as above; what is cut off is said. */

int debar_reader_part(debar_reader_t *rd, const char *name, size_t len,
    uint64_t off, uint64_t n);


/* What may be packed in these bytes of the file: archives, found by their
 * magic, are members "overlay".  DEBAR_DECLINED as above. */

int debar_reader_overlay(debar_reader_t *rd, uint64_t from, uint64_t to);

/* An installer of NSIS whose header, with its mark, is at off (file_nsis.c). */

int debar_reader_nsis(debar_reader_t *rd, uint64_t off, uint64_t to);


/* Numbers, little-endian. */

static inline uint16_t
debar_le16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}


static inline uint32_t
debar_le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t) p[3] << 24;
}


static inline uint64_t
debar_le64(const uint8_t *p)
{
    return debar_le32(p) | (uint64_t) debar_le32(p + 4) << 32;
}


/*
 * CMS (RFC 5652) as code signing uses it.
 */

#define DEBAR_CMS_DIGEST  256         /* more than one digest: appx */

typedef struct {
    const char   *how;            /* "authenticode", ... */

    /* (out has room for DEBAR_CMS_DIGEST bytes.)  Digest of the content that is signed elsewhere: filled by the format's
     * reader for the algorithm that the signature names (an OpenSSL NID).
     * DEBAR_OK, DEBAR_DECLINED: bytes follow that it does not cover (APPENDED),
     * DEBAR_ERROR: cannot be made (UNCHECKED). */
    int         (*digest)(void *data, int nid, uint8_t *out, unsigned *len);
    void         *data;

    unsigned      spc;            /* the content is SpcIndirectDataContent:
                                     its messageDigest is what digest() gives;
                                     nested signatures are followed */
    debar_str_t   detached;       /* else, where set: the content itself */
} debar_cms_t;

/* Every signer of the CMS at der (bytes behind its end are ignored) is told. */

int debar_reader_signatures(debar_reader_t *rd, const void *der, size_t len,
    const debar_cms_t *cms);

/* A certificate alone, whose signature the caller has checked or not. */

int debar_reader_certificate(debar_reader_t *rd, const char *how,
    const void *der, size_t len, unsigned state);

/* Every signature of OpenPGP in these bytes is told; none can be checked. */

int debar_reader_pgp(debar_reader_t *rd, const char *how, const void *data,
    size_t len, unsigned state);


/*
 * The readers.  Each returns when it is done; the type was found by magic.
 * DEBAR_DECLINED: the sink has enough.
 */

int debar_file_read_pe(debar_reader_t *rd);          /* file_pe.c */
int debar_file_read_signed_text(debar_reader_t *rd); /* file_text.c */
int debar_file_read_script(debar_reader_t *rd);      /* file_overlay.c */
int debar_file_read_elf(debar_reader_t *rd);         /* file_overlay.c */
int debar_file_read_ole(debar_reader_t *rd);         /* file_ole.c: msi */
int debar_file_read_cab(debar_reader_t *rd);         /* file_cab.c: signature;
                                                        members by libarchive */
int debar_file_read_xar(debar_reader_t *rd);         /* file_xar.c */
int debar_file_read_pbzx(debar_reader_t *rd);        /* file_pbzx.c */
int debar_file_read_dmg(debar_reader_t *rd);         /* file_dmg.c */
int debar_file_read_macho(debar_reader_t *rd);       /* file_apple.c */
int debar_file_read_zip(debar_reader_t *rd);         /* file_zip.c: apk, jar,
                                                        nupkg, appx, xpi, wheel:
                                                        signatures, packages */
int debar_file_read_crx(debar_reader_t *rd);         /* file_crx.c */
int debar_file_read_deb(debar_reader_t *rd);         /* file_deb.c */
int debar_file_read_rpm(debar_reader_t *rd);         /* file_rpm.c */
int debar_file_read_metadata(debar_reader_t *rd);    /* file_metadata.c:
                                                        package.json, PKG-INFO,
                                                        pom.properties, nuspec,
                                                        control, Info.plist,
                                                        by name and content */
int debar_file_read_cms(debar_reader_t *rd);         /* file_cms.c */
int debar_file_read_udf(debar_reader_t *rd);         /* file_udf.c: of an
                                                        image of a disc */
int debar_file_read_archive(debar_reader_t *rd);     /* file_archive.c */
int debar_file_read_pdf(debar_reader_t *rd);         /* file_embed.c: what is
                                                        attached */
int debar_file_read_encoded(debar_reader_t *rd);     /* file_embed.c: base64 */
int debar_file_read_disk(debar_reader_t *rd);        /* file_embed.c */

/* The name by which the file that is being read was packed; empty: the root. */

debar_str_t debar_reader_name(const debar_reader_t *rd);

/*
 * The type as which it is read: by its magic, whatever debar_reader_type() made
 * of it; or what it is, too (a program that is a ZIP from its end, a document
 * that is a disk image).
 */

unsigned debar_reader_is(const debar_reader_t *rd);


#endif /* DEBAR_FILE_READ_H */
