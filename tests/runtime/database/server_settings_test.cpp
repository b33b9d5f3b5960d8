#include "runtime/database/embedded/server_settings.hpp"

#include <gtest/gtest.h>

namespace millrace::postgres {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t gibibyte = 1 << 30;

TEST(server_settings, buffers_are_an_eighth_of_memory_within_limits) {
  EXPECT_EQ(shared_buffers_bytes(64 * mebibyte), 32 * mebibyte);
  EXPECT_EQ(shared_buffers_bytes(1 * gibibyte), 128 * mebibyte);
  EXPECT_EQ(shared_buffers_bytes(64 * gibibyte), 256 * mebibyte);
}

TEST(server_settings, wal_is_a_tenth_of_the_free_disk_within_limits) {
  EXPECT_EQ(max_wal_bytes(0), 128 * mebibyte);
  EXPECT_EQ(max_wal_bytes(20 * gibibyte), 2 * gibibyte);
  EXPECT_EQ(max_wal_bytes(1024 * gibibyte), 8 * gibibyte);
}

TEST(server_settings, nothing_is_reachable_by_tcp) {
  data_directory directory;
  directory.root = "/nowhere";
  const auto settings = server_settings(directory, {.sockets = "/tmp/folder"});
  EXPECT_NE(std::find(settings.begin(), settings.end(), "listen_addresses="), settings.end());
  EXPECT_NE(std::find(settings.begin(), settings.end(), "fsync=on"), settings.end());
  EXPECT_NE(std::find(settings.begin(), settings.end(), "unix_socket_directories=/tmp/folder"),
            settings.end());
}

}  // namespace
}  // namespace millrace::postgres
