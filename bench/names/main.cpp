// SPDX-License-Identifier: GPL-2.0-only
// bench-names: a file system of as many empty files as are asked for, which are nowhere but
// in its head, and all of whose answers are in the maps from the start.
//
//     bench-names COUNT MOUNTPOINT
//
// The files are DIRECTORY/NUMBER, a thousand in each directory, named as those of
// bench-load's names-*. Prints "populated" when all are in the maps; then, for each line
// that it gets, what was answered since the mount, as JSON; at the end of input it unmounts.
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 17)
#include <extfuse/extfuse.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace
{

constexpr uint64_t width = 1000; // files of a directory
constexpr uint64_t most = 100'000'000;
// Slots of the maps for 2 entries; the library rounds up to a power of two. With many
// fewer, names evict each other.
constexpr unsigned room = 5;

std::optional<uint64_t> number(std::string_view text)
{
	uint64_t n = 0;
	const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), n);
	// One name for each number.
	if (err != std::errc() || end != text.data() + text.size() ||
	    (text.size() > 1 && text[0] == '0'))
		return std::nullopt;
	return n;
}

// Ids are computed: the root's, those of directories, those of files. They never mean
// anything else.
class Names
{
public:
	Names(extfuse *x, uint64_t count)
		: x_(x), count_(count), directories_((count + width - 1) / width)
	{
	}
	void lookup(fuse_req_t req, fuse_ino_t parent, const char *name) const
	{
		const extfuse_token entry = extfuse_token_entry(x_, parent, name);
		const auto child = find(parent, name);
		if (!child) {
			extfuse_reply_negative(x_, req, parent, name, entry, EXTFUSE_SCOPE_ALL);
			return;
		}
		const extfuse_token node = extfuse_token_node(x_, *child);
		const fuse_entry_param e = entry_of(*child);
		extfuse_reply_entry(x_, req, parent, name, &e, entry, node, EXTFUSE_SCOPE_ALL,
				    EXTFUSE_SCOPE_ALL);
	}
	void getattr(fuse_req_t req, fuse_ino_t node) const
	{
		const extfuse_token token = extfuse_token_node(x_, node);
		const struct stat st = attributes(node);
		extfuse_reply_attr(x_, req, node, &st, 0, token, EXTFUSE_SCOPE_ALL);
	}
	void populate() const
	{
		for (uint64_t d = 0; d < directories_; d++) {
			put(FUSE_ROOT_ID, d, directory(d));
			for (uint64_t i = d * width; i < std::min(count_, (d + 1) * width); i++)
				put(directory(d), i, file(i));
		}
	}

private:
	static fuse_ino_t directory(uint64_t d)
	{
		return FUSE_ROOT_ID + 1 + d;
	}
	fuse_ino_t file(uint64_t i) const
	{
		return FUSE_ROOT_ID + 1 + directories_ + i;
	}
	bool is_directory(fuse_ino_t node) const
	{
		return node < file(0);
	}
	std::optional<fuse_ino_t> find(fuse_ino_t parent, const char *name) const
	{
		const auto n = number(name);
		if (!n)
			return std::nullopt;
		if (parent == FUSE_ROOT_ID)
			return *n < directories_ ? std::optional(directory(*n)) : std::nullopt;
		if (is_directory(parent) && *n < count_ && directory(*n / width) == parent)
			return file(*n);
		return std::nullopt;
	}
	struct stat attributes(fuse_ino_t node) const
	{
		struct stat st = {};
		st.st_ino = node;
		st.st_mode = is_directory(node) ? S_IFDIR | 0755 : S_IFREG | 0444;
		st.st_nlink = is_directory(node) ? 2 : 1;
		return st;
	}
	fuse_entry_param entry_of(fuse_ino_t node) const
	{
		fuse_entry_param e = {};
		e.ino = node;
		e.attr = attributes(node);
		return e;
	}
	void put(fuse_ino_t parent, uint64_t n, fuse_ino_t node) const
	{
		const std::string name = std::to_string(n);
		const fuse_entry_param e = entry_of(node);
		const int ret = extfuse_put_entry(x_, nullptr, parent, name.c_str(), &e,
						  extfuse_token_entry(x_, parent, name.c_str()),
						  extfuse_token_node(x_, node), EXTFUSE_SCOPE_ALL,
						  EXTFUSE_SCOPE_ALL);
		if (ret < 0)
			throw std::runtime_error("putting " + name + ": " + strerror(-ret));
	}

