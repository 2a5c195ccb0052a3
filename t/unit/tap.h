/*
 * TAP for C tests (https://testanything.org): a test is a program that makes
 * claims and ends with done().  The claim comes last and is printed.
 */

#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


static int  tap_run, tap_failed;


__attribute__((format(printf, 2, 3), unused)) static int
ok(int pass, const char *fmt, ...)
{
    va_list  ap;

    tap_run++;
    tap_failed += !pass;

    printf("%sok %d - ", pass ? "" : "not ", tap_run);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);

    return pass;
}


/* Text against text (NULL is a value of its own), numbers against numbers. */

__attribute__((unused)) static int
is_str(const char *got, const char *want, const char *claim)
{
    int  same = (got == NULL || want == NULL) ? got == want
                                              : strcmp(got, want) == 0;

    ok(same, "%s", claim);

    if (!same) {
        printf("#      got: %s\n#   wanted: %s\n", got ? got : "(null)",
               want ? want : "(null)");
    }

    return same;
}


__attribute__((unused)) static int
is_mem(const char *got, size_t len, const char *want, const char *claim)
{
    int  same = len == strlen(want) && memcmp(got, want, len) == 0;

    ok(same, "%s", claim);

    if (!same) {
        printf("#      got: %.*s\n#   wanted: %s\n", (int) len, got, want);
    }

    return same;
}


__attribute__((unused)) static int
is_int(long long got, long long want, const char *claim)
{
    ok(got == want, "%s", claim);

    if (got != want) {
        printf("#      got: %lld\n#   wanted: %lld\n", got, want);
    }

    return got == want;
}


__attribute__((unused)) static int
done(void)
{
    printf("1..%d\n", tap_run);

    return tap_failed != 0;
}


#endif /* TAP_H */
