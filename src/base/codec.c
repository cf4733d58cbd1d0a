/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"
#include "base/mem.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void codec_hex(const void *data, size_t len, char *text)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        *text++ = hex_digits[bytes[i] >> 4];
        *text++ = hex_digits[bytes[i] & 15];
    }
    *text = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool codec_unhex(const char *text, size_t text_len, uint8_t *data, size_t len)
{
    if (text_len % 2 != 0 || text_len / 2 != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        data[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

char *codec_base64(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    size_t groups = len / 3 + (len % 3 != 0);
    char *text = mem_grow(NULL, groups + 1, 4);
    char *to = text;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (left > 1)
            bits |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            bits |= bytes[i + 2];
        *to++ = base64_digits[bits >> 18];
        *to++ = base64_digits[bits >> 12 & 63];
        *to++ = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? base64_digits[bits & 63] : '=';
    }
    *to = '\0';
    return text;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* The length without padding, which has to be whole when it is there. */
static bool without_padding(const char *text, size_t *len)
{
    size_t digits = *len;
    while (digits > 0 && text[digits - 1] == '=')
        digits--;
    size_t padding = *len - digits;
    if (digits % 4 == 1 || (padding && (padding > 2 || *len % 4 != 0)))
        return false;
    *len = digits;
    return true;
}

bool codec_unbase64(const char *text, size_t len, struct buf *out)
{
    if (!without_padding(text, &len))
        return false;
    for (size_t i = 0; i < len; i++)
        if (base64_value(text[i]) < 0)
            return false;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 6 | (uint32_t)base64_value(text[i])) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_byte(out, (char)(uint8_t)(bits >> held));
        }
    }
    return true;
}
