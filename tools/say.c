/*
 * How the command speaks: messages, colour, progress, JSON members.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools.h"
#include "mask.h"


static int  debar_progress_shown;


int
debar_say(const char *fmt, ...)
{
    va_list  ap;

    debar_progress_end();

    fputs("debar: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);

    return DEBAR_EXIT_FAILURE;
}


int
debar_usage(const char *command, const char *fmt, ...)
{
    va_list  ap;

    fprintf(stderr, "%s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; see `%s --help`\n", command);

    return DEBAR_EXIT_USAGE;
}


int
debar_bad_option(const char *command, int c, char **argv)
{
    if (c == ':') {
        return debar_usage(command, "%s wants a value", argv[optind - 1]);
    }

    if (optopt && optopt < 128 && argv[optind - 1][1] != '-') {
        return debar_usage(command, "unknown option -%c", optopt);
    }

    if (optopt) {
        return debar_usage(command, "%s takes no value", argv[optind - 1]);
    }

    return debar_usage(command, "unknown option %s", argv[optind - 1]);
}


int
debar_colour(FILE *f)
{
    const char  *term, *no;

    no = getenv("NO_COLOR");
    term = getenv("TERM");

    return isatty(fileno(f)) && (no == NULL || *no == '\0')
           && term != NULL && strcmp(term, "dumb") != 0;
}


void
debar_put(FILE *f, const char *data, size_t len)
{
    size_t         i;
    unsigned char  c, next;

    for (i = 0; i < len; i++) {
        c = (unsigned char) data[i];
        next = i + 1 < len ? (unsigned char) data[i + 1] : 0;

        if (c < 0x20 || c == 0x7f) {
            fprintf(f, "\\x%02x", c);

        } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
            fprintf(f, "\\x%02x", next);     /* C1 controls in UTF-8 */
            i++;

        } else {
            fputc(c, f);
        }
    }
}


void
debar_progress(void *data, const char *what, uint64_t n)
{
    struct timespec         now;
    static struct timespec  last;

    if (!isatty(STDERR_FILENO)) {
        return;
    }

    clock_gettime(CLOCK_MONOTONIC, &now);

    if (debar_progress_shown
        && (now.tv_sec - last.tv_sec) * 10
           + (now.tv_nsec - last.tv_nsec) / 100000000 < 1)
    {
        return;
    }

    last = now;
    debar_progress_shown = 1;

    fprintf(stderr, "\r\033[K%s: %llu", what, (unsigned long long) n);
    fflush(stderr);
}


void
debar_progress_bar(const char *what, uint64_t done, uint64_t total)
{
    char      bar[96];
    double    part;
    unsigned  i;

    part = total ? (double) done / (double) total : 1;
    part = part > 1 ? 1 : part;
    bar[0] = '[';

    for (i = 0; i < 20; i++) {
        bar[i + 1] = i < (unsigned) (part * 20) ? '#' : '.';
    }

    snprintf(bar + 21, sizeof(bar) - 21, "] %3u%% %s", (unsigned) (part * 100),
             what);
    debar_progress(NULL, bar, done);
}


void
debar_progress_end(void)
{
    if (debar_progress_shown) {
        fputs("\r\033[K", stderr);
        debar_progress_shown = 0;
    }
}


static void
debar_json_key(debar_buf_t *b, const char *key)
{
    if (b->len && b->data[b->len - 1] != '{') {
        debar_buf_add(b, ",", 1);
    }

    debar_buf_printf(b, "\"%s\":", key);
}


void
debar_json_text(debar_buf_t *b, const char *key, const char *data, size_t len)
{
    if (len) {
        debar_json_key(b, key);
        debar_buf_json(b, data, len);
    }
}


/* A mask has at most three times the bytes of what it stands for. */

static char *
debar_masked(const char *data, size_t *len, unsigned url)
{
    char    *out;
    size_t   size;

    size = *len * 3 + 1;
    out = malloc(size);

    if (out == NULL) {
        debar_say("no memory");
        exit(DEBAR_EXIT_FAILURE);
    }

    *len = debar_mask(out, size, data, *len, url);

    return out;
}


void
debar_put_masked(FILE *f, const char *data, size_t len, unsigned url)
{
    char  *text;

    text = debar_masked(data, &len, url);
    debar_put(f, text, len);
    free(text);
}


void
debar_json_masked(debar_buf_t *b, const char *key, const char *data, size_t len,
    unsigned url)
{
    char  *text;

    text = debar_masked(data, &len, url);
    debar_json_text(b, key, text, len);
    free(text);
}


void
debar_json_number(debar_buf_t *b, const char *key, uint64_t n)
{
    debar_json_key(b, key);
    debar_buf_printf(b, "%llu", (unsigned long long) n);
}


void
debar_flush(debar_buf_t *b)
{
    if (b->len) {
        fwrite(b->data, 1, b->len, stdout);
    }

    debar_buf_free(b);
}
