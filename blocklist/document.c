/*
 * Purchase documents: a stack of open containers, and the fields that wait
 * until it is known which line they stand in (document.h).
 *
 * Where a format is known its marks say what a line is.  Elsewhere a line is
 * the smallest container that is one of several and holds something of goods,
 * or that holds goods and a quantity; a form's are told by their numbers.
 */

#include <stdlib.h>

#include "document_private.h"


/* --- fields ---------------------------------------------------------------- */

static int
debar_document_room(debar_document_t *d, size_t n, uint32_t *at)
{
    if (n > sizeof(d->bytes) - d->nbytes) {
        return DEBAR_ERROR;
    }

    *at = d->nbytes;
    d->nbytes += n;

    return DEBAR_OK;
}


/* NULL: there is no room; the value is not kept. */

debar_pending_t *
debar_document_add(debar_document_t *d, debar_str_t name, debar_str_t value,
    const char *path, uint64_t offset)
{
    size_t            len;
    uint32_t          before;
    debar_pending_t  *p;

    before = d->nbytes;
    len = strlen(path) + 1;

    if (name.len > DEBAR_MAX_PEEL_PATH) {
        name.len = DEBAR_MAX_PEEL_PATH;
    }

    if (d->nfields == DEBAR_DOC_FIELDS || value.len > DEBAR_DOC_VALUE) {
        return NULL;
    }

    p = &d->fields[d->nfields];
    memset(p, 0, sizeof(debar_pending_t));

    /* the value first: bytes are given back down to that of a field */

    if (debar_document_room(d, value.len, &p->value) != DEBAR_OK
        || debar_document_room(d, len, &p->path) != DEBAR_OK
        || debar_document_room(d, name.len, &p->name) != DEBAR_OK)
    {
        d->nbytes = before;
        return NULL;
    }

    if (value.len != 0) {
        memmove(d->bytes + p->value, value.data, value.len);
    }

    memmove(d->bytes + p->path, path, len);

    if (name.len != 0) {
        memcpy(d->bytes + p->name, name.data, name.len);
    }

    p->value_len = value.len;
    p->path_len = len;
    p->name_len = name.len;
    p->element = debar_position(name, &p->component);
    p->offset = offset;
    p->depth = d->nframes;
    p->next = ++d->nfields;

    return p;
}


static void
debar_document_drop(debar_document_t *d, uint32_t first)
{
    if (first < d->nfields) {
        d->nbytes = d->fields[first].value;
        d->nfields = first;
    }
}


/* What the containers around a field say of it. */

static void
debar_document_cover(debar_document_t *d, debar_pending_t *p)
{
    unsigned              i, named;
    const debar_frame_t  *f;

    for (i = d->nframes, named = 0; i > 0; i--) {
        f = &d->frames[i - 1];

        if (f->document) {
            return;
        }

        if (f->name[0] == '\0') {
            continue;
        }

        if (f->role == DEBAR_ROLE_PERSON || f->role == DEBAR_ROLE_PARTY
            || f->role == DEBAR_ROLE_SEARCH
            || ((named == 0 || d->nmarks) && f->role == DEBAR_ROLE_NOTE))
        {
            p->covered = f->role;
            p->above = i;

            return;
        }

        if (named == 0 && debar_role_goods(f->role)
            && (p->role == DEBAR_ROLE_OTHER
                || (f->role == DEBAR_ROLE_MAKER
                    && p->role == DEBAR_ROLE_NAME)))
        {
            p->role = f->role;
        }

        named++;
    }
}


/* --- lines ---------------------------------------------------------------- */

typedef struct {
    debar_line_pt  sink;
    void          *data;
} debar_to_t;


static void
debar_document_line(const debar_document_t *d, debar_line_t *line,
    unsigned number)
{
    line->instance = d->instance;
    line->number = number;
    line->cancelled = d->cancels && !d->keeps;
    line->early = debar_mark_early(d);
    line->order = debar_str(d->order, d->order_len);
    line->document = debar_mark_format(d);
    line->activity = debar_mark_activity(d);
    line->returns = debar_mark_returns(d);
    line->withdrawn = 0;
    line->nfields = 0;
    line->fields = d->out;
}


/* The role that counts, in a line of a container at this depth. */

static unsigned
debar_pending_role(const debar_document_t *d, const debar_pending_t *p,
    unsigned depth, unsigned quantity)
{
    unsigned  role = p->role;

    if (p->fixed) {
        return role;
    }

    if (p->covered != 0 && (p->above > depth || !quantity)) {
        return p->covered;
    }

    if (role == DEBAR_ROLE_OTHER
        && debar_is_prose(debar_pending_value(d, p)))
    {
        return DEBAR_ROLE_DESCRIPTION;
    }

    return role;
}


