#include "runtime/parsers/rtf_charset.hpp"

#include <algorithm>
#include <array>

namespace millrace::parsers {

std::string charset_of_font(int fcharset) {
  struct row {
    int fcharset;
    const char* name;
  };
  static constexpr std::array rows{
      row{0, "CP1252"},   row{2, "SYMBOL"},   row{77, "MACINTOSH"}, row{128, "CP932"},
      row{129, "CP949"},  row{130, "JOHAB"},  row{134, "CP936"},    row{136, "CP950"},
      row{161, "CP1253"}, row{162, "CP1254"}, row{163, "CP1258"},   row{177, "CP1255"},
      row{178, "CP1256"}, row{186, "CP1257"}, row{204, "CP1251"},   row{222, "CP874"},
      row{238, "CP1250"}, row{254, "CP437"},  row{255, "CP850"}};
  const auto* at =
      std::find_if(rows.begin(), rows.end(), [&](const row& r) { return r.fcharset == fcharset; });
  return at == rows.end() ? std::string{} : at->name;
}

std::string charset_of_code_page(int code_page) {
  if (code_page == 65001) return "UTF-8";
  if (code_page == 10000) return "MACINTOSH";
  if (code_page == 1361) return "JOHAB";
  return code_page > 0 ? "CP" + std::to_string(code_page) : std::string{};
}

}  // namespace millrace::parsers
