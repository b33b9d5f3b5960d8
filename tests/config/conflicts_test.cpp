#include "config/conflicts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/parse_for_test.hpp"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* two_nodes = R"([[node]]
name = "a"
port = 4700
[[node]]
)";

TEST(conflicts, the_defaults_have_none) {
  EXPECT_FALSE(find_conflict(settings{}).has_value());
}

TEST(conflicts, an_overlap_as_long_as_a_chunk_is_refused) {
  EXPECT_THAT(error_of("[chunking]\nmax_tokens = 64\n"),
              AllOf(StartsWith("test.toml:2: `chunking.overlap_tokens` (64)"),
                    HasSubstr("`chunking.max_tokens` (64)")));
  EXPECT_EQ(error_of("[chunking]\nmax_tokens = 65\n"), "no error");
}

TEST(conflicts, a_lower_limit_above_its_upper_one_is_refused) {
  EXPECT_EQ(error_of("[embedder]\nbackoff_min = \"2m\"\n"),
            "test.toml:2: `embedder.backoff_min` (2m) exceeds `embedder.backoff_max` (1m); lower "
            "the first or raise the second");
  EXPECT_THAT(error_of("[queue]\nretry_max = \"1s\"\n"),
              StartsWith("test.toml:2: `queue.retry_min`"));
  EXPECT_THAT(error_of("[extraction]\nmemory_small = \"16GiB\"\n"), HasSubstr("memory_large"));
  EXPECT_THAT(error_of("[checkpoints]\nmax_size = \"3GiB\"\n"), HasSubstr("max_total"));
  EXPECT_THAT(error_of("[embedder]\nmax_request_tokens = 500\n"), HasSubstr("chunking.max_tokens"));
}

TEST(conflicts, a_mailbox_smaller_than_the_documents_in_flight_is_refused) {
  EXPECT_THAT(error_of("[mailbox]\ncommitter = 99\n"),
              AllOf(StartsWith("test.toml:2: `mailbox.committer` (99)"),
                    HasSubstr("`documents.concurrency` (100)")));
  EXPECT_THAT(error_of("[documents]\nconcurrency = 1025\n"),
              StartsWith("test.toml:2: `mailbox.embedder` (1024)"));
  EXPECT_EQ(error_of("[mailbox]\ncommitter = 100\nembedder = 100\n"), "no error");
}

TEST(conflicts, two_nodes_of_one_name_are_refused) {
  EXPECT_EQ(error_of(std::string(two_nodes) + "name = \"a\"\nport = 4701\n"),
            "test.toml:5: two nodes are called `a`; every [[node]] needs a name of its own");
}

TEST(conflicts, two_apis_on_one_address_are_refused) {
  EXPECT_EQ(
      error_of(std::string(two_nodes) + "name = \"b\"\nport = 4701\napi = \"127.0.0.1:8080\"\n"),
      "test.toml:7: node `b` and `a`, the first of its host, both serve their API on "
      "127.0.0.1:8080; give one of them another address");
  EXPECT_EQ(error_of("[[node]]\nname = \"a\"\napi = \"127.0.0.1:1\"\n[[node]]\nname = \"b\"\napi = "
                     "\"127.0.0.1:1\"\n"),
            "test.toml:6: nodes `a` and `b` both serve their API on 127.0.0.1:1; give one of them "
            "another address");
}

TEST(conflicts, a_role_nowhere_is_refused) {
  const std::string rest =
      "\n[[node]]\nname = \"b\"\nport = 4701\nroles = [\"queue_puller\", "
      "\"image\", \"embedder\", \"status_aggregator\"]\n";
  const std::string a = "[[node]]\nname = \"a\"\nport = 4700\nroles = [\"document\"";
  EXPECT_EQ(error_of(a + "]" + rest),
            "test.toml:4: no node has the role `ledger`, which the cluster needs; add it to one, "
            "or \"all\"");
  EXPECT_EQ(error_of(a + ", \"ledger\"]" + rest), "no error");
  const std::string no_images =
      "[[node]]\nname = \"a\"\nroles = [\"queue_puller\", \"document\", "
      "\"embedder\", \"ledger\", \"status_aggregator\"]\n";
  EXPECT_THAT(error_of(no_images), HasSubstr("no node has the role `image`"));
  EXPECT_EQ(error_of("[images]\nocr = \"off\"\n" + no_images), "no error");
}