/* Within a known format what no mark names is not goods by its name; outside of
 * its lines it is none at all. */

static unsigned
debar_format_role(const debar_document_t *d, const debar_pending_t *p,
    unsigned role, unsigned outside)
{
    if (d->nmarks == 0 || p->fixed) {
        return role;
    }

    if (outside) {
        return DEBAR_ROLE_NOTE;
    }

    return debar_role_aside(role) || role == DEBAR_ROLE_URL
           ? role : DEBAR_ROLE_OTHER;
}


static void
debar_document_out(debar_document_t *d, unsigned n, const debar_pending_t *p,
    unsigned role)
{
    debar_field_t  *f = &d->out[n];

    f->role = role;
    f->name = debar_pending_name(d, p);
    f->value = debar_pending_value(d, p);
    f->path = d->bytes + p->path;
    f->offset = p->offset;
}


static int
debar_document_outside(debar_document_t *d, const debar_to_t *to,
    const debar_pending_t *p)
{
    unsigned      role;
    debar_line_t  line;

    debar_document_line(d, &line, 0);

    role = debar_format_role(d, p, debar_pending_role(d, p, 0, 0), 1);

    if (d->aside && (role == DEBAR_ROLE_OTHER
                     || role == DEBAR_ROLE_DESCRIPTION))
    {
        role = DEBAR_ROLE_NOTE;
    }

    debar_document_out(d, 0, p, role);
    line.nfields = 1;

    return to->sink(to->data, &line);
}


/* Whether the fields from first on (of an index) have goods, a quantity. */

static void
debar_document_holds(const debar_document_t *d, uint32_t first, uint32_t index,
    unsigned depth, unsigned *goods, unsigned *quantity)
{
    uint32_t                i;
    unsigned                role;
    const debar_pending_t  *p;

    *goods = 0;
    *quantity = 0;

    for (i = first; i < d->nfields; i = d->fields[i].next) {
        if (d->fields[i].index == index
            && d->fields[i].role == DEBAR_ROLE_QUANTITY)
        {
            *quantity = 1;
        }
    }

    for (i = first; i < d->nfields && !*goods; i = d->fields[i].next) {
        p = &d->fields[i];

        if (p->index == index && p->value_len != 0) {
            role = debar_pending_role(d, p, depth, *quantity);
            *goods = debar_role_goods(role);
        }
    }
}


/* One line of the fields from first on; what it has no room for goes out by
 * itself.  The fields stay. */

static int
debar_document_give(debar_document_t *d, const debar_to_t *to, uint32_t first,
    uint32_t index, unsigned depth, unsigned number)
{
    uint32_t                i;
    unsigned                goods, quantity, role, zero, some;
    debar_line_t            line;
    const debar_pending_t  *p;

    debar_document_line(d, &line, number);
    debar_document_holds(d, first, index, depth, &goods, &quantity);

    zero = 0;
    some = 0;

    for (i = first; i < d->nfields; i = d->fields[i].next) {
        p = &d->fields[i];

        if (p->index != index || line.nfields == DEBAR_MAX_LINE_FIELDS) {
            continue;
        }

        role = debar_pending_role(d, p, depth, quantity);
        role = debar_format_role(d, p, role, 0);
        debar_document_out(d, line.nfields++, p, role);

        zero |= role == DEBAR_ROLE_QUANTITY && p->zero;
        some |= role == DEBAR_ROLE_QUANTITY && !p->zero && p->value_len;
        line.withdrawn |= p->withdraws;
    }

    line.withdrawn |= zero && !some;

    if (to->sink(to->data, &line) == DEBAR_DECLINED) {
        return DEBAR_DECLINED;
    }

    for (some = 0; first < d->nfields; first = d->fields[first].next) {
        if (d->fields[first].index == index
            && some++ >= DEBAR_MAX_LINE_FIELDS
            && debar_document_outside(d, to, &d->fields[first])
               == DEBAR_DECLINED)
        {
            return DEBAR_DECLINED;
        }
    }

    return DEBAR_OK;
}


static debar_to_t
debar_document_own(debar_document_t *d)
{
    debar_to_t  to;

    to.sink = d->sink;
    to.data = d->data;

    return to;
}


