// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handler_object.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <bpf/btf.h>

#include "cache.skel.h"

namespace exf::impl
{

namespace
{

constexpr off_t largest_file = 64 << 20;
constexpr const char *table_type = "extfuse_handler_ops";
constexpr const char *table_section = ".struct_ops.link";

constexpr struct {
	const char *name;
	size_t value_size;
	uint32_t HandlerParams::*buckets;
	const char *mask;
} cache_maps[cache_map_count] = {
	{"ext_names", sizeof(extfuse_name_bucket), &HandlerParams::name_buckets, "ext_name_mask"},
	{"ext_long_names", sizeof(extfuse_long_name_bucket), &HandlerParams::long_name_buckets,
	 "ext_long_name_mask"},
	{"ext_attrs", sizeof(extfuse_attr_bucket), &HandlerParams::attr_buckets, "ext_attr_mask"},
	{"ext_blocks", sizeof(extfuse_data_bucket), &HandlerParams::block_buckets,
	 "ext_block_mask"},
	{"ext_objects", sizeof(extfuse_object_bucket), &HandlerParams::object_buckets,
	 "ext_object_mask"},
	{"ext_dirs", sizeof(extfuse_dir_bucket), &HandlerParams::dir_buckets, "ext_dir_mask"},
	{"ext_dir_names", sizeof(extfuse_names_bucket), &HandlerParams::names_buckets,
	 "ext_dir_names_mask"},
	{"ext_opens", sizeof(extfuse_open_bucket), &HandlerParams::open_buckets, "ext_open_mask"},
};

int read_object(const std::string &path, std::vector<char> &out, std::string &reason)
{
	Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	struct stat st;

	if (!fd || fstat(fd.get(), &st) < 0) {
		const int error = -errno;
		reason = "cannot open handler " + path + ": " + strerror(-error);
		return error;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > largest_file) {
		reason = "handler " + path +
			 " is not a BPF object: no regular file of at most 64 "
			 "MiB";
		return -ENOEXEC;
	}
	out.resize(static_cast<size_t>(st.st_size));
	size_t have = 0;
	while (have < out.size()) {
		const ssize_t n = read(fd.get(), out.data() + have, out.size() - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			const int error = -errno;
			reason = "cannot read handler " + path + ": " + strerror(-error);
			return error;
		}
		if (n == 0)
			break;
		have += static_cast<size_t>(n);
	}
	out.resize(have);
	return 0;
}

// What is wrong with these bytes as a BPF object with BTF; libbpf looks at the rest.
const char *what_is_wrong(std::span<const char> bytes)
{
	Elf64_Ehdr head;
	Elf64_Shdr names, section;
	const auto read_at = [&](uint64_t offset, void *out, size_t size) {
		if (offset > bytes.size() || size > bytes.size() - offset)
			return false;
		memcpy(out, bytes.data() + offset, size);
		return true;
	};

	if (!read_at(0, &head, sizeof(head)) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != ELFCLASS64)
		return "is not a BPF object, but no ELF file at all";
	if (head.e_machine != EM_BPF || head.e_type != ET_REL)
		return "is not a BPF object: compile it with clang -target bpf -mcpu=v3 -g -O2 -c";
	if (head.e_shentsize != sizeof(section) ||
	    !read_at(head.e_shoff + uint64_t{head.e_shstrndx} * sizeof(names), &names,
		     sizeof(names)))
		return "is not a BPF object: it is cut off";
	for (uint64_t i = 0; i < head.e_shnum; i++) {
		char name[sizeof(".BTF")] = {};

		if (read_at(head.e_shoff + i * sizeof(section), &section, sizeof(section)) &&
		    read_at(names.sh_offset + section.sh_name, name, sizeof(name)) &&
		    !memcmp(name, ".BTF", sizeof(name)))
			return nullptr;
	}
	return "has no BTF: compile it with -g";
}

struct Variable {
	std::string name;
	const btf_type *type; // without qualifiers
	size_t offset;
	size_t size;
};

// Variables of a section, as the object's BTF tells.
std::vector<Variable> variables_of(const bpf_object *object, std::string_view section)
{
	const btf *types = bpf_object__btf(object);
	std::vector<Variable> found;

	if (!types)
		return found;
	const int id =
		btf__find_by_name_kind(types, std::string(section).c_str(), BTF_KIND_DATASEC);
	if (id < 0)
		return found;
	const btf_type *sec = btf__type_by_id(types, static_cast<uint32_t>(id));
	for (uint16_t i = 0; i < btf_vlen(sec); i++) {
		const btf_var_secinfo &info = btf_var_secinfos(sec)[i];
		const btf_type *variable = btf__type_by_id(types, info.type);
		const btf_type *type = btf__type_by_id(types, variable->type);

		while (type && (btf_is_mod(type) || btf_is_typedef(type)))
			type = btf__type_by_id(types, type->type);
		if (type)
			found.push_back({btf__name_by_offset(types, variable->name_off), type,
					 info.offset, info.size});
	}
	return found;
}

std::optional<Variable> variable_in(const bpf_object *object, const char *section,
				    std::string_view name)
{
	for (const Variable &v : variables_of(object, section)) {
		if (v.name == name)
			return v;
	}
	return std::nullopt;
}

// Where a member of the table is; npos: it has none of this name.
size_t member_offset(const btf *types, const btf_type *table, std::string_view name)
{
	for (uint16_t i = 0; i < btf_vlen(table); i++) {
		if (name == btf__name_by_offset(types, btf_members(table)[i].name_off))
			return btf_member_bit_offset(table, i) / 8;
	}
	return std::string::npos;
}

} // namespace

int HandlerObject::open(const HandlerParams &params, std::string &reason)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	std::vector<char> file;
	std::span<const char> bytes;

