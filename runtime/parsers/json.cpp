// JSON and JSON Lines.
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/parsers/data_tree.hpp"
#include "runtime/parsers/data_writer.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/json_stream.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Lines between two reports of progress.
constexpr std::size_t lines_per_piece = 1000;

/// Builds a tree from RapidJSON's events.
class tree_builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, tree_builder> {
 public:
  explicit tree_builder(data_tree& tree) : tree_{tree} {}

  bool Null() { return add(data_kind::scalar, {}); }
  bool Bool(bool value) { return add(data_kind::scalar, value ? "true" : "false"); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return add(data_kind::scalar, tree_.keep({text, size}));
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return add(data_kind::scalar, tree_.keep({text, size}));
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    key_ = tree_.keep({text, size});
    return true;
  }
  bool StartObject() { return open(data_kind::object); }
  bool StartArray() { return open(data_kind::array); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }

 private:
  bool add(data_kind kind, std::string_view text) {
    last_ = tree_.add(open_.empty() ? data_tree::no_parent : open_.back(), kind, key_, text);
    key_ = {};
    return true;
  }
  bool open(data_kind kind) {
    add(kind, {});
    open_.push_back(last_);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  data_tree& tree_;
  std::vector<std::uint32_t> open_;
  std::string_view key_;
  std::uint32_t last_ = 0;
};

bool read_json(std::string_view text, data_tree& tree) {
  view_stream stream{text};
  tree_builder builder{tree};
  rapidjson::Reader reader;
  return !reader.Parse<json_flags>(stream, builder).IsError();
}

}  // namespace

void parse_json(const parse_input& in, document_builder& out) {
  data_tree tree;
  if (!read_json(trim(in.text), tree))
    throw parse_failure{ec::malformed_document,
                        "the JSON is broken or cut off; get a complete copy"};
  data_writer{tree, out}.write_document();
}

void parse_json_lines(const parse_input& in, document_builder& out) {
  std::size_t number = 0;
  std::size_t broken = 0;
  std::size_t first_broken = 0;
  for (auto rest = in.text; !rest.empty();) {
    const auto line = trim(take_line(rest));
    ++number;
    if (in.progress && number % lines_per_piece == 0)
      in.progress(static_cast<std::uint32_t>(number / lines_per_piece));
    if (line.empty()) continue;
    data_tree tree;
    if (read_json(line, tree)) {
      data_writer{tree, out}.write_record();
      continue;
    }
    if (broken++ == 0) first_broken = number;
    out.add(element_kind::paragraph, line);
  }
  if (broken == 0) return;
  out.warn(ec::partly_read, std::to_string(broken) +
                                " lines are no valid JSON and were kept as plain text, the first "
                                "of them line " +
                                std::to_string(first_broken));
}

}  // namespace millrace::parsers
