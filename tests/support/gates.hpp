// SPDX-License-Identifier: GPL-2.0-only
//
// Places in a request's way where a test can stop it, so that races happen in
// the order the test wants.
//
//     auto held = fs.hold(Op::Lookup, Stage::Done, "name");
//     auto slow = in_background([&] { return sys::stat(path); });
//     held.wait();                // the request is there
//     ... whatever shall overtake it ...
//     held.release();
#ifndef EXTFUSE_TESTS_GATES_HPP
#define EXTFUSE_TESTS_GATES_HPP

#include <array>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace extfuse_test
{

enum class Op {
	Lookup,
	Forget,
	Getattr,
	Setattr,
	Readlink,
	Mknod,
	Mkdir,
	Unlink,
	Rmdir,
	Symlink,
	Rename,
	Link,
	Open,
	Read,
	Write,
	Flush,
	Release,
	Fsync,
	Opendir,
	Readdir,
	Readdirplus,
	Releasedir,
	Statfs,
	Setxattr,
	Getxattr,
	Listxattr,
	Removexattr,
	Access,
	Create,
	Fallocate,
	CopyFileRange,
	Lseek,
	Ioctl,
	Count
};

constexpr size_t op_count = static_cast<size_t>(Op::Count);
const char *op_name(Op op);

enum class Stage {
	Arrived, // nothing done yet
	Sampled, // tokens taken, store not touched
	Read, // store read, the token of what was found there not taken
	Done, // store read or changed; neither put nor replied
	Put, // put, not replied
};

class Gates;

// One request of a kind, stopped. Released at the end of its life at the latest.
class Hold
{
public:
	~Hold();
	Hold(Hold &&) = default;
	Hold(const Hold &) = delete;
	Hold &operator=(const Hold &) = delete;
	Hold &operator=(Hold &&) = delete;

	// Until a request is there. False after ten seconds (of a slow guest).
	bool wait();
	bool reached();
	void release();

private:
	friend class Gates;
	struct State {
		Op op;
		Stage stage;
		std::string name; // empty: any
		uint64_t node; // 0: any
		bool reached = false;
		bool released = false;
	};
	Hold(Gates &gates, std::shared_ptr<State> state) : gates_(&gates), state_(std::move(state))
	{
	}

	Gates *gates_;
	std::shared_ptr<State> state_;
};

class Gates
{
public:
	// The next request of this kind; name: of the entry, node: the request's.
	Hold hold(Op op, Stage stage, std::string name = {}, uint64_t node = 0);
	// Called by the daemon; waits if somebody holds.
	void pass(Op op, Stage stage, uint64_t node, const char *name = "");
	// From now on nobody waits.
	void open_all();

private:
	friend class Hold;
	std::mutex mutex_;
	std::condition_variable changed_;
	std::list<std::shared_ptr<Hold::State>> holds_;
	bool open_ = false;
};

} // namespace extfuse_test

#endif
