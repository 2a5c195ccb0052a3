/*
 * Manifests and roots: one text for each, and who counts.
 */

#include "tap.h"
#include "manifest.h"

#include <stdlib.h>
#include <openssl/evp.h>


#define HEX1  "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX2  "2222222222222222222222222222222222222222222222222222222222222222"

#define HEAD  "debar-manifest/1\nserial 12\nprevious 11 " HEX1 "\n"
#define TIMES  "created 2026-11-22T09:00:00Z\nexpires 2026-12-22T00:00:00Z\n"
#define TAIL  "title A list\ndigest " HEX2 "\nsha256 " HEX1 "\nsize 4096\n" \
              "preview none\ndiff " HEX2 "\n"

#define NOW  1795400000      /* 2026-11-23 */


static EVP_PKEY       *private[4];
static debar_vkey_t    key[4];
static debar_fault_t   fault;


static int
parse(debar_manifest_t *m, const char *s)
{
    return debar_manifest_parse(m, "manifest", debar_str(s, strlen(s)), &fault);
}


static void
texts(void)
{
    size_t            i;
    debar_buf_t       out;
    debar_manifest_t  m;

    static const char *const  bad[] = {
        "", "\n", "debar-manifest/1\n", HEAD, HEAD TIMES,
        "debar-manifest/2\nserial 1\nprevious none\n" TIMES TAIL,
        "debar-manifest/1 \nserial 1\nprevious none\n" TIMES TAIL,
        "debar-manifest/1\nserial 0\nprevious none\n" TIMES TAIL,
        "debar-manifest/1\nserial 01\nprevious none\n" TIMES TAIL,
        "debar-manifest/1\nserial +1\nprevious none\n" TIMES TAIL,
        "debar-manifest/1\nserial -1\nprevious none\n" TIMES TAIL,
        "debar-manifest/1\nserial 9223372036854775808\nprevious none\n"
            TIMES TAIL,
        "debar-manifest/1\nserial 99999999999999999999\nprevious none\n"
            TIMES TAIL,
        "debar-manifest/1\nserial  1\nprevious none\n" TIMES TAIL,
        "debar-manifest/1\nserial 12\nprevious 12 " HEX1 "\n" TIMES TAIL,
        "debar-manifest/1\nserial 12\nprevious 13 " HEX1 "\n" TIMES TAIL,
        "debar-manifest/1\nserial 12\nprevious 0 " HEX1 "\n" TIMES TAIL,
        "debar-manifest/1\nserial 12\nprevious 11\n" TIMES TAIL,
        "debar-manifest/1\nserial 12\nprevious 11  " HEX1 "\n" TIMES TAIL,
        "debar-manifest/1\nserial 12\nprevious \n" TIMES TAIL,
        HEAD "created 2026-11-22T09:00:00Z\nexpires 2026-11-22T09:00:00Z\n"
            TAIL,
        HEAD "created 2026-11-31T09:00:00Z\nexpires 2026-12-22T09:00:00Z\n"
            TAIL,
        HEAD "created 2026-11-22T24:00:00Z\nexpires 2026-12-22T09:00:00Z\n"
            TAIL,
        HEAD "created 2026-11-22t09:00:00z\nexpires 2026-12-22T09:00:00Z\n"
            TAIL,
        HEAD "created 2026-11-22T9:00:00Z\nexpires 2026-12-22T09:00:00Z\n" TAIL,
        HEAD TIMES TAIL "\n", HEAD TIMES TAIL "x y\n", HEAD TIMES TAIL "diff",
        HEAD TIMES "title \ndigest " HEX2 "\nsha256 " HEX1
            "\nsize 1\npreview none\ndiff none\n",
        HEAD TIMES "title a\xc2\x85" "b\ndigest " HEX2 "\nsha256 " HEX1
            "\nsize 1\npreview none\ndiff none\n",
        HEAD TIMES "title a\xe2\x80\xae" "b\ndigest " HEX2 "\nsha256 " HEX1
            "\nsize 1\npreview none\ndiff none\n",
        HEAD TIMES "title a\xff\ndigest " HEX2 "\nsha256 " HEX1
            "\nsize 1\npreview none\ndiff none\n",
        HEAD TIMES "title a\ndigest none\nsha256 " HEX1
            "\nsize 1\npreview none\ndiff none\n",
        HEAD TIMES "title a\ndigest " HEX2 "\nsha256 " HEX1
            "\nsize 0\npreview none\ndiff none\n",
        HEAD TIMES "title a\ndigest " HEX2 "\nsha256 " HEX1
            "\nsize 99999999999999\npreview none\ndiff none\n",
        HEAD TIMES "title a\ndigest " HEX2 "\nsha256 " HEX1
            "\nsize 1\npreview None\ndiff none\n",
        HEAD TIMES "title a\ndigest AA" HEX2 "\nsha256 " HEX1
            "\nsize 1\npreview none\ndiff none\n",
    };

    is_int(parse(&m, HEAD TIMES TAIL), DEBAR_OK, "a manifest is read");
    is_int((long long) m.serial, 12, "its serial");
    is_int((long long) m.previous, 11, "the one before");
    is_str(m.previous_digest, HEX1, "and its digest");
    is_int(m.created, 1795338000, "when it was made");
    is_str(m.title, "A list", "its title");
    is_str(m.preview, "", "no preview");
    is_str(m.diff, HEX2, "a diff");

    memset(&out, 0, sizeof(out));
    is_int(debar_manifest_text(&out, &m, &fault), DEBAR_OK, "it is written");
    is_mem(out.data, out.len, HEAD TIMES TAIL, "the same");
    debar_buf_free(&out);

    m.title[0] = '\n';
    is_int(debar_manifest_text(&out, &m, &fault), DEBAR_ERROR,
           "what could not be read is not written");
    debar_buf_free(&out);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(parse(&m, bad[i]) == DEBAR_ERROR, "no manifest %zu: %s", i,
           fault.text);
    }
}


