#include "runtime/embedding/hashing_provider.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>

#include "runtime/embedding/embedding_encoding.hpp"
#include "runtime/embedding/word_scanner.hpp"

namespace millrace {

namespace {

// Weights are whole numbers until the last step, so that no machine's rounding or library shows in
// a vector.
constexpr std::int32_t word_weight = 1'024;
constexpr std::int32_t pair_weight = word_weight / 2;
constexpr std::int32_t function_word_weight = word_weight / 4;

/// Seeds that keep words, pairs and the sign apart.
constexpr std::uint64_t pair_seed = 0x9e3779b97f4a7c15ULL;

/// The commonest words without a meaning of their own; folded.
constexpr std::array function_words = {
    // English
    "the", "of", "and", "to", "in", "a", "is", "that", "it", "for", "was", "on", "as", "with", "be",
    "by", "at", "are", "this", "from", "or", "an", "not", "which", "have", "has", "were", "been",
    // German
    "der", "die", "das", "und", "den", "von", "zu", "mit", "sich", "des", "auf", "fur", "ist", "im",
    "dem", "nicht", "ein", "eine", "als", "auch", "es", "werden",
    // French, Spanish, Italian, Portuguese
    "le", "la", "les", "de", "et", "du", "un", "une", "que", "qui", "dans", "pour", "el", "los",
    "las", "y", "en", "del", "se", "por", "con", "para", "il", "di", "che", "e", "o", "do", "da",
    "em",
    // Russian
    "и", "в", "не", "на", "что", "с", "по", "как", "это", "из", "к", "у", "за", "от"};

/// A small table, open addressing: the hashes of function_words. Built once.
class function_word_set {
 public:
  function_word_set() {
    for (const char* w : function_words) {
      auto slot = slot_of(word_hash(w));
      while (slots_[slot] != 0) slot = (slot + 1) % slots_.size();
      slots_[slot] = word_hash(w);
    }
  }
  bool contains(std::uint64_t hash) const {
    for (auto slot = slot_of(hash); slots_[slot] != 0; slot = (slot + 1) % slots_.size())
      if (slots_[slot] == hash) return true;
    return false;
  }

 private:
  static std::size_t slot_of(std::uint64_t hash) { return hash % 1'024; }
  std::array<std::uint64_t, 1'024> slots_{};
};

/// Counts how often each feature occurs. Open addressing over places in a dense list, at most half
/// full.
class feature_counter {
 public:
  struct feature {
    std::uint64_t hash = 0;
    std::int32_t weight = 0;
    std::uint32_t count = 0;
  };

  explicit feature_counter(std::size_t text_bytes)
      : slots_(std::bit_ceil(std::clamp<std::size_t>(text_bytes, 64, 4'096))) {
    features_.reserve(slots_.size() / 2);
  }

  void add(std::uint64_t hash, std::int32_t weight) {
    if (2 * features_.size() >= slots_.size()) grow();
    auto& slot = find(hash);
    if (slot == 0) {
      features_.push_back({hash, weight, 0});
      slot = static_cast<std::uint32_t>(features_.size());
    }
    ++features_[slot - 1].count;
  }
  /// In the order of their first occurrence.
  const std::vector<feature>& features() const { return features_; }

 private:
  /// The slot of the feature, or the free one (0) where it belongs. Others hold a place in
  /// features_, from 1.
  std::uint32_t& find(std::uint64_t hash) {
    const auto mask = slots_.size() - 1;
    auto slot = hash & mask;
    while (slots_[slot] != 0 && features_[slots_[slot] - 1].hash != hash) slot = (slot + 1) & mask;
    return slots_[slot];
  }
  void grow() {
    slots_.assign(2 * slots_.size(), 0);
    for (std::uint32_t i = 0; i < features_.size(); ++i) find(features_[i].hash) = i + 1;
  }

  std::vector<std::uint32_t> slots_;
  std::vector<feature> features_;
};

/// 1 + ln n in 1/1024, with the logarithm straight between powers of two: exact in whole numbers,
/// at most 6 % of ln 2 off.
std::int64_t term_frequency(std::uint32_t n) {
  constexpr std::int64_t one = 1'024;
  constexpr std::int64_t ln_2 = 710;  // 0.6931 * 1024
  const int power = std::bit_width(n) - 1;
  const std::int64_t beyond =
      ((static_cast<std::int64_t>(n) - (std::int64_t{1} << power)) * ln_2) >> power;
  return one + power * ln_2 + beyond;
}

void count_features(std::string_view text, feature_counter& counter) {
  static const function_word_set function_word_hashes;
  word_scanner scanner{text};
  std::uint64_t word = 0;
  std::uint64_t previous = 0;
  bool previous_is_function_word = true;
  while (scanner.next(word)) {
    const bool is_function_word = function_word_hashes.contains(word);
    counter.add(word, is_function_word ? function_word_weight : word_weight);
    // Pairs of two function words ("of the") say nothing.
    if (previous != 0 && !(is_function_word && previous_is_function_word))
      counter.add(mix_bits(previous * pair_seed + word), pair_weight);
    previous = word;
    previous_is_function_word = is_function_word;
  }
}

}  // namespace

std::vector<float> hash_text(std::string_view text, int dimensions) {
  feature_counter counter{text.size()};
  count_features(text, counter);
  const auto size = static_cast<std::size_t>(dimensions);
  std::vector<std::int64_t> sums(size);
  for (const auto& f : counter.features()) {
    const auto index = static_cast<std::size_t>(((f.hash >> 32) * size) >> 32);
    const auto weight = f.weight * term_frequency(f.count);
    // The lowest bits choose slots above, the highest the index: the sign comes from between.
    sums[index] += (f.hash >> 24 & 1) != 0 ? weight : -weight;
  }
  double squares = 0;
  for (const auto s : sums) squares += static_cast<double>(s >> 10) * static_cast<double>(s >> 10);
  std::vector<float> vector(size);
  if (squares == 0) {
    vector[0] = 1;
    return vector;
  }
  const double length = std::sqrt(squares);
  std::transform(sums.begin(), sums.end(), vector.begin(), [&](std::int64_t s) {
    return static_cast<float>(static_cast<double>(s >> 10) / length);
  });
  return vector;
}

embedding_limits hashing_provider::limits() const {
  // Computed in place: larger batches would gain nothing and delay the first answer.
  return {.max_inputs = 256, .max_tokens = 100'000, .concurrency = 1};
}

namespace {

embedding_results embed_all(const std::vector<std::string>& inputs, int dimensions) {
  embedding_results results;
  results.reserve(inputs.size());
  for (const auto& text : inputs) results.push_back(encode_embedding(hash_text(text, dimensions)));
  return results;
}

}  // namespace

void hashing_provider::embed(std::vector<std::string> inputs, embedding_callback done) {
  const auto bytes =
      std::accumulate(inputs.begin(), inputs.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const std::string& text) { return sum + text.size(); });
  if (!pool_ || bytes < large_work_bytes) return done(embed_all(inputs, dimensions_));
  pool_->run(bytes, make_compute_job<embedding_results>(
                        [inputs = std::move(inputs), dimensions = dimensions_] {
                          return embed_all(inputs, dimensions);
                        },
                        std::move(done)));
}

}  // namespace millrace
