/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Real-time clock of the 7A1000 bridge (7A1000 manual ch. 13): calendar (TOY) and 32.768 kHz counter. */
#ifndef BIXI_BRIDGE_RTC_H
#define BIXI_BRIDGE_RTC_H

#include "machine/bus/clock.h"
#include "machine/bus/device.h"
#include "machine/bus/irq.h"

#define RTC_MATCHES 3

struct rtc;

/* An alarm of either clock. */
struct rtc_match {
	struct rtc *rtc;
	unsigned index; /* 0-2 TOY, 3-5 RTC */
	struct clock_timer timer;
};

struct rtc {
	struct device dev;
	struct irq_line irq; /* high while an alarm that fired is not cleared */
	struct clock *clock;
	uint32_t toy_trim, rtc_trim, control;
	uint32_t match[2 * RTC_MATCHES]; /* registers: toymatch0-2, rtcmatch0-2 */
	int64_t toy_offset;		 /* seconds: calendar - clock_wall() */
	uint32_t rtc_offset;		 /* ticks: counter - time since the machine started */
	uint32_t fired;			 /* bit n: alarm n */
	struct rtc_match alarm[2 * RTC_MATCHES];
};

extern const struct device_type rtc_type;

int rtc_init(struct rtc *rtc, struct clock *clock, struct trace *trace);
void rtc_destroy(struct rtc *rtc);

/* The date has jumped, as the machine stood still: alarms follow.  Takes the lock. */
void rtc_follow_date(struct rtc *rtc);

#endif
