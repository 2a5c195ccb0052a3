/*
 * Frames between worker and inspector.
 */

#include "file_wire.h"


/* What is left of a frame to read; bad stays set once it ran out. */

typedef struct {
    const uint8_t  *p;
    size_t          left;
    unsigned        bad;
} debar_fw_in_t;

typedef struct {
    uint8_t        *p;
    size_t          left;
    unsigned        bad;
} debar_fw_out_t;


static uint64_t
debar_fw_number(debar_fw_in_t *in, size_t bytes)
{
    uint64_t  n;

    if (in->bad || in->left < bytes) {
        in->bad = 1;
        return 0;
    }

    in->left -= bytes;

    for (n = 0; bytes > 0; bytes--) {
        n = n << 8 | *in->p++;
    }

    return n;
}


/* Texts are made clean where they are told; one that is not is a lie. */

static int
debar_fw_clean(const char *p, size_t len)
{
    size_t  n;

    while (len > 0) {
        n = debar_utf8_len(p, len);

        if (n == 0 || (uint8_t) *p < 0x20 || *p == 0x7f) {
            return 0;
        }

        p += n;
        len -= n;
    }

    return 1;
}


static debar_str_t
debar_fw_bytes(debar_fw_in_t *in, size_t max)
{
    debar_str_t  s;

    s.len = debar_fw_number(in, 2);
    s.data = (const char *) in->p;

    if (in->bad || s.len > in->left || s.len > max) {
        in->bad = 1;
        return debar_str("", 0);
    }

    in->p += s.len;
    in->left -= s.len;

    return s;
}


static debar_str_t
debar_fw_text(debar_fw_in_t *in)
{
    debar_str_t  s;

    s = debar_fw_bytes(in, DEBAR_FOUND_TEXT);

    if (!debar_fw_clean(s.data, s.len)) {
        in->bad = 1;
    }

    return s;
}


static void
debar_fw_put(debar_fw_out_t *out, uint64_t n, size_t bytes)
{
    size_t  i;

    if (out->bad || out->left < bytes) {
        out->bad = 1;
        return;
    }

    for (i = bytes; i > 0; i--) {
        out->p[i - 1] = (uint8_t) n;
        n >>= 8;
    }

    out->p += bytes;
    out->left -= bytes;
}


static void
debar_fw_put_bytes(debar_fw_out_t *out, debar_str_t s, size_t max)
{
    if (s.len > max) {
        out->bad = 1;
        return;
    }

    debar_fw_put(out, s.len, 2);

    if (out->bad || out->left < s.len) {
        out->bad = 1;
        return;
    }

    if (s.len != 0) {
        memcpy(out->p, s.data, s.len);
    }

    out->p += s.len;
    out->left -= s.len;
}


long
debar_file_frame(const void *data, size_t len)
{
    size_t          n;
    const uint8_t  *p = data;

    if (len < 4) {
        return 0;
    }

    n = (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3];

    if (n == 0 || n > DEBAR_FILE_FRAME - 4) {
        return -1;
    }

    return len < n + 4 ? 0 : (long) n + 4;
}


static void
debar_fw_read_limits(debar_fw_in_t *in, debar_file_limits_t *l)
{
    l->depth = (unsigned) debar_fw_number(in, 4);
    l->members = (unsigned) debar_fw_number(in, 4);
    l->findings = (unsigned) debar_fw_number(in, 4);
    l->expanded = debar_fw_number(in, 8);
    l->ratio = (unsigned) debar_fw_number(in, 4);
    l->member = debar_fw_number(in, 8);
    l->held = (size_t) debar_fw_number(in, 8);
}


static void
debar_fw_read_found(debar_fw_in_t *in, debar_found_t *fd)
{
    debar_str_t  digest;

    fd->what = (unsigned) debar_fw_number(in, 1);
    fd->depth = (unsigned) debar_fw_number(in, 1);
    fd->type = (unsigned) debar_fw_number(in, 1);
    fd->role = (unsigned) debar_fw_number(in, 1);
    fd->state = (unsigned) debar_fw_number(in, 1);
    fd->size = debar_fw_number(in, 8);
    fd->name = debar_fw_text(in);
    fd->value = debar_fw_text(in);
    fd->organization = debar_fw_text(in);
    fd->common_name = debar_fw_text(in);
    fd->issuer = debar_fw_text(in);
    fd->thumbprint = debar_fw_bytes(in, 32);

    digest = debar_fw_bytes(in, 32);

    if (digest.len == 32) {
        fd->has_sha256 = 1;
        memcpy(fd->sha256, digest.data, 32);

    } else if (digest.len != 0) {
        in->bad = 1;
    }

    if (fd->what < DEBAR_FOUND_FILE || fd->what > DEBAR_FOUND_END
        || fd->type >= DEBAR_FILE_TYPES || fd->role >= DEBAR_SAYS
        || fd->state > DEBAR_SIGNED_APPENDED)
    {
        in->bad = 1;
    }
}


