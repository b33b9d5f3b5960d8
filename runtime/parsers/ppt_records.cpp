#include "runtime/parsers/ppt_records.hpp"

#include <algorithm>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t header_bytes = 8;
constexpr std::uint16_t container_version = 0xF;
/// An edit of an encrypted presentation has one number more.
constexpr std::size_t encrypted_edit_bytes = 32;

std::uint16_t short_number(std::string_view bytes, std::size_t at) {
  if (at + 2 > bytes.size()) return 0;
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) |
                                    (static_cast<unsigned char>(bytes[at + 1]) << 8));
}

}  // namespace

std::uint32_t ppt_number(std::string_view bytes, std::size_t at) {
  if (at > bytes.size() || bytes.size() - at < 4) return 0;
  return short_number(bytes, at) | (std::uint32_t{short_number(bytes, at + 2)} << 16);
}

std::optional<ppt_record> ppt_record_at(std::string_view stream, std::size_t at) {
  if (at > stream.size() || stream.size() - at < header_bytes) return std::nullopt;
  const auto head = short_number(stream, at);
  return ppt_record{.type = static_cast<ppt_type>(short_number(stream, at + 2)),
                    .instance = static_cast<std::uint16_t>(head >> 4),
                    .is_container = (head & 0xF) == container_version,
                    .data = stream.substr(at + header_bytes, ppt_number(stream, at + 4))};
}

std::optional<ppt_record> take_ppt_record(std::string_view& rest) {
  auto record = ppt_record_at(rest, 0);
  if (record) rest.remove_prefix(header_bytes + record->data.size());
  return record;
}

std::string ppt_text(const ppt_record& record) {
  std::string out;
  if (record.type == ppt_type::text_bytes) {
    for (const char c : record.data) append_code_point(out, static_cast<unsigned char>(c));
    return out;
  }
  char32_t high = 0;
  for (std::size_t at = 0; at + 2 <= record.data.size(); at += 2) {
    const char32_t unit = short_number(record.data, at);
    const bool is_low = unit >= 0xDC00 && unit < 0xE000;
    if (is_low && high != 0)
      append_code_point(out, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
    high = unit >= 0xD800 && unit < 0xDC00 ? unit : 0;
    if (high == 0 && !is_low) append_code_point(out, unit);
  }
  return out;
}

ppt_parts::ppt_parts(std::string_view stream, std::uint32_t edit) : stream_{stream} {
  for (std::size_t i = 0; i < max_edits; ++i) {
    const auto record = ppt_record_at(stream, edit);
    if (!record || record->type != ppt_type::user_edit_atom) return;
    if (i == 0) {
      document_ = ppt_number(record->data, 16);
      is_encrypted_ = record->data.size() >= encrypted_edit_bytes;
    }
    read_directory(ppt_number(record->data, 12));
    const auto before = ppt_number(record->data, 8);
    // Each edit stands behind the one before it; anything else would go round in circles.
    if (before == 0 || before >= edit) return;
    edit = before;
  }
}

void ppt_parts::read_directory(std::uint32_t at) {
  const auto record = ppt_record_at(stream_, at);
  if (!record || record->type != ppt_type::persist_directory) return;
  const auto numbers = record->data.size() / 4;
  for (std::size_t i = 0; i < numbers;) {
    if (numbers_read_++ > max_numbers) return;
    const auto head = ppt_number(record->data, 4 * i++);
    auto part = head & 0xFFFFF;
    for (auto left = head >> 20; left > 0 && i < numbers; --left, ++part, ++i) {
      if (numbers_read_++ > max_numbers) return;
      if (offsets_.size() < max_parts)  // The latest edit comes first, and stays.
        offsets_.try_emplace(part, ppt_number(record->data, 4 * i));
    }
  }
}

std::optional<ppt_record> ppt_parts::find(std::uint32_t part) const {
  const auto at = offsets_.find(part);
  return at == offsets_.end() ? std::nullopt : ppt_record_at(stream_, at->second);
}

}  // namespace millrace::parsers
