/*
 * The engine over any request (libFuzzer): bytes become facts, facts a verdict
 * and a line of audit.  Claims that hold for each of them are in claims();
 * the hot path is held against the full look.
 *
 * Input: a byte of flags, then lines: target, authority, Host fields, method.
 */

#include "judge_private.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

#define MAX_LINES  8

enum {
    F_CONNECT = 1, F_HTTPS = 2, F_INSPECTING = 4, F_HOST = 8, F_REFUSED = 16,
    F_ORIGIN = 32
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const char  list_yaml[] =
    "title: Fuzz\n"
    "publisher: Tests\n"
    "serial: 1\n"
    "authorities:\n"
    "  a:\n"
    "    title: A\n"
    "    phases: [{from: 2000-01-01, browse: log, acquire: block,"
    " download: block, update: block}]\n";

static const char  vendor_yaml[] =
    "id: v\n"
    "name: V\n"
    "authorities: [a]\n"
    "names: [{text: Globex, match: anywhere}, {text: Acme Soft, match: word},"
    " {text: Zorg}, {text: Глобекс, match: anywhere}]\n"
    "not-names: [globexwald]\n"
    "hosts: [globex.example, {host: x.gl, subdomains: false},"
    " {pattern: \"dl[0-9]+\\\\.cdn\\\\.example\"}]\n"
    "urls: [{url: s.example/a/b}, {url: \"s.example/buy?sku=47\"}]\n"
    "networks: [192.0.2.66/32, \"2001:db8:66::/48\"]\n"
    "files: [\"gxsetup_*.exe\", tool.bin, {pattern: \"(ab|cd)[0-9]+\\\\.msi\"}]\n"
    "part-numbers: [GX4541XYZ, {pattern: \"QX[0-9]{4}[A-Z]{2,4}\"}]\n"
    "gtins: [\"05060486858538\"]\n"
    "permits: [{url: globex.example/ok/tool.exe, why: Removal},"
    " {host: news.globex.example, why: News}]\n";

static debar_list_t  *list;


static void
put(const char *folder, const char *name, const char *text)
{
    char   path[256];
    FILE  *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);

    f = fopen(path, "w");
    claim(f != NULL);
    claim(fputs(text, f) >= 0);
    claim(fclose(f) == 0);
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char                folder[] = "/tmp/debar-fuzz-XXXXXX";
    char                path[64];
    size_t              i;
    debar_fault_t       fault;
    debar_source_t      src;
    debar_errors_t      errors;
    debar_open_opts_t   open;
    debar_build_info_t  info;
    debar_build_opts_t  opts;

    static const char  *made[] = { "list.yaml", "vendors/v.yaml", "vendors",
                                   "list.mdb", "list.mdb.serial", "" };

    memset(&errors, 0, sizeof(errors));
    memset(&opts, 0, sizeof(opts));
    memset(&open, 0, sizeof(open));
    open.uid = DEBAR_ANY_OWNER;

    claim(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/vendors", folder);
    claim(mkdir(path, 0755) == 0);
    put(folder, "list.yaml", list_yaml);
    put(folder, "vendors/v.yaml", vendor_yaml);

    if (debar_source_read(&src, folder, &errors, NULL, NULL) != DEBAR_OK) {
        for (i = 0; i < errors.n; i++) {
            fprintf(stderr, "%s:%u: %s\n", errors.list[i].file,
                    errors.list[i].line, errors.list[i].text);
        }

        abort();
    }

    snprintf(path, sizeof(path), "%s/list.mdb", folder);
    claim(debar_snapshot_build(&src, path, &opts, &info, &fault) == DEBAR_OK);
    debar_source_free(&src);

    list = debar_list_open(path, &open, &fault);
    claim(list != NULL);

    for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, made[i]);
        (void) remove(path);
    }

    return 0;
}


static void
claims(const debar_verdict_t *v)
{
    unsigned                 i;
    const debar_evidence_t  *ev;

    claim(v->verdict <= DEBAR_BLOCK && v->activity < DEBAR_ACTIVITIES);
    claim(v->nevidence <= DEBAR_MAX_EVIDENCE && v->port <= 65535);
    claim(v->verdict != DEBAR_REJECT || v->fault != NULL);
    claim(v->fault == NULL || v->verdict >= DEBAR_REJECT);

    /* what is let through says where to */

    if (v->verdict < DEBAR_REJECT) {
        claim(v->host.len != 0 && v->host.spelt == DEBAR_SPELT_PLAIN);
        claim(v->host.name[v->host.len] == '\0');
    }

    for (i = 0; i < v->nevidence; i++) {
        ev = &v->evidence[i];

        claim(ev->action <= ev->raw_action);
        claim(ev->action <= v->verdict || v->inspect);
        claim(i == 0 || ev->action <= ev[-1].action);
        claim(memchr(ev->where, '\0', DEBAR_WHERE) != NULL);
        claim(memchr(ev->value, '\0', DEBAR_VALUE) != NULL);
        claim((ev->authorities != 0) == (ev->action != DEBAR_PASS));
    }
}


/* Compared by what another look must say too. */

