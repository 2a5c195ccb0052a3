/*
 * Which bureau a client or a user belongs to, by a file that a person keeps.
 */

#include <ctype.h>
#include <stdlib.h>
#include <arpa/inet.h>

#include "audit_report.h"
#include "trust.h"


#define DEBAR_BUREAU_BYTES  (16 << 20)
#define DEBAR_BUREAU_ROWS   262144
#define DEBAR_BUREAU_WORD   256

typedef struct {
    uint8_t      addr[16];        /* IPv4 as ::ffff:0:0/96 */
    unsigned     bits;
    debar_str_t  name;
} debar_bureau_net_t;


typedef struct {
    debar_str_t  user;
    debar_str_t  name;
} debar_bureau_user_t;


struct debar_bureaus_s {
    debar_buf_t           text;
    debar_bureau_net_t   *nets;
    size_t                nnets;
    debar_bureau_user_t  *users;
    size_t                nusers;
    uint8_t               bits[129];         /* there are networks of it */
};


static int
debar_bureau_addr(uint8_t out[16], const char *text)
{
    if (inet_pton(AF_INET6, text, out) == 1) {
        return 1;
    }

    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);

    return inet_pton(AF_INET, text, out + 12) == 1;
}


static void
debar_bureau_mask(uint8_t addr[16], unsigned bits)
{
    unsigned  i;

    for (i = 0; i < 16; i++) {
        if (bits < 8 * (i + 1)) {
            addr[i] &= bits > 8 * i ? (uint8_t) (0xff << (8 * (i + 1) - bits))
                                    : 0;
        }
    }
}


static int
debar_bureau_net_cmp(const void *one, const void *two)
{
    const debar_bureau_net_t  *a = one, *b = two;

    if (a->bits != b->bits) {
        return a->bits < b->bits ? -1 : 1;
    }

    return memcmp(a->addr, b->addr, 16);
}


static int
debar_bureau_user_cmp(const void *one, const void *two)
{
    int                         rc;
    size_t                      len;
    const debar_bureau_user_t  *a = one, *b = two;

    len = a->user.len < b->user.len ? a->user.len : b->user.len;
    rc = strncasecmp(a->user.data, b->user.data, len);

    return rc ? rc : a->user.len == b->user.len ? 0
           : a->user.len < b->user.len ? -1 : 1;
}


/* DEBAR_DECLINED: it is none.  DEBAR_ERROR: it is one, with bad bits. */

static int
debar_bureau_net(debar_bureau_net_t *net, const char *word)
{
    char      *end, text[DEBAR_BUREAU_WORD];
    unsigned   max, v4;

    snprintf(text, sizeof(text), "%s", word);
    end = strchr(text, '/');

    if (end) {
        *end++ = '\0';
    }

    if (!debar_bureau_addr(net->addr, text)) {
        return DEBAR_DECLINED;
    }

    v4 = strchr(text, ':') == NULL;
    max = v4 ? 32 : 128;
    net->bits = max;

    if (end) {
        if (*end == '\0' || strlen(end) > 3
            || strspn(end, "0123456789") != strlen(end)
            || (unsigned) atoi(end) > max)
        {
            return DEBAR_ERROR;
        }

        net->bits = (unsigned) atoi(end);
    }

    net->bits += v4 ? 96 : 0;
    debar_bureau_mask(net->addr, net->bits);

    return DEBAR_OK;
}


static int
debar_bureau_line(debar_bureaus_t *b, const char *line, size_t len,
    const char *path, unsigned number, debar_fault_t *fault)
{
    int                  rc;
    char                 word[DEBAR_BUREAU_WORD];
    size_t               n, from;
    debar_str_t          name;
    debar_bureau_net_t   net;

    for (n = 0; n < len && line[n] != ' ' && line[n] != '\t'; n++) {
        /* void */
    }

    for (from = n; from < len && isspace((unsigned char) line[from]); from++) {
        /* void */
    }

    name = debar_str(line + from, len - from);

    if (name.len == 0 || n >= sizeof(word)) {
        debar_fault(fault, "%s:%u: write NETWORK or USER, a blank, and the "
                    "bureau's name", path, number);
        return DEBAR_ERROR;
    }

    if (b->nnets + b->nusers == DEBAR_BUREAU_ROWS) {
        debar_fault(fault, "%s:%u: more than %d rows: name larger networks, or "
                    "users by @domain", path, number, DEBAR_BUREAU_ROWS);
        return DEBAR_ERROR;
    }

    memcpy(word, line, n);
    word[n] = '\0';
    rc = debar_bureau_net(&net, word);

    if (rc == DEBAR_ERROR) {
        debar_fault(fault, "%s:%u: \"%s\" is no network: write ADDR/BITS, as "
                    "10.1.0.0/16 or 2001:db8::/32", path, number, word);
        return DEBAR_ERROR;
    }

    if (rc == DEBAR_OK) {
        net.name = name;
        b->bits[net.bits] = 1;
        b->nets[b->nnets++] = net;

    } else {
        b->users[b->nusers].user = debar_str(line, n);
        b->users[b->nusers++].name = name;
    }

    return DEBAR_OK;
}


