// One blocking HTTP request (libcurl): what the commands use to talk to a node. Not for embeddings,
// which need many requests at once (runtime/embedding/openai_provider.hpp).
//
// Any thread that may block; calls are independent of each other. Bounds: a time-out for
// everything, 10 s of it for the connection, and a limit on what a response may hold in memory. No
// redirects and no proxy, so that a token goes to the named node and nowhere else.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/http/message.hpp"

namespace millrace::http {

inline constexpr duration connect_timeout = std::chrono::seconds{10};
inline constexpr byte_size default_max_response = 64_MiB;

struct endpoint {
  std::string url;    ///< "http://127.0.0.1:8080", "https://..." or "unix:/path/to.sock".
  std::string token;  ///< Sent as "Authorization: Bearer"; empty: none.
};

/// The response, whatever its status. http_unreachable if nobody answers, timeout if somebody did
/// not in time, resource_exhausted if this process has no descriptor for the connection (and
/// whether somebody would answer is not known), limit_exceeded if the response is larger than
/// max_response, invalid_argument if the URL is not one.
result<response> send(const endpoint& to, const request& r, duration timeout,
                      byte_size max_response = default_max_response);

/// Takes the next piece of a body; false ends the transfer with ec::cancelled. Must not throw.
using chunk_sink = std::function<bool(std::string_view chunk)>;

/// Like send(), but hands a successful (2xx) body on as it arrives, however long it is; other
/// bodies are in the response. `idle_timeout` (counted in whole seconds, rounded up) bounds each
/// time in which nothing arrives. An error after some pieces means that the body is incomplete.
result<response> send_streaming(const endpoint& to, const request& r, const chunk_sink& on_chunk,
                                duration idle_timeout);

/// Like send(), but the body is the file's content, read as it is sent; `r.body` is ignored.
/// `idle_timeout` bounds each time in which nothing moves, also that for the answer.
/// source_unreadable where the file cannot be read or becomes shorter meanwhile. `stop`, where
/// there is one, ends the transfer with ec::cancelled within a second of becoming true.
result<response> send_file(const endpoint& to, const request& r, const std::string& path,
                           duration idle_timeout, const std::atomic<bool>* stop = nullptr);

}  // namespace millrace::http
