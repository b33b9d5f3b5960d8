// A directory of its own with documents in it, and a way to wait for all answers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/extraction/extractor_pool.hpp"

namespace millrace::extraction {

using outcome = result<extracted_document>;

/// Collects answers by position; shared with the callbacks, so that late ones find it.
class answers {
 public:
  explicit answers(std::size_t count) : outcomes_(count), arrivals_(count, 0) {}

  void set(std::size_t i, outcome o) {
    const std::lock_guard lock{mutex_};
    outcomes_[i] = std::move(o);
    ++arrivals_[i];
    if (++arrived_ >= outcomes_.size()) changed_.notify_all();
  }
  /// All answers; the test fails where they do not come, or one comes twice.
  std::vector<outcome> wait() {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds{120},
                                  [&] { return arrived_ >= outcomes_.size(); }));
    for (const auto n : arrivals_) EXPECT_EQ(n, 1);
    return outcomes_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<outcome> outcomes_;
  std::vector<int> arrivals_;
  std::size_t arrived_ = 0;
};

class pool_fixture : public ::testing::Test {
 protected:
  pool_fixture() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "millrace-extraction-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    config_.executable = ROGUE_EXTRACTOR;
    config_.settings.processes = 1;
    config_.settings.memory_budget = "2GiB";
    config_.settings.memory_small = 640_MiB;
    config_.settings.memory_large = 768_MiB;
    config_.settings.timeout = std::chrono::seconds{30};
  }
  ~pool_fixture() override { std::filesystem::remove_all(directory_); }

  /// Writes a document; returns its path.
  std::string document(const std::string& text) {
    const auto path = directory_ / std::to_string(++documents_);
    std::ofstream{path, std::ios::binary} << text;
    return path.string();
  }

  static std::shared_ptr<answers> ask(extractor_pool& pool, const std::vector<std::string>& paths) {
    auto collected = std::make_shared<answers>(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i)
      pool.extract({paths[i], 0}, [collected, i](outcome o) { collected->set(i, std::move(o)); });
    return collected;
  }
  static outcome extract(extractor_pool& pool, const std::string& path) {
    return ask(pool, {path})->wait().front();
  }
  /// The text of the first element; "" for a failure.
  static std::string text_of(const outcome& o) {
    return o && !o->elements.empty() ? o->elements.front().text : "";
  }
  static ec code_of(const outcome& o) { return o ? ec::none : o.error().code; }

  static std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"})
      ++count;
    return count;
  }

  std::filesystem::path directory_;
  extractor_pool_config config_;
  int documents_ = 0;
};

}  // namespace millrace::extraction
