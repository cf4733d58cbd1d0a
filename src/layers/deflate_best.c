/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/deflate_match.h"

/*
 * DEFLATE_BEST: the cheapest way through a segment, by what literals, lengths and distances cost in the
 * segments before. From each place on, in order, all the lengths of the matches found there are tried. The
 * longest match of the place before, one shorter and at the same distance, is known without a search; where
 * it is long, only longer ones are looked for, or none.
 */

#define DEPTH 16      /* places looked at, */
#define DEPTH_KNOWN 8 /* and where a match of LENGTH_KNOWN is known */
#define LENGTH_KNOWN 12
#define LENGTH_ENOUGH 32 /* known: nothing is looked for */
#define LENGTH_TAKEN 48  /* known at the next place: taken without a choice */
#define MATCHES_MAX 6
#define BIT 64                /* the unit of costs */
#define UNSEEN_MAX (13 * BIT) /* the cost of a literal that did not occur, at most */
#define BITS_BEHIND (2 * BIT) /* what a byte behind the segment's end is taken to save */
#define UNREACHED UINT64_MAX
#define LITERAL SEQUENCE_NO_MATCH /* in a way */

struct matches {
    unsigned count;
    struct match match[MATCHES_MAX]; /* each longer than the one before */
};

/* Returns the newest place before `pos` with the same hash. */
static inline unsigned remember(struct best_state *b, size_t pos, uint64_t word)
{
    unsigned hash = match_hash4((uint32_t)word, BEST_HASH_BITS);
    unsigned old = b->newest[hash];

    b->older[pos % DISTANCE_MAX] = (uint16_t)old;
    b->newest[hash] = (uint16_t)pos;
    b->newest3[match_hash3((uint32_t)word, BEST_HASH3_BITS)] = (uint16_t)pos;
    b->newest8[match_hash8(word, BEST_HASH8_BITS)] = (uint16_t)pos;
    return old;
}

static inline void remember_range(struct deflate *d, size_t from, size_t to)
{
    size_t last = match_stop(d);

    for (to = to < last ? to : last; from < to; from++)
        (void)remember(&d->best, from, bits_load64(d->in + from));
}

/* Go back from `entry` through the places of the same hash for matches longer than `length`, at least 3. */
static inline void search_chain(const struct deflate *d, size_t pos, unsigned entry, unsigned length,
                                unsigned depth, struct matches *m)
{
    const uint8_t *at = d->in + pos;
    unsigned room = match_room(d, pos);
    uint32_t want = bits_load32(at + length - 3);
    unsigned nearer = 0;

    for (; depth > 0; depth--) {
        unsigned distance = ((unsigned)pos - entry) & 0xffff;
        if (distance <= nearer || distance > DISTANCE_MAX)
            return;
        nearer = distance;
        if (bits_load32(at - distance + length - 3) == want) {
            unsigned found = match_length(at, at - distance, 0, room);
            if (found > length) {
                length = found;
                m->match[m->count++] = (struct match){.length = length, .distance = distance};
                if (length >= room || m->count == MATCHES_MAX)
                    return;
                want = bits_load32(at + length - 3);
            }
        }
        entry = d->best.older[entry % DISTANCE_MAX];
    }
}

static inline void search(struct deflate *d, size_t pos, unsigned known, struct matches *m)
{
    uint64_t word = bits_load64(d->in + pos);
    unsigned entry3 = d->best.newest3[match_hash3((uint32_t)word, BEST_HASH3_BITS)];
    unsigned entry8 = d->best.newest8[match_hash8(word, BEST_HASH8_BITS)];
    unsigned entry = remember(&d->best, pos, word);
    struct match longest = {.length = MATCH_MIN};

    m->count = 0;
    if (known >= LENGTH_ENOUGH || known >= match_room(d, pos))
        return;
    if (known >= LENGTH_KNOWN) {
        longest.length = known;
        search_chain(d, pos, entry, known, DEPTH_KNOWN, m);
    } else {
        unsigned distance = match_distance(pos, entry3);
        if (distance < DISTANCE_MAX && (bits_load32(d->in + pos - distance) ^ (uint32_t)word) << 8 == 0)
            m->match[m->count++] = (struct match){.length = MATCH_MIN, .distance = distance};
        search_chain(d, pos, entry, MATCH_MIN, DEPTH, m);
    }
    if (m->count == MATCHES_MAX)
        return;
    if (m->count > 0)
        longest = m->match[m->count - 1];
    struct match longer = match_longer(d, pos, match_distance(pos, entry8), longest);
    if (longer.length > longest.length)
        m->match[m->count++] = longer;
}

