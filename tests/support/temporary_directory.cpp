#include "tests/support/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace millrace {

namespace fs = std::filesystem;

temporary_directory::temporary_directory() {
  auto pattern = (fs::temp_directory_path() / "millrace-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::system_error{errno, std::generic_category(), "no temporary folder " + pattern};
  path_ = pattern;
  fs::permissions(path_, fs::perms{0755});
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace millrace