static void
alike(const debar_verdict_t *a, const debar_verdict_t *b)
{
    claim(a->verdict == b->verdict && a->activity == b->activity);
    claim(a->nevidence == b->nevidence && a->port == b->port);
    claim(a->host.len == b->host.len
          && memcmp(a->host.name, b->host.name, a->host.len) == 0);
    claim((a->fault == NULL) == (b->fault == NULL));
}


static void
record(const debar_facts_t *f, const debar_verdict_t *v, debar_str_t url)
{
    char            line[DEBAR_MAX_RECORD];
    size_t          i, n;
    debar_record_t  r;

    memset(&r, 0, sizeof(r));
    r.msec = 1700000000000;
    memset(r.incident, 'a', 32);
    r.gateway = debar_str("gw", 2);
    r.surface = debar_str("http", 4);
    r.client = debar_str("192.0.2.1:1", 11);
    r.user = f->authority.data ? f->authority : r.gateway;
    r.method = f->method;
    r.url = url;
    r.mode = debar_str("enforce", 7);

    n = debar_record_line(line, sizeof(line), &r, list, v);
    claim(n > 2 && n <= sizeof(line));
    claim(line[0] == '{' && line[n - 2] == '}' && line[n - 1] == '\n');

    for (i = 0; i < n - 1; i += debar_utf8_len(line + i, n - i)) {
        claim((uint8_t) line[i] >= 0x20);
        claim(debar_utf8_len(line + i, n - i) != 0);
    }
}


/* Nothing that the hot path lets go gives evidence. */

static void
held_against_full(const debar_facts_t *f, const debar_host_t *h)
{
    static debar_verdict_t  full;

    debar_verdict_init(&full);
    debar_match_host(list, &full, h, "host", DEBAR_BLOCK);
    debar_match_url(list, &full, h, f->target);
    claim(full.nevidence == 0);
}


static void
judge(debar_facts_t *f)
{
    uint8_t                 addr[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2,
                                         66 };
    static debar_verdict_t  again, v;

    debar_judge(list, f, &v);
    claims(&v);
    debar_judge(list, f, &again);
    alike(&v, &again);
    record(f, &v, f->target);

    if (v.verdict == DEBAR_PASS && v.nevidence == 0 && !f->connect) {
        held_against_full(f, &v.host);
    }

    /* a name that leads to a listed address is refused all the same */

    if (v.verdict < DEBAR_REJECT) {
        claim(!debar_address_clean(list, addr, 0, NULL));
        debar_judge_address(list, f, &v, addr, 64496, "ZZ");
        claims(&v);
        claim(v.nevidence != 0);
        record(f, &v, f->target);
    }
}


/* The case of a host, and a dot behind it, do not matter. */

static void
respelt(debar_facts_t *f)
{
    char                    host[DEBAR_MAX_HOST + 2];
    size_t                  i;
    debar_facts_t           g;
    static debar_verdict_t  a, b;

    debar_judge(list, f, &a);

    if (a.fault || a.host.type != DEBAR_HOST_NAME || a.port
        || a.host.len == DEBAR_MAX_HOST)
    {
        return;
    }

    for (i = 0; i < a.host.len; i++) {
        host[i] = a.host.name[i] >= 'a' && a.host.name[i] <= 'z'
                  ? a.host.name[i] & ~0x20 : a.host.name[i];
    }

    host[i++] = '.';

    g = *f;
    g.nhosts = 1;
    g.hosts[0] = debar_str(host, i);
    g.authority = g.hosts[0];

    debar_judge(list, &g, &b);
    alike(&a, &b);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                    *in, *p, *end, *eol;
    unsigned                 n;
    debar_str_t              lines[MAX_LINES];
    debar_facts_t            f;
    static debar_verdict_t   v;

    if (size < 1) {
        return 0;
    }

    in = malloc(size);
    memcpy(in, data + 1, size - 1);
    end = in + size - 1;

    memset(&f, 0, sizeof(f));
    f.now = 1700000000;

    if (data[0] & F_REFUSED) {
        debar_judge_refused(list, in, size - 1, "refused", f.now, &v);
        claims(&v);
        claim(v.verdict >= DEBAR_REJECT);
        record(&f, &v, debar_str(in, size - 1));
        free(in);
        return 0;
    }

    for (n = 0, p = in; p <= end && n < MAX_LINES; p = eol + 1) {
        eol = p < end ? memchr(p, '\n', end - p) : NULL;
        eol = eol ? eol : end;
        lines[n++] = debar_str(p, eol - p);
    }

    f.method = n > 3 ? lines[--n] : debar_str("GET", 3);
    f.connect = data[0] & F_CONNECT;
    f.inspecting = data[0] & F_INSPECTING;
    f.scheme = data[0] & F_HTTPS ? debar_str("https", 5) : debar_str("http", 4);
    f.target = lines[0];

    if (n > 1 && !(data[0] & F_ORIGIN)) {
        f.authority = lines[1];

        if (data[0] & F_HOST) {
            f.hosts[f.nhosts++] = lines[1];
        }
    }

    for (p = NULL, n = n > 2 ? n : 0; n > 2; n--) {
        if (f.nhosts == DEBAR_MAX_HOST_FIELDS) {
            f.more_hosts = 1;
            break;
        }

        f.hosts[f.nhosts++] = lines[n - 1];
    }

    judge(&f);
    respelt(&f);

    free(in);

    return 0;
}
