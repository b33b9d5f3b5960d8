#include "runtime/checkpoints/checkpoint_thread.hpp"

#include <spdlog/spdlog.h>

#include "runtime/checkpoints/segment.hpp"
#include "runtime/core/sha256.hpp"

namespace millrace {

namespace {

std::size_t bytes_of(const checkpoint_order& order) {
  return sizeof order + order.content.size();
}

}  // namespace

checkpoint_thread::checkpoint_thread(checkpoint_store store, std::shared_ptr<metrics> counters)
    : store_{std::move(store)}, counters_{std::move(counters)}, thread_{"checkpoints", [this] {
                                                                          run();
                                                                        }} {}

checkpoint_thread::~checkpoint_thread() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  for (auto& order : orders_)
    if (auto* load = std::get_if<load_order>(&order)) load->done({});
}

void checkpoint_thread::save(checkpoint_order order) {
  const auto bytes = bytes_of(order);
  {
    const std::lock_guard lock{mutex_};
    if (waiting_bytes_ + bytes > max_waiting_bytes) {
      counters_->checkpoints_skipped_total.Increment();
      return;
    }
    waiting_bytes_ += bytes;
    orders_.emplace_back(std::move(order));
  }
  changed_.notify_one();
}

void checkpoint_thread::load(checkpoint_source source, loaded done) {
  {
    const std::lock_guard lock{mutex_};
    orders_.emplace_back(load_order{std::move(source), std::move(done)});
  }
  changed_.notify_one();
}

void checkpoint_thread::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !orders_.empty(); });
    if (stopping_) return;
    auto next = std::move(orders_.front());
    orders_.pop_front();
    const auto* piece = std::get_if<checkpoint_order>(&next);
    const auto bytes = piece == nullptr ? 0 : bytes_of(*piece);
    lock.unlock();
    // One that throws is lost, as one that cannot be saved; a load has no pieces then.
    static_cast<void>(guarded(
        "checkpoint", [&] { std::visit([this](auto& order) { carry_out(order); }, next); }));
    lock.lock();
    waiting_bytes_ -= bytes;
  }
}

void checkpoint_thread::carry_out(checkpoint_order& order) {
  const auto saved = store_.save(order);
  if (!saved) {
    counters_->checkpoints_skipped_total.Increment();
    spdlog::warn("a checkpoint of document {} could not be saved: {}", order.document_id,
                 saved.error().message);
    return;
  }
  counters_->checkpoint_bytes_total.Increment(static_cast<double>(saved->bytes));
  if (saved->outcome == checkpoint_outcome::saved)
    counters_->checkpoint_document_bytes.Observe(static_cast<double>(saved->document_bytes));
  if (saved->outcome == checkpoint_outcome::stale) counters_->stale_tokens_total.Increment();
  if (saved->outcome != checkpoint_outcome::skipped) return;
  counters_->checkpoints_skipped_total.Increment();
  spdlog::warn(
      "a checkpoint of document {} is over checkpoints.max_size or checkpoints.max_total and was "
      "skipped; the document goes on",
      order.document_id);
}

void checkpoint_thread::carry_out(load_order& order) {
  const auto& [document_id, path, options, model] = order.source;
  const auto sha256 = sha256_file(path);
  if (!sha256) return order.done({});  // reading it will say why
  auto pieces = store_.load(document_id, checkpoint_key(*sha256, options, model));
  if (!pieces)
    spdlog::warn("the checkpoints of document {} could not be read: {}", document_id,
                 pieces.error().message);
  order.done(pieces ? std::move(*pieces) : saved_pieces{});
}

}  // namespace millrace
