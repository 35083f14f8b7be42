// SPDX-License-Identifier: GPL-2.0-only
//
// A daemon in the test's own process: a libfuse session on libextfuse over a
// Store, in threads of its own, mounted in a directory of its own. The test sees
// every request that reaches it, can stop it, and says what its replies may be
// cached for.
#ifndef EXTFUSE_TESTS_TEST_FS_HPP
#define EXTFUSE_TESTS_TEST_FS_HPP

#include <extfuse/extfuse.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gates.hpp"
#include "store.hpp"

namespace extfuse_test
{

// The same file system below all of them.
enum class Kind {
	Stock, // /dev/fuse
	NoHandler, // extfuse driver, nothing attached
	Off, // a handler that always misses
	Tiny, // caches of a few entries
	Extfuse,
};

// Of every Config; set before main() by a file that makes a program a variant.
extern bool reply_hooks_by_default;
// Other than ANNOTATED: daemons that say nothing of caching, unless a test wants it.
extern extfuse_policy policy_by_default;

struct Config {
	Kind kind = Kind::Extfuse;
	bool default_permissions = true;
	bool allow_other = true;
	bool remember = true;
	bool direct_io = false; // FOPEN_DIRECT_IO
	bool parallel = false; // FOPEN_PARALLEL_DIRECT_WRITES
	bool keep_cache = false; // FOPEN_KEEP_CACHE
	bool posix_acl = false;
	bool auto_inval_data = true;
	bool readdirplus = false;
	bool readdirplus_auto = false; // FUSE_CAP_READDIRPLUS_AUTO
	bool listed_at_open = false; // READDIRPLUS tells what was there when it was opened
	bool may_fail = false; // a mount that is refused is what the test wants
	uint32_t max_names = 4096;
	uint32_t max_long_names = 256;
	uint32_t max_attrs = 4096;
	uint32_t max_blocks = 512;
	uint32_t max_objects = 1024;
	uint32_t max_dirs = 64;
	uint32_t max_opens = 4096;
	bool reply_hooks = reply_hooks_by_default; // replies are marked in place of put
	extfuse_policy cache = policy_by_default; // of replies without a mark
	extfuse_cache_for cache_for = EXTFUSE_CACHE_FOR_AUTO;
	bool cache_links = policy_by_default != EXTFUSE_CACHE_ANNOTATED;
	bool follow_atime = policy_by_default != EXTFUSE_CACHE_ANNOTATED;
	bool passthrough = false; // FUSE_CAP_PASSTHROUGH is asked for
	bool writeback = false; // FUSE_CAP_WRITEBACK_CACHE
	bool atomic_o_trunc = true; // FUSE_CAP_ATOMIC_O_TRUNC
	int handler_link = -1; // a handler of the test's own
	bool stable = false; // entries are: no node is freed but by a FORGET
	std::vector<std::string> options; // more of -o
};

// What replies are annotated with. Any time, any thread.
struct Annotations {
	std::atomic<extfuse_scope> entry{EXTFUSE_SCOPE_KERNEL};
	std::atomic<extfuse_scope> attr{EXTFUSE_SCOPE_ALL};
	std::atomic<extfuse_scope> data{EXTFUSE_SCOPE_ALL};
	std::atomic<extfuse_scope> open{EXTFUSE_SCOPE_KERNEL};
	std::atomic<bool> names{true};
	std::atomic<bool> negatives{true};
	std::atomic<bool> attrs{true};
	std::atomic<extfuse_scope> object{EXTFUSE_SCOPE_ALL};
	std::atomic<extfuse_scope> access{EXTFUSE_SCOPE_CALLER};
	std::atomic<bool> blocks{true};
	std::atomic<bool> objects{true}; // xattrs, links, statfs, access, lseek
	std::atomic<bool> kept{true}; // absent xattrs stay so when the file is written
	std::atomic<bool> listings{true}; // of directories
	std::atomic<bool> complete{false}; // opendir tells all names
	std::atomic<bool> opens{false}; // opens for reading are answered from now on
	std::atomic<unsigned> file_flags{EXTFUSE_FILE_KEEP_CACHE}; // ... so; directories: 0
	std::atomic<bool> changes{true}; // replies of create, mkdir, setattr, ... too
	std::atomic<bool> unlinks{false}; // the name is known to be gone afterwards
	std::atomic<bool> split{false}; // put and reply apart, for Stage::Put
	std::atomic<bool> errors{false}; // ENOENT of a lookup is marked, too
	std::atomic<double> timeout{0}; // of replies, seconds
	std::atomic<bool> atime{true}; // reading moves the access time (relatime)
	std::atomic<bool> store_errors{false}; // are wanted: do not complain at the end
};

// Says no to a request of its caller: an errno, or 0. For file systems that check
// permissions themselves.
using Policy = std::function<int(const fuse_ctx &caller, Op op, uint64_t node, const char *name)>;

// Numbers at one moment; the difference of two is what happened between.
struct Counts {
	std::array<uint64_t, op_count> up = {}; // requests that reached the daemon
	extfuse_counters lib = {};

