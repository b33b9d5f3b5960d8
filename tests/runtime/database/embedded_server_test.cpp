#include "runtime/database/embedded/embedded_server.hpp"

#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/database/embedded/postmaster.hpp"
#include "runtime/database/embedded/socket_directory.hpp"
#include "runtime/database/file_lock.hpp"
#include "runtime/database/sql.hpp"
#include "tests/support/forked_child.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

std::string query(const embedded_server& server, const std::string& sql) {
  sql::connection connection{server.connection_string()};
  const auto value = sql::nontransaction{connection}.exec(sql).one_row()[0];
  return value.is_null() ? "" : value.as<std::string>();
}

void execute(const embedded_server& server, const std::string& sql) {
  sql::connection connection{server.connection_string()};
  sql::nontransaction{connection}.exec(sql);
}

class embedded_server_test : public ::testing::Test {
 protected:
  ~embedded_server_test() override {
    // What a killed holder left running.
    const auto prepared = postgres::prepare_data_directory(data_, false);
    if (!prepared) return;  // never made, or refused
    if (const auto left = postgres::find_postmaster(*prepared).value_or(std::nullopt)) {
      EXPECT_TRUE(postgres::stop_postmaster(*prepared, *left));
    }
    postgres::remove_socket_directory(postgres::socket_directory_for(*prepared).value(),
                                      prepared->owner);
  }

  embedded_server_config config() const { return {.directory = data_, .fsync = false}; }

  std::unique_ptr<embedded_server> open() const {
    auto server = embedded_server::open(config());
    if (!server) throw std::runtime_error{server.error().message};
    return std::move(*server);
  }

  postgres::data_directory directory() const {
    return postgres::prepare_data_directory(data_, true).value();
  }

  std::optional<pid_t> postmaster() const { return postgres::find_postmaster(directory()).value(); }
  fs::path sockets() const { return postgres::socket_directory_for(directory()).value(); }

  /// Kills the postmaster and waits until it is gone.
  void kill_postmaster() const {
    const auto process = postgres::process_handle::of(postmaster().value()).value();
    process->signal(SIGKILL);
    ASSERT_TRUE(process->ended_within(60s));
  }

  /// A process that opens the server, reports 'n' (new) or 'a' (adopted), and closes it when told.
  std::unique_ptr<forked_child> holder() const {
    return std::make_unique<forked_child>([this](const forked_child::link& parent) {
      auto server = embedded_server::open(config());
      parent.report(!server ? 'f' : (*server)->adopted() ? 'a' : 'n');
      parent.wait();
    });
  }

  temporary_directory temporary_;
  fs::path data_ = temporary_.path() / "data";
};

TEST(file_lock, knows_when_its_file_is_another_one_by_now) {
  const temporary_directory folder;
  const auto file = folder.path() / "held";
  const auto lock = postgres::file_lock::open(file);
  ASSERT_TRUE(lock);
  EXPECT_FALSE(lock->is_replaced_at(file));
  fs::remove(file);
  EXPECT_FALSE(lock->is_replaced_at(file)) << "by nothing yet";
  std::ofstream{file} << "made anew";
  EXPECT_TRUE(lock->is_replaced_at(file));
}

TEST_F(embedded_server_test, the_first_to_open_starts_it_and_the_last_to_leave_stops_it) {
  auto server = open();
  EXPECT_FALSE(server->adopted());
  EXPECT_EQ(query(*server, "select current_database()"), "millrace");
  EXPECT_TRUE(postmaster());
  const auto sockets = server->socket_directory();
  std::ofstream{sockets / "api.sock.lock"} << "of a node that was killed";
  server.reset();
  EXPECT_FALSE(postmaster());
  EXPECT_FALSE(fs::exists(sockets));
}

TEST_F(embedded_server_test, data_outlive_a_stop_and_need_no_create) {
  auto server = open();
  execute(*server, "create table kept as select 42 as n");
  server.reset();
  auto again = config();
  again.create = false;
  auto reopened = embedded_server::open(again);
  ASSERT_TRUE(reopened) << reopened.error().message;
  EXPECT_EQ(query(**reopened, "select n from kept"), "42");
}

