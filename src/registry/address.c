/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/address.h"
#include "base/attr.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct range4 {
    uint32_t first;
    unsigned bits;
};

/* IANA's special-purpose registry, the parts that lead to somebody's inside. */
static const struct range4 inside4[] = {
    {0x00000000, 8},  /* 0.0.0.0: this host */
    {0x0a000000, 8},  /* 10: private */
    {0x64400000, 10}, /* 100.64: shared by a provider */
    {0x7f000000, 8},  /* 127: loopback */
    {0xa9fe0000, 16}, /* 169.254: link-local, cloud metadata */
    {0xac100000, 12}, /* 172.16: private */
    {0xc0000000, 24}, /* 192.0.0: protocol assignments */
    {0xc0a80000, 16}, /* 192.168: private */
    {0xc6120000, 15}, /* 198.18: benchmarks */
    {0xe0000000, 3},  /* 224 and above: multicast, reserved */
};

static bool is_public4(uint32_t ip)
{
    for (size_t i = 0; i < ARRAY_LEN(inside4); i++)
        if ((ip ^ inside4[i].first) >> (32 - inside4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t bytes_to_ip(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_public6(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t zero[12];
    if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0)
        return is_public4(bytes_to_ip(ip + 12));
    if (memcmp(ip, zero, 12) == 0) /* ::, ::1, and the old embedding of IPv4 */
        return false;
    if (ip[0] == 0x20 && ip[1] == 0x02) /* 6to4 */
        return is_public4(bytes_to_ip(ip + 2));
    bool local = (ip[0] & 0xfe) == 0xfc;                 /* fc00::/7 */
    bool link = ip[0] == 0xfe && (ip[1] & 0x80) == 0x80; /* fe80::/10, fec0::/10 */
    return !local && !link && ip[0] != 0xff;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return is_public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return is_public6(in.sin6_addr.s6_addr);
    }
    return false;
}

bool address_text_is_public(const char *text)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1)
        return is_public4(bytes_to_ip(bytes));
    return inet_pton(AF_INET6, text, bytes) == 1 && is_public6(bytes);
}

/* The address between the brackets. */
static bool parse6(const char *host, uint8_t bytes[16])
{
    size_t len = strlen(host);
    if (len < 2 || host[0] != '[' || host[len - 1] != ']')
        return inet_pton(AF_INET6, host, bytes) == 1;
    AUTO(mem_free) char *inner = mem_strndup(host + 1, len - 2);
    return inet_pton(AF_INET6, inner, bytes) == 1;
}

bool address_is_loopback_host(const char *host)
{
    static const uint8_t one[16] = {[15] = 1};
    uint8_t bytes[16];
    if (inet_pton(AF_INET, host, bytes) == 1)
        return bytes[0] == 127;
    if (parse6(host, bytes))
        return memcmp(bytes, one, sizeof one) == 0;
    return str_eq_nocase(host, "localhost") || str_ends(host, ".localhost");
}

bool address_is_literal(const char *host)
{
    uint8_t bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || parse6(host, bytes);
}
