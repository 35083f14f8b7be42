// SPDX-License-Identifier: GPL-2.0-only
/* Which of them is the mount's? */
#include <extfuse/cache.bpf.h>

EXTFUSE_OPS(first, EXTFUSE_CACHE_OPS);
EXTFUSE_OPS(second, EXTFUSE_CACHE_OPS);

SEC("license")
char LICENSE[] = "GPL";
