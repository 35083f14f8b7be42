// SPDX-License-Identifier: GPL-2.0-only
//
// The tests of a program once more, with replies that are marked in place of put.
#include "test_fs.hpp"

namespace
{

const bool on = extfuse_test::reply_hooks_by_default = true;

} // namespace
