#include "runtime/http/session.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>

#include "runtime/telemetry/log.hpp"

namespace millrace::http {

namespace net = boost::asio;
namespace beast = boost::beast;
using beast::http::field;

namespace {

constexpr std::size_t read_ahead_bytes = 64 * 1024;
constexpr auto server_name = "millrace";

/// How long a transfer of this size may take.
duration transfer_timeout(duration base, std::uint64_t bytes) {
  return base + std::chrono::seconds{bytes / min_transfer_rate.bytes};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

response run_handler(const handler& handle, const request& r) {
  std::string reason = "an exception of an unknown type";
  try {
    return handle(r);
  } catch (const std::exception& e) {
    reason = e.what();
  } catch (...) {
  }
  log::error("a handler failed", {{"method", r.method}, {"path", r.path}, {"reason", reason}});
  return error_response({ec::internal, "the handler of " + r.method + " " + r.path +
                                           " failed; the node's log says why"});
}

/// A line break in a header would let its value write headers of its own.
bool is_header_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

template <class Message>
void set_head(Message& message, const response& r, bool keep_alive) {
  message.set(field::server, server_name);
  if (!r.content_type.empty() && is_header_text(r.content_type))
    message.set(field::content_type, r.content_type);
  for (const auto& [name, value] : r.headers)
    if (!name.empty() && is_header_text(name) && is_header_text(value)) message.set(name, value);
  message.keep_alive(keep_alive);
}

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

}  // namespace

session::session(protocol::socket socket, session_host& host)
    : host_(host),
      stream_(std::move(socket)),
      timer_(stream_.get_executor()),
      buffer_(host.config.max_header.bytes + read_ahead_bytes) {}

void session::start() {
  read_header();
}

void session::refuse() {
  refused_ = true;
  reject(503, "overloaded", "this node serves as many connections as it may; try again later");
}

void session::drain() {
  const auto nothing_came =
      state_ == state::reading && !upload_ && !parser_->got_some() && buffer_.size() == 0;
  if (state_ == state::idle || nothing_came) close();
}

void session::close() {
  if (state_ == state::closed) return;
  state_ = state::closed;
  const auto self = shared_from_this();  // on_closed drops the server's reference.
  error_code ignored;
  stream_.socket().shutdown(protocol::socket::shutdown_both, ignored);
  stream_.close();
  timer_.cancel();
  release_stream();
  end_upload();
  host_.on_closed(*this);
}

void session::await_request() {
  if (host_.stopping) return close();
  if (buffer_.size() > 0) return read_header();  // Pipelined.
  state_ = state::idle;
  stream_.expires_after(host_.config.idle_timeout);
  stream_.async_read_some(buffer_.prepare(read_ahead_bytes),
                          on_io([self = shared_from_this()](error_code failed, std::size_t bytes) {
                            if (failed) return self->close();
                            self->buffer_.commit(bytes);
                            self->read_header();
                          }));
}

void session::read_header() {
  state_ = state::reading;
  unread_ = true;
  head_ = false;
  keep_alive_ = false;
  version_ = 11;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(host_.config.max_header.bytes));
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());  // See begin_body().
  stream_.expires_after(host_.config.read_timeout);
  beast::http::async_read_header(stream_, buffer_, *parser_,
                                 on_io([self = shared_from_this()](error_code failed, std::size_t) {
                                   self->on_header(failed);
                                 }));
}

void session::on_header(error_code failed) {
  if (failed) return reject_unreadable(failed);
  if (!check_header()) return;
  if (host_.config.open_body && parser_->get().method() == beast::http::verb::put)
    return open_upload();
  begin_body();
}

/// The limit is checked here and not by Beast, which would end the reading of the header.
void session::begin_body() {
  max_body_ = host_.config.max_body.bytes;
  if (const auto length = parser_->content_length(); length && *length > max_body_)
    return reject_unreadable(beast::http::make_error_code(beast::http::error::body_limit));
  parser_->body_limit(max_body_);
  const auto waits = !parser_->is_done() && buffer_.size() == 0 &&
                     beast::iequals(parser_->get()[field::expect], "100-continue");
  if (waits) return let_send(&session::read_body);
  read_body();
}

