#include "config/settings_reader.hpp"

#include <algorithm>
#include <array>

#include "config/nearest_name.hpp"
#include "config/setting_value.hpp"
#include "config/text_forms.hpp"

namespace millrace {
namespace {

std::string did_you_mean(const std::optional<std::string>& name) {
  return name ? "; did you mean `" + *name + "`?" : "";
}

/// Where to put a secret instead, if the last part of `path` is the name of one.
std::optional<std::string> secret_advice(std::string_view path) {
  constexpr std::array<std::string_view, 7> secrets = {"api_key", "apikey", "key_id", "password",
                                                       "passwd",  "secret", "token"};
  const auto name = path.substr(path.rfind('.') + 1);
  if (std::ranges::find(secrets, name) == secrets.end()) return std::nullopt;
  const std::string refusal =
      "`" + std::string(path) + "` would put a secret into the configuration; ";
  if (path.starts_with("database.")) return refusal + "use PGPASSWORD or a PGPASSFILE";
  if (path.starts_with("api.")) return refusal + "use the environment variable MILLRACE_TOKEN";
  return refusal +
         "set `embedder.api_key_env` to the name of an environment variable that holds it, or "
         "`embedder.api_key_file` to a file";
}

std::vector<std::string> table_names() {
  std::vector<std::string> names;
  for (const auto& k : settings_keys())
    if (names.empty() || names.back() != k.table()) names.emplace_back(k.table());
  names.insert(names.end(), {"node", "extractor"});
  return names;
}

template <class Owner>
std::string unknown_key(const std::string& path, std::span<const setting_key<Owner>> keys) {
  if (auto advice = secret_advice(path)) return *advice;
  const std::string table = path.substr(0, path.find('.'));
  const std::string name = path.substr(path.find('.') + 1);
  std::vector<std::string> siblings;
  for (const auto& k : keys)
    if (k.table() == table) siblings.emplace_back(k.name());
  std::string said = "unknown key `" + name + "` in [" + table + "]";
  if (const auto nearest = nearest_name(name, siblings)) return said + did_you_mean(nearest);
  for (const auto& k : settings_keys())
    if (k.name() == name) return said + "; it is a key of [" + std::string(k.table()) + "]";
  std::string list;
  for (const std::string& sibling : siblings) list += (list.empty() ? "" : ", ") + sibling;
  return said + "; known are " + list;
}

std::string unknown_table(const std::string& name, const toml::node& node) {
  if (auto advice = secret_advice(name)) return *advice;
  std::string said = node.is_value() ? "unknown key `" + name + "` outside of any table"
                                     : "unknown table [" + name + "]";
  if (const auto nearest = nearest_name(name, table_names())) return said + did_you_mean(nearest);
  for (const auto& k : settings_keys())
    if (k.name() == name) return said + "; it is a key of [" + std::string(k.table()) + "]";
  return said;
}

/// What a text with a password in it is answered. Never repeats the text.
std::optional<std::string> inline_password(const std::string& path, std::string_view text) {
  if (!has_password(text)) return std::nullopt;
  if (path == "database.url")
    return "`database.url` holds a password; take it out and give it in PGPASSWORD or a PGPASSFILE";
  return "`" + path + "` holds a password; secrets come from the environment or a file";
}

std::string to_upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  return text;
}

/// "cluster.tls.ca" → "MILLRACE_CLUSTER__TLS__CA".
std::string variable_of(std::string_view path) {
  std::string name = "MILLRACE_";
  for (const char c : path) name += c == '.' ? std::string("__") : std::string(1, c);
  return to_upper(name);
}

/// "MILLRACE_EMBEDDER__API_KEY" → "embedder.api_key".
std::string path_of(std::string_view variable) {
  std::string path;
  variable.remove_prefix(std::string_view("MILLRACE_").size());
  while (!variable.empty()) {
    const bool is_separator = variable.starts_with("__");
    path += is_separator
                ? '.'
                : static_cast<char>(std::tolower(static_cast<unsigned char>(variable.front())));
    variable.remove_prefix(is_separator ? 2 : 1);
  }
  return path;
}

std::string unknown_variable(const std::string& variable) {
  const std::string path = path_of(variable);
  if (auto advice = secret_advice(path)) return variable + ": " + *advice;
  if (path.starts_with("node.") || path.starts_with("extractor."))
    return variable + " names an array of tables, which only a file can set";
  std::vector<std::string> known;
  for (const auto& k : settings_keys()) known.push_back(variable_of(k.path));
  return variable + " overrides no known key" + did_you_mean(nearest_name(variable, known));
}

}  // namespace

std::optional<config_error> settings_reader::read_toml(const toml::table& root) {
  for (const auto& [key, node] : root) read_section(std::string(key.str()), node);
  return first_error_;
}

