// An embeddings server for tests: OpenAI's API over real HTTP/1.1 on the loopback, with the
// failures that real servers have, on demand. Its embeddings follow from the text alone, so a test
// knows what must come back.
//
// One thread serves every connection; delays are timers, so hundreds of requests wait at once.
// Thread-safe. Bounds: max_connections, max_body_bytes. Destroying it closes every connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// What the server does with one request; see fake_embedding_config::script.
struct fake_reply {
  int status = 200;  ///< 200: embeddings. Else an error with the members below.
  std::string error_code;
  std::string error_message;
  std::string error_param;
  std::map<std::string, std::string> headers;
  bool drop_connection = false;  ///< Closes the connection instead of answering.
  bool truncate = false;         ///< Closes the connection in the middle of the answer.
};

/// What a request looked like.
struct fake_request {
  std::uint64_t number = 0;  ///< From 1.
  std::vector<std::string> inputs;
  std::string model;
  std::string authorization;  ///< The header.
  std::string target;         ///< The path.
  int dimensions = 0;         ///< 0 where the client did not ask for any.
  bool base64 = false;        ///< The client asked for it.
};

struct fake_embedding_config {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one.
  std::chrono::milliseconds latency{0};
  /// Each answer comes so much earlier or later at most, evenly spread; of a fixed seed.
  std::chrono::milliseconds latency_spread{0};
  int dimensions = 8;          ///< Of every embedding, whatever the client asks for.
  bool ignore_base64 = false;  ///< Always sends lists of numbers, as some servers do.
  bool shuffle = false;        ///< Sends the embeddings in reverse order.
  std::string nan_marker;      ///< Inputs that hold this get a vector of NaN; empty: none.
  std::string
      reject_marker;   ///< Requests with an input that holds this are answered 400; empty: none.
  int max_inputs = 0;  ///< Requests with more are answered 400 max_tokens_per_request; 0: no limit.
  /// Decides about each request before everything above; not set: 200 always. Runs on the server's
  /// thread.
  std::function<fake_reply(const fake_request&)> script;
};

class fake_embedding_server {
 public:
  static constexpr int max_connections = 1'024;
  static constexpr std::uint64_t max_body_bytes = 64U << 20;

  struct counters {
    std::uint64_t requests = 0;
    std::uint64_t inputs = 0;
    std::uint64_t connections = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t max_in_flight = 0;
  };

  /// Throws boost::system::system_error where the port cannot be had.
  explicit fake_embedding_server(fake_embedding_config config);
  ~fake_embedding_server();
  fake_embedding_server(const fake_embedding_server&) = delete;
  fake_embedding_server& operator=(const fake_embedding_server&) = delete;

  std::uint16_t port() const;
  /// "http://ADDRESS:PORT/v1"
  std::string base_url() const;
  /// Of the answers from now on.
  void set_latency(std::chrono::milliseconds latency);
  counters count() const;
  /// Every request so far, in the order of arrival; at most the first 10,000.
  std::vector<fake_request> requests() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// The embedding that the server gives for a text: `dimensions` floats of length 1.
std::vector<float> fake_embedding(std::string_view text, int dimensions);

// Replies for scripts.
fake_reply fake_ok();
fake_reply fake_rate_limit(std::map<std::string, std::string> headers);
fake_reply fake_insufficient_quota();
fake_reply fake_unauthorized();
fake_reply fake_status(int status);
fake_reply fake_dropped_connection();

}  // namespace millrace
