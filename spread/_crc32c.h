/* CRC32C (Castagnoli) of bytes in memory: the processor's instruction where there is one, else
 * tables for eight bytes a step ("slicing-by-8", Kounavis and Berry, 2005).
 *
 * Reflected, polynomial 0x1EDC6F41, start and end inverted (RFC 3720, appendix B.4). C because the
 * instruction needs intrinsics, and because a target attribute lets one function use it while the
 * module still runs on processors without it.
 *
 * The instruction takes three cycles but can begin each cycle. So three neighbouring blocks are
 * summed at the same time and joined: a sum s followed by n zero bytes is a linear function of the
 * bits of s, hence four table lookups for each n that is used.
 *
 * Call crc32c_prepare() once, before the first sum, in every module that includes this file.
 */
#ifndef SPREAD_CRC32C_H
#define SPREAD_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CRC32C_REVERSED_POLYNOMIAL 0x82F63B78u

#if defined(_MSC_VER) && defined(_M_X64) && !defined(__clang__)
#include <intrin.h>
#include <nmmintrin.h>
#define CRC32C_INSTRUCTION
static int crc32c_can_use_instruction(void) {
    int registers[4];
    __cpuid(registers, 1);
    return registers[2] >> 20 & 1; /* SSE4.2. */
}
#define CRC32C_STEP_8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define CRC32C_STEP_1(crc, byte) _mm_crc32_u8((crc), (byte))
#elif defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <nmmintrin.h>
#if defined(__clang_major__) && __clang_major__ >= 14 /* Where sse4.2 does not include it. */
#define CRC32C_INSTRUCTION __attribute__((target("sse4.2,crc32")))
#else
#define CRC32C_INSTRUCTION __attribute__((target("sse4.2")))
#endif
static int crc32c_can_use_instruction(void) {
    unsigned int eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_SSE4_2) != 0;
}
#define CRC32C_STEP_8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define CRC32C_STEP_1(crc, byte) _mm_crc32_u8((crc), (byte))
#elif defined(__ARM_FEATURE_CRC32) && defined(__aarch64__) && !defined(__AARCH64EB__)
#include <arm_acle.h>
#define CRC32C_INSTRUCTION
static int crc32c_can_use_instruction(void) { return 1; }
#define CRC32C_STEP_8(crc, word) __crc32cd((crc), (word))
#define CRC32C_STEP_1(crc, byte) __crc32cb((crc), (byte))
#endif

/* Filled by crc32c_prepare and only read afterwards. [k][byte]: the byte with k bytes behind it. */
static uint32_t crc32c_bytes[8][256];

static uint32_t crc32c_portable_sum(uint32_t sum, const uint8_t *at, size_t size) {
    for (; size >= 8; size -= 8, at += 8) {
        sum ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16
            | (uint32_t)at[3] << 24;
        sum = crc32c_bytes[7][sum & 0xFF] ^ crc32c_bytes[6][sum >> 8 & 0xFF]
            ^ crc32c_bytes[5][sum >> 16 & 0xFF] ^ crc32c_bytes[4][sum >> 24]
            ^ crc32c_bytes[3][at[4]] ^ crc32c_bytes[2][at[5]]
            ^ crc32c_bytes[1][at[6]] ^ crc32c_bytes[0][at[7]];
    }
    for (; size > 0; size--, at++) {
        sum = crc32c_bytes[0][(sum ^ *at) & 0xFF] ^ sum >> 8;
    }
    return sum;
}

static void crc32c_fill_bytes(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; bit++) {
            sum = sum & 1 ? sum >> 1 ^ CRC32C_REVERSED_POLYNOMIAL : sum >> 1;
        }
        crc32c_bytes[0][byte] = sum;
    }
    for (int behind = 1; behind < 8; behind++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t sum = crc32c_bytes[behind - 1][byte];
            crc32c_bytes[behind][byte] = crc32c_bytes[0][sum & 0xFF] ^ sum >> 8;
        }
    }
}

