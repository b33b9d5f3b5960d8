// The .sql files of sql/, compiled into the binary by sql/CMakeLists.txt. Constant data; any
// thread.
#pragma once

#include <span>
#include <string_view>

namespace millrace {

struct sql_file {
  std::string_view path;  ///< Below sql/, e.g. "migrations/0001_core.sql".
  std::string_view text;
};

/// All of them, ordered by path.
std::span<const sql_file> embedded_sql_files();

/// The text of one file; "" where there is none.
std::string_view embedded_sql(std::string_view path);

}  // namespace millrace
