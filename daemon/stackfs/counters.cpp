// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/counters.hpp"

namespace stackfs
{

namespace
{

constexpr const char *names[] = {
#define X(name) #name,
	STACKFS_OPS(X)
#undef X
};

} // namespace

void Counters::reset() noexcept
{
	for (auto &n : requests_)
		n.store(0, std::memory_order_relaxed);
}

uint64_t Counters::total() const noexcept
{
	uint64_t sum = 0;
	for (const auto &n : requests_)
		sum += n.load(std::memory_order_relaxed);
	return sum;
}

std::string Counters::json() const
{
	std::string out = "{";
	for (size_t i = 0; i < requests_.size(); ++i) {
		out += i ? ", \"" : "\"";
		out += names[i];
		out += "\": " + std::to_string(get(static_cast<Op>(i)));
	}
	return out + "}";
}

} // namespace stackfs
