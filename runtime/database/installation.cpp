#include "runtime/database/installation.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "runtime/database/disk_lookup.hpp"
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

/// "" where there is no pg_config that answers.
result<std::string> ask_pg_config(const char* what) {
  for (const auto* pg_config : {"/usr/bin/pg_config", "/usr/local/bin/pg_config"}) {
    std::error_code ignored;
    if (!fs::exists(pg_config, ignored)) continue;
    auto answer = run_program({{pg_config, what}, {"PATH=/usr/bin:/bin"}, {}}, query_limit);
    if (!answer) return tl::unexpected(answer.error());
    if (answer->exit_status != 0) continue;
    auto& line = answer->output;
    return line.substr(0, line.find('\n'));
  }
  return std::string{};
}

constexpr auto debian_folder = "/usr/lib/postgresql";  // one folder in it a major version

result<std::vector<installation>> all_installations() {
  std::vector<installation> found;
  const auto versions = names_in(debian_folder);
  if (!versions) return tl::unexpected(versions.error());
  for (const auto& name : *versions)
    if (const auto folder = fs::path{debian_folder} / name / "bin"; has_programs(folder))
      found.push_back({folder, leading_number(name)});
  if (found.empty()) {
    const auto folder = ask_pg_config("--bindir");
    if (!folder) return tl::unexpected(folder.error());
    const auto version = has_programs(*folder) ? ask_pg_config("--version") : std::string{};
    if (!version) return tl::unexpected(version.error());
    if (!version->empty()) found.push_back({*folder, leading_number(*version)});
  }
  std::erase_if(found, [](const installation& i) { return i.version < oldest_version; });
  return found;
}

}  // namespace

result<installation> find_installation(std::optional<int> version) {
  const auto looked = all_installations();
  if (!looked) return tl::unexpected(looked.error());
  const auto& found = *looked;
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

result<std::filesystem::path> find_client_program(const std::string& name, int server_version) {
  const auto versions = names_in(debian_folder);
  if (!versions) return tl::unexpected(versions.error());
  std::error_code ignored;
  std::map<int, fs::path> found;
  for (const auto& version : *versions)
    if (const auto file = fs::path{debian_folder} / version / "bin" / name;
        fs::exists(file, ignored))
      found[leading_number(version)] = file;
  if (server_version == 0 && !found.empty()) return found.rbegin()->second;
  if (const auto fits = found.lower_bound(server_version); fits != found.end()) return fits->second;
  for (const auto* folder : {"/usr/local/bin", "/usr/bin"})
    if (const auto file = fs::path{folder} / name; fs::exists(file, ignored)) return file;
  return fail(ec::database_error,
              name + " for PostgreSQL " + std::to_string(server_version) +
                  " is not installed; install the package postgresql-client-" +
                  std::to_string(server_version == 0 ? preferred_version : server_version));
}

}  // namespace millrace::postgres
