/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * A whole machine: cores, bus, clock, event loop and a board's devices, and the run control that starts,
 * pauses, resets and ends it.  Boards (virt.c) fill it in; firmware/ and control/ work with it.
 *
 * Order of use: machine_create(); attach serial ports, add PCI functions, load images or set reset_hook;
 * machine_run(); machine_destroy().
 */
#ifndef BIXI_BOARD_MACHINE_H
#define BIXI_BOARD_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "machine/bus/bus.h"
#include "machine/bus/clock.h"
#include "machine/bus/device.h"
#include "machine/bus/irq.h"
#include "machine/bus/state.h"
#include "machine/bus/trace.h"
#include "machine/cpu/cpu.h"
#include "machine/host/eventloop.h"
#include "machine/pci/pci.h"

struct uart;
struct virtio_mmio;
struct machine;
struct machine_debugger;
struct vcpu;

/* What a user chooses.  Zero or NULL stands for the default in brackets. */
struct machine_config {
	const char *board;     /* ["virt"] */
	const char *cpu_model; /* la464, la664, ["max"], each with lvz=off: cpu_model_parse() */
	unsigned cpus;	       /* 1-64, [1] */
	uint64_t ram_size;     /* bytes, whole pages, [1 GiB] */
	uint64_t entry;	       /* reset pc of all cores, [0x1c000000, the boot ROM] */
	uint64_t seed;	       /* of the machine's randomness; deterministic mode */
	bool deterministic;    /* one thread, time counted in instructions */
	bool no_reboot;	       /* a reset ends machine_run() with MACHINE_REBOOT */
	struct trace *trace;   /* [no tracing]; must outlive the machine */
};

enum machine_end {
	MACHINE_RUNNING,  /* no end asked for yet */
	MACHINE_POWEROFF, /* the guest, or the user, switched it off */
	MACHINE_REBOOT,	  /* the guest reset it under no_reboot */
	MACHINE_EXIT,	  /* the exit device; code is its code */
	MACHINE_ERROR,	  /* the host failed; code is a negative errno */
};

struct machine_result {
	enum machine_end end;
	int code;
};

enum machine_request { MACHINE_REQUEST_POWEROFF, MACHINE_REQUEST_RESET, MACHINE_REQUEST_EXIT };

#define MACHINE_MAX_DEVICES 32
#define MACHINE_MAX_RESETS  64
#define MACHINE_MAX_STATES  128
#define MACHINE_UARTS	    4

/* Something outside the device list that goes back to its reset state with the machine. */
struct machine_reset_entry {
	void (*fn)(void *opaque);
	void *opaque;
};

/* What happens to a machine as a whole, for those who watch it (QMP's events, GDB). */
enum machine_event {
	MACHINE_EVENT_STOP,	 /* machine_stop() has stopped it */
	MACHINE_EVENT_RESUME,	 /* machine_cont() lets it go on */
	MACHINE_EVENT_RESET,	 /* it was reset */
	MACHINE_EVENT_POWERDOWN, /* the power button was pressed */
	MACHINE_EVENT_SHUTDOWN,	 /* it ends; machine->result says how */
};

/* Kept inside its owner.  fn: any thread, no lock of the machine held; it does not stop the machine. */
struct machine_listener {
	void (*fn)(void *opaque, enum machine_event event);
	void *opaque;
	struct machine_listener *next;
};

/* A part of the machine whose state is saved (bus/state.h). */
struct machine_state_entry {
	const char *name; /* section of the snapshot: "cpu0", "virtio-net1" */
	void (*fn)(void *opaque, struct state *state);
	void *opaque;
};

/* Deterministic mode: where the one thread is in its round of the cores. */
struct machine_turn {
	uint64_t slices; /* begun so far */
	uint32_t next;	 /* core of the next slice */
	uint32_t idle;	 /* cores in a row that had nothing to do */
};

struct machine_drain_entry {
	void (*fn)(void *opaque);
	void *opaque;
};

/* A machine type: board/virt.c. */
struct board {
	const char *name, *description;
	/* Builds the devices of machine->config; 0, or a negative errno with a sentence in @error and
	 * nothing left behind. */
	int (*create)(struct machine *machine, char *error, size_t error_size);
	void (*destroy)(struct machine *machine);
};

struct machine {
	struct machine_config config; /* defaults filled in */
	struct bus bus;
	struct clock clock;
	struct event_loop loop;
	struct trace *trace;	/* never NULL */
	struct cpu_group group; /* group.cpu[0 .. count - 1] */
	struct cpu_model model;

	const struct board *board;
	void *board_state;
	struct pci_host pci;		  /* where control/ adds virtio and other functions */
	struct virtio_mmio *virtio_mmio;  /* slots for virtio devices off PCI, NULL: the board has none */
	struct irq_line pci_irq[4];	  /* INTA-INTD as the board wires them */
	struct uart *uart[MACHINE_UARTS]; /* serial ports, NULL: the board has not so many */
	void (*press_power_button)(struct machine *machine); /* NULL: the board has none; any thread */
	struct device *device[MACHINE_MAX_DEVICES]; /* all register-table devices: info, stats, reset */
	unsigned device_count;

	struct machine_reset_entry reset_entry[MACHINE_MAX_RESETS];
	unsigned reset_count;
	/* Called at the end of each reset (also before the first run), no core runs: puts images into RAM.
	 * A negative errno ends machine_run() with MACHINE_ERROR. */
	int (*reset_hook)(struct machine *machine, void *opaque);
	void *reset_opaque;
	uint8_t *boot_rom; /* copy that each reset restores; owned */
	size_t boot_rom_size;

