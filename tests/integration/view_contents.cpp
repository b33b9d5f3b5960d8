#include "tests/integration/view_contents.hpp"

#include <stdexcept>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/sql.hpp"

namespace millrace {

std::map<std::string, std::string> view_contents(const std::filesystem::path& data) {
  const auto server = embedded_server::open({.directory = data, .create = false, .fsync = false});
  if (!server) throw std::runtime_error{server.error().message};
  sql::connection connection{(*server)->connection_string()};
  sql::nontransaction session{connection};
  std::map<std::string, std::string> contents;
  for (const std::string view : {"chunks_v1", "datasets_v1", "documents_v1"})
    contents[view] = session
                         .exec(
                             "select coalesce(string_agg(v::text, E'\\n' order by v::text), '') "
                             "from " +
                             view + " v")
                         .one_row()[0]
                         .as<std::string>();
  return contents;
}

}  // namespace millrace
