// SPDX-License-Identifier: GPL-2.0-only
#include "store.hpp"

#include <fcntl.h>
#include <stdio.h>

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 17)
#include <fuse_lowlevel.h>

#include <algorithm>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace extfuse_test
{

namespace
{

constexpr uint64_t block_size = 4096;

bool earlier(const timespec &a, const timespec &b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

} // namespace

Store::Store()
{
	Node &node = nodes_[root];
	node.id = {root, 0};
	node.parent = root;
	node.attr.st_ino = root;
	node.attr.st_mode = S_IFDIR | 0755;
	node.attr.st_nlink = 2;
	node.attr.st_blksize = block_size;
	node.attr.st_mtim = node.attr.st_ctim = now();
	node.attr.st_atim = now();
}

Store::Node *Store::find(uint64_t id)
{
	const auto it = nodes_.find(id);
	if (it != nodes_.end())
		return &it->second;
	errors_++;
	return nullptr;
}

Store::Node *Store::child(Node &dir, const std::string &name)
{
	const auto it = dir.children.find(name);
	return it == dir.children.end() ? nullptr : find(it->second);
}

// Later than any before, so that every change shows in the times.
timespec Store::now()
{
	timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	if (!earlier(last_time_, t)) {
		t = last_time_;
		if (++t.tv_nsec == 1'000'000'000) {
			t.tv_nsec = 0;
			t.tv_sec++;
		}
	}
	last_time_ = t;
	return t;
}

void Store::changed(Node &node)
{
	node.attr.st_ctim = now();
}

void Store::modified(Node &node)
{
	node.attr.st_mtim = node.attr.st_ctim = now();
}

Store::Found Store::found(const Node &node) const
{
	return {0, node.id, node.attr};
}

NodeId Store::new_id()
{
	if (!ids_.empty()) {
		const NodeId id = ids_.front();
		ids_.pop_front();
		return id;
	}
	while (nodes_.count(next_id_))
		next_id_++;
	return {next_id_++, 0};
}

void Store::maybe_free(Node &node)
{
	if (node.attr.st_nlink == 0 && node.lookups == 0 && node.id.id != root &&
	    (node.gone || !keep_unlinked_))
		nodes_.erase(node.id.id);
}

void Store::drop_link(Node &node, int by)
{
	node.attr.st_nlink -= by;
	changed(node);
	maybe_free(node);
}

void Store::keep_unlinked()
{
	const Lock lock(mutex_);
	keep_unlinked_ = true;
}

Store::Found Store::lookup(uint64_t parent, const std::string &name, bool count)
{
	const Lock lock(mutex_);
	Node *dir = find(parent);
	if (!dir)
		return {-ESTALE, {}, {}};
	if (!S_ISDIR(dir->attr.st_mode))
		return {-ENOTDIR, {}, {}};
	Node *node = child(*dir, name);
	if (!node)
		return {-ENOENT, {}, {}};
	node->lookups += count;
	return found(*node);
}

Store::Found Store::attr(uint64_t id)
{
	const Lock lock(mutex_);
	const Node *node = find(id);
	return node ? found(*node) : Found{-ESTALE, {}, {}};
}

Store::Found Store::setattr(uint64_t id, const struct stat &to, int mask)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	if (!node)
		return {-ESTALE, {}, {}};
	if (mask & FUSE_SET_ATTR_MODE)
		node->attr.st_mode = (node->attr.st_mode & S_IFMT) | (to.st_mode & 07777);
	if (mask & FUSE_SET_ATTR_UID)
		node->attr.st_uid = to.st_uid;
	if (mask & FUSE_SET_ATTR_GID)
		node->attr.st_gid = to.st_gid;
	if (mask & FUSE_SET_ATTR_SIZE) {
		truncate(*node, static_cast<uint64_t>(to.st_size));
		modified(*node);
	}
	if (mask & FUSE_SET_ATTR_ATIME)
		node->attr.st_atim = mask & FUSE_SET_ATTR_ATIME_NOW ? now() : to.st_atim;
	if (mask & FUSE_SET_ATTR_MTIME)
		node->attr.st_mtim = mask & FUSE_SET_ATTR_MTIME_NOW ? now() : to.st_mtim;
	changed(*node);
	return found(*node);
}

Store::Found Store::make(uint64_t parent, const std::string &name, mode_t mode, Owner owner,
			 dev_t rdev, const std::string &target, bool count)
{
	const Lock lock(mutex_);
	Node *dir = find(parent);
	if (!dir)
		return {-ESTALE, {}, {}};
	if (dir->children.count(name))
		return {-EEXIST, {}, {}};
	const NodeId id = new_id();
	if (nodes_.count(id.id))
		throw std::logic_error("node id is in use");

	Node &node = nodes_[id.id];
	dir = find(parent); // the map may have grown
	node.id = id;
	node.attr.st_ino = id.id;
	node.attr.st_mode = mode;
	node.attr.st_nlink = S_ISDIR(mode) ? 2 : 1;
	node.attr.st_uid = owner.uid;
	node.attr.st_gid = owner.gid;
	node.attr.st_rdev = rdev;
	node.attr.st_blksize = block_size;
	node.target = target;
	if (S_ISLNK(mode))
		node.attr.st_size = static_cast<off_t>(target.size());
	node.attr.st_mtim = node.attr.st_ctim = now();
	node.attr.st_atim = now(); // later: the first read does not move it
	if (S_ISDIR(mode)) {
		node.parent = parent;
		dir->attr.st_nlink++;
	}
	node.lookups = count;
	dir->children[name] = id.id;
	modified(*dir);
	return found(node);
}

Store::Found Store::link(uint64_t id, uint64_t parent, const std::string &name, bool count)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	Node *dir = find(parent);
	if (!node || !dir)
		return {-ESTALE, {}, {}};
	if (dir->children.count(name))
		return {-EEXIST, {}, {}};
	node->attr.st_nlink++;
	node->lookups += count;
	changed(*node);
	dir->children[name] = id;
	modified(*dir);
	return found(*node);
}

