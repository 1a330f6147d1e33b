/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * CRC checks, Vol.1 2.2.9: the checksum without inversion before or after, least significant bit first,
 * four bits at a time.
 */
#include "machine/interp/interp.h"

/* The CRC of each 4-bit number: polynomial 0xedb88320 (IEEE 802.3) and 0x82f63b78 (Castagnoli). */
static const uint32_t crc_ieee[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
	0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

static const uint32_t crc_castagnoli[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint64_t crc_update(const uint32_t table[16], uint32_t sum, uint64_t message, unsigned bits)
{
	for (; bits; bits -= 4) {
		sum = sum >> 4 ^ table[(sum ^ message) & 15];
		message >>= 4;
	}
	return (uint64_t)(int32_t)sum;
}

#define CRC(name, table, bits)                                                                               \
	INTERP(name)                                                                                         \
	{                                                                                                    \
		NEED_CPUCFG(1, CPUCFG1_CRC);                                                                 \
		cpu_set_gpr(cpu, insn->rd, crc_update(table, GR(rk), GR(rj), bits));                         \
		return INSN_NEXT;                                                                            \
	}

CRC(crc_w_b_w, crc_ieee, 8)
CRC(crc_w_h_w, crc_ieee, 16)
CRC(crc_w_w_w, crc_ieee, 32)
CRC(crc_w_d_w, crc_ieee, 64)
CRC(crcc_w_b_w, crc_castagnoli, 8)
CRC(crcc_w_h_w, crc_castagnoli, 16)
CRC(crcc_w_w_w, crc_castagnoli, 32)
CRC(crcc_w_d_w, crc_castagnoli, 64)
