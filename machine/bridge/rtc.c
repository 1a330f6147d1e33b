/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * 7A1000 RTC (7A1000 manual ch. 13).  Both clocks follow clock.h at an offset that software sets; they read
 * 0 until they are enabled.  The trim registers only keep their value.  Years count from 1900.
 */
#include "machine/bridge/rtc.h"

#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define RTC_HZ	      32768

enum { CONTROL_EO = 1 << 8, CONTROL_TEN = 1 << 11, CONTROL_REN = 1 << 13 };
#define CONTROL_STATUS 0x01fe00ffu /* write and alarm status, oscillator: read only */

static bool toy_runs(const struct rtc *rtc)
{
	return rtc->control & CONTROL_EO && rtc->control & CONTROL_TEN;
}

static bool rtc_runs(const struct rtc *rtc)
{
	return rtc->control & CONTROL_EO && rtc->control & CONTROL_REN;
}

static void irq_update(struct rtc *rtc)
{
	irq_set(&rtc->irq, rtc->fired != 0);
}

static int64_t toy_seconds(const struct rtc *rtc)
{
	return clock_wall(rtc->clock, NULL) + rtc->toy_offset;
}

static struct tm toy_calendar(const struct rtc *rtc)
{
	time_t seconds = (time_t)toy_seconds(rtc);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return tm;
}

/* Fields that make no date (month 0, day 31 in June) are carried over as timegm() does. */
static void toy_set(struct rtc *rtc, struct tm tm)
{
	rtc->toy_offset = (int64_t)timegm(&tm) - clock_wall(rtc->clock, NULL);
}

static uint32_t rtc_ticks(const struct rtc *rtc)
{
	uint64_t now = clock_now(rtc->clock);

	return (uint32_t)(now / NS_PER_SECOND * RTC_HZ + now % NS_PER_SECOND * RTC_HZ / NS_PER_SECOND) +
	       rtc->rtc_offset;
}

/* ns until the calendar shows toymatch, whose year has 6 bits: the next such date.  False: it has passed. */
static bool toy_delay(const struct rtc *rtc, uint32_t match, uint64_t *delay)
{
	struct tm now = toy_calendar(rtc);
	struct tm tm = {
		.tm_year = now.tm_year - now.tm_year % 64 + (int)(match >> 26),
		.tm_mon = (int)(match >> 22 & 0xf) - 1,
		.tm_mday = match >> 17 & 0x1f,
		.tm_hour = match >> 12 & 0x1f,
		.tm_min = match >> 6 & 0x3f,
		.tm_sec = match & 0x3f,
	};
	uint32_t ns;
	int64_t left;

	clock_wall(rtc->clock, &ns);
	left = (int64_t)timegm(&tm) - toy_seconds(rtc);
	if (left <= 0)
		return false;
	*delay = (uint64_t)left * NS_PER_SECOND - ns;
	return true;
}

static bool rtc_delay(const struct rtc *rtc, uint32_t match, uint64_t *delay)
{
	uint32_t left = match - rtc_ticks(rtc);

	*delay = ((uint64_t)left * NS_PER_SECOND + RTC_HZ - 1) / RTC_HZ;
	return left != 0;
}

static void alarm_arm(struct rtc *rtc, unsigned index)
{
	bool is_toy = index < RTC_MATCHES, armed = false;
	uint64_t delay;

	if (rtc->match[index] && (is_toy ? toy_runs(rtc) : rtc_runs(rtc)))
		armed = is_toy ? toy_delay(rtc, rtc->match[index], &delay)
			       : rtc_delay(rtc, rtc->match[index], &delay);
	if (armed)
		clock_timer_set(rtc->clock, &rtc->alarm[index].timer, clock_now(rtc->clock) + delay);
	else
		clock_timer_cancel(rtc->clock, &rtc->alarm[index].timer);
}

static void alarms_arm(struct rtc *rtc)
{
	for (unsigned index = 0; index < 2 * RTC_MATCHES; index++)
		alarm_arm(rtc, index);
}

