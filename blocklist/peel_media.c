/*
 * Pictures, films, sounds and typefaces: bytes in which nobody orders anything,
 * and uploads are mostly made of.  They are passed over where label and first
 * bytes both say so: what is one by its label alone may be anything, and what
 * only begins like one is read by whoever expects something else.
 */

#include "peel_private.h"

#include <ctype.h>
#include <strings.h>


#define DEBAR_MEDIA_IMAGE  0x1
#define DEBAR_MEDIA_AUDIO  0x2
#define DEBAR_MEDIA_VIDEO  0x4
#define DEBAR_MEDIA_FONT   0x8

#define DEBAR_MEDIA_MOVES  (DEBAR_MEDIA_AUDIO | DEBAR_MEDIA_VIDEO)

typedef struct {
    unsigned     kinds;
    unsigned     at;
    unsigned     len;
    const char  *bytes;
} debar_media_t;


static const debar_media_t  debar_media[] = {
    { DEBAR_MEDIA_IMAGE, 0, 3, "\xff\xd8\xff" },              /* JPEG */
    { DEBAR_MEDIA_IMAGE, 0, 8, "\x89PNG\r\n\x1a\n" },
    { DEBAR_MEDIA_IMAGE, 0, 6, "GIF87a" },
    { DEBAR_MEDIA_IMAGE, 0, 6, "GIF89a" },
    { DEBAR_MEDIA_IMAGE, 8, 4, "WEBP" },                      /* RIFF */
    { DEBAR_MEDIA_IMAGE, 0, 4, "II*\0" },                     /* TIFF */
    { DEBAR_MEDIA_IMAGE, 0, 4, "MM\0*" },
    { DEBAR_MEDIA_IMAGE, 0, 4, "\0\0\1\0" },                   /* ICO */
    { DEBAR_MEDIA_IMAGE, 0, 2, "BM" },
    { DEBAR_MEDIA_IMAGE, 0, 8, "\0\0\0\x0cJXL " },
    { DEBAR_MEDIA_IMAGE, 0, 8, "\0\0\0\x0cjP  " },
    { DEBAR_MEDIA_IMAGE, 0, 6, "8BPS\0\1" },
    { DEBAR_MEDIA_IMAGE | DEBAR_MEDIA_MOVES, 4, 4, "ftyp" },  /* HEIC, MP4 */
    { DEBAR_MEDIA_VIDEO, 4, 4, "moov" },
    { DEBAR_MEDIA_VIDEO, 4, 4, "mdat" },
    { DEBAR_MEDIA_VIDEO, 4, 4, "wide" },
    { DEBAR_MEDIA_MOVES, 0, 4, "\x1a\x45\xdf\xa3" },          /* WebM */
    { DEBAR_MEDIA_MOVES, 0, 5, "OggS\0" },
    { DEBAR_MEDIA_VIDEO, 8, 4, "AVI " },
    { DEBAR_MEDIA_VIDEO, 0, 4, "\0\0\1\xba" },                /* MPEG */
    { DEBAR_MEDIA_VIDEO, 0, 4, "\0\0\1\xb3" },
    { DEBAR_MEDIA_VIDEO, 0, 4, "FLV\1" },
    { DEBAR_MEDIA_AUDIO, 8, 4, "WAVE" },
    { DEBAR_MEDIA_AUDIO, 0, 3, "ID3" },                       /* MP3 */
    { DEBAR_MEDIA_AUDIO, 0, 2, "\xff\xfb" },
    { DEBAR_MEDIA_AUDIO, 0, 2, "\xff\xf3" },
    { DEBAR_MEDIA_AUDIO, 0, 2, "\xff\xf1" },                  /* AAC */
    { DEBAR_MEDIA_AUDIO, 0, 2, "\xff\xf9" },
    { DEBAR_MEDIA_AUDIO, 0, 4, "fLaC" },
    { DEBAR_MEDIA_AUDIO, 8, 4, "AIFF" },
    { DEBAR_MEDIA_AUDIO, 8, 4, "AIFC" },
    { DEBAR_MEDIA_AUDIO, 0, 5, "#!AMR" },
    { DEBAR_MEDIA_AUDIO, 0, 8, "MThd\0\0\0\6" },
    { DEBAR_MEDIA_FONT, 0, 4, "wOF2" },
    { DEBAR_MEDIA_FONT, 0, 4, "wOFF" },
    { DEBAR_MEDIA_FONT, 0, 5, "OTTO\0" },
    { DEBAR_MEDIA_FONT, 0, 5, "ttcf\0" },
    { DEBAR_MEDIA_FONT, 0, 5, "\0\1\0\0\0" }                  /* TrueType */
};


static unsigned
debar_media_kind(debar_str_t type)
{
    size_t  i;

    static const struct {
        const char  *type;
        size_t       len;
        unsigned     kind;
    } kinds[] = {
        { "image/", 6, DEBAR_MEDIA_IMAGE },
        { "audio/", 6, DEBAR_MEDIA_AUDIO },
        { "video/", 6, DEBAR_MEDIA_VIDEO },
        { "font/", 5, DEBAR_MEDIA_FONT }
    };

    while (type.len && isspace((uint8_t) *type.data)) {
        type.data++;
        type.len--;
    }

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (type.len > kinds[i].len
            && strncasecmp(type.data, kinds[i].type, kinds[i].len) == 0)
        {
            return kinds[i].kind;
        }
    }

    return 0;
}


/* Some of these marks are letters: a form may begin with them, and what is text
 * to people is none of them. */

int
debar_peel_media(const debar_peel_input_t *in, const char *data, size_t len,
    unsigned whole)
{
    size_t                i;
    unsigned              kind;
    const debar_media_t  *m;

    if (in->content_type.len == 0) {
        return 0;
    }

    kind = debar_media_kind(in->content_type);

    if (kind == 0) {
        return 0;
    }

    for (i = 0; i < sizeof(debar_media) / sizeof(debar_media[0]); i++) {
        m = &debar_media[i];

        if ((m->kinds & kind) && len >= m->at + m->len
            && memcmp(data + m->at, m->bytes, m->len) == 0)
        {
            return !debar_peel_is_text(data, len, !whole);
        }
    }

    return 0;
}


static int
debar_media_open(debar_node_t *node)
{
    return DEBAR_OK;
}


static int
debar_media_push(debar_node_t *node, const char *data, size_t len)
{
    return DEBAR_OK;
}


static int
debar_media_finish(debar_node_t *node)
{
    return DEBAR_OK;
}


static void
debar_media_free(debar_node_t *node)
{
    /* void */
}


const debar_reader_t  debar_reader_media = {
    DEBAR_SYNTAX_ENCODING, "media", debar_media_open, debar_media_push,
    debar_media_finish, debar_media_free
};
