// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/fs.hpp"

#include "common/log.hpp"
#include "stackfs/dir.hpp"

#include <fcntl.h>

namespace stackfs
{

Fs::Fs(const Options &options, extfuse *x, UniqueFd root, const struct stat &root_stat,
       size_t max_node_fds)
	: options_(options), x_(x),
	  proc_fds_(open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)),
	  table_(std::move(root), root_stat, max_node_fds)
{
}

Fs::~Fs() = default;

void Fs::start()
{
	waiters_ = std::make_unique<Waiters>();
}

void Fs::stop() noexcept
{
	waiters_.reset();
}

namespace
{

void want(fuse_conn_info *conn, uint64_t flag, bool on)
{
	if (on)
		fuse_set_feature_flag(conn, flag); // if the kernel has it
	else
		fuse_unset_feature_flag(conn, flag);
}

} // namespace

void Fs::init(fuse_conn_info *conn)
{
	const bool active = extfuse_active(x_) != 0;
	cache_meta_ = active && options_.cache != CacheMode::none;
	cache_data_ = active && options_.cache == CacheMode::data;
	marks_ = extfuse_reply_hooks(x_) != 0;
	stable_ = cache_meta_ && options_.stable && extfuse_declare_stable(x_) == 0;
	if (stable_)
		table_.keep(options_.stable);
	kernel_checks_ = extfuse_default_permissions(x_) != 0;
	splice_ = options_.splice;
	backing_ = active && options_.backing && !options_.direct_io &&
		   fuse_get_feature_flag(conn, FUSE_CAP_PASSTHROUGH);

	want(conn, FUSE_CAP_DONT_MASK, true); // default ACLs replace the umask
	want(conn, FUSE_CAP_POSIX_ACL, kernel_checks_);
	want(conn, FUSE_CAP_ATOMIC_O_TRUNC, true);
	want(conn, FUSE_CAP_AUTO_INVAL_DATA, true);
	want(conn, FUSE_CAP_WRITEBACK_CACHE, false);
	passthrough_ = options_.passthrough && fuse_get_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
	if (options_.passthrough && !passthrough_)
		log_warning("--passthrough is off: this kernel's FUSE does not offer it");
	want(conn, FUSE_CAP_PASSTHROUGH, backing_ || passthrough_);
	// libfuse says one more: files of file systems that are not stacked themselves.
	conn->max_backing_stack_depth = 0;
	want(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP, options_.direct_io);
	for (const uint64_t flag :
	     {FUSE_CAP_SPLICE_READ, FUSE_CAP_SPLICE_WRITE, FUSE_CAP_SPLICE_MOVE})
		want(conn, flag, splice_);
	if (options_.max_write)
		conn->max_write = options_.max_write;
	if (options_.max_read)
		conn->max_read = options_.max_read;
	if (!kernel_checks_ && (options_.entry_timeout > 0 || options_.attr_timeout > 0))
		log_warning("with --entry-timeout or --attr-timeout, and without "
			    "-o default_permissions, a user may be shown what another was allowed "
			    "to see: add -o default_permissions if several use this mount");
	log_debug("session is up: %s, names and attributes %s, data %s",
		  active ? "extfuse driver" : "stock FUSE", cache_meta_ ? "cached" : "not cached",
		  cache_data_ ? "cached" : "not cached");
}

} // namespace stackfs
