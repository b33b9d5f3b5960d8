// Documents that are read in parts: pages that are finished before the rest, pages that are known
// already, and single images.
#include <future>
#include <thread>

#include "runtime/core/sha256.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"

namespace millrace::extraction {
namespace {

class extractor_pages : public pool_fixture {
 protected:
  static outcome ask_for(extractor_pool& pool, extraction_request request) {
    std::promise<outcome> answer;
    pool.extract(std::move(request), [&](outcome o) { answer.set_value(std::move(o)); });
    return answer.get_future().get();
  }
};

TEST_F(extractor_pages, that_were_finished_survive_the_process) {
  extractor_pool pool{config_};
  const std::string text = "die_behind_pages 3";
  std::vector<finished_pages> finished;
  extraction_request request{document(text)};
  request.progress = std::make_shared<extraction_progress>();
  request.pages_finished = [&](finished_pages p) { finished.push_back(std::move(p)); };
  const auto progress = request.progress;
  const auto rest = ask_for(pool, std::move(request));
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->warning.code, ec::partly_read);
  EXPECT_EQ(rest->elements.size(), 3U);
  ASSERT_EQ(finished.size(), 1U) << "once, however often it is tried";
  EXPECT_EQ(finished[0].sha256, sha256_hex(text));
  EXPECT_EQ(finished[0].first, 0U);
  EXPECT_EQ(finished[0].end, 3U);
  ASSERT_EQ(finished[0].elements.size(), 3U);
  EXPECT_EQ(finished[0].elements[2].text, "page 3");
  EXPECT_EQ(progress->pages, 3U);
  EXPECT_EQ(progress->running, 0);
}

TEST_F(extractor_pages, of_several_requests_are_told_with_those_that_wait) {
  const auto progress = std::make_shared<extraction_progress>();
  const auto asked = std::make_shared<answers>(3);
  {
    extractor_pool pool{config_};
    for (std::size_t i = 0; i < 3; ++i) {
      extraction_request request{document("spin")};
      request.progress = progress;
      request.image_source = i == 0 ? "" : "behind it";  // alone, so that it waits in the queue
      pool.extract(std::move(request), [asked, i](outcome o) { asked->set(i, std::move(o)); });
    }
    EXPECT_EQ(progress->held, 3);
    while (progress->running == 0) std::this_thread::yield();
    EXPECT_EQ(progress->held, 3);
    EXPECT_EQ(progress->running, 1);
  }
  for (const auto& outcome : asked->wait()) EXPECT_EQ(code_of(outcome), ec::draining);
  EXPECT_EQ(progress->held, 0);
}

TEST_F(extractor_pages, that_are_known_are_not_read_again) {
  extractor_pool pool{config_};
  std::vector<finished_pages> finished;
  extraction_request request{document("die_behind_pages 4")};
  request.known_pages = 2;
  request.pages_finished = [&](finished_pages p) { finished.push_back(std::move(p)); };
  ask_for(pool, std::move(request));
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].first, 2U);
  EXPECT_EQ(finished[0].end, 4U);
  EXPECT_EQ(finished[0].elements.size(), 2U);

  extraction_request again{document("pages 4")};
  again.known_pages = 3;
  const auto rest = ask_for(pool, std::move(again));
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->skipped_pages, 3U);
  EXPECT_EQ(text_of(rest), "page 4");
}

TEST_F(extractor_pages, a_document_that_is_read_at_once_hands_nothing_over_before) {
  extractor_pool pool{config_};
  extraction_request request{document("pages 2")};
  request.pages_finished = [](const finished_pages&) { ADD_FAILURE(); };
  const auto whole = ask_for(pool, std::move(request));
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->elements.size(), 2U);
}

TEST_F(extractor_pages, an_image_is_read_by_its_source) {
  config_.images.languages = "eng+deu";
  extractor_pool pool{config_};
  extraction_request request{document("a document with an image")};
  request.image_source = "part:lock.png";
  EXPECT_EQ(text_of(ask_for(pool, request)), "text of part:lock.png in eng+deu");
  request.image_source = "broken";
  EXPECT_EQ(code_of(ask_for(pool, request)), ec::malformed_document);
  request.image_source = "segfault";
  EXPECT_EQ(code_of(ask_for(pool, request)), ec::extraction_crashed);
  request.image_source = {};
  EXPECT_EQ(text_of(ask_for(pool, request)), "a document with an image");
}

TEST_F(extractor_pages, an_image_is_not_read_out_of_another_version_of_its_file) {
  extractor_pool pool{config_};
  const auto path = document("a document with an image");
  const auto read = extract(pool, path);
  ASSERT_TRUE(read) << read.error().message;
  extraction_request request{path};
  request.image_source = "part:lock.png";
  request.version = read->version;
  EXPECT_EQ(text_of(ask_for(pool, request)), "text of part:lock.png in eng");
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::microseconds{1});
  EXPECT_EQ(code_of(ask_for(pool, request)), ec::source_changed);
  request.version->changed += 1'000;
  EXPECT_EQ(text_of(ask_for(pool, request)), "text of part:lock.png in eng");
  std::ofstream{path, std::ios::app} << "!";
  EXPECT_EQ(code_of(ask_for(pool, request)), ec::source_changed);
}

TEST_F(extractor_pages, images_are_looked_for_as_configured) {
  {
    extractor_pool pool{config_};
    EXPECT_EQ(text_of(extract(pool, document("images"))), "looked for");
  }
  config_.images.enabled = false;
  extractor_pool pool{config_};
  EXPECT_EQ(text_of(extract(pool, document("images"))), "not looked for");
}

TEST_F(extractor_pages, a_redirect_to_nobody_costs_its_document) {
  extractor_pool pool{config_};
  EXPECT_EQ(code_of(extract(pool, document("redirect 1"))), ec::extraction_crashed);
  EXPECT_EQ(text_of(extract(pool, document("fine"))), "fine");
}

}  // namespace
}  // namespace millrace::extraction
