// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The stock handler (bpf/cache.bpf.c, embedded): load, attach, detach, count.
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cache.skel.h"
#include "counters.hpp"
#include "kernel.hpp"
#include "log.hpp"

namespace exf::impl
{

namespace
{

// libbpf's messages during one load. Its print callback is one per process.
class Messages
{
public:
	Messages() : lock_(mutex()), previous_(libbpf_set_print(print))
	{
		text() = &own_;
	}
	Messages(const Messages &) = delete;
	Messages &operator=(const Messages &) = delete;
	~Messages()
	{
		text() = nullptr;
		libbpf_set_print(previous_);
	}
	const char *all() const
	{
		return own_.c_str();
	}

private:
	static std::mutex &mutex()
	{
		static std::mutex m;
		return m;
	}
	static std::string *&text()
	{
		thread_local std::string *t;
		return t;
	}
	static int print(enum libbpf_print_level level, const char *fmt, va_list args) noexcept
	{
		char part[2048];

		if (level == LIBBPF_DEBUG || !text())
			return 0;
		va_list copy;
		va_copy(copy, args);
		const int n = vsnprintf(part, sizeof(part), fmt, copy);
		va_end(copy);
		try {
			if (n >= static_cast<int>(sizeof(part))) { // a verifier log
				std::vector<char> whole(static_cast<size_t>(n) + 1);
				vsnprintf(whole.data(), whole.size(), fmt, args);
				text()->append(whole.data(), static_cast<size_t>(n));
			} else if (n > 0) {
				text()->append(part, static_cast<size_t>(n));
			}
		} catch (...) { // out of memory: a message less
		}
		return 0;
	}

	std::lock_guard<std::mutex> lock_;
	std::string own_;
	libbpf_print_fn_t previous_;
};

struct Destroy {
	void operator()(extfuse_cache *skeleton) const
	{
		extfuse_cache__destroy(skeleton);
	}
	void operator()(bpf_link *link) const
	{
		// Also where a forked child still holds a copy of the descriptor.
		bpf_link__detach(link);
		bpf_link__destroy(link);
	}
};

// A map's memory in this process.
template <class Bucket> class Mapping
{
public:
	Mapping() = default;
	Mapping(const Mapping &) = delete;
	Mapping &operator=(const Mapping &) = delete;
	~Mapping()
	{
		if (!span_.empty())
			munmap(span_.data(), span_.size_bytes());
	}

	int map(const bpf_map *m)
	{
		const size_t buckets = bpf_map__max_entries(m);
		void *base = mmap(nullptr, buckets * sizeof(Bucket), PROT_READ | PROT_WRITE,
				  MAP_SHARED, bpf_map__fd(m), 0);

		if (base == MAP_FAILED)
			return -errno;
		span_ = {static_cast<Bucket *>(base), buckets};
		return 0;
	}

	std::span<Bucket> span() const
	{
		return span_;
	}

private:
	std::span<Bucket> span_;
};

class BpfHandler final : public Handler
{
public:
	int load(const HandlerParams &params, const Log &log, std::string &reason)
	{
		Messages messages;

		skeleton_.reset(extfuse_cache__open());
		if (!skeleton_) {
			const int error = errno ? -errno : -EIO;
			reason = std::string("cannot open the embedded BPF handler: ") +
				 strerror(-error);
			log.debug_lines("libbpf", messages.all());
			return error;
		}
		auto &maps = skeleton_->maps;
		int error = bpf_map__set_max_entries(maps.ext_names, params.name_buckets);
		if (!error)
			error = bpf_map__set_max_entries(maps.ext_long_names,
							 params.long_name_buckets);
		if (!error)
			error = bpf_map__set_max_entries(maps.ext_attrs, params.attr_buckets);
		if (!error)
			error = bpf_map__set_max_entries(maps.ext_blocks, params.block_buckets);
		if (!error)
			error = bpf_map__set_max_entries(maps.ext_objects, params.object_buckets);
		if (!error)
			error = bpf_map__set_max_entries(maps.ext_dirs, params.dir_buckets);
		if (!error)
			error = bpf_map__set_max_entries(maps.ext_dir_names, params.names_buckets);
		if (!error)
			error = bpf_map__set_max_entries(maps.ext_opens, params.open_buckets);
		skeleton_->rodata->ext_name_mask = params.name_buckets - 1;
		skeleton_->rodata->ext_long_name_mask = params.long_name_buckets - 1;
		skeleton_->rodata->ext_attr_mask = params.attr_buckets - 1;
		skeleton_->rodata->ext_block_mask = params.block_buckets - 1;
		skeleton_->rodata->ext_object_mask = params.object_buckets - 1;
		skeleton_->rodata->ext_dir_mask = params.dir_buckets - 1;
		skeleton_->rodata->ext_dir_names_mask = params.names_buckets - 1;
		skeleton_->rodata->ext_open_mask = params.open_buckets - 1;
		skeleton_->rodata->ext_seed = params.seed;
		skeleton_->data->ext_switches = params.switches;
		if (!params.replies) {
			skeleton_->struct_ops.cache->reply_entry = nullptr;
			skeleton_->struct_ops.cache->reply_attr = nullptr;
			skeleton_->struct_ops.cache->reply_bytes = nullptr;
			skeleton_->struct_ops.cache->reply_read = nullptr;
		}
		if (!error)
			error = extfuse_cache__load(skeleton_.get());
		if (error) {
			reason = explain(error);
			log.debug_lines("libbpf", messages.all());
			return error;
		}
		error = names_.map(maps.ext_names);
		if (!error)
			error = long_names_.map(maps.ext_long_names);
		if (!error)
			error = attrs_.map(maps.ext_attrs);
		if (!error)
			error = blocks_.map(maps.ext_blocks);
		if (!error)
			error = objects_.map(maps.ext_objects);
		if (!error)
			error = dirs_.map(maps.ext_dirs);
		if (!error)
			error = dir_names_.map(maps.ext_dir_names);
		if (!error)
			error = opens_.map(maps.ext_opens);
		if (error) {
			reason = std::string("cannot map the handler's BPF maps: ") +
				 strerror(-error);
			return error;
		}
		maps_ = {names_.span(),   long_names_.span(), attrs_.span(),     blocks_.span(),
			 objects_.span(), dirs_.span(),       dir_names_.span(), opens_.span()};
		return 0;
	}

