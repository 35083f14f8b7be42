// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libextfuse for C++20: the C API with owners for what must be given back, and
// tokens that cannot be taken too late by mistake. Header only.
//
// The namespace is exf (struct extfuse of the C API has taken the longer name).
//
//     class Hello {
//     public:
//             exf::Mount mount;
//
//             static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
//             {
//                     auto &fs = *static_cast<Hello *>(fuse_req_userdata(req));
//                     exf::EntryRead read(fs.mount, parent, name);    // token of the name
//                     ... openat, find or make the node ...
//                     read.node(ino);                                 // token of the node
//                     ... fstat ...
//                     read.reply(req, e, EXTFUSE_SCOPE_KERNEL);       // and cache it
//             }
//     };
//
//     int main(int argc, char *argv[])
//     {
//             exf::Args args(argc, argv);
//             Hello fs{exf::Mount(args.get())};
//             exf::Session session(args.get(), ops, &fs);
//             fs.mount.mount(session.get(), mountpoint);              // throws
//             int error = fuse_session_loop(session.get());
//             fs.mount.unmount();
//             return error != 0;
//     }
//
// Errors of set-up are thrown as std::system_error; nothing that a request handler
// calls throws. Not for: daemons on libfuse's high-level API, which has neither
// node ids nor a moment before the answer.
#ifndef EXTFUSE_EXTFUSE_HPP
#define EXTFUSE_EXTFUSE_HPP

#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <extfuse/extfuse.h>

namespace exf
{

namespace detail
{

inline void check(int result, const char *what)
{
	if (result < 0)
		throw std::system_error(-result, std::generic_category(), what);
}

} // namespace detail

// Command line of libfuse.
class Args
{
public:
	Args(int argc, char **argv) : args_{argc, argv, 0} {}
	Args(const Args &) = delete;
	Args &operator=(const Args &) = delete;
	~Args()
	{
		fuse_opt_free_args(&args_);
	}

	fuse_args *get()
	{
		return &args_;
	}

private:
	fuse_args args_;
};

// One mount on the extfuse driver, or on stock FUSE where that is not possible.
// Movable before it is mounted.
class Mount
{
public:
	// args loses extfuse's own options; both may be null.
	explicit Mount(fuse_args *args = nullptr, extfuse_config config = {})
	{
		extfuse *x;

		config.size = sizeof(config);
		detail::check(extfuse_new(&x, args, &config), "extfuse_new");
		x_.reset(x);
	}

	void mount(fuse_session *session, const char *mountpoint)
	{
		detail::check(extfuse_mount(get(), session, mountpoint), "extfuse_mount");
	}
	void unmount() noexcept
	{
		extfuse_unmount(get());
	}

	bool active() const noexcept
	{
		return extfuse_active(get());
	}
	bool default_permissions() const noexcept
	{
		return extfuse_default_permissions(get());
	}

	// Replies are marked: see "Reply hooks" in extfuse.h.
	bool reply_hooks() const noexcept
	{
		return extfuse_reply_hooks(get());
	}

	void attach()
	{
		detail::check(extfuse_attach(get()), "extfuse_attach");
	}
	void detach()
	{
		detail::check(extfuse_detach(get()), "extfuse_detach");
	}

	void declare_stable()
	{
		detail::check(extfuse_declare_stable(get()), "extfuse_declare_stable");
	}

	void invalidate_node(fuse_ino_t node) noexcept
	{
		extfuse_invalidate_node(get(), node);
	}
	void invalidate_entry(fuse_ino_t parent, const char *name) noexcept
	{
		extfuse_invalidate_entry(get(), parent, name);
	}
	void invalidate_all() noexcept
	{
		extfuse_invalidate_all(get());
	}

	// Zeros where it is not active.
	extfuse_counters stats() const noexcept
	{
		extfuse_counters counters = {};

		counters.size = sizeof(counters);
		extfuse_get_stats(get(), &counters);
		return counters;
	}

	// For all of the C API.
	extfuse *get() const noexcept
	{
		return x_.get();
	}

private:
	struct Destroy {
		void operator()(extfuse *x) const noexcept
		{
			extfuse_destroy(x);
		}
	};

