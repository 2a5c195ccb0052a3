/*
 * Lines of access logs over any bytes, by themselves and by a format that is
 * any bytes too: what is given lies in the line or in the room.
 */

#include "access_log.h"

#include <stdlib.h>


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char  room[DEBAR_ACCESS_LINE];


static void
within(debar_str_t s, const char *line, size_t len)
{
    if (s.len == 0 || (s.len == 3 && memcmp(s.data, "GET", 3) == 0)) {
        return;
    }

    claim((s.data >= line && s.data + s.len <= line + len)
          || (s.data >= room && s.data + s.len <= room + sizeof(room)));
}


static void
line_of(const debar_access_format_t *f, const char *line, size_t len)
{
    int             rc;
    const char     *why;
    debar_access_t  a;

    rc = debar_access_read(&a, f, line, len, room, &why);
    claim(rc != DEBAR_ERROR || *why);

    if (rc == DEBAR_OK) {
        claim(a.url.len && a.method.len && a.time >= -(1ll << 40));
        within(a.method, line, len);
        within(a.url, line, len);
        within(a.host, line, len);
        within(a.user, line, len);
        within(a.client, line, len);
        within(a.referer, line, len);
        within(a.scheme, line, len);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                   *line, format[256];
    size_t                  n;
    debar_fault_t           fault;
    debar_access_format_t   f;

    /* of its own, so that a byte behind it is seen */

    line = malloc(size ? size : 1);
    claim(line != NULL);
    memcpy(line, data, size);
    line_of(NULL, line, size);
    free(line);

    /* a format, a newline, a line */

    for (n = 0; n < size && n < sizeof(format) - 1 && data[n] != '\n'; n++) {
        format[n] = (char) data[n];
    }

    format[n] = '\0';

    if (n < size && debar_access_format(&f, format, &fault) == DEBAR_OK) {
        line = malloc(size - n);
        claim(line != NULL);
        memcpy(line, data + n + 1, size - n - 1);
        line_of(&f, line, size - n - 1);
        free(line);
    }

    return 0;
}
