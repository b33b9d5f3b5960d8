// The one list of what sandboxed processes may read by name; documents come as open files.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/extractor/landlock.hpp"

namespace millrace::extraction {

struct readable_path {
  const char* pattern;  ///< As of glob(7).
  const char* reason;
  landlock_rules::access access = landlock_rules::access::read;
};

/// What libraries of millrace-extractor open when a document first needs it.
std::span<const readable_path> paths_of_parsers();
/// What programs in any language need to start; beside it they get their own folder.
std::span<const readable_path> paths_of_programs();

/// The paths there are that match. Before a sandbox is entered.
std::vector<std::string> expand(const readable_path& p);

}  // namespace millrace::extraction
