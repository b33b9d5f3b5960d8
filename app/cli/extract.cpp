// `millrace extract FILE`: the elements of one file, without a database, through the same extractor
// process.
#include <cstdio>
#include <future>

#include "app/cli/commands.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/extraction/render.hpp"

namespace millrace::cli {

int extract(const global_options& global, const std::string& file) {
  auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  std::error_code problem;
  if (!std::filesystem::exists(file, problem))
    return report({ec::path_missing, file + ": no such file"});
  const auto executable = find_extractor();
  if (!executable) return report(executable.error());
  auto one_process = loaded->extraction;
  one_process.processes = 1;
  extractor_pool pool{{*executable, one_process}};
  std::promise<result<extracted_document>> answer;
  const auto size = std::filesystem::file_size(file, problem);
  pool.extract({std::filesystem::absolute(file).native(), problem ? 0 : size},
               [&](result<extracted_document> outcome) { answer.set_value(std::move(outcome)); });
  const auto document = answer.get_future().get();  // bounded by the pool: extraction.timeout
  if (!document) {
    std::fprintf(stderr, "millrace: %s: %s (%s)\n", file.c_str(), document.error().message.c_str(),
                 std::string{to_string(document.error().code)}.c_str());
    return static_cast<int>(exit::error);
  }
  std::fputs((global.json ? render_json(*document) + "\n" : render_text(*document)).c_str(),
             stdout);
  return static_cast<int>(exit::ok);
}

}  // namespace millrace::cli