	uint64_t sent(Op op) const
	{
		return up[static_cast<size_t>(op)];
	}
	// All but FORGET, RELEASE, RELEASEDIR, which the kernel sends when it likes.
	uint64_t sent_all() const;
	const extfuse_op_stats &driver(extfuse_op op) const
	{
		return lib.driver.op[op];
	}
	// Answered in the kernel.
	uint64_t served(extfuse_op op) const;
	uint64_t refused(extfuse_op op) const;
	Counts operator-(const Counts &before) const;
	std::string text() const;
};

class TestFs
{
public:
	explicit TestFs(Config config = {});
	~TestFs();
	TestFs(const TestFs &) = delete;
	TestFs &operator=(const TestFs &) = delete;

	Store store;
	Annotations say;
	std::atomic<uint64_t> free_blocks{1000}; // as statfs says
	std::atomic<bool> nonseekable{false}; // FOPEN_NONSEEKABLE

	// What a broken daemon replies in place of what it has; set before requests.
	std::function<void(fuse_entry_param &)> spoil_entry;
	std::function<void(std::string &)> spoil_listing; // of READDIRPLUS
	std::function<void(struct stat &)> spoil_attr;
	// What an ioctl without data does to a node; set before requests.
	std::function<void(uint64_t node, unsigned command)> on_ioctl;

	// Puts behind the name "path" in the mount.
	std::string path(const std::string &name = {}) const;
	const Config &config() const
	{
		return config_;
	}
	struct extfuse *ext() const
	{
		return ext_;
	}
	// Given out by OPEN and OPENDIR, not released yet.
	size_t handles();
	int mount_error() const
	{
		return mount_error_;
	}
	// Put all names of a directory, and the attributes of their nodes, as .say has
	// it. How many.
	int prefetch(uint64_t dir);
	bool active() const
	{
		return extfuse_active(ext_);
	} // on our driver

	Hold hold(Op op, Stage stage, std::string name = {}, uint64_t node = 0)
	{
		return gates_.hold(op, stage, std::move(name), node);
	}
	void set_policy(Policy policy);

	Counts counts() const;
	uint64_t sent(Op op) const
	{
		return up_[static_cast<size_t>(op)];
	}
	// Empty the dentry cache until the FORGETs have come: the kernel gives names
	// that were used a second chance, and sends them when it has time. False
	// after some seconds.
	bool drop_until_forgotten(uint64_t node);
	bool drop_until_all_forgotten();

	// As umount(8) does; 0 or a negative errno. The daemon goes on until the
	// kernel tells it that the connection is over.
	int unmount(int flags = 0);
	int device() const; // the connection's descriptor
	struct fuse_session *session() const
	{
		return session_;
	}
	// Unmount if mounted, end the daemon. Idempotent.
	void stop();

private:
	friend struct Ops;
	friend struct ObjectOps;

	Config config_;
	std::string dir_;
	Gates gates_;
	std::array<std::atomic<uint64_t>, op_count> up_ = {};
	struct extfuse *ext_ = nullptr;
	struct fuse_session *session_ = nullptr;
	int mount_error_ = 0;
	bool mounted_ = false;
	bool stopped_ = false;
	std::thread loop_;

	std::mutex forget_mutex_;
	std::condition_variable forgotten_;
	std::mutex handles_mutex_;
	std::set<uint64_t> handles_;
	std::mutex policy_mutex_;
	Policy policy_;

	void mount();
	bool drop_until(const std::function<bool()> &done);
	void pass(Op op, Stage stage, uint64_t node, const char *name = "");
	void arrived(Op op, uint64_t node, const char *name = "");
	// Handles that the kernel names are ones it was given.
	void give(uint64_t handle);
	void check(Op op, uint64_t handle);
	void take_back(Op op, uint64_t handle);
};

// Binds the handler of a link to the mount of `device`; link -1: takes it off. 0 or a
// negative errno.
int bind_handler(int device, int link_fd, uint32_t size = sizeof(extfuse_bind), uint64_t flags = 0);

// The callbacks of libfuse; userdata is the TestFs.
const fuse_lowlevel_ops &test_fs_operations();
void add_object_operations(fuse_lowlevel_ops &table);

// ---------------------------------------------------------------------------
// What tests say about a piece of work:
//
//     const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(p), 0); });
//     EXPECT_EQ(c.sent(Op::Lookup), 0);
template <class Work> Counts during(TestFs &fs, Work work)
{
	const Counts before = fs.counts();
	work();
	return fs.counts() - before;
}

} // namespace extfuse_test

#endif
