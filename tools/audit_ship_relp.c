/*
 * RELP, the protocol of rsyslog's imrelp, as its client: each record has a
 * number, and the other end answers each when it has taken it over.
 *
 *     TXNR SP COMMAND SP DATALEN [SP DATA] LF
 */

#include <ctype.h>
#include <stdlib.h>

#include "audit_ship.h"


#define DEBAR_RELP_NUMBERS  999999999u       /* 1 to this, and again from 1 */


static int debar_relp_frame(debar_ship_to_t *to, size_t *used,
    debar_fault_t *fault);


/* Of the record that is the nth of a connection; `open` has 1. */

static unsigned
debar_relp_number(uint64_t nth)
{
    return (unsigned) (nth % DEBAR_RELP_NUMBERS) + 1;
}


void
debar_ship_relp_put(debar_buf_t *out, uint64_t nth, const char *data,
    size_t len)
{
    debar_buf_printf(out, "%u syslog %zu ", debar_relp_number(nth), len);
    debar_buf_add(out, data, len);
    debar_buf_add(out, "\n", 1);
}


size_t
debar_ship_relp_open(char *out, size_t size)
{
    static const char  offer[] = "relp_version=0\nrelp_software=debar,"
                                 DEBAR_VERSION "\ncommands=syslog";

    return (size_t) snprintf(out, size, "1 open %zu %s\n", sizeof(offer) - 1,
                             offer);
}


size_t
debar_ship_relp_close(char *out, size_t size, uint64_t nth)
{
    return (size_t) snprintf(out, size, "%u close 0\n",
                             debar_relp_number(nth));
}


int
debar_ship_relp_input(debar_ship_to_t *to, const char *data, size_t len,
    debar_fault_t *fault)
{
    int     rc;
    size_t  n, used;

    while (len) {
        n = sizeof(to->answer) - to->answer_len;
        n = n < len ? n : len;
        memcpy(to->answer + to->answer_len, data, n);
        to->answer_len += n;
        data += n;
        len -= n;

        do {
            rc = debar_relp_frame(to, &used, fault);

            if (rc == DEBAR_ERROR) {
                return rc;
            }

            to->answer_len -= used;
            memmove(to->answer, to->answer + used, to->answer_len);
        } while (used);

        if (to->answer_len == sizeof(to->answer)) {
            debar_fault(fault, "%s: an answer that is longer than those of RELP",
                        to->name);
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


/* A number of at most nine digits, and the byte behind it; -1: not here. */

static long
debar_relp_digits(const char **p, const char *end)
{
    long  n;
    int   i;

    for (i = 0, n = 0; *p < end && isdigit((unsigned char) **p) && i < 9;
         i++, (*p)++)
    {
        n = n * 10 + (**p - '0');
    }

    return i && *p < end && (**p == ' ' || **p == '\n') ? n : -1;
}


/* *used 0: it is not all there. */

static int
debar_relp_frame(debar_ship_to_t *to, size_t *used, debar_fault_t *fault)
{
    long         number, len;
    const char  *p, *end, *command, *data;

    *used = 0;
    p = to->answer;
    end = p + to->answer_len;

    /* the longest head of ours: a number, a command, a length */

    if (memchr(p, '\n', to->answer_len) == NULL) {
        return DEBAR_OK;
    }

    number = debar_relp_digits(&p, end);
    command = p + 1;
    p = number >= 0 ? memchr(command, ' ', (size_t) (end - command)) : NULL;

    if (p == NULL) {
        goto bad;
    }

    p++;
    len = debar_relp_digits(&p, end);

    if (len < 0 || (len && *p != ' ')) {
        goto bad;
    }

    p += *p == ' ';
    data = p;

    if (len > (long) sizeof(to->answer) || end - p < len + 1) {
        return DEBAR_OK;
    }

    if (p[len] != '\n') {
        goto bad;
    }

    *used = (size_t) (p + len + 1 - to->answer);

    if (strncmp(command, "rsp ", 4) != 0) {
        debar_fault(fault, "%s: the other end closed it", to->name);
        return DEBAR_ERROR;
    }

    if (len < 3 || memcmp(data, "200", 3) != 0) {

        /* it is said to people */

        for (p = data; p < data + len && p < data + 100 && *p >= 0x20
                       && *p < 0x7f; p++)
        {
            /* void */
        }

        debar_fault(fault, "%s: it answered \"%.*s\"", to->name,
                    (int) (p - data), data);
        return DEBAR_ERROR;
    }

    if (number != (long) debar_relp_number(to->answered + to->opened)) {
        goto bad;
    }

    to->answered += to->opened;
    to->opened = 1;

    return DEBAR_OK;

bad:

    debar_fault(fault, "%s: its answers are none of RELP", to->name);

    return DEBAR_ERROR;
}
