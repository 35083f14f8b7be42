// SPDX-License-Identifier: GPL-2.0-only
// Marks for the profiler's plugin (bench/profile/insn_count.c): no effect, and no
// compiler makes them.
#pragma once

namespace bench
{

inline void mark_begin()
{
	asm volatile("xchgq %%r13, %%r13" ::: "memory");
}

inline void mark_end()
{
	asm volatile("xchgq %%r14, %%r14" ::: "memory");
}

} // namespace bench
