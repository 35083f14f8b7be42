// SPDX-License-Identifier: GPL-2.0-only
// bench-slots: what the slot caches of the one loaded handler hold, as JSON:
// bytes of each map's values, slots, slots in use. With --names, the names too.
#include <extfuse/abi.h>

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

class Map
{
	int fd_;
	bpf_map_info info_{};

public:
	// The newest map of this name: ids only grow.
	explicit Map(const char *name) : fd_(-1)
	{
		for (__u32 id = 0; bpf_map_get_next_id(id, &id) == 0;)
			consider(id, name);
		if (fd_ < 0)
			throw std::runtime_error(std::string("no BPF map '") + name +
						 "': is a handler loaded, are you root?");
	}
	~Map()
	{
		close(fd_);
	}
	Map(const Map &) = delete;
	Map &operator=(const Map &) = delete;

	__u32 buckets() const
	{
		return info_.max_entries;
	}
	__u64 bytes() const
	{
		return __u64{info_.max_entries} * info_.value_size;
	}
	template <typename Bucket> void read(__u32 index, Bucket &bucket) const
	{
		if (info_.value_size != sizeof(bucket))
			throw std::runtime_error(
				"a map's value has another size than <extfuse/abi.h> says");
		if (bpf_map_lookup_elem(fd_, &index, &bucket) < 0)
			throw std::runtime_error(std::string("reading a map: ") + strerror(errno));
	}

private:
	void consider(__u32 id, const char *name)
	{
		const int fd = bpf_map_get_fd_by_id(id);
		bpf_map_info info{};
		__u32 size = sizeof(info);
		if (fd < 0)
			return;
		if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0 ||
		    std::strcmp(info.name, name) != 0) {
			close(fd);
			return;
		}
		if (fd_ >= 0)
			close(fd_);
		fd_ = fd;
		info_ = info;
	}
};

template <typename Bucket, typename Visit>
unsigned long for_each_slot(const Map &map, const Visit &visit)
{
	Bucket bucket{};
	unsigned long used = 0;
	for (__u32 i = 0; i < map.buckets(); ++i) {
		map.read(i, bucket);
		for (const auto &slot : bucket.slot) {
			if (!slot.word)
				continue;
			++used;
			visit(slot);
		}
	}
	return used;
}

void print_name(const extfuse_name_slot &slot)
{
	std::fprintf(stderr, "%.*s\n", static_cast<int>(slot.name_len),
		     reinterpret_cast<const char *>(slot.name));
}

template <typename Bucket, typename Visit>
void report(const char *key, const char *name, const Visit &visit)
{
	const Map map(name);
	const unsigned long used = for_each_slot<Bucket>(map, visit);
	std::printf("\"%s\": {\"bytes\": %llu, \"slots\": %u, \"used\": %lu}", key,
		    static_cast<unsigned long long>(map.bytes()), map.buckets() * EXTFUSE_WAYS,
		    used);
}

} // namespace

int main(int argc, char **argv)
{
	const bool names = argc == 2 && std::strcmp(argv[1], "--names") == 0;
	if (argc > 1 && !names) {
		std::fprintf(stderr,
			     "usage: bench-slots [--names]   (names go to standard error)\n");
		return 2;
	}
	try {
		std::printf("{");
		report<extfuse_name_bucket>("names", "ext_names",
					    [&](const extfuse_name_slot &slot) {
						    if (names)
							    print_name(slot);
					    });
		std::printf(", ");
		report<extfuse_attr_bucket>("attrs", "ext_attrs", [](const extfuse_attr_slot &) {});
		std::printf("}\n");
	} catch (const std::exception &e) {
		std::fprintf(stderr, "bench-slots: %s\n", e.what());
		return 1;
	}
	return 0;
}
