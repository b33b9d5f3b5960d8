// PowerPoint 97-2003 presentations: slides in their order, each a page. A slide's title comes
// first, then its shapes' text, then its notes. No Debian library reads this format; libgsf opens
// the container, and of the records in it only those of text are looked at (MS-PPT).
#include <map>
#include <vector>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/ole_file.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/ppt_records.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_ppt_slides = 100'000;
constexpr std::uint32_t max_record_depth = 64;
/// Looked at in a presentation; a slide that is listed twice counts twice.
constexpr std::uint64_t max_records = 50'000'000;

/// In "Current User", of encrypted presentations.
constexpr std::uint32_t encrypted_token = 0xF3D1C4DF;

/// What a text is (MS-PPT 2.13.33).
namespace text_kind {
constexpr std::uint32_t title = 0;
constexpr std::uint32_t body = 1;
constexpr std::uint32_t notes = 2;
constexpr std::uint32_t other = 4;
constexpr std::uint32_t title_of_deck = 6;
constexpr std::uint32_t half_body = 7;
constexpr std::uint32_t quarter_body = 8;
}  // namespace text_kind

/// Instances of slide_list.
constexpr std::uint16_t list_of_slides = 0;
constexpr std::uint16_t list_of_notes = 2;

struct slide_text {
  std::uint32_t kind = text_kind::other;
  std::string text;
};

struct slide_entry {
  std::uint32_t part = 0;
  std::vector<slide_text> outline;  ///< Texts that the slide's shapes refer to by number.
};

class ppt_reader {
 public:
  ppt_reader(const parse_input& in, document_builder& out)
      : in_{in}, out_{out}, file_{in.bytes, "PowerPoint"} {}

  void read() {
    file_.add_properties(out_);
    const auto user = file_.read_stream("Current User");
    const auto stream = file_.read_stream("PowerPoint Document");
    if (user && ppt_number(*user, 12) == encrypted_token) fail_encrypted();
    if (!user || !stream) fail_damaged();
    const ppt_parts parts{*stream, ppt_number(*user, 16)};
    if (parts.is_encrypted()) fail_encrypted();
    const auto document = parts.document();
    if (!document || document->type != ppt_type::document) fail_damaged();
    read_document(*document);
    std::uint32_t number = 0;
    std::size_t lost = 0;
    for (const auto& slide : slides_) {
      out_.set_page(++number);
      if (!read_slide(parts, slide)) ++lost;
      if (in_.progress) in_.progress(number);
    }
    out_.set_page_count(number);
    if (lost > 0 && lost == slides_.size()) fail_damaged();
    if (lost > 0)
      out_.warn(ec::partly_read,
                std::to_string(lost) +
                    " slides are damaged and were left out; open the presentation with PowerPoint "
                    "and save it again");
  }

 private:
  [[noreturn]] static void fail_encrypted() {
    throw parse_failure{ec::encrypted_document,
                        "the PowerPoint presentation is protected by a password; remove its "
                        "password and submit it again"};
  }
  [[noreturn]] static void fail_damaged() {
    throw parse_failure{ec::malformed_document,
                        "the PowerPoint presentation is cut off or damaged; get a complete copy of "
                        "it, or open it with PowerPoint and save it again"};
  }

  /// Cuts the next record off, within the budget of records.
  std::optional<ppt_record> next(std::string_view& rest) {
    if (++records_ > max_records)
      throw parse_failure{ec::limit_exceeded, "the presentation has more than " +
                                                  std::to_string(max_records) +
                                                  " records; split it into smaller presentations"};
    return take_ppt_record(rest);
  }

  void read_document(const ppt_record& document) {
    auto rest = document.data;
    while (const auto record = next(rest)) {
      if (record->type == ppt_type::slide_list && record->instance == list_of_slides)
        read_slide_list(record->data);
      if (record->type == ppt_type::slide_list && record->instance == list_of_notes)
        read_notes_list(record->data);
      if (record->type == ppt_type::external_objects) read_links(record->data);
    }
  }

  void read_slide_list(std::string_view rest) {
    while (const auto record = next(rest)) {
      if (record->type == ppt_type::slide_persist_atom) {
        if (slides_.size() == max_ppt_slides)
          throw parse_failure{ec::limit_exceeded,
                              "the presentation has more than " + std::to_string(max_ppt_slides) +
                                  " slides; split it into smaller presentations"};
        slides_.push_back({ppt_number(record->data, 0), {}});
      }
      if (!slides_.empty()) take_text(*record, slides_.back().outline);
    }
  }

  void read_notes_list(std::string_view rest) {
    while (const auto record = next(rest))
      if (record->type == ppt_type::slide_persist_atom)
        notes_[ppt_number(record->data, 12)] = ppt_number(record->data, 0);
  }

