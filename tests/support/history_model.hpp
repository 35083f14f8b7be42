// SPDX-License-Identifier: GPL-2.0-only
//
// A sequential model of a file system: what each operation does and returns if
// it is alone. Most operations are one step. Some are more, because Linux does not
// promise that they happen at one moment, on any file system:
//
//  - A path is walked name by name, and what is done to the file comes after the
//    last name was found. stat, chmod, truncate, xattrs and readlink by name: one
//    step for the file. Making, removing and renaming a name is one step, for the
//    directory is locked; the directories on the way there are walked before.
//  - unlink, link and rename onto a name change the link count first, and the name
//    afterwards: who has the file open may see the one before the other.
//  - A read looks at the size, then copies bytes. A truncation in between zeroes
//    them. Reads are of one byte: several are not copied at one moment.
//  - Not compared: times, sizes and link counts of directories.
//
// And of a FUSE mount (Rules::page_cache):
//
//  - While a write or truncation runs, size and bytes are both the old and the new
//    ones: stock FUSE puts bytes into the page cache before it sends them, and may
//    drop the page meanwhile; it sets the inode's size when the answer is there.
//  - While a change behind the mount runs (until invalidate has returned), what it
//    changes is both old and new.
//
// After the end of such an operation there is only the new state.
#ifndef EXTFUSE_TESTS_HISTORY_MODEL_HPP
#define EXTFUSE_TESTS_HISTORY_MODEL_HPP

#include "history.hpp"

namespace extfuse_test::history
{

constexpr unsigned max_nodes = 64;
constexpr uint8_t no_node = 0xff;

struct Rules {
	bool page_cache = false;
};

// Plain bytes, without padding: it is hashed as such.
struct Node {
	uint64_t ino = 0; // 0: nobody has seen it yet
	uint16_t mode = 0;
	uint16_t nlink = 0;
	Type type = Type::None;
	bool dead = false; // a directory that was removed
	uint8_t locked = 0; // a directory whose entry is about to change
	uint8_t size = 0;
	uint8_t xattr = 0;
	uint8_t data[max_file] = {};
	uint8_t entry[dir_names] = {no_node, no_node};
	uint8_t reserved[2] = {};
};
static_assert(sizeof(Node) == 24);

// What a change has replaced, while both may be seen.
struct Old {
	uint8_t node = no_node; // attributes and data of this node ...
	uint8_t size = 0;
	uint8_t xattr = 0;
	uint8_t data[max_file] = {};
	uint16_t mode = 0;
	uint8_t dir = no_node; // ... or entries of this directory
	uint8_t entry[dir_names] = {no_node, no_node};
	uint8_t reserved = 0;
};
static_assert(sizeof(Old) == 12);

class Model
{
public:
	// node ids from the tree are below this; operation i makes node first_made + i
	explicit Model(const Tree &tree);

	// Is this the tree now? Only the fixed directories of the mask are compared.
	bool is(const Tree &tree, unsigned dirs) const;

	enum class Step {
		Refused, // not now, or not with this result
		More, // the operation has another step
		Done,
	};
	// One step of operation op, number i of its history. choice: 0, then 1 if what
	// it looks up is both old and new. Pending: it had not ended when the history
	// was cut off, and may have any result.
	Step step(const Operation &op, unsigned i, bool pending, unsigned choice,
		  const Rules &rules);

	uint64_t hash(uint64_t seed) const;

	// Fixed directories that reach a common file in the tree: masks that are
	// disjoint, and together all of them.
	static std::vector<unsigned> components(const Tree &tree);

private:
	friend class Stepper;

	struct Process {
		uint8_t stage = 0; // of the operation that it is in
		uint8_t at = no_node, to = no_node; // what that has found so far
		uint8_t file = no_node; // opened last
		Old old;
	};
	static_assert(sizeof(Process) == 16);

	uint32_t used_ = 0; // nodes of the tree
	uint32_t made_ = 0; // beyond the last node that was made
	Process process_[max_processes];
	Node node_[max_nodes];

	uint8_t node_of(const File &file);
	bool same(const Node &node, const File &file);
};

} // namespace extfuse_test::history

#endif
