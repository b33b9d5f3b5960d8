// The program that parses documents. Any thread; blocks for as long as it takes to start it once.
#pragma once

#include <chrono>
#include <filesystem>

#include "runtime/core/error.hpp"

namespace millrace {

/// How long the program may take to say that it was not started by a node.
constexpr std::chrono::seconds extractor_start_limit{30};

/// The extractor that belongs to this executable: beside it, or in ../libexec/millrace;
/// $MILLRACE_EXTRACTOR wins. It was started once: one that cannot load its libraries would fail
/// each document. extractor_missing.
result<std::filesystem::path> find_extractor();

}  // namespace millrace
