// What to say about a command line that is wrong: which word, and what was probably meant.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace millrace::cli {

/// Of the first word that should be a command and is none, or is missing; empty: they are right.
std::string wrong_command(const CLI::App& app, int argc, const char* const* argv);

/// Of what the parser did not take, with where to read on.
std::string wrong_arguments(const CLI::App& app, const CLI::ParseError& e, int argc,
                            const char* const* argv);

}  // namespace millrace::cli
