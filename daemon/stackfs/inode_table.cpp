// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/inode_table.hpp"

#include "common/log.hpp"
#include "common/proc_path.hpp"
#include "stackfs/locks.hpp"

#include <extfuse/extfuse.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace stackfs
{

Node::Node(uint64_t id_, uint64_t generation_, NodeKey key_)
	: id(id_), generation(generation_), key(key_)
{
}

Node::~Node()
{
	delete locks.load();
	if (fd >= 0)
		close(fd);
}

/* ------------------------------------------------------------------------ */

InodeTable::Pin::Pin(Pin &&other) noexcept
	: table_(std::exchange(other.table_, nullptr)), node_(std::exchange(other.node_, nullptr)),
	  fd_(std::exchange(other.fd_, -1))
{
}

InodeTable::Pin &InodeTable::Pin::operator=(Pin &&other) noexcept
{
	if (this != &other) {
		reset();
		table_ = std::exchange(other.table_, nullptr);
		node_ = std::exchange(other.node_, nullptr);
		fd_ = std::exchange(other.fd_, -1);
	}
	return *this;
}

InodeTable::Pin::~Pin()
{
	reset();
}

void InodeTable::Pin::reset() noexcept
{
	if (node_)
		table_->unpin(node_);
	table_ = nullptr;
	node_ = nullptr;
	fd_ = -1;
}

/* ------------------------------------------------------------------------ */

InodeTable::InodeTable(UniqueFd root, const struct stat &root_stat, size_t max_fds)
	: max_fds_(std::max<size_t>(max_fds, 2))
{
	nodes_.emplace_back(); // 0 is no node
	generations_.push_back(0);
	Node *node = insert({root_stat.st_dev, root_stat.st_ino});
	node->lookups = 1; // never given back
	node->keep_open = true;
	handle_for_eviction(root.get()); // learns its mount
	adopt_fd(node, std::move(root));
}

InodeTable::~InodeTable() = default;

Node *InodeTable::at(uint64_t id) const noexcept
{
	return id < nodes_.size() ? nodes_[id].get() : nullptr;
}

void InodeTable::take(Node *node, Pin &out) noexcept
{
	++node->pins;
	node->recent = true;
	out.table_ = this;
	out.node_ = node;
	out.fd_ = node->fd;
}

// Returns a descriptor to close once mutex_ is released.
int InodeTable::drop_if_unused(Node *node) noexcept
{
	if (node->lookups || node->pins || node->kept)
		return -1;
	if (node->keyed)
		by_key_.erase(node->key);
	const int fd = std::exchange(node->fd, -1);
	if (fd >= 0)
		--open_fds_;
	const uint64_t id = node->id;
	nodes_[id].reset();
	if (keep_most_) {
		++retired_; // what the maps say of the id must not come to mean another
		return fd;
	}
	try {
		free_.push_back(id);
	} catch (const std::bad_alloc &) {
		log_warning("no memory: node id %llu is not used again",
			    static_cast<unsigned long long>(id));
	}
	return fd;
}

void InodeTable::unpin(Node *node) noexcept
{
	UniqueFd doomed;
	const std::lock_guard lock(mutex_);
	--node->pins;
	doomed.reset(drop_if_unused(node));
}

Node *InodeTable::insert(NodeKey key)
{
	uint64_t id = 0;
	if (free_.empty()) {
		id = nodes_.size();
		generations_.reserve(id + 1);
		nodes_.emplace_back();
		generations_.push_back(0);
		free_.push_back(id);
	} else {
		id = free_.front();
	}
	auto node = std::make_unique<Node>(id, generations_[id] + 1, key);
	by_key_.insert_or_assign(key, node.get());
	++generations_[id];
	free_.pop_front();
	if (kept_ < keep_most_) {
		node->kept = true;
		++kept_;
	}
	nodes_[id] = std::move(node);
	return nodes_[id].get();
}

void InodeTable::adopt_fd(Node *node, UniqueFd fd) noexcept
{
	node->fd = fd.release();
	node->fd_since = sequence_.fetch_add(1, std::memory_order_acq_rel) + 1;
	node->handle.reset();
	++open_fds_;
}

int InodeTable::pin(uint64_t id, Pin &out)
{
	{
		const std::lock_guard lock(mutex_);
		Node *node = at(id);
		if (!node)
			return ESTALE;
		take(node, out);
	}
	return have_fd(out);
}

// A pinned node has a descriptor, or the pin is gone.
int InodeTable::have_fd(Pin &pin)
{
	if (pin.fd_ >= 0)
		return 0;
	int err = reopen(pin);
	if ((err == EMFILE || err == ENFILE) && relieve(64))
		err = reopen(pin);
	if (err)
		pin.reset();
	else
		make_room();
	return err;
}

bool InodeTable::intern_known(const struct stat &st, uint64_t since, Pin &out)
{
	const std::lock_guard lock(mutex_);
	const auto it = by_key_.find({st.st_dev, st.st_ino});
	if (it == by_key_.end())
		return false;
	Node *node = it->second;
	if (node->fd < 0 || node->fd_since > since)
		return false;
	++node->lookups;
	take(node, out);
	return true;
}

int InodeTable::intern(UniqueFd fd, const struct stat &st, Pin &out, bool *fresh)
{
	const NodeKey key{st.st_dev, st.st_ino};
	std::unique_ptr<LowerHandle> handle;
	bool has_handle = false;
	UniqueFd spare; // closed after mutex_ is released
	for (;;) {
		{
			const std::lock_guard lock(mutex_);
			const auto it = by_key_.find(key);
			Node *node = it == by_key_.end() ? nullptr : it->second;
			const bool evicted = node && node->fd < 0;
			if (!evicted || has_handle) {
				if (evicted && !(handle && *node->handle == *handle)) {
					node->keyed = false; // its number was reused
					node = nullptr;
				}
				if (fresh)
					*fresh = !node;
				if (!node)
					node = insert(key);
				if (node->fd < 0)
					adopt_fd(node, std::move(fd));
				else
					spare = std::move(fd);
				++node->lookups;
				take(node, out);
				break;
			}
		}
		handle = handle_for_eviction(fd.get());
		has_handle = true;
	}
	make_room();
	return 0;
}

void InodeTable::count_lookup(const Pin &pin) noexcept
{
	const std::lock_guard lock(mutex_);
	++pin.node_->lookups;
}

void InodeTable::keep(size_t most) noexcept
{
	const std::lock_guard lock(mutex_);
	keep_most_ = most;
}

void InodeTable::release(uint64_t id) noexcept
{
	UniqueFd doomed;
	const std::lock_guard lock(mutex_);
	Node *node = at(id);
	if (!node || !node->kept)
		return;
	node->kept = false;
	--kept_;
	doomed.reset(drop_if_unused(node));
}

void InodeTable::forget(uint64_t id, uint64_t lookups) noexcept
{
	UniqueFd doomed;
	const std::lock_guard lock(mutex_);
	Node *node = at(id);
	if (!node || id == FUSE_ROOT_ID)
		return;
	node->lookups -= std::min(node->lookups, lookups);
	doomed.reset(drop_if_unused(node));
}

bool InodeTable::find(const struct stat &st, Pin &out)
{
	{
		const std::lock_guard lock(mutex_);
		const auto it = by_key_.find({st.st_dev, st.st_ino});
		if (it == by_key_.end())
			return false;
		take(it->second, out);
	}
	return have_fd(out) == 0;
}

void InodeTable::removed(const Pin &pin) noexcept
{
	const std::lock_guard lock(mutex_);
	pin.node_->keep_open = true;
}

size_t InodeTable::size() const
{
	const std::lock_guard lock(mutex_);
	return nodes_.size() - 1 - free_.size() - retired_;
}

size_t InodeTable::open_fds() const
{
	const std::lock_guard lock(mutex_);
	return open_fds_;
}

/* ------------------------------------------------------------------------ */
/* Descriptors and handles                                                  */

namespace
{

std::unique_ptr<LowerHandle> handle_of(int fd)
{
	alignas(file_handle) unsigned char space[sizeof(file_handle) + MAX_HANDLE_SZ];
	auto *raw = new (space) file_handle;
	raw->handle_bytes = MAX_HANDLE_SZ;
	int mount_id = 0;
	if (name_to_handle_at(fd, "", raw, &mount_id, AT_EMPTY_PATH) < 0)
		return nullptr;
	auto handle = std::make_unique<LowerHandle>();
	handle->mount_id = mount_id;
	handle->bytes.assign(space, space + sizeof(file_handle) + raw->handle_bytes);
	return handle;
}

} // namespace

// A handle, provided that its mount can be opened by it later.
std::unique_ptr<LowerHandle> InodeTable::handle_for_eviction(int fd)
{
	auto handle = handle_of(fd);
	if (!handle)
		return nullptr;
	const std::lock_guard lock(eviction_);
	if (!mounts_.contains(handle->mount_id))
		learn_mount(handle->mount_id, fd);
	return mounts_.contains(handle->mount_id) ? std::move(handle) : nullptr;
}

// open_by_handle_at() wants a real descriptor of anything on the mount;
// directories and regular files can be opened without side effects. Under eviction_.
void InodeTable::learn_mount(int mount_id, int fd)
{
	UniqueFd any(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct stat st;
	if (!any.valid() && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		any.reset(open(ProcPath(fd).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	if (any.valid())
		mounts_.emplace(mount_id, std::move(any));
}

int InodeTable::mount_fd(int mount_id)
{
	const auto it = mounts_.find(mount_id);
	return it == mounts_.end() ? -1 : it->second.get();
}

// Give a pinned node its descriptor back.
int InodeTable::reopen(Pin &pin)
{
	const std::lock_guard eviction(eviction_);
	Node *node = pin.node_;
	{
		const std::lock_guard lock(mutex_);
		if (node->fd >= 0) {
			pin.fd_ = node->fd;
			return 0;
		}
	}
	// Nobody else sets fd or handle of an evicted node but under eviction_,
	// except intern(), which holds a descriptor of the same file.
	std::vector<unsigned char> bytes;
	int mount = -1;
	{
		const std::lock_guard lock(mutex_);
		if (node->handle) {
			bytes = node->handle->bytes;
			mount = mount_fd(node->handle->mount_id);
		}
	}
	UniqueFd fd;
	if (!bytes.empty())
		fd.reset(open_by_handle_at(mount, reinterpret_cast<file_handle *>(bytes.data()),
					   O_PATH | O_CLOEXEC));
	const int err = fd.valid() ? 0 : errno;
	const std::lock_guard lock(mutex_);
	if (node->fd < 0) {
		if (err)
			return err;
		adopt_fd(node, std::move(fd));
	}
	pin.fd_ = node->fd;
	return 0;
}

void InodeTable::make_room()
{
	size_t excess = 0;
	{
		const std::lock_guard lock(mutex_);
		if (open_fds_ <= max_fds_)
			return;
		excess = open_fds_ - max_fds_;
	}
	relieve(excess + max_fds_ / 16 + 1);
}

// Idle nodes the clock hand finds, each with a pin of ours.
std::vector<InodeTable::Victim> InodeTable::choose_victims(size_t wanted)
{
	std::vector<Victim> victims;
	victims.reserve(wanted);
	const std::lock_guard lock(mutex_);
	for (size_t steps = 0; steps < 2 * nodes_.size() && victims.size() < wanted; ++steps) {
		hand_ = hand_ + 1 < nodes_.size() ? hand_ + 1 : 0;
		Node *node = nodes_[hand_].get();
		if (!node || node->pins || node->fd < 0 || node->keep_open)
			continue;
		if (std::exchange(node->recent, false))
			continue;
		++node->pins;
		victims.push_back({node, nullptr});
	}
	return victims;
}

size_t InodeTable::relieve(size_t wanted)
{
	pressure_ = true;
	std::vector<Victim> victims = choose_victims(wanted);
	for (Victim &v : victims) {
		struct stat st;
		if (fstat(v.node->fd, &st) == 0 && st.st_nlink > 0)
			v.handle = handle_for_eviction(v.node->fd);
	}
	std::vector<UniqueFd> doomed;
	doomed.reserve(victims.size());
	size_t closed = 0;
	{
		const std::lock_guard eviction(eviction_);
		const std::lock_guard lock(mutex_);
		for (Victim &v : victims) {
			if (!v.handle) {
				v.node->keep_open = true;
			} else if (v.node->pins == 1 && !v.node->keep_open) {
				doomed.emplace_back(std::exchange(v.node->fd, -1));
				v.node->handle = std::move(v.handle);
				--open_fds_;
				++closed;
			}
			--v.node->pins;
			const int fd = drop_if_unused(v.node);
			if (fd >= 0)
				doomed.emplace_back(fd);
		}
	}
	if (!closed && !warned_.exchange(true))
		log_warning("%zu descriptors are in use for files the kernel knows and none can be "
			    "given up (files without a name, or a lower file system without file "
			    "handles); opening more may fail: raise the limit (ulimit -Hn)",
			    open_fds());
	return closed;
}

} // namespace stackfs