	std::unique_ptr<extfuse, Destroy> x_;
};

// A session of libfuse. Unmount before it ends.
class Session
{
public:
	Session(fuse_args *args, const fuse_lowlevel_ops &ops, void *userdata)
		: se_(fuse_session_new(args, &ops, sizeof(ops), userdata))
	{
		if (!se_)
			detail::check(-EINVAL, "fuse_session_new");
	}

	fuse_session *get() const noexcept
	{
		return se_.get();
	}

private:
	struct Destroy {
		void operator()(fuse_session *se) const noexcept
		{
			fuse_session_destroy(se);
		}
	};

	std::unique_ptr<fuse_session, Destroy> se_;
};

// The reply that is sent by fuse_reply_*() in the life of this object is marked, where
// there are reply hooks.
class MarkedReply
{
public:
	MarkedReply(const Mount &mount, extfuse_scope scope,
		    extfuse_scope attr_scope = EXTFUSE_SCOPE_NONE) noexcept
	{
		extfuse_mark_reply(mount.get(), scope, attr_scope, 0);
	}
	MarkedReply(const MarkedReply &) = delete;
	MarkedReply &operator=(const MarkedReply &) = delete;
	~MarkedReply()
	{
		extfuse_unmark_reply();
	}
};

// Made by a request that changes what it answers (create, mkdir, setattr, ...).
inline constexpr struct changed_t {
} changed;

// The reading of attributes: make it before the backing store is read.
class NodeRead
{
public:
	NodeRead(const Mount &mount, fuse_ino_t node) noexcept
		: x_(mount.get()), node_(node), token_(extfuse_token_node(x_, node))
	{
	}
	NodeRead(const Mount &mount, fuse_ino_t node, changed_t) noexcept
		: x_(mount.get()), node_(node), token_(extfuse_token_changed_node(x_, node))
	{
	}

	int reply(fuse_req_t req, const struct stat &attr, extfuse_scope scope,
		  double timeout = 0) const noexcept
	{
		return extfuse_reply_attr(x_, req, node_, &attr, timeout, token_, scope);
	}
	bool put(const fuse_ctx *caller, const struct stat &attr,
		 extfuse_scope scope) const noexcept
	{
		return extfuse_put_attr(x_, caller, node_, &attr, token_, scope) > 0;
	}
	// Number of blocks stored; see extfuse_put_data().
	int put_data(const fuse_ctx *caller, uint64_t offset, const void *data, size_t len,
		     uint64_t file_size, extfuse_scope scope) const noexcept
	{
		return extfuse_put_data(x_, caller, node_, offset, data, len, file_size, token_,
					scope);
	}
	int reply_readlink(fuse_req_t req, const char *target, extfuse_scope scope) const noexcept
	{
		return extfuse_reply_readlink(x_, req, node_, target, token_, scope);
	}
	// room as the request says; list: names, each with its zero.
	int reply_listxattr(fuse_req_t req, size_t room, std::string_view list,
			    extfuse_scope scope) const noexcept
	{
		return extfuse_reply_listxattr(x_, req, node_, room, list.data(), list.size(),
					       token_, scope);
	}
	// No value: there is no such attribute.
	int reply_getxattr(fuse_req_t req, const char *name, size_t room,
			   std::optional<std::string_view> value,
			   extfuse_scope scope) const noexcept
	{
		return extfuse_reply_getxattr(x_, req, node_, name, room,
					      value ? value->data() : nullptr,
					      value ? value->size() : 0, token_, scope, 0);
	}
	int reply_access(fuse_req_t req, int mask, int error, extfuse_scope scope) const noexcept
	{
		return extfuse_reply_access(x_, req, node_, mask, error, token_, scope);
	}
	// result negative: ENXIO.
	int reply_lseek(fuse_req_t req, off_t offset, int whence, off_t result,
			extfuse_scope scope) const noexcept
	{
		return extfuse_reply_lseek(x_, req, node_, offset, whence, result, token_, scope);
	}
	int reply_readdir(fuse_req_t req, off_t offset, std::string_view entries, bool last,
			  extfuse_scope scope) const noexcept
	{
		return extfuse_reply_readdir(x_, req, node_, offset, entries.data(), entries.size(),
					     last, token_, scope);
	}
	bool put_names(const fuse_ctx *caller, const char *const *names, size_t count,
		       extfuse_scope scope) const noexcept
	{
		return extfuse_put_names(x_, caller, node_, names, count, token_, scope) > 0;
	}
	const extfuse_token &token() const noexcept
	{
		return token_;
	}

private:
	extfuse *x_;
	fuse_ino_t node_;
	extfuse_token token_;
};

// The reading of an extended attribute that writing to the file does not change.
class XattrRead
{
public:
	XattrRead(const Mount &mount, fuse_ino_t node) noexcept
		: x_(mount.get()), node_(node), token_(extfuse_token_xattr(x_, node))
	{
	}

