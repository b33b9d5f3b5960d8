#include "actors/document.hpp"

#include <algorithm>

#include "runtime/checkpoints/segment.hpp"
#include "runtime/chunking/chunker.hpp"
#include "runtime/queue/attempt_policy.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

/// Four looks in the time of a lease.
duration tick_interval(const queue_settings& s) {
  return std::min<duration>(document_actor_impl::longest_tick, s.visibility_timeout / 4);
}

const char* name_of(int stage) {
  constexpr const char* names[] = {"idle", "extracting", "describing", "embedding", "committing"};
  return names[stage];
}

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

document_actor_impl::document_actor_impl(caf::actor_config& config, actor_place place,
                                         document_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)} {}

document_actor_impl::behavior_type document_actor_impl::make_behavior() {
  delayed_send(this, tick_interval(config_.queue), tick_atom_v);
  return {
      [this](deliver_lease& delivered) -> caf::result<lease_accepted> {
        if (stage_ != stage::idle)
          return caf::make_error(ec::mailbox_full, std::string{"it carries a document already"});
        begin(std::move(delivered.work));
        return lease_accepted{};
      },
      [this](document_extracted& message) { on_extracted(message); },
      [this](checkpoints_loaded& message) { on_checkpoints(message); },
      [this](const use_roles& roles) { on_roles(roles); },
      [this](tick_atom) { on_tick(); },
      [this](drain_atom) {
        if (stage_ != stage::idle) give_back(release_reason::drained);
      },
  };
}

/// A new handle means a new actor that knows nothing of this one: totals start again, and so does
/// what the dead one had not answered.
void document_actor_impl::on_roles(const use_roles& roles) {
  const auto old = std::exchange(roles_, roles);
  if (old.embedder != roles_.embedder) {
    sent_to_embedder_ = {};
    if (stage_ == stage::embedding) embed_next_slice();
  }
  if (old.committer != roles_.committer) {
    sent_to_committer_ = {};
    if (stage_ == stage::committing) hand_over();
  }
  if (old.puller != roles_.puller) {
    demanded_ = 0;
    if (stage_ == stage::idle) demand_lease();
  }
}

void document_actor_impl::on_tick() {
  delayed_send(this, tick_interval(config_.queue), tick_atom_v);
  if (stage_ == stage::idle) return;
  extend_where_it_moved();
  if (stage_ == stage::committing || clock::now() - started_ < config_.deadline) return;
  conclude({ec::timeout, "the document took longer than documents.deadline"});
}

/// What waits for the committer is not stuck either: the committer answers for it.
void document_actor_impl::extend_where_it_moved() {
  const auto steps = steps_ + (pages_ ? pages_->load(std::memory_order_relaxed) : 0);
  if (steps != std::exchange(steps_seen_, steps) || stage_ == stage::committing)
    send(roles_.puller, extend_lease{work_.token});
}

void document_actor_impl::enter(stage next) {
  const auto now = clock::now();
  if (stage_ != stage::idle)
    config_.counters->document_seconds(name_of(static_cast<int>(stage_)))
        .Observe(seconds(now - stage_started_));
  stage_ = next;
  ++steps_;
  stage_started_ = now;
  probe().carry(next == stage::idle ? std::string{} : work_.uri, name_of(static_cast<int>(next)));
}

void document_actor_impl::demand_lease() {
  send(roles_.puller, grant_demand{++demanded_});
}

void document_actor_impl::begin(lease work) {
  work_ = std::move(work);
  started_ = clock::now();
  result_ = document_result{work_};
  result_.options = config_.options;
  result_.embeddings = embedding_store{config_.spill};
  result_.size = work_.size;
  enter(stage::extracting);
  if (lost_too_often(work_, config_.queue))
    return end_failed(
        {ec::extraction_crashed, "the process that worked on this document vanished " +
                                     std::to_string(work_.losses) + " times"},
        true);
  if (work_.has_checkpoints && config_.checkpoints.load)
    load_checkpoints();
  else
    extract();
}

