// The walls around what reads strangers' bytes: no network, no other processes, nothing written,
// nothing read by name but readable_paths.cpp, no rights of root, no limits raised. Built from
// landlock, system_calls and privileges; what is inside cannot take it down.
//
// Called once, by a process with one thread, after it has loaded what it needs and before it sees
// the first document. Where it fails the process must end: it may be half locked in.
#pragma once

#include <span>
#include <string>

#include "runtime/core/error.hpp"

namespace millrace::extraction {

/// Without Landlock (Linux before 5.13, or not in the kernel's list of security modules) the rest
/// still holds, but a parser that a document has taken over can read every file that its user can.
enum class without_landlock { refuse, go_on };

/// For millrace-extractor. Fails with the exit code that tells why.
tl::expected<void, int> enter_sandbox(without_landlock policy);

/// For a user's own parser, which is executed next (launcher.hpp): it may start threads and further
/// programs of /usr, and read `folders` beside. Landlock is required.
tl::expected<void, int> enter_program_sandbox(std::span<const std::string> folders);

}  // namespace millrace::extraction
