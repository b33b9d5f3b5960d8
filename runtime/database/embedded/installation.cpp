#include "runtime/database/embedded/installation.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "runtime/database/disk_lookup.hpp"
#include "runtime/database/embedded/process.hpp"
#include "runtime/database/supported_versions.hpp"

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
  std::erase_if(found, [](const installation& i) {
    return i.version < oldest_upgradable_version || i.version > newest_version;
  });
  std::ranges::sort(found, {}, &installation::version);
  return found;
}

/// For data of a version whose programs are missing.
error other_version(int written, const std::vector<installation>& found) {
  const auto theirs = "the data are of PostgreSQL " + std::to_string(written);
  if (written > newest_version)
    return {ec::data_directory,
            theirs + ", and this millrace knows " + supported_versions() + ": use a newer one"};
  if (written < oldest_upgradable_version)
    return {ec::data_directory, theirs + ", and millrace moves none that are older than " +
                                    std::to_string(oldest_upgradable_version) + "; move them to " +
                                    std::to_string(oldest_version) +
                                    " or newer with that version's own pg_upgrade"};
  std::string message = theirs + ", whose programs are not installed (";
  for (const auto& i : found)
    message += (&i == &found.front() ? "" : ", ") + std::to_string(i.version);
  message += found.size() == 1 ? " is)" : " are)";
  const auto package = "postgresql-" + std::to_string(written);
  if (written > found.back().version)
    return {ec::data_directory,
            message + "; PostgreSQL does not go back to an older version: install the package " +
                package + " or a newer one, or use the data on a machine that has it"};
  return {ec::data_directory, message + "; install the package " + package +
                                  ", and `millrace db upgrade` moves them to " +
                                  std::to_string(found.back().version) +
                                  "; if no package of it is to be had, run `millrace db backup` "
                                  "on a machine that has it, `millrace db restore` into a new "
                                  "directory here, and copy `uploads`, which is in no backup"};
}

}  // namespace

result<installation> find_installation(std::optional<int> version) {
  const auto found = all_installations();
  if (!found) return tl::unexpected(found.error());
  if (found->empty() || (!version && found->back().version < oldest_version))
    return fail(ec::data_directory,
                "no PostgreSQL server of a version from " + supported_versions() +
                    " is installed; install the package postgresql, or set database.url to the "
                    "postgresql:// URL of a running server");
  if (!version) return found->back();
  const auto exactly = std::ranges::find(*found, *version, &installation::version);
  if (exactly == found->end()) return tl::unexpected(other_version(*version, *found));
  return *exactly;
}

result<std::filesystem::path> find_client_program(const std::string& name, client_version wanted) {
  const auto versions = names_in(debian_folder);
  if (!versions) return tl::unexpected(versions.error());
  std::error_code ignored;
  std::map<int, fs::path> found;
  for (const auto& version : *versions)
    if (const auto file = fs::path{debian_folder} / version / "bin" / name;
        fs::exists(file, ignored))
      found[leading_number(version)] = file;
  if (wanted.version == 0 && !found.empty()) return found.rbegin()->second;
  if (const auto fits = found.lower_bound(wanted.version);
      fits != found.end() && (wanted.or_newer || fits->first == wanted.version))
    return fits->second;
  // Elsewhere they are of one version, or links to the newest.
  for (const auto* folder : {"/usr/local/bin", "/usr/bin"})
    if (const auto file = fs::path{folder} / name; found.empty() && fs::exists(file, ignored))
      return file;
  if (wanted.version == 0)
    return fail(ec::database_error,
                name + " is not installed; install the package postgresql-client");
  const auto version = std::to_string(wanted.version);
  return fail(ec::database_error, name + " of PostgreSQL " + version +
                                      (wanted.or_newer ? " or newer" : "") +
                                      " is not installed; install the package postgresql-client-" +
                                      version + ", or do it on a machine that has it");
}

}  // namespace millrace::postgres
