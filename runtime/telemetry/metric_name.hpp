// The rules that every metric's name follows, after Prometheus' naming practice: a prefix of our
// own, lower case, base units, and _total on counters only. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

enum class metric_kind { gauge, counter, histogram };

/// What is wrong with `name`, as a sentence; empty where nothing is.
std::string metric_name_problem(metric_kind kind, std::string_view name);

/// True for [a-z_][a-z0-9_]* that is not reserved ("le", "quantile", a leading "__").
bool is_label_name(std::string_view name);

}  // namespace millrace
