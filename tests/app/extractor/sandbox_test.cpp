#include "app/extractor/sandbox.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/extractor/landlock.hpp"
#include "app/extractor/readable_paths.hpp"
#include "runtime/extraction/extractor_process.hpp"
#include "tests/runtime/extraction/pool_fixture.hpp"

namespace millrace::extraction {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

/// Tries through the node's own pool, in the sandbox that the real extractor enters.
class sandbox : public pool_fixture {
 protected:
  void SetUp() override {
    if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  }

  /// A file that the user of this test can read and write.
  std::string file(const std::string& name, const std::string& text = "secret") const {
    const auto path = directory_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
    std::filesystem::permissions(directory_, std::filesystem::perms::all);
    std::filesystem::permissions(path, std::filesystem::perms::all);
    return path.string();
  }
  std::string try_inside(const std::string& order) {
    extractor_pool pool{config_};
    return answer_of(extract(pool, document("attempt " + order)));
  }
  /// The same attempt by the same program, whose name tells it to behave differently.
  std::string try_as(const std::string& name, const std::string& order) {
    auto config = config_;
    config.executable = directory_ / name;
    std::error_code exists;
    std::filesystem::create_symlink(ROGUE_EXTRACTOR, config.executable, exists);
    extractor_pool pool{config};
    return answer_of(extract(pool, document("attempt " + order)));
  }
  std::string try_outside(const std::string& order) { return try_as("outside", order); }
  static std::string answer_of(const outcome& o) { return o ? text_of(o) : o.error().message; }

  /// What is refused inside and would have worked outside.
  void expect_refused(const std::string& order, bool works_outside = true) {
    EXPECT_THAT(try_inside(order), AnyOf("EPERM", "EACCES")) << order;
    if (works_outside) {
      EXPECT_EQ(try_outside(order), "done") << order;
    }
  }
};

TEST_F(sandbox, no_socket_can_be_opened) {
  for (const auto* order : {"socket", "netlink", "socketpair", "connect /run/postgresql/.s.PGSQL"})
    expect_refused(order);
}

TEST_F(sandbox, files_of_the_same_user_cannot_be_read) {
  for (const auto* name : {"home/.ssh/id_rsa", "data/base/1/1259", "millrace.toml"})
    expect_refused("read " + file(name));
  expect_refused("list " + directory_.string());
  expect_refused("read /etc/passwd");
  expect_refused("list /");
  if (limits_address_space) expect_refused("list /proc");  // sanitizers look there
}

TEST_F(sandbox, the_nodes_environment_and_memory_cannot_be_read) {
  expect_refused("environment");
  expect_refused("memory");
  expect_refused("pidfd");
}

TEST_F(sandbox, nothing_can_be_written) {
  const auto there = file("home/letter", "kept");
  expect_refused("write " + directory_.string() + "/new");
  expect_refused("write /tmp/millrace-sandbox-test");
  std::filesystem::remove("/tmp/millrace-sandbox-test");
  for (const auto* what : {"write", "touch", "chmod", "link", "folder"})
    expect_refused(what + (" " + there));
  expect_refused("truncate " + file("home/truncated"));
  expect_refused("rename " + file("home/renamed"));
  expect_refused("remove " + file("home/removed"));
}

TEST_F(sandbox, a_home_stays_as_it_was) {
  const auto letter = file("home/letter", "kept");
  for (const auto* what : {"write", "truncate", "remove", "rename", "link", "folder"})
    (void)try_inside(what + (" " + letter));
  std::ostringstream text;
  text << std::ifstream{letter}.rdbuf();
  EXPECT_EQ(text.str(), "kept");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{directory_ / "home"}, {}), 1);
}

TEST_F(sandbox, no_process_no_thread_and_no_program_can_be_started) {
  if (!limits_address_space) GTEST_SKIP() << "sanitizers start threads of their own";
  for (const auto* order : {"fork", "clone", "thread"}) expect_refused(order);
  expect_refused("exec", false);
  EXPECT_THAT(try_outside("exec"), HasSubstr("exit code"));  // another program took its place
}

TEST_F(sandbox, others_cannot_be_signalled_or_traced) {
  if (!limits_address_space) GTEST_SKIP() << "the leak sanitizer traces and signals";
  for (const auto* order : {"signal", "signal_all", "trace", "dumpable"}) expect_refused(order);
}

TEST_F(sandbox, limits_groups_and_sessions_stay_as_the_node_set_them) {
  expect_refused("raise");
  expect_refused("group", false);
  expect_refused("session", false);
}

TEST_F(sandbox, the_kernels_larger_doors_are_shut) {
  // Outside some of them need root, or another kernel.
  for (const auto* order :
       {"mount", "namespace", "bpf", "io_uring", "userfaultfd", "keyring", "memfd"})
    expect_refused(order, false);
  EXPECT_EQ(try_outside("memfd"), "done");
  if (limits_address_space) expect_refused("executable");
}

TEST_F(sandbox, ten_thousand_descriptors_cost_the_process_and_leave_none) {
  const auto before = open_descriptors();
  {
    extractor_pool pool{config_};
    EXPECT_EQ(code_of(extract(pool, document("attempt descriptors"))), ec::extraction_crashed);
    EXPECT_EQ(text_of(extract(pool, document("fine"))), "fine");
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(sandbox, a_kernel_without_landlock_is_refused_and_the_way_on_is_named) {
  const auto said = try_as("without_landlock", "socket");
  EXPECT_THAT(said, HasSubstr("Landlock"));
  EXPECT_THAT(said, HasSubstr("extraction.sandbox"));
}

TEST_F(sandbox, best_effort_without_landlock_keeps_all_but_reading) {
  for (const auto* order : {"socket", "write /tmp/millrace-sandbox-test", "exec"})
    EXPECT_EQ(try_as("best_effort", order), "EPERM") << order;
  EXPECT_EQ(try_as("best_effort", "read /etc/passwd"), "done");
  extraction_settings s;
  EXPECT_TRUE(sandbox_arguments(s).empty());
  s.sandbox = "best_effort";
  EXPECT_EQ(sandbox_arguments(s), std::vector<std::string>{"--without-landlock"});
}

TEST_F(sandbox, what_libraries_need_can_be_read) {
  for (const auto& listed : paths_of_parsers())
    for (const auto& path : expand(listed)) {
      if (::access(path.c_str(), R_OK) != 0 || path.starts_with("/proc")) continue;
      const auto* order = std::filesystem::is_directory(path) ? "list " : "read ";
      EXPECT_EQ(try_inside(order + path), "done") << listed.reason;
    }
}

TEST_F(sandbox, root_is_given_up_and_the_node_still_limits_and_kills) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has something to give up";
  auto started = extractor_process::start(REAL_EXTRACTOR, -1);
  ASSERT_TRUE(started) << started.error().message;
  std::ifstream status{"/proc/" + std::to_string((*started)->pid()) + "/status"};
  std::string text{std::istreambuf_iterator<char>{status}, {}};
  EXPECT_THAT(text, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(text, HasSubstr("Seccomp:\t2"));
  (*started)->limit_address_space(512ULL << 20);
  rlimit set{};
  ASSERT_EQ(::prlimit((*started)->pid(), RLIMIT_AS, nullptr, &set), 0);
  if (limits_address_space) {
    EXPECT_EQ(set.rlim_cur, 512ULL << 20);
  }
  EXPECT_GT((*started)->resident(), 0U);
  EXPECT_TRUE((*started)->end(std::chrono::milliseconds{0}).killed_here);
}

}  // namespace
}  // namespace millrace::extraction
