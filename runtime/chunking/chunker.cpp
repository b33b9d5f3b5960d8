#include "runtime/chunking/chunker.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/chunking/chunk_builder.hpp"

namespace millrace {

namespace {

/// A heading that what follows it stands under.
struct open_heading {
  int depth = 0;  ///< 0 for a title, else its level.
  std::string name;
};

bool is_heading(const element& e) {
  return e.kind == element_kind::title || e.kind == element_kind::heading;
}

int depth_of(const element& heading) {
  return heading.kind == element_kind::title ? 0 : std::max<int>(1, heading.level);
}

/// The heading on one line, at most max_heading_bytes long.
std::string path_name(const std::string& heading) {
  std::string name = heading;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (name.size() <= max_heading_bytes) return name;
  std::size_t end = max_heading_bytes;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
  name.resize(end);
  return name;
}

chunk_limits limits_of(const chunking_settings& s) {
  const auto max =
      static_cast<token_cost>(std::max(s.max_tokens, min_chunk_tokens)) * token_cost_per_token;
  const auto overlap =
      static_cast<token_cost>(std::max(s.overlap_tokens, 0)) * token_cost_per_token;
  return {.max = max, .overlap = std::min(overlap, max / 2), .min_fill = max / 4};
}

}  // namespace

std::vector<chunk> chunk_document(const extracted_document& document, const chunking_settings& s) {
  chunk_builder builder{limits_of(s)};
  std::vector<open_heading> open;
  for (const auto& e : document.elements) {
    if (e.kind == element_kind::page_break || e.text.empty()) continue;
    if (!is_heading(e)) {
      builder.add_block(e);
      continue;
    }
    const int depth = depth_of(e);
    const bool leads_down = open.empty() || open.back().depth < depth;
    if (builder.has_body() || !leads_down) builder.finish();
    while (!open.empty() && open.back().depth >= depth) open.pop_back();
    open.push_back({depth, path_name(e.text)});
    std::vector<std::string> path;
    for (const auto& h : open) path.push_back(h.name);
    builder.add_heading(e, std::move(path));
  }
  builder.finish();
  return builder.take();
}

}  // namespace millrace
