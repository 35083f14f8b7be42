// SPDX-License-Identifier: GPL-2.0-only
/*
 * A name filter: hides names that begin or end in some way (".git", "~") from some
 * users. To them such a name is not found and not listed, and cannot be made, linked
 * or renamed to. The daemon knows nothing of it.
 *
 * A file that is open, or reached by another name, is not hidden.
 */
#include <extfuse/cache.bpf.h>

#include "hide.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HIDE_RULES);
	__type(key, __u32);
	__type(value, struct hide_rule);
} rules SEC(".maps");

struct name {
	__u32 len;
	char text[EXTFUSE_NAME_MAX + 1 + HIDE_TEXT]; /* padded with zeros */
};

/* Not static: the verifier goes through it once, not once for each rule. */
__noinline int matches(const struct hide_rule *rule, const struct name *name)
{
	__u32 at = 0, i;

	if (!rule || !name || !rule->len || rule->len > HIDE_TEXT || rule->len > name->len)
		return 0;
	if (rule->at_end)
		at = (name->len - rule->len) & EXTFUSE_NAME_MAX;
	for (i = 0; i < HIDE_TEXT; i++) {
		if (i < rule->len && rule->text[i] != name->text[at + i])
			return 0;
	}
	return 1;
}

/* Is the caller not to know of this name? */
static __noinline int hidden(const struct extfuse_lookup_in *in)
{
	struct name name = {.len = in->name_len};
	__u32 uid = in->caller.uid, i;
	struct hide_rule *rule;

	if (name.len > EXTFUSE_NAME_MAX || !bpf_ksym_exists(extfuse_name_copy))
		return 1;
	extfuse_name_copy(in, name.text, EXTFUSE_NAME_MAX);
	for (i = 0; i < HIDE_RULES; i++) {
		__u32 key = i;

		rule = bpf_map_lookup_elem(&rules, &key);
		if (rule && (rule->uid == uid || (rule->uid == HIDE_EVERYBODY && uid)) &&
		    matches(rule, &name))
			return 1;
	}
	return 0;
}

SEC("struct_ops/lookup")
int BPF_PROG(lookup, const struct extfuse_lookup_in *in, struct extfuse_lookup_out *out)
{
	int ret;

	if (hidden(in))
		return -ENOENT;
	ret = extfuse_cache_lookup(in, out);
	/* Ask again for the next caller, and after a change of the rules. */
	out->flags &= ~EXTFUSE_OUT_REMEMBER;
	return ret;
}

/* Each entry of a listing: of the caches', the daemon's, the page cache's. */
SEC("struct_ops/dirent")
int BPF_PROG(dirent, const struct extfuse_lookup_in *in)
{
	return hidden(in);
}

/* New names. What is there already but hidden is refused in the same way. */
SEC("struct_ops/create")
int BPF_PROG(create, const struct extfuse_create_in *in, struct extfuse_change_out *out)
{
	return hidden(&in->entry) ? -EACCES : EXTFUSE_UPCALL;
}

EXTFUSE_OPS(hide, EXTFUSE_CACHE_OPS, .lookup = (void *)lookup, .dirent = (void *)dirent,
	    .create = (void *)create);

SEC("license")
char LICENSE[] = "GPL";
