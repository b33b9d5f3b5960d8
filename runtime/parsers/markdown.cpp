// Markdown in GitHub's dialect (md4c): headings, paragraphs, lists, code, tables, images; HTML
// inside it is read as HTML. Front matter is no content: only its title is kept.
#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include <md4c.h>

#include "runtime/parsers/data_url.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/html_tree.hpp"
#include "runtime/parsers/html_walker.hpp"
#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/markdown_table.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_front_matter_bytes = 64 * 1024;

/// Removes front matter (`---` ... `---`) from the start of `text` and keeps its title.
std::string_view without_front_matter(std::string_view text, document_builder& out) {
  auto rest = text;
  if (rest.empty() || trim(take_line(rest)) != "---") return text;
  const auto start = rest;
  std::string_view title;
  while (!rest.empty() && start.size() - rest.size() < max_front_matter_bytes) {
    const auto line = trim(take_line(rest));
    if (line == "---" || line == "...") {
      if (title.size() >= 2 && (title[0] == '"' || title[0] == '\'') && title.back() == title[0])
        title = title.substr(1, title.size() - 2);
      out.set_title(title);
      return rest;
    }
    if (starts_with_ignoring_case(line, "title:")) title = trim(line.substr(6));
  }
  return text;  // Never closed: a rule, not front matter.
}

/// "&eacute;" as text. gumbo knows all of HTML's names.
std::string decode_entity(std::string_view entity) {
  const html_tree tree{entity};
  return flat_text(tree.root());
}

class markdown_reader {
 public:
  explicit markdown_reader(document_builder& out) : out_{out} {}

  void enter(MD_BLOCKTYPE type, const void* detail) {
    flush_paragraph();  // A tight list item's text ends where a block inside the item starts.
    switch (type) {
      case MD_BLOCK_UL:
      case MD_BLOCK_OL:
        ++list_level_;
        break;
      case MD_BLOCK_LI:
        item_open_ = true;
        break;
      case MD_BLOCK_H:
        heading_level_ =
            static_cast<std::uint8_t>(static_cast<const MD_BLOCK_H_DETAIL*>(detail)->level);
        break;
      case MD_BLOCK_TABLE:
        rows_.clear();
        break;
      case MD_BLOCK_TR:
        rows_.emplace_back();
        break;
      default:
        break;
    }
  }

  void leave(MD_BLOCKTYPE type) {
    switch (type) {
      case MD_BLOCK_UL:
      case MD_BLOCK_OL:
        --list_level_;
        break;
      case MD_BLOCK_LI:
        flush_paragraph();
        item_open_ = false;
        break;
      case MD_BLOCK_P:
        flush_paragraph();
        break;
      case MD_BLOCK_H:
        out_.add(element_kind::heading, text_, heading_level_);
        break;
      case MD_BLOCK_CODE:
        out_.add(element_kind::code, text_);
        break;
      case MD_BLOCK_HTML:
        read_html();
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        rows_.back().push_back(text_);
        break;
      case MD_BLOCK_TABLE:
        out_.add(element_kind::table, markdown_table(rows_));
        break;
      default:
        return;
    }
    text_.clear();
    flush_images();
  }

  void enter(MD_SPANTYPE type, const void* detail) {
    if (type == MD_SPAN_A) {
      const auto& target = static_cast<const MD_SPAN_A_DETAIL*>(detail)->href;
      if (target.size > 0 && target.text[0] != '#') out_.add_link({target.text, target.size});
    }
    if (type != MD_SPAN_IMG) return;
    const auto& source = static_cast<const MD_SPAN_IMG_DETAIL*>(detail)->src;
    // A copy: a target with entities lives only as long as this call.
    image_source_.assign(source.size > 0 ? source.text : "", source.size);
    image_text_.clear();
    ++image_depth_;
  }

  void leave(MD_SPANTYPE type) {
    if (type != MD_SPAN_IMG || --image_depth_ > 0) return;
    image_info info;
    if (const auto bytes = decode_data_url(image_source_); bytes && !bytes->empty()) {
      info = describe_image(*bytes);
      info.source = data_url_source(info.sha256);
    }
    images_.push_back({image_text_, std::move(info)});
  }