int Store::unlink(uint64_t parent, const std::string &name)
{
	const Lock lock(mutex_);
	Node *dir = find(parent);
	Node *node = dir ? child(*dir, name) : nullptr;
	if (!node)
		return -ENOENT;
	if (S_ISDIR(node->attr.st_mode))
		return -EISDIR;
	dir->children.erase(name);
	modified(*dir);
	drop_link(*node, 1);
	return 0;
}

int Store::rmdir(uint64_t parent, const std::string &name)
{
	const Lock lock(mutex_);
	Node *dir = find(parent);
	Node *node = dir ? child(*dir, name) : nullptr;
	if (!node)
		return -ENOENT;
	if (!S_ISDIR(node->attr.st_mode))
		return -ENOTDIR;
	if (!node->children.empty())
		return -ENOTEMPTY;
	dir->children.erase(name);
	dir->attr.st_nlink--;
	modified(*dir);
	drop_link(*node, 2);
	return 0;
}

int Store::rename(uint64_t parent, const std::string &name, uint64_t new_parent,
		  const std::string &new_name, unsigned flags)
{
	const Lock lock(mutex_);
	Node *from = find(parent);
	Node *to = find(new_parent);
	Node *node = from ? child(*from, name) : nullptr;
	if (!node || !to)
		return -ENOENT;
	Node *other = child(*to, new_name);
	const bool exchange = flags & RENAME_EXCHANGE;

	if (other == node)
		return 0;
	if (exchange && !other)
		return -ENOENT;
	if (other && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (other && !exchange && S_ISDIR(other->attr.st_mode) && !other->children.empty())
		return -ENOTEMPTY;

	const bool dir = S_ISDIR(node->attr.st_mode);
	const bool other_dir = other && S_ISDIR(other->attr.st_mode);

	from->attr.st_nlink -= dir;
	to->attr.st_nlink += dir;
	to->attr.st_nlink -= other_dir;
	if (exchange)
		from->attr.st_nlink += other_dir;

	if (exchange)
		from->children[name] = other->id.id;
	else
		from->children.erase(name);
	to->children[new_name] = node->id.id;
	if (dir)
		node->parent = new_parent;
	if (exchange && other_dir)
		other->parent = parent;
	modified(*from);
	if (to != from)
		modified(*to);
	changed(*node);
	if (exchange)
		changed(*other);
	else if (other)
		drop_link(*other, other_dir ? 2 : 1);
	return 0;
}

void Store::truncate(Node &node, uint64_t size)
{
	if (size < static_cast<uint64_t>(node.attr.st_size)) {
		node.blocks.erase(node.blocks.lower_bound((size + block_size - 1) / block_size),
				  node.blocks.end());
		const auto last = node.blocks.find(size / block_size);
		if (last != node.blocks.end())
			std::fill(last->second.begin() + static_cast<long>(size % block_size),
				  last->second.end(), '\0');
	}
	node.attr.st_size = static_cast<off_t>(size);
	node.attr.st_blocks = static_cast<blkcnt_t>(node.blocks.size() * (block_size / 512));
}

void Store::put(Node &node, uint64_t offset, const std::string &data)
{
	for (size_t done = 0; done < data.size();) {
		const uint64_t at = offset + done;
		const size_t in = at % block_size;
		const size_t part = std::min<size_t>(block_size - in, data.size() - done);
		std::string &block = node.blocks[at / block_size];

		block.resize(block_size);
		block.replace(in, part, data, done, part);
		done += part;
	}
	const uint64_t end = offset + data.size();
	node.attr.st_size = std::max(node.attr.st_size, static_cast<off_t>(end));
	node.attr.st_blocks = static_cast<blkcnt_t>(node.blocks.size() * (block_size / 512));
}

int Store::read(uint64_t id, uint64_t offset, size_t size, std::string *out)
{
	const Lock lock(mutex_);
	const Node *node = find(id);
	if (!node)
		return -ESTALE;
	const uint64_t end = static_cast<uint64_t>(node->attr.st_size);
	out->clear();
	if (offset >= end)
		return 0;
	out->resize(std::min<uint64_t>(size, end - offset));
	for (size_t done = 0; done < out->size();) {
		const uint64_t at = offset + done;
		const size_t in = at % block_size;
		const size_t part = std::min<size_t>(block_size - in, out->size() - done);
		const auto block = node->blocks.find(at / block_size);

		if (block != node->blocks.end())
			out->replace(done, part, block->second, in, part);
		done += part;
	}
	return static_cast<int>(out->size());
}

int64_t Store::seek(uint64_t id, uint64_t offset, int whence)
{
	const Lock lock(mutex_);
	const Node *node = find(id);
	if (!node)
		return -ESTALE;
	const uint64_t end = static_cast<uint64_t>(node->attr.st_size);
	for (uint64_t at = offset; at < end; at = (at / block_size + 1) * block_size)
		if ((node->blocks.count(at / block_size) != 0) == (whence == SEEK_DATA))
			return static_cast<int64_t>(at);
	return whence == SEEK_HOLE && offset < end ? static_cast<int64_t>(end) : -ENXIO;
}

int Store::write(uint64_t id, uint64_t offset, const std::string &data)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	if (!node)
		return -ESTALE;
	put(*node, offset, data);
	modified(*node);
	return static_cast<int>(data.size());
}

