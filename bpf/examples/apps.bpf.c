// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission by caller, as Android has it for the directories of apps on shared
 * storage: each directory at the root of the mount belongs to one app, which is a
 * uid. An app sees its own and nothing of the others; root and the members of
 * media_rw see all; everybody else is refused. All below is left to the caches and
 * the file system's own modes.
 *
 * Who may see what is decided anew at each call, before the caches are asked and
 * before anything is sent to the daemon, so it holds for both. The daemon (stackfs
 * with -o handler=apps.bpf.o, say) knows nothing of it. Apps come and go while the
 * file system is mounted: an update of the map is all, and holds from the next call on.
 */
#include <extfuse/cache.bpf.h>

#define ROOT_NODE 1
#define MEDIA_RW 1023 /* gid */

struct app {
	__u32 name_len; /* bytes */
	__u32 reserved;
	char name[EXTFUSE_NAME_MAX + 1];
};

/* uid of an app to the name of its directory */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct app);
} apps SEC(".maps");

/* 0: the caller may know of this name. Else what it is told: -ENOENT, -EACCES. */
static __always_inline int judge(const struct extfuse_lookup_in *in)
{
	__u32 uid = in->caller.uid;
	struct app *app;

	if (in->parent != ROOT_NODE || uid == 0)
		return 0;
	if (!bpf_ksym_exists(extfuse_in_group) || !bpf_ksym_exists(extfuse_name_equal))
		return -EACCES;
	if (extfuse_in_group(&in->caller, MEDIA_RW) == 1)
		return 0;
	app = bpf_map_lookup_elem(&apps, &uid);
	if (!app)
		return -EACCES;
	if (app->name_len != in->name_len ||
	    extfuse_name_equal(in, app->name, sizeof(app->name)) != 1)
		return -ENOENT;
	/* An element that was replaced meanwhile may have become another app's. */
	return bpf_map_lookup_elem(&apps, &uid) == app ? 0 : -ENOENT;
}

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	int err = judge(in);

	if (err)
		return err;
	err = extfuse_cache_lookup(in, out);
	/* The kernel must not answer the next caller by itself. */
	if (in->parent == ROOT_NODE)
		out->flags &= ~EXTFUSE_OUT_REMEMBER;
	return err;
}

/* Entries of a listing, from wherever it comes. */
SEC("struct_ops/dirent")
int BPF_PROG(dirent, const struct extfuse_lookup_in *in)
{
	return judge(in);
}

/* New names, those that something is renamed to among them. */
SEC("struct_ops/create")
int BPF_PROG(create, const struct extfuse_create_in *in, struct extfuse_change_out *out)
{
	return judge(&in->entry) ? -EACCES : EXTFUSE_UPCALL;
}

EXTFUSE_OPS(by_caller, EXTFUSE_CACHE_OPS, .lookup = (void *)lookup, .dirent = (void *)dirent,
	    .create = (void *)create);

SEC("license")
char LICENSE[] = "GPL";
