// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Wrapped sessions: made, mounted and destroyed in place of libfuse's.
#include "wrap.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "object.hpp"
#include "wrap_slots.hpp"

namespace exf::impl
{

namespace
{

std::array<std::atomic<extfuse_wrap *>, max_wrapped> slots;

bool claim(extfuse_wrap *w) noexcept
{
	for (size_t i = 0; i < slots.size(); i++) {
		extfuse_wrap *none = nullptr;

		w->number = i;
		if (slots[i].compare_exchange_strong(none, w))
			return true;
	}
	return false;
}

void drop(extfuse_wrap *w) noexcept
{
	slots[w->number] = nullptr;
	extfuse_destroy(w->x);
	delete w;
}

extfuse_wrap *find(const fuse_session *se) noexcept
{
	for (const auto &slot : slots) {
		extfuse_wrap *w = slot.load();

		if (w && se && w->session == se)
			return w;
	}
	return nullptr;
}

// A request in a pipe cannot be looked at, and its reply would have no mark. In either
// of the two ways in which a program says what it wants; libfuse refuses both at once.
class WithoutSplicedRequests
{
public:
	explicit WithoutSplicedRequests(fuse_conn_info *conn)
		: conn_(conn), want_(conn->want), want_ext_(conn->want_ext)
	{
	}
	WithoutSplicedRequests(const WithoutSplicedRequests &) = delete;
	WithoutSplicedRequests &operator=(const WithoutSplicedRequests &) = delete;
	~WithoutSplicedRequests()
	{
		const uint64_t low = UINT32_MAX;

		if (conn_->want != want_ && conn_->want != (conn_->want_ext & low)) {
			if (conn_->want_ext != want_ext_)
				return;
			conn_->want_ext = (conn_->want_ext & ~low) | conn_->want;
		}
		conn_->want_ext &= ~static_cast<uint64_t>(FUSE_CAP_SPLICE_READ);
		conn_->want = static_cast<uint32_t>(conn_->want_ext & low);
	}

private:
	fuse_conn_info *conn_;
	uint32_t want_;
	uint64_t want_ext_;
};

template <size_t number> void init_wrapped(void *userdata, fuse_conn_info *conn)
{
	const extfuse_wrap *w = wrap_slot(number);
	const WithoutSplicedRequests without(conn);

	if (w && w->init)
		w->init(userdata, conn);
}

template <size_t number> void *path_init_wrapped(fuse_conn_info *conn, fuse_config *config)
{
	const extfuse_wrap *w = wrap_slot(number);
	const WithoutSplicedRequests without(conn);

	return w && w->path_init ? w->path_init(conn, config) : fuse_get_context()->private_data;
}

// libfuse renames an open file that is unlinked, and removes it with its last close,
// of which the driver knows no change.
template <size_t number> int path_unlink_wrapped(const char *path)
{
	const extfuse_wrap *w = wrap_slot(number);
	const int error = w && w->path_unlink ? w->path_unlink(path) : -ENOSYS;

	if (w && opcode_of_this_thread() != FUSE_UNLINK)
		extfuse_invalidate_all(w->x);
	return error;
}

struct Callbacks {
	decltype(fuse_lowlevel_ops::init) init;
	decltype(fuse_operations::init) path_init;
	decltype(fuse_operations::unlink) path_unlink;
};

template <size_t... numbers> constexpr auto make_callbacks(std::index_sequence<numbers...>)
{
	return std::array<Callbacks, sizeof...(numbers)>{
		Callbacks{init_wrapped<numbers>, path_init_wrapped<numbers>,
			  path_unlink_wrapped<numbers>}...};
}

constexpr auto callbacks = make_callbacks(std::make_index_sequence<max_wrapped>());

// A copy of ops, as long as they are, with another value in a member that they have.
template <class Ops, class Member>
void replace(std::vector<std::byte> &ops, Member Ops::*which, Member by, Member &was)
{
	auto *typed = reinterpret_cast<Ops *>(ops.data());
	const auto *member = reinterpret_cast<const std::byte *>(&(typed->*which));

	if (member + sizeof(Member) > ops.data() + ops.size())
		return;
	was = typed->*which;
	typed->*which = by;
}

template <class Ops> void copy_ops(std::vector<std::byte> &out, const Ops *ops, size_t size)
{
	const auto *bytes = reinterpret_cast<const std::byte *>(ops);

	out.assign(bytes, bytes + size);
}

// A name of a notification, which need not end.
class Name
{
public:
	Name(const char *name, size_t length) noexcept
	{
		if (!name || length > NAME_MAX)
			return;
		memcpy(text_, name, length);
		valid_ = true;
	}
	const char *get() const noexcept
	{
		return valid_ ? text_ : nullptr;
	}

private:
	char text_[NAME_MAX + 1] = {};
	bool valid_ = false;
};

void outdate_entry(fuse_session *se, fuse_ino_t parent, const char *name, size_t length) noexcept
{
	if (const extfuse_wrap *w = find(se))
		extfuse_invalidate_entry(w->x, parent, Name(name, length).get());
}

} // namespace

extfuse_wrap *wrap_slot(size_t number) noexcept
{
	return slots[number].load(std::memory_order_acquire);
}

extfuse_wrap *wrap_begin(fuse_args *args, const extfuse_wrap_config *config,
			 std::unique_ptr<Kernel> kernel) noexcept
{
	extfuse_wrap_config c = {};
	extfuse_wrap *out = nullptr;

	no_throw([&] {
		const Log log;
		int error = read_wrap_config(config, c, log);

		if (!error)
			error = take_wrap_options(args, c, log);
		if (error)
			return error;
		auto w = std::make_unique<extfuse_wrap>();
		if (c.node_per_name)
			w->linked = std::make_unique<Linked>();
		error = make(&w->x, args, c.config, std::move(kernel));
		if (error)
			return error;
		if (!claim(w.get())) {
			w->x->log.error("more than %zu wrapped sessions in one process",
					max_wrapped);
			extfuse_destroy(w->x);
			return -EMFILE;
		}
		w->x->options.reply_hooks = true;
		w->x->io = wrapped_io(w->number);
		narrow_policy(c, w->x->options);
		w->marks =
			make_marks(c, w->x->mount_options.default_permissions, w->x->options.cache);
		w->x->options.mark_opens =
			(w->marks[FUSE_OPEN] | w->marks[FUSE_OPENDIR]) & EXTFUSE_MARK_SCOPE_MASK;
		out = w.release();
		return 0;
	});
	return out;
}

} // namespace exf::impl

