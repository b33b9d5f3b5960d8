// The bar for bench/peers: poppler-cpp alone, without an engine. `--workers` processes take the
// files (one a line on standard input) in turn and ask for the text of every page, as
// runtime/parsers/pdf.cpp does. Prints one line: "seconds S documents N pages N bytes N failed N".
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>

#include "bench/worker_processes.hpp"

namespace {

void read_document(const std::string& path, millrace::bench::shared_totals& totals) {
  const std::unique_ptr<poppler::document> document{poppler::document::load_from_file(path)};
  if (!document || document->is_locked()) {
    ++totals.failed;
    return;
  }
  ++totals.documents;
  for (int i = 0; i < document->pages(); ++i) {
    const std::unique_ptr<poppler::page> page{document->create_page(i)};
    if (!page) continue;
    totals.bytes += page->text({}, poppler::page::non_raw_non_physical_layout).to_utf8().size();
    ++totals.pages;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"poppler-cpp alone: the text of every page of the PDFs named on standard input"};
  int workers = 2;
  app.add_option("--workers", workers, "Processes")->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  const auto paths = millrace::bench::read_paths(std::cin);
  millrace::bench::run_in_processes(workers, paths, read_document).print();
}
