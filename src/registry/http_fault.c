/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_fault.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

#define REASON_MAX 200

static const struct {
    const char *text;
    enum err_kind kind;
    bool reason; /* the library's words add something */
} faults[] = {
    [HTTP_FAULT_NONE] = {"failed", ERR_INTERNAL, true},
    [HTTP_FAULT_RESOLVE] = {"no address is known for this host", ERR_NETWORK, false},
    [HTTP_FAULT_PROXY] = {"no address is known for the proxy", ERR_NETWORK, true},
    [HTTP_FAULT_CONNECT] = {"cannot connect", ERR_NETWORK, true},
    [HTTP_FAULT_REFUSED] = {"refused: the registry leads to an address that is not public", ERR_DENIED,
                            false},
    [HTTP_FAULT_TIME] = {"timed out", ERR_NETWORK, true},
    [HTTP_FAULT_TLS] = {"TLS could not be set up", ERR_NETWORK, true},
    [HTTP_FAULT_TRUST] = {"the server's certificate is not trusted", ERR_DENIED, true},
    [HTTP_FAULT_AUTHORITIES] = {"a file of certificate authorities is not valid", ERR_INPUT, true},
    [HTTP_FAULT_CLIENT_CERT] = {"the client certificate or its key is not valid", ERR_INPUT, true},
    [HTTP_FAULT_NOTHING] = {"the server closed the connection without an answer", ERR_NETWORK, false},
    [HTTP_FAULT_READ] = {"the connection broke while reading", ERR_NETWORK, true},
    [HTTP_FAULT_SEND] = {"the connection broke while sending", ERR_NETWORK, true},
    [HTTP_FAULT_CUT] = {"the reply was cut short", ERR_NETWORK, false},
    [HTTP_FAULT_NOT_HTTP] = {"the reply is not HTTP", ERR_NETWORK, false},
    [HTTP_FAULT_LARGE] = {"the reply's headers are too large", ERR_RESOURCE, false},
    [HTTP_FAULT_BODY] = {"the data cannot be read", ERR_INTERNAL, true},
    [HTTP_FAULT_OTHER] = {"failed", ERR_NETWORK, true},
};

struct err *http_fault_error(enum http_fault fault, const char *what, const char *reason, int code)
{
    if (fault == HTTP_FAULT_CONNECT && code) {
        errno = code;
        return err_as(err_sys("%s: %s", what, faults[fault].text), faults[fault].kind);
    }
    if (!faults[fault].reason)
        return err_new(faults[fault].kind, "%s: %s", what, faults[fault].text);
    AUTO(mem_free) char *safe = str_escape(reason, strlen(reason), REASON_MAX);
    return err_new(faults[fault].kind, "%s: %s: %s", what, faults[fault].text, safe);
}

bool http_fault_may_be_other(enum http_fault fault)
{
    return fault == HTTP_FAULT_TLS || fault == HTTP_FAULT_NOTHING || fault == HTTP_FAULT_READ ||
           fault == HTTP_FAULT_NOT_HTTP;
}
