// SPDX-License-Identifier: GPL-2.0-only
//
// A mount with a handler of its own: the library's caches in it are served as ever,
// and what is wrong with an object is said, with nothing left mounted or loaded.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "example.hpp"
#include "guest.hpp"

namespace extfuse_test
{

namespace
{

constexpr auto lookup = EXTFUSE_OP_LOOKUP;
constexpr auto getattr = EXTFUSE_OP_GETATTR;

std::string bytes_of(const std::string &path)
{
	std::ifstream file(path, std::ios::binary);

	return {std::istreambuf_iterator<char>(file), {}};
}

std::string test_object(const std::string &name)
{
	return std::string(EXTFUSE_TEST_OBJECTS "/") + name + ".bpf.o";
}

std::string rejected(const std::string &name)
{
	return std::string(EXTFUSE_REJECT_OBJECTS "/") + name + ".bpf.o";
}

// An object without a mount.
struct Loaded {
	explicit Loaded(const std::string &file, const std::string &object = {})
	{
		extfuse_config config = {};

		config.size = sizeof(config);
		config.log = [](void *self, extfuse_log_level, const char *text) {
			static_cast<Loaded *>(self)->log += std::string(text) + "\n";
		};
		config.log_userdata = this;
		config.handler_file = file.empty() ? nullptr : file.c_str();
		config.handler_object = object.empty() ? nullptr : object.data();
		config.handler_object_size = object.size();
		EXPECT_EQ(extfuse_new(&x, nullptr, &config), 0);
		EXPECT_EQ(extfuse_handler_map_fd(x, "apps"), -ENOTCONN);
		error = extfuse_load_handler(x);
	}
	~Loaded()
	{
		extfuse_destroy(x);
	}
	bool says(const std::string &text) const
	{
		return log.find(text) != std::string::npos;
	}

	struct extfuse *x = nullptr;
	std::string log;
	int error = 0;
};

void expect_error(const Loaded &loaded, int error, const std::string &text)
{
	EXPECT_EQ(loaded.error, error) << loaded.log;
	EXPECT_TRUE(loaded.says(text)) << text << " is not in: " << loaded.log;
}

struct Temporary {
	std::string path = "/tmp/extfuse-handler.bpf.o";

	explicit Temporary(const std::string &bytes)
	{
		std::ofstream(path, std::ios::binary) << bytes;
	}
	~Temporary()
	{
		std::filesystem::remove(path);
	}
};

} // namespace

// --- what is wrong is said

TEST(LoadHandler, FilesThatAreNone)
{
	expect_error(Loaded("/nowhere/x.bpf.o"), -ENOENT, "cannot open handler /nowhere/x.bpf.o");
	expect_error(Loaded("/tmp"), -ENOEXEC, "handler /tmp is not a BPF object");
	expect_error(Loaded("/etc/passwd"), -ENOEXEC, "/etc/passwd is not a BPF object");
	expect_error(Loaded("/bin/true"), -ENOEXEC, "clang -target bpf");
	expect_error(Loaded("", std::string("x")), -ENOEXEC, "memory is not a BPF object");
}

TEST(LoadHandler, FilesThatAreCutOff)
{
	const std::string whole = bytes_of(example("apps"));
	ASSERT_GT(whole.size(), 1000U);
	for (const size_t size :
	     {size_t{0}, size_t{10}, size_t{64}, whole.size() / 2, whole.size() - 1}) {
		const Temporary file(whole.substr(0, size));
		const Loaded loaded(file.path);
		EXPECT_EQ(loaded.error, -ENOEXEC) << size << ": " << loaded.log;
		EXPECT_TRUE(loaded.says(file.path)) << loaded.log;
	}
}

TEST(LoadHandler, WithoutBtf)
{
	std::string object = bytes_of(example("apps"));
	const std::string name(".BTF\0", 5);
	const size_t at = object.find(name);

	ASSERT_NE(at, std::string::npos);
	object[at + 1] = 'X';
	expect_error(Loaded("", object), -ENOEXEC, "has no BTF");
}

TEST(LoadHandler, TablesAndCaches)
{
	expect_error(Loaded(test_object("two_tables")), -EINVAL, "two tables");
	expect_error(Loaded(rejected("without_link")), -EINVAL, "no table of operations");
	expect_error(Loaded(rejected("wrong_abi_version")), -EPROTO, "version 2 of the ABI");
	expect_error(Loaded(test_object("some_caches")), -EINVAL, "but not all");
	expect_error(Loaded(test_object("other_layout")), -EPROTO, "map ext_names");
}

// In words of the verifier's own, without asking for the debug log.
TEST(LoadHandler, TheVerifierIsHeard)
{
	const Loaded loaded(rejected("write_input"));

	EXPECT_LT(loaded.error, 0);
	EXPECT_TRUE(loaded.says("the verifier refuses program getattr")) << loaded.log;
	EXPECT_TRUE(loaded.says("only the result structure of an operation may be written"))
		<< loaded.log;
}

// --- and nothing is left

TEST(LoadHandler, NothingIsHalfMounted)
{
	const BpfObjects before = bpf_objects();

	for (const std::string &file : {std::string("/nowhere/x.bpf.o"), rejected("write_input"),
					test_object("two_tables")}) {
		Config config;
		config.may_fail = true;
		config.options = {"handler=" + file, "extfuse=auto"};
		TestFs fs(config);
		struct stat here, above;

		// Without the handler that was asked for there is no mount, stock or not.
		EXPECT_LT(fs.mount_error(), 0) << file;
		EXPECT_FALSE(fs.active());
		ASSERT_EQ(sys::stat(fs.path(), &here), 0);
		ASSERT_EQ(sys::stat("/tmp", &above), 0);
		EXPECT_EQ(here.st_dev, above.st_dev) << "mounted";
	}
	for (int i = 0; i < 100 && !(bpf_objects() == before); i++)
		usleep(100000);
	EXPECT_TRUE(bpf_objects() == before);
}

// --- the library's caches in it

TEST(LoadHandler, FromMemory)
{
	const std::string object = bytes_of(example("apps"));
	const Loaded loaded("", object);

	EXPECT_EQ(loaded.error, 0) << loaded.log;
	EXPECT_GE(extfuse_handler_map_fd(loaded.x, "apps"), 0);
	EXPECT_GE(extfuse_handler_map_fd(loaded.x, "ext_names"), 0);
	EXPECT_EQ(extfuse_handler_map_fd(loaded.x, "others"), -ENOENT);
	EXPECT_EQ(extfuse_load_handler(loaded.x), 0) << "twice";
}

TEST(LoadHandler, CachesAreSizedAndServed)
{
	Config config;
	config.max_names = 1024;
	TestFs fs(with_example("hide", config));
	fs.store.add_file("file", "content");

	bpf_map_info info = {};
	uint32_t size = sizeof(info);
	ASSERT_EQ(bpf_map_get_info_by_fd(extfuse_handler_map_fd(fs.ext(), "ext_names"), &info,
					 &size),
		  0);
	EXPECT_EQ(info.max_entries, 1024U / EXTFUSE_WAYS);

	ASSERT_EQ(sys::stat(fs.path("file")), 0);
	Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 1) << c.text();
	EXPECT_EQ(c.lib.handler[lookup].hit, 1) << c.text();

