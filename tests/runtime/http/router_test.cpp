#include "runtime/http/router.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::http {
namespace {

using testing::HasSubstr;

/// A handler that answers its route's mark and what was captured.
handler mark(std::string text) {
  return [text = std::move(text)](const request& r) {
    response out;
    out.body = text;
    for (const auto& [name, value] : r.params) out.body += " " + name + "=" + value;
    return out;
  };
}

response ask(const router& routes, std::string method, std::string_view target) {
  request r;
  r.method = std::move(method);
  EXPECT_TRUE(parse_target(target, r));
  return routes(r);
}

router example() {
  router r;
  r.add("GET /v1/datasets", mark("list"));
  r.add("POST /v1/datasets", mark("create"));
  r.add("GET /v1/datasets/{id}", mark("one"));
  r.add("GET /v1/datasets/{id}/documents", mark("documents"));
  r.add("PUT /v1/datasets/{id}/documents/{name}", mark("upload"));
  r.add("GET /v1/datasets/latest", mark("latest"));
  r.add("GET /files/{path...}", mark("file"));
  r.add("GET /", mark("dashboard"));
  return r;
}

TEST(router, captures_segments) {
  EXPECT_EQ(ask(example(), "GET", "/v1/datasets/7/documents?status=failed").body, "documents id=7");
  EXPECT_EQ(ask(example(), "GET", "/").body, "dashboard");
}

TEST(router, a_literal_wins_over_a_capture_in_any_order) {
  EXPECT_EQ(ask(example(), "GET", "/v1/datasets/latest").body, "latest");
  EXPECT_EQ(ask(example(), "GET", "/v1/datasets/7").body, "one id=7");
}

TEST(router, an_encoded_slash_stays_in_its_segment) {
  EXPECT_EQ(ask(example(), "PUT", "/v1/datasets/7/documents/a%2Fb%20c").body,
            "upload id=7 name=a/b c");
}

TEST(router, the_rest_of_a_path_may_hold_slashes) {
  EXPECT_EQ(ask(example(), "GET", "/files/a/b/c.js").body, "file path=a/b/c.js");
  EXPECT_EQ(ask(example(), "GET", "/files/").status, 404);
}

TEST(router, an_unknown_path_is_404) {
  const auto r = ask(example(), "GET", "/v1/nothing");
  EXPECT_EQ(r.status, 404);
  EXPECT_THAT(r.body, HasSubstr("\"code\":\"not_found\""));
  EXPECT_EQ(ask(example(), "GET", "/v1/datasets//documents").status, 404);
  EXPECT_EQ(ask(example(), "GET", "/v1/datasets/7/documents/").status, 404);
}

TEST(router, another_method_is_405_with_what_is_allowed) {
  const auto r = ask(example(), "DELETE", "/v1/datasets");
  EXPECT_EQ(r.status, 405);
  EXPECT_EQ(r.headers.at("Allow"), "GET, HEAD, POST");
  EXPECT_THAT(r.body, HasSubstr("\"code\":\"method_not_allowed\""));
}

TEST(router, a_request_made_in_process_needs_only_a_path) {
  request r;
  r.method = "GET";
  r.path = "/v1/datasets/a b";
  EXPECT_EQ(example()(r).body, "one id=a b");
}

TEST(router, bugs_in_routes_are_found_at_start) {
  router r = example();
  EXPECT_THROW(r.add("GET /v1/datasets/{other}", mark("")), std::invalid_argument);
  EXPECT_THROW(r.add("GET", mark("")), std::invalid_argument);
  EXPECT_THROW(r.add("GET v1", mark("")), std::invalid_argument);
  EXPECT_THROW(r.add("GET /{}", mark("")), std::invalid_argument);
  EXPECT_THROW(r.add("GET /{a", mark("")), std::invalid_argument);
  EXPECT_THROW(r.add("GET /{a...}/b", mark("")), std::invalid_argument);
}

class bearer : public testing::Test {
 protected:
  handler guarded = require_bearer("s3cret", {"/livez"}, mark("inside"));

  response with(std::string header, std::string path = "/v1/nodes") const {
    request r;
    r.method = "GET";
    r.path = std::move(path);
    if (!header.empty()) r.headers["authorization"] = std::move(header);
    return guarded(r);
  }
};

TEST_F(bearer, the_right_token_passes) {
  EXPECT_EQ(with("Bearer s3cret").body, "inside");
  EXPECT_EQ(with("bearer  s3cret").body, "inside");
}

TEST_F(bearer, anything_else_is_401) {
  for (const auto* header : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2",
                             "Basic s3cret", "s3cret", "Bearer S3CRET", "Bearers3cret"}) {
    const auto r = with(header);
    EXPECT_EQ(r.status, 401) << header;
    EXPECT_THAT(r.headers.at("WWW-Authenticate"), HasSubstr("Bearer"));
    EXPECT_THAT(r.body, HasSubstr("\"code\":\"unauthorized\""));
  }
}

TEST_F(bearer, open_paths_need_no_token) {
  EXPECT_EQ(with("", "/livez").body, "inside");
  EXPECT_EQ(with("", "/livez/x").status, 401);
}

}  // namespace
}  // namespace millrace::http
