// The real extractor in its sandbox reads what the same parsers read outside.
#include <array>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <iconv.h>

#include "app/extractor/landlock.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/extraction/render.hpp"
#include "runtime/parsers/parse.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"

namespace millrace::extraction {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string encode(std::string_view utf8, const char* charset) {
  const auto converter = ::iconv_open(charset, "UTF-8");
  EXPECT_NE(converter, reinterpret_cast<iconv_t>(-1)) << charset;
  std::string out(4 * utf8.size() + 64, '\0');
  char* from = const_cast<char*>(utf8.data());
  auto from_left = utf8.size();
  char* to = out.data();
  auto to_left = out.size();
  EXPECT_NE(::iconv(converter, &from, &from_left, &to, &to_left), static_cast<std::size_t>(-1))
      << charset;
  ::iconv(converter, nullptr, nullptr, &to, &to_left);
  ::iconv_close(converter);
  out.resize(out.size() - to_left);
  return out;
}

class sandboxed_parsers : public pool_fixture {
 protected:
  void SetUp() override {
    if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
    config_.executable = REAL_EXTRACTOR;
    config_.settings.memory_small = config_.settings.memory_large = 2_GiB;
    config_.settings.memory_budget = "4GiB";
  }

  static std::string described(const outcome& o) {
    return o ? render_json(*o) : std::string{to_string(o.error().code)} + ": " + o.error().message;
  }
  static std::string read_outside(const std::filesystem::path& file) {
    const auto bytes = content_of(file);
    auto o = parsers::parse_document(bytes, {}, nullptr);
    if (o) {
      o->size = bytes.size();
      o->sha256 = sha256_hex(bytes);
    }
    return described(o);
  }
  /// All by one process, so that what it remembers of one document does not help with the next.
  void expect_same(const std::vector<std::string>& paths) {
    extractor_pool pool{config_};
    const auto outcomes = ask(pool, paths)->wait();
    for (std::size_t i = 0; i < paths.size(); ++i)
      EXPECT_EQ(described(outcomes[i]), read_outside(paths[i])) << paths[i];
    EXPECT_EQ(pool.stats().crashes, 0U);
  }
};

TEST_F(sandboxed_parsers, read_every_sample_as_outside) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator{MILLRACE_TEST_DATA})
    if (entry.is_regular_file()) paths.push_back(entry.path().string());
  ASSERT_GT(paths.size(), 30U);
  expect_same(paths);
}

TEST_F(sandboxed_parsers, convert_charsets_that_are_loaded_when_they_are_needed) {
  struct sample {
    const char* charset;
    const char* text;
  };
  constexpr std::array samples{
      sample{"EUC-JP", "水車は川で回る。"},        sample{"SHIFT_JIS", "水車は川で回る。"},
      sample{"GB18030", "水车在河里转动。"},       sample{"BIG5", "水車在河裡轉動。"},
      sample{"EUC-KR", "물레방아가 강에서 돈다."}, sample{"KOI8-R", "Мельница стоит."},
      sample{"WINDOWS-1255", "טחנת המים"},         sample{"ISO-8859-7", "Ο μύλος γυρίζει."},
      sample{"UTF-16", "The mill turns."}};
  std::vector<std::string> paths;
  for (const auto& s : samples)
    paths.push_back(document(
        encode("<html><head><meta http-equiv=\"Content-Type\" "
               "content=\"text/html; charset=" +
                   std::string{s.charset} + "\"></head><body><p>" + s.text + "</p></body></html>",
               s.charset)));
  expect_same(paths);
  extractor_pool pool{config_};
  for (std::size_t i = 0; i < samples.size(); ++i)
    EXPECT_EQ(text_of(extract(pool, paths[i])), samples[i].text) << samples[i].charset;
}

/// One line in a font that the PDF neither brings nor describes but by the name of its encoding,
/// which poppler finds in poppler-data.
std::string japanese_pdf() {
  const std::string line = encode("水車", "SHIFT_JIS");
  std::string hex;
  for (const char c : line) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  const std::string drawing = "BT /F1 24 Tf 72 700 Td <" + hex + "> Tj ET";
  const std::array objects{
      std::string{"<</Type/Catalog/Pages 2 0 R>>"},
      std::string{"<</Type/Pages/Kids[3 0 R]/Count 1>>"},
      std::string{"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources"
                  "<</Font<</F1 5 0 R>>>>>>"},
      "<</Length " + std::to_string(drawing.size()) + ">>\nstream\n" + drawing + "\nendstream",
      std::string{"<</Type/Font/Subtype/Type0/BaseFont/Ryumin-Light/Encoding/90ms-RKSJ-H"
                  "/DescendantFonts[6 0 R]>>"},
      std::string{"<</Type/Font/Subtype/CIDFontType0/BaseFont/Ryumin-Light/CIDSystemInfo"
                  "<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>/FontDescriptor 7 0 R>>"},
      std::string{"<</Type/FontDescriptor/FontName/Ryumin-Light/Flags 4/FontBBox[0 0 1000 1000]"
                  "/ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80>>"}};
  std::string pdf = "%PDF-1.4\n";
  std::vector<std::size_t> offsets;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    offsets.push_back(pdf.size());
    pdf += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const auto table = pdf.size();
  pdf += "xref\n0 " + std::to_string(objects.size() + 1) + "\n0000000000 65535 f \n";
  for (const auto offset : offsets) {
    const auto digits = std::to_string(offset);
    pdf += std::string(10 - digits.size(), '0') + digits + " 00000 n \n";
  }
  return pdf + "trailer\n<</Size " + std::to_string(objects.size() + 1) +
         "/Root 1 0 R>>\nstartxref\n" + std::to_string(table) + "\n%%EOF\n";
}

TEST_F(sandboxed_parsers, find_the_encodings_of_east_asian_pdfs) {
  const auto path = document(japanese_pdf());
  extractor_pool pool{config_};
  EXPECT_EQ(text_of(extract(pool, path)), "水車");
  expect_same({path});
}

TEST_F(sandboxed_parsers, name_a_format_from_libmagics_database) {
  const auto refused = document(content_of("/proc/self/exe").substr(0, 4096));
  extractor_pool pool{config_};
  const auto outcome = extract(pool, refused);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("ELF"), std::string::npos) << outcome.error().message;
}

}  // namespace
}  // namespace millrace::extraction
