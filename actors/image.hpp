// The image actor: one image at a time. Filters decoration; what is left becomes a row of `images`.
// Scheduled; never blocks.
#pragma once

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "config/settings.hpp"

namespace millrace {

class image_actor_impl : public bounded_actor<image_actor> {
 public:
  image_actor_impl(caf::actor_config& config, actor_place place, images_settings s);
  behavior_type make_behavior() override;

 private:
  images_settings settings_;
};

}  // namespace millrace