#ifdef CRC32C_INSTRUCTION

/* Bytes in each of three blocks, multiples of 8. A packet of an Ethernet frame (1472 bytes, 24 of
 * them summed apart) is three short rounds; one of a jumbo frame is mostly long ones. */
#define CRC32C_SHORT 160
#define CRC32C_LONG 1024

static int crc32c_is_fast;
/* [k][byte]: what a block of zero bytes makes of `byte` in byte k of a sum. */
static uint32_t crc32c_past_short[4][256];
static uint32_t crc32c_past_long[4][256];

static void crc32c_fill_past(uint32_t past[4][256], size_t block_size) {
    static const uint8_t zeros[CRC32C_LONG];
    for (int place = 0; place < 4; place++) {
        past[place][0] = 0;
        for (uint32_t byte = 1; byte < 256; byte++) {
            uint32_t lowest = byte & (0u - byte);
            past[place][byte] = byte == lowest
                ? crc32c_portable_sum(byte << 8 * place, zeros, block_size)
                : past[place][lowest] ^ past[place][byte ^ lowest];
        }
    }
}

static inline uint32_t crc32c_pass(uint32_t past[4][256], uint32_t sum) {
    return past[0][sum & 0xFF] ^ past[1][sum >> 8 & 0xFF] ^ past[2][sum >> 16 & 0xFF]
        ^ past[3][sum >> 24];
}

static inline uint64_t crc32c_word(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

CRC32C_INSTRUCTION
static uint32_t crc32c_three_blocks(
    uint32_t sum, const uint8_t *at, size_t block_size, uint32_t past[4][256]
) {
    uint32_t second = 0, third = 0;
    for (const uint8_t *end = at + block_size; at < end; at += 8) {
        sum = CRC32C_STEP_8(sum, crc32c_word(at));
        second = CRC32C_STEP_8(second, crc32c_word(at + block_size));
        third = CRC32C_STEP_8(third, crc32c_word(at + 2 * block_size));
    }
    sum = crc32c_pass(past, sum) ^ second;
    return crc32c_pass(past, sum) ^ third;
}

CRC32C_INSTRUCTION
static uint32_t crc32c_fast_sum(uint32_t sum, const uint8_t *at, size_t size) {
    for (; size >= 3 * CRC32C_LONG; size -= 3 * CRC32C_LONG, at += 3 * CRC32C_LONG) {
        sum = crc32c_three_blocks(sum, at, CRC32C_LONG, crc32c_past_long);
    }
    for (; size >= 3 * CRC32C_SHORT; size -= 3 * CRC32C_SHORT, at += 3 * CRC32C_SHORT) {
        sum = crc32c_three_blocks(sum, at, CRC32C_SHORT, crc32c_past_short);
    }
    for (; size >= 8; size -= 8, at += 8) {
        sum = CRC32C_STEP_8(sum, crc32c_word(at));
    }
    for (; size > 0; size--, at++) {
        sum = CRC32C_STEP_1(sum, *at);
    }
    return sum;
}

#endif

/* Fill the tables. Not for two threads at once; doing it again changes nothing. */
static void crc32c_prepare(void) {
    crc32c_fill_bytes();
#ifdef CRC32C_INSTRUCTION
    crc32c_fill_past(crc32c_past_short, CRC32C_SHORT);
    crc32c_fill_past(crc32c_past_long, CRC32C_LONG);
    crc32c_is_fast = crc32c_can_use_instruction();
#endif
}

/* Both continue the CRC of what stands before `data`; 0 if nothing does. */

static uint32_t crc32c_portable(uint32_t crc, const uint8_t *data, size_t size) {
    return ~crc32c_portable_sum(~crc, data, size);
}

static uint32_t crc32c_extend(uint32_t crc, const uint8_t *data, size_t size) {
#ifdef CRC32C_INSTRUCTION
    if (crc32c_is_fast) {
        return ~crc32c_fast_sum(~crc, data, size);
    }
#endif
    return crc32c_portable(crc, data, size);
}

#endif
