// The part of a session that sends a body piece by piece: pull (on a worker), write, pull, ...,
// last chunk.
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <sys/socket.h>

#include "runtime/http/session.hpp"
#include "runtime/telemetry/log.hpp"

namespace millrace::http {

namespace net = boost::asio;
namespace beast = boost::beast;

void session::pull() {
  pulling_ = true;
  host_.workers.submit(on_worker([self = shared_from_this()] {
    bool more = false;
    std::string failure;
    self->piece_.clear();
    try {
      more = self->body_(self->piece_);
    } catch (const std::exception& e) {
      failure = std::string("it threw: ") + e.what();
    } catch (...) {
      failure = "it threw an exception of an unknown type";
    }
    if (!failure.empty()) log::error("a streamed body was broken off", {{"reason", failure}});
    net::post(self->stream_.get_executor(), self->on_io([self, more, failed = !failure.empty()] {
      self->on_piece(more, failed);
    }));
  }));
}

void session::on_piece(bool more, bool failed) {
  pulling_ = false;
  if (state_ == state::closed) return release_stream();
  if (failed) return close();
  if (!piece_.empty()) return write_piece(more);
  if (!more) return finish_stream();
  wait_for_piece();
}

void session::write_piece(bool more) {
  const auto allowed =
      host_.config.write_timeout + std::chrono::seconds{piece_.size() / min_transfer_rate.bytes};
  auto written = on_io([self = shared_from_this(), more](error_code failed, std::size_t) {
    if (failed || self->state_ == state::closed) return self->close();
    self->last_piece_ = std::chrono::steady_clock::now();
    if (more) return self->pull();
    self->finish_stream();
  });
  stream_.expires_after(allowed);
  if (version_ == 10)
    net::async_write(stream_, net::buffer(piece_), written);
  else
    net::async_write(stream_, beast::http::make_chunk(net::buffer(piece_)), written);
}

/// The stream has nothing yet: it is asked again later, and holds no worker until then.
void session::wait_for_piece() {
  if (host_.stopping) return finish_stream();
  const auto idle = std::chrono::steady_clock::now() - last_piece_;
  if (idle >= host_.config.idle_timeout || peer_is_gone()) return close();
  timer_.expires_after(stream_poll_interval);
  timer_.async_wait(on_io([self = shared_from_this()](error_code cancelled) {
    if (!cancelled && self->state_ != state::closed) self->pull();
  }));
}

void session::finish_stream() {
  release_stream();
  if (version_ == 10) return after_response({}, false);
  stream_.expires_after(host_.config.write_timeout);
  net::async_write(stream_, beast::http::make_chunk_last(),
                   on_io([self = shared_from_this()](error_code failed, std::size_t) {
                     self->after_response(failed, self->keep_alive_ && !self->host_.stopping);
                   }));
}

/// On a worker, because what the stream owns (a cursor, a connection) may block while it is given
/// back.
void session::release_stream() {
  if (pulling_ || !body_) return;
  host_.workers.submit([body = std::exchange(body_, nullptr)] {});
}

/// A client that went away while there is nothing to write would otherwise not be noticed.
bool session::peer_is_gone() {
  char next = 0;
  return recv(stream_.socket().native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

}  // namespace millrace::http
