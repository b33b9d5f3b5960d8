// Reads the text of images through the extractor pool: each distinct image of a dataset once.
//
// Any thread; returns at once, answers come from the pool's threads (or the caller's, where the
// answer is known). What was read is remembered up to max_remembered_bytes, oldest out first; what
// is not is asked of `kept`, which other nodes and former runs fill too, and only then read.
// Questions in flight are bounded by those who ask (images.concurrency); one that is asked while it
// is being read waits for the same answer. What says nothing about the image (the file of whoever
// asked has changed, its parser was killed from outside) is the answer to that one alone: the next
// who waits asks for itself. An image whose process crashes or is stopped is tried again by the
// pool.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/core/scratch_file.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/images/image_texts.hpp"

namespace millrace {

struct image_question {
  std::int64_t dataset_id = 0;
  std::string path;  ///< Of the document.
  file_version
      version;  ///< Of the document's file; of one that was not fetched, another is refused.
  image_info image;
  std::shared_ptr<scratch_file> fetched = nullptr;  ///< What `path` names, if it was fetched.
  /// Of the document's images: `running` counts those that a process works on.
  std::shared_ptr<extraction_progress> progress = nullptr;
};

using image_answer = std::function<void(result<std::string>)>;

class image_reader {
 public:
  using extract = std::function<void(extraction_request, extraction_callback)>;
  static constexpr std::size_t max_remembered_bytes = 32U << 20;  ///< Of texts and keys.

  /// `kept`: outlives this and what is in flight, and is stopped before the pool ends; null: none.
  explicit image_reader(extract pool, image_texts* kept = nullptr);

  /// The image's text, paragraphs separated by a blank line; empty where it has none.
  void read(image_question question, image_answer done);

 private:
  struct state;
  std::shared_ptr<state> state_;  ///< Shared with answers under way.
};

/// True where the error is of the image itself: the document goes on without its text.
bool is_unreadable_image(ec code);

}  // namespace millrace
