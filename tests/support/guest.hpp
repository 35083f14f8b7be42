// SPDX-License-Identifier: GPL-2.0-only
//
// The guest around the tests: driver, kernel log, slabs, BPF objects.
#ifndef EXTFUSE_TESTS_GUEST_HPP
#define EXTFUSE_TESTS_GUEST_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace extfuse_test
{

// The build's, or what EXTFUSE_MODULE names.
const char *module_path();

bool driver_loaded();
int load_driver(); // 0 or a negative errno
int unload_driver(); // one attempt
// The references that programs held go some time after them.
int unload_driver_soon();

// How many times slower than the distribution's kernel the running one is:
// EXTFUSE_SLOWER, which ./dev test --sanitize sets. Patience is multiplied by it.
unsigned slower();

// Lines of the kernel log since the object was made that speak of a fault.
class KernelLog
{
public:
	KernelLog();
	~KernelLog();
	KernelLog(const KernelLog &) = delete;
	KernelLog &operator=(const KernelLog &) = delete;
	std::vector<std::string> complaints();
	std::vector<std::string> lines();

private:
	int fd_;
};

// Objects in use of the driver's slab caches, by name.
std::map<std::string, uint64_t> driver_slabs();
// How many BPF programs and maps exist.
struct BpfObjects {
	unsigned programs = 0, maps = 0, links = 0;
	bool operator==(const BpfObjects &) const = default;
};
BpfObjects bpf_objects();

} // namespace extfuse_test

#endif
