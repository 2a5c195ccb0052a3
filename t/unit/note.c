/*
 * Signed notes.  The vectors are those of golang.org/x/mod/sumdb/note, which
 * the specification grew from, and of the specification itself.
 */

#include "tap.h"
#include "note.h"

#include <stdlib.h>
#include <openssl/evp.h>


#define DASH  "\xe2\x80\x94 "
#define TEXT  "If you think cryptography is the answer to your problem,\n" \
              "then you don't know what your problem is.\n"
#define PETER  "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/" \
               "LDE4izWy10TW"
#define SEED   "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define ENOCH  "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLW" \
               "dop"
#define PETER_SIG  DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pA" \
                   "cElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define ENOCH_SIG  DASH "EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOX" \
                   "m2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
#define OTHER  DASH "someone.else x08go/Y=\n"


static debar_note_t   note;
static debar_vkey_t   peter, enoch;
static debar_fault_t  fault;


static int
parse(const char *s)
{
    char  *copy;
    int    rc;
    size_t  n;

    /* no NUL behind it */

    n = strlen(s);
    copy = malloc(n ? n : 1);
    memcpy(copy, s, n);
    rc = debar_note_parse(&note, "manifest", copy, n, 0, &fault);
    free(copy);

    return rc;
}


static int
by(const char *s, const debar_vkey_t *key)
{
    if (debar_note_parse(&note, "manifest", s, strlen(s), 0, &fault)
        != DEBAR_OK)
    {
        return -100;
    }

    return debar_note_signed(&note, key);
}


static int
vkey(debar_vkey_t *key, const char *s)
{
    return debar_vkey_parse(key, "a.pub", s, strlen(s), &fault);
}


static void
keys(void)
{
    char          out[DEBAR_VKEY_TEXT];
    size_t        i;
    debar_vkey_t  key;

    static const char *const  bad[] = {
        "", "+", "Peter", "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        "PeterNeumann+c74f20a3+AhpcYuCU3fOIQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    };

    is_int(vkey(&peter, PETER), DEBAR_OK, "a key of the Go tests is read");
    is_int(vkey(&enoch, ENOCH), DEBAR_OK, "and another");
    is_str(peter.name, "PeterNeumann", "its name");
    debar_vkey_text(out, &peter);
    is_str(out, PETER, "and written the same again");

    is_int(vkey(&key, "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2L"
                "KaANYcrnKv3U2k"), DEBAR_OK,
           "the key of the specification's example is read");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(vkey(&key, bad[i]) == DEBAR_ERROR, "no key: %s", bad[i]);
    }

    memset(key.pub, 0, sizeof(key.pub));
    is_int(debar_vkey_set(&key, "zero", 4, key.pub), DEBAR_ERROR,
           "a point of small order is no key");
    key.pub[0] = 1;
    key.pub[31] = 0x80;
    is_int(debar_vkey_set(&key, "one", 3, key.pub), DEBAR_ERROR,
           "nor is the neutral one with the other sign");
    is_int(debar_vkey_set(&key, "a\xe2\x80\x83" "b", 5, peter.pub), DEBAR_ERROR,
           "a name has no space of Unicode");
}


static void
notes(void)
{
    is_int(by(TEXT "\n" PETER_SIG, &peter), DEBAR_OK, "a note is verified");
    is_mem(note.text.data, note.text.len, TEXT, "its text");
    is_int(by(TEXT "\n" PETER_SIG ENOCH_SIG, &enoch), DEBAR_OK,
           "so is the second signature");
    is_int(by(TEXT "\n" OTHER ENOCH_SIG PETER_SIG, &peter), DEBAR_OK,
           "in any order, behind those of unknown keys");
    is_int((long long) note.n, 3, "all of which are read");
    is_int(by(TEXT "\n" PETER_SIG, &enoch), DEBAR_DECLINED,
           "who did not sign did not");
    is_int(by("x" TEXT "\n" PETER_SIG, &peter), DEBAR_ERROR,
           "a signature of another text is one to refuse");
    is_int(by(TEXT "\n\n" PETER_SIG, &peter), DEBAR_ERROR,
           "an empty line more is another text");
    is_int(by("\n" TEXT "\n" PETER_SIG, &peter), DEBAR_ERROR,
           "in front, too");
    is_int(by(TEXT "\n" ENOCH_SIG "\n" PETER_SIG, &peter), DEBAR_ERROR,
           "a text is all before the last blank line, signatures or not");
    is_int(by(TEXT "\n" DASH "PeterNeumann x08go/Y=\n" PETER_SIG, &peter),
           DEBAR_ERROR, "the first line of a key is what counts");
}


