#include "runtime/embedding/openai_messages.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "runtime/core/utf8.hpp"
#include "runtime/embedding/embedding_encoding.hpp"

namespace millrace {

namespace {

using rapidjson::Value;
using meaning = openai_answer::meaning;

/// Longer sentences of a server are cut, bytes.
constexpr std::size_t max_sentence_bytes = 400;

/// What a server says about an error; each part may be empty.
struct server_error {
  std::string message;
  std::string type;
  std::string code;
  std::string param;
};

std::string string_member(const Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

/// One line of clean text, not too long.
std::string tidy(std::string_view text) {
  std::string out = clean_utf8(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (out.size() <= max_sentence_bytes) return out;
  std::size_t end = max_sentence_bytes;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;
  return out.substr(0, end) + "...";
}

/// {"error": {"message","type","code","param"}}, or "error", "message" or "detail" as plain text.
server_error read_error(std::string_view body) {
  rapidjson::Document json;
  json.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  server_error e;
  if (json.HasParseError() || !json.IsObject()) return e;
  const auto error = json.FindMember("error");
  if (error != json.MemberEnd() && error->value.IsObject()) {
    e = {string_member(error->value, "message"), string_member(error->value, "type"),
         string_member(error->value, "code"), string_member(error->value, "param")};
  } else {
    for (const char* name : {"error", "message", "detail"})
      if (e.message.empty()) e.message = string_member(json, name);
    e.type = string_member(json, "type");
    e.code = string_member(json, "code");
    e.param = string_member(json, "param");
  }
  return e;
}

/// "HTTP 429: the server's sentence"
std::string describe(int status, const server_error& e) {
  const auto said = tidy(e.message.empty() ? e.code : e.message);
  return "HTTP " + std::to_string(status) + (said.empty() ? "" : ": " + said);
}

openai_answer answer(meaning what, std::string reason) {
  openai_answer a;
  a.what = what;
  a.reason = std::move(reason);
  return a;
}

bool is_quota(const server_error& e) {
  constexpr std::array<std::string_view, 3> names = {
      "insufficient_quota", "billing_hard_limit_reached", "billing_not_active"};
  const auto is = [&](const std::string& s) {
    return std::find(names.begin(), names.end(), s) != names.end();
  };
  return is(e.code) || is(e.type);
}

/// True where the fault is in what every request has, not in the inputs.
bool concerns_configuration(const server_error& e) {
  return e.param == "model" || e.param == "dimensions" || e.param == "encoding_format" ||
         e.code == "model_not_found";
}

openai_answer read_failure(int status, std::string_view body) {
  const auto e = read_error(body);
  const auto said = describe(status, e);
  if (status == 402 || is_quota(e))
    return answer(meaning::refused,
                  "the embedding server's quota is used up (" + said +
                      "); raise it with the provider, work then goes on by itself");
  if (status == 429)
    return answer(meaning::throttled, "the embedding server limits our rate (" + said + ")");
  if (status == 401 || status == 403)
    return answer(meaning::refused,
                  "the embedding server refuses the API key (" + said +
                      "); set the right one in what embedder.api_key_env or api_key_file names");
  if (status == 408 || status == 409 || status >= 500)
    return answer(meaning::failed, "the embedding server failed (" + said + ")");
  if (status < 400 || status == 404 || status == 405 || concerns_configuration(e))
    return answer(meaning::refused, "the embedding server does not take such requests (" + said +
                                        "); check embedder.base_url, model and dimensions");
  return answer(meaning::rejected, "the embedding server refuses the input (" + said + ")");
}

/// Infinite where a float has no room for the number; a plain conversion would be undefined.
float to_float(double number) {
  constexpr auto most = static_cast<double>(std::numeric_limits<float>::max());
  if (number > most) return std::numeric_limits<float>::infinity();
  if (number < -most) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(number);
}

/// The embedding's bytes, from base64 or a list of numbers; nothing where it is neither.
std::optional<embedding_bytes> read_embedding(const Value& value) {
  if (value.IsString()) return decode_base64({value.GetString(), value.GetStringLength()});
  if (!value.IsArray()) return std::nullopt;
  std::vector<float> vector;
  vector.reserve(value.Size());
  for (const auto& number : value.GetArray()) {
    if (!number.IsNumber()) return std::nullopt;
    vector.push_back(to_float(number.GetDouble()));
  }
  return encode_embedding(vector);
}

openai_answer malformed(std::string_view what) {
  return answer(meaning::failed,
                "the embedding server's answer cannot be used: " + std::string{what});
}

/// Puts data[i] where its index says.
std::optional<openai_answer> place(const Value& item, int dimensions, std::vector<bool>& seen,
                                   embedding_results& results) {
  if (!item.IsObject()) return malformed("an entry of data is no object");
  const auto index = item.FindMember("index");
  const auto vector = item.FindMember("embedding");
  if (index == item.MemberEnd() || !index->value.IsUint64() ||
      index->value.GetUint64() >= seen.size())
    return malformed("an entry of data has no valid index");
  const auto i = static_cast<std::size_t>(index->value.GetUint64());
  if (seen[i]) return malformed("two entries of data have the same index");
  seen[i] = true;
  auto bytes = vector == item.MemberEnd() ? std::nullopt : read_embedding(vector->value);
  if (!bytes) return malformed("an embedding is neither base64 nor a list of numbers");
  if (bytes->size() != static_cast<std::size_t>(dimensions) * sizeof(float))
    return answer(meaning::refused, "the embedding server answers with " +
                                        std::to_string(bytes->size() / sizeof(float)) +
                                        " dimensions where embedder.dimensions is " +
                                        std::to_string(dimensions) + "; make them equal");
  if (all_finite(*bytes))
    results[i] = std::move(*bytes);
  else
    results[i] = fail(ec::embedding_rejected,
                      "the embedding server computed infinite or undefined numbers for the input");
  return std::nullopt;
}

openai_answer read_success(std::string_view body, std::size_t inputs, int dimensions) {
  rapidjson::Document json;
  json.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseNanAndInfFlag>(body.data(),
                                                                              body.size());
  if (json.HasParseError() || !json.IsObject()) return malformed("it is no JSON object");
  const auto data = json.FindMember("data");
  if (data == json.MemberEnd() || !data->value.IsArray()) return malformed("it has no list data");
  if (data->value.Size() != inputs)
    return malformed("it has " + std::to_string(data->value.Size()) + " embeddings for " +
                     std::to_string(inputs) + " inputs");
  openai_answer a;
  a.what = meaning::embedded;
  a.results.assign(inputs, embedding_bytes{});
  std::vector<bool> seen(inputs);
  for (const auto& item : data->value.GetArray())
    if (auto wrong = place(item, dimensions, seen, a.results)) return std::move(*wrong);
  const auto usage = json.FindMember("usage");
  if (usage != json.MemberEnd() && usage->value.IsObject()) {
    const auto total = usage->value.FindMember("total_tokens");
    if (total != usage->value.MemberEnd() && total->value.IsInt64())
      a.tokens = std::max<std::int64_t>(0, total->value.GetInt64());
  }
  return a;
}

}  // namespace

std::string write_request(const openai_request& r) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json{buffer};
  const auto text = [&](std::string_view s) {
    json.String(s.data(), static_cast<rapidjson::SizeType>(s.size()));
  };
  json.StartObject();
  json.Key("model");
  text(r.model);
  json.Key("encoding_format");
  text("base64");
  if (r.dimensions > 0) {
    json.Key("dimensions");
    json.Int(r.dimensions);
  }
  json.Key("input");
  json.StartArray();
  for (const auto input : r.inputs) text(input);
  json.EndArray();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

bool takes_dimensions(std::string_view model) {
  return model.find("text-embedding-3") != std::string_view::npos;
}

openai_answer read_answer(int status, std::string_view body, std::size_t inputs, int dimensions) {
  return status == 200 ? read_success(body, inputs, dimensions) : read_failure(status, body);
}

std::size_t max_answer_bytes(std::size_t inputs, int dimensions) {
  constexpr std::size_t bytes_per_float = 32;  // "-1.2345678901234567e-10, " and white space
  constexpr std::size_t bytes_around = std::size_t{1} << 20;
  return bytes_around + inputs * (static_cast<std::size_t>(dimensions) * bytes_per_float + 1'024);
}

}  // namespace millrace
