/*
 * Frames between workers and the inspector.
 */

#include "tap.h"
#include "file_wire.h"


#define TEXT(s)  debar_str((s), sizeof(s) - 1)


static uint8_t  frame[DEBAR_FILE_FRAME + 8];


static void
length(size_t n)
{
    n -= 4;
    frame[0] = (uint8_t) (n >> 24);
    frame[1] = (uint8_t) (n >> 16);
    frame[2] = (uint8_t) (n >> 8);
    frame[3] = (uint8_t) n;
}


/* What was cut off or grew is refused, wherever. */

static void
cuts(const char *what, size_t len)
{
    int                 early, taken;
    size_t              n;
    debar_file_frame_t  f;

    early = taken = 0;

    for (n = 0; n < len; n++) {
        early += debar_file_frame(frame, n) != 0;

        if (n > 4) {
            length(n);
            taken += debar_file_frame_read(&f, frame, n) == DEBAR_OK;
            length(len);
        }
    }

    ok(early == 0, "no beginning of a %s is a frame", what);
    ok(taken == 0, "no shortened %s is read", what);

    length(len + 1);
    frame[len] = 0;
    ok(debar_file_frame_read(&f, frame, len + 1) == DEBAR_ERROR,
       "a byte behind a %s is refused", what);
    length(len);
}


static void
begins(void)
{
    size_t              n;
    debar_file_frame_t  f, g;

    memset(&f, 0, sizeof(f));
    f.kind = DEBAR_FW_BEGIN;
    f.coding = TEXT("gzip");
    f.limits.depth = 5;
    f.limits.members = 10;
    f.limits.findings = 11;
    f.limits.expanded = 0x123456789aULL;
    f.limits.ratio = 200;
    f.limits.member = 0x1000000000ULL;
    f.limits.held = 1 << 20;

    n = debar_file_frame_write(frame, sizeof(frame), &f);
    ok(n != 0 && debar_file_frame(frame, n) == (long) n, "BEGIN is written");
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_OK, "... and read");
    is_mem(g.coding.data, g.coding.len, "gzip", "its coding");
    ok(memcmp(&g.limits, &f.limits, sizeof(f.limits)) == 0, "its limits");
    cuts("BEGIN", n);

    frame[5]++;
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_ERROR,
       "another version is refused");
}


static void
finds(void)
{
    size_t              n;
    debar_file_frame_t  f, g;

    memset(&f, 0, sizeof(f));
    f.kind = DEBAR_FW_FOUND;
    f.found.what = DEBAR_FOUND_SIGNER;
    f.found.depth = 2;
    f.found.type = DEBAR_FILE_PE;
    f.found.state = DEBAR_SIGNED_APPENDED;
    f.found.size = 0xffffffffffULL;
    f.found.name = TEXT("authenticode");
    f.found.organization = TEXT("Gr\xc3\xbc\xc3\x9f" "e AG");
    f.found.common_name = TEXT("cn");
    f.found.issuer = TEXT("issuer");
    f.found.thumbprint = TEXT("01234567890123456789");
    f.found.has_sha256 = 1;
    memset(f.found.sha256, 0xa5, 32);

    n = debar_file_frame_write(frame, sizeof(frame), &f);
    ok(n != 0, "FOUND is written");
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_OK, "... and read");
    is_mem(g.found.organization.data, g.found.organization.len,
           "Gr\xc3\xbc\xc3\x9f" "e AG", "its organisation");
    is_int(g.found.thumbprint.len, 20, "its thumbprint");
    ok(g.found.size == f.found.size && g.found.state == f.found.state
       && g.found.depth == 2 && g.found.has_sha256
       && memcmp(g.found.sha256, f.found.sha256, 32) == 0, "its numbers");
    cuts("FOUND", n);

    frame[5] = DEBAR_FOUND_END + 1;
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_ERROR,
       "an unknown finding is refused");
    frame[5] = DEBAR_FOUND_SIGNER;
    frame[7] = DEBAR_FILE_TYPES;
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_ERROR,
       "an unknown type is refused");
    frame[7] = DEBAR_FILE_PE;

    f.found.name = TEXT("a\nb");
    n = debar_file_frame_write(frame, sizeof(frame), &f);
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_ERROR,
       "text with a control byte is refused");

    f.found.name = TEXT("\xff");
    n = debar_file_frame_write(frame, sizeof(frame), &f);
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_ERROR,
       "text that is no UTF-8 is refused");

    f.found.name = debar_str((char *) frame, DEBAR_FOUND_TEXT + 1);
    ok(debar_file_frame_write(frame, sizeof(frame), &f) == 0,
       "a text that is too long is not written");
}


static void
others(void)
{
    size_t              n;
    debar_file_frame_t  f, g;

    memset(&f, 0, sizeof(f));
    f.kind = DEBAR_FW_END;
    f.bytes = 1ULL << 40;
    n = debar_file_frame_write(frame, sizeof(frame), &f);
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_OK
       && g.kind == DEBAR_FW_END && g.bytes == 1ULL << 40, "END");
    cuts("END", n);

    f.kind = DEBAR_FW_DONE;
    f.bounds = DEBAR_FILE_SEALED;
    n = debar_file_frame_write(frame, sizeof(frame), &f);
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_OK
       && g.bounds == DEBAR_FILE_SEALED, "DONE");

    f.kind = DEBAR_FW_REFUSED;
    f.text = TEXT("too many files at once");
    n = debar_file_frame_write(frame, sizeof(frame), &f);
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_OK, "REFUSED");
    is_mem(g.text.data, g.text.len, "too many files at once", "its text");
    ok(debar_file_frame_write(frame, n - 1, &f) == 0,
       "nothing is written where there is no room");

    frame[4] = 99;
    ok(debar_file_frame_read(&g, frame, n) == DEBAR_ERROR,
       "an unknown frame is refused");

    memset(frame, 0, 4);
    is_int(debar_file_frame(frame, 8), -1, "an empty frame makes no sense");
    memset(frame, 0xff, 4);
    is_int(debar_file_frame(frame, 8), -1, "nor does an endless one");
}


int
main(void)
{
    begins();
    finds();
    others();

    return done();
}
