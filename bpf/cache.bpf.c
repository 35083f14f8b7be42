// SPDX-License-Identifier: GPL-2.0-only
/* The library's own handler: answers from caches that libextfuse fills. */
#include <extfuse/cache.bpf.h>

EXTFUSE_OPS(cache, EXTFUSE_CACHE_OPS);

SEC("license")
char LICENSE[] = "GPL";
