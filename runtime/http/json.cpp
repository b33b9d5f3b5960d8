#include "runtime/http/json.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "runtime/core/utf8.hpp"

namespace millrace::json {

namespace {

using rapidjson::SizeType;

// Iterative: a body of a million "[" must not exhaust the stack.
constexpr unsigned parse_flags = rapidjson::kParseIterativeFlag |
                                 rapidjson::kParseValidateEncodingFlag |
                                 rapidjson::kParseFullPrecisionFlag;

/// Passes events on to the document and stops the parser below max_depth.
class depth_limiter {
 public:
  explicit depth_limiter(rapidjson::Document& to) : to_(to) {}

  bool Null() { return to_.Null(); }
  bool Bool(bool b) { return to_.Bool(b); }
  bool Int(int i) { return to_.Int(i); }
  bool Uint(unsigned i) { return to_.Uint(i); }
  bool Int64(std::int64_t i) { return to_.Int64(i); }
  bool Uint64(std::uint64_t i) { return to_.Uint64(i); }
  bool Double(double d) { return to_.Double(d); }
  bool RawNumber(const char* s, SizeType n, bool copy) { return to_.RawNumber(s, n, copy); }
  bool String(const char* s, SizeType n, bool copy) { return to_.String(s, n, copy); }
  bool Key(const char* s, SizeType n, bool copy) { return to_.Key(s, n, copy); }
  bool StartObject() { return enter() && to_.StartObject(); }
  bool EndObject(SizeType n) { return leave(), to_.EndObject(n); }
  bool StartArray() { return enter() && to_.StartArray(); }
  bool EndArray(SizeType n) { return leave(), to_.EndArray(n); }

 private:
  bool enter() { return ++depth_ <= max_depth; }
  void leave() { --depth_; }

  rapidjson::Document& to_;
  int depth_ = 0;
};

std::string_view text_of(const rapidjson::Value& v) {
  return {v.GetString(), v.GetStringLength()};
}

const char* type_name(const rapidjson::Value& v) {
  switch (v.GetType()) {
    case rapidjson::kNullType:
      return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return "a boolean";
    case rapidjson::kObjectType:
      return "an object";
    case rapidjson::kArrayType:
      return "an array";
    case rapidjson::kStringType:
      return "a string";
    case rapidjson::kNumberType:
      break;
  }
  return "a number";
}

/// Levenshtein's distance: how many characters to insert, remove or replace.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// "; did you mean 'x'?" where a field is near, else the list of fields.
std::string hint(std::string_view unknown, const std::vector<field>& fields) {
  if (fields.empty()) return "; this object takes none";
  const auto distance = [&](const field& f) { return edit_distance(unknown, f.name); };
  const auto nearest =
      std::min_element(fields.begin(), fields.end(),
                       [&](const field& a, const field& b) { return distance(a) < distance(b); });
  if (distance(*nearest) <= std::max<std::size_t>(2, nearest->name.size() / 3))
    return "; did you mean '" + std::string(nearest->name) + "'?";
  std::string known;
  for (const auto& f : fields) known += (known.empty() ? "" : ", ") + std::string(f.name);
  return "; known are: " + known;
}

/// A name out of a request, short enough for an error's sentence.
std::string quoted(std::string_view name) {
  constexpr std::size_t most = 64;
  const auto shown = name.substr(0, most);
  return "'" + clean_utf8(shown) + (name.size() > most ? "..." : "") + "'";
}

result<void> read_member(const rapidjson::Value& name, const rapidjson::Value& value,
                         const std::vector<field>& fields, std::vector<bool>& seen,
                         unknown_fields unknown) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const field& f) { return f.name == text_of(name); });
  if (found == fields.end()) {
    if (unknown == unknown_fields::ignored) return {};
    return fail(ec::invalid_argument, "unknown field " + quoted(text_of(name)) +
                                          hint(text_of(name).substr(0, 64), fields));
  }
  const auto label = "field '" + std::string(found->name) + "'";
  const auto index = static_cast<std::size_t>(found - fields.begin());
  if (seen[index]) return fail(ec::invalid_argument, label + " is given twice");
  if (value.IsNull() && !found->needed) return {};
  seen[index] = true;
  if (const auto expected = found->take(value))
    return fail(ec::invalid_argument,
                label + " must be " + *expected + ", but is " + type_name(value));
  return {};
}

}  // namespace

result<rapidjson::Document> parse(std::string_view text) {
  rapidjson::Document document;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  rapidjson::ParseResult parsed;
  const auto generate = [&](rapidjson::Document& to) {
    depth_limiter limiter(to);
    parsed = reader.Parse<parse_flags>(stream, limiter);
    return !parsed.IsError();
  };
  document.Populate(generate);
  if (!parsed.IsError()) return document;
  const auto at = " at offset " + std::to_string(parsed.Offset());
  if (parsed.Code() == rapidjson::kParseErrorTermination)
    return fail(ec::invalid_argument,
                "the JSON is nested deeper than " + std::to_string(max_depth) + " levels" + at);
  std::string reason = rapidjson::GetParseError_En(parsed.Code());
  while (reason.ends_with('.')) reason.pop_back();
  return fail(ec::invalid_argument, "this is not valid JSON" + at + ": " + reason);
}

