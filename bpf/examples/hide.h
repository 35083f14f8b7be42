/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules of hide.bpf.c, for it and for who writes them. */
#ifndef HIDE_H
#define HIDE_H

#include <linux/types.h>

#define HIDE_RULES 16
#define HIDE_TEXT 16 /* bytes */
#define HIDE_EVERYBODY 0xffffffffU /* but root */

/*
 * An element of the map "rules": names that begin or end with .text are hidden from
 * .uid. To change a rule write another one, and empty this: bpf_map_update_elem() does
 * not replace it at a stroke.
 */
struct hide_rule {
	__u32 uid;
	__u16 len; /* of .text; 0: no rule */
	__u16 at_end; /* 1: names that end so, 0: that begin so */
	char text[HIDE_TEXT]; /* padded with zeros */
};

#endif
