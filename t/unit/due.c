/*
 * What a list has coming: days, their edges, and bounds.
 */

#include "tap.h"
#include "due.h"

#include <stdlib.h>


#define MANY  (DEBAR_DUE_KEEP + 20)


static void
days(void)
{
    size_t   i;
    int64_t  t, next;

    static const char *const  bad[] = {
        "", "2030-02-29", "2030-00-10", "2030-13-01", "2030-04-31",
        "2030-01-00", "2030-1-1", "2030-1-011", "30-01-01", "1899-12-31",
        "2030-01-01 ", " 2030-01-01", "2030/01/01", "2030-01-0x",
        "-030-01-01", "2030--1-01", "2030-01-01T00:00:00", "today"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(debar_due_day("UTC", bad[i], 0, &t) == DEBAR_ERROR,
           "\"%s\" is no day", bad[i]);
    }

    ok(debar_due_day("UTC", "2028-02-29", 0, &t) == DEBAR_OK
       && t == 1835395200, "the 29th of February is one in a leap year");
    ok(debar_due_day("UTC", "2028-02-29", 365, &t) == DEBAR_OK
       && t == 1866931200, "a year later");

    (void) debar_due_day("America/New_York", "2026-11-01", 0, &t);
    (void) debar_due_day("America/New_York", "2026-11-01", 1, &next);
    is_int(t, 1793505600, "a day begins at midnight of the timezone");
    is_int(next - t, 25 * 3600, "and may have 25 hours");
}


static size_t
found(const debar_source_t *src, int64_t from, int64_t to)
{
    size_t       n;
    debar_due_t  d;

    debar_due_source(&d, src);
    debar_due_find(&d, from, to);
    n = d.n;
    debar_due_free(&d);

    return n;
}


static void
edges(debar_source_t *src, debar_waiver_t *w)
{
    src->tables[DEBAR_T_WAIVERS].n = 1;
    w->from = 1000;
    w->until = 5000;

    is_int(found(src, 1000, 1001), 1, "what begins in the first second");
    is_int(found(src, 1001, 2000), 0, "not what began before");
    is_int(found(src, 900, 1000), 0, "nor what begins after");
    is_int(found(src, 4000, 5000), 1, "what ends with the time");
    is_int(found(src, 5000, 6000), 1, "or as it begins");
    is_int(found(src, 5001, 6000), 0, "not what ended");
    is_int(found(src, 900, 6000), 2, "both of one waiver");

    src->expires = 3000;
    is_int(found(src, 2000, 3000), 0, "a list that is good throughout");
    is_int(found(src, 2000, 3001), 1, "one that expires");
    is_int(found(src, 3500, 3600), 1, "one that has expired is always told");
    src->expires = 0;
}


/* Waivers by products are one waiver; many are counted. */

static void
many(debar_source_t *src, debar_waiver_t *w)
{
    size_t       i;
    debar_buf_t  b;
    debar_due_t  d;

    for (i = 0; i < MANY; i++) {
        w[i] = w[0];
        w[i].until = 9000 - (int64_t) i % 7;
    }

    src->tables[DEBAR_T_WAIVERS].n = 3;
    is_int(found(src, 4000, 9999), 1, "records of one id are one waiver");

    for (i = 0; i < MANY; i++) {
        w[i].id.off = (uint32_t) (i & 1) * 4;
    }

    src->tables[DEBAR_T_WAIVERS].n = MANY;
    memset(&b, 0, sizeof(debar_buf_t));

    debar_due_source(&d, src);
    debar_due_find(&d, 4000, 9999);

    is_int(d.n, DEBAR_DUE_KEEP, "as many as are kept");
    is_int(d.more, 20, "and the others are counted");
    is_int(debar_due_ends(&b, &d), DEBAR_DUE_KEEP, "all of them end");
    ok(b.len < 1000, "said in one line of %zu bytes", b.len);

    for (i = 1; i < d.n && d.events[i - 1].when <= d.events[i].when; i++) {
        /* void */
    }

    is_int(i, d.n, "in the order of time");

    debar_buf_free(&b);
    debar_due_free(&d);
}


int
main(void)
{
    char             text[] = "W-1\0W-2\0anna";
    debar_ref_t      user = { 8, 4 };
    debar_entry_t    entry;
    debar_source_t   src;
    debar_waiver_t  *w;

    days();

    memset(&src, 0, sizeof(debar_source_t));
    memset(&entry, 0, sizeof(debar_entry_t));
    entry.id = user;
    w = calloc(MANY, sizeof(debar_waiver_t));

    if (w == NULL) {
        return 1;
    }

    w[0].id.len = 3;
    w[0].nusers = 1;
    w[0].product = DEBAR_NONE;

    src.timezone = "UTC";
    src.tables[DEBAR_T_STRINGS].data = text;
    src.tables[DEBAR_T_STRINGS].n = sizeof(text);
    src.tables[DEBAR_T_REFS].data = &user;
    src.tables[DEBAR_T_REFS].n = 1;
    src.tables[DEBAR_T_ENTRIES].data = &entry;
    src.tables[DEBAR_T_ENTRIES].n = 1;
    src.tables[DEBAR_T_WAIVERS].data = w;

    edges(&src, w);
    many(&src, w);
    free(w);

    return done();
}
