#include "tests/runtime/parsers/parsing.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <zip.h>

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

std::string make_zip(const zip_parts& parts) {
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_source_keep(target);
  zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, nullptr);
  for (const auto& [name, content] : parts)
    zip_file_add(archive, name.c_str(),
                 zip_source_buffer(archive, content.data(), content.size(), 0), 0);
  EXPECT_EQ(zip_close(archive), 0);
  zip_stat_t stat;
  zip_source_stat(target, &stat);
  std::string out(stat.size, '\0');
  zip_source_open(target);
  zip_source_read(target, out.data(), out.size());
  zip_source_close(target);
  zip_source_free(target);
  return out;
}

std::string make_docx(const std::string& body, const zip_parts& more) {
  zip_parts parts{
      {"[Content_Types].xml",
       R"(<Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.)"
       R"(wordprocessingml.document.main+xml"/></Types>)"},
      {"word/document.xml", "<w:document><w:body>" + body + "</w:body></w:document>"}};
  parts.insert(parts.end(), more.begin(), more.end());
  return make_zip(parts);
}

}  // namespace millrace::parsers