/// What Beast leaves to its user. Answers and returns false where the request cannot be served.
bool session::check_header() {
  const auto& message = parser_->get();
  version_ = message.version();
  head_ = message.method() == beast::http::verb::head;
  if (version_ != 10 && version_ != 11) {
    version_ = 11;
    reject(505, "unsupported_version", "only HTTP/1.0 and HTTP/1.1 are spoken here");
  } else if (version_ == 11 && message.count(field::host) != 1) {
    reject(400, "malformed_request", "the request needs one Host header (RFC 9112, 3.2)");
  } else if (message.count(field::transfer_encoding) > 0 && !parser_->chunked()) {
    reject(501, "unsupported_encoding", "the only transfer encoding taken here is chunked");
  } else {
    return true;
  }
  return false;
}

void session::let_send(void (session::*then)()) {
  constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  stream_.expires_after(host_.config.write_timeout);
  net::async_write(stream_, net::buffer(line),
                   on_io([self = shared_from_this(), then](error_code failed, std::size_t) {
                     if (failed) return self->close();
                     (self.get()->*then)();
                   }));
}

void session::read_body() {
  const auto length = parser_->content_length();
  const auto expected = length ? *length : parser_->chunked() ? max_body_ : 0;
  stream_.expires_after(transfer_timeout(host_.config.read_timeout, expected));
  beast::http::async_read(stream_, buffer_, *parser_,
                          on_io([self = shared_from_this()](error_code failed, std::size_t) {
                            if (failed) return self->reject_unreadable(failed);
                            self->dispatch();
                          }));
}

void session::reject_unreadable(error_code failed) {
  using error = beast::http::error;
  const auto is = [&](error e) { return failed == beast::http::make_error_code(e); };
  const auto from_parser =
      failed.category() == beast::http::make_error_code(error::bad_method).category();
  if (state_ == state::closed || !from_parser || is(error::end_of_stream) ||
      is(error::partial_message))
    return close();
  if (is(error::header_limit) || is(error::buffer_overflow))
    return reject(431, "header_too_large",
                  "the request's header has more than " +
                      std::to_string(host_.config.max_header.bytes) + " bytes");
  if (is(error::body_limit))
    return reject(413, "body_too_large",
                  "the request's body has more than " + std::to_string(max_body_) + " bytes");
  reject(400, "malformed_request", "this is not an HTTP request: " + failed.message());
}

void session::dispatch() {
  unread_ = false;
  keep_alive_ = parser_->keep_alive();
  auto message = parser_->release();
  auto r = std::make_shared<request>();
  if (!read_head(message, *r))
    return respond(error_response(400, "malformed_request", "the request's target is malformed"));
  r->body = std::move(message.body());
  if (head_) r->method = "GET";
  hand_over(std::move(r));
}

