#include "runtime/parsers/pdf_page.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <Gfx.h>
#include <GfxState.h>
#include <PDFDoc.h>
#include <Stream.h>
#include <TextOutputDev.h>

#include "runtime/core/sha256.hpp"
#include "runtime/parsers/pdf_direction.hpp"

namespace millrace::parsers {

namespace {

stream_hash hash_stream(Stream& stream) {
  sha256 hash;
  stream_hash out;
  auto* raw = stream.getUndecodedStream();
  std::array<unsigned char, 16384> buffer;
  raw->reset();
  while (true) {
    const int got = raw->doGetChars(static_cast<int>(buffer.size()), buffer.data());
    if (got <= 0) break;
    hash.update({reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(got)});
    out.size += static_cast<std::uint64_t>(got);
  }
  raw->close();
  out.sha256 = hash.hex();
  return out;
}

/// The unit square, which an image fills, as `state` moves it.
page_box image_box(const GfxState& state) {
  const double* m = state.getCTM();
  page_box out{m[4], m[5], m[4], m[5]};
  for (const auto& [x, y] :
       {std::pair{m[0], m[1]}, std::pair{m[2], m[3]}, std::pair{m[0] + m[2], m[1] + m[3]}}) {
    out.x0 = std::min(out.x0, m[4] + x);
    out.x1 = std::max(out.x1, m[4] + x);
    out.y0 = std::min(out.y0, m[5] + y);
    out.y1 = std::max(out.y1, m[5] + y);
  }
  return out;
}

page_box cut(const page_box& box, const page_box& to) {
  return {std::max(box.x0, to.x0), std::max(box.y0, to.y0), std::min(box.x1, to.x1),
          std::min(box.y1, to.y1)};
}

/// Poppler's text reader, which also looks at images where they are asked for.
class page_reader : public TextOutputDev {
 public:
  page_reader(pdf_page& page, stream_hashes& hashes, bool images)
      : TextOutputDev{&append, &page, false, 0, false},
        page_{page},
        hashes_{hashes},
        images_{images} {}

  bool needNonText() override { return images_; }
  // Patterns and shadings say nothing here, and drawing them by smaller steps would cost a lot.
  bool useTilingPatternFill() override { return true; }
  bool tilingPatternFill(GfxState*, Gfx*, Catalog*, GfxTilingPattern*, const double*, int, int, int,
                         int, double, double) override {
    return true;
  }
  bool useShadedFills(int) override { return true; }
  bool functionShadedFill(GfxState*, GfxFunctionShading*) override { return true; }
  bool axialShadedFill(GfxState*, GfxAxialShading*, double, double) override { return true; }
  bool radialShadedFill(GfxState*, GfxRadialShading*, double, double) override { return true; }
  bool gouraudTriangleShadedFill(GfxState*, GfxGouraudTriangleShading*) override { return true; }
  bool patchMeshShadedFill(GfxState*, GfxPatchMeshShading*) override { return true; }

  /// One glyph for two letters (the Arabic lam-alef) comes in the order of reading; poppler turns
  /// whole lines around and expects the order of places.
  void drawChar(GfxState* state, double x, double y, double dx, double dy, double origin_x,
                double origin_y, CharCode code, int bytes, const Unicode* letters,
                int length) override {
    std::array<Unicode, 8> turned;
    if (length > 1 && static_cast<std::size_t>(length) <= turned.size() &&
        is_right_to_left(letters[0])) {
      std::reverse_copy(letters, letters + length, turned.begin());
      letters = turned.data();
    }
    TextOutputDev::drawChar(state, x, y, dx, dy, origin_x, origin_y, code, bytes, letters, length);
  }

  void startPage(int number, GfxState* state, XRef* xref) override {
    if (state != nullptr) page_.box = {0, 0, state->getPageWidth(), state->getPageHeight()};
    TextOutputDev::startPage(number, state, xref);
  }
  void stroke(GfxState* state) override {
    count_path(state);
    TextOutputDev::stroke(state);
  }
  void fill(GfxState* state) override {
    count_path(state);
    TextOutputDev::fill(state);
  }
  void eoFill(GfxState* state) override {
    count_path(state);
    TextOutputDev::eoFill(state);
  }

