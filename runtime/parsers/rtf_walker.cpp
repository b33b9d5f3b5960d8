#include "runtime/parsers/rtf_walker.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "runtime/parsers/charset.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/rtf_charset.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_picture_bytes = 64 << 20;
/// Of a property or a field's instruction; what is longer is cut.
constexpr std::size_t max_value_bytes = 4096;
/// Those beyond are in the document's own character set; a document has hundreds.
constexpr std::size_t max_fonts = 65'536;

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

/// Bytes in a font of symbols are icons, of which the bullet alone has a meaning without its font.
std::string symbols_as_text(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (static_cast<unsigned char>(c) == 0xB7)
      out += "•";
    else if (static_cast<unsigned char>(c) < 0x80)
      out += c;
  }
  return out;
}

/// Characters that have a control word; null where there is none.
const char* character_of(std::string_view word) {
  static const std::unordered_map<std::string_view, const char*> characters{
      {"emdash", "—"},  {"endash", "–"},    {"bullet", "•"},    {"lquote", "‘"},
      {"rquote", "’"},  {"ldblquote", "“"}, {"rdblquote", "”"}, {"emspace", " "},
      {"enspace", " "}, {"qmspace", " "},   {"tab", " "},       {"nestcell", " "},
      {"line", "\n"},   {"lbr", "\n"},      {"nestrow", "\n"}};
  const auto at = characters.find(word);
  return at == characters.end() ? nullptr : at->second;
}

std::string padded(int number, std::size_t width) {
  auto text = std::to_string(number);
  return std::string(width - std::min(width, text.size()), '0') + text;
}

std::optional<std::string> convert_or_none(const std::string& bytes, const std::string& charset) {
  return charset.empty() ? std::nullopt : convert_charset(bytes, charset);
}

}  // namespace

void rtf_walker::walk() {
  const auto breaks_pages = [&](std::string_view word) {
    for (auto at = in_.bytes.find(word); at != std::string_view::npos;
         at = in_.bytes.find(word, at + 1)) {
      const auto after = in_.bytes.substr(at + word.size(), 1);
      if (after.empty() || !is_alpha(after[0])) return true;
    }
    return false;
  };
  page_ = breaks_pages("\\page") || breaks_pages("\\pagebb") ? 1 : 0;
  out_.set_page(page_);
  rtf_reader reader{in_.bytes};
  for (auto token = reader.next(); token.kind != rtf_token::type::end; token = reader.next())
    take(token);
  flush_bytes();
  const bool is_cut_off = groups_.size() > 1;
  while (groups_.size() > 1) close_group();
  end_paragraph();
  flush_table();
  out_.set_page_count(page_);
  if (is_cut_off)
    out_.warn(ec::partly_read,
              "the document was cut off; what is left of it was read: get a complete copy of it");
}

void rtf_walker::take(const rtf_token& token) {
  using type = rtf_token::type;
  const bool is_text = token.kind == type::text || token.kind == type::byte;
  if (!is_text) {
    flush_bytes();
    skip_ = 0;
  }
  switch (token.kind) {
    case type::group_start:
      open_group();
      break;
    case type::group_end:
      close_group();
      break;
    case type::word:
      take_word(token);
      break;
    case type::symbol:
      take_symbol(token);
      break;
    case type::byte:
      take_bytes({&token.byte, 1});
      break;
    case type::text:
      take_bytes(token.text);
      break;
    case type::binary:
      if (top().to == destination::picture &&
          picture_.size() + token.text.size() <= max_picture_bytes)
        picture_.append(token.text);
      break;
    case type::end:
      break;
  }
  if (token.kind != type::symbol) starred_ = false;
}

// --- Groups and destinations ---

void rtf_walker::open_group() {
  if (groups_.size() > in_.limits.max_depth)
    throw parse_failure{ec::limit_exceeded, "the document nests its groups deeper than " +
                                                std::to_string(in_.limits.max_depth) +
                                                " levels; save it again with its own application"};
  if (top().to == destination::styles) {
    style_ = {};
    style_number_ = 0;
    value_.clear();
  }
  groups_.push_back(top());
  top().opens = false;
}

