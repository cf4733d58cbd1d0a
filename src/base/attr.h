/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_ATTR_H
#define LADE_BASE_ATTR_H

/*
 * The few words that every file uses: ownership by scope, and errors that cannot be dropped.
 *
 *     AUTO(err_free) struct err *e = NULL;     freed at the end of the scope
 *     AUTO_VALUE(strlist_wipe) struct strlist l = {0}; wiped at the end of the scope
 *     *out = TAKE(thing);                      moved out, so the scope no longer frees it
 *     TRY(f());                                returns f's error from this function
 */

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))

/* A type's own header says AUTO_DEFINE(struct thing *, thing_free) once; then AUTO(thing_free) works. */
#define AUTO_DEFINE(type, release)                 \
    static inline void release##_auto(type *place) \
    {                                              \
        if (*place)                                \
            release(*place);                       \
    }
#define AUTO(release) __attribute__((cleanup(release##_auto)))
#define AUTO_VALUE(wipe) __attribute__((cleanup(wipe)))

#define TAKE(place)                         \
    __extension__({                         \
        __typeof__(place) taken_ = (place); \
        (place) = NULL;                     \
        taken_;                             \
    })

#define TRY(call)                        \
    do {                                 \
        struct err *try_error_ = (call); \
        if (try_error_)                  \
            return try_error_;           \
    } while (0)

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
