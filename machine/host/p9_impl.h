/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Inside of the 9P server: what p9.c (messages), p9_tree.c (names), p9_fid.c, p9_file.c (contents and
 * attributes), p9_name.c (directories' entries), p9_xattr.c and p9_save.c share.
 *
 * A fid stands for a name in a tree that mirrors the part of the folder the client has walked to.  A
 * node is reached from its parent directory's descriptor by one name without following links, so no path
 * is ever walked by the host's kernel and there is nothing for ".." or a link to escape through.
 */
#ifndef BIXI_HOST_P9_IMPL_H
#define BIXI_HOST_P9_IMPL_H

#include <sys/stat.h>
#include <sys/types.h>

#include "machine/host/p9.h"

#define P9_MSIZE_MIN	 4096u
#define P9_FIDS		 (1u << 18) /* a client may have */
#define P9_NODES	 (1u << 19)
#define P9_DEPTH	 1024u /* directories below each other that are reached in one go */
#define P9_DIRECTORY_FDS 256u  /* kept open to reach what is in them */
#define P9_OPEN_MAX	 8192u /* files and directories a client has open; less if the host's limit is low */
#define P9_XATTRS	 64u   /* fids that stand for an extended attribute */
#define P9_XATTR_MAX	 65536u
#define P9_NAME_MAX	 255u
#define P9_NO_FID	 UINT32_MAX

/* A hash table of things that begin with a struct p9_link. */
struct p9_link {
	struct p9_link *next;
	uint64_t key;
};

struct p9_table {
	struct p9_link **bucket;
	size_t size, count; /* buckets, a power of two; entries */
};

int p9_table_init(struct p9_table *table);
void p9_table_destroy(struct p9_table *table);
void p9_table_add(struct p9_table *table, struct p9_link *link); /* link->key is set */
void p9_table_remove(struct p9_table *table, struct p9_link *link);
struct p9_link *p9_table_first(const struct p9_table *table, uint64_t key); /* then ->next; compare keys */

/* A name the client has walked to. */
struct p9_node {
	struct p9_link link;	       /* server->nodes, by parent and name */
	struct p9_node *parent;	       /* NULL: the shared folder itself */
	unsigned refs;		       /* fids and children */
	bool gone;		       /* the client removed the name; no longer in server->nodes */
	int fd;			       /* O_PATH descriptor of a directory, or -1 */
	dev_t dev;		       /* of fd */
	ino_t ino;		       /* of fd */
	struct p9_node *older, *newer; /* those with fd, by last use */
	struct p9_fid *open;	       /* fids that have it open */
	char name[];
};

enum p9_fid_kind {
	P9_FID_NAME,	     /* not open */
	P9_FID_FILE,	     /* open file */
	P9_FID_DIRECTORY,    /* open directory */
	P9_FID_XATTR_READ,   /* an attribute's value, or the list of attributes */
	P9_FID_XATTR_CREATE, /* an attribute being written, set at the clunk */
	P9_FID_LOST,	     /* was open in a snapshot and could not be opened again */
};

struct p9_xattr {
	uint64_t size;	 /* of the whole value */
	uint64_t filled; /* written so far */
	uint32_t flags;	 /* XATTR_CREATE, XATTR_REPLACE */
	char name[P9_NAME_MAX + 1];
	uint8_t value[];
};

struct p9_fid {
	struct p9_link link; /* server->fids, by number */
	struct p9_node *node;
	uint32_t uid; /* the guest's user that attached */
	enum p9_fid_kind kind;
	int flags;		/* host's open flags without O_CREAT, O_EXCL, O_TRUNC */
	int fd;			/* FILE, DIRECTORY; else -1 */
	uint64_t position;	/* DIRECTORY: where fd stands */
	struct p9_fid *next;	/* node->open */
	struct p9_xattr *xattr; /* XATTR_* */
};

struct p9_server {
	char *name;  /* for sentences */
	int proc_fd; /* /proc/self/fd: how a checked O_PATH descriptor becomes an open file */
	bool read_only;
	bool privileged; /* may give files to other users */
	bool complained; /* the sentence was printed */
	mode_t umask;	 /* the process's */
	uint32_t msize;	 /* 0: no Tversion yet */
	dev_t dev;	 /* of the shared folder */
	unsigned open_max;

	struct p9_table fids, nodes;
	struct p9_node *root;
	struct p9_node *oldest, *newest; /* nodes with fd but the root */
	unsigned directory_fds, open_count, xattr_count;
	_Alignas(8) uint8_t entries[P9_REPLY_MAX]; /* scratch of p9_readdir() */
};

/* One message being worked on. */
#define P9_ARGUMENTS 10

union p9_argument {
	uint64_t number;
	struct p9_fid *fid;
	const char *text; /* ends in 0 */
};

struct p9_call {
	struct p9_request *request;
	union p9_argument argument[P9_ARGUMENTS];
	const uint8_t *rest; /* behind the arguments */
	size_t rest_size;
	uint8_t *end; /* the answer grows here */
};

/* Puts into the answer; the caller knows that it fits. */
void p9_put(struct p9_call *call, uint64_t value, unsigned bytes);
void p9_put_text(struct p9_call *call, const char *text, size_t length);
struct p9_qid {
	uint8_t type;
	uint32_t version;
	uint64_t path;
};
struct p9_qid p9_qid(const struct p9_server *server, const struct stat *st);
void p9_put_qid(struct p9_call *call, struct p9_qid qid);
/* Takes a number of @bytes, or a text, off call->rest; false if there is none. */
bool p9_get(struct p9_call *call, unsigned bytes, uint64_t *value);
bool p9_get_text(struct p9_call *call, const char **text);
/* Whether @name can be one name in a directory. */
bool p9_name_is_good(const char *name);

/* p9_tree.c */
/* The node of @name in @parent, made if there is none, with a reference.  NULL: -*error. */
struct p9_node *p9_child(struct p9_server *server, struct p9_node *parent, const char *name, int *error);
void p9_node_put(struct p9_server *server, struct p9_node *node);
/* A descriptor of directory @node, owned by the node until p9_trim(), or a negative errno. */
int p9_directory(struct p9_server *server, struct p9_node *node);
/* Where to act on @node: a directory's descriptor and a name in it.  0 or a negative errno. */
int p9_place(struct p9_server *server, struct p9_node *node, int *fd, const char **name);
/* An O_PATH descriptor of the very thing, for the caller to close, or a negative errno. */
int p9_open_path(struct p9_server *server, struct p9_node *node);
/* What @name in @parent really is now: a kept descriptor of something else is dropped. */
void p9_seen(struct p9_server *server, struct p9_node *node, const struct stat *st);
/* The client removed, or moved, a name. */
void p9_name_removed(struct p9_server *server, struct p9_node *parent, const char *name);
void p9_name_moved(struct p9_server *server, struct p9_node *from, const char *old_name, struct p9_node *to,
		   const char *new_name);
/* After each message: closes descriptors of directories that are too many. */
void p9_trim(struct p9_server *server);

/* p9_fid.c */
struct p9_fid *p9_fid_find(const struct p9_server *server, uint32_t number);
/* A new fid for @node, whose reference it takes over also on failure.  NULL: -*error. */
struct p9_fid *p9_fid_add(struct p9_server *server, uint32_t number, struct p9_node *node, uint32_t uid,
			  int *error);
/* Moves the fid to another node, whose reference it takes over. */
void p9_fid_move(struct p9_server *server, struct p9_fid *fid, struct p9_node *node);
/* The fid stands for open @fd from now on. */
void p9_fid_opened(struct p9_server *server, struct p9_fid *fid, enum p9_fid_kind kind, int fd, int flags);
void p9_fid_remove(struct p9_server *server, struct p9_fid *fid);
/* By the open file if there is one, even where the name is gone.  0 or a negative errno. */
int p9_fid_stat(struct p9_server *server, struct p9_fid *fid, struct stat *st);
/* Opens file or directory @node with host's @flags; 0 and the kind, or a negative errno. */
int p9_open_node(struct p9_server *server, struct p9_node *node, int flags, enum p9_fid_kind *kind, int *fd);
/* Opens the very thing that O_PATH descriptor @path stands for; a descriptor or a negative errno. */
int p9_reopen(struct p9_server *server, int path, int flags);
/* Owner and mode of what was just made.  */
void p9_own(struct p9_server *server, int path, uint32_t uid, uint32_t gid, mode_t mode);

/* The messages' functions: 0 or a negative errno.  p9.c has the table. */
typedef int p9_handler(struct p9_server *server, struct p9_call *call);
p9_handler p9_lopen, p9_lcreate, p9_read, p9_write, p9_readdir, p9_fsync, p9_getattr, p9_setattr, p9_statfs;
p9_handler p9_walk, p9_clunk, p9_remove, p9_unlinkat, p9_mkdir, p9_mknod, p9_symlink, p9_link, p9_readlink,
	p9_rename, p9_renameat;
p9_handler p9_xattrwalk, p9_xattrcreate;
/* Of a fid that stands for an attribute. */
int p9_xattr_read(struct p9_fid *fid, struct p9_request *request, uint64_t offset, size_t size);
int p9_xattr_write(struct p9_fid *fid, struct p9_request *request, uint64_t offset);
int p9_xattr_finish(struct p9_server *server, struct p9_fid *fid);

#endif
