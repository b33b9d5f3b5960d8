#include "runtime/database/binary_rows.hpp"

#include <bit>
#include <cassert>
#include <cstring>
#include <stdexcept>

namespace millrace {

namespace {

/// MaxAllocSize of the server, which also bounds one parameter.
constexpr std::size_t max_parameter_bytes = 0x3fffffff;

/// number of dimensions, has-nulls flag, element type; then length and lower bound of the only
/// dimension.
constexpr std::size_t array_header_bytes = 20;
constexpr std::size_t empty_array_bytes = 12;
constexpr std::size_t array_count_offset = 12;

static_assert(std::endian::native == std::endian::little, "floats are swapped, not converted");

template <class Integer>
Integer big_endian(Integer value) {
  if constexpr (sizeof(Integer) == 2) return static_cast<Integer>(__builtin_bswap16(value));
  if constexpr (sizeof(Integer) == 4) return static_cast<Integer>(__builtin_bswap32(value));
  if constexpr (sizeof(Integer) == 8) return static_cast<Integer>(__builtin_bswap64(value));
}

template <class Integer>
void put(std::string& buffer, Integer value) {
  const auto swapped = big_endian(value);
  buffer.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
}

void put_at(std::string& buffer, std::size_t offset, std::uint32_t value) {
  const auto swapped = big_endian(value);
  std::memcpy(buffer.data() + offset, &swapped, sizeof swapped);
}

void put_array_header(std::string& buffer, std::uint32_t element_type, std::size_t count) {
  put(buffer, std::uint32_t{count > 0});  // dimensions
  put(buffer, std::uint32_t{0});          // no nulls
  put(buffer, element_type);
  if (count == 0) return;
  put(buffer, static_cast<std::uint32_t>(count));
  put(buffer, std::uint32_t{1});  // lower bound
}

std::size_t header_bytes(std::size_t count) {
  return count > 0 ? array_header_bytes : empty_array_bytes;
}

std::size_t text_array_bytes(std::span<const std::string> values) {
  auto size = header_bytes(values.size());
  for (const auto& value : values) size += 4 + value.size();
  return size;
}

void put_text_array(std::string& buffer, std::span<const std::string> values) {
  put_array_header(buffer, static_cast<std::uint32_t>(field_type::text), values.size());
  for (const auto& value : values) {
    put(buffer, static_cast<std::uint32_t>(value.size()));
    buffer.append(value);
  }
}

sql::bytes as_parameter(const std::string& buffer) {
  if (buffer.size() > max_parameter_bytes)
    throw std::length_error{"the rows of one statement exceed 1 GiB"};
  return sql::bytes{buffer};
}

template <class Integer>
sql::bytes integer_array(std::span<const Integer> values, field_type type) {
  std::string buffer;
  buffer.reserve(array_header_bytes + values.size() * (4 + sizeof(Integer)));
  put_array_header(buffer, static_cast<std::uint32_t>(type), values.size());
  for (const auto value : values) {
    put(buffer, static_cast<std::uint32_t>(sizeof value));
    put(buffer, value);
  }
  return as_parameter(buffer);
}

}  // namespace

binary_rows::binary_rows(std::uint32_t row_type) : row_type_{row_type} {
  clear();
}

void binary_rows::clear() {
  buffer_.clear();
  rows_ = 0;
  fields_left_ = 0;
  row_start_ = 0;
  // Space for the header of a non-empty array; parameter() knows what to do without rows.
  put_array_header(buffer_, row_type_, 1);
}

void binary_rows::begin_row(int fields) {
  end_row();
  row_start_ = buffer_.size();
  put(buffer_, std::uint32_t{0});  // length, known at the end of the row
  put(buffer_, static_cast<std::uint32_t>(fields));
  fields_left_ = fields;
  ++rows_;
}

void binary_rows::end_row() {
  assert(fields_left_ == 0 && "a row has fewer fields than begin_row() announced");
  if (row_start_ == 0) return;
  put_at(buffer_, row_start_, static_cast<std::uint32_t>(buffer_.size() - row_start_ - 4));
  row_start_ = 0;
}

void binary_rows::field(field_type type, std::size_t size) {
  assert(fields_left_ > 0 && "a row has more fields than begin_row() announced");
  --fields_left_;
  put(buffer_, static_cast<std::uint32_t>(type));
  put(buffer_, static_cast<std::uint32_t>(size));
}

void binary_rows::null(field_type type) {
  field(type, static_cast<std::size_t>(-1));
}

void binary_rows::boolean(bool value) {
  field(field_type::boolean, 1);
  buffer_ += value ? '\1' : '\0';
}

void binary_rows::int2(std::int16_t value) {
  field(field_type::int2, sizeof value);
  put(buffer_, value);
}

void binary_rows::int4(std::int32_t value) {
  field(field_type::int4, sizeof value);
  put(buffer_, value);
}

void binary_rows::int8(std::int64_t value) {
  field(field_type::int8, sizeof value);
  put(buffer_, value);
}

void binary_rows::float8(double value) {
  field(field_type::float8, sizeof value);
  put(buffer_, std::bit_cast<std::uint64_t>(value));
}

void binary_rows::text(std::string_view value) {
  field(field_type::text, value.size());
  buffer_.append(value);
}

void binary_rows::bytea(std::string_view value) {
  field(field_type::bytea, value.size());
  buffer_.append(value);
}

void binary_rows::jsonb(std::string_view document) {
  constexpr auto format_version = '\1';
  field(field_type::jsonb, 1 + document.size());
  buffer_ += format_version;
  buffer_.append(document);
}

void binary_rows::float4_array(std::string_view little_endian) {
  constexpr std::size_t element_bytes = 4;
  assert(little_endian.size() % element_bytes == 0);
  const auto count = little_endian.size() / element_bytes;
  field(field_type::float4_array, header_bytes(count) + count * (4 + element_bytes));
  put_array_header(buffer_, static_cast<std::uint32_t>(field_type::float4), count);
  const auto start = buffer_.size();
  buffer_.resize(start + count * (4 + element_bytes));
  auto* out = buffer_.data() + start;
  for (std::size_t i = 0; i < count; ++i, out += 8) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, little_endian.data() + i * element_bytes, sizeof bits);
    const std::uint32_t element[] = {big_endian(std::uint32_t{element_bytes}), big_endian(bits)};
    std::memcpy(out, element, sizeof element);
  }
}

void binary_rows::text_array(std::span<const std::string> values) {
  field(field_type::text_array, text_array_bytes(values));
  put_text_array(buffer_, values);
}

sql::bytes binary_rows::parameter() {
  end_row();
  if (rows_ == 0) {
    std::string empty;
    put_array_header(empty, row_type_, 0);
    return as_parameter(empty);
  }
  put_at(buffer_, array_count_offset, static_cast<std::uint32_t>(rows_));
  return as_parameter(buffer_);
}

sql::bytes int8_array_parameter(std::span<const std::int64_t> values) {
  return integer_array(values, field_type::int8);
}

sql::bytes int4_array_parameter(std::span<const std::int32_t> values) {
  return integer_array(values, field_type::int4);
}

sql::bytes text_array_parameter(std::span<const std::string> values) {
  std::string buffer;
  buffer.reserve(text_array_bytes(values));
  put_text_array(buffer, values);
  return as_parameter(buffer);
}

}  // namespace millrace
