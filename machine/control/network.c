/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Network cards of a machine (network.h). */
#include "machine/control/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/host/net.h"

/* QEMU's first address, so that a guest that knows its card by it is at home here too; the last byte counts.
 */
static const uint8_t first_mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

static bool parse_mac(const char *text, uint8_t mac[6])
{
	unsigned byte[6];
	int length = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
		   &byte[5], &length) != 6 ||
	    text[length] || strlen(text) != 17 || byte[0] & 1)
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
	return true;
}

/* Takes what is about the card out of "KIND,KEY,...": the rest is for the back end.  -1 or exit status. */
static int take_card_keys(struct net_option *net, const char *text)
{
	char *rest = net->spec + strcspn(net->spec, ","), *to = rest, *key;

	if (!*rest)
		return -1;
	for (rest++; (key = strsep(&rest, ","));) {
		if (strncmp(key, "mac=", 4) == 0) {
			if (!parse_mac(key + 4, net->mac))
				return usage_error("--net %s: mac= needs an address of one card, like "
						   "52:54:00:12:34:56",
						   text);
		} else if (!place_option_take(&net->place, key)) {
			*to++ = ',';
			memmove(to, key, strlen(key) + 1);
			to += strlen(to);
		}
	}
	*to = 0;
	return -1;
}

int network_parse(struct run_options *options, const char *text)
{
	struct net_option *net = &options->net[options->net_count];

	if (options->net_count == OPTIONS_MAX_NETS)
		return usage_error("--net %s: a machine has at most %d network cards", text,
				   OPTIONS_MAX_NETS);
	*net = (struct net_option){ .spec = strdup(text) };
	memcpy(net->mac, first_mac, sizeof(net->mac));
	net->mac[5] = (uint8_t)(net->mac[5] + options->net_count);
	options->net_count++;
	if (!net->spec)
		return usage_error("--net %s: out of memory", text);
	return take_card_keys(net, text);
}

int network_open(struct network *network, const struct net_option *option, const struct virtio_place *place,
		 struct event_loop *loop, char *error, size_t error_size)
{
	char reason[256];
	int err = net_open(&network->net, option->spec, loop, place->clock, reason, sizeof(reason));

	if (!err) {
		err = virtio_net_create(&network->device, place, network->net, option->mac, loop);
		snprintf(reason, sizeof(reason), "%s",
			 err == -ENOSPC ? "no place left for the device" : strerror(-err));
	}
	if (err)
		snprintf(error, error_size, "--net %s: %s", option->spec, reason);
	return err;
}

void network_close(struct network *network)
{
	if (network->device)
		virtio_device_destroy(network->device);
	net_close(network->net);
	*network = (struct network){ 0 };
}

/* An empty host address means 127.0.0.1 here and any address in QEMU. */
static void add_user_option(char *text, size_t size, const char *option)
{
	const size_t used = strlen(text);
	const char *rule = strncmp(option, "hostfwd=", 8) == 0 ? option + 8 : "";

	if ((strncmp(rule, "tcp::", 5) == 0 || strncmp(rule, "udp::", 5) == 0) && rule[5])
		snprintf(text + used, size - used, ",hostfwd=%.3s:127.0.0.1:%s", rule, rule + 5);
	else
		snprintf(text + used, size - used, ",%s", option);
}

int network_qemu(const struct net_option *option, char *text, size_t size)
{
	char spec[1024], *rest = spec, *item;

	*text = 0;
	snprintf(spec, sizeof(spec), "%s", option->spec);
	if (strcmp(spec, "none") == 0)
		return -1;
	if (strncmp(spec, "tap=", 4) == 0) {
		snprintf(text, size, "tap,ifname=%s,script=no,downscript=no", spec + 4);
		return -1;
	}
	if (strncmp(spec, "socket=", 7) == 0) {
		snprintf(text, size, "stream,server=%s,addr.type=unix,addr.path=%s",
			 access(spec + 7, F_OK) == 0 ? "off" : "on", spec + 7);
		return -1;
	}
	if (strcmp(strsep(&rest, ","), "user") != 0)
		return usage_error("--net %s: QEMU has no such network; use user, tap=NAME, socket=PATH or "
				   "none with -q",
				   option->spec);
	snprintf(text, size, "user");
	while ((item = strsep(&rest, ",")))
		add_user_option(text, size, item);
	return -1;
}
