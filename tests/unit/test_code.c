/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Pages that translated code was made from, machine/cpu/code.h: every write of them is told, by one core and
 * by several, by devices and by all of them at once.
 */
#include "tests/unit/cpu_fixture.h"

#include <pthread.h>

#include "machine/cpu/code.h"
#include "machine/cpu/reserve.h"

#define CODE	 UINT64_C(0x400000)
#define PAGE(pa) ((size_t)((pa) >> BUS_PAGE_BITS))

static struct {
	unsigned count;
	size_t page;
	uint64_t before; /* the page's first word when it was told */
} told;

static void note(void *opaque, size_t page)
{
	told.count++;
	told.page = page;
	memcpy(&told.before, ((struct bus *)opaque)->ram + page * BUS_PAGE_SIZE, 8);
}

static struct cpu *prepared(void **state)
{
	struct cpu_fixture *f = *state;

	memset(&told, 0, sizeof(told));
	f->group.code_written = note;
	f->group.code_opaque = &f->bus;
	return &f->cpu;
}

static void protect(struct cpu *cpu, uint64_t pa, size_t size)
{
	assert_true(code_page_protect(cpu, bus_ram(cpu->bus, pa, size), size));
}

static bool stores_directly(struct cpu *cpu, uint64_t va)
{
	return access_host(cpu, va, 8, SOFTTLB_STORE);
}

static void a_store_is_told_once_and_before_it_is_made(void **state)
{
	struct cpu *cpu = prepared(state);

	for (unsigned i = 0; i < 3; i++) {
		protect(cpu, CODE, 8);
		assert_false(stores_directly(cpu, CODE));
		assert_true(store_u64(cpu, CODE, i + 1));
		assert_int_equal(told.count, i + 1);
		assert_int_equal(told.page, PAGE(CODE));
		assert_int_equal(told.before, i);
		assert_int_equal(ram_get(cpu, CODE), i + 1);
		assert_true(stores_directly(cpu, CODE + 8));
		assert_true(store_u64(cpu, CODE, i + 1));
		assert_int_equal(told.count, i + 1);
	}
}

static void loads_and_other_pages_say_nothing(void **state)
{
	struct cpu *cpu = prepared(state);

	protect(cpu, CODE, 8);
	loaded(cpu, CODE);
	assert_false(stores_directly(cpu, CODE));
	assert_true(store_u64(cpu, CODE - 8, 1));
	assert_true(store_u64(cpu, CODE + BUS_PAGE_SIZE, 1));
	assert_int_equal(told.count, 0);
	assert_true(store_u64(cpu, CODE, 1));
	assert_int_equal(told.count, 1);
}

static void a_store_across_the_border_is_told(void **state)
{
	struct cpu *cpu = prepared(state);

	for (unsigned bits = 12; bits <= 14; bits += 2) {
		softtlb_want_pages(cpu, bits, false);
		softtlb_take_pages(cpu);
		told.count = 0;
		assert_true(store_u64(cpu, CODE, 1));
		protect(cpu, CODE + BUS_PAGE_SIZE, 8);
		assert_true(store_u64(cpu, CODE + BUS_PAGE_SIZE - 4, 7));
		assert_int_equal(told.count, 1);
		assert_int_equal(told.page, PAGE(CODE) + 1);
		assert_int_equal(ram_get(cpu, CODE + BUS_PAGE_SIZE - 4), 7);
	}
}

static void all_pages_of_a_range_are_guarded(void **state)
{
	struct cpu *cpu = prepared(state);

	protect(cpu, CODE + BUS_PAGE_SIZE - 4, BUS_PAGE_SIZE + 8);
	for (unsigned i = 0; i < 3; i++)
		assert_true(store_u64(cpu, CODE + BUS_PAGE_SIZE * i, 1));
	assert_int_equal(told.count, 3);
}

static void atomic_writes_are_told(void **state)
{
	struct cpu *cpu = prepared(state);
	uint64_t pa;
	void *host;

	protect(cpu, CODE, 8);
	assert_true(access_translate(cpu, CODE, 8, SOFTTLB_STORE, &pa, &host));
	assert_int_equal(told.count, 1);
	/* As the page walker writes. */
	protect(cpu, CODE, 8);
	reserve_end(cpu, reserve_begin(cpu, host), host);
	assert_int_equal(told.count, 2);
	/* As a debugger. */
	protect(cpu, CODE, 8);
	assert_int_equal(debug_write(cpu, CODE, true, "abcd", 4), 4);
	assert_int_equal(told.count, 3);
}

static void a_device_tells_after_it_has_written(void **state)
{
	struct cpu *cpu = prepared(state);
	uint64_t value = 42;

	protect(cpu, CODE, 8);
	assert_true(bus_dma_write(cpu->bus, CODE - 8, &value, 8));
	assert_int_equal(told.count, 0);
	assert_true(bus_dma_write(cpu->bus, CODE, &value, 8));
	assert_int_equal(told.count, 1);
	assert_int_equal(told.before, 42);
	assert_true(bus_dma_write(cpu->bus, CODE, &value, 8));
	assert_int_equal(told.count, 1);
}

/*
 * Threads: two cores translate all the time, two cores and a device write all the time.  What was translated,
 * which here is the word as it was read, must be gone or right as soon as a write of it has ended.
 */
