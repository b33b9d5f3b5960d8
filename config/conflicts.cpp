#include "config/conflicts.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "config/text_forms.hpp"
#include "config/units.hpp"

namespace millrace {
namespace {

using conflict = std::optional<settings_conflict>;

std::string shown(int number) {
  return std::to_string(number);
}
std::string shown(duration d) {
  return to_string(d);
}
std::string shown(byte_size size) {
  return to_string(size);
}

/// `small` must not exceed `large`.
template <class T>
conflict ordered(const std::string& small_path, T small, const std::string& large_path, T large) {
  if (small <= large) return std::nullopt;
  return settings_conflict{{small_path, large_path},
                           "`" + small_path + "` (" + shown(small) + ") exceeds `" + large_path +
                               "` (" + shown(large) + "); lower the first or raise the second"};
}

conflict check_limits(const settings& s) {
  if (s.chunking.overlap_tokens >= s.chunking.max_tokens)
    return settings_conflict{{"chunking.overlap_tokens", "chunking.max_tokens"},
                             "`chunking.overlap_tokens` (" + shown(s.chunking.overlap_tokens) +
                                 ") must be less than `chunking.max_tokens` (" +
                                 shown(s.chunking.max_tokens) +
                                 "), else no chunk says anything new; an eighth of it is usual"};
  for (const conflict& found :
       {ordered("queue.retry_min", s.queue.retry_min, "queue.retry_max", s.queue.retry_max),
        ordered("extraction.memory_small", s.extraction.memory_small, "extraction.memory_large",
                s.extraction.memory_large),
        ordered("embedder.backoff_min", s.embedder.backoff_min, "embedder.backoff_max",
                s.embedder.backoff_max),
        ordered("chunking.max_tokens", s.chunking.max_tokens, "embedder.max_request_tokens",
                s.embedder.max_request_tokens),
        ordered("checkpoints.max_size", s.checkpoints.max_size, "checkpoints.max_total",
                s.checkpoints.max_total)})
    if (found) return found;
  return std::nullopt;
}

/// Each document actor may have one request at the embedder and one at the committer; a lower limit
/// would refuse requests that were sent within their demand.
conflict check_mailboxes(const settings& s) {
  const auto check = [&](const std::string& path, int limit) -> conflict {
    if (limit >= s.documents.concurrency) return std::nullopt;
    return settings_conflict{
        {path, "documents.concurrency"},
        "`" + path + "` (" + shown(limit) + ") must be at least `documents.concurrency` (" +
            shown(s.documents.concurrency) +
            "), because each document may have a request there; raise the first or lower the "
            "second"};
  };
  if (auto found = check("mailbox.embedder", s.mailbox.embedder)) return found;
  if (auto found = check("mailbox.file_fetcher", s.mailbox.file_fetcher)) return found;
  if (auto found = check("mailbox.committer", s.mailbox.committer)) return found;
  if (s.mailbox.image_desk < images_of_a_document * s.documents.concurrency)
    return settings_conflict{{"mailbox.image_desk", "documents.concurrency"},
                             "`mailbox.image_desk` (" + shown(s.mailbox.image_desk) +
                                 ") must be at least " + shown(images_of_a_document) +
                                 " times `documents.concurrency` (" +
                                 shown(s.documents.concurrency) +
                                 "), because each document may have so many images there; raise "
                                 "the first or lower the second"};
  return std::nullopt;
}

std::string node_path(std::size_t index, const std::string& key) {
  return "node." + std::to_string(index) + "." + key;
}

/// Two names of one place.
std::string place_of(const std::string& host) {
  return host == "localhost" ? "127.0.0.1" : host;
}
std::string place_of_address(const std::string& at) {
  const auto colon = std::min(at.rfind(':'), at.size());
  return place_of(at.substr(0, colon)) + at.substr(colon);
}

conflict check_node_identity(const settings& s) {
  std::set<std::string> names;
  std::map<std::pair<std::string, int>, std::string> owners;
  for (std::size_t i = 0; i < s.node.size(); ++i) {
    const node_settings& n = s.node[i];
    if (!names.insert(n.name).second)
      return settings_conflict{
          {node_path(i, "name")},
          "two nodes are called `" + n.name + "`; every [[node]] needs a name of its own"};
    if (n.port == 0) continue;
    const auto [owner, is_first] = owners.try_emplace({place_of(n.host), n.port}, n.name);
    if (!is_first)
      return settings_conflict{{node_path(i, "port")},
                               "nodes `" + owner->second + "` and `" + n.name + "` both use port " +
                                   shown(n.port) + " of " + n.host +
                                   "; give one of them another port"};
  }
  return std::nullopt;
}

/// Every address on which a node of this file would serve its API: as node.api says, and api.listen
/// on the first node of each host.
conflict check_apis(const settings& s) {
  std::map<std::string, std::string> owners;
  for (std::size_t i = 0; i < s.node.size(); ++i) {
    const node_settings& n = s.node[i];
    if (n.api.empty() || n.api.ends_with(":0")) continue;  // any port
    const auto [owner, is_first] = owners.try_emplace(n.api, n.name);
    if (!is_first)
      return settings_conflict{{node_path(i, "api")},
                               "nodes `" + owner->second + "` and `" + n.name +
                                   "` both serve their API on " + n.api +
                                   "; give one of them another address"};
    if (n.api == s.api.listen && i > 0 && s.node.front().api.empty() &&
        s.node.front().host == n.host)
      return settings_conflict{{node_path(i, "api"), "api.listen"},
                               "node `" + n.name + "` and `" + s.node.front().name +
                                   "`, the first of its host, both serve their API on " + n.api +
                                   "; give one of them another address"};
  }
  return std::nullopt;
}

std::string one_port_twice(const node_settings& n, const std::string& at,
                           const std::string& owner) {
  const auto whose = owner == n.name ? std::string{} : "node `" + owner + "` ";
  return "node `" + n.name + "` uses " + at + " for its links and " + whose +
         "for its API; give one of them another port";
}

/// The links of a node and an API, its own or another's.
conflict check_links_against_apis(const settings& s) {
  std::map<std::string, std::string> apis;
  std::set<std::string> hosts;
  for (const node_settings& n : s.node) {
    const bool is_first = hosts.insert(n.host).second;
    const auto& api = n.api.empty() && is_first ? s.api.listen : n.api;
    if (!api.empty()) apis.try_emplace(place_of_address(api), n.name);
  }
  for (std::size_t i = 0; i < s.node.size(); ++i) {
    const node_settings& n = s.node[i];
    const auto at = place_of(n.host) + ":" + shown(n.port);
    const auto owner = n.port == 0 ? apis.end() : apis.find(at);
    if (owner != apis.end())
      return settings_conflict{{node_path(i, "port")}, one_port_twice(n, at, owner->second)};
  }
  return std::nullopt;
}

/// Each role somewhere, and where nodes have only some they need links to each other.
conflict check_roles(const settings& s) {
  const auto has = [](const node_settings& n, const std::string& role) {
    return std::any_of(n.roles.begin(), n.roles.end(),
                       [&](const auto& r) { return r == role || r == "all"; });
  };
  for (const auto& role : role_names()) {
    if (s.node.empty() || role == "all" || (role == "image" && s.images.ocr == "off")) continue;
    if (std::none_of(s.node.begin(), s.node.end(), [&](const auto& n) { return has(n, role); }))
      return settings_conflict{{node_path(0, "roles")},
                               "no node has the role `" + role +
                                   "`, which the cluster needs; add it to one, or \"all\""};
    for (std::size_t i = 0; i < s.node.size(); ++i)
      if (s.node[i].port == 0 && !has(s.node[i], role))
        return settings_conflict{{node_path(i, "roles")},
                                 "node `" + s.node[i].name + "` has not the role `" + role +
                                     "` and no link to a node that has; give it a `port`, or the "
                                     "role"};
  }
  return std::nullopt;
}

conflict check_tls(const tls_settings& tls) {
  const int given = !tls.certificate.empty() + !tls.key.empty() + !tls.ca.empty();
  if (given == 0 || given == 3) return std::nullopt;
  const std::string missing = tls.certificate.empty() ? "certificate"
                              : tls.key.empty()       ? "key"
                                                      : "ca";
  return settings_conflict{
      {"cluster.tls." + missing, "cluster.tls.certificate", "cluster.tls.key", "cluster.tls.ca"},
      "`cluster.tls." + missing +
          "` is missing: mutual TLS needs certificate, key and ca together"};
}

/// What nodes on other machines need: TLS between them, and a database that they can reach.
conflict check_reach(const settings& s) {
  for (std::size_t i = 0; i < s.node.size(); ++i) {
    const node_settings& n = s.node[i];
    if (is_loopback_host(n.host)) continue;
    if (n.port != 0 && s.cluster.tls.certificate.empty())
      return settings_conflict{
          {node_path(i, "host")},
          "node `" + n.name + "` is on " + n.host +
              ", beyond loopback, and links there need mutual TLS; set "
              "`cluster.tls.certificate`, `cluster.tls.key` and `cluster.tls.ca`"};
    if (is_embedded_database(s.database.url))
      return settings_conflict{{node_path(i, "host")},
                               "node `" + n.name + "` is on " + n.host +
                                   ", and other machines cannot reach an embedded database; set "
                                   "`database.url` to a postgresql:// URL"};
  }
  return std::nullopt;
}

conflict check_extractors(const settings& s) {
  std::set<std::string> types;
  for (std::size_t i = 0; i < s.extractor.size(); ++i)
    if (!types.insert(s.extractor[i].mime).second)
      return settings_conflict{
          {"extractor." + std::to_string(i) + ".mime"},
          "two [[extractor]] entries read `" + s.extractor[i].mime + "`; keep one of them"};
  return std::nullopt;
}

}  // namespace

std::optional<settings_conflict> find_conflict(const settings& s) {
  if (auto found = check_tls(s.cluster.tls)) return found;
  if (auto found = check_limits(s)) return found;
  if (auto found = check_mailboxes(s)) return found;
  if (auto found = check_node_identity(s)) return found;
  if (auto found = check_apis(s)) return found;
  if (auto found = check_links_against_apis(s)) return found;
  if (auto found = check_roles(s)) return found;
  if (auto found = check_reach(s)) return found;
  return check_extractors(s);
}

}  // namespace millrace
