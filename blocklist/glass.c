/*
 * The file of a break-glass order.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "glass.h"


typedef enum {
    DEBAR_GLASS_UNTIL = 0,
    DEBAR_GLASS_OPENED,
    DEBAR_GLASS_BY,
    DEBAR_GLASS_REASON,
    DEBAR_GLASS_KEYS
} debar_glass_key_e;

static int debar_glass_line(debar_glass_t *g, unsigned *seen, const char *p,
    size_t len, const char **why);
static int debar_glass_value(debar_glass_t *g, unsigned key, const char *p,
    size_t len, const char **why);
static int debar_glass_text(char *to, size_t max, const char *p, size_t len);


static const char *const  debar_glass_keys[] = {
    "until", "opened", "by", "reason"
};


int
debar_glass_parse(debar_glass_t *g, const char *data, size_t len, time_t max,
    const char **why)
{
    size_t       n;
    unsigned     seen;
    const char  *eol;

    memset(g, 0, sizeof(*g));
    seen = 0;

    if (len > DEBAR_MAX_GLASS) {
        *why = "longer than a break-glass file may be";
        return DEBAR_ERROR;
    }

    while (len) {
        eol = memchr(data, '\n', len);
        n = eol ? (size_t) (eol - data) : len;

        if (debar_glass_line(g, &seen, data, n, why) != DEBAR_OK) {
            return DEBAR_ERROR;
        }

        n += (eol != NULL);
        data += n;
        len -= n;
    }

    if (seen != (1u << DEBAR_GLASS_KEYS) - 1) {
        *why = "it does not say all of until, opened, by and reason";
        return DEBAR_ERROR;
    }

    if (g->until <= g->opened) {
        *why = "it ends before it begins";
        return DEBAR_ERROR;
    }

    if (g->until - g->opened > max) {
        *why = "it lasts longer than is allowed";
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static int
debar_glass_line(debar_glass_t *g, unsigned *seen, const char *p, size_t len,
    const char **why)
{
    size_t    n;
    unsigned  key;

    if (len && p[len - 1] == '\r') {
        len--;
    }

    if (len == 0 || p[0] == '#') {
        return DEBAR_OK;
    }

    for (key = 0; key < DEBAR_GLASS_KEYS; key++) {

        n = strlen(debar_glass_keys[key]);

        if (len <= n || memcmp(p, debar_glass_keys[key], n) != 0
            || p[n] != ':')
        {
            continue;
        }

        if (*seen & (1u << key)) {
            *why = "a key stands twice";
            return DEBAR_ERROR;
        }

        *seen |= 1u << key;

        for (n++; n < len && p[n] == ' '; n++) { /* void */ }

        return debar_glass_value(g, key, p + n, len - n, why);
    }

    *why = "a line other than until, opened, by and reason";

    return DEBAR_ERROR;
}


static int
debar_glass_value(debar_glass_t *g, unsigned key, const char *p, size_t len,
    const char **why)
{
    int  rc;

    switch (key) {

    case DEBAR_GLASS_UNTIL:
        rc = debar_glass_time(&g->until, p, len);
        break;

    case DEBAR_GLASS_OPENED:
        rc = debar_glass_time(&g->opened, p, len);
        break;

    case DEBAR_GLASS_BY:
        rc = debar_glass_text(g->by, DEBAR_MAX_GLASS_BY, p, len);
        break;

    default:
        rc = debar_glass_text(g->reason, DEBAR_MAX_GLASS_REASON, p, len);
    }

    if (rc == DEBAR_OK) {
        return DEBAR_OK;
    }

    *why = (key == DEBAR_GLASS_UNTIL || key == DEBAR_GLASS_OPENED)
           ? "a time is not like 2026-01-02T03:04:05Z"
           : "by or reason is empty, too long, or has control characters";

    return DEBAR_ERROR;
}


static int
debar_glass_text(char *to, size_t max, const char *p, size_t len)
{
    size_t  i;

    if (len == 0 || len > max) {
        return DEBAR_ERROR;
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) p[i] < 0x20 || p[i] == 0x7f) {
            return DEBAR_ERROR;
        }
    }

    memcpy(to, p, len);
    to[len] = '\0';

    return DEBAR_OK;
}


int
debar_glass_time(time_t *t, const char *data, size_t len)
{
    int          day;
    char         text[21];
    struct tm    tm;
    const char  *end;

    if (len != sizeof(text) - 1) {
        return DEBAR_ERROR;
    }

    memcpy(text, data, len);
    text[len] = '\0';
    memset(&tm, 0, sizeof(tm));

    end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

    if (end == NULL || *end) {
        return DEBAR_ERROR;
    }

    /* strptime() takes the 31st of every month, timegm() makes it another */

    day = tm.tm_mday;
    *t = timegm(&tm);

    return (*t < 0 || tm.tm_mday != day) ? DEBAR_ERROR : DEBAR_OK;
}


size_t
debar_glass_format(char *out, const debar_glass_t *g)
{
    int        n;
    char       until[32], opened[32];
    struct tm  tm;

    strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ",
             gmtime_r(&g->until, &tm));
    strftime(opened, sizeof(opened), "%Y-%m-%dT%H:%M:%SZ",
             gmtime_r(&g->opened, &tm));

    n = snprintf(out, DEBAR_MAX_GLASS,
                 "# What the list blocks is let through until then, and "
                 "recorded.\n"
                 "until: %s\nopened: %s\nby: %s\nreason: %s\n",
                 until, opened, g->by, g->reason);

    return (n < 0 || n >= DEBAR_MAX_GLASS) ? 0 : (size_t) n;
}
