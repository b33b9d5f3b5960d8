// Many rows as ONE parameter: PostgreSQL's binary form of an array of composites, for
//
//   insert into chunks (...) select ... from unnest($1::chunk_in[])
//
// It is the fastest way in: three times COPY in text form (no parsing, no
// escaping). The formats are those of array_recv and record_recv: big-endian, each field with its
// type's OID and length.
//
//   binary_rows rows{connection.type_oid(tx, "chunk_in")};
//   rows.begin_row(3);
//   rows.int8(document); rows.text(t); rows.null(field_type::text);
//   tx.exec(sql::prepared{"insert_chunks"}, sql::params{rows.parameter()});
//
// Fields come in the order of the type's attributes, with exactly their types; a wrong count
// aborts, a wrong type is refused by the server. Text must be clean UTF-8 (runtime/core/utf8.hpp).
// Not thread-safe. Bounded by its caller; over 1 GiB, the server's own limit, parameter() throws
// std::length_error.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/database/sql.hpp"

namespace millrace {

/// OIDs of built-in types; they never change (src/include/catalog/pg_type.dat of PostgreSQL).
enum class field_type : std::uint32_t {
  boolean = 16,
  bytea = 17,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  float4 = 700,
  float8 = 701,
  float4_array = 1021,
  text_array = 1009,
  jsonb = 3802,
};

class binary_rows {
 public:
  /// `row_type`: the OID of the composite, see pooled_connection::type_oid().
  explicit binary_rows(std::uint32_t row_type);

  /// The next `fields` calls are the fields of a new row.
  void begin_row(int fields);
  void null(field_type type);
  void boolean(bool value);
  void int2(std::int16_t value);
  void int4(std::int32_t value);
  void int8(std::int64_t value);
  void float8(double value);
  void text(std::string_view value);
  void bytea(std::string_view value);
  void jsonb(std::string_view document);
  /// real[] from little-endian float32 (embedding_bytes); the size is a multiple of 4.
  void float4_array(std::string_view little_endian);
  void text_array(std::span<const std::string> values);

  int rows() const { return rows_; }
  /// So far; what a caller keeps below its bound.
  std::size_t bytes() const { return buffer_.size(); }
  /// The finished value, to be passed to exec_params() or exec_prepared(). May be called again.
  sql::bytes parameter();
  /// Empty again, with its memory kept.
  void clear();

 private:
  void field(field_type type, std::size_t size);
  void end_row();

  std::string buffer_;
  std::uint32_t row_type_;
  int rows_ = 0;
  int fields_left_ = 0;
  std::size_t row_start_ = 0;  ///< Where the length of the open row stands; 0: no row is open.
};

/// Parameters for `$1::bigint[]`, `$1::integer[]` and `$1::text[]`, of any length including 0.
sql::bytes int8_array_parameter(std::span<const std::int64_t> values);
sql::bytes int4_array_parameter(std::span<const std::int32_t> values);
sql::bytes text_array_parameter(std::span<const std::string> values);

}  // namespace millrace
