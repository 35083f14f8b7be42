// SPDX-License-Identifier: GPL-2.0-only
#include "history_model.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace extfuse_test::history
{

namespace
{

constexpr unsigned first_made = 24;
constexpr unsigned link_size = sizeof(link_target) - 1;

} // namespace

// One step of one operation.
class Stepper
{
	Model &m_;
	const Operation &op_;
	Model::Process &me_;
	const unsigned number_;
	const bool pending_;
	const unsigned choice_;
	const Rules &rules_;
	bool chosen_ = false; // there were two to choose from

	using Step = Model::Step;

	Node &node(uint8_t id)
	{
		return m_.node_[id];
	}

	Step done(int result)
	{
		me_.stage = 0;
		me_.at = me_.to = no_node;
		me_.old = {};
		return pending_ || result == op_.result ? Step::Done : Step::Refused;
	}
	Step done_if(bool seen)
	{
		const Step step = done(op_.result);
		return pending_ || seen ? step : Step::Refused;
	}
	Step more(uint8_t stage)
	{
		me_.stage = stage;
		return Step::More;
	}

	// The entry, or what a change behind the mount has just replaced.
	uint8_t look_up(uint8_t dir, unsigned name)
	{
		if (choice_) {
			for (const Model::Process &other : m_.process_) {
				if (other.old.dir != dir ||
				    other.old.entry[name] == node(dir).entry[name])
					continue;
				chosen_ = true;
				return other.old.entry[name];
			}
		}
		return node(dir).entry[name];
	}

	// The directory of a path: 0, or an error. Stages 0 and 1 may be this.
	int walk(const Place &place, uint8_t *dir)
	{
		*dir = place.dir;
		if (place.middle < 0)
			return 0;
		const uint8_t found = look_up(place.dir, unsigned(place.middle));
		if (found == no_node)
			return -ENOENT;
		*dir = found;
		switch (node(found).type) {
		case Type::Directory:
			return 0;
		case Type::Symlink:
			return -ENOENT; // where it points to nothing is
		default:
			return -ENOTDIR;
		}
	}

	uint8_t make(uint8_t dir, unsigned name, Type type, uint16_t mode)
	{
		const uint8_t id = uint8_t(first_made + number_);
		Node made;
		made.type = type;
		made.mode = mode;
		made.nlink = type == Type::Directory ? 0 : 1;
		made.size = type == Type::Symlink ? link_size : 0;
		node(id) = made;
		m_.made_ = std::max<uint32_t>(m_.made_, id + 1U);
		node(dir).entry[name] = id;
		return id;
	}

	bool empty(const Node &dir) const
	{
		return dir.entry[0] == no_node && dir.entry[1] == no_node;
	}

	bool bind(Node &of, uint64_t ino)
	{
		if (of.ino)
			return of.ino == ino;
		for (unsigned i = 0; i < m_.made_; i++)
			if (m_.node_[i].ino == ino)
				return false;
		of.ino = ino;
		return true;
	}

	// Does the test hold for what is, or for what a running change has replaced?
	template <class Test> bool now_or_old(uint8_t id, Test test)
	{
		const Node &n = node(id);
		Old now;
		now.size = n.size;
		now.mode = n.mode;
		now.xattr = n.xattr;
		memcpy(now.data, n.data, sizeof(now.data));
		if (test(now))
			return true;
		for (const Model::Process &other : m_.process_)
			if (other.old.node == id && test(other.old))
				return true;
		return false;
	}

	void keep_old(uint8_t id)
	{
		const Node &n = node(id);
		me_.old.node = id;
		me_.old.size = n.size;
		me_.old.mode = n.mode;
		me_.old.xattr = n.xattr;
		memcpy(me_.old.data, n.data, sizeof(n.data));
	}
	void keep_old_entries(uint8_t dir)
	{
		me_.old.dir = dir;
		memcpy(me_.old.entry, node(dir).entry, sizeof(me_.old.entry));
	}

	// ---------------------------------------------------------------------
	// What is done to a file that has been found

	Step stat_of(uint8_t id)
	{
		const Seen &seen = op_.seen;
		Node &n = node(id);
		if (pending_)
			return done(0);
		const bool dir = n.type == Type::Directory;
		return done_if(
			op_.result == 0 && seen.type == n.type && bind(n, seen.ino) &&
			(dir || seen.nlink == n.nlink) &&
			now_or_old(id, [&](auto &o) { return o.mode == seen.mode; }) &&
			(dir || now_or_old(id, [&](auto &o) { return o.size == seen.size; })));
	}

	Step get_xattr_of(uint8_t id)
	{
		if (pending_)
			return done(0);
		const uint8_t value = op_.result >= 0 ? op_.seen.byte : 0;
		return done_if((op_.result == -ENODATA || op_.result == 1) &&
			       now_or_old(id, [&](auto &o) { return o.xattr == value; }));
	}

	Step set_xattr_of(uint8_t id, uint8_t value)
	{
		Node &n = node(id);
		if (n.type == Type::Symlink)
			return done(-EPERM);
		if (!value && !n.xattr)
			return done(-ENODATA);
		n.xattr = value;
		return done(0);
	}

	Step chmod_of(uint8_t id)
	{
		node(id).mode = op_.mode;
		return done(0);
	}

	void resize(Node &n, unsigned size)
	{
		for (unsigned i = size; i < max_file; i++)
			n.data[i] = 0;
		n.size = uint8_t(size);
	}

	Step truncate_of(uint8_t id)
	{
		if (rules_.page_cache || is_behind(op_.call))
			keep_old(id);
		resize(node(id), op_.value);
		return me_.old.node == no_node ? done(0) : more(9);
	}

	Step write_to(uint8_t id)
	{
		Node &n = node(id);
		if (rules_.page_cache || is_behind(op_.call))
			keep_old(id);
		n.data[op_.offset] = op_.value;
		n.size = std::max<uint8_t>(n.size, op_.offset + 1);
		return me_.old.node == no_node ? done(1) : more(9);
	}

	// Stage 0: the size; stage 3: the byte.
	Step read_from(uint8_t id)
	{
		const unsigned at = op_.offset;
		if (pending_)
			return done(0);
		if (node(id).type == Type::Directory)
			return done(-EISDIR);
		if (me_.stage == 3)
			return done_if(now_or_old(id, [&](auto &o) {
				return o.data[at] == op_.seen.byte;
			}));
		if (op_.result == 0)
			return done_if(now_or_old(id, [&](auto &o) { return o.size <= at; }));
		if (op_.result != 1 || !now_or_old(id, [&](auto &o) { return o.size > at; }))
			return Step::Refused;
		return more(3);
	}

	// ---------------------------------------------------------------------
	// Operations by name. Stage 0: walk op.at; 1: walk op.to; 2: the name;
	// 3: the file; 4: the name after the link count; 9: the end of a change.

	Step open()
	{
		const uint8_t dir = me_.at;
		const uint8_t found = look_up(dir, unsigned(op_.at.name));
		const bool makes = op_.call != Call::Open;

		if (found == no_node) {
			if (!makes || node(dir).dead)
				return done(-ENOENT);
			if (node(dir).locked)
				return Step::Refused;
			me_.file = make(dir, unsigned(op_.at.name), Type::File, op_.mode);
			return done(0);
		}
		if (op_.call == Call::CreateNew)
			return done(-EEXIST);
		if (node(found).type == Type::Symlink)
			return done(-ELOOP);
		if (node(found).type == Type::Directory && !op_.read_only)
			return done(-EISDIR);
		me_.file = found;
		return done(0);
	}

	// The file of a name, which was found by a lookup of its own.
	Step of_name(uint8_t id)
	{
		const Type type = node(id).type;

		switch (op_.call) {
		case Call::Stat:
			return stat_of(id);
		case Call::GetXattr:
			return get_xattr_of(id);
		case Call::SetXattr:
		case Call::RemoveXattr:
			return set_xattr_of(id, op_.call == Call::SetXattr ? op_.value : 0);
		case Call::Readlink:
			return type == Type::Symlink
				       ? done_if(op_.result == int(link_size) && !op_.seen.stranger)
				       : done(-EINVAL);
		case Call::Chmod:
			return type == Type::Symlink ? done(-ENOENT) : chmod_of(id);
		case Call::Truncate:
			if (type == Type::File)
				return truncate_of(id);
			return done(type == Type::Directory ? -EISDIR : -ENOENT);
		default: // changes behind the mount: opened first, symlinks not followed
			if (type != Type::File)
				return done(type == Type::Directory ? -EISDIR : -ELOOP);
			return behind(id);
		}
	}

	Step behind(uint8_t id)
	{
		keep_old(id);
		switch (op_.call) {
		case Call::BehindWrite:
			return write_to(id);
		case Call::BehindTruncate:
			return truncate_of(id);
		case Call::BehindChmod:
			node(id).mode = op_.mode;
			break;
		default:
			node(id).xattr = op_.value;
		}
		return more(9);
	}

	Step list()
	{
		const Node &dir = node(me_.at);
		if (dir.dead)
			return done(-ENOENT);
		if (dir.locked)
			return Step::Refused;
		if (pending_)
			return done(0);
		if (op_.result < 0 || op_.seen.stranger)
			return Step::Refused;
		for (unsigned i = 0; i < dir_names; i++) {
			const Entry &seen = op_.seen.entries[i];
			bool right = listed(dir.entry[i], seen);
			for (const Model::Process &other : m_.process_)
				right = right || (other.old.dir == me_.at &&
						  listed(other.old.entry[i], seen));
			if (!right)
				return Step::Refused;
		}
		return done(op_.result);
	}
	bool listed(uint8_t id, const Entry &seen)
	{
		if (id == no_node)
			return seen.type == Type::None;
		return seen.type == node(id).type && bind(node(id), seen.ino);
	}

	Step make_name()
	{
		const uint8_t dir = me_.at;
		if (node(dir).entry[unsigned(op_.at.name)] != no_node)
			return done(-EEXIST);
		if (node(dir).dead)
			return done(-ENOENT);
		if (node(dir).locked)
			return Step::Refused;
		if (op_.call == Call::Mkdir)
			make(dir, unsigned(op_.at.name), Type::Directory, op_.mode);
		else
			make(dir, unsigned(op_.at.name), Type::Symlink, 0777);
		return done(0);
	}

	Step remove_name()
	{
		Node &dir = node(me_.at);
		const uint8_t victim = dir.entry[unsigned(op_.at.name)];

		if (me_.stage == 4) {
			dir.entry[unsigned(op_.at.name)] = no_node;
			dir.locked = 0;
			return done(0);
		}
		if (dir.locked)
			return Step::Refused;
		if (victim == no_node)
			return done(-ENOENT);
		Node &v = node(victim);
		if (op_.call == Call::Rmdir) {
			if (v.type != Type::Directory)
				return done(-ENOTDIR);
			if (v.locked)
				return Step::Refused;
			if (!empty(v))
				return done(-ENOTEMPTY);
			v.dead = true;
			dir.entry[unsigned(op_.at.name)] = no_node;
			return done(0);
		}
		if (v.type == Type::Directory)
			return done(-EISDIR);
		v.nlink--;
		dir.locked = 1;
		return pending_ || op_.result == 0 ? more(4) : Step::Refused;
	}

	// me.at: the file, me.to: the directory of the new name
	Step link()
	{
		Node &dir = node(me_.to);
		Node &file = node(me_.at);
		const unsigned name = unsigned(op_.to.name);

		if (me_.stage == 4) {
			dir.entry[name] = me_.at;
			dir.locked = 0;
			return done(0);
		}
		if (dir.locked)
			return Step::Refused;
		if (dir.entry[name] != no_node)
			return done(-EEXIST);
		if (dir.dead)
			return done(-ENOENT);
		if (file.type == Type::Directory)
			return done(-EPERM);
		if (!file.nlink)
			return done(-ENOENT);
		file.nlink++;
		dir.locked = 1;
		return pending_ || op_.result == 0 ? more(4) : Step::Refused;
	}

	Step move(Node &from, Node &to, uint8_t moved)
	{
		to.entry[unsigned(op_.to.name)] = moved;
		from.entry[unsigned(op_.at.name)] = no_node;
		from.locked = to.locked = 0;
		return done(0);
	}

	Step rename()
	{
		Node &from = node(me_.at), &to = node(me_.to);
		const uint8_t moved = from.entry[unsigned(op_.at.name)];
		const uint8_t target = to.entry[unsigned(op_.to.name)];

		if (me_.stage == 4)
			return move(from, to, moved);
		if (from.locked || to.locked)
			return Step::Refused;
		if (moved == no_node)
			return done(-ENOENT);
		if (op_.call == Call::RenameNoReplace && target != no_node)
			return done(-EEXIST);
		const bool exchange = op_.call == Call::RenameExchange;
		if (exchange && target == no_node)
			return done(-ENOENT);
		if (moved == me_.to) // into itself
			return done(-EINVAL);
		if (target == me_.at && target != no_node) // onto its own directory
			return done(exchange ? -EINVAL : -ENOTEMPTY);
		if (moved == target)
			return done(0);
		if (target == no_node) {
			if (to.dead)
				return done(-ENOENT);
			return move(from, to, moved);
		}
		if (exchange) {
			std::swap(from.entry[unsigned(op_.at.name)],
				  to.entry[unsigned(op_.to.name)]);
			return done(0);
		}
		return replace(from, to, moved, target);
	}

	Step replace(Node &from, Node &to, uint8_t moved, uint8_t target)
	{
		Node &v = node(target);
		const bool dir = node(moved).type == Type::Directory;

		if (dir && v.type != Type::Directory)
			return done(-ENOTDIR);
		if (!dir && v.type == Type::Directory)
			return done(-EISDIR);
		if (dir) {
			if (v.locked)
				return Step::Refused;
			if (!empty(v))
				return done(-ENOTEMPTY);
			v.dead = true;
			return move(from, to, moved);
		}
		v.nlink--;
		from.locked = to.locked = 1;
		return pending_ || op_.result == 0 ? more(4) : Step::Refused;
	}

	// Entries behind the mount: only this process changes them.
	Step behind_entry()
	{
		const uint8_t dir = op_.at.dir;
		Node &d = node(dir);
		const uint8_t found = d.entry[unsigned(op_.at.name)];
		const bool makes = op_.call == Call::BehindCreate;

		if (makes && found != no_node)
			return done(-EEXIST);
		if (!makes && found == no_node)
			return done(-ENOENT);
		keep_old_entries(dir);
		switch (op_.call) {
		case Call::BehindCreate:
			make(dir, unsigned(op_.at.name), Type::File, op_.mode);
			break;
		case Call::BehindRename: {
			const uint8_t target = d.entry[unsigned(op_.to.name)];
			if (target != no_node)
				node(target).nlink--;
			d.entry[unsigned(op_.to.name)] = found;
			d.entry[unsigned(op_.at.name)] = no_node;
			break;
		}
		default:
			node(found).nlink--;
			d.entry[unsigned(op_.at.name)] = no_node;
		}
		return more(9);
	}

	Step of_file()
	{
		if (me_.file == no_node)
			return Step::Refused;
		switch (op_.call) {
		case Call::Fstat:
			return stat_of(me_.file);
		case Call::Read:
			return read_from(me_.file);
		case Call::Write:
			return write_to(me_.file);
		case Call::Ftruncate:
			return truncate_of(me_.file);
		default:
			return chmod_of(me_.file);
		}
	}

	bool renames() const
	{
		return op_.call == Call::Rename || op_.call == Call::RenameNoReplace ||
		       op_.call == Call::RenameExchange;
	}

	Step list_walk()
	{
		// The last name of the path, and symlinks are not followed.
		int error = walk(op_.at, &me_.at);
		if (error == -ENOENT && me_.at != op_.at.dir && node(me_.at).type == Type::Symlink)
			error = -ENOTDIR;
		return error ? done(error) : Step::More;
	}

	Step begin_walk()
	{
		if (op_.call == Call::List) {
			const Step step = list_walk();
			if (step != Step::More)
				return step;
		} else if (const int error = walk(op_.at, &me_.at); error) {
			return done(error);
		}
		me_.stage = renames() ? 1 : 2;
		return Step::More;
	}

	Step by_name()
	{
		if (me_.stage == 0) {
			const bool one_step = op_.at.middle < 0;
			const Step step = begin_walk();
			if (step != Step::More || !one_step)
				return step;
		}
		if (me_.stage == 1 && (renames() || op_.call == Call::Link)) {
			uint8_t dir = no_node;
			const int error = walk(op_.to, &dir);
			if (error)
				return done(error);
			me_.to = dir;
			me_.stage = 2;
			if (op_.to.middle >= 0)
				return Step::More;
		}
		return last();
	}

	Step last()
	{
		switch (op_.call) {
		case Call::Create:
		case Call::CreateNew:
		case Call::Open:
			return open();
		case Call::List:
			return list();
		case Call::Mkdir:
		case Call::Symlink:
			return make_name();
		case Call::Unlink:
		case Call::Rmdir:
			return remove_name();
		case Call::Rename:
		case Call::RenameNoReplace:
		case Call::RenameExchange:
			return rename();
		case Call::Link:
			if (me_.to != no_node)
				return link();
			break;
		default:
			if (me_.stage == 3)
				return of_name(me_.at);
		}
		const uint8_t found = look_up(me_.at, unsigned(op_.at.name));
		if (found == no_node)
			return done(-ENOENT);
		me_.at = found;
		return more(op_.call == Call::Link ? 1 : 3);
	}

	Step run()
	{
		if (me_.stage == 9)
			return done(op_.call == Call::Write || op_.call == Call::BehindWrite);
		if (uses_file(op_.call))
			return of_file();
		if (op_.call == Call::BehindCreate || op_.call == Call::BehindUnlink ||
		    op_.call == Call::BehindRename)
			return behind_entry();
		return by_name();
	}

public:
	Stepper(Model &m, const Operation &op, unsigned number, bool pending, unsigned choice,
		const Rules &rules)
		: m_(m), op_(op), me_(m.process_[op.process]), number_(number), pending_(pending),
		  choice_(choice), rules_(rules)
	{
	}

	Step go()
	{
		const Step step = run();
		return choice_ && !chosen_ ? Step::Refused : step;
	}
};

Model::Step Model::step(const Operation &op, unsigned i, bool pending, unsigned choice,
			const Rules &rules)
{
	return Stepper(*this, op, i, pending, choice, rules).go();
}

Model::Model(const Tree &tree)
{
	for (unsigned d = 0; d < fixed_dirs; d++) {
		node_[d].type = Type::Directory;
		node_[d].ino = tree.dir_ino[d];
	}
	used_ = fixed_dirs;
	for (unsigned d = 0; d < fixed_dirs; d++)
		for (unsigned n = 0; n < dir_names; n++) {
			const uint8_t id = node_of(tree.file[d][n]);
			node_[d].entry[n] = id;
			if (id == no_node || node_[id].type != Type::Directory)
				continue;
			for (unsigned i = 0; i < dir_names; i++)
				node_[id].entry[i] = node_of(tree.inner[d][n][i]);
		}
	made_ = first_made;
}

uint8_t Model::node_of(const File &file)
{
	if (file.type == Type::None)
		return no_node;
	for (unsigned i = 0; i < used_; i++)
		if (node_[i].ino == file.ino)
			return uint8_t(i);
	Node &n = node_[used_];
	n.type = file.type;
	n.ino = file.ino;
	n.mode = file.mode;
	n.nlink = file.nlink;
	n.size = uint8_t(file.size);
	n.xattr = file.xattr;
	memcpy(n.data, file.data, sizeof(n.data));
	return uint8_t(used_++);
}

bool Model::same(const Node &node, const File &file)
{
	if (node.type != file.type || node.mode != file.mode || node.xattr != file.xattr ||
	    node.nlink != file.nlink || node.size != file.size ||
	    memcmp(node.data, file.data, sizeof(node.data)) != 0)
		return false;
	return !node.ino || node.ino == file.ino;
}

bool Model::is(const Tree &tree, unsigned dirs) const
{
	Model copy = *this;
	const auto fits = [&](uint8_t id, const File &file) {
		if (id == no_node || file.type == Type::None)
			return id == no_node && file.type == Type::None;
		if (!copy.same(copy.node_[id], file))
			return false;
		copy.node_[id].ino = file.ino;
		for (unsigned other = 0; other < copy.made_; other++)
			if (other != id && copy.node_[other].ino == file.ino)
				return false;
		return true;
	};
	for (unsigned d = 0; d < fixed_dirs; d++) {
		for (unsigned n = 0; (dirs & 1U << d) && n < dir_names; n++) {
			const uint8_t id = node_[d].entry[n];
			if (!fits(id, tree.file[d][n]))
				return false;
			if (id == no_node || node_[id].type != Type::Directory)
				continue;
			for (unsigned i = 0; i < dir_names; i++)
				if (!fits(node_[id].entry[i], tree.inner[d][n][i]))
					return false;
		}
	}
	return true;
}

uint64_t Model::hash(uint64_t seed) const
{
	const auto mix = [&](const void *from, size_t size) {
		for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
			uint64_t word;
			memcpy(&word, static_cast<const char *>(from) + i, sizeof(word));
			seed = (seed ^ word) * 0x9e3779b97f4a7c15;
			seed ^= seed >> 29;
		}
	};
	mix(process_, sizeof(process_));
	mix(node_, made_ * sizeof(Node));
	return seed;
}

std::vector<unsigned> Model::components(const Tree &tree)
{
	// Two names of one file: a change through one is seen through the other.
	unsigned joined[fixed_dirs] = {1, 2, 4};
	const auto join = [&](unsigned a, unsigned b) {
		const unsigned both = joined[a] | joined[b];
		for (unsigned d = 0; d < fixed_dirs; d++)
			if (joined[d] & both)
				joined[d] = both;
	};
	std::vector<std::pair<uint64_t, unsigned>> seen;
	const auto look = [&](const File &file, unsigned dir) {
		if (file.type == Type::None)
			return;
		for (const auto &[ino, other] : seen)
			if (ino == file.ino)
				join(dir, other);
		seen.emplace_back(file.ino, dir);
	};
	for (unsigned d = 0; d < fixed_dirs; d++)
		for (unsigned n = 0; n < dir_names; n++) {
			look(tree.file[d][n], d);
			for (const File &inner : tree.inner[d][n])
				look(inner, d);
		}
	std::vector<unsigned> out;
	for (const unsigned mask : joined)
		if (std::find(out.begin(), out.end(), mask) == out.end())
			out.push_back(mask);
	return out;
}

} // namespace extfuse_test::history