void document_actor_impl::extract() {
  auto path = path_of_file_uri(work_.uri);
  if (!path)
    return end_failed(
        {ec::source_missing, work_.uri + ": only file:// URIs of this machine can be read"}, false);
  auto self = caf::actor_cast<document_actor>(this);
  pages_ = std::make_shared<std::atomic<std::uint32_t>>(0);
  config_.extract({std::move(*path), work_.size, pages_}, [self, token = work_.token](
                                                              result<extracted_document> outcome) {
    caf::anon_send(self, document_extracted{token, std::make_shared<result<extracted_document>>(
                                                       std::move(outcome))});
  });
}

void document_actor_impl::on_extracted(document_extracted& message) {
  if (stage_ != stage::extracting || message.token != work_.token) return;  // given back meanwhile
  if (!*message.outcome) return conclude(message.outcome->error());
  take_extracted(std::move(**message.outcome));
  save_pages();
  describe_images();
}

void document_actor_impl::take_extracted(extracted_document document) {
  extracted_ = std::move(document);
  result_.mime = extracted_.mime;
  result_.sha256 = extracted_.sha256;
  result_.size = extracted_.size;
  result_.pages = extracted_.pages;
  if (restored_.key != checkpoint_key(result_.sha256, result_.options, config_.model))
    restored_ = {};  // it was changed in between
  take_images();
  enter(stage::describing);
}

/// Each distinct image once, at its first place.
void document_actor_impl::take_images() {
  images_.clear();
  unsaved_images_.clear();
  next_image_ = image_answers_ = images_before_ = 0;
  std::set<std::string> seen;
  for (const auto& e : extracted_.elements) {
    if (e.kind != element_kind::image || e.image.sha256.empty() ||
        !seen.insert(e.image.sha256).second)
      continue;
    const auto known = restored_.images.find(e.image.sha256);
    if (known == restored_.images.end()) {
      images_.push_back({e.page, e.image, e.text});
      continue;
    }
    ++images_before_;
    if (known->second.kept) result_.images.push_back(std::move(known->second.image));
  }
  restored_.images.clear();
}

void document_actor_impl::describe_images() {
  if (image_answers_ == images_.size()) return chunk();
  while (next_image_ < images_.size() && next_image_ - image_answers_ < images_in_flight) {
    const auto& worker = roles_.images[(id() + next_image_) % roles_.images.size()];
    const auto token = work_.token;
    request(worker, caf::infinite, describe_image{images_[next_image_++]})
        .then(
            [this, token](image_described& described) {
              if (stage_ == stage::describing && token == work_.token) on_image(described);
            },
            [this, token](const caf::error& e) {
              if (stage_ != stage::describing || token != work_.token) return;
              const auto problem = from_caf(e);
              if (problem.code == ec::internal)  // the image actor died: no fault of the document
                give_back(release_reason::lost);
              else
                conclude(problem);
            });
  }
}

void document_actor_impl::on_image(image_described& described) {
  ++image_answers_;
  ++steps_;
  save_image(described);
  if (described.kept) result_.images.push_back(std::move(described.image));
  describe_images();
}

void document_actor_impl::chunk() {
  result_.chunks = chunk_document(std::exchange(extracted_, {}), config_.chunking);
  std::sort(result_.images.begin(), result_.images.end(), [](const auto& a, const auto& b) {
    return std::tie(a.page, a.info.sha256) < std::tie(b.page, b.info.sha256);
  });
  config_.counters->document_seconds("chunking").Observe(seconds(clock::now() - stage_started_));
  next_chunk_ = 0;
  enter(stage::embedding);
  embed_next_slice();
}

void document_actor_impl::load_checkpoints() {
  auto path = path_of_file_uri(work_.uri);
  if (!path) return extract();
  auto self = caf::actor_cast<document_actor>(this);
  config_.checkpoints.load(
      {work_.document_id, std::move(*path), result_.options, config_.model},
      [self, token = work_.token](saved_pieces pieces) {
        caf::anon_send(
            self, checkpoints_loaded{token, std::make_shared<saved_pieces>(std::move(pieces))});
      });
}

