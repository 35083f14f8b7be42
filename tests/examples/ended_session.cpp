// SPDX-License-Identifier: GPL-2.0-only
//
// Linked into a daemon (--wrap): it must not ask anything of a session that it has
// destroyed. libfuse is not compiled with sanitizers.
#include <cstdio>

#include <unistd.h>

#include <extfuse/extfuse.h>

namespace
{

const fuse_session *ended;

} // namespace

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

void __real_fuse_session_destroy(fuse_session *se);
int __real_fuse_session_fd(fuse_session *se);
void __wrap_fuse_session_destroy(fuse_session *se);
int __wrap_fuse_session_fd(fuse_session *se);

void __wrap_fuse_session_destroy(fuse_session *se)
{
	ended = se;
	__real_fuse_session_destroy(se);
}

int __wrap_fuse_session_fd(fuse_session *se)
{
	if (se == ended) {
		fputs("a destroyed session is asked for its descriptor\n", stderr);
		_exit(99);
	}
	return __real_fuse_session_fd(se);
}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
