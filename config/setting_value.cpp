#include "config/setting_value.hpp"

#include <charconv>
#include <cmath>
#include <sstream>

#include "config/units.hpp"

namespace millrace {
namespace {

using strings = std::vector<std::string>;

template <class T>
constexpr bool is_whole = std::is_same_v<T, int> || std::is_same_v<T, std::int64_t>;

/// Whether a value of the right type keeps its rules.
bool is_allowed(const std::string& text, const value_rules& rules) {
  if (!rules.choices.empty()) {
    for (const std::string_view choice : rules.choices)
      if (text == choice) return true;
    return false;
  }
  return rules.accepts == nullptr || rules.accepts(text);
}

bool is_within(std::int64_t number, const value_rules& rules) {
  return number >= rules.min && number <= rules.max;
}

template <class T>
bool keeps_rules(const T& value, const value_rules& rules) {
  if constexpr (std::is_same_v<T, bool>) {
    return true;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return is_allowed(value, rules);
  } else if constexpr (std::is_same_v<T, strings>) {
    for (const std::string& item : value)
      if (!is_allowed(item, rules)) return false;
    return is_within(static_cast<std::int64_t>(value.size()), rules);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::isfinite(value) && value >= static_cast<double>(rules.min) &&
           value <= static_cast<double>(rules.max);
  } else if constexpr (std::is_same_v<T, duration>) {
    return is_within(value.count(), rules);
  } else if constexpr (std::is_same_v<T, byte_size>) {
    return is_within(static_cast<std::int64_t>(value.bytes), rules);
  } else {
    return is_within(value, rules);
  }
}

template <class T>
std::optional<T> number_from(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

strings split_at_commas(std::string_view text) {
  strings items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    items.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

template <class T>
std::optional<T> from_text(std::string_view text) {
  if constexpr (std::is_same_v<T, bool>) {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return std::string(text);
  } else if constexpr (std::is_same_v<T, strings>) {
    return split_at_commas(text);
  } else if constexpr (std::is_same_v<T, duration>) {
    return parse_duration(text);
  } else if constexpr (std::is_same_v<T, byte_size>) {
    return parse_byte_size(text);
  } else {
    return number_from<T>(text);
  }
}

std::optional<strings> strings_from(const toml::node& node) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  strings items;
  for (const toml::node& item : *array) {
    const auto* text = item.as_string();
    if (text == nullptr) return std::nullopt;
    items.push_back(text->get());
  }
  return items;
}

template <class T>
std::optional<T> from_toml(const toml::node& node) {
  if constexpr (std::is_same_v<T, bool>) {
    return node.value_exact<bool>();
  } else if constexpr (is_whole<T>) {
    const auto number = node.value_exact<std::int64_t>();
    if (!number || !std::in_range<T>(*number)) return std::nullopt;
    return static_cast<T>(*number);
  } else if constexpr (std::is_same_v<T, double>) {
    if (!node.is_number()) return std::nullopt;
    return node.value<double>();
  } else if constexpr (std::is_same_v<T, strings>) {
    return strings_from(node);
  } else {
    const auto* text = node.as_string();
    if (text == nullptr) return std::nullopt;
    return from_text<T>(text->get());
  }
}

std::string shown(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array_of_tables()) return "an array of tables";
  constexpr std::size_t longest = 80;  // Characters of a wrong value that an error repeats.
  std::ostringstream out;
  node.visit([&](const auto& value) { out << toml::toml_formatter{value}; });
  std::string text = out.str();
  return text.size() <= longest ? text : text.substr(0, longest) + "…";
}

/// Says what is wrong with a value; `accept` puts it in its place.
template <class Convert>
std::optional<std::string> store(const value_ref& value, const value_rules& rules,
                                 const std::string& shown_value, Convert convert) {
  const bool stored = std::visit(
      [&](auto* place) {
        using type = std::remove_pointer_t<decltype(place)>;
        auto converted = convert(std::type_identity<type>{});
        if (!converted || !keeps_rules(*converted, rules)) return false;
        *place = std::move(*converted);
        return true;
      },
      value);
  if (stored) return std::nullopt;
  return "is " + shown_value + ", expected " + describe_expected(value, rules);
}

std::string quote_toml(const std::string& text) {
  std::ostringstream out;
  out << toml::toml_formatter{toml::value<std::string>{text},
                              toml::format_flags::allow_unicode_strings};
  return out.str();
}

std::string number_text(double number) {
  char digits[32];  // Enough for every double in its shortest form.
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  std::string text(digits, end);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/// TOML and JSON write everything but texts in the same way.
template <class Quote>
std::string render(const value_ref& value, Quote quote) {
  return std::visit(
      [&](const auto* place) -> std::string {
        using type = std::remove_cvref_t<decltype(*place)>;
        if constexpr (std::is_same_v<type, bool>) {
          return *place ? "true" : "false";
        } else if constexpr (is_whole<type>) {
          return std::to_string(*place);
        } else if constexpr (std::is_same_v<type, double>) {
          return number_text(*place);
        } else if constexpr (std::is_same_v<type, std::string>) {
          return quote(*place);
        } else if constexpr (std::is_same_v<type, strings>) {
          std::string list = "[";
          for (const std::string& item : *place)
            list += (list.size() > 1 ? ", " : "") + quote(item);
          return list + "]";
        } else {
          return quote(to_string(*place));
        }
      },
      value);
}

}  // namespace

std::optional<std::string> store_toml(const toml::node& node, const value_ref& value,
                                      const value_rules& rules) {
  return store(value, rules, shown(node),
               [&]<class T>(std::type_identity<T>) { return from_toml<T>(node); });
}

std::optional<std::string> store_text(std::string_view text, const value_ref& value,
                                      const value_rules& rules) {
  return store(value, rules, '"' + std::string(text) + '"',
               [&]<class T>(std::type_identity<T>) { return from_text<T>(text); });
}

std::string to_toml(const value_ref& value) {
  return render(value, quote_toml);
}

std::string to_json(const value_ref& value) {
  return render(value, quote_json);
}

std::string quote_json(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      quoted += "\\u00";
      quoted += hex[byte >> 4];
      quoted += hex[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace millrace