void settings_reader::read_section(const std::string& name, const toml::node& node) {
  if (name == "node") return read_array(node, name, node_keys(), settings_.node);
  if (name == "extractor") return read_array(node, name, extractor_keys(), settings_.extractor);
  const auto names = table_names();
  if (std::ranges::find(names, name) == names.end()) return report(node, unknown_table(name, node));
  if (const auto* table = node.as_table())
    return read_table(*table, name, name, settings_keys(), settings_);
  report(node, "`" + name + "` is a table, not a value; write its keys below [" + name + "]");
}

template <class Owner>
void settings_reader::read_table(const toml::table& table, const std::string& path,
                                 const std::string& where, std::span<const setting_key<Owner>> keys,
                                 Owner& owner) {
  for (const auto& [key, node] : table) {
    const std::string key_path = path + "." + std::string(key.str());
    const std::string key_where = where + "." + std::string(key.str());
    const auto known =
        std::ranges::find(keys, std::string_view(key_path), &setting_key<Owner>::path);
    if (known != keys.end()) {
      read_value(node, key_path, known->member(owner), known->rules);
      places_[key_where] = {file_, static_cast<int>(node.source().begin.line)};
      continue;
    }
    const bool is_nested = std::ranges::any_of(
        keys, [&](const auto& k) { return k.path.starts_with(key_path + "."); });
    if (!is_nested)
      report(node, unknown_key(key_path, keys));
    else if (const auto* nested = node.as_table())
      read_table(*nested, key_path, key_where, keys, owner);
    else
      report(node, "`" + key_path + "` is a table, not a value");
  }
}

template <class Element>
void settings_reader::read_array(const toml::node& node, const std::string& name,
                                 std::span<const setting_key<Element>> keys,
                                 std::vector<Element>& elements) {
  constexpr std::size_t most_entries = 1'024;
  const auto* array = node.as_array();
  if (array == nullptr || !std::ranges::all_of(*array, [](const auto& n) { return n.is_table(); }))
    return report(node, "`" + name + "` is an array of tables; write each as [[" + name + "]]");
  if (array->size() > most_entries)
    return report(node, "more than " + std::to_string(most_entries) + " [[" + name + "]] entries");
  for (const toml::node& item : *array) {
    const std::string where = name + "." + std::to_string(elements.size());
    places_[where] = {file_, static_cast<int>(item.source().begin.line)};
    Element& element = elements.emplace_back();
    for (const auto& k : keys)
      if (k.rules.is_required && !item.as_table()->contains(k.name()))
        report(item, "this [[" + name + "]] has no `" + std::string(k.name()) + "`");
    read_table(*item.as_table(), name, where, keys, element);
  }
}

void settings_reader::read_value(const toml::node& node, const std::string& path,
                                 const value_ref& value, const value_rules& rules) {
  if (const auto* text = node.as_string())
    if (auto refusal = inline_password(path, text->get())) return report(node, *refusal);
  if (auto problem = store_toml(node, value, rules)) report(node, "`" + path + "` " + *problem);
}

void settings_reader::report(const toml::node& node, std::string message) {
  const int line = static_cast<int>(node.source().begin.line);
  if (!first_error_ || line < first_error_->line)
    first_error_ = config_error{file_, line, std::move(message)};
}

std::optional<config_error> settings_reader::read_environment(const environment& env) {
  for (const auto& [variable, text] : env) {
    if (!variable.starts_with("MILLRACE_") || variable.find("__") == std::string::npos) continue;
    const std::string path = path_of(variable);
    const auto keys = settings_keys();
    const auto known =
        std::ranges::find(keys, std::string_view(path), &setting_key<settings>::path);
    if (known == keys.end()) return config_error{"environment", 0, unknown_variable(variable)};
    if (auto refusal = inline_password(path, text))
      return config_error{"environment", 0, variable + ": " + *refusal};
    if (auto problem = store_text(text, known->member(settings_), known->rules))
      return config_error{"environment", 0, variable + " " + *problem};
    places_[path] = {"environment", 0};
  }
  return std::nullopt;
}

config_error settings_reader::error_at(const std::vector<std::string>& paths,
                                       std::string message) const {
  const auto place_of = [&](const std::string& path) { return places_.find(path); };
  for (const std::string& path : paths)
    if (const auto at = place_of(path); at != places_.end())
      return {at->second.file, at->second.line, std::move(message)};
  // A key of an element that has its default: its element is the place.
  for (const std::string& path : paths)
    if (const auto at = place_of(path.substr(0, path.rfind('.'))); at != places_.end())
      return {at->second.file, at->second.line, std::move(message)};
  return {file_, 0, std::move(message)};
}

}  // namespace millrace
