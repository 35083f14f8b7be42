/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR LGPL-2.1-or-later */
/*
 * extfuse ABI: node ids that stay valid for ever. Included by <extfuse/abi.h>.
 */
#ifndef EXTFUSE_ABI_STABLE_H
#define EXTFUSE_ABI_STABLE_H

#ifndef EXTFUSE_ABI_H
#error "include <extfuse/abi.h>"
#endif

/*
 * What a daemon promises of its mount. Only who holds the connection's descriptor
 * can, and nothing takes it back.
 */
struct extfuse_declare {
	__u32 size; /* in: sizeof(struct extfuse_declare) */
	__u32 flags; /* in: EXTFUSE_DECLARE_*, at least one */
};

/*
 * Entries are stable: every node id that a handler may answer a LOOKUP with means
 * the same file as long as the mount lives, whether or not the kernel has ever
 * been told of it. Then such an answer is accepted without an inode in the cache:
 * the inode is made, of the attributes that the GETATTR handler knows, and no
 * lookup is counted for it, so no FORGET is sent either when it leaves the cache.
 * But for files without links: when the last inode of one has gone, counted or not,
 * FORGET of 0 lookups tells so; that of the lookups may come after it. "Without
 * links" is what the kernel was told last: st_nlink must be right. FORGET moves no
 * word.
 */
#define EXTFUSE_DECLARE_STABLE (1U << 0)

/* EINVAL: bad size, no or unknown flags; ENOTCONN: no mount. */
#define EXTFUSE_IOC_DECLARE _IOW(EXTFUSE_IOC_MAGIC, 0x50, struct extfuse_declare)

#endif /* EXTFUSE_ABI_STABLE_H */
