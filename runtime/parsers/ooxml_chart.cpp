#include "runtime/parsers/ooxml_chart.hpp"

#include <charconv>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "runtime/parsers/number_format.hpp"
#include "runtime/parsers/ooxml_drawing.hpp"
#include "runtime/parsers/table_cutter.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

using points = std::map<std::uint32_t, std::string>;  // By index.

/// c:strCache, c:numCache or c:lvl.
points read_cache(const pugi::xml_node& cache, std::size_t& budget) {
  const number_format format{child_named(cache, "formatCode").text().get()};
  points out;
  for (const auto node : cache.children()) {
    if (local_name(node) != "pt" || budget == 0) continue;
    const auto idx = attribute_named(node, "idx");
    std::uint32_t index = 0;
    std::from_chars(idx.data(), idx.data() + idx.size(), index);
    const std::string_view text = child_named(node, "v").text().get();
    double value = 0;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    const bool is_number =
        local_name(cache) == "numCache" && read.ec == std::errc{} && read.ptr == end;
    out[index] = is_number ? format.show(value, date_system::from_1900) : std::string{text};
    --budget;
  }
  return out;
}

/// Of c:cat, c:val, c:tx and their like: cached or literal. Categories of several levels give the
/// innermost.
points read_points(const pugi::xml_node& node, std::size_t& budget) {
  for (const auto child : node.children()) {
    const auto name = local_name(child);
    if (is_any_of(name, {"strLit", "numLit"})) return read_cache(child, budget);
    if (name == "multiLvlStrRef")
      return read_cache(descendant_at(child, {"multiLvlStrCache", "lvl"}), budget);
    if (name == "strRef") return read_cache(child_named(child, "strCache"), budget);
    if (name == "numRef") return read_cache(child_named(child, "numCache"), budget);
  }
  return {};
}

/// Of c:title or a series: rich text, or a cell's text.
std::string title_text(const pugi::xml_node& node) {
  const auto text = child_named(node, "tx");
  if (const auto rich = child_named(text, "rich")) return drawing_text(rich);
  if (const auto value = child_named(text, "v")) return value.text().get();
  std::size_t budget = max_chart_cells;
  std::string out;
  for (const auto& [index, part] : read_points(text, budget))
    out += (out.empty() ? "" : " ") + part;
  return out;
}

/// "Bar chart" of c:bar3DChart.
std::string kind_of(std::string_view element) {
  auto name = element.substr(0, element.size() - std::string_view{"Chart"}.size());
  if (name.ends_with("3D")) name.remove_suffix(2);
  std::string out{name};
  if (!out.empty() && is_lower(out[0])) out[0] = static_cast<char>(out[0] - 32);
  return out + " chart";
}

struct series {
  std::string name;
  points categories;
  points values;
};

struct chart_content {
  std::string kind;
  std::vector<series> all;
  std::vector<std::string> axes;
};

chart_content read_plot_area(const pugi::xml_node& area) {
  chart_content out;
  std::size_t budget = max_chart_cells;
  for (const auto node : area.children()) {
    const auto name = local_name(node);
    if (name.ends_with("Ax")) {
      if (auto title = title_text(child_named(node, "title")); !title.empty())
        out.axes.push_back(std::move(title));
    }
    if (!name.ends_with("Chart")) continue;
    if (out.kind.empty()) out.kind = kind_of(name);
    for (const auto ser : node.children()) {
      if (local_name(ser) != "ser" || budget == 0) continue;
      --budget;
      series s{title_text(ser), read_points(child_named(ser, "cat"), budget),
               read_points(child_named(ser, "val"), budget)};
      if (s.categories.empty()) s.categories = read_points(child_named(ser, "xVal"), budget);
      if (s.values.empty()) s.values = read_points(child_named(ser, "yVal"), budget);
      out.all.push_back(std::move(s));
    }
  }
  return out;
}

std::string or_empty(const points& from, std::uint32_t index) {
  const auto at = from.find(index);
  return at == from.end() ? std::string{} : at->second;
}

/// One column for the categories and one for each series. Series that have categories of their own
/// share the first one's, as charts show them.
void add_table(const chart_content& chart, document_builder& out) {
  points rows;
  for (const auto& s : chart.all) {
    for (const auto& [index, text] : s.categories) rows.try_emplace(index, text);
    for (const auto& [index, text] : s.values) rows.try_emplace(index);
  }
  if (rows.empty()) return;
  table_cutter table{out};
  table_row row(1);
  for (const auto& s : chart.all) row.push_back(s.name);
  table.add(row);
  // Many series over many categories of which few have values are cut like everything else.
  std::size_t budget = max_chart_cells;
  for (const auto& [index, category] : rows) {
    if (budget < chart.all.size()) break;
    budget -= chart.all.size();
    row = {category};
    for (const auto& s : chart.all) row.push_back(or_empty(s.values, index));
    table.add(row);
  }
  table.flush();
}

}  // namespace

void add_chart(ooxml_package& package, const std::string& part, document_builder& out) {
  const auto xml = package.try_read_xml(part);
  if (!xml) return;
  const auto chart = child_named(xml->tree.document_element(), "chart");
  const auto content = read_plot_area(child_named(chart, "plotArea"));
  auto heading = content.kind;
  if (const auto title = title_text(child_named(chart, "title")); !title.empty())
    heading += (heading.empty() ? "" : ": ") + title;
  for (const auto& axis : content.axes) heading += "\n" + axis;
  out.add(element_kind::paragraph, heading);
  add_table(content, out);
}

}  // namespace millrace::parsers
