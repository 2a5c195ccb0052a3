/*
 * Snapshots: built from records made by hand, read back, damaged, replaced.
 */

#include "snapshot.h"
#include "key.h"
#include "tap.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>


static char  dir[] = "/tmp/debar-snapshot-XXXXXX";
static char  path[256], other[256];

static const debar_open_opts_t  any = { DEBAR_ANY_OWNER, 0, "", 0 };


static uint64_t
random64(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;

    return *x;
}


static debar_ref_t
text(debar_source_t *src, const char *s)
{
    return debar_table_text(src->tables, s, strlen(s));
}


static void *
add(debar_source_t *src, unsigned which, uint32_t *i)
{
    uint32_t  unused;

    return debar_table_add(src->tables, which, i ? i : &unused);
}


static uint32_t
add_rule(debar_source_t *src, uint32_t entry, uint64_t authorities,
    unsigned floor_activity, const char *source)
{
    uint32_t       i;
    debar_ref_t    ref = text(src, source);
    debar_rule_t  *r = add(src, DEBAR_T_RULES, &i);

    r->entry = entry;
    r->product = DEBAR_NONE;
    r->authorities = authorities;
    r->kind = DEBAR_KIND_HOST;
    r->cap = DEBAR_BLOCK;
    r->floor = (uint8_t) floor_activity;
    r->flags = DEBAR_RULE_SUBDOMAINS;
    r->source = ref;

    return i;
}


static void
add_row(debar_source_t *src, unsigned db, const char *key, uint32_t rule)
{
    debar_rowset_add(&src->rows[db], key, strlen(key), rule);
}


static void
add_network(debar_source_t *src, const char *cidr, uint32_t rule)
{
    char         key[DEBAR_MAX_KEY];
    uint8_t      addr[16];
    unsigned     bits;
    const char  *why;

    if (debar_cidr_parse(addr, &bits, cidr, strlen(cidr), &why) == DEBAR_OK) {
        debar_rowset_add(&src->rows[DEBAR_DB_NETWORK], key,
                         debar_key_network(key, addr, bits), rule);
    }
}


static void
add_authority(debar_source_t *src, const char *id)
{
    uint32_t            first;
    debar_ref_t         ref = text(src, id), title = text(src, "A, b\ttitle");
    debar_phase_t      *ph;
    debar_authority_t  *a;

    ph = add(src, DEBAR_T_PHASES, &first);
    ph->from = 1000;
    ph->action[DEBAR_ACQUIRE] = DEBAR_LOG;

    ph = add(src, DEBAR_T_PHASES, NULL);
    ph->from = 2000;
    ph->action[DEBAR_ACQUIRE] = DEBAR_BLOCK;

    a = add(src, DEBAR_T_AUTHORITIES, NULL);
    a->id = ref;
    a->title = title;
    a->phase = first;
    a->nphases = 2;
    a->in_force = 1;
}


static uint32_t
add_entry(debar_source_t *src, const char *id, uint64_t authorities)
{
    uint32_t        i;
    debar_ref_t     ref = text(src, id);
    debar_entry_t  *e = add(src, DEBAR_T_ENTRIES, &i);

    e->id = ref;
    e->name = ref;
    e->authorities = authorities;

    return i;
}


static void
add_waiver(debar_source_t *src, uint32_t entry, unsigned turned)
{
    uint32_t         first;
    debar_ref_t      ref, user[2];
    debar_cidr_t    *c;
    debar_waiver_t  *w;

    user[turned] = text(src, "alice");
    user[!turned] = text(src, "bob");

    *(debar_ref_t *) add(src, DEBAR_T_REFS, &first) = user[0];
    *(debar_ref_t *) add(src, DEBAR_T_REFS, NULL) = user[1];

    c = add(src, DEBAR_T_CIDRS, NULL);
    c->bits = 128;

    ref = text(src, "w-1");
    w = add(src, DEBAR_T_WAIVERS, NULL);
    w->id = ref;
    w->entry = entry;
    w->product = DEBAR_NONE;
    w->authorities = 3;
    w->from = 10;
    w->until = 20;
    w->activities = 1 << DEBAR_ACQUIRE;
    w->user = first;
    w->nusers = 2;
    w->nclients = 1;
}


static void
add_channel(debar_source_t *src)
{
    debar_ref_t      a = text(src, "store"), b = text(src, "example.net");
    debar_ref_t      k = text(src, "item"), v = text(src, "[0-9]+");
    debar_cond_t    *c;
    debar_word_t    *w;
    debar_relay_t   *rl;
    debar_recipe_t  *r;

    *(debar_ref_t *) add(src, DEBAR_T_REFS, NULL) = b;

    c = add(src, DEBAR_T_CONDS, NULL);
    c->key = k;
    c->value = v;

    r = add(src, DEBAR_T_RECIPES, NULL);
    r->channel = a;
    r->host = (uint32_t) src->tables[DEBAR_T_REFS].n - 1;
    r->nhosts = 1;
    r->nconds = 1;
    r->activity = DEBAR_ACQUIRE;

    w = add(src, DEBAR_T_WORDS, NULL);
    w->word = k;
    w->use = DEBAR_WORD_FIELD;
    w->value = DEBAR_ROLE_PART;

    rl = add(src, DEBAR_T_RELAYS, NULL);
    rl->channel = a;
    rl->host = b;
    rl->key = k;
}


