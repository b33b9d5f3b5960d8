#include "runtime/parsers/ocr.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <new>
#include <system_error>

#include <leptonica/allheaders.h>
#include <omp.h>
#include <tesseract/baseapi.h>
#include <tesseract/resultiterator.h>

#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/quiet_stderr.hpp"
#include "runtime/parsers/raster.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Images smaller than this in both directions are screen shots and figures, whose letters are too
/// low for tesseract (it wants 20 pixels and more): they are doubled.
constexpr l_int32 small_image_side = 1000;
/// Of leptonica's test for turned pages, as its documentation advises.
constexpr l_int32 min_letters_for_orientation = 20;
/// How many standard deviations the one direction must stand out, and how much more than across.
constexpr l_float32 min_orientation_confidence = 4.0F;
constexpr l_float32 min_orientation_ratio = 1.5F;
/// A page that was turned and is read with less is read as it was, too; the surer reading counts.
constexpr double certain_reading = 85;
/// Words below are left out of a paragraph that stays.
constexpr float min_word_confidence = 25;
constexpr l_int32 assumed_dpi = 300;

struct api_deleter {
  void operator()(tesseract::TessBaseAPI* api) const {
    api->End();
    delete api;
  }
};
using unique_api = std::unique_ptr<tesseract::TessBaseAPI, api_deleter>;

/// The engine of the last languages: one a process, loaded when it is first needed.
struct loaded_engine {
  unique_api api;
  std::string languages;
  std::string tessdata;
};

/// Tesseract would end in a message of its own that names no package.
void check_languages(const ocr_options& options) {
  std::string_view rest = options.languages;
  while (true) {
    const auto end = std::min(rest.find('+'), rest.size());
    const std::string name{rest.substr(0, end)};
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return is_alpha(c) || is_digit(c) || c == '_';
    });
    if (!plain)
      throw parse_failure{ec::invalid_config,
                          "\"" + options.languages + "\" is no list of languages such as eng+deu"};
    std::error_code ignored;
    if (!std::filesystem::exists(options.tessdata + "/" + name + ".traineddata", ignored)) {
      auto package = "tesseract-ocr-" + lower_case(name);
      std::replace(package.begin(), package.end(), '_', '-');
      throw parse_failure{ec::invalid_config, "no data to read images in the language \"" + name +
                                                  "\" in " + options.tessdata +
                                                  "; install the Debian package " + package};
    }
    if (end == rest.size()) return;
    rest.remove_prefix(end + 1);
  }
}

unique_api load_api(const ocr_options& options) {
  // Debian's tesseract asks OpenMP for four threads; without active levels it gets its own only.
  omp_set_max_active_levels(0);
  unique_api api{new tesseract::TessBaseAPI};
  if (api->Init(options.tessdata.c_str(), options.languages.c_str(), tesseract::OEM_LSTM_ONLY,
                nullptr, 0, nullptr, nullptr, false) != 0)
    throw parse_failure{ec::invalid_config, "tesseract cannot load its data for \"" +
                                                options.languages + "\" in " + options.tessdata +
                                                "; install the packages tesseract-ocr-* again"};
  api->SetPageSegMode(tesseract::PSM_AUTO);
  return api;
}

loaded_engine load_engine(const ocr_options& options) {
  check_languages(options);
  return {load_api(options), options.languages, options.tessdata};
}

tesseract::TessBaseAPI& engine_for(const ocr_options& options) {
  // Loaded while it is made: tesseract's own caches must be older, to be destroyed after it.
  static auto engine = load_engine(options);
  if (engine.languages != options.languages || engine.tessdata != options.tessdata)
    engine = load_engine(options);
  return *engine.api;
}

void replace(unique_pix& pix, Pix* by) {
  if (by == nullptr) throw std::bad_alloc{};
  pix.reset(by);
}

/// Grey, upright, of a size that tesseract reads well.
unique_pix prepare(std::string_view encoded, const ocr_options& options) {
  auto pix = decode_raster(encoded, options.max_pixels).pix;
  if (pixGetSpp(pix.get()) == 4) replace(pix, pixRemoveAlpha(pix.get()));
  if (pixGetDepth(pix.get()) != 1) replace(pix, pixConvertTo8(pix.get(), 0));
  const auto width = pixGetWidth(pix.get());
  const auto height = pixGetHeight(pix.get());
  const auto pixels = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
  if (pixels > options.max_pixels) {
    const auto scale = static_cast<float>(
        std::sqrt(static_cast<double>(options.max_pixels) / static_cast<double>(pixels)));
    replace(pix, pixScale(pix.get(), scale, scale));
  } else if (width < small_image_side && height < small_image_side && pixGetDepth(pix.get()) == 8) {
    replace(pix, pixScale(pix.get(), 2, 2));
  }
  return pix;
}