	// Switches.
	ASSERT_EQ(extfuse_set_enabled(fs.ext(), lookup, 0), 0);
	c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
	EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
	EXPECT_GE(c.lib.handler[lookup].miss[EXTFUSE_MISS_OFF], 1) << c.text();
	ASSERT_EQ(extfuse_set_enabled(fs.ext(), lookup, 1), 0);

	// Invalidations.
	ASSERT_EQ(sys::stat(fs.path("file")), 0);
	extfuse_invalidate_all(fs.ext());
	c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
	EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();

	// Detached, and attached again.
	ASSERT_EQ(extfuse_detach(fs.ext()), 0);
	EXPECT_EQ(sys::stat(fs.path("file")), 0);
	ASSERT_EQ(extfuse_attach(fs.ext()), 0);
	ASSERT_EQ(sys::stat(fs.path("file")), 0);
	c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
}

TEST(LoadHandler, ReplyHooksServeIt)
{
	Config config;
	config.reply_hooks = true;
	TestFs fs(with_example("hide", config));
	fs.store.add_file("file", "content");

	const Counts first = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
	EXPECT_EQ(first.lib.put_entry, 0U) << first.text();
	EXPECT_GE(first.driver(lookup).reply, 1) << first.text();
	const Counts c = during(fs, [&] { EXPECT_EQ(sys::stat(fs.path("file")), 0); });
	EXPECT_EQ(c.sent_all(), 0) << c.text();
	EXPECT_EQ(c.driver(lookup).hit, 1) << c.text();
}

// What is put goes nowhere; all else goes on.
TEST(LoadHandler, WithoutCaches)
{
	TestFs fs(with_example("minimal"));
	fs.store.add_file("file", "content");

	for (int round = 0; round < 2; round++) {
		const Counts c = during(fs, [&] {
			EXPECT_EQ(sys::stat(fs.path("file")), 0);
			EXPECT_EQ(sys::stat(fs.path("._file")), -ENOENT);
			EXPECT_EQ(sys::read_file(fs.path("file")), "content");
		});
		EXPECT_GE(c.sent(Op::Lookup), 1) << c.text();
		EXPECT_EQ(c.lib.put_entry, 0U) << c.text();
		EXPECT_GE(c.driver(lookup).hit + c.driver(lookup).warm, 1) << c.text();
		EXPECT_EQ(c.driver(getattr).hit, 0) << c.text();
	}
	EXPECT_EQ(extfuse_set_enabled(fs.ext(), lookup, 0), -EOPNOTSUPP);
	EXPECT_EQ(extfuse_set_remember(fs.ext(), 0), -EOPNOTSUPP);
}

} // namespace extfuse_test
