#include "actors/image.hpp"

#include "runtime/images/decoration.hpp"
#include "runtime/images/image_text.hpp"

namespace millrace {

image_actor_impl::image_actor_impl(caf::actor_config& config, actor_place place, image_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)} {}

image_actor_impl::behavior_type image_actor_impl::make_behavior() {
  return {
      [this](describe_image& request) { return on_describe(request); },
      [this](image_read& answer) { on_read(answer); },
  };
}

void image_actor_impl::on_exit() {
  if (reading())
    pending_.deliver(caf::make_error(ec::actor_lost, std::string{"the image actor ended"}));
  config_.read = nullptr;
}

caf::result<image_described> image_actor_impl::on_describe(describe_image& request) {
  if (reading()) return caf::skip();  // keeps its place in the mailbox, and counts there
  auto& image = request.image;
  const bool kept =
      judge_image(image.info, request.occurrences, config_.settings) == image_verdict::kept;
  if (!kept || !config_.read || image.info.source.empty())
    return image_described{std::move(image), kept};
  image_ = std::move(image);
  pending_ = make_response_promise<image_described>();
  probe().carry(request.path, "reading");
  auto self = caf::actor_cast<image_actor>(this);
  config_.read({request.dataset_id, std::move(request.path), request.version, image_.info,
                std::move(request.fetched), std::move(request.progress)},
               [self, number = ++number_](result<std::string> text) {
                 caf::anon_send(
                     self,
                     image_read{number, std::make_shared<result<std::string>>(std::move(text))});
               });
  return pending_;
}

void image_actor_impl::on_read(image_read& answer) {
  if (!reading() || answer.number != number_) return;
  probe().carry({}, "idle");
  const auto& text = *answer.text;
  if (!text && !is_unreadable_image(text.error().code)) {
    pending_.deliver(to_caf(text.error()));
    return;
  }
  if (text) image_.text = join_image_text(image_.text, *text);
  pending_.deliver(image_described{std::move(image_), true, text ? ec::none : text.error().code});
}

}  // namespace millrace
