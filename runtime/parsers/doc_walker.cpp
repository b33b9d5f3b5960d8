#include "runtime/parsers/doc_walker.hpp"

#include <algorithm>
#include <utility>

#include "runtime/parsers/charset.hpp"
#include "runtime/parsers/doc_tables.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

/// Characters that stand for something else (MS-DOC 2.4.1 and 2.8.25).
namespace mark {
constexpr char32_t cell_or_row = 0x07;
constexpr char32_t tab = 0x09;
constexpr char32_t line = 0x0B;
constexpr char32_t page_or_section = 0x0C;
constexpr char32_t paragraph = 0x0D;
constexpr char32_t column = 0x0E;
constexpr char32_t field_begin = 0x13;
constexpr char32_t field_separator = 0x14;
constexpr char32_t field_end = 0x15;
constexpr char32_t hyphen_that_stays = 0x1E;
constexpr char32_t hyphen_that_may_break = 0x1F;
}  // namespace mark

/// Style identifiers that are the same in every language (MS-DOC 2.9.260).
constexpr unsigned first_heading_style = 1;
constexpr unsigned last_heading_style = 9;
constexpr unsigned title_style = 62;
constexpr unsigned no_style = 0xFFF;

constexpr U16 windows_latin = 0x0409;  // a language of code page 1252
constexpr U16 last_byte = 0xFF;
constexpr char32_t replacement = 0xFFFD;
/// As libwv names them: Japanese, Chinese, Korean.
constexpr std::array multi_byte_charsets{"CP932"sv, "CP936"sv, "GBK"sv,        "CP949"sv,
                                         "CP950"sv, "BIG5"sv,  "BIG5-HKSCS"sv, "CP1361"sv};
constexpr char32_t first_private = 0xE000;
constexpr char32_t last_private = 0xF8FF;
constexpr char32_t symbol_bullet = 0xF0B7;

constexpr bool is_high_surrogate(char32_t c) {
  return c >= 0xD800 && c < 0xDC00;
}
constexpr bool is_low_surrogate(char32_t c) {
  return c >= 0xDC00 && c < 0xE000;
}

/// The target in `HYPERLINK "https://..."`; empty for other fields.
std::string_view link_in(std::string_view instruction) {
  instruction = trim(instruction);
  if (!starts_with_ignoring_case(instruction, "HYPERLINK")) return {};
  const auto begin = instruction.find('"');
  // `\l` names a place in the document itself.
  if (begin == std::string_view::npos || instruction.substr(0, begin).ends_with("\\l ")) return {};
  const auto target = instruction.substr(begin + 1);
  return target.substr(0, target.find('"'));
}

}  // namespace

doc_walker::doc_walker(wvParseStruct& parser, document_builder& out) : parser_{parser}, out_{out} {}

void doc_walker::walk() {
  parser_.userData = this;
  wvSetElementHandler(&parser_, on_element);
  wvSetCharHandler(&parser_, on_character);
  wvSetSpecialCharHandler(&parser_, on_special);
  wvSetDocumentHandler(&parser_, on_document);
  skip_table_search();
  wvText(&parser_);
  if (failure_) std::rethrow_exception(failure_);
  end_paragraph();
  end_table();
}

template <class Step>
int doc_walker::guarded(wvParseStruct* parser, Step step) {
  auto& self = *static_cast<doc_walker*>(parser->userData);
  if (self.failure_) return 0;
  try {
    step(self);
  } catch (...) {
    self.failure_ = std::current_exception();
  }
  return 0;
}

int doc_walker::on_element(wvParseStruct* parser, wvTag tag, void* properties, int) {
  return guarded(parser, [&](doc_walker& self) {
    self.skip_table_search();
    if (tag == PARABEGIN) self.begin_paragraph(*static_cast<const PAP*>(properties));
    if (tag == PARAEND) self.end_paragraph();
    if (tag == CHARPROPBEGIN) {
      const auto& run = *static_cast<const CHP*>(properties);
      self.is_hidden_ = run.fVanish != 0 || run.fRMarkDel != 0;
    }
  });
}

void doc_walker::skip_table_search() {
  parser_.intable = 1;
}

int doc_walker::on_character(wvParseStruct* parser, U16 character, U8 is_byte, U16 language) {
  return guarded(parser, [&](doc_walker& self) {
    if (is_byte == 0 || character < first_beyond_ascii)
      self.take(character);
    else
      // Word 97 and later keep a byte only where it is one of code page 1252, in any language.
      self.take(
          self.decode(character, doc_version(parser->fib) == WORD8 ? windows_latin : language));
  });
}

char32_t doc_walker::decode(U16 byte, U16 language) {
  const std::string_view charset = wvLIDToCodePageConverter(language);
  const bool is_multi_byte = std::find(multi_byte_charsets.begin(), multi_byte_charsets.end(),
                                       charset) != multi_byte_charsets.end();
  if (is_multi_byte || byte > last_byte)
    throw parse_failure{ec::unsupported_format,
                        "the document is of Word 6 or 95 in Chinese, Japanese or Korean; open it "
                        "with Word or LibreOffice and save it as DOCX"};
  const auto [known, is_new] = charsets_.try_emplace(charset);
  auto& characters = known->second;
  if (is_new) {
    for (std::size_t i = 0; i < characters.size(); ++i) {
      // The space ends a letter that might go on with an accent.
      const std::string bytes{static_cast<char>(first_beyond_ascii + i), ' '};
      const auto text = convert_charset(bytes, std::string{charset});
      characters[i] = text && !text->empty() ? first_code_point(*text) : replacement;
    }
  }
  return characters[byte - first_beyond_ascii];
}

