/*
 * Deltas: what they lead to is what a full build says, however rules are
 * numbered; whatever else they are is refused, and the file stays.
 */

#include "delta.h"
#include "key.h"
#include "tap.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>


#define RULES  9


/* A list: which of the hosts it has, what its rules are called, in what
 * order. */

typedef struct {
    uint64_t     serial;
    unsigned     hosts;
    unsigned     without;         /* a host of this rest of 100 is not in it */
    unsigned     moved;           /* one of this rest has another rule */
    unsigned     turn;            /* of the order of rules */
    const char  *said;            /* begins the source of each rule */
    unsigned     urls;
    unsigned     terms;
} list_t;

static char  dir[] = "/tmp/debar-delta-XXXXXX";

static const debar_open_opts_t  any = { DEBAR_ANY_OWNER, 0, "", 0 };


static debar_ref_t
text(debar_source_t *src, const char *s)
{
    return debar_table_text(src->tables, s, strlen(s));
}


static void *
add(debar_source_t *src, unsigned which)
{
    uint32_t  unused;

    return debar_table_add(src->tables, which, &unused);
}


static void
add_rules(debar_source_t *src, const list_t *l)
{
    char           name[64];
    unsigned       i;
    debar_ref_t    ref;
    debar_rule_t  *r;

    for (i = 0; i < RULES; i++) {
        snprintf(name, sizeof(name), "%s %u", l->said, (i + l->turn) % RULES);
        ref = text(src, name);
        r = add(src, DEBAR_T_RULES);
        r->source = ref;
        r->product = DEBAR_NONE;
        r->kind = DEBAR_KIND_HOST;
        r->cap = DEBAR_BLOCK;
        r->flags = DEBAR_RULE_SUBDOMAINS;
        r->authorities = 1;
    }
}


static uint32_t
rule_of(const list_t *l, unsigned i)
{
    return (i % 7 + (i % 100 == l->moved) + RULES - l->turn) % RULES;
}


static void
add_rows(debar_source_t *src, const list_t *l)
{
    char      key[100];
    unsigned  i;
    uint8_t   n[4];

    for (i = 0; i < l->hosts; i++) {
        if (i % 100 == l->without) {
            continue;
        }

        snprintf(key, sizeof(key), "com.h%u.%s", i * 2654435761u % 1000003,
                 i % 3 ? "" : "www.");
        debar_rowset_add(&src->rows[DEBAR_DB_HOST], key, strlen(key),
                         rule_of(l, i));

        if (i % 50 == 0) {
            debar_rowset_add(&src->rows[DEBAR_DB_HOST], key, strlen(key),
                             rule_of(l, i + 1));
        }

        if (i < l->urls) {
            memcpy(key + strlen(key), "/buy", 5);
            debar_rowset_add(&src->rows[DEBAR_DB_URL], key, strlen(key),
                             rule_of(l, i));
        }

        memcpy(n, &i, 4);
        snprintf(key, sizeof(key), "%cPART%u", DEBAR_KIND_PART_NUMBER, i);

        if (i % 10 == 0) {
            debar_rowset_add(&src->rows[DEBAR_DB_ASN], (char *) n, 4,
                             rule_of(l, i));
            debar_rowset_add(&src->rows[DEBAR_DB_ID], key, strlen(key),
                             rule_of(l, i));
        }
    }
}


static void
make_source(debar_source_t *src, const list_t *l)
{
    char                name[64];
    unsigned            i;
    debar_ref_t         id, title;
    debar_term_t       *t;
    debar_entry_t      *e;
    debar_phase_t      *ph;
    debar_authority_t  *a;

    memset(src, 0, sizeof(*src));
    src->title = strdup("List");
    src->publisher = strdup("Agency");
    src->timezone = strdup("UTC");
    src->serial = l->serial;

    id = text(src, "law");
    title = text(src, l->said);
    ph = add(src, DEBAR_T_PHASES);
    ph->action[DEBAR_ACQUIRE] = DEBAR_BLOCK;
    a = add(src, DEBAR_T_AUTHORITIES);
    a->id = id;
    a->title = title;
    a->nphases = 1;
    a->in_force = 1;

    id = text(src, "acme");
    e = add(src, DEBAR_T_ENTRIES);
    e->id = id;
    e->name = id;
    e->authorities = 1;

    add_rules(src, l);

    for (i = 0; i < l->terms; i++) {
        snprintf(name, sizeof(name), "name%u%s", i * 7919 % 1009, l->said);
        id = text(src, name);
        t = add(src, DEBAR_T_TERMS);
        t->text = id;
        t->written = id;
        t->rule = rule_of(l, i);
    }

    add_rows(src, l);
}


