#include "runtime/extraction/worker.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/eventfd.h>

#include "config/load.hpp"

namespace millrace::extraction {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_frames = 2;  // in the process at once
constexpr auto frame_time = 50ms;      // what a frame of small documents should take at most
constexpr auto stall_time = 5s;  // after which documents behind a slow one go back to the queue
constexpr auto send_timeout = 10s;
constexpr auto idle_slice = 1s;  // between two looks at an idle process
constexpr auto retire_grace = 2s;
constexpr int start_attempts = 5;  // in a row before waiting documents are refused
constexpr auto start_backoff_min = 100ms;
constexpr auto start_backoff_max = 5s;
constexpr auto resident_check = 50ms;  // where the address space cannot be limited

std::chrono::milliseconds until(std::chrono::steady_clock::time_point t) {
  return std::chrono::ceil<std::chrono::milliseconds>(t - std::chrono::steady_clock::now());
}

}  // namespace

pool_state::pool_state(extractor_pool_config c, std::size_t worker_count,
                       std::uint64_t budget_bytes)
    : config{std::move(c)},
      workers{worker_count},
      tiers{config.settings, budget_bytes},
      budget{budget_bytes},
      stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}

bool pool_state::stopping() const {
  pollfd event{stop.get(), POLLIN, 0};
  return ::poll(&event, 1, 0) > 0;
}

worker::worker(pool_state& pool) : pool_{pool} {}

void worker::run() {
  while (!pool_.stopping()) {
    if (!process_ && !start_process()) continue;
    if (in_flight_.empty() && !idle()) continue;
    feed();
    if (!in_flight_.empty()) listen();
  }
  if (process_) forget_process();
  for (auto& held : in_flight_)
    held.document.done(fail(ec::draining, "the node is shutting down; the document stays queued"));
}

// ---- the process's life ----

bool worker::start_process() {
  auto started = extractor_process::start(pool_.config.executable, pool_.stop.get());
  if (!started) {
    if (!pool_.stopping()) start_failed(started.error());
    return false;
  }
  process_ = std::move(*started);
  answered_ = 0;
  limited_to_ = 0;
  cpu_allowed_ = clock::now() - pool_.config.settings.timeout;
  ++pool_.stats.processes_started;
  ++pool_.stats.idle;
  ++pool_.processes_alive;
  return true;
}

/// Pauses before the next attempt. After some in a row, what waits is refused, unless others can
/// still serve it.
void worker::start_failed(const error& why) {
  failed_starts_ = std::min(failed_starts_ + 1, start_attempts);
  if (failed_starts_ == start_attempts && pool_.processes_alive == 0) {
    auto waiting = pool_.queue.take_all();
    pool_.stats.waiting -= static_cast<std::int64_t>(waiting.size());
    for (auto& document : waiting) refuse(document, why);
  }
  const auto backoff = std::min<std::chrono::milliseconds>(
      start_backoff_max, start_backoff_min * (1 << (failed_starts_ - 1)));
  pollfd stop{pool_.stop.get(), POLLIN, 0};
  ::poll(&stop, 1, static_cast<int>(backoff.count()));
}

void worker::forget_process() {
  --(in_flight_.empty() ? pool_.stats.idle : pool_.stats.busy);
  --pool_.processes_alive;
  process_.reset();
  decoder_.reset();
  rest_taken_back_ = false;
  frames_ = 0;
  release_memory();
}

void worker::retire_process() {
  ++pool_.stats.recycled;
  forget_process();
}

void worker::lose_process(cause why, const std::string& detail) {
  const auto end = process_->end(why == cause::ended ? retire_grace : 0s);
  if (why == cause::ended && end.signal == 0 && end.exit_code == memory_exit_code)
    why = cause::memory;
  if (why == cause::ended && end.signal == SIGXCPU) why = cause::timeout;
  const auto reason = describe(why, end, detail);
  auto& counter = why == cause::timeout  ? pool_.stats.kills_timeout
                  : why == cause::memory ? pool_.stats.kills_memory
                                         : pool_.stats.crashes;
  ++counter;
  const auto higher_tier = pool_.tiers.above(tier_);
  forget_process();

  auto blamed = std::move(in_flight_.front().document);
  in_flight_.pop_front();
  std::vector<waiting_document> again;
  if (why == cause::memory && higher_tier) {
    blamed.min_tier = *higher_tier;
    again.push_back(std::move(blamed));
  } else {
    refuse(blamed, reason);
  }
  for (auto& held : in_flight_) again.push_back(std::move(held.document));
  in_flight_.clear();
  give_back(std::move(again));
}

