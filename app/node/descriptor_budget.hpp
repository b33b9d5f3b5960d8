// What a node may have open at most, compared with what the system lets it open.
#pragma once

#include <cstdint>
#include <string>

#include "config/settings.hpp"

namespace millrace {

struct descriptor_budget {
  /// Descriptors of everything but the API's connections: sessions, extractors with the files in
  /// their frames, scratch files, requests to providers, links.
  std::uint64_t engine = 0;
  int api_connections = 0;  ///< Of each of the node's HTTP servers; fewer if the limit is low.
  std::string warning;      ///< If the limit is too low even so; empty if all fits.
};

inline constexpr int max_api_connections = 256;
inline constexpr int min_api_connections = 16;

/// `limit`: open_files_limit(). `has_links`: the node talks to other nodes.
descriptor_budget plan_descriptors(const settings& s, bool has_links, std::uint64_t limit);

}  // namespace millrace
