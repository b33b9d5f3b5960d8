// Cuts Rich Text Format into its tokens (RTF 1.9.1): groups, control words, characters, text, raw
// data. Pure; linear; whatever the bytes are, each token takes at least one of them.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::parsers {

struct rtf_token {
  enum class type : std::uint8_t {
    end,
    group_start,
    group_end,
    word,    ///< \name or \nameN: `text` is the name.
    symbol,  ///< A backslash and one other character: `text` is that character.
    byte,    ///< \'hh: one byte in the current character set.
    text,    ///< Bytes in the current character set, without line ends.
    binary,  ///< The data of \binN, exactly N bytes or what is left of them.
  };
  type kind = type::end;
  std::string_view text;
  bool has_number = false;
  std::int32_t number = 0;  ///< The control word's parameter, cut to its range.
  char byte = '\0';
};

class rtf_reader {
 public:
  explicit rtf_reader(std::string_view bytes) : rest_{bytes} {}
  rtf_token next();

 private:
  rtf_token read_control();
  rtf_token read_word();

  std::string_view rest_;
};

}  // namespace millrace::parsers
