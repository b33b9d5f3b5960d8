#include "app/cli/top_screen.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

#include "app/cli/columns.hpp"
#include "app/cli/text.hpp"

namespace millrace::cli {

namespace {

using screen_lines = std::vector<std::string>;
using table_rows = std::vector<std::vector<std::string>>;

/// Of names in columns that are followed by others; the last column gets what is left.
constexpr std::size_t max_name = 24;
constexpr std::size_t column_gap = 2;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : ",") + w;
  return out.empty() ? "-" : out;
}

/// 0.0000123 → "12µs"; "-" where nothing was measured.
std::string handling_time(double seconds) {
  if (seconds <= 0) return "-";
  char text[32];
  if (seconds < 0.001)
    std::snprintf(text, sizeof text, "%.0fµs", seconds * 1e6);
  else if (seconds < 1)
    std::snprintf(text, sizeof text, "%.0fms", seconds * 1e3);
  else
    return short_duration(seconds);
  return text;
}

std::string share(std::int64_t part, std::int64_t of) {
  return thousands(part) + "/" + thousands(of);
}

/// The first row are the titles; columns that are `right` hold numbers. Lines as wide as it takes.
screen_lines in_columns(const table_rows& table, const std::vector<bool>& right) {
  std::vector<std::size_t> widths(table.front().size(), 0);
  for (const auto& row : table)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  screen_lines out;
  for (const auto& row : table) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - columns_of(row[i]), ' ');
      if (i > 0) line.append(column_gap, ' ');
      if (right[i]) line += padding;
      line += row[i];
      if (!right[i] && i + 1 < row.size()) line += padding;
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::string nodes_by_state(const cluster_picture& p) {
  std::string out;
  for (const auto* state : {"running", "draining", "lost", "stopped"}) {
    const auto count = std::count_if(p.nodes.begin(), p.nodes.end(),
                                     [&](const node_line& n) { return n.state == state; });
    if (count > 0) out += (out.empty() ? "" : ", ") + thousands(count) + " " + state;
  }
  return out.empty() ? "none" : out;
}

screen_lines head(const cluster_picture& p) {
  char rate[64] = "-";
  if (p.documents_per_second)
    std::snprintf(rate, sizeof rate, *p.documents_per_second < 10 ? "%.1f" : "%.0f",
                  *p.documents_per_second);
  screen_lines out{"cluster " + p.cluster.value_or("-") + "   nodes: " + nodes_by_state(p),
                   "queue " + thousands(p.ready) + " ready, " + thousands(p.delayed) +
                       " delayed, " + thousands(p.leased) + " leased, " + thousands(p.dead) +
                       " dead   " + rate + " documents/s"};
  if (!p.problem.empty()) out.push_back("! " + p.problem);
  return out;
}

screen_lines node_section(const cluster_picture& p) {
  table_rows table{{"NODE", "STATE", "DOCUMENTS", "HEARTBEAT", "LEADS", "ROLES"}};
  for (const auto& n : p.nodes) {
    auto last = joined(n.roles);
    if (!n.problem.empty()) last = n.problem;
    table.push_back({fit_begin(n.name, max_name), n.answers ? n.state : n.state + ", silent",
                     share(n.documents, n.capacity), short_duration(n.heartbeat_age_seconds),
                     joined(n.leads), last});
  }
  return in_columns(table, {false, false, true, true, false, false});
}

/// What is looked at most stands first: narrow terminals cut the rest.
screen_lines role_section(const cluster_picture& p) {
  table_rows table{{"ROLE", "NODE", "ACTORS", "BUSY", "MAILBOX", "FULLEST", "CREDIT", "P50", "P99",
                    "PEAK", "REJECTED", "RESTARTS"}};
  for (const auto& r : p.roles)
    table.push_back({fit_begin(r.role, max_name), fit_begin(r.node, max_name), thousands(r.actors),
                     thousands(r.busy), share(r.mailbox_depth, r.mailbox_limit),
                     share(r.fullest_depth, r.fullest_limit),
                     r.demand_available ? thousands(*r.demand_available) : "-",
                     handling_time(r.handling_p50_seconds), handling_time(r.handling_p99_seconds),
                     thousands(r.mailbox_peak), thousands(r.mailbox_rejected),
                     thousands(r.restarts)});
  std::vector<bool> right(table.front().size(), true);
  right[0] = right[1] = false;
  return in_columns(table, right);
}

/// The end of a document's name says more than its begin.
screen_lines document_section(const cluster_picture& p, std::size_t columns) {
  table_rows table{{"FOR", "STAGE", "NODE", ""}};
  for (const auto& d : p.documents)
    table.push_back({short_duration(d.seconds), d.stage, fit_begin(d.node, max_name), ""});
  auto out = in_columns(table, {true, false, false, false});
  const auto used = columns_of(out.front());
  const auto room = columns > used ? columns - used : 0;
  out.front() += "DOCUMENT";
  for (std::size_t i = 0; i < p.documents.size(); ++i)
    out[i + 1] += fit_end(p.documents[i].uri, room);
  return out;
}

/// How many lines each section gets of `available`: those that want less than their even share
/// leave the rest to the others.
template <std::size_t Count>
std::array<std::size_t, Count> even_shares(const std::array<std::size_t, Count>& wanted,
                                           std::size_t available) {
  std::array<std::size_t, Count> given{};
  bool some_want = true;
  while (available > 0 && some_want) {
    some_want = false;
    for (std::size_t i = 0; i < Count && available > 0; ++i)
      if (given[i] < wanted[i]) {
        ++given[i];
        --available;
        some_want = true;
      }
  }
  return given;
}

/// At most `count` lines, the last of which says what is left out.
void cut(screen_lines& section, std::size_t count) {
  if (section.size() <= count) return;
  const auto left_out = section.size() - count + 1;
  section.resize(count);
  if (count > 1) section.back() = "… " + thousands(static_cast<std::int64_t>(left_out)) + " more";
}

}  // namespace

std::vector<std::string> render(const cluster_picture& picture, screen_size size) {
  auto out = head(picture);
  std::array sections{node_section(picture), role_section(picture),
                      document_section(picture, size.columns)};
  const auto only_titles = [](const screen_lines& s) { return s.size() <= 1; };
  if (size.rows > 0) {
    std::array<std::size_t, sections.size()> wanted{};
    auto fixed = out.size();
    for (std::size_t i = 0; i < sections.size(); ++i)
      if (!only_titles(sections[i])) {
        wanted[i] = sections[i].size();
        ++fixed;  // an empty line above it
      }
    const auto available = size.rows > fixed ? size.rows - fixed : 0;
    const auto given = even_shares(wanted, available);
    for (std::size_t i = 0; i < sections.size(); ++i) cut(sections[i], given[i]);
  }
  for (auto& section : sections) {
    if (only_titles(section)) continue;
    out.emplace_back();
    std::move(section.begin(), section.end(), std::back_inserter(out));
  }
  if (size.rows > 0 && out.size() > size.rows) out.resize(size.rows);
  for (auto& line : out) line = fit_begin(line, size.columns);
  return out;
}

}  // namespace millrace::cli