static void
malformed(void)
{
    char    *big;
    size_t   i, n;

    static const char *const  bad[] = {
        "", "\n", "\n\n", TEXT, TEXT "\n", TEXT PETER_SIG, TEXT "\n\n",
        TEXT "\n" DASH "PeterNeumann\n", TEXT "\n" DASH "PeterNeumann \n",
        TEXT "\n" DASH " x08go/Y=\n", TEXT "\n" DASH "a x08go/Y\n",
        TEXT "\n" DASH "a x08g\n",             /* an id, and no signature */
        TEXT "\n" DASH "a x08go/Z=\n",         /* bits behind the end */
        TEXT "\n" DASH "a+b x08go/Y=\n", TEXT "\n" DASH "a\xc2\xa0 x08go/Y=\n",
        TEXT "\n-- a x08go/Y=\n", TEXT "\n" DASH "a x08go/Y= \n",
        TEXT "\n" DASH "a  x08go/Y=\n", TEXT "\n" DASH "a x08g=/Y=\n",
        TEXT "\n" DASH "a x08go/Y=", "\x01" TEXT "\n" OTHER,
        "\xff" TEXT "\n" OTHER, "\xed\xa0\x80" TEXT "\n" OTHER,
        TEXT "\n" OTHER "and more\n", "tab\there\n\n" OTHER,
    };

    is_int(parse(TEXT "\n" OTHER), DEBAR_OK, "a note of an unknown key is one");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(parse(bad[i]) == DEBAR_ERROR, "malformed note %zu is refused", i);
    }

    is_int(parse("a\r\n\r\n" DASH "a x08go/Y=\r\n"), DEBAR_ERROR,
           "lines with CR LF are refused");
    ok(strstr(fault.text, "CR LF") != NULL, "and are named: %s", fault.text);

    is_int(debar_note_parse(&note, "m", TEXT, strlen(TEXT), 1, &fault),
           DEBAR_OK, "a text alone is read where that is asked for");
    is_int((long long) note.n, 0, "without signatures");

    n = DEBAR_NOTE_MAX + 1;
    big = malloc(n);
    memset(big, 'a', n);
    big[n - 2 - strlen(OTHER)] = '\n';
    big[n - 1 - strlen(OTHER)] = '\n';
    memcpy(big + n - strlen(OTHER), OTHER, strlen(OTHER));
    is_int(debar_note_parse(&note, "m", big + 1, n - 1, 0, &fault), DEBAR_OK,
           "a note of 1 MiB is read");
    is_int(debar_note_parse(&note, "m", big, n, 0, &fault), DEBAR_ERROR,
           "one of a byte more is not");

    n = (size_t) sprintf(big, "a\n\n");

    for (i = 0; i < 101; i++) {
        n += (size_t) sprintf(big + n, OTHER);

        if (i == 99) {
            is_int(debar_note_parse(&note, "m", big, n, 0, &fault), DEBAR_OK,
                   "100 signatures are read");
        }
    }

    is_int(debar_note_parse(&note, "m", big, n, 0, &fault), DEBAR_ERROR,
           "101 are not");
    free(big);
}


