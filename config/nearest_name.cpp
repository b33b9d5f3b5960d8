#include "config/nearest_name.hpp"

#include <algorithm>
#include <numeric>

namespace millrace {
namespace {

/// Levenshtein distance: insertions, deletions and substitutions that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& candidates) {
  constexpr std::size_t longest_name =
      100;  // Characters; nobody mistypes more, and the cost is quadratic.
  if (name.empty() || name.size() > longest_name) return std::nullopt;
  std::size_t allowed = std::max<std::size_t>(2, name.size() / 3);
  std::optional<std::string> best;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance > allowed || distance >= std::max(name.size(), candidate.size())) continue;
    if (best && distance == allowed) continue;
    best = candidate;
    allowed = distance;
  }
  return best;
}

}  // namespace millrace