/* turned: the same list with every table and row in another order. */

static void
make(debar_source_t *src, uint64_t serial, unsigned turned)
{
    size_t            i;
    uint32_t          entry[2], rule[3];
    uint64_t          mask[2];
    debar_ref_t       ref;
    debar_term_t     *t;
    debar_permit_t   *p;
    debar_pattern_t  *pt;

    static const struct {
        unsigned      db;
        const char   *key;
        unsigned      rule;
    } rows[] = {
        { DEBAR_DB_HOST, "com.example.", 0 },
        { DEBAR_DB_HOST, "com.example.", 1 },
        { DEBAR_DB_HOST, "com.example.b.", 1 },
        { DEBAR_DB_HOST, "com.example.b.a.", 2 },
        { DEBAR_DB_HOST, "=192.0.2.1", 0 },
        { DEBAR_DB_HOST, "test.", 2 },
        { DEBAR_DB_URL, "com.store./buy/thing", 1 },
        { DEBAR_DB_URL, "com.store./buy/thing?a=b", 1 },
        { DEBAR_DB_URL, "com.example./p", 2 },
        { DEBAR_DB_ID, "\xd" "KL4541XCKFS", 0 },
        { DEBAR_DB_ID, "\xe" "05060486858538", 1 },
        { DEBAR_DB_ASN, "\1\3\15\313", 1 }
    };

    static const struct {
        const char  *cidr;
        unsigned     rule;
    } nets[] = {
        { "192.0.2.0/24", 0 }, { "192.0.2.64/26", 1 }, { "192.0.2.66/32", 2 },
        { "2001:db8::/32", 0 }, { "2001:db8:1::/48", 1 },
        { "2001:db8::1/128", 2 }
    };

    memset(src, 0, sizeof(debar_source_t));

    src->title = strdup("A list");
    src->publisher = strdup("An office");
    src->timezone = strdup("UTC");
    src->serial = serial;
    src->expires = 2000000000;

    if (turned) {
        (void) text(src, "text that nothing refers to");
        add_channel(src);
    }

    add_authority(src, turned ? "law-b" : "law-a");
    add_authority(src, turned ? "law-a" : "law-b");

    mask[0] = turned ? 2 : 1;
    mask[1] = turned ? 1 : 2;

    for (i = 0; i < 2; i++) {
        entry[turned ? !i : i] = add_entry(src, (turned ? !i : i) ? "two"
                                                                  : "one",
                                           3);
    }

    if (turned) {
        (void) add_rule(src, entry[0], 3, DEBAR_EVERY, "nobody's");
    }

    for (i = 0; i < 3; i++) {
        unsigned  k = (unsigned) (turned ? 2 - i : i);

        rule[k] = add_rule(src, entry[k & 1], mask[k & 1], DEBAR_EVERY,
                           k == 2 ? "page 7" : "");
    }

    if (turned) {
        rule[1] = add_rule(src, entry[1], mask[1], DEBAR_EVERY, "");
    }

    ref = text(src, "acme tools");
    t = add(src, DEBAR_T_TERMS, NULL);
    t->text = ref;
    t->written = ref;
    t->rule = rule[1];

    ref = text(src, "KL[0-9]+");
    pt = add(src, DEBAR_T_PATTERNS, NULL);
    pt->regex = ref;
    pt->written = ref;
    pt->rule = rule[2];

    ref = text(src, "com.example./tool");
    p = add(src, DEBAR_T_PERMITS, NULL);
    p->key = ref;
    p->entry = entry[0];
    p->authorities = mask[0];

    add_waiver(src, entry[1], turned);

    if (!turned) {
        add_channel(src);
    }

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t  k = turned ? sizeof(rows) / sizeof(rows[0]) - 1 - i : i;

        add_row(src, rows[k].db, rows[k].key, rule[rows[k].rule]);

        if (turned) {
            add_row(src, rows[k].db, rows[k].key, rule[rows[k].rule]);
        }
    }

    for (i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
        add_network(src, nets[i].cidr, rule[nets[i].rule]);
    }
}


static int
build(debar_source_t *src, const char *to, unsigned replace,
    debar_build_info_t *info, debar_fault_t *f)
{
    debar_build_opts_t  opts = { replace, 1, NULL, NULL };

    f->text[0] = '\0';

    return debar_snapshot_build(src, to, &opts, info, f);
}


static int
build_list(uint64_t serial, unsigned turned, unsigned replace,
    debar_build_info_t *info, debar_fault_t *f)
{
    int             rc;
    debar_source_t  src;

    make(&src, serial, turned);
    rc = build(&src, path, replace, info, f);
    debar_source_free(&src);

    return rc;
}


static debar_host_t
host(const char *name)
{
    debar_host_t  h;

    memset(&h, 0, sizeof(debar_host_t));
    h.type = (name[0] >= '0' && name[0] <= '9') ? DEBAR_HOST_ADDRESS
                                                : DEBAR_HOST_NAME;
    h.len = strlen(name);
    memcpy(h.name, name, h.len);

    return h;
}


/* What a walk finds, as "labels:rules[=] ...". */

