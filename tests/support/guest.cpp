// SPDX-License-Identifier: GPL-2.0-only
#include "guest.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace extfuse_test
{

const char *module_path()
{
	const char *other = getenv("EXTFUSE_MODULE");
	return other ? other : EXTFUSE_MODULE_PATH;
}

bool driver_loaded()
{
	return access("/sys/module/extfuse", F_OK) == 0;
}

int load_driver()
{
	const int fd = open(module_path(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const int error = syscall(SYS_finit_module, fd, "", 0) < 0 ? -errno : 0;
	close(fd);
	return error == -EEXIST ? 0 : error;
}

int unload_driver()
{
	return syscall(SYS_delete_module, "extfuse", O_NONBLOCK) < 0 ? -errno : 0;
}

int unload_driver_soon()
{
	int error = 0;
	for (int i = 0; i < 100; i++) {
		error = unload_driver();
		if (error != -EAGAIN && error != -EBUSY)
			break;
		// There is no event for the end of a program in the kernel.
		std::this_thread::sleep_for(std::chrono::milliseconds(100));
	}
	return error;
}

unsigned slower()
{
	const char *times = getenv("EXTFUSE_SLOWER");
	const int n = times ? atoi(times) : 1;
	return n > 1 ? static_cast<unsigned>(n) : 1;
}

KernelLog::KernelLog() : fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC))
{
	lseek(fd_, 0, SEEK_END);
}

KernelLog::~KernelLog()
{
	close(fd_);
}

std::vector<std::string> KernelLog::lines()
{
	std::vector<std::string> out;
	std::array<char, 8192> record;
	for (;;) {
		const ssize_t n = read(fd_, record.data(), record.size());
		if (n < 0 && errno == EPIPE)
			continue; // the ring went round
		if (n <= 0)
			return out;
		const std::string line(record.data(), static_cast<size_t>(n));
		const size_t text = line.find(';');
		out.push_back(line.substr(text + 1, line.find('\n') - text - 1));
	}
}

std::vector<std::string> KernelLog::complaints()
{
	std::vector<std::string> out;
	for (const std::string &line : lines())
		for (const char *word : {"BUG:", "WARNING:", "Oops", "general protection", "rcu_",
					 "blocked for more than", "soft lockup",
					 "objects remaining", "VFS: Busy inodes", "refcount_t:",
					 "list_add corruption", "list_del corruption"})
			if (line.find(word) != std::string::npos) {
				out.push_back(line);
				break;
			}
	return out;
}

namespace
{

std::map<std::string, uint64_t> slabinfo()
{
	std::map<std::string, uint64_t> out;
	std::ifstream file("/proc/slabinfo");
	std::string line;
	while (std::getline(file, line)) {
		std::istringstream words(line);
		std::string name;
		uint64_t active = 0;
		words >> name >> active;
		if (name.rfind("extfuse", 0) == 0)
			out[name] = active;
	}
	return out;
}

} // namespace

std::map<std::string, uint64_t> driver_slabs()
{
	// KASAN keeps freed objects for a while, and takes them for active until then.
	for (const auto &[name, active] : slabinfo())
		std::ofstream("/sys/kernel/slab/" + name + "/shrink") << "1" << std::flush;
	return slabinfo();
}

namespace
{

template <class Next> unsigned count_ids(Next next)
{
	unsigned n = 0;
	for (uint32_t id = 0; next(id, &id) == 0;)
		n++;
	return n;
}

} // namespace

BpfObjects bpf_objects()
{
	return {count_ids(bpf_prog_get_next_id), count_ids(bpf_map_get_next_id),
		count_ids(bpf_link_get_next_id)};
}

} // namespace extfuse_test
