/* SPDX-License-Identifier: GPL-2.0-only */
/* What metrics.bpf.c and a daemon that publishes have in common. */
#ifndef METRICS_H
#define METRICS_H

#include <linux/types.h>

#define METRICS_MAX 64
#define METRICS_NAME 32 /* bytes */
#define METRICS_TEXT 128 /* bytes */

/* The first element of the map is node 2; 1 is the root. */
#define METRICS_FIRST_NODE 2
#define METRICS_ROOT 1

struct metric_text {
	__u32 len; /* bytes */
	__u32 reserved;
	__u64 text[METRICS_TEXT / 8];
};

/*
 * An element of the map "metrics", which the daemon maps into its memory: a file or a
 * directory. It is there from the moment .parent is set, and stays.
 *
 * The content is there twice. A writer raises .latch and writes copy 0, raises it
 * again and writes copy 1; a reader takes the copy that .latch says is not being
 * written, and takes it again if .latch has moved meanwhile. So nobody waits for
 * anybody, and nobody sees half of an old and half of a new one.
 */
struct metric {
	__u64 parent; /* node id of the directory; 0: no such element */
	__u64 name[METRICS_NAME / 8]; /* padded with zeros */
	__u32 name_len;
	__u32 mode; /* type and permissions */
	__u64 since; /* seconds since 1970 */
	__u64 latch; /* odd: read copy 1 */
	struct metric_text copy[2];
};

#endif
