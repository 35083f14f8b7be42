/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The context of a call: caller and name. In a header for the same reason as
 * ext_validate.h.
 */
#ifndef _EXT_CALL_H
#define _EXT_CALL_H

#include "fuse_i.h"

#include <linux/pid_namespace.h>
#include <linux/unaligned.h>

/*
 * As fuse_get_req() computes them for the header of a request. False where they
 * have no number in the connection's user namespace, or where the daemon would
 * not be told them because mounts may be id-mapped: then the request goes up.
 */
static inline bool ext_caller_fill(const struct fuse_conn *fc, const struct super_block *sb,
				   struct extfuse_caller *caller)
{
	const struct cred *cred = current_cred();

	if (unlikely(!(sb->s_iflags & SB_I_NOIDMAP)))
		return false;

	/* The initial namespaces map every id to itself: 70 instructions less. */
	if (likely(fc->user_ns == &init_user_ns)) {
		caller->uid = __kuid_val(cred->fsuid);
		caller->gid = __kgid_val(cred->fsgid);
	} else {
		caller->uid = from_kuid(fc->user_ns, cred->fsuid);
		caller->gid = from_kgid(fc->user_ns, cred->fsgid);
		if (caller->uid == (uid_t)-1 || caller->gid == (gid_t)-1)
			return false;
	}
	if (likely(fc->pid_ns == &init_pid_ns))
		caller->pid = current->pid;
	else
		caller->pid = pid_nr_ns(task_pid(current), fc->pid_ns);
	caller->flags = EXTFUSE_CALLER_CURRENT;
	return true;
}

/*
 * Copy the first bytes of a name into words padded with zeros, and hash all of
 * it, as <extfuse/abi.h> says.
 */
static inline u64 ext_name_load(const struct ext_conn *ec, u64 parent, const unsigned char *name,
				u32 len, u64 words[EXTFUSE_NAME_WORDS])
{
	u64 hash = extfuse_name_hash_begin(ec->seed, parent, len);
	u64 word;
	u32 i;

	words[0] = 0;
	words[1] = 0;
	words[2] = 0;
	words[3] = 0;
	static_assert(EXTFUSE_NAME_WORDS == 4);
	for (i = 0; len >= sizeof(word); i++, name += sizeof(word), len -= sizeof(word)) {
		word = get_unaligned((const u64 *)name);
		if (i < EXTFUSE_NAME_WORDS)
			words[i] = word;
		hash = extfuse_name_hash_word(hash, word);
	}
	if (len) {
		/* The last bytes, without reading beyond them. */
		word = 0;
		if (len & 4) {
			word = get_unaligned((const u32 *)name);
			name += 4;
		}
		if (len & 2) {
			word |= (u64)get_unaligned((const u16 *)name) << (len & 4) * 8;
			name += 2;
		}
		if (len & 1)
			word |= (u64)*name << (len & 6) * 8;
		if (i < EXTFUSE_NAME_WORDS)
			words[i] = word;
		hash = extfuse_name_hash_word(hash, word);
	}
	return extfuse_mix(hash);
}

#endif /* _EXT_CALL_H */