TEST_F(embedded_server_test, the_database_is_utf8_in_byte_order_with_checksums) {
  const auto server = open();
  EXPECT_EQ(query(*server, "show server_encoding"), "UTF8");
  EXPECT_EQ(query(*server, "show data_checksums"), "on");
  EXPECT_EQ(query(*server, "show listen_addresses"), "");
  EXPECT_EQ(query(*server, "select upper(U&'\\00e9') = U&'\\00c9'"), "t");
  EXPECT_EQ(query(*server, "select 'B' < 'a'"), "t");
}

TEST_F(embedded_server_test, sockets_are_in_a_short_folder_that_nobody_else_may_enter) {
  const auto server = open();
  const auto sockets = server->socket_directory();
  EXPECT_LE((sockets / ".s.PGSQL.5432").string().size(), 60U);
  struct stat status {};
  ASSERT_EQ(::lstat(sockets.c_str(), &status), 0);
  EXPECT_TRUE(S_ISDIR(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  EXPECT_EQ(status.st_uid, directory().owner.uid);
  EXPECT_NE(status.st_uid, 0U);
}

TEST_F(embedded_server_test, ctrl_c_in_our_terminal_does_not_reach_the_server) {
  const auto server = open();
  EXPECT_NE(::getsid(postmaster().value()), ::getsid(0));
  EXPECT_NE(::getpgid(postmaster().value()), ::getpgid(0));
}

TEST_F(embedded_server_test,
       a_second_process_adopts_the_server_and_keeps_it_when_the_first_leaves) {
  const auto first = holder();
  ASSERT_EQ(first->report(), 'n');
  auto second = open();
  EXPECT_TRUE(second->adopted());
  first->kill();
  EXPECT_EQ(query(*second, "select 1"), "1");
  second.reset();
  EXPECT_FALSE(postmaster());
}

TEST_F(embedded_server_test, leaving_a_server_that_others_hold_does_not_stop_it) {
  auto first = open();
  {
    const auto second = open();
    EXPECT_TRUE(second->adopted());
  }
  EXPECT_EQ(query(*first, "select 1"), "1");
}

TEST_F(embedded_server_test, a_server_left_by_a_killed_process_is_adopted) {
  const auto first = holder();
  ASSERT_EQ(first->report(), 'n');
  const auto before = postmaster();
  first->kill();
  ASSERT_TRUE(before);
  EXPECT_EQ(postmaster(), before);
  auto server = open();
  EXPECT_TRUE(server->adopted());
  EXPECT_EQ(postmaster(), before);
  server.reset();
  EXPECT_FALSE(postmaster());
}

TEST_F(embedded_server_test, processes_that_open_at_once_share_one_server) {
  std::vector<std::unique_ptr<forked_child>> holders;
  for (auto i = 0; i < 3; ++i) holders.push_back(holder());
  std::string reports;
  for (const auto& h : holders) reports += h->report();
  std::sort(reports.begin(), reports.end());
  EXPECT_EQ(reports, "aan");
  for (const auto& h : holders) h->kill();
}

TEST_F(embedded_server_test, a_killed_server_is_recovered_with_all_that_was_committed) {
  auto first = open();
  execute(*first, "create table kept as select 7 as n");
  kill_postmaster();
  const auto second = open();
  EXPECT_FALSE(second->adopted());
  EXPECT_EQ(query(*second, "select n from kept"), "7");
}

TEST_F(embedded_server_test, who_holds_a_server_that_died_starts_it_again) {
  const auto server = open();
  const auto another = open();
  execute(*server, "create table kept as select 7 as n");
  EXPECT_TRUE(server->runs().value());
  kill_postmaster();
  EXPECT_FALSE(server->runs().value());
  ASSERT_TRUE(server->start_again());
  EXPECT_TRUE(another->runs().value());
  const auto running = postmaster();
  ASSERT_TRUE(another->start_again()) << "no harm where it runs";
  EXPECT_EQ(postmaster(), running);
  EXPECT_EQ(query(*another, "select n from kept"), "7");
}

TEST_F(embedded_server_test, backends_that_a_killed_server_left_are_ended) {
  auto first = open();
  sql::connection connection{first->connection_string()};
  // A stopped backend cannot notice that its postmaster died: it holds the shared memory.
  const auto backend = postgres::process_handle::of(connection.backendpid()).value();
  ASSERT_TRUE(backend);
  backend->signal(SIGSTOP);
  kill_postmaster();
  ASSERT_FALSE(backend->ended_within(0ms));
  const auto second = open();
  EXPECT_TRUE(backend->ended_within(0ms));
  EXPECT_EQ(query(*second, "select 1"), "1");
}

TEST_F(embedded_server_test, a_killed_server_of_a_killed_process_is_recovered) {
  const auto first = holder();
  ASSERT_EQ(first->report(), 'n');
  kill_postmaster();
  first->kill();
  EXPECT_FALSE(open()->adopted());
}

TEST_F(embedded_server_test, a_stale_pid_file_that_names_a_living_stranger_is_no_obstacle) {
  open().reset();
  std::ofstream{data_ / "postgres" / "postmaster.pid"} << ::getpid() << '\n';
  EXPECT_EQ(query(*open(), "select 1"), "1");
}

TEST_F(embedded_server_test, a_server_that_lost_its_socket_is_started_again) {
  const auto first = holder();
  ASSERT_EQ(first->report(), 'n');
  fs::remove_all(sockets());
  EXPECT_EQ(query(*open(), "select 1"), "1");
}

TEST_F(embedded_server_test, a_kill_while_the_database_is_made_leaves_nothing_half_done) {
  auto first = holder();
  ASSERT_TRUE(eventually([&] {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(data_, ignored))
      if (entry.path().filename().string().starts_with("postgres.new-")) return true;
    return false;
  }));
  first->kill();
  EXPECT_FALSE(fs::exists(data_ / "postgres"));
  EXPECT_EQ(query(*open(), "select 1"), "1");
  for (const auto& entry : fs::directory_iterator(data_))
    EXPECT_FALSE(entry.path().filename().string().starts_with("postgres.new-"));
}

TEST_F(embedded_server_test, a_long_path_with_spaces_quotes_and_umlauts_works) {
  data_ /= "it's \"q\" \xC3\xBC, $HOME";
  data_ /= std::string(200, 'p');
  EXPECT_EQ(query(*open(), "select 1"), "1");
}

TEST_F(embedded_server_test, a_log_over_its_limit_is_moved_aside) {
  fs::create_directories(data_);
  std::ofstream{data_ / "postgres.log"} << "old";
  fs::resize_file(data_ / "postgres.log", 17 << 20);
  const auto server = open();
  EXPECT_EQ(fs::file_size(data_ / "postgres.log.1"), 17U << 20);
  EXPECT_LT(fs::file_size(data_ / "postgres.log"), 1U << 20);
}

// Refusals ---------------------------------------------------------------------------------------

TEST_F(embedded_server_test, a_reader_of_a_missing_directory_is_told_to_run_first) {
  auto reading = config();
  reading.create = false;
  const auto outcome = embedded_server::open(reading);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::data_directory);
  EXPECT_THAT(outcome.error().message, HasSubstr("no Millrace data in " + data_.string() +
                                                 "; run `millrace run` first or give --data"));
  EXPECT_FALSE(fs::exists(data_));
}

