#include "app/cli/client.hpp"

#include <gtest/gtest.h>

#include "runtime/http/server.hpp"
#include "tests/support/no_descriptors.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace::cli {
namespace {

TEST(cli_client, a_node_that_it_cannot_ask_for_want_of_descriptors_is_not_said_to_be_gone) {
  const temporary_directory folder;
  const auto socket = "unix:" + (folder.path() / "api.sock").native();
  const auto nobody = node_answers({socket, ""});
  ASSERT_TRUE(nobody) << nobody.error().message;
  EXPECT_FALSE(*nobody);
  const auto server = http::server::start({.listen = socket},
                                          [](const http::request&) { return http::response{}; });
  ASSERT_TRUE(server) << server.error().message;
  {
    const no_descriptors none;
    const auto unknown = node_answers({socket, ""});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ec::resource_exhausted) << unknown.error().message;
    EXPECT_NE(unknown.error().message.find("ulimit -n"), std::string::npos);
  }
  EXPECT_TRUE(node_answers({socket, ""}).value_or(false));
}

}  // namespace
}  // namespace millrace::cli