static const char *
hosts_text(debar_snapshot_t *s, const char *name)
{
    size_t              i, n, len;
    debar_host_t        h = host(name);
    static char         out[512];
    debar_found_host_t  found[8];

    n = debar_snapshot_hosts(s, &h, found, 8);
    out[0] = '\0';

    for (len = 0, i = 0; i < n; i++) {
        len += (size_t) snprintf(out + len, sizeof(out) - len, "%s%u:%zu%s",
                                 i ? " " : "", found[i].labels, found[i].n,
                                 found[i].exact ? "=" : "");
    }

    return out;
}


static const char *
nets_text(debar_snapshot_t *s, const char *addr)
{
    size_t             i, n, len;
    uint8_t            a[16];
    unsigned           bits;
    const char        *why;
    static char        out[512];
    debar_found_net_t  found[8];

    if (debar_cidr_parse(a, &bits, addr, strlen(addr), &why) != DEBAR_OK) {
        return why;
    }

    n = debar_snapshot_networks(s, a, found, 8);
    out[0] = '\0';

    for (len = 0, i = 0; i < n; i++) {
        len += (size_t) snprintf(out + len, sizeof(out) - len, "%s%u",
                                 i ? " " : "", found[i].bits);
    }

    return out;
}


static size_t
get(debar_snapshot_t *s, unsigned db, const char *key)
{
    const uint32_t  *rules;

    return debar_snapshot_get(s, db, key, strlen(key), &rules);
}


static void
test_read_back(void)
{
    size_t                        n;
    unsigned                      i;
    struct stat                   st;
    debar_fault_t                 f;
    const uint32_t               *rules;
    debar_snapshot_t             *s;
    debar_build_info_t            info;
    const debar_entry_t          *e;
    const debar_snapshot_meta_t  *m;

    is_int(build_list(1, 0, 0, &info, &f), DEBAR_OK, "a list is built");
    is_str(f.text, "", "without a fault");
    is_int(info.serial, 1, "the builder tells the serial");
    is_int(info.rows, 18, "and the rows: those of hosts with URLs only, too");
    is_int(strlen(info.digest), 64, "and the digest");

    is_int(stat(path, &st), 0, "the file is in place");
    is_int(st.st_mode & 07777, 0444, "read-only for everybody");
    is_int(st.st_size, info.bytes, "of the size that the builder tells");

    s = debar_snapshot_open(path, &any, &f);

    if (!ok(s != NULL, "it opens")) {
        printf("# %s\n", f.text);
        return;
    }

    m = debar_snapshot_meta(s);

    is_mem(m->title.data, m->title.len, "A list", "the title is kept");
    is_mem(m->publisher.data, m->publisher.len, "An office", "the publisher");
    is_int(m->serial, 1, "the serial");
    is_int(m->expires, 2000000000, "the expiry");
    ok(m->built > 1500000000, "the time of building");
    is_str(m->digest, info.digest, "the digest");
    is_int(m->rows[DEBAR_DB_HOST], 6, "hosts are counted, each once");
    is_int(m->rows[DEBAR_DB_URL], 3, "URLs");
    is_int(m->rows[DEBAR_DB_NETWORK], 6, "networks");
    is_int(m->rows[DEBAR_DB_ASN], 1, "AS numbers");
    is_int(m->rows[DEBAR_DB_ID], 2, "identifiers");
    ok(m->inode == st.st_ino && m->device == st.st_dev, "the file's identity");

    is_str(hosts_text(s, "example.com"), "2:3=", "a host is found as itself, "
           "with each of its rules and the sign that it has URLs");
    is_str(hosts_text(s, "www.example.com"), "2:3", "a name below a host");
    is_str(hosts_text(s, "x.a.b.example.com"), "4:1 3:1 2:3",
           "all names above, the most specific first");
    is_str(hosts_text(s, "b.example.com"), "3:1= 2:3", "itself before them");
    is_str(hosts_text(s, "notexample.com"), "", "a longer label is another");
    is_str(hosts_text(s, "example.com.org"), "", "a name in front is another");
    is_str(hosts_text(s, "com"), "", "a name above a host is not listed");
    is_str(hosts_text(s, "a.test"), "1:1", "a top level may be listed");
    is_str(hosts_text(s, "store.com"), "2:1=", "a host of URLs alone");
    is_str(hosts_text(s, "192.0.2.1"), "0:1=", "an address literal");
    is_str(hosts_text(s, "192.0.2.12"), "", "a longer address is another");

    debar_snapshot_get(s, DEBAR_DB_HOST, "com.store.", 10, &rules);
    is_int(rules[0], DEBAR_RULE_HAS_URLS, "its row says only that it has URLs");

    n = debar_snapshot_get(s, DEBAR_DB_HOST, "com.example.", 12, &rules);
    ok(n == 3 && rules[0] < rules[1] && rules[1] < rules[2],
       "rules of a key are rising");

    is_int(get(s, DEBAR_DB_URL, "com.store./buy/thing"), 1, "a URL");
    is_int(get(s, DEBAR_DB_URL, "com.store./buy/thing?a=b"), 1, "its query");
    is_int(get(s, DEBAR_DB_URL, "com.store./buy"), 0, "not what is above it");
    is_int(get(s, DEBAR_DB_ID, "\xd" "KL4541XCKFS"), 1, "a part number");
    is_int(get(s, DEBAR_DB_ID, "\xe" "KL4541XCKFS"), 0, "is not a GTIN");
    is_int(get(s, DEBAR_DB_ASN, "\1\3\15\313"), 1, "an AS number");
    is_int(get(s, DEBAR_DB_ASN, "\1\3\15\314"), 0, "and no other");
    is_int(get(s, DEBAR_DB_HOST, ""), 0, "an empty key is not found");
    is_int(get(s, 99, "com.example."), 0, "nor one of no database");

    is_str(nets_text(s, "192.0.2.66"), "128 122 120", "nested IPv4 networks, "
           "the narrowest first");
    is_str(nets_text(s, "192.0.2.65"), "122 120", "beside the narrowest");
    is_str(nets_text(s, "192.0.2.1"), "120", "beside both");
    is_str(nets_text(s, "192.0.3.66"), "", "outside");
    is_str(nets_text(s, "2001:db8::1"), "128 32", "IPv6 networks");
    is_str(nets_text(s, "2001:db8:1::1"), "48 32", "nested");
    is_str(nets_text(s, "2001:db9::1"), "", "outside");

    for (i = 0; i < DEBAR_TABLES; i++) {
        ok((uintptr_t) debar_snapshot_table(s, i, &n) % 8 == 0,
           "table %u is aligned on 8 bytes", i);
    }

    e = debar_snapshot_table(s, DEBAR_T_ENTRIES, &n);
    is_int(n, 2, "two entries are mapped");
    is_mem(debar_ref_str(debar_snapshot_strings(s), e[0].id).data, 3, "one",
           "with their text");

    is_int(debar_snapshot_verify(s, &f), DEBAR_OK, "the whole is verified");
    is_int(debar_snapshot_sound(s), 1, "no damage was met");

    debar_snapshot_close(s);
}


