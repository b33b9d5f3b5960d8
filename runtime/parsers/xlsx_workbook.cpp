#include "runtime/parsers/xlsx_workbook.hpp"

#include <charconv>
#include <map>

#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/xml_stream.hpp"

namespace millrace::parsers {

namespace {

std::uint32_t number_of(std::string_view text) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// xl/sharedStrings.xml: rich runs are joined, phonetic ones (furigana) left out.
class text_listener : public xml_listener {
 public:
  text_listener(std::string& texts, std::vector<std::size_t>& ends, std::uint64_t max_bytes)
      : texts_{texts}, ends_{ends}, max_bytes_{max_bytes} {}

  void start(std::string_view name, const xml_attributes&) override {
    if (name == "rPh") in_phonetic_ = true;
    in_text_ = name == "t" && !in_phonetic_;
  }
  void end(std::string_view name) override {
    in_text_ = false;
    if (name == "rPh") in_phonetic_ = false;
    if (name == "si") ends_.push_back(texts_.size());
  }
  void text(std::string_view piece) override {
    if (!in_text_) return;
    texts_ += piece;
    if (texts_.size() > max_bytes_)
      throw parse_failure{ec::limit_exceeded, "the workbook's cells hold more than " +
                                                  std::to_string(max_bytes_ >> 20) +
                                                  " MiB of text; split it into smaller workbooks"};
  }

 private:
  std::string& texts_;
  std::vector<std::size_t>& ends_;
  std::uint64_t max_bytes_;
  bool in_text_ = false;
  bool in_phonetic_ = false;
};

}  // namespace

xlsx_workbook::xlsx_workbook(ooxml_package& package, const parse_limits& limits) : limits_{limits} {
  const auto part = package.main_part("xl/workbook.xml");
  const auto xml = package.try_read_xml(part);
  if (!xml)
    throw parse_failure{ec::malformed_document,
                        "the Excel workbook lacks its list of sheets, or it is damaged; open it "
                        "with Excel and save it again"};
  relationships_ = package.relationships_of(part);
  const auto root = xml->tree.document_element();
  const auto from_1904 = attribute_named(child_named(root, "workbookPr"), "date1904");
  if (from_1904 == "1" || from_1904 == "true") dates_ = date_system::from_1904;
  for (const auto node : child_named(root, "sheets").children())
    if (local_name(node) == "sheet")
      sheets_.push_back({std::string{attribute_named(node, "name")},
                         relationships_.part(attribute_named(node, "id"))});
  read_styles(package);
  read_texts(package);
}

void xlsx_workbook::read_styles(ooxml_package& package) {
  const auto xml = package.try_read_xml(relationships_.part_of_kind("styles"));
  if (!xml) return;
  const auto root = xml->tree.document_element();
  std::map<std::uint32_t, std::string> codes;
  for (const auto node : child_named(root, "numFmts").children())
    codes[number_of(attribute_named(node, "numFmtId"))] = attribute_named(node, "formatCode");
  std::map<std::uint32_t, std::size_t> known;
  for (const auto style : child_named(root, "cellXfs").children()) {
    if (local_name(style) != "xf") continue;
    const auto id = number_of(attribute_named(style, "numFmtId"));
    const auto [at, is_new] = known.try_emplace(id, formats_.size());
    if (is_new) {
      const auto code = codes.find(id);
      formats_.emplace_back(code == codes.end() ? number_format::builtin_code(id) : code->second);
    }
    of_style_.push_back(at->second);
  }
}

void xlsx_workbook::read_texts(ooxml_package& package) {
  const auto part = relationships_.part_of_kind("sharedStrings");
  if (part.empty()) return;
  text_listener listener{texts_, text_ends_, limits_.max_text_bytes};
  if (stream_xml(package.zip(), part, limits_, listener) == stream_end::broken)
    package.note_damage(part);
}

std::string_view xlsx_workbook::shared_text(std::size_t index) const {
  if (index >= text_ends_.size()) return {};
  const auto begin = index == 0 ? 0 : text_ends_[index - 1];
  return std::string_view{texts_}.substr(begin, text_ends_[index] - begin);
}

const number_format& xlsx_workbook::format_of(std::size_t style) const {
  return style < of_style_.size() ? formats_[of_style_[style]] : general_;
}

}  // namespace millrace::parsers
