#include "runtime/parsers/paragraph_output.hpp"

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

void paragraph_output::add(paragraph_role role, std::string_view text) {
  if (capture_ == nullptr) {
    if (role.kind == element_kind::code) {
      code_.append(text).push_back('\n');
    } else {
      flush_code();
      out_.add(role.kind, text, role.level);
    }
    return;
  }
  const auto trimmed = trim(text);
  if (trimmed.empty()) return;
  if (!capture_->empty()) capture_->push_back(' ');
  capture_->append(trimmed);
}

void paragraph_output::flush_code() {
  out_.add(element_kind::code, std::exchange(code_, {}));
}

}  // namespace millrace::parsers
