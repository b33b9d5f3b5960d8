#include "runtime/sources/file_walk.hpp"

#include <algorithm>
#include <system_error>

#include <fnmatch.h>

#include "runtime/core/blocking.hpp"
#include "runtime/core/system_error.hpp"

namespace millrace {

namespace fs = std::filesystem;

namespace {

bool matches_any(const std::vector<std::string>& patterns, const std::string& relative,
                 const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
           fnmatch(pattern.c_str(), relative.c_str(), 0) == 0;
  });
}

class walker {
 public:
  walker(fs::path root, const walk_filter& filter, walk_counts& counts, const file_sink& sink)
      : root_{std::move(root)}, filter_{filter}, counts_{counts}, sink_{sink} {}

  /// False: the sink wants no more.
  bool folder(const fs::path& path, int depth) {
    if (depth > max_walk_depth) {
      ++counts_.unreadable_folders;
      return true;
    }
    std::error_code problem;
    std::vector<fs::directory_entry> entries;
    for (auto it = fs::directory_iterator{path, problem};
         !problem && it != fs::directory_iterator{}; it.increment(problem))
      entries.push_back(*it);
    if (problem) ++counts_.unreadable_folders;
    std::sort(entries.begin(), entries.end());
    return std::all_of(entries.begin(), entries.end(),
                       [&](const auto& entry) { return this->entry(entry, depth); });
  }

  bool file(const fs::path& path) {
    std::error_code problem;
    const auto size = fs::file_size(path, problem);
    const auto relative =
        path == root_ ? path.filename().native() : path.lexically_relative(root_).native();
    const auto name = path.filename().native();
    const bool wanted = (filter_.include.empty() || matches_any(filter_.include, relative, name)) &&
                        !matches_any(filter_.exclude, relative, name);
    if (!wanted) {
      ++counts_.excluded;
      return true;
    }
    ++counts_.files;
    return sink_({path.native(), problem ? 0 : static_cast<std::uint64_t>(size)});
  }

 private:
  bool entry(const fs::directory_entry& entry, int depth) {
    std::error_code problem;
    if (entry.path().filename().native().starts_with('.')) {
      ++counts_.skipped_dotfiles;
      return true;
    }
    const bool link = entry.is_symlink(problem);
    const auto status = entry.status(problem);  // of what a link points to
    if (link && !fs::is_regular_file(status)) {
      ++counts_.skipped_links;
      return true;
    }
    if (fs::is_directory(status)) return folder(entry.path(), depth + 1);
    if (fs::is_regular_file(status)) return file(entry.path());
    ++counts_.skipped_special;
    return true;
  }

  fs::path root_;
  const walk_filter& filter_;
  walk_counts& counts_;
  const file_sink& sink_;
};

}  // namespace

result<void> walk_files(const fs::path& root, const walk_filter& filter, walk_counts& counts,
                        const file_sink& sink) {
  assert_may_block("walk_files");
  std::error_code problem;
  auto absolute = fs::absolute(root, problem).lexically_normal();
  if (!absolute.has_filename() && absolute.has_parent_path())
    absolute = absolute.parent_path();  // "folder/"
  const auto status = fs::status(absolute, problem);
  if (problem && status.type() != fs::file_type::not_found)
    return tl::unexpected<error>(
        system_error(problem.value(), root.native(), ec::permission_denied));
  if (status.type() == fs::file_type::not_found)
    return fail(ec::path_missing, root.native() + ": no such file or folder");
  walker walk{absolute, filter, counts, sink};
  if (fs::is_directory(status)) {
    fs::directory_iterator probe{absolute, problem};
    if (problem)
      return tl::unexpected<error>(system_error(
          problem.value(), root.native() + ": cannot be listed", ec::permission_denied));
    walk.folder(absolute, 0);
    return {};
  }
  if (!fs::is_regular_file(status))
    return fail(ec::invalid_argument, root.native() + ": neither a file nor a folder");
  walk.file(absolute);
  return {};
}

}  // namespace millrace