static void
signing(void)
{
    char          want[256];
    uint8_t       seed[33];
    EVP_PKEY     *key;
    debar_buf_t   out;
    debar_str_t   text = debar_string(TEXT);

    memset(&out, 0, sizeof(out));
    is_int(debar_base64_decode(seed, sizeof(seed), SEED, strlen(SEED)), 33,
           "a private key of the Go tests");
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed + 1, 32);

    is_int(debar_note_sign(&out, text, &peter, key, &fault), DEBAR_OK,
           "signs");
    snprintf(want, sizeof(want), "%s", PETER_SIG);
    is_mem(out.data, out.len, want, "byte for byte as there");
    is_int(debar_note_sign(&out, text, &enoch, key, &fault), DEBAR_ERROR,
           "not in the name of another");
    is_int((long long) out.len, (long long) strlen(want), "nothing is added");

    EVP_PKEY_free(key);
    debar_buf_free(&out);
}


/* The vectors of https://c2sp.org/tlog-cosignature have no key; what has one is
 * a witness of the public network. */

#define REMORA  "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x" \
                "7onlmtw2"
#define WITNESS  "MCowBQYDK2VwAyEApTPPKyRu6Q3PoMkeY+/sNni0biF4vnVTYRHbVNA31mY="
#define ANDROID  "developers.google.com/android/binary_transparency/google1p/0\n" \
                 "5\nxqaCEZhTGZUuKNA7MpSyxe1WXiiESB2p+crAyzM+Vxo=\n"
#define COSIGNED  "r0xBJQAAAABnkyoLuHgN5KlIUUpZV9hulwsFcgqV5v1CyeIhBZWdkfOJT0im" \
                  "s1LqbYygO5MEl91CGha5sP79K57P7lIGrz7Qtx8eBw=="
#define SOFA  "example.com/behind-the-sofa\n20852163\n" \
              "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define SOFA_SIG  DASH "witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe" \
                  "9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+" \
                  "mbIUBkBIfZ+qnA==\n"


