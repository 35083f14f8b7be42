// SPDX-License-Identifier: GPL-2.0-only
//
// The test file system's answers to requests.
#include "test_fs.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

namespace extfuse_test
{

namespace
{

constexpr uint64_t block_mask = EXTFUSE_BLOCK_SIZE - 1;

fuse_entry_param entry_of(const Store::Found &found)
{
	fuse_entry_param e = {};

	e.ino = found.node.id;
	e.generation = found.node.generation;
	e.attr = found.attr;
	return e;
}

// What an open directory lists, as of its opening.
struct Listing {
	std::vector<Store::Entry> entries;
	extfuse_token token = {0, 0};
};

} // namespace

// Static functions for the table; a struct, so that TestFs can have one friend.
struct Ops {
	static TestFs &fs(fuse_req_t req)
	{
		return *static_cast<TestFs *>(fuse_req_userdata(req));
	}
	static Owner owner(fuse_req_t req)
	{
		const fuse_ctx *c = fuse_req_ctx(req);
		return {c->uid, c->gid};
	}

	static int refusal(TestFs &f, fuse_req_t req, Op op, uint64_t node, const char *name = "")
	{
		Policy policy;
		{
			const std::lock_guard lock(f.policy_mutex_);
			policy = f.policy_;
		}
		return policy ? policy(*fuse_req_ctx(req), op, node, name) : 0;
	}

	// True if the request was refused and answered.
	static bool denied(TestFs &f, fuse_req_t req, Op op, uint64_t node, const char *name = "")
	{
		const int error = refusal(f, req, op, node, name);
		if (error)
			fuse_reply_err(req, error);
		return error;
	}

	static extfuse_token none()
	{
		return {0, 0};
	}

	static extfuse_scope unless(bool hidden, extfuse_scope scope)
	{
		return hidden ? EXTFUSE_SCOPE_NONE : scope;
	}

	static void reply_entry(TestFs &f, fuse_req_t req, Op op, uint64_t parent, const char *name,
				const Store::Found &found, extfuse_token entry, extfuse_token node)
	{
		fuse_entry_param e = entry_of(found);
		const bool said = op == Op::Lookup || f.say.changes;
		int error;

		e.entry_timeout = e.attr_timeout = f.say.timeout;
		if (f.spoil_entry)
			f.spoil_entry(e);
		f.pass(op, Stage::Done, parent, name);
		if (!f.say.names)
			entry = none();
		if (!f.say.attrs)
			node.word = 0;
		if (f.say.split) {
			extfuse_put_entry(f.ext_, fuse_req_ctx(req), parent, name, &e, entry, node,
					  f.say.entry, f.say.attr);
			f.pass(op, Stage::Put, parent, name);
			error = fuse_reply_entry(req, &e);
		} else {
			error = extfuse_reply_entry(f.ext_, req, parent, name, &e, entry, node,
						    unless(!said || !f.say.names, f.say.entry),
						    unless(!said || !f.say.attrs, f.say.attr));
		}
		if (error) // nobody waited any more: the kernel did not count it
			f.store.forget(e.ino, 1);
	}

	// Of a node whose attributes are going to be read now.
	static extfuse_token node_token(TestFs &f, const Store::Found &found)
	{
		return extfuse_token_node(f.ext_, found.node.id);
	}

	static void refresh(TestFs &f, Store::Found &found)
	{
		found.attr = f.store.attr(found.node.id).attr;
	}

	static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Lookup, parent, name);
		if (denied(f, req, Op::Lookup, parent, name))
			return;
		const extfuse_token entry = extfuse_token_entry(f.ext_, parent, name);
		const extfuse_snapshot since = extfuse_snapshot_now(f.ext_);
		f.pass(Op::Lookup, Stage::Sampled, parent, name);

