// SPDX-License-Identifier: GPL-2.0-only
#include "test_fs.hpp"

#include <gtest/gtest.h>

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "sys.hpp"

namespace extfuse_test
{

bool reply_hooks_by_default = false;
extfuse_policy policy_by_default = EXTFUSE_CACHE_ANNOTATED;

namespace
{

constexpr auto patience = std::chrono::milliseconds(10000);
constexpr unsigned daemon_threads = 16;

extfuse_config library_config(const Config &c)
{
	extfuse_config cfg = {};

	cfg.size = sizeof(cfg);
	cfg.driver = c.kind == Kind::Stock ? EXTFUSE_DRIVER_STOCK : EXTFUSE_DRIVER_EXTFUSE;
	cfg.fallback = EXTFUSE_FALLBACK_FAIL;
	cfg.no_handler = c.kind == Kind::NoHandler;
	cfg.no_remember = !c.remember;
	cfg.reply_hooks = c.reply_hooks;
	cfg.cache = c.cache;
	cfg.cache_for = c.cache_for;
	cfg.cache_links = c.cache_links;
	cfg.follow_atime = c.follow_atime;
	cfg.max_names = c.kind == Kind::Tiny ? 4 : c.max_names;
	cfg.max_long_names = c.kind == Kind::Tiny ? 4 : c.max_long_names;
	cfg.max_attrs = c.kind == Kind::Tiny ? 4 : c.max_attrs;
	cfg.max_blocks = c.kind == Kind::Tiny ? 4 : c.max_blocks;
	cfg.max_objects = c.kind == Kind::Tiny ? 4 : c.max_objects;
	cfg.max_dirs = c.kind == Kind::Tiny ? 4 : c.max_dirs;
	cfg.max_opens = c.kind == Kind::Tiny ? 4 : c.max_opens;
	return cfg;
}

void need(bool ok, const char *what, int error)
{
	if (!ok)
		throw std::runtime_error(std::string(what) + ": " + strerror(error));
}

void add_fields(void *into, const void *a, const void *b, size_t bytes)
{
	auto *out = static_cast<uint64_t *>(into);
	const auto *x = static_cast<const uint64_t *>(a);
	const auto *y = static_cast<const uint64_t *>(b);

	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		out[i] = x[i] - y[i];
}

} // namespace

uint64_t Counts::sent_all() const
{
	uint64_t sum = 0;
	for (uint64_t n : up)
		sum += n;
	return sum - sent(Op::Forget) - sent(Op::Release) - sent(Op::Releasedir);
}

uint64_t Counts::served(extfuse_op op) const
{
	return driver(op).warm + driver(op).hit + driver(op).error;
}

uint64_t Counts::refused(extfuse_op op) const
{
	const extfuse_op_stats &d = driver(op);
	return d.stale + d.dead + d.scope + d.invalid;
}

Counts Counts::operator-(const Counts &before) const
{
	Counts out;
	add_fields(out.up.data(), up.data(), before.up.data(), sizeof(up));
	add_fields(&out.lib.driver.op, &lib.driver.op, &before.lib.driver.op,
		   sizeof(lib.driver.op));
	add_fields(&out.lib.handler, &lib.handler, &before.lib.handler, sizeof(lib.handler));
	out.lib.put_entry = lib.put_entry - before.lib.put_entry;
	out.lib.put_attr = lib.put_attr - before.lib.put_attr;
	out.lib.put_data = lib.put_data - before.lib.put_data;
	out.lib.put_object = lib.put_object - before.lib.put_object;
	out.lib.put_dir = lib.put_dir - before.lib.put_dir;
	out.lib.put_names = lib.put_names - before.lib.put_names;
	out.lib.put_open = lib.put_open - before.lib.put_open;
	out.lib.driver.opened_late = lib.driver.opened_late - before.lib.driver.opened_late;
	out.lib.driver.backing_opens = lib.driver.backing_opens - before.lib.driver.backing_opens;
	out.lib.put_refused = lib.put_refused - before.lib.put_refused;
	out.lib.evicted = lib.evicted - before.lib.evicted;
	return out;
}

std::string Counts::text() const
{
	static constexpr std::array<const char *, EXTFUSE_OP_COUNT> ops = {
		"lookup", "getattr", "read",       "getxattr", "listxattr", "readlink",
		"statfs", "access",  "lseek",      "readdir",  "open",      "opendir",
		"flush",  "release", "releasedir", "write",    "setattr",   "create"};
	std::ostringstream s;
	s << "daemon:";
	for (size_t i = 0; i < op_count; i++)
		if (up[i])
			s << ' ' << op_name(static_cast<Op>(i)) << ' ' << up[i];
	for (size_t i = 0; i < ops.size(); i++) {
		const extfuse_op_stats &d = lib.driver.op[i];
		const extfuse_op_counters &h = lib.handler[i];
		s << "\n  " << ops[i] << ": warm " << d.warm << " hit " << d.hit << " error "
		  << d.error << " upcall " << d.upcall << " stale " << d.stale << " dead " << d.dead
		  << " scope " << d.scope << " invalid " << d.invalid << " sent " << d.sent
		  << " reply " << d.reply << " " << d.reply_stale << " " << d.reply_invalid
		  << "; handler absent " << h.miss[EXTFUSE_MISS_ABSENT] << " stale "
		  << h.miss[EXTFUSE_MISS_STALE] << " caller " << h.miss[EXTFUSE_MISS_CALLER]
		  << " torn " << h.miss[EXTFUSE_MISS_TORN] << " off " << h.miss[EXTFUSE_MISS_OFF]
		  << " error " << h.error;
	}
	s << "\n  put: entry " << lib.put_entry << " attr " << lib.put_attr << " data "
	  << lib.put_data << " object " << lib.put_object << " dir " << lib.put_dir << " names "
	  << lib.put_names << " open " << lib.put_open << " refused " << lib.put_refused
	  << " evicted " << lib.evicted;
	return s.str();
}

std::ostream &operator<<(std::ostream &out, const Counts &counts)
{
	return out << counts.text();
}

TestFs::TestFs(Config config) : config_(std::move(config))
{
	char dir[] = "/tmp/extfuse-test-XXXXXX";
	need(mkdtemp(dir), "mkdtemp", errno);
	dir_ = dir;
	if (policy_by_default != EXTFUSE_CACHE_ANNOTATED) {
		say.names = say.negatives = say.attrs = say.blocks = say.objects = false;
		say.listings = say.changes = false;
	}
	mount();
}

void TestFs::mount()
{
	std::string options;
	for (const auto &[on, option] :
	     {std::pair{config_.default_permissions, "default_permissions"},
	      std::pair{config_.allow_other, "allow_other"}})
		if (on)
			options += (options.empty() ? "" : ",") + std::string(option);
	for (const std::string &option : config_.options)
		options += (options.empty() ? "" : ",") + option;

	std::vector<char *> argv = {const_cast<char *>("test")};
	if (!options.empty()) {
		argv.push_back(const_cast<char *>("-o"));
		argv.push_back(options.data());
	}
	fuse_args args = FUSE_ARGS_INIT(static_cast<int>(argv.size()), argv.data());
	const extfuse_config cfg = library_config(config_);

	int error = extfuse_new(&ext_, &args, &cfg);
	need(error == 0, "extfuse_new", -error);
	session_ = fuse_session_new(&args, &test_fs_operations(), sizeof(fuse_lowlevel_ops), this);
	fuse_opt_free_args(&args);
	need(session_, "fuse_session_new", EINVAL);
	if (config_.handler_link >= 0) {
		error = extfuse_use_handler(ext_, config_.handler_link);
		need(error == 0, "extfuse_use_handler", -error);
	}
	mount_error_ = extfuse_mount(ext_, session_, dir_.c_str());
	if (mount_error_) {
		need(config_.may_fail, "extfuse_mount", -mount_error_);
		return;
	}
	mounted_ = true;
	if (config_.stable) {
		error = extfuse_declare_stable(ext_);
		need(error == 0, "extfuse_declare_stable", -error);
		store.keep_unlinked();
	}
	if (config_.kind == Kind::Off)
		extfuse_set_enabled(ext_, EXTFUSE_OP_COUNT, 0);
	loop_ = std::thread([this] {
		fuse_loop_config *loop = fuse_loop_cfg_create();
		fuse_loop_cfg_set_clone_fd(loop, 0);
		fuse_loop_cfg_set_max_threads(loop, daemon_threads);
		fuse_loop_cfg_set_idle_threads(loop, daemon_threads);
		fuse_session_loop_mt(session_, loop);
		fuse_loop_cfg_destroy(loop);
	});
	// The first request of the kernel is answered before any of the test's.
	struct stat st;
	::stat(dir_.c_str(), &st);
}

TestFs::~TestFs()
{
	stop();
	extfuse_destroy(ext_);
	if (session_)
		fuse_session_destroy(session_);
	rmdir(dir_.c_str());
	if (!say.store_errors && store.count_errors())
		ADD_FAILURE() << store.count_errors()
			      << " requests or FORGETs for nodes that the daemon does not know";
}

std::string TestFs::path(const std::string &name) const
{
	return name.empty() ? dir_ : dir_ + "/" + name;
}

void TestFs::set_policy(Policy policy)
{
	const std::lock_guard lock(policy_mutex_);
	policy_ = std::move(policy);
}

Counts TestFs::counts() const
{
	Counts c;
	for (size_t i = 0; i < op_count; i++)
		c.up[i] = up_[i];
	c.lib.size = sizeof(c.lib);
	const int error = extfuse_get_stats(ext_, &c.lib);
	if (error && extfuse_active(ext_))
		ADD_FAILURE() << "extfuse_get_stats: " << strerror(-error);
	return c;
}

int TestFs::prefetch(uint64_t dir)
{
	std::vector<Store::Entry> children;
	int stored = 0;

	store.list(dir, &children);
	for (const Store::Entry &child : children) {
		const extfuse_token entry = extfuse_token_entry(ext_, dir, child.name.c_str());
		const uint64_t id = store.lookup(dir, child.name).node.id;
		const extfuse_token node = extfuse_token_node(ext_, id);
		const Store::Found found = store.lookup(dir, child.name);
		if (child.name[0] == '.' || found.error || found.node.id != id)
			continue;
		fuse_entry_param e = {};
		e.ino = id;
		e.generation = found.node.generation;
		e.attr = found.attr;
		stored += extfuse_put_entry(ext_, nullptr, dir, child.name.c_str(), &e, entry, node,
					    say.entry, say.attr);
	}
	return stored;
}

bool TestFs::drop_until(const std::function<bool()> &done)
{
	std::unique_lock lock(forget_mutex_);
	for (int i = 0; i < 40; i++) {
		lock.unlock();
		sys::drop_caches();
		lock.lock();
		if (forgotten_.wait_for(lock, patience / 40, done))
			return true;
	}
	return false;
}

bool TestFs::drop_until_forgotten(uint64_t node)
{
	return drop_until([&] { return store.lookups(node) == 0; });
}

bool TestFs::drop_until_all_forgotten()
{
	return drop_until([&] { return store.lookups() == 0; });
}

int TestFs::unmount(int flags)
{
	if (!mounted_)
		return -EINVAL;
	if (umount2(dir_.c_str(), flags | UMOUNT_NOFOLLOW) < 0)
		return -errno;
	mounted_ = false;
	return 0;
}

int TestFs::device() const
{
	return fuse_session_fd(session_);
}

void TestFs::stop()
{
	if (stopped_)
		return;
	stopped_ = true;
	gates_.open_all();
	if (mounted_) {
		const int error = unmount();
		if (error) {
			if (!config_.may_fail)
				ADD_FAILURE() << "umount " << dir_ << ": " << strerror(-error);
			umount2(dir_.c_str(), MNT_FORCE);
			umount2(dir_.c_str(), MNT_DETACH);
			mounted_ = false;
		}
	}
	if (loop_.joinable())
		loop_.join();
	extfuse_unmount(ext_);
}

void TestFs::pass(Op op, Stage stage, uint64_t node, const char *name)
{
	gates_.pass(op, stage, node, name);
}

size_t TestFs::handles()
{
	const std::lock_guard lock(handles_mutex_);
	return handles_.size();
}

void TestFs::give(uint64_t handle)
{
	const std::lock_guard lock(handles_mutex_);
	handles_.insert(handle);
}

void TestFs::check(Op op, uint64_t handle)
{
	const std::lock_guard lock(handles_mutex_);
	if (!handles_.count(handle))
		ADD_FAILURE() << op_name(op) << " of handle " << handle
			      << ", which nobody gave out";
}

void TestFs::take_back(Op op, uint64_t handle)
{
	check(op, handle);
	const std::lock_guard lock(handles_mutex_);
	handles_.erase(handle);
}

void TestFs::arrived(Op op, uint64_t node, const char *name)
{
	up_[static_cast<size_t>(op)]++;
	gates_.pass(op, Stage::Arrived, node, name);
}

int bind_handler(int device, int link_fd, uint32_t size, uint64_t flags)
{
	extfuse_bind arg = {};

	arg.size = size;
	arg.link_fd = link_fd;
	arg.flags = flags;
	return sys::result(ioctl(device, EXTFUSE_IOC_BIND, &arg));
}

} // namespace extfuse_test
