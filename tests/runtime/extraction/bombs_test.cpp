// PDF documents of which one page never ends, through the real extractor: each costs its processes
// the time of a page, and the pages before it are kept.
#include <algorithm>
#include <future>

#include <gmock/gmock.h>

#include "runtime/extraction/extractor_process.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"
#include "tests/support/pdf_bombs.hpp"

namespace millrace::extraction {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class bombs : public pool_fixture {
 protected:
  /// Far more than a sound page takes.
  static constexpr std::chrono::seconds page_time{limits_address_space ? 2 : 20};

  bombs() {
    config_.executable = REAL_EXTRACTOR;
    config_.settings.timeout = page_time;
  }

  /// It ends with the two pages before the bomb, in time, within its memory, and leaves nothing.
  void expect_pages_before_are_kept(const std::string& pdf) {
    EXPECT_LT(pdf.size(), 200U << 10);
    extractor_pool pool{config_};
    const auto begin = std::chrono::steady_clock::now();
    const auto read = extract(pool, document(pdf));
    const auto took = std::chrono::steady_clock::now() - begin;
    std::cout << pdf.size() << " bytes took " << std::chrono::duration<double>(took).count()
              << " s\n";
    EXPECT_LT(took, 10 * config_.settings.crash_attempts * page_time);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->warning.code, ec::partly_read);
    EXPECT_THAT(read->warning.message, HasSubstr("on page or part 3"));
    EXPECT_EQ(read->mime, "application/pdf");
    EXPECT_EQ(read->pages, 5U);
    ASSERT_EQ(read->elements.size(), 2U);
    EXPECT_EQ(read->elements[1].text, "page 2 of a sound document");
    EXPECT_GE(pool.stats().kills_timeout + pool.stats().kills_memory, 2U);
    EXPECT_EQ(text_of(extract(pool, document("sound"))), "sound");
  }
};

TEST_F(bombs, of_forms_that_draw_each_other) {
  expect_pages_before_are_kept(make_form_bomb({}));
}

TEST_F(bombs, of_a_content_stream_that_unpacks_to_gigabytes) {
  expect_pages_before_are_kept(make_flate_bomb({}));
}

TEST_F(bombs, of_a_fonts_map_to_unicode) {
  expect_pages_before_are_kept(make_font_bomb({}));
}

/// Its pages are sound; only reading the text of the image meets it.
TEST_F(bombs, of_an_image_coded_by_jbig2) {
  extractor_pool pool{config_};
  const auto path = document(make_jbig2_bomb({}));
  const auto read = extract(pool, path);
  ASSERT_TRUE(read) << read.error().message;
  const auto image = std::find_if(read->elements.begin(), read->elements.end(),
                                  [](const auto& e) { return e.kind == element_kind::image; });
  ASSERT_NE(image, read->elements.end());
  extraction_request request{path};
  request.image_source = image->image.source;
  std::promise<outcome> answer;
  const auto begin = std::chrono::steady_clock::now();
  pool.extract(std::move(request), [&](outcome o) { answer.set_value(std::move(o)); });
  const auto text = answer.get_future().get();
  const auto took = std::chrono::steady_clock::now() - begin;
  std::cout << "the image took " << std::chrono::duration<double>(took).count()
            << " s: " << (text ? "read" : text.error().message) << "\n";
  EXPECT_LT(took, 10 * config_.settings.crash_attempts * page_time);
  EXPECT_FALSE(text && !text->elements.empty()) << "it has no text";
  EXPECT_EQ(text_of(extract(pool, document("sound"))), "sound");
}

}  // namespace
}  // namespace millrace::extraction
