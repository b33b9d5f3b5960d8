#include "tests/support/embedding/fake_embedding_server.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "runtime/embedding/embedding_encoding.hpp"

namespace millrace {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;
using http_response = http::response<http::string_body>;

constexpr std::size_t max_recorded_requests = 10'000;

std::string text_of(beast::string_view s) {
  return {s.data(), s.size()};
}

void write_string(json_writer& json, std::string_view s) {
  json.String(s.data(), static_cast<rapidjson::SizeType>(s.size()));
}

/// Nothing where the body is no request for embeddings.
std::optional<fake_request> parse_request(const http::request<http::string_body>& message) {
  rapidjson::Document json;
  json.Parse(message.body().data(), message.body().size());
  if (json.HasParseError() || !json.IsObject() || !json.HasMember("input")) return std::nullopt;
  fake_request r;
  r.target = text_of(message.target());
  r.authorization = text_of(message[http::field::authorization]);
  if (json.HasMember("model") && json["model"].IsString()) r.model = json["model"].GetString();
  if (json.HasMember("dimensions") && json["dimensions"].IsInt())
    r.dimensions = json["dimensions"].GetInt();
  r.base64 = json.HasMember("encoding_format") && json["encoding_format"] == "base64";
  if (json["input"].IsString()) r.inputs.emplace_back(json["input"].GetString());
  if (json["input"].IsArray())
    for (const auto& input : json["input"].GetArray())
      r.inputs.emplace_back(input.GetString(), input.GetStringLength());
  return r;
}

std::string error_body(const fake_reply& reply) {
  rapidjson::StringBuffer buffer;
  json_writer json{buffer};
  json.StartObject();
  json.Key("error");
  json.StartObject();
  json.Key("message");
  write_string(json, reply.error_message);
  json.Key("code");
  write_string(json, reply.error_code);
  if (!reply.error_param.empty()) {
    json.Key("param");
    write_string(json, reply.error_param);
  }
  json.EndObject();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

fake_reply bad_request(std::string code, std::string message) {
  auto reply = fake_status(400);
  reply.error_code = std::move(code);
  reply.error_message = std::move(message);
  return reply;
}

std::string embeddings_body(const fake_request& r, const fake_embedding_config& config) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>,
                    rapidjson::CrtAllocator, rapidjson::kWriteNanAndInfFlag>
      json{buffer};
  std::vector<std::size_t> order(r.inputs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (config.shuffle) std::reverse(order.begin(), order.end());
  json.StartObject();
  json.Key("data");
  json.StartArray();
  for (const auto i : order) {
    auto vector = fake_embedding(r.inputs[i], config.dimensions);
    if (!config.nan_marker.empty() && r.inputs[i].find(config.nan_marker) != std::string::npos)
      std::fill(vector.begin(), vector.end(), std::numeric_limits<float>::quiet_NaN());
    json.StartObject();
    json.Key("index");
    json.Uint64(i);
    json.Key("embedding");
    if (r.base64 && !config.ignore_base64) {
      const auto text = encode_base64(encode_embedding(vector));
      json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    } else {
      json.StartArray();
      for (const float f : vector) json.Double(static_cast<double>(f));
      json.EndArray();
    }
    json.EndObject();
  }
  json.EndArray();
  json.Key("usage");
  json.StartObject();
  json.Key("total_tokens");
  json.Uint64(3 * r.inputs.size());
  json.EndObject();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

struct fake_embedding_server::impl {
  class session;

  explicit impl(fake_embedding_config c)
      : config(std::move(c)),
        latency(config.latency.count()),
        acceptor(context, tcp::endpoint{asio::ip::make_address(config.address), config.port}) {
    accept();
    thread = std::thread{[this] { context.run(); }};
  }
  ~impl() {
    context.stop();
    thread.join();
  }

  void accept();
  /// Until the next answer. On the server's thread.
  std::chrono::milliseconds next_latency() {
    const auto spread = config.latency_spread.count();
    std::uniform_int_distribution<std::chrono::milliseconds::rep> deviation{-spread, spread};
    return std::chrono::milliseconds{
        std::max<std::chrono::milliseconds::rep>(latency.load() + deviation(chance), 0)};
  }
  /// Counts the request and decides about it.
  fake_reply decide(fake_request& r);
  fake_reply decide_by_config(const fake_request& r) const;

  const fake_embedding_config config;
  std::atomic<std::chrono::milliseconds::rep> latency;
  std::minstd_rand chance;
  int open_sessions =
      0;  ///< Of the server's thread; outlives the context, which ends the last ones.
  asio::io_context context{1};
  tcp::acceptor acceptor;
  std::thread thread;
  mutable std::mutex mutex;  ///< Guards the next two.
  counters counts;
  std::vector<fake_request> recorded;
};

/// One connection: reads a request, waits the latency, answers, and again.
class fake_embedding_server::impl::session : public std::enable_shared_from_this<session> {
 public:
  session(impl& server, tcp::socket socket)
      : server_(server), stream_(std::move(socket)), timer_(server.context) {
    ++server_.open_sessions;
  }
  ~session() { --server_.open_sessions; }

  void read() {
    parser_.emplace();
    parser_->body_limit(max_body_bytes);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code failed, std::size_t) {
                       if (!failed) self->handle();
                     });
  }

 private:
  void handle() {
    auto request = parse_request(parser_->get());
    const bool valid = request && request->target.ends_with("/embeddings") &&
                       parser_->get().method() == http::verb::post;
    const auto reply = valid ? server_.decide(*request) : fake_status(404);
    if (valid) counted_ = true;
    timer_.expires_after(server_.next_latency());
    timer_.async_wait(
        [self = shared_from_this(), reply, r = std::move(request)](beast::error_code failed) {
          if (!failed) self->answer(reply, r.value_or(fake_request{}));
        });
  }

  void answer(const fake_reply& reply, const fake_request& request) {
    done();
    if (reply.drop_connection) return close();
    response_ = http_response{};
    response_.version(11);
    response_.result(static_cast<unsigned>(reply.status));
    response_.set(http::field::content_type, "application/json");
    for (const auto& [name, value] : reply.headers) response_.set(name, value);
    response_.body() =
        reply.status == 200 ? embeddings_body(request, server_.config) : error_body(reply);
    response_.keep_alive(parser_->get().keep_alive());
    response_.prepare_payload();
    if (reply.truncate) return write_half();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code failed, std::size_t) {
                        if (failed || !self->response_.keep_alive()) return self->close();
                        self->read();
                      });
  }

  void write_half() {
    const auto size = response_.body().size();
    response_.body().resize(size / 2);  // less than Content-Length says
    auto serializer = std::make_shared<http::response_serializer<http::string_body>>(response_);
    http::async_write(
        stream_, *serializer,
        [self = shared_from_this(), serializer](beast::error_code, std::size_t) { self->close(); });
  }

  /// The request is no longer in flight.
  void done() {
    if (!std::exchange(counted_, false)) return;
    const std::lock_guard lock{server_.mutex};
    --server_.counts.in_flight;
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.socket().close(ignored);
  }

  impl& server_;
  beast::tcp_stream stream_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http_response response_;
  bool counted_ = false;
};

