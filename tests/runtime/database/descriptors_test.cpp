// A process without a free descriptor cannot look at anything; what it cannot see may be well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/database/embedded/directory_handle.hpp"
#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/embedded/installation.hpp"
#include "runtime/database/embedded/postmaster.hpp"
#include "runtime/database/embedded/socket_directory.hpp"
#include "runtime/database/sql.hpp"
#include "tests/support/no_descriptors.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class without_descriptors : public ::testing::Test {
 protected:
  template <class T>
  static void expect_said(const result<T>& outcome, const char* what) {
    ASSERT_FALSE(outcome) << what;
    EXPECT_EQ(outcome.error().code, ec::resource_exhausted) << outcome.error().message;
    EXPECT_THAT(outcome.error().message, HasSubstr("Too many open files"));
    EXPECT_THAT(outcome.error().message, HasSubstr("ulimit -n"));
  }

  temporary_directory temporary_;
  embedded_server_config config_{.directory = temporary_.path() / "data", .fsync = false};
};

TEST_F(without_descriptors, a_server_that_runs_is_not_said_to_have_ended_nor_harmed) {
  const auto server = embedded_server::open(config_);
  ASSERT_TRUE(server) << server.error().message;
  const auto directory = postgres::prepare_data_directory(config_.directory, false).value();
  const auto postmaster = postgres::find_postmaster(directory).value();
  ASSERT_TRUE(postmaster);
  {
    const no_descriptors here;
    expect_said((*server)->runs(), "runs");
    expect_said((*server)->start_again(), "start_again");
    expect_said(postgres::find_postmaster(directory), "find_postmaster");
    expect_said(postgres::clear_leftovers(directory), "clear_leftovers");
    expect_said(postgres::await_ready((*server)->socket_directory(), *postmaster), "await_ready");
    expect_said(postgres::socket_directory_in_use(directory), "socket_directory_in_use");
    expect_said(postgres::directory_handle::open(directory.root), "directory_handle::open");
    expect_said(postgres::stop_postmaster(directory, *postmaster), "stop_postmaster");
  }
  EXPECT_TRUE((*server)->runs().value());
  EXPECT_EQ(postgres::find_postmaster(directory).value(), postmaster);
  sql::connection connection{(*server)->connection_string()};
  EXPECT_EQ(sql::nontransaction{connection}.exec("select 1").one_row()[0].as<int>(), 1);
}

TEST_F(without_descriptors, postgresql_is_not_said_to_be_missing_nor_the_data_to_be_gone) {
  ASSERT_TRUE(embedded_server::open(config_));
  const no_descriptors here;
  expect_said(postgres::find_installation(std::nullopt), "find_installation");
  expect_said(postgres::find_client_program("pg_dump", {}), "find_client_program");
  auto reading = config_;
  reading.create = false;
  expect_said(embedded_server::open(reading), "open");
  expect_said(postgres::prepare_data_directory(config_.directory, false), "prepare");
  expect_said(postgres::run_program({{"/bin/true"}, {}, {}}, std::chrono::seconds{1}), "run");
}

}  // namespace
}  // namespace millrace
