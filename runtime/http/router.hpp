// From method and path to a handler: "GET /v1/datasets/{id}/documents" captures `id` into
// request::params, and "PUT /files/{name...}" captures the rest of the path, slashes included.
//
// Built once at start, then const: any thread may route. A literal segment wins over a captured
// one. Segments are split before they are decoded, so a "%2F" stays inside its segment. Bounded by
// the number of routes.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/http/message.hpp"

namespace millrace::http {

class router {
 public:
  /// `route` is "METHOD /path". A malformed or repeated route throws std::invalid_argument: a bug
  /// at start.
  /// With a door, the body goes where that says.
  void add(std::string_view route, handler handle, body_door door = nullptr);

  /// Runs the route's handler. 404 where no route has this path, 405 with Allow where one has, with
  /// another method.
  response operator()(const request& r) const;

  /// Asks the door of the request's route; null where it has none.
  tl::expected<std::shared_ptr<received_file>, response> open_body(const request& head) const;

  /// "METHOD /path" of every route, in the order of matching; for docs and tests.
  std::vector<std::string> routes() const;

 private:
  enum class segment_kind { literal, capture, rest };
  struct segment {
    segment_kind kind = segment_kind::literal;
    std::string text;  ///< The literal or the name that it is captured under.
  };
  struct route {
    std::string method;
    std::string path;
    std::vector<segment> segments;
    handler handle;
    body_door door;
  };

  static std::vector<segment> parse_segments(std::string_view path);
  static bool matches(const route& candidate, const std::vector<std::string>& segments,
                      std::map<std::string, std::string>& params);
  static bool more_specific(const route& a, const route& b);

  std::vector<route> routes_;  ///< The most specific first.
};

/// Lets a request pass to `next` only with "Authorization: Bearer TOKEN"; else 401. The comparison
/// takes the same time whatever differs. Paths in `open` (exact) need no token: health checks. An
/// empty token is a bug and asserts.
handler require_bearer(std::string token, std::set<std::string> open, handler next);
/// The same before a body is read; there, no path is open.
body_door require_bearer(std::string token, body_door next);

}  // namespace millrace::http
