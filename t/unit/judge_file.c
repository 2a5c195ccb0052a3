/*
 * What was found in a file, judged: digests, signers, makers, packages, names of
 * members; what could not be read; permits that are pinned.
 */

#include "fixture.h"
#include "judge_file.h"
#include "ident.h"
#include "tap.h"


#define TEXT(s)  debar_str((s), sizeof(s) - 1)

#define DIGEST  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


static char           folder[] = "/tmp/debar-judge-file-XXXXXX";
static debar_list_t  *list;

static const debar_filing_policy_t  policy = {
    DEBAR_LOG, DEBAR_LOG, DEBAR_BLOCK
};

static const char  list_yaml[] =
    "title: Test list\n"
    "publisher: Tests\n"
    "serial: 1\n"
    "channels: none\n"
    "authorities:\n"
    "  law:\n"
    "    title: A law\n"
    "    phases:\n"
    "      - {from: 2018-01-01, browse: log, update: block, download: block,"
    " acquire: block}\n";

static const char  acme_yaml[] =
    "id: acme\n"
    "name: Acme Corporation\n"
    "authorities: [law]\n"
    "names: [{text: Acmesoft, match: anywhere}]\n"
    "hosts: [acme.example]\n"
    "files: [\"acmesetup*.exe\"]\n"
    "sha256: [" DIGEST "]\n"
    "signers: [Acme Lab AO]\n"
    "certificate-organizations: [Acme Holding]\n"
    "packages: {android: [com.acme.guard], npm: [acme-sdk]}\n"
    "permits:\n"
    "  - {url: acme.example/remover.exe, why: the removal tool,"
    " product: Acme Remover}\n"
    "  - {url: acme.example/tool.exe, why: one file only, sha256: "
    DIGEST "}\n"
    "  - {url: acme.example/free.exe, why: any}\n";


static void
facts(debar_facts_t *f, const char *host, const char *target)
{
    memset(f, 0, sizeof(*f));
    f->method = TEXT("GET");
    f->hosts[0] = debar_str(host, strlen(host));
    f->nhosts = 1;
    f->target = debar_str(target, strlen(target));
    f->now = 1735689600;
    f->filing = 1;
}


static debar_found_t
a_file(unsigned type, unsigned depth, const char *name)
{
    debar_found_t  fd;

    memset(&fd, 0, sizeof(fd));
    fd.what = DEBAR_FOUND_FILE;
    fd.type = type;
    fd.depth = depth;
    fd.name = debar_str(name, strlen(name));
    fd.has_sha256 = 1;
    memset(fd.sha256, 0x5a, 32);

    return fd;
}


static debar_found_t
a_signer(unsigned depth, const char *o, const char *cn)
{
    debar_found_t  fd;

    memset(&fd, 0, sizeof(fd));
    fd.what = DEBAR_FOUND_SIGNER;
    fd.depth = depth;
    fd.name = TEXT("authenticode");
    fd.state = DEBAR_SIGNED_HOLDS;
    fd.organization = debar_str(o, strlen(o));
    fd.common_name = debar_str(cn, strlen(cn));

    return fd;
}


static debar_found_t
a_field(unsigned what, unsigned role, const char *name, const char *value)
{
    debar_found_t  fd;

    memset(&fd, 0, sizeof(fd));
    fd.what = what;
    fd.role = role;
    fd.name = debar_str(name, strlen(name));
    fd.value = debar_str(value, strlen(value));

    return fd;
}


/* The verdict on a download from a host, with these findings behind a file. */

static void
judge(debar_verdict_t *v, const char *host, const char *target,
    const debar_found_t *found, size_t n, unsigned bounds, const char *failed)
{
    size_t           i;
    debar_facts_t    f;
    debar_found_t    whole;
    debar_filing_t  *fl;

    facts(&f, host, target);
    debar_judge(list, &f, v);

    fl = debar_filing_new(list, &f, v);
    whole = a_file(DEBAR_FILE_PE, 0, "");

    if (n == 0 || found[0].what != DEBAR_FOUND_FILE || found[0].depth) {
        debar_filing_push(fl, &whole);
    }

    for (i = 0; i < n; i++) {
        debar_filing_push(fl, &found[i]);
    }

    debar_filing_finish(fl, bounds, failed, &policy, v);
    debar_filing_free(fl);
}


static void
one(const debar_found_t *found, size_t n, unsigned verdict, const char *where,
    const char *claim)
{
    debar_verdict_t  v;

    judge(&v, "neutral.example", "/report.pdf", found, n, 0, NULL);
    ok(v.verdict == verdict, "%s", claim);

    if (v.verdict != verdict) {
        printf("#   verdict %s\n", debar_action_name(v.verdict));
    }

    is_str(v.nevidence ? v.evidence[0].where : NULL, where, "... and where");
}


