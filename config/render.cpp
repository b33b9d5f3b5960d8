// `config show`: the settings as TOML with the documentation of every key, and as JSON.
#include <sstream>

#include "config/load.hpp"
#include "config/setting_value.hpp"
#include "config/settings_schema.hpp"

namespace millrace {
namespace {

constexpr std::size_t comment_width = 100;

void append_comment(std::string& out, std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string line = "#";
  for (std::string word; words >> word;) {
    if (line.size() + 1 + word.size() > comment_width) {
      out += line + '\n';
      line = "#";
    }
    line += ' ' + word;
  }
  out += line + '\n';
}

template <class Owner>
void append_key(std::string& out, const setting_key<Owner>& key, Owner& owner) {
  const value_ref value = key.member(owner);
  std::string comment(key.doc);
  const std::string expected = describe_expected(value, key.rules);
  if (!expected.starts_with("a text")) comment += " (" + expected + ")";
  append_comment(out, comment);
  out += std::string(key.name()) + " = " + to_toml(value) + '\n';
}

template <class Element>
void append_elements(std::string& out, std::string_view name,
                     std::span<const setting_key<Element>> keys, std::vector<Element>& elements) {
  for (Element& element : elements) {
    out += "\n[[" + std::string(name) + "]]\n";
    for (const auto& key : keys) append_key(out, key, element);
  }
}

/// Members of one JSON object from keys that share the prefix `path`; nested tables become objects
/// in it.
template <class Owner>
std::string json_object(std::span<const setting_key<Owner>> keys, std::size_t depth, Owner& owner) {
  std::string out = "{";
  for (std::size_t i = 0; i < keys.size();) {
    const std::string_view rest = keys[i].path.substr(depth);
    const auto dot = rest.find('.');
    const std::string_view name = rest.substr(0, dot);
    std::size_t end = i + 1;
    if (out.size() > 1) out += ", ";
    out += quote_json(name) + ": ";
    if (dot == std::string_view::npos) {
      out += to_json(keys[i].member(owner));
    } else {
      const std::string_view prefix = keys[i].path.substr(0, depth + dot + 1);
      while (end < keys.size() && keys[end].path.starts_with(prefix)) ++end;
      out += json_object(keys.subspan(i, end - i), prefix.size(), owner);
    }
    i = end;
  }
  return out + "}";
}

template <class Element>
std::string json_array(std::span<const setting_key<Element>> keys, std::vector<Element>& elements) {
  std::string out = "[";
  for (Element& element : elements) {
    if (out.size() > 1) out += ", ";
    out += json_object(keys, keys.front().table().size() + 1, element);
  }
  return out + "]";
}

}  // namespace

std::string render_settings(const settings& s) {
  settings copy = s;  // The schema hands out places to write to; the caller's settings stay const.
  std::string out;
  std::string_view table;
  for (const auto& key : settings_keys()) {
    if (key.table() != table) {
      table = key.table();
      out += (out.empty() ? "[" : "\n[") + std::string(table) + "]\n";
    }
    append_key(out, key, copy);
  }
  append_elements(out, "node", node_keys(), copy.node);
  append_elements(out, "extractor", extractor_keys(), copy.extractor);
  return out;
}

std::string render_settings_json(const settings& s) {
  settings copy = s;
  std::string out = json_object(settings_keys(), 0, copy);
  out.pop_back();
  return out + ", \"node\": " + json_array(node_keys(), copy.node) +
         ", \"extractor\": " + json_array(extractor_keys(), copy.extractor) + "}";
}

}  // namespace millrace
