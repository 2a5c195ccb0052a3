/*
 * Keys of a snapshot's databases: see key.h.
 */

#include "key.h"


size_t
debar_key_host(char *out, const debar_host_t *h)
{
    size_t  end, n, start;

    if (h->type == DEBAR_HOST_ADDRESS) {
        out[0] = '=';
        memcpy(out + 1, h->name, h->len);

        return h->len + 1;
    }

    n = 0;
    end = h->len;

    for ( ;; ) {
        start = end;

        while (start && h->name[start - 1] != '.') {
            start--;
        }

        memcpy(out + n, h->name + start, end - start);
        n += end - start;
        out[n++] = '.';

        if (start == 0) {
            return n;
        }

        end = start - 1;
    }
}


size_t
debar_key_url(char *out, const debar_host_t *h, const char *path, size_t len)
{
    size_t  n;

    n = debar_key_host(out, h);

    if (len > DEBAR_MAX_KEY - n) {
        return 0;
    }

    memcpy(out + n, path, len);

    return n + len;
}


size_t
debar_key_network(char *out, const uint8_t addr[16], unsigned bits)
{
    memset(out, 0, 16);
    memcpy(out, addr, bits / 8);

    if (bits % 8) {
        out[bits / 8] = addr[bits / 8] & (0xff00 >> bits % 8);
    }

    out[16] = bits;

    return 17;
}


size_t
debar_key_asn(char *out, uint32_t asn)
{
    out[0] = asn >> 24;
    out[1] = asn >> 16;
    out[2] = asn >> 8;
    out[3] = asn;

    return 4;
}


size_t
debar_key_id(char *out, unsigned kind, const char *value, size_t len)
{
    if (len > DEBAR_MAX_KEY - 1) {
        return 0;
    }

    out[0] = kind;
    memcpy(out + 1, value, len);

    return len + 1;
}