static int
debar_document_take(debar_document_t *d, uint32_t first, unsigned depth)
{
    int         rc;
    unsigned    i;
    debar_to_t  to = debar_document_own(d);

    rc = DEBAR_OK;

    if (first < d->nfields) {
        rc = debar_document_give(d, &to, first, 0, depth, ++d->number);
        debar_document_drop(d, first);
    }

    for (i = d->nframes; i > 0 && !d->frames[i - 1].gave_lines; i--) {
        d->frames[i - 1].gave_lines = 1;
    }

    return rc;
}


static int
debar_document_leave(debar_document_t *d, uint32_t first)
{
    int         rc;
    uint32_t    i;
    debar_to_t  to = debar_document_own(d);

    rc = DEBAR_OK;

    for (i = first; i < d->nfields && rc == DEBAR_OK; i++) {
        rc = debar_document_outside(d, &to, &d->fields[i]);
    }

    debar_document_drop(d, first);

    return rc;
}


/* Chains a form's fields of one index; heads has a bit for each first one. */

static uint32_t
debar_form_chain(debar_document_t *d, uint32_t first,
    uint8_t heads[DEBAR_DOC_FIELDS])
{
    uint16_t  last[DEBAR_DOC_FIELDS * 2];      /* by index: one more than it */
    uint32_t  i, h, numbered;

    memset(last, 0, sizeof(last));

    for (i = first, numbered = 0; i < d->nfields; i++) {
        numbered |= d->fields[i].index;

        for (h = d->fields[i].index * 2654435761u >> 22;
             last[h] && d->fields[last[h] - 1].index != d->fields[i].index;
             h = (h + 1) % (DEBAR_DOC_FIELDS * 2))
        {
            /* void */
        }

        heads[i] = last[h] == 0;

        if (last[h]) {
            d->fields[last[h] - 1].next = i;
        }

        last[h] = i + 1;
        d->fields[i].next = DEBAR_DOC_FIELDS;
    }

    return numbered;
}


/* As they are while more may come. */

static void
debar_form_unchain(debar_document_t *d, uint32_t first)
{
    for ( /* void */ ; first < d->nfields; first++) {
        d->fields[first].next = first + 1;
    }
}


/*
 * A form's lines: its fields by their numbers, those without one first.  What
 * has no number and no goods belongs to none.
 */

static int
debar_document_form(debar_document_t *d, const debar_to_t *to, uint32_t first,
    unsigned *number)
{
    uint8_t   heads[DEBAR_DOC_FIELDS];
    uint32_t  i, k, index, numbered;
    unsigned  goods, quantity;

    numbered = debar_form_chain(d, first, heads);

    for (i = first; i < d->nfields; i++) {
        index = d->fields[i].index;

        if (!heads[i]) {
            continue;
        }

        debar_document_holds(d, i, index, d->nframes, &goods, &quantity);

        if (index == 0 && numbered && !goods) {

            for (k = i; k < d->nfields; k = d->fields[k].next) {
                if (debar_document_outside(d, to, &d->fields[k])
                    == DEBAR_DECLINED)
                {
                    return DEBAR_DECLINED;
                }
            }

            continue;
        }

        if (debar_document_give(d, to, i, index, d->nframes, ++*number)
            == DEBAR_DECLINED)
        {
            return DEBAR_DECLINED;
        }
    }

    return DEBAR_OK;
}


static int
debar_document_form_end(debar_document_t *d, uint32_t first)
{
    int         rc;
    debar_to_t  to = debar_document_own(d);

    rc = debar_document_form(d, &to, first, &d->number);
    debar_document_drop(d, first);

    return rc;
}


/* --- scopes: a document, a format ------------------------------------------- */

static void
debar_document_scope(debar_document_t *d, debar_frame_t *f)
{
    if (f->scope) {
        return;
    }

    f->scope = 1;
    f->mark = d->mark;
    f->nmarks = d->nmarks;
    f->root = d->root;
    f->instance = d->instance;
    f->number = d->number;
    f->cancels = d->cancels;
    f->keeps = d->keeps;
}


static void
debar_document_enter(debar_document_t *d)
{
    d->instance = ++d->instances;
    d->number = 0;
    d->cancels = 0;
    d->keeps = 0;
    d->told = 0;
    d->order_len = 0;
    d->nmarks = 0;
    d->root = d->nframes;
}


static void
debar_document_unscope(debar_document_t *d, const debar_frame_t *f)
{
    if (!f->scope) {
        return;
    }

    d->mark = f->mark;
    d->nmarks = f->nmarks;
    d->root = f->root;
    d->instance = f->instance;
    d->number = f->number;
    d->cancels = f->cancels;
    d->keeps = f->keeps;
    d->told = d->cancels && !d->keeps;
}


/* The next message of an interchange, in the same document. */