static void
test_digest(void)
{
    debar_fault_t       f;
    debar_source_t      src;
    debar_build_info_t  one, two;

    build_list(1, 0, 1, &one, &f);
    is_int(build_list(1, 1, 0, &two, &f), DEBAR_OK,
           "the same list in another order may be built again");
    is_str(two.digest, one.digest,
           "its digest does not depend on order, indices, copies or rules "
           "that nothing uses");

    make(&src, 1, 0);
    free(src.title);
    src.title = strdup("A lisT");
    build(&src, other, 1, &two, &f);
    ok(strcmp(one.digest, two.digest) != 0, "a letter of the title changes it");
    debar_source_free(&src);

    make(&src, 1, 0);
    add_row(&src, DEBAR_DB_ID, "\xd" "KL0000", 0);
    build(&src, other, 1, &two, &f);
    ok(strcmp(one.digest, two.digest) != 0, "a row more changes it");
    debar_source_free(&src);

    make(&src, 1, 0);
    src.rows[DEBAR_DB_ID].rows[0].rule = 2;
    build(&src, other, 1, &two, &f);
    ok(strcmp(one.digest, two.digest) != 0, "another rule of a row changes it");
    debar_source_free(&src);

    make(&src, 1, 0);
    ((debar_phase_t *) src.tables[DEBAR_T_PHASES].data)[0].from++;
    build(&src, other, 1, &two, &f);
    ok(strcmp(one.digest, two.digest) != 0, "a second of a date changes it");
    debar_source_free(&src);

    make(&src, 1, 0);
    ((debar_waiver_t *) src.tables[DEBAR_T_WAIVERS].data)[0].nusers = 1;
    build(&src, other, 1, &two, &f);
    ok(strcmp(one.digest, two.digest) != 0, "a user of a waiver changes it");
    debar_source_free(&src);
}


static void
test_serial(void)
{
    FILE               *fp;
    char                digest[65], name[300];
    uint64_t            serial;
    debar_fault_t       f;
    debar_source_t      src;
    debar_snapshot_t   *s;
    debar_open_opts_t   opts;
    debar_build_info_t  info;

    is_int(build_list(5, 0, 0, &info, &f), DEBAR_OK,
           "a higher serial is taken");
    is_int(debar_snapshot_floor(path, &serial, digest, &f), DEBAR_OK,
           "and kept beside the file");
    is_int(serial, 5, "with its number");
    is_str(digest, info.digest, "and digest");

    is_int(build_list(4, 0, 0, &info, &f), DEBAR_ERROR, "a lower one is not");
    ok(strstr(f.text, "raise \"serial\"") != NULL, "and the remedy is told");

    make(&src, 5, 0);
    add_row(&src, DEBAR_DB_HOST, "net.more.", 0);
    is_int(build(&src, path, 0, &info, &f), DEBAR_ERROR,
           "the same serial with other contents is refused");
    ok(strstr(f.text, "other contents") != NULL, "and it is told why");

    s = debar_snapshot_open(path, &any, &f);
    is_str(s ? hosts_text(s, "more.net") : "", "", "the old file stands");
    debar_snapshot_close(s);

    is_int(build(&src, path, 1, &info, &f), DEBAR_OK, "replace takes it");
    debar_source_free(&src);

    is_int(build_list(4, 0, 1, &info, &f), DEBAR_OK,
           "replace takes a lower serial");
    debar_snapshot_floor(path, &serial, digest, &f);
    is_int(serial, 4, "which is then the one that is kept");

    opts = any;
    opts.floor_serial = 4;
    strcpy(opts.floor_digest, info.digest);
    s = debar_snapshot_open(path, &opts, &f);
    ok(s != NULL, "a reader takes its own serial again");
    debar_snapshot_close(s);

    opts.floor_digest[0] ^= 1;
    ok(debar_snapshot_open(path, &opts, &f) == NULL,
       "but not with another digest");
    ok(strstr(f.text, "another digest") != NULL, "and says so");

    opts.floor_serial = 5;
    ok(debar_snapshot_open(path, &opts, &f) == NULL, "nor an older one");
    ok(strstr(f.text, "older") != NULL, "and says so");

    opts.floor_serial = 3;
    s = debar_snapshot_open(path, &opts, &f);
    ok(s != NULL, "a newer one whatever the digest was");
    debar_snapshot_close(s);

    snprintf(name, sizeof(name), "%s.serial", other);
    is_int(unlink(name), 0, "without the file of the serial");
    is_int(debar_snapshot_floor(other, &serial, digest, &f), DEBAR_DECLINED,
           "there is no floor");

    fp = fopen(name, "w");
    fputs("5 nonsense\n", fp);
    fclose(fp);
    is_int(debar_snapshot_floor(other, &serial, digest, &f), DEBAR_ERROR,
           "a damaged one is an error");
    ok(strstr(f.text, "remove this file") != NULL, "that says what to do");
    is_int(unlink(name), 0, "it is removed");
}