bool session::read_head(const beast::http::request_header<>& from, request& into) {
  auto target = view(from.target());
  if (const auto scheme = target.find("://");
      scheme != std::string_view::npos && target[0] != '/') {
    const auto slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/') || !parse_target(target, into)) return false;
  into.method = view(from.method_string());
  for (const auto& header : from) {
    auto& value = into.headers[lower(view(header.name_string()))];
    if (!value.empty()) value += ", ";
    value += view(header.value());
  }
  return true;
}

/// Has a worker run the handler. What was received into a file is not refused any more.
void session::hand_over(std::shared_ptr<request> r) {
  state_ = state::handling;
  stream_.expires_never();
  const auto in_file = r->file != nullptr;
  auto job = on_worker([self = shared_from_this(), r = std::move(r)] {
    auto out = run_handler(self->host_.handle, *r);
    net::post(self->stream_.get_executor(), self->on_io([self, out = std::move(out)]() mutable {
      self->respond(std::move(out));
    }));
  });
  if (in_file) return host_.receivers.submit(std::move(job));
  if (host_.workers.try_submit(std::move(job))) return;
  auto busy = error_response(503, "overloaded",
                             "this node has as many requests waiting as it may; try again later");
  busy.headers["Retry-After"] = "1";
  respond(std::move(busy));
}

/// Answers what could not be read to its end; the connection ends with it.
void session::reject(int status, std::string_view code, const std::string& message) {
  auto r = error_response(status, code, message);
  if (status == 503) r.headers["Retry-After"] = "1";
  reject(std::move(r));
}

void session::reject(response r) {
  unread_ = true;
  keep_alive_ = false;
  respond(std::move(r));
}

void session::respond(response r) {
  end_upload();
  if (state_ == state::closed) {
    body_ = std::move(r.stream);
    return release_stream();
  }
  state_ = state::writing;
  if (r.status < 200 || r.status > 599) {
    log::error("a handler answered with an impossible status", {{"status", r.status}});
    r = error_response({ec::internal, "the handler answered with an impossible status"});
  }
  if (host_.stopping) keep_alive_ = false;
  if (r.stream && !has_no_body(r.status)) return start_stream(std::move(r));
  if (head_ || has_no_body(r.status)) return send_head_only(r);
  send_whole(std::move(r));
}

void session::send_whole(response r) {
  beast::http::response<beast::http::string_body> message;
  message.version(version_);
  message.result(static_cast<unsigned>(r.status));
  set_head(message, r, keep_alive_);
  message.body() = std::move(r.body);
  message.prepare_payload();
  send(std::move(message));
}

void session::send_head_only(const response& r) {
  beast::http::response<beast::http::empty_body> message;
  message.version(version_);
  message.result(static_cast<unsigned>(r.status));
  set_head(message, r, keep_alive_);
  if (!has_no_body(r.status)) message.content_length(r.body.size());
  send(std::move(message));
}

/// Sends the head of a streamed response; what follows is in session_stream.cpp.
void session::start_stream(response r) {
  struct streamed_head {
    beast::http::response<beast::http::empty_body> message;
    beast::http::response_serializer<beast::http::empty_body> serializer{message};
  };
  if (version_ == 10) keep_alive_ = false;  // The end of the connection is the end of the body.
  auto held = std::make_shared<streamed_head>();
  held->message.version(version_);
  held->message.result(static_cast<unsigned>(r.status));
  set_head(held->message, r, keep_alive_);
  if (version_ == 11) held->message.chunked(true);
  body_ = std::move(r.stream);
  last_piece_ = std::chrono::steady_clock::now();
  stream_.expires_after(host_.config.write_timeout);
  beast::http::async_write_header(
      stream_, held->serializer,
      on_io([self = shared_from_this(), held](error_code failed, std::size_t) {
        if (failed || self->state_ == state::closed) return self->close();
        if (!self->head_) return self->pull();
        self->release_stream();
        self->after_response(failed, self->keep_alive_);
      }));
}

template <class Message>
void session::send(Message message) {
  const auto size = message.payload_size().value_or(0);
  stream_.expires_after(transfer_timeout(host_.config.write_timeout, size));
  auto held = std::make_shared<Message>(std::move(message));
  beast::http::async_write(stream_, *held,
                           on_io([self = shared_from_this(), held](error_code failed, std::size_t) {
                             self->after_response(failed, held->keep_alive());
                           }));
}

void session::after_response(error_code failed, bool keep_alive) {
  if (failed || state_ == state::closed) return close();
  if (unread_) return linger();
  if (!keep_alive) return close();
  await_request();
}

/// Closing with unread bytes would reset the connection, and the client might never see the answer.
void session::linger() {
  error_code failed;
  stream_.socket().shutdown(protocol::socket::shutdown_send, failed);
  if (failed) return close();
  stream_.expires_after(linger_timeout);
  discard();
}

void session::discard() {
  stream_.async_read_some(net::buffer(discarded_),
                          on_io([self = shared_from_this()](error_code failed, std::size_t) {
                            if (failed) return self->close();
                            self->discard();
                          }));
}

}  // namespace millrace::http
