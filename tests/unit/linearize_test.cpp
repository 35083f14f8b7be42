// SPDX-License-Identifier: GPL-2.0-only
//
// The checker of histories (tests/support/history_check.hpp), on histories that
// are known to be linearizable, or not.
#include <gtest/gtest.h>

#include <cerrno>

#include "history_check.hpp"

namespace extfuse_test::history
{

namespace
{

constexpr Place pa{0, -1, 0}, pb{0, -1, 1}, qa{1, -1, 0}, ba{2, -1, 0}, in_pa{0, 0, 0};

File a_file(uint64_t ino, uint16_t nlink = 1)
{
	File file;
	file.type = Type::File;
	file.ino = ino;
	file.mode = 0644;
	file.nlink = nlink;
	return file;
}

Tree empty_tree()
{
	Tree tree;
	tree.dir_ino[0] = 1;
	tree.dir_ino[1] = 2;
	tree.dir_ino[2] = 3;
	return tree;
}

// Between two moments, by a process.
Operation op(unsigned process, int64_t begin, int64_t end, Call call, Place at, int result)
{
	Operation out;
	out.process = uint8_t(process);
	out.begin = begin;
	out.end = end;
	out.call = call;
	out.at = at;
	out.result = result;
	out.mode = 0644;
	return out;
}

Operation stat(unsigned process, int64_t begin, int64_t end, Place at, const File &file)
{
	Operation out = op(process, begin, end, Call::Stat, at, 0);
	out.seen.type = file.type;
	out.seen.mode = file.mode;
	out.seen.nlink = file.nlink;
	out.seen.size = file.size;
	out.seen.ino = file.ino;
	return out;
}

Operation to(Operation from, Place target)
{
	from.to = target;
	return from;
}

Verdict verdict(const Tree &before, const History &history, const Tree &after,
		bool page_cache = false)
{
	Rules rules;
	rules.page_cache = page_cache;
	return check(before, history, after, rules).verdict;
}

} // namespace

TEST(Linearize, NothingHappened)
{
	EXPECT_EQ(verdict(empty_tree(), {}, empty_tree()), Verdict::Linearizable);
}

TEST(Linearize, NothingHappenedAndTheTreeIsAnother)
{
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	EXPECT_EQ(verdict(empty_tree(), {}, after), Verdict::Not);
}

TEST(Linearize, ANameIsSeenWhenItWasMade)
{
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	const History history = {op(0, 0, 10, Call::Create, pa, 0),
				 stat(1, 20, 30, pa, a_file(10))};
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Linearizable);
}

TEST(Linearize, ANameThatWasMadeCannotBeMissing)
{
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	History history = {op(0, 0, 10, Call::Create, pa, 0),
			   op(1, 20, 30, Call::Stat, pa, -ENOENT)};
	const Found found = check(empty_tree(), history, after, {});
	EXPECT_EQ(found.verdict, Verdict::Not);
	EXPECT_EQ(found.prefix.size(), 2U);
	EXPECT_EQ(found.cut, 30);
	// While it is made, it can.
	history[1].begin = 5;
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Linearizable);
}

TEST(Linearize, ThereIsNoWayBack)
{
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	// All while the name is made: seen, and afterwards not.
	const History history = {op(0, 0, 100, Call::Create, pa, 0),
				 stat(1, 20, 30, pa, a_file(10)),
				 op(2, 40, 50, Call::Stat, pa, -ENOENT)};
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Not);
}

TEST(Linearize, TheOrderMayNeedSearching)
{
	// Only "rename, create, unlink" explains it, and they end in another order.
	Tree before = empty_tree(), after = empty_tree();
	before.file[0][0] = a_file(10);
	after.file[0][1] = a_file(10);
	History history = {op(0, 0, 90, Call::CreateNew, pa, 0), op(1, 0, 80, Call::Unlink, pa, 0),
			   to(op(2, 0, 100, Call::Rename, pa, 0), pb)};
	EXPECT_EQ(verdict(before, history, after), Verdict::Linearizable);
	// The rename cannot be the first any more.
	history[2].begin = 95;
	EXPECT_EQ(verdict(before, history, after), Verdict::Not);
}

TEST(Linearize, OperationsInOneProcessAreInOrder)
{
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	const History history = {op(0, 0, 10, Call::Unlink, pa, -ENOENT),
				 op(0, 10, 20, Call::CreateNew, pa, 0),
				 op(0, 20, 30, Call::CreateNew, pa, -EEXIST)};
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Linearizable);
}

