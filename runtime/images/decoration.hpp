// Tells pictures that say something from decoration: bullets, rules, spacers, and images that a
// document repeats. Pure; any thread.
#pragma once

#include <string_view>

#include "config/settings.hpp"
#include "runtime/core/document.hpp"

namespace millrace {

enum class image_verdict : std::uint8_t { kept, too_small, rule, repeated };

/// An image that stands in one document oftener than this is its letterhead.
inline constexpr std::uint32_t max_occurrences = 4;

/// By repetition and size: narrower or lower than images.min_pixels is decoration, and so is what
/// is over 20 times longer than wide (a rule). An image of unknown size is kept. `occurrences`: in
/// its document.
image_verdict judge_image(const image_info& image, std::uint32_t occurrences,
                          const images_settings& s);
std::string_view to_string(image_verdict verdict);

}  // namespace millrace
