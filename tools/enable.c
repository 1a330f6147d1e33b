/* SPDX-License-Identifier: MulanPSL-2.0 */
/* bixi-cell enable [CONFIG] */
#include <stdlib.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/lib/model.h"
#include "tools/lib/probe.h"

#define SYSTEM_CONFIG "/etc/bixi/system.yaml"

/* Of what Linux says of this computer. */
static int probe_config(int fd, struct blob *binary)
{
	struct reserver reserver = driver_reserver(&fd);
	struct model *model;
	struct blob text;
	struct error error;
	int status = -1;

	if (probe_system("", &text, &error))
		return fail(&error);
	if (!model_load_yaml(&model, &text, &error)) {
		status = model_compile(model, binary, &error);
		model_free(model);
	}
	blob_free(&text);
	if (!status)
		status = config_fill(binary, &reserver, &error);
	return status ? fail(&error) : STATUS_OK;
}

int enable_main(int argc, char **argv)
{
	const char *config = argc == 2 ? argv[1] : access(SYSTEM_CONFIG, F_OK) == 0 ? SYSTEM_CONFIG : NULL;
	struct blob binary = { 0 };
	struct error error;
	int fd, status;

	if (argc > 2 || (config && config[0] == '-'))
		return usage_error("enable: give the file of the system's configuration, or nothing");
	fd = driver_open_alone(&error);
	if (fd < 0)
		return fail(&error);
	if (config) {
		char *name = find_config(config, &error);

		status = name ? prepare_config(fd, name, true, &binary) : fail(&error);
		free(name);
	} else {
		status = probe_config(fd, &binary);
	}
	if (status == STATUS_OK &&
	    driver_call(fd, DRIVER_ENABLE, binary.data, "the hypervisor cannot be enabled", &error) < 0)
		status = fail(&error);
	if (status != STATUS_OK)
		release_unused(fd);
	blob_free(&binary);
	close(fd);
	return status;
}
