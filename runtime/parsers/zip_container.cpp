#include "runtime/parsers/zip_container.hpp"

#include <algorithm>
#include <new>

#include <zip.h>

#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t read_step_bytes = 256 * 1024;
/// Sizes in a directory may lie, so larger parts grow as they are read.
constexpr std::uint64_t max_reserved_bytes = 64ULL << 20;
constexpr std::string_view part_prefix = "part:";

[[noreturn]] void fail_bomb(const std::string& name) {
  throw parse_failure{
      ec::limit_exceeded,
      "the part " + name +
          " of the document unpacks to more than is allowed (a ZIP bomb?); save the document "
          "again with its own application and smaller contents"};
}

[[noreturn]] void fail_broken(const std::string& what) {
  throw parse_failure{ec::malformed_document,
                      what + "; the file is damaged or was cut off: get a complete copy of it"};
}

struct file_closer {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

/// Part names in Office documents are compared without regard to case (ECMA-376 part 2, 9.1.1).
zip_int64_t locate(zip_t* archive, const std::string& name) {
  const auto exact = zip_name_locate(archive, name.c_str(), ZIP_FL_ENC_RAW);
  return exact >= 0 ? exact : zip_name_locate(archive, name.c_str(), ZIP_FL_NOCASE);
}

}  // namespace

void zip_container::closer::operator()(zip* archive) const {
  zip_discard(archive);
}

zip_container zip_container::open(std::string_view bytes, std::uint64_t max_unpacked_bytes,
                                  work_meter* work) {
  zip_error_t problem;
  zip_error_init(&problem);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &problem);
  if (source == nullptr) throw std::bad_alloc{};
  zip_t* archive = zip_open_from_source(source, ZIP_RDONLY, &problem);
  if (archive == nullptr) {
    const std::string reason = zip_error_strerror(&problem);
    zip_error_fini(&problem);
    zip_source_free(source);
    fail_broken("the document's ZIP container cannot be opened (" + reason + ")");
  }
  zip_error_fini(&problem);
  zip_container out{archive, max_unpacked_bytes, work};
  if (zip_get_num_entries(archive, 0) > max_parts)
    throw parse_failure{ec::limit_exceeded, "the document's ZIP container has more than " +
                                                std::to_string(max_parts) +
                                                " parts; save it again with its own application"};
  return out;
}

bool zip_container::contains(const std::string& name) const {
  return locate(archive_.get(), name) >= 0;
}

std::string zip_container::read(const std::string& name) {
  auto part = read_if_present(name);
  if (!part) fail_broken("the document lacks its part " + name);
  return std::move(*part);
}

std::optional<std::string> zip_container::read_if_present(const std::string& name) {
  const auto index = locate(archive_.get(), name);
  if (index < 0) return std::nullopt;
  std::string out;
  out.reserve(std::min(stated_size(index, name), max_reserved_bytes));
  unpack(index, name, [&](std::string_view piece) {
    out.append(piece);
    return true;
  });
  return out;
}

bool zip_container::read_pieces(const std::string& name, const piece_callback& on_piece) {
  const auto index = locate(archive_.get(), name);
  if (index >= 0) unpack(index, name, on_piece);
  return index >= 0;
}

std::uint64_t zip_container::stated_size(std::int64_t index, const std::string& name) const {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(index), 0, &stat) != 0)
    fail_broken("the part " + name + " cannot be found");
  return stat.size;
}

void zip_container::unpack(std::int64_t index, const std::string& name,
                           const piece_callback& on_piece) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  const auto at = static_cast<zip_uint64_t>(index);
  if (zip_stat_index(archive_.get(), at, 0, &stat) != 0)
    fail_broken("the part " + name + " cannot be found");
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
    throw parse_failure{ec::encrypted_document,
                        "the document is encrypted; remove its password and submit it again"};
  // The sizes in the directory may lie; these bounds also hold while reading.
  const auto allowed_by_ratio = std::max(ratio_free_bytes, stat.comp_size * max_ratio);
  const auto allowed = std::min(budget_, allowed_by_ratio);
  if (stat.size > allowed) fail_bomb(name);
  const std::unique_ptr<zip_file_t, file_closer> file{zip_fopen_index(archive_.get(), at, 0)};
  if (!file) fail_broken("the part " + name + " cannot be unpacked");
  std::uint64_t size = 0;
  std::string piece(read_step_bytes, '\0');
  for (;;) {
    const auto n = zip_fread(file.get(), piece.data(), piece.size());
    if (n < 0) fail_broken("the part " + name + " cannot be unpacked");
    if (n == 0) break;
    size += static_cast<std::uint64_t>(n);
    if (size > allowed) fail_bomb(name);
    budget_ -= std::min(budget_, static_cast<std::uint64_t>(n));
    const bool more = on_piece(std::string_view{piece}.substr(0, static_cast<std::size_t>(n)));
    if (work_ != nullptr) work_->add(static_cast<std::uint64_t>(n));
    if (!more) break;
  }
}

std::string zip_part_source(std::string_view name) {
  return std::string{part_prefix}.append(name);
}

std::string load_zip_part(std::string_view bytes, std::string_view source,
                          const parse_limits& limits) {
  if (!source.starts_with(part_prefix))
    throw parse_failure{ec::malformed_document,
                        "the document has no image at " + std::string{source}};
  return zip_container::open(bytes, limits.max_unpacked_bytes)
      .read(std::string{source.substr(part_prefix.size())});
}

}  // namespace millrace::parsers
