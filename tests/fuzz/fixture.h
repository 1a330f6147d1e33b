/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A whole machine for fuzzers: deterministic, little RAM, all devices of the board, a disk and a virtio
 * console.  It is made once a process and goes back to its reset state for each input.
 */
#ifndef BIXI_FUZZ_FIXTURE_H
#define BIXI_FUZZ_FIXTURE_H

#include "machine/board/machine.h"

#define FIXTURE_RAM   (256u << 10)
#define FIXTURE_CORES 2

/* Where fixture_map_pci() puts the BARs: function n's BAR b at base + (n << 20) + (b << 16). */
#define FIXTURE_BARS 0x40000000u

/*
 * Cores begin at physical 0.  There is no ROM, so that what lies behind RAM on the host can be fenced.
 * Aborts if the host does not give what it needs: that is no finding about the input.
 */
struct machine *fixture_create(const char *cpu_model);

/* Whether all trace events are written (to nowhere); off after fixture_create(). */
void fixture_trace(struct machine *machine, bool on);

/* As after power-on, with RAM and ROM all zeros.  Aborts if a device's timer survives its reset. */
void fixture_reset(struct machine *machine);

/* BARs placed, decoding and bus mastering switched on, as firmware would have done it. */
void fixture_map_pci(struct machine *machine);

#endif