void document_actor_impl::on_checkpoints(checkpoints_loaded& message) {
  if (stage_ != stage::extracting || message.token != work_.token) return;  // given back meanwhile
  restored_ = std::move(*message.pieces);
  if (!restored_.document) return extract();
  take_extracted(*std::exchange(restored_.document, std::nullopt));
  describe_images();
}

/// Moves on over what was embedded by an earlier holder.
void document_actor_impl::take_restored() {
  auto& pieces = restored_.embeddings;
  for (auto piece = pieces.find(next_chunk_);
       piece != pieces.end() && !piece->second.empty() &&
       next_chunk_ + piece->second.size() <= result_.chunks.size();
       piece = pieces.find(next_chunk_)) {
    next_chunk_ += piece->second.size();
    for (auto& e : piece->second) result_.embeddings.push_back(std::move(e));
    pieces.erase(piece);
  }
}

void document_actor_impl::save(piece_kind kind, std::size_t number, std::string content) {
  config_.checkpoints.save({work_.token, work_.document_id,
                            checkpoint_key(result_.sha256, result_.options, config_.model), kind,
                            number, std::move(content)});
}

void document_actor_impl::save_pages() {
  if (!config_.checkpoints.save ||
      (extracted_.reading_time < expensive_reading && extracted_.pages < expensive_pages))
    return;
  std::size_t number = 0;
  for (auto& content : encode_extraction(extracted_))
    save(piece_kind::pages, number++, std::move(content));
}

/// Where there are many: as soon as there is a segment of them, and what is left at the end.
void document_actor_impl::save_image(const image_described& described) {
  const bool many = images_before_ + images_.size() > images_in_checkpoint;
  if (!config_.checkpoints.save || !many) return;
  unsaved_images_.push_back({described.image, described.kept});
  const bool last = image_answers_ == images_.size();
  if (unsaved_images_.size() < images_in_checkpoint && !last) return;
  save(piece_kind::images, images_before_ + image_answers_ - unsaved_images_.size(),
       encode_images(unsaved_images_));
  unsaved_images_.clear();
}

/// Of the slice that begins at next_chunk_; not of the last one, which is committed next.
void document_actor_impl::save_embeddings(const std::vector<embedding_bytes>& embeddings) {
  if (!config_.checkpoints.save || !config_.checkpoints.embeddings ||
      next_chunk_ + embeddings.size() == result_.chunks.size())
    return;
  save(piece_kind::embeddings, next_chunk_, encode_embeddings(embeddings));
}

/// Sends only what was granted: asks, waits for the grant, then `then`.
template <class Handle>
void document_actor_impl::ask_grant_of(const Handle& consumer, demand& sent, std::uint64_t bytes,
                                       std::function<void()> then) {
  auto total = sent;
  total += {1, bytes};
  const auto token = work_.token;
  const auto asked_at = clock::now();
  request(consumer, caf::infinite, ask_grant{total})
      .then(
          [this, token, asked_at, bytes, &sent, then = std::move(then)](const granted&) {
            probe().backpressure_nanoseconds +=
                static_cast<std::uint64_t>((clock::now() - asked_at).count());
            // One that comes too late is left to the next document.
            if (token != work_.token || stage_ == stage::idle) return;
            sent += {1, bytes};
            then();
          },
          [this, token](const caf::error& e) {
            // A dead consumer's successor is announced by use_roles, and asked then.
            const auto problem = from_caf(e);
            if (token == work_.token && stage_ != stage::idle && problem.code != ec::internal)
              conclude(problem);
          });
}

