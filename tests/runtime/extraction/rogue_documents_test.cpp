#include <cerrno>
#include <future>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "runtime/extraction/extractor_process.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"

namespace millrace::extraction {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class rogue_documents : public pool_fixture {};

TEST_F(rogue_documents, a_segmentation_fault_is_named_and_the_next_document_is_served) {
  extractor_pool pool{config_};
  const auto crashed = extract(pool, document("segfault"));
  EXPECT_EQ(code_of(crashed), ec::extraction_crashed);
  EXPECT_THAT(crashed.error().message, HasSubstr(limits_address_space ? "SIGSEGV" : "the parser"));
  EXPECT_EQ(text_of(extract(pool, document("fine"))), "fine");
  EXPECT_EQ(pool.stats().crashes, 2U) << "it is tried twice";
  EXPECT_EQ(pool.stats().processes_started, 3U);
}

TEST_F(rogue_documents, a_silent_exit_is_a_crash_and_not_an_empty_document) {
  extractor_pool pool{config_};
  const auto ended = extract(pool, document("exit 0"));
  EXPECT_EQ(code_of(ended), ec::extraction_crashed);
  EXPECT_THAT(ended.error().message, HasSubstr("exit code 0"));
}

TEST_F(rogue_documents, a_crash_costs_one_of_many_documents) {
  extractor_pool pool{config_};
  std::vector<std::string> paths;
  for (int i = 0; i < 100; ++i)
    paths.push_back(document(i == 17   ? "abort"
                             : i == 41 ? "exit 5"
                                       : "document " + std::to_string(i)));
  const auto outcomes = ask(pool, paths)->wait();
  for (int i = 0; i < 100; ++i) {
    const auto& o = outcomes[static_cast<std::size_t>(i)];
    if (i == 17 || i == 41)
      EXPECT_EQ(code_of(o), ec::extraction_crashed) << i;
    else
      EXPECT_EQ(text_of(o), "document " + std::to_string(i));
  }
  EXPECT_EQ(pool.stats().crashes, 4U);
}

TEST_F(rogue_documents, garbage_on_the_socket_replaces_the_process) {
  extractor_pool pool{config_};
  const auto outcomes =
      ask(pool, {document("garbage"), document("fine"), document("stranger"), document("fine")})
          ->wait();
  EXPECT_EQ(code_of(outcomes[0]), ec::extraction_crashed);
  EXPECT_THAT(outcomes[0].error().message, HasSubstr("nonsense"));
  EXPECT_EQ(text_of(outcomes[1]), "fine");
  EXPECT_EQ(code_of(outcomes[2]), ec::extraction_crashed);
  EXPECT_EQ(text_of(outcomes[3]), "fine");
  EXPECT_EQ(pool.stats().processes_started, 5U);
}

TEST_F(rogue_documents, a_hung_parser_is_killed_and_the_documents_behind_it_are_served) {
  config_.settings.timeout = 400ms;
  extractor_pool pool{config_};
  const auto outcomes = ask(pool, {document("fine"), document("spin"), document("fine")})->wait();
  EXPECT_EQ(text_of(outcomes[0]), "fine");
  EXPECT_EQ(code_of(outcomes[1]), ec::extraction_timeout);
  EXPECT_EQ(text_of(outcomes[2]), "fine");
  EXPECT_EQ(pool.stats().kills_timeout, 2U);
}

TEST_F(rogue_documents, finished_pages_extend_the_time_out) {
  config_.settings.timeout = 1s;
  extractor_pool pool{config_};
  const auto slow = document("pages 10");  // 200 ms each: twice the time-out in all
  const auto read = extract(pool, slow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->elements.size(), 10U);
  EXPECT_EQ(pool.stats().kills_timeout, 0U);
}

TEST_F(rogue_documents, a_page_that_is_repeated_does_not_extend_the_time_out) {
  config_.settings.timeout = 400ms;
  config_.settings.crash_attempts = 1;  // it says the first document's number
  extractor_pool pool{config_};
  EXPECT_EQ(code_of(extract(pool, document("repeat"))), ec::extraction_timeout);
}

TEST_F(rogue_documents, documents_behind_a_slow_one_move_to_an_idle_worker) {
  config_.settings.processes = 2;
  extractor_pool pool{config_};
  // Both workers take a half; what waits behind the slow one is answered while that still works.
  std::vector<std::string> paths{document("sleep 20000")};
  for (int i = 0; i < 8; ++i) paths.push_back(document("fine"));
  const auto slow = ask(pool, {paths.begin(), paths.begin() + 1});
  const auto others = ask(pool, {paths.begin() + 1, paths.end()});
  for (const auto& o : others->wait()) EXPECT_EQ(text_of(o), "fine");
  EXPECT_EQ(pool.stats().busy, 1);
}

TEST_F(rogue_documents, more_memory_is_given_once_and_then_enough) {
  extractor_pool pool{config_};
  const auto outcomes =
      ask(pool, {document("fine"), document("eat 560"), document("fine")})->wait();
  for (const auto& o : outcomes) EXPECT_TRUE(o) << o.error().message;
  EXPECT_EQ(pool.stats().kills_memory, 1U);
  EXPECT_EQ(pool.stats().crashes, 0U);
}

TEST_F(rogue_documents, a_document_that_needs_too_much_memory_ends_after_every_tier) {
  extractor_pool pool{config_};
  const auto outcomes = ask(pool, {document("eat 20000"), document("fine")})->wait();
  EXPECT_EQ(code_of(outcomes[0]), ec::extraction_memory);
  EXPECT_THAT(outcomes[0].error().message, HasSubstr("memory_large"));
  EXPECT_EQ(text_of(outcomes[1]), "fine");
  EXPECT_EQ(pool.stats().kills_memory, 3U);
}

TEST_F(rogue_documents, a_failed_allocation_cannot_be_hidden_by_a_library) {
  if (!limits_address_space)
    GTEST_SKIP() << "allocations do not fail where only resident memory is watched";
  extractor_pool pool{config_};
  for (const auto* order : {"allocate 20000", "map 20000"})
    EXPECT_EQ(code_of(extract(pool, document(order))), ec::extraction_memory) << order;
  EXPECT_EQ(text_of(extract(pool, document("allocate 600"))), "allocate 600");
  EXPECT_EQ(pool.stats().kills_memory, 3U + 3U + 1U);
}

TEST_F(rogue_documents, tiers_above_the_budget_are_not_tried) {
  config_.settings.memory_budget = "512MiB";
  extractor_pool pool{config_};
  EXPECT_EQ(code_of(extract(pool, document("eat 20000"))), ec::extraction_memory);
  EXPECT_EQ(pool.stats().kills_memory, 1U);
}

TEST_F(rogue_documents, an_exception_is_a_failure_and_the_process_lives) {
  extractor_pool pool{config_};
  const auto thrown = extract(pool, document("throw"));
  EXPECT_EQ(code_of(thrown), ec::extraction_crashed);
  EXPECT_THAT(thrown.error().message, HasSubstr("thrown on purpose"));
  EXPECT_EQ(text_of(extract(pool, document("fine"))), "fine");
  EXPECT_EQ(pool.stats().processes_started, 1U);
}

TEST_F(rogue_documents, an_orphan_that_holds_the_socket_ends_with_its_group) {
  config_.settings.timeout = 500ms;
  extractor_pool pool{config_};
  EXPECT_NE(code_of(extract(pool, document("orphan"))), ec::none);
  EXPECT_EQ(text_of(extract(pool, document("fine"))), "fine");
}

TEST_F(rogue_documents, a_process_that_hangs_up_and_goes_on_is_killed) {
  extractor_pool pool{config_};
  EXPECT_EQ(code_of(extract(pool, document("hang_up"))), ec::extraction_crashed);
  EXPECT_EQ(text_of(extract(pool, document("fine"))), "fine");
}

TEST_F(rogue_documents, fifty_crashes_leak_no_descriptor_and_no_zombie) {
  const auto before = open_descriptors();
  {
    extractor_pool pool{config_};
    std::vector<std::string> paths;
    for (int i = 0; i < 1000; ++i) paths.push_back(document(i % 20 == 7 ? "exit 1" : "fine"));
    std::size_t failed = 0;
    for (const auto& o : ask(pool, paths)->wait()) failed += o ? 0 : 1;
    EXPECT_EQ(failed, 50U);
    EXPECT_EQ(pool.stats().documents, 1000U);
    EXPECT_EQ(pool.stats().crashes, 100U);
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);  // neither running nor dead
}

TEST_F(rogue_documents, an_extractor_that_cannot_start_answers_what_waits) {
  for (const auto* name : {"dies_at_once", "of_another_version", "not_there"}) {
    config_.executable = directory_ / name;
    if (config_.executable.filename() != "not_there")
      std::filesystem::create_symlink(ROGUE_EXTRACTOR, config_.executable);
    extractor_pool pool{config_};
    const auto refused = extract(pool, document("fine"));
    EXPECT_EQ(code_of(refused), ec::extractor_missing) << name;
    EXPECT_THAT(refused.error().message, HasSubstr(name));
  }
}

TEST_F(rogue_documents, a_process_that_dies_without_a_document_costs_none) {
  config_.executable = directory_ / "dies_once";
  std::filesystem::create_symlink(ROGUE_EXTRACTOR, config_.executable);
  extractor_pool pool{config_};
  siginfo_t dead{};  // seen as a zombie first, because the pool looks only when it has a document
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (dead.si_pid == 0 && std::chrono::steady_clock::now() < deadline)
    ::waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT);
  ASSERT_NE(dead.si_pid, 0);
  EXPECT_EQ(text_of(extract(pool, document("fine"))), "fine");
  EXPECT_EQ(pool.stats().crashes, 0U);
  EXPECT_EQ(pool.stats().processes_started, 2U);
}

TEST_F(rogue_documents, what_waits_or_is_in_work_is_answered_when_the_pool_ends) {
  std::shared_ptr<answers> collected;
  {
    extractor_pool pool{config_};
    collected = ask(pool, {document("sleep 60000"), document("fine"), document("spin")});
  }
  for (const auto& o : collected->wait()) EXPECT_EQ(code_of(o), ec::draining);
}

TEST_F(rogue_documents, a_process_sees_no_environment_and_no_descriptors_but_its_own) {
  ::setenv("MILLRACE_TEST_SECRET", "hidden", 1);
  extractor_pool pool{config_};
  const auto text = text_of(extract(pool, document("describe")));
  EXPECT_EQ(text,
            "descriptor 0\ndescriptor 1\ndescriptor 2\ndescriptor 3\ncore limit 0\ncpu limit set\n"
            "no new privileges 1\nown group 1\n");
}

}  // namespace
}  // namespace millrace::extraction