  void read_links(std::string_view rest) {
    constexpr std::uint16_t target = 1;  // 0 is what is shown
    while (const auto object = next(rest)) {
      if (object->type != ppt_type::external_link) continue;
      auto inside = object->data;
      while (const auto record = next(inside))
        if (record->type == ppt_type::string && record->instance == target)
          out_.add_link(ppt_text(*record));
    }
  }

  static void take_text(const ppt_record& record, std::vector<slide_text>& texts) {
    if (record.type == ppt_type::text_header) texts.push_back({ppt_number(record.data, 0), {}});
    if (record.type != ppt_type::text_characters && record.type != ppt_type::text_bytes) return;
    if (texts.empty()) texts.emplace_back();
    texts.back().text += ppt_text(record);
  }

  bool read_slide(const ppt_parts& parts, const slide_entry& slide) {
    const auto record = parts.find(slide.part);
    if (!record || record->type != ppt_type::slide) return false;
    std::vector<slide_text> texts;
    collected_bytes_ = 0;
    collect_texts(record->data, slide.outline, 0, texts);
    add_texts(texts);
    auto rest = record->data;
    while (const auto child = next(rest))
      if (child->type == ppt_type::slide_atom) read_notes(parts, ppt_number(child->data, 16));
    return true;
  }

  void add_texts(const std::vector<slide_text>& texts) {
    const auto is_title = [](const slide_text& t) {
      return t.kind == text_kind::title || t.kind == text_kind::title_of_deck;
    };
    for (const auto& t : texts)
      if (is_title(t))
        out_.add(element_kind::heading, collapse(t.text),
                 t.kind == text_kind::title_of_deck ? 1 : 2);
    for (const auto& t : texts)
      if (!is_title(t)) add_paragraphs(t);
  }

  void add_paragraphs(const slide_text& t) {
    const bool is_list = t.kind == text_kind::body || t.kind == text_kind::half_body ||
                         t.kind == text_kind::quarter_body;
    std::string_view rest = t.text;
    while (!rest.empty())
      out_.add(is_list ? element_kind::list_item : element_kind::paragraph,
               collapse(take_line(rest)), is_list ? 1 : 0);
  }

  /// What the speaker says; the page of notes repeats the slide's picture, number and date.
  void read_notes(const ppt_parts& parts, std::uint32_t identifier) {
    const auto at = notes_.find(identifier);
    if (identifier == 0 || at == notes_.end()) return;
    const auto record = parts.find(at->second);
    if (!record || record->type != ppt_type::notes) return;
    std::vector<slide_text> texts;
    collected_bytes_ = 0;
    collect_texts(record->data, {}, 0, texts);
    for (const auto& t : texts)
      if (t.kind == text_kind::notes) add_paragraphs(t);
  }

  /// Those of shapes, in the order in which they are drawn. A shape has its text or names one of
  /// the outline.
  void collect_texts(std::string_view rest, const std::vector<slide_text>& outline,
                     std::uint32_t depth, std::vector<slide_text>& texts) {
    if (depth > max_record_depth)
      throw parse_failure{ec::limit_exceeded, "the presentation's records are nested more than " +
                                                  std::to_string(max_record_depth) +
                                                  " deep; save it again with PowerPoint"};
    while (const auto record = next(rest)) {
      if (record->type == ppt_type::art_text_box)
        read_text_box(record->data, outline, texts);
      else if (record->is_container)
        collect_texts(record->data, outline, depth + 1, texts);
    }
  }

  void read_text_box(std::string_view rest, const std::vector<slide_text>& outline,
                     std::vector<slide_text>& texts) {
    std::vector<slide_text> own;
    while (const auto record = next(rest)) {
      take_text(*record, own);
      const auto number = ppt_number(record->data, 0);
      if (record->type == ppt_type::outline_text_reference && number < outline.size()) {
        count_text(outline[number].text);
        texts.push_back(outline[number]);
      }
    }
    for (auto& t : own) {
      count_text(t.text);
      texts.push_back(std::move(t));
    }
  }

  /// A slide may name the same text of the outline again and again.
  void count_text(std::string_view text) {
    collected_bytes_ += text.size();
    if (collected_bytes_ > in_.limits.max_text_bytes)
      throw parse_failure{ec::limit_exceeded, "a slide of the presentation has more than " +
                                                  std::to_string(in_.limits.max_text_bytes) +
                                                  " bytes of text; split it into several"};
  }

  const parse_input& in_;
  document_builder& out_;
  ole_file file_;
  std::vector<slide_entry> slides_;
  std::map<std::uint32_t, std::uint32_t> notes_;  ///< Parts by the identifiers of notes.
  std::uint64_t records_ = 0;
  std::uint64_t collected_bytes_ = 0;  ///< Of text, from the slide or the notes being read.
};

}  // namespace

void parse_ppt(const parse_input& in, document_builder& out) {
  ppt_reader{in, out}.read();
}

}  // namespace millrace::parsers