static void
current(void)
{
    debar_manifest_t        m;
    debar_manifest_floor_t  floor;

    (void) parse(&m, HEAD TIMES TAIL);
    memset(&floor, 0, sizeof(floor));

    is_int(debar_manifest_current(&m, "m", NOW, NULL, &fault), DEBAR_OK,
           "a manifest is current");
    is_int(debar_manifest_current(&m, "m", m.expires, NULL, &fault),
           DEBAR_ERROR, "not at the second that it expires");
    is_int(debar_manifest_current(&m, "m", m.expires - 1, NULL, &fault),
           DEBAR_OK, "but before");
    is_int(debar_manifest_current(&m, "m", m.created - 90000, NULL, &fault),
           DEBAR_ERROR, "nor more than a day before it was made");

    floor.serial = 12;
    is_int(debar_manifest_current(&m, "m", NOW, &floor, &fault), DEBAR_OK,
           "the serial in force is no step back");
    memcpy(floor.digest, HEX2, 65);
    is_int(debar_manifest_current(&m, "m", NOW, &floor, &fault), DEBAR_OK,
           "with the same rows");
    memcpy(floor.digest, HEX1, 65);
    is_int(debar_manifest_current(&m, "m", NOW, &floor, &fault), DEBAR_ERROR,
           "with others it is refused");
    floor.serial = 13;
    is_int(debar_manifest_current(&m, "m", NOW, &floor, &fault), DEBAR_ERROR,
           "a lower one always");
    ok(strstr(fault.text, "12") && strstr(fault.text, "13"), "%s", fault.text);
}


/* A note of text, signed by keys "013", with the names of the keys. */

static void
sign(debar_buf_t *out, const char *text, const char *by)
{
    memset(out, 0, sizeof(*out));
    debar_buf_printf(out, "%s\n", text);

    for (/* void */; *by; by++) {
        (void) debar_note_sign(out, debar_str(text, strlen(text)),
                               &key[*by - '0'], private[*by - '0'], &fault);
    }
}


static void
make_root(debar_root_t *root, const char *approvers, unsigned threshold)
{
    memset(root, 0, sizeof(*root));
    root->version = 1;
    root->threshold = threshold;
    root->created = NOW - 1000;
    root->until = NOW + 1000;

    for (/* void */; *approvers; approvers++) {
        root->approvers[root->n++] = key[*approvers - '0'];
    }
}


static int
check(debar_root_t *root, const debar_root_t *old, const char *text,
    const char *by)
{
    int           rc;
    debar_buf_t   note;

    sign(&note, text, by);
    rc = old ? debar_root_follows(root, old, "root", note.data, note.len,
                                  &fault)
             : debar_root_check(root, "root", note.data, note.len, &fault);
    debar_buf_free(&note);

    return rc;
}


static int
verify(const debar_root_t *root, const char *by, int64_t now)
{
    int               rc;
    debar_buf_t       note;
    debar_manifest_t  m;

    sign(&note, HEAD TIMES TAIL, by);
    rc = debar_manifest_verify(&m, "manifest", note.data, note.len, root, now,
                               NULL, &fault);
    debar_buf_free(&note);

    return rc;
}


