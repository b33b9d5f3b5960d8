// `millrace extract FILE`: the elements of one file, without a database, through the same extractor
// processes; images are read as a node reads them.
#include <cstdio>
#include <future>
#include <map>
#include <set>

#include "app/cli/commands.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/extraction/find_extractor.hpp"
#include "runtime/extraction/render.hpp"
#include "runtime/images/decoration.hpp"
#include "runtime/images/image_reader.hpp"
#include "runtime/images/image_text.hpp"
#include "runtime/images/ocr_data.hpp"

namespace millrace::cli {

namespace {

/// The pool bounds the wait: extraction.timeout.
result<extracted_document> wait_for(extractor_pool& pool, extraction_request request) {
  std::promise<result<extracted_document>> answer;
  pool.extract(std::move(request),
               [&](result<extracted_document> outcome) { answer.set_value(std::move(outcome)); });
  return answer.get_future().get();
}

/// Images that are worth it, each once, at its first place.
std::vector<image_record> images_to_read(const extracted_document& document,
                                         const images_settings& s) {
  std::map<std::string, std::uint32_t> occurrences;
  for (const auto& e : document.elements)
    if (e.kind == element_kind::image) ++occurrences[e.image.sha256];
  std::set<std::string> seen;
  std::vector<image_record> images;
  for (const auto& e : document.elements)
    if (e.kind == element_kind::image && !e.image.source.empty() &&
        judge_image(e.image, occurrences[e.image.sha256], s) == image_verdict::kept &&
        seen.insert(e.image.sha256).second)
      images.push_back({e.page, e.image, e.text});
  return images;
}

/// As many at a time as there are processes. What cannot be read is said and left out.
void read_images(extractor_pool& pool, const images_settings& s, const std::string& path,
                 extracted_document& document) {
  auto images = images_to_read(document, s);
  image_reader reader{[&](extraction_request request, extraction_callback done) {
    pool.extract(std::move(request), std::move(done));
  }};
  constexpr std::size_t at_a_time = 8;
  for (std::size_t first = 0; first < images.size(); first += at_a_time) {
    std::vector<std::future<result<std::string>>> answers;
    for (auto i = first; i < std::min(images.size(), first + at_a_time); ++i) {
      auto answer = std::make_shared<std::promise<result<std::string>>>();
      answers.push_back(answer->get_future());
      reader.read({0, path, document.version, images[i].info},
                  [answer](result<std::string> text) { answer->set_value(std::move(text)); });
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      auto& image = images[first + i];
      if (const auto text = answers[i].get())
        image.text = join_image_text(image.text, *text);
      else
        std::fprintf(stderr, "millrace: %s: an image on page %u cannot be read: %s\n", path.c_str(),
                     image.page, text.error().message.c_str());
    }
  }
  insert_image_texts(document.elements, images);
}

}  // namespace

int extract(const global_options& global, const std::string& file) {
  auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  std::error_code problem;
  if (!std::filesystem::exists(file, problem))
    return report({ec::path_missing, file + ": no such file"});
  const auto executable = find_extractor();
  if (!executable) return report(executable.error());
  extractor_pool pool{{*executable, loaded->extraction, loaded->images, loaded->extractor}};
  const auto size = std::filesystem::file_size(file, problem);
  extraction_request request;
  request.path = std::filesystem::absolute(file).native();
  request.size_hint = problem ? 0 : size;
  auto document = wait_for(pool, request);
  if (!document) {
    std::fprintf(stderr, "millrace: %s: %s (%s)\n", file.c_str(), document.error().message.c_str(),
                 std::string{to_string(document.error().code)}.c_str());
    return static_cast<int>(exit::error);
  }
  if (loaded->images.ocr != "off") {
    if (const auto missing = missing_ocr_data(loaded->images.languages))
      std::fprintf(stderr, "millrace: %s\n", missing->c_str());
    else
      read_images(pool, loaded->images, request.path, *document);
  }
  if (document->warning.code != ec::none)
    std::fprintf(stderr, "millrace: %s: %s (%s)\n", file.c_str(), document->warning.message.c_str(),
                 std::string{to_string(document->warning.code)}.c_str());
  std::fputs((global.json ? render_json(*document) + "\n" : render_text(*document)).c_str(),
             stdout);
  return static_cast<int>(exit::ok);
}

}  // namespace millrace::cli
