// Turns what libwv finds in a Word 97-2003 document into elements. One document, one thread.
//
// libwv tells character by character, with the paragraph's and the characters' properties before:
// first the body, then footnotes, headers, comments, endnotes and text boxes, one behind the other
// in one count of characters. Headers, footers and comments are left out, and what is deleted or
// hidden. libwv is C and no exception may pass through it: the first failure is kept, what follows
// is ignored, and end() throws it.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <wv.h>

#include "runtime/parsers/docx_styles.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/markdown_table.hpp"

namespace millrace::parsers {

class doc_walker {
 public:
  /// Fields in fields; the instructions of deeper ones are taken for text.
  static constexpr std::size_t max_field_depth = 64;
  static constexpr std::size_t max_instruction_bytes = 4096;
  /// Styles that a style is based on.
  static constexpr int max_base_styles = 16;

  doc_walker(wvParseStruct& parser, document_builder& out);
  doc_walker(const doc_walker&) = delete;
  doc_walker& operator=(const doc_walker&) = delete;

  /// Reads all of a document whose tables check_doc_tables() has seen. Throws unsupported_format
  /// where Word 6 or 95 wrote it in a charset of more than one byte a character.
  void walk();

 private:
  static constexpr U16 first_beyond_ascii = 0x80;
  /// Of a charset: what the bytes from there on are.
  using byte_characters = std::array<char32_t, 0x100 - first_beyond_ascii>;

  struct field {
    bool in_instruction = true;
    std::string instruction;
  };

  // What libwv calls; always 0.
  static int on_element(wvParseStruct* parser, wvTag tag, void* properties, int changed);
  static int on_character(wvParseStruct* parser, U16 character, U8 is_byte, U16 language);
  static int on_special(wvParseStruct* parser, U16 character, CHP* properties);
  static int on_document(wvParseStruct* parser, wvTag tag);
  /// Calls `step` unless something failed before.
  template <class Step>
  static int guarded(wvParseStruct* parser, Step step);

  /// At the first cell of a table libwv looks for all of its rows, which only its own HTML needs,
  /// and finds no end where the document ends with the table. It does not where it thinks that it
  /// is inside already.
  void skip_table_search();
  void begin_paragraph(const PAP& properties);
  void end_paragraph();
  void take(char32_t character);
  bool take_mark(char32_t character);
  void end_instruction();
  void end_field();
  void append(char32_t character);
  void end_cell();
  void end_table();
  bool is_left_out() const;
  paragraph_role role_of(const PAP& properties) const;
  static std::uint8_t heading_level_of(const STD& style);
  /// What the byte is in the charset that Windows has for the language. libwv's own conversion
  /// answers for bytes that are none with what its stack holds.
  char32_t decode(U16 byte, U16 language);

  wvParseStruct& parser_;
  document_builder& out_;
  std::exception_ptr failure_;
  char32_t high_surrogate_ = 0;  ///< The first half of a character, while the second is awaited.
  std::string text_;             ///< Of the paragraph or the cell.
  paragraph_role role_;
  bool in_table_ = false;
  bool ends_row_ = false;  ///< The paragraph is the mark at the end of a table's row.
  bool is_hidden_ = false;
  bool ends_in_cell_mark_ = false;
  table_row row_;
  std::vector<table_row> rows_;
  std::vector<field> fields_;
  std::size_t ignored_fields_ = 0;                        ///< Open beyond max_field_depth.
  std::map<std::string_view, byte_characters> charsets_;  ///< Those that decode() met.
};

}  // namespace millrace::parsers