TEST(conflicts, a_node_with_some_roles_needs_a_link_to_the_others) {
  EXPECT_EQ(error_of("[[node]]\nname = \"a\"\n[[node]]\nname = \"b\"\nroles = [\"document\"]\n"),
            "test.toml:5: node `b` has not the role `queue_puller` and no link to a node that has; "
            "give it a `port`, or the role");
}

TEST(conflicts, each_document_has_a_place_for_its_images) {
  EXPECT_THAT(error_of("[mailbox]\nimage_desk = 799\n"),
              StartsWith("test.toml:2: `mailbox.image_desk` (799) must be at least 8 times"));
  EXPECT_EQ(error_of("[mailbox]\nimage_desk = 800\n"), "no error");
}

TEST(conflicts, a_node_with_links_and_api_on_one_port_is_refused) {
  EXPECT_EQ(error_of("[[node]]\nname = \"a\"\nport = 4700\napi = \"127.0.0.1:4700\"\n"),
            "test.toml:3: node `a` uses 127.0.0.1:4700 for its links and for its API; give one of "
            "them another port");
}

TEST(conflicts, links_of_a_node_and_the_api_of_another_on_one_port_are_refused) {
  EXPECT_EQ(
      error_of(std::string(two_nodes) + "name = \"b\"\nport = 4701\napi = \"localhost:4700\"\n"),
      "test.toml:3: node `a` uses 127.0.0.1:4700 for its links and node `b` for its API; "
      "give one of them another port");
  EXPECT_EQ(error_of(std::string(two_nodes) + "name = \"b\"\nport = 8080\n"),
            "test.toml:6: node `b` uses 127.0.0.1:8080 for its links and node `a` for its API; "
            "give one of them another port");
  EXPECT_EQ(
      error_of(std::string(two_nodes) + "name = \"b\"\nport = 4701\napi = \"127.0.0.1:4702\"\n"),
      "no error");
}

TEST(conflicts, two_nodes_on_one_port_of_a_host_are_refused) {
  EXPECT_EQ(error_of(std::string(two_nodes) + "name = \"b\"\nport = 4700\nhost = \"localhost\"\n"),
            "test.toml:6: nodes `a` and `b` both use port 4700 of localhost; give one of them "
            "another port");
  EXPECT_EQ(error_of(std::string(two_nodes) + "name = \"b\"\nport = 4700\n"),
            "test.toml:6: nodes `a` and `b` both use port 4700 of 127.0.0.1; give one of them "
            "another port");
  EXPECT_EQ(error_of(std::string(two_nodes) + "name = \"b\"\nport = 4700\nhost = \"127.0.0.2\"\n"),
            "no error");
}

TEST(conflicts, nodes_without_a_port_share_a_host) {
  EXPECT_EQ(error_of("[[node]]\nname = \"a\"\n[[node]]\nname = \"b\"\n"), "no error");
}

TEST(conflicts, a_link_beyond_loopback_needs_tls) {
  const std::string remote =
      "[database]\nurl = \"postgresql://me@db/x\"\n[[node]]\nname = \"a\"\nhost = "
      "\"10.0.0.1\"\nport = 4700\n";
  EXPECT_THAT(error_of(remote), AllOf(StartsWith("test.toml:5: node `a` is on 10.0.0.1"),
                                      HasSubstr("cluster.tls.ca")));
  EXPECT_EQ(error_of("[cluster.tls]\ncertificate = \"c\"\nkey = \"k\"\nca = \"a\"\n" + remote),
            "no error");
}

TEST(conflicts, half_of_tls_is_refused) {
  EXPECT_EQ(error_of("[cluster.tls]\ncertificate = \"c\"\nkey = \"k\"\n"),
            "test.toml:2: `cluster.tls.ca` is missing: mutual TLS needs certificate, key and ca "
            "together");
}

TEST(conflicts, another_machine_cannot_use_an_embedded_database) {
  EXPECT_THAT(error_of("[[node]]\nname = \"a\"\nhost = \"10.0.0.1\"\n"),
              AllOf(StartsWith("test.toml:3: "), HasSubstr("postgresql:// URL")));
}

TEST(conflicts, one_content_type_has_one_extractor) {
  const std::string entry = "[[extractor]]\nmime = \"text/x-log\"\ncommand = [\"p\"]\n";
  EXPECT_EQ(error_of(entry), "no error");
  EXPECT_THAT(error_of(entry + entry), StartsWith("test.toml:5: two [[extractor]] entries"));
}

}  // namespace
}  // namespace millrace
