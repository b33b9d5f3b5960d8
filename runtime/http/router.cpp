#include "runtime/http/router.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

#include <openssl/crypto.h>

#include "runtime/core/sha256.hpp"

namespace millrace::http {

namespace {

/// "/a/b/" → {"a", "b", ""}. The path starts with a slash.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    out.emplace_back(segment);
    path.remove_prefix(segment.size());
  }
  return out;
}

/// The path's segments, decoded one by one; nothing where the path does not start with a slash or
/// is malformed.
std::vector<std::string> decoded_segments(const request& r) {
  const auto& path = r.raw_path.empty() ? r.path : r.raw_path;
  if (!path.starts_with('/')) return {};
  auto segments = split(path);
  if (r.raw_path.empty()) return segments;
  for (auto& s : segments) {
    std::string decoded;
    if (!percent_decode(s, decoded)) return {};
    s = std::move(decoded);
  }
  return segments;
}

std::string join_from(const std::vector<std::string>& segments, std::size_t first) {
  std::string out;
  for (auto i = first; i < segments.size(); ++i) out += (i > first ? "/" : "") + segments[i];
  return out;
}

response method_not_allowed(const std::set<std::string>& methods, const request& r) {
  std::string allow;
  for (const auto& m : methods) allow += (allow.empty() ? "" : ", ") + m;
  auto out = error_response(405, "method_not_allowed",
                            r.method + " is not possible here; this path takes " + allow);
  out.headers["Allow"] = allow;
  return out;
}

/// Digests have one length, so that not even the token's length can be measured.
bool same_secret(std::string_view a, std::string_view b) {
  const auto x = sha256_hex(a);
  const auto y = sha256_hex(b);
  return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

/// The credentials of "Bearer CREDENTIALS"; the scheme's case does not matter (RFC 9110, 11.1).
std::string_view bearer_of(const request& r) {
  constexpr std::string_view scheme = "bearer ";
  const auto header = r.headers.find("authorization");
  if (header == r.headers.end()) return {};
  const std::string_view value = header->second;
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b); };
  if (value.size() < scheme.size() || !std::equal(scheme.begin(), scheme.end(), value.begin(),
                                                  [&](char b, char a) { return same(a, b); }))
    return {};
  return value.substr(std::min(value.size(), value.find_first_not_of(' ', scheme.size())));
}

bool has_token(const request& r, std::string_view token) {
  return same_secret(bearer_of(r), token);
}

response unauthorized() {
  auto refused = error_response(
      {ec::unauthorized,
       "this needs the header 'Authorization: Bearer TOKEN' with the API's token; commands take it "
       "from MILLRACE_TOKEN"});
  refused.headers["WWW-Authenticate"] = "Bearer realm=\"millrace\"";
  return refused;
}

}  // namespace

std::vector<router::segment> router::parse_segments(std::string_view path) {
  std::vector<segment> out;
  for (const auto& text : split(path)) {
    if (!out.empty() && out.back().kind == segment_kind::rest)
      throw std::invalid_argument("{" + out.back().text + "...} must be the route's last segment");
    if (!text.starts_with('{')) {
      out.push_back({segment_kind::literal, text});
      continue;
    }
    if (!text.ends_with('}') || text.size() < 3)
      throw std::invalid_argument("'" + text + "' is not a captured segment");
    auto name = text.substr(1, text.size() - 2);
    const auto rest = name.ends_with("...");
    if (rest) name.resize(name.size() - 3);
    if (name.empty()) throw std::invalid_argument("'" + text + "' captures under no name");
    out.push_back({rest ? segment_kind::rest : segment_kind::capture, std::move(name)});
  }
  return out;
}

void router::add(std::string_view text, handler handle, body_door door) {
  const auto space = text.find(' ');
  if (space == 0 || space == std::string_view::npos || !text.substr(space + 1).starts_with('/'))
    throw std::invalid_argument("'" + std::string(text) + "' is not a route: METHOD /path");
  route added{std::string(text.substr(0, space)), std::string(text.substr(space + 1)), {}, {}, {}};
  added.segments = parse_segments(added.path);
  added.handle = std::move(handle);
  added.door = std::move(door);
  const auto equivalent = [&](const route& r) {
    return r.method == added.method && !more_specific(r, added) && !more_specific(added, r);
  };
  if (std::any_of(routes_.begin(), routes_.end(), equivalent))
    throw std::invalid_argument("the route '" + std::string(text) + "' is there already");
  const auto at = std::upper_bound(routes_.begin(), routes_.end(), added, more_specific);
  routes_.insert(at, std::move(added));
}

/// Compares segment by segment: literals (by text) before captures before the rest of a path.
bool router::more_specific(const route& a, const route& b) {
  const auto before = [](const segment& x, const segment& y) {
    if (x.kind != y.kind) return x.kind < y.kind;
    return x.kind == segment_kind::literal && x.text < y.text;
  };
  return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(),
                                      b.segments.end(), before);
}

bool router::matches(const route& candidate, const std::vector<std::string>& segments,
                     std::map<std::string, std::string>& params) {
  params.clear();
  for (std::size_t i = 0; i < candidate.segments.size(); ++i) {
    const auto& expected = candidate.segments[i];
    if (i >= segments.size() || (expected.kind != segment_kind::literal && segments[i].empty()))
      return false;
    if (expected.kind == segment_kind::rest) {
      params[expected.text] = join_from(segments, i);
      return true;
    }
    if (expected.kind == segment_kind::capture)
      params[expected.text] = segments[i];
    else if (expected.text != segments[i])
      return false;
  }
  return candidate.segments.size() == segments.size();
}

response router::operator()(const request& r) const {
  const auto segments = decoded_segments(r);
  std::set<std::string> methods;
  std::map<std::string, std::string> params;
  for (const auto& candidate : routes_) {
    if (!matches(candidate, segments, params)) continue;
    if (candidate.method == r.method) {
      auto routed = r;
      routed.params = std::move(params);
      return candidate.handle(routed);
    }
    methods.insert(candidate.method);
    if (candidate.method == "GET") methods.insert("HEAD");
  }
  if (!methods.empty()) return method_not_allowed(methods, r);
  return error_response(404, "not_found", "there is nothing at " + r.path);
}

tl::expected<std::shared_ptr<received_file>, response> router::open_body(
    const request& head) const {
  const auto segments = decoded_segments(head);
  std::map<std::string, std::string> params;
  for (const auto& candidate : routes_) {
    if (candidate.method != head.method || !matches(candidate, segments, params)) continue;
    if (!candidate.door) return nullptr;
    auto routed = head;
    routed.params = std::move(params);
    return candidate.door(routed);
  }
  return nullptr;
}

std::vector<std::string> router::routes() const {
  std::vector<std::string> out;
  for (const auto& r : routes_) out.push_back(r.method + ' ' + r.path);
  return out;
}

handler require_bearer(std::string token, std::set<std::string> open, handler next) {
  assert(!token.empty() && "a guard without a token would let everybody in");
  return
      [token = std::move(token), open = std::move(open), next = std::move(next)](const request& r) {
        return open.contains(r.path) || has_token(r, token) ? next(r) : unauthorized();
      };
}

body_door require_bearer(std::string token, body_door next) {
  assert(!token.empty() && "a guard without a token would let everybody in");
  return [token = std::move(token), next = std::move(next)](
             const request& head) -> tl::expected<std::shared_ptr<received_file>, response> {
    if (!has_token(head, token)) return tl::unexpected(unauthorized());
    return next(head);
  };
}

}  // namespace millrace::http