int Store::readlink(uint64_t id, std::string *target)
{
	const Lock lock(mutex_);
	const Node *node = find(id);
	if (!node)
		return -ESTALE;
	*target = node->target;
	return 0;
}

int Store::list(uint64_t id, std::vector<Entry> *out)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	if (!node)
		return -ESTALE;
	out->clear();
	out->push_back({".", node->attr});
	out->push_back({"..", nodes_.at(node->parent).attr});
	for (const auto &[name, child_id] : node->children)
		out->push_back({name, nodes_.at(child_id).attr});
	return 0;
}

int Store::set_xattr(uint64_t id, const std::string &name, const std::string &value)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	if (!node)
		return -ESTALE;
	node->xattrs[name] = value;
	changed(*node);
	return 0;
}

int Store::get_xattr(uint64_t id, const std::string &name, std::string *value)
{
	const Lock lock(mutex_);
	const Node *node = find(id);
	if (!node)
		return -ESTALE;
	const auto it = node->xattrs.find(name);
	if (it == node->xattrs.end())
		return -ENODATA;
	*value = it->second;
	return 0;
}

int Store::list_xattrs(uint64_t id, std::string *names)
{
	const Lock lock(mutex_);
	const Node *node = find(id);
	if (!node)
		return -ESTALE;
	names->clear();
	for (const auto &[name, value] : node->xattrs)
		names->append(name.c_str(), name.size() + 1);
	return 0;
}

int Store::remove_xattr(uint64_t id, const std::string &name)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	if (!node)
		return -ESTALE;
	changed(*node);
	return node->xattrs.erase(name) ? 0 : -ENODATA;
}

