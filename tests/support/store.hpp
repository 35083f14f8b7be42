// SPDX-License-Identifier: GPL-2.0-only
//
// The tree of the in-process test file system, in memory. A test reads and
// changes it directly: that is a change behind the mount.
//
// Results: 0 or a positive value, or a negative errno. Every method locks.
#ifndef EXTFUSE_TESTS_STORE_HPP
#define EXTFUSE_TESTS_STORE_HPP

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace extfuse_test
{

// A node as the kernel knows it.
struct NodeId {
	uint64_t id = 0;
	uint64_t generation = 0;
};

// Who makes or changes something.
struct Owner {
	uid_t uid = 0;
	gid_t gid = 0;
};

class Store
{
public:
	static constexpr uint64_t root = 1; // FUSE_ROOT_ID

	struct Entry {
		std::string name;
		struct stat attr = {};
	};

	struct Found {
		int error = 0; // negative errno, or 0
		NodeId node;
		struct stat attr = {};
	};

	Store();

	// --- what requests and tests do
	// count: add a lookup of the node found, as its entry goes to the kernel.
	Found lookup(uint64_t parent, const std::string &name, bool count = false);
	Found attr(uint64_t node);
	Found setattr(uint64_t node, const struct stat &to, int fuse_set_attr_mask);
	Found make(uint64_t parent, const std::string &name, mode_t mode, Owner owner,
		   dev_t rdev = 0, const std::string &target = {}, bool count = false);
	Found link(uint64_t node, uint64_t parent, const std::string &name, bool count = false);
	int unlink(uint64_t parent, const std::string &name);
	int rmdir(uint64_t parent, const std::string &name);
	int rename(uint64_t parent, const std::string &name, uint64_t new_parent,
		   const std::string &new_name, unsigned flags = 0);
	int read(uint64_t node, uint64_t offset, size_t size, std::string *out);
	int write(uint64_t node, uint64_t offset, const std::string &data);
	int readlink(uint64_t node, std::string *target);
	// SEEK_DATA or SEEK_HOLE: where, or -ENXIO.
	int64_t seek(uint64_t node, uint64_t offset, int whence);
	int list(uint64_t node, std::vector<Entry> *out);
	int set_xattr(uint64_t node, const std::string &name, const std::string &value);
	int get_xattr(uint64_t node, const std::string &name, std::string *value);
	int list_xattrs(uint64_t node, std::string *names);
	int remove_xattr(uint64_t node, const std::string &name);

	// --- behind the mount, by path from the root ("a/b"); throw if absent
	uint64_t at(const std::string &path);
	struct stat stat(const std::string &path);
	std::string content(const std::string &path);
	uint64_t add_dir(const std::string &path, mode_t mode = 0755, Owner owner = {});
	uint64_t add_file(const std::string &path, const std::string &data = {}, mode_t mode = 0644,
			  Owner owner = {});
	// Data without a trace in size or times.
	void replace_quietly(uint64_t node, const std::string &data);
	void set_size(uint64_t node, uint64_t size);
	void set_times(uint64_t node, timespec atime, timespec mtime, timespec ctime);
	void note_read(uint64_t node); // relatime

	// --- node ids: the next nodes made get these, then others from next_id on
	void use_ids(std::deque<NodeId> ids);
	void set_next_id(uint64_t id);

	// Nodes without links stay until a FORGET of 0 lookups, if none is left then.
	void keep_unlinked();

	// --- lookup counts, as the kernel is told
	void forget(uint64_t node, uint64_t count);
	// Sum over all nodes but the root.
	uint64_t lookups();
	uint64_t lookups(uint64_t node);
	// More forgotten than looked up, or requests for nodes that are not there.
	uint64_t count_errors();
	bool exists(uint64_t node);

private:
	struct Node {
		NodeId id;
		struct stat attr = {};
		std::map<uint64_t, std::string> blocks; // absent: zeros
		std::string target;
		std::map<std::string, uint64_t> children;
		std::map<std::string, std::string> xattrs;
		uint64_t parent = 0; // of directories
		uint64_t lookups = 0;
		bool gone = false; // from the kernel: FORGET of 0 lookups
	};

	std::recursive_mutex mutex_;
	std::unordered_map<uint64_t, Node> nodes_;
	std::deque<NodeId> ids_;
	uint64_t next_id_ = 1000;
	uint64_t errors_ = 0;
	bool keep_unlinked_ = false;
	timespec last_time_ = {};

	using Lock = std::lock_guard<std::recursive_mutex>;

	Node *find(uint64_t id);
	Node *child(Node &dir, const std::string &name);
	timespec now();
	void changed(Node &node);
	void modified(Node &node);
	void drop_link(Node &node, int by);
	void maybe_free(Node &node);
	void truncate(Node &node, uint64_t size);
	void put(Node &node, uint64_t offset, const std::string &data);
	NodeId new_id();
	Found found(const Node &node) const;
	static std::vector<std::string> split(const std::string &path);
	std::pair<uint64_t, std::string> place(const std::string &path);
};

} // namespace extfuse_test

#endif
