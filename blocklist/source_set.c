/*
 * Sets of byte strings, each with a number: ids, texts and rules that were
 * seen before.
 */

#include <stdlib.h>

#include "source_private.h"
#include "filter.h"


static uint32_t *debar_set_slot(const debar_set_t *s, uint64_t hash,
    const void *key, size_t len);
static void debar_set_grow(debar_set_t *s);


uint64_t *
debar_set_add(debar_set_t *s, const void *key, size_t len, uint64_t value)
{
    uint64_t           hash;
    uint32_t          *slot;
    debar_set_item_t  *item;

    if ((s->n + 1) * 2 > s->nslots) {
        debar_set_grow(s);
    }

    hash = debar_hash(key, len);
    slot = debar_set_slot(s, hash, key, len);

    if (*slot) {
        return &s->items[*slot - 1].value;
    }

    item = &s->items[s->n++];

    item->hash = hash;
    item->off = s->keys.len;
    item->len = len;
    item->value = value;

    debar_buf_add(&s->keys, key, len);

    *slot = (uint32_t) s->n;

    return NULL;
}


uint64_t *
debar_set_find(const debar_set_t *s, const void *key, size_t len)
{
    uint32_t  *slot;

    if (s->n == 0) {
        return NULL;
    }

    slot = debar_set_slot(s, debar_hash(key, len), key, len);

    return *slot ? &s->items[*slot - 1].value : NULL;
}


static uint32_t *
debar_set_slot(const debar_set_t *s, uint64_t hash, const void *key,
    size_t len)
{
    size_t                   i, mask;
    const debar_set_item_t  *item;

    mask = s->nslots - 1;

    for (i = hash & mask; /* void */; i = (i + 1) & mask) {

        if (s->slots[i] == 0) {
            return &s->slots[i];
        }

        item = &s->items[s->slots[i] - 1];

        if (item->hash == hash && item->len == len
            && (len == 0 || memcmp(s->keys.data + item->off, key, len) == 0))
        {
            return &s->slots[i];
        }
    }
}


/* Slots are at most half full, so that there is always an empty one. */

static void
debar_set_grow(debar_set_t *s)
{
    size_t  i, k;

    if (s->nslots > UINT32_MAX / 2) {
        abort();
    }

    s->nslots = s->nslots ? s->nslots * 2 : 64;
    s->size = s->nslots / 2;

    free(s->slots);
    s->slots = calloc(s->nslots, sizeof(uint32_t));
    s->items = reallocarray(s->items, s->size, sizeof(debar_set_item_t));

    if (s->slots == NULL || s->items == NULL) {
        abort();
    }

    for (i = 0; i < s->n; i++) {
        k = s->items[i].hash & (s->nslots - 1);

        while (s->slots[k]) {
            k = (k + 1) & (s->nslots - 1);
        }

        s->slots[k] = (uint32_t) (i + 1);
    }
}


void
debar_set_free(debar_set_t *s)
{
    free(s->items);
    free(s->slots);
    debar_buf_free(&s->keys);
    memset(s, 0, sizeof(debar_set_t));
}
