// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>

#include <sys/mount.h>
#include <unistd.h>

namespace exf::impl
{

namespace
{

// So that the sum of all maps stays within what a kernel address can name.
constexpr uint32_t max_entries = 1U << 26;

bool valid_entries(uint32_t n)
{
	return n >= 1 && n <= max_entries;
}

struct Taking {
	Options &options;
	const Log &log;
};

int take_number(const Taking &t, std::string_view name, std::string_view value, uint32_t &out)
{
	uint32_t n = 0;
	const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);

	if (error != std::errc() || end != value.data() + value.size() || !valid_entries(n)) {
		t.log.error("option %.*s=%.*s: give a number from 1 to %u",
			    static_cast<int>(name.size()), name.data(),
			    static_cast<int>(value.size()), value.data(), max_entries);
		return -1;
	}
	out = n;
	return 0;
}

int take_driver(const Taking &t, std::string_view value)
{
	if (value == "auto") {
		t.options.driver = EXTFUSE_DRIVER_EXTFUSE;
		t.options.fallback = EXTFUSE_FALLBACK_STOCK;
	} else if (value == "require") {
		t.options.driver = EXTFUSE_DRIVER_EXTFUSE;
		t.options.fallback = EXTFUSE_FALLBACK_FAIL;
	} else if (value == "stock") {
		t.options.driver = EXTFUSE_DRIVER_STOCK;
	} else {
		t.log.error("option extfuse=%.*s: give auto, require or stock",
			    static_cast<int>(value.size()), value.data());
		return -1;
	}
	return 0;
}

// Daemons change their directory when they go to the background.
int take_handler(const Taking &t, std::string_view value)
{
	if (value.empty()) {
		t.log.error("option handler=: give the path of a BPF object");
		return -1;
	}
	t.options.handler_file = std::filesystem::absolute(value).string();
	t.options.handler_object = {};
	return 0;
}

int take_cache(const Taking &t, std::string_view value)
{
	if (value == "annotated") {
		t.options.cache = EXTFUSE_CACHE_ANNOTATED;
	} else if (value == "timeouts") {
		t.options.cache = EXTFUSE_CACHE_TIMEOUTS;
	} else if (value == "private") {
		t.options.cache = EXTFUSE_CACHE_PRIVATE;
	} else {
		t.log.error("option cache=%.*s: give annotated, timeouts or private",
			    static_cast<int>(value.size()), value.data());
		return -1;
	}
	return 0;
}

int take_cache_for(const Taking &t, std::string_view value)
{
	if (value == "auto") {
		t.options.cache_for = EXTFUSE_CACHE_FOR_AUTO;
	} else if (value == "caller") {
		t.options.cache_for = EXTFUSE_CACHE_FOR_CALLER;
	} else if (value == "all") {
		t.options.cache_for = EXTFUSE_CACHE_FOR_ALL;
	} else {
		t.log.error("option cache_for=%.*s: give auto, caller or all",
			    static_cast<int>(value.size()), value.data());
		return -1;
	}
	return 0;
}

enum { KEY_OURS = 1 };

const fuse_opt our_opts[] = {
	FUSE_OPT_KEY("extfuse=", KEY_OURS),
	FUSE_OPT_KEY("no_handler", KEY_OURS),
	FUSE_OPT_KEY("no_remember", KEY_OURS),
	FUSE_OPT_KEY("reply_hooks", KEY_OURS),
	FUSE_OPT_KEY("max_names=", KEY_OURS),
	FUSE_OPT_KEY("max_long_names=", KEY_OURS),
	FUSE_OPT_KEY("max_attrs=", KEY_OURS),
	FUSE_OPT_KEY("max_blocks=", KEY_OURS),
	FUSE_OPT_KEY("max_objects=", KEY_OURS),
	FUSE_OPT_KEY("max_dirs=", KEY_OURS),
	FUSE_OPT_KEY("max_opens=", KEY_OURS),
	FUSE_OPT_KEY("handler=", KEY_OURS),
	FUSE_OPT_KEY("cache=", KEY_OURS),
	FUSE_OPT_KEY("cache_for=", KEY_OURS),
	FUSE_OPT_KEY("cache_links", KEY_OURS),
	FUSE_OPT_KEY("follow_atime", KEY_OURS),
	FUSE_OPT_END,
};

// libfuse's way: 1 keeps the argument, 0 takes it, -1 ends with an error.
int take_one(void *data, const char *arg, int key, fuse_args *)
{
	Taking &t = *static_cast<Taking *>(data);

	if (key != KEY_OURS)
		return 1;

	const std::string_view text = arg;
	const size_t equals = text.find('=');
	const std::string_view name = text.substr(0, equals);
	const std::string_view value =
		equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);

