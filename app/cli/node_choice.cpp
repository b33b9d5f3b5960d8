#include "app/cli/node_choice.hpp"

#include <algorithm>

#include "config/nearest_name.hpp"
#include "config/text_forms.hpp"

namespace millrace::cli {

namespace {

std::string known_names(const settings& s) {
  std::string names;
  for (const auto& n : s.node) names += (names.empty() ? "`" : ", `") + n.name + "`";
  return names;
}

/// api.listen is one address: only one node of a host can have it.
std::string api_of(const settings& s, const node_settings& n) {
  if (!n.api.empty()) return n.api;
  const auto first = std::find_if(s.node.begin(), s.node.end(),
                                  [&](const auto& other) { return other.host == n.host; });
  return first->name == n.name ? s.api.listen : std::string{};
}

node_choice in_file(const settings& s, const node_settings& n) {
  node_choice choice{n.name, std::nullopt, api_of(s, n), n.roles};
  if (n.port != 0) choice.link = link_address{n.host, static_cast<std::uint16_t>(n.port)};
  return choice;
}

result<node_choice> newcomer(const settings& s, const node_words& words) {
  const auto& [name, listen, api, roles] = words;
  if (!is_name(name))
    return fail(ec::invalid_argument,
                "`" + name + "` is no name: letters, digits, '-', '_' and '.'");
  node_choice choice{name, std::nullopt, api,
                     roles.empty() ? std::vector<std::string>{"all"} : roles};
  for (const auto& role : choice.roles)
    if (const auto& known = role_names();
        std::find(known.begin(), known.end(), role) == known.end())
      return fail(
          ec::invalid_argument, "--roles: `" + role + "` is no role; there are " + [&] {
            std::string names;
            for (const auto& k : known) names += (names.empty() ? "" : ", ") + k;
            return names;
          }());
  if (s.node.empty() && listen.empty()) {
    if (api.empty()) choice.api = s.api.listen;
    return choice;
  }
  if (listen.empty()) {
    const auto near = nearest_name(name, [&] {
      std::vector<std::string> names;
      for (const auto& n : s.node) names.push_back(n.name);
      return names;
    }());
    return fail(ec::invalid_config,
                "the config has no node `" + name + "`; it has " + known_names(s) +
                    (near ? "; did you mean `" + *near + "`" : "") +
                    "; a node that is not in the file joins with --listen HOST:PORT");
  }
  choice.link = parse_link_address(listen);
  if (!choice.link) return fail(ec::invalid_argument, "--listen `" + listen + "` is not HOST:PORT");
  if (is_embedded_database(s.database.url) && !is_loopback_host(choice.link->host))
    return fail(ec::invalid_config,
                "other machines cannot reach an embedded database; set `database.url` to a "
                "postgresql:// URL, or listen on 127.0.0.1");
  return choice;
}

}  // namespace

result<node_choice> choose_node(const settings& s, const node_words& words) {
  const auto& [name, listen, api, roles] = words;
  if (name.empty()) {
    if (!listen.empty() || !roles.empty() || !api.empty())
      return fail(ec::invalid_argument,
                  "--listen, --api and --roles are for a node that is not in the file: name it "
                  "with --name");
    if (s.node.size() > 1)
      return fail(ec::invalid_argument,
                  "the config describes several nodes; choose one with --name (" + known_names(s) +
                      "), or start all of them with `millrace up`");
    if (s.node.empty()) return node_choice{"local", std::nullopt, s.api.listen, {"all"}};
    return in_file(s, s.node.front());
  }
  const auto found =
      std::find_if(s.node.begin(), s.node.end(), [&](const auto& n) { return n.name == name; });
  if (found == s.node.end()) return newcomer(s, words);
  if (!listen.empty() || !roles.empty() || !api.empty())
    return fail(ec::invalid_argument,
                "node `" + name +
                    "` is in the config with its host, port, api and roles; --listen, --api and "
                    "--roles are for one that is not");
  return in_file(s, *found);
}

}  // namespace millrace::cli
