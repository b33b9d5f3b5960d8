#include "tests/runtime/parsers/parsing.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace millrace::parsers {

extracted_document parse(std::string_view bytes) {
  auto parsed = parse_document(bytes, {}, {});
  if (parsed) return std::move(*parsed);
  ADD_FAILURE() << to_string(parsed.error().code) << ": " << parsed.error().message;
  return {};
}

error parse_error(std::string_view bytes, const parse_limits& limits) {
  auto parsed = parse_document(bytes, limits, {});
  return parsed ? error{ec::none, {}} : parsed.error();
}

std::vector<std::string> lines_of(const extracted_document& document) {
  std::vector<std::string> out;
  for (const auto& e : document.elements) {
    std::string line{to_string(e.kind)};
    if (e.level > 0) line += std::to_string(e.level);
    out.push_back(line + ": " + e.text);
  }
  return out;
}

std::string read_sample(const std::string& name) {
  std::ifstream file{std::string{MILLRACE_TEST_DATA} + "/" + name, std::ios::binary};
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace millrace::parsers
