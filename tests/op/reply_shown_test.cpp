// SPDX-License-Identifier: GPL-2.0-only
//
// Which replies a handler is shown, with what, and which never: a handler of the
// test's own writes down what it sees.
#include <gtest/gtest.h>

#include <dirent.h>
#include <linux/fuse.h>
#include <sys/mman.h>

#include <cstring>

#include <bpf/libbpf.h>

#include "sys.hpp"
#include "test_fs.hpp"
#include "witness.h"
#include "witness.skel.h"

namespace extfuse_test
{

namespace
{

constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto getattr = EXTFUSE_OP_GETATTR;

struct Witness {
	explicit Witness(uint32_t flags)
	{
		skeleton = witness__open();
		if (!skeleton)
			throw std::runtime_error("witness__open");
		skeleton->struct_ops.witness->flags = flags;
		if (witness__load(skeleton))
			throw std::runtime_error("witness__load");
		link = bpf_map__attach_struct_ops(skeleton->maps.witness);
		if (!link)
			throw std::runtime_error("attach");
	}
	~Witness()
	{
		bpf_link__destroy(link);
		witness__destroy(skeleton);
	}
	Witness(const Witness &) = delete;
	Witness &operator=(const Witness &) = delete;

	// A copy: the programs write while it is read.
	witness_account saw() const
	{
		witness_account copy;
		memcpy(&copy, &skeleton->data->account, sizeof(copy));
		return copy;
	}

	// What was seen so far: the root, when the mount was made.
	void forget()
	{
		memset(&skeleton->data->account, 0, sizeof(skeleton->data->account));
	}

	::witness *skeleton = nullptr;
	bpf_link *link = nullptr;
};

Config with(const Witness &w, bool hooks)
{
	Config c;
	c.reply_hooks = hooks;
	c.handler_link = bpf_link__fd(w.link);
	return c;
}

// The table of marks, as a daemon may write it.
class Marks
{
public:
	explicit Marks(const TestFs &fs)
	{
		auto *header = static_cast<extfuse_words_header *>(
			mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fs.device(), 0));
		bytes_ = header->bytes;
		const uint64_t offset = header->marks_offset;
		munmap(header, 4096);
		base_ = static_cast<char *>(
			mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fs.device(), 0));
		table_ = reinterpret_cast<uint64_t *>(base_ + offset);
	}
	~Marks()
	{
		munmap(base_, bytes_);
	}
	Marks(const Marks &) = delete;
	Marks &operator=(const Marks &) = delete;

	void fill(uint64_t element)
	{
		for (uint32_t i = 0; i < EXTFUSE_MARK_COUNT; i++)
			__atomic_store_n(&table_[i], element, __ATOMIC_RELAXED);
	}

private:
	char *base_;
	uint64_t *table_;
	size_t bytes_;
};

constexpr uint64_t any_mark =
	EXTFUSE_MARK_SET | EXTFUSE_SCOPE_ALL | EXTFUSE_SCOPE_ALL << EXTFUSE_MARK_ATTR_SHIFT;

} // namespace

TEST(ReplyShown, AllOfADaemonThatMarksNothing)
{
	Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
	TestFs fs(with(w, false));
	fs.say.timeout = 2.5;
	const std::string name(100, 'n');
	const uint64_t node = fs.store.add_file(name, "data");
	ASSERT_EQ(fs.store.set_xattr(node, "user.name", "value"), 0);

	EXPECT_EQ(sys::attr(fs.path(name)).st_ino, node);
	witness_account saw = w.saw();
	EXPECT_EQ(saw.parent, Store::root);
	EXPECT_EQ(saw.nodeid, node);
	EXPECT_EQ(saw.valid, 2);
	EXPECT_EQ(saw.valid_nsec, 500000000);
	EXPECT_EQ(saw.opcode, FUSE_LOOKUP);
	EXPECT_EQ(saw.mark, 0);
	EXPECT_EQ(std::string(saw.name, saw.name_len), name);
	EXPECT_EQ(saw.attr_node, node);
	EXPECT_EQ(saw.attr_valid, 2);
	EXPECT_EQ(saw.attr_size, 4);
	EXPECT_EQ(saw.attr_flags, EXTFUSE_REPLY_OF_ENTRY);

	EXPECT_EQ(sys::chmod(fs.path(name), 0600), 0);
	EXPECT_EQ(w.saw().attr_opcode, FUSE_SETATTR);
	EXPECT_EQ(w.saw().attr_flags, 0);

	char buffer[64];
	EXPECT_EQ(::lgetxattr(fs.path(name).c_str(), "user.name", buffer, sizeof(buffer)), 5);
	saw = w.saw();
	EXPECT_EQ(saw.op, EXTFUSE_OP_GETXATTR);
	EXPECT_EQ(saw.error, 0);
	EXPECT_EQ(saw.size, 5);
	EXPECT_EQ(saw.copied, 5);
	EXPECT_EQ(std::string(saw.data, 5), "value");
	EXPECT_EQ(::lgetxattr(fs.path(name).c_str(), "user.none", buffer, sizeof(buffer)), -1);
	EXPECT_EQ(w.saw().error, -ENODATA);

	EXPECT_EQ(sys::stat(fs.path("absent")), -ENOENT);
	EXPECT_EQ(w.saw().nodeid, 0);
	EXPECT_EQ(w.saw().name_len, 6);
}

