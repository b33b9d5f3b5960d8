#include "runtime/extraction/render.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace millrace {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr int max_heading_level = 6;

void write(json_writer& json, std::string_view key, std::string_view value) {
  json.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void write(json_writer& json, std::string_view key, std::uint64_t value) {
  json.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  json.Uint64(value);
}

int level_of(const element& e) {
  return std::clamp<int>(e.level, 1, max_heading_level);
}

bool is_heading(const element& e) {
  return e.kind == element_kind::title || e.kind == element_kind::heading;
}

/// The headings that are open, outermost first.
class heading_path {
 public:
  /// Closes what `e` ends, when it is a heading; to be called before the path of `e` is asked for.
  void close_for(const element& e) {
    if (is_heading(e))
      while (!open_.empty() && level_of(*open_.back()) >= level_of(e)) open_.pop_back();
  }
  void open(const element& e) {
    if (is_heading(e)) open_.push_back(&e);
  }
  const std::vector<const element*>& elements() const { return open_; }

 private:
  std::vector<const element*> open_;
};

void write_image(json_writer& json, const image_info& image) {
  json.Key("image");
  json.StartObject();
  write(json, "sha256", image.sha256);
  write(json, "mime", image.mime);
  write(json, "width", image.width);
  write(json, "height", image.height);
  write(json, "size", image.size);
  json.EndObject();
}

void write_element(json_writer& json, const element& e, const heading_path& path) {
  json.StartObject();
  write(json, "kind", to_string(e.kind));
  write(json, "level", std::uint64_t{e.level});
  write(json, "page", std::uint64_t{e.page});
  json.Key("heading_path");
  json.StartArray();
  for (const auto* heading : path.elements())
    json.String(heading->text.data(), static_cast<rapidjson::SizeType>(heading->text.size()));
  json.EndArray();
  write(json, "text", e.text);
  if (e.kind == element_kind::image) write_image(json, e.image);
  json.EndObject();
}

std::string image_line(const element& e) {
  std::string line = "[image";
  if (!e.text.empty()) line += ": " + e.text;
  line += " (" + e.image.mime;
  if (e.image.width > 0)
    line += ", " + std::to_string(e.image.width) + "x" + std::to_string(e.image.height);
  return line + ")]";
}

std::string as_text(const element& e) {
  switch (e.kind) {
    case element_kind::title:
    case element_kind::heading:
      return std::string(static_cast<std::size_t>(level_of(e)), '#') + " " + e.text;
    case element_kind::list_item:
      return std::string(2 * static_cast<std::size_t>(std::max(0, e.level - 1)), ' ') + "- " +
             e.text;
    case element_kind::code:
      return "```\n" + e.text + "\n```";
    case element_kind::image:
      return image_line(e);
    case element_kind::page_break:
      return "[page break]";
    case element_kind::paragraph:
    case element_kind::table:
      break;
  }
  return e.text;
}

}  // namespace

std::string render_text(const extracted_document& document) {
  std::string out;
  const element* before = nullptr;
  for (const auto& e : document.elements) {
    const bool in_list = before != nullptr && before->kind == element_kind::list_item &&
                         e.kind == element_kind::list_item;
    if (before != nullptr && !in_list) out += '\n';
    out += as_text(e);
    out += '\n';
    before = &e;
  }
  return out;
}

static void write_properties(json_writer& json, const extracted_document& document) {
  json.Key("properties");
  json.StartObject();
  for (const auto& [name, value] : document.properties) write(json, name, value);
  json.EndObject();
  json.Key("links");
  json.StartArray();
  for (const auto& link : document.links) {
    json.StartObject();
    write(json, "page", std::uint64_t{link.page});
    write(json, "target", link.target);
    json.EndObject();
  }
  json.EndArray();
  if (document.warning.code == ec::none) return;
  json.Key("warning");
  json.StartObject();
  write(json, "code", to_string(document.warning.code));
  write(json, "message", document.warning.message);
  json.EndObject();
}

std::string render_json(const extracted_document& document) {
  rapidjson::StringBuffer buffer;
  json_writer json{buffer};
  json.StartObject();
  write(json, "mime", document.mime);
  write(json, "sha256", document.sha256);
  write(json, "size", document.size);
  write(json, "pages", std::uint64_t{document.pages});
  write(json, "title", document.title);
  write_properties(json, document);
  json.Key("elements");
  json.StartArray();
  heading_path path;
  for (const auto& e : document.elements) {
    path.close_for(e);
    write_element(json, e, path);
    path.open(e);
  }
  json.EndArray();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace millrace
