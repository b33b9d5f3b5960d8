// The records of a PowerPoint 97-2003 stream (MS-PPT 2.3): a header of 8 bytes, then other records
// or data. Pure; nothing is read beyond the bytes given, lengths that say otherwise are cut.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::parsers {

enum class ppt_type : std::uint16_t {
  document = 0x03E8,
  slide = 0x03EE,
  slide_atom = 0x03EF,
  notes = 0x03F0,
  slide_persist_atom = 0x03F3,
  external_objects = 0x0409,
  drawing = 0x040C,
  outline_text_reference = 0x0F9E,
  text_header = 0x0F9F,
  text_characters = 0x0FA0,
  text_bytes = 0x0FA8,
  string = 0x0FBA,
  external_link = 0x0FD7,
  slide_list = 0x0FF0,
  user_edit_atom = 0x0FF5,
  current_user_atom = 0x0FF6,
  persist_directory = 0x1772,
  art_shape = 0xF004,
  art_text_box = 0xF00D,
};

struct ppt_record {
  ppt_type type{};
  std::uint16_t instance = 0;
  bool is_container = false;
  std::string_view data;  ///< Without the header.
};

/// 0 where `bytes` has none at `at`.
std::uint32_t ppt_number(std::string_view bytes, std::size_t at);

/// The record at `at`; nothing where there is no whole header.
std::optional<ppt_record> ppt_record_at(std::string_view stream, std::size_t at);

/// Cuts the first record off `rest`; nothing at its end.
std::optional<ppt_record> take_ppt_record(std::string_view& rest);

/// The text of a text_characters, text_bytes or string record as UTF-8.
std::string ppt_text(const ppt_record& record);

/// Where each part of a presentation stands in the stream, after all its edits: PowerPoint adds
/// what was changed at the end and leaves the rest as it was.
class ppt_parts {
 public:
  static constexpr std::size_t max_edits = 10'000;
  static constexpr std::size_t max_parts = 1'000'000;
  /// Of directories, in all edits together, which may name the same one; later ones are not read.
  static constexpr std::size_t max_numbers = 2 * max_parts;

  /// `edit`: where the stream's last user_edit_atom stands.
  ppt_parts(std::string_view stream, std::uint32_t edit);

  /// Nothing where there is no such part.
  std::optional<ppt_record> find(std::uint32_t part) const;
  std::optional<ppt_record> document() const { return find(document_); }
  bool is_encrypted() const { return is_encrypted_; }

 private:
  void read_directory(std::uint32_t at);

  std::string_view stream_;
  std::map<std::uint32_t, std::uint32_t> offsets_;
  std::size_t numbers_read_ = 0;
  std::uint32_t document_ = 0;
  bool is_encrypted_ = false;
};

}  // namespace millrace::parsers
