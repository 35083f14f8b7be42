// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A loaded handler, the library's own (bpf/cache.bpf.c, embedded) or another: load,
// attach, detach, count.
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "counters.hpp"
#include "handler_object.hpp"
#include "kernel.hpp"
#include "libbpf_log.hpp"
#include "log.hpp"

namespace exf::impl
{

namespace
{

struct Destroy {
	void operator()(bpf_link *link) const
	{
		// Also where a forked child still holds a copy of the descriptor.
		bpf_link__detach(link);
		bpf_link__destroy(link);
	}
};

// A map's memory in this process.
template <class T> class Mapping
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

	int map(const bpf_map *m, size_t count)
	{
		void *base = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED,
				  bpf_map__fd(m), 0);

		if (base == MAP_FAILED)
			return -errno;
		span_ = {static_cast<T *>(base), count};
		return 0;
	}
	int map(const bpf_map *m)
	{
		return map(m, bpf_map__max_entries(m));
	}

	std::span<T> span() const
	{
		return span_;
	}

private:
	std::span<T> span_;
};

class BpfHandler final : public Handler
{
public:
	int load(const HandlerParams &params, const Log &log, std::string &reason)
	{
		Messages messages;
		int error = object_.open(params, reason);

		if (error) {
			if (!messages.all().empty())
				reason += ": " + messages.last();
		} else {
			error = object_.prepare(params, reason);
		}
		if (!error) {
			error = bpf_object__load(object_.get());
			if (error)
				reason = explain(error, messages);
		}
		if (error) {
			for (const std::string &line : messages.verifier_lines(10))
				log.error("verifier: %s", line.c_str());
			log.debug_lines("libbpf", messages.all().c_str());
			return error;
		}
		error = map_caches();
		if (error)
			reason = std::string("cannot map the handler's BPF maps: ") +
				 strerror(-error);
		return error;
	}

	const HandlerMaps &maps() const override
	{
		return maps_;
	}

	uint32_t *switches() override
	{
		return switches_;
	}

	int attach() override
	{
		if (link_)
			return 0;
		Messages messages;
		link_.reset(bpf_map__attach_struct_ops(object_.table()));
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

	int map_fd(const char *name) const override
	{
		const bpf_map *map = bpf_object__find_map_by_name(object_.get(), name);

		return map ? bpf_map__fd(map) : -ENOENT;
	}

	int counters(std::span<extfuse_op_counters, EXTFUSE_OP_COUNT> out) override
	{
		const int cpus = libbpf_num_possible_cpus();

		if (cpus < 0)
			return cpus;
		if (!object_.counters())
			return 0;
		std::vector<extfuse_op_counters> per_cpu(static_cast<size_t>(cpus));
		for (uint32_t op = 0; op < EXTFUSE_OP_COUNT; op++) {
			const int error =
				bpf_map__lookup_elem(object_.counters(), &op, sizeof(op),
						     per_cpu.data(),
						     per_cpu.size() * sizeof(per_cpu[0]), 0);
			if (error)
				return error;
			sum_counters(per_cpu, out[op]);
		}
		return 0;
	}

private:
	int map_caches()
	{
		if (!object_.has_caches())
			return 0;
		int error = names_.map(object_.cache(cache_names));
		if (!error)
			error = long_names_.map(object_.cache(cache_long_names));
		if (!error)
			error = attrs_.map(object_.cache(cache_attrs));
		if (!error)
			error = blocks_.map(object_.cache(cache_blocks));
		if (!error)
			error = objects_.map(object_.cache(cache_objects));
		if (!error)
			error = dirs_.map(object_.cache(cache_dirs));
		if (!error)
			error = dir_names_.map(object_.cache(cache_dir_names));
		if (!error)
			error = opens_.map(object_.cache(cache_opens));
		if (!error)
			error = data_.map(object_.data(), bpf_map__value_size(object_.data()));
		if (error)
			return error;
		maps_ = {names_.span(),   long_names_.span(), attrs_.span(),     blocks_.span(),
			 objects_.span(), dirs_.span(),       dir_names_.span(), opens_.span()};
		switches_ = reinterpret_cast<uint32_t *>(data_.span().data() +
							 object_.switches_offset());
		return 0;
	}

	std::string explain(int error, const Messages &messages) const
	{
		const std::string what = "cannot load " + object_.name() + ": ";
		const std::string program = messages.refused_program();

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
			return what + "no BTF of module extfuse: load the driver, built with "
				      "pahole installed";
		if (!program.empty())
			return what + "the verifier refuses program " + program + " (" +
			       strerror(-error) + ")";
		return what + strerror(-error) +
		       "; its kernel types may not be those of this libextfuse, libbpf's words "
		       "are in the debug log";
	}

	HandlerObject object_;
	Mapping<extfuse_name_bucket> names_;
	Mapping<extfuse_long_name_bucket> long_names_;
	Mapping<extfuse_attr_bucket> attrs_;
	Mapping<extfuse_data_bucket> blocks_;
	Mapping<extfuse_object_bucket> objects_;
	Mapping<extfuse_dir_bucket> dirs_;
	Mapping<extfuse_names_bucket> dir_names_;
	Mapping<extfuse_open_bucket> opens_;
	Mapping<char> data_;
	uint32_t *switches_ = nullptr;
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
