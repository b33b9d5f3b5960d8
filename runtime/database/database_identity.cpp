#include "runtime/database/database_identity.hpp"

namespace millrace {

namespace {

constexpr auto identity_sql = "select left(id::text, 8) from database_identity";

}  // namespace

result<std::string> database_identity(connection_pool& pool, const char* purpose) {
  return pool.transact(purpose, [](sql::work& tx, pooled_connection&) -> result<std::string> {
    return tx.exec(identity_sql).one_row()[0].as<std::string>();
  });
}

}  // namespace millrace
