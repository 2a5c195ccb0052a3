/*
 * Names, lines and state of the sealed log.
 */

#include <inttypes.h>
#include <stdio.h>

#include "sealed.h"


#define DEBAR_SEALED_PREFIX  "audit-"
#define DEBAR_SEALED_SUFFIX  ".jsonl"


/* Reads what stands there exactly so; bad stays set from the first that does
 * not. */

typedef struct {
    const char  *p;
    const char  *end;
    unsigned     bad;
} debar_sealed_scan_t;


static void debar_sealed_text(debar_sealed_scan_t *s, const char *text);
static uint64_t debar_sealed_count(debar_sealed_scan_t *s);
static void debar_sealed_hex(debar_sealed_scan_t *s, uint8_t out[32]);
static int64_t debar_sealed_time(debar_sealed_scan_t *s);
static void debar_sealed_put_hex(char out[65], const uint8_t in[32]);
static void debar_sealed_put_time(char out[24], int64_t t);


void
debar_sealed_file_name(char out[DEBAR_SEALED_NAME], uint64_t number)
{
    snprintf(out, DEBAR_SEALED_NAME, DEBAR_SEALED_PREFIX "%08" PRIu64
             DEBAR_SEALED_SUFFIX, number);
}


void
debar_sealed_secret_name(char out[DEBAR_SEALED_NAME], uint64_t number)
{
    snprintf(out, DEBAR_SEALED_NAME, DEBAR_SEALED_PREFIX "%08" PRIu64, number);
}


uint64_t
debar_sealed_number(const char *name, size_t len)
{
    uint64_t             n;
    debar_sealed_scan_t  s;
    char                 again[DEBAR_SEALED_NAME];

    s.p = name;
    s.end = name + len;
    s.bad = 0;

    debar_sealed_text(&s, DEBAR_SEALED_PREFIX);

    while (!s.bad && s.p < s.end && *s.p == '0') {
        s.p++;
    }

    n = debar_sealed_count(&s);
    debar_sealed_text(&s, DEBAR_SEALED_SUFFIX);

    if (s.bad || s.p != s.end) {
        return 0;
    }

    debar_sealed_file_name(again, n);

    return strlen(again) == len && memcmp(again, name, len) == 0 ? n : 0;
}


size_t
debar_sealed_line(const char *p, size_t avail, int last, size_t *len)
{
    size_t       n;
    const char  *eol;

    n = avail > DEBAR_SEALED_LINE + 1 ? DEBAR_SEALED_LINE + 1 : avail;
    eol = n ? memchr(p, '\n', n) : NULL;

    if (eol) {
        *len = (size_t) (eol - p);
        return *len + 1;
    }

    if (n > DEBAR_SEALED_LINE) {
        *len = DEBAR_SEALED_LINE;
        return *len;
    }

    *len = last ? n : 0;

    return *len;
}


int
debar_sealed_torn(const char *p, size_t len)
{
    return len < 2 || p[0] != '{' || p[len - 1] != '}';
}


void
debar_sealed_file_text(debar_buf_t *out, const debar_sealed_file_t *f)
{
    char  name[DEBAR_SEALED_NAME], secret[DEBAR_SEALED_NAME], hex[65],
          when[24];

    debar_sealed_file_name(name, f->number);
    debar_sealed_secret_name(secret, f->number);
    debar_sealed_put_hex(hex, f->sha256);
    debar_sealed_put_time(when, f->closed);

    debar_buf_printf(out, "{\"file\":\"%s\",\"first\":%" PRIu64 ",\"lines\":%"
                     PRIu64 ",\"bytes\":%" PRIu64 ",\"sha256\":\"%s\","
                     "\"secret\":\"%s\",\"closed\":\"%s\"", name, f->first,
                     f->lines, f->bytes, hex, secret, when);

    if (f->deleted) {
        debar_sealed_put_time(when, f->deleted);
        debar_buf_printf(out, ",\"deleted\":\"%s\"", when);
    }

    debar_buf_add(out, "}\n", 2);
}


