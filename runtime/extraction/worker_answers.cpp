// What a worker does with what its process says, and with its silence.
#include <algorithm>
#include <array>

#include <poll.h>

#include "runtime/extraction/worker.hpp"

namespace millrace::extraction {

namespace {

using namespace std::chrono_literals;

constexpr auto stall_time = 5s;  // after which documents behind a slow one go back to the queue
/// CPU time is granted at most so often: a page gets so much more than extraction.timeout.
constexpr auto cpu_grant_interval = 1s;
constexpr auto resident_check = 50ms;  // where the address space cannot be limited

std::chrono::milliseconds until(std::chrono::steady_clock::time_point t) {
  return std::chrono::ceil<std::chrono::milliseconds>(t - std::chrono::steady_clock::now());
}

}  // namespace

void worker::listen() {
  switch (process_->socket().read(channel::wait::none)) {
    case channel::read_status::nothing:
      return await_answer();
    case channel::read_status::closed:
      return lose_process(cause::ended);
    case channel::read_status::data:
      break;
  }
  while (process_ && !in_flight_.empty()) {
    const auto next = process_->socket().next_frame();
    if (!next) return lose_process(cause::garbage, next.error().message);
    if (!*next) return;
    handle(**next);
  }
}

/// Sleeps until the socket or the pool wants something, or a limit is due.
void worker::await_answer() {
  auto patience = until(last_sign_ + pool_.config.settings.timeout);
  if (in_flight_.size() > 1 && !rest_taken_back_)
    patience = std::min(patience, until(due_since_ + stall_time));
  if constexpr (!limits_address_space)
    patience = std::min<std::chrono::milliseconds>(patience, resident_check);
  patience = std::clamp<std::chrono::milliseconds>(patience, 0ms, 60s);
  std::array<pollfd, 2> events{pollfd{process_->socket().socket(), POLLIN, 0},
                               pollfd{pool_.shared.stop.get(), POLLIN, 0}};
  if (::poll(events.data(), events.size(), static_cast<int>(patience.count())) == 0) check_limits();
}

void worker::check_limits() {
  if (until(last_sign_ + pool_.config.settings.timeout) <= 0ms) return lose_process(cause::timeout);
  if constexpr (!limits_address_space)
    if (process_->resident() > limited_to_) return lose_process(cause::memory);
  if (in_flight_.size() > 1 && until(due_since_ + stall_time) <= 0ms) take_back_rest();
}

void worker::handle(const frame& f) {
  auto& due = in_flight_.front();
  if (!decoder_) decoder_.emplace(due.number, pool_.config.settings.max_text.bytes);
  switch (f.type) {
    case frame_type::progress: {
      const auto p = decode_progress(f.payload);
      if (!p || p->number != due.number)
        return lose_process(cause::garbage, "progress that is not due");
      return handle_progress(*p);
    }
    case frame_type::working: {
      const auto w = decode_working(f.payload);
      if (!w || w->number != due.number)
        return lose_process(cause::garbage, "work that is not due");
      return handle_working(*w);
    }
    case frame_type::elements:
      if (auto added = decoder_->add_elements(f.payload); !added)
        return lose_process(cause::garbage, added.error().message);
      return;
    case frame_type::result: {
      auto document = decoder_->finish(f.payload);
      if (!document) return lose_process(cause::garbage, document.error().message);
      return answer(std::move(document));
    }
    case frame_type::failure: {
      const auto said = decode_failure(f.payload);
      if (!said || said->number != due.number)
        return lose_process(cause::garbage, "a failure that is not due");
      return answer(tl::unexpected{said->reason});
    }
    case frame_type::identity: {
      auto said = decode_identity(f.payload);
      if (!said || said->number != due.number)
        return lose_process(cause::garbage, "an identity that is not due");
      return pieces_.identify(std::move(*said));
    }
    case frame_type::redirect:
      return handle_redirect(f);
    case frame_type::hello:
    case frame_type::request:
    case frame_type::read_image:
      return lose_process(cause::garbage, "a frame that is no answer");
  }
}

/// Only new pages count: a process that repeats itself is stopped like one that is silent.
void worker::handle_progress(const progress& p) {
  if (p.pages <= pages_ || p.pages > max_pages) return;
  pages_ = p.pages;
  if (const auto& told = in_flight_.front().document.request.progress)
    told->pages.store(pages_, std::memory_order_relaxed);
  touch();
  hand_over(pieces_.add(pages_, decoder_->elements(), last_sign_));
}

/// A parser that repeats itself works through nothing; one that crawls is stopped too.
void worker::handle_working(const working& w) {
  if (w.bytes <= work_ || w.bytes - work_ < least_work_bytes) return;
  work_ = w.bytes;
  touch();
}

void worker::hand_over(std::optional<finished_pages> piece) {
  const auto& take = in_flight_.front().document.request.pages_finished;
  if (piece && take) take(std::move(*piece));
}

/// The document is for a parser of another type: its queue has it from here on.
void worker::handle_redirect(const frame& f) {
  const auto said = decode_redirect(f.payload);
  const auto other = said ? pool_.others.find(said->mime) : pool_.others.end();
  if (!said || said->number != in_flight_.front().number || other == pool_.others.end())
    return lose_process(cause::garbage, "a redirect that is not due");
  touch();
  auto moved = end_due().document;
  if (!in_flight_.empty()) begin_due();
  ++answered_;
  moved.waits = counted{pool_.shared.stats.waiting};
  if (other->second->queue.add(moved)) return;
  moved.waits = {};
  moved.done(fail(ec::draining, "the node is shutting down; the document stays queued"));
}

/// The first of in_flight_ is worked on from now on.
void worker::begin_due() {
  due_since_ = last_sign_;
  pages_ = 0;
  work_ = 0;
  pieces_.begin(last_sign_);
  auto& due = in_flight_.front();
  if (const auto& told = due.document.request.progress) due.running = counted{told->running, told};
}

worker::in_flight worker::end_due() {
  auto ended = std::move(in_flight_.front());
  in_flight_.pop_front();
  decoder_.reset();
  ended.running = {};
  if (!process_) return ended;
  if (ended.ends_frame) --frames_;
  if (in_flight_.empty()) {
    usage_ = {};
    usage_ = counted{pool_.shared.stats.idle};
  }
  return ended;
}

void worker::answer(result<extracted_document> outcome) {
  const auto since = due_since_;
  touch();
  auto answered = end_due();
  if (!in_flight_.empty()) begin_due();
  ++answered_;
  ++pool_.shared.stats.documents;
  failed_starts_ = 0;
  idle_since_ = last_sign_;
  const auto time = last_sign_ - since;
  const auto& past = answered.document.past;
  if (outcome && past && !past->kept.complete(*outcome))
    outcome = fail(ec::source_changed, answered.document.request.path +
                                           " was changed while it was read; it is read again");
  if (outcome) {
    outcome->reading_time = std::chrono::duration_cast<std::chrono::milliseconds>(time);
    outcome->version = answered.document.version;
  }
  if (answered.document.small()) pace_ = (3 * pace_ + time) / 4;
  answered.document.done(std::move(outcome));
}

/// A slow document must not hold up others that an idle worker could take.
void worker::take_back_rest() {
  std::vector<waiting_document> rest;
  for (std::size_t i = 1; i < in_flight_.size(); ++i)
    rest.push_back(std::move(in_flight_[i].document));
  in_flight_.resize(1);
  in_flight_.front().ends_frame = true;
  frames_ = 1;
  rest_taken_back_ = true;
  give_back(std::move(rest));
}

/// The process showed that it moves: the time-out starts again, and so does its CPU time.
void worker::touch() {
  last_sign_ = clock::now();
  if (last_sign_ - cpu_allowed_ < cpu_grant_interval) return;
  cpu_allowed_ = last_sign_;
  const auto timeout = std::chrono::ceil<std::chrono::seconds>(pool_.config.settings.timeout);
  process_->allow_cpu_time(timeout + cpu_grant_interval);
}

}  // namespace millrace::extraction
