#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/raster.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(image_file, a_picture_is_one_image) {
  const auto bytes = read_sample("sign.png");
  const auto document = parse(bytes);
  ASSERT_EQ(document.elements.size(), 1U);
  const auto& image = document.elements[0].image;
  EXPECT_EQ(image.mime, "image/png");
  EXPECT_EQ(image.width, 960U);
  EXPECT_EQ(image.height, 272U);
  EXPECT_EQ(image.size, bytes.size());
  EXPECT_EQ(load_image(bytes, image.source, {}).value_or(""), bytes);
}

TEST(image_file, a_tiff_has_an_image_a_page) {
  const auto bytes = read_sample("two-pages.tif");
  std::vector<std::uint32_t> progress;
  const auto document =
      parse_document(bytes, {}, [&](const parse_progress& p) { progress.push_back(p.pages); });
  ASSERT_TRUE(document);
  EXPECT_EQ(document->pages, 2U);
  EXPECT_THAT(progress, ElementsAre(1, 2));
  ASSERT_EQ(document->elements.size(), 2U);
  EXPECT_EQ(document->elements[1].page, 2U);
  EXPECT_EQ(document->elements[1].image.source, "page:2");
  EXPECT_NE(document->elements[0].image.sha256, document->elements[1].image.sha256);
  const auto page = load_image(bytes, "page:2", {});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(read_raster_size(*page).width, document->elements[1].image.width);
}

TEST(image_file, a_source_that_it_does_not_have_is_refused) {
  for (const auto* source : {"", "page:", "page:0", "page:3", "page:1x", "page:99999999999", "all"})
    for (const auto* name : {"two-pages.tif", "sign.png"}) {
      const auto image = load_image(read_sample(name), source, {});
      ASSERT_FALSE(image) << source;
      EXPECT_EQ(image.error().code, ec::malformed_document) << source;
    }
}

TEST(image_file, nothing_is_decoded_where_images_are_not_wanted) {
  parse_limits limits;
  limits.images = false;
  for (const auto* name : {"two-pages.tif", "sign.png"}) {
    const auto document = parse_document(read_sample(name), limits, {});
    ASSERT_TRUE(document);
    EXPECT_TRUE(document->elements.empty());
  }
}

TEST(image_file, a_jpeg_that_was_cut_off_is_partly_read) {
  const auto whole = read_sample("sign-turned.jpg");
  EXPECT_EQ(parse(whole).warning.code, ec::none);
  const auto document = parse(std::string_view{whole}.substr(0, whole.size() * 3 / 4));
  EXPECT_EQ(document.elements.size(), 1U);
  EXPECT_EQ(document.warning.code, ec::partly_read);
}

/// The same picture with other dimensions in its header; the checksum is not looked at before.
TEST(image_file, absurd_dimensions_are_refused_before_decoding) {
  auto bytes = read_sample("sign.png");
  bytes.replace(16, 8, std::string("\0\0\xFF\xFF\0\0\xFF\xFF", 8));
  const auto refused = parse_error(bytes);
  EXPECT_EQ(refused.code, ec::limit_exceeded);
  EXPECT_THAT(refused.message, HasSubstr("65535 x 65535"));
  std::string gif = "GIF89a\xFF\xFF\xFF\xFF";
  gif += std::string(64, '\0');
  EXPECT_EQ(parse_error(gif).code, ec::limit_exceeded);
}

TEST(image_file, the_position_of_the_camera_is_undone) {
  const auto bytes = read_sample("sign-turned.jpg");
  const auto decoded = decode_raster(bytes, max_decoded_pixels);
  EXPECT_EQ(read_raster_size(bytes).width, 272U);
  EXPECT_EQ(read_raster_size(encode_pnm(*decoded.pix)).width, 960U);
}

}  // namespace
}  // namespace millrace::parsers
