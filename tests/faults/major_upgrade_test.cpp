// A data directory of one major version of PostgreSQL on a machine with others. The programs of a
// version are hidden from a command by a mount over their folder that only it sees, so these tests
// need root, and, but for the first, the programs of two major versions.
//
//   MILLRACE_SEED  of the instants of kills; default 1, printed on failure
#include <algorithm>
#include <csignal>
#include <random>

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/faults/fault_bed.hpp"
#include "tests/faults/leftovers.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::uint64_t kills = 6;
const fs::path all_programs = "/usr/lib/postgresql";

/// The major versions that are installed, the oldest first.
std::vector<int> installed() {
  std::vector<int> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{all_programs, none})
    if (fs::exists(entry.path() / "bin/postgres", none))
      found.push_back(std::stoi(entry.path().filename()));
  std::ranges::sort(found);
  return found;
}

class major_upgrade : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can hide the programs of a version";
  }
  bool has_two_versions() const { return versions.size() > 1; }
  std::string why_not() const {
    return "needs the programs of two major versions of PostgreSQL (such as the packages "
           "postgresql-15 and postgresql-17); installed are those of " +
           std::to_string(versions.size());
  }
  int older() const { return versions.front(); }
  int newer() const { return versions.back(); }

  /// Words before a command that does not see these versions.
  static std::vector<std::string> without(const std::vector<int>& hidden) {
    std::string mounts;
    for (const auto v : hidden)
      mounts += "mount -t tmpfs none " + (all_programs / std::to_string(v)).string() + " && ";
    return {"/usr/bin/unshare", "--mount", "/bin/sh", "-c", mounts + "exec \"$@\"", "sh"};
  }
  std::unique_ptr<program> start_without(const std::vector<int>& hidden,
                                         std::vector<std::string> words) const {
    auto all = without(hidden);
    all.push_back(millrace_binary());
    all.insert(all.end(), words.begin(), words.end());
    return w.start_program(all);
  }
  outcome run_without(const std::vector<int>& hidden, std::vector<std::string> words) const {
    return start_without(hidden, std::move(words))->wait();
  }
  void make_with_the_older() const {
    w.add_documents(30);
    std::vector<int> others = versions;
    std::erase(others, older());
    const auto made = run_without(others, {"run", w.documents(), "--dataset", "d"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    ASSERT_EQ(version(), older());
  }
  int version() const { return std::stoi(read_text(w.data() / "postgres/PG_VERSION")); }
  /// All that a user sees of the dataset.
  std::string contents() const {
    return w.run({"export", "d"}).out + w.run({"documents", "d", "--json"}).out +
           w.run({"credits", "history", "--json"}).out;
  }
  void expect_upgraded(const std::string& before) const {
    EXPECT_EQ(version(), newer());
    EXPECT_EQ(contents(), before);
    EXPECT_FALSE(fs::exists(w.data() / "postgres.upgrade"));
    const auto again = w.run({"run", w.documents(), "--dataset", "d"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_TRUE(eventually([&] { return processes_in(w.data()).empty(); }));
  }

  const std::vector<int> versions = installed();
  workspace w;
};

TEST_F(major_upgrade, data_of_a_version_that_is_missing_are_refused_with_both_ways_out) {
  ASSERT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  const auto file = w.data() / "postgres/PG_VERSION";
  write_text(file, "14\n");  // which no supported release of Debian has
  const auto older_one = w.run({"db", "status"});
  EXPECT_EQ(older_one.exit_code, 1);
  EXPECT_THAT(older_one.err, HasSubstr("the data are of PostgreSQL 14, whose programs are not "
                                       "installed"));
  EXPECT_THAT(older_one.err, HasSubstr("install the package postgresql-14, and `millrace db "
                                       "upgrade`"));
  EXPECT_THAT(older_one.err, HasSubstr("millrace db restore"));
  write_text(file, "9.6\n");
  EXPECT_THAT(w.run({"db", "status"}).err,
              HasSubstr("the data are of PostgreSQL 9, and millrace moves none that are older than "
                        "13"));
  if (const auto next = newer() + 1; next <= 18) {
    write_text(file, std::to_string(next) + "\n");
    const auto err = w.run({"db", "status"}).err;
    EXPECT_THAT(err, HasSubstr("PostgreSQL does not go back to an older version: install the "
                               "package postgresql-" +
                               std::to_string(next) + " or a newer one"));
    EXPECT_THAT(err, Not(HasSubstr("restore")));
  }
  write_text(file, "99\n");
  const auto newer_one = w.run({"db", "status"});
  EXPECT_EQ(newer_one.exit_code, 1);
  EXPECT_THAT(
      newer_one.err,
      HasSubstr("the data are of PostgreSQL 99, and this millrace knows 15 to 18: use a newer "
                "one"));
  EXPECT_EQ(w.run({"db", "upgrade"}).exit_code, 1);
}

TEST_F(major_upgrade, the_newest_needs_none) {
  ASSERT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  const auto done = w.run({"db", "upgrade"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("is of PostgreSQL " + std::to_string(newer()) + " already"));
  if (std::ranges::count(versions, 18) > 0) return;
  const auto missing = w.run({"db", "upgrade", "--to", "18"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("PostgreSQL 18 is not installed"));
}

TEST_F(major_upgrade, a_directory_keeps_its_version_until_it_is_upgraded) {
  if (!has_two_versions()) GTEST_SKIP() << why_not();
  make_with_the_older();
  const auto access = w.data() / "postgres/pg_hba.conf";
  write_text(access, read_text(access) + "# mine\n");
  const auto before = contents();
  EXPECT_EQ(version(), older()) << "its programs are there, so it is used as it is";
  const auto refused = run_without({older()}, {"status"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("millrace db upgrade"));
  const auto done = w.run({"db", "upgrade"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("is of PostgreSQL " + std::to_string(newer()) + " now"));
  expect_upgraded(before);
  EXPECT_THAT(read_text(access), HasSubstr("# mine\n"));
  EXPECT_EQ(run_without({older()}, {"status"}).exit_code, 0) << "the older one may be removed";
}

TEST_F(major_upgrade, a_folder_of_the_users_own_stays) {
  for (const auto* name : {"upgrade", "postgres.upgrade", "postgres.new-backup"}) {
    fs::create_directories(w.data() / name);
    write_text(w.data() / name / "notes.txt", "mine");
  }
  EXPECT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  EXPECT_EQ(w.run({"db", "upgrade"}).exit_code, 0) << "it is of the newest version";
  for (const auto* name : {"upgrade", "postgres.upgrade", "postgres.new-backup"})
    EXPECT_EQ(read_text(w.data() / name / "notes.txt"), "mine") << name;
}

TEST_F(major_upgrade, a_version_that_is_not_supported_is_refused) {
  ASSERT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  for (const auto* version : {"14", "19"}) {
    const auto refused = w.run({"db", "upgrade", "--to", version});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("millrace works with PostgreSQL 15 to 18"));
  }
}

TEST_F(major_upgrade, in_use_it_is_refused) {
  if (!has_two_versions()) GTEST_SKIP() << why_not();
  make_with_the_older();
  const auto holder =
      w.start({"db", "psql", "--", "-c", "select 'is here'", "-c", "select pg_sleep(600)"});
  ASSERT_TRUE(eventually([&] { return holder->out().find("is here") != std::string::npos; }))
      << holder->err();
  const auto refused = w.run({"db", "upgrade"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("stop its nodes and commands"));
  EXPECT_EQ(version(), older());
}

TEST_F(major_upgrade, killed_at_any_instant_it_is_begun_again_and_loses_nothing) {
  if (!has_two_versions()) GTEST_SKIP() << why_not();
  const auto seed = number_from_environment("MILLRACE_SEED", 1);
  SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
  make_with_the_older();
  const auto before = contents();
  std::mt19937_64 random{seed};
  milliseconds length{3000};
  for (std::uint64_t i = 0; i < kills && version() == older(); ++i) {
    const auto part = static_cast<std::uint64_t>(length.count()) / kills;
    const auto end = clock::now() + milliseconds{i * part + random() % part};
    const auto killed = w.start({"db", "upgrade"});
    eventually([&] { return clock::now() >= end || !killed->running(); });
    killed->signal(i % 3 == 2 ? SIGINT : SIGKILL);
    killed->wait();
    if (i % 3 == 2) {
      EXPECT_TRUE(eventually([&] { return processes_in(w.data()).empty(); }))
          << "of one that was told to end";
    }
    EXPECT_EQ(contents(), before) << "after kill " << i;
  }
  const auto done = w.run({"db", "upgrade"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  expect_upgraded(before);
}

TEST_F(major_upgrade, of_a_broken_older_version_the_newest_knows_nothing) {
  if (!has_two_versions()) GTEST_SKIP() << why_not();
  const auto broken = all_programs / std::to_string(older()) / "bin/postgres";
  auto words =
      std::vector<std::string>{"/usr/bin/unshare",
                               "--mount",
                               "/bin/sh",
                               "-c",
                               "mount --bind /bin/false " + broken.string() + " && exec \"$@\"",
                               "sh",
                               millrace_binary(),
                               "db",
                               "migrate"};
  const auto made = w.start_program(words)->wait();
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(version(), newer());
}

}  // namespace
}  // namespace millrace