TEST_F(embedded_server_test, a_reader_of_an_empty_directory_leaves_it_empty) {
  fs::create_directory(data_);
  auto reading = config();
  reading.create = false;
  const auto outcome = embedded_server::open(reading);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::data_directory);
  EXPECT_TRUE(fs::is_empty(data_));
}

TEST_F(embedded_server_test, a_file_is_not_a_data_directory) {
  std::ofstream{data_} << "x";
  const auto outcome = embedded_server::open(config());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::data_directory);
  EXPECT_THAT(outcome.error().message, HasSubstr("not a folder"));
}

TEST_F(embedded_server_test, data_of_another_major_version_are_refused_with_both_versions) {
  const auto owner = directory().owner;
  fs::create_directories(data_ / "postgres");
  std::ofstream{data_ / "postgres" / "PG_VERSION"} << "14\n";
  const auto outcome = embedded_server::open(config());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::data_directory);
  EXPECT_THAT(outcome.error().message, HasSubstr("PostgreSQL 14"));
  EXPECT_THAT(outcome.error().message, HasSubstr("whose programs are not installed (1"));
}

TEST_F(embedded_server_test, a_link_in_the_place_of_the_socket_folder_is_refused) {
  open().reset();
  const auto link = sockets();
  fs::create_directory_symlink(temporary_.path(), link);
  const auto outcome = embedded_server::open(config());
  fs::remove(link);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::data_directory);
  EXPECT_THAT(outcome.error().message, HasSubstr(link.string()));
}