static void
debar_document_again(debar_document_t *d)
{
    uint32_t  nmarks = d->nmarks;

    debar_document_enter(d);

    d->nmarks = nmarks;
    d->root--;
}


static int
debar_document_tell(debar_document_t *d)
{
    unsigned      now;
    debar_line_t  line;

    now = d->cancels && !d->keeps;

    if (now == d->told) {
        return DEBAR_OK;
    }

    d->told = now;
    debar_document_line(d, &line, 0);

    return d->sink(d->data, &line);
}


/* --- events --------------------------------------------------------------- */

static inline int
debar_syntax_flat(unsigned syntax)
{
    return syntax == DEBAR_SYNTAX_FORM || syntax == DEBAR_SYNTAX_MULTIPART
           || syntax == DEBAR_SYNTAX_COOKIE || syntax == DEBAR_SYNTAX_HTML;
}


static inline int
debar_syntax_segments(unsigned syntax)
{
    return syntax == DEBAR_SYNTAX_X12 || syntax == DEBAR_SYNTAX_EDIFACT;
}


static inline int
debar_syntax_structured(unsigned syntax)
{
    return syntax != DEBAR_SYNTAX_ENCODING && syntax != DEBAR_SYNTAX_TEXT;
}


/* Ends the line of segments that is open in a document. */

static int
debar_document_close(debar_document_t *d, debar_frame_t *f)
{
    if (!f->open_line) {
        return DEBAR_OK;
    }

    f->open_line = 0;

    return debar_document_take(d, f->line_first, d->nframes);
}


static int
debar_begin_in_format(debar_document_t *d, debar_frame_t *f)
{
    int             rc;
    unsigned        use, role;
    debar_frame_t  *doc;

    rc = DEBAR_OK;
    use = debar_mark_container(d, &role);
    doc = f - 1;

    switch (use) {

    case DEBAR_MARK_LINE:

        if (!debar_syntax_segments(f->syntax)) {
            f->is_line = 1;
            break;
        }

        d->nframes--;
        rc = debar_document_close(d, doc);
        d->nframes++;

        f->first = d->nfields;
        doc->open_line = 1;
        doc->line_first = d->nfields;
        break;

    case DEBAR_MARK_END:
        d->nframes--;
        rc = debar_document_close(d, doc);
        d->nframes++;

        f->first = d->nfields;
        break;

    case DEBAR_MARK_FIELD:
        f->role = role;
        break;

    case DEBAR_MARK_CANCEL:
        d->cancels = 1;
        break;
    }

    return rc == DEBAR_OK ? debar_document_tell(d) : rc;
}


/* A value that turns out to be a document says nothing but what that says. */

static void
debar_document_supersede(debar_document_t *d, const debar_peel_event_t *ev)
{
    const debar_pending_t  *p;

    if (d->after && ev->document && d->nfields != 0) {
        p = &d->fields[d->nfields - 1];

        if (p->depth == d->nframes) {
            d->held = d->nfields - 1;
            d->holder = d->nframes;
            d->reads = 0;
        }
    }

    if (d->holder != 0 && ev->document && debar_syntax_structured(ev->syntax)
        && d->nframes >= d->holder)
    {
        d->reads = 1;
    }
}


/* Once something was read of it: what is broken from its beginning stays. */

static void
debar_document_superseded(debar_document_t *d)
{
    debar_pending_t  *p;

    if (d->holder != 0 && d->reads && d->nframes > d->holder
        && d->held < d->nfields
        && d->fields[d->held].depth == d->holder)
    {
        p = &d->fields[d->held];
        p->role = DEBAR_ROLE_NOTE;
        p->fixed = 1;
        p->settled = 1;
        d->holder = 0;
    }
}


