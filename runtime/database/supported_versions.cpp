#include "runtime/database/supported_versions.hpp"

namespace millrace::postgres {

std::string supported_versions() {
  return std::to_string(oldest_version) + " to " + std::to_string(newest_version);
}

result<std::string> check_server_version(int number) {
  const int major = major_version(number);
  const auto server = "the server is PostgreSQL " + std::to_string(major);
  if (major < oldest_version)
    return fail(ec::database_outdated, server + ", and millrace needs one of " +
                                           supported_versions() +
                                           "; upgrade the server, or name another in database.url");
  if (major > newest_version)
    return server + ", which is newer than what millrace knows (" + supported_versions() + ")";
  return std::string{};
}

}  // namespace millrace::postgres
