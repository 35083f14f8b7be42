// SPDX-License-Identifier: GPL-2.0-only
//
// The tests of a program once more, of a daemon that says nothing of caching.
#include "test_fs.hpp"

namespace
{

const extfuse_policy policy = extfuse_test::policy_by_default = EXTFUSE_CACHE_PRIVATE;

} // namespace
