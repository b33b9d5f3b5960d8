// Data directories that are moved, removed and made anew at the same path while their server runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/embedded/postmaster.hpp"
#include "runtime/database/embedded/socket_directory.hpp"
#include "runtime/database/sql.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::unique_ptr<embedded_server> open(const fs::path& data) {
  auto server = embedded_server::open({.directory = data, .fsync = false});
  if (!server) throw std::runtime_error{server.error().message};
  return std::move(*server);
}

pid_t postmaster_of(const embedded_server& server) {
  sql::connection connection{server.connection_string()};
  return sql::nontransaction{connection}
      .exec("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")
      .one_row()[0]
      .as<pid_t>();
}

postgres::process_handle handle_of(const embedded_server& server) {
  return *postgres::process_handle::of(postmaster_of(server)).value();
}

class moved_directory : public ::testing::Test {
 protected:
  /// A server runs in the former directory, and `data_` is free.
  void move_away() { fs::rename(data_, moved_); }
  /// Its server writes files meanwhile.
  void remove() {
    std::error_code problem;
    do fs::remove_all(data_, problem);
    while (problem);
  }

  temporary_directory temporary_;
  fs::path data_ = temporary_.path() / "data";
  fs::path moved_ = temporary_.path() / "moved";
};

TEST_F(moved_directory, its_server_and_that_of_one_made_anew_at_its_path_share_nothing) {
  auto former = open(data_);
  const auto former_process = handle_of(*former);
  move_away();
  const auto made_anew = open(data_);
  EXPECT_FALSE(made_anew->adopted());
  EXPECT_NE(made_anew->socket_directory(), former->socket_directory());
  const auto postmaster = postmaster_of(*made_anew);
  EXPECT_NE(postmaster_of(*former), postmaster);
  const auto sockets = former->socket_directory();
  former.reset();
  EXPECT_TRUE(former_process.ended_within(0ms));
  EXPECT_FALSE(fs::exists(sockets));
  EXPECT_EQ(postmaster_of(*made_anew), postmaster);
}

TEST_F(moved_directory, who_opens_it_at_its_new_path_finds_its_server) {
  auto first = open(data_);
  const auto process = handle_of(*first);
  move_away();
  auto second = open(moved_);
  EXPECT_TRUE(second->adopted());
  EXPECT_EQ(second->socket_directory(), first->socket_directory());
  first.reset();
  EXPECT_FALSE(process.ended_within(0ms));
  second.reset();
  EXPECT_TRUE(process.ended_within(0ms));
}

TEST_F(moved_directory, the_server_of_one_that_was_removed_ends_with_its_last_holder) {
  auto server = open(data_);
  const auto process = handle_of(*server);
  const auto sockets = server->socket_directory();
  remove();
  const auto made_anew = open(data_);
  server.reset();
  EXPECT_TRUE(process.ended_within(0ms));
  EXPECT_FALSE(fs::exists(sockets));
  EXPECT_GT(postmaster_of(*made_anew), 0);
}

TEST_F(moved_directory, a_holder_that_ends_at_once_stops_its_own_server_only) {
  const auto former = open(data_);
  const auto process = handle_of(*former);
  move_away();
  const auto made_anew = open(data_);
  const auto other = handle_of(*made_anew);
  former->stop_without_waiting();
  EXPECT_TRUE(process.ended_within(60s));
  EXPECT_FALSE(other.ended_within(0ms));
  EXPECT_FALSE(former->runs().value());
  EXPECT_TRUE(made_anew->runs().value());
}

TEST_F(moved_directory, its_server_is_not_started_again_in_the_one_that_took_its_path) {
  const auto former = open(data_);
  const auto process = handle_of(*former);
  move_away();
  const auto made_anew = open(data_);
  process.signal(SIGKILL);
  ASSERT_TRUE(process.ended_within(60s));
  const auto again = former->start_again();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ec::data_directory);
  EXPECT_THAT(again.error().message, HasSubstr(data_.string()));
  EXPECT_THAT(again.error().message, HasSubstr("was moved or removed"));
}

TEST_F(moved_directory, a_database_that_was_removed_is_not_replaced_by_an_empty_one) {
  const auto server = open(data_);
  const auto process = handle_of(*server);
  fs::rename(data_ / "postgres", moved_);
  process.signal(SIGKILL);
  ASSERT_TRUE(process.ended_within(60s));
  const auto again = server->start_again();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ec::data_directory);
  EXPECT_FALSE(fs::exists(data_ / "postgres"));
}

/// As older versions named it: after the path.
TEST_F(moved_directory, a_server_whose_socket_folder_has_another_name_is_found_and_started_there) {
  open(data_).reset();
  const auto directory = postgres::prepare_data_directory(data_, false).value();
  const auto other = fs::path{"/tmp/millrace-" + std::to_string(directory.owner.uid) + "-" +
                              std::to_string(::getpid())};
  const auto programs = postgres::find_installation(directory.cluster_version().value()).value();
  ASSERT_TRUE(postgres::prepare_socket_directory(other, directory.owner));
  const auto running =
      postgres::start_postmaster(programs, directory, {.sockets = other, .fsync = false}).value();
  ASSERT_EQ(postgres::await_ready(other, running).value(), postgres::readiness::ready);
  auto server = open(data_);
  EXPECT_TRUE(server->adopted());
  EXPECT_EQ(server->socket_directory(), other);
  EXPECT_EQ(postmaster_of(*server), running);
  const auto process = handle_of(*server);
  process.signal(SIGKILL);
  ASSERT_TRUE(process.ended_within(60s));
  ASSERT_TRUE(server->start_again());
  EXPECT_NE(postmaster_of(*server), running) << "those who were told the folder find it there";
  server.reset();
  EXPECT_FALSE(fs::exists(other));
}

}  // namespace
}  // namespace millrace