static char *
slurp(const char *name, size_t *len)
{
    int          fd = open(name, O_RDONLY);
    char        *data;
    struct stat  st;

    if (fd == -1 || fstat(fd, &st) == -1) {
        return NULL;
    }

    *len = (size_t) st.st_size;
    data = malloc(*len + 4096);
    memset(data, 0, *len + 4096);

    if (data == NULL || read(fd, data, *len) != (ssize_t) *len) {
        free(data);
        data = NULL;
    }

    close(fd);

    return data;
}


static void
spew(const char *name, const char *data, size_t len, mode_t mode)
{
    int  fd;

    (void) unlink(name);
    fd = open(name, O_WRONLY|O_CREAT|O_TRUNC, 0644);

    if (fd == -1 || write(fd, data, len) != (ssize_t) len
        || fchmod(fd, mode) == -1)
    {
        printf("Bail out! cannot write %s: %s\n", name, strerror(errno));
        exit(1);
    }

    close(fd);
}


static void
refused(const char *claim, const char *word)
{
    debar_fault_t      f;
    debar_snapshot_t  *s;

    f.text[0] = '\0';
    s = debar_snapshot_open(other, &any, &f);

    if (!ok(s == NULL && strstr(f.text, word) && strstr(f.text, other), "%s",
            claim))
    {
        printf("# said: %s\n", f.text);
    }

    debar_snapshot_close(s);
}


static void
test_refusals(void)
{
    char               *data, *p, format[16];
    size_t              i, len, n;
    debar_fault_t       f;
    debar_snapshot_t   *s;
    debar_open_opts_t   opts;
    debar_build_info_t  info;

    static const size_t  cuts[] = {
        1, 16, 100, 512, 4095, 4096, 4097, 8191, 8192, 12288, 16384, 40960
    };

    build_list(9, 0, 1, &info, &f);
    data = slurp(path, &len);

    if (!ok(data != NULL, "the file is read")) {
        return;
    }

    spew(other, data, len, 0444);
    s = debar_snapshot_open(other, &any, &f);
    ok(s != NULL, "a copy of it opens");
    debar_snapshot_close(s);

    spew(other, data, len, 0464);
    refused("a file that its group may write is refused", "chmod");
    spew(other, data, len, 0446);
    refused("or others", "chmod");

    if (geteuid() == 0) {
        spew(other, data, len, 0444);
        (void) !chown(other, 12345, 0);
        refused("a file of another owner is refused", "chown");

        opts = any;
        opts.uid = 12345;
        s = debar_snapshot_open(other, &opts, &f);
        ok(s != NULL, "unless that owner is accepted");
        debar_snapshot_close(s);

        (void) chmod(dir, 0755);
        (void) !seteuid(12345);
        opts = any;
        s = debar_snapshot_open(other, &opts, &f);
        ok(s != NULL, "or is the caller");
        debar_snapshot_close(s);

        opts.foreign = 1;
        s = debar_snapshot_open(other, &opts, &f);
        ok(s == NULL && strstr(f.text, "chown"),
           "who may have said that a file of its own is no list");
        (void) !seteuid(0);
    }

    (void) unlink(other);
    refused("a file that is missing", "debar list build");
    (void) mkdir(other, 0755);
    refused("a folder", "regular");
    (void) rmdir(other);
    (void) mkfifo(other, 0644);
    refused("a FIFO, without waiting for its writer", "regular");

    spew(other, data, 0, 0444);
    refused("an empty file", "empty");

    for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        char  claim[64];

        snprintf(claim, sizeof(claim), "a file cut to %zu bytes", cuts[i]);
        spew(other, data, cuts[i], 0444);
        refused(claim, "again");
    }

    for (n = 0, i = 0; i < len; i += 509) {
        spew(other, data, i, 0444);
        s = debar_snapshot_open(other, &any, &f);
        n += s != NULL;
        debar_snapshot_close(s);
    }

    is_int(n, 0, "a file cut anywhere is refused");

    spew(other, data, len - 4096, 0444);
    refused("a file that has lost only spare pages", "cut");
    spew(other, data, len + 4096, 0444);
    refused("a file that has grown", "bytes");

    /* every copy of the record: older pages may hold one */

    n = (size_t) snprintf(format, sizeof(format), "format%d",
                          DEBAR_SNAPSHOT_FORMAT);

    for (p = data; (p = memmem(p, len - (size_t) (p - data), format, n)); ) {
        p[n - 1] = '9';
    }

    spew(other, data, len, 0444);
    refused("a file of another format", "format");
    free(data);

    data = slurp(path, &len);

    for (p = data;
         (p = memmem(p, len - (size_t) (p - data), "byte-order", 10)); p++)
    {
        p[10] ^= 9;
    }

    spew(other, data, len, 0444);
    refused("a file of another byte order", "byte order");
    free(data);
    (void) unlink(other);
}


