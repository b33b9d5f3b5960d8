// What a hijacked parser would try first.
#pragma once

#include <string>

namespace millrace::extraction {

/// Tries `what` on `path` (of its own, where the attempt needs none): "done", or the error's name,
/// such as "EPERM".
std::string attempt(const std::string& what, const std::string& path);

}  // namespace millrace::extraction