TEST_F(embedded_server_test, a_damaged_cluster_is_reported_with_the_servers_own_words) {
  open().reset();
  fs::remove(data_ / "postgres" / "global" / "pg_control");
  const auto outcome = embedded_server::open(config());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::data_directory);
  EXPECT_THAT(outcome.error().message, HasSubstr("pg_control"));
  EXPECT_THAT(outcome.error().message, HasSubstr((data_ / "postgres.log").string()));
  EXPECT_FALSE(postmaster());
  EXPECT_FALSE(fs::exists(sockets()));
}

TEST_F(embedded_server_test, a_directory_under_a_closed_home_is_refused_with_the_way_out) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root runs the server as another user";
  const auto home = temporary_.path() / "home";
  fs::create_directory(home);
  fs::permissions(home, fs::perms::owner_all);
  data_ = home / "data";
  const auto outcome = embedded_server::open(config());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::data_directory);
  EXPECT_THAT(outcome.error().message, HasSubstr("may not enter " + home.string() + ";"));
  EXPECT_THAT(outcome.error().message, HasSubstr("/var/lib/millrace"));
}

TEST_F(embedded_server_test, a_disk_without_space_is_said_to_be_full) {
  fs::create_directory(data_);
  if (::mount("tmpfs", data_.c_str(), "tmpfs", 0, "size=32m") != 0)
    GTEST_SKIP() << "may not mount a small disk here";
  const auto outcome = embedded_server::open(config());
  ::umount2(data_.c_str(), MNT_DETACH);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::disk_full);
  EXPECT_THAT(outcome.error().message, HasSubstr("MiB are free"));
}

TEST_F(embedded_server_test, a_disk_that_filled_up_since_is_said_to_be_full) {
  fs::create_directory(data_);
  if (::mount("tmpfs", data_.c_str(), "tmpfs", 0, "size=192m") != 0)
    GTEST_SKIP() << "may not mount a small disk here";
  open().reset();
  // As far as it goes: the file system has no more.
  std::ofstream filler{data_ / "filler"};
  const std::string block(1 << 20, 'x');
  while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
  const auto outcome = embedded_server::open(config());
  ::umount2(data_.c_str(), MNT_DETACH);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::disk_full) << outcome.error().message;
}

TEST(default_data_directory, the_variable_wins_and_root_has_a_fixed_place) {
  const auto* before = std::getenv("MILLRACE_DATA");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("MILLRACE_DATA", "/somewhere/else", 1);
  EXPECT_EQ(default_data_directory(), "/somewhere/else");
  ::unsetenv("MILLRACE_DATA");
  const auto fallback = default_data_directory();
  if (::geteuid() == 0)
    EXPECT_EQ(fallback, "/var/lib/millrace");
  else
    EXPECT_EQ(fallback.filename(), "millrace");
  if (!kept.empty()) ::setenv("MILLRACE_DATA", kept.c_str(), 1);
}

}  // namespace
}  // namespace millrace
