#include "runtime/extraction/loss_record.hpp"

#include <gtest/gtest.h>

namespace millrace::extraction {
namespace {

using namespace std::chrono_literals;

constexpr int two = 2;  // extraction.crash_attempts

TEST(loss_record, what_crashes_on_the_same_page_is_tried_so_often_and_no_more) {
  loss_record r;
  EXPECT_FALSE(r.any());
  EXPECT_TRUE(r.note(loss::crash, {0, 6}, two));
  EXPECT_TRUE(r.any());
  EXPECT_FALSE(r.note(loss::timeout, {6, 6}, two)) << "whatever it does there";
  EXPECT_FALSE(loss_record{}.note(loss::crash, {}, 1));
}

TEST(loss_record, a_document_that_moved_on_is_tried_anew) {
  loss_record r;
  for (std::uint32_t page = 1; page < 20; ++page) {
    EXPECT_TRUE(r.note(loss::crash, {page - 1, page, 2s}, two)) << page;
  }
  EXPECT_FALSE(r.note(loss::crash, {19, 19, 2s}, two));
}

TEST(loss_record, pages_that_the_first_try_did_not_tell_are_no_progress) {
  loss_record r;
  EXPECT_TRUE(r.note(loss::timeout, {0, 0}, two));
  EXPECT_FALSE(r.note(loss::timeout, {0, 6, 10ms}, two)) << "it had read those before";
}

TEST(loss_record, lack_of_memory_is_final_unless_pages_were_finished) {
  EXPECT_FALSE(loss_record{}.note(loss::memory, {40, 40}, two));
  loss_record r;
  EXPECT_TRUE(r.note(loss::memory, {40, 50, 3s}, two));
  EXPECT_TRUE(r.note(loss::memory, {50, 51, 2s}, two));
  EXPECT_FALSE(r.note(loss::memory, {51, 51, 1ms}, two));
}

TEST(loss_record, kills_from_outside_use_up_no_try) {
  loss_record r;
  for (int i = 1; i < loss_record::max_outside_kills; ++i)
    EXPECT_TRUE(r.note(loss::killed, {}, two)) << i;
  EXPECT_TRUE(r.note(loss::crash, {}, two));
  EXPECT_FALSE(r.note(loss::killed, {}, two)) << "but they have an end too";
}

TEST(loss_record, more_memory_says_nothing_about_crashes) {
  loss_record r;
  r.note_escalation({0, 3, 2s});
  EXPECT_TRUE(r.note(loss::crash, {3, 3}, two));
  EXPECT_FALSE(r.note(loss::crash, {3, 3}, two));
}

}  // namespace
}  // namespace millrace::extraction