using namespace exf::impl;

extern "C" {

struct extfuse_wrap *extfuse_wrap_begin(struct fuse_args *args,
					const struct extfuse_wrap_config *config)
{
	struct extfuse_wrap *w = nullptr;

	no_throw([&] {
		w = wrap_begin(args, config, make_linux_kernel());
		return 0;
	});
	return w;
}

const struct fuse_lowlevel_ops *extfuse_wrap_ops(struct extfuse_wrap *w,
						 const struct fuse_lowlevel_ops *ops, size_t size)
{
	const auto body = [&] {
		copy_ops(w->ops, ops, size);
		replace(w->ops, &fuse_lowlevel_ops::init, callbacks[w->number].init, w->init);
		return 0;
	};

	return no_throw(body) ? nullptr
			      : reinterpret_cast<const fuse_lowlevel_ops *>(w->ops.data());
}

const struct fuse_operations *extfuse_wrap_path_ops(struct extfuse_wrap *w,
						    const struct fuse_operations *ops, size_t size)
{
	const auto body = [&] {
		if (!w->linked)
			w->linked = std::make_unique<Linked>();
		copy_ops(w->ops, ops, size);
		replace(w->ops, &fuse_operations::init, callbacks[w->number].path_init,
			w->path_init);
		if (size >= offsetof(fuse_operations, unlink) + sizeof(ops->unlink) && ops->unlink)
			replace(w->ops, &fuse_operations::unlink, callbacks[w->number].path_unlink,
				w->path_unlink);
		return 0;
	};

	return no_throw(body) ? nullptr : reinterpret_cast<const fuse_operations *>(w->ops.data());
}

struct fuse_session *extfuse_wrap_end(struct extfuse_wrap *w, struct fuse_session *se)
{
	if (!se) {
		drop(w);
		return se;
	}
	w->session = se;
	// As marked replies are, so are those that a policy keeps.
	if (!w->linked)
		w->x->options.cache_links = true;
	return se;
}

struct extfuse *extfuse_wrapped(struct fuse_session *se)
{
	const extfuse_wrap *w = se ? find(se) : taken_by_this_thread();

	return w ? w->x : nullptr;
}

int extfuse_session_mount(struct fuse_session *se, const char *mountpoint)
{
	const extfuse_wrap *w = find(se);

	// Somebody else has mounted, and hands over the device.
	if (!w || (mountpoint && std::string_view(mountpoint).starts_with("/dev/fd/")))
		return fuse_session_mount(se, mountpoint);
	const int error = extfuse_mount(w->x, se, mountpoint);
	if (!error)
		return 0;
	errno = -error;
	return -1;
}

void extfuse_session_unmount(struct fuse_session *se)
{
	const extfuse_wrap *w = find(se);

	if (w && w->x->state != State::unmounted)
		extfuse_unmount(w->x);
	else
		fuse_session_unmount(se);
}

void extfuse_session_destroy(struct fuse_session *se)
{
	extfuse_wrap *w = find(se);

	if (w)
		extfuse_unmount(w->x);
	fuse_session_destroy(se);
	if (w)
		drop(w);
}

int extfuse_fuse_mount(struct fuse *f, const char *mountpoint)
{
	return extfuse_session_mount(fuse_get_session(f), mountpoint);
}

void extfuse_fuse_unmount(struct fuse *f)
{
	extfuse_session_unmount(fuse_get_session(f));
}

void extfuse_fuse_destroy(struct fuse *f)
{
	extfuse_wrap *w = find(fuse_get_session(f));

	if (w)
		extfuse_unmount(w->x);
	fuse_destroy(f);
	if (w)
		drop(w);
}

void extfuse_cmdline_help(void)
{
	fuse_cmdline_help();
	printf("%s    -o extfuse_leave=OP:... do not keep replies to lookup, getattr, read, ...\n"
	       "    -o extfuse_scope=WHO   who may have a kept reply: kernel, all, uid, caller\n",
	       extfuse_option_help());
}

int extfuse_notify_inval_inode(struct fuse_session *se, fuse_ino_t ino, off_t off, off_t len)
{
	if (const extfuse_wrap *w = find(se))
		extfuse_invalidate_node(w->x, ino);
	return fuse_lowlevel_notify_inval_inode(se, ino, off, len);
}

int extfuse_notify_inval_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
			       size_t namelen)
{
	outdate_entry(se, parent, name, namelen);
	return fuse_lowlevel_notify_inval_entry(se, parent, name, namelen);
}

int extfuse_notify_expire_entry(struct fuse_session *se, fuse_ino_t parent, const char *name,
				size_t namelen)
{
	outdate_entry(se, parent, name, namelen);
	return fuse_lowlevel_notify_expire_entry(se, parent, name, namelen);
}

int extfuse_notify_delete(struct fuse_session *se, fuse_ino_t parent, fuse_ino_t child,
			  const char *name, size_t namelen)
{
	outdate_entry(se, parent, name, namelen);
	if (const extfuse_wrap *w = find(se))
		extfuse_invalidate_node(w->x, child);
	return fuse_lowlevel_notify_delete(se, parent, child, name, namelen);
}

} // extern "C"
