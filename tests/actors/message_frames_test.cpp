// What a link lets through of BASP, byte by byte as it may arrive, and whose it is.
#include "actors/message_frames.hpp"

#include <caf/binary_serializer.hpp>
#include <caf/io/basp/message_type.hpp>
#include <gtest/gtest.h>

#include "actors/link_transport.hpp"
#include "actors/system_config.hpp"

namespace millrace {
namespace {

using caf::io::basp::message_type;

std::string header(message_type kind, std::uint32_t length) {
  std::string bytes(32, '\0');
  bytes[0] = static_cast<char>(kind);
  for (int i = 0; i < 4; ++i) bytes[4 + i] = static_cast<char>(length >> (8 * (3 - i)));
  return bytes;
}

class message_frames_test : public ::testing::Test {
 protected:
  system_config config;
  caf::actor_system system{config};
  message_frames frames;
  /// A system without links has none.
  const caf::node_id id = *caf::make_node_id(7, std::string(40, 'a'));

  std::string handshake(message_type kind = message_type::client_handshake) {
    std::vector<char> bytes;
    caf::binary_serializer sink{system, bytes};
    auto copy = id;
    EXPECT_FALSE(sink(copy));
    return header(kind, static_cast<std::uint32_t>(bytes.size())) +
           std::string{bytes.begin(), bytes.end()};
  }
  bool follow(const std::string& bytes) { return frames.follow(bytes.data(), bytes.size()); }
};

TEST_F(message_frames_test, tell_who_sends_however_the_bytes_are_cut) {
  const auto all = handshake() + header(message_type::direct_message, 3) + "abc" +
                   header(message_type::heartbeat, 0);
  for (std::size_t piece = 1; piece < all.size(); ++piece) {
    message_frames each;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      const auto size = std::min(piece, all.size() - at);
      ASSERT_TRUE(each.follow(all.data() + at, size)) << piece;
    }
    EXPECT_EQ(each.sender(), id) << piece;
  }
  EXPECT_FALSE(frames.sender()) << "nothing came yet";
  EXPECT_TRUE(follow(handshake(message_type::server_handshake)));
  EXPECT_EQ(frames.sender(), id);
}

TEST_F(message_frames_test, have_a_limit_before_and_after_the_handshake) {
  EXPECT_FALSE(follow(header(message_type::client_handshake, message_frames::max_handshake + 1)));
  message_frames late;
  const auto first = handshake();
  const auto within = header(message_type::direct_message, message_frames::max_payload);
  const auto beyond = header(message_type::direct_message, message_frames::max_payload + 1);
  EXPECT_TRUE(late.follow(first.data(), first.size()));
  message_frames copy = late;
  EXPECT_TRUE(copy.follow(within.data(), within.size()));
  EXPECT_FALSE(late.follow(beyond.data(), beyond.size()));
}

TEST_F(message_frames_test, begin_with_a_handshake_that_is_repeated_under_no_other_id) {
  EXPECT_FALSE(follow(header(message_type::direct_message, 3)));
  frames = {};
  EXPECT_FALSE(follow(header(message_type::client_handshake, 0)));
  frames = {};
  EXPECT_TRUE(follow(handshake()));
  EXPECT_TRUE(follow(handshake()));
  auto other = handshake();
  other.back() ^= 1;
  EXPECT_FALSE(follow(other)) << "it would be another node";
}

TEST_F(message_frames_test, are_of_the_node_itself) {
  EXPECT_TRUE(follow(handshake()));
  EXPECT_FALSE(follow(header(message_type::routed_message, 100)));
}

TEST_F(message_frames_test, that_are_no_node_id_end_the_link) {
  for (const auto* payload : {"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "abcdefgh"}) {
    const std::string text = payload;
    frames = {};
    EXPECT_FALSE(follow(
        header(message_type::client_handshake, static_cast<std::uint32_t>(text.size())) + text));
  }
}

TEST_F(message_frames_test, a_node_id_is_of_one_certificate_at_a_time) {
  certified_nodes nodes;
  EXPECT_FALSE(nodes.owns(id, "b"));
  EXPECT_TRUE(nodes.add(id, {"b", "b.example"}));
  EXPECT_TRUE(nodes.owns(id, "b"));
  EXPECT_TRUE(nodes.owns(id, "b.example"));
  EXPECT_FALSE(nodes.owns(id, "a"));
  EXPECT_FALSE(nodes.add(id, {"a"})) << "somebody else would speak as b";
  EXPECT_TRUE(nodes.add(id, {"b", "b.example"})) << "b dials again before its link is given up";
  nodes.remove(id);
  EXPECT_TRUE(nodes.owns(id, "b"));
  nodes.remove(id);
  EXPECT_FALSE(nodes.owns(id, "b"));
  EXPECT_TRUE(nodes.add(id, {"a"}));
}

}  // namespace
}  // namespace millrace