static void
evidence(void)
{
    debar_found_t  fd[4];

    one(NULL, 0, DEBAR_PASS, NULL, "a file without a finding passes");

    fd[0] = a_signer(0, "Acme Lab AO", "somebody");
    one(fd, 1, DEBAR_BLOCK, "content/signer", "a listed organisation blocks");

    fd[0] = a_signer(0, "", "ACME  lab, ao");
    one(fd, 1, DEBAR_BLOCK, "content/signer",
        "a listed common name does, in any spelling");

    fd[0] = a_signer(0, "Acme Lab AO Fan Club", "Acme");
    one(fd, 1, DEBAR_PASS, NULL, "a longer name is another");

    fd[0] = a_signer(0, "Acme Lab AO", "");
    fd[0].state = DEBAR_SIGNED_BROKEN;
    one(fd, 1, DEBAR_BLOCK, "content/signer",
        "a signature that does not hold any more names its signer");

    fd[0] = a_file(DEBAR_FILE_ZIP, 0, "");
    fd[1] = a_file(DEBAR_FILE_ISO, 1, "disc/image.iso");
    fd[2] = a_file(DEBAR_FILE_PE, 2, "bin\\setup.exe");
    fd[3] = a_signer(2, "Acme Lab AO", "");
    one(fd, 4, DEBAR_BLOCK, "content:image.iso/setup.exe/signer",
        "a signer of a member of a member blocks");

    fd[1] = a_file(DEBAR_FILE_PE, 1, "a/ACMEsetup-1.exe");
    one(fd, 2, DEBAR_BLOCK, "content:ACMEsetup-1.exe",
        "the name of a member blocks");

    fd[1] = a_file(DEBAR_FILE_PE, 1, "a/b.exe");
    (void) debar_ident_sha256((char *) fd[1].sha256, 32, DIGEST, 64);
    one(fd, 2, DEBAR_BLOCK, "content:b.exe/sha256",
        "the digest of a member blocks");

    fd[0] = a_file(DEBAR_FILE_UNKNOWN, 0, "");
    memcpy(fd[0].sha256, fd[1].sha256, 32);
    one(fd, 1, DEBAR_BLOCK, "content/sha256", "that of the file blocks");

    fd[0] = a_field(DEBAR_FOUND_PACKAGE, 0, "android", "com.acme.guard");
    one(fd, 1, DEBAR_BLOCK, "content/package", "a listed package blocks");

    fd[0] = a_field(DEBAR_FOUND_PACKAGE, 0, "pypi", "com.acme.guard");
    one(fd, 1, DEBAR_PASS, NULL, "one of another ecosystem does not");

    fd[0] = a_field(DEBAR_FOUND_FIELD, DEBAR_SAYS_MAKER, "CompanyName",
                    "Acme Lab AO");
    one(fd, 1, DEBAR_BLOCK, "content/CompanyName",
        "a maker that is a listed signer blocks");

    fd[0] = a_field(DEBAR_FOUND_FIELD, DEBAR_SAYS_MAKER, "Maintainer",
                    "Acme Holding <dev@acme.example>");
    one(fd, 1, DEBAR_BLOCK, "content/Maintainer",
        "a maintainer with an address does");

    fd[0] = a_field(DEBAR_FOUND_FIELD, DEBAR_SAYS_PRODUCT, "ProductName",
                    "Remover for Acmesoft programs");
    one(fd, 1, DEBAR_LOG, "content/ProductName",
        "a product that says a listed name is recorded, no more");

    fd[0] = a_field(DEBAR_FOUND_FIELD, DEBAR_SAYS_FILE, "OriginalFilename",
                    "AcmeSetup.exe");
    one(fd, 1, DEBAR_BLOCK, "content/OriginalFilename",
        "the file's own name blocks");

    fd[0] = a_field(DEBAR_FOUND_FIELD, DEBAR_SAYS_VERSION, "ProductVersion",
                    "Acmesoft");
    one(fd, 1, DEBAR_PASS, NULL, "a version says nothing");
}


static void
a_name(const char *field, unsigned verdict, const char *claim)
{
    debar_facts_t     f;
    debar_filing_t   *fl;
    debar_verdict_t   v;

    facts(&f, "neutral.example", "/get?id=7");
    debar_judge(list, &f, &v);
    fl = debar_filing_new(list, &f, &v);
    debar_filing_disposition(fl, debar_str(field, strlen(field)),
                             "response:filename");
    debar_filing_finish(fl, 0, NULL, &policy, &v);
    debar_filing_free(fl);

    ok(v.verdict == verdict
       && (verdict == DEBAR_PASS
           || strcmp(v.evidence[0].where, "response:filename") == 0),
       "%s", claim);
}


static void
names(void)
{
    a_name("attachment; filename=AcmeSetup_1.exe", DEBAR_BLOCK,
           "a name that the response gives blocks");
    a_name("attachment; filename=\"Acme\\Setup_1.exe\"", DEBAR_BLOCK,
           "... with quoted pairs");
    a_name("ATTACHMENT; FileName*=utf-8''%61cmesetup.exe", DEBAR_BLOCK,
           "... as RFC 8187 writes it");
    a_name("attachment; filename=x.txt; filename*=UTF-8''acmesetup.exe",
           DEBAR_BLOCK, "... beside another one");
    a_name("attachment; filename=\"=?utf-8?B?YWNtZXNldHVwLmV4ZQ==?=\"",
           DEBAR_BLOCK, "... as RFC 2047 writes it");
    a_name("inline; filename=\"acme%73etup.exe\"", DEBAR_BLOCK,
           "... with percents, which browsers undo");
    a_name("application/octet-stream; name=\"acmesetup.exe\"", DEBAR_BLOCK,
           "... as a parameter of its type");
    a_name("attachment; filename=\"C:\\dir\\acmesetup.exe\"", DEBAR_BLOCK,
           "... with a folder");
    a_name("attachment; filename=acme.pdf", DEBAR_PASS,
           "another name is another");
    a_name("attachment", DEBAR_PASS, "no name is none");
}


