/*
 * The file of a break-glass order.
 */

#include "tap.h"
#include "glass.h"


static int
parse(debar_glass_t *g, const char *text)
{
    const char  *why;

    return debar_glass_parse(g, text, strlen(text), 3600, &why);
}


int
main(void)
{
    char           out[DEBAR_MAX_GLASS], big[DEBAR_MAX_GLASS + 8];
    time_t         t;
    size_t         i, n;
    const char    *why;
    debar_glass_t  g, back;

    static const char *const  bad[] = {
        "",
        "until: 2026-01-02T03:04:05Z\n",
        "until: 2026-01-02T03:04:05Z\nopened: 2026-01-02T03:00:00Z\nby: a\n"
        "reason: \n",
        "until: 2026-01-02T03:04:05Z\nopened: 2026-01-02T03:04:05Z\nby: a\n"
        "reason: b\n",
        "until: 2026-01-02T05:04:05Z\nopened: 2026-01-02T03:04:05Z\nby: a\n"
        "reason: b\n",
        "until: 2026-01-02T03:04:05Z\nopened: 2026-01-02T03:00:00Z\nby: a\n"
        "by: c\nreason: b\n",
        "until: 2026-01-02T03:04:05Z\nopened: 2026-01-02T03:00:00Z\nby: a\n"
        "reason: b\nmode: all\n",
        "until: 2026-01-02T03:04:05Z\nopened: 2026-01-02T03:00:00Z\n"
        "by: a\tb\nreason: b\n",
    };

    static const char *const  times[] = {
        "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-02-30T03:04:05Z",
        "2026-01-02T03:04:05z", "2026-13-02T03:04:05Z", "1966-01-02T03:04:05Z",
        " 026-01-02T03:04:05Z",
    };

    ok(parse(&g, "# a comment\nuntil: 2026-01-02T03:04:05Z\r\n\n"
             "opened: 2026-01-02T03:00:00Z\nby: J. Doe\nreason: x: y")
       == DEBAR_OK, "an order");
    ok(g.until == 1767323045, "until when");
    ok(g.opened == 1767322800, "from when");
    is_str(g.by, "J. Doe", "by whom");
    is_str(g.reason, "x: y", "why, at the end without a line end");

    n = debar_glass_format(out, &g);
    ok(n && debar_glass_parse(&back, out, n, 3600, &why) == DEBAR_OK
       && memcmp(&back, &g, sizeof(g)) == 0, "what is written is read");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(parse(&g, bad[i]) == DEBAR_ERROR, "no order: %zu", i);
    }

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        ok(debar_glass_time(&t, times[i], strlen(times[i])) == DEBAR_ERROR,
           "no time: %s", times[i]);
    }

    memset(big, '#', sizeof(big));
    ok(debar_glass_parse(&g, big, sizeof(big), 3600, &why) == DEBAR_ERROR,
       "a file that is too long");

    return done();
}
