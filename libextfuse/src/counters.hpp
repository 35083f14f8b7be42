// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef EXTFUSE_SRC_COUNTERS_HPP
#define EXTFUSE_SRC_COUNTERS_HPP

#include <cstdint>
#include <cstring>
#include <span>

#include <extfuse/abi.h>

namespace exf::impl
{

// Sum of one operation's counters over all CPUs. The struct is all counters.
inline void sum_counters(std::span<const extfuse_op_counters> per_cpu, extfuse_op_counters &out)
{
	constexpr size_t n = sizeof(out) / sizeof(uint64_t);
	uint64_t sums[n] = {};

	for (const extfuse_op_counters &one : per_cpu) {
		uint64_t values[n];

		memcpy(values, &one, sizeof(values));
		for (size_t i = 0; i < n; i++)
			sums[i] += values[i];
	}
	memcpy(&out, sums, sizeof(sums));
}

} // namespace exf::impl

#endif