static int
debar_document_begin(debar_document_t *d, const debar_peel_event_t *ev)
{
    size_t          n;
    uint32_t        nmarks;
    debar_frame_t  *f, *parent;

    debar_document_supersede(d, ev);

    if (d->nframes == DEBAR_DOC_FRAMES) {
        d->deeper++;
        return DEBAR_OK;
    }

    parent = &d->frames[d->nframes - 1];
    f = &d->frames[d->nframes++];
    memset(f, 0, sizeof(debar_frame_t));

    n = ev->name.len < DEBAR_DOC_NAME ? ev->name.len : DEBAR_DOC_NAME - 1;

    if (n != 0) {
        memcpy(f->name, ev->name.data, n);
    }

    f->first = d->nfields;
    f->syntax = ev->syntax;
    f->document = ev->document;
    f->repeated = !ev->document && (n == 0 || ev->nth > 1
                                    || ev->syntax == DEBAR_SYNTAX_TEXT);
    parent->children = 1;

    if (ev->document) {

        if (debar_syntax_structured(ev->syntax)) {
            debar_document_scope(d, f);
            debar_document_enter(d);
        }

        d->ncolumns = 0;
        d->column_depth = 0;

        return DEBAR_OK;
    }

    if (d->nmarks == 0) {

        /* a message of a protocol buffer, a row of a table: not their names */

        if (ev->syntax != DEBAR_SYNTAX_PROTOBUF
            && ev->syntax != DEBAR_SYNTAX_TEXT)
        {
            f->role = debar_name_role(d->list, debar_str(f->name, n));

            /* the body of one of a batch of requests is no text of people */

            if (f->role == DEBAR_ROLE_NOTE && f->syntax == DEBAR_SYNTAX_JSON
                && strcasecmp(f->name, "body") == 0)
            {
                f->role = DEBAR_ROLE_OTHER;
            }
        }

        if (!debar_mark_begins(d, debar_str(NULL, 0), debar_str(NULL, 0),
                               f->syntax))
        {
            return DEBAR_OK;
        }

        nmarks = d->nmarks;
        d->nmarks = 0;
        debar_document_scope(d, f);
        debar_document_enter(d);
        d->nmarks = nmarks;

        while (parent > d->frames) {
            parent->knows = 1;

            if (parent->document) {
                break;
            }

            parent--;
        }

        /* a line that is the whole of the format is one of several */

        d->number = ev->nth ? ev->nth - 1 : 0;
    }

    return debar_begin_in_format(d, f);
}


/* The frame of the line that is open, or 0. */

static unsigned
debar_document_in_line(const debar_document_t *d, uint32_t *first)
{
    unsigned  i;

    for (i = d->nframes; i > 1; i--) {
        if (d->frames[i - 1].is_line) {
            *first = d->frames[i - 1].first;
            return i;
        }

        if (d->frames[i - 1].open_line) {
            *first = d->frames[i - 1].line_first;
            return i;
        }
    }

    return 0;
}


/* A value that there is no room for. */

static int
debar_document_through(debar_document_t *d, const debar_peel_event_t *ev)
{
    size_t                i;
    unsigned              role, covered;
    uint32_t              index;
    debar_line_t          line;
    const debar_frame_t  *f = &d->frames[d->nframes - 1];

    role = debar_form_role(d->list, ev->name, &index, &covered);

    if (debar_role_aside(f->role) && !f->document) {
        covered = f->role;
    }

    for (i = 0; i < ev->value.len && (unsigned char) ev->value.data[i] <= ' ';
         i++)
    {
        /* void */
    }

    /* documents are read by themselves */

    if (i < ev->value.len
        && (strchr("<{[%", ev->value.data[i]) != NULL))
    {
        role = DEBAR_ROLE_NOTE;

    } else if (covered) {
        role = covered;

    } else if (d->nmarks && !debar_document_in_line(d, &index)) {
        role = DEBAR_ROLE_NOTE;

    } else if (role == DEBAR_ROLE_OTHER && debar_is_prose(ev->value)) {
        role = DEBAR_ROLE_DESCRIPTION;
    }

    debar_document_line(d, &line, 0);

    d->out[0].role = role;
    d->out[0].name = ev->name;
    d->out[0].value = ev->value;
    d->out[0].path = ev->path;
    d->out[0].offset = ev->offset;
    line.nfields = 1;

    return d->sink(d->data, &line);
}


/* Makes room: what waits goes out as it is. */

static int
debar_document_flush(debar_document_t *d)
{
    int             rc;
    uint32_t        i, first;
    unsigned        line;
    debar_frame_t  *f = &d->frames[d->nframes - 1];

    d->holder = 0;

    for (i = 0; d->nmarks && i < d->nfields; i++) {
        if (!d->fields[i].settled) {
            debar_mark_field(d, &d->fields[i], f->first);
            d->fields[i].settled = 1;
        }
    }

    first = 0;
    line = debar_document_in_line(d, &first);

    if (debar_syntax_flat(f->syntax)) {
        rc = debar_document_form_end(d, f->first);

    } else if (line && first < d->nfields) {
        rc = debar_document_take(d, first, line);

    } else {
        rc = debar_document_leave(d, 0);
    }

    for (i = 0; i < d->nframes; i++) {
        f = &d->frames[i];
        f->first = f->first < d->nfields ? f->first : d->nfields;
        f->line_first = f->line_first < d->nfields ? f->line_first
                                                   : d->nfields;
    }

    return rc;
}


/* Text that a value was encoded as: it is what that value is. */

