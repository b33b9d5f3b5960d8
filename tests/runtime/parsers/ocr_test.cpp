#include "runtime/parsers/ocr.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/raster.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::HasSubstr;

std::string text_of(std::string_view image, const ocr_options& options = {}) {
  auto text = read_image_text(image, options);
  if (text) return *text;
  ADD_FAILURE() << to_string(text.error().code) << ": " << text.error().message;
  return {};
}

/// A page of a PDF as a scanner would see it.
std::string scan(const std::string& sample, std::string_view source) {
  auto image = load_image(read_sample(sample), source, {});
  if (image) return *image;
  ADD_FAILURE() << image.error().message;
  return {};
}

TEST(ocr, a_page_is_read_paragraph_by_paragraph) {
  const auto text = text_of(scan("canal-locks.pdf", "page:1"));
  EXPECT_THAT(text, HasSubstr("Water in a canal stands still and level, but the land does not."));
  EXPECT_THAT(text, HasSubstr("\n\n"));
  EXPECT_EQ(text.find("\n\n\n"), std::string::npos);
}

TEST(ocr, the_same_engine_reads_one_image_after_the_other) {
  const auto page = scan("canal-locks.pdf", "page:2");
  const auto first = text_of(page);
  EXPECT_FALSE(first.empty());
  text_of(read_sample("sign.png"));
  EXPECT_EQ(text_of(page), first);
}

TEST(ocr, pictures_of_several_formats_are_read) {
  EXPECT_THAT(text_of(read_sample("sign.png")), HasSubstr("CLOSED"));
  EXPECT_THAT(text_of(read_sample("sign-turned.jpg")), HasSubstr("CLOSED"));
  EXPECT_THAT(text_of(scan("two-pages.tif", "page:2")), HasSubstr("HERE COMES THE"));
  EXPECT_THAT(text_of(scan("scanned-letter.pdf", "page:1")), HasSubstr("CLOSED"));
}

TEST(ocr, a_picture_without_letters_has_no_text) {
  EXPECT_EQ(text_of(read_sample("picture.png")), "");
  EXPECT_EQ(text_of(scan("scanned-page.pdf", "page:1")), "");
}

TEST(ocr, a_large_image_is_scaled_down) {
  ocr_options options;
  options.max_pixels = 4'000'000;
  EXPECT_THAT(text_of(scan("canal-locks.pdf", "page:1"), options), HasSubstr("Water in a canal"));
}

TEST(ocr, a_language_without_data_names_its_package) {
  ocr_options options;
  options.languages = "eng+chi_sim";
  const auto text = read_image_text(read_sample("sign.png"), options);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ec::invalid_config);
  EXPECT_THAT(text.error().message, HasSubstr("tesseract-ocr-chi-sim"));
  for (const auto* wrong : {"", "eng+", "../eng", "eng deu"}) {
    options.languages = wrong;
    EXPECT_FALSE(read_image_text(read_sample("sign.png"), options)) << wrong;
  }
}

TEST(ocr, what_cannot_be_decoded_is_refused) {
  const auto code = [](std::string_view image) {
    const auto text = read_image_text(image, {});
    return text ? ec::none : text.error().code;
  };
  EXPECT_EQ(code("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"/>"),
            ec::unsupported_format);
  EXPECT_EQ(code(""), ec::malformed_document);
  EXPECT_EQ(code(read_sample("truncated.png")), ec::malformed_document);
}

/// The sandbox of the extractor kills a process that starts threads.
TEST(ocr, no_thread_is_started) {
  text_of(scan("canal-locks.pdf", "page:3"));
  const std::filesystem::directory_iterator tasks{"/proc/self/task"};
  EXPECT_EQ(std::distance(begin(tasks), end(tasks)), 1);
}

}  // namespace
}  // namespace millrace::parsers
