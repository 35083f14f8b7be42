// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A kernel for tests of libextfuse: words in memory, a handler that is only its
// maps, mounts that are only written down.
#ifndef EXTFUSE_TESTS_UNIT_FAKE_KERNEL_HPP
#define EXTFUSE_TESTS_UNIT_FAKE_KERNEL_HPP

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counters.hpp"
#include "keys.hpp"
#include "object.hpp"

namespace exf::test
{

// The words as the driver lays them out, and what the driver does to them.
class FakeWords
{
public:
	static constexpr uint32_t count = 1024;
	static constexpr size_t page = 4096;
	static constexpr size_t bytes = page + (5 * count + EXTFUSE_MARK_COUNT) * sizeof(uint64_t);

	FakeWords()
	{
		base_ = static_cast<char *>(aligned_alloc(page, (bytes + page - 1) / page * page));
		std::fill_n(base_, bytes, 0);
		auto *h = header();
		h->magic = EXTFUSE_WORDS_MAGIC;
		h->abi_version = EXTFUSE_ABI_VERSION;
		h->bytes = bytes;
		h->seed = 0x123456789abcdefULL;
		h->node_offset = page;
		h->name_offset = page + count * sizeof(uint64_t);
		h->behind_offset = page + 2 * count * sizeof(uint64_t);
		h->data_offset = page + 3 * count * sizeof(uint64_t);
		h->xattr_offset = page + 4 * count * sizeof(uint64_t);
		h->node_count = h->name_count = h->behind_count = h->data_count = count;
		h->xattr_count = count;
		h->marks_offset = page + 5 * count * sizeof(uint64_t);
		h->marks_count = EXTFUSE_MARK_COUNT;
		h->mount_word = EXTFUSE_EPOCH_ONE;
		h->mount_data_word = EXTFUSE_EPOCH_ONE;
		h->changes = 1;
	}
	FakeWords(const FakeWords &) = delete;
	FakeWords &operator=(const FakeWords &) = delete;
	~FakeWords()
	{
		free(base_);
	}

	void *base()
	{
		return base_;
	}
	extfuse_words_header *header()
	{
		return reinterpret_cast<extfuse_words_header *>(base_);
	}
	uint64_t &node(uint64_t id)
	{
		return at(header()->node_offset, extfuse_node_hash(header()->seed, id));
	}
	uint64_t &behind(uint64_t id)
	{
		return at(header()->behind_offset, extfuse_node_hash(header()->seed, id));
	}
	uint64_t &data(uint64_t id)
	{
		return at(header()->data_offset, extfuse_node_hash(header()->seed, id));
	}
	uint64_t &xattr(uint64_t id)
	{
		return at(header()->xattr_offset, extfuse_node_hash(header()->seed, id));
	}
	uint64_t &fs()
	{
		return at(offsetof(extfuse_words_header, change_word), 0);
	}
	uint64_t &name(uint64_t parent, const char *name)
	{
		impl::NameKey key;

		if (!impl::make_name_key(header()->seed, parent, name, key))
			abort();
		return at(header()->name_offset, key.hash);
	}
	uint64_t mount()
	{
		return header()->mount_word;
	}
	uint64_t mount_data()
	{
		return header()->mount_data_word;
	}
	static void begin(uint64_t &word)
	{
		__atomic_fetch_add(&word, EXTFUSE_WORD_BEGIN, __ATOMIC_SEQ_CST);
	}
	static void end(uint64_t &word)
	{
		__atomic_fetch_add(&word, EXTFUSE_WORD_END, __ATOMIC_SEQ_CST);
	}
	static void change(uint64_t &word)
	{
		begin(word);
		end(word);
	}

private:
	uint64_t &at(uint64_t offset, uint64_t hash)
	{
		return reinterpret_cast<uint64_t *>(base_ +
						    offset)[EXTFUSE_WORD_INDEX(hash, count)];
	}

	char *base_;
};

// What happened, and what is to happen.
struct FakeState {
	FakeWords words;
	std::vector<std::string> calls;
	std::vector<impl::MountCall> mounts;
	impl::HandlerParams params;
	int open_error = 0;
	int load_error = 0;
	int attach_error = 0;
	int resolve_error = 0;
	int mount_error = 0;
	int map_error = 0;
	int bind_error = 0;
	int session_error = 0;
	std::string capabilities;
	bool over = false;
	int handlers_alive = 0;
	int mapped = 0;
	std::map<pid_t, std::string> status;
	extfuse_stats stats = {};
	std::vector<extfuse_backing> backings; // as asked for
	int backing_error = 0;
	std::vector<uint32_t> declared; // flags, as asked for
	int declare_error = 0;
	std::vector<extfuse_op_counters> per_cpu[EXTFUSE_OP_COUNT];

