/*
 * Formats as data: where the marks of the channels' documents fit.
 *
 * A place is found by the last names on the way to it; of several marks that
 * fit a field the one with the longest path decides.
 */

#include "document_private.h"


static int
debar_same(debar_str_t a, debar_str_t b)
{
    return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}


/* Takes the last name off a path. */

static debar_str_t
debar_path_last(debar_str_t *path)
{
    size_t       i;
    debar_str_t  last;

    for (i = path->len; i > 0 && path->data[i - 1] != '/'; i--) { /* void */ }

    last = debar_str(path->data + i, path->len - i);
    path->len = i ? i - 1 : 0;

    return last;
}


/*
 * Whether the path ends at name (empty: at the top frame itself) inside of the
 * open containers.  Arrays and what else has no name are passed over.
 */

static int
debar_path_fits(const debar_document_t *d, debar_str_t path, debar_str_t name)
{
    unsigned              i;
    debar_str_t           last;
    const debar_frame_t  *f;

    i = d->nframes;

    if (name.len != 0) {
        last = debar_path_last(&path);

        if (!(last.len == 1 && last.data[0] == '*')
            && !(last.len > 1 && last.data[last.len - 1] == '*'
                 && name.len >= last.len - 1
                 && strncasecmp(name.data, last.data, last.len - 1) == 0)
            && !debar_same(last, name))
        {
            return 0;
        }
    }

    while (path.len != 0) {

        while (i > 0 && d->frames[i - 1].name[0] == '\0'
               && !d->frames[i - 1].document)
        {
            i--;
        }

        if (i == 0) {
            return 0;
        }

        f = &d->frames[--i];
        last = debar_path_last(&path);

        if (!debar_same(last, debar_str(f->name, strlen(f->name)))) {
            return 0;
        }
    }

    return 1;
}


/* The end that a path has to have, to fit there. */

static uint16_t
debar_path_end(const debar_document_t *d, debar_str_t name)
{
    unsigned     i;
    const char  *top;

    if (name.len != 0) {
        return debar_mark_end(name.data, name.len);
    }

    for (i = d->nframes; i > 0; i--) {
        top = d->frames[i - 1].name;

        if (top[0] != '\0' || d->frames[i - 1].document) {
            return debar_mark_end(top, strlen(top));
        }
    }

    return debar_mark_end("", 0);
}


static inline int
debar_end_fits(const debar_document_t *d, size_t mark, uint16_t end)
{
    return d->list->mark_ends[mark] == end || d->list->mark_ends[mark] == 0;
}


static int
debar_value_fits(debar_list_t *list, debar_ref_t want, debar_str_t value)
{
    debar_str_t  s = debar_list_text(list, want);

    while (value.len && value.data[0] == ' ') {
        value.data++;
        value.len--;
    }

    while (value.len && value.data[value.len - 1] == ' ') {
        value.len--;
    }

    return s.len == 0 || debar_same(s, value);
}


int
debar_mark_begins(debar_document_t *d, debar_str_t name, debar_str_t value,
    unsigned syntax)
{
    size_t               i, k, n;
    uint16_t             end;
    debar_str_t          id;
    const debar_mark_t  *m;

    end = debar_path_end(d, name);

    for (n = 0; n < d->list->nmark_roots; n++) {
        i = d->list->mark_roots[n];
        m = &d->list->marks[i];

        if (!debar_end_fits(d, i, end) || !(m->syntaxes >> syntax & 1)
            || (name.len == 0 && m->value.len != 0)
            || !debar_path_fits(d, debar_list_text(d->list, m->path), name)
            || !debar_value_fits(d->list, m->value, value))
        {
            continue;
        }

        id = debar_list_text(d->list, m->format);

        for (k = i; k > 0 && debar_same(id, debar_list_text(d->list,
                                                d->list->marks[k - 1].format));
             k--) { /* void */ }

        d->mark = k;

        for (k = i; k < d->list->nmarks
                    && debar_same(id, debar_list_text(d->list,
                                                  d->list->marks[k].format));
             k++) { /* void */ }

        d->nmarks = k - d->mark;

        return 1;
    }

    return 0;
}


