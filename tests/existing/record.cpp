// SPDX-License-Identifier: GPL-2.0-only
#include "record.hpp"

#include <algorithm>
#include <cstring>

#include <dirent.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "sys.hpp"

namespace extfuse_test
{

namespace
{

constexpr uid_t other = 1000;
constexpr time_t then = 1000000000; // of all that make_tree() makes
constexpr time_t recent = 1600000000;

bool with_links = true;

void write_file(const std::string &path, const std::string &content, mode_t mode)
{
	const sys::Fd fd(sys::open(path, O_CREAT | O_WRONLY | O_TRUNC, mode));

	if (fd >= 0 && sys::pwrite(fd, content, 0) < 0)
		perror(path.c_str());
}

std::vector<std::string> names_in(const std::string &dir)
{
	std::vector<std::string> out;
	DIR *stream = opendir(dir.c_str());

	if (!stream)
		return out;
	while (const dirent *entry = readdir(stream)) {
		const std::string name = entry->d_name;

		if (name != "." && name != "..")
			out.push_back(name);
	}
	closedir(stream);
	std::sort(out.begin(), out.end());
	return out;
}

void make_old(const std::string &path)
{
	const timespec times[2] = {{then, 0}, {then, 0}};
	struct stat st;

	if (sys::stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		for (const std::string &name : names_in(path))
			make_old(path + "/" + name);
	}
	utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

std::string number(long n)
{
	return n < 0 ? strerror(static_cast<int>(-n)) : std::to_string(n);
}

std::string digest(const std::string &text)
{
	return std::to_string(text.size()) + ":" + std::to_string(std::hash<std::string>()(text));
}

std::string content_of(const std::string &path)
{
	const sys::Fd fd(sys::open(path, O_RDONLY));
	std::string all, part;
	int n;

	if (fd < 0)
		return number(fd);
	// Of several requests.
	while ((n = sys::pread(fd, 16384, all.size(), &part)) > 0)
		all += part;
	return n < 0 ? number(n) : digest(all);
}

std::string xattrs_of(const std::string &path)
{
	char list[4096], value[4096];
	const ssize_t n = llistxattr(path.c_str(), list, sizeof(list));
	std::vector<std::string> found;
	std::string out;

	if (n < 0)
		return number(-errno);
	for (const char *name = list; name < list + n; name += strlen(name) + 1) {
		const ssize_t size = lgetxattr(path.c_str(), name, value, sizeof(value));
		found.push_back(name +
				("=" + (size < 0 ? number(-errno) : std::string(value, size))));
	}
	std::sort(found.begin(), found.end());
	for (const std::string &one : found)
		out += one + " ";
	return out;
}

std::string attributes_of(const std::string &path)
{
	struct stat st;
	char text[200];

	if (const int error = sys::stat(path, &st); error < 0)
		return number(error);
	snprintf(text, sizeof(text), "%o nlink %s of %u:%u size %lld rdev %llx time %s", st.st_mode,
		 with_links ? std::to_string(st.st_nlink).c_str() : "any", st.st_uid, st.st_gid,
		 static_cast<long long>(st.st_size), static_cast<unsigned long long>(st.st_rdev),
		 st.st_mtime > recent ? "now" : std::to_string(st.st_mtime).c_str());
	return text;
}

// One line: what of, and everything that can be seen of it.
std::string look(const std::string &dir, const std::string &name)
{
	const std::string path = name.empty() ? dir : dir + "/" + name;
	struct stat st;
	std::string line = name + ": " + attributes_of(path);

	if (sys::stat(path, &st) < 0)
		return line;
	if (S_ISLNK(st.st_mode)) {
		char target[512];
		const ssize_t n = readlink(path.c_str(), target, sizeof(target));

		line += " -> " + (n < 0 ? number(-errno) : std::string(target, n));
	} else if (S_ISREG(st.st_mode)) {
		line += " content " + content_of(path);
	}
	return line + " xattrs " + xattrs_of(path);
}

void walk(const std::string &dir, const std::string &name, Record &out)
{
	const std::string path = name.empty() ? dir : dir + "/" + name;
	struct stat st;

	out.push_back(look(dir, name));
	if (sys::stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		for (const std::string &child : names_in(path))
			walk(dir, name.empty() ? child : name + "/" + child, out);
	}
}

class Script
{
public:
	Script(const std::string &dir, Record &out) : dir_(dir), out_(out) {}

	std::string at(const std::string &name) const
	{
		return dir_ + "/" + name;
	}
	// What it gave, then how these look.
	void step(const std::string &what, long result, std::vector<std::string> names = {})
	{
		out_.push_back(what + ": " + number(result));
		for (const std::string &name : names)
			out_.push_back("  " + look(dir_, name));
	}
	int opened(const std::string &name, int flags)
	{
		const sys::Fd fd(sys::open(at(name), flags));

		return fd < 0 ? static_cast<int>(fd) : 0;
	}

private:
	const std::string &dir_;
	Record &out_;
};

void as_other_user(const std::string &dir, Record &out)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return;
	const pid_t pid = fork();
	if (pid == 0) {
		Record mine;
		Script s(dir, mine);

		if (setgroups(0, nullptr) < 0 || setresgid(other, other, other) < 0 ||
		    setresuid(other, other, other) < 0)
			_exit(1);
		s.step("other: root", sys::stat(dir));
		s.step("other: stat", sys::stat(s.at("plain")));
		s.step("other: read", s.opened("plain", O_RDONLY));
		s.step("other: write", s.opened("plain", O_WRONLY));
		s.step("other: read secret", s.opened("secret", O_RDONLY));
		s.step("other: locked", s.opened("locked", O_RDONLY | O_DIRECTORY));
		s.step("other: in locked", sys::stat(s.at("locked/inside")));
		s.step("other: access", sys::access(s.at("secret"), R_OK));
		s.step("other: create", s.opened("of other", O_CREAT | O_WRONLY));
		s.step("other: unlink", sys::unlink(s.at("plain")));
		s.step("other: chmod", sys::chmod(s.at("plain"), 0777));
		s.step("other: own", s.opened("of 1000", O_RDWR));
		for (const std::string &line : mine)
			dprintf(pipes[1], "%s\n", line.c_str());
		_exit(0);
	}
	close(pipes[1]);
	FILE *in = fdopen(pipes[0], "r");
	char line[512];
	while (fgets(line, sizeof(line), in))
		out.push_back(std::string(line, strcspn(line, "\n")));
	fclose(in);
	waitpid(pid, nullptr, 0);
}

} // namespace

void make_tree(const std::string &dir)
{
	sys::mkdir(dir, 0755);
	write_file(dir + "/plain", "plain text\n", 0644);
	write_file(dir + "/empty", "", 0644);
	write_file(dir + "/secret", "nobody's business\n", 0600);
	write_file(dir + "/of 1000", "mine\n", 0640);
	write_file(dir + "/program", "#!/bin/sh\n", 0755);
	std::string large;
	for (int i = 0; i < 30000; i++)
		large += std::to_string(i) + "\n";
	write_file(dir + "/large", large, 0644);
	sys::chown(dir + "/of 1000", other, other);
	sys::mkdir(dir + "/locked", 0700);
	write_file(dir + "/locked/inside", "inside\n", 0644);
	sys::mkdir(dir + "/deep");
	sys::mkdir(dir + "/deep/deeper");
	sys::mkdir(dir + "/deep/deeper/deepest");
	write_file(dir + "/deep/deeper/deepest/file", "at the bottom\n", 0444);
	sys::mkdir(dir + "/nothing in it");
	sys::mkdir(dir + "/many");
	for (int i = 0; i < 24; i++)
		write_file(dir + "/many/" + std::to_string(i), std::to_string(i), 0644);
	sys::symlink("plain", dir + "/link");
	sys::symlink("nowhere/at all", dir + "/dangling");
	sys::symlink("../plain", dir + "/deep/up");
	write_file(dir + "/ odd: \"name\" \xc3\xa9 %s\\", "odd\n", 0644);
	write_file(dir + "/-o", "an option\n", 0644);
	write_file(dir + "/" + std::string(120, 'l'), "a long name\n", 0644);
	sys::set_xattr(dir + "/plain", "user.colour", "blue");
	make_old(dir);
}

void record_tree(const std::string &dir, bool links, Record &out)
{
	with_links = links;
	walk(dir, "", out);
}

void record_errors(const std::string &dir, Record &out)
{
	Script s(dir, out);
	char buffer[64];

	s.step("missing", sys::stat(s.at("missing")));
	s.step("missing again", sys::stat(s.at("missing")));
	s.step("open missing", s.opened("missing", O_RDONLY));
	s.step("in missing", sys::stat(s.at("missing/x")));
	s.step("below a file", sys::stat(s.at("plain/x")));
	s.step("too long", sys::stat(s.at(std::string(256, 'x'))));
	s.step("missing, long", sys::stat(s.at(std::string(200, 'x'))));
	s.step("write a directory", s.opened("deep", O_WRONLY));
	s.step("list a file", s.opened("plain", O_RDONLY | O_DIRECTORY));
	s.step("readlink of a file", sys::result(readlink(s.at("plain").c_str(), buffer, 64)));
	s.step("no such attribute",
	       sys::result(lgetxattr(s.at("plain").c_str(), "user.none", buffer, 64)));
	s.step("little room",
	       sys::result(lgetxattr(s.at("plain").c_str(), "user.colour", buffer, 2)));
	s.step("no attribute of the system",
	       sys::result(lgetxattr(s.at("plain").c_str(), "security.capability", buffer, 64)));
	s.step("through a dangling link", s.opened("dangling", O_RDONLY));
	s.step("do not follow", s.opened("link", O_RDONLY | O_NOFOLLOW));
	s.step("follow", s.opened("link", O_RDONLY));
	s.step("up", s.opened("deep/up", O_RDONLY));
	s.step("exclusively", s.opened("plain", O_CREAT | O_EXCL | O_WRONLY));
	s.step("rmdir of what is full", sys::rmdir(s.at("deep")));
	s.step("rmdir of a file", sys::rmdir(s.at("plain")));
	s.step("unlink of a directory", sys::unlink(s.at("deep")));
	s.step("mkdir over", sys::mkdir(s.at("deep")));
	s.step("into itself", sys::rename(s.at("deep"), s.at("deep/deeper/x")));
	s.step("executable", sys::access(s.at("plain"), X_OK));
	s.step("executable", sys::access(s.at("program"), X_OK));

	const sys::Fd fd(sys::open(s.at("large"), O_RDONLY));
	s.step("beyond the end", sys::result(pread(fd, buffer, 64, 1 << 30)));
	s.step("across the end", sys::result(pread(fd, buffer, 64, 168880)));
	s.step("data", sys::result(lseek(fd, 0, SEEK_DATA)));
	s.step("a hole", sys::result(lseek(fd, 0, SEEK_HOLE)));
	s.step("for reading only", sys::result(write(fd, "x", 1)));
	void *map = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
	s.step("mapped", map == MAP_FAILED ? -errno : memcmp(map, "0\n1\n2\n", 6));
	if (map != MAP_FAILED)
		munmap(map, 4096);
	struct statfs fs;
	s.step("statfs", sys::result(statfs(dir.c_str(), &fs)));
	as_other_user(dir, out);
}

void record_changes(const std::string &dir, Record &out)
{
	Script s(dir, out);

	{
		const sys::Fd fd(sys::open(s.at("new"), O_CREAT | O_EXCL | O_RDWR, 0640));
		s.step("create", fd < 0 ? static_cast<int>(fd) : 0, {"new", ""});
		s.step("write", sys::pwrite(fd, "0123456789", 0), {"new"});
		s.step("write in the middle", sys::pwrite(fd, "xx", 3), {"new"});
		s.step("beyond", sys::pwrite(fd, "far", 9000), {"new"});
		s.step("fsync", sys::result(fsync(fd)));
	}
	s.step("closed", 0, {"new"});
	{
		const sys::Fd fd(sys::open(s.at("plain"), O_WRONLY | O_APPEND));
		s.step("append", sys::result(write(fd, "more\n", 5)), {"plain"});
	}
	s.step("appended", 0, {"plain"});
	s.step("longer", sys::truncate(s.at("plain"), 5000), {"plain"});
	s.step("shorter", sys::truncate(s.at("plain"), 3), {"plain"});
	s.step("cut at open", s.opened("large", O_WRONLY | O_TRUNC), {"large"});
	s.step("chmod", sys::chmod(s.at("plain"), 0600), {"plain"});
	s.step("chown", sys::chown(s.at("plain"), 5, 6), {"plain"});
	const timespec times[2] = {{then, 0}, {then + 5, 0}};
	s.step("utimens", sys::result(utimensat(AT_FDCWD, s.at("plain").c_str(), times, 0)),
	       {"plain"});
	s.step("setxattr", sys::set_xattr(s.at("empty"), "user.colour", "red"), {"empty"});
	s.step("setxattr again", sys::set_xattr(s.at("empty"), "user.colour", "pink"), {"empty"});
	s.step("removexattr", sys::result(lremovexattr(s.at("empty").c_str(), "user.colour")),
	       {"empty"});
	s.step("rename", sys::rename(s.at("new"), s.at("renamed")), {"new", "renamed", ""});
	s.step("rename over", sys::rename(s.at("renamed"), s.at("empty")), {"renamed", "empty"});
	s.step("rename into", sys::rename(s.at("empty"), s.at("deep/moved")),
	       {"empty", "deep/moved", "deep"});
	s.step("rename a directory", sys::rename(s.at("deep/deeper"), s.at("many/deeper")),
	       {"deep/deeper", "many/deeper", "many/deeper/deepest/file", "deep", "many"});
	s.step("mkdir", sys::mkdir(s.at("directory")), {"directory", ""});
	s.step("mkdir in it", sys::mkdir(s.at("directory/inner")), {"directory"});
	s.step("rmdir of what is full", sys::rmdir(s.at("directory")), {"directory"});
	s.step("rmdir", sys::rmdir(s.at("directory/inner")), {"directory/inner", "directory"});
	s.step("symlink", sys::symlink("many/3", s.at("to 3")), {"to 3", ""});
	s.step("through it", s.opened("to 3", O_WRONLY | O_TRUNC), {"many/3"});
	s.step("fifo", sys::result(mkfifo(s.at("fifo").c_str(), 0644)), {"fifo"});
	{
		const sys::Fd fd(sys::open(s.at("many/5"), O_RDWR));
		std::string text;

		s.step("unlink what is open", sys::unlink(s.at("many/5")), {"many/5", "many"});
		s.step("write it", sys::pwrite(fd, "gone", 0));
		s.step("read it", sys::pread(fd, 100, 0, &text));
		out.push_back("  it is " + text);
	}
	s.step("unlink", sys::unlink(s.at("many/6")), {"many/6", "many"});
	s.step("make it again", s.opened("many/6", O_CREAT | O_EXCL | O_WRONLY), {"many/6"});
	s.step("what was missing", s.opened("missing", O_CREAT | O_WRONLY), {"missing"});
}

void record_links(const std::string &dir, Record &out)
{
	Script s(dir, out);
	// Of a file with two nodes, the other one is old until the default timeouts end.
	const auto wait = [] { usleep(1200000); };

	s.step("link", sys::link(s.at("many/4"), s.at("fourth")));
	wait();
	s.step("linked", 0, {"many/4", "fourth"});
	{
		const sys::Fd fd(sys::open(s.at("many/4"), O_WRONLY));
		s.step("by one of two names", sys::pwrite(fd, "four", 0));
	}
	wait();
	s.step("by both", 0, {"many/4", "fourth"});
	s.step("unlink one", sys::unlink(s.at("many/4")));
	wait();
	s.step("one is left", 0, {"many/4", "fourth"});
}

std::string differences(const Record &expected, const Record &found)
{
	const size_t lines = std::max(expected.size(), found.size());
	std::string out;
	unsigned shown = 0;

	for (size_t i = 0; i < lines && shown < 12; i++) {
		const std::string none = "(nothing)";
		const std::string &a = i < expected.size() ? expected[i] : none;
		const std::string &b = i < found.size() ? found[i] : none;

		if (a != b) {
			out += "  stock:   " + a + "\n  extfuse: " + b + "\n";
			shown++;
		}
	}
	return out;
}

} // namespace extfuse_test