	const HandlerMaps &maps() const override
	{
		return maps_;
	}

	uint32_t *switches() override
	{
		return &skeleton_->data->ext_switches;
	}

	int attach() override
	{
		if (link_)
			return 0;
		Messages messages;
		link_.reset(bpf_map__attach_struct_ops(skeleton_->maps.cache));
		return link_ ? 0 : -errno;
	}

	void detach() override
	{
		link_.reset();
	}

	int link_fd() const override
	{
		return link_ ? bpf_link__fd(link_.get()) : -1;
	}

	int counters(std::span<extfuse_op_counters, EXTFUSE_OP_COUNT> out) override
	{
		const int cpus = libbpf_num_possible_cpus();

		if (cpus < 0)
			return cpus;
		std::vector<extfuse_op_counters> per_cpu(static_cast<size_t>(cpus));
		for (uint32_t op = 0; op < EXTFUSE_OP_COUNT; op++) {
			const int error =
				bpf_map__lookup_elem(skeleton_->maps.ext_counters, &op, sizeof(op),
						     per_cpu.data(),
						     per_cpu.size() * sizeof(per_cpu[0]), 0);
			if (error)
				return error;
			sum_counters(per_cpu, out[op]);
		}
		return 0;
	}

private:
	static std::string explain(int error)
	{
		const std::string what = "cannot load the BPF handler: ";

		switch (error) {
		case -EPERM:
			return what + "not permitted";
		case -ENOMEM:
			return what + "no memory for its maps; ask for smaller ones (max_names, "
				      "max_long_names, max_attrs, max_blocks, "
				      "max_objects, max_dirs, max_opens)";
		default:
			break;
		}
		if (access("/sys/kernel/btf/vmlinux", F_OK) < 0)
			return what + "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
		if (access("/sys/kernel/btf/extfuse", F_OK) < 0)
			return what + "module extfuse has no BTF; build it with pahole installed";
		return what + strerror(-error) +
		       "; its kernel types may not be those of this libextfuse, the verifier's "
		       "words "
		       "are in the debug log";
	}

	std::unique_ptr<extfuse_cache, Destroy> skeleton_;
	Mapping<extfuse_name_bucket> names_;
	Mapping<extfuse_long_name_bucket> long_names_;
	Mapping<extfuse_attr_bucket> attrs_;
	Mapping<extfuse_data_bucket> blocks_;
	Mapping<extfuse_object_bucket> objects_;
	Mapping<extfuse_dir_bucket> dirs_;
	Mapping<extfuse_names_bucket> dir_names_;
	Mapping<extfuse_open_bucket> opens_;
	HandlerMaps maps_;
	std::unique_ptr<bpf_link, Destroy> link_;
};

} // namespace

int load_bpf_handler(const HandlerParams &params, const Log &log, std::unique_ptr<Handler> &out,
		     std::string &reason)
{
	auto handler = std::make_unique<BpfHandler>();
	const int error = handler->load(params, log, reason);

	if (!error)
		out = std::move(handler);
	return error;
}

} // namespace exf::impl
