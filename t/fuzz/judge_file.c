/*
 * What an inspector says, judged (libFuzzer): findings go through frames of its
 * socket into a filing, whatever order and depth they come in.
 *
 * Input: a byte of flags, a byte of bounds, a Content-Disposition up to a line
 * feed, then findings: five bytes (what and whether a digest follows, depth,
 * type, role, state) and five lines (name, value, organisation, common name,
 * issuer); a digest is the issuer's bytes.
 */

#include "../unit/fixture.h"
#include "file_wire.h"
#include "ident.h"
#include "judge_file.h"
#include "record.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

#define DIGEST  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

enum { F_FAILED = 1, F_PERMIT = 2, F_PINNED = 4, F_STRICT = 8 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  list_yaml[] =
    "title: Fuzz\n"
    "publisher: Tests\n"
    "serial: 1\n"
    "channels: none\n"
    "authorities:\n"
    "  a:\n"
    "    title: A\n"
    "    phases: [{from: 2000-01-01, browse: log, acquire: block,"
    " download: block, update: block}]\n";

static const char  vendor_yaml[] =
    "id: v\n"
    "name: V\n"
    "authorities: [a]\n"
    "names: [{text: Globex, match: anywhere}, {text: Acme Soft, match: word}]\n"
    "hosts: [v.example]\n"
    "files: [\"gxsetup_*.exe\", tool.bin, {pattern: \"(ab|cd)[0-9]+\\\\.msi\"}]\n"
    "sha256: [" DIGEST "]\n"
    "signers: [Acme Lab AO]\n"
    "certificate-organizations: [Acme Holding]\n"
    "packages: {android: [com.acme.guard], npm: [\"@acme/sdk\"],"
    " pypi: [acme-sdk]}\n"
    "permits: [{url: v.example/ok.exe, why: Removal},"
    " {url: v.example/one.exe, why: One, product: Acme Remover},"
    " {url: v.example/digest.exe, why: One, sha256: " DIGEST "}]\n";

static debar_list_t  *list;


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char    folder[] = "/tmp/debar-fuzz-XXXXXX";
    char    path[64];
    size_t  i;

    static const char  *made[] = { "list.yaml", "vendors/v.yaml", "vendors",
                                   "list.mdb", "list.mdb.serial", "" };

    claim(mkdtemp(folder) != NULL);
    fixture_put(folder, "list.yaml", list_yaml);
    fixture_put(folder, "vendors/v.yaml", vendor_yaml);
    list = fixture_open(folder);

    for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, made[i]);
        (void) remove(path);
    }

    return 0;
}


static debar_str_t
line(const char **p, const char *end)
{
    const char   *eol;
    debar_str_t   s;

    eol = memchr(*p, '\n', end - *p);
    eol = eol != NULL ? eol : end;
    s = debar_str(*p, eol - *p);
    *p = eol < end ? eol + 1 : end;

    return s;
}


/* The next finding as a worker gets it, or nothing. */

static int
finding(const char **p, const char *end, debar_file_frame_t *f, uint8_t *wire)
{
    size_t              n;
    const uint8_t      *b = (const uint8_t *) *p;
    debar_file_frame_t  out;

    memset(&out, 0, sizeof(out));
    out.kind = DEBAR_FW_FOUND;
    out.found.what = b[0] & 7;
    out.found.has_sha256 = b[0] >> 7;
    out.found.depth = b[1];
    out.found.type = b[2];
    out.found.role = b[3];
    out.found.state = b[4] & 3;
    *p += 5;

    out.found.name = line(p, end);
    out.found.value = line(p, end);
    out.found.organization = line(p, end);
    out.found.common_name = line(p, end);
    out.found.issuer = line(p, end);

    if (out.found.has_sha256 && out.found.issuer.len == 0) {
        (void) debar_ident_sha256((char *) out.found.sha256, 32, DIGEST, 64);
    }

    n = debar_file_frame_write(wire, DEBAR_FILE_FRAME, &out);

    return n != 0 && debar_file_frame_read(f, wire, n) == DEBAR_OK;
}


