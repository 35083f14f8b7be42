// SPDX-License-Identifier: GPL-2.0-only
//
// Programs that must not load. Each *.bpf.c beside this file says what it expects:
//     EXPECT: text in the verifier's log
//     ERRNO: number with which making or attaching the handler fails
//     EXPECT-KERNEL: text in the kernel log
// A new file needs no registration: CMake and this test find it.
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdarg>
#include <filesystem>
#include <fstream>
#include <vector>

#include "guest.hpp"

namespace extfuse_test
{

namespace
{

struct Expected {
	std::vector<std::string> log, kernel;
	int error = 0; // of attaching; 0: the load fails
};

Expected read_expected(const std::filesystem::path &source)
{
	Expected out;
	std::ifstream file(source);
	std::string line;
	while (std::getline(file, line)) {
		const auto after = [&](const char *mark) {
			const std::string prefix = std::string("// ") + mark + ": ";
			return line.rfind(prefix, 0) == 0 ? line.substr(prefix.size())
							  : std::string();
		};
		if (const std::string text = after("EXPECT"); !text.empty())
			out.log.push_back(text);
		if (const std::string text = after("EXPECT-KERNEL"); !text.empty())
			out.kernel.push_back(text);
		if (const std::string text = after("ERRNO"); !text.empty())
			out.error = std::stoi(text);
	}
	return out;
}

std::string libbpf_said;

int hear(libbpf_print_level, const char *format, va_list args)
{
	char line[4096];
	vsnprintf(line, sizeof(line), format, args);
	libbpf_said += line;
	return 0;
}

class Object
{
public:
	std::string log = std::string(1 << 20, '\0');
	bpf_object *object = nullptr;
	bpf_link *link = nullptr;

	~Object()
	{
		bpf_link__destroy(link);
		bpf_object__close(object);
	}

	// 0, or the negative errno of what failed.
	int load(const std::filesystem::path &path)
	{
		LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log.data(),
			    .kernel_log_size = log.size(), .kernel_log_level = 1);
		libbpf_said.clear();
		libbpf_set_print(hear);
		object = bpf_object__open_file(path.c_str(), &opts);
		const int error = object ? bpf_object__load(object) : -errno;
		log.resize(log.find('\0'));
		log += libbpf_said;
		return error;
	}

	int attach()
	{
		bpf_map *map = nullptr;
		bpf_object__for_each_map(map, object)
		{
			if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
				continue;
			link = bpf_map__attach_struct_ops(map);
			return link ? 0 : -errno;
		}
		return -ENOENT;
	}
};

class Refused : public testing::Test
{
	const std::filesystem::path source_, object_;

public:
	Refused(std::filesystem::path source, std::filesystem::path object)
		: source_(std::move(source)), object_(std::move(object))
	{
	}

	void TestBody() override
	{
		const Expected expected = read_expected(source_);
		ASSERT_TRUE(!expected.log.empty() || expected.error) << "expects nothing";
		KernelLog kernel;
		Object program;
		const int loaded = program.load(object_);

		if (expected.error) {
			ASSERT_EQ(loaded, 0) << program.log;
			EXPECT_EQ(program.attach(), -expected.error) << program.log;
		} else {
			EXPECT_LT(loaded, 0) << "it loads";
		}
		for (const std::string &text : expected.log)
			EXPECT_NE(program.log.find(text), std::string::npos)
				<< "expected: " << text << "\nlog:\n"
				<< program.log;
		std::string said;
		for (const std::string &line : kernel.lines())
			said += line + '\n';
		for (const std::string &text : expected.kernel)
			EXPECT_NE(said.find(text), std::string::npos)
				<< "expected: " << text << "\nkernel log:\n"
				<< said;
	}
};

// One test for each object that CMake has built.
const bool registered = [] {
	std::vector<std::filesystem::path> objects;
	for (const auto &entry : std::filesystem::directory_iterator(EXTFUSE_REJECT_OBJECTS))
		if (entry.path().extension() == ".o")
			objects.push_back(entry.path());
	std::sort(objects.begin(), objects.end());
	for (const std::filesystem::path &object : objects) {
		const std::string name = object.stem().stem();
		const std::filesystem::path source =
			std::filesystem::path(EXTFUSE_REJECT_SOURCES) / (name + ".bpf.c");
		testing::RegisterTest("Reject", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
				      [=]() -> testing::Test * {
					      return new Refused(source, object);
				      });
	}
	return true;
}();

} // namespace

// The harness can tell: a program that is right loads and attaches.
TEST(RejectHarness, GoodProgramLoads)
{
	ASSERT_TRUE(registered);
	Object program;
	ASSERT_EQ(program.load(EXTFUSE_MINIMAL_OBJECT), 0) << program.log;
	EXPECT_EQ(program.attach(), 0);
}

} // namespace extfuse_test