		Store::Found found = f.store.lookup(parent, name, true);
		if (found.error == -ENOENT && f.say.negatives) {
			f.pass(Op::Lookup, Stage::Done, parent, name);
			extfuse_reply_negative(f.ext_, req, parent, name, entry, f.say.entry);
			return;
		}
		if (found.error) {
			f.pass(Op::Lookup, Stage::Done, parent, name);
			if (f.say.errors)
				extfuse_mark_reply(f.ext_, f.say.entry, EXTFUSE_SCOPE_NONE, 0);
			fuse_reply_err(req, -found.error);
			return;
		}
		f.pass(Op::Lookup, Stage::Read, parent, name);
		extfuse_token node = extfuse_token_node_since(f.ext_, found.node.id, since);
		if (!node.word) {
			node = node_token(f, found);
			refresh(f, found);
		}
		reply_entry(f, req, Op::Lookup, parent, name, found, entry, node);
	}

	static void forget_one(TestFs &f, fuse_ino_t node, uint64_t count)
	{
		f.arrived(Op::Forget, node);
		const std::lock_guard lock(f.forget_mutex_);
		f.store.forget(node, count);
		f.forgotten_.notify_all();
	}

	static void forget(fuse_req_t req, fuse_ino_t node, uint64_t count)
	{
		forget_one(fs(req), node, count);
		fuse_reply_none(req);
	}

	static void forget_multi(fuse_req_t req, size_t count, fuse_forget_data *all)
	{
		for (size_t i = 0; i < count; i++)
			forget_one(fs(req), all[i].ino, all[i].nlookup);
		fuse_reply_none(req);
	}

	static void reply_attr(TestFs &f, fuse_req_t req, Op op, Store::Found found,
			       extfuse_token token)
	{
		if (f.spoil_attr)
			f.spoil_attr(found.attr);
		f.pass(op, Stage::Done, found.node.id);
		if (found.error) {
			fuse_reply_err(req, -found.error);
			return;
		}
		if (!f.say.attrs)
			token = none();
		extfuse_reply_attr(f.ext_, req, found.node.id, &found.attr, f.say.timeout, token,
				   unless(!f.say.attrs || (op == Op::Setattr && !f.say.changes),
					  f.say.attr));
	}

	static void getattr(fuse_req_t req, fuse_ino_t node, fuse_file_info *)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Getattr, node);
		if (denied(f, req, Op::Getattr, node))
			return;
		const extfuse_token token = extfuse_token_node(f.ext_, node);
		f.pass(Op::Getattr, Stage::Sampled, node);
		reply_attr(f, req, Op::Getattr, f.store.attr(node), token);
	}

	static void setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int mask,
			    fuse_file_info *)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Setattr, node);
		const extfuse_token token =
			f.say.changes ? extfuse_token_changed_node(f.ext_, node) : none();
		f.pass(Op::Setattr, Stage::Sampled, node);
		reply_attr(f, req, Op::Setattr, f.store.setattr(node, *attr, mask), token);
	}

	static void make(fuse_req_t req, Op op, fuse_ino_t parent, const char *name, mode_t mode,
			 dev_t rdev, const char *target)
	{
		TestFs &f = fs(req);
		f.arrived(op, parent, name);
		const extfuse_token entry =
			f.say.changes ? extfuse_token_changed_entry(f.ext_, parent, name) : none();
		f.pass(op, Stage::Sampled, parent, name);
		Store::Found found =
			f.store.make(parent, name, mode, owner(req), rdev, target, true);
		if (found.error) {
			fuse_reply_err(req, -found.error);
			return;
		}
		const extfuse_token node = f.say.changes ? node_token(f, found) : none();
		refresh(f, found);
		reply_entry(f, req, op, parent, name, found, entry, node);
	}

	static void mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			  dev_t rdev)
	{
		make(req, Op::Mknod, parent, name, mode, rdev, "");
	}

	static void mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
	{
		make(req, Op::Mkdir, parent, name, (mode & 07777) | S_IFDIR, 0, "");
	}

	static void symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
	{
		make(req, Op::Symlink, parent, name, S_IFLNK | 0777, 0, target);
	}

	// After the store has changed: the name is known to be gone.
	static void put_gone(TestFs &f, fuse_req_t req, fuse_ino_t parent, const char *name,
			     extfuse_token entry)
	{
		if (f.say.unlinks)
			extfuse_put_entry(f.ext_, fuse_req_ctx(req), parent, name, nullptr, entry,
					  none(), f.say.entry, f.say.attr);
	}

	static void unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Unlink, parent, name);
		const extfuse_token entry = extfuse_token_changed_entry(f.ext_, parent, name);
		const int error = f.store.unlink(parent, name);
		if (!error)
			put_gone(f, req, parent, name, entry);
		f.pass(Op::Unlink, Stage::Done, parent, name);
		fuse_reply_err(req, -error);
	}

	static void rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Rmdir, parent, name);
		const extfuse_token entry = extfuse_token_changed_entry(f.ext_, parent, name);
		const int error = f.store.rmdir(parent, name);
		if (!error)
			put_gone(f, req, parent, name, entry);
		f.pass(Op::Rmdir, Stage::Done, parent, name);
		fuse_reply_err(req, -error);
	}

	static void rename(fuse_req_t req, fuse_ino_t parent, const char *name,
			   fuse_ino_t new_parent, const char *new_name, unsigned flags)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Rename, parent, name);
		const int error = f.store.rename(parent, name, new_parent, new_name, flags);
		f.pass(Op::Rename, Stage::Done, parent, name);
		fuse_reply_err(req, -error);
	}

	static void link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent, const char *name)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Link, parent, name);
		const bool say = f.say.changes;
		const extfuse_token entry =
			say ? extfuse_token_changed_entry(f.ext_, parent, name) : none();
		const extfuse_token token = say ? extfuse_token_changed_node(f.ext_, node) : none();
		const Store::Found found = f.store.link(node, parent, name, true);
		if (found.error)
			fuse_reply_err(req, -found.error);
		else
			reply_entry(f, req, Op::Link, parent, name, found, entry, token);
	}

	static void fill_open(TestFs &f, fuse_file_info *fi)
	{
		static std::atomic<uint64_t> next{100};

		fi->fh = next++;
		f.give(fi->fh);
		fi->direct_io = f.config_.direct_io;
		fi->parallel_direct_writes = f.config_.parallel;
		fi->keep_cache = f.config_.keep_cache;
		fi->nonseekable = f.nonseekable;
	}

	static void put_open(TestFs &f, fuse_req_t req, fuse_ino_t node, int flags,
			     unsigned file_flags, extfuse_token token)
	{
		if (f.say.opens && !(flags & O_TRUNC) && (flags & O_ACCMODE) == O_RDONLY)
			extfuse_put_open(f.ext_, fuse_req_ctx(req), node, file_flags, token,
					 f.say.open);
	}

	static void truncate(TestFs &f, fuse_ino_t node)
	{
		struct stat empty = {};
		f.store.setattr(node, empty, FUSE_SET_ATTR_SIZE);
	}

	static void open(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Open, node);
		if (denied(f, req, Op::Open, node))
			return;
		const extfuse_token token = extfuse_token_node(f.ext_, node);
		f.pass(Op::Open, Stage::Sampled, node);
		if (fi->flags & O_TRUNC)
			truncate(f, node);
		fill_open(f, fi);
		f.pass(Op::Open, Stage::Done, node);
		put_open(f, req, node, fi->flags, f.say.file_flags, token);
		fuse_reply_open(req, fi);
	}

	static void create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			   fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Create, parent, name);
		const bool say = f.say.changes;
		const extfuse_token entry =
			say ? extfuse_token_changed_entry(f.ext_, parent, name) : none();
		f.pass(Op::Create, Stage::Sampled, parent, name);

		Store::Found found = f.store.make(parent, name, (mode & 07777) | S_IFREG,
						  owner(req), 0, "", true);
		if (found.error == -EEXIST && !(fi->flags & O_EXCL)) {
			found = f.store.lookup(parent, name, true);
			if (!found.error && (fi->flags & O_TRUNC))
				truncate(f, found.node.id);
		}
		if (found.error) {
			fuse_reply_err(req, -found.error);
			return;
		}
		extfuse_token node = say && f.say.attrs ? node_token(f, found) : none();
		refresh(f, found);
		const fuse_entry_param e = entry_of(found);
		fill_open(f, fi);
		f.pass(Op::Create, Stage::Done, parent, name);
		if (extfuse_reply_create(f.ext_, req, parent, name, &e, fi,
					 f.say.names ? entry : none(), node,
					 unless(!say || !f.say.names, f.say.entry),
					 unless(!say || !f.say.attrs, f.say.attr)))
			f.store.forget(e.ino, 1);
	}

	static void read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
			 fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Read, node);
		f.check(Op::Read, fi->fh);
		if (denied(f, req, Op::Read, node))
			return;
		const extfuse_token token = extfuse_token_node(f.ext_, node);
		f.pass(Op::Read, Stage::Sampled, node);

		// Whole blocks around what is wanted.
		const uint64_t start = static_cast<uint64_t>(offset) & ~block_mask;
		const size_t before = static_cast<size_t>(offset) - start;
		const size_t wanted = (before + size + block_mask) & ~block_mask;
		const Store::Found found = f.store.attr(node);
		std::string data;
		const int got = f.store.read(node, start, wanted, &data);
		if (f.say.atime)
			f.store.note_read(node);
		f.pass(Op::Read, Stage::Done, node);
		if (got < 0) {
			fuse_reply_err(req, -got);
			return;
		}
		if (f.say.blocks && !f.config_.reply_hooks)
			extfuse_put_data(f.ext_, fuse_req_ctx(req), node, start, data.data(),
					 data.size(), static_cast<uint64_t>(found.attr.st_size),
					 token, f.say.data);
		f.pass(Op::Read, Stage::Put, node);
		const size_t from = std::min(before, data.size());
		if (f.say.blocks)
			extfuse_mark_reply(f.ext_, f.say.data, EXTFUSE_SCOPE_NONE, 0);
		fuse_reply_buf(req, data.data() + from, std::min(size, data.size() - from));
	}

	static void write(fuse_req_t req, fuse_ino_t node, const char *buf, size_t size,
			  off_t offset, fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Write, node);
		f.check(Op::Write, fi->fh);
		f.pass(Op::Write, Stage::Sampled, node);
		const int done =
			f.store.write(node, static_cast<uint64_t>(offset), std::string(buf, size));
		f.pass(Op::Write, Stage::Done, node);
		done < 0 ? fuse_reply_err(req, -done)
			 : fuse_reply_write(req, static_cast<size_t>(done));
	}

	static void flush(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Flush, node);
		f.check(Op::Flush, fi->fh);
		if (!denied(f, req, Op::Flush, node))
			fuse_reply_err(req, 0);
	}

	static void release(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.take_back(Op::Release, fi->fh);
		f.arrived(Op::Release, node);
		fuse_reply_err(req, 0);
	}

	static void fsync(fuse_req_t req, fuse_ino_t node, int, fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Fsync, node);
		f.check(Op::Fsync, fi->fh);
		fuse_reply_err(req, 0);
	}

	static void setlk(fuse_req_t req, fuse_ino_t, fuse_file_info *fi, struct flock *, int)
	{
		fs(req).check(Op::Flush, fi->fh);
		fuse_reply_err(req, 0);
	}

	static void put_names(TestFs &f, fuse_req_t req, fuse_ino_t node, const Listing &listing)
	{
		std::vector<const char *> names;
		for (const Store::Entry &entry : listing.entries)
			names.push_back(entry.name.c_str());
		extfuse_put_names(f.ext_, fuse_req_ctx(req), node, names.data(), names.size(),
				  listing.token, f.say.entry);
	}

	static void opendir(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Opendir, node);
		if (denied(f, req, Op::Opendir, node))
			return;
		const extfuse_token token = extfuse_token_node(f.ext_, node);
		auto listing = std::make_unique<Listing>();
		listing->token = extfuse_token_node(f.ext_, node);
		f.pass(Op::Opendir, Stage::Sampled, node);
		const int error = f.store.list(node, &listing->entries);
		if (error) {
			fuse_reply_err(req, -error);
			return;
		}
		f.pass(Op::Opendir, Stage::Done, node);
		if (f.say.complete)
			put_names(f, req, node, *listing);
		if (f.say.atime)
			f.store.note_read(node);
		fi->fh = reinterpret_cast<uint64_t>(listing.get());
		f.give(fi->fh);
		put_open(f, req, node, O_RDONLY, f.say.file_flags & EXTFUSE_FILE_NO_RELEASE, token);
		if (fuse_reply_open(req, fi) == 0)
			listing.release();
	}

	static void releasedir(fuse_req_t req, fuse_ino_t node, fuse_file_info *fi)
	{
		fs(req).take_back(Op::Releasedir, fi->fh);
		fs(req).arrived(Op::Releasedir, node);
		delete reinterpret_cast<Listing *>(fi->fh);
		fuse_reply_err(req, 0);
	}

	static void readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
			    fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Readdir, node);
		f.check(Op::Readdir, fi->fh);
		const Listing &listing = *reinterpret_cast<Listing *>(fi->fh);
		const auto &entries = listing.entries;
		std::string buf(size, '\0');
		size_t used = 0;
		size_t i = static_cast<size_t>(offset);

		for (; i < entries.size(); i++) {
			const size_t need =
				fuse_add_direntry(req, &buf[used], size - used,
						  entries[i].name.c_str(), &entries[i].attr,
						  static_cast<off_t>(i + 1));
			if (need > size - used)
				break;
			used += need;
		}
		f.pass(Op::Readdir, Stage::Done, node);
		extfuse_reply_readdir(f.ext_, req, node, offset, buf.data(), used,
				      i >= entries.size(), f.say.listings ? listing.token : none(),
				      f.say.object);
	}

	static void readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
				fuse_file_info *fi)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Readdirplus, node);
		f.check(Op::Readdirplus, fi->fh);
		const auto &entries = reinterpret_cast<Listing *>(fi->fh)->entries;
		std::string buf(size, '\0');
		size_t used = 0;

		for (size_t i = static_cast<size_t>(offset); i < entries.size(); i++) {
			const std::string &name = entries[i].name;
			const bool dots = name == "." || name == "..";
			const extfuse_token entry = extfuse_token_entry(f.ext_, node, name.c_str());
			Store::Found found = dots ? Store::Found{0, {}, entries[i].attr}
						  : f.store.lookup(node, name, true);
			if (found.error)
				continue;
			extfuse_token token = none();
			if (!dots) {
				token = node_token(f, found);
				refresh(f, found);
			}
			if (f.config().listed_at_open)
				found.attr = entries[i].attr;
			fuse_entry_param e = entry_of(found);
			e.entry_timeout = e.attr_timeout = f.say.timeout;
			if (f.spoil_entry && !dots)
				f.spoil_entry(e);
			const size_t need =
				fuse_add_direntry_plus(req, &buf[used], size - used, name.c_str(),
						       &e, static_cast<off_t>(i + 1));
			if (need > size - used) {
				if (!dots)
					f.store.forget(e.ino, 1);
				break;
			}
			used += need;
			const extfuse_batch_entry one = {name.c_str(), &e, entry, token};
			if (!dots && f.say.names)
				extfuse_put_entries(f.ext_, fuse_req_ctx(req), node, &one, 1,
						    f.say.entry, f.say.attr);
		}
		buf.resize(used);
		if (f.spoil_listing)
			f.spoil_listing(buf);
		f.pass(Op::Readdirplus, Stage::Done, node);
		fuse_reply_buf(req, buf.data(), buf.size());
	}

	static void access(fuse_req_t req, fuse_ino_t node, int mask)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Access, node);
		const extfuse_token token =
			f.say.objects ? extfuse_token_node(f.ext_, node) : none();
		const int error = refusal(f, req, Op::Access, node);
		f.pass(Op::Access, Stage::Done, node);
		extfuse_reply_access(f.ext_, req, node, mask, error, token, f.say.access);
	}

	static void getlk(fuse_req_t req, fuse_ino_t, fuse_file_info *fi, struct flock *lock)
	{
		fs(req).check(Op::Flush, fi->fh);
		lock->l_type = F_UNLCK;
		fuse_reply_lock(req, lock);
	}

	static void flock(fuse_req_t req, fuse_ino_t, fuse_file_info *fi, int)
	{
		fs(req).check(Op::Flush, fi->fh);
		fuse_reply_err(req, 0);
	}

	static void fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length,
			      fuse_file_info *)
	{
		TestFs &f = fs(req);
		f.arrived(Op::Fallocate, node);
		const Store::Found found = f.store.attr(node);
		if (mode) {
			fuse_reply_err(req, EOPNOTSUPP);
			return;
		}
		if (found.attr.st_size < offset + length)
			f.store.set_size(node, static_cast<uint64_t>(offset + length));
		fuse_reply_err(req, 0);
	}

	static void copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in, fuse_file_info *,
				    fuse_ino_t out, off_t off_out, fuse_file_info *, size_t len,
				    int)
	{
		TestFs &f = fs(req);
		f.arrived(Op::CopyFileRange, in);
		std::string data;
		int done = f.store.read(in, static_cast<uint64_t>(off_in), len, &data);
		if (done > 0)
			done = f.store.write(out, static_cast<uint64_t>(off_out), data);
		done < 0 ? fuse_reply_err(req, -done)
			 : fuse_reply_write(req, static_cast<size_t>(done));
	}

	static void want(fuse_conn_info *conn, uint64_t flag, bool on)
	{
		if (on)
			fuse_set_feature_flag(conn, flag); // if the kernel has it
		else
			fuse_unset_feature_flag(conn, flag);
	}

	static void init(void *userdata, fuse_conn_info *conn)
	{
		const Config &c = static_cast<TestFs *>(userdata)->config_;

		want(conn, FUSE_CAP_READDIRPLUS, c.readdirplus);
		want(conn, FUSE_CAP_READDIRPLUS_AUTO, c.readdirplus_auto);
		want(conn, FUSE_CAP_POSIX_ACL, c.posix_acl);
		want(conn, FUSE_CAP_AUTO_INVAL_DATA, c.auto_inval_data);
		want(conn, FUSE_CAP_WRITEBACK_CACHE, c.writeback);
		want(conn, FUSE_CAP_ATOMIC_O_TRUNC, c.atomic_o_trunc);
		want(conn, FUSE_CAP_SPLICE_READ, false);
		want(conn, FUSE_CAP_PASSTHROUGH, c.passthrough);
		conn->max_backing_stack_depth = 0;
	}
};