TEST(Linearize, AStatOfARemovedNameMayShowNoLinks)
{
	Tree before = empty_tree();
	before.file[0][0] = a_file(10);
	History history = {op(0, 0, 50, Call::Unlink, pa, 0), stat(1, 10, 20, pa, a_file(10, 0))};
	EXPECT_EQ(verdict(before, history, empty_tree()), Verdict::Linearizable);
	// But not one that begins when the name is gone.
	history[1].begin = 60;
	history[1].end = 70;
	EXPECT_EQ(verdict(before, history, empty_tree()), Verdict::Not);
}

TEST(Linearize, LinkCountsOfOtherNames)
{
	Tree before = empty_tree(), after = empty_tree();
	before.file[0][0] = before.file[1][0] = a_file(10, 2);
	after.file[1][0] = a_file(10, 1);
	History history = {op(0, 0, 50, Call::Unlink, pa, 0), stat(1, 60, 70, qa, a_file(10, 1))};
	EXPECT_EQ(verdict(before, history, after), Verdict::Linearizable);
	history[1].seen.nlink = 2;
	EXPECT_EQ(verdict(before, history, after), Verdict::Not);
}

TEST(Linearize, AnInodeNumberIsOneFile)
{
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	after.file[0][1] = a_file(11);
	History history = {op(0, 0, 10, Call::Create, pa, 0), op(0, 10, 20, Call::Create, pb, 0),
			   stat(1, 30, 40, pa, a_file(10)), stat(1, 40, 50, pb, a_file(11))};
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Linearizable);
	history[2].seen.ino = 11;
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Not);
}

TEST(Linearize, APathIsTwoSteps)
{
	// P/a/a is looked up in the directory that was P/a when the walk began.
	Tree before = empty_tree(), after = empty_tree();
	File dir = a_file(10, 0);
	dir.type = Type::Directory;
	before.file[0][0] = after.file[0][1] = dir;
	after.inner[0][1][0] = a_file(11);
	History history = {op(0, 0, 100, Call::CreateNew, in_pa, 0),
			   to(op(1, 10, 20, Call::Rename, pa, 0), pb),
			   op(1, 30, 40, Call::Stat, Place{0, 1, 0}, -ENOENT)};
	EXPECT_EQ(verdict(before, history, after), Verdict::Linearizable);
	history[0].begin = 25;
	EXPECT_EQ(verdict(before, history, after), Verdict::Not);
}

TEST(Linearize, ADirectoryWithAFileIsNotRemoved)
{
	Tree before = empty_tree();
	before.file[0][0] = a_file(10, 0);
	before.file[0][0].type = Type::Directory;
	before.inner[0][0][0] = a_file(11);
	EXPECT_EQ(verdict(before, {op(0, 0, 10, Call::Rmdir, pa, -ENOTEMPTY)}, before),
		  Verdict::Linearizable);
	EXPECT_EQ(verdict(before, {op(0, 0, 10, Call::Rmdir, pa, 0)}, empty_tree()), Verdict::Not);
}

TEST(Linearize, ExchangedAtOneMoment)
{
	Tree before = empty_tree(), after = empty_tree();
	before.file[0][0] = after.file[0][1] = a_file(10);
	before.file[0][1] = after.file[0][0] = a_file(11);
	History history = {to(op(0, 0, 100, Call::RenameExchange, pa, 0), pb),
			   stat(1, 10, 20, pa, a_file(11)), stat(1, 30, 40, pb, a_file(10))};
	EXPECT_EQ(verdict(before, history, after), Verdict::Linearizable);
	history[2].seen.ino = 11; // under both names
	EXPECT_EQ(verdict(before, history, after), Verdict::Not);
}

namespace
{

// A write of 'x' by process 0, from 20 to 50, and reads by process 1.
struct Write {
	Tree before = empty_tree(), after = empty_tree();
	History history;

	Write()
	{
		before.file[0][0] = after.file[0][0] = a_file(10);
		before.file[0][0].size = after.file[0][0].size = 1;
		before.file[0][0].data[0] = 'o';
		after.file[0][0].data[0] = 'x';
		history = {op(0, 0, 5, Call::Open, pa, 0), op(1, 0, 5, Call::Open, pa, 0),
			   op(0, 20, 50, Call::Write, pa, 1)};
		history[2].value = 'x';
	}
	void read(int64_t begin, int64_t end, char byte)
	{
		history.push_back(op(1, begin, end, Call::Read, pa, 1));
		history.back().seen.byte = uint8_t(byte);
	}
};

} // namespace

