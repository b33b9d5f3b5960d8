// "did you mean": the known name closest to one that was mistyped.
//
// Pure; any thread may call it. Costs the product of the two lengths for each candidate.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// The candidate with the smallest edit distance, where that is small enough to be a typing error:
/// at most a third of the name's length, and 2 for short ones. Nothing where none is.
std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& candidates);

}  // namespace millrace
