/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Joining the UARTs, which know no host, to character devices, which know no guest. */
#include "machine/control/serial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/soc/uart.h"

static void guest_wrote(void *opaque, const uint8_t *data, size_t size)
{
	struct serial *serial = opaque;

	if (serial->chardev)
		chardev_write_all(serial->chardev, data, size);
}

static void guest_has_room(void *opaque)
{
	struct serial *serial = opaque;

	if (serial->chardev)
		chardev_input_ready(serial->chardev);
}

static size_t host_asks_room(void *opaque)
{
	struct serial *serial = opaque;

	return uart_can_receive(serial->uart);
}

static void host_wrote(void *opaque, const uint8_t *data, size_t size)
{
	struct serial *serial = opaque;

	uart_receive(serial->uart, data, size);
}

int serial_open(struct serial *serial, const char *spec, struct machine *machine, unsigned index,
		const struct chardev_keys *keys, char *error, size_t error_size)
{
	const struct uart_backend backend = { .write = guest_wrote,
					      .input_ready = guest_has_room,
					      .opaque = serial };
	const struct chardev_client client = { .can_receive = host_asks_room,
					       .receive = host_wrote,
					       .opaque = serial };
	int result;

	serial->uart = machine->uart[index];
	if (!serial->uart) {
		snprintf(error, error_size, "--serial %s: this machine has no UART%u", spec, index);
		return -ENODEV;
	}
	result = chardev_open(&serial->chardev, spec, &machine->loop, keys, error, error_size);
	if (result)
		return result;
	if (strcmp(spec, "pty") == 0)
		fprintf(stderr, "bixi: UART%u is %s\n", index, chardev_where(serial->chardev));
	uart_attach(serial->uart, &backend);
	chardev_attach(serial->chardev, &client);
	return 0;
}

void serial_close(struct serial *serial)
{
	struct chardev *chardev = serial->chardev;

	serial->chardev = NULL;
	if (chardev)
		chardev_close(chardev);
}
