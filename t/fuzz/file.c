/*
 * Files of any kind (libFuzzer): every reader and the driver.  What is told is
 * clean, nests as it should, stays in its bounds, and is the same when the
 * bytes come in pieces.
 *
 * The first byte chooses bounds, and in how large pieces the source gives them;
 * its lowest bits being set, what follows is an image of a disc, told by the
 * blocks of it that are not empty: a number of two bytes, and 512 bytes, each.
 * Sums of UDF's tags are made right.
 */

#include <stdlib.h>

#include "file.h"


#define claim(c)  do { if (!(c)) { abort(); } } while (0)

#define ROOMS  16
#define BLOCK  512
#define IMAGE  2048               /* blocks of the largest */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


typedef struct {
    const uint8_t        *data;
    size_t                size;
    size_t                piece;
    uint64_t              hash;
    unsigned              depth;
    unsigned              n;
    debar_file_limits_t   limits;
    debar_buf_t           rooms[ROOMS];
    debar_str_t           bytes[ROOMS];
} tale_t;


static void
mix(tale_t *t, const void *data, size_t len)
{
    size_t          i;
    const uint8_t  *p = data;

    for (i = 0; i < len; i++) {
        t->hash = (t->hash ^ p[i]) * 0x100000001b3ULL;
    }

    t->hash = (t->hash ^ len) * 0x100000001b3ULL;
}


static void
text(tale_t *t, const debar_str_t *s)
{
    size_t  i, n;

    claim(s->len <= DEBAR_FOUND_TEXT);

    for (i = 0; i < s->len; i += n) {
        n = debar_utf8_len(s->data + i, s->len - i);
        claim(n != 0);
        claim((uint8_t) s->data[i] >= ' ' && s->data[i] != 0x7f);
        claim(n != 2 || (uint8_t) s->data[i] != 0xc2
              || (uint8_t) s->data[i + 1] >= 0xa0);
    }

    mix(t, s->data, s->len);
}


static int
sink(void *data, const debar_found_t *f)
{
    tale_t  *t = data;

    claim(t->n++ < t->limits.findings);
    claim(f->what >= DEBAR_FOUND_FILE && f->what <= DEBAR_FOUND_END);
    claim(f->depth <= t->limits.depth);
    claim(f->type < DEBAR_FILE_TYPES && f->role < DEBAR_SAYS);
    claim(f->state <= DEBAR_SIGNED_APPENDED && f->thumbprint.len <= 32);

    /* the first is the file, a member comes in what was told */

    claim(t->n > 1 || (f->what == DEBAR_FOUND_FILE && f->depth == 0));

    if (f->what == DEBAR_FOUND_FILE) {
        claim(t->n == 1 || (f->depth > 0 && f->depth <= t->depth + 1));
        t->depth = f->depth;

    } else if (f->what == DEBAR_FOUND_END) {
        claim(f->depth + 1 == t->depth);
        t->depth = f->depth;

    } else {
        claim(f->depth <= t->depth);
    }

    mix(t, &f->what, sizeof(f->what));
    mix(t, &f->depth, sizeof(f->depth));
    mix(t, &f->type, sizeof(f->type));
    mix(t, &f->state, sizeof(f->state));
    mix(t, &f->size, sizeof(f->size));
    text(t, &f->name);
    text(t, &f->value);
    text(t, &f->organization);
    text(t, &f->common_name);
    text(t, &f->issuer);

    if (f->has_sha256) {
        mix(t, f->sha256, 32);
    }

    return DEBAR_OK;
}


static int
begin(void *data, unsigned depth)
{
    tale_t  *t = data;

    claim(depth > 0 && depth < ROOMS);
    debar_buf_free(&t->rooms[depth]);
    memset(&t->rooms[depth], 0, sizeof(debar_buf_t));

    return DEBAR_OK;
}


static int
take(void *data, unsigned depth, const void *buf, size_t n)
{
    tale_t  *t = data;

    debar_buf_add(&t->rooms[depth], buf, n);
    claim(t->rooms[depth].len <= t->limits.member);

    return DEBAR_OK;
}


static int
source(void *data, unsigned depth, debar_file_source_t *src)
{
    tale_t  *t = data;

    t->bytes[depth] = debar_str(t->rooms[depth].data, t->rooms[depth].len);
    debar_file_memory(src, &t->bytes[depth]);

    return DEBAR_OK;
}


static long
read_piece(void *data, uint64_t off, void *buf, size_t n)
{
    tale_t  *t = data;

    if (off >= t->size) {
        return 0;
    }

    n = n < t->size - off ? n : t->size - off;
    n = t->piece && n > t->piece ? t->piece : n;
    memcpy(buf, t->data + off, n);

    return n;
}


static uint64_t
tell(const uint8_t *data, size_t size, size_t piece,
    const debar_file_limits_t *limits, int *bounds)
{
    tale_t               t;
    unsigned             i;
    debar_file_room_t    room;
    debar_file_source_t  src;

    memset(&t, 0, sizeof(t));
    t.hash = 0xcbf29ce484222325ULL;
    t.data = data;
    t.size = size;
    t.piece = piece;
    t.limits = *limits;

    src.size = size;
    src.data = &t;
    src.read = read_piece;
    room.data = &t;
    room.begin = begin;
    room.write = take;
    room.source = source;

    *bounds = debar_file_read(&src, NULL, &room, limits, sink, &t);
    claim(*bounds >= 0 && t.n > 0);

    for (i = 0; i < ROOMS; i++) {
        debar_buf_free(&t.rooms[i]);
    }

    return t.hash;
}


/* The image that is told; its size, or 0. */

static size_t
image(const uint8_t *data, size_t size, uint8_t *out)
{
    size_t    i, n, at;
    uint8_t  *p, sum;

    memset(out, 0, IMAGE * BLOCK);

    for (n = 0; size >= 2 + BLOCK; data += 2 + BLOCK, size -= 2 + BLOCK) {
        at = (data[0] | data[1] << 8) % IMAGE;
        p = out + at * BLOCK;
        memcpy(p, data + 2, BLOCK);
        n = at >= n ? at + 1 : n;

        if (p[1] <= 1 && p[0] <= 10 && p[3] == 0) {
            for (i = 0, sum = 0; i < 16; i++) {
                sum += i == 4 ? 0 : p[i];
            }

            p[4] = sum;
        }
    }

    return n * BLOCK;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                  a, b;
    uint8_t              how;
    uint64_t             hash;
    debar_file_limits_t  limits;

    static uint8_t  disc[IMAGE * BLOCK];

    if (size == 0) {
        return 0;
    }

    how = *data++;
    size--;

    if ((how & 7) == 7) {
        size = image(data, size, disc);
        data = disc;
    }

    limits.depth = 1 + (how & 7);
    limits.members = how & 8 ? 20 : 200;
    limits.findings = how & 16 ? 50 : 1000;
    limits.expanded = 4 << 20;
    limits.ratio = 200;
    limits.member = how & 32 ? 1000 : 1 << 20;
    limits.held = how & 64 ? 65536 : 4 << 20;

    hash = tell(data, size, 0, &limits, &a);

    if (how & 128) {
        claim(hash == tell(data, size, 1 + size / 3, &limits, &b));
        claim(a == b);
    }

    return 0;
}