/* Changes one byte behind each occurrence of what. */

static void
patch(const char *what, size_t n, size_t at, int by)
{
    char    *data, *p;
    size_t   len;

    data = slurp(path, &len);

    for (p = data; (p = memmem(p, len - (size_t) (p - data), what, n)); p++) {
        p[at] = (char) (p[at] + by);
    }

    spew(other, data, len, 0444);
    free(data);
}


static int
verified(void)
{
    int                rc;
    debar_fault_t      f;
    debar_snapshot_t  *s;

    s = debar_snapshot_open(other, &any, &f);
    rc = s ? debar_snapshot_verify(s, &f) : DEBAR_ERROR;
    debar_snapshot_close(s);

    return rc;
}


static void
test_damage(void)
{
    char               *data;
    size_t              len, opened, whole, i, k, n;
    uint64_t            x;
    debar_fault_t       f;
    debar_snapshot_t   *s;
    debar_build_info_t  info;

    build_list(9, 0, 1, &info, &f);

    patch("com.example.b.a.", 16, 14, 1);
    is_int(verified(), DEBAR_ERROR, "a changed letter of a host is noticed");
    patch("KL4541XCKFS", 11, 3, 1);
    is_int(verified(), DEBAR_ERROR, "of a part number, too");
    patch("A, b\ttitle", 10, 1, 1);
    is_int(verified(), DEBAR_ERROR, "of the text of an authority");
    patch("digest", 6, 6, 0);
    is_int(verified(), DEBAR_OK, "a file that did not change is sound");

    data = slurp(path, &len);
    x = 0x9e3779b97f4a7c15ull;
    opened = 0;
    whole = 0;

    for (i = 0; i < 4000; i++) {
        size_t  at[4];
        char    was[4];

        k = 1 + random64(&x) % 4;

        for (n = 0; n < k; n++) {

            /* a half of them in what stands in front of pages and values */

            at[n] = random64(&x) % len;

            if (i & 1) {
                at[n] = at[n] / 4096 * 4096 + random64(&x) % 160;
            }

            was[n] = data[at[n]];
            data[at[n]] ^= (char) (1 << (random64(&x) % 8));
        }

        spew(other, data, len, 0444);
        s = debar_snapshot_open(other, &any, &f);

        if (s) {
            opened++;

            if (debar_snapshot_verify(s, &f) == DEBAR_OK) {
                whole++;
                (void) hosts_text(s, "x.a.b.example.com");
                (void) nets_text(s, "192.0.2.66");
            }

            debar_snapshot_close(s);
        }

        while (n--) {
            data[at[n]] = was[n];
        }
    }

    ok(opened > 0 && opened < 4000 && whole < opened,
       "of 4000 damaged files some are refused at once (%zu opened), "
       "some at verification (%zu whole), none is fatal", opened, whole);

    free(data);
    (void) unlink(other);
}


static void
test_many(void)
{
    char                key[512];
    size_t              i, len, n, bad, count;
    uint64_t            x;
    debar_fault_t       f;
    debar_source_t      src;
    const uint32_t     *rules;
    debar_snapshot_t   *s;
    debar_build_info_t  info;

    make(&src, 20, 0);
    count = src.rows[DEBAR_DB_HOST].n;
    x = 88172645463325252ull;

    /* keys that are equal for long, end early, repeat, or hold zeros */

    for (i = 0; i < 200000; i++) {
        len = (size_t) snprintf(key, sizeof(key), "com.a-long-common-prefix-of-"
                                "names.%.*s%llx.", (int) (x % 40),
                                "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
                                (unsigned long long) random64(&x) % 99999);
        debar_rowset_add(&src.rows[DEBAR_DB_HOST], key, len,
                         (uint32_t) (x % 3));
    }

    for (i = 0; i < 20000; i++) {
        key[0] = DEBAR_KIND_SHA256;
        memset(key + 1, 0, 32);
        key[1 + random64(&x) % 32] = (char) x;
        debar_rowset_add(&src.rows[DEBAR_DB_ID], key,
                         2 + random64(&x) % 32, 1);
    }

    for (i = 1; i <= DEBAR_MAX_KEY - 1; i++) {
        memset(key, 'a', i);
        key[i] = '.';
        debar_rowset_add(&src.rows[DEBAR_DB_HOST], key, i + 1, 2);
    }

    is_int(build(&src, other, 1, &info, &f), DEBAR_OK,
           "a list of 220000 rows is built");

    s = debar_snapshot_open(other, &any, &f);

    if (!ok(s != NULL, "and opened")) {
        printf("# %s\n", f.text);
        return;
    }

    for (bad = 0, i = count; i < src.rows[DEBAR_DB_HOST].n; i++) {
        debar_row_t  *r = &src.rows[DEBAR_DB_HOST].rows[i];

        n = debar_snapshot_get(s, DEBAR_DB_HOST,
                               src.rows[DEBAR_DB_HOST].bytes.data + r->off,
                               r->len, &rules);

        while (n && rules[n - 1] != r->rule) {
            n--;
        }

        bad += n == 0;
    }

    is_int(bad, 0, "every host is found with its rule");

    for (bad = 0, i = 0; i < src.rows[DEBAR_DB_ID].n; i++) {
        debar_row_t  *r = &src.rows[DEBAR_DB_ID].rows[i];

        bad += debar_snapshot_get(s, DEBAR_DB_ID,
                                  src.rows[DEBAR_DB_ID].bytes.data + r->off,
                                  r->len, &rules) == 0;
    }

    is_int(bad, 0, "every identifier is found, zeros and all");

    for (bad = 0, i = 1; i <= DEBAR_MAX_KEY - 1; i++) {
        memset(key, 'a', i);
        key[i] = '.';
        n = debar_snapshot_get(s, DEBAR_DB_HOST, key, i + 1, &rules);
        bad += n != 1 || (uintptr_t) rules % 4 != 0;
    }

    is_int(bad, 0, "rules are aligned on 4 bytes behind a key of any length");

    for (bad = 0, i = 0; i < 100000; i++) {
        len = (size_t) snprintf(key, sizeof(key), "org.%llx.",
                                (unsigned long long) random64(&x));
        bad += debar_snapshot_get(s, DEBAR_DB_HOST, key, len, &rules) != 0;
    }

    is_int(bad, 0, "no other host is");

    debar_snapshot_close(s);
    debar_source_free(&src);
}


