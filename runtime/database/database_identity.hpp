// Which database this is, wherever it is reached from. Blocks (SQL).
#pragma once

#include <string>

#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

/// Eight hexadecimal digits; part of paths of what nodes keep for this database on their disks.
/// `purpose` is counted as that of a transaction.
result<std::string> database_identity(connection_pool& pool, const char* purpose);

}  // namespace millrace
