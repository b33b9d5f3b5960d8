#include "runtime/telemetry/metric_name.hpp"

#include <algorithm>
#include <array>

namespace millrace {

namespace {

constexpr std::string_view prefix = "millrace_";

struct unit {
  std::string_view wrong;
  std::string_view base;
};

constexpr std::array units = {
    unit{"ns", "seconds"},
    unit{"us", "seconds"},
    unit{"ms", "seconds"},
    unit{"nanoseconds", "seconds"},
    unit{"microseconds", "seconds"},
    unit{"milliseconds", "seconds"},
    unit{"minutes", "seconds"},
    unit{"hours", "seconds"},
    unit{"kb", "bytes"},
    unit{"mb", "bytes"},
    unit{"kilobytes", "bytes"},
    unit{"megabytes", "bytes"},
    unit{"percent", "ratio"},
};

bool is_lower_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), fits);
}

bool ends_in_word(std::string_view name, std::string_view word) {
  return name.size() > word.size() && name.ends_with(word) &&
         name[name.size() - word.size() - 1] == '_';
}

}  // namespace

std::string metric_name_problem(metric_kind kind, std::string_view name) {
  const auto says = [&](std::string_view what) {
    return "the metric '" + std::string(name) + "' " + std::string(what);
  };
  if (!name.starts_with(prefix) || name.size() == prefix.size())
    return says("must start with millrace_ and go on");
  if (!is_lower_name(name)) return says("may only use a-z, 0-9 and _");
  const auto total = ends_in_word(name, "total");
  if (kind == metric_kind::counter && !total) return says("is a counter and must end in _total");
  if (kind != metric_kind::counter && total) return says("ends in _total but is no counter");
  const auto stem = total ? name.substr(0, name.size() - std::string_view("_total").size()) : name;
  for (const auto& u : units)
    if (ends_in_word(stem, u.wrong)) return says("must be in base units: " + std::string(u.base));
  if (kind == metric_kind::histogram &&
      (ends_in_word(name, "count") || ends_in_word(name, "sum") || ends_in_word(name, "bucket")))
    return says("ends in a word that its own series use");
  return {};
}

bool is_label_name(std::string_view name) {
  return is_lower_name(name) && !name.starts_with("__") && name != "le" && name != "quantile";
}

}  // namespace millrace