void document_actor_impl::embed_next_slice() {
  take_restored();
  if (next_chunk_ == result_.chunks.size()) return hand_over();
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  while (next_chunk_ + count < result_.chunks.size() && count < slice_chunks) {
    const auto size = result_.chunks[next_chunk_ + count].text.size();
    if (count > 0 &&
        (bytes + size > slice_bytes || restored_.embeddings.contains(next_chunk_ + count)))
      break;
    bytes += size;
    ++count;
  }
  ask_grant_of(roles_.embedder, sent_to_embedder_, bytes,
               [this, count, bytes] { send_slice(count, bytes); });
}

void document_actor_impl::send_slice(std::size_t count, std::uint64_t bytes) {
  embed_chunks message;
  message.bytes = bytes;
  message.texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    message.texts.push_back(result_.chunks[next_chunk_ + i].text);
  const auto token = work_.token;
  request(roles_.embedder, caf::infinite, std::move(message))
      .then(
          [this, token](chunks_embedded& answer) {
            if (stage_ == stage::embedding && token == work_.token) on_embedded(answer);
          },
          [this, token](const caf::error& e) {
            const auto problem = from_caf(e);
            if (stage_ == stage::embedding && token == work_.token && problem.code != ec::internal)
              conclude(problem);
          });
}

void document_actor_impl::on_embedded(chunks_embedded& answer) {
  ++steps_;
  save_embeddings(answer.embeddings);
  next_chunk_ += answer.embeddings.size();
  for (auto& e : answer.embeddings) result_.embeddings.push_back(std::move(e));
  embed_next_slice();
}

void document_actor_impl::hand_over() {
  if (stage_ != stage::committing) enter(stage::committing);
  ask_grant_of(roles_.committer, sent_to_committer_, result_.bytes(), [this] { send_result(); });
}

void document_actor_impl::send_result() {
  const auto token = work_.token;
  // Kept until it is accepted: a committer that dies before that is replaced, and its successor
  // gets the same.
  commit_document message{result_, result_.bytes()};
  request(roles_.committer, caf::infinite, std::move(message))
      .then(
          [this, token](const document_accepted&) {
            if (stage_ == stage::committing && token == work_.token) become_idle();
          },
          [this, token](const caf::error& e) {
            const auto problem = from_caf(e);
            if (stage_ == stage::committing && token == work_.token && problem.code != ec::internal)
              give_back(release_reason::drained);
          });
}

/// The one place where a document's error is judged.
void document_actor_impl::conclude(const error& problem) {
  switch (judge_attempt(problem.code, work_, config_.queue)) {
    case attempt_verdict::end_failed:
      return end_failed(problem, false);
    case attempt_verdict::dead_letter:
      return end_failed(problem, true);
    case attempt_verdict::retry_later:
      spdlog::info("document {} is tried again later ({}): {}", work_.uri, to_string(problem.code),
                   problem.message);
      return give_back(release_reason::failed);
    case attempt_verdict::give_back:
      return give_back(release_reason::drained);
  }
}

void document_actor_impl::end_failed(const error& problem, bool dead_letter) {
  result_.failure = problem.code;
  result_.failure_message = problem.message;
  result_.dead_letter = dead_letter;
  result_.chunks.clear();
  result_.embeddings.clear();
  result_.images.clear();
  hand_over();
}

void document_actor_impl::give_back(release_reason reason) {
  if (config_.book) {  // also where the puller is dead just now
    config_.book->ended({work_.token});
    config_.book->give_back({work_.token}, reason,
                            reason == release_reason::failed
                                ? retry_delay(config_.queue, work_.failures)
                                : duration{0});
  }
  send(roles_.puller, return_lease{work_.token, reason, work_.failures});
  become_idle();
}

void document_actor_impl::become_idle() {
  config_.counters->document_seconds("total").Observe(seconds(clock::now() - started_));
  enter(stage::idle);
  work_ = {};
  result_ = {};
  extracted_ = {};
  restored_ = {};
  unsaved_images_.clear();
  steps_ = steps_seen_ = 0;
  pages_.reset();
  demand_lease();
}

}  // namespace millrace