int
debar_file_frame_read(debar_file_frame_t *f, const void *frame, size_t len)
{
    debar_fw_in_t  in;

    memset(f, 0, sizeof(*f));

    if (debar_file_frame(frame, len) != (long) len) {
        return DEBAR_ERROR;
    }

    in.p = (const uint8_t *) frame + 4;
    in.left = len - 4;
    in.bad = 0;

    f->kind = (unsigned) debar_fw_number(&in, 1);

    switch (f->kind) {

    case DEBAR_FW_BEGIN:
        if (debar_fw_number(&in, 1) != DEBAR_FILE_VERSION) {
            return DEBAR_ERROR;
        }

        f->coding = debar_fw_text(&in);
        debar_fw_read_limits(&in, &f->limits);
        break;

    case DEBAR_FW_MORE:
    case DEBAR_FW_END:
        f->bytes = debar_fw_number(&in, 8);
        break;

    case DEBAR_FW_TAKEN:
        break;

    case DEBAR_FW_REFUSED:
        f->text = debar_fw_text(&in);
        break;

    case DEBAR_FW_FOUND:
        debar_fw_read_found(&in, &f->found);
        break;

    case DEBAR_FW_DONE:
        f->bounds = (uint32_t) debar_fw_number(&in, 4);
        break;

    default:
        return DEBAR_ERROR;
    }

    return in.bad || in.left ? DEBAR_ERROR : DEBAR_OK;
}


static void
debar_fw_write_found(debar_fw_out_t *out, const debar_found_t *fd)
{
    debar_fw_put(out, fd->what, 1);
    debar_fw_put(out, fd->depth, 1);
    debar_fw_put(out, fd->type, 1);
    debar_fw_put(out, fd->role, 1);
    debar_fw_put(out, fd->state, 1);
    debar_fw_put(out, fd->size, 8);
    debar_fw_put_bytes(out, fd->name, DEBAR_FOUND_TEXT);
    debar_fw_put_bytes(out, fd->value, DEBAR_FOUND_TEXT);
    debar_fw_put_bytes(out, fd->organization, DEBAR_FOUND_TEXT);
    debar_fw_put_bytes(out, fd->common_name, DEBAR_FOUND_TEXT);
    debar_fw_put_bytes(out, fd->issuer, DEBAR_FOUND_TEXT);
    debar_fw_put_bytes(out, fd->thumbprint, 32);
    debar_fw_put_bytes(out, debar_str((const char *) fd->sha256,
                                      fd->has_sha256 ? 32 : 0), 32);
}


size_t
debar_file_frame_write(void *buf, size_t size, const debar_file_frame_t *f)
{
    size_t          n;
    debar_fw_out_t  out, length;

    out.p = buf;
    out.left = size < DEBAR_FILE_FRAME ? size : DEBAR_FILE_FRAME;
    out.bad = 0;

    debar_fw_put(&out, 0, 4);
    debar_fw_put(&out, f->kind, 1);

    switch (f->kind) {

    case DEBAR_FW_BEGIN:
        debar_fw_put(&out, DEBAR_FILE_VERSION, 1);
        debar_fw_put_bytes(&out, f->coding, DEBAR_FOUND_TEXT);
        debar_fw_put(&out, f->limits.depth, 4);
        debar_fw_put(&out, f->limits.members, 4);
        debar_fw_put(&out, f->limits.findings, 4);
        debar_fw_put(&out, f->limits.expanded, 8);
        debar_fw_put(&out, f->limits.ratio, 4);
        debar_fw_put(&out, f->limits.member, 8);
        debar_fw_put(&out, f->limits.held, 8);
        break;

    case DEBAR_FW_MORE:
    case DEBAR_FW_END:
        debar_fw_put(&out, f->bytes, 8);
        break;

    case DEBAR_FW_REFUSED:
        debar_fw_put_bytes(&out, f->text, DEBAR_FOUND_TEXT);
        break;

    case DEBAR_FW_FOUND:
        debar_fw_write_found(&out, &f->found);
        break;

    case DEBAR_FW_DONE:
        debar_fw_put(&out, f->bounds, 4);
        break;
    }

    if (out.bad) {
        return 0;
    }

    n = out.p - (uint8_t *) buf;

    length.p = buf;
    length.left = 4;
    length.bad = 0;
    debar_fw_put(&length, n - 4, 4);

    return n;
}
