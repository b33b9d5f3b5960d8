#include "runtime/extraction/worker.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/eventfd.h>

#include "config/load.hpp"
#include "runtime/threads/guarded.hpp"

namespace millrace::extraction {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_frames = 2;  // in the process at once
constexpr auto frame_time = 50ms;      // what a frame of small documents should take at most
constexpr auto send_timeout = 10s;
constexpr auto idle_slice = 1s;    // between two looks at an idle process
constexpr int start_attempts = 5;  // in a row before waiting documents are refused
constexpr auto start_backoff_min = 100ms;
constexpr auto start_backoff_max = 5s;

}  // namespace

pool_shared::pool_shared(std::uint64_t budget_bytes)
    : budget{budget_bytes}, stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}

bool pool_shared::stopping() const {
  pollfd event{stop.get(), POLLIN, 0};
  return ::poll(&event, 1, 0) > 0;
}

pool_state::pool_state(extractor_pool_config c, std::vector<std::string> a,
                       std::size_t worker_count, pool_shared& s)
    : config{std::move(c)},
      arguments{std::move(a)},
      workers{worker_count},
      shared{s},
      tiers{config.settings, shared.budget.total()} {}

worker::worker(pool_state& pool) : pool_{pool} {}

void worker::run() {
  while (!pool_.shared.stopping())
    if (const auto went = guarded("extraction", [this] { step(); }); !went)
      static_cast<void>(guarded("extraction", [&] { recover(went.error()); }));
  if (process_) forget_process();
  give_back_suspect();
  for (auto& held : in_flight_)
    held.document.done(fail(ec::draining, "the node is shutting down; the document stays queued"));
}

void worker::step() {
  if (!process_ && !(pool_.starts_at_need ? start_at_need() : start_process())) return;
  if (in_flight_.empty() && !suspect_ && !idle()) return;
  feed();
  if (!in_flight_.empty()) listen();
}

/// After an exception: what the process has done by now is not known. The document that is due gets
/// the error, those behind it go back to the queue. Without one it is as if the process could not
/// be started: a pause, and after some in a row what waits is refused.
void worker::recover(const error& why) {
  if (process_) forget_process();
  if (in_flight_.empty()) {
    give_back_suspect();
    return start_failed(why);
  }
  auto due = end_due().document;
  std::vector<waiting_document> rest;
  for (auto& held : in_flight_) rest.push_back(std::move(held.document));
  in_flight_.clear();
  give_back(std::move(rest));
  refuse(due, why);
}

// ---- the process's life ----

bool worker::start_process() {
  auto started =
      extractor_process::start(pool_.config.executable, pool_.shared.stop.get(), pool_.arguments);
  if (!started) {
    give_back_suspect();  // others may have a process for it
    if (!pool_.shared.stopping()) start_failed(started.error());
    return false;
  }
  process_ = std::move(*started);
  answered_ = 0;
  limited_to_ = 0;
  cpu_allowed_ = {};
  idle_since_ = clock::now();
  ++pool_.shared.stats.processes_started;
  usage_ = counted{pool_.shared.stats.idle};
  alive_ = counted{pool_.processes_alive};
  return true;
}

bool worker::start_at_need() {
  if (suspect_) return start_process();
  if (!pool_.queue.wait_for_need(idle_slice)) return false;
  auto started = guarded("extraction", [this]() -> result<bool> { return start_process(); });
  pool_.queue.process_started();  // whatever happened: others wait for it
  if (!started) start_failed(started.error());
  return started.value_or(false);
}

/// Pauses before the next attempt. After some in a row, what waits is refused, unless others can
/// still serve it.
void worker::start_failed(const error& why) {
  failed_starts_ = std::min(failed_starts_ + 1, start_attempts);
  if (failed_starts_ == start_attempts && pool_.processes_alive == 0) {
    auto waiting = pool_.queue.take_all();
    for (auto& document : waiting) {
      document.waits = {};
      refuse(document, why);
    }
  }
  const auto backoff = std::min<std::chrono::milliseconds>(
      start_backoff_max, start_backoff_min * (1 << (failed_starts_ - 1)));
  pollfd stop{pool_.shared.stop.get(), POLLIN, 0};
  ::poll(&stop, 1, static_cast<int>(backoff.count()));
}

void worker::forget_process() {
  usage_ = {};
  alive_ = {};
  process_.reset();
  decoder_.reset();
  rest_taken_back_ = false;
  frames_ = 0;
  release_memory();
}

void worker::retire_process() {
  ++pool_.shared.stats.recycled;
  forget_process();
}

// ---- feeding ----

