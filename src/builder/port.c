/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/port.h"

#include "base/mem.h"
#include "base/num.h"

#include <inttypes.h>
#include <string.h>

static struct err *bad(const char *text, const char *why)
{
    AUTO(mem_free) char *safe = str_safe(text);
    return err_hint(err_new(ERR_INPUT, "invalid port \"%s\": %s", safe, why),
                    "expected PORT[-PORT][/tcp|udp|sctp], such as 8080 or 53/udp");
}

static bool protocol_known(const char *protocol)
{
    return str_eq(protocol, "tcp") || str_eq(protocol, "udp") || str_eq(protocol, "sctp");
}

static bool parse_range(const char *text, uint64_t *first, uint64_t *last)
{
    const char *dash = strchr(text, '-');
    AUTO(mem_free) char *from = dash ? mem_strndup(text, (size_t)(dash - text)) : mem_strdup(text);
    if (!num_parse(from, 65535, first))
        return false;
    *last = *first;
    return !dash || (num_parse(dash + 1, 65535, last) && *last >= *first);
}

/* A host part (address and port to publish at) says nothing to an image, but its shape is checked as docker
 * checks it. */
static struct err *check_host(const char *text, const char *host, uint64_t ports)
{
    const char *colon = strrchr(host, ':');
    const char *port = colon ? colon + 1 : host;
    uint64_t first = 0, last = 0;
    if (*port == '\0')
        return NULL;
    if (!parse_range(port, &first, &last))
        return bad(text, "its host port is no number up to 65535");
    if (last - first + 1 != ports && ports != 1)
        return bad(text, "its ranges of host and container ports differ in length");
    return NULL;
}

struct err *port_parse(struct strlist *out, const char *text)
{
    const char *slash = strrchr(text, '/');
    AUTO(mem_free) char *ports = slash ? mem_strndup(text, (size_t)(slash - text)) : mem_strdup(text);
    AUTO(mem_free) char *protocol = mem_strdup(slash ? slash + 1 : "tcp");
    for (char *p = protocol; *p; p++)
        *p = str_lower(*p);
    if (slash && *protocol == '\0')
        return bad(text, "the protocol after / is missing");
    if (!protocol_known(protocol))
        return bad(text, "its protocol is none of tcp, udp, sctp");
    char *colon = strrchr(ports, ':');
    const char *container = colon ? colon + 1 : ports;
    uint64_t first = 0, last = 0;
    if (*container == '\0')
        return bad(text, "it names no port");
    if (!parse_range(container, &first, &last))
        return bad(text, "ports are numbers up to 65535");
    if (colon) {
        *colon = '\0';
        TRY(check_host(text, ports, last - first + 1));
    }
    for (uint64_t port = first; port <= last; port++)
        strlist_add_take(out, mem_printf("%" PRIu64 "/%s", port, protocol));
    return NULL;
}
