// What the kernel knows of this process, under the names that Prometheus' own clients use, so that
// existing dashboards work. Reads /proc at scrape time; any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

namespace millrace {

struct process_times {
  double cpu_seconds = 0;
  double started_after_boot_seconds = 0;
  double resident_bytes = 0;
};

/// One line of /proc/PID/stat (proc(5)); nothing where it is not one. The command's name may hold
/// anything, ")" too.
std::optional<process_times> parse_process_stat(std::string_view line, long ticks_per_second,
                                                long page_bytes);

/// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_max_fds and
/// process_start_time_seconds; without those that cannot be read.
std::vector<prometheus::MetricFamily> process_metrics();

}  // namespace millrace
