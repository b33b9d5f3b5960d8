// Parsers of strangers' bytes belong in millrace-extractor, whose sandbox contains them.
#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include <gmock/gmock.h>

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What a program loads, directly or through other libraries, with their paths.
std::string libraries_of(const std::string& program) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{
      ::popen(("ldd '" + program + "'").c_str(), "r"), ::pclose};
  std::string out;
  std::array<char, 4096> buffer{};
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr)
    out += buffer.data();
  return out;
}

constexpr std::array parsers{"poppler",   "gumbo",   "libzip", "pugixml", "libmagic",
                             "uchardet",  "md4c",    "libcsv", "gmime",   "libtesseract",
                             "leptonica", "liblept", "libwv",  "libgsf",  "libxml2"};

TEST(libraries, of_the_node_hold_no_parser_of_documents) {
  const auto loaded = libraries_of(MILLRACE_PROGRAM);
  ASSERT_THAT(loaded, HasSubstr("libc.so"));
  for (const auto* parser : parsers) EXPECT_THAT(loaded, Not(HasSubstr(parser)));
}

TEST(libraries, of_the_extractor_are_recognised_as_parsers) {
  const auto loaded = libraries_of(EXTRACTOR_PROGRAM);
  for (const auto* parser : {"poppler", "gumbo", "libzip", "pugixml", "libmagic", "uchardet"})
    EXPECT_THAT(loaded, HasSubstr(parser));
}

}  // namespace
}  // namespace millrace
