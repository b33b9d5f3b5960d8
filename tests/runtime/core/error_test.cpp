#include "runtime/core/error.hpp"

#include <cerrno>
#include <set>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "runtime/core/open_files.hpp"
#include "runtime/core/system_error.hpp"

namespace millrace {
namespace {

TEST(error, every_code_has_a_name_of_its_own_that_leads_back) {
  std::set<std::string_view> names;
  for (auto i = 0; i <= static_cast<int>(ec::node_refused); ++i) {
    const auto code = static_cast<ec>(i);
    EXPECT_TRUE(names.insert(to_string(code)).second) << to_string(code);
    EXPECT_EQ(ec_from_string(to_string(code)), code);
  }
  EXPECT_EQ(ec_from_string("no such code"), ec::none);
}

TEST(error, every_kind_has_codes) {
  std::set<error_kind> kinds;
  for (auto i = 1; i <= static_cast<int>(ec::node_refused); ++i)
    kinds.insert(kind_of(static_cast<ec>(i)));
  EXPECT_EQ(kinds.size(), 5U);
}

TEST(error, what_a_parser_says_about_the_bytes_is_of_the_document) {
  for (const auto code : {ec::encrypted_document, ec::unsupported_format, ec::malformed_document,
                          ec::extraction_crashed, ec::extraction_timeout})
    EXPECT_EQ(kind_of(code), error_kind::document) << to_string(code);
}

TEST(error, what_everybody_shares_passes) {
  for (const auto code :
       {ec::database_unavailable, ec::database_conflict, ec::database_timeout, ec::disk_full,
        ec::pool_exhausted, ec::resource_exhausted, ec::mailbox_full})
    EXPECT_TRUE(passes({code, {}})) << to_string(code);
}

TEST(error, a_dead_actor_or_parser_is_a_loss_and_never_a_bug) {
  EXPECT_EQ(kind_of(ec::actor_lost), error_kind::lost);
  EXPECT_EQ(kind_of(ec::extraction_killed), error_kind::lost);
  EXPECT_EQ(kind_of(ec::internal), error_kind::bug);
}

TEST(system_error, running_out_of_anything_passes_whatever_was_tried) {
  for (const int number : {EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN})
    EXPECT_EQ(system_error(number, "x", ec::source_unreadable).code, ec::resource_exhausted);
  EXPECT_EQ(system_error(ENOSPC, "x").code, ec::disk_full);
  EXPECT_EQ(system_error(EACCES, "x", ec::source_unreadable).code, ec::source_unreadable);
  EXPECT_EQ(system_error(EMFILE, "page.pdf").message,
            "page.pdf: Too many open files; raise the limit of open files (ulimit -n)");
}

TEST(open_files, the_limit_is_raised_to_what_the_system_allows) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(open_files_limit(), 64U);
  raise_open_files_limit();
  EXPECT_EQ(open_files_limit(), before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(open_files, none_left_is_seen) {
  EXPECT_FALSE(descriptors_are_exhausted());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(descriptors_are_exhausted());
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace millrace
