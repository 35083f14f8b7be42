// SPDX-License-Identifier: GPL-2.0-only
//
// A daemon that goes by names knows of every file that is open before one of its
// names goes, in whatever order opens, removals and closes come.
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include <bpf/libbpf.h>

#include "backed_fs.hpp"
#include "hostile.h"
#include "hostile.skel.h"
#include "plain_fs.hpp"
#include "sys.hpp"

namespace extfuse_test
{

namespace
{

const std::string data(100000, 'd');

// Files that are opened without the daemon from now on.
void make_known(TestFs &fs, const std::vector<std::string> &names)
{
	for (const std::string &name : names)
		fs.store.add_file(name, data);
	for (int i = 0; i < 2; i++)
		for (const std::string &name : names)
			sys::read_file(fs.path(name));
	wait_for_no_handles(fs);
}

sys::Fd open_untold(TestFs &fs, const std::string &name)
{
	sys::Fd fd;
	const Counts c = during(fs, [&] { fd = sys::Fd(sys::open(fs.path(name), O_RDONLY)); });
	EXPECT_EQ(c.sent(Op::Open), 0U) << c.text();
	return fd;
}

// A policy that answers each OPEN with this error.
void refuse_opens(TestFs &fs, const std::atomic<int> &error)
{
	fs.set_policy([&](const fuse_ctx &, Op op, uint64_t, const char *) {
		return op == Op::Open ? error.load() : 0;
	});
}

// A handler that answers opens of one node, as one whose daemon wants to be told.
struct AnswersOpens {
	hostile *skeleton = hostile__open();
	bpf_link *link = nullptr;

	AnswersOpens()
	{
		if (skeleton)
			skeleton->struct_ops.hostile->flags = EXTFUSE_HANDLER_ALL_REPLIES;
		if (skeleton && !hostile__load(skeleton))
			link = bpf_map__attach_struct_ops(skeleton->maps.hostile);
		if (!link)
			throw std::runtime_error("cannot load hostile.bpf.o");
	}
	~AnswersOpens()
	{
		bpf_link__destroy(link);
		hostile__destroy(skeleton);
	}
	void answer(uint64_t node) const
	{
		hostile_orders &orders = skeleton->bss->orders;
		orders.open_node = node;
		orders.open_ret = EXTFUSE_HIT;
		orders.open_flags =
			EXTFUSE_OUT_ANSWERED | (EXTFUSE_SCOPE_ALL << EXTFUSE_OUT_SCOPE_SHIFT);
		orders.open_file = EXTFUSE_FILE_PLAIN | EXTFUSE_FILE_KEEP_CACHE;
		orders.open_on = 1;
	}
	Config config(Config c) const
	{
		c.handler_link = bpf_link__fd(link);
		return c;
	}
};

} // namespace

// Told of the file that is moved, and not yet of the one that is replaced.
TEST(Told, OfOpensDuringARename)
{
	Config config = private_cache();
	config.cache_links = true;
	PlainFs fs(config);
	make_known(fs, {"by", "replaced"});
	const sys::Fd by = open_untold(fs, "by"), replaced = open_untold(fs, "replaced");
	Hold held = fs.hold(Op::Open, Stage::Done, {}, fs.store.at("replaced"));
	auto rename =
		sys::in_background([&] { return sys::rename(fs.path("by"), fs.path("replaced")); });
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(fs.handles(), 2U);
	sys::Fd late;
	const Counts c = during(fs, [&] { late = sys::Fd(sys::open(fs.path("by"), O_RDONLY)); });
	EXPECT_EQ(c.sent(Op::Open), 1U) << c.text();
	held.release();
	EXPECT_EQ(rename.get(), 0);
	EXPECT_EQ(fs.handles(), 3U);
	sys::drop_pages();
	for (const int fd : {int(by), int(replaced), int(late)})
		EXPECT_EQ(sys::read_at(fd, data.size(), 0), data);
}

TEST(Told, InterruptedBeforeARemovalWhichIsNotSent)
{
	PlainFs fs(private_cache());
	make_known(fs, {"file", "other"});
	const sys::Fd fd = open_untold(fs, "file");
	std::atomic<int> error{EINTR};
	refuse_opens(fs, error);
	const Counts c = during(fs, [&] {
		EXPECT_EQ(sys::unlink(fs.path("file")), -EINTR);
		EXPECT_EQ(sys::rename(fs.path("file"), fs.path("new")), -EINTR);
		EXPECT_EQ(sys::rename(fs.path("other"), fs.path("file")), -EINTR);
	});
	EXPECT_EQ(c.sent(Op::Unlink) + c.sent(Op::Rename), 0U) << c.text();
	// Nothing is left in flight.
	for (const char *name : {"file", "other"})
		EXPECT_NE(extfuse_token_node(fs.ext(), fs.store.at(name)).word, 0U) << name;
	error = 0;
	EXPECT_EQ(sys::unlink(fs.path("file")), 0);
	EXPECT_EQ(fs.handles(), 1U);
	sys::drop_pages();
	EXPECT_EQ(sys::read_at(fd, data.size(), 0), data);
}

// A daemon that cannot open it now is asked again before the next name goes.
TEST(Told, AgainOfWhatItHasRefused)
{
	PlainFs fs(private_cache());
	make_known(fs, {"file"});
	const sys::Fd fd = open_untold(fs, "file");
	std::atomic<int> error{EMFILE};
	refuse_opens(fs, error);
	EXPECT_EQ(sys::rename(fs.path("file"), fs.path("moved")), 0);
	EXPECT_EQ(fs.handles(), 0U);
	error = 0;
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::unlink(fs.path("moved")), 0); });
	EXPECT_EQ(c.sent(Op::Open), 1U) << c.text();
	EXPECT_EQ(fs.handles(), 1U);
	sys::drop_pages();
	EXPECT_EQ(sys::read_at(fd, data.size(), 0), data);
}

