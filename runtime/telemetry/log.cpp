#include "runtime/telemetry/log.hpp"

#include <array>
#include <memory>
#include <optional>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "runtime/core/utf8.hpp"

namespace millrace::log {

namespace {

constexpr auto line_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";

struct named_level {
  std::string_view name;
  spdlog::level::level_enum value;
};

constexpr std::array levels = {
    named_level{"trace", spdlog::level::trace}, named_level{"debug", spdlog::level::debug},
    named_level{"info", spdlog::level::info},   named_level{"warn", spdlog::level::warn},
    named_level{"error", spdlog::level::err},
};

spdlog::level::level_enum to_spdlog(level l) {
  return levels[static_cast<std::size_t>(l)].value;
}

/// Made at its first use, so that a line before set_up() goes to standard error too.
const std::shared_ptr<spdlog::logger>& logger() {
  static const auto made = [] {
    auto l = std::make_shared<spdlog::logger>("millrace",
                                              std::make_shared<spdlog::sinks::stderr_sink_mt>());
    l->set_pattern(line_pattern, spdlog::pattern_time_type::utc);
    l->flush_on(spdlog::level::trace);
    return l;
  }();
  return made;
}

void append_escaped(std::string& out, std::string_view text, bool quoted) {
  constexpr auto digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    } else {
      if (quoted && (c == '"' || c == '\\')) out += '\\';
      out += c;
    }
  }
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos;
}

/// At most max_value_bytes of valid text, marked where it was cut.
std::string printable(std::string_view value) {
  if (value.size() <= max_value_bytes) return clean_utf8(value);
  return clean_utf8(value.substr(0, max_value_bytes)) + "...";
}

void append(std::string& line, const field& f) {
  const auto value = printable(f.value);
  const auto quoted = needs_quotes(value);
  line += ' ';
  append_escaped(line, f.key, false);
  line += quoted ? "=\"" : "=";
  append_escaped(line, value, quoted);
  if (quoted) line += '"';
}

}  // namespace

field::field(std::string_view k, double v) : key(k), value(fmt::format("{}", v)) {}

result<void> set_up(std::string_view level_name) {
  std::optional<spdlog::level::level_enum> chosen;
  for (const auto& l : levels)
    if (l.name == level_name) chosen = l.value;
  if (!chosen)
    return fail(ec::invalid_config, "log.level is '" + std::string(level_name) +
                                        "'; use trace, debug, info, warn or error");
  logger()->set_level(*chosen);
  spdlog::set_default_logger(logger());
  return {};
}

void write(level l, std::string_view message, std::initializer_list<field> fields) {
  if (!logger()->should_log(to_spdlog(l))) return;
  logger()->log(to_spdlog(l), spdlog::string_view_t(format(message, fields)));
}

std::string format(std::string_view message, std::initializer_list<field> fields) {
  std::string line;
  append_escaped(line, printable(message), false);
  for (const auto& f : fields) append(line, f);
  return line;
}

}  // namespace millrace::log
