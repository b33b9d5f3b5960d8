#include "actors/image.hpp"

#include "runtime/images/decoration.hpp"

namespace millrace {

image_actor_impl::image_actor_impl(caf::actor_config& config, actor_place place, images_settings s)
    : bounded_actor{config, std::move(place)}, settings_{std::move(s)} {}

image_actor_impl::behavior_type image_actor_impl::make_behavior() {
  return {[this](describe_image& request) {
    const bool kept = judge_image(request.image.info, settings_) == image_verdict::kept;
    return image_described{std::move(request.image), kept};
  }};
}

}  // namespace millrace