	if (name == "extfuse")
		return take_driver(t, value);
	if (name == "handler")
		return take_handler(t, value);
	if (name == "cache")
		return take_cache(t, value);
	if (name == "cache_for")
		return take_cache_for(t, value);
	if (name == "max_names")
		return take_number(t, name, value, t.options.max_names);
	if (name == "max_long_names")
		return take_number(t, name, value, t.options.max_long_names);
	if (name == "max_attrs")
		return take_number(t, name, value, t.options.max_attrs);
	if (name == "max_blocks")
		return take_number(t, name, value, t.options.max_blocks);
	if (name == "max_objects")
		return take_number(t, name, value, t.options.max_objects);
	if (name == "max_dirs")
		return take_number(t, name, value, t.options.max_dirs);
	if (name == "max_opens")
		return take_number(t, name, value, t.options.max_opens);
	if (name == "no_handler")
		t.options.no_handler = true;
	else if (name == "no_remember")
		t.options.no_remember = true;
	else if (name == "reply_hooks")
		t.options.reply_hooks = true;
	else if (name == "cache_links")
		t.options.cache_links = true;
	else if (name == "follow_atime")
		t.options.follow_atime = true;
	return 0;
}

struct MountFlag {
	const char *name;
	unsigned long flag;
	bool on;
};

constexpr MountFlag mount_flags[] = {
	{"rw", MS_RDONLY, false},
	{"ro", MS_RDONLY, true},
	{"suid", MS_NOSUID, false},
	{"nosuid", MS_NOSUID, true},
	{"dev", MS_NODEV, false},
	{"nodev", MS_NODEV, true},
	{"exec", MS_NOEXEC, false},
	{"noexec", MS_NOEXEC, true},
	{"async", MS_SYNCHRONOUS, false},
	{"sync", MS_SYNCHRONOUS, true},
	{"dirsync", MS_DIRSYNC, true},
	{"noatime", MS_NOATIME, true},
	{"nodiratime", MS_NODIRATIME, true},
	{"norelatime", MS_RELATIME, false},
	{"nostrictatime", MS_STRICTATIME, false},
	{"symfollow", MS_NOSYMFOLLOW, false},
	{"nosymfollow", MS_NOSYMFOLLOW, true},
};

enum { KEY_FLAG = 1, KEY_RO, KEY_KERNEL, KEY_FSNAME, KEY_SUBTYPE, KEY_AUTO_UNMOUNT, KEY_BLKDEV };

const fuse_opt mount_opts[] = {
	FUSE_OPT_KEY("rw", KEY_FLAG),
	FUSE_OPT_KEY("ro", KEY_FLAG),
	FUSE_OPT_KEY("suid", KEY_FLAG),
	FUSE_OPT_KEY("nosuid", KEY_FLAG),
	FUSE_OPT_KEY("dev", KEY_FLAG),
	FUSE_OPT_KEY("nodev", KEY_FLAG),
	FUSE_OPT_KEY("exec", KEY_FLAG),
	FUSE_OPT_KEY("noexec", KEY_FLAG),
	FUSE_OPT_KEY("async", KEY_FLAG),
	FUSE_OPT_KEY("sync", KEY_FLAG),
	FUSE_OPT_KEY("dirsync", KEY_FLAG),
	FUSE_OPT_KEY("noatime", KEY_FLAG),
	FUSE_OPT_KEY("nodiratime", KEY_FLAG),
	FUSE_OPT_KEY("norelatime", KEY_FLAG),
	FUSE_OPT_KEY("nostrictatime", KEY_FLAG),
	FUSE_OPT_KEY("symfollow", KEY_FLAG),
	FUSE_OPT_KEY("nosymfollow", KEY_FLAG),
	FUSE_OPT_KEY("-r", KEY_RO),
	FUSE_OPT_KEY("allow_other", KEY_KERNEL),
	FUSE_OPT_KEY("default_permissions", KEY_KERNEL),
	FUSE_OPT_KEY("max_read=", KEY_KERNEL),
	FUSE_OPT_KEY("blksize=", KEY_KERNEL),
	FUSE_OPT_KEY("context=", KEY_KERNEL),
	FUSE_OPT_KEY("fscontext=", KEY_KERNEL),
	FUSE_OPT_KEY("defcontext=", KEY_KERNEL),
	FUSE_OPT_KEY("rootcontext=", KEY_KERNEL),
	FUSE_OPT_KEY("fsname=", KEY_FSNAME),
	FUSE_OPT_KEY("subtype=", KEY_SUBTYPE),
	FUSE_OPT_KEY("auto_unmount", KEY_AUTO_UNMOUNT),
	FUSE_OPT_KEY("blkdev", KEY_BLKDEV),
	FUSE_OPT_END,
};