// ---------------------------------------------------------------------------

std::vector<std::string> Store::split(const std::string &path)
{
	std::vector<std::string> parts;
	for (size_t at = 0; at < path.size();) {
		const size_t slash = std::min(path.find('/', at), path.size());
		if (slash > at)
			parts.push_back(path.substr(at, slash - at));
		at = slash + 1;
	}
	return parts;
}

uint64_t Store::at(const std::string &path)
{
	const Lock lock(mutex_);
	uint64_t node = root;
	for (const std::string &part : split(path)) {
		const auto &children = nodes_.at(node).children;
		const auto it = children.find(part);
		if (it == children.end())
			throw std::out_of_range("not in the store: " + path);
		node = it->second;
	}
	return node;
}

std::pair<uint64_t, std::string> Store::place(const std::string &path)
{
	const size_t slash = path.rfind('/');
	if (slash == std::string::npos)
		return {root, path};
	return {at(path.substr(0, slash)), path.substr(slash + 1)};
}

struct stat Store::stat(const std::string &path)
{
	const Lock lock(mutex_);
	return nodes_.at(at(path)).attr;
}

std::string Store::content(const std::string &path)
{
	const Lock lock(mutex_);
	std::string out;
	const uint64_t node = at(path);
	read(node, 0, static_cast<size_t>(nodes_.at(node).attr.st_size), &out);
	return out;
}

uint64_t Store::add_dir(const std::string &path, mode_t mode, Owner owner)
{
	const Lock lock(mutex_);
	const auto [parent, name] = place(path);
	const Found made = make(parent, name, S_IFDIR | mode, owner);
	if (made.error)
		throw std::runtime_error("add_dir " + path + ": " + strerror(-made.error));
	return made.node.id;
}

uint64_t Store::add_file(const std::string &path, const std::string &data, mode_t mode, Owner owner)
{
	const Lock lock(mutex_);
	const auto [parent, name] = place(path);
	const Found made = make(parent, name, S_IFREG | mode, owner);
	if (made.error)
		throw std::runtime_error("add_file " + path + ": " + strerror(-made.error));
	put(nodes_.at(made.node.id), 0, data);
	return made.node.id;
}

void Store::replace_quietly(uint64_t id, const std::string &data)
{
	const Lock lock(mutex_);
	put(nodes_.at(id), 0, data);
}

void Store::set_size(uint64_t id, uint64_t size)
{
	const Lock lock(mutex_);
	Node &node = nodes_.at(id);
	truncate(node, size);
	modified(node);
}

void Store::set_times(uint64_t id, timespec atime, timespec mtime, timespec ctime)
{
	const Lock lock(mutex_);
	Node &node = nodes_.at(id);
	node.attr.st_atim = atime;
	node.attr.st_mtim = mtime;
	node.attr.st_ctim = ctime;
}

void Store::note_read(uint64_t id)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	if (node && (!earlier(node->attr.st_mtim, node->attr.st_atim) ||
		     !earlier(node->attr.st_ctim, node->attr.st_atim)))
		node->attr.st_atim = now();
}

void Store::use_ids(std::deque<NodeId> ids)
{
	const Lock lock(mutex_);
	ids_ = std::move(ids);
}

void Store::set_next_id(uint64_t id)
{
	const Lock lock(mutex_);
	next_id_ = id;
}

void Store::forget(uint64_t id, uint64_t count)
{
	const Lock lock(mutex_);
	Node *node = find(id);
	if (!node)
		return;
	node->gone |= count == 0;
	if (node->lookups < count) {
		errors_++;
		node->lookups = count;
	}
	node->lookups -= count;
	maybe_free(*node);
}

uint64_t Store::lookups()
{
	const Lock lock(mutex_);
	uint64_t sum = 0;
	for (const auto &[id, node] : nodes_)
		if (id != root)
			sum += node.lookups;
	return sum;
}

uint64_t Store::lookups(uint64_t id)
{
	const Lock lock(mutex_);
	const auto it = nodes_.find(id);
	return it == nodes_.end() ? 0 : it->second.lookups;
}

uint64_t Store::count_errors()
{
	const Lock lock(mutex_);
	return errors_;
}

bool Store::exists(uint64_t id)
{
	const Lock lock(mutex_);
	return nodes_.count(id);
}

} // namespace extfuse_test
