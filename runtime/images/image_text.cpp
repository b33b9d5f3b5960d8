#include "runtime/images/image_text.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace millrace {

namespace {

constexpr std::string_view page_source = "page:";
constexpr std::string_view paragraph_break = "\n\n";

void append_paragraphs(std::vector<element>& out, const element& image, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find(paragraph_break), text.size());
    if (end > 0)
      out.push_back({element_kind::paragraph, 0, image.page, std::string{text.substr(0, end)}, {}});
    text.remove_prefix(std::min(text.size(), end + paragraph_break.size()));
  }
}

}  // namespace

bool is_page_image(const image_info& image) {
  const auto at = image.source.rfind('/');
  return std::string_view{image.source}
      .substr(at == std::string::npos ? 0 : at + 1)
      .starts_with(page_source);
}

std::string join_image_text(std::string_view alternative, std::string_view read) {
  std::string text{alternative};
  if (!alternative.empty() && !read.empty()) text += '\n';
  return text.append(read);
}

void insert_image_texts(std::vector<element>& elements, const std::vector<image_record>& images) {
  if (images.empty()) return;
  std::unordered_map<std::string_view, std::string_view> texts;
  for (const auto& image : images) texts.emplace(image.info.sha256, image.text);
  std::vector<element> out;
  out.reserve(elements.size());
  for (auto& e : elements) {
    const auto known = e.kind == element_kind::image ? texts.find(e.image.sha256) : texts.end();
    if (known != texts.end() && is_page_image(e.image)) {
      append_paragraphs(out, e, known->second);
      continue;
    }
    if (known != texts.end()) e.text = known->second;
    out.push_back(std::move(e));
  }
  elements = std::move(out);
}

}  // namespace millrace