TEST(ReplyShown, DataReadAheadIsNobodys)
{
	Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
	TestFs fs(with(w, false));
	fs.store.add_file("file", std::string(5000, 'x'));
	sys::as_user(1000, [&] { return sys::read_file(fs.path("file")); });
	const witness_account saw = w.saw();
	ASSERT_GE(saw.reads, 1);
	EXPECT_EQ(saw.offset, 0);
	EXPECT_EQ(saw.read_size, 5000);
	EXPECT_EQ(saw.read_copied, WITNESS_BYTES);
	EXPECT_EQ(std::string(saw.read_data, WITNESS_BYTES), std::string(WITNESS_BYTES, 'x'));
	EXPECT_TRUE(saw.read_flags & EXTFUSE_REPLY_FILE_SIZE);
	EXPECT_EQ(saw.file_size, 5000);
	EXPECT_TRUE(saw.read_flags & EXTFUSE_READ_BACKGROUND);
	EXPECT_EQ(saw.uid, 0);
}

// Its pages are the reader's: another thread of it can change there what was replied.
TEST(ReplyShown, DirectReadsAreNot)
{
	Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
	Config config = with(w, false);
	config.direct_io = true;
	TestFs fs(config);
	fs.store.add_file("file", std::string(5000, 'x'));
	const sys::Fd fd(sys::open(fs.path("file"), O_RDONLY));
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::read_at(fd, 8192, 0).size(), 5000); });
	EXPECT_GE(c.sent(Op::Read), 1) << c.text();
	EXPECT_EQ(c.driver(EXTFUSE_OP_READ).reply, 0) << c.text();
	EXPECT_EQ(w.saw().reads, 0);
}

TEST(ReplyShown, NothingUnmarkedWithoutTheFlag)
{
	Witness w(0);
	TestFs fs(with(w, true));
	fs.say.names = false;
	fs.say.attrs = false;
	fs.store.add_file("name", "data");
	w.forget();
	EXPECT_EQ(sys::stat(fs.path("name")), 0);
	EXPECT_EQ(sys::stat(fs.path("name")), 0);
	EXPECT_EQ(w.saw().entries + w.saw().attrs, 0);
	fs.say.names = true;
	fs.say.entry = EXTFUSE_SCOPE_UID;
	EXPECT_EQ(sys::stat(fs.path("name")), 0);
	EXPECT_GE(w.saw().entries, 1);
	EXPECT_EQ(w.saw().mark, EXTFUSE_MARK_SET | EXTFUSE_SCOPE_UID);
}

// As the driver judges them: a reply that it refuses, or makes the inode bad for.
TEST(ReplyShown, InvalidRepliesAreNot)
{
	const std::function<void(fuse_entry_param &)> entries[] = {
		[](fuse_entry_param &e) { e.attr.st_mode = 0; },
		[](fuse_entry_param &e) { e.attr.st_mode = 0170000 | 0600; },
		[](fuse_entry_param &e) { e.attr.st_size = -1; },
		[](fuse_entry_param &e) { e.ino = FUSE_ROOT_ID; },
	};
	for (const auto &spoil : entries) {
		Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
		TestFs fs(with(w, false));
		fs.say.store_errors = true; // the kernel does not count what it refuses
		fs.store.add_file("name", "data");
		fs.spoil_entry = spoil;
		const Counts c = during(fs, [&] { EXPECT_LT(sys::stat(fs.path("name")), 0); });
		EXPECT_EQ(w.saw().entries, 0);
		EXPECT_GE(c.driver(lookup).reply_invalid, 1) << c.text();
		fs.spoil_entry = nullptr;
	}

	const std::function<void(struct stat &)> attrs[] = {
		[](struct stat &st) { st.st_mode = S_IFDIR | 0700; },
		[](struct stat &st) { st.st_size = -1; },
	};
	for (const auto &spoil : attrs) {
		Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
		TestFs fs(with(w, false));
		fs.store.add_file("name", "data");
		const sys::Fd fd(sys::open(fs.path("name"), O_RDONLY));
		fs.spoil_attr = spoil;
		const uint32_t before = w.saw().attrs;
		struct stat st;
		const Counts c = during(fs, [&] { EXPECT_EQ(sys::fstat(fd, &st), -EIO); });
		EXPECT_EQ(w.saw().attrs, before);
		EXPECT_EQ(c.driver(getattr).reply_invalid, 1) << c.text();
		fs.spoil_attr = nullptr;
	}
}

