// SPDX-License-Identifier: GPL-2.0-only
#include "stackfs/commands.hpp"

#include "stackfs/op_names.hpp"

#include <cctype>
#include <cstring>
#include <optional>
#include <sstream>
#include <vector>

namespace stackfs
{

namespace
{

using Words = std::vector<std::string>;

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// %XX stands for a byte, so that names with spaces, newlines or % can be said.
std::string decode(const std::string &text)
{
	std::string out;
	for (size_t i = 0; i < text.size(); ++i) {
		const bool escape = text[i] == '%' && i + 2 < text.size() &&
				    hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
		if (escape) {
			out += static_cast<char>(hex_digit(text[i + 1]) * 16 +
						 hex_digit(text[i + 2]));
			i += 2;
		} else {
			out += text[i];
		}
	}
	return out;
}

Words split(const std::string &line)
{
	std::istringstream in(line);
	Words words;
	for (std::string word; in >> word;)
		words.push_back(decode(word));
	return words;
}

std::string error(const std::string &text)
{
	return "error: " + text;
}

std::string outcome(int err)
{
	return err ? error(strerror(err)) : "ok";
}

std::optional<int> on_or_off(const std::string &word)
{
	if (word == "0")
		return 0;
	if (word == "1")
		return 1;
	return std::nullopt;
}

std::optional<extfuse_op> op_of(const std::string &word)
{
	if (word == "all")
		return EXTFUSE_OP_COUNT;
	for (unsigned op = 0; op < op_names.size(); op++) {
		if (word == op_names[op])
			return static_cast<extfuse_op>(op);
	}
	return std::nullopt;
}

std::string known_ops()
{
	std::string text;
	for (const char *name : op_names)
		text += std::string(", ") + name;
	return text;
}

std::string enable(Fs &fs, const Words &words)
{
	const auto op = op_of(words[1]);
	const auto on = on_or_off(words[2]);
	if (!op)
		return error("unknown operation '" + words[1] + "': all" + known_ops());
	if (!on)
		return error("'" + words[2] + "' is neither 0 nor 1");
	return outcome(-extfuse_set_enabled(fs.x(), *op, *on));
}

std::string remember(Fs &fs, const Words &words)
{
	const auto on = on_or_off(words[1]);
	if (!on)
		return error("'" + words[1] + "' is neither 0 nor 1");
	return outcome(-extfuse_set_remember(fs.x(), *on));
}

// A file that the kernel does not know has nothing cached.
std::string invalidate_node(Fs &fs, const Words &words)
{
	fuse_ino_t node = 0;
	const int err = fs.node_of_path(words[1].c_str(), node);
	if (err)
		return error("'" + words[1] + "': " + strerror(err));
	if (node)
		extfuse_invalidate_node(fs.x(), node);
	return "ok";
}

std::string invalidate_entry(Fs &fs, const Words &words)
{
	fuse_ino_t node = 0;
	const int err = fs.node_of_path(words[1].c_str(), node);
	if (err)
		return error("'" + words[1] + "': " + strerror(err));
	if (node)
		extfuse_invalidate_entry(fs.x(), node, words[2].c_str());
	return "ok";
}

struct Command {
	const char *word;
	size_t arguments;
	std::string (*run)(Fs &, const Words &);
	const char *usage;
};

const Command commands[] = {
	{"stats", 0, [](Fs &fs, const Words &) { return fs.stats_json(); }, "stats"},
	{"reset", 0,
	 [](Fs &fs, const Words &) {
		 fs.counters().reset();
		 return std::string("ok");
	 },
	 "reset"},
	{"enable", 2, enable, "enable lookup|getattr|read|all 0|1"},
	{"remember", 1, remember, "remember 0|1"},
	{"detach", 0, [](Fs &fs, const Words &) { return outcome(-extfuse_detach(fs.x())); },
	 "detach"},
	{"attach", 0, [](Fs &fs, const Words &) { return outcome(-extfuse_attach(fs.x())); },
	 "attach"},
	{"invalidate-node", 1, invalidate_node, "invalidate-node PATH"},
	{"invalidate-entry", 2, invalidate_entry, "invalidate-entry DIRPATH NAME"},
	{"invalidate-all", 0,
	 [](Fs &fs, const Words &) {
		 extfuse_invalidate_all(fs.x());
		 return std::string("ok");
	 },
	 "invalidate-all"},
};

} // namespace

std::string execute_command(Fs &fs, const std::string &line)
{
	const Words words = split(line);
	if (words.empty())
		return error("empty command");
	for (const Command &command : commands) {
		if (words[0] != command.word)
			continue;
		if (words.size() != command.arguments + 1)
			return error(std::string("usage: ") + command.usage);
		return command.run(fs, words);
	}
	return error("unknown command '" + words[0] + "'");
}

} // namespace stackfs