static void
debar_document_inherit(debar_document_t *d, debar_pending_t *p)
{
    const debar_pending_t  *held;

    if (d->holder == 0 || d->reads || d->nframes <= d->holder
        || d->held + 1 >= d->nfields
        || d->fields[d->held].depth != d->holder)
    {
        return;
    }

    held = &d->fields[d->held];

    p->role = held->role;
    p->covered = held->covered;
    p->above = held->above;
    p->index = held->index;
    p->fixed = held->fixed;
    p->settled = held->settled;
    p->zero = debar_is_zero(debar_pending_value(d, p));
}


static int
debar_document_value(debar_document_t *d, const debar_peel_event_t *ev)
{
    unsigned          covered;
    debar_frame_t    *f;
    debar_pending_t  *p;

    debar_document_superseded(d);

    p = debar_document_add(d, ev->name, ev->value, ev->path, ev->offset);

    if (p == NULL && ev->value.len <= DEBAR_DOC_VALUE) {
        if (debar_document_flush(d) == DEBAR_DECLINED) {
            return DEBAR_DECLINED;
        }

        p = debar_document_add(d, ev->name, ev->value, ev->path, ev->offset);
    }

    if (p == NULL) {
        return debar_document_through(d, ev);
    }

    d->after = 1;
    f = &d->frames[d->nframes - 1];

    if (debar_syntax_flat(ev->syntax)) {

        if (d->nmarks == 0) {
            (void) debar_mark_begins(d, ev->name, ev->value, ev->syntax);
        }

        covered = 0;
        p->role = debar_form_role(d->list, ev->name, &p->index, &covered);
        p->covered = covered;
        p->above = covered ? DEBAR_DOC_FRAMES : 0;

        if (d->nmarks) {
            debar_mark_field(d, p, f->first);
        }

        p->settled = 1;

    } else if (ev->name.len != 0) {
        p->role = debar_name_role(d->list, ev->name);

    } else if (!f->document && f->name[0] != '\0') {
        p->role = f->role;
    }

    p->zero = debar_is_zero(ev->value);
    debar_document_cover(d, p);

    if (ev->syntax == DEBAR_SYNTAX_TEXT && ev->name.len == 0) {
        debar_document_inherit(d, p);
    }

    /* attributes come before what is in their element, and count for it */

    if (d->nmarks && ev->name.len != 0 && ev->name.data[0] == '@') {
        debar_mark_field(d, p, f->first);

        return debar_document_tell(d);
    }

    return DEBAR_OK;
}


/* The text of an element without elements is a field of the one around it. */

static void
debar_document_demote(debar_document_t *d, debar_frame_t *f)
{
    size_t            len;
    uint32_t          i, at;
    debar_pending_t  *p;

    if (f->children || f->document || d->nframes < 2
        || (f->syntax != DEBAR_SYNTAX_XML && f->syntax != DEBAR_SYNTAX_PLIST))
    {
        return;
    }

    len = strlen(f->name);

    for (i = f->first; i < d->nfields; i++) {
        p = &d->fields[i];

        if (p->depth == d->nframes && p->name_len == 0
            && debar_document_room(d, len, &at) == DEBAR_OK)
        {
            memcpy(d->bytes + at, f->name, len);
            p->name = at;
            p->name_len = len;
            p->depth--;
        }
    }
}


static int
debar_settle_fields(debar_document_t *d, debar_frame_t *f)
{
    uint32_t          i;
    debar_pending_t  *p;

    if (debar_syntax_segments(f->syntax) && !f->document) {

        for (i = f->first; i < d->nfields; i++) {
            p = &d->fields[i];

            if (p->depth == d->nframes
                && debar_mark_begins(d, debar_pending_name(d, p),
                                     debar_pending_value(d, p), f->syntax))
            {
                debar_document_again(d);
                break;
            }
        }

        if (d->nmarks) {
            debar_mark_join(d, f->first);
        }
    }

    if (d->nmarks == 0) {
        if (!debar_syntax_flat(f->syntax)) {
            f->pair = debar_key_values(d, f->first, d->nframes);
        }

        return DEBAR_OK;
    }

    for (i = f->first; i < d->nfields; i++) {
        p = &d->fields[i];

        if (p->depth == d->nframes && !p->settled) {
            debar_mark_field(d, p, f->first);
            p->settled = 1;

            /* a container that is marked says it of all that is in it */

            if (!p->fixed && f->role != DEBAR_ROLE_OTHER
                && (debar_role_aside(f->role) || p->name_len == 0
                    || d->bytes[p->name] != '@'))
            {
                p->role = f->role;
                p->fixed = 1;
            }
        }
    }

    return debar_document_tell(d);
}


