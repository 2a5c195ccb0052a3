/*
 * Text: a value a line, or a cell where lines are rows of a table.
 *
 * The first block tells which of these it is: rows, lines, or bytes that are no
 * text at all, of which the words are read.  A line that is too long is cut at
 * a space, and what was at the cut is read again with what follows.
 */

#include "peel_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>


#define DEBAR_TEXT_LINE     4096
#define DEBAR_TEXT_OVERLAP  256

/* Lines that are told one by one; those after them go together. */

#define DEBAR_TEXT_LINES    8192

/* A short run of letters in bytes that are no text. */

#define DEBAR_TEXT_WORD     4

typedef enum {
    DEBAR_TEXT_UNKNOWN = 0,
    DEBAR_TEXT_PLAIN,
    DEBAR_TEXT_ROWS,
    DEBAR_TEXT_BYTES
} debar_text_mode_e;

typedef struct {
    unsigned     mode;
    char         sep;
    unsigned     fresh;           /* in line, beyond what was told at a cut */
    unsigned     word;            /* letters of the run that goes on */
    unsigned     nul;             /* the byte before was one */
    uint64_t     lines;
    size_t       nlook;
    size_t       len;
    unsigned     pairs;           /* lines are "name=value" */
    unsigned     solid;           /* no blanks yet: may be one encoded value */
    debar_buf_t  whole;
    char         look[DEBAR_PEEL_BLOCK];
    char         line[DEBAR_TEXT_LINE];
} debar_text_state_t;


static int
debar_text_open(debar_node_t *node)
{
    debar_text_state_t  *t;

    t = malloc(sizeof(debar_text_state_t));
    if (t == NULL) {
        debar_node_bound(node, DEBAR_PEEL_HELD);
        return DEBAR_ERROR;
    }

    memset(t, 0, offsetof(debar_text_state_t, look));
    node->state = t;

    return DEBAR_OK;
}


static void
debar_text_free(debar_node_t *node)
{
    debar_text_state_t  *t = node->state;

    if (t) {
        free(t->whole.data);
        free(t);
    }
}


static int
debar_text_blank(int ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}


/* A cell: blanks and the quotes of RFC 4180 around it taken off in place. */

static debar_str_t
debar_text_cell(char *cell, size_t len)
{
    size_t  i, n;

    while (len && debar_text_blank(cell[0])) {
        cell++;
        len--;
    }

    while (len && debar_text_blank(cell[len - 1])) {
        len--;
    }

    if (len >= 2 && cell[0] == '"' && cell[len - 1] == '"') {
        cell++;
        len -= 2;

        for (i = 0, n = 0; i < len; i++) {
            cell[n++] = cell[i];

            if (cell[i] == '"' && i + 1 < len && cell[i + 1] == '"') {
                i++;
            }
        }

        len = n;
    }

    return debar_str(cell, len);
}


static size_t
debar_text_cell_end(const char *line, size_t len, char sep)
{
    int     quoted;
    size_t  i, start;

    for (start = 0; start < len && line[start] == ' '; start++) { /* void */ }

    quoted = start < len && line[start] == '"'
             && memchr(line + start + 1, '"', len - start - 1) != NULL;

    for (i = quoted ? start + 1 : 0; i < len; i++) {
        if (quoted && line[i] == '"') {
            if (i + 1 < len && line[i + 1] == '"') {
                i++;
                continue;
            }

            quoted = 0;
            continue;
        }

        if (!quoted && line[i] == sep) {
            return i;
        }
    }

    return len;
}


static int
debar_text_row(debar_node_t *node, char *line, size_t len)
{
    int                  rc;
    char                 number[16];
    size_t               n;
    unsigned             cells;
    debar_str_t          cell;
    debar_text_state_t  *t = node->state;

    rc = debar_node_begin(node, debar_str("line", 4));

    for (cells = 1; rc == DEBAR_OK; cells++) {
        n = cells < 256 ? debar_text_cell_end(line, len, t->sep) : len;
        cell = debar_text_cell(line, n);

        if (cell.len) {
            rc = debar_node_value(node,
                     debar_str(number, snprintf(number, sizeof(number), "%u",
                                                cells)), cell);
        }

        if (n == len) {
            break;
        }

        line += n + 1;
        len -= n + 1;
    }

    return rc == DEBAR_OK ? debar_node_end(node) : rc;
}


