// SPDX-License-Identifier: GPL-2.0-only
/*
 * A read-only file system without files, as /proc is one: names, attributes and
 * contents are in a map that the daemon writes by plain stores. No request reaches
 * the daemon, and a reader sees what was there when it read.
 *
 * The daemon declares its entries stable (extfuse_declare_stable()), since the kernel
 * is told of none of them, and mounts with ro and default_permissions. As nothing is
 * ever changed by a request, all words stay what they are: every answer is as of now,
 * and says so by in->word. Attributes under one word are taken to be the same ones: they
 * stay what they are, and sizes are 0, as in /proc.
 */
#include <extfuse/handler.bpf.h>

#include "metrics.h"

#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_ISDIR(mode) (((mode) & S_IFMT) == S_IFDIR)
#define TRIES 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, METRICS_MAX);
	__type(key, __u32);
	__type(value, struct metric);
} metrics SEC(".maps");

/* The element of a node; NULL: there is none (the root has none). */
static __always_inline struct metric *metric_of(__u64 nodeid)
{
	__u32 key = nodeid - METRICS_FIRST_NODE;
	struct metric *m;

	if (nodeid < METRICS_FIRST_NODE || nodeid >= METRICS_FIRST_NODE + METRICS_MAX)
		return NULL;
	m = bpf_map_lookup_elem(&metrics, &key);
	return m && *(volatile __u64 *)&m->parent ? m : NULL;
}

static __always_inline __u32 mode_of(__u64 nodeid)
{
	struct metric *m = metric_of(nodeid);

	return nodeid == METRICS_ROOT ? S_IFDIR | 0555 : m ? m->mode : 0;
}

/* An answer that holds for everybody. */
static __always_inline __u32 for_all(__u32 extra)
{
	return extfuse_out_flags(EXTFUSE_SCOPE_ALL, extra);
}

/* The first element of this name in the directory. */
struct search {
	const struct extfuse_lookup_in *in;
	__u64 found; /* node id, 0: none */
};

static long search_one(__u64 i, void *ctx)
{
	struct search *s = ctx;
	const struct extfuse_lookup_in *in = s->in;
	__u64 nodeid = METRICS_FIRST_NODE + i;
	struct metric *m = metric_of(nodeid);

	if (!m || m->parent != in->parent || m->name_len != in->name_len ||
	    m->name[0] != in->name[0] || m->name[1] != in->name[1] || m->name[2] != in->name[2] ||
	    m->name[3] != in->name[3])
		return 0;
	s->found = nodeid;
	return 1;
}

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	struct search s = {.in = in};

	bpf_loop(METRICS_MAX, search_one, &s, 0);
	out->word = in->word;
	out->nodeid = s.found;
	/* What is there stays. What is not may come, and nobody would tell the kernel. */
	out->flags = for_all(s.found ? EXTFUSE_OUT_REMEMBER : 0);
	return EXTFUSE_HIT;
}

SEC("struct_ops/getattr")
int BPF_PROG(getattr, const struct extfuse_getattr_in *in, struct extfuse_getattr_out *out)
{
	struct metric *m = metric_of(in->nodeid);
	__u32 mode = mode_of(in->nodeid);

	if (!mode)
		return EXTFUSE_UPCALL;
	out->attr.ino = in->nodeid;
	out->attr.mode = mode;
	out->attr.nlink = S_ISDIR(mode) ? 2 : 1;
	out->attr.blksize = 4096;
	if (m)
		out->attr.mtime = out->attr.ctime = out->attr.atime = m->since;
	out->word = in->word;
	out->flags = for_all(EXTFUSE_OUT_REMEMBER);
	return EXTFUSE_HIT;
}

/* No page cache: what is read is what is published. */
SEC("struct_ops/open")
int BPF_PROG(open, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	out->word = in->word;
	out->open_flags = EXTFUSE_FILE_DIRECT_IO;
	out->flags = for_all(EXTFUSE_OUT_REMEMBER);
	return EXTFUSE_HIT;
}

SEC("struct_ops/opendir")
int BPF_PROG(opendir, const struct extfuse_open_in *in, struct extfuse_open_out *out)
{
	out->word = in->word;
	out->flags = for_all(EXTFUSE_OUT_REMEMBER);
	return EXTFUSE_HIT;
}