  void drawImageMask(GfxState* state, Object* ref, Stream* stream, int width, int height,
                     bool invert, bool interpolate, bool is_inline) override {
    add_image(state, ref, stream, width, height);
    if (is_inline)
      OutputDev::drawImageMask(state, ref, stream, width, height, invert, interpolate, is_inline);
  }
  void drawImage(GfxState* state, Object* ref, Stream* stream, int width, int height,
                 GfxImageColorMap* colors, bool interpolate, const int* mask,
                 bool is_inline) override {
    add_image(state, ref, stream, width, height);
    if (is_inline)
      OutputDev::drawImage(state, ref, stream, width, height, colors, interpolate, mask, is_inline);
  }
  void drawMaskedImage(GfxState* state, Object* ref, Stream* stream, int width, int height,
                       GfxImageColorMap*, bool, Stream*, int, int, bool, bool) override {
    add_image(state, ref, stream, width, height);
  }
  void drawSoftMaskedImage(GfxState* state, Object* ref, Stream* stream, int width, int height,
                           GfxImageColorMap*, bool, Stream*, int, int, GfxImageColorMap*,
                           bool) override {
    add_image(state, ref, stream, width, height);
  }
  void setSoftMaskFromImageMask(GfxState*, Object*, Stream*, int, int, bool, bool,
                                double*) override {}

 private:
  static void append(void* page, const char* text, int length) {
    static_cast<pdf_page*>(page)->text.append(text, static_cast<std::size_t>(length));
  }

  void count_path(GfxState* state) {
    if (images_ && state->getPath() != nullptr)
      page_.strokes += static_cast<std::uint64_t>(std::max(state->getPath()->getNumSubpaths(), 0));
  }

  void add_image(GfxState* state, Object* ref, Stream* stream, int width, int height) {
    if (!images_ || width <= 0 || height <= 0) return;
    pdf_image image;
    image.box = cut(image_box(*state), page_.box);
    if (!(image.box.area() > 0)) return;  // Outside of the page, or not a number.
    page_.image_area += image.box.area();
    if (page_.images.size() >= max_images_a_page) return;
    image.width = static_cast<std::uint32_t>(width);
    image.height = static_cast<std::uint32_t>(height);
    if (ref != nullptr && ref->isRef()) {
      const auto [at, is_new] =
          hashes_.try_emplace({ref->getRef().num, ref->getRef().gen}, stream_hash{});
      if (is_new) at->second = hash_stream(*stream);
      image.sha256 = at->second.sha256;
      image.size = at->second.size;
    }
    page_.images.push_back(std::move(image));
  }

  pdf_page& page_;
  stream_hashes& hashes_;
  const bool images_;
};

void grow(page_box& box, const TextWord& word) {
  page_box b;
  word.getBBox(&b.x0, &b.y0, &b.x1, &b.y1);
  box = {std::min(box.x0, b.x0), std::min(box.y0, b.y0), std::max(box.x1, b.x1),
         std::max(box.y1, b.y1)};
}

/// Walks poppler's blocks as it wrote them to the text: a line each, but no line end after a hyphen
/// that was resolved, and a blank line after each flow.
void locate_lines(const TextFlow* flow, pdf_page& page) {
  std::size_t at = 0;
  for (; flow != nullptr; flow = flow->getNext()) {
    const auto flow_start = at;
    bool joined = false;  // With the line before, by its hyphen.
    for (const auto* block = flow->getBlocks(); block != nullptr; block = block->getNext()) {
      for (const auto* line = block->getLines(); line != nullptr; line = line->getNext()) {
        if (line->getWords() == nullptr || at >= page.text.size()) continue;
        if (!joined) {
          const auto& first = *line->getWords();
          pdf_line found{at, flow_start, {}};
          first.getBBox(&found.box.x0, &found.box.y0, &found.box.x1, &found.box.y1);
          page.lines.push_back(found);
        }
        for (const auto* word = line->getWords(); word != nullptr; word = word->getNext())
          grow(page.lines.back().box, *word);
        joined =
            line->isHyphenated() && (line->getNext() != nullptr || block->getNext() != nullptr);
        if (!joined) at = std::min(page.text.find('\n', at), page.text.size() - 1) + 1;
      }
    }
    if (at < page.text.size() && page.text[at] == '\n') ++at;
  }
}

}  // namespace

bool read_pdf_page(PDFDoc& document, std::uint32_t number, page_images images,
                   stream_hashes& hashes, pdf_page& out) {
  const bool with_images = images == page_images::collected;
  out = {};
  if (document.getPage(static_cast<int>(number)) == nullptr) return false;
  page_reader reader{out, hashes, with_images};
  document.displayPage(&reader, static_cast<int>(number), points_per_inch, points_per_inch, 0,
                       false, true, false);
  if (with_images && !out.images.empty()) locate_lines(reader.getFlows(), out);
  return true;
}

}  // namespace millrace::parsers
