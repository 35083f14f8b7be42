// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A BPF object as a handler, before it is loaded: what is in it, by name.
#ifndef EXTFUSE_SRC_HANDLER_OBJECT_HPP
#define EXTFUSE_SRC_HANDLER_OBJECT_HPP

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include <bpf/libbpf.h>

#include "kernel.hpp"

namespace exf::impl
{

// Maps of <extfuse/maps.bpf.h>, in the order of HandlerMaps.
enum CacheMap {
	cache_names,
	cache_long_names,
	cache_attrs,
	cache_blocks,
	cache_objects,
	cache_dirs,
	cache_dir_names,
	cache_opens,
	cache_map_count
};

// Functions that return int: 0 or -errno, with reason saying what is wrong.
class HandlerObject
{
public:
	// From params.file, params.object, or the library's own.
	int open(const HandlerParams &params, std::string &reason);
	// Sizes, settings, and which programs are wanted.
	int prepare(const HandlerParams &params, std::string &reason);

	bpf_object *get() const
	{
		return object_.get();
	}
	// "FILE" or what else to call it in messages.
	const std::string &name() const
	{
		return name_;
	}
	bpf_map *table() const
	{
		return table_;
	}
	bool has_caches() const
	{
		return caches_[0] != nullptr;
	}
	bpf_map *cache(CacheMap which) const
	{
		return caches_[which];
	}
	bpf_map *counters() const
	{
		return counters_;
	}
	bpf_map *data() const
	{
		return data_;
	}
	// Of ext_switches, in data().
	size_t switches_offset() const
	{
		return switches_offset_;
	}

private:
	struct Close {
		void operator()(bpf_object *object) const
		{
			bpf_object__close(object);
		}
	};

	int find_table(std::string &reason);
	int find_caches(std::string &reason);
	int set(const char *variable, uint64_t value, size_t size, std::string &reason);
	int set_policy(const CachePolicy &policy, std::string &reason);
	void set_flags(uint32_t flags);
	void leave_out(std::initializer_list<const char *> members);

	std::string name_;
	std::unique_ptr<bpf_object, Close> object_;
	bpf_map *table_ = nullptr;
	bpf_map *caches_[cache_map_count] = {};
	bpf_map *counters_ = nullptr;
	bpf_map *data_ = nullptr;
	size_t switches_offset_ = 0;
};

} // namespace exf::impl

#endif
