// SPDX-License-Identifier: GPL-2.0-only
/*
 * The context of a call: caller and name.
 */
#include "fuse_i.h"

#include <linux/pid_namespace.h>
#include <linux/unaligned.h>

/*
 * As fuse_get_req() computes them for the header of a request. False where they
 * have no number in the connection's namespaces, or the mount is id-mapped: then
 * the daemon would be told something else than a number, and the request goes up.
 */
bool ext_caller_fill(struct fuse_conn *fc, struct extfuse_caller *caller)
{
	caller->uid = from_kuid(fc->user_ns, current_fsuid());
	caller->gid = from_kgid(fc->user_ns, current_fsgid());
	caller->pid = pid_nr_ns(task_pid(current), fc->pid_ns);
	caller->flags = EXTFUSE_CALLER_CURRENT;
	return caller->uid != (uid_t)-1 && caller->gid != (gid_t)-1;
}

/*
 * Copy the first bytes of a name into words padded with zeros, and hash all of
 * it. Reads whole words: a name from the dcache or in a request may be read up to
 * the next multiple of 8 from its start, since its storage ends at one.
 */
u64 ext_name_load(const struct ext_conn *ec, u64 parent, const unsigned char *name, u32 len,
		  u64 words[EXTFUSE_NAME_WORDS])
{
	u64 hash = extfuse_name_hash_begin(ec->seed, parent, len);
	u32 i;

	for (i = 0; i < EXTFUSE_NAME_WORDS; i++)
		words[i] = 0;
	for (i = 0; len >= sizeof(u64); i++, name += sizeof(u64), len -= sizeof(u64)) {
		u64 word = get_unaligned((const u64 *)name);

		if (i < EXTFUSE_NAME_WORDS)
			words[i] = word;
		hash = extfuse_name_hash_word(hash, word);
	}
	if (len) {
		u64 word = 0;

		memcpy(&word, name, len);
		if (i < EXTFUSE_NAME_WORDS)
			words[i] = word;
		hash = extfuse_name_hash_word(hash, word);
	}
	return extfuse_mix(hash);
}
