// The image actor: one image at a time; others wait in its mailbox. Filters decoration; of what is
// left the text is read, in the sandbox of the extractor pool. An image that cannot be read costs
// its text, not its document. Scheduled; never blocks.
#pragma once

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "config/settings.hpp"
#include "runtime/images/image_reader.hpp"

namespace millrace {

/// Reads an image's text; answers from any thread. The seam to image_reader.
using read_image = std::function<void(image_question, image_answer)>;

struct image_config {
  images_settings settings;
  read_image read;  ///< Empty: images are listed, not read.
};

class image_actor_impl : public bounded_actor<image_actor> {
 public:
  image_actor_impl(caf::actor_config& config, actor_place place, image_config s);
  behavior_type make_behavior() override;
  /// Whoever waits is told: it gives its document back.
  void on_exit() override;

 private:
  caf::result<image_described> on_describe(describe_image& request);
  void on_read(image_read& answer);
  bool reading() const { return pending_.pending(); }

  image_config config_;
  caf::typed_response_promise<image_described> pending_;
  image_record image_;        ///< That is being read.
  std::uint64_t number_ = 0;  ///< Of the question about it.
};

}  // namespace millrace