TEST(Linearize, ReadsBeforeAndAfterAWrite)
{
	Write w;
	w.read(10, 15, 'o');
	w.read(30, 35, 'x');
	w.read(60, 65, 'x');
	EXPECT_EQ(verdict(w.before, w.history, w.after), Verdict::Linearizable);
	EXPECT_EQ(verdict(w.before, w.history, w.after, true), Verdict::Linearizable);
}

TEST(Linearize, AStaleReadAfterAWrite)
{
	Write w;
	w.read(60, 65, 'o');
	EXPECT_EQ(verdict(w.before, w.history, w.after), Verdict::Not);
	EXPECT_EQ(verdict(w.before, w.history, w.after, true), Verdict::Not);
}

TEST(Linearize, BackAndForthDuringAWriteIsForThePageCacheOnly)
{
	Write w;
	w.read(25, 30, 'x');
	w.read(35, 40, 'o');
	EXPECT_EQ(verdict(w.before, w.history, w.after), Verdict::Not);
	EXPECT_EQ(verdict(w.before, w.history, w.after, true), Verdict::Linearizable);
}

TEST(Linearize, BehindTheMountOldAndNewUntilInvalidated)
{
	Tree before = empty_tree(), after = empty_tree();
	before.file[2][0] = after.file[2][0] = a_file(10);
	after.file[2][0].mode = 0600;
	History history = {op(4, 20, 50, Call::BehindChmod, ba, 0),
			   stat(0, 25, 30, ba, after.file[2][0]),
			   stat(1, 35, 40, ba, before.file[2][0]),
			   stat(0, 60, 65, ba, after.file[2][0])};
	history[0].mode = 0600;
	EXPECT_EQ(verdict(before, history, after), Verdict::Linearizable);
	history[3].seen.mode = 0644; // after invalidate has returned
	EXPECT_EQ(verdict(before, history, after), Verdict::Not);
}

TEST(Linearize, ANameBehindTheMountOldAndNewUntilInvalidated)
{
	Tree after = empty_tree();
	after.file[2][0] = a_file(10);
	History history = {op(4, 20, 50, Call::BehindCreate, ba, 0),
			   stat(0, 25, 30, ba, a_file(10)), op(1, 35, 40, Call::Stat, ba, -ENOENT)};
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Linearizable);
	history[2].begin = 55;
	history[2].end = 60;
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Not);
}

TEST(Linearize, TheShortestBeginningIsFound)
{
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	after.file[0][1] = a_file(11);
	const History history = {op(0, 0, 10, Call::CreateNew, pa, 0),
				 op(1, 20, 30, Call::CreateNew, pa, 0), // cannot be
				 op(0, 40, 50, Call::CreateNew, pb, 0),
				 op(1, 60, 70, Call::Stat, qa, -ENOENT)};
	const Found found = check(empty_tree(), history, after, {});
	EXPECT_EQ(found.verdict, Verdict::Not);
	EXPECT_EQ(found.cut, 30);
	EXPECT_EQ(found.prefix.size(), 2U);
	const std::string text = explain(empty_tree(), history, after, found);
	EXPECT_NE(text.find("create-excl P/a 644 = 0"), std::string::npos) << text;
}

TEST(Linearize, PartsAreSearchedOneByOne)
{
	// Five processes, all at the same time, in directories of their own: what would
	// be many orders is three searches.
	Tree after = empty_tree();
	after.file[0][0] = a_file(10);
	after.file[1][0] = a_file(11);
	History history = {op(0, 0, 100, Call::Create, pa, 0), op(1, 0, 100, Call::Create, qa, 0),
			   op(2, 0, 100, Call::Stat, ba, -ENOENT)};
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Linearizable);
	EXPECT_LT(check(empty_tree(), history, after, {}).configurations, 8U);
	// Joined by a name that goes from one to the other, and found all the same.
	history.push_back(to(op(3, 0, 100, Call::Rename, pa, -ENOENT), qa));
	EXPECT_EQ(verdict(empty_tree(), history, after), Verdict::Linearizable);
}

TEST(Linearize, AnErrorThatNoStateGives)
{
	EXPECT_EQ(verdict(empty_tree(), {op(0, 0, 10, Call::Stat, pa, -EIO)}, empty_tree()),
		  Verdict::Not);
}

} // namespace extfuse_test::history