void set_flag(MountOptions &o, std::string_view name)
{
	for (const MountFlag &f : mount_flags) {
		if (name == f.name)
			o.flags = f.on ? o.flags | f.flag : o.flags & ~f.flag;
	}
}

int read_one(void *data, const char *arg, int key, fuse_args *)
{
	MountOptions &o = *static_cast<MountOptions *>(data);

	switch (key) {
	case KEY_RO:
		set_flag(o, "ro");
		break;
	case KEY_FLAG:
		set_flag(o, arg);
		break;
	case KEY_KERNEL:
		if (!o.kernel.empty())
			o.kernel += ',';
		// The kernel splits at commas, as libfuse does.
		o.kernel += arg;
		o.allow_other |= !strcmp(arg, "allow_other");
		o.default_permissions |= !strcmp(arg, "default_permissions");
		break;
	case KEY_FSNAME:
		o.fsname = strchr(arg, '=') + 1;
		break;
	case KEY_SUBTYPE:
		o.subtype = strchr(arg, '=') + 1;
		break;
	case KEY_AUTO_UNMOUNT:
		o.auto_unmount = true;
		break;
	case KEY_BLKDEV:
		o.blkdev = true;
		break;
	default:
		break;
	}
	return 0;
}

template <class Enum> unsigned raw(const Enum &value)
{
	unsigned number;

	static_assert(sizeof(number) == sizeof(value));
	memcpy(&number, &value, sizeof(number));
	return number;
}

// A copy of arguments that frees itself.
struct ArgsCopy {
	fuse_args args = FUSE_ARGS_INIT(0, nullptr);

	~ArgsCopy()
	{
		fuse_opt_free_args(&args);
	}
};

} // namespace

int read_config(const extfuse_config *cfg, Options &out, Log &log)
{
	extfuse_config c = {};

	if (!cfg)
		return 0;
	if (cfg->size < sizeof(cfg->size)) {
		log.error("extfuse_config.size is not set: use sizeof(struct extfuse_config)");
		return -EINVAL;
	}
	const auto *bytes = reinterpret_cast<const unsigned char *>(cfg);
	for (size_t i = sizeof(c); i < cfg->size; i++) {
		if (bytes[i]) {
			log.error("extfuse_config has members that this libextfuse does not know: "
				  "update libextfuse");
			return -E2BIG;
		}
	}
	memcpy(&c, cfg, cfg->size < sizeof(c) ? cfg->size : sizeof(c));

	// C programs put any number into an enum.
	const unsigned driver = raw(c.driver);
	const unsigned fallback = raw(c.fallback);
	const unsigned level = raw(c.log_level);
	if (level > EXTFUSE_LOG_DEBUG) {
		log.error("extfuse_config.log_level %u is unknown", level);
		return -EINVAL;
	}
	log = Log(c.log, c.log_userdata, c.log_level ? c.log_level : EXTFUSE_LOG_WARNING);
	if (driver > EXTFUSE_DRIVER_STOCK || fallback > EXTFUSE_FALLBACK_FAIL) {
		log.error("extfuse_config.driver %u, .fallback %u: unknown value", driver,
			  fallback);
		return -EINVAL;
	}
	const unsigned cache = raw(c.cache);
	const unsigned cache_for = raw(c.cache_for);
	if (cache > EXTFUSE_CACHE_PRIVATE || cache_for > EXTFUSE_CACHE_FOR_ALL) {
		log.error("extfuse_config.cache %u, .cache_for %u: unknown value", cache,
			  cache_for);
		return -EINVAL;
	}
	out.driver = c.driver;
	out.fallback = c.fallback;
	out.no_handler = c.no_handler != 0;
	out.no_remember = c.no_remember != 0;
	out.reply_hooks = c.reply_hooks != 0;
	if (c.handler_file && c.handler_object) {
		log.error("extfuse_config has handler_file and handler_object: give one");
		return -EINVAL;
	}
	if (c.handler_file)
		out.handler_file = std::filesystem::absolute(c.handler_file).string();
	if (c.handler_object)
		out.handler_object = {static_cast<const char *>(c.handler_object),
				      c.handler_object_size};
	out.cache = c.cache;
	out.cache_for = c.cache_for;
	out.cache_links = c.cache_links != 0;
	out.follow_atime = c.follow_atime != 0;
	const struct {
		const char *name;
		uint32_t given;
		uint32_t *member;
	} sizes[] = {
		{"max_names", c.max_names, &out.max_names},
		{"max_long_names", c.max_long_names, &out.max_long_names},
		{"max_attrs", c.max_attrs, &out.max_attrs},
		{"max_blocks", c.max_blocks, &out.max_blocks},
		{"max_objects", c.max_objects, &out.max_objects},
		{"max_dirs", c.max_dirs, &out.max_dirs},
		{"max_opens", c.max_opens, &out.max_opens},
	};
	for (const auto &s : sizes) {
		if (!s.given)
			continue;
		if (!valid_entries(s.given)) {
			log.error("extfuse_config.%s is %u: at most %u", s.name, s.given,
				  max_entries);
			return -EINVAL;
		}
		*s.member = s.given;
	}
	return 0;
}

