/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What makes these sources a module of their own beside the kernel's FUSE.
 * Included first by fuse_i.h.
 */
#ifndef _EXT_IDENTITY_H
#define _EXT_IDENTITY_H

#include <linux/export.h>
#include <linux/kconfig.h>

/* Nothing of ours is for others, and every name is taken by the built-in FUSE. */
#undef EXPORT_SYMBOL
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL(sym)
#define EXPORT_SYMBOL_GPL(sym)

/*
 * The distribution's configuration has it, but dax.c serves virtiofs only, and a
 * call into the built-in one would meet structures of another layout.
 */
#undef CONFIG_FUSE_DAX

#endif /* _EXT_IDENTITY_H */
