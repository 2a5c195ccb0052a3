/*
 * References and refreshes of any bytes (libFuzzer): the first byte says what
 * they stand in.  What is made lies in its room, is a host and a path, and reads
 * the same when it is read again.
 */

#include <stdlib.h>
#include <string.h>

#include "redirect.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
has(debar_str_t s, const char *any)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] && strchr(any, s.data[i])) {
            return 1;
        }
    }

    return 0;
}


static void
reference(debar_str_t s)
{
    char              buf[DEBAR_REDIRECT + 1], again[DEBAR_REDIRECT + 1];
    char              text[2 * DEBAR_REDIRECT];
    size_t            n;
    debar_redirect_t  to, same;

    if (debar_redirect(s, debar_str("http", 4), buf, &to) != DEBAR_OK) {
        return;
    }

    claim(to.authority.len > 0 && !has(to.authority, "/\\?#\t\r\n"));
    claim(to.target.len > 0 && to.target.data[0] == '/');
    claim(!has(to.target, "#\t\r\n"));
    claim(to.authority.data >= buf
          && to.target.data + to.target.len <= buf + sizeof(buf));

    n = to.scheme.len;
    memcpy(text, to.scheme.data, n);
    memcpy(text + n, "://", 3);
    n = n ? n + 3 : (memcpy(text, "//", 2), 2);
    memcpy(text + n, to.authority.data, to.authority.len);
    n += to.authority.len;
    memcpy(text + n, to.target.data, to.target.len);
    n += to.target.len;

    /* a blank at its end goes, and what is longer than its room */

    if (n > DEBAR_REDIRECT || (uint8_t) text[n - 1] <= ' ') {
        return;
    }

    claim(debar_redirect(debar_str(text, n), debar_str("https", 5), again,
                         &same) == DEBAR_OK);
    claim(same.authority.len == to.authority.len
          && memcmp(same.authority.data, to.authority.data, to.authority.len)
             == 0);
    claim(same.target.len == to.target.len
          && memcmp(same.target.data, to.target.data, to.target.len) == 0);
}


static void
refresh(debar_str_t s, unsigned tag)
{
    char         buf[DEBAR_REDIRECT + 1];
    const char  *first;
    debar_str_t  url;

    if ((tag ? debar_refresh_tag(s, buf, &url) : debar_refresh_value(s, &url))
        != DEBAR_OK)
    {
        return;
    }

    first = tag ? buf : s.data;

    claim(url.len > 0 && url.data >= first);
    claim(url.data + url.len <= first + (tag ? sizeof(buf) : s.len));

    reference(url);
}


static void
joined(debar_str_t s)
{
    char         buf[2 * DEBAR_REDIRECT];
    const char  *p;
    debar_str_t  base, url, got;

    p = memchr(s.data, '\n', s.len);

    if (p == NULL) {
        return;
    }

    base = debar_str(s.data, p - s.data);
    url = debar_str(p + 1, s.data + s.len - p - 1);
    got = debar_redirect_join(base, url, buf, sizeof(buf));

    claim(got.data == url.data
          || (got.data == buf && got.len < sizeof(buf)));

    reference(got);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         *copy;
    debar_str_t   s;

    if (size < 1) {
        return 0;
    }

    /* where it ends, its room does */

    copy = malloc(size > 1 ? size - 1 : 1);
    memcpy(copy, data + 1, size - 1);
    s = debar_str(copy, size - 1);

    switch (data[0] % 4) {

    case 0:
        reference(s);
        break;

    case 3:
        joined(s);
        break;

    default:
        refresh(s, data[0] % 4 == 2);
    }

    free(copy);

    return 0;
}