enum { TRANSLATORS = 2, WRITERS = 2, CORES = TRANSLATORS + WRITERS, WORDS = WRITERS + 1, WRITES = 20000 };

static struct {
	struct bus bus;
	struct clock clock;
	struct trace trace;
	struct cpu_group group;
	struct cpu cpu[CORES];
	pthread_mutex_t lock; /* protects: translation, version */
	struct {
		uint64_t translation; /* 0: none */
		uint64_t version;     /* how often it was told */
	} word[WORDS];
	_Atomic bool stop;
	_Atomic unsigned translations;
} machine;

static uint64_t word_address(unsigned n)
{
	return CODE + BUS_PAGE_SIZE * n + 64;
}

static void machine_told(void *opaque, size_t page)
{
	unsigned n = (unsigned)(page - PAGE(CODE));

	pthread_mutex_lock(&machine.lock);
	machine.word[n].translation = 0;
	machine.word[n].version++;
	pthread_mutex_unlock(&machine.lock);
}

static void acknowledge_if_asked(struct cpu *cpu)
{
	if (atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_SYNC) & ATTENTION_SYNC)
		reserve_acknowledge(cpu);
}

static void translate_word(struct cpu *cpu, unsigned n)
{
	uint64_t *host = bus_ram(&machine.bus, word_address(n), 8), version, value;

	pthread_mutex_lock(&machine.lock);
	version = machine.word[n].version;
	pthread_mutex_unlock(&machine.lock);
	if (!code_page_protect(cpu, host, 8))
		return;
	value = __atomic_load_n(host, __ATOMIC_RELAXED);
	pthread_mutex_lock(&machine.lock);
	if (machine.word[n].version == version) {
		machine.word[n].translation = value;
		atomic_fetch_add(&machine.translations, 1);
	}
	pthread_mutex_unlock(&machine.lock);
}

static void *translator_thread(void *opaque)
{
	struct cpu *cpu = opaque;

	reserve_enter(cpu);
	for (unsigned i = 0; !atomic_load(&machine.stop); i++) {
		translate_word(cpu, i % WORDS);
		acknowledge_if_asked(cpu);
	}
	reserve_leave(cpu);
	return NULL;
}

/* Returns whether what is translated is what was written. */
static bool is_right(unsigned n, uint64_t value)
{
	bool right;

	pthread_mutex_lock(&machine.lock);
	right = !machine.word[n].translation || machine.word[n].translation == value;
	pthread_mutex_unlock(&machine.lock);
	return right;
}

static void *writer_thread(void *opaque)
{
	struct cpu *cpu = opaque;
	unsigned n = cpu->id - TRANSLATORS;
	uintptr_t wrong = 0;

	reserve_enter(cpu);
	for (uint64_t value = 1; value <= WRITES; value++) {
		wrong += !store_u64(cpu, word_address(n), value) || !is_right(n, value);
		acknowledge_if_asked(cpu);
	}
	reserve_leave(cpu);
	return (void *)wrong;
}

static void *device_thread(void *opaque)
{
	uintptr_t wrong = 0;

	for (uint64_t value = 1; value <= WRITES; value++)
		wrong += !bus_dma_write(&machine.bus, word_address(WRITERS), &value, 8) ||
			 !is_right(WRITERS, value);
	return (void *)wrong;
}

static void what_is_translated_is_what_was_written(void **state)
{
	pthread_t thread[CORES + 1];
	void *wrong;

	memset(&machine, 0, sizeof(machine));
	pthread_mutex_init(&machine.lock, NULL);
	assert_int_equal(bus_init(&machine.bus, RAM_SIZE, &machine.trace), 0);
	clock_init(&machine.clock, false, 1);
	machine.group.parallel = true;
	machine.group.code_written = machine_told;
	assert_int_equal(reserve_init(&machine.group), 0);
	for (unsigned i = 0; i < CORES; i++)
		assert_int_equal(cpu_init(&machine.cpu[i], i, cpu_model_find("max"), &machine.group,
					  &machine.bus, &machine.clock, &machine.trace, 1),
				 0);
	for (unsigned i = 0; i < CORES; i++)
		pthread_create(&thread[i], NULL, i < TRANSLATORS ? translator_thread : writer_thread,
			       &machine.cpu[i]);
	pthread_create(&thread[CORES], NULL, device_thread, NULL);
	for (unsigned i = TRANSLATORS; i <= CORES; i++) {
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	atomic_store(&machine.stop, true);
	for (unsigned i = 0; i < TRANSLATORS; i++)
		pthread_join(thread[i], NULL);
	assert_true(atomic_load(&machine.translations) > 0);
	for (unsigned n = 0; n < WORDS; n++)
		assert_true(machine.word[n].version > 0);
	for (unsigned i = 0; i < CORES; i++)
		cpu_destroy(&machine.cpu[i]);
	reserve_destroy(&machine.group);
	clock_destroy(&machine.clock);
	bus_destroy(&machine.bus);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CPU_TEST(a_store_is_told_once_and_before_it_is_made),
		CPU_TEST(loads_and_other_pages_say_nothing),
		CPU_TEST(a_store_across_the_border_is_told),
		CPU_TEST(all_pages_of_a_range_are_guarded),
		CPU_TEST(atomic_writes_are_told),
		CPU_TEST(a_device_tells_after_it_has_written),
		cmocka_unit_test(what_is_translated_is_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
