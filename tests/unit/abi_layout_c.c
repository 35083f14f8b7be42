/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ABI as a C compiler sees it. Nothing to run: it compiles, or it does not. */
#include <stddef.h>

#include <extfuse/abi.h>

#include "abi_layout.h"

EXTFUSE_ABI_STATIC_CHECK

/* For abi_layout_test.cpp, which takes none of it from the header itself. */
extern const size_t abi_layout_c_size_of_stats;
const size_t abi_layout_c_size_of_stats = sizeof(struct extfuse_stats);
