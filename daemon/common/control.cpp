// SPDX-License-Identifier: GPL-2.0-only
#include "common/control.hpp"

#include "common/log.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace stackfs
{

namespace
{

// A socket file that nobody listens on is left from a daemon that was killed.
bool is_stale(const sockaddr_un &address)
{
	struct stat st;
	if (lstat(address.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	return probe.valid() &&
	       connect(probe.get(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) <
		       0 &&
	       errno == ECONNREFUSED;
}

int bind_private(int fd, const sockaddr_un &address)
{
	const mode_t before = umask(0177);
	const int result = bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address));
	const int err = errno;
	umask(before);
	return result < 0 ? err : 0;
}

bool send_all(int fd, const std::string &text)
{
	size_t done = 0;
	while (done < text.size()) {
		const ssize_t n = send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += static_cast<size_t>(n);
	}
	return true;
}

} // namespace

int ControlServer::listen_at(const sockaddr_un &address)
{
	listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	wake_.reset(eventfd(0, EFD_CLOEXEC));
	if (!listener_.valid() || !wake_.valid())
		return errno;
	if (is_stale(address))
		unlink(address.sun_path);
	const int err = bind_private(listener_.get(), address);
	if (err)
		return err;
	path_ = address.sun_path; // ours to remove
	return listen(listener_.get(), 8) < 0 ? errno : 0;
}

int ControlServer::open(const std::string &path)
{
	sockaddr_un address = {};
	address.sun_family = AF_UNIX;
	if (path.size() >= sizeof(address.sun_path)) {
		log_error("control socket '%s': the path is longer than %zu bytes", path.c_str(),
			  sizeof(address.sun_path) - 1);
		return ENAMETOOLONG;
	}
	memcpy(address.sun_path, path.c_str(), path.size() + 1);
	const int err = listen_at(address);
	if (err)
		log_error("control socket '%s': %s", path.c_str(), strerror(err));
	return err;
}

void ControlServer::start(Execute execute)
{
	execute_ = std::move(execute);
	thread_ = std::thread([this] { run(); });
}

void ControlServer::stop() noexcept
{
	if (!thread_.joinable())
		return;
	const uint64_t one = 1;
	if (write(wake_.get(), &one, sizeof(one)) < 0)
		log_error("control socket: cannot stop: %s", strerror(errno));
	thread_.join();
}

ControlServer::~ControlServer()
{
	stop();
	if (!path_.empty())
		unlink(path_.c_str());
}

void ControlServer::run() noexcept
{
	try {
		serve();
	} catch (const std::exception &e) {
		log_error("control socket '%s' is closed: %s", path_.c_str(), e.what());
	}
	clients_.clear();
}

void ControlServer::serve()
{
	for (;;) {
		std::vector<pollfd> fds = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
		for (const Client &client : clients_)
			fds.push_back({client.fd.get(), POLLIN, 0});
		if (poll(fds.data(), fds.size(), -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (fds[0].revents)
			return;
		for (size_t i = clients_.size(); i-- > 0;)
			if (fds[i + 2].revents && !serve_client(clients_[i]))
				clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(i));
		if (fds[1].revents) {
			UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
			// Nobody who does not read the answers may hold up the others.
			const timeval limit = {5, 0};
			if (fd.valid()) {
				setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit,
					   sizeof(limit));
				clients_.push_back({std::move(fd), {}});
			}
		}
	}
}

// False: the client is gone, or talks nonsense.
bool ControlServer::serve_client(Client &client)
{
	char chunk[4096];
	const ssize_t n = recv(client.fd.get(), chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	client.input.append(chunk, static_cast<size_t>(n));
	for (size_t end = 0; (end = client.input.find('\n')) != std::string::npos;) {
		std::string line = client.input.substr(0, end);
		client.input.erase(0, end + 1);
		if (!line.empty() && line.back() == '\r')
			line.pop_back();
		if (!send_all(client.fd.get(), execute_(line) + "\n"))
			return false;
	}
	return client.input.size() <= max_line;
}

} // namespace stackfs