/* The name of "name=value", as forms send it as text/plain: its length, 0 where
 * the line is none. */

static size_t
debar_text_name(const char *line, size_t len)
{
    size_t  i;

    for (i = 0; i < len && i < 128 && line[i] != '='; i++) {
        if (!isalnum((uint8_t) line[i]) && (line[i] == '\0'
            || strchr("-_.:~[]$", line[i]) == NULL))
        {
            return 0;
        }
    }

    return i < len && line[i] == '=' && (i + 1 == len || line[i + 1] != '=')
           ? i : 0;
}


static int
debar_text_value(debar_node_t *node, const char *line, size_t len)
{
    size_t               n;
    debar_text_state_t  *t = node->state;

    while (len && debar_text_blank(line[0])) {
        line++;
        len--;
    }

    while (len && debar_text_blank(line[len - 1])) {
        len--;
    }

    if (len == 0) {
        return DEBAR_OK;
    }

    n = t->pairs ? debar_text_name(line, len) : 0;

    if (n) {
        return debar_node_value(node, debar_str(line, n),
                                debar_str(line + n + 1, len - n - 1));
    }

    return t->solid ? debar_node_plain(node, debar_str("", 0),
                                       debar_str(line, len))
                    : debar_node_value(node, debar_str("", 0),
                                       debar_str(line, len));
}


/* Where a line that is too long is cut: behind a blank, or a character. */

static size_t
debar_text_cut(const char *line, size_t from, size_t len)
{
    size_t  i;

    for (i = len; i > from; i--) {
        if (debar_text_blank(line[i - 1])) {
            return i;
        }
    }

    for (i = len; i > from && ((uint8_t) line[i - 1] & 0xc0) == 0x80; i--) {
        /* void */
    }

    return i > from ? i - 1 : len;
}


/* The line is full, or ends. */

static int
debar_text_full(debar_node_t *node)
{
    int                  rc;
    size_t               cut, keep;
    debar_text_state_t  *t = node->state;

    cut = debar_text_cut(t->line, t->len - DEBAR_TEXT_OVERLAP, t->len);
    rc = debar_text_value(node, t->line, cut);

    keep = debar_text_cut(t->line, cut - DEBAR_TEXT_OVERLAP - 64,
                          cut - DEBAR_TEXT_OVERLAP);

    memmove(t->line, t->line + keep, t->len - keep);
    t->fresh = t->len - cut;
    t->len -= keep;

    return rc;
}


static int
debar_text_line(debar_node_t *node)
{
    int                  rc;
    debar_text_state_t  *t = node->state;

    rc = DEBAR_OK;

    if (t->mode == DEBAR_TEXT_ROWS && t->len) {
        rc = debar_text_row(node, t->line, t->len);

    } else if (t->fresh) {
        rc = debar_text_value(node, t->line, t->len);
    }

    t->len = 0;
    t->fresh = 0;

    return rc;
}


