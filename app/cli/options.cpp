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

int report(const error& e) {
  std::fprintf(stderr, "millrace: %s\n", e.message.c_str());
  return exit_code(e.code);
}

}  // namespace millrace::cli