/// Between documents: true where there is work and a healthy process for it.
bool worker::idle() {
  if (rest_taken_back_ || answers_left() == 0) {
    retire_process();
    return false;
  }
  if (pool_.queue.size() == 0) release_memory();
  if (!pool_.queue.wait(idle_slice)) {
    if (pool_.starts_at_need && clock::now() - idle_since_ >= pool_.config.idle_end)
      forget_process();
    return false;
  }
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
    const bool may_pipeline =
        frames_ < max_frames && tier_ == 0 && !pool_.shared.budget.contended() &&
        in_flight_.back().document.small() && in_flight_.size() * pace_ < frame_time;
    if (!may_pipeline) return 0;
  }
  if (pace_ > 0ns) most = std::min(most, static_cast<std::uint64_t>(frame_time / pace_));
  return std::max<std::uint64_t>(most, 1);
}

/// Off the queue, unless it has one of its own.
std::vector<waiting_document> worker::take(std::size_t most, bool large_too) {
  std::vector<waiting_document> taken;
  if (suspect_) {
    taken.push_back(std::move(*suspect_));
    suspect_.reset();
    return taken;
  }
  taken = pool_.queue.take(most, pool_.workers, large_too);
  for (auto& document : taken) document.waits = {};
  return taken;
}

/// Takes documents and opens them; those that cannot be opened are answered here.
worker::prepared_frame worker::prepare(std::size_t most, bool large_too) {
  prepared_frame frame;
  auto taken = take(most, large_too);
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
    const auto& wanted = document.request.version;
    if (wanted && *wanted != file->version) {
      refuse(document,
             {ec::source_changed,
              document.request.path + " was changed while it was read; it is read again"});
      continue;
    }
    document.version = file->version;
    document.request.size_hint = file->version.size;  // more may be there than was submitted
    full = !document.small();
    if (full && (!large_too || !frame.documents.empty())) {
      rest.push_back(std::move(document));
      continue;
    }
    frame.tier = std::max(pool_.tiers.tier_for(file->version.size), document.min_tier);
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
  if (reserved_ != cap || (in_flight_.empty() && pool_.shared.budget.contended())) {
    release_memory();
    if (!pool_.shared.budget.reserve(cap)) return false;
    reserved_ = cap;
    pool_.shared.stats.memory_bytes = pool_.shared.budget.in_use();
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
  const bool suspect = frame.documents.front().past != nullptr;  // alone in its frame
  request r{pool_.config.settings.max_text.bytes, pool_.config.images.enabled, {}, suspect};
  std::array<int, max_frame_documents> files{};
  const bool first = in_flight_.empty();
  for (std::size_t i = 0; i < frame.documents.size(); ++i) {
    files[i] = frame.files[i].fd.get();
    const auto& document = frame.documents[i];
    r.documents.push_back({next_number_, frame.files[i].version.size, document.known_pages()});
    in_flight_.push_back({std::move(frame.documents[i]), next_number_++});
  }
  in_flight_.back().ends_frame = true;
  ++frames_;
  if (first) {
    usage_ = {};
    usage_ = counted{pool_.shared.stats.busy};
    touch();
    begin_due();
  }
  outgoing_.clear();
  if (const auto& image = in_flight_.back().document.request.image_source; !image.empty())
    append_image_request(outgoing_, {r.documents[0].number, r.documents[0].size, image,
                                     pool_.config.images.languages});
  else
    append_request(outgoing_, r);
  ++pool_.shared.stats.frames;
  // Should it fail, the process has died or hangs. What it answered before is still in the socket,
  // so that listen() decides whom that costs, at the end of the stream or at the time-out.
  process_->socket().send(outgoing_, std::span{files}.first(r.documents.size()),
                          clock::now() + send_timeout);
}

void worker::give_back(std::vector<waiting_document> documents) {
  if (documents.empty()) return;
  for (auto& document : documents) document.waits = counted{pool_.shared.stats.waiting};
  if (pool_.queue.put_back(documents)) return;
  for (auto& document : documents) {
    document.waits = {};
    document.done(fail(ec::draining, "the node is shutting down; the document stays queued"));
  }
}

void worker::give_back_suspect() {
  if (!suspect_) return;
  std::vector<waiting_document> documents;
  documents.push_back(std::move(*suspect_));
  suspect_.reset();
  give_back(std::move(documents));
}

void worker::refuse(waiting_document& document, const error& why) {
  ++pool_.shared.stats.documents;
  document.done(tl::unexpected{why});
}

void worker::release_memory() {
  if (reserved_ == 0) return;
  pool_.shared.budget.release(reserved_);
  reserved_ = 0;
  pool_.shared.stats.memory_bytes = pool_.shared.budget.in_use();
}

}  // namespace millrace::extraction