	struct machine_listener *listeners; /* in the order of addition */
	struct machine_state_entry state_entry[MACHINE_MAX_STATES];
	unsigned state_count;
	struct machine_drain_entry drain_entry[MACHINE_MAX_STATES];
	unsigned drain_count;

	/* Run control, run.c */
	pthread_mutex_t lock;	/* protects: the fields below but the atomics */
	pthread_cond_t changed; /* any of them changed */
	unsigned pause_count;	/* machine_pause() calls not yet resumed */
	unsigned parked;	/* vCPU threads that stand still */
	bool stopped;		/* by machine_stop(); one of pause_count */
	bool resetting;		/* machine_reset() is at work: who pauses waits for its end */
	bool quit;		/* vCPU threads are to end */
	bool running;		/* machine_run() is between start and end */
	bool reset_wanted;
	pthread_mutex_t stop_lock; /* held by machine_stop() and machine_cont(), before lock */
	_Atomic bool attention;	   /* reset_wanted, pause or end: the deterministic loop looks at it */
	/* machine_quiesce(), state.h */
	struct event_work hold_work;
	bool hold_loop, loop_held; /* protected by lock */
	bool was_stopped;
	bool restored; /* state comes from a snapshot: machine_run() does not reset it */
	struct machine_turn turn;
	struct cpu *current; /* deterministic mode: the core that executes, NULL between slices */
	uint64_t slice_end;  /* and where its slice ends at the latest, in clock_now() */
	struct machine_debugger *debugger; /* debug.h, NULL: none; set while no core runs */
	bool debug_stopping; /* a core has stopped for the debugger, who will stop the machine */
	struct machine_result result;
	struct vcpu *vcpu;		/* one a core */
	_Atomic int thread_id[CPU_MAX]; /* the host's, of each core's thread; 0: not running */
	uint64_t start_ns, run_ns;	/* host time of machine_run(), for --stats */
};

/* Builds a machine of @config.  On failure returns a negative errno, and a sentence in @error. */
int machine_create(struct machine **machine, const struct machine_config *config, char *error,
		   size_t error_size);
void machine_destroy(struct machine *machine);

/* Fills the window at 0x1c000000 with @size bytes (copied; at most 16 MiB), now and at every reset. */
int machine_set_boot_rom(struct machine *machine, const void *image, size_t size);

/* Has @fn called at each reset, in the order of addition, before reset_hook.  0 or -ENOSPC. */
int machine_add_reset(struct machine *machine, void (*fn)(void *opaque), void *opaque);

/* Adds a device to the list that info, stats and reset go through.  0 or -ENOSPC.  For boards. */
int machine_add_device(struct machine *machine, struct device *device);

/*
 * All devices and cores to their reset state, ROM and images reloaded.  No core may run: machine_run()
 * calls it at its start and for MACHINE_REQUEST_RESET.  Returns what reset_hook answers.
 */
int machine_reset(struct machine *machine);

/*
 * Runs the machine until it ends.  Real mode: a thread a core and one for events; the caller waits.
 * Deterministic mode: everything on the calling thread.
 */
struct machine_result machine_run(struct machine *machine);

/* Asks for an end or a reset; the first end wins.  Any thread, locks may be held.  @code: for EXIT. */
void machine_request(struct machine *machine, enum machine_request request, int code);

/*
 * Stops all cores between two instructions; returns when they stand still.  Calls nest.  Any thread but a
 * core's or (deterministic mode) the machine's.  Devices' own threads and timers go on.
 */
void machine_pause(struct machine *machine);
void machine_resume(struct machine *machine);

/*
 * Stops the machine for the user and lets it go on: as machine_pause() and machine_resume(), but calls do not
 * nest, listeners are told, and the machine's time stands still in between.  machine_stop() before
 * machine_run(): it starts stopped.
 */
void machine_stop(struct machine *machine);
void machine_cont(struct machine *machine);
bool machine_is_stopped(struct machine *machine);

/* Listeners are added before the machine runs. */
void machine_listen(struct machine *machine, struct machine_listener *listener);

/* Tells the listeners.  For boards (MACHINE_EVENT_POWERDOWN); no lock held. */
void machine_tell(struct machine *machine, enum machine_event event);

/*
 * Adds a part to what snapshots hold, in the order of addition; before the machine runs.  Devices of
 * machine_add_device(), cores, the clock and RAM are in without this.  @name is kept.  0 or -ENOSPC.
 */
int machine_add_state(struct machine *machine, const char *name,
		      void (*fn)(void *opaque, struct state *state), void *opaque);

/*
 * Has @drain called before a snapshot, the machine stopped and the event loop running: it waits until nothing
 * of its part is in flight.  From then on until the machine goes on, the part starts nothing but on the event
 * loop, which is held meanwhile.  0 or -ENOSPC.
 */
int machine_add_drain(struct machine *machine, void (*drain)(void *opaque), void *opaque);

/* Boards by name, NULL if there is none; machine_board(n) for listing, NULL after the last. */
const struct board *machine_board_find(const char *name);
const struct board *machine_board(unsigned index);

/* Registers of all devices with their values, for the monitor.  Machine paused. */
void machine_print_devices(struct machine *machine, FILE *file);

/* Device accesses and rates, for --stats.  After machine_run(). */
void machine_print_stats(struct machine *machine, FILE *file);

#endif
