// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Counters of driver, handler and this process.
#include <cstring>

#include "object.hpp"

using namespace exf::impl;

namespace
{

int get_stats(extfuse &x, extfuse_counters &out)
{
	int error = x.kernel->stats(x.device.get(), out.driver);

	if (error >= 0 && x.handler)
		error = x.handler->counters(out.handler);
	out.put_entry = x.puts.entry.load(std::memory_order_relaxed);
	out.put_attr = x.puts.attr.load(std::memory_order_relaxed);
	out.put_data = x.puts.data.load(std::memory_order_relaxed);
	out.put_object = x.puts.object.load(std::memory_order_relaxed);
	out.put_dir = x.puts.dir.load(std::memory_order_relaxed);
	out.put_names = x.puts.names.load(std::memory_order_relaxed);
	out.put_open = x.puts.open.load(std::memory_order_relaxed);
	out.put_refused = x.puts.refused.load(std::memory_order_relaxed);
	out.evicted = x.puts.evicted.load(std::memory_order_relaxed);
	out.map_bytes = x.maps.bytes() + x.words_bytes;
	return error < 0 ? error : 0;
}

} // namespace

extern "C" int extfuse_get_stats(struct extfuse *x, struct extfuse_counters *out)
{
	extfuse_counters counters = {};

	if (!x || !out || out->size < sizeof(out->size))
		return -EINVAL;
	const size_t size = out->size;
	counters.size = size < sizeof(counters) ? size : sizeof(counters);
	const int error = x->state == State::active
				  ? no_throw([&] { return get_stats(*x, counters); })
				  : -ENOTCONN;
	memset(out, 0, size);
	memcpy(out, &counters, counters.size);
	return error;
}
