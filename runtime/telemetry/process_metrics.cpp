#include "runtime/telemetry/process_metrics.hpp"

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace millrace {

namespace {

namespace fs = std::filesystem;

prometheus::MetricFamily family(std::string name, std::string help, prometheus::MetricType type,
                                double value) {
  prometheus::ClientMetric sample;
  if (type == prometheus::MetricType::Counter)
    sample.counter.value = value;
  else
    sample.gauge.value = value;
  return {std::move(name), std::move(help), type, {std::move(sample)}};
}

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Seconds since the epoch at which the machine was booted.
std::optional<double> boot_time() {
  const auto text = read_file("/proc/stat");
  constexpr std::string_view key = "\nbtime ";
  const auto at = text.find(key);
  if (at == std::string::npos) return std::nullopt;
  std::int64_t seconds = 0;
  const auto* begin = text.data() + at + key.size();
  if (std::from_chars(begin, text.data() + text.size(), seconds).ec != std::errc{})
    return std::nullopt;
  return static_cast<double>(seconds);
}

std::optional<double> open_descriptors() {
  std::error_code failed;
  auto entries = fs::directory_iterator("/proc/self/fd", failed);
  double count = -1;  // The iterator's own descriptor is listed too.
  for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) ++count;
  if (failed) return std::nullopt;
  return count;
}

}  // namespace

std::optional<process_times> parse_process_stat(std::string_view line, long ticks_per_second,
                                                long page_bytes) {
  // After the command's name in parentheses: state is field 3; utime 14, stime 15, starttime 22,
  // rss 24.
  const auto close = line.rfind(')');
  if (close == std::string_view::npos || ticks_per_second <= 0) return std::nullopt;
  line.remove_prefix(close + 1);
  std::array<std::uint64_t, 25> fields{};
  std::size_t field = 3;
  for (; field < fields.size(); ++field) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const auto word = line.substr(0, line.find(' '));
    std::from_chars(word.data(), word.data() + word.size(), fields[field]);
    line.remove_prefix(word.size());
  }
  if (field < fields.size()) return std::nullopt;
  const auto seconds = [&](std::uint64_t ticks) {
    return static_cast<double>(ticks) / static_cast<double>(ticks_per_second);
  };
  return process_times{
      .cpu_seconds = seconds(fields[14] + fields[15]),
      .started_after_boot_seconds = seconds(fields[22]),
      .resident_bytes = static_cast<double>(fields[24]) * static_cast<double>(page_bytes)};
}

std::vector<prometheus::MetricFamily> process_metrics() {
  using enum prometheus::MetricType;
  std::vector<prometheus::MetricFamily> out;
  if (const auto times = parse_process_stat(read_file("/proc/self/stat"), sysconf(_SC_CLK_TCK),
                                            sysconf(_SC_PAGESIZE))) {
    out.push_back(family("process_cpu_seconds_total", "User and system time spent.", Counter,
                         times->cpu_seconds));
    out.push_back(
        family("process_resident_memory_bytes", "Resident memory.", Gauge, times->resident_bytes));
    if (const auto boot = boot_time())
      out.push_back(family("process_start_time_seconds",
                           "When the process started, since the epoch.", Gauge,
                           *boot + times->started_after_boot_seconds));
  }
  if (const auto open = open_descriptors())
    out.push_back(family("process_open_fds", "Open file descriptors.", Gauge, *open));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    out.push_back(family("process_max_fds", "Most file descriptors it may open.", Gauge,
                         static_cast<double>(limit.rlim_cur)));
  return out;
}

}  // namespace millrace