static int
debar_text_add(debar_node_t *node, char ch)
{
    int                  rc;
    debar_text_state_t  *t = node->state;

    if (t->len == DEBAR_TEXT_LINE) {
        if (t->mode == DEBAR_TEXT_ROWS) {
            /* no row of goods is so long */
            t->mode = DEBAR_TEXT_PLAIN;
        }

        rc = debar_text_full(node);
        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    t->line[t->len++] = ch;
    t->fresh++;

    return DEBAR_OK;
}


/* Bytes that are no text: words of some letters, parted by a space.  Single
 * NULs between letters are UTF-16. */

static int
debar_text_bytes(debar_node_t *node, const char *data, size_t len)
{
    int                  rc;
    size_t               i;
    uint8_t              ch;
    debar_text_state_t  *t = node->state;

    for (i = 0; i < len; i++) {
        ch = data[i];

        if (ch == 0 && !t->nul) {
            t->nul = 1;
            continue;
        }

        if ((ch > 0x20 && ch != 0x7f) || (ch == 0x20 && t->word)) {
            t->nul = 0;
            t->word++;
            rc = debar_text_add(node, ch);

            if (rc != DEBAR_OK) {
                return rc;
            }

            continue;
        }

        t->nul = ch == 0;

        if (t->word == 0) {
            continue;
        }

        if (t->word < DEBAR_TEXT_WORD && t->word <= t->fresh) {
            t->len -= t->word;
            t->fresh -= t->word;
        }

        t->word = 0;
        rc = t->fresh && t->line[t->len - 1] != '\n'
             ? debar_text_add(node, '\n') : DEBAR_OK;

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


static int
debar_text_lines(debar_node_t *node, const char *data, size_t len)
{
    int                  rc;
    size_t               i;
    debar_text_state_t  *t = node->state;

    for (i = 0; i < len; i++) {
        if (data[i] == '\n' || data[i] == '\r') {
            if (t->lines < DEBAR_TEXT_LINES || t->len == 0) {
                t->lines += t->len != 0;
                rc = debar_text_line(node);

                if (rc != DEBAR_OK) {
                    return rc;
                }

                continue;
            }

            t->mode = DEBAR_TEXT_PLAIN;
        }

        rc = debar_text_add(node, data[i]);

        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return DEBAR_OK;
}


/*
 * Rows: every line of the first block has as many separators.  A tab parts
 * cells in a single line too; of commas, which stand in sentences, it takes
 * three lines, or two without a space, or a label.
 */

static char
debar_text_separator(debar_node_t *node, const char *data, size_t len,
    unsigned whole)
{
    int           csv;
    size_t        i, k, n[3], want[3], least[3], lines, length;
    unsigned      same[3];
    static const char  seps[] = "\t;,";

    csv = node->in.content_type.len >= 8
          && (strncasecmp(node->in.content_type.data, "text/csv", 8) == 0
              || strncasecmp(node->in.content_type.data, "text/tab", 8) == 0);
    memset(n, 0, sizeof(n));
    memset(want, 0, sizeof(want));
    lines = 0;
    length = 0;
    same[0] = same[1] = same[2] = 1;

    for (i = 0; i <= len; i++) {
        if (i == len ? whole : data[i] == '\n' || data[i] == '\r') {
            if (length) {
                for (k = 0; k < 3; k++) {
                    want[k] = lines ? want[k] : n[k];
                    same[k] &= n[k] && n[k] == want[k];
                }

                lines++;
            }

            memset(n, 0, sizeof(n));
            length = 0;

        } else if (i < len) {
            length++;

            for (k = 0; k < 3; k++) {
                n[k] += data[i] == seps[k];
            }
        }
    }

    least[0] = 1;
    least[1] = 2;
    least[2] = memchr(data, ' ', len) ? 3 : 2;

    for (k = 0; k < 3; k++) {
        if (lines && same[k] && (csv || lines >= least[k])) {
            return seps[k];
        }
    }

    return csv ? ',' : 0;
}


/*
 * Text without a blank is held: it may be base64 in lines, or another encoding
 * of one value.  If it is none as a whole, its lines may be.
 */

static int
debar_text_solid(debar_node_t *node, unsigned whole)
{
    int                  rc;
    char                *end, *line, *p;
    debar_text_state_t  *t = node->state;

    t->solid = 0;
    rc = DEBAR_OK;

    if (whole && debar_peel_look_value(t->whole.data, t->whole.len)) {
        return debar_node_inside(node, debar_str("", 0),
                                 debar_str(t->whole.data, t->whole.len));
    }

    if (t->whole.len == 0) {
        return DEBAR_OK;
    }

    line = t->whole.data;
    end = line + t->whole.len;

    while (rc == DEBAR_OK && line < end) {
        p = memchr(line, '\n', end - line);

        if (p == NULL) {
            if (!whole) {
                break;                /* it goes on */
            }

            p = end;
        }

        rc = debar_node_inside(node, debar_str("", 0),
                               debar_str(line, p - line));
        line = p + 1;
    }

    return rc;
}


static int
debar_text_feed(debar_node_t *node, const char *data, size_t len)
{
    int                  rc;
    size_t               i;
    debar_text_state_t  *t = node->state;

    if (t->mode == DEBAR_TEXT_BYTES) {
        return debar_text_bytes(node, data, len);
    }

    if (t->solid) {
        for (i = 0; i < len && data[i] != ' ' && data[i] != '\t'; i++) {
            /* void */
        }

        rc = debar_node_hold(node, &t->whole, data, i);

        if (rc != DEBAR_OK) {
            t->solid = 0;

        } else {
            rc = debar_text_lines(node, data, i);

            if (rc == DEBAR_OK && i < len) {
                rc = debar_text_solid(node, 0);
            }

            if (rc != DEBAR_OK) {
                return rc;
            }

            data += i;
            len -= i;
        }

        if (!t->solid) {
            free(t->whole.data);
            memset(&t->whole, 0, sizeof(t->whole));
        }
    }

    return debar_text_lines(node, data, len);
}


/* Every line of the first block is a pair, or empty; how many have a value. */

static unsigned
debar_text_pairs(const char *data, size_t len, unsigned whole)
{
    size_t    i, n, start;
    unsigned  pairs;

    pairs = 0;
    start = 0;

    for (i = 0; i <= len; i++) {
        if (i < len && data[i] != '\n' && data[i] != '\r') {
            continue;
        }

        if (i > start && (i < len || whole || pairs == 0)) {
            n = debar_text_name(data + start, i - start);

            if (n == 0) {
                return 0;
            }

            pairs += n + 1 < i - start;
        }

        start = i + 1;
    }

    return pairs;
}


static int
debar_text_begin(debar_node_t *node, unsigned whole)
{
    debar_text_state_t  *t = node->state;

    if (debar_peel_is_text(t->look, t->nlook, !whole)) {
        t->sep = debar_text_separator(node, t->look, t->nlook, whole);
        t->mode = t->sep ? DEBAR_TEXT_ROWS : DEBAR_TEXT_PLAIN;
        t->pairs = t->sep == 0 && debar_text_pairs(t->look, t->nlook, whole);
        t->solid = t->sep == 0 && !t->pairs;

    } else {
        t->mode = DEBAR_TEXT_BYTES;
    }

    return debar_text_feed(node, t->look, t->nlook);
}


static int
debar_text_push(debar_node_t *node, const char *data, size_t len)
{
    int                  rc;
    size_t               n;
    debar_text_state_t  *t = node->state;

    if (t->mode == DEBAR_TEXT_UNKNOWN) {
        n = sizeof(t->look) - t->nlook;
        n = n < len ? n : len;
        memcpy(t->look + t->nlook, data, n);
        t->nlook += n;
        data += n;
        len -= n;

        if (t->nlook < sizeof(t->look)) {
            return DEBAR_OK;
        }

        rc = debar_text_begin(node, 0);
        if (rc != DEBAR_OK) {
            return rc;
        }
    }

    return debar_text_feed(node, data, len);
}


static int
debar_text_finish(debar_node_t *node)
{
    int                  rc;
    debar_text_state_t  *t = node->state;

    rc = t->mode == DEBAR_TEXT_UNKNOWN ? debar_text_begin(node, 1) : DEBAR_OK;

    if (rc == DEBAR_OK && (t->mode != DEBAR_TEXT_BYTES || t->fresh)) {
        rc = debar_text_line(node);
    }

    return rc == DEBAR_OK && t->solid ? debar_text_solid(node, 1) : rc;
}


const debar_reader_t  debar_reader_plain = {
    DEBAR_SYNTAX_TEXT, "text", debar_text_open, debar_text_push,
    debar_text_finish, debar_text_free
};
