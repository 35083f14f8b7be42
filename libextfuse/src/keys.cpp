// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keys.hpp"

#include <bit>
#include <cstring>

namespace exf::impl
{

bool make_name_key(uint64_t seed, uint64_t parent, const char *name, NameKey &out) noexcept
{
	const size_t len = strnlen(name, EXTFUSE_NAME_MAX + 1);

	if (len == 0 || len > EXTFUSE_NAME_MAX)
		return false;
	out.parent = parent;
	out.len = static_cast<uint32_t>(len);
	// Short names fill the inline words, so that a slot can be written whole.
	const size_t used = (len + 7) / 8;
	const size_t fill = used < EXTFUSE_NAME_WORDS
				    ? EXTFUSE_NAME_WORDS
				    : static_cast<size_t>(EXTFUSE_LONG_NAME_WORDS);
	memset(out.words + len / 8, 0, (fill - len / 8) * 8);
	memcpy(out.words, name, len);

	uint64_t h = extfuse_name_hash_begin(seed, parent, out.len);
	for (size_t i = 0; i < used; i++)
		h = extfuse_name_hash_word(h, out.words[i]);
	out.hash = extfuse_mix(h);
	return true;
}

uint32_t buckets_for(uint32_t entries) noexcept
{
	const uint32_t buckets = entries / EXTFUSE_WAYS + (entries % EXTFUSE_WAYS != 0);

	return std::bit_ceil(buckets ? buckets : 1U);
}

} // namespace exf::impl
