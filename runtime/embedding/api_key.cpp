#include "runtime/embedding/api_key.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace millrace {

namespace {

result<std::string> checked(std::string key, const std::string& where) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = key.find_first_not_of(blank);
  if (first == std::string::npos)
    return fail(ec::invalid_config, where + " is empty; put the API key there");
  key = key.substr(first, key.find_last_not_of(blank) - first + 1);
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable || key.size() > max_api_key_bytes)
    return fail(ec::invalid_config,
                where + " holds no API key: a key is one line of printable ASCII without blanks");
  return key;
}

result<std::string> read_key_file(const std::string& path) {
  const auto where = "the file " + path + " (embedder.api_key_file)";
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(ec::invalid_config, where + " cannot be read; check its path and rights");
  std::string key(max_api_key_bytes + 2, '\0');  // one more than is allowed, beside a newline
  file.read(key.data(), static_cast<std::streamsize>(key.size()));
  key.resize(static_cast<std::size_t>(file.gcount()));
  return checked(std::move(key), where);
}

}  // namespace

result<std::string> read_api_key(const embedder_settings& s) {
  if (!s.api_key_file.empty()) return read_key_file(s.api_key_file);
  if (s.api_key_env.empty()) return std::string{};
  const auto where = "the environment variable " + s.api_key_env + " (embedder.api_key_env)";
  const char* value = std::getenv(s.api_key_env.c_str());
  if (value == nullptr)
    return fail(
        ec::invalid_config,
        where +
            " is not set; set it to the API key, name a file in embedder.api_key_file, or write "
            "api_key_env = \"\" for a server without keys");
  return checked(value, where);
}

std::string without_key(std::string text, std::string_view key) {
  constexpr std::string_view replacement = "[API key]";
  if (key.empty()) return text;
  for (auto at = text.find(key); at != std::string::npos;
       at = text.find(key, at + replacement.size()))
    text.replace(at, key.size(), replacement);
  return text;
}

}  // namespace millrace