void rtc_follow_date(struct rtc *rtc)
{
	uint64_t delay = 0;

	pthread_mutex_lock(rtc->dev.lock);
	for (unsigned index = 0; index < RTC_MATCHES; index++) {
		struct clock_timer *timer = &rtc->alarm[index].timer;

		if (!clock_timer_armed(rtc->clock, timer))
			continue;
		if (!toy_delay(rtc, rtc->match[index], &delay))
			delay = 0; /* it was missed */
		clock_timer_set(rtc->clock, timer, clock_now(rtc->clock) + delay);
	}
	pthread_mutex_unlock(rtc->dev.lock);
}

static void alarm_fire(void *opaque)
{
	struct rtc_match *alarm = opaque;
	struct rtc *rtc = alarm->rtc;

	pthread_mutex_lock(rtc->dev.lock);
	rtc->fired |= 1u << alarm->index;
	irq_update(rtc);
	pthread_mutex_unlock(rtc->dev.lock);
}

/* [31:26] month, [25:21] day, [20:16] hour, [15:10] minute, [9:4] second, [3:0] tenth. */
static uint64_t toyread0_read(struct device *dev, const struct reg_access *at)
{
	const struct rtc *rtc = device_of(dev, struct rtc, dev);
	struct tm tm = toy_calendar(rtc);
	uint32_t ns;

	if (!toy_runs(rtc))
		return 0;
	clock_wall(rtc->clock, &ns);
	return (uint32_t)(tm.tm_mon + 1) << 26 | (uint32_t)tm.tm_mday << 21 | (uint32_t)tm.tm_hour << 16 |
	       (uint32_t)tm.tm_min << 10 | (uint32_t)tm.tm_sec << 4 | ns / 100000000;
}

static uint64_t toyread1_read(struct device *dev, const struct reg_access *at)
{
	const struct rtc *rtc = device_of(dev, struct rtc, dev);

	return toy_runs(rtc) ? (uint32_t)toy_calendar(rtc).tm_year : 0;
}

static void toywrite0_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct rtc *rtc = device_of(dev, struct rtc, dev);
	struct tm tm = toy_calendar(rtc);

	if (!toy_runs(rtc))
		return;
	tm.tm_mon = (int)(value >> 26 & 0x3f) - 1;
	tm.tm_mday = value >> 21 & 0x1f;
	tm.tm_hour = value >> 16 & 0x1f;
	tm.tm_min = value >> 10 & 0x3f;
	tm.tm_sec = value >> 4 & 0x3f;
	toy_set(rtc, tm);
	alarms_arm(rtc);
}

static void toywrite1_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct rtc *rtc = device_of(dev, struct rtc, dev);
	struct tm tm = toy_calendar(rtc);

	if (!toy_runs(rtc))
		return;
	tm.tm_year = value & 0x3fff;
	toy_set(rtc, tm);
	alarms_arm(rtc);
}

static uint64_t rtcread_read(struct device *dev, const struct reg_access *at)
{
	const struct rtc *rtc = device_of(dev, struct rtc, dev);

	return rtc_runs(rtc) ? rtc_ticks(rtc) : 0;
}

static void rtcwrite_write(struct device *dev, const struct reg_access *at, uint64_t value)
{
	struct rtc *rtc = device_of(dev, struct rtc, dev);

	if (!rtc_runs(rtc))
		return;
	rtc->rtc_offset += (uint32_t)value - rtc_ticks(rtc);
	alarms_arm(rtc);
}

static void control_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	alarms_arm(device_of(dev, struct rtc, dev));
}

/* A new alarm time also ends the interrupt of the old one. */
static void match_written(struct rtc *rtc, unsigned index)
{
	rtc->fired &= ~(1u << index);
	irq_update(rtc);
	alarm_arm(rtc, index);
}

static void toymatch_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	match_written(device_of(dev, struct rtc, dev), at->index);
}

static void rtcmatch_written(struct device *dev, const struct reg_access *at, uint64_t old)
{
	match_written(device_of(dev, struct rtc, dev), RTC_MATCHES + at->index);
}

#define FIELD(name) offsetof(struct rtc, name)