	if (!params.file.empty()) {
		name_ = "handler " + params.file;
		const int error = read_object(params.file, file, reason);
		if (error)
			return error;
		bytes = file;
		opts.object_name = "handler";
	} else if (!params.object.empty()) {
		name_ = "the handler given in memory";
		bytes = params.object;
		opts.object_name = "handler";
	} else {
		size_t size;
		const void *own = extfuse_cache__elf_bytes(&size);

		name_ = "the BPF handler";
		bytes = {static_cast<const char *>(own), size};
		opts.object_name = "extfuse_cache";
	}
	if (const char *wrong = what_is_wrong(bytes)) {
		reason = name_ + " " + wrong;
		return -ENOEXEC;
	}
	object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), &opts));
	if (!object_) {
		reason = "cannot open " + name_;
		return -ENOEXEC;
	}
	const int error = find_table(reason);
	return error ? error : find_caches(reason);
}

int HandlerObject::find_table(std::string &reason)
{
	const btf *types = bpf_object__btf(object_.get());
	const Variable *found = nullptr;
	uint32_t version = 0;
	size_t size;

	const auto variables = variables_of(object_.get(), table_section);
	for (const Variable &v : variables) {
		const char *type = btf__name_by_offset(types, v.type->name_off);

		if (!btf_is_struct(v.type) || strcmp(type, table_type) != 0)
			continue;
		if (found) {
			reason = name_ + " has two tables of operations, " + found->name + " and " +
				 v.name + ": a mount has one";
			return -EINVAL;
		}
		found = &v;
	}
	if (found)
		table_ = bpf_object__find_map_by_name(object_.get(), found->name.c_str());
	if (!table_) {
		reason = name_ + " has no table of operations: define one by EXTFUSE_OPS()";
		return -EINVAL;
	}
	const auto *table = static_cast<const char *>(bpf_map__initial_value(table_, &size));
	const size_t at = member_offset(types, found->type, "abi_version");
	if (table && size >= sizeof(version) && at <= size - sizeof(version))
		memcpy(&version, table + at, sizeof(version));
	if (version != EXTFUSE_ABI_VERSION) {
		reason = name_ + " was built for version " + std::to_string(version) +
			 " of the ABI, this libextfuse has version " +
			 std::to_string(EXTFUSE_ABI_VERSION) + ": compile it with its headers";
		return -EPROTO;
	}
	return 0;
}

int HandlerObject::find_caches(std::string &reason)
{
	int have = 0;

	for (int i = 0; i < cache_map_count; i++) {
		caches_[i] = bpf_object__find_map_by_name(object_.get(), cache_maps[i].name);
		if (!caches_[i])
			continue;
		have++;
		if (bpf_map__value_size(caches_[i]) != cache_maps[i].value_size) {
			reason = name_ + ": map " + cache_maps[i].name +
				 " is not laid out as this libextfuse has it: compile it with its "
				 "headers";
			return -EPROTO;
		}
	}
	counters_ = bpf_object__find_map_by_name(object_.get(), "ext_counters");
	if (counters_ && bpf_map__value_size(counters_) != sizeof(extfuse_op_counters)) {
		reason = name_ + ": map ext_counters is not laid out as this libextfuse has it";
		return -EPROTO;
	}
	if (!have)
		return 0;
	const auto switches = variable_in(object_.get(), ".data", "ext_switches");
	data_ = bpf_object__find_map_by_name(object_.get(), ".data");
	if (have != cache_map_count || !counters_ || !data_ || !switches ||
	    switches->size != sizeof(uint32_t)) {
		reason = name_ + " has some of the library's caches, but not all: include "
				 "<extfuse/cache.bpf.h>";
		return -EINVAL;
	}
	switches_offset_ = switches->offset;
	return 0;
}

