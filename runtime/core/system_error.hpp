// What a failed system call means, decided in one place: running out of descriptors or memory is
// nobody's fault and passes, whatever it happens to.
#pragma once

#include <string>

#include "runtime/core/error.hpp"

namespace millrace {

/// "WHAT: REASON" for an errno. EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN: resource_exhausted, with
/// advice; ENOSPC, EDQUOT: disk_full; any other one: `otherwise`.
error system_error(int number, const std::string& what, ec otherwise = ec::internal);

/// True for an errno that says that this process or this machine has run out of something.
bool is_exhaustion(int number);

}  // namespace millrace
