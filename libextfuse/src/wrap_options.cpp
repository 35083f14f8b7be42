// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a wrapped session keeps: the program's configuration, and options of the one
// who mounts, which override it.
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "log.hpp"
#include "wrap.hpp"

namespace exf::impl
{

namespace
{

struct Named {
	std::string_view name;
	uint32_t value;
};

// Those whose replies can be kept.
constexpr Named operations[] = {
	{"lookup", EXTFUSE_OP_LOOKUP},       {"getattr", EXTFUSE_OP_GETATTR},
	{"read", EXTFUSE_OP_READ},           {"getxattr", EXTFUSE_OP_GETXATTR},
	{"listxattr", EXTFUSE_OP_LISTXATTR}, {"readlink", EXTFUSE_OP_READLINK},
	{"statfs", EXTFUSE_OP_STATFS},       {"access", EXTFUSE_OP_ACCESS},
	{"lseek", EXTFUSE_OP_LSEEK},         {"open", EXTFUSE_OP_OPEN},
	{"opendir", EXTFUSE_OP_OPENDIR},     {"readdir", EXTFUSE_OP_READDIR},
};
constexpr const char *operation_names =
	"lookup, getattr, read, getxattr, listxattr, readlink, statfs, access, lseek, open, "
	"opendir, readdir";

constexpr Named scopes[] = {
	{"kernel", EXTFUSE_SCOPE_KERNEL},
	{"all", EXTFUSE_SCOPE_ALL},
	{"uid", EXTFUSE_SCOPE_UID},
	{"caller", EXTFUSE_SCOPE_CALLER},
};

template <size_t n> const Named *find(const Named (&table)[n], std::string_view name) noexcept
{
	for (const Named &one : table) {
		if (one.name == name)
			return &one;
	}
	return nullptr;
}

struct Taking {
	extfuse_wrap_config &config;
	const Log &log;
};

int take_leave(const Taking &t, std::string_view list)
{
	while (!list.empty()) {
		const size_t colon = list.find(':');
		const std::string_view name = list.substr(0, colon);
		const Named *op = find(operations, name);

		if (!op) {
			t.log.error("option extfuse_leave=...%.*s: give operations, separated by "
				    "colons: %s",
				    static_cast<int>(name.size()), name.data(), operation_names);
			return -1;
		}
		t.config.leave |= EXTFUSE_WRAP_OP(op->value);
		list.remove_prefix(colon == std::string_view::npos ? list.size() : colon + 1);
	}
	return 0;
}

int take_scope(const Taking &t, std::string_view name)
{
	const Named *scope = find(scopes, name);

	if (!scope) {
		t.log.error("option extfuse_scope=%.*s: give kernel, all, uid or caller",
			    static_cast<int>(name.size()), name.data());
		return -1;
	}
	t.config.scope = static_cast<extfuse_scope>(scope->value);
	return 0;
}

constexpr fuse_opcode with_attributes[] = {FUSE_LOOKUP, FUSE_MKNOD,  FUSE_MKDIR,   FUSE_SYMLINK,
					   FUSE_LINK,   FUSE_CREATE, FUSE_GETATTR, FUSE_SETATTR};

// C programs put any number into an enum.
unsigned raw(const extfuse_scope *scope) noexcept
{
	unsigned number;

	static_assert(sizeof(number) == sizeof(*scope));
	memcpy(&number, scope, sizeof(number));
	return number;
}

enum { KEY_LEAVE = 1, KEY_SCOPE };

const fuse_opt wrap_opts[] = {
	FUSE_OPT_KEY("extfuse_leave=", KEY_LEAVE),
	FUSE_OPT_KEY("extfuse_scope=", KEY_SCOPE),
	FUSE_OPT_END,
};

int take_one(void *data, const char *arg, int key, fuse_args *)
{
	const Taking &t = *static_cast<Taking *>(data);
	const char *value = strchr(arg, '=');

	if (key == KEY_LEAVE)
		return take_leave(t, value + 1);
	if (key == KEY_SCOPE)
		return take_scope(t, value + 1);
	return 1;
}

} // namespace

// As read_config() does.
int read_wrap_config(const extfuse_wrap_config *given, extfuse_wrap_config &out,
		     const Log &log) noexcept
{
	out = {};
	if (!given)
		return 0;
	if (given->size < sizeof(given->size)) {
		log.error("extfuse_wrap_config.size is not set: use sizeof(struct "
			  "extfuse_wrap_config)");
		return -EINVAL;
	}
	const auto *bytes = reinterpret_cast<const unsigned char *>(given);
	for (size_t i = sizeof(out); i < given->size; i++) {
		if (bytes[i]) {
			log.error("extfuse_wrap_config has members that this libextfuse does not "
				  "know: update libextfuse");
			return -E2BIG;
		}
	}
	memcpy(&out, given, given->size < sizeof(out) ? given->size : sizeof(out));

	bool known = raw(&out.scope) <= EXTFUSE_SCOPE_CALLER;
	uint32_t others = out.leave;
	for (uint32_t op = 0; op < EXTFUSE_OP_COUNT; op++) {
		const unsigned scope = raw(&out.op_scope[op]);

		known = known && scope <= EXTFUSE_SCOPE_CALLER;
		if (scope)
			others |= EXTFUSE_WRAP_OP(op);
	}
	for (const Named &op : operations)
		others &= ~EXTFUSE_WRAP_OP(op.value);
	if (others) {
		log.error("extfuse_wrap_config: .leave or .op_scope of an operation whose replies "
			  "are never kept: those that can be are %s",
			  operation_names);
		return -EINVAL;
	}
	if (!known) {
		log.error("extfuse_wrap_config: unknown scope in .scope or .op_scope");
		return -EINVAL;
	}
	return 0;
}

int take_wrap_options(fuse_args *args, extfuse_wrap_config &out, const Log &log)
{
	Taking t = {out, log};

	if (!args)
		return 0;
	return fuse_opt_parse(args, &t, wrap_opts, take_one) < 0 ? -EINVAL : 0;
}

void narrow_policy(const extfuse_wrap_config &config, Options &options) noexcept
{
	const extfuse_scope listings = config.op_scope[EXTFUSE_OP_READDIR];

	if (options.cache_for == EXTFUSE_CACHE_FOR_AUTO) {
		for (const extfuse_scope scope :
		     {config.scope, config.op_scope[EXTFUSE_OP_GETATTR]}) {
			if (scope == EXTFUSE_SCOPE_UID || scope == EXTFUSE_SCOPE_CALLER)
				options.cache_for = EXTFUSE_CACHE_FOR_CALLER;
		}
	}
	if (config.leave & EXTFUSE_WRAP_OP(EXTFUSE_OP_READDIR))
		options.listings = EXTFUSE_SCOPE_NONE;
	else if (listings || config.scope)
		options.listings = listings ? listings : config.scope;
}

OpcodeMarks make_marks(const extfuse_wrap_config &config, bool default_permissions,
		       extfuse_policy policy) noexcept
{
	const auto scope_of = [&](extfuse_op op) -> uint32_t {
		if (config.leave & EXTFUSE_WRAP_OP(op))
			return EXTFUSE_SCOPE_NONE;
		if (config.op_scope[op])
			return config.op_scope[op];
		if (op == EXTFUSE_OP_STATFS)
			return EXTFUSE_SCOPE_NONE;
		if (op == EXTFUSE_OP_READ)
			return EXTFUSE_SCOPE_ALL;
		if (config.scope)
			return config.scope;
		return default_permissions ? EXTFUSE_SCOPE_KERNEL : EXTFUSE_SCOPE_CALLER;
	};
	// With no scope, too: then it says that nobody may have it.
	const auto mark = [](uint32_t scopes) { return scopes | EXTFUSE_MARK_SET; };
	const uint32_t attr = scope_of(EXTFUSE_OP_GETATTR);
	const uint32_t entry = scope_of(EXTFUSE_OP_LOOKUP) | attr << EXTFUSE_MARK_ATTR_SHIFT;
	OpcodeMarks marks{};

	if (policy == EXTFUSE_CACHE_TIMEOUTS) {
		// A mark would keep it past its timeout.
		if (config.leave & EXTFUSE_WRAP_OP(EXTFUSE_OP_GETATTR)) {
			for (const fuse_opcode opcode : with_attributes)
				marks[opcode] = mark(EXTFUSE_SCOPE_NONE);
			marks[FUSE_READDIRPLUS] = mark(EXTFUSE_SCOPE_NONE);
		}
		return marks;
	}
	// What is said here of LOOKUP and GETATTR is not to be got around by listing.
	if (policy == EXTFUSE_CACHE_PRIVATE)
		marks[FUSE_READDIRPLUS] = mark(EXTFUSE_SCOPE_NONE);
	for (const fuse_opcode opcode : with_attributes)
		marks[opcode] = mark(entry);
	// Nobody has promised that opening is not seen, unless this is said.
	for (const auto &[opcode, op] :
	     {std::pair(FUSE_OPEN, EXTFUSE_OP_OPEN), std::pair(FUSE_OPENDIR, EXTFUSE_OP_OPENDIR)}) {
		const bool given =
			config.op_scope[op] || (policy == EXTFUSE_CACHE_PRIVATE && config.scope);

		if (given || (config.leave & EXTFUSE_WRAP_OP(op)))
			marks[opcode] = mark(scope_of(op));
	}
	marks[FUSE_GETATTR] = marks[FUSE_SETATTR] = mark(attr);
	marks[FUSE_READ] = mark(scope_of(EXTFUSE_OP_READ));
	marks[FUSE_GETXATTR] = mark(scope_of(EXTFUSE_OP_GETXATTR));
	marks[FUSE_LISTXATTR] = mark(scope_of(EXTFUSE_OP_LISTXATTR));
	marks[FUSE_READLINK] = mark(scope_of(EXTFUSE_OP_READLINK));
	marks[FUSE_STATFS] = mark(scope_of(EXTFUSE_OP_STATFS));
	marks[FUSE_ACCESS] = mark(scope_of(EXTFUSE_OP_ACCESS));
	marks[FUSE_LSEEK] = mark(scope_of(EXTFUSE_OP_LSEEK));
	return marks;
}

} // namespace exf::impl
