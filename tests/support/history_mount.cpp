// SPDX-License-Identifier: GPL-2.0-only
#include "history_mount.hpp"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "guest.hpp"
#include "sys.hpp"

namespace extfuse_test::history
{

StackfsMount::StackfsMount(const std::string &program, const std::vector<std::string> &options)
{
	char base[] = "/tmp/history-XXXXXX";
	if (!mkdtemp(base))
		throw std::runtime_error(std::string("mkdtemp: ") + strerror(errno));
	base_ = base;
	mkdir(lower().c_str(), 0755);
	mkdir(root().c_str(), 0755);
	std::vector<std::string> argv = {program};
	argv.insert(argv.end(), options.begin(), options.end());
	for (const std::string &word :
	     {std::string("-f"), std::string("--control"), base_ + "/control", lower(), root()})
		argv.push_back(word);
	start(argv);
}

void StackfsMount::start(const std::vector<std::string> &argv)
{
	std::vector<char *> words;
	for (const std::string &word : argv)
		words.push_back(const_cast<char *>(word.c_str()));
	words.push_back(nullptr);
	daemon_ = fork();
	if (daemon_ == 0) {
		execv(words[0], words.data());
		fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
		_exit(127);
	}
	struct stat below = {}, at = {};
	stat(base_.c_str(), &below);
	for (unsigned i = 0; i < 3000 * slower(); i++) {
		if (access((base_ + "/control").c_str(), F_OK) == 0 &&
		    stat(root().c_str(), &at) == 0 && at.st_dev != below.st_dev)
			return;
		if (waitpid(daemon_, nullptr, WNOHANG) == daemon_)
			break;
		usleep(10'000);
	}
	throw std::runtime_error("stackfs did not mount");
}

StackfsMount::~StackfsMount()
{
	kill(daemon_, SIGTERM);
	for (unsigned i = 0; i < 3000 && waitpid(daemon_, nullptr, WNOHANG) != daemon_; i++)
		usleep(10'000);
	umount2(root().c_str(), MNT_DETACH);
	std::error_code ignored;
	std::filesystem::remove_all(base_, ignored);
}

std::string StackfsMount::control(const std::string &command) const
{
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", base_.c_str());
	const sys::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	const std::string line = command + "\n";
	if (connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) < 0 ||
	    write(fd, line.data(), line.size()) != ssize_t(line.size()))
		throw std::runtime_error(command + ": " + strerror(errno));
	std::string answer;
	char chunk[4096];
	while (answer.empty() || answer.back() != '\n') {
		const ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			throw std::runtime_error(command + ": no answer");
		answer.append(chunk, size_t(n));
	}
	if (answer.compare(0, 5, "error") == 0)
		throw std::runtime_error(command + ": " + answer);
	return answer;
}

uint64_t sum_of(const std::string &json, const std::string &from, const std::string &key)
{
	const std::string name = "\"" + key + "\": ";
	const size_t begin = json.find("\"" + from + "\": {");
	uint64_t sum = 0;

	if (begin == std::string::npos)
		return 0;
	// To the brace that closes it.
	size_t end = json.find('{', begin) + 1;
	for (unsigned depth = 1; depth && end < json.size(); end++)
		depth += json[end] == '{' ? 1U : json[end] == '}' ? -1U : 0U;
	for (size_t at = begin; (at = json.find(name, at)) < end; at += name.size())
		sum += strtoull(json.c_str() + at + name.size(), nullptr, 10);
	return sum;
}

} // namespace extfuse_test::history