static int
debar_bureaus_twice(debar_bureaus_t *b, const char *path,
    debar_fault_t *fault)
{
    size_t       i;
    char         text[INET6_ADDRSTRLEN];
    debar_str_t  s;

    for (i = 1; i < b->nnets; i++) {
        if (debar_bureau_net_cmp(&b->nets[i - 1], &b->nets[i]) == 0) {
            inet_ntop(AF_INET6, b->nets[i].addr, text, sizeof(text));
            debar_fault(fault, "%s: the network %s/%u stands there twice: "
                        "remove one", path, text, b->nets[i].bits);
            return DEBAR_ERROR;
        }
    }

    for (i = 1; i < b->nusers; i++) {
        if (debar_bureau_user_cmp(&b->users[i - 1], &b->users[i]) == 0) {
            s = b->users[i].user;
            debar_fault(fault, "%s: \"%.*s\" stands there twice: remove one",
                        path, (int) s.len, s.data);
            return DEBAR_ERROR;
        }
    }

    return DEBAR_OK;
}


static int
debar_bureaus_lines(debar_bureaus_t *b, const char *path,
    debar_fault_t *fault)
{
    size_t       from, end, len;
    unsigned     number;

    for (from = 0, number = 1; from < b->text.len; from = end + 1, number++) {
        for (end = from; end < b->text.len && b->text.data[end] != '\n'; end++)
        {
            /* void */
        }

        len = end;

        while (from < len && isspace((unsigned char) b->text.data[from])) {
            from++;
        }

        while (len > from && isspace((unsigned char) b->text.data[len - 1])) {
            len--;
        }

        if (len == from || b->text.data[from] == '#') {
            continue;
        }

        if (debar_bureau_line(b, b->text.data + from, len - from, path, number,
                              fault) != DEBAR_OK)
        {
            return DEBAR_ERROR;
        }
    }

    if (b->nnets) {
        qsort(b->nets, b->nnets, sizeof(debar_bureau_net_t),
              debar_bureau_net_cmp);
    }

    if (b->nusers) {
        qsort(b->users, b->nusers, sizeof(debar_bureau_user_t),
              debar_bureau_user_cmp);
    }

    return debar_bureaus_twice(b, path, fault);
}


debar_bureaus_t *
debar_bureaus_open(const char *path, debar_fault_t *fault)
{
    debar_bureaus_t  *b;

    b = calloc(1, sizeof(*b));

    if (b == NULL) {
        abort();
    }

    b->nets = calloc(DEBAR_BUREAU_ROWS, sizeof(debar_bureau_net_t));
    b->users = calloc(DEBAR_BUREAU_ROWS, sizeof(debar_bureau_user_t));

    if (b->nets == NULL || b->users == NULL) {
        abort();
    }

    if (debar_trust_read(&b->text, path, DEBAR_BUREAU_BYTES,
                         "a file of bureaus", fault) != DEBAR_OK
        || debar_bureaus_lines(b, path, fault) != DEBAR_OK)
    {
        debar_bureaus_free(b);
        return NULL;
    }

    return b;
}


static const debar_bureau_user_t *
debar_bureau_user(const debar_bureaus_t *b, debar_str_t user)
{
    debar_bureau_user_t  key;

    key.user = user;

    return b->nusers == 0 ? NULL
           : bsearch(&key, b->users, b->nusers, sizeof(key),
                     debar_bureau_user_cmp);
}


debar_str_t
debar_bureau(const debar_bureaus_t *b, debar_str_t user, const char *addr)
{
    int                         bits;
    const char                 *at;
    debar_bureau_net_t          key;
    const debar_bureau_net_t   *net;
    const debar_bureau_user_t  *u;

    if (b == NULL) {
        return debar_str("", 0);
    }

    u = user.len ? debar_bureau_user(b, user) : NULL;
    at = user.len ? memrchr(user.data, '@', user.len) : NULL;

    if (u == NULL && at) {
        u = debar_bureau_user(b, debar_str(at, user.len
                                           - (size_t) (at - user.data)));
    }

    if (u) {
        return u->name;
    }

    if (!debar_bureau_addr(key.addr, addr)) {
        return debar_str("", 0);
    }

    for (bits = 128; bits >= 0; bits--) {
        if (!b->bits[bits]) {
            continue;
        }

        debar_bureau_mask(key.addr, (unsigned) bits);
        key.bits = (unsigned) bits;
        net = bsearch(&key, b->nets, b->nnets, sizeof(key),
                      debar_bureau_net_cmp);

        if (net) {
            return net->name;
        }
    }

    return debar_str("", 0);
}


void
debar_bureaus_free(debar_bureaus_t *b)
{
    if (b) {
        debar_buf_free(&b->text);
        free(b->nets);
        free(b->users);
        free(b);
    }
}
