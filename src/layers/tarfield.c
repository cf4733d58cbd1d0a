/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarfield.h"

static bool parse_octal(const uint8_t *field, size_t len, uint64_t *value)
{
    size_t from = 0;

    while (from < len && (field[from] == ' ' || field[from] == '\0'))
        from++;
    while (len > from && (field[len - 1] == ' ' || field[len - 1] == '\0'))
        len--;
    uint64_t number = 0;
    for (size_t i = from; i < len; i++) {
        if (field[i] < '0' || field[i] > '7' || number >> 61)
            return false;
        number = number << 3 | (uint64_t)(field[i] - '0');
    }
    *value = number;
    return true;
}

bool tarfield_number(const uint8_t *field, size_t len, int64_t *value)
{
    uint64_t number = 0;

    if (!(field[0] & 0x80)) {
        if (!parse_octal(field, len, &number) || number > INT64_MAX)
            return false;
        *value = (int64_t)number;
        return true;
    }
    bool negative = field[0] & 0x40;
    uint8_t fill = negative ? 0xff : 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = i == 0 ? (uint8_t)((field[0] & 0x7f) | (negative ? 0x80 : 0)) : field[i];
        if (i + 8 < len) {
            if (byte != fill)
                return false;
        } else {
            number = number << 8 | byte;
        }
    }
    if (negative != (bool)(number >> 63))
        return false;
    *value = (int64_t)number;
    return true;
}

/* Counted with spaces in the place of the checksum itself. */
bool tarfield_checksum(const uint8_t block[TARFIELD_BLOCK])
{
    uint64_t said;
    uint32_t sum = 8 * ' ', large = 0;

    if (!parse_octal(block + 148, 8, &said))
        return false;
    for (size_t i = 0; i < TARFIELD_BLOCK; i++)
        sum += block[i];
    for (size_t i = 148; i < 156; i++)
        sum -= block[i];
    if (said == sum)
        return true;
    /* Some old writers add bytes as if they had a sign, and all readers take that. */
    for (size_t i = 0; i < TARFIELD_BLOCK; i++)
        large += (i < 148 || i >= 156) && block[i] >= 128;
    return said + 256 * (uint64_t)large == sum;
}