static const char *
path(const char *name)
{
    static char      out[4][256];
    static unsigned  i;

    i = (i + 1) % 4;
    snprintf(out[i], sizeof(out[i]), "%s/%s.mdb", dir, name);

    return out[i];
}


static void
build(const char *name, const list_t *l, char digest[65])
{
    debar_fault_t       f = { "" };
    debar_source_t      src;
    debar_build_info_t  info;
    debar_build_opts_t  opts = { 1, 1, NULL, NULL };

    make_source(&src, l);

    if (debar_snapshot_build(&src, path(name), &opts, &info, &f) != DEBAR_OK) {
        printf("Bail out! %s\n", f.text);
        exit(1);
    }

    memcpy(digest, info.digest, 65);
    debar_source_free(&src);
}


static int
make(const char *from, const char *to, debar_buf_t *out,
    debar_delta_info_t *info)
{
    int                rc;
    debar_fault_t      f = { "" };
    debar_snapshot_t  *a, *b;

    memset(out, 0, sizeof(*out));

    a = debar_snapshot_open(path(from), &any, &f);
    b = debar_snapshot_open(path(to), &any, &f);

    rc = a && b ? debar_delta_make(a, b, out, info, &f) : DEBAR_ERROR;

    if (rc != DEBAR_OK) {
        printf("# %s to %s: %s\n", from, to, f.text);
    }

    debar_snapshot_close(a);
    debar_snapshot_close(b);

    return rc;
}


static int
apply(const char *base, const char *name, const debar_buf_t *d, size_t n,
    const char *digest, debar_fault_t *f)
{
    size_t              i;
    debar_str_t         deltas[4];
    debar_build_info_t  info;
    debar_build_opts_t  opts = { 1, 1, NULL, NULL };

    for (i = 0; i < n; i++) {
        deltas[i] = debar_str(d[i].data, d[i].len);
    }

    f->text[0] = '\0';

    return debar_delta_apply(path(base), path(name), deltas, n, digest, &opts,
                             &info, f);
}


static int
says(const char *name, const char *digest)
{
    int                right;
    debar_fault_t      f;
    debar_snapshot_t  *s;

    s = debar_snapshot_open(path(name), &any, &f);

    right = s && debar_snapshot_verify(s, &f) == DEBAR_OK
            && strcmp(debar_snapshot_meta(s)->digest, digest) == 0;

    debar_snapshot_close(s);

    return right;
}


/* From a full build to a full build, both ways and back again. */

static void
test_leads(const char *claim, const list_t *x, const list_t *y, uint64_t most)
{
    char                from[65], to[65];
    debar_buf_t         d[2];
    debar_fault_t       f;
    debar_delta_info_t  i;

    build("x", x, from);
    build("y", y, to);

    if (!ok(make("x", "y", &d[0], &i) == DEBAR_OK
            && apply("x", "z", d, 1, to, &f) == DEBAR_OK,
            "%s: what the delta leads to is what a full build says", claim))
    {
        printf("# %s\n", f.text);
    }

    ok(i.changed <= most, "%s: %u rows are told, at most %u", claim,
       (unsigned) i.changed, (unsigned) most);
    ok(strcmp(i.from, from) == 0 && strcmp(i.to, to) == 0
       && i.from_serial == x->serial && i.serial == y->serial,
       "%s: it says from where to where", claim);

    /* z says what y says, and numbers its rules otherwise */

    if (!ok(make("y", "x", &d[1], &i) == DEBAR_OK
            && apply("z", "w", &d[1], 1, from, &f) == DEBAR_OK,
            "%s: it is a base as good as one that was built", claim))
    {
        printf("# %s\n", f.text);
    }

    if (!ok(apply("x", "v", d, 2, from, &f) == DEBAR_OK,
            "%s: two at once, there and back", claim))
    {
        printf("# %s\n", f.text);
    }

    debar_buf_free(&d[0]);
    debar_buf_free(&d[1]);
}


static void
test_lists(void)
{
    const list_t  x = { 1, 6000, 99, 101, 0, "said", 100, 50 };
    const list_t  few = { 2, 6005, 99, 101, 0, "said", 101, 51 };
    const list_t  turned = { 3, 6000, 99, 101, 4, "said", 100, 50 };
    const list_t  renamed = { 4, 6000, 99, 101, 0, "told", 100, 50 };
    const list_t  both = { 5, 6000, 99, 101, 5, "other", 100, 50 };
    const list_t  moved = { 6, 5000, 98, 97, 3, "said", 300, 0 };
    const list_t  empty = { 7, 0, 99, 101, 0, "said", 0, 0 };
    const list_t  large = { 8, 60000, 99, 101, 2, "said", 0, 500 };

    test_leads("some rows", &x, &few, 20);
    test_leads("rules in another order", &x, &turned, 0);
    test_leads("rules that say another thing", &x, &renamed, 0);
    test_leads("both", &x, &both, 0);
    test_leads("rows with other rules", &x, &moved, 10000);
    test_leads("nothing at all", &x, &empty, 10000);
    test_leads("ten times as much", &x, &large, 70000);
    test_leads("a serial", &x, &(list_t) { 9, 6000, 99, 101, 0, "said", 100,
                                           50 }, 0);
}


