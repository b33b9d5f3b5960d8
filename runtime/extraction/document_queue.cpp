#include "runtime/extraction/document_queue.hpp"

#include <algorithm>
#include <iterator>

namespace millrace::extraction {

bool document_queue::add(waiting_document& document) {
  bool start_one = false;
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return false;
    documents_.push_back(std::move(document));
    start_one = needs_process();
  }
  changed_.notify_one();
  if (start_one) process_needed_.notify_one();
  return true;
}

bool document_queue::put_back(std::vector<waiting_document>& documents) {
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return false;
    documents_.insert(documents_.begin(), std::move_iterator{documents.begin()},
                      std::move_iterator{documents.end()});
  }
  documents.clear();
  changed_.notify_all();
  process_needed_.notify_all();
  return true;
}

bool document_queue::wait(std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  ++waiting_;
  changed_.wait_for(lock, patience, [&] { return closed_ || !documents_.empty(); });
  --waiting_;
  return !closed_ && !documents_.empty();
}

bool document_queue::wait_for_need(std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  process_needed_.wait_for(lock, patience, [&] { return closed_ || needs_process(); });
  if (closed_ || !needs_process()) return false;
  ++starting_;
  return true;
}

void document_queue::process_started() {
  const std::lock_guard lock{mutex_};
  --starting_;
}

std::vector<waiting_document> document_queue::take(std::size_t most, std::size_t workers,
                                                   bool large_too) {
  std::vector<waiting_document> taken;
  const std::lock_guard lock{mutex_};
  if (documents_.empty()) return taken;
  if (!documents_.front().small()) {
    if (!large_too) return taken;
    most = 1;
  }
  const auto share = (documents_.size() + workers - 1) / workers;
  most = std::min(most, share);
  taken.reserve(most);
  while (taken.size() < most && !documents_.empty()) {
    if (!taken.empty() && !documents_.front().small()) break;
    taken.push_back(std::move(documents_.front()));
    documents_.pop_front();
  }
  return taken;
}

std::vector<waiting_document> document_queue::take_all() {
  const std::lock_guard lock{mutex_};
  std::vector<waiting_document> taken{std::move_iterator{documents_.begin()},
                                      std::move_iterator{documents_.end()}};
  documents_.clear();
  return taken;
}

std::vector<waiting_document> document_queue::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  changed_.notify_all();
  process_needed_.notify_all();
  return take_all();
}

std::size_t document_queue::size() const {
  const std::lock_guard lock{mutex_};
  return documents_.size();
}

}  // namespace millrace::extraction
