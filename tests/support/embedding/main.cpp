// fake-embedding-server: the test server as a program, for runs of the whole engine. Prints its
// port, serves until its standard input ends or it is killed.
#include <cstdio>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/support/embedding/fake_embedding_server.hpp"

int main(int argc, char** argv) {
  millrace::fake_embedding_config config;
  int latency_ms = 0;
  int spread_ms = 0;
  std::uint64_t throttle_first = 0;
  std::uint64_t throttle_every = 0;
  std::uint64_t fail_every = 0;
  std::uint64_t drop_every = 0;
  std::uint64_t quota_after = 0;
  std::string retry_after = "1";

  CLI::App app{"An embeddings server for tests, with OpenAI's API over HTTP on the loopback"};
  app.add_option("--port", config.port, "Port to listen on; 0: any");
  app.add_option("--latency-ms", latency_ms, "Time before each answer");
  app.add_option("--spread-ms", spread_ms, "How much earlier or later an answer may come");
  app.add_option("--dimensions", config.dimensions, "Of every embedding")
      ->check(CLI::PositiveNumber);
  app.add_flag("--floats", config.ignore_base64, "Send lists of numbers, whatever is asked for");
  app.add_flag("--shuffle", config.shuffle, "Send the embeddings out of order");
  app.add_option("--reject-marker", config.reject_marker, "Answer 400 where an input holds this");
  app.add_option("--max-inputs", config.max_inputs, "Answer 400 to requests with more inputs");
  app.add_option("--throttle-first", throttle_first, "Answer the first N requests 429");
  app.add_option("--throttle-every", throttle_every, "Answer every Nth request 429");
  app.add_option("--retry-after", retry_after, "What a 429 says, in seconds");
  app.add_option("--fail-every", fail_every, "Answer every Nth request 500");
  app.add_option("--drop-every", drop_every, "Drop the connection of every Nth request");
  app.add_option("--quota-after", quota_after, "After N requests, answer insufficient_quota");
  CLI11_PARSE(app, argc, argv);

  config.latency = std::chrono::milliseconds{latency_ms};
  config.latency_spread = std::chrono::milliseconds{spread_ms};
  config.script = [=](const millrace::fake_request& r) {
    const auto every = [&](std::uint64_t n) { return n > 0 && r.number % n == 0; };
    if (quota_after > 0 && r.number > quota_after) return millrace::fake_insufficient_quota();
    if (r.number <= throttle_first || every(throttle_every))
      return millrace::fake_rate_limit({{"retry-after", retry_after}});
    if (every(fail_every)) return millrace::fake_status(500);
    if (every(drop_every)) return millrace::fake_dropped_connection();
    return millrace::fake_ok();
  };
  try {
    const millrace::fake_embedding_server server{config};
    std::cout << server.port() << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
    }
    const auto count = server.count();
    std::cout << "requests " << count.requests << ", inputs " << count.inputs << ", at once "
              << count.max_in_flight << std::endl;
  } catch (const std::exception& e) {
    std::cerr << "fake-embedding-server: " << e.what() << std::endl;
    return 1;
  }
  return 0;
}