	bool called(const std::string &what) const
	{
		return std::find(calls.begin(), calls.end(), what) != calls.end();
	}
	// Position of a call, -1 if it was not made.
	long when(const std::string &what) const
	{
		const auto it = std::find(calls.begin(), calls.end(), what);

		return it == calls.end() ? -1 : it - calls.begin();
	}
};

class FakeHandler final : public impl::Handler
{
public:
	FakeHandler(FakeState &state, const impl::HandlerParams &p)
		: state_(state), names_(p.name_buckets), long_names_(p.long_name_buckets),
		  attrs_(p.attr_buckets), blocks_(p.block_buckets), objects_(p.object_buckets),
		  dirs_(p.dir_buckets), dir_names_(p.names_buckets), opens_(p.open_buckets),
		  switches_(p.switches)
	{
		maps_ = {names_, long_names_, attrs_, blocks_, objects_, dirs_, dir_names_, opens_};
		state_.handlers_alive++;
	}
	~FakeHandler() override
	{
		state_.handlers_alive--;
	}
	const impl::HandlerMaps &maps() const override
	{
		return maps_;
	}
	uint32_t *switches() override
	{
		return &switches_;
	}
	int attach() override
	{
		state_.calls.push_back("attach");
		if (state_.attach_error)
			return state_.attach_error;
		link_ = 77;
		return 0;
	}
	void detach() override
	{
		state_.calls.push_back("detach");
		link_ = -1;
	}
	int link_fd() const override
	{
		return link_;
	}
	int map_fd(const char *name) const override
	{
		return !strcmp(name, "own") ? 99 : -ENOENT;
	}
	int counters(std::span<extfuse_op_counters, EXTFUSE_OP_COUNT> out) override
	{
		for (size_t op = 0; op < EXTFUSE_OP_COUNT; op++)
			impl::sum_counters(state_.per_cpu[op], out[op]);
		return 0;
	}

private:
	FakeState &state_;
	std::vector<extfuse_name_bucket> names_;
	std::vector<extfuse_long_name_bucket> long_names_;
	std::vector<extfuse_attr_bucket> attrs_;
	std::vector<extfuse_data_bucket> blocks_;
	std::vector<extfuse_object_bucket> objects_;
	std::vector<extfuse_dir_bucket> dirs_;
	std::vector<extfuse_names_bucket> dir_names_;
	std::vector<extfuse_open_bucket> opens_;
	impl::HandlerMaps maps_;
	uint32_t switches_;
	int link_ = -1;
};

class FakeKernel final : public impl::Kernel
{
public:
	explicit FakeKernel(FakeState &state) : state_(state) {}

	int open_device(impl::Fd &out) override
	{
		if (state_.open_error)
			return state_.open_error;
		out = impl::Fd(open("/dev/null", O_RDWR | O_CLOEXEC));
		return out ? 0 : -errno;
	}
	std::string missing_capabilities() override
	{
		return state_.capabilities;
	}
	int load_handler(const impl::HandlerParams &params, const impl::Log &,
			 std::unique_ptr<impl::Handler> &out, std::string &reason) override
	{
		state_.params = params;
		if (state_.load_error) {
			reason = "the fake handler does not load";
			return state_.load_error;
		}
		out = std::make_unique<FakeHandler>(state_, params);
		return 0;
	}
	int resolve(const char *path, std::string &out, mode_t &mode) override
	{
		if (state_.resolve_error)
			return state_.resolve_error;
		out = path[0] == '/' ? path : std::string("/cwd/") + path;
		mode = S_IFDIR | 0755;
		return 0;
	}
	int mount(const impl::MountCall &call) override
	{
		state_.mounts.push_back(call);
		state_.calls.push_back("mount");
		return state_.mount_error;
	}
	int unmount(const std::string &target) override
	{
		state_.calls.push_back("unmount " + target);
		return 0;
	}
	bool connection_over(int) override
	{
		return state_.over;
	}
	void neutralize(int fd) override
	{
		state_.calls.push_back("neutralize " + std::to_string(fd));
	}
	int map_words(int, size_t bytes, void **out) override
	{
		if (state_.map_error)
			return state_.map_error;
		state_.mapped++;
		state_.calls.push_back("map " + std::to_string(bytes));
		*out = state_.words.base();
		return 0;
	}
	void unmap_words(void *, size_t) override
	{
		state_.mapped--;
		state_.calls.push_back("unmap");
	}
	int bind(int, int link_fd) override
	{
		state_.calls.push_back(link_fd < 0 ? "bind none" : "bind");
		bound = link_fd;
		return state_.bind_error;
	}
	int stats(int, extfuse_stats &out) override
	{
		out = state_.stats;
		return 0;
	}
	int declare(int, uint32_t flags) override
	{
		state_.declared.push_back(flags);
		return state_.declare_error;
	}

