// The lines that `millrace top` shows.
//
// Pure: the same picture and size give the same lines. None is wider than the size says, and there
// are no more than it has rows; sections that are cut say how much they leave out.
#pragma once

#include <string>
#include <vector>

#include "app/cli/cluster_picture.hpp"

namespace millrace::cli {

struct screen_size {
  std::size_t columns = 80;
  std::size_t rows = 0;  ///< 0: as many as it takes.

  bool operator==(const screen_size&) const = default;
};

/// Of lines that do not go to a terminal.
inline constexpr std::size_t plain_columns = 240;

std::vector<std::string> render(const cluster_picture& picture, screen_size size);

}  // namespace millrace::cli
