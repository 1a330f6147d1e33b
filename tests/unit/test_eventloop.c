/* SPDX-License-Identifier: MulanPSL-2.0 */
/* The event loop: machine/host/eventloop.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "machine/bus/clock.h"
#include "machine/host/eventloop.h"

struct fixture {
	struct clock clock;
	struct event_loop loop;
	_Atomic unsigned count;
	unsigned limit;
	sem_t reached;
	struct event_work work;
	struct event_fd source, second;
	struct clock_timer timer;
	int pipe[2];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	clock_init(&f->clock, false, 1);
	assert_int_equal(event_loop_init(&f->loop, &f->clock), 0);
	sem_init(&f->reached, 0, 0);
	assert_int_equal(pipe(f->pipe), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	event_loop_stop(&f->loop);
	event_loop_join(&f->loop);
	event_loop_destroy(&f->loop);
	clock_destroy(&f->clock);
	close(f->pipe[0]);
	close(f->pipe[1]);
	sem_destroy(&f->reached);
	free(f);
	return 0;
}

static void count_up(void *opaque)
{
	struct fixture *f = opaque;

	f->count++;
	sem_post(&f->reached);
}

static void count_and_post_again(void *opaque)
{
	struct fixture *f = opaque;

	if (++f->count < f->limit)
		event_loop_post(&f->loop, &f->work);
	else
		sem_post(&f->reached);
}

static void test_posted_work_runs_once_however_often_it_is_posted(void **state)
{
	struct fixture *f = *state;

	event_work_init(&f->work, count_up, f);
	for (unsigned i = 0; i < 10; i++)
		event_loop_post(&f->loop, &f->work);
	event_loop_poll(&f->loop, -1);
	assert_int_equal(f->count, 1);
	event_loop_poll(&f->loop, 0);
	assert_int_equal(f->count, 1);
	event_loop_post(&f->loop, &f->work);
	event_loop_poll(&f->loop, -1);
	assert_int_equal(f->count, 2);
}

static void test_work_that_posts_itself_runs_once_a_pass(void **state)
{
	struct fixture *f = *state;

	f->limit = 3;
	event_work_init(&f->work, count_and_post_again, f);
	event_loop_post(&f->loop, &f->work);
	event_loop_poll(&f->loop, -1);
	assert_int_equal(f->count, 1);
	assert_int_equal(event_loop_start(&f->loop, "loop"), 0);
	sem_wait(&f->reached);
	assert_int_equal(f->count, 3);
}

static void *post_many(void *opaque)
{
	struct fixture *f = opaque;

	for (unsigned i = 0; i < 5000; i++) {
		event_loop_post(&f->loop, &f->work);
		sem_wait(&f->reached);
	}
	return NULL;
}

static void test_no_post_is_lost_between_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	event_work_init(&f->work, count_up, f);
	assert_int_equal(event_loop_start(&f->loop, "loop"), 0);
	assert_int_equal(pthread_create(&thread, NULL, post_many, f), 0);
	pthread_join(thread, NULL); /* hangs if one was */
	assert_int_equal(f->count, 5000);
}

static void read_byte(void *opaque, uint32_t events)
{
	struct fixture *f = opaque;
	char byte;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(f->pipe[0], &byte, 1), 1);
	count_up(f);
}

static void test_a_readable_descriptor_calls_back(void **state)
{
	struct fixture *f = *state;

	f->source = (struct event_fd){ f->pipe[0], EPOLLIN, read_byte, f };
	assert_int_equal(event_loop_add_fd(&f->loop, &f->source), 0);
	assert_int_equal(event_loop_start(&f->loop, "loop"), 0);
	for (unsigned i = 1; i <= 100; i++) {
		assert_int_equal(write(f->pipe[1], "x", 1), 1);
		sem_wait(&f->reached);
		assert_int_equal(f->count, i);
	}
}

static void remove_other(void *opaque, uint32_t events)
{
	struct fixture *f = opaque;

	event_loop_remove_fd(&f->loop, f->count ? &f->source : &f->second);
	event_loop_remove_fd(&f->loop, f->count ? &f->second : &f->source);
	count_up(f);
}

static void test_a_descriptor_removed_in_the_same_batch_is_not_called(void **state)
{
	struct fixture *f = *state;
	int copy = dup(f->pipe[0]);

	f->source = (struct event_fd){ f->pipe[0], EPOLLIN, remove_other, f };
	f->second = (struct event_fd){ copy, EPOLLIN, remove_other, f };
	assert_int_equal(event_loop_add_fd(&f->loop, &f->source), 0);
	assert_int_equal(event_loop_add_fd(&f->loop, &f->second), 0);
	assert_int_equal(write(f->pipe[1], "x", 1), 1);
	event_loop_poll(&f->loop, -1);
	assert_int_equal(f->count, 1);
	close(copy);
}

static void test_regular_files_cannot_be_watched(void **state)
{
	struct fixture *f = *state;
	int fd = open("/dev/null", O_RDONLY);

	f->source = (struct event_fd){ fd, EPOLLIN, read_byte, f };
	assert_int_equal(event_loop_add_fd(&f->loop, &f->source), -EPERM);
	close(fd);
}

static void test_timers_fire_on_the_loop_and_a_nearer_one_wakes_it(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	clock_timer_init(&f->timer, count_up, f);
	clock_timer_set(&f->clock, &f->timer, clock_now(&f->clock) + UINT64_C(3600000000000));
	assert_int_equal(event_loop_start(&f->loop, "loop"), 0);
	usleep(20000);
	before = clock_now(&f->clock);
	clock_timer_set(&f->clock, &f->timer, before + 10000000);
	sem_wait(&f->reached);
	assert_true(clock_now(&f->clock) >= before + 10000000);
	for (unsigned i = 0; i < 100; i++) { /* one that is due already */
		clock_timer_set(&f->clock, &f->timer, 1);
		sem_wait(&f->reached);
	}
	assert_int_equal(f->count, 101);
}

static void test_a_stop_before_the_start_counts(void **state)
{
	struct fixture *f = *state;

	event_work_init(&f->work, count_up, f);
	event_loop_post(&f->loop, &f->work);
	event_loop_stop(&f->loop);
	event_loop_run(&f->loop);
	assert_int_equal(f->count, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_posted_work_runs_once_however_often_it_is_posted),
		T(test_work_that_posts_itself_runs_once_a_pass),
		T(test_no_post_is_lost_between_threads),
		T(test_a_readable_descriptor_calls_back),
		T(test_a_descriptor_removed_in_the_same_batch_is_not_called),
		T(test_regular_files_cannot_be_watched),
		T(test_timers_fire_on_the_loop_and_a_nearer_one_wakes_it),
		T(test_a_stop_before_the_start_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
