// Holds every file of tests/data to its row in tests/data/README.md.
#include <filesystem>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/utf8.hpp"
#include "runtime/parsers/text_tools.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

struct expectation {
  std::string file;
  bool ready = false;
  std::string mime_or_code;
  std::string text;
};

/// The cells of a Markdown table's row; `\|` does not part cells.
std::vector<std::string> split_row(std::string_view line) {
  std::vector<std::string> cells(1);
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '|' && line[i - 1] != '\\')
      cells.emplace_back();
    else if (line[i] != '\\' || i + 1 == line.size() || line[i + 1] != '|')
      cells.back().push_back(line[i]);
  }
  for (auto& cell : cells) cell = trim(cell);
  return cells;
}

std::vector<expectation> read_expectations() {
  std::vector<expectation> out;
  std::istringstream readme{read_sample("README.md")};
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("| `")) continue;
    const auto cells = split_row(line);
    out.push_back(
        {cells[0].substr(1, cells[0].size() - 2), cells[1] == "ready", cells[2], cells[3]});
  }
  return out;
}

std::string all_text(const extracted_document& document) {
  std::string out;
  for (const auto& e : document.elements) out += e.text + "\n";
  return out;
}

TEST(samples, every_file_ends_as_the_table_says) {
  const auto expectations = read_expectations();
  ASSERT_GE(expectations.size(), 28U);
  for (const auto& expected : expectations) {
    SCOPED_TRACE(expected.file);
    const auto parsed = parse_document(read_sample(expected.file), {}, {});
    ASSERT_EQ(parsed.has_value(), expected.ready) << (parsed ? "ready" : parsed.error().message);
    if (parsed) {
      EXPECT_EQ(parsed->mime, expected.mime_or_code);
      EXPECT_THAT(all_text(*parsed), testing::HasSubstr(expected.text));
      if (expected.text.empty()) {
        EXPECT_EQ(trim(all_text(*parsed)), "");
      }
    } else {
      EXPECT_EQ(to_string(parsed.error().code), expected.mime_or_code);
      EXPECT_THAT(parsed.error().message, testing::HasSubstr(expected.text));
    }
  }
}

TEST(samples, every_file_has_a_row) {
  std::set<std::string> known{"README.md",         "make_samples.py",   "sample_texts.py",
                              "samples_images.py", "samples_office.py", "samples_open.py",
                              "samples_text.py",   "samples_legacy.py"};
  for (const auto& expected : read_expectations()) known.insert(expected.file);
  for (const auto& entry : std::filesystem::directory_iterator{MILLRACE_TEST_DATA})
    if (entry.is_regular_file()) {
      EXPECT_TRUE(known.contains(entry.path().filename().string())) << entry.path();
    }
}

TEST(samples, every_elements_text_is_clean_and_trimmed) {
  for (const auto& expected : read_expectations()) {
    if (!expected.ready) continue;
    for (const auto& e : parse(read_sample(expected.file)).elements) {
      EXPECT_TRUE(is_clean_utf8(e.text)) << expected.file;
      EXPECT_EQ(trim(e.text), e.text) << expected.file;
      EXPECT_FALSE(e.text.empty() && e.image.sha256.empty()) << expected.file;
    }
  }
}

/// Whatever is cut off or turned around in a file: an answer, never a crash. The fuzzers go
/// further.
TEST(samples, damaged_files_are_answered) {
  for (const auto& expected : read_expectations()) {
    const auto whole = read_sample(expected.file);
    for (std::size_t cut = 0; cut < whole.size(); cut += whole.size() / 16 + 1) {
      auto damaged = whole.substr(0, whole.size() - cut);
      if (!damaged.empty())
        damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
      const auto parsed = parse_document(damaged, {}, {});
      if (!parsed) {
        EXPECT_FALSE(parsed.error().message.empty()) << expected.file;
      }
    }
  }
}

}  // namespace
}  // namespace millrace::parsers