/* The cost of a code that was seen `count` times; `all` is that of one that was seen once. */
static inline uint32_t code_cost(const struct tables *t, uint32_t all, uint32_t count)
{
    return count > 0 ? all - deflate_log2(t, count) / BIT : all;
}

static void make_costs(struct best_costs *c, const struct tables *t, const struct counts *n)
{
    uint32_t litlens = 1;
    uint32_t distances = 1;
    uint32_t length_cost[LENGTH_CODES];

    for (unsigned i = 0; i < LITLEN_COUNT; i++)
        litlens += n->litlen[i];
    for (unsigned i = 0; i < DISTANCE_COUNT; i++)
        distances += n->distance[i];
    litlens = deflate_log2(t, litlens) / BIT;
    distances = deflate_log2(t, distances) / BIT;
    for (unsigned i = 0; i < 256; i++) {
        uint32_t cost = code_cost(t, litlens, n->litlen[i]);
        c->literal[i] = n->litlen[i] > 0 || cost < UNSEEN_MAX ? cost : UNSEEN_MAX;
    }
    for (unsigned i = 0; i < LENGTH_CODES; i++)
        length_cost[i] = code_cost(t, litlens, n->litlen[LITLEN_FIRST + i]) + deflate_length_extra[i] * BIT;
    for (unsigned i = 0; i < 256; i++)
        c->length[i] = length_cost[t->length_code[i]];
    for (unsigned i = 0; i < DISTANCE_COUNT; i++)
        c->distance[i] = code_cost(t, distances, n->distance[i]) + deflate_distance_extra[i] * BIT;
}

void deflate_best_start(struct deflate *d)
{
    struct best_state *b = &d->best;

    memset(b, 0, sizeof *b);
    for (unsigned i = 0; i < 256; i++)
        b->past.litlen[i] = 8;
    b->past.litlen[LITLEN_END] = 1;
    for (unsigned i = 0; i < LENGTH_CODES; i++)
        b->past.litlen[LITLEN_FIRST + i] = i < 8 ? 100 : 40;
    for (unsigned i = 0; i < DISTANCE_COUNT; i++)
        b->past.distance[i] = 10;
}

/* With each segment the past counts for a quarter less. */
static void learn(struct counts *past, const struct counts *segment)
{
    for (unsigned i = 0; i < LITLEN_COUNT; i++)
        past->litlen[i] = past->litlen[i] * 3 / 4 + segment->litlen[i];
    for (unsigned i = 0; i < DISTANCE_COUNT; i++)
        past->distance[i] = past->distance[i] * 3 / 4 + segment->distance[i];
}

static inline void reach(uint64_t *way, uint32_t cost, uint32_t sequence)
{
    uint64_t this_way = (uint64_t)cost << 32 | sequence;
    uint64_t old = *way;

    *way = this_way < old ? this_way : old;
}

static inline uint32_t way_cost(uint64_t way)
{
    return (uint32_t)(way >> 32);
}

static inline uint32_t distance_cost(const struct deflate *d, unsigned distance)
{
    return d->best.costs.distance[distance_code(&d->tables, distance)];
}

/* Try everything that can be done at `way`, at `pos` in the input. `known` is the match that is known there;
 * afterwards the one that is known at the next place. */
