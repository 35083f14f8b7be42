// SPDX-License-Identifier: GPL-2.0-only
//
// The writing side of bpf/examples/metrics.h: a tree of small files in a map of the
// handler, by plain stores. One thread at a time; readers are not waited for.
#ifndef METRICSFS_PUBLISHER_HPP
#define METRICSFS_PUBLISHER_HPP

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics.h"

namespace metricsfs
{

class Publisher
{
public:
	// map: extfuse_handler_map_fd(x, "metrics"); may be closed afterwards.
	explicit Publisher(int map)
	{
		void *base = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

		if (base == MAP_FAILED)
			throw std::system_error(errno, std::system_category(), "map of metrics");
		metrics_ = static_cast<metric *>(base);
	}
	Publisher(const Publisher &) = delete;
	Publisher &operator=(const Publisher &) = delete;
	~Publisher()
	{
		munmap(metrics_, bytes());
	}

	// Their node ids; names are those of a file, at most METRICS_NAME bytes.
	uint64_t add_directory(uint64_t parent, std::string_view name)
	{
		return add(parent, name, S_IFDIR | 0555, {});
	}
	uint64_t add_file(uint64_t parent, std::string_view name, std::string_view text)
	{
		return add(parent, name, S_IFREG | 0444, text);
	}

	// At most METRICS_TEXT bytes; what is behind is cut off.
	void set(uint64_t node, std::string_view text)
	{
		metric &m = metrics_[node - METRICS_FIRST_NODE];

		for (metric_text &copy : m.copy) {
			store(m.latch, m.latch + 1);
			fence();
			write(copy, text);
			fence();
		}
	}

private:
	// Array maps are mapped by whole pages.
	static size_t bytes()
	{
		const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));

		return (METRICS_MAX * sizeof(metric) + page - 1) / page * page;
	}
	template <class T> static void store(T &to, std::type_identity_t<T> value)
	{
		__atomic_store_n(&to, value, __ATOMIC_RELAXED);
	}
	static void fence()
	{
		__atomic_thread_fence(__ATOMIC_RELEASE);
	}
	static void write(metric_text &to, std::string_view text)
	{
		uint64_t words[METRICS_TEXT / sizeof(uint64_t)] = {};

		text = text.substr(0, METRICS_TEXT);
		memcpy(words, text.data(), text.size());
		store(to.len, static_cast<uint32_t>(text.size()));
		for (size_t i = 0; i < std::size(words); i++)
			store(to.text[i], words[i]);
	}
	uint64_t add(uint64_t parent, std::string_view name, uint32_t mode, std::string_view text)
	{
		if (next_ == METRICS_MAX || name.empty() || name.size() > METRICS_NAME)
			throw std::system_error(ENOSPC, std::system_category(), "metric");
		const uint64_t node = METRICS_FIRST_NODE + next_;
		metric &m = metrics_[next_++];
		memcpy(m.name, name.data(), name.size());
		m.name_len = static_cast<uint32_t>(name.size());
		m.mode = mode;
		m.since = static_cast<uint64_t>(time(nullptr));
		set(node, text);
		store(m.parent, parent); // behind the fence: now it is there
		return node;
	}

	metric *metrics_;
	size_t next_ = 0;
};

} // namespace metricsfs

#endif
