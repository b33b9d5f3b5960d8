// Runs another program on this terminal and waits for it.
#pragma once

#include <vector>

#include "runtime/core/error.hpp"

namespace millrace::cli {

/// `argv` ends with a null pointer. The program's exit code, or 128 + the signal that ended it.
/// Stop signals reach it, not us.
result<int> run_in_foreground(const std::vector<char*>& argv);

}  // namespace millrace::cli