// An open whose file is not what it was: it goes by the daemon, which says no, while
// who removes the name is waiting for the same answer. On the debug kernel: of memory
// that is there.
TEST(Told, OfAnOpenThatFails)
{
	const AnswersOpens handler;
	Backed fs(handler.config(passthrough()));
	const uint64_t node = fs.store.add_file("file", data);
	sys::stat(fs.path("file"));
	ASSERT_EQ(fs.give(node, data), 0);
	const sys::Fd first(sys::open(fs.path("file"), O_RDONLY)); // by the registered file
	EXPECT_EQ(fs.counts().lib.driver.backing_opens, 1U);
	extfuse_invalidate_node(fs.ext(), node);
	std::atomic<int> error{ENOENT};
	refuse_opens(fs, error);
	handler.answer(node);
	Hold held = fs.hold(Op::Open, Stage::Arrived, {}, node);
	auto opening = sys::in_background([&] { return sys::open(fs.path("file"), O_RDONLY); });
	ASSERT_TRUE(held.wait());
	auto removing = sys::in_background([&] { return sys::unlink(fs.path("file")); });
	std::this_thread::sleep_for(std::chrono::milliseconds(200));
	held.release();
	EXPECT_EQ(opening.get(), -ENOENT);
	EXPECT_EQ(removing.get(), 0);
	EXPECT_EQ(sys::stat(fs.path("file")), -ENOENT);
}

// What the daemon says to an open that has met a change is what open() says: a file
// that is open can be read.
TEST(Told, OfAnOpenThatMetAChange)
{
	const AnswersOpens handler;
	TestFs fs(handler.config({}));
	const uint64_t node = fs.store.add_file("file", data);
	sys::stat(fs.path("file"));
	std::atomic<int> error{ENOENT};
	refuse_opens(fs, error);
	handler.answer(node);
	std::atomic<bool> over{false};
	std::thread changing([&] {
		for (unsigned i = 0; !over; i++) {
			const auto next = std::chrono::steady_clock::now() +
					  std::chrono::microseconds(1U << i % 10);
			while (std::chrono::steady_clock::now() < next)
				;
			extfuse_invalidate_node(fs.ext(), node);
		}
	});
	int opened = 0, asked = 0;
	for (int i = 0; i < 20000 && asked < 20; i++) {
		const uint64_t before = fs.sent(Op::Open);
		const int fd = sys::open(fs.path("file"), O_RDONLY);
		if (fd >= 0) {
			opened++;
			EXPECT_EQ(fs.sent(Op::Open), before);
			::close(fd);
		} else {
			asked++;
			EXPECT_EQ(fd, -ENOENT);
		}
	}
	over = true;
	changing.join();
	EXPECT_GT(opened, 0);
	EXPECT_GT(asked, 0);
}

// Closed, and removed before the daemon comes to that: it has kept the file under
// another name until then.
TEST(Told, OfAFileClosedBeforeItIsRemoved)
{
	PlainFs fs(private_cache());
	fs.store.add_dir("a");
	const uint64_t node = fs.store.add_file("a/file", data);
	for (const char *name : {"a/one", "a/two"})
		fs.store.add_file(name);
	fs.store.add_file("a/.hidden");
	sys::Fd fd(sys::open(fs.path("a/file"), O_RDONLY));
	ASSERT_EQ(fs.handles(), 1U);
	Hold held = fs.hold(Op::Release, Stage::Arrived, {}, node);
	ASSERT_EQ(::close(fd.release()), 0);
	ASSERT_TRUE(held.wait());
	EXPECT_EQ(sys::unlink(fs.path("a/file")), 0);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(list(fs.path("a")).size(), 5U);
	const Counts c = during(fs, [&] { list(fs.path("a")); });
	EXPECT_EQ(c.sent_all(), 0U) << c.text();
	fs.store.unlink(fs.store.at("a"), ".hidden");
	held.release();
	for (int i = 0; i < 100 && list(fs.path("a")).size() != 4; i++)
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	EXPECT_EQ(list(fs.path("a")).size(), 4U);
}

} // namespace extfuse_test
