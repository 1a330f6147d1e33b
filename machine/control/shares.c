/* SPDX-License-Identifier: MulanPSL-2.0 */
/* Folders of the host that the guest may use (shares.h). */
#include "machine/control/shares.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "machine/host/p9.h"

#define OPEN_FILES 65536u /* the process's limit is raised to this if the system allows it */

static bool tag_is_taken(const struct run_options *options, const char *tag)
{
	for (unsigned i = 0; i < options->share_count - 1; i++)
		if (strcmp(options->share[i].tag, tag) == 0)
			return true;
	return false;
}

/* Keys are taken off the end, so that the folder's name may hold a comma; the tag cannot. */
int share_parse(struct run_options *options, const char *text)
{
	struct share_option *share = &options->share[options->share_count];
	char *comma;

	if (options->share_count == OPTIONS_MAX_SHARES)
		return usage_error("--share %s: a machine has at most %d shared folders", text,
				   OPTIONS_MAX_SHARES);
	*share = (struct share_option){ .folder = strdup(text) };
	options->share_count++;
	if (!share->folder)
		return usage_error("--share %s: out of memory", text);
	while ((comma = strrchr(share->folder, ','))) {
		*comma = 0;
		if (!strchr(share->folder, ',')) /* the last one that is left is the tag */
			break;
		if (strcmp(comma + 1, "ro") == 0)
			share->read_only = true;
		else if (!place_option_take(&share->place, comma + 1))
			break;
	}
	share->tag = comma ? comma + 1 : "";
	if (!*share->folder || !*share->tag)
		return usage_error("--share %s: give DIR,TAG; the guest mounts the folder by the tag", text);
	if (strlen(share->tag) > VIRTIO_9P_TAG_MAX)
		return usage_error("--share %s: the tag has %zu bytes and may have %d", text,
				   strlen(share->tag), VIRTIO_9P_TAG_MAX);
	if (tag_is_taken(options, share->tag))
		return usage_error("--share %s: the tag %s is given twice; each folder needs its own", text,
				   share->tag);
	return -1;
}

/* A guest may have many files open at a time, and finds out by an error, not by our end, that one is full. */
static void prepare_process(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < OPEN_FILES) {
		limit.rlim_cur = limit.rlim_max < OPEN_FILES ? limit.rlim_max : OPEN_FILES;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	signal(SIGXFSZ, SIG_IGN);
}

int share_open(struct share *share, const struct share_option *option, const struct virtio_place *place,
	       char *error, size_t error_size)
{
	char name[sizeof("share ''") + VIRTIO_9P_TAG_MAX];
	int err;

	prepare_process();
	snprintf(name, sizeof(name), "share '%s'", option->tag);
	err = p9_server_open(&share->server, option->folder, name, option->read_only, error, error_size);
	if (err)
		return err;
	err = virtio_9p_create(&share->device, place, share->server, option->tag);
	if (err)
		snprintf(error, error_size, "%s: %s", name,
			 err == -ENOSPC ? "no place left for the device" : strerror(-err));
	return err;
}

void share_close(struct share *share)
{
	if (share->device)
		virtio_device_destroy(share->device);
	p9_server_close(share->server);
	*share = (struct share){ 0 };
}
