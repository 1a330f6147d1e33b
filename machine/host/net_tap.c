/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * "tap=NAME": an existing tap device of the host, with the kernel's offloads (IFF_VNET_HDR), so that long TCP
 * packets pass whole in both directions.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "machine/host/net_impl.h"

#define BATCH 64 /* frames read before others have their turn */

struct net_tap {
	struct net net;
	struct event_fd event;
	bool polling;
	uint8_t frame[NET_FRAME_MAX];
};

static void set_polling(struct net_tap *tap, bool on)
{
	if (tap->polling == on)
		return;
	tap->polling = on;
	if (on)
		event_loop_add_fd(tap->net.loop, &tap->event);
	else
		event_loop_remove_fd(tap->net.loop, &tap->event);
}

static void tap_ready(void *opaque, uint32_t events)
{
	struct net_tap *tap = opaque;
	struct net_offload offload;

	for (unsigned i = 0; i < BATCH && !tap->net.blocked; i++) {
		struct iovec iov[2] = { { &offload, sizeof(offload) }, { tap->frame, sizeof(tap->frame) } };
		ssize_t size = readv(tap->event.fd, iov, 2);

		if (size < 0 && errno == EAGAIN)
			break;
		if (size <= 0) { /* the device was removed */
			set_polling(tap, false);
			net_set_link(&tap->net, false);
			break;
		}
		if ((size_t)size < sizeof(offload) + NET_FRAME_MIN)
			continue;
		net_deliver_offload(&tap->net, &offload, tap->frame, (size_t)size - sizeof(offload));
	}
	if (tap->net.blocked)
		set_polling(tap, false);
}

static void tap_unblock(struct net *net)
{
	if (net->link)
		set_polling((struct net_tap *)net, true);
}

/* A frame that the kernel has no room for, or does not like, is lost, as on any wire. */
static void tap_send(struct net *net, const struct net_offload *offload, uint8_t *frame, size_t size)
{
	const struct iovec iov[2] = { { (void *)offload, sizeof(*offload) }, { frame, size } };

	if (writev(((struct net_tap *)net)->event.fd, iov, 2) < 0)
		return;
}

static void tap_set_accepts(struct net *net)
{
	unsigned long offloads = 0;

	if (net->accepts & NET_ACCEPTS_CHECKSUM)
		offloads = TUN_F_CSUM | (net->accepts & NET_ACCEPTS_TCP4 ? TUN_F_TSO4 : 0) |
			   (net->accepts & NET_ACCEPTS_TCP6 ? TUN_F_TSO6 : 0);
	ioctl(((struct net_tap *)net)->event.fd, TUNSETOFFLOAD, offloads);
}

static void tap_close(struct net *net)
{
	struct net_tap *tap = (struct net_tap *)net;

	if (tap->event.fd < 0)
		return;
	set_polling(tap, false);
	close(tap->event.fd);
}

static const struct net_ops tap_ops = {
	.close = tap_close,
	.send = tap_send,
	.unblock = tap_unblock,
	.set_accepts = tap_set_accepts,
};

/* TUNSETIFF makes a device that is not there: only an existing one is wanted. */
static bool device_exists(const char *name)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool exists;

	if (fd < 0)
		return true; /* TUNSETIFF will say what is wrong */
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	exists = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	close(fd);
	return exists;
}

static int attach_device(struct net_tap *tap, const char *name, const struct net_error *error)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int header = sizeof(struct net_offload);

	if (strlen(name) >= IFNAMSIZ)
		return net_fail(error, -EINVAL, "a device's name has at most %d characters", IFNAMSIZ - 1);
	if (!device_exists(name))
		return net_fail(error, -ENODEV,
				"there is no such device; make it with 'ip tuntap add dev %s mode tap user "
				"YOU'",
				name);
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	tap->event.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->event.fd < 0)
		return net_fail(error, -errno, "cannot open /dev/net/tun: %s", strerror(errno));
	if (ioctl(tap->event.fd, TUNSETIFF, &request) == 0 &&
	    ioctl(tap->event.fd, TUNSETVNETHDRSZ, &header) == 0)
		return 0;
	switch (errno) {
	case EPERM:
		return net_fail(error, -EPERM,
				"no permission; give the device to yourself with 'ip tuntap add dev %s mode "
				"tap user YOU'",
				name);
	case EBUSY:
		return net_fail(error, -EBUSY, "another program uses the device");
	case EINVAL:
		return net_fail(error, -EINVAL, "this is not a tap device");
	default:
		return net_fail(error, -errno, "%s", strerror(errno));
	}
}

int net_tap_open(struct net **net, const char *argument, struct event_loop *loop, struct clock *clock,
		 const struct net_error *error)
{
	struct net_tap *tap = net_alloc(sizeof(*tap), &tap_ops, loop, clock);
	int err;

	if (!tap)
		return net_fail(error, -ENOMEM, "out of memory for the network");
	tap->event = (struct event_fd){ -1, EPOLLIN, tap_ready, tap };
	err = attach_device(tap, argument, error);
	if (err) {
		net_close(&tap->net);
		return err;
	}
	tap_set_accepts(&tap->net);
	tap->net.link = true;
	set_polling(tap, true);
	*net = &tap->net;
	return 0;
}