int
debar_sealed_file_parse(debar_sealed_file_t *f, const char *name,
    const char *data, size_t len, debar_fault_t *fault)
{
    char                 secret[DEBAR_SEALED_NAME];
    const char          *quote;
    debar_sealed_scan_t  s;

    memset(f, 0, sizeof(*f));
    s.p = data;
    s.end = data + len;
    s.bad = 0;

    debar_sealed_text(&s, "{\"file\":\"");
    quote = s.bad ? NULL : memchr(s.p, '"', (size_t) (s.end - s.p));

    if (quote) {
        f->number = debar_sealed_number(s.p, (size_t) (quote - s.p));
        s.p = quote;
    }

    s.bad |= f->number == 0;
    debar_sealed_text(&s, "\",\"first\":");
    f->first = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"lines\":");
    f->lines = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"bytes\":");
    f->bytes = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"sha256\":\"");
    debar_sealed_hex(&s, f->sha256);
    debar_sealed_text(&s, "\",\"secret\":\"");
    debar_sealed_secret_name(secret, f->number);
    debar_sealed_text(&s, secret);
    debar_sealed_text(&s, "\",\"closed\":\"");
    f->closed = debar_sealed_time(&s);
    debar_sealed_text(&s, "\"");

    if (!s.bad && s.end - s.p > 1) {
        debar_sealed_text(&s, ",\"deleted\":\"");
        f->deleted = debar_sealed_time(&s);
        debar_sealed_text(&s, "\"");
    }

    debar_sealed_text(&s, "}");

    if (s.bad || s.p != s.end || f->first > DEBAR_MERKLE_MAX
        || f->lines > DEBAR_MERKLE_MAX)
    {
        debar_fault(fault, "%s: a line is not as the sealer wrote it: %.*s; "
                    "take the file from a copy", name,
                    len > 200 ? 200 : (int) len, data);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


void
debar_sealed_state_text(debar_buf_t *out, const debar_sealed_state_t *s)
{
    char  hex[65], began[24], when[24];

    debar_sealed_put_hex(hex, s->root);
    debar_sealed_put_time(began, s->began);
    debar_sealed_put_time(when, s->time);

    debar_buf_printf(out, "{\"format\":\"" DEBAR_SEALED_FORMAT "\",\"size\":%"
                     PRIu64 ",\"root\":\"%s\",\"number\":%" PRIu64
                     ",\"first\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"bytes\":%"
                     PRIu64 ",\"torn\":%" PRIu64 ",\"inode\":%" PRIu64
                     ",\"checkpoints\":%" PRIu64 ",\"began\":\"%s\","
                     "\"time\":\"%s\"}\n", s->size, hex, s->number, s->first,
                     s->lines, s->bytes, s->torn, s->inode, s->checkpoints,
                     began, when);
}


int
debar_sealed_state_parse(debar_sealed_state_t *st, const char *name,
    const char *data, size_t len, debar_fault_t *fault)
{
    debar_sealed_scan_t  s;

    memset(st, 0, sizeof(*st));
    s.p = data;
    s.end = data + len;
    s.bad = 0;

    debar_sealed_text(&s, "{\"format\":\"" DEBAR_SEALED_FORMAT
                          "\",\"size\":");
    st->size = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"root\":\"");
    debar_sealed_hex(&s, st->root);
    debar_sealed_text(&s, "\",\"number\":");
    st->number = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"first\":");
    st->first = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"lines\":");
    st->lines = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"bytes\":");
    st->bytes = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"torn\":");
    st->torn = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"inode\":");
    st->inode = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"checkpoints\":");
    st->checkpoints = debar_sealed_count(&s);
    debar_sealed_text(&s, ",\"began\":\"");
    st->began = debar_sealed_time(&s);
    debar_sealed_text(&s, "\",\"time\":\"");
    st->time = debar_sealed_time(&s);
    debar_sealed_text(&s, "\"}\n");

    if (s.bad || s.p != s.end || st->number == 0
        || st->size > DEBAR_MERKLE_MAX || st->first > st->size
        || st->lines != st->size - st->first)
    {
        debar_fault(fault, "%s: not the state of a sealer that this debar "
                    "knows (" DEBAR_SEALED_FORMAT "): take it from a copy, or "
                    "use the debar that wrote it", name);
        return DEBAR_ERROR;
    }

    return DEBAR_OK;
}


static void
debar_sealed_text(debar_sealed_scan_t *s, const char *text)
{
    size_t  n;

    n = strlen(text);

    if (s->bad || (size_t) (s->end - s->p) < n || memcmp(s->p, text, n) != 0) {
        s->bad = 1;
        return;
    }

    s->p += n;
}


/* Up to 19 digits, no zero before another. */

static uint64_t
debar_sealed_count(debar_sealed_scan_t *s)
{
    uint64_t     n;
    const char  *from;

    from = s->p;

    for (n = 0; !s->bad && s->p < s->end && *s->p >= '0' && *s->p <= '9';
         s->p++)
    {
        if (s->p - from == 19) {
            s->bad = 1;
        }

        n = n * 10 + (uint64_t) (*s->p - '0');
    }

    s->bad |= s->p == from || (*from == '0' && s->p - from > 1);

    return n;
}


static void
debar_sealed_hex(debar_sealed_scan_t *s, uint8_t out[32])
{
    int                i, v;
    const char        *at;
    static const char  digits[] = "0123456789abcdef";

    if (s->bad || s->end - s->p < 64) {
        s->bad = 1;
        return;
    }

    for (v = 0, i = 0; i < 64; i++) {

        at = memchr(digits, s->p[i], 16);

        if (at == NULL) {
            s->bad = 1;
            return;
        }

        v = (v << 4 | (int) (at - digits)) & 0xff;
        out[i / 2] = (uint8_t) v;
    }

    s->p += 64;
}


/* "2026-11-22T09:00:00Z" */

static int64_t
debar_sealed_time(debar_sealed_scan_t *s)
{
    int        n;
    char       text[24], again[24];
    int64_t    t;
    struct tm  tm;

    if (s->bad || s->end - s->p < 20) {
        s->bad = 1;
        return 0;
    }

    memcpy(text, s->p, 20);
    text[20] = '\0';
    memset(&tm, 0, sizeof(tm));
    n = 0;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6
        || n != 20)
    {
        s->bad = 1;
        return 0;
    }

    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    t = timegm(&tm);
    debar_sealed_put_time(again, t);

    s->bad |= strcmp(text, again) != 0;
    s->p += 20;

    return t;
}


static void
debar_sealed_put_hex(char out[65], const uint8_t in[32])
{
    int  i;

    for (i = 0; i < 32; i++) {
        snprintf(out + 2 * i, 3, "%02x", in[i]);
    }
}


static void
debar_sealed_put_time(char out[24], int64_t t)
{
    time_t     when;
    struct tm  tm;

    when = (time_t) t;
    memset(&tm, 0, sizeof(tm));

    if (t < 0 || t > 253402300799 || gmtime_r(&when, &tm) == NULL) {
        when = 0;
        gmtime_r(&when, &tm);
    }

    (void) strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
