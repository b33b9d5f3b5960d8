// What the images of datasets say, kept in the database: neither another node nor a later run reads
// an image of the same dataset again.
//
// find() and keep() may be called from any thread and return at once; callbacks run on the thread
// of this object (the caller's after stop()). It is a memory, not a truth: where the database does
// not answer, an image is unknown and is read; what is over max_waiting_bytes is not kept.
// Questions that wait are bounded by who asks (images.concurrency). Two nodes that meet an image at
// the same instant both read it. The table's rows go with their dataset (datasets/control.cpp).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/threads/awaited_answer.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

/// An image of a dataset.
struct image_key {
  std::int64_t dataset_id = 0;
  std::string sha256;  ///< Hexadecimal.
  auto operator<=>(const image_key&) const = default;
};

class image_texts {
 public:
  using found = std::function<void(std::optional<std::string>)>;
  static constexpr std::size_t max_waiting_bytes = 16U << 20;  ///< Of texts that are to be kept.
  static constexpr std::size_t max_batch = 256;                ///< Images a statement.

  /// `languages`: what OCR looks for; texts of other settings are others.
  image_texts(connection_pool& pool, std::string languages);
  ~image_texts();
  image_texts(const image_texts&) = delete;
  image_texts& operator=(const image_texts&) = delete;

  /// The image's text, empty where it has none; nothing where nobody has read it yet.
  void find(image_key key, found done);
  void keep(image_key key, std::string_view text);
  /// Writes what waits to be kept (as long as the database answers), answers what waits with
  /// nothing, and from now on at once. Blocks.
  void stop();

 private:
  struct question {
    image_key key;
    awaited_answer<std::optional<std::string>> done;
  };
  struct note {
    image_key key;
    std::string text;
  };

  void run();
  void answer(std::vector<question> questions);
  bool write(const std::vector<note>& notes);
  result<std::vector<std::optional<std::string>>> look_up(const std::vector<question>& questions);

  connection_pool& pool_;
  const std::string languages_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<question> questions_;
  std::vector<note> notes_;
  std::size_t waiting_bytes_ = 0;  ///< Of notes_ and of what is being written.
  bool stopping_ = false;
  runtime_thread thread_;
};

}  // namespace millrace
