#include "runtime/parsers/ole_file.hpp"

#include <array>

#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

namespace {

struct summary_property {
  const char* key;  ///< libgsf's name.
  std::string_view name;
};
constexpr std::array summary_properties{
    summary_property{GSF_META_NAME_CREATOR, "author"},
    summary_property{GSF_META_NAME_SUBJECT, "subject"},
    summary_property{GSF_META_NAME_KEYWORDS, "keywords"},
    summary_property{GSF_META_NAME_DESCRIPTION, "description"},
    summary_property{GSF_META_NAME_CATEGORY, "category"},
    summary_property{GSF_META_NAME_DATE_CREATED, "created"},
    summary_property{GSF_META_NAME_DATE_MODIFIED, "modified"},
    summary_property{GSF_META_NAME_LAST_SAVED_BY, "editor"},
};

struct g_freed {
  void operator()(void* block) const { g_free(block); }
};
using g_text = std::unique_ptr<char, g_freed>;

/// Empty where the value is of a kind that says nothing to a reader.
std::string text_of(const GValue* value) {
  if (value == nullptr) return {};
  if (G_VALUE_HOLDS_STRING(value)) {
    const auto* text = g_value_get_string(value);
    return text == nullptr ? std::string{} : std::string{text};
  }
  if (VAL_IS_GSF_TIMESTAMP(value)) {
    const auto* time = static_cast<const GsfTimestamp*>(g_value_get_boxed(value));
    const g_text text{time == nullptr ? nullptr : gsf_timestamp_as_string(time)};
    return text ? std::string{text.get()} : std::string{};
  }
  return {};
}

std::string text_of(GsfDocMetaData* summary, const char* key) {
  const auto* property = gsf_doc_meta_data_lookup(summary, key);
  return property == nullptr ? std::string{} : text_of(gsf_doc_prop_get_val(property));
}

}  // namespace

ole_file::ole_file(std::string_view bytes, std::string_view application) : size_{bytes.size()} {
  gsf_init();
  source_.reset(gsf_input_memory_new(reinterpret_cast<const guint8*>(bytes.data()),
                                     static_cast<gsf_off_t>(bytes.size()), FALSE));
  folder_.reset(gsf_infile_msole_new(source_.get(), nullptr));
  if (!folder_)
    throw parse_failure{ec::malformed_document,
                        "the " + std::string{application} +
                            " file is cut off or damaged; get a complete copy of it, or open it "
                            "with its own application and save it again"};
}

std::optional<std::string> ole_file::read_stream(const char* name) const {
  const gsf_object<GsfInput> stream{gsf_infile_child_by_name(folder_.get(), name)};
  if (!stream) return std::nullopt;
  const auto size = gsf_input_size(stream.get());
  if (size < 0 || static_cast<std::size_t>(size) > size_) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (size > 0 && gsf_input_read(stream.get(), bytes.size(),
                                 reinterpret_cast<guint8*>(bytes.data())) == nullptr)
    return std::nullopt;
  return bytes;
}

void ole_file::add_properties(document_builder& out) const {
  const gsf_object<GsfDocMetaData> summary{gsf_doc_meta_data_new()};
  for (const auto* name : {"\05SummaryInformation", "\05DocumentSummaryInformation"}) {
    const gsf_object<GsfInput> stream{gsf_infile_child_by_name(folder_.get(), name)};
    // What could be read of a damaged summary is there all the same.
    if (!stream) continue;
    if (auto* problem = gsf_doc_meta_data_read_from_msole(summary.get(), stream.get()))
      g_error_free(problem);
  }
  out.set_title(text_of(summary.get(), GSF_META_NAME_TITLE));
  for (const auto& [key, name] : summary_properties)
    out.add_property(name, text_of(summary.get(), key));
}

}  // namespace millrace::parsers