void rtf_walker::close_group() {
  if (groups_.size() == 1) return;  // One brace too many.
  const auto closed = top();
  if (groups_.size() == 2) end_paragraph();  // The document's own: its end is a paragraph's.
  if (closed.opens) {
    leave(closed);
  } else if (closed.to == destination::styles) {
    finish_style();
  }
  groups_.pop_back();
}

void rtf_walker::enter(destination to, std::string_view name) {
  top().to = to;
  top().opens = true;
  top().name = name;
  if (to == destination::value) value_.clear();
  if (to == destination::instruction) instruction_.clear();
  if (to == destination::list_text) has_list_text_ = true;
  if (to == destination::date) std::fill(std::begin(date_), std::end(date_), 0);
  if (to == destination::aside) {
    texts_.emplace_back();
    top().style = 0;
    top().outline_level = -1;
    top().list = 0;
    top().in_table = false;
    top().breaks_page = false;
  }
  if (to == destination::picture) {
    picture_.clear();
    picture_mime_.clear();
    half_byte_ = -1;
  }
}

void rtf_walker::leave(const group& closed) {
  switch (closed.to) {
    case destination::aside:
      end_paragraph();
      texts_.pop_back();
      break;
    case destination::picture:
      finish_picture();
      break;
    case destination::instruction:
      finish_link();
      break;
    case destination::value:
      finish_property(closed.name);
      break;
    case destination::date:
      if (date_[0] > 0)
        out_.add_property(closed.name, padded(date_[0], 4) + '-' + padded(date_[1], 2) + '-' +
                                           padded(date_[2], 2) + 'T' + padded(date_[3], 2) + ':' +
                                           padded(date_[4], 2) + ":00");
      break;
    default:
      break;
  }
}

bool rtf_walker::take_destination(const rtf_token& token) {
  using d = destination;
  static const std::unordered_map<std::string_view, d> destinations{
      {"fonttbl", d::fonts},        {"stylesheet", d::styles},   {"info", d::info},
      {"pict", d::picture},         {"fldinst", d::instruction}, {"listtext", d::list_text},
      {"pntext", d::list_text},     {"footnote", d::aside},      {"annotation", d::aside},
      {"shptxt", d::aside},         {"shppict", d::body},        {"shpinst", d::properties},
      {"picprop", d::properties},   {"sp", d::properties},       {"moMath", d::body},
      {"moMathPara", d::body},      {"colortbl", d::skipped},    {"header", d::skipped},
      {"headerl", d::skipped},      {"headerr", d::skipped},     {"headerf", d::skipped},
      {"footer", d::skipped},       {"footerl", d::skipped},     {"footerr", d::skipped},
      {"footerf", d::skipped},      {"nonshppict", d::skipped},  {"shprslt", d::skipped},
      {"filetbl", d::skipped},      {"xe", d::skipped},          {"tc", d::skipped},
      {"ftnsep", d::skipped},       {"ftnsepc", d::skipped},     {"ftncn", d::skipped},
      {"aftnsep", d::skipped},      {"aftnsepc", d::skipped},    {"aftncn", d::skipped},
      {"nonesttables", d::skipped}, {"objdata", d::skipped},     {"objclass", d::skipped},
      {"private1", d::skipped},     {"pntxta", d::skipped},      {"pntxtb", d::skipped},
      {"mmathPict", d::skipped},    {"revtbl", d::skipped},      {"listtable", d::skipped},
      {"bkmkstart", d::skipped},    {"bkmkend", d::skipped},     {"template", d::skipped}};
  const auto in = top().to;
  const auto word = token.text;
  if (in == d::info) {
    for (const auto name : {"title", "author", "subject", "keywords", "doccomm"})
      if (word == name) return enter(d::value, word), true;
    if (word == "creatim") return enter(d::date, "created"), true;
    if (word == "revtim") return enter(d::date, "modified"), true;
  }
  if ((word == "sn" || word == "sv") && in == d::properties) return enter(d::value, word), true;
  const auto at = destinations.find(word);
  if (at != destinations.end()) {
    if (at->second != d::picture || in_.limits.images)
      enter(at->second);
    else
      enter(d::skipped);
    return true;
  }
  if (starred_) enter(d::skipped);
  return starred_;
}