/// Pictures, note references and their like have no text; fields' marks come this way as well.
int doc_walker::on_special(wvParseStruct* parser, U16 character, CHP*) {
  if (character < mark::field_begin || character > mark::field_end) return 0;
  return guarded(parser, [&](doc_walker& self) { self.take(character); });
}

int doc_walker::on_document(wvParseStruct*, wvTag) {
  return 0;
}

std::uint8_t doc_walker::heading_level_of(const STD& style) {
  if (style.sti >= first_heading_style && style.sti <= last_heading_style)
    return static_cast<std::uint8_t>(std::min<unsigned>(style.sti, deepest_heading));
  if (style.xstzName == nullptr) return 0;
  return static_cast<std::uint8_t>(
      std::min<int>(heading_level_of_style_name(lower_case(style.xstzName)), deepest_heading));
}

paragraph_role doc_walker::role_of(const PAP& properties) const {
  unsigned at = properties.istd;
  for (int i = 0; i < max_base_styles && parser_.stsh.std != nullptr; ++i) {
    if (at == no_style || at >= parser_.stsh.Stshi.cstd) break;
    const auto& style = parser_.stsh.std[at];
    if (style.sti == title_style) return {element_kind::title, 1};
    if (const auto level = heading_level_of(style); level > 0)
      return {element_kind::heading, level};
    at = style.istdBase;
  }
  if (properties.ilfo > 0)
    return {element_kind::list_item, static_cast<std::uint8_t>(properties.ilvl + 1)};
  return {};
}

void doc_walker::begin_paragraph(const PAP& properties) {
  const bool in_table = properties.fInTable != 0;
  if (in_table_ && !in_table) end_table();
  in_table_ = in_table;
  ends_row_ = properties.fTtp != 0;
  role_ = role_of(properties);
}

void doc_walker::end_paragraph() {
  if (in_table_) {
    if (!ends_in_cell_mark_) {
      text_ += '\n';
    } else if (ends_row_) {
      rows_.push_back(std::exchange(row_, {}));
      text_.clear();
    } else {
      end_cell();
    }
  } else {
    out_.add(role_.kind, text_, role_.level);
    text_.clear();
  }
  ends_in_cell_mark_ = false;
}

void doc_walker::end_cell() {
  row_.push_back(std::exchange(text_, {}));
}

void doc_walker::end_table() {
  if (!trim(text_).empty()) end_cell();
  if (!row_.empty()) rows_.push_back(std::exchange(row_, {}));
  text_.clear();
  out_.add(element_kind::table, markdown_table(rows_));
  rows_.clear();
}

/// Headers and comments, by where their characters are counted (MS-DOC 2.4.1).
bool doc_walker::is_left_out() const {
  const auto& f = parser_.fib;
  const auto length = [](S32 count) { return static_cast<std::uint64_t>(std::max<S32>(count, 0)); };
  const std::uint64_t at = parser_.currentcp;
  const auto headers = f.ccpText + length(f.ccpFtn);
  const auto comments = headers + length(f.ccpHdr) + length(f.ccpMcr);
  const auto endnotes = comments + length(f.ccpAtn);
  const auto header_boxes = endnotes + length(f.ccpEdn) + length(f.ccpTxbx);
  return (at >= headers && at < endnotes) || at >= header_boxes;
}

void doc_walker::take(char32_t character) {
  if (is_left_out() || take_mark(character) || is_hidden_) return;
  if (is_high_surrogate(character)) {
    high_surrogate_ = character;
    return;
  }
  if (is_low_surrogate(character)) {
    if (high_surrogate_ != 0)
      append(0x10000 + ((high_surrogate_ - 0xD800) << 10) + (character - 0xDC00));
    high_surrogate_ = 0;
    return;
  }
  high_surrogate_ = 0;
  append(character);
}

/// True where the character was no text.
bool doc_walker::take_mark(char32_t character) {
  switch (character) {
    case mark::cell_or_row:
      ends_in_cell_mark_ = in_table_;
      return true;
    case mark::page_or_section:
    case mark::column:
    case mark::paragraph:
    case mark::hyphen_that_may_break:
      return true;
    case mark::field_begin:
      if (fields_.size() < max_field_depth)
        fields_.emplace_back();
      else
        ++ignored_fields_;
      return true;
    case mark::field_separator:
      end_instruction();
      return true;
    case mark::field_end:
      end_field();
      return true;
    default:
      return false;
  }
}

void doc_walker::end_instruction() {
  if (fields_.empty() || ignored_fields_ > 0) return;
  auto& open = fields_.back();
  if (open.in_instruction) out_.add_link(link_in(open.instruction));
  open.in_instruction = false;
}

void doc_walker::end_field() {
  if (ignored_fields_ > 0)
    --ignored_fields_;
  else if (!fields_.empty())
    fields_.pop_back();
}

void doc_walker::append(char32_t character) {
  if (character == mark::line) character = '\n';
  if (character == mark::hyphen_that_stays) character = '-';
  if (character == symbol_bullet) character = U'•';
  if (character < ' ' && character != mark::tab && character != '\n') return;
  // Fonts of symbols: the numbers mean nothing outside of them.
  if (character >= first_private && character <= last_private) return;
  const auto instruction =
      std::find_if(fields_.begin(), fields_.end(), [](const field& f) { return f.in_instruction; });
  if (instruction == fields_.end())
    append_code_point(text_, character);
  else if (instruction->instruction.size() < max_instruction_bytes)
    append_code_point(instruction->instruction, character);
}

}  // namespace millrace::parsers
