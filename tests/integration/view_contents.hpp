// All that users' own SQL may read (the views of sql/migrations), as text: two databases that hold
// the same compare equal.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace millrace {

/// By the view's name, each row a line, in an order of their own. Opens the embedded database of
/// the data directory, as it is.
std::map<std::string, std::string> view_contents(const std::filesystem::path& data);

}  // namespace millrace