static inline void step(struct deflate *d, uint64_t *way, size_t pos, struct match *known)
{
    const struct best_costs *c = &d->best.costs;
    uint32_t cost = way_cost(*way);
    unsigned length = MATCH_MIN;
    struct matches m;

    reach(way + 1, cost + c->literal[d->in[pos]], LITERAL);
    search(d, pos, known->length, &m);
    if (known->length > MATCH_MIN) {
        reach(way + known->length,
              cost + distance_cost(d, known->distance) + c->length[known->length - MATCH_MIN],
              SEQUENCE(0, known->length, known->distance));
        if (known->length >= LENGTH_KNOWN)
            length = known->length + 1;
    }
    for (unsigned i = 0; i < m.count; i++) {
        uint32_t with_distance = cost + distance_cost(d, m.match[i].distance);
        for (; length <= m.match[i].length; length++)
            reach(way + length, with_distance + c->length[length - MATCH_MIN],
                  SEQUENCE(0, length, m.match[i].distance));
    }
    if (m.count > 0 && m.match[m.count - 1].length > known->length)
        *known = m.match[m.count - 1];
    if (known->length > 0)
        known->length--;
}

/* Find the ways; returns the place at or behind `size` to end at. */
static unsigned find_ways(struct deflate *d, size_t start, unsigned size)
{
    uint64_t *way = d->best.way;
    size_t last = match_stop(d);
    unsigned stop = last < start ? 0 : last - start < size ? (unsigned)(last - start) : size;
    struct match known = {0};
    unsigned i = 0;

    memset(way, 0xff, sizeof d->best.way);
    way[0] = 0;
    if (start == 0 && stop > 0)
        reach(&way[++i], d->best.costs.literal[d->in[0]], LITERAL);
    while (i < stop) {
        step(d, &way[i], start + i, &known);
        i++;
        if (known.length >= LENGTH_TAKEN) {
            remember_range(d, start + i, start + i + known.length);
            i += known.length;
            known.length = 0;
        }
    }
    for (; i < size; i++)
        reach(&way[i + 1], way_cost(way[i]) + d->best.costs.literal[d->in[start + i]], LITERAL);
    unsigned best = i;
    uint32_t best_cost = UINT32_MAX;
    for (unsigned end = i; end < size + MATCH_MAX; end++) {
        uint32_t cost = way_cost(way[end]) + (size + MATCH_MAX - end) * BITS_BEHIND;
        if (way[end] != UNREACHED && cost < best_cost) {
            best_cost = cost;
            best = end;
        }
    }
    if (best > i)
        remember_range(d, start + i, start + best);
    return best;
}

static inline unsigned sequence_length(uint32_t sequence)
{
    return sequence != LITERAL ? (sequence >> 15 & 255) + MATCH_MIN : 1;
}

/* The way to `end`, told from its start. */
static void take_way(struct deflate *d, size_t start, unsigned end)
{
    uint64_t *way = d->best.way;
    unsigned anchor = 0;

    /* First turn it round: the upper half of each place on it becomes what leads away from there. */
    for (unsigned at = end; at > 0;) {
        uint32_t sequence = (uint32_t)way[at];
        at -= sequence_length(sequence);
        way[at] = (uint64_t)sequence << 32 | (uint32_t)way[at];
    }
    for (unsigned at = 0; at < end;) {
        uint32_t sequence = (uint32_t)(way[at] >> 32);
        if (sequence == LITERAL) {
            d->segment.litlen[d->in[start + at++]]++;
            continue;
        }
        sequence_add(d, at - anchor, sequence_length(sequence), (sequence & 0x7fff) + 1);
        at += sequence_length(sequence);
        anchor = at;
    }
    sequence_add_literals(d, end - anchor);
}

size_t deflate_best_segment(struct deflate *d, size_t start, size_t end)
{
    make_costs(&d->best.costs, &d->tables, &d->best.past);
    unsigned size = find_ways(d, start, (unsigned)(end - start));
    take_way(d, start, size);
    learn(&d->best.past, &d->segment);
    return start + size;
}
