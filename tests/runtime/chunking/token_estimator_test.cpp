#include "runtime/chunking/token_estimator.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::string random_text(std::mt19937& random, std::size_t most_bytes) {
  std::string text(random() % (most_bytes + 1), ' ');
  for (auto& c : text) c = static_cast<char>(random() % 256);
  return text;
}

TEST(token_estimator, the_empty_text_has_no_tokens) {
  EXPECT_EQ(estimate_tokens(""), 0U);
}

// The true counts below are those of the cl100k_base tokenizer.
struct sample {
  std::string_view text;
  double tokens;
};

TEST(token_estimator, estimates_are_near_the_true_counts) {
  const sample samples[] = {
      {"The mill stands where the river bends, and every spring the water rise"
       "s high enough to turn both of its wheels at once, so that the miller h"
       "as to hire two more hands until the summer comes and the stream falls "
       "back to its usual bed.",
       50},
      {"Die Mühle steht dort, wo der Fluss eine Biegung macht, und in jedem Fr"
       "ühjahr steigt das Wasser so hoch, dass sich beide Räder gleichzeitig d"
       "rehen und der Müller zwei weitere Gehilfen anstellen muss, bis der Som"
       "mer kommt.",
       59},
      {"Мельница стоит там, где река делает поворот, и каждую весну вода подни"
       "мается так высоко, что оба колеса вращаются одновременно, и мельнику п"
       "риходится нанимать ещё двух помощников до самого лета.",
       86},
      {"磨坊坐落在河流转弯的地方，每年春天河水都会涨得很高，足以同时转动两个水轮，因此磨坊主不得不"
       "再雇两个帮手，直到夏天来临，河水退回到平常的河床。",
       92},
      {"for (std::size_t i = 0; i < rows.size(); ++i) {\n  const auto& row = ro"
       "ws[i];\n  if (row.empty()) continue;\n  total += row.front().value * wei"
       "ghts[i];\n  log_row(i, row);\n}\nreturn total / static_cast<double>(rows."
       "size());",
       66},
      {"name,height,width,weight,price\nwheel A,12.50,3.25,480,1999.00\nwheel B,"
       "11.75,3.10,455,1849.50\nshaft,6.00,0.40,120,649.99\nsluice gate,2.20,2.2"
       "0,310,899.00\nmillstone,0.45,1.30,1450,2750.00",
       97},
  };
  for (const auto& s : samples) {
    const double estimate = estimate_tokens(s.text);
    EXPECT_GE(estimate, 0.80 * s.tokens) << s.text;
    EXPECT_LE(estimate, 1.35 * s.tokens) << s.text;
  }
}

TEST(token_estimator, the_cost_of_a_text_is_the_sum_of_its_parts) {
  std::mt19937 random{20240501};
  for (int i = 0; i < 2'000; ++i) {
    const auto a = random_text(random, 40) + "x";
    const auto b = random_text(random, 40);
    EXPECT_EQ(estimate_cost(a + b), estimate_cost(a) + estimate_cost(b, a.back()));
  }
}

TEST(token_estimator, a_longer_text_never_costs_less) {
  std::mt19937 random{7};
  const auto text = random_text(random, 4'000);
  token_cost last = 0;
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const auto cost = estimate_cost(std::string_view{text}.substr(0, n));
    EXPECT_GE(cost, last);
    last = cost;
  }
}

TEST(token_estimator, tokens_are_the_cost_rounded_up) {
  std::mt19937 random{11};
  for (int i = 0; i < 500; ++i) {
    const auto text = random_text(random, 60);
    const auto tokens = token_cost{estimate_tokens(text)} * token_cost_per_token;
    EXPECT_GE(tokens, estimate_cost(text));
    EXPECT_LT(tokens, estimate_cost(text) + token_cost_per_token);
  }
}

}  // namespace
}  // namespace millrace