	int backing(int, const extfuse_backing &arg) override
	{
		state_.backings.push_back(arg);
		return state_.backing_error;
	}
	int task_status(pid_t pid, std::string &out) override
	{
		state_.calls.push_back("status " + std::to_string(pid));
		const auto it = state_.status.find(pid);
		if (it == state_.status.end())
			return -ENOENT;
		out = it->second;
		return 0;
	}
	int session_mount(fuse_session *, const char *mountpoint) override
	{
		int fd;

		state_.calls.push_back(std::string("session_mount ") + mountpoint);
		if (state_.session_error)
			return state_.session_error;
		// As libfuse: the session owns the descriptor.
		if (sscanf(mountpoint, "/dev/fd/%d", &fd) == 1)
			session_fd_ = impl::Fd(fd);
		return 0;
	}
	int session_take(fuse_session *, int fd, const fuse_custom_io &) override
	{
		state_.calls.push_back("session_take");
		if (state_.session_error)
			return state_.session_error;
		session_fd_ = impl::Fd(fd);
		return 0;
	}
	void session_unmount(fuse_session *) override
	{
		state_.calls.push_back("session_unmount");
	}
	int session_fd(fuse_session *) override
	{
		return session_fd_.get();
	}

	int bound = -2;

private:
	FakeState &state_;
	impl::Fd session_fd_;
};

// Not used by the fake, only told apart from null.
inline fuse_session *some_session()
{
	static char session;

	return reinterpret_cast<fuse_session *>(&session);
}

// Messages of an object.
struct Messages {
	std::vector<std::pair<extfuse_log_level, std::string>> all;

	static void log(void *userdata, extfuse_log_level level, const char *msg)
	{
		static_cast<Messages *>(userdata)->all.emplace_back(level, msg);
	}
	size_t count(extfuse_log_level level) const
	{
		return static_cast<size_t>(std::count_if(
			all.begin(), all.end(), [&](const auto &m) { return m.first == level; }));
	}
	bool mention(const std::string &text) const
	{
		return std::any_of(all.begin(), all.end(), [&](const auto &m) {
			return m.second.find(text) != std::string::npos;
		});
	}
};

struct Destroy {
	void operator()(extfuse *x) const
	{
		extfuse_destroy(x);
	}
};
using Object = std::unique_ptr<extfuse, Destroy>;

// An object on the fake kernel, not mounted. Null on failure, with the error.
inline Object make_object(FakeState &state, Messages &messages, fuse_args *args = nullptr,
			  extfuse_config config = {}, int *error = nullptr)
{
	extfuse *x = nullptr;

	config.size = sizeof(config);
	config.log = Messages::log;
	config.log_userdata = &messages;
	const int e = impl::make(&x, args, &config, std::make_unique<FakeKernel>(state));
	if (error)
		*error = e;
	return Object(x);
}

// Of a program that was given -o options; NULL: that was given none.
inline Object make_with(FakeState &state, Messages &messages, const char *options,
			extfuse_config config = {}, int *error = nullptr)
{
	fuse_args args = FUSE_ARGS_INIT(0, nullptr);

	fuse_opt_add_arg(&args, "program");
	if (options) {
		fuse_opt_add_arg(&args, "-o");
		fuse_opt_add_arg(&args, options);
	}
	Object x = make_object(state, messages, &args, config, error);
	fuse_opt_free_args(&args);
	return x;
}

} // namespace exf::test

#endif