static void
test_bounds(void)
{
    char                name[DEBAR_MAX_HOST + 1];
    size_t              i;
    debar_host_t        h;
    debar_fault_t       f;
    debar_source_t      src;
    debar_snapshot_t   *s;
    debar_found_host_t  found[8];
    debar_build_info_t  info;

    make(&src, 30, 0);

    for (i = 0; i < 256; i++) {
        add_row(&src, DEBAR_DB_HOST, "com.many.",
                add_rule(&src, 0, 1, DEBAR_EVERY, "x"));
    }

    is_int(build(&src, other, 1, &info, &f), DEBAR_OK,
           "a key may have 256 rules");
    s = debar_snapshot_open(other, &any, &f);
    is_int(s ? get(s, DEBAR_DB_HOST, "com.many.") : 0, 256, "and gives them");
    debar_snapshot_close(s);

    add_row(&src, DEBAR_DB_HOST, "com.many.",
            add_rule(&src, 0, 1, DEBAR_EVERY, "x"));
    is_int(build(&src, other, 1, &info, &f), DEBAR_ERROR, "but not 257");
    ok(strstr(f.text, "com.many.") != NULL, "and the key is named");
    debar_source_free(&src);

    make(&src, 31, 0);
    add_row(&src, DEBAR_DB_HOST, "com.bad.", 12345);
    is_int(build(&src, other, 1, &info, &f), DEBAR_ERROR,
           "a row of a rule that there is not is refused");
    debar_source_free(&src);

    make(&src, 31, 0);
    ((debar_rule_t *) src.tables[DEBAR_T_RULES].data)[1].entry = 7;
    is_int(build(&src, other, 1, &info, &f), DEBAR_ERROR,
           "a rule of an entry that there is not, too");
    debar_source_free(&src);

    memset(&src, 0, sizeof(debar_source_t));
    src.serial = 1;
    is_int(build(&src, other, 1, &info, &f), DEBAR_OK,
           "an empty list is built");
    s = debar_snapshot_open(other, &any, &f);

    if (!ok(s != NULL, "and opened")) {
        printf("# %s\n", f.text);
        return;
    }

    is_str(hosts_text(s, "example.com"), "", "it lists no host");
    is_str(nets_text(s, "192.0.2.1"), "", "no network");
    is_int(debar_snapshot_verify(s, &f), DEBAR_OK, "and is sound");
    debar_snapshot_close(s);
    debar_source_free(&src);

    /* as many labels as a name can have, each of them listed */

    make(&src, 32, 0);

    for (i = 0; i < DEBAR_MAX_HOST; i++) {
        name[i] = i % 2 ? '.' : 'q';
    }

    name[DEBAR_MAX_HOST] = '\0';

    for (i = 1; i <= 127; i++) {
        char  key[DEBAR_MAX_KEY];

        memcpy(key, "q.q.", 4);
        memmove(key, name, 2 * i - 1);
        key[2 * i - 1] = '.';
        debar_rowset_add(&src.rows[DEBAR_DB_HOST], key, 2 * i, 0);
    }

    is_int(build(&src, other, 1, &info, &f), DEBAR_OK, "127 names in a row");
    s = debar_snapshot_open(other, &any, &f);
    h = host(name);
    is_int(s ? debar_snapshot_hosts(s, &h, found, 8) : 0, 8,
           "as many are told as there is room for");
    ok(found[0].labels == 127 && found[0].exact && found[7].labels == 120,
       "the most specific ones");
    debar_snapshot_close(s);
    debar_source_free(&src);
}


