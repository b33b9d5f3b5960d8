#include "config/load.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include <toml++/toml.h>
#include <unistd.h>

#include "config/conflicts.hpp"
#include "config/quickstart.hpp"
#include "config/settings_reader.hpp"

namespace millrace {

std::string config_error::to_string() const {
  std::string place = file;
  if (line > 0) place += ':' + std::to_string(line);
  return place.empty() ? message : place + ": " + message;
}

environment process_environment() {
  constexpr std::string_view prefix = "MILLRACE_";
  environment found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (!text.starts_with(prefix) || equals == std::string_view::npos) continue;
    found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

tl::expected<settings, config_error> parse_settings(std::string_view toml, std::string file,
                                                    const environment& env) {
  toml::table root;
  try {
    root = toml::parse(toml);
  } catch (const toml::parse_error& e) {
    return tl::unexpected(config_error{std::move(file), static_cast<int>(e.source().begin.line),
                                       std::string(e.description())});
  }
  settings_reader reader(std::move(file));
  if (auto error = reader.read_toml(root)) return tl::unexpected(std::move(*error));
  if (auto error = reader.read_environment(env)) return tl::unexpected(std::move(*error));
  if (auto found = find_conflict(reader.result()))
    return tl::unexpected(reader.error_at(found->paths, std::move(found->message)));
  return reader.result();
}

tl::expected<settings, config_error> load_settings(const std::filesystem::path& path,
                                                   const environment& env) {
  constexpr std::uintmax_t largest_file = 4ULL << 20;  // Bytes; no hand-written file comes near.
  const auto refuse = [&](std::string message) {
    return tl::unexpected(config_error{path.string(), 0, std::move(message)});
  };
  std::error_code ec;
  const auto status = std::filesystem::status(path, ec);
  if (!std::filesystem::exists(status))
    return refuse("there is no such file; name an existing one with --config");
  if (!std::filesystem::is_regular_file(status)) return refuse("this is not a file");
  const auto size = std::filesystem::file_size(path, ec);
  if (!ec && size > largest_file) return refuse("this is larger than any configuration (4 MiB)");
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return refuse("this file cannot be read: " + std::generic_category().message(errno) +
                  "; check its permissions");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return parse_settings(text, path.string(), env);
}

tl::expected<settings, config_error> quickstart_settings(const environment& env) {
  return parse_settings(quickstart_toml, "built-in", env);
}

std::uint64_t memory_budget_bytes(const extraction_settings& s, std::uint64_t total_memory_bytes) {
  if (const auto percent = parse_percent(s.memory_budget)) {
    // Divided first: a total beyond 2^57 bytes would overflow the product.
    const auto share = static_cast<std::uint64_t>(*percent);
    return total_memory_bytes / 100 * share + total_memory_bytes % 100 * share / 100;
  }
  const auto size = parse_byte_size(s.memory_budget);
  return size ? size->bytes : 0;
}

}  // namespace millrace
