#include "runtime/parsers/rst_inline.hpp"

#include <algorithm>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Longer runs between two marks are no markup; it also keeps the search for an end linear.
constexpr std::size_t max_markup_bytes = 1000;

bool is_word(char c) {
  return is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80;
}

class inline_reader {
 public:
  inline_reader(std::string_view text, const rst_substitutions& substitutions,
                const link_callback& on_link)
      : text_{text}, substitutions_{substitutions}, on_link_{on_link} {}

  std::string read() {
    while (at_ < text_.size()) {
      if (read_escape() || read_literal() || read_emphasis("**") || read_emphasis("*") ||
          read_role() || read_interpreted() || read_substitution() || read_reference())
        continue;
      out_.push_back(text_[at_++]);
    }
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  /// Markup does not start inside of a word.
  bool may_start() const { return at_ == 0 || !is_word(text_[at_ - 1]); }

  /// Where `mark` closes what starts `from` bytes further on, npos where it does not.
  std::size_t closing(std::string_view mark, std::size_t from) const {
    const auto body = rest().substr(0, max_markup_bytes);
    if (body.size() <= from || is_space(body[from])) return std::string_view::npos;
    for (auto end = body.find(mark, from + 1); end != std::string_view::npos;
         end = body.find(mark, end + 1)) {
      const auto after = end + mark.size();
      const bool ends_word = after >= rest().size() || !is_word(rest()[after]);
      if (!is_space(body[end - 1]) && body[end - 1] != '\\' && ends_word) return end;
    }
    return std::string_view::npos;
  }

  bool read_escape() {
    if (text_[at_] != '\\' || at_ + 1 == text_.size()) return false;
    if (!is_space(text_[at_ + 1])) out_.push_back(text_[at_ + 1]);
    at_ += 2;
    return true;
  }

  bool read_literal() {
    if (!rest().starts_with("``") || !may_start()) return false;
    const auto end = rest().substr(0, max_markup_bytes).find("``", 2);
    if (end == std::string_view::npos) return false;
    out_.append(rest().substr(2, end - 2));
    at_ += end + 2;
    return true;
  }

  bool read_emphasis(std::string_view mark) {
    if (!rest().starts_with(mark) || !may_start()) return false;
    const auto end = closing(mark, mark.size());
    if (end == std::string_view::npos) return false;
    out_.append(rest().substr(mark.size(), end - mark.size()));
    at_ += end + mark.size();
    return true;
  }

  /// `:role:` before a text in backquotes.
  bool read_role() {
    if (text_[at_] != ':' || !may_start()) return false;
    constexpr std::size_t max_role_bytes = 60;
    const auto end = rest().substr(0, max_role_bytes).find(":`", 1);
    if (end == std::string_view::npos) return false;
    const auto role = rest().substr(1, end - 1);
    if (!std::all_of(role.begin(), role.end(), [](char c) {
          return is_word(c) || c == '-' || c == ':' || c == '_' || c == '+' || c == '.';
        }))
      return false;
    const auto before = at_;
    at_ += end + 1;
    inside_role_ = true;
    const bool done = read_interpreted();
    inside_role_ = false;
    if (!done) at_ = before;
    return done;
  }

  /// A text in backquotes: a reference, a link with its target, or one with a role.
  bool read_interpreted() {
    if (text_[at_] != '`' || rest().starts_with("``")) return false;
    const auto end = closing("`", 1);
    if (end == std::string_view::npos) return false;
    auto shown = rest().substr(1, end - 1);
    at_ += end + 1;
    const bool is_link = rest().starts_with("_");
    for (int i = 0; i < 2 && rest().starts_with("_"); ++i) ++at_;
    const auto open = shown.rfind('<');
    if ((is_link || inside_role_) && open != std::string_view::npos && shown.ends_with(">")) {
      const auto target = shown.substr(open + 1, shown.size() - open - 2);
      if (is_link) on_link_(target);
      shown = open == 0 ? target : trim(shown.substr(0, open));
    }
    if (inside_role_ && (shown.starts_with("~") || shown.starts_with("!"))) shown.remove_prefix(1);
    out_.append(shown);
    return true;
  }

  bool read_substitution() {
    if (text_[at_] != '|' || !may_start()) return false;
    const auto end = closing("|", 1);
    if (end == std::string_view::npos) return false;
    const auto name = rest().substr(1, end - 1);
    const auto known = substitutions_.find(name);
    out_.append(known == substitutions_.end() ? name : std::string_view{known->second});
    at_ += end + 1;
    for (int i = 0; i < 2 && rest().starts_with("_"); ++i) ++at_;
    return true;
  }

  /// The underscore at the end of `name_` and `[1]_`.
  bool read_reference() {
    if (text_[at_] != '_' || at_ == 0 || !(is_word(text_[at_ - 1]) || text_[at_ - 1] == ']'))
      return false;
    const auto after = rest().starts_with("__") ? 2U : 1U;
    const bool ends =
        at_ + after >= text_.size() || is_space(text_[at_ + after]) ||
        std::string_view{".,;:!?)"}.find(text_[at_ + after]) != std::string_view::npos;
    if (!ends) return false;
    at_ += after;
    return true;
  }

  std::string_view text_;
  const rst_substitutions& substitutions_;
  const link_callback& on_link_;
  std::size_t at_ = 0;
  std::string out_;
  bool inside_role_ = false;
};

}  // namespace

std::string without_rst_markup(std::string_view text, const rst_substitutions& substitutions,
                               const link_callback& on_link) {
  return inline_reader{text, substitutions, on_link}.read();
}

}  // namespace millrace::parsers