const fuse_lowlevel_ops &test_fs_operations()
{
	static const fuse_lowlevel_ops table = [] {
		fuse_lowlevel_ops t = {};
		t.init = Ops::init;
		t.lookup = Ops::lookup;
		t.forget = Ops::forget;
		t.forget_multi = Ops::forget_multi;
		t.getattr = Ops::getattr;
		t.setattr = Ops::setattr;
		t.mknod = Ops::mknod;
		t.mkdir = Ops::mkdir;
		t.symlink = Ops::symlink;
		t.unlink = Ops::unlink;
		t.rmdir = Ops::rmdir;
		t.rename = Ops::rename;
		t.link = Ops::link;
		t.open = Ops::open;
		t.create = Ops::create;
		t.read = Ops::read;
		t.write = Ops::write;
		t.flush = Ops::flush;
		t.release = Ops::release;
		t.setlk = Ops::setlk;
		t.getlk = Ops::getlk;
		t.flock = Ops::flock;
		t.fsync = Ops::fsync;
		t.opendir = Ops::opendir;
		t.readdir = Ops::readdir;
		t.readdirplus = Ops::readdirplus;
		t.releasedir = Ops::releasedir;
		t.access = Ops::access;
		t.fallocate = Ops::fallocate;
		t.copy_file_range = Ops::copy_file_range;
		add_object_operations(t);
		return t;
	}();
	return table;
}

} // namespace extfuse_test