int take_options(fuse_args *args, Options &out, const Log &log)
{
	Taking t = {out, log};

	if (!args)
		return 0;
	return fuse_opt_parse(args, &t, our_opts, take_one) < 0 ? -EINVAL : 0;
}

// libfuse's default, also for root: what a daemon invents is not trusted.
MountOptions::MountOptions() : flags(MS_NOSUID | MS_NODEV), user_id(getuid()), group_id(getgid()) {}

int read_mount_options(const fuse_args *args, MountOptions &out)
{
	ArgsCopy copy;

	if (!args)
		return 0;
	for (int i = 0; i < args->argc; i++) {
		if (fuse_opt_add_arg(&copy.args, args->argv[i]) < 0)
			return -ENOMEM;
	}
	return fuse_opt_parse(&copy.args, &out, mount_opts, read_one) < 0 ? -EINVAL : 0;
}

} // namespace exf::impl

extern "C" const char *extfuse_option_help(void)
{
	return "    -o extfuse=auto        extfuse driver if there is one, else stock FUSE "
	       "(default)\n"
	       "    -o extfuse=require     extfuse driver, or fail\n"
	       "    -o extfuse=stock       stock FUSE\n"
	       "    -o no_handler          extfuse driver without a BPF handler\n"
	       "    -o handler=FILE        BPF object of a handler in place of the library's own\n"
	       "    -o no_remember         ask the handler every time\n"
	       "    -o reply_hooks         replies are cached by the driver on their way back\n"
	       "    -o cache=annotated     keep what the file system says may be kept (default)\n"
	       "    -o cache=timeouts      and attributes, as long as their timeouts allow\n"
	       "    -o cache=private       and all else: files change through this mount only\n"
	       "    -o cache_for=auto      kept replies are for everybody if the kernel checks\n"
	       "                           permissions, or for the mount's owner, or =caller\n"
	       "    -o cache_for=caller    ... for the same user and groups\n"
	       "    -o cache_for=all       ... for everybody: they do not depend on who asks\n"
	       "    -o cache_links         all names of a file have the same node\n"
	       "    -o follow_atime        cache=private: reading outdates access times\n"
	       "    -o max_names=N         names to keep, of up to 32 bytes (131072)\n"
	       "    -o max_long_names=N    names to keep, longer ones (4096)\n"
	       "    -o max_attrs=N         nodes whose attributes to keep (131072)\n"
	       "    -o max_blocks=N        blocks of 4 KiB of file data to keep (4096)\n"
	       "    -o max_objects=N       extended attributes, link targets and the like to keep "
	       "(65536)\n"
	       "    -o max_dirs=N          directories whose entries to keep (4096)\n"
	       "    -o max_opens=N         files and directories to open without asking (131072)\n";
}
