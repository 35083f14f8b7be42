// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Names and nodes as the maps know them.
#ifndef EXTFUSE_SRC_KEYS_HPP
#define EXTFUSE_SRC_KEYS_HPP

#include <cstddef>
#include <cstdint>

#include <extfuse/abi.h>

namespace exf::impl
{

// (parent, name), hashed and packed into words padded with zeros.
struct NameKey {
	uint64_t hash;
	uint64_t parent;
	uint32_t len;
	uint64_t words[EXTFUSE_LONG_NAME_WORDS];

	bool is_long() const
	{
		return len > EXTFUSE_NAME_INLINE;
	}
};

// False if the name is empty or longer than EXTFUSE_NAME_MAX.
bool make_name_key(uint64_t seed, uint64_t parent, const char *name, NameKey &out) noexcept;

// Index of the bucket of a hash; buckets is a power of two.
inline size_t bucket_index(uint64_t hash, size_t buckets)
{
	return static_cast<uint32_t>(hash >> 32) & (buckets - 1);
}

// Buckets for this many entries.
uint32_t buckets_for(uint32_t entries) noexcept;

} // namespace exf::impl

#endif
