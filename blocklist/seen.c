/*
 * A memory for the hot path, a worker's and a snapshot's own: it goes with the
 * list that it was made under.
 */

#include "judge_private.h"


int
debar_seen_host(debar_list_t *list, debar_str_t raw, debar_verdict_t *v)
{
    uint32_t            tag;
    uint64_t            hash;
    unsigned            set, way;
    debar_seen_host_t  *h;

    if (raw.len == 0 || raw.len > DEBAR_SEEN_HOST) {
        return 0;
    }

    hash = debar_hash(raw.data, raw.len);
    set = hash & (DEBAR_SEEN_SETS - 1);
    tag = hash >> 32;

    for (way = 0; way < DEBAR_SEEN_WAYS; way++) {

        if (list->seen->host_tag[set][way] != tag) {
            continue;
        }

        h = &list->seen->hosts[set][way];

        if (h->raw_len == raw.len && memcmp(h->raw, raw.data, raw.len) == 0) {
            v->host.type = DEBAR_HOST_NAME;
            v->host.spelt = DEBAR_SPELT_PLAIN;
            v->host.odd = NULL;
            v->host.len = h->len;
            memcpy(v->host.name, h->name, h->len);
            v->host.name[h->len] = '\0';
            v->port = h->port;

            return 1;
        }
    }

    return 0;
}


void
debar_see_host(debar_list_t *list, debar_str_t raw, const debar_verdict_t *v)
{
    uint64_t            hash;
    unsigned            set, way;
    debar_seen_host_t  *h;

    if (raw.len == 0 || raw.len > DEBAR_SEEN_HOST
        || v->host.len > DEBAR_SEEN_HOST)
    {
        return;
    }

    hash = debar_hash(raw.data, raw.len);
    set = hash & (DEBAR_SEEN_SETS - 1);
    way = list->seen->host_next[set]++ % DEBAR_SEEN_WAYS;

    list->seen->host_tag[set][way] = hash >> 32;
    h = &list->seen->hosts[set][way];

    h->raw_len = raw.len;
    h->port = v->port;
    h->len = v->host.len;
    memcpy(h->raw, raw.data, raw.len);
    memcpy(h->name, v->host.name, v->host.len);
}


int
debar_seen_target(debar_list_t *list, debar_str_t target)
{
    uint32_t              tag;
    uint64_t              hash;
    unsigned              set, way;
    debar_seen_target_t  *t;

    if (target.len == 0 || target.len > DEBAR_SEEN_TARGET) {
        return 0;
    }

    hash = debar_hash(target.data, target.len);
    set = hash & (DEBAR_SEEN_SETS * 2 - 1);
    tag = hash >> 32;

    for (way = 0; way < DEBAR_SEEN_WAYS; way++) {

        if (list->seen->target_tag[set][way] != tag) {
            continue;
        }

        t = &list->seen->targets[set][way];

        if (t->len == target.len
            && memcmp(t->data, target.data, target.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
debar_see_target(debar_list_t *list, debar_str_t target)
{
    uint64_t              hash;
    unsigned              set, way;
    debar_seen_target_t  *t;

    if (target.len == 0 || target.len > DEBAR_SEEN_TARGET) {
        return;
    }

    hash = debar_hash(target.data, target.len);
    set = hash & (DEBAR_SEEN_SETS * 2 - 1);
    way = list->seen->target_next[set]++ % DEBAR_SEEN_WAYS;

    list->seen->target_tag[set][way] = hash >> 32;
    t = &list->seen->targets[set][way];

    t->len = target.len;
    memcpy(t->data, target.data, target.len);
}


int
debar_seen_value(debar_list_t *list, debar_str_t value, unsigned role)
{
    uint32_t             tag;
    uint64_t             hash;
    unsigned             set, way;
    debar_seen_value_t  *s;

    if (value.len == 0 || value.len > DEBAR_SEEN_VALUE) {
        return 0;
    }

    hash = debar_hash(value.data, value.len) + role;
    set = hash & (DEBAR_SEEN_SETS - 1);
    tag = hash >> 32;

    for (way = 0; way < DEBAR_SEEN_WAYS; way++) {

        if (list->seen->value_tag[set][way] != tag) {
            continue;
        }

        s = &list->seen->values[set][way];

        if (s->len == value.len && s->role == role
            && memcmp(s->data, value.data, value.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
debar_see_value(debar_list_t *list, debar_str_t value, unsigned role)
{
    uint64_t             hash;
    unsigned             set, way;
    debar_seen_value_t  *s;

    if (value.len == 0 || value.len > DEBAR_SEEN_VALUE) {
        return;
    }

    hash = debar_hash(value.data, value.len) + role;
    set = hash & (DEBAR_SEEN_SETS - 1);
    way = list->seen->value_next[set]++ % DEBAR_SEEN_WAYS;

    list->seen->value_tag[set][way] = hash >> 32;
    s = &list->seen->values[set][way];

    s->len = value.len;
    s->role = role;
    memcpy(s->data, value.data, value.len);
}
