/*
 * Identifiers of goods, files and packages.
 */

#include "tap.h"
#include "ident.h"


#define SHA  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef size_t (*ident_pt)(char *out, size_t size, const char *in, size_t len);

typedef struct {
    const char  *in;
    const char  *out;             /* NULL: not one */
} ident_case_t;


static const ident_case_t  parts[] = {
    { "KL4541XCKFS", "KL4541XCKFS" },
    { "kl-4541-xc-kfs", "KL4541XCKFS" },
    { "KL 4541.XC/KFS", "KL4541XCKFS" },
    { "KL4541X*K*S", "KL4541X*K*S" },
    { "\xef\xbc\xab\xef\xbc\xac" "4541", "KL4541" },
    { "\xd0\x9aL4541", "KL4541" },
    { "KL\xd9\xa4\xd9\xa5\xd9\xa4\xd9\xa1", "KL4541" },
    { "K\xcc\x81L4541", "KL4541" },
    { "KL4541\xe2\x84\xa2", "KL4541" },
    { "KL\xc2\xad" "45\xe2\x80\x8b" "41", "KL4541" },
    { "KL\xe2\x80\x93" "4541", "KL4541" },
    { "KL\x01" "4541", "KL4541" },
    { "ABCD", "ABCD" },
    { "ABC", NULL },
    { "A-B-C", NULL },
    { "", NULL },
    { "----", NULL },
    { "\xd0\x96" "KL4541", NULL },
    { "\xe4\xb8\xad\xe5\x9b\xbd\xe4\xb8\xad\xe5\x9b\xbd", NULL }
};

static const ident_case_t  gtins[] = {
    { "05060486858538", "05060486858538" },
    { "5060486858538", "05060486858538" },
    { "5060486-858538", "05060486858538" },
    { "5 060486 858538", "05060486858538" },
    { "036000291452", "00036000291452" },
    { "96385074", "00000096385074" },
    { "15060486858535", "15060486858535" },
    { "\xef\xbc\x95" "060486858538", "05060486858538" },
    { "5060486\xe2\x80\x93" "858538", "05060486858538" },
    { "5060486\xc2\xa0" "858538", "05060486858538" },
    { "5060486858539", NULL },
    { "5060486858358", NULL },
    { "036000291453", NULL },
    { "1234567", NULL },
    { "963850743", NULL },
    { "0000000000000", NULL },
    { "105060486858538", NULL },
    { "5060486858538x", NULL },
    { "5060486.858538", NULL },
    { "", NULL },
    { "- - -", NULL }
};

static const ident_case_t  ueis[] = {
    { "HWEKRJ3F3N29", "HWEKRJ3F3N29" }, { "hwekrj3f3n29", "HWEKRJ3F3N29" },
    { "D7GNQG8Z26T3", "D7GNQG8Z26T3" },
    { "0WEKRJ3F3N29", NULL }, { "HWEKRJ3F3N2O", NULL },
    { "HWEKRJ3F3N2I", NULL }, { "HWEKRJ3F3N2", NULL },
    { "HWEKRJ3F3N290", NULL }, { "HWEKRJ-F3N29", NULL }, { "", NULL }
};

static const ident_case_t  cages[] = {
    { "1ABC2", "1ABC2" }, { "1abc2", "1ABC2" }, { "00000", "00000" },
    { "1ABC", NULL }, { "1ABC23", NULL }, { "1AB-2", NULL },
    { "1AB\xc3\x9c", NULL }, { "", NULL }
};

static const ident_case_t  files[] = {
    { "setup.exe", "setup.exe" },
    { "/a/b/Setup.EXE", "setup.exe" },
    { "C:\\Users\\x\\Setup.exe", "setup.exe" },
    { "a/b\\c.exe", "c.exe" },
    { "c:setup.exe", "setup.exe" },
    { "setup.exe.", "setup.exe" },
    { "setup.exe. . .", "setup.exe" },
    { "setup.exe::$DATA", "setup.exe" },
    { "setup.exe:Zone.Identifier", "setup.exe" },
    { "setup.exe.:x", "setup.exe" },
    { "set\xc2\xadup.exe", "setup.exe" },
    { "set\xe2\x80\xaeup.exe", "setup.exe" },
    { "set\x01up.exe\x7f", "setup.exe" },
    { "\xef\xbd\x93" "etup.exe", "setup.exe" },
    { "a\xef\xbc\x8fsetup.exe", "setup.exe" },
    { "\xd0\x9a.exe", "\xd0\xba.exe" },
    { " a b .txt", " a b .txt" },
    { "keswin_12.3.exe", "keswin_12.3.exe" },
    { "/a/", NULL }, { "", NULL }, { "...", NULL }, { ":x", NULL }
};

static const ident_case_t  orgs[] = {
    { "AO Kaspersky Lab", "ao kaspersky lab" },
    { "  \"AO  KASPERSKY-LAB\"", "ao kaspersky lab" },
    { "\xd0\x90\xd0\x9e Kaspersky Lab", "ao kaspersky lab" },
    { "AO K\xd0\xb0spersky L\xc3\xa1" "b", "ao kaspersky lab" },
    { "\xd0\x9b\xd0\xb0\xd0\xb1", "\xd0\xbb\xd0\xb0\xd0\xb1" },
    { "...", NULL }, { "", NULL }
};