/* Copies the whole content; true: it is of one moment. */
static __always_inline bool take(const struct metric *m, struct metric_text *to)
{
	const volatile __u64 *latch = &m->latch;
	__u64 before;
	int i;

	for (i = 0; i < TRIES; i++) {
		before = *latch;
		asm volatile("" ::: "memory");
		*to = m->copy[before & 1];
		asm volatile("" ::: "memory");
		if (*latch == before)
			return true;
	}
	return false;
}

SEC("struct_ops/read")
int BPF_PROG(read, const struct extfuse_read_in *in, struct extfuse_read_out *out)
{
	struct metric *m = metric_of(in->nodeid);
	struct metric_text now;
	int size;

	if (!m || !bpf_ksym_exists(extfuse_read_fill))
		return EXTFUSE_UPCALL;
	if (!take(m, &now))
		return -EIO;
	size = extfuse_read_fill(out, now.text, sizeof(now.text), 0, now.len);
	if (size < 0)
		return -EIO;
	out->word = in->word;
	out->size = size;
	out->flags = for_all(0);
	return EXTFUSE_HIT;
}

/* As struct fuse_dirent, with room for a name. */
struct entry {
	__u64 ino;
	__u64 off; /* leads to the next entry */
	__u32 namelen;
	__u32 type;
	__u64 name[METRICS_NAME / 8];
};

struct listing {
	const struct extfuse_bytes_in *in;
	struct extfuse_bytes_out *out;
	__u64 off; /* of the entry before */
	__u32 size; /* put so far */
};

static __always_inline long put(struct listing *l, struct entry *e)
{
	__u32 len = offsetof(struct entry, name) + (e->namelen + 7) / 8 * 8;
	int size = extfuse_dirents_put(l->out, e, sizeof(*e), l->off, len);

	if (size < 0)
		return 1; /* no more room */
	l->off = e->off;
	l->size += size;
	return 0;
}

static long put_one(__u64 i, void *ctx)
{
	struct listing *l = ctx;
	struct metric *m = metric_of(METRICS_FIRST_NODE + i);
	struct entry e = {.ino = METRICS_FIRST_NODE + i, .off = 3 + i};

	if (!m || m->parent != l->in->nodeid)
		return 0;
	e.namelen = m->name_len;
	e.type = (m->mode & S_IFMT) >> 12;
	e.name[0] = m->name[0];
	e.name[1] = m->name[1];
	e.name[2] = m->name[2];
	e.name[3] = m->name[3];
	return put(l, &e);
}

SEC("struct_ops/readdir")
int BPF_PROG(readdir, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	struct listing l = {.in = in, .out = out};
	struct entry dot = {in->nodeid, 1, 1, S_IFDIR >> 12, {'.'}};
	struct entry dots = {METRICS_ROOT, 2, 2, S_IFDIR >> 12, {'.' | '.' << 8}};

	if (!S_ISDIR(mode_of(in->nodeid)) || !bpf_ksym_exists(extfuse_dirents_put))
		return EXTFUSE_UPCALL;
	if (!put(&l, &dot) && !put(&l, &dots))
		bpf_loop(METRICS_MAX, put_one, &l, 0);
	out->word = in->word;
	out->size = l.size;
	out->flags = for_all(0);
	return EXTFUSE_HIT;
}

/* What ls and df ask besides. */
SEC("struct_ops/getxattr")
int BPF_PROG(getxattr, const struct extfuse_getxattr_in *in, struct extfuse_bytes_out *out)
{
	out->word = in->word;
	out->flags = for_all(EXTFUSE_OUT_ABSENT);
	return EXTFUSE_HIT;
}

SEC("struct_ops/listxattr")
int BPF_PROG(listxattr, const struct extfuse_bytes_in *in, struct extfuse_bytes_out *out)
{
	out->word = in->word;
	out->flags = for_all(0);
	return EXTFUSE_HIT;
}

SEC("struct_ops/statfs")
int BPF_PROG(statfs, const struct extfuse_statfs_in *in, struct extfuse_statfs_out *out)
{
	out->st.bsize = out->st.frsize = 4096;
	out->st.namelen = METRICS_NAME;
	out->word = in->word;
	out->flags = for_all(0);
	return EXTFUSE_HIT;
}

EXTFUSE_OPS(metrics_fs, .lookup = (void *)lookup, .getattr = (void *)getattr, .open = (void *)open,
	    .opendir = (void *)opendir, .read = (void *)read, .readdir = (void *)readdir,
	    .getxattr = (void *)getxattr, .listxattr = (void *)listxattr, .statfs = (void *)statfs);

SEC("license")
char LICENSE[] = "GPL";