void fake_embedding_server::impl::accept() {
  acceptor.async_accept([this](beast::error_code failed, tcp::socket socket) {
    if (failed) return;
    if (open_sessions < max_connections) {
      {
        const std::lock_guard lock{mutex};
        ++counts.connections;
      }
      std::make_shared<session>(*this, std::move(socket))->read();
    }
    accept();
  });
}

fake_reply fake_embedding_server::impl::decide(fake_request& r) {
  {
    const std::lock_guard lock{mutex};
    r.number = ++counts.requests;
    counts.inputs += r.inputs.size();
    counts.max_in_flight = std::max(counts.max_in_flight, ++counts.in_flight);
    if (recorded.size() < max_recorded_requests) recorded.push_back(r);
  }
  const auto reply = config.script ? config.script(r) : fake_ok();
  return reply.status == 200 && !reply.drop_connection && !reply.truncate ? decide_by_config(r)
                                                                          : reply;
}

fake_reply fake_embedding_server::impl::decide_by_config(const fake_request& r) const {
  if (config.max_inputs > 0 && r.inputs.size() > static_cast<std::size_t>(config.max_inputs))
    return bad_request("max_tokens_per_request", "Requested too many tokens in one request");
  const bool marked = !config.reject_marker.empty() &&
                      std::any_of(r.inputs.begin(), r.inputs.end(), [&](const std::string& input) {
                        return input.find(config.reject_marker) != std::string::npos;
                      });
  return marked ? bad_request("invalid_input", "One of the inputs is not acceptable") : fake_ok();
}

fake_embedding_server::fake_embedding_server(fake_embedding_config config)
    : impl_(std::make_unique<impl>(std::move(config))) {}
fake_embedding_server::~fake_embedding_server() = default;

std::uint16_t fake_embedding_server::port() const {
  return impl_->acceptor.local_endpoint().port();
}

std::string fake_embedding_server::base_url() const {
  const auto at = impl_->acceptor.local_endpoint();
  return "http://" + at.address().to_string() + ":" + std::to_string(at.port()) + "/v1";
}

void fake_embedding_server::set_latency(std::chrono::milliseconds latency) {
  impl_->latency = latency.count();
}

fake_embedding_server::counters fake_embedding_server::count() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->counts;
}

std::vector<fake_request> fake_embedding_server::requests() const {
  const std::lock_guard lock{impl_->mutex};
  return impl_->recorded;
}

std::vector<float> fake_embedding(std::string_view text, int dimensions) {
  std::uint32_t seed = 2'166'136'261U;  // FNV-1a, 32 bits
  for (const char c : text) seed = (seed ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
  std::minstd_rand random{seed};  // cheap to seed: benchmarks share the cores with this server
  std::vector<float> vector(static_cast<std::size_t>(dimensions));
  double squares = 0;
  for (auto& f : vector) {
    f = static_cast<float>(static_cast<double>(random()) / decltype(random)::max() - 0.5);
    squares += static_cast<double>(f) * static_cast<double>(f);
  }
  const double length = std::sqrt(squares);
  for (auto& f : vector) f = static_cast<float>(static_cast<double>(f) / length);
  return vector;
}

fake_reply fake_ok() {
  return {};
}

fake_reply fake_status(int status) {
  fake_reply reply;
  reply.status = status;
  reply.error_code = "status_" + std::to_string(status);
  reply.error_message = "The server answers " + std::to_string(status);
  return reply;
}

fake_reply fake_rate_limit(std::map<std::string, std::string> headers) {
  auto reply = fake_status(429);
  reply.error_code = "rate_limit_exceeded";
  reply.error_message = "Rate limit reached";
  reply.headers = std::move(headers);
  return reply;
}

fake_reply fake_insufficient_quota() {
  auto reply = fake_status(429);
  reply.error_code = "insufficient_quota";
  reply.error_message = "You exceeded your current quota";
  return reply;
}

fake_reply fake_unauthorized() {
  auto reply = fake_status(401);
  reply.error_code = "invalid_api_key";
  reply.error_message = "Incorrect API key provided";
  return reply;
}

fake_reply fake_dropped_connection() {
  fake_reply reply;
  reply.drop_connection = true;
  return reply;
}

}  // namespace millrace
