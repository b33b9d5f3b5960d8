#include "app/cli/options.hpp"

#include <cstdio>

#include "config/load.hpp"
#include "runtime/telemetry/log.hpp"

namespace millrace::cli {

result<settings> load(const global_options& options) {
  const auto loaded = options.config_file.empty()
                          ? quickstart_settings(process_environment())
                          : load_settings(options.config_file, process_environment());
  if (!loaded) return fail(ec::invalid_config, loaded.error().to_string());
  if (auto set = log::set_up(loaded->log.level); !set) return tl::unexpected<error>(set.error());
  auto s = *loaded;
  constexpr std::string_view embedded = "embedded:";
  if (!options.data.empty()) {
    if (!s.database.url.starts_with(embedded))
      return fail(ec::invalid_argument,
                  "--data names an embedded database, but the config's database.url is a server's; "
                  "give one of them");
    s.database.url = std::string{embedded} + options.data.native();
  } else if (s.database.url == embedded && !options.environment_data.empty()) {
    s.database.url = std::string{embedded} + options.environment_data;
  }
  return s;
}

std::string quoted(const std::string& word) {
  if (word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+") ==
          std::string::npos &&
      !word.empty())
    return word;
  std::string out = "'";
  for (const auto c : word) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

std::string same_data(const global_options& options) {
  std::string words;
  const auto data = options.data.empty() ? options.environment_data : options.data.native();
  if (!data.empty()) words += " --data " + quoted(data);
  if (!options.config_file.empty()) words += " --config " + quoted(options.config_file.native());
  if (!options.endpoint.empty()) words += " --endpoint " + quoted(options.endpoint);
  return words;
}

int exit_code(ec code) {
  switch (code) {
    case ec::none:
      return 0;
    case ec::invalid_argument:
    case ec::invalid_config:
    case ec::path_missing:
      return 2;
    default:
      return 1;
  }
}

int report(const error& e) {
  std::fprintf(stderr, "millrace: %s\n", e.message.c_str());
  return exit_code(e.code);
}

}  // namespace millrace::cli