// --- Control words ---

void rtf_walker::take_word(const rtf_token& token) {
  if (top().to == destination::skipped || take_destination(token)) return;
  switch (top().to) {
    case destination::fonts:
      if (token.text == "f") font_ = token.number;
      if (charsets_.size() >= max_fonts) break;
      if (token.text == "fcharset") charsets_[font_] = charset_of_font(token.number);
      if (token.text == "cpg") charsets_[font_] = charset_of_code_page(token.number);
      break;
    case destination::styles:
      take_style_word(token);
      break;
    case destination::date:
      take_date_word(token);
      break;
    case destination::picture:
      if (token.text == "wmetafile") picture_mime_ = "image/wmf";
      break;
    default:
      if (take_character_word(token) || take_paragraph_word(token)) return;
      take_table_word(token);
  }
}

void rtf_walker::take_style_word(const rtf_token& token) {
  if (token.text == "s") style_number_ = token.number;
  if (token.text == "sbasedon") style_.based_on = token.number;
  if (token.text == "outlinelevel") style_.outline_level = token.number;
  if (token.text == "u") take_code_unit(token.number);
}

void rtf_walker::take_date_word(const rtf_token& token) {
  constexpr std::array<std::string_view, 5> words{"yr", "mo", "dy", "hr", "min"};
  for (std::size_t i = 0; i < words.size(); ++i)
    if (token.text == words[i]) date_[i] = std::clamp(token.number, 0, 9999);
}

/// What stands for a character, and what changes how bytes become characters.
bool rtf_walker::take_character_word(const rtf_token& token) {
  const auto word = token.text;
  const bool on = !token.has_number || token.number != 0;
  if (const auto* character = character_of(word))
    append(character);
  else if (word == "u")
    take_code_unit(token.number);
  else if (word == "uc")
    top().unicode_fallback = std::clamp(token.number, 0, 100);
  else if (word == "f")
    top().font = token.number;
  else if (word == "plain")
    top().font = -1, top().is_hidden = false;
  else if (word == "v")
    top().is_hidden = on;
  else if (word == "deleted")
    top().is_deleted = on;
  else if (word == "deff")
    default_font_ = token.number;
  else if (word == "ansicpg")
    default_charset_ = charset_of_code_page(token.number);
  else if (word == "mac")
    default_charset_ = "MACINTOSH";
  else if (word == "pc")
    default_charset_ = "CP437";
  else if (word == "pca")
    default_charset_ = "CP850";
  else
    return false;
  return true;
}

bool rtf_walker::take_paragraph_word(const rtf_token& token) {
  const auto word = token.text;
  auto& g = top();
  if (word == "par" || word == "sect" || word == "column") {
    end_paragraph();
  } else if (word == "page") {
    end_paragraph();
    break_page();
  } else if (word == "pard") {
    g.style = g.list = g.list_level = 0;
    g.outline_level = -1;
    g.in_table = g.breaks_page = false;
  } else if (word == "s") {
    g.style = token.number;
  } else if (word == "outlinelevel") {
    g.outline_level = token.number;
  } else if (word == "ls") {
    g.list = token.number;
  } else if (word == "ilvl") {
    g.list_level = std::clamp(token.number, 0, 8);
  } else if (word == "pagebb") {
    g.breaks_page = !token.has_number || token.number != 0;
  } else {
    return false;
  }
  return true;
}