std::string to_text(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::optional<std::string> take(const rapidjson::Value& from, std::string& into) {
  if (!from.IsString()) return "a string";
  if (!is_clean_utf8(text_of(from))) return "a string without U+0000";
  into = text_of(from);
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, bool& into) {
  if (!from.IsBool()) return "true or false";
  into = from.GetBool();
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, int& into) {
  if (!from.IsInt()) return "a whole number of at most 32 bits";
  into = from.GetInt();
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, std::int64_t& into) {
  if (!from.IsInt64()) return "a whole number of at most 64 bits";
  into = from.GetInt64();
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, std::uint64_t& into) {
  if (!from.IsUint64()) return "a whole number of at most 64 bits that is not negative";
  into = from.GetUint64();
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, double& into) {
  if (!from.IsNumber()) return "a number";
  into = from.GetDouble();
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, raw& into) {
  into.text = to_text(from);
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, std::vector<std::string>& into) {
  constexpr auto expected = "an array of strings without U+0000";
  if (!from.IsArray()) return expected;
  std::vector<std::string> read(from.Size());
  for (SizeType i = 0; i < from.Size(); ++i)
    if (take(from[i], read[i])) return expected;
  into = std::move(read);
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from, std::vector<double>& into) {
  constexpr auto expected = "an array of numbers";
  if (!from.IsArray()) return expected;
  std::vector<double> read(from.Size());
  for (SizeType i = 0; i < from.Size(); ++i)
    if (take(from[i], read[i])) return expected;
  into = std::move(read);
  return std::nullopt;
}

std::optional<std::string> take(const rapidjson::Value& from,
                                std::map<std::string, std::string>& into) {
  constexpr auto expected = "an object of strings without U+0000";
  if (!from.IsObject()) return expected;
  std::map<std::string, std::string> read;
  for (const auto& member : from.GetObject()) {
    std::string name;
    if (take(member.name, name) || take(member.value, read[name])) return expected;
  }
  into = std::move(read);
  return std::nullopt;
}

result<void> read_object(const rapidjson::Value& from, const std::vector<field>& fields,
                         unknown_fields unknown) {
  if (!from.IsObject())
    return fail(ec::invalid_argument,
                "an object ({...}) is expected, but this is " + std::string(type_name(from)));
  std::vector<bool> seen(fields.size());
  for (const auto& member : from.GetObject())
    if (auto read = read_member(member.name, member.value, fields, seen, unknown); !read)
      return read;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].needed && !seen[i])
      return fail(ec::invalid_argument, "field '" + std::string(fields[i].name) + "' is missing");
  return {};
}

result<void> parse_object(std::string_view text, const std::vector<field>& fields,
                          unknown_fields unknown) {
  const auto document = parse(text);
  if (!document) return tl::unexpected(document.error());
  return read_object(*document, fields, unknown);
}

writer::writer() : writer_(buffer_) {}

writer& writer::begin_object() {
  writer_.StartObject();
  return *this;
}

writer& writer::end_object() {
  writer_.EndObject();
  return *this;
}

writer& writer::begin_array() {
  writer_.StartArray();
  return *this;
}

writer& writer::end_array() {
  writer_.EndArray();
  return *this;
}

writer& writer::key(std::string_view name) {
  writer_.Key(name.data(), static_cast<SizeType>(name.size()));
  return *this;
}

writer& writer::value(std::string_view text) {
  if (is_clean_utf8(text)) {
    writer_.String(text.data(), static_cast<SizeType>(text.size()));
  } else {
    const auto repaired = clean_utf8(text);
    writer_.String(repaired.data(), static_cast<SizeType>(repaired.size()));
  }
  return *this;
}

writer& writer::value(bool b) {
  writer_.Bool(b);
  return *this;
}

writer& writer::value(double number) {
  if (!std::isfinite(number)) return null();
  writer_.Double(number);
  return *this;
}

writer& writer::value(const raw& json) {
  writer_.RawValue(json.text.data(), json.text.size(), rapidjson::kObjectType);
  return *this;
}

writer& writer::value(const std::vector<std::string>& texts) {
  begin_array();
  for (const auto& text : texts) value(text);
  return end_array();
}

writer& writer::null() {
  writer_.Null();
  return *this;
}

writer& writer::signed_value(std::int64_t number) {
  writer_.Int64(number);
  return *this;
}

writer& writer::unsigned_value(std::uint64_t number) {
  writer_.Uint64(number);
  return *this;
}

std::string writer::take() {
  assert(writer_.IsComplete() && "an object or array is still open, or nothing was written");
  std::string out(buffer_.GetString(), buffer_.GetSize());
  buffer_.Clear();
  writer_.Reset(buffer_);
  return out;
}

}  // namespace millrace::json