static void
witnesses(void)
{
    char          text[DEBAR_VKEY_TEXT], b64[128], all[512];
    uint8_t       raw[76], der[44], seed[33];
    uint64_t      when;
    EVP_PKEY     *private;
    debar_buf_t   out;
    debar_vkey_t  key, plain;

    is_int(vkey(&key, REMORA), DEBAR_ERROR,
           "a witness's key is not one that approves");
    ok(strstr(fault.text, "witness") != NULL, "and is named: %s", fault.text);
    is_int(debar_vkey_parse_as(&key, DEBAR_KEY_COSIGNER, "w", PETER,
                               strlen(PETER), &fault), DEBAR_ERROR,
           "nor the other way");
    is_int(debar_vkey_parse_as(&key, DEBAR_KEY_COSIGNER, "w", REMORA,
                               strlen(REMORA), &fault), DEBAR_OK,
           "the key of a witness of the network is read");
    debar_vkey_text(text, &key);
    is_str(text, REMORA, "and written the same again");

    is_int(by(SOFA "\n" SOFA_SIG, &key), DEBAR_DECLINED,
           "the specification's example is a note");
    ok(note.signatures[0].timed && note.signatures[0].time == 1679315147,
       "of that time");
    memset(&out, 0, sizeof(out));
    debar_note_line_text(&out, &note.signatures[0]);
    is_mem(out.data, out.len, SOFA_SIG, "and its line is written again");
    out.len = 0;

    /* what the witness signed, in a note of a name that makes the id another */

    is_int(debar_base64_decode(der, sizeof(der), WITNESS, strlen(WITNESS)), 44,
           "a witness's public key");
    is_int(debar_base64_decode(raw, sizeof(raw), COSIGNED, strlen(COSIGNED)),
           76, "and its cosignature");
    is_int(debar_vkey_set_as(&key, DEBAR_KEY_COSIGNER, "w", 1, der + 12),
           DEBAR_OK, "a key of it");
    memcpy(raw, key.id, 4);
    debar_base64_encode(b64, raw, sizeof(raw));
    snprintf(all, sizeof(all), ANDROID "\n" DASH "w %s\n", b64);
    when = 0;
    (void) by(all, &key);
    is_int(debar_note_cosigned(&note, &key, &when), DEBAR_OK,
           "is verified over the time and the text");
    is_int((long long) when, 1737697803, "of its time");
    is_int(debar_note_signed(&note, &key), DEBAR_ERROR,
           "and is no signature of the text alone");

    raw[11] ^= 1;
    debar_base64_encode(b64, raw, sizeof(raw));
    snprintf(all, sizeof(all), ANDROID "\n" DASH "w %s\n", b64);
    (void) by(all, &key);
    is_int(debar_note_cosigned(&note, &key, &when), DEBAR_ERROR,
           "another time is another message");
    raw[11] ^= 1;
    raw[4] |= 0x80;
    debar_base64_encode(b64, raw, sizeof(raw));
    snprintf(all, sizeof(all), ANDROID "\n" DASH "w %s\n", b64);
    (void) by(all, &key);
    is_int(debar_note_cosigned(&note, &key, &when), DEBAR_ERROR,
           "a time beyond 2^63 - 1 is none");

    /* our own: what is signed by a key of one type is nothing by the other */

    (void) debar_base64_decode(seed, sizeof(seed), SEED, strlen(SEED));
    private = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed + 1, 32);
    (void) debar_vkey_set_as(&key, DEBAR_KEY_COSIGNER, "w", 1, peter.pub);
    (void) debar_vkey_set(&plain, "w", 1, peter.pub);
    ok(memcmp(key.id, plain.id, 4) != 0, "the types have ids of their own");

    debar_buf_add(&out, SOFA "\n", strlen(SOFA) + 1);
    is_int(debar_note_cosign(&out, debar_str(SOFA, strlen(SOFA)), &key, 7,
                             private, &fault), DEBAR_OK, "a cosignature");
    is_int(debar_note_parse(&note, "n", out.data, out.len, 0, &fault),
           DEBAR_OK, "makes a note");
    is_int(debar_note_cosigned(&note, &key, &when), DEBAR_OK, "and holds");
    is_int((long long) when, 7, "with its time");
    is_int(debar_note_cosigned(&note, &plain, &when), DEBAR_DECLINED,
           "for its type alone");
    is_int(debar_note_sign(&out, debar_str(SOFA, 1), &key, private, &fault),
           DEBAR_ERROR, "a witness's key signs no text");
    is_int(debar_note_cosign(&out, debar_str(SOFA, 1), &plain, 7, private,
                             &fault), DEBAR_ERROR, "another cosigns nothing");
    is_int(debar_note_cosign(&out, debar_str(SOFA, 1), &key, 1ULL << 63,
                             private, &fault), DEBAR_ERROR,
           "and no time beyond");

    EVP_PKEY_free(private);
    debar_buf_free(&out);
}


static void
base64(void)
{
    char     text[16];
    uint8_t  raw[8];

    debar_base64_encode(text, "foobar", 6);
    is_str(text, "Zm9vYmFy", "RFC 4648: foobar");
    debar_base64_encode(text, "fooba", 5);
    is_str(text, "Zm9vYmE=", "fooba");
    debar_base64_encode(text, "foob", 4);
    is_str(text, "Zm9vYg==", "foob");
    is_int(debar_base64_decode(raw, 8, "Zm9vYg==", 8), 4, "and back");
    is_mem((char *) raw, 4, "foob", "foob");
    is_int(debar_base64_decode(raw, 8, "Zm9vYmE=", 8), 5, "and back");
    is_mem((char *) raw, 5, "fooba", "fooba");
    is_int(debar_base64_decode(raw, 4, "Zm9vYmE=", 8), -1, "not beyond a size");
    is_int(debar_base64_decode(raw, 8, "====", 4), -1, "padding alone");
    is_int(debar_base64_decode(raw, 8, "Z===", 4), -1, "too much of it");
    is_int(debar_base64_decode(raw, 8, "Zg==Zg==", 8), -1, "in the middle");
}


int
main(void)
{
    base64();
    keys();
    notes();
    malformed();
    signing();
    witnesses();

    return done();
}
