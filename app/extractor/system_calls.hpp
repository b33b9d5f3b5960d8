// The system calls that a sandboxed process keeps (seccomp). Everything else fails with EPERM: a
// library that tries something it can do without goes on, one that cannot reports an error.
//
// A list of what is allowed and not of what is forbidden, so that calls of newer kernels are
// forbidden too. Calls of another architecture's numbering end the process.
#pragma once

#include <string>
#include <vector>

#include "runtime/core/error.hpp"

namespace millrace::extraction {

enum class process_kind {
  parser,   ///< One thread that reads what it is given and answers: millrace-extractor.
  program,  ///< A user's own parser: may start threads and programs, which inherit all this.
};

/// From now on for this thread and what it starts. Needs PR_SET_NO_NEW_PRIVS. Signals to other
/// processes are refused here, or left to Landlock where `landlock` is at least
/// landlock_with_signals.
result<void> filter_system_calls(process_kind kind, int landlock);

/// The names that filter_system_calls() allows, with whatever arguments, of all architectures; an
/// architecture that does not have one is to find another here that does the same.
std::vector<std::string> allowed_system_calls(process_kind kind);

}  // namespace millrace::extraction
