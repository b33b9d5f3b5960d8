#include "runtime/commit/embedding_store.hpp"

#include <cerrno>
#include <system_error>

#include <spdlog/spdlog.h>

#include "runtime/core/scratch_file.hpp"

namespace millrace {

void embedding_store::push_back(embedding_bytes value) {
  bytes_ += value.size();
  values_.push_back(std::move(value));
  if (bytes_ > limit_ && !failed_) spill();
}

embedding_bytes embedding_store::operator[](std::size_t i) const {
  if (i >= places_.size()) return values_[i - places_.size()];
  return file_->read(places_[i].offset, places_[i].size);
}

void embedding_store::clear() {
  *this = embedding_store{limit_};
}

std::vector<embedding_bytes> embedding_store::all() const {
  std::vector<embedding_bytes> values;
  values.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) values.push_back((*this)[i]);
  return values;
}

void embedding_store::spill() {
  if (!file_) file_ = std::make_shared<scratch_file>();
  auto end = places_.empty() ? 0 : places_.back().offset + places_.back().size;
  std::size_t written = 0;
  for (; written < values_.size() && !failed_; ++written) {
    const auto& value = values_[written];
    if (!file_->write(end, value)) {
      failed_ = true;
      spdlog::warn(
          "a scratch file in $TMPDIR cannot be written, a large document stays in memory: {}",
          std::generic_category().message(errno));
      break;
    }
    places_.push_back({end, value.size()});
    end += value.size();
    bytes_ -= value.size();
  }
  values_.erase(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(written));
}

}  // namespace millrace
