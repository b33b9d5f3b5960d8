// The part of a session that receives a body into a file: ask where to, read a piece, write it,
// ..., run the handler. All but the reading is done by receivers.
#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>

#include "runtime/http/session.hpp"
#include "runtime/telemetry/log.hpp"

namespace millrace::http {

namespace net = boost::asio;
namespace beast = boost::beast;

namespace {

tl::expected<std::shared_ptr<received_file>, response> ask(const body_door& door,
                                                           const request& head) {
  std::string reason = "an exception of an unknown type";
  try {
    return door(head);
  } catch (const std::exception& e) {
    reason = e.what();
  } catch (...) {
  }
  log::error("a handler failed",
             {{"method", head.method}, {"path", head.path}, {"reason", reason}});
  return tl::unexpected(error_response(
      {ec::internal, "the handler of " + head.path + " failed; the node's log says why"}));
}

}  // namespace

void session::open_upload() {
  if (host_.uploads >= host_.config.max_uploads)
    return reject(503, "overloaded",
                  "this node receives as many files as it may at a time; try again later");
  auto head = std::make_shared<request>();
  if (!read_head(parser_->get(), *head))
    return reject(400, "malformed_request", "the request's target is malformed");
  ++host_.uploads;
  upload_ = std::make_shared<upload>();
  upload_->request_head = head;
  state_ = state::handling;
  stream_.expires_never();
  host_.receivers.submit(on_worker([self = shared_from_this(), head] {
    auto opened = ask(self->host_.config.open_body, *head);
    net::post(self->stream_.get_executor(),
              self->on_io([self, opened = std::move(opened)]() mutable {
                self->on_upload_opened(std::move(opened));
              }));
  }));
}

void session::on_upload_opened(tl::expected<std::shared_ptr<received_file>, response> opened) {
  if (!opened) return reject(std::move(opened.error()));
  if (!upload_) {  // Closed meanwhile.
    host_.receivers.submit([file = std::move(*opened)] {});
    return;
  }
  state_ = state::reading;
  if (!*opened) {
    end_upload();
    return begin_body();
  }
  max_body_ = (*opened)->max_size().bytes;
  upload_->request_head->file = std::move(*opened);
  if (const auto length = parser_->content_length(); length && *length > max_body_)
    return reject_unreadable(beast::http::make_error_code(beast::http::error::body_limit));
  upload_->parser.emplace(std::move(*parser_));
  upload_->parser->body_limit(max_body_);
  upload_->piece.resize(upload_piece.bytes);
  const auto& message = upload_->parser->get();
  const auto waits = !upload_->parser->is_done() && buffer_.size() == 0 &&
                     beast::iequals(message[beast::http::field::expect], "100-continue");
  if (waits) return let_send(&session::read_piece);
  read_piece();
}

void session::read_piece() {
  if (!upload_) return;
  state_ = state::reading;
  auto& body = upload_->parser->get().body();
  body.data = upload_->piece.data();
  body.size = upload_->piece.size();
  const auto left = upload_->parser->content_length_remaining();
  const auto expected = std::min<std::uint64_t>(left ? *left : upload_piece.bytes, body.size);
  stream_.expires_after(host_.config.read_timeout +
                        std::chrono::seconds{expected / min_transfer_rate.bytes});
  // The parser and the piece must live as long as the reading does.
  beast::http::async_read(
      stream_, buffer_, *upload_->parser,
      on_io([self = shared_from_this(), held = upload_](error_code failed, std::size_t) {
        const auto full = failed == beast::http::make_error_code(beast::http::error::need_buffer);
        if (!self->upload_) return;
        if (failed && !full) return self->reject_unreadable(failed);
        self->keep_piece();
      }));
}

void session::keep_piece() {
  state_ = state::handling;
  stream_.expires_never();
  const auto size = upload_->piece.size() - upload_->parser->get().body().size;
  host_.receivers.submit(on_worker([self = shared_from_this(), held = upload_, size] {
    auto written = held->request_head->file->write({held->piece.data(), size});
    net::post(self->stream_.get_executor(), self->on_io([self, written = std::move(written)] {
      if (!self->upload_) return;
      if (!written) return self->reject(error_response(written.error()));
      if (!self->upload_->parser->is_done()) return self->read_piece();
      self->unread_ = false;
      self->keep_alive_ = self->upload_->parser->keep_alive();
      self->hand_over(std::exchange(self->upload_->request_head, nullptr));
    }));
  }));
}

/// On a worker, because removing what was received may block.
void session::end_upload() {
  if (!upload_) return;
  --host_.uploads;
  host_.receivers.submit([done = std::exchange(upload_, nullptr)] {});
}

}  // namespace millrace::http
