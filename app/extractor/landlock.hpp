// Landlock (Linux 5.13 and newer): what a process may do with files from now on, decided by itself
// and for good. By its three system calls, because Debian 12 has no library for it and its headers
// know only the first versions.
//
// A rule holds for the file or the folder with all below; symbolic links count as what they lead
// to. Files that are open already are not affected, nor are stat() and readlink().
#pragma once

#include <cstdint>
#include <string>

#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace::extraction {

/// The kernel's version of Landlock; 0 where it has none.
int landlock_version();

/// Signals to processes outside are refused from this version on.
inline constexpr int landlock_with_signals = 6;

class landlock_rules {
 public:
  enum class access { read, read_and_execute, read_and_write };

  /// Nothing is allowed yet. Everything that this kernel's version knows is restricted, TCP
  /// included.
  static result<landlock_rules> create();

  /// A path that is not there, or that this user may not reach, is passed over.
  result<void> allow(const std::string& path, access what);
  /// From now on for this thread and what it starts. Needs PR_SET_NO_NEW_PRIVS.
  result<void> restrict_this_thread() const;

 private:
  explicit landlock_rules(unique_fd rules) : rules_{std::move(rules)} {}
  unique_fd rules_;
};

}  // namespace millrace::extraction
