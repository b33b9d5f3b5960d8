#include "runtime/threads/runtime_thread.hpp"

#include <atomic>
#include <new>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <pthread.h>

#include "runtime/threads/guarded.hpp"

namespace millrace {
namespace {

TEST(runtime_thread, has_the_name_that_it_was_given) {
  std::string name;
  {
    const runtime_thread t{"a name of more than fifteen bytes", [&] {
                             char shown[16] = {};
                             pthread_getname_np(pthread_self(), shown, sizeof shown);
                             name = shown;
                           }};
  }
  EXPECT_EQ(name, "a name of more ");
}

TEST(runtime_thread, an_exception_outside_of_jobs_ends_it_and_is_told) {
  std::string told;
  const thread_failures failures{[&](const std::string& why) { told = why; }};
  {
    const runtime_thread t{"writer", [] { throw std::runtime_error{"the lock is broken"}; }};
  }
  EXPECT_NE(told.find("`writer`"), std::string::npos) << told;
  EXPECT_NE(told.find("the lock is broken"), std::string::npos) << told;
}

TEST(runtime_thread, failures_are_told_to_those_that_live) {
  int told = 0;
  {
    const thread_failures gone{[&](const std::string&) { ++told; }};
  }
  const thread_failures throws{[](const std::string&) { throw 1; }};
  const thread_failures lives{[&](const std::string&) { ++told; }};
  {
    const runtime_thread t{"writer", [] { throw 1; }};
  }
  EXPECT_EQ(told, 1);
}

TEST(guarded, is_what_the_work_returns_or_its_exception_as_an_error) {
  EXPECT_EQ(guarded("sum", [] { return 2; }), 2);
  EXPECT_TRUE(guarded("nothing", [] {}));
  EXPECT_EQ(
      guarded("refusal", []() -> result<int> { return fail(ec::timeout, "late"); }).error().code,
      ec::timeout);
  const auto memory = guarded("sum", []() -> int { throw std::bad_alloc{}; });
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, ec::internal);
  EXPECT_NE(memory.error().message.find("bad_alloc"), std::string::npos);
  const auto unknown = guarded("sum", []() -> int { throw 1; });
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("unknown"), std::string::npos);
}

}  // namespace
}  // namespace millrace
