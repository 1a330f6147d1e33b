/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * EFI runtime services, as guest code (UEFI specification 2.10, chapter 8).  The time comes from the
 * LS7A's time-of-year clock (7A1000 manual ch. 13), reset and power-off go through the power registers.
 * It has no data to write, is position independent, and runs with the addresses that a kernel's
 * direct-mapped windows have: 0x9000... for itself, 0x8000... (uncached) for registers.  The variable
 * store is empty and stays so.  SetVirtualAddressMap() answers EFI_UNSUPPORTED, as it does in a second
 * call, because the machine hands over with the virtual addresses in place.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef short s16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef u64 efi_status;

#define EFI_SUCCESS		 0ul
#define EFI_ERROR(n)		 (1ul << 63 | (n))
#define EFI_INVALID_PARAMETER	 EFI_ERROR(2)
#define EFI_UNSUPPORTED		 EFI_ERROR(3)
#define EFI_WRITE_PROTECTED	 EFI_ERROR(8)
#define EFI_NOT_FOUND		 EFI_ERROR(14)
#define EFI_UNSPECIFIED_TIMEZONE 0x7ff

#define UNCACHED 0x8000000000000000ul
#define RTC	 (UNCACHED | 0x100d0100ul)
#define POWER	 (UNCACHED | 0x100e0000ul)
enum { TOY_WRITE0 = 0x24, TOY_WRITE1 = 0x28, TOY_READ0 = 0x2c, TOY_READ1 = 0x30, RTC_CONTROL = 0x40 };
enum { CONTROL_OSCILLATOR = 1 << 8, CONTROL_TOY = 1 << 11 };
enum { POWER_SLEEP = 0x1c, POWER_RESET = 0x1e, VALUE_POWEROFF = 0x34, VALUE_RESET = 0x42 };
enum reset_type { RESET_COLD, RESET_WARM, RESET_SHUTDOWN, RESET_PLATFORM };

struct efi_time {
	u16 year;
	u8 month, day, hour, minute, second, pad1;
	u32 nanosecond;
	s16 timezone;
	u8 daylight, pad2;
};

struct efi_time_capabilities {
	u32 resolution, accuracy; /* Hz; parts in 10^12 */
	u8 sets_to_zero;
};

static u32 rtc_read(u32 offset)
{
	return *(volatile u32 *)(RTC + offset);
}

static void rtc_write(u32 offset, u32 value)
{
	*(volatile u32 *)(RTC + offset) = value;
}

/* The clock keeps time all along; what these bits enable is access to it. */
static void toy_enable(void)
{
	const u32 need = CONTROL_OSCILLATOR | CONTROL_TOY;
	u32 control = rtc_read(RTC_CONTROL);

	if ((control & need) != need)
		rtc_write(RTC_CONTROL, control | need);
}

static efi_status get_time(struct efi_time *time, struct efi_time_capabilities *capabilities)
{
	u32 year, fields;

	if (!time)
		return EFI_INVALID_PARAMETER;
	toy_enable();
	do { /* the year must not change between the two reads */
		year = rtc_read(TOY_READ1);
		fields = rtc_read(TOY_READ0);
	} while (year != rtc_read(TOY_READ1));
	time->year = (u16)(1900 + year);
	time->month = (u8)(fields >> 26 & 63);
	time->day = (u8)(fields >> 21 & 31);
	time->hour = (u8)(fields >> 16 & 31);
	time->minute = (u8)(fields >> 10 & 63);
	time->second = (u8)(fields >> 4 & 63);
	time->pad1 = 0;
	time->nanosecond = (fields & 15) * 100000000;
	time->timezone = EFI_UNSPECIFIED_TIMEZONE;
	time->daylight = 0;
	time->pad2 = 0;
	if (capabilities) {
		capabilities->resolution = 10;
		capabilities->accuracy = 50000000; /* 50 ppm */
		capabilities->sets_to_zero = 0;
	}
	return EFI_SUCCESS;
}

static u32 month_days(u32 year, u32 month)
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static efi_status set_time(const struct efi_time *time)
{
	if (!time || time->year < 1900 || time->year > 9999 || time->month < 1 || time->month > 12 ||
	    time->day < 1 || time->day > month_days(time->year, time->month) || time->hour > 23 ||
	    time->minute > 59 || time->second > 59 || time->nanosecond > 999999999)
		return EFI_INVALID_PARAMETER;
	toy_enable();
	rtc_write(TOY_WRITE1, time->year - 1900u);
	rtc_write(TOY_WRITE0, (u32)time->month << 26 | (u32)time->day << 21 | (u32)time->hour << 16 |
				      (u32)time->minute << 10 | (u32)time->second << 4 |
				      time->nanosecond / 100000000);
	return EFI_SUCCESS;
}

static void reset_system(enum reset_type type, efi_status status, u64 size, const void *data)
{
	if (type == RESET_SHUTDOWN)
		*(volatile u8 *)(POWER + POWER_SLEEP) = VALUE_POWEROFF;
	else
		*(volatile u8 *)(POWER + POWER_RESET) = VALUE_RESET;
	for (;;)
		__asm__ volatile("idle 0");
}

static efi_status unsupported(void)
{
	return EFI_UNSUPPORTED;
}

static efi_status not_found(void)
{
	return EFI_NOT_FOUND;
}

static efi_status write_protected(void)
{
	return EFI_WRITE_PROTECTED;
}

/*
 * The functions in the order of EFI's runtime services table.  The program is linked at 0, so that these
 * are offsets; efi.c adds the address.
 */
__attribute__((section(".entries"), used)) static const void *const entries[14] = {
	(const void *)get_time,	       (const void *)set_time,
	(const void *)unsupported,				  /* GetWakeupTime */
	(const void *)unsupported,				  /* SetWakeupTime */
	(const void *)unsupported,				  /* SetVirtualAddressMap */
	(const void *)unsupported,				  /* ConvertPointer */
	(const void *)not_found,				  /* GetVariable */
	(const void *)not_found,				  /* GetNextVariableName */
	(const void *)write_protected,				  /* SetVariable */
	(const void *)unsupported,				  /* GetNextHighMonotonicCount */
	(const void *)reset_system,    (const void *)unsupported, /* UpdateCapsule */
	(const void *)unsupported,				  /* QueryCapsuleCapabilities */
	(const void *)unsupported,				  /* QueryVariableInfo */
};
