// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Without memory, C functions return an error: nothing is thrown at their callers.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "wrap.hpp"

namespace
{

// How many allocations succeed; negative: all.
thread_local int left = -1;

} // namespace

[[gnu::noinline]] void *operator new(size_t size)
{
	void *p = nullptr;

	if (left)
		p = malloc(size);
	if (left > 0)
		left--;
	if (!p)
		throw std::bad_alloc();
	return p;
}

[[gnu::noinline]] void *operator new(size_t size, const std::nothrow_t &) noexcept
{
	return left ? malloc(size) : nullptr;
}

[[gnu::noinline]] void operator delete(void *p) noexcept
{
	free(p);
}

[[gnu::noinline]] void operator delete(void *p, size_t) noexcept
{
	free(p);
}

TEST(Memory, NoWrappedSessionWithoutIt)
{
	extfuse_wrap_config config = {};
	extfuse_wrap *w = nullptr;
	int failed = -1;

	config.size = sizeof(config);
	config.node_per_name = 1;
	while (!w) {
		ASSERT_LT(++failed, 1000);
		left = failed;
		EXPECT_NO_THROW(w = extfuse_wrap_begin(nullptr, &config)) << failed;
		left = -1;
	}
	EXPECT_GT(failed, 2);
	extfuse_wrap_end(w, nullptr);
}