	extfuse *x_;
	uint64_t count_, directories_;
};

const Names &names_of(fuse_req_t req)
{
	return *static_cast<const Names *>(fuse_req_userdata(req));
}

constexpr fuse_lowlevel_ops operations()
{
	fuse_lowlevel_ops ops = {};
	ops.lookup = [](fuse_req_t req, fuse_ino_t parent, const char *name) {
		names_of(req).lookup(req, parent, name);
	};
	ops.getattr = [](fuse_req_t req, fuse_ino_t node, fuse_file_info *) {
		names_of(req).getattr(req, node);
	};
	return ops;
}

// Serves requests until it is destroyed.
class Serving
{
	fuse_session *session_;
	std::jthread thread_;

public:
	explicit Serving(fuse_session *session)
		: session_(session), thread_([session] { fuse_session_loop(session); })
	{
	}
	~Serving()
	{
		// As from outside: the loop waits for requests.
		fuse_session_exit(session_);
		pthread_kill(thread_.native_handle(), SIGTERM);
	}
	Serving(const Serving &) = delete;
	Serving &operator=(const Serving &) = delete;
};

struct Mounted {
	exf::Mount &mount;
	~Mounted()
	{
		mount.unmount();
	}
};

void print_counters(const exf::Mount &mount)
{
	const extfuse_counters c = mount.stats();
	const auto op = [&](extfuse_op which, const char *name) {
		std::cout << "\"" << name << ".hit\": " << c.driver.op[which].hit << ", \"" << name
			  << ".warm\": " << c.driver.op[which].warm << ", ";
	};
	std::cout << "{";
	op(EXTFUSE_OP_LOOKUP, "lookup");
	op(EXTFUSE_OP_GETATTR, "getattr");
	std::cout << "\"requests\": " << c.driver.sent_total << "}" << std::endl;
}

void run(uint64_t count, const char *mountpoint)
{
	char name[] = "bench-names", option[] = "-ofsname=bench-names";
	char *argv[] = {name, option, nullptr};
	exf::Args args(2, argv);
	extfuse_config config = {};

	config.fallback = EXTFUSE_FALLBACK_FAIL;
	config.no_remember = 1;
	config.max_names = config.max_attrs =
		static_cast<uint32_t>(std::max(count, uint64_t{1024}) * room / 2);
	exf::Mount mount(args.get(), config);
	Names all(mount.get(), count);
	const exf::Session session(args.get(), operations(), &all);
	if (fuse_set_signal_handlers(session.get()) < 0)
		throw std::runtime_error("no signal handlers");
	mount.mount(session.get(), mountpoint);
	const Mounted mounted{mount};
	const Serving serving(session.get());
	mount.declare_stable();
	all.populate();
	std::cout << "populated" << std::endl;
	for (std::string line; std::getline(std::cin, line);)
		print_counters(mount);
}

} // namespace

int main(int argc, char **argv)
{
	const auto count = argc == 3 ? number(argv[1]) : std::nullopt;
	if (!count || !*count || *count > most) {
		std::fprintf(stderr, "usage: bench-names COUNT MOUNTPOINT   (COUNT: 1 to %llu)\n",
			     static_cast<unsigned long long>(most));
		return 2;
	}
	try {
		run(*count, argv[2]);
		return 0;
	} catch (const std::exception &e) {
		std::fprintf(stderr, "bench-names: %s\n", e.what());
		return 1;
	}
}
