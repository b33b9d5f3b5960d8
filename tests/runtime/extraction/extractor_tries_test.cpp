// What a document that kills its process, or on which a process does not move, costs and keeps.
#include <future>

#include <gmock/gmock.h>

#include "runtime/core/sha256.hpp"
#include "runtime/extraction/extractor_process.hpp"
#include "runtime/extraction/loss_record.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"

namespace millrace::extraction {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class extractor_tries : public pool_fixture {
 protected:
  static outcome ask_for(extractor_pool& pool, extraction_request request) {
    std::promise<outcome> answer;
    pool.extract(std::move(request), [&](outcome o) { answer.set_value(std::move(o)); });
    return answer.get_future().get();
  }
  /// A process of this one may leave signs behind.
  void stay_outside_of_the_sandbox() {
    config_.executable = directory_ / "outside";
    std::filesystem::create_symlink(ROGUE_EXTRACTOR, config_.executable);
  }
};

TEST_F(extractor_tries, a_crash_that_does_not_come_again_costs_nothing) {
  stay_outside_of_the_sandbox();
  extractor_pool pool{config_};
  EXPECT_EQ(text_of(extract(pool, document("segfault_once"))), "segfault_once");
  EXPECT_EQ(pool.stats().crashes, 1U);
}

TEST_F(extractor_tries, a_process_that_is_killed_from_outside_is_nobodys_fault) {
  config_.settings.crash_attempts = 1;
  stay_outside_of_the_sandbox();
  extractor_pool pool{config_};
  EXPECT_EQ(text_of(extract(pool, document("kill_once"))), "kill_once");
}

TEST_F(extractor_tries, that_are_all_killed_from_outside_blame_no_document_and_end_none) {
  for (const auto* how : {"kill_behind_pages 3", "terminate_behind_pages 3"}) {
    SCOPED_TRACE(how);
    extractor_pool pool{config_};
    std::vector<finished_pages> finished;
    extraction_request request{document(how)};
    request.pages_finished = [&](finished_pages p) { finished.push_back(std::move(p)); };
    const auto killed = ask_for(pool, std::move(request));
    ASSERT_FALSE(killed) << "its pages are no answer: it is tried again";
    EXPECT_EQ(killed.error().code, ec::extraction_killed);
    EXPECT_EQ(kind_of(killed.error().code), error_kind::lost);
    EXPECT_THAT(killed.error().message, HasSubstr("killed from outside 5 times"));
    EXPECT_THAT(killed.error().message, HasSubstr("on page or part 4"));
    EXPECT_THAT(killed.error().message, HasSubstr("out of memory"));
    EXPECT_EQ(pool.stats().crashes, static_cast<std::uint64_t>(loss_record::max_outside_kills));
    ASSERT_EQ(finished.size(), 1U) << "but they are kept for its next attempt";
    EXPECT_EQ(finished[0].end, 3U);
  }
}

TEST_F(extractor_tries, are_as_many_as_configured) {
  for (const int attempts : {1, 4}) {
    config_.settings.crash_attempts = attempts;
    extractor_pool pool{config_};
    const auto crashed = extract(pool, document("abort"));
    EXPECT_EQ(code_of(crashed), ec::extraction_crashed);
    EXPECT_THAT(crashed.error().message, HasSubstr("before a page or part of it was finished"));
    EXPECT_EQ(pool.stats().crashes, static_cast<std::uint64_t>(attempts));
    EXPECT_EQ(pool.stats().documents, 1U);
  }
}

TEST_F(extractor_tries, of_a_page_that_hangs_leave_the_pages_before_it) {
  config_.settings.timeout = 500ms;
  extractor_pool pool{config_};
  const std::string text = "hang_behind_pages 6";
  std::vector<finished_pages> finished;
  extraction_request request{document(text)};
  request.pages_finished = [&](finished_pages p) { finished.push_back(std::move(p)); };
  const auto rest = ask_for(pool, std::move(request));
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(pool.stats().kills_timeout, 2U);
  EXPECT_EQ(rest->warning.code, ec::partly_read);
  EXPECT_THAT(rest->warning.message, HasSubstr("on page or part 7"));
  EXPECT_THAT(rest->warning.message, HasSubstr("extraction.timeout"));
  EXPECT_EQ(rest->mime, "test/pages");
  EXPECT_EQ(rest->title, "A title");
  EXPECT_EQ(rest->pages, 9U);
  EXPECT_EQ(rest->skipped_pages, 0U);
  EXPECT_EQ(rest->sha256, sha256_hex(text));
  EXPECT_EQ(rest->size, text.size());
  EXPECT_EQ(rest->version.size, text.size());
  ASSERT_EQ(rest->elements.size(), 6U) << "pages that were too quick to be told at first, too";
  for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(rest->elements[i].page, i + 1);
  std::uint32_t handed = 0;
  for (const auto& piece : finished) {
    EXPECT_EQ(piece.first, handed) << "each page once";
    handed = piece.end;
  }
  EXPECT_EQ(handed, 6U);
}

TEST_F(extractor_tries, of_a_document_that_was_begun_before_keep_what_was_read_then) {
  config_.settings.timeout = 500ms;
  extractor_pool pool{config_};
  extraction_request request{document("hang_behind_pages 6")};
  request.known_pages = 4;
  const auto rest = ask_for(pool, std::move(request));
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->warning.code, ec::partly_read);
  EXPECT_EQ(rest->skipped_pages, 4U);
  ASSERT_EQ(rest->elements.size(), 2U);
  EXPECT_EQ(rest->elements[0].page, 5U);
}

TEST_F(extractor_tries, of_a_page_without_an_end_cost_its_time_out_and_no_more_cpu_time) {
  config_.settings.timeout = 1s;
  extractor_pool pool{config_};
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(extract(pool, document("spin"))), ec::extraction_timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
  EXPECT_EQ(pool.stats().kills_timeout, 2U);
}

TEST_F(extractor_tries, a_document_without_pages_has_time_as_long_as_it_is_worked_through) {
  config_.settings.timeout = 1s;
  extractor_pool pool{config_};
  EXPECT_EQ(text_of(extract(pool, document("work 3000"))), "worked");
  EXPECT_EQ(pool.stats().kills_timeout, 0U);
}

TEST_F(extractor_tries, a_document_that_does_not_move_or_crawls_is_stopped) {
  config_.settings.timeout = 500ms;
  config_.settings.crash_attempts = 1;
  extractor_pool pool{config_};
  for (const auto* order : {"idle 60000", "crawl 60000"}) {
    const auto stopped = extract(pool, document(order));
    EXPECT_EQ(code_of(stopped), ec::extraction_timeout) << order;
  }
  EXPECT_EQ(pool.stats().kills_timeout, 2U);
}

TEST_F(extractor_tries, of_one_document_do_not_cost_those_that_came_with_it) {
  extractor_pool pool{config_};
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) paths.push_back(document(i == 5 ? "abort" : "fine"));
  const auto outcomes = ask(pool, paths)->wait();
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    EXPECT_EQ(code_of(outcomes[i]), i == 5 ? ec::extraction_crashed : ec::none) << i;
  EXPECT_EQ(pool.stats().crashes, 2U);
  EXPECT_EQ(pool.stats().processes_started, 3U);
}

}  // namespace
}  // namespace millrace::extraction