/* A line of text, a row of a sheet or of a table of a document. */

static int
debar_document_is_row(const debar_frame_t *f)
{
    return !f->document
           && (f->syntax == DEBAR_SYNTAX_TEXT
               || (f->syntax == DEBAR_SYNTAX_ZIP
                   && strcmp(f->name, "row") == 0));
}


/* Which column a cell stands in, from 0: "3", "C"; else its place in the row. */

static unsigned
debar_document_column(const debar_document_t *d, const debar_pending_t *p,
    unsigned place)
{
    size_t       i;
    unsigned     n;
    debar_str_t  name = debar_pending_name(d, p);

    for (i = 0, n = 0; i < name.len && i < 3; i++) {
        if (name.data[i] >= 'A' && name.data[i] <= 'Z') {
            n = n * 26 + (name.data[i] - 'A' + 1);

        } else if (name.data[i] >= '0' && name.data[i] <= '9') {
            n = n * 10 + (name.data[i] - '0');

        } else {
            return place;
        }
    }

    return n ? n - 1 : place;
}


/*
 * Whether a row is a heading: it names what columns hold.  One behind a title
 * or another table must say so with half of its cells.
 */

static int
debar_document_heading(debar_document_t *d, debar_frame_t *f)
{
    uint32_t          i;
    unsigned          n, first, cells, roles, column;
    uint8_t           columns[DEBAR_DOC_COLUMNS];
    debar_pending_t  *p;

    first = d->column_depth != d->nframes;
    cells = 0;
    roles = 0;
    n = 0;

    memset(columns, DEBAR_ROLE_OTHER, sizeof(columns));

    for (i = f->first; i < d->nfields; i++) {
        p = &d->fields[i];
        column = debar_document_column(d, p, i - f->first);

        if (column >= DEBAR_DOC_COLUMNS) {
            continue;
        }

        if (p->value_len != 0
            && d->bytes[p->value] >= '0' && d->bytes[p->value] <= '9')
        {
            return 0;
        }

        columns[column] = debar_name_role(d->list, debar_pending_value(d, p));
        roles += columns[column] != DEBAR_ROLE_OTHER;
        cells++;
        n = column >= n ? column + 1 : n;
    }

    if (roles == 0 || (!first && (roles < 2 || roles * 2 < cells))) {
        return 0;
    }

    memcpy(d->columns, columns, sizeof(columns));
    d->ncolumns = n;

    return 1;
}


/* The cells of a table: roles by its heading. */

static void
debar_document_row(debar_document_t *d, debar_frame_t *f)
{
    uint32_t  i;
    unsigned  n, heading;

    if (!debar_document_is_row(f)) {
        return;
    }

    if (d->column_depth != d->nframes) {
        d->ncolumns = 0;
    }

    heading = debar_document_heading(d, f);
    d->column_depth = d->nframes;

    for (i = f->first; !heading && i < d->nfields; i++) {
        n = debar_document_column(d, &d->fields[i], i - f->first);

        if (n < d->ncolumns && d->columns[n] != DEBAR_ROLE_OTHER) {
            d->fields[i].role = d->columns[n];
        }
    }
}


static int
debar_end_in_format(debar_document_t *d, debar_frame_t *f)
{
    uint32_t        first;
    debar_frame_t  *doc;

    if (f->is_line) {
        return debar_document_take(d, f->first, d->nframes);
    }

    if (debar_syntax_segments(f->syntax) && !f->document) {
        doc = f - 1;

        return doc->open_line ? DEBAR_OK : debar_document_leave(d, f->first);
    }

    if (d->nframes != d->root) {
        return !f->children || debar_document_in_line(d, &first)
               ? DEBAR_OK : debar_document_leave(d, f->first);
    }

    if (debar_document_close(d, f) == DEBAR_DECLINED) {
        return DEBAR_DECLINED;
    }

    if (debar_syntax_flat(f->syntax)) {
        return debar_document_form_end(d, f->first);
    }

    return debar_document_leave(d, f->first);
}