/* clang-format off */
static const struct reg rtc_regs[] = {
	{ .offset = 0x20, .width = 4, .name = "toytrim", .field = FIELD(toy_trim), .writable = UINT32_MAX },
	{ .offset = 0x24, .width = 4, .name = "toywrite0", .field = REG_NO_FIELD, .write = toywrite0_write },
	{ .offset = 0x28, .width = 4, .name = "toywrite1", .field = REG_NO_FIELD, .write = toywrite1_write },
	{ .offset = 0x2c, .width = 4, .name = "toyread0", .field = REG_NO_FIELD, .read = toyread0_read },
	{ .offset = 0x30, .width = 4, .name = "toyread1", .field = REG_NO_FIELD, .read = toyread1_read },
	{ .offset = 0x34, .width = 4, .count = RTC_MATCHES, .name = "toymatch", .field = FIELD(match),
	  .writable = UINT32_MAX, .written = toymatch_written },
	{ .offset = 0x40, .width = 4, .name = "rtcctrl", .field = FIELD(control),
	  .writable = ~CONTROL_STATUS, .written = control_written },
	{ .offset = 0x60, .width = 4, .name = "rtctrim", .field = FIELD(rtc_trim), .writable = UINT32_MAX },
	{ .offset = 0x64, .width = 4, .name = "rtcwrite", .field = REG_NO_FIELD, .write = rtcwrite_write },
	{ .offset = 0x68, .width = 4, .name = "rtcread", .field = REG_NO_FIELD, .read = rtcread_read },
	{ .offset = 0x6c, .width = 4, .count = RTC_MATCHES, .name = "rtcmatch", .field = FIELD(match[RTC_MATCHES]),
	  .writable = UINT32_MAX, .written = rtcmatch_written },
};

static const struct device_field rtc_fields[] = {
	DEVICE_FIELD(struct rtc, toy_offset),
	DEVICE_FIELD(struct rtc, rtc_offset),
	DEVICE_FIELD(struct rtc, fired),
};
/* clang-format on */

/* The clocks are battery-backed: only control, alarms and interrupts go back. */
static void rtc_reset(struct device *dev)
{
	struct rtc *rtc = device_of(dev, struct rtc, dev);

	rtc->fired = 0;
	alarms_arm(rtc);
	irq_update(rtc);
}

#define TOY_OFFSET_MAX (INT64_C(1) << 40) /* seconds: more than the calendar's years can be off */

static void rtc_state(struct device *dev, struct state *state)
{
	static const char *const name[2 * RTC_MATCHES] = { "toy0", "toy1", "toy2", "rtc0", "rtc1", "rtc2" };
	struct rtc *rtc = device_of(dev, struct rtc, dev);

	for (unsigned index = 0; index < 2 * RTC_MATCHES; index++)
		state_timer(state, name[index], &rtc->alarm[index].timer);
	if (state_loading(state) && (rtc->toy_offset > TOY_OFFSET_MAX || rtc->toy_offset < -TOY_OFFSET_MAX))
		state_refuse(state, "a date that there is not");
}

const struct device_type rtc_type = {
	.name = "rtc",
	DEVICE_REGS(rtc_regs),
	.size = 0x100,
	.widths = 4,
	.reset = rtc_reset,
	DEVICE_FIELDS(rtc_fields),
	.state = rtc_state,
};

int rtc_init(struct rtc *rtc, struct clock *clock, struct trace *trace)
{
	rtc->clock = clock;
	for (unsigned index = 0; index < 2 * RTC_MATCHES; index++) {
		rtc->alarm[index].rtc = rtc;
		rtc->alarm[index].index = index;
		clock_timer_init(&rtc->alarm[index].timer, alarm_fire, &rtc->alarm[index]);
	}
	return device_init(&rtc->dev, &rtc_type, "rtc", 1, trace);
}

void rtc_destroy(struct rtc *rtc)
{
	for (unsigned index = 0; rtc->clock && index < 2 * RTC_MATCHES; index++)
		clock_timer_cancel(rtc->clock, &rtc->alarm[index].timer);
	device_destroy(&rtc->dev);
}