// Variables that nothing refers to may have been left out by the compiler.
int HandlerObject::set(const char *variable, uint64_t value, size_t size, std::string &reason)
{
	const char *section = strcmp(variable, "ext_switches") ? ".rodata" : ".data";
	const auto found = variable_in(object_.get(), section, variable);
	size_t room = 0;

	if (!found)
		return 0;
	bpf_map *map = bpf_object__find_map_by_name(object_.get(), section);
	auto *base = map ? static_cast<char *>(bpf_map__initial_value(map, &room)) : nullptr;
	if (!base || found->size != size || found->offset > room || size > room - found->offset) {
		reason = name_ + ": " + variable + " is not what <extfuse/maps.bpf.h> declares";
		return -EPROTO;
	}
	memcpy(base + found->offset, &value, size); // little-endian: amd64
	return 0;
}

// Programs of ours for replies that are not kept; an object's own ones stay.
void HandlerObject::leave_out(std::initializer_list<const char *> members)
{
	const btf *types = bpf_object__btf(object_.get());
	const int id = btf__find_by_name_kind(types, table_type, BTF_KIND_STRUCT);
	size_t size;
	auto *table = static_cast<char *>(bpf_map__initial_value(table_, &size));

	if (id < 0 || !table)
		return;
	const btf_type *type = btf__type_by_id(types, static_cast<uint32_t>(id));
	for (const char *member : members) {
		const size_t at = member_offset(types, type, member);
		bpf_program *program;

		if (at == std::string::npos || at > size - sizeof(program))
			continue;
		memcpy(&program, table + at, sizeof(program));
		if (program && bpf_program__name(program) == std::string("cache_") + member)
			memset(table + at, 0, sizeof(program));
	}
}

// In the table's .flags, beside the object's own.
void HandlerObject::set_flags(uint32_t flags)
{
	const btf *types = bpf_object__btf(object_.get());
	const int id = btf__find_by_name_kind(types, table_type, BTF_KIND_STRUCT);
	size_t size, at = std::string::npos;
	auto *table = static_cast<char *>(bpf_map__initial_value(table_, &size));
	uint32_t now;

	if (id >= 0 && table)
		at = member_offset(types, btf__type_by_id(types, static_cast<uint32_t>(id)),
				   "flags");
	if (at == std::string::npos || at > size - sizeof(now))
		return;
	memcpy(&now, table + at, sizeof(now));
	now |= flags;
	memcpy(table + at, &now, sizeof(now));
}

int HandlerObject::prepare(const HandlerParams &params, std::string &reason)
{
	if (!params.replies)
		leave_out({"reply_entry", "reply_attr", "reply_bytes", "reply_read"});
	if (!params.opens)
		leave_out({"reply_open"});
	// Nothing marks these.
	if (params.policy.cache != EXTFUSE_CACHE_PRIVATE || !params.policy.listings)
		leave_out({"reply_dirents"});
	if (!has_caches())
		return 0;
	for (int i = 0; i < cache_map_count; i++) {
		const uint32_t buckets = params.*cache_maps[i].buckets;
		int error = bpf_map__set_max_entries(caches_[i], buckets);

		if (error) {
			reason = name_ + ": cannot size map " + cache_maps[i].name + ": " +
				 strerror(-error);
			return error;
		}
		error = set(cache_maps[i].mask, buckets - 1, sizeof(uint32_t), reason);
		if (error)
			return error;
	}
	int error = set("ext_seed", params.seed, sizeof(params.seed), reason);
	if (!error)
		error = set("ext_switches", params.switches, sizeof(uint32_t), reason);
	return error ? error : set_policy(params.policy, reason);
}

int HandlerObject::set_policy(const CachePolicy &policy, std::string &reason)
{
	const struct {
		const char *variable;
		uint32_t value;
	} settings[] = {
		{"ext_cache", policy.cache},         {"ext_cache_names", policy.names},
		{"ext_cache_attrs", policy.attrs},   {"ext_cache_listings", policy.listings},
		{"ext_cache_others", policy.others}, {"ext_cache_links", policy.links},
		{"ext_cache_owner", policy.owner},   {"ext_owner_uid", policy.uid},
		{"ext_owner_gid", policy.gid},
	};

	for (const auto &s : settings) {
		const int error = set(s.variable, s.value, sizeof(s.value), reason);

		if (error)
			return error;
	}
	if (policy.cache != EXTFUSE_CACHE_ANNOTATED)
		set_flags(EXTFUSE_HANDLER_ALL_REPLIES);
	if (policy.lazy_atime)
		set_flags(EXTFUSE_HANDLER_LAZY_ATIME);
	return 0;
}

} // namespace exf::impl