	// No value: there is no such attribute.
	int reply(fuse_req_t req, const char *name, size_t room,
		  std::optional<std::string_view> value, extfuse_scope scope) const noexcept
	{
		return extfuse_reply_getxattr(x_, req, node_, name, room,
					      value ? value->data() : nullptr,
					      value ? value->size() : 0, token_, scope,
					      EXTFUSE_XATTR_KEPT);
	}

private:
	extfuse *x_;
	fuse_ino_t node_;
	extfuse_token token_;
};

// How full the file system is.
class StatfsRead
{
public:
	explicit StatfsRead(const Mount &mount) noexcept
		: x_(mount.get()), token_(extfuse_token_fs(x_))
	{
	}

	int reply(fuse_req_t req, fuse_ino_t node, const struct statvfs &st,
		  extfuse_scope scope) const noexcept
	{
		return extfuse_reply_statfs(x_, req, node, &st, token_, scope);
	}

private:
	extfuse *x_;
	extfuse_token token_;
};

// The reading of a name: make it before the backing store is read; tell the node
// as soon as it is known.
class EntryRead
{
public:
	EntryRead(const Mount &mount, fuse_ino_t parent, const char *name) noexcept
		: x_(mount.get()), parent_(parent), name_(name),
		  entry_(extfuse_token_entry(x_, parent, name)), since_(extfuse_snapshot_now(x_))
	{
	}
	EntryRead(const Mount &mount, fuse_ino_t parent, const char *name, changed_t) noexcept
		: x_(mount.get()), parent_(parent), name_(name),
		  entry_(extfuse_token_changed_entry(x_, parent, name)),
		  since_(extfuse_snapshot_now(x_))
	{
	}

	// Its attributes are read after this.
	void node(fuse_ino_t node) noexcept
	{
		node_ = extfuse_token_node(x_, node);
	}
	// Its attributes were read already, since this object was made. False: something
	// changed meanwhile, they are not going to be cached.
	bool node_read(fuse_ino_t node) noexcept
	{
		node_ = extfuse_token_node_since(x_, node, since_);
		return node_.word != 0;
	}

	int reply(fuse_req_t req, const fuse_entry_param &e, extfuse_scope entry_scope,
		  extfuse_scope attr_scope = EXTFUSE_SCOPE_ALL) const noexcept
	{
		return extfuse_reply_entry(x_, req, parent_, name_, &e, entry_, node_, entry_scope,
					   attr_scope);
	}
	int reply_create(fuse_req_t req, const fuse_entry_param &e, const fuse_file_info &fi,
			 extfuse_scope entry_scope,
			 extfuse_scope attr_scope = EXTFUSE_SCOPE_ALL) const noexcept
	{
		return extfuse_reply_create(x_, req, parent_, name_, &e, &fi, entry_, node_,
					    entry_scope, attr_scope);
	}
	// The name does not exist.
	int reply_negative(fuse_req_t req, extfuse_scope scope) const noexcept
	{
		return extfuse_reply_negative(x_, req, parent_, name_, entry_, scope);
	}

private:
	extfuse *x_;
	fuse_ino_t parent_;
	const char *name_;
	extfuse_token entry_;
	extfuse_snapshot since_;
	extfuse_token node_ = {};
};

} // namespace exf

#endif // EXTFUSE_EXTFUSE_HPP
