#include "runtime/images/decoration.hpp"

#include <algorithm>

namespace millrace {

namespace {
constexpr std::uint64_t rule_aspect_ratio = 20;
}

image_verdict judge_image(const image_info& image, std::uint32_t occurrences,
                          const images_settings& s) {
  if (occurrences > max_occurrences) return image_verdict::repeated;
  if (image.width == 0 || image.height == 0) return image_verdict::kept;
  const auto shorter = std::min(image.width, image.height);
  const auto longer = std::max(image.width, image.height);
  if (shorter < static_cast<std::uint32_t>(s.min_pixels)) return image_verdict::too_small;
  return longer > shorter * rule_aspect_ratio ? image_verdict::rule : image_verdict::kept;
}

std::string_view to_string(image_verdict verdict) {
  switch (verdict) {
    case image_verdict::kept:
      return "kept";
    case image_verdict::too_small:
      return "too_small";
    case image_verdict::rule:
      return "rule";
    case image_verdict::repeated:
      return "repeated";
  }
  return "kept";
}

}  // namespace millrace
