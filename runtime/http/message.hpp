// HTTP requests and responses as plain values, shared by the server, the client and the API's
// router, so that a handler runs the same behind a socket or called in process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/error.hpp"
#include "runtime/core/received_file.hpp"

namespace millrace::http {

struct request {
  std::string
      method;  ///< "GET", "POST", ... upper case. The server shows a HEAD as the GET it stands for.
  std::string path;                          ///< Decoded, without the query, e.g. "/v1/datasets/7".
  std::map<std::string, std::string> query;  ///< Decoded.
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
  /// The body, where the route takes it as a file; `body` is empty then.
  std::shared_ptr<received_file> file;
  /// The path as it was sent, still encoded: what the router splits, so that "a%2Fb" stays one
  /// segment. May be empty where a request is made in process: then `path` is split.
  std::string raw_path;
  std::map<std::string, std::string>
      params;  ///< What the route captured, decoded. Set by the router.
};

/// Yields a body piece by piece: puts the next piece into `chunk` (empty when called) and returns
/// true while there may be more. The last piece comes with false. True with an empty chunk means
/// "nothing yet": it is asked again a little later and holds no thread meanwhile.
using body_stream = std::function<bool(std::string& chunk)>;

struct response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  /// If set, the body is what this yields, sent chunked; `body` is ignored. Called on worker
  /// threads, never twice at once, and only when the piece before is written (a slow reader slows
  /// it down). An exception breaks the connection off, so that the client sees a truncated body.
  /// Destroyed on a worker thread, also when the client goes away.
  body_stream stream;
};

/// Runs on one of the server's worker threads and may block (bounded by the pool's and actors'
/// time-outs).
using handler = std::function<response(const request&)>;

/// Asked with a request's header before its body is read: the file that the body goes to, a null
/// one where it is kept in memory, or the answer that refuses it. Runs on one of the server's
/// upload_workers and may block as a handler may.
using body_door =
    std::function<tl::expected<std::shared_ptr<received_file>, response>(const request& head)>;

/// {"error": {"code", "message"}} with the status of this error.
response error_response(const error& e);
response error_response(int status, std::string_view code, std::string_view message);

/// Splits "a%20b?x=1&y=2" into decoded path and query. False where an escape is malformed.
bool parse_target(std::string_view target, request& into);
/// "/path?x=1&y=2", encoded, of the request's path and query.
std::string format_target(const request& r);
std::string percent_encode(std::string_view text, bool keep_slashes = false);
/// False where an escape is malformed; `into` is then unspecified.
bool percent_decode(std::string_view text, std::string& into);

}  // namespace millrace::http
