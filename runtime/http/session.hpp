// One connection of the server: reads a request, has a worker run the handler, writes the answer,
// and so on until either side closes. Private to runtime/http.
//
// Everything runs on the server's I/O thread, but the handler, a response's stream and the writing
// of files, which run on workers and come back by post(). It holds one request and one response (or
// one piece of a stream) at a time.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "runtime/http/message.hpp"
#include "runtime/http/server.hpp"
#include "runtime/http/worker_pool.hpp"
#include "runtime/threads/guarded.hpp"

namespace millrace::http {

class session;

/// What the connections of one server share. Outlives them.
struct session_host {
  const server_config& config;
  const handler& handle;
  worker_pool& workers;
  worker_pool& receivers;  ///< For what goes to files.
  std::function<void(session&)> on_closed;
  bool stopping = false;  ///< I/O thread only.
  int uploads = 0;        ///< Bodies that go to files now. I/O thread only.
};

class session : public std::enable_shared_from_this<session> {
 public:
  using protocol = boost::asio::generic::stream_protocol;
  using error_code = boost::system::error_code;

  session(protocol::socket socket, session_host& host);

  void start();
  /// Answers 503 without reading, for a connection over the limit.
  void refuse();
  bool refused() const { return refused_; }
  /// The server stops: closes when idle, else after the current answer.
  void drain();
  void close();

 private:
  enum class state { idle, reading, handling, writing, closed };

  /// A handler of this connection on the I/O thread: an exception in it ends the connection.
  template <class Handler>
  auto on_io(Handler handle) {
    return [self = shared_from_this(), handle = std::move(handle)](auto&&... arguments) mutable {
      const auto went = guarded("http connection",
                                [&] { handle(std::forward<decltype(arguments)>(arguments)...); });
      if (!went) static_cast<void>(guarded("http connection", [&] { self->close(); }));
    };
  }
  /// …and a job of it on a worker.
  template <class Job>
  auto on_worker(Job run) {
    return [self = shared_from_this(), run = std::move(run)]() mutable {
      if (guarded("http request", run)) return;
      static_cast<void>(guarded("http request", [&] {
        boost::asio::post(self->stream_.get_executor(), [self] { self->close(); });
      }));
    };
  }

  // Reading.
  void await_request();
  void read_header();
  void on_header(error_code failed);
  void begin_body();
  void read_body();
  /// Lets a client that waits for it send the body.
  void let_send(void (session::*then)());
  void reject_unreadable(error_code failed);
  bool check_header();
  void dispatch();
  void hand_over(std::shared_ptr<request> r);
  /// All of a request but its body. False where the target is not one of ours: "/path" or
  /// "http://host/path".
  static bool read_head(const boost::beast::http::request_header<>& from, request& into);

  // Receiving a body into a file.
  struct upload {
    std::shared_ptr<request> request_head;
    std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser;
    std::vector<char> piece;
  };
  void open_upload();
  void on_upload_opened(tl::expected<std::shared_ptr<received_file>, response> opened);
  void read_piece();
  void keep_piece();
  void end_upload();

  // Answering.
  void reject(int status, std::string_view code, const std::string& message);
  void reject(response r);
  void respond(response r);
  void send_whole(response r);
  void send_head_only(const response& r);
  void after_response(error_code failed, bool keep_alive);
  void linger();
  void discard();
  template <class Message>
  void send(Message message);

  // Streaming.
  void start_stream(response r);
  void pull();
  void on_piece(bool more, bool failed);
  void write_piece(bool more);
  void wait_for_piece();
  void finish_stream();
  void release_stream();
  bool peer_is_gone();

  session_host& host_;
  boost::beast::basic_stream<protocol> stream_;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::shared_ptr<upload> upload_;  ///< Set while it counts; shared with the worker that writes.
  std::uint64_t max_body_ = 0;      ///< Bytes; of this request.
  state state_ = state::reading;
  bool refused_ = false;
  bool unread_ = false;      ///< The request was not read to its end: the connection cannot go on.
  bool head_ = false;        ///< The request is a HEAD.
  bool keep_alive_ = false;  ///< What the client wants.
  unsigned version_ = 11;    ///< 10 or 11.
  body_stream body_;
  bool pulling_ = false;  ///< A worker runs body_.
  std::string piece_;
  std::chrono::steady_clock::time_point last_piece_;
  std::array<char, 4096> discarded_{};
};

}  // namespace millrace::http
