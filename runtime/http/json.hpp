// JSON in and out for everything that speaks it: the API, the commands, providers. Thin over
// RapidJSON.
//
// Reading never recurses on the input's nesting and refuses more than max_depth levels, invalid
// UTF-8, and anything behind the value; its memory is bounded by the caller's limit on the body.
// Pure values and functions: any thread.
//
//   std::string name;
//   std::int64_t cost = 10;
//   auto read = json::parse_object(body, {json::required("name", name), json::optional("cost",
//   cost)}); → invalid_argument: "unknown field 'cots'; did you mean 'cost'?"
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "runtime/core/error.hpp"

namespace millrace::json {

inline constexpr int max_depth = 64;

/// invalid_argument with the offset in bytes where the text is not JSON or is nested deeper than
/// max_depth.
result<rapidjson::Document> parse(std::string_view text);

/// The compact text of a value.
std::string to_text(const rapidjson::Value& value);

/// A value kept as JSON text, for what is stored or passed on without being looked at.
struct raw {
  std::string text;
};

/// One field of an object: how it is called and where its value goes. Made by required() and
/// optional().
struct field {
  std::string_view name;
  bool needed = false;
  /// Takes the value, or says what should have been there ("a string").
  std::function<std::optional<std::string>(const rapidjson::Value&)> take;
};

// One overload for each type that a field may have. Each stores a value of the right type, or
// returns what was expected. Strings are valid UTF-8 and free of U+0000, because PostgreSQL cannot
// store it.
std::optional<std::string> take(const rapidjson::Value& from, std::string& into);
std::optional<std::string> take(const rapidjson::Value& from, bool& into);
std::optional<std::string> take(const rapidjson::Value& from, int& into);
std::optional<std::string> take(const rapidjson::Value& from, std::int64_t& into);
std::optional<std::string> take(const rapidjson::Value& from, std::uint64_t& into);
std::optional<std::string> take(const rapidjson::Value& from, double& into);
std::optional<std::string> take(const rapidjson::Value& from, raw& into);
std::optional<std::string> take(const rapidjson::Value& from, std::vector<std::string>& into);
std::optional<std::string> take(const rapidjson::Value& from, std::vector<double>& into);
std::optional<std::string> take(const rapidjson::Value& from,
                                std::map<std::string, std::string>& into);

template <class T>
std::optional<std::string> take(const rapidjson::Value& from, std::optional<T>& into) {
  return take(from, into.emplace());
}

template <class T>
field required(std::string_view name, T& into) {
  return {name, true, [&into](const rapidjson::Value& from) { return take(from, into); }};
}

/// Stays as it is where the field is missing or null.
template <class T>
field optional(std::string_view name, T& into) {
  return {name, false, [&into](const rapidjson::Value& from) { return take(from, into); }};
}

/// What to do with fields that are not listed: refuse those of users (typos), bear those of a newer
/// server.
enum class unknown_fields { refused, ignored };

/// Reads an object's fields. invalid_argument names the field that is unknown (and the nearest
/// known one), missing, given twice or of the wrong type; what was read before stays written.
result<void> read_object(const rapidjson::Value& from, const std::vector<field>& fields,
                         unknown_fields unknown = unknown_fields::refused);
result<void> parse_object(std::string_view text, const std::vector<field>& fields,
                          unknown_fields unknown = unknown_fields::refused);

/// Builds compact JSON in order. Misuse (a value without its key, an object left open) is a bug and
/// asserts. Text that is not valid UTF-8 is repaired; a number that is not finite becomes null.
class writer {
 public:
  writer();
  ~writer() = default;
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  writer& begin_object();
  writer& end_object();
  writer& begin_array();
  writer& end_array();
  writer& key(std::string_view name);

  writer& value(std::string_view text);
  writer& value(const std::string& text) { return value(std::string_view(text)); }
  writer& value(const char* text) { return value(std::string_view(text)); }
  writer& value(bool b);
  writer& value(double number);
  template <std::integral Number>
  writer& value(Number number) {
    if constexpr (std::signed_integral<Number>)
      return signed_value(number);
    else
      return unsigned_value(number);
  }
  writer& value(const raw& json);  ///< Must be valid JSON already.
  writer& value(const std::vector<std::string>& texts);
  template <class T>
  writer& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  writer& null();

  /// key(name), then value(v).
  template <class T>
  writer& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }

  std::size_t size() const { return buffer_.GetSize(); }
  /// The finished text; the writer is empty again.
  std::string take();

 private:
  writer& signed_value(std::int64_t number);
  writer& unsigned_value(std::uint64_t number);

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

}  // namespace millrace::json