/// Quarters to the right that make the letters stand upright (scanners feed pages either way).
/// Tells by letters that rise and fall from the line, so text in capitals alone may deceive it.
l_int32 quarters_to_upright(Pix& pix) {
  const unique_pix black_and_white{pixConvertTo1(&pix, 128)};
  float up = 0;
  float left = 0;
  l_int32 orientation = L_TEXT_ORIENT_UNKNOWN;
  if (black_and_white &&
      pixOrientDetect(black_and_white.get(), &up, &left, min_letters_for_orientation, 0) == 0)
    makeOrientDecision(up, left, min_orientation_confidence, min_orientation_ratio, &orientation,
                       0);
  switch (orientation) {
    case L_TEXT_ORIENT_LEFT:
      return 1;
    case L_TEXT_ORIENT_DOWN:
      return 2;
    case L_TEXT_ORIENT_RIGHT:
      return 3;
    default:
      return 0;
  }
}

struct reading {
  std::string text;
  double certainty = 0;  ///< Percent, of all words, weighed by length.
  double weight = 0;
};

/// One paragraph as it grows, and how sure tesseract is of it.
struct paragraph_reader {
  std::string text;
  std::string line;
  double certainty = 0;
  double weight = 0;

  void add_word(std::string_view word, float sure) {
    const auto length = static_cast<double>(length_in_code_points(word));
    certainty += sure * length;
    weight += length;
    if (sure < min_word_confidence) return;
    if (!line.empty()) line += ' ';
    line += word;
  }
  void end_line() {
    if (line.empty()) return;
    const bool hyphen = text.size() >= 2 && text.back() == '-' && is_alpha(text[text.size() - 2]) &&
                        is_lower(line.front());
    if (hyphen) {
      text.pop_back();
      text += line;
    } else {
      append_line(text, line);
    }
    line.clear();
  }
  void end_paragraph(int min_confidence, reading& out) {
    end_line();
    if (!text.empty() && certainty >= min_confidence * weight) {
      if (!out.text.empty()) out.text += "\n\n";
      out.text += text;
    }
    out.certainty += certainty;
    out.weight += weight;
    *this = {};
  }
};

reading collect_text(tesseract::TessBaseAPI& api, int min_confidence) {
  using namespace tesseract;
  reading out;
  const std::unique_ptr<ResultIterator> at{api.GetIterator()};
  if (!at) return out;
  paragraph_reader paragraph;
  do {
    if (at->Empty(RIL_WORD)) continue;
    const std::unique_ptr<char[]> word{at->GetUTF8Text(RIL_WORD)};
    if (word) paragraph.add_word(trim(word.get()), at->Confidence(RIL_WORD));
    if (at->IsAtFinalElement(RIL_TEXTLINE, RIL_WORD)) paragraph.end_line();
    if (at->IsAtFinalElement(RIL_PARA, RIL_WORD)) paragraph.end_paragraph(min_confidence, out);
  } while (at->Next(RIL_WORD));
  paragraph.end_paragraph(min_confidence, out);
  if (out.weight > 0) out.certainty /= out.weight;
  return out;
}

reading recognize(Pix& pix, const ocr_options& options) {
  auto& api = engine_for(options);
  api.SetImage(&pix);
  api.SetSourceResolution(assumed_dpi);
  reading out;
  if (api.Recognize(nullptr) == 0) out = collect_text(api, options.min_confidence);
  api.Clear();
  return out;
}

std::string read_text(std::string_view encoded, const ocr_options& options) {
  const quiet_stderr quiet;
  const auto pix = prepare(encoded, options);
  const auto quarters = quarters_to_upright(*pix);
  if (quarters == 0) return recognize(*pix, options).text;
  const unique_pix turned{pixRotateOrth(pix.get(), quarters)};
  if (!turned) throw std::bad_alloc{};
  auto first = recognize(*turned, options);
  if (first.certainty >= certain_reading) return first.text;
  auto second = recognize(*pix, options);
  return first.certainty >= second.certainty ? first.text : second.text;
}

}  // namespace

result<std::string> read_image_text(std::string_view encoded_image, const ocr_options& options) {
  try {
    return read_text(encoded_image, options);
  } catch (const parse_failure& failure) {
    return tl::unexpected<error>(failure.reason());
  }
}

}  // namespace millrace::parsers
