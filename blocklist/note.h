/*
 * Signed notes (C2SP signed-note, https://c2sp.org/signed-note): a text, a
 * blank line, and a line for each signature:
 *
 *     — NAME BASE64(key id, 4 bytes || signature)
 *
 * Ed25519 (RFC 8032) only: key id = SHA-256(NAME || 0x0A || type || public
 * key), its first four bytes.  Lines of keys that nobody asks for are read and
 * ignored; a line of a key that is asked for and does not verify makes the
 * whole note refused.  Nothing here decides who may sign: root.h does.
 *
 * Keys have one of two types.  0x01 signs the text.  0x04 is a witness's (C2SP
 * tlog-cosignature, https://c2sp.org/tlog-cosignature): it signs
 *
 *     cosignature/v1
 *     time SECONDS
 *     the text
 *
 * and its line has the time, 8 bytes, big endian, before the signature.  What
 * takes a key of one type never takes one of the other.
 */

#ifndef DEBAR_NOTE_H
#define DEBAR_NOTE_H

#include "debar.h"


#define DEBAR_NOTE_MAX         (1 << 20)     /* bytes of a note, and its text */
#define DEBAR_NOTE_SIGNATURES  100
#define DEBAR_KEY_NAME         128           /* bytes of a name that we use */
#define DEBAR_KEY_ED25519      0x01
#define DEBAR_KEY_COSIGNER     0x04
#define DEBAR_COSIGNED_MAX     INT64_MAX     /* seconds */


/* The public half of a key. */

typedef struct {
    char     name[DEBAR_KEY_NAME + 1];
    uint8_t  type;                /* DEBAR_KEY_ED25519, DEBAR_KEY_COSIGNER */
    uint8_t  id[4];
    uint8_t  pub[32];
} debar_vkey_t;

#define DEBAR_VKEY_TEXT  (DEBAR_KEY_NAME + 1 + 8 + 1 + 44 + 1)

/*
 * "NAME+HEX8+BASE64(type || public key)", the whole of it, no newline.  Refused
 * beside what is malformed: an id that is not the key's, another algorithm, a
 * point that any signature fits (RFC 8032's of small order).  fault names what
 * and says what a key looks like; file: for messages.  type: the one that is
 * taken, 0: either; debar_vkey_parse() takes DEBAR_KEY_ED25519.
 */

int debar_vkey_parse(debar_vkey_t *key, const char *file, const char *data,
    size_t len, debar_fault_t *fault);
int debar_vkey_parse_as(debar_vkey_t *key, unsigned type, const char *file,
    const char *data, size_t len, debar_fault_t *fault);

/* A key from its parts; DEBAR_ERROR: not a name (empty, too long, not UTF-8,
 * with a Unicode space, a control character or a plus), or not a point.
 * debar_vkey_set() makes one of DEBAR_KEY_ED25519. */

int debar_vkey_set(debar_vkey_t *key, const char *name, size_t len,
    const uint8_t pub[32]);
int debar_vkey_set_as(debar_vkey_t *key, unsigned type, const char *name,
    size_t len, const uint8_t pub[32]);

/* Its text with a NUL; the length. */

size_t debar_vkey_text(char out[DEBAR_VKEY_TEXT], const debar_vkey_t *key);

/* True if a and b have the same public key, whatever they are called. */

int debar_vkey_same(const debar_vkey_t *a, const debar_vkey_t *b);


/* A note as read; strings point into the bytes that were given. */

typedef struct {
    debar_str_t  name;
    uint8_t      id[4];
    uint8_t      sig[64];
    unsigned     ed25519:1;       /* 64 bytes, or ... */
    unsigned     timed:1;         /* ... 8 of a time and 64; else of another
                                     algorithm */
    uint64_t     time;            /* seconds since 1970; of timed */
} debar_note_signature_t;

typedef struct {
    debar_str_t             text; /* with its last newline: what is signed */
    debar_note_signature_t  signatures[DEBAR_NOTE_SIGNATURES];
    size_t                  n;
} debar_note_t;

/*
 * Reads len bytes at data, which the note points into.  unsigned_too: a text
 * without blank line and signatures is read as well (a proposal that nobody
 * has signed yet).  DEBAR_ERROR: *fault names file, what is wrong, the remedy.
 */

int debar_note_parse(debar_note_t *note, const char *file, const void *data,
    size_t len, int unsigned_too, debar_fault_t *fault);

/*
 * DEBAR_OK: key signed the text.  DEBAR_DECLINED: there is no line with its
 * name and id.  DEBAR_ERROR: there is one, and it is not a signature of this
 * text, which makes the note one to refuse.
 */

int debar_note_signed(const debar_note_t *note, const debar_vkey_t *key);

/* The same of a witness's key, and when it signed. */

int debar_note_cosigned(const debar_note_t *note, const debar_vkey_t *key,
    uint64_t *seconds);

/* The first signature by key (name and id), whether good or not; NULL: none. */

const debar_note_signature_t *debar_note_find(const debar_note_t *note,
    const debar_vkey_t *key);

/*
 * Adds the signature line of key to out, for text.  private: an EVP_PKEY of
 * OpenSSL, which must be key's other half.  A first signature needs the blank
 * line before it: the caller adds "\n".
 */

struct evp_pkey_st;

int debar_note_sign(debar_buf_t *out, debar_str_t text,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault);

/* A whole note: text, which ends in a newline, and its first signature. */

int debar_note_new(debar_buf_t *out, debar_str_t text,
    const debar_vkey_t *key, struct evp_pkey_st *private,
    debar_fault_t *fault);

/* As debar_note_sign(), of a witness's key, at a time. */

int debar_note_cosign(debar_buf_t *out, debar_str_t text,
    const debar_vkey_t *key, uint64_t seconds, struct evp_pkey_st *private,
    debar_fault_t *fault);

/* A signature that was read, as a line again; nothing of other algorithms. */

void debar_note_line_text(debar_buf_t *out, const debar_note_signature_t *s);


/* Base64 of RFC 4648 section 4: padded, nothing else in it, its last bits 0.
 * Encode: length, out NUL-terminated and 4 * ((len + 2) / 3) + 1 long.
 * Decode: length, -1 if it is none or longer than size. */

size_t debar_base64_encode(char *out, const void *in, size_t len);
int debar_base64_decode(uint8_t *out, size_t size, const char *in, size_t len);


#endif /* DEBAR_NOTE_H */