static unsigned
leftovers(void)
{
    DIR            *d = opendir(dir);
    unsigned        n;
    struct dirent  *de;

    for (n = 0; (de = readdir(d)) != NULL; /* void */) {
        n += strstr(de->d_name, ".tmp") != NULL;
    }

    closedir(d);

    return n;
}


static void
test_replace(void)
{
    debar_fault_t       f;
    debar_source_t      src;
    debar_snapshot_t   *s, *t;
    debar_build_info_t  info;

    build_list(40, 0, 1, &info, &f);
    s = debar_snapshot_open(path, &any, &f);

    make(&src, 41, 0);
    add_row(&src, DEBAR_DB_HOST, "net.more.", 0);
    is_int(build(&src, path, 0, &info, &f), DEBAR_OK,
           "a list is replaced while a reader has it open");
    debar_source_free(&src);

    t = debar_snapshot_open(path, &any, &f);

    is_str(hosts_text(s, "more.net"), "", "the reader keeps the old one");
    is_str(hosts_text(s, "example.com"), "2:3=", "whole");
    is_str(hosts_text(t, "more.net"), "2:1=", "a new reader has the new one");
    ok(debar_snapshot_meta(s)->inode != debar_snapshot_meta(t)->inode,
       "the inode tells them apart");

    debar_snapshot_close(s);
    debar_snapshot_close(t);
}


static void
test_killed(void)
{
    char                name[300];
    pid_t               pid;
    uint64_t            x, i, k;
    unsigned            bad, status;
    debar_fault_t       f;
    debar_source_t      src;
    debar_snapshot_t   *s;
    debar_build_info_t  info;

    build_list(100, 0, 1, &info, &f);
    x = 2463534242;
    bad = 0;

    for (i = 1; i <= 40; i++) {
        pid = fork();

        if (pid == 0) {
            make(&src, 100 + i, 0);

            for (k = 0; k < 20000; k++) {
                snprintf(name, sizeof(name), "com.h%llu.",
                         (unsigned long long) k);
                add_row(&src, DEBAR_DB_HOST, name, 0);
            }

            _exit(build(&src, path, 0, &info, &f) != DEBAR_OK);
        }

        usleep((useconds_t) (random64(&x) % 60000));
        kill(pid, SIGKILL);
        waitpid(pid, (int *) &status, 0);

        s = debar_snapshot_open(path, &any, &f);

        if (s == NULL || debar_snapshot_verify(s, &f) != DEBAR_OK) {
            printf("# %s\n", f.text);
            bad++;
        }

        debar_snapshot_close(s);
    }

    is_int(bad, 0, "a whole file stands after each of 40 kills at any moment");

    snprintf(name, sizeof(name), "%s/.list.mdb.%d.tmp", dir, (int) pid);
    spew(name, "x", 1, 0600);
    snprintf(name, sizeof(name), "%s/.list.mdb.serial.%d.tmp", dir, (int) pid);
    spew(name, "x", 1, 0600);
    ok(leftovers() >= 2, "what dead builders left is there");
    is_int(build_list(200, 0, 0, &info, &f), DEBAR_OK, "the next build");
    is_int(leftovers(), 0, "removes it");

    snprintf(name, sizeof(name), "%s/.list.mdb.%d.tmp", dir, (int) getppid());
    spew(name, "x", 1, 0600);
    build_list(201, 0, 0, &info, &f);
    is_int(leftovers(), 1, "but not that of a builder that lives");
    (void) unlink(name);
}


static void
test_full(void)
{
    int                 status;
    pid_t               pid;
    debar_fault_t       f;
    debar_snapshot_t   *s;
    struct rlimit       rl;
    debar_build_info_t  info;

    pid = fork();

    if (pid == 0) {
        signal(SIGXFSZ, SIG_IGN);
        rl.rlim_cur = 65536;
        rl.rlim_max = 65536;
        setrlimit(RLIMIT_FSIZE, &rl);

        _exit(build_list(300, 0, 0, &info, &f) == DEBAR_ERROR
              && strstr(f.text, "was not touched") != NULL ? 0 : 1);
    }

    waitpid(pid, &status, 0);
    is_int(status, 0, "a file that cannot grow is an error with a remedy");
    is_int(leftovers(), 0, "and leaves nothing");

    s = debar_snapshot_open(path, &any, &f);
    is_int(s ? (long long) debar_snapshot_meta(s)->serial : 0, 201,
           "the old list stands");
    debar_snapshot_close(s);

    snprintf(other, sizeof(other), "%s/none/list.mdb", dir);
    {
        debar_source_t  src;

        make(&src, 1, 0);
        is_int(build(&src, other, 0, &info, &f), DEBAR_ERROR,
               "a folder that is missing is an error");
        ok(strstr(f.text, "make the folder") != NULL, "that says what to do");
        debar_source_free(&src);
    }
}


int
main(void)
{
    char  cmd[300];

    if (mkdtemp(dir) == NULL) {
        printf("Bail out! no temporary folder\n");
        return 1;
    }

    snprintf(path, sizeof(path), "%s/list.mdb", dir);
    snprintf(other, sizeof(other), "%s/other.mdb", dir);

    test_read_back();
    test_digest();
    test_serial();
    test_refusals();
    test_damage();
    test_many();
    test_bounds();
    test_replace();
    test_killed();
    test_full();

    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    is_int(system(cmd), 0, "the folder of the test is removed");

    return done();
}
