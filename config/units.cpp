#include "config/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace millrace {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first, so that the first unit that divides a value gives its shortest text.
constexpr std::array<unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<unit, 9> size_units{{{"TiB", 1ULL << 40},
                                          {"TB", 1'000'000'000'000},
                                          {"GiB", 1ULL << 30},
                                          {"GB", 1'000'000'000},
                                          {"MiB", 1ULL << 20},
                                          {"MB", 1'000'000},
                                          {"KiB", 1ULL << 10},
                                          {"KB", 1'000},
                                          {"B", 1}}};
constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();

struct quantity {
  std::uint64_t number;
  std::string_view unit;
};

std::optional<quantity> parse_quantity(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return quantity{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

template <class Units>
std::optional<std::uint64_t> parse_in(const Units& units, std::string_view text) {
  const auto parsed = parse_quantity(text);
  if (!parsed) return std::nullopt;
  for (const unit& u : units) {
    if (u.name != parsed->unit) continue;
    if (parsed->number > largest / u.factor) return std::nullopt;
    return parsed->number * u.factor;
  }
  return std::nullopt;
}

template <class Units>
std::string format_in(const Units& units, std::uint64_t value) {
  for (const unit& u : units)
    if (value >= u.factor && value % u.factor == 0)
      return std::to_string(value / u.factor) + std::string(u.name);
  return "0" + std::string(units.back().name);
}

}  // namespace

std::optional<duration> parse_duration(std::string_view text) {
  const auto milliseconds = parse_in(duration_units, text);
  if (!milliseconds) return std::nullopt;
  return duration{static_cast<std::int64_t>(*milliseconds)};
}

std::optional<byte_size> parse_byte_size(std::string_view text) {
  const auto bytes = parse_in(size_units, text);
  if (!bytes) return std::nullopt;
  return byte_size{*bytes};
}

std::optional<int> parse_percent(std::string_view text) {
  const auto parsed = parse_quantity(text);
  if (!parsed || parsed->unit != "%" || parsed->number < 1 || parsed->number > 100)
    return std::nullopt;
  return static_cast<int>(parsed->number);
}

std::string to_string(byte_size size) {
  return format_in(size_units, size.bytes);
}

std::string to_string(duration d) {
  return format_in(duration_units, static_cast<std::uint64_t>(d.count()));
}

}  // namespace millrace