error worker::describe(cause why, const process_end& end, const std::string& detail) const {
  const auto& s = pool_.config.settings;
  switch (why) {
    case cause::timeout:
      return {ec::extraction_timeout,
              "the parser finished no page within " + to_string(s.timeout) +
                  " and was stopped; raise extraction.timeout if the document is worth the wait"};
    case cause::memory:
      return {ec::extraction_memory, "the parser needs more than " +
                                         to_string(byte_size{pool_.tiers.cap(tier_)}) +
                                         " of memory; raise extraction.memory_large (and "
                                         "memory_budget) or split the document"};
    case cause::garbage:
      return {ec::extraction_crashed,
              "the parser answered with nonsense on this document: " + detail};
    case cause::ended:
      break;
  }
  return {ec::extraction_crashed, "the parser " + end.to_string() + " on this document"};
}

// ---- feeding ----

/// Between documents: true where there is work and a healthy process for it.
bool worker::idle() {
  if (rest_taken_back_ || answers_left() == 0) {
    retire_process();
    return false;
  }
  if (pool_.queue.size() == 0) release_memory();
  if (!pool_.queue.wait(idle_slice)) return false;
  if (process_->socket().quiet()) return true;
  // It died, or spoke, while it had nothing to do: no document is to blame.
  forget_process();
  if (answered_ == 0)
    start_failed({ec::extractor_missing, "the extractor " + pool_.config.executable.string() +
                                             " ends or speaks before it is asked"});
  return false;
}

void worker::feed() {
  while (process_) {
    const auto most = room();
    if (most == 0) return;
    auto frame = prepare(most, in_flight_.empty());
    if (frame.documents.empty()) return;
    if (!adopt_tier(frame.tier)) return give_back(std::move(frame.documents));
    send(std::move(frame));
  }
}

/// How many documents this process may still be given before it is replaced.
std::uint64_t worker::answers_left() const {
  const auto most =
      static_cast<std::uint64_t>(std::max(1, pool_.config.settings.documents_per_process));
  const auto given = answered_ + in_flight_.size();
  return most > given ? most - given : 0;
}

/// How many small documents may be sent now.
std::size_t worker::room() const {
  auto most = std::min<std::uint64_t>(max_frame_documents, answers_left());
  if (rest_taken_back_ || most == 0) return 0;
  if (!in_flight_.empty()) {
    const bool may_pipeline = frames_ < max_frames && tier_ == 0 && !pool_.budget.contended() &&
                              in_flight_.back().document.small() &&
                              in_flight_.size() * pace_ < frame_time;
    if (!may_pipeline) return 0;
  }
  if (pace_ > 0ns) most = std::min(most, static_cast<std::uint64_t>(frame_time / pace_));
  return std::max<std::uint64_t>(most, 1);
}

/// Takes documents and opens them; those that cannot be opened are answered here.
worker::prepared_frame worker::prepare(std::size_t most, bool large_too) {
  prepared_frame frame;
  auto taken = pool_.queue.take(most, pool_.workers, large_too);
  pool_.stats.waiting -= static_cast<std::int64_t>(taken.size());
  std::vector<waiting_document> rest;
  bool full = false;
  for (auto& document : taken) {
    if (full) {
      rest.push_back(std::move(document));
      continue;
    }
    auto file = open_document(document.request.path);
    if (!file) {
      refuse(document, file.error());
      continue;
    }
    document.request.size_hint = file->size;  // it may be larger than was known when it was queued
    full = !document.small();
    if (full && (!large_too || !frame.documents.empty())) {
      rest.push_back(std::move(document));
      continue;
    }
    frame.tier = std::max(pool_.tiers.tier_for(file->size), document.min_tier);
    frame.documents.push_back(std::move(document));
    frame.files.push_back(std::move(*file));
  }
  give_back(std::move(rest));
  return frame;
}

