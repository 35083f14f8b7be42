// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Writer's side of the slot caches (<extfuse/abi_slots.h>; the
// reader's side is bpf/include/extfuse/slots.bpf.h). Any number of threads and
// processes may write; none ever waits. A writer that dies in the middle leaves
// an odd slot behind: it is never written nor read again, a lost place.
#ifndef EXTFUSE_SRC_SLOTS_HPP
#define EXTFUSE_SRC_SLOTS_HPP

#include <cstddef>
#include <cstdint>

#include "kernel.hpp"
#include "keys.hpp"
#include "words.hpp"

namespace exf::impl
{

enum class Stored {
	no, // the slot is being written by somebody else
	yes,
	evicted // yes, and a live slot of another key is gone
};

// Who may have an answer, as slots say it.
struct Audience {
	uint8_t scope; // enum extfuse_scope
	uint64_t caller;
};

struct NameValue {
	uint64_t word;
	uint64_t nodeid; // 0: negative
	uint64_t behind;
	uint32_t generation;
};

Stored store_name(const HandlerMaps &maps, const Words &words, const NameKey &key,
		  const NameValue &value, const Audience &who) noexcept;

Stored store_attr(const HandlerMaps &maps, const Words &words, uint64_t node, uint64_t word,
		  const extfuse_attr &attr, const Audience &who) noexcept;

struct Block {
	uint64_t node;
	uint64_t index;
	uint64_t word;
	uint64_t file_size;
	const void *data;
	uint32_t len; // at most EXTFUSE_BLOCK_SIZE
};

// flags: EXTFUSE_FILE_*
Stored store_open(const HandlerMaps &maps, const Words &words, uint64_t node, uint64_t word,
		  uint16_t flags, const Audience &who) noexcept;

// seed: of the handler, the words have another one.
Stored store_block(const HandlerMaps &maps, const Words &words, uint64_t seed, const Block &block,
		   const Audience &who) noexcept;

// What a handler is asked about a node, and the answer: see struct
// extfuse_object_slot.
struct ObjectValue {
	extfuse_op kind;
	uint64_t node;
	uint64_t arg;
	uint64_t word;
	uint32_t flags;
	const NameKey *name; // GETXATTR, else null
	const void *data;
	uint16_t len; // at most EXTFUSE_OBJECT_MAX
};

Stored store_object(const HandlerMaps &maps, const Words &words, uint64_t seed,
		    const ObjectValue &value, const Audience &who) noexcept;
// Can this token still be served?
bool object_current(const Words &words, extfuse_op kind, uint32_t flags, uint64_t node,
		    uint64_t token) noexcept;

// Whole entries of a directory: see struct extfuse_dir_slot.
struct DirChunk {
	uint64_t node;
	uint64_t word;
	uint64_t start;
	uint64_t next;
	const void *data;
	uint16_t len; // at most EXTFUSE_DIR_CHUNK
	bool last;
};

Stored store_dir(const HandlerMaps &maps, const Words &words, uint64_t seed, const DirChunk &chunk,
		 const Audience &who) noexcept;

using NameBits = uint64_t[EXTFUSE_NAMES_WORDS];

Stored store_names(const HandlerMaps &maps, const Words &words, uint64_t seed, uint64_t node,
		   uint64_t word, const NameBits &bits, const Audience &who) noexcept;

} // namespace exf::impl

#endif