static void
run(const char *what, ident_pt handler, const ident_case_t *t, size_t n)
{
    char    claim[128], out[DEBAR_MAX_IDENT];
    size_t  len;

    for ( /* void */ ; n--; t++) {
        len = handler(out, sizeof(out), t->in, strlen(t->in));

        if (t->out == NULL) {
            ok(len == 0, "\"%s\" is no %s", t->in, what);
            continue;
        }

        snprintf(claim, sizeof(claim), "\"%s\" is a %s", t->in, what);
        is_mem(out, len, t->out, claim);
        is_int(handler(out, strlen(t->out) - 1, t->in, strlen(t->in)), 0,
               "none where there is no room for it");
    }
}


int
main(void)
{
    char    big[4096], out[DEBAR_MAX_IDENT];
    size_t  n;

    run("part number", debar_ident_part, parts,
        sizeof(parts) / sizeof(parts[0]));
    run("GTIN", debar_ident_gtin, gtins, sizeof(gtins) / sizeof(gtins[0]));
    run("UEI", debar_ident_uei, ueis, sizeof(ueis) / sizeof(ueis[0]));
    run("CAGE code", debar_ident_cage, cages,
        sizeof(cages) / sizeof(cages[0]));
    run("file name", debar_ident_file, files,
        sizeof(files) / sizeof(files[0]));
    run("organisation", debar_ident_org, orgs, sizeof(orgs) / sizeof(orgs[0]));

    ok(debar_ident_sha256(out, sizeof(out), SHA, 64) == 32
       && memcmp(out, "\xe3\xb0\xc4\x42", 4) == 0
       && memcmp(out + 28, "\x78\x52\xb8\x55", 4) == 0, "a SHA-256");
    ok(debar_ident_sha256(out, sizeof(out), "E3B0C44298FC1C149AFBF4C8996FB924"
                          "27AE41E4649B934CA495991B7852B855", 64) == 32
       && memcmp(out, "\xe3\xb0\xc4\x42", 4) == 0, "in capitals");
    is_int(debar_ident_sha256(out, sizeof(out), SHA, 63), 0, "63 digits are"
           " none");
    is_int(debar_ident_sha256(out, sizeof(out), SHA "0", 65), 0, "nor are 65");
    is_int(debar_ident_sha256(out, 31, SHA, 64), 0, "nor without room");
    is_int(debar_ident_sha256(out, sizeof(out), "g3b0c44298fc1c149afbf4c8996f"
                              "b92427ae41e4649b934ca495991b7852b855", 64), 0,
           "nor a letter beyond f");

    n = debar_ident_package(out, sizeof(out), "Android", 7, "Com.KMS.Free",
                            12);
    is_mem(out, n, "android:com.kms.free", "a package and its ecosystem");
    n = debar_ident_package(out, sizeof(out), "msi", 3,
                            "{ABCDDCBA-86C7-4D14-AEC0-86416A69ABDE}", 38);
    is_mem(out, n, "msi:abcddcba-86c7-4d14-aec0-86416a69abde",
           "a GUID without its braces");
    n = debar_ident_package(out, sizeof(out), "docker", 6,
                            "Docker.io/library/rocket:1.0@sha256:ab", 38);
    is_mem(out, n, "docker:rocket", "an image without what goes without"
           " saying");
    n = debar_ident_package(out, sizeof(out), "oci", 3,
                            "host.example:5000/acme/rocket", 29);
    is_mem(out, n, "oci:host.example:5000/acme/rocket", "a port is no tag");
    n = debar_ident_package(out, sizeof(out), "docker", 6, "library/", 8);
    is_mem(out, n, "docker:library/", "an owner alone");
    is_int(debar_ident_package(out, sizeof(out), "docker", 6, "@a", 2), 0,
           "a digest alone is no image");
    is_int(debar_ident_package(out, sizeof(out), "", 0, "a", 1), 0,
           "no ecosystem, no package");
    is_int(debar_ident_package(out, sizeof(out), "a", 1, "", 0), 0,
           "no identifier, no package");
    is_int(debar_ident_package(out, 9, "android", 7, "ab", 2), 0,
           "nor without room");
    is_int(debar_ident_package(out, 7, "android", 7, "ab", 2), 0,
           "for the ecosystem alone");

    memset(big, 'A', sizeof(big));
    is_int(debar_ident_part(out, sizeof(out), big, sizeof(big)), 0,
           "what is too long is no part number");
    is_int(debar_ident_part(out, sizeof(out), big, sizeof(out)), sizeof(out),
           "256 letters are");
    is_int(debar_ident_file(out, sizeof(out), big, sizeof(big)), 0,
           "nor a file name");
    is_int(debar_ident_gtin(out, sizeof(out), big, sizeof(big)), 0,
           "nor a GTIN");
    is_int(debar_ident_org(out, sizeof(out), big, sizeof(big)), 0,
           "nor an organisation");

    return done();
}
