/*
 * How alike names are: Jaro-Winkler by published figures, and what is the same
 * firm in other words, letters and legal forms.
 */

#include "tap.h"
#include "similar.h"


static debar_similar_t  similar;

typedef struct {
    const char  *a;
    const char  *b;
    double       score;
} score_case_t;


/* Winkler 1990, as printed in many libraries' tests. */

static const score_case_t  published[] = {
    { "martha", "marhta", 0.9611 },
    { "dwayne", "duane", 0.8400 },
    { "dixon", "dicksonx", 0.8133 },
    { "jones", "johnson", 0.8324 },
    { "abc", "xyz", 0.0 },
    { "", "", 1.0 },
    { NULL, NULL, 0 }
};

static const score_case_t  same[] = {
    { "AO Kaspersky Lab", "Kaspersky Lab, Inc.", 1 },
    { "\xd0\x90\xd0\x9e \xd0\x9a\xd0\xb0\xd1\x81\xd0\xbf\xd0\xb5\xd1\x80\xd1"
      "\x81\xd0\xba\xd0\xb8\xd0\xb9", "Kasperskij", 0.97 },
    { "ZTE CORPORATION", "Zte Corp.", 1 },
    { "Peanut Butter L.L.C.", "PEANUT BUTTER, LLC", 1 },
    { "Butter Peanut Ltd", "Peanut Butter GmbH", 1 },
    { "M\xc3\xbcller Soci\xc3\xa9t\xc3\xa9 S.A.", "Muller Societe", 1 },
    { "O'Neil Systems", "ONeil Systems", 1 },
    { "S.p.A. Acme Ltd", "Acme SpA", 1 },
    { NULL, NULL, 0 }
};


static double
of(const char *a, const char *b, double at_least)
{
    debar_similar_name_t  one, two;

    debar_similar_name(&similar, &one, a, strlen(a));
    debar_similar_name(&similar, &two, b, strlen(b));

    return debar_similar(&one, &two, at_least);
}


int
main(void)
{
    char                   big[4096];
    double                 got;
    debar_fault_t          why;
    const score_case_t    *c;
    debar_similar_name_t   n;

    for (c = published; c->a; c++) {
        got = debar_jaro_winkler(c->a, strlen(c->a), c->b, strlen(c->b));
        ok(got > c->score - 0.0001 && got < c->score + 0.0001,
           "%s and %s: %.4f", c->a, c->b, got);
    }

    ok(debar_similar_open(&similar, &why) == DEBAR_OK, "ICU transliterates");

    for (c = same; c->a; c++) {
        got = of(c->a, c->b, 0);
        ok(got >= c->score - 1e-9, "%s is %s: %.4f", c->a, c->b, got);
        ok(of(c->a, c->b, 0.9) == got, "and with a bound, too");
    }

    ok(of("Acme Rockets Inc", "Zebra Finance Inc", 0) < 0.7,
       "a legal form in common makes nobody alike");
    ok(of("Ltd", "LLC", 0.9) < 0.9,
       "names of nothing else are what they are");
    ok(of("...", "Acme", 0) == 0, "nothing is like nothing");

    ok(debar_similar_firm(&similar, "Acme L.L.C.", 11)
       && debar_similar_firm(&similar, "\xd0\x9e\xd0\x9e\xd0\x9e "
                             "\xd0\x98\xd0\xba\xd1\x81", 13),
       "a legal form says that it is a firm");
    ok(!debar_similar_firm(&similar, "CASSIE COLLINS", 14)
       && !debar_similar_firm(&similar, "LIMITED", 7),
       "a person's name does not");

    memset(big, 'a', sizeof(big));
    debar_similar_name(&similar, &n, big, sizeof(big));
    is_int((long long) n.len, DEBAR_SIMILAR_MAX, "long names are cut");
    memset(big, 0xd0, sizeof(big));
    debar_similar_name(&similar, &n, big, sizeof(big));
    ok(n.len == 0, "bytes that are no text are no name");

    debar_similar_close(&similar);

    return done();
}