static char *
text_of(debar_root_t *root)
{
    debar_buf_t  out;

    memset(&out, 0, sizeof(out));

    if (debar_root_text(&out, root, &fault) != DEBAR_OK) {
        debar_buf_free(&out);
        return NULL;
    }

    debar_buf_add(&out, "", 1);

    return out.data;
}


static void
roots(void)
{
    char          *one, *two;
    debar_root_t   root, next, got;

    make_root(&root, "012", 2);
    one = text_of(&root);
    is_int(check(&got, NULL, one, "01"), DEBAR_OK,
           "a root that two of three signed is one");
    is_int((long long) got.n, 3, "with its approvers");
    is_int(check(&got, NULL, one, "0"), DEBAR_ERROR, "one is not enough");
    is_int(check(&got, NULL, one, "03"), DEBAR_ERROR, "nor with a stranger");
    ok(strstr(fault.text, "carla") && strstr(fault.text, "not an approver"),
       "who is named: %s", fault.text);
    is_int(check(&got, NULL, one, "000"), DEBAR_ERROR, "nor three times");

    is_int(verify(&root, "02", NOW), DEBAR_OK, "two approve a manifest");
    is_int(verify(&root, "2", NOW), DEBAR_ERROR, "one does not");
    is_int(verify(&root, "22", NOW), DEBAR_ERROR, "twice neither");
    is_int(verify(&root, "23", NOW), DEBAR_ERROR, "nor a stranger beside");
    is_int(verify(&root, "02", NOW + 1000), DEBAR_ERROR,
           "nor under a root that expired");

    make_root(&next, "13", 2);
    next.version = 2;
    next.revoked[next.nrevoked++] = key[0];
    memcpy(next.previous, root.digest, 65);
    two = text_of(&next);
    is_int(check(&got, &root, two, "013"), DEBAR_OK, "a next root follows");
    is_int(check(&got, &root, two, "13"), DEBAR_ERROR,
           "not by those alone that it names");
    is_int(check(&got, &root, two, "012"), DEBAR_ERROR,
           "nor by those alone that were");
    is_int(check(&got, &got, two, "013"), DEBAR_ERROR, "nor itself");
    is_int(verify(&next, "01", NOW), DEBAR_ERROR,
           "a revoked key approves nothing");
    ok(strstr(fault.text, "revokes that key") != NULL, "%s", fault.text);

    free(one);
    free(two);

    make_root(&root, "01", 3);
    is_int(text_of(&root) == NULL, 1, "no root that can never be met");
    make_root(&root, "", 0);
    is_int(text_of(&root) == NULL, 1, "nor one that needs nobody");
    make_root(&root, "01", 2);
    root.approvers[1] = key[0];
    is_int(text_of(&root) == NULL, 1, "nor with one approver twice");
    make_root(&root, "01", 2);
    root.revoked[root.nrevoked++] = key[1];
    is_int(text_of(&root) == NULL, 1, "nor with a revoked approver");
    make_root(&root, "01", 2);
    root.until = root.created;
    is_int(text_of(&root) == NULL, 1, "nor for no time at all");
    make_root(&root, "01", 2);
    (void) debar_vkey_set(&root.approvers[1], "ANNA", 4, key[1].pub);
    is_int(text_of(&root) == NULL, 1, "nor with names that look alike");
}


static void
names(void)
{
    size_t  i;

    static const char *const  bad[] = {
        "", "a b", "a+b", "a\tb", "a\xc2\xa0" "b", "a\xe2\x80\x8b" "b", "\xff",
        "a\xcc\x81", "<a>", "a\xf0\x9f\x98\x80",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    is_int(debar_root_name("anna.smith@agency.example", 25), DEBAR_OK,
           "an address is a name");
    is_int(debar_root_name("j\xc3\xbcrgen", 7), DEBAR_OK,
           "so is one with other letters");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(debar_root_name(bad[i], strlen(bad[i])) == DEBAR_ERROR,
           "no name %zu", i);
    }
}


int
main(void)
{
    size_t    i, n;
    uint8_t   seed[32], pub[32];

    static const char *const  who[] = { "anna", "bob", "christoph", "carla" };

    for (i = 0; i < 4; i++) {
        memset(seed, 'a' + (int) i, sizeof(seed));
        n = sizeof(pub);
        private[i] = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                                  sizeof(seed));
        (void) EVP_PKEY_get_raw_public_key(private[i], pub, &n);
        (void) debar_vkey_set(&key[i], who[i], strlen(who[i]), pub);
    }

    texts();
    current();
    names();
    roots();

    for (i = 0; i < 4; i++) {
        EVP_PKEY_free(private[i]);
    }

    return done();
}