/// Reserves the tier's memory and caps the process to it. False where the process was replaced or
/// the pool stops.
bool worker::adopt_tier(std::size_t tier) {
  const auto cap = pool_.tiers.cap(tier);
  if (reserved_ != cap || (in_flight_.empty() && pool_.budget.contended())) {
    release_memory();
    if (!pool_.budget.reserve(cap)) return false;
    reserved_ = cap;
    pool_.stats.memory_bytes = pool_.budget.in_use();
  }
  tier_ = tier;
  if (limited_to_ == cap) return true;
  if (limited_to_ > cap && process_->address_space() > cap / 2) {
    retire_process();  // a large document left it too fat for a small one's cap
    return false;
  }
  process_->limit_address_space(cap);
  limited_to_ = cap;
  return true;
}

void worker::send(prepared_frame frame) {
  request r{pool_.config.settings.max_text.bytes, {}};
  std::array<int, max_frame_documents> files{};
  const bool first = in_flight_.empty();
  for (std::size_t i = 0; i < frame.documents.size(); ++i) {
    files[i] = frame.files[i].fd.get();
    r.documents.push_back({next_number_, frame.files[i].size});
    in_flight_.push_back({std::move(frame.documents[i]), next_number_++, false});
  }
  in_flight_.back().ends_frame = true;
  ++frames_;
  if (first) {
    --pool_.stats.idle;
    ++pool_.stats.busy;
    touch();
    due_since_ = last_sign_;
    pages_ = 0;
  }
  outgoing_.clear();
  append_request(outgoing_, r);
  ++pool_.stats.frames;
  // Should it fail, the process has died or hangs. What it answered before is still in the socket,
  // so that listen() decides whom that costs, at the end of the stream or at the time-out.
  process_->socket().send(outgoing_, std::span{files}.first(r.documents.size()),
                          clock::now() + send_timeout);
}

void worker::give_back(std::vector<waiting_document> documents) {
  if (documents.empty()) return;
  const auto count = static_cast<std::int64_t>(documents.size());
  pool_.stats.waiting += count;
  if (pool_.queue.put_back(documents)) return;
  pool_.stats.waiting -= count;
  for (auto& document : documents)
    document.done(fail(ec::draining, "the node is shutting down; the document stays queued"));
}

void worker::refuse(waiting_document& document, const error& why) {
  ++pool_.stats.documents;
  document.done(tl::unexpected{why});
}

// ---- answers ----

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
                               pollfd{pool_.stop.get(), POLLIN, 0}};
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
    case frame_type::hello:
    case frame_type::request:
      return lose_process(cause::garbage, "a frame that is no answer");
  }
}

/// Only new pages count: a process that repeats itself is stopped like one that is silent.
void worker::handle_progress(const progress& p) {
  if (p.pages <= pages_ || p.pages > max_pages) return;
  pages_ = p.pages;
  if (const auto& told = in_flight_.front().document.request.pages)
    told->store(pages_, std::memory_order_relaxed);
  touch();
}

void worker::answer(result<extracted_document> outcome) {
  const auto due_since = due_since_;
  touch();
  due_since_ = last_sign_;
  pages_ = 0;
  decoder_.reset();
  ++answered_;
  ++pool_.stats.documents;
  failed_starts_ = 0;
  auto answered = std::move(in_flight_.front());
  in_flight_.pop_front();
  if (outcome)
    outcome->reading_time =
        std::chrono::duration_cast<std::chrono::milliseconds>(last_sign_ - due_since);
  if (answered.document.small()) pace_ = (3 * pace_ + (last_sign_ - due_since)) / 4;
  if (answered.ends_frame) --frames_;
  if (in_flight_.empty()) {
    --pool_.stats.busy;
    ++pool_.stats.idle;
  }
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

/// The process showed that it is alive: the time-out starts again, and so does its CPU time.
void worker::touch() {
  last_sign_ = clock::now();
  const auto timeout = std::chrono::ceil<std::chrono::seconds>(pool_.config.settings.timeout);
  if (last_sign_ - cpu_allowed_ < timeout / 4) return;
  cpu_allowed_ = last_sign_;
  // The time-out comes first as long as this node watches; this bounds a process whose node is
  // gone.
  process_->allow_cpu_time(2 * timeout);
}

void worker::release_memory() {
  if (reserved_ == 0) return;
  pool_.budget.release(reserved_);
  reserved_ = 0;
  pool_.stats.memory_bytes = pool_.budget.in_use();
}

}  // namespace millrace::extraction