static int
debar_end_generic(debar_document_t *d, debar_frame_t *f)
{
    int       rc;
    unsigned  goods, quantity;

    if (debar_syntax_flat(f->syntax) && f->document) {
        return debar_document_form_end(d, f->first);
    }

    debar_document_row(d, f);
    debar_document_holds(d, f->first, 0, d->nframes, &goods, &quantity);

    if (f->document) {

        if (!debar_syntax_structured(f->syntax) && d->nframes > 2) {
            return DEBAR_OK;
        }

        if ((goods || quantity) && !f->gave_lines && !f->knows) {
            return debar_document_take(d, f->first, d->nframes);
        }

        /* an envelope: who writes to whom, clauses */

        d->aside = f->knows;
        rc = debar_document_leave(d, f->first);
        d->aside = 0;

        return rc;
    }

    /* a name and its value say something of what is around them */

    if (f->pair && d->nfields - f->first <= DEBAR_DOC_PAIR) {
        return DEBAR_OK;
    }

    if ((goods && quantity) || (f->repeated && (goods || quantity))
        || (f->syntax == DEBAR_SYNTAX_TEXT && f->first < d->nfields))
    {
        return debar_document_take(d, f->first, d->nframes);
    }

    return DEBAR_OK;
}


static int
debar_document_end(debar_document_t *d)
{
    int             rc;
    debar_frame_t  *f;

    if (d->deeper) {
        d->deeper--;
        return DEBAR_OK;
    }

    if (d->nframes == 1) {
        return DEBAR_OK;
    }

    f = &d->frames[d->nframes - 1];

    debar_document_demote(d, f);
    rc = debar_settle_fields(d, f);

    if (rc == DEBAR_OK) {
        rc = d->nmarks ? debar_end_in_format(d, f) : debar_end_generic(d, f);
    }

    if (d->holder == d->nframes) {
        d->holder = 0;
    }

    debar_document_unscope(d, f);
    d->nframes--;

    /* its fields are those of what is around it now */

    if (f->document) {
        d->column_depth = 0;
    }

    return rc;
}


int
debar_document_event(void *document, const debar_peel_event_t *ev)
{
    int                rc;
    debar_document_t  *d = document;

    switch (ev->event) {

    case DEBAR_PEEL_BEGIN:
        rc = debar_document_begin(d, ev);
        d->after = 0;
        break;

    case DEBAR_PEEL_VALUE:
        d->after = 0;
        rc = debar_document_value(d, ev);
        break;

    default:
        rc = debar_document_end(d);
        d->after = 0;
    }

    return rc;
}


int
debar_document_peek(debar_document_t *d, debar_line_pt sink, void *data)
{
    int             rc;
    uint32_t        i, first;
    unsigned        number, depth;
    debar_to_t      to;
    debar_frame_t  *f;

    to.sink = sink;
    to.data = data;
    number = d->number;
    f = &d->frames[d->nframes - 1];

    if (d->nfields == 0) {
        return DEBAR_OK;
    }

    if (debar_syntax_flat(f->syntax)) {
        rc = debar_document_form(d, &to, f->first, &number);
        debar_form_unchain(d, f->first);

        return rc;
    }

    first = 0;

    for (depth = d->nframes; depth > 1; depth--) {
        f = &d->frames[depth - 1];

        if (f->open_line) {
            first = f->line_first;
            break;
        }

        if (f->is_line || f->repeated || (f->document && f->scope)) {
            first = f->first;
            break;
        }
    }

    if (d->nmarks) {
        for (i = first; i < d->nfields; i++) {
            if (d->fields[i].depth == d->nframes && !d->fields[i].settled) {
                debar_mark_field(d, &d->fields[i],
                                 d->frames[d->nframes - 1].first);
            }
        }
    }

    if (first == d->nfields) {
        return DEBAR_OK;
    }

    return debar_document_give(d, &to, first, 0, depth, number + 1);
}


uint64_t
debar_document_since(const debar_document_t *d)
{
    return d->nfields ? d->fields[0].offset : UINT64_MAX;
}


debar_document_t *
debar_document_new(debar_list_t *list, debar_line_pt sink, void *data)
{
    debar_document_t  *d;

    d = malloc(sizeof(debar_document_t));

    if (d == NULL) {
        return NULL;
    }

    memset(d, 0, offsetof(debar_document_t, frames));
    memset(d->frames, 0, sizeof(debar_frame_t));

    d->list = list;
    d->sink = sink;
    d->data = data;

    /* what stands outside of every container */

    d->nframes = 1;
    d->frames[0].document = 1;

    return d;
}


int
debar_document_finish(debar_document_t *d)
{
    int  rc;

    rc = DEBAR_OK;
    d->deeper = 0;

    while (d->nframes > 1) {
        if (debar_document_end(d) == DEBAR_DECLINED) {
            rc = DEBAR_DECLINED;
        }
    }

    if (debar_document_leave(d, 0) == DEBAR_DECLINED) {
        rc = DEBAR_DECLINED;
    }

    return rc;
}


void
debar_document_free(debar_document_t *d)
{
    free(d);
}
