// SPDX-License-Identifier: GPL-2.0-only
//
// What a file system shows and how it answers, as lines to be compared.
#ifndef EXTFUSE_TESTS_RECORD_HPP
#define EXTFUSE_TESTS_RECORD_HPP

#include <string>
#include <vector>

namespace extfuse_test
{

using Record = std::vector<std::string>;

// Files, links, odd names, a directory nobody but root may search. All of it is old.
void make_tree(const std::string &dir);

// Names, attributes, contents, link targets and extended attributes of all below.
// Not told: inode numbers, times of now, blocks, access times; without links, from now
// on, how many links there are.
void record_tree(const std::string &dir, bool links, Record &out);

// Errors of what cannot be done, and what another user may.
void record_errors(const std::string &dir, Record &out);

// Each way to change something, and what is seen right after it.
void record_changes(const std::string &dir, Record &out);

// The same with hard links.
void record_links(const std::string &dir, Record &out);

// The first lines that differ; empty: none do.
std::string differences(const Record &expected, const Record &found);

} // namespace extfuse_test

#endif
