// SPDX-License-Identifier: GPL-2.0-only
// A unix socket for commands: a line in, a line out. Mode 0600: only the daemon's
// user and root.
#pragma once

#include "common/fd.hpp"

#include <functional>
#include <string>
#include <thread>
#include <vector>

struct sockaddr_un;

namespace stackfs
{

class ControlServer
{
public:
	// Answers one line, without its newline. On the server's thread.
	using Execute = std::function<std::string(const std::string &line)>;

	// Binds the path. 0 or errno, which was logged.
	int open(const std::string &path);
	// Starts the thread. May throw std::system_error.
	void start(Execute execute);
	// Ends the thread. Commands are not answered any more.
	void stop() noexcept;
	// Also removes the socket.
	~ControlServer();

private:
	struct Client {
		UniqueFd fd;
		std::string input;
	};
	int listen_at(const sockaddr_un &address);
	void run() noexcept;
	void serve();
	bool serve_client(Client &client);

	static constexpr size_t max_line = 65536;

	std::string path_;
	UniqueFd listener_;
	UniqueFd wake_; // eventfd: end
	Execute execute_;
	std::vector<Client> clients_;
	std::thread thread_;
};

} // namespace stackfs
