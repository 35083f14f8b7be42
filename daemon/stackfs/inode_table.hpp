// SPDX-License-Identifier: GPL-2.0-only
// The files the kernel knows, by node id and by the lower file's identity.
//
// A node id is an index into a table, never a pointer: 1 is the root, 0 is no
// node. An index is used again after its node was forgotten, with a generation
// that has not been used with it before.
//
// A node normally holds an O_PATH descriptor. That pins the lower inode, so
// its (device, inode number) can't come to mean another file while the node
// lives. When descriptors run short, nodes that nobody uses are turned into
// file handles; a file handle tells a reused inode number from the old one.
#pragma once

#include "common/fd.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace stackfs
{

class PosixLocks;

struct NodeKey {
	dev_t dev;
	ino_t ino;
	bool operator==(const NodeKey &) const = default;
};

struct NodeKeyHash {
	size_t operator()(const NodeKey &key) const noexcept
	{
		return (key.ino ^ (static_cast<uint64_t>(key.dev) << 32)) * 0x9e3779b97f4a7c15ULL;
	}
};

// What open_by_handle_at() needs, with the mount it belongs to.
struct LowerHandle {
	int mount_id;
	std::vector<unsigned char> bytes; // a struct file_handle
	bool operator==(const LowerHandle &) const = default;
};

struct Node {
	const uint64_t id;
	const uint64_t generation;
	const NodeKey key;

	Node(uint64_t id, uint64_t generation, NodeKey key);
	~Node();

	// Token under which the file's data was last put into the maps.
	std::atomic<uint64_t> data_word{0};
	std::atomic<uint64_t> data_behind{0};
	// POSIX locks held or waited for; made by the first one.
	std::atomic<PosixLocks *> locks{nullptr};
	// Stays when the kernel has forgotten it; its names may be put into the maps.
	std::atomic<bool> kept{false};

private:
	friend class InodeTable;
	// All below: under InodeTable::mutex_.
	uint64_t lookups = 0;                // counted for the kernel
	unsigned pins = 0;                   // uses right now; fd stays open
	int fd = -1;    // O_PATH
	uint64_t fd_since = 0;               // InodeTable::sequence_ when fd was opened
	bool keyed = true;                   // by_key_ leads here
	bool recent = true;                  // used since the clock hand passed
	bool keep_open = false;              // has no handle, or its last link is gone
	std::unique_ptr<LowerHandle> handle; // set while fd is -1
};

class InodeTable
{
public:
	// A use of a node: it stays, and so does its descriptor.
	class Pin
	{
		InodeTable *table_ = nullptr;
		Node *node_ = nullptr;
		int fd_ = -1;
		friend class InodeTable;

	public:
		Pin() = default;
		Pin(Pin &&other) noexcept;
		Pin &operator=(Pin &&other) noexcept;
		~Pin();
		void reset() noexcept;

		explicit operator bool() const noexcept
		{
			return node_ != nullptr;
		}
		Node *operator->() const noexcept
		{
			return node_;
		}
		Node *node() const noexcept
		{
			return node_;
		}
		int fd() const noexcept // O_PATH
		{
			return fd_;
		}
	};

	// root: O_PATH descriptor of the directory that becomes node 1.
	// max_fds: how many nodes may hold a descriptor before idle ones give
	// theirs up.
	InodeTable(UniqueFd root, const struct stat &root_stat, size_t max_fds);
	~InodeTable();
	InodeTable(const InodeTable &) = delete;
	InodeTable &operator=(const InodeTable &) = delete;

	// Use a node the kernel named. 0, ESTALE (no such node, or its file is gone),
	// or what opening the file gave.
	int pin(uint64_t id, Pin &out);

	// One more lookup of the file that fd (O_PATH) is. The node is made if need
	// be. fresh: it was made now.
	int intern(UniqueFd fd, const struct stat &st, Pin &out, bool *fresh = nullptr);

	// The same without a descriptor, for a (dev, ino) that was read from the lower
	// file system after sequence() gave since. Succeeds only if the file's
	// descriptor was open all that time: then the number cannot have been reused.
	bool intern_known(const struct stat &st, uint64_t since, Pin &out);
	uint64_t sequence() const noexcept
	{
		return sequence_.load(std::memory_order_acquire);
	}

	void count_lookup(const Pin &pin) noexcept;

	// From now on nodes are kept for ever, the first `most` of them; ids of the
	// others are not used again. Before any but the root is made.
	void keep(size_t most) noexcept;
	// This one no more.
	void release(uint64_t id) noexcept;
	void forget(uint64_t id, uint64_t lookups) noexcept;

	// Use the node of a file, if there is one; no lookup is counted.
	bool find(const struct stat &st, Pin &out);

	// Do idle nodes give up descriptors? Then whoever removes a link must hold
	// the victim's pin meanwhile, and call removed() if no link is left.
	bool under_pressure() const noexcept
	{
		return pressure_.load(std::memory_order_relaxed);
	}
	void removed(const Pin &pin) noexcept;

	// Give up descriptors of idle nodes, so that others can be opened. How many.
	size_t relieve(size_t wanted);

	size_t size() const;
	size_t open_fds() const;

private:
	struct Victim {
		Node *node;
		std::unique_ptr<LowerHandle> handle;
	};

	Node *at(uint64_t id) const noexcept;
	void take(Node *node, Pin &out) noexcept;
	void unpin(Node *node) noexcept;
	int drop_if_unused(Node *node) noexcept;
	Node *insert(NodeKey key);
	void adopt_fd(Node *node, UniqueFd fd) noexcept;
	int have_fd(Pin &pin);
	int reopen(Pin &pin);
	void make_room();
	std::vector<Victim> choose_victims(size_t wanted);
	std::unique_ptr<LowerHandle> handle_for_eviction(int fd);
	int mount_fd(int mount_id);
	void learn_mount(int mount_id, int fd);

	// Lock order: eviction_ before mutex_. No system call that can block is made
	// under mutex_.
	std::mutex eviction_;
	mutable std::mutex mutex_;

	std::vector<std::unique_ptr<Node>> nodes_; // by id
	std::vector<uint64_t> generations_;        // by id, the last one used
	std::deque<uint64_t> free_;                // ids, the longest unused first
	std::unordered_map<NodeKey, Node *, NodeKeyHash> by_key_;
	size_t open_fds_ = 0;
	size_t keep_most_ = 0;
	size_t kept_ = 0;
	size_t retired_ = 0; // ids
	size_t hand_ = 0; // of the clock that picks idle nodes
	size_t max_fds_;
	std::atomic<uint64_t> sequence_{0};
	std::atomic<bool> pressure_{false};
	std::atomic<bool> warned_{false};
	std::unordered_map<int, UniqueFd> mounts_; // by mount id; under eviction_
};

} // namespace stackfs
