#include "runtime/database/database_identity.hpp"

namespace millrace {

namespace {

constexpr auto identity_sql = "select left(id::text, 8) from database_identity";

}  // namespace

result<std::string> database_identity(connection_pool& pool, const char* purpose) {
  return pool.transact(purpose, [](pqxx::work& tx, pooled_connection&) -> result<std::string> {
    return tx.exec1(identity_sql)[0].as<std::string>();
  });
}

}  // namespace millrace
