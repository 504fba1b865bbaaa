/* Prints KineCue's line protocol (docs/machine.md) from a microcontroller or any other computer.
 *
 *   cc -std=c99 -Wall -o machine_line machine_line.c && ./machine_line
 *
 * On a microcontroller put your own timer, encoder and force sensor into main's loop, and the serial port in place of fputs.
 */
#include <stdint.h>
#include <stdio.h>

/* CRC-16/CCITT-FALSE */
static uint16_t checksum(const char *text) {
    uint16_t crc = 0xFFFF;
    while (*text) {
        crc ^= (uint16_t)((uint8_t)*text++ << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
    }
    return crc;
}

/* A line for a cable ('N', 'L' or 'R'); what the machine does not know stays empty between its commas. No floats needed. */
static int machine_line(char *line, size_t size, char side, uint16_t sequence, uint32_t clock_us, int32_t count,
                        uint32_t tension_tenths) {
    char content[120];
    /*                         side,sequence,clock,count,position,speed,tension,raw,load,flags */
    snprintf(content, sizeof content, "KC,%c,%u,%lu,%ld,,,%lu.%lu,,,0", side, (unsigned)sequence, (unsigned long)clock_us,
             (long)count, (unsigned long)(tension_tenths / 10), (unsigned long)(tension_tenths % 10));
    return snprintf(line, size, "$%s*%04X\n", content, (unsigned)checksum(content));
}

int main(void) {
    char line[140];
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t clock_us = 4294900000u + 1000u * i; /* wraps, as micros() does */
        machine_line(line, sizeof line, 'L', (uint16_t)(65500u + i), clock_us, (int32_t)i * 5 - 100, 1962 + i);
        fputs(line, stdout);
        machine_line(line, sizeof line, 'R', (uint16_t)i, clock_us, (int32_t)i * -5, 0);
        fputs(line, stdout);
    }
    return 0;
}