  void text(MD_TEXTTYPE type, std::string_view piece) {
    auto& to = image_depth_ > 0 ? image_text_ : text_;
    switch (type) {
      case MD_TEXT_BR:
        to.push_back('\n');
        break;
      case MD_TEXT_SOFTBR:
        to.push_back(' ');
        break;
      case MD_TEXT_NULLCHAR:
        break;
      case MD_TEXT_ENTITY:
        to += decode_entity(piece);
        break;
      case MD_TEXT_HTML:
        // Tags inside a paragraph say nothing, but for the line break; a block of HTML is read when
        // it ends.
        if (in_html_block_)
          to += piece;
        else if (starts_with_ignoring_case(piece, "<br"))
          to.push_back('\n');
        break;
      default:
        to += piece;
    }
  }

  void set_html_block(bool inside) { in_html_block_ = inside; }

 private:
  struct pending_image {
    std::string text;
    image_info info;
  };

  /// Text of a tight list item comes without a paragraph around it.
  void flush_paragraph() {
    if (trim(text_).empty()) {
      text_.clear();
    } else if (item_open_ && list_level_ > 0) {
      out_.add(element_kind::list_item, text_,
               static_cast<std::uint8_t>(std::min(list_level_, 255)));
      item_open_ = false;
    } else {
      out_.add(element_kind::paragraph, text_);
    }
    text_.clear();
    flush_images();
  }

  void flush_images() {
    for (auto& image : images_) out_.add_image(collapse(image.text), std::move(image.info));
    images_.clear();
  }

  void read_html() {
    if (trim(text_).empty()) return;
    const html_tree tree{text_};
    html_walker{out_}.walk_piece(tree.root());
  }

  document_builder& out_;
  std::string text_;
  std::vector<table_row> rows_;
  std::vector<pending_image> images_;
  std::string image_text_;
  std::string image_source_;
  int image_depth_ = 0;
  int list_level_ = 0;
  bool item_open_ = false;  ///< The next text is the first of a list item.
  bool in_html_block_ = false;
  std::uint8_t heading_level_ = 1;
};

/// What md4c's callbacks share. An exception may not pass through its C frames: it is kept, and
/// md4c told to stop.
struct session {
  markdown_reader reader;
  std::exception_ptr problem;

  template <class Function>
  int guarded(Function function) noexcept {
    try {
      function();
      return 0;
    } catch (...) {
      problem = std::current_exception();
      return -1;
    }
  }
};

session& session_of(void* context) {
  return *static_cast<session*>(context);
}

MD_PARSER make_parser() {
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS |
                 MD_FLAG_PERMISSIVEATXHEADERS | MD_FLAG_PERMISSIVEURLAUTOLINKS;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* context) {
    return session_of(context).guarded([&] {
      session_of(context).reader.enter(type, detail);
      if (type == MD_BLOCK_HTML) session_of(context).reader.set_html_block(true);
    });
  };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* context) {
    return session_of(context).guarded([&] {
      if (type == MD_BLOCK_HTML) session_of(context).reader.set_html_block(false);
      session_of(context).reader.leave(type);
    });
  };
  parser.enter_span = [](MD_SPANTYPE type, void* detail, void* context) {
    return session_of(context).guarded([&] { session_of(context).reader.enter(type, detail); });
  };
  parser.leave_span = [](MD_SPANTYPE type, void*, void* context) {
    return session_of(context).guarded([&] { session_of(context).reader.leave(type); });
  };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* context) {
    return session_of(context).guarded([&] {
      session_of(context).reader.text(type, {text, size});
    });
  };
  return parser;
}

}  // namespace

void parse_markdown(const parse_input& in, document_builder& out) {
  const auto body = without_front_matter(in.text, out);
  if (body.size() >= std::numeric_limits<MD_SIZE>::max())
    throw parse_failure{ec::limit_exceeded, "the Markdown file is over 4 GiB; split it"};
  const auto parser = make_parser();
  session s{markdown_reader{out}, nullptr};
  const auto status = md_parse(body.data(), static_cast<MD_SIZE>(body.size()), &parser, &s);
  if (s.problem) std::rethrow_exception(s.problem);
  if (status != 0) throw std::bad_alloc{};  // md4c's only failure of its own.
}

}  // namespace millrace::parsers