unsigned
debar_mark_container(debar_document_t *d, unsigned *role)
{
    uint32_t             i;
    uint16_t             end;
    const debar_mark_t  *m;

    end = debar_path_end(d, debar_str(NULL, 0));

    for (i = 0; i < d->nmarks; i++) {
        m = &d->list->marks[d->mark + i];

        if (!debar_end_fits(d, d->mark + i, end)
            || m->use == DEBAR_MARK_ROOT || m->value.len != 0
            || !debar_path_fits(d, debar_list_text(d->list, m->path),
                                debar_str(NULL, 0)))
        {
            continue;
        }

        *role = m->role;

        return m->use;
    }

    return 0;
}


/* Where in "03.2": the element, and the component or 0. */

uint16_t
debar_position(debar_str_t name, uint16_t *component)
{
    size_t    i;
    unsigned  n[2], at;

    n[0] = 0;
    n[1] = 0;
    at = 0;

    for (i = 0; i < name.len; i++) {
        if (name.data[i] == '.' && at == 0) {
            at = 1;

        } else if (name.data[i] >= '0' && name.data[i] <= '9' && n[at] < 1000) {
            n[at] = n[at] * 10 + (name.data[i] - '0');

        } else {
            n[0] = 0;
            break;
        }
    }

    *component = n[1];

    return n[0];
}


/*
 * A condition of a mark of p: "-" is of the element before, "+" of the component
 * behind.  A segment's fields come in order, so what is asked for is near.
 */