static void
claims(const debar_facts_t *f, const debar_verdict_t *v)
{
    char                     text[DEBAR_MAX_RECORD];
    size_t                   i, n;
    debar_record_t           r;
    const debar_evidence_t  *ev;

    claim(v->verdict <= DEBAR_BLOCK && v->activity >= DEBAR_DOWNLOAD);
    claim(v->nevidence <= DEBAR_MAX_EVIDENCE && v->pin == NULL);

    for (i = 0; i < v->nevidence; i++) {
        ev = &v->evidence[i];

        claim(ev->action <= ev->raw_action && ev->action <= v->verdict);
        claim(i == 0 || ev->action <= ev[-1].action);
        claim(memchr(ev->where, '\0', DEBAR_WHERE) != NULL);
        claim(memchr(ev->value, '\0', DEBAR_VALUE) != NULL);
    }

    memset(&r, 0, sizeof(r));
    memset(r.incident, 'a', 32);
    r.gateway = debar_str("gw", 2);
    r.surface = debar_str("http", 4);
    r.client = debar_str("192.0.2.1:1", 11);
    r.method = f->method;
    r.url = f->target;
    r.mode = debar_str("enforce", 7);

    n = debar_record_line(text, sizeof(text), &r, list, v);
    claim(n > 2 && n <= sizeof(text) && text[n - 1] == '\n');

    for (i = 0; i < n - 1; i += debar_utf8_len(text + i, n - i)) {
        claim((uint8_t) text[i] >= 0x20);
        claim(debar_utf8_len(text + i, n - i) != 0);
    }
}


/* What no permit can lift, and what every one must. */

static void
outcome(const debar_verdict_t *first, const debar_verdict_t *v, unsigned flags,
    unsigned digest)
{
    if (!(flags & (F_PERMIT | F_PINNED))) {
        claim(v->verdict >= first->verdict);
        claim(!digest || v->verdict == DEBAR_BLOCK);

    } else if (flags & F_PERMIT) {
        claim(v->verdict <= DEBAR_LOG);
    }

    if (flags & F_FAILED) {
        claim(v->verdict >= DEBAR_LOG);
    }
}


static void
request(debar_facts_t *f, unsigned flags)
{
    const char  *host, *target;

    host = flags & (F_PERMIT | F_PINNED) ? "v.example" : "neutral.example";
    target = flags & F_PERMIT ? "/ok.exe"
             : flags & F_FAILED ? "/digest.exe" : "/one.exe";

    memset(f, 0, sizeof(*f));
    f->method = debar_str("GET", 3);
    f->scheme = debar_str("https", 5);
    f->hosts[0] = debar_str(host, strlen(host));
    f->nhosts = 1;
    f->target = debar_str(target, strlen(target));
    f->now = 1700000000;
    f->filing = 1;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t                 *wire;
    unsigned                 flags, digest;
    const char              *p, *end, *failed;
    debar_facts_t            f;
    debar_filing_t          *fl;
    debar_file_frame_t       frame;
    debar_filing_policy_t    policy = { DEBAR_LOG, DEBAR_LOG, DEBAR_BLOCK };
    static debar_verdict_t   first, v;

    if (size < 2) {
        return 0;
    }

    flags = data[0];
    p = (const char *) data + 2;
    end = (const char *) data + size;
    digest = 0;
    failed = flags & F_FAILED ? "inspection failed" : NULL;

    if (flags & F_STRICT) {
        policy.sealed = policy.unread = DEBAR_BLOCK;
    }

    request(&f, flags);
    debar_judge(list, &f, &first);

    fl = debar_filing_new(list, &f, &first);
    claim(fl != NULL);
    debar_filing_disposition(fl, line(&p, end), "response:filename");

    wire = malloc(DEBAR_FILE_FRAME);

    while (end - p > 5) {
        if (finding(&p, end, &frame, wire)) {
            debar_filing_push(fl, &frame.found);
            digest |= frame.found.what == DEBAR_FOUND_FILE
                      && frame.found.has_sha256
                      && frame.found.issuer.len == 0;
        }
    }

    free(wire);

    debar_filing_finish(fl, data[1], failed, &policy, &v);
    claims(&f, &v);
    outcome(&first, &v, flags, digest);
    debar_filing_free(fl);

    return 0;
}
