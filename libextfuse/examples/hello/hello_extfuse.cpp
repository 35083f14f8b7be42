// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The file system of hello_extfuse.c, without its data, in C++.
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 17)
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>

#include <extfuse/extfuse.hpp>

namespace
{

constexpr fuse_ino_t hello_ino = 2;

class Hello
{
public:
	explicit Hello(fuse_args *args) : mount(args) {}

	static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
	{
		exf::EntryRead read(self(req).mount, parent, name);
		fuse_entry_param e = {};

		if (parent != FUSE_ROOT_ID || strcmp(name, "hello") != 0) {
			read.reply_negative(req, EXTFUSE_SCOPE_ALL);
			return;
		}
		e.ino = hello_ino;
		read.node(e.ino);
		e.attr = attributes(e.ino);
		read.reply(req, e, EXTFUSE_SCOPE_ALL);
	}

	static void getattr(fuse_req_t req, fuse_ino_t ino, fuse_file_info *)
	{
		const exf::NodeRead read(self(req).mount, ino);

		read.reply(req, attributes(ino), EXTFUSE_SCOPE_ALL);
	}

	exf::Mount mount;

private:
	static Hello &self(fuse_req_t req)
	{
		return *static_cast<Hello *>(fuse_req_userdata(req));
	}
	static struct stat attributes(fuse_ino_t ino)
	{
		struct stat st = {};

		st.st_ino = ino;
		st.st_mode = ino == hello_ino ? S_IFREG | 0444 : S_IFDIR | 0755;
		st.st_nlink = ino == hello_ino ? 1 : 2;
		return st;
	}
};

struct FreeString {
	void operator()(char *s) const
	{
		free(s);
	}
};

int run(int argc, char **argv)
{
	exf::Args args(argc, argv);
	Hello hello(args.get());
	fuse_cmdline_opts opts = {};

	if (fuse_parse_cmdline(args.get(), &opts) != 0)
		return 1;
	const std::unique_ptr<char, FreeString> mountpoint(opts.mountpoint);
	if (opts.show_help || !mountpoint) {
		printf("usage: %s [options] MOUNTPOINT\n\n%s", argv[0], extfuse_option_help());
		fuse_lowlevel_help();
		return !opts.show_help;
	}

	fuse_lowlevel_ops ops = {};
	ops.lookup = Hello::lookup;
	ops.getattr = Hello::getattr;
	const exf::Session session(args.get(), ops, &hello);
	if (fuse_set_signal_handlers(session.get()) != 0)
		return 1;
	hello.mount.mount(session.get(), mountpoint.get());
	int error = fuse_daemonize(opts.foreground);
	if (error == 0)
		error = fuse_session_loop(session.get());
	hello.mount.unmount();
	fuse_remove_signal_handlers(session.get());
	return error != 0;
}

} // namespace

int main(int argc, char *argv[])
{
	try {
		return run(argc, argv);
	} catch (const std::exception &e) {
		fprintf(stderr, "%s: %s\n", argv[0], e.what());
		return 1;
	}
}