static int
debar_before_holds(const debar_document_t *d, const debar_mark_t *m,
    const debar_pending_t *p, uint32_t first)
{
    uint32_t                i;
    const debar_pending_t  *q;

    if (p->element == 0 || p->component > 1) {
        return 0;
    }

    for (i = p - d->fields; i-- > first; ) {
        q = &d->fields[i];

        if (q->depth != p->depth || q->element == 0) {
            continue;
        }

        if (q->element + 1 < p->element) {
            return 0;
        }

        if (q->element + 1 == p->element && q->component <= 1
            && debar_value_fits(d->list, m->value, debar_pending_value(d, q)))
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_behind_holds(const debar_document_t *d, const debar_mark_t *m,
    const debar_pending_t *p)
{
    uint32_t                i;
    const debar_pending_t  *q;

    if (p->element == 0) {
        return 0;
    }

    for (i = p - d->fields + 1; i < d->nfields; i++) {
        q = &d->fields[i];

        if (q->depth != p->depth) {
            continue;
        }

        if (q->element != p->element) {
            return 0;
        }

        if (q->component == (p->component ? p->component : 1) + 1
            && debar_value_fits(d->list, m->value, debar_pending_value(d, q)))
        {
            return 1;
        }
    }

    return 0;
}


static int
debar_when_holds(const debar_document_t *d, const debar_mark_t *m,
    const debar_pending_t *p, uint32_t first)
{
    uint32_t                i;
    debar_str_t             when;
    const debar_pending_t  *q;

    when = debar_list_text(d->list, m->when);

    if (when.len == 0) {
        return debar_value_fits(d->list, m->value, debar_pending_value(d, p));
    }

    if (when.len == 2 && when.data[0] == '-') {
        return debar_before_holds(d, m, p, first);
    }

    if (when.len == 2 && when.data[0] == '+') {
        return debar_behind_holds(d, m, p);
    }

    for (i = first; i < d->nfields; i++) {
        q = &d->fields[i];

        if (q != p && q->depth == p->depth
            && debar_same(when, debar_pending_name(d, q))
            && debar_value_fits(d->list, m->value, debar_pending_value(d, q)))
        {
            return 1;
        }
    }

    return 0;
}


static void
debar_mark_order(debar_document_t *d, debar_str_t value)
{
    if (value.len != 0 && value.len <= DEBAR_DOC_ORDER && d->order_len == 0) {
        memcpy(d->order, value.data, value.len);
        d->order_len = value.len;
    }
}


void
debar_mark_field(debar_document_t *d, debar_pending_t *p, uint32_t first)
{
    char                 base[DEBAR_DOC_NAME * 2];
    size_t               longest;
    uint16_t             end;
    uint32_t             i, index;
    unsigned             cancels, keeps;
    debar_str_t          name, path;
    const debar_mark_t  *m;

    name = debar_pending_name(d, p);

    if (p->index) {
        name = debar_str(base, debar_form_base(base, sizeof(base), name,
                                               &index));
    }

    longest = 0;
    cancels = 0;
    keeps = 0;
    end = debar_path_end(d, name);

    for (i = 0; i < d->nmarks; i++) {

        if (!debar_end_fits(d, d->mark + i, end)) {
            continue;
        }

        m = &d->list->marks[d->mark + i];
        path = debar_list_text(d->list, m->path);

        if (m->use <= DEBAR_MARK_END || name.len == 0
            || !debar_path_fits(d, path, name))
        {
            continue;
        }

        if (!debar_when_holds(d, m, p, first)) {
            keeps |= m->use == DEBAR_MARK_CANCEL;
            continue;
        }

        switch (m->use) {

        case DEBAR_MARK_CANCEL:
            cancels = 1;
            continue;

        case DEBAR_MARK_WITHDRAW:
            p->withdraws = 1;
            continue;

        case DEBAR_MARK_ORDER:
            debar_mark_order(d, debar_pending_value(d, p));
            continue;
        }

        if (path.len + m->when.len > longest) {
            longest = path.len + m->when.len;
            p->role = m->role;
            p->fixed = 1;
        }
    }

    /* who says both means the order */

    d->cancels |= cancels;
    d->keeps |= keeps && !cancels;
}


/* "03.4" and "03.5" of a text that was cut to fit. */

void
debar_mark_join(debar_document_t *d, uint32_t first)
{
    char                 text[DEBAR_DOC_VALUE];
    size_t               len;
    uint32_t             i, k, last;
    uint16_t             from, begin;
    debar_str_t          name, path, value;
    debar_pending_t     *p, *joined;
    const debar_mark_t  *m;

    last = d->nfields;

    for (i = 0; i < d->nmarks; i++) {
        m = &d->list->marks[d->mark + i];

        if (m->use != DEBAR_MARK_JOIN) {
            continue;
        }

        /* "IMD/03.4": of that element what is from there on */

        path = debar_list_text(d->list, m->path);
        name = debar_path_last(&path);

        if (!debar_path_fits(d, path, debar_str(NULL, 0))) {
            continue;
        }

        from = debar_position(name, &begin);

        len = 0;
        p = NULL;

        for (k = first; k < last; k++) {
            value = debar_pending_value(d, &d->fields[k]);

            if (from == 0 || d->fields[k].element != from
                || d->fields[k].component < begin
                || value.len > sizeof(text) - len)
            {
                continue;
            }

            memcpy(text + len, value.data, value.len);
            len += value.len;
            p = &d->fields[k];
            p->role = m->role;
            p->fixed = 1;
        }

        if (p != NULL && len > p->value_len) {
            joined = debar_document_add(d, debar_str("", 0),
                                        debar_str(text, len),
                                        d->bytes + p->path, p->offset);
            if (joined != NULL) {
                joined->role = m->role;
                joined->fixed = 1;
                joined->settled = 1;
            }
        }
    }
}


debar_str_t
debar_mark_format(const debar_document_t *d)
{
    if (d->nmarks == 0) {
        return debar_str("", 0);
    }

    return debar_list_text(d->list, d->list->marks[d->mark].format);
}


unsigned
debar_mark_returns(const debar_document_t *d)
{
    uint32_t             i;
    const debar_mark_t  *m;

    for (i = 0; i < d->nmarks; i++) {
        m = &d->list->marks[d->mark + i];

        if (m->use == DEBAR_MARK_ROOT) {
            return (m->syntaxes & DEBAR_MARK_RETURNS) != 0;
        }
    }

    return 0;
}


unsigned
debar_mark_activity(const debar_document_t *d)
{
    uint32_t  i;

    for (i = 0; i < d->nmarks; i++) {
        if (d->list->marks[d->mark + i].use == DEBAR_MARK_ROOT) {
            return d->list->marks[d->mark + i].role;
        }
    }

    return DEBAR_ACTIVITIES;
}


unsigned
debar_mark_early(const debar_document_t *d)
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < d->nmarks; i++) {
        n += d->list->marks[d->mark + i].use == DEBAR_MARK_CANCEL;
    }

    return n != 0;
}
