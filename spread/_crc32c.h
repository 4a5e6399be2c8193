/* CRC32C (Castagnoli): reflected, polynomial 0x1EDC6F41, start and end inverted. */
#ifndef SPREAD_CRC32C_H
#define SPREAD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

static uint32_t crc32c_table[256];

static void crc32c_prepare(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
        }
        crc32c_table[byte] = crc;
    }
}

static uint32_t crc32c_extend(uint32_t crc, const uint8_t *data, size_t size) {
    crc = ~crc;
    for (size_t place = 0; place < size; place++) {
        crc = crc32c_table[(crc ^ data[place]) & 0xFF] ^ (crc >> 8);
    }
    return ~crc;
}

#endif
