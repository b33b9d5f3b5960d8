#include "runtime/parsers/csv_reader.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <utility>

#include <csv.h>

#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_field_bytes = 4 << 20;
constexpr std::size_t max_fields = 100'000;
/// An exception of the callback is noticed between steps.
constexpr std::size_t step_bytes = 16 * 1024;
/// libcsv grows its field buffer by this.
constexpr std::size_t buffer_step_bytes = 4096;

/// Exceptions may not pass through libcsv's C frames: they are kept here until the step ends.
struct reading {
  const row_callback& on_row;
  table_row row;
  std::exception_ptr problem;

  template <class Function>
  void guarded(Function function) noexcept {
    if (problem) return;
    try {
      function();
    } catch (...) {
      problem = std::current_exception();
    }
  }
};

void on_field(void* bytes, std::size_t size, void* context) {
  auto& self = *static_cast<reading*>(context);
  self.guarded([&] {
    if (self.row.size() >= max_fields || size > max_field_bytes)
      throw parse_failure{
          ec::malformed_document,
          "a row has too many or too long fields; check the file's delimiters and quotes"};
    self.row.emplace_back(static_cast<const char*>(bytes), size);
  });
}

void on_row_end(int, void* context) {
  auto& self = *static_cast<reading*>(context);
  self.guarded([&] {
    self.on_row(self.row);
    self.row.clear();
  });
}

}  // namespace

void read_csv(std::string_view text, char delimiter, const row_callback& on_row) {
  csv_parser parser;
  if (csv_init(&parser, 0) != 0) throw std::bad_alloc{};
  const std::unique_ptr<csv_parser, void (*)(csv_parser*)> closer{&parser, csv_free};
  csv_set_delim(&parser, static_cast<unsigned char>(delimiter));
  csv_set_blk_size(&parser, buffer_step_bytes);
  reading state{on_row, {}, nullptr};
  while (!text.empty() && !state.problem) {
    const auto step = text.substr(0, step_bytes);
    if (csv_parse(&parser, step.data(), step.size(), on_field, on_row_end, &state) != step.size()) {
      if (csv_error(&parser) == CSV_ENOMEM) throw std::bad_alloc{};
      throw parse_failure{ec::malformed_document, std::string{"the table cannot be read: "} +
                                                      csv_strerror(csv_error(&parser))};
    }
    if (csv_get_buffer_size(&parser) > max_field_bytes)
      throw parse_failure{
          ec::malformed_document,
          "a quoted field is longer than 4 MiB; a closing quote is missing, correct it"};
    text.remove_prefix(step.size());
  }
  if (!state.problem) csv_fini(&parser, on_field, on_row_end, &state);
  if (state.problem) std::rethrow_exception(state.problem);
}

}  // namespace millrace::parsers
