// A small HTTP/1.1 server (Boost.Beast): one I/O thread for sockets, `workers` threads for
// handlers, upload_workers for bodies that go to files and the handlers that take them.
//
// A body is kept in memory, or, where `open_body` says so, written to a file piece by piece by
// upload_workers, so that a slow disk holds up uploads and nobody else.
//
// Bounds: max_connections (the next one is answered 503 and closed), max_header (431), max_body
// and a file's own limit (413), max_uploads bodies that go to files (503), one request at a time a
// connection, max_queued requests waiting for a worker (over it: 503
// with Retry-After). A header must be complete within read_timeout, a body within read_timeout and
// the time that it takes at min_transfer_rate, an answer be taken within write_timeout likewise; a
// peer slower than that is disconnected. A handler's exception is answered 500.
//
// start(), stop() and the destructor: any thread but the server's own. stop() may be called again,
// and is bounded: it ends accepting, closes idle connections, lets requests finish up to
// stop_timeout and closes the rest. The destructor also waits for handlers that still run, since
// they use what their owner is about to destroy; their own time-outs bound that.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/http/message.hpp"

namespace millrace::http {

/// Bytes a second that a peer must manage at least, beyond the time-out that it has anyway.
inline constexpr byte_size min_transfer_rate = 16_KiB;
/// How often a stream that has nothing yet is asked again.
inline constexpr duration stream_poll_interval{100};
/// What of a body that goes to a file is in memory. Each piece must come in time.
inline constexpr byte_size upload_piece = 256_KiB;
/// Threads that write such pieces, and take the files.
inline constexpr int upload_workers = 2;
/// What a client that is being refused may still send before it is cut off.
inline constexpr duration linger_timeout = std::chrono::seconds{1};
/// Connections over max_connections that are being told so at once; more are closed without a word.
inline constexpr int max_refusals = 64;

struct server_config {
  std::string listen;  ///< "HOST:PORT" (port 0: any) or "unix:/path/to.sock" (made with mode 0600).
  int workers = 4;
  int max_connections = 256;
  int max_queued = 256;
  byte_size max_body = 16_MiB;
  int max_uploads = 16;
  body_door open_body = {};  ///< Asked for each PUT; empty: bodies are kept in memory.
  byte_size max_header{16'384};
  duration idle_timeout =
      std::chrono::seconds{60};  ///< Between requests, and between a stream's pieces.
  duration read_timeout = std::chrono::seconds{30};
  duration stop_timeout = std::chrono::seconds{5};
  duration write_timeout = std::chrono::seconds{30};
};

class server {
 public:
  /// port_taken, permission_denied or invalid_config (not an address).
  static result<std::unique_ptr<server>> start(server_config config, handler handle);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// "HOST:PORT" with the real port, or "unix:PATH".
  const std::string& address() const;
  void stop();

 private:
  struct impl;
  explicit server(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace millrace::http
