// SPDX-License-Identifier: GPL-2.0-only
/* The ABI as the BPF target sees it; never loaded, its BTF is read by a test. */
#include <extfuse/handler.bpf.h>

#include "abi_layout.h"

EXTFUSE_ABI_STATIC_CHECK

/* One of each makes the compiler describe it. */
#define MENTION(type, size) struct type type##_;
#define NOTHING(type, field, offset)
struct abi_layout {
	EXTFUSE_ABI_LAYOUT(MENTION, NOTHING)
	struct extfuse_handler_ops ops;
};

struct abi_layout abi_layout = {};