namespace
{

Config listing(const Witness &w)
{
	Config config = with(w, false);
	config.readdirplus = true;
	return config;
}

int list_all(const std::string &path)
{
	DIR *dir = ::opendir(path.c_str());
	int n = 0;

	for (errno = 0; dir && ::readdir(dir);)
		n++;
	const int error = errno;
	::closedir(dir);
	return error ? -error : n;
}

// Of the file: the dots come before, in this reply or an earlier one.
fuse_direntplus *last(std::string &listing)
{
	size_t at = 0, size = 0;

	do {
		at += size;
		size = FUSE_DIRENTPLUS_SIZE(reinterpret_cast<fuse_direntplus *>(&listing[at]));
	} while (at + size < listing.size());
	return reinterpret_cast<fuse_direntplus *>(&listing[at]);
}

} // namespace

TEST(ReplyShown, EntriesOfListings)
{
	Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
	TestFs fs(listing(w));
	fs.say.timeout = 2.5;
	const std::string name(200, 'n'); // the last one
	fs.store.add_file("a", "data");
	const uint64_t node = fs.store.add_file(name, "12345");
	w.forget();
	EXPECT_EQ(list_all(fs.path()), 4);
	const witness_account saw = w.saw();
	EXPECT_EQ(saw.entries, 2U); // not the dots
	EXPECT_GE(saw.attrs, 2U); // and the directory's own
	EXPECT_EQ(saw.listings, 1U);
	EXPECT_EQ(saw.opcode, FUSE_READDIRPLUS);
	EXPECT_EQ(saw.mark, 0U);
	EXPECT_EQ(saw.parent, Store::root);
	EXPECT_EQ(saw.nodeid, node);
	EXPECT_EQ(saw.valid, 2U);
	EXPECT_EQ(std::string(saw.name, saw.name_len), name);
	EXPECT_EQ(saw.attr_node, node);
	EXPECT_EQ(saw.attr_size, 5U);
	EXPECT_EQ(saw.attr_flags, EXTFUSE_REPLY_OF_ENTRY);
}

TEST(ReplyShown, InvalidEntriesOfListingsAreNot)
{
	const std::function<void(fuse_entry_param &)> entries[] = {
		[](fuse_entry_param &e) { e.attr.st_mode = 0170000 | 0600; },
		[](fuse_entry_param &e) { e.attr.st_size = -1; },
		[](fuse_entry_param &e) { e.ino = FUSE_ROOT_ID; },
	};
	for (const auto &spoil : entries) {
		Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
		TestFs fs(listing(w));
		fs.say.store_errors = true;
		fs.store.add_file("name", "data");
		w.forget();
		fs.spoil_entry = spoil;
		const Counts c = during(fs, [&] { list_all(fs.path()); });
		EXPECT_EQ(w.saw().entries, 0U);
		EXPECT_EQ(c.driver(lookup).reply_invalid, 1) << c.text();
		fs.spoil_entry = nullptr;
	}
	// No node: nothing is said of it.
	Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
	TestFs fs(listing(w));
	fs.say.store_errors = true;
	fs.store.add_file("name", "data");
	w.forget();
	fs.spoil_entry = [](fuse_entry_param &e) { e.ino = 0; };
	EXPECT_EQ(list_all(fs.path()), 3);
	EXPECT_EQ(w.saw().entries, 0U);
	fs.spoil_entry = nullptr;
}

TEST(ReplyShown, MalformedListingsAreNot)
{
	const std::function<void(std::string &)> listings[] = {
		[](std::string &l) { last(l)->dirent.namelen = 0; },
		[](std::string &l) { last(l)->dirent.namelen = 1025; },
		[](std::string &l) { last(l)->dirent.namelen = 0xfffffff0; },
		[](std::string &l) { last(l)->dirent.namelen = 900; }, // behind the end
		[](std::string &l) { last(l)->dirent.name[2] = '/'; },
		[](std::string &l) { l.resize(l.size() - 8); },
	};
	for (const auto &spoil : listings) {
		Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
		TestFs fs(listing(w));
		fs.say.store_errors = true;
		fs.store.add_file("name", "data");
		w.forget();
		fs.spoil_listing = [&](std::string &l) {
			if (!l.empty())
				spoil(l);
		};
		EXPECT_LE(list_all(fs.path()), 2);
		EXPECT_EQ(w.saw().entries, 0U);
		EXPECT_NE(w.saw().attr_flags, EXTFUSE_REPLY_OF_ENTRY);
		fs.spoil_listing = nullptr;
	}
}

