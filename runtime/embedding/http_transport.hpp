// Many HTTP POSTs to one URL at once, over connections that are kept alive: libcurl's multi
// interface on epoll, so that an answer costs the same however many others are awaited (its own
// poll looks at each of them).
//
// One owner's thread calls everything but wake(), which any thread may call. Bounded by
// max_connections (the owner starts no more requests than that), a time-out for each request, and a
// limit for each answer's bytes. Follows no redirects. Destroying it abandons what is in flight;
// the owner knows what that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/embedding/rate_limit_headers.hpp"

namespace millrace {

struct http_post {
  std::uint64_t id = 0;  ///< Comes back with the answer.
  std::string body;      ///< JSON.
  std::size_t max_answer_bytes = 0;
};

struct http_answer {
  std::uint64_t id = 0;
  int status = 0;  ///< 0: there is no answer, and `problem` says why.
  std::string body;
  rate_limit_headers limits;
  std::string problem;
  bool timed_out = false;
  bool exhausted = false;  ///< This process has no descriptor for a connection.
};

class http_transport {
 public:
  struct config {
    std::string url;
    std::string bearer_token;  ///< Empty: no Authorization header.
    duration connect_timeout{0};
    duration request_timeout{0};
    int max_connections = 1;
  };

  /// resource_exhausted if libcurl cannot start (no memory, no descriptors).
  static result<std::unique_ptr<http_transport>> create(config c);
  ~http_transport();
  http_transport(const http_transport&) = delete;
  http_transport& operator=(const http_transport&) = delete;

  void start(http_post post);
  /// Waits until something ended, wake() was called or `timeout` has passed; returns what ended.
  std::vector<http_answer> wait(duration timeout);
  void wake();

 private:
  struct impl;
  explicit http_transport(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// The URL that embeddings are posted to: `base_url` without a trailing slash, plus "/embeddings".
/// invalid_config where it is no http or https URL, or holds a user name or password (a key belongs
/// in the environment or a file).
result<std::string> embeddings_url(const std::string& base_url);

}  // namespace millrace