bool rtf_walker::take_table_word(const rtf_token& token) {
  const auto word = token.text;
  if (word == "intbl") {
    top().in_table = true;
  } else if (word == "cell") {
    end_cell();
  } else if (word == "row") {
    end_row();
  } else if (word == "trowd") {
    continues_above_.clear();
    next_cell_continues_ = false;
  } else if (word == "clvmrg") {
    next_cell_continues_ = true;
  } else if (word == "cellx") {
    continues_above_.push_back(std::exchange(next_cell_continues_, false));
  } else {
    return false;
  }
  return true;
}

void rtf_walker::take_symbol(const rtf_token& token) {
  if (top().to == destination::skipped) return;
  const char c = token.text.empty() ? '\0' : token.text[0];
  starred_ = c == '*';
  if (c == '\\' || c == '{' || c == '}')
    append(token.text);
  else if (c == '~')
    append(" ");
  else if (c == '_')
    append("-");
  else if (c == '\r' || c == '\n')
    end_paragraph();
  else if (c == '\t')
    append(" ");
}

// --- Text ---

void rtf_walker::take_bytes(std::string_view bytes) {
  const auto passed_over = std::min(static_cast<std::size_t>(skip_), bytes.size());
  skip_ -= static_cast<int>(passed_over);
  bytes.remove_prefix(passed_over);
  switch (top().to) {
    case destination::skipped:
    case destination::properties:
    case destination::fonts:
    case destination::info:
    case destination::date:
    case destination::list_text:
      break;
    case destination::picture:
      add_digits(bytes);
      break;
    default:
      bytes_.append(bytes);
  }
}

void rtf_walker::add_digits(std::string_view hex) {
  for (const char c : hex) {
    const int value = is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10;
    if (value < 0 || value > 15 || picture_.size() >= max_picture_bytes) continue;
    if (half_byte_ < 0) {
      half_byte_ = value;
    } else {
      picture_.push_back(static_cast<char>(half_byte_ * 16 + value));
      half_byte_ = -1;
    }
  }
}

/// A signed number of 16 bits, of which two may make one character.
void rtf_walker::take_code_unit(std::int32_t number) {
  skip_ = top().unicode_fallback;
  const auto unit = static_cast<char32_t>(number < 0 ? number + 0x10000 : number);
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    high_surrogate_ = unit;
    return;
  }
  const auto high = std::exchange(high_surrogate_, char32_t{0});
  auto code_point = unit;
  if (unit >= 0xDC00 && unit <= 0xDFFF) {
    if (high == 0) return;
    code_point = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
  }
  if (code_point == 0xF0B7) code_point = U'•';
  const bool is_private = code_point >= 0xE000 && code_point <= 0xF8FF;
  if (code_point == 0 || code_point > 0x10FFFF || is_private) return;
  std::string text;
  append_code_point(text, code_point);
  append(text);
}

std::string rtf_walker::charset() const {
  const auto at = charsets_.find(top().font >= 0 ? top().font : default_font_);
  return at == charsets_.end() || at->second.empty() ? default_charset_ : at->second;
}

void rtf_walker::flush_bytes() {
  if (bytes_.empty()) return;
  const auto bytes = std::exchange(bytes_, {});
  const auto set = charset();
  if (set == "SYMBOL") return append(symbols_as_text(bytes));
  if (is_ascii(bytes)) return append(bytes);
  auto text = convert_or_none(bytes, set);
  if (!text) text = convert_charset(bytes, "CP1252");
  append(text.value_or(std::string{}));
}

void rtf_walker::append(std::string_view text) {
  const auto add_value = [&](std::string& value) {
    if (value.size() + text.size() <= max_value_bytes) value.append(text);
  };
  switch (top().to) {
    case destination::body:
    case destination::aside:
      if (!top().is_hidden && !top().is_deleted) texts_.back().append(text);
      break;
    case destination::styles:
    case destination::value:
      add_value(value_);
      break;
    case destination::instruction:
      add_value(instruction_);
      break;
    default:
      break;
  }
}

}  // namespace millrace::parsers
