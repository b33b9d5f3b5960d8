#include <fstream>
#include <iostream>

#include "app/cli/commands.hpp"

namespace millrace::cli {

namespace {

constexpr std::size_t max_listed_files = 10'000'000;

result<void> read_list(std::istream& in, std::vector<std::filesystem::path>& into) {
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    if (into.size() == max_listed_files)
      return fail(ec::limit_exceeded,
                  "--files-from names more than " + std::to_string(max_listed_files) + " files");
    into.emplace_back(line);
  }
  return {};
}

}  // namespace

result<std::vector<std::filesystem::path>> source_paths(const source_options& options) {
  std::vector<std::filesystem::path> paths{options.paths.begin(), options.paths.end()};
  if (options.files_from == "-") {
    if (auto read = read_list(std::cin, paths); !read) return tl::unexpected<error>(read.error());
  } else if (!options.files_from.empty()) {
    std::ifstream in{options.files_from};
    if (!in) return fail(ec::path_missing, options.files_from + ": cannot be read (--files-from)");
    if (auto read = read_list(in, paths); !read) return tl::unexpected<error>(read.error());
  }
  if (paths.empty())
    return fail(ec::invalid_argument, "name at least one file or folder, or use --files-from");
  for (const auto& path : paths) {
    std::error_code problem;
    if (!std::filesystem::exists(path, problem))
      return fail(ec::path_missing, path.native() + ": no such file or folder");
  }
  return paths;
}

}  // namespace millrace::cli
