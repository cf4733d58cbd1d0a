/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/upload.h"

/* Progress that makes a failure a new one, not the last one again. */
#define PROGRESS_BYTES (UINT64_C(8) << 20)
/* Breaks after which a blob goes up in pieces. */
#define CUTS_MAX 2
#define MOVES_MAX 8
/* Sessions that are lost at once. */
#define LOST_MAX 2

static bool is_stored(const struct upload *u)
{
    bool there = false;
    err_free(blob_has(u->repo, u->desc, &there));
    return there;
}

/* The failure has taught something: on at once. A session that is given up for it does not count. */
static bool go_on(struct upload *u, struct err **e, const char *how)
{
    if (u->lessons++ >= UPLOAD_LESSONS_MAX)
        return false;
    event_note(u->policy.events, "%s; %s", err_message(*e), how);
    if (!u->session.text && u->sessions > 0)
        u->sessions--;
    err_free(*e);
    *e = NULL;
    return true;
}

static bool was_tried(const struct upload *u, enum upload_form form)
{
    return u->tried & 1u << form;
}

/* The registry does not take it like this. */
static bool use_another_form(struct upload *u, struct err **e)
{
    bool pieces = u->at > 0 || u->plan.form == UPLOAD_CHUNKS;
    if (!upload_body_can(&u->body, 0))
        return false;
    u->tried |= 1u << (pieces ? UPLOAD_CHUNKS : u->plan.form);
    if (pieces) {
        u->plan.chunks = false;
        lessons_no_chunks(u->repo->host->lessons);
    }
    upload_drop(u);
    if (!was_tried(u, UPLOAD_PATCH)) {
        u->plan.form = UPLOAD_PATCH;
        return go_on(u, e, "sending it in one request");
    }
    if (!was_tried(u, UPLOAD_PUT)) {
        u->plan.form = UPLOAD_PUT;
        return go_on(u, e, "sending it with the request that ends the upload");
    }
    if (!u->plan.chunks || was_tried(u, UPLOAD_CHUNKS))
        return false;
    u->plan.form = UPLOAD_CHUNKS;
    return go_on(u, e, "sending it in pieces");
}

/* The largest piece to try after one of `was` bytes was refused; 0: none. */
static uint64_t smaller(const struct upload *u, uint64_t was)
{
    uint64_t next = u->plan.chunk;
    while (next >= was && next > UPLOAD_CHUNK_LEAST)
        next /= 2;
    if (next < UPLOAD_CHUNK_LEAST)
        next = UPLOAD_CHUNK_LEAST;
    return next < was && next >= u->chunk_min ? next : 0;
}

static bool use_smaller_pieces(struct upload *u, struct err **e)
{
    bool pieces = u->at > 0 || u->plan.form == UPLOAD_CHUNKS;
    uint64_t left = u->desc->size - u->at;
    uint64_t was = pieces && u->plan.chunk < left ? u->plan.chunk : left;
    uint64_t next = smaller(u, was);
    if (!u->plan.chunks || next == 0 || !upload_body_can(&u->body, u->at))
        return false;
    u->plan.chunk = next;
    u->plan.form = UPLOAD_CHUNKS;
    lessons_chunk(u->repo->host->lessons, next);
    if (!upload_ask(u))
        upload_drop(u);
    AUTO(mem_free) char *how = mem_printf("sending it in pieces of %llu KiB", (unsigned long long)next >> 10);
    return go_on(u, e, how);
}

/* How much the session has is not what we thought, or it does not take so much at once. */
static bool find_place(struct upload *u, struct err **e)
{
    uint64_t at = u->at;
    if (u->believed > at) {
        u->at = u->believed;
        u->trusted = true;
        return go_on(u, e, "counting for the registry");
    }
    if (!upload_ask(u) || u->moves++ >= MOVES_MAX)
        return false;
    if (u->at != at)
        return go_on(u, e, "going on where the registry says");
    /* Some count one byte less than there are. */
    if (at > 0 && !u->stepped) {
        u->stepped = true;
        u->at++;
        return go_on(u, e, "going on one byte later");
    }
    return use_smaller_pieces(u, e) || use_another_form(u, e);
}

/* Go on in the session, or without one. */
static void look_at_session(struct upload *u)
{
    if (u->fault == UPLOAD_CUT && ++u->cuts >= CUTS_MAX && u->plan.chunks)
        u->plan.form = UPLOAD_CHUNKS;
    bool gone = u->fault == UPLOAD_LOST || u->fault == UPLOAD_DIFFERS || u->fault == UPLOAD_RANGE;
    /* It ends with everything that it has, or not at all. */
    bool stuck = u->fault == UPLOAD_ENDING && u->ended;
    u->ended = u->fault == UPLOAD_ENDING;
    if (gone || stuck || !upload_ask(u)) {
        /* Some cannot end an upload in pieces without a body. */
        u->plan.last_in_put = u->plan.last_in_put || (stuck && u->plan.form == UPLOAD_CHUNKS);
        upload_drop(u);
        return;
    }
    if (u->at > 0 && u->at < u->desc->size && !u->plan.chunks)
        upload_drop(u);
}

/* Pieces may have come into disorder. */
static struct err *once_from_scratch(struct upload *u, struct err *e)
{
    if (!was_tried(u, UPLOAD_PATCH)) {
        u->plan.form = UPLOAD_PATCH;
        u->plan.chunks = false;
    }
    return err_as(e, ERR_NETWORK);
}

/* A session that is lost again and again, as soon as it is sent to, is a way of refusing. */
static void count_lost(struct upload *u)
{
    if (u->fault == UPLOAD_LOST && ++u->lost >= LOST_MAX && u->at == 0)
        u->fault = UPLOAD_REFUSED;
}

static bool wait_and_go_on(struct upload *u, struct err **e)
{
    unsigned most = u->repo->host->config->options.blob_sessions;
    if (!u->session.text && u->sessions >= most) {
        *e = err_wrap(*e, "gave up after %u uploads", u->sessions);
        return false;
    }
    if (!upload_body_can(&u->body, u->at))
        return false;
    /* The time counts from the first failure: what went well before may have taken hours. */
    if (u->retry.tried == 0 || u->at >= u->mark + PROGRESS_BYTES) {
        retry_begin(&u->retry, &u->policy);
        u->mark = u->at;
    }
    return retry_again(&u->retry, e, 0);
}

bool upload_recover(struct upload *u, struct err **e)
{
    if (!*e || u->fault == UPLOAD_FINAL || err_kind_of(*e) == ERR_STOPPED || err_kind_of(*e) == ERR_DENIED)
        return false;
    count_lost(u);
    if (u->fault == UPLOAD_REFUSED)
        return use_another_form(u, e);
    /* What is too large however small it is may be refused for another reason. */
    if (u->fault == UPLOAD_TOO_LARGE)
        return use_smaller_pieces(u, e) || use_another_form(u, e);
    if (u->fault == UPLOAD_RANGE && find_place(u, e))
        return true;
    if (u->doubtful && is_stored(u)) {
        err_free(*e);
        *e = NULL;
        return false;
    }
    if (u->fault == UPLOAD_DIFFERS && u->differing++ == 0)
        *e = once_from_scratch(u, *e);
    if (!retry_is_worth(*e))
        return false;
    look_at_session(u);
    return wait_and_go_on(u, e);
}
