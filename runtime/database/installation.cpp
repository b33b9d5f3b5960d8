#include "runtime/database/installation.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "runtime/database/process.hpp"

namespace millrace::postgres {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds query_limit{10};

/// The leading number of e.g. "15" or "PostgreSQL 15.6"; 0 where there is none.
int leading_number(std::string_view text) {
  const auto digit = text.find_first_of("0123456789");
  int number = 0;
  if (digit != std::string_view::npos)
    std::from_chars(text.data() + digit, text.data() + text.size(), number);
  return number;
}

bool has_programs(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "initdb", ignored) && fs::exists(folder / "postgres", ignored);
}

std::string ask_pg_config(const char* what) {
  for (const auto* pg_config : {"/usr/bin/pg_config", "/usr/local/bin/pg_config"}) {
    std::error_code ignored;
    if (!fs::exists(pg_config, ignored)) continue;
    auto answer = run_program({{pg_config, what}, {"PATH=/usr/bin:/bin"}, {}}, query_limit);
    if (!answer || answer->exit_status != 0) continue;
    auto& line = answer->output;
    return line.substr(0, line.find('\n'));
  }
  return {};
}

std::vector<installation> all_installations() {
  std::vector<installation> found;
  std::error_code ignored;
  // Debian's layout: one folder a major version.
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const auto version = leading_number(entry.path().filename().string());
    if (has_programs(entry.path() / "bin")) found.push_back({entry.path() / "bin", version});
  }
  if (found.empty())
    if (const fs::path folder = ask_pg_config("--bindir"); has_programs(folder))
      found.push_back({folder, leading_number(ask_pg_config("--version"))});
  std::erase_if(found, [](const installation& i) { return i.version < oldest_version; });
  return found;
}

}  // namespace

result<installation> find_installation(std::optional<int> version) {
  const auto found = all_installations();
  const auto exactly = [&](int wanted) {
    return std::find_if(found.begin(), found.end(),
                        [&](const installation& i) { return i.version == wanted; });
  };
  if (auto match = exactly(version.value_or(preferred_version)); match != found.end())
    return *match;
  const auto newest = std::max_element(
      found.begin(), found.end(),
      [](const installation& a, const installation& b) { return a.version < b.version; });
  if (newest == found.end())
    return fail(ec::data_directory,
                "no PostgreSQL server is installed (version " + std::to_string(oldest_version) +
                    " or newer); install the package postgresql, or set database.url to the "
                    "postgresql:// URL of a running server");
  if (version)
    return fail(ec::data_directory,
                "the data were written by PostgreSQL " + std::to_string(*version) +
                    ", but the installed version is " + std::to_string(newest->version) +
                    "; install PostgreSQL " + std::to_string(*version) +
                    ", or move the data with pg_upgrade");
  return *newest;
}

}  // namespace millrace::postgres