static void
test_refused(void)
{
    char                a[65], b[65], c[65];
    size_t              i, k, n;
    unsigned            wrong, taken;
    struct stat         before, after;
    debar_buf_t         d, e, bad;
    debar_fault_t       f;
    debar_delta_info_t  info;

    build("a", &(list_t) { 1, 300, 99, 101, 0, "said", 10, 9 }, a);
    build("b", &(list_t) { 2, 303, 99, 101, 3, "said", 12, 9 }, b);
    build("c", &(list_t) { 3, 310, 99, 101, 3, "told", 12, 9 }, c);
    (void) make("a", "b", &d, &info);
    (void) make("b", "c", &e, &info);

    (void) stat(path("a"), &before);

    ok(apply("c", "a", &d, 1, b, &f) == DEBAR_ERROR
       && strstr(f.text, "is not for this list"),
       "a delta for another base is refused: %s", f.text);
    ok(apply("a", "a", &d, 1, c, &f) == DEBAR_ERROR
       && strstr(f.text, "not to"), "one that leads elsewhere: %s", f.text);
    ok(apply("a", "a", &e, 1, c, &f) == DEBAR_ERROR,
       "the second of two alone: %s", f.text);
    ok(apply("a", "a", (debar_buf_t[]) { e, d }, 2, c, &f) == DEBAR_ERROR,
       "two in the wrong order: %s", f.text);

    memset(&bad, 0, sizeof(bad));
    debar_buf_add(&bad, d.data, d.len);

    for (wrong = 0, n = 0; n < d.len; n += n < 200 ? 7 : 37) {
        bad.len = n;
        wrong += apply("a", "a", &bad, 1, b, &f) != DEBAR_ERROR
                 || f.text[0] == '\0' || strchr(f.text, '\n');
    }

    ok(wrong == 0, "cut at any length it is refused in one line");

    bad.len = d.len;
    wrong = taken = 0;

    for (i = 0; i < d.len; i += i < 140 ? 1 : 5) {
        for (k = 0; k < 8; k += 3) {
            bad.data[i] ^= (char) (1 << k);

            if (apply("a", "t", &bad, 1, b, &f) == DEBAR_OK) {
                taken++;
                wrong += !says("t", b);
            }

            bad.data[i] ^= (char) (1 << k);
        }
    }

    ok(wrong == 0, "with a bit turned anywhere it is refused, or leads to the "
       "same rows");
    ok(taken < 100, "%u bits do not matter", taken);

    debar_buf_add(&bad, "x", 1);
    ok(apply("a", "a", &bad, 1, b, &f) == DEBAR_ERROR, "more behind it: %s",
       f.text);

    (void) stat(path("a"), &after);
    ok(before.st_ino == after.st_ino && before.st_size == after.st_size,
       "none of them has touched the file");

    /* a serial that is there does not come back */

    {
        debar_str_t         one = debar_str(d.data, d.len);
        debar_build_info_t  got;

        ok(apply("a", "p", (debar_buf_t[]) { d, e }, 2, c, &f) == DEBAR_OK
           && debar_delta_apply(path("a"), path("p"), &one, 1, b, NULL, &got,
                                &f) == DEBAR_ERROR
           && strstr(f.text, "older"), "an older serial is refused: %s",
           f.text);
    }

    debar_buf_free(&bad);
    debar_buf_free(&d);
    debar_buf_free(&e);
}


static void
test_left(void)
{
    DIR            *dp;
    unsigned        left;
    struct dirent  *de;

    dp = opendir(dir);

    for (left = 0; dp && (de = readdir(dp)); /* void */ ) {
        left += strstr(de->d_name, ".tmp") != NULL;
    }

    closedir(dp);
    ok(left == 0, "no temporary file is left");
}


int
main(void)
{
    char  cmd[300];

    if (mkdtemp(dir) == NULL) {
        printf("Bail out! no temporary folder\n");
        return 1;
    }

    test_lists();
    test_refused();
    test_left();

    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    ok(system(cmd) == 0, "the folder of the test is removed");

    return done();
}
