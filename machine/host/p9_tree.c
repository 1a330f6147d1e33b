/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * The 9P server's tree of names (p9_impl.h), its hash tables, and the descriptors of directories.  The tree
 * follows what the client itself renames and removes.  What is changed on the host shows when the client
 * next walks or acts there: a name stands for what it names now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/host/p9_impl.h"

#define TABLE_START 64u

/* Hash tables. */

int p9_table_init(struct p9_table *table)
{
	table->bucket = calloc(TABLE_START, sizeof(struct p9_link *));
	table->size = table->bucket ? TABLE_START : 0;
	return table->bucket ? 0 : -ENOMEM;
}

void p9_table_destroy(struct p9_table *table)
{
	free(table->bucket);
}

static struct p9_link **bucket_of(const struct p9_table *table, uint64_t key)
{
	return &table->bucket[key * UINT64_C(0x9e3779b97f4a7c15) >> 40 & (table->size - 1)];
}

/* Twice as many buckets; without memory the chains just get longer. */
static void table_grow(struct p9_table *table)
{
	struct p9_table old = *table;
	struct p9_link **bucket = calloc(2 * old.size, sizeof(struct p9_link *));

	if (!bucket)
		return;
	table->bucket = bucket;
	table->size *= 2;
	for (size_t i = 0; i < old.size; i++) {
		for (struct p9_link *link = old.bucket[i], *next; link; link = next) {
			struct p9_link **head = bucket_of(table, link->key);

			next = link->next;
			link->next = *head;
			*head = link;
		}
	}
	free(old.bucket);
}

void p9_table_add(struct p9_table *table, struct p9_link *link)
{
	struct p9_link **head;

	if (table->count >= table->size)
		table_grow(table);
	head = bucket_of(table, link->key);
	link->next = *head;
	*head = link;
	table->count++;
}

void p9_table_remove(struct p9_table *table, struct p9_link *link)
{
	struct p9_link **at = bucket_of(table, link->key);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	table->count--;
}

struct p9_link *p9_table_first(const struct p9_table *table, uint64_t key)
{
	return *bucket_of(table, key);
}

/* Names. */

static uint64_t name_key(const struct p9_node *parent, const char *name)
{
	uint64_t key = (uintptr_t)parent;

	for (; *name; name++)
		key = (key ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return key;
}

static struct p9_node *find_child(const struct p9_server *server, const struct p9_node *parent,
				  const char *name)
{
	const uint64_t key = name_key(parent, name);
	struct p9_link *link = p9_table_first(&server->nodes, key);

	for (; link; link = link->next) {
		struct p9_node *node = (struct p9_node *)link;

		if (link->key == key && node->parent == parent && strcmp(node->name, name) == 0)
			return node;
	}
	return NULL;
}

struct p9_node *p9_child(struct p9_server *server, struct p9_node *parent, const char *name, int *error)
{
	struct p9_node *node = find_child(server, parent, name);
	const size_t length = strlen(name);

	if (node) {
		node->refs++;
		return node;
	}
	*error = -ENFILE;
	if (server->nodes.count >= P9_NODES)
		return NULL;
	/* A rename may give it any other name. */
	node = calloc(1, sizeof(*node) + P9_NAME_MAX + 1);
	*error = -ENOMEM;
	if (!node)
		return NULL;
	memcpy(node->name, name, length + 1);
	node->link.key = name_key(parent, name);
	node->parent = parent;
	node->refs = 1;
	node->fd = -1;
	parent->refs++;
	p9_table_add(&server->nodes, &node->link);
	return node;
}

/* Descriptors of directories: a list by last use. */

static void list_remove(struct p9_server *server, struct p9_node *node)
{
	*(node->older ? &node->older->newer : &server->oldest) = node->newer;
	*(node->newer ? &node->newer->older : &server->newest) = node->older;
	node->older = node->newer = NULL;
}

static void list_add(struct p9_server *server, struct p9_node *node)
{
	node->older = server->newest;
	*(server->newest ? &server->newest->newer : &server->oldest) = node;
	server->newest = node;
}

static void drop_fd(struct p9_server *server, struct p9_node *node)
{
	if (node->fd < 0 || !node->parent)
		return;
	list_remove(server, node);
	server->directory_fds--;
	close(node->fd);
	node->fd = -1;
}

void p9_trim(struct p9_server *server)
{
	while (server->directory_fds > P9_DIRECTORY_FDS)
		drop_fd(server, server->oldest);
}

void p9_node_put(struct p9_server *server, struct p9_node *node)
{
	while (node && !--node->refs) {
		struct p9_node *parent = node->parent;

		drop_fd(server, node);
		if (!node->gone)
			p9_table_remove(&server->nodes, &node->link);
		free(node);
		node = parent;
	}
}

/* Opens @node, whose parent has a descriptor. */
static int open_directory(struct p9_server *server, struct p9_node *node)
{
	const int fd = openat(node->parent->fd, node->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	if (fstat(fd, &st)) {
		int error = -errno;

		close(fd);
		return error;
	}
	node->fd = fd;
	node->dev = st.st_dev;
	node->ino = st.st_ino;
	list_add(server, node);
	server->directory_fds++;
	return 0;
}

int p9_directory(struct p9_server *server, struct p9_node *node)
{
	struct p9_node *closed[P9_DEPTH];
	unsigned count = 0;

	for (struct p9_node *up = node; up->fd < 0; up = up->parent) {
		if (up->gone)
			return -ENOENT;
		if (count == P9_DEPTH)
			return -ENAMETOOLONG;
		closed[count++] = up;
	}
	if (!count && node->parent) {
		list_remove(server, node);
		list_add(server, node);
	}
	while (count) {
		int error = open_directory(server, closed[--count]);

		if (error)
			return error;
	}
	return node->fd;
}

int p9_place(struct p9_server *server, struct p9_node *node, int *fd, const char **name)
{
	*name = node->parent ? node->name : ".";
	if (node->gone)
		return -ENOENT;
	*fd = p9_directory(server, node->parent ? node->parent : node);
	return *fd < 0 ? *fd : 0;
}

int p9_open_path(struct p9_server *server, struct p9_node *node)
{
	const char *name;
	int at, fd, error = p9_place(server, node, &at, &name);

	if (error)
		return error;
	fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void p9_seen(struct p9_server *server, struct p9_node *node, const struct stat *st)
{
	if (node->fd >= 0 && (node->dev != st->st_dev || node->ino != st->st_ino))
		drop_fd(server, node);
}

void p9_name_removed(struct p9_server *server, struct p9_node *parent, const char *name)
{
	struct p9_node *node = find_child(server, parent, name);

	if (!node)
		return;
	p9_table_remove(&server->nodes, &node->link);
	node->gone = true;
}

void p9_name_moved(struct p9_server *server, struct p9_node *from, const char *old_name, struct p9_node *to,
		   const char *new_name)
{
	struct p9_node *node = find_child(server, from, old_name);

	if (node && node == find_child(server, to, new_name))
		return;
	p9_name_removed(server, to, new_name);
	if (!node)
		return;
	p9_table_remove(&server->nodes, &node->link);
	to->refs++;
	node->parent = to;
	memcpy(node->name, new_name, strlen(new_name) + 1);
	node->link.key = name_key(to, new_name);
	p9_table_add(&server->nodes, &node->link);
	p9_node_put(server, from);
}