static void
unread(void)
{
    debar_found_t    fd;
    debar_verdict_t  v;

    judge(&v, "neutral.example", "/a", NULL, 0, DEBAR_FILE_SEALED, NULL);
    is_int(v.verdict, DEBAR_LOG, "a sealed member is an outcome");
    is_str(v.fault, debar_file_bound_name(DEBAR_FILE_SEALED), "... that says");

    judge(&v, "neutral.example", "/a", NULL, 0, 0, "inspection timed out");
    is_int(v.verdict, DEBAR_BLOCK, "a program that was not read is blocked");
    is_str(v.fault, "inspection timed out", "... and why");

    fd = a_file(DEBAR_FILE_PDF, 0, "");
    judge(&v, "neutral.example", "/a", &fd, 1, 0, "inspection timed out");
    is_int(v.verdict, DEBAR_LOG, "a document that was not is recorded");

    judge(&v, "neutral.example", "/a", NULL, 0, 0, NULL);
    is_int(v.verdict, DEBAR_PASS, "what was read passes");
    is_str(v.fault, NULL, "... without a fault");
}


static void
permits(void)
{
    debar_found_t    fd[3];
    debar_facts_t    f;
    debar_filing_t  *fl;
    debar_verdict_t  v;

    facts(&f, "acme.example", "/remover.exe");
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "a pinned permit holds until the file came");
    ok(debar_filing_pinned(list, &v), "... and it is known that it must");

    f.filing = 0;
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_BLOCK, "where nobody reads the file it does not");

    facts(&f, "acme.example", "/free.exe");
    debar_judge(list, &f, &v);
    is_int(v.verdict, DEBAR_PASS, "one that is not pinned holds");
    ok(!debar_filing_pinned(list, &v), "... whatever the file is");

    fd[0] = a_signer(0, "Acme Lab AO", "");
    judge(&v, "acme.example", "/free.exe", fd, 1, 0, NULL);
    is_int(v.verdict, DEBAR_PASS, "a permit covers who signed the file");

    fd[0] = a_file(DEBAR_FILE_ZIP, 1, "a.zip");
    fd[1] = a_file(DEBAR_FILE_PE, 2, "urls.dat");
    fd[2] = a_signer(2, "Acme Lab AO", "");
    judge(&v, "acme.example", "/free.exe", fd, 3, 0, NULL);
    is_int(v.verdict, DEBAR_PASS, "... and of members, whatever their names");

    facts(&f, "acme.example", "/free.exe");
    debar_judge(list, &f, &v);
    fl = debar_filing_new(list, &f, &v);
    debar_filing_disposition(fl, TEXT("attachment; filename=acmesetup.exe"),
                             "response:filename");
    debar_filing_finish(fl, 0, NULL, &policy, &v);
    debar_filing_free(fl);
    is_int(v.verdict, DEBAR_PASS, "... and the name that the response gives");

    fd[0] = a_signer(0, "Acme Lab AO", "");
    fd[1] = a_field(DEBAR_FOUND_FIELD, DEBAR_SAYS_PRODUCT, "ProductName",
                    "ACME Remover");
    judge(&v, "acme.example", "/remover.exe", fd, 2, 0, NULL);
    is_int(v.verdict, DEBAR_PASS, "pinned to a product: that product passes");
    judge(&v, "acme.example", "/remover.exe", fd, 1, 0, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "... and no other");

    judge(&v, "neutral.example", "/remover.exe", fd, 2, 0, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "... nor that from elsewhere");

    fd[0] = a_file(DEBAR_FILE_PE, 0, "");
    fd[1] = a_signer(0, "Acme Lab AO", "");
    judge(&v, "acme.example", "/tool.exe", fd, 2, 0, NULL);
    is_int(v.verdict, DEBAR_BLOCK, "pinned to a digest: not another file");

    (void) debar_ident_sha256((char *) fd[0].sha256, 32, DIGEST, 64);
    judge(&v, "acme.example", "/tool.exe", fd, 2, 0, NULL);
    is_int(v.verdict, DEBAR_PASS, "... that file");

    judge(&v, "acme.example", "/tool.exe", NULL, 0, 0, "inspection failed");
    is_int(v.verdict, DEBAR_BLOCK, "one that was not read is not that file");
}


int
main(void)
{
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }

    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/acme.yaml", acme_yaml);
    list = fixture_open(folder);

    evidence();
    names();
    unread();
    permits();

    debar_list_close(list);

    return done();
}