// The entry of another file than the kernel has under this id.
TEST(ReplyShown, AnotherTypeOrGenerationIsNot)
{
	Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
	TestFs fs(with(w, false));
	fs.say.store_errors = true;
	const uint64_t node = fs.store.add_file("one", "data");
	fs.store.link(node, Store::root, "two");
	const sys::Fd keep(sys::open(fs.path("one"), O_RDONLY));
	const uint32_t before = w.saw().entries;
	fs.spoil_entry = [](fuse_entry_param &e) { e.generation++; };
	const Counts c = during(fs, [&] { sys::stat(fs.path("two")); });
	EXPECT_EQ(w.saw().entries, before);
	EXPECT_GE(c.driver(lookup).reply_invalid, 1) << c.text();
	fs.spoil_entry = nullptr;
}

TEST(ReplyShown, MarksOfOtherRequestsAreNone)
{
	Witness w(0);
	TestFs fs(with(w, true));
	fs.say.names = false;
	fs.say.attrs = false;
	fs.store.add_file("name", "data");
	Marks marks(fs);
	w.forget();
	// As of a request that is yet to come, in every element.
	marks.fill(extfuse_mark_entry(uint64_t{1} << 40, any_mark));
	sys::stat(fs.path("name"));
	EXPECT_EQ(w.saw().entries + w.saw().attrs, 0);
	// No mark, though of this request.
	marks.fill(any_mark & ~uint64_t{EXTFUSE_MARK_SET});
	sys::stat(fs.path("name"));
	EXPECT_EQ(w.saw().entries + w.saw().attrs, 0);
	// Of the first requests of this connection.
	marks.fill(any_mark);
	sys::stat(fs.path("name"));
	EXPECT_EQ(w.saw().entries, 1);
	EXPECT_EQ(w.saw().mark, any_mark);
}

// A table is its own mount's: whatever is in it says nothing of another.
TEST(ReplyShown, MarksOfAnotherMountAreNone)
{
	Witness mine(0), others(0);
	TestFs fs(with(mine, true)), other(with(others, true));
	for (TestFs *f : {&fs, &other}) {
		f->say.names = false;
		f->say.attrs = false;
		f->store.add_file("name", "data");
	}
	mine.forget();
	others.forget();
	Marks(other).fill(any_mark);
	sys::stat(fs.path("name"));
	EXPECT_EQ(mine.saw().entries + mine.saw().attrs, 0);
	sys::stat(other.path("name"));
	EXPECT_EQ(mine.saw().entries + mine.saw().attrs, 0);
	EXPECT_EQ(others.saw().entries, 1);
}

// With a mark and everything else: not from requests that failed.
TEST(ReplyShown, ErrorsAreNot)
{
	Witness w(EXTFUSE_HANDLER_ALL_REPLIES);
	TestFs fs(with(w, false));
	fs.store.add_file("name", "data");
	fs.set_policy([](const fuse_ctx &, Op op, uint64_t, const char *) {
		return op == Op::Lookup || op == Op::Read ? EIO : 0;
	});
	EXPECT_EQ(sys::stat(fs.path("name")), -EIO);
	EXPECT_EQ(w.saw().entries, 0);
}

TEST(ReplyShown, DetachedAndReplacedWhileRepliesCome)
{
	auto w = std::make_unique<Witness>(EXTFUSE_HANDLER_ALL_REPLIES);
	TestFs fs(with(*w, false));
	for (int i = 0; i < 8; i++)
		fs.store.add_file("name" + std::to_string(i), "data");
	std::atomic<bool> end{false};
	auto busy = sys::in_background([&] {
		while (!end)
			for (int i = 0; i < 8; i++)
				EXPECT_EQ(sys::stat(fs.path("name" + std::to_string(i))), 0);
	});
	for (int i = 0; i < 5; i++) {
		auto next = std::make_unique<Witness>(i % 2 ? EXTFUSE_HANDLER_ALL_REPLIES : 0);
		EXPECT_EQ(extfuse_use_handler(fs.ext(), bpf_link__fd(next->link)), 0);
		w = std::move(next); // the old one goes
		EXPECT_EQ(extfuse_detach(fs.ext()), 0);
		EXPECT_EQ(extfuse_attach(fs.ext()), 0);
	}
	end = true;
	busy.get();
}

} // namespace extfuse_test
