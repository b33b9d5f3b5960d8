// Turns Rich Text Format (RTF 1.9.1) into elements. No library of the distribution reads it in
// memory, so this does: text, paragraphs with their roles, tables, notes, links and pictures; how a
// text looks is passed over. One document, one thread.
//
// Bounds: groups nest up to parse_limits::max_depth (limit_exceeded); everything that is kept grows
// at most in step with the bytes read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/markdown_table.hpp"
#include "runtime/parsers/paragraph_output.hpp"
#include "runtime/parsers/rtf_reader.hpp"

namespace millrace::parsers {

class rtf_walker {
 public:
  rtf_walker(const parse_input& in, document_builder& out) : in_{in}, out_{out} {}

  /// Called with the bytes of each picture, for who looks for one.
  using picture_sink = std::function<void(const std::string& bytes, const image_info& info)>;
  void use_pictures(picture_sink sink) { picture_sink_ = std::move(sink); }

  void walk();

 private:
  /// Where text goes in a group.
  enum class destination : std::uint8_t {
    body,
    skipped,     ///< Nothing in it is looked at.
    properties,  ///< Its text is none; groups in it may be.
    fonts,
    styles,
    info,
    value,  ///< Of a property of the document or of a shape: goes to value_.
    date,
    picture,
    instruction,  ///< Of a field.
    list_text,    ///< The bullet or number before a list item.
    aside,        ///< A note, a comment, the text of a shape: blocks that follow the paragraph.
  };
  struct group {
    destination to = destination::body;
    bool opens = false;        ///< This group began the destination.
    std::string_view name;     ///< Of the property, where it opens a value.
    int unicode_fallback = 1;  ///< Characters to pass over after \u.
    int font = -1;
    bool is_hidden = false;
    bool is_deleted = false;
    // Of paragraphs.
    int style = 0;
    int outline_level = -1;
    int list = 0;
    int list_level = 0;
    bool in_table = false;
    bool breaks_page = false;
  };
  struct style {
    std::string name;
    int based_on = -1;
    int outline_level = -1;
  };
  struct block {
    paragraph_role role;
    std::string text;
    image_info image;
  };

  void take(const rtf_token& token);
  void open_group();
  void close_group();
  void take_word(const rtf_token& token);
  bool take_destination(const rtf_token& token);
  void take_style_word(const rtf_token& token);
  bool take_character_word(const rtf_token& token);
  bool take_paragraph_word(const rtf_token& token);
  bool take_table_word(const rtf_token& token);
  void take_symbol(const rtf_token& token);
  void take_bytes(std::string_view bytes);
  void take_code_unit(std::int32_t number);
  void take_date_word(const rtf_token& token);
  void add_digits(std::string_view hex);
  void enter(destination to, std::string_view name = {});
  void leave(const group& closed);

  void flush_bytes();
  void append(std::string_view text);
  std::string charset() const;
  paragraph_role role_of_paragraph() const;
  void end_paragraph();
  void end_cell();
  void end_row();
  void flush_table();
  void break_page();
  void flush(std::vector<block>& blocks);
  void follow_table();
  void finish_picture();
  void finish_link();
  void finish_style();
  void finish_property(std::string_view name);

  group& top() { return groups_.back(); }
  const group& top() const { return groups_.back(); }

  const parse_input& in_;
  document_builder& out_;
  picture_sink picture_sink_;
  std::vector<group> groups_{1};
  bool starred_ = false;  ///< After \*: an unknown destination is to be skipped.
  int skip_ = 0;          ///< Characters still to be passed over after \u.
  char32_t high_surrogate_ = 0;
  std::string bytes_;  ///< Text not yet converted.

  std::vector<std::string> texts_{1};  ///< Of the paragraph, and of asides inside it.
  std::vector<block> following_;       ///< What comes after the paragraph.
  std::vector<block> after_table_;     ///< What comes after the table that is being read.
  bool has_list_text_ = false;
  std::vector<table_row> rows_;
  table_row cells_;
  std::string cell_;                   ///< Paragraphs of the current cell that have ended.
  std::vector<bool> continues_above_;  ///< Cells merged with the one above, by definition.
  bool next_cell_continues_ = false;
  std::uint32_t page_ = 0;
  bool has_content_ = false;

  std::string default_charset_ = "CP1252";
  std::map<int, std::string> charsets_;  ///< By font.
  int default_font_ = -1;
  int font_ = 0;  ///< That is being defined.
  std::map<int, style> styles_;
  style style_;  ///< That is being defined.
  int style_number_ = 0;
  std::string value_;
  std::string shape_property_;
  std::string description_;  ///< Of the picture that follows.
  std::string instruction_;
  std::string picture_;
  int half_byte_ = -1;
  std::string picture_mime_;
  int date_[5] = {0, 0, 0, 0, 0};
};

}  // namespace millrace::parsers
