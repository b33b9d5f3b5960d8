// Every message type of the ID block keeps all its fields through CAF's serializer, and none holds
// a float: an infinite one hangs the serializer, NaN becomes 1.0.
#include <type_traits>

#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

/// An inspector that gives each field a value of its own and counts them.
class filler {
 public:
  using result_type = caf::error;
  static constexpr bool reads_state = false;
  static constexpr bool writes_state = true;

  template <class... Fields>
  caf::error operator()(Fields&&... fields) {
    last_fields = 0;
    std::size_t counted = 0;
    (visit(fields, counted), ...);
    last_fields = counted;
    return caf::none;
  }
  std::size_t last_fields = 0;  ///< Of the type that was visited last, the outermost.

 private:
  template <class T>
  void visit(T& field, std::size_t& counted) {
    if constexpr (!caf::meta::is_annotation<T>::value) {
      ++counted;
      fill(field);
    }
  }
  template <class T>
  void fill(std::vector<T>& values) {
    values.resize(3);
    for (auto& v : values) fill(v);
  }
  void fill(embedding_store& values) {
    for (int i = 0; i < 3; ++i) {
      std::string text;
      fill(text);
      values.push_back(text);
    }
  }
  void fill(std::string& text) {
    text = "text " + std::to_string(++next_) + std::string{"\0\xff", 2};
  }
  /// Handles of actors: what they become elsewhere is tests/cluster's.
  void fill(caf::strong_actor_ptr&) {}
  template <class... Messages>
  void fill(caf::typed_actor<Messages...>&) {}
  template <class T>
  void fill(T& value) {
    static_assert(!std::is_floating_point_v<T>, "no message carries a float");
    if constexpr (std::is_same_v<T, bool>)
      value = true;
    else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>)
      value = static_cast<T>(++next_ % 40 + 1);
    else
      inspect(*this, value);
  }
  int next_ = 0;
};

/// Converts to whatever a field is: counts the fields of an aggregate.
struct anything {
  template <class T>
  operator T() const;  // NOLINT
};

template <class T, class... Given>
consteval std::size_t fields_of() {
  if constexpr (requires { T{Given{}..., anything{}}; })
    return fields_of<T, Given..., anything>();
  else
    return sizeof...(Given);
}

template <class T>
std::vector<char> bytes_of(caf::actor_system& system, T& value) {
  std::vector<char> bytes;
  caf::binary_serializer sink{system, bytes};
  EXPECT_FALSE(sink(value));
  return bytes;
}

template <class T>
void expect_round_trip(caf::actor_system& system) {
  SCOPED_TRACE(caf::type_name_by_id<caf::type_id<T>::value>::value);
  T sent{};
  filler fill;
  fill(sent);
  if constexpr (std::is_aggregate_v<T> && !std::is_empty_v<T>) {
    filler count;
    inspect(count, sent);
    EXPECT_EQ(count.last_fields, fields_of<T>()) << "a field does not travel";
  }
  auto bytes = bytes_of(system, sent);
  T received{};
  caf::binary_deserializer source{system, bytes};
  EXPECT_FALSE(source(received));
  EXPECT_EQ(bytes_of(system, received), bytes);
  if constexpr (!std::is_empty_v<T>) {
    T untouched{};
    EXPECT_NE(bytes, bytes_of(system, untouched));  // values arrived, not defaults
  }
  if constexpr (std::is_same_v<T, ec>) return;  // becomes a caf::error in a message, see below
  // As a message, the way it travels between nodes.
  auto message = caf::make_message(sent);
  std::vector<char> wire;
  caf::binary_serializer sink{system, wire};
  EXPECT_FALSE(sink(message));
  caf::message other;
  caf::binary_deserializer back{system, wire};
  EXPECT_FALSE(back(other));
  ASSERT_TRUE(other.template match_elements<T>());
  auto arrived = other.template get_as<T>(0);
  EXPECT_EQ(bytes_of(system, arrived), bytes);
}

template <caf::type_id_t Id>
void expect_round_trip_of(caf::actor_system& system, int& travelled) {
  using type = typename caf::type_by_id<Id>::type;
  // Results of runtime threads and handles never leave the process.
  if constexpr (!caf::is_atom_constant<type>::value &&
                !caf::allowed_unsafe_message_type<type>::value) {
    expect_round_trip<type>(system);
    ++travelled;
  }
}

TEST(messages, every_type_of_the_block_survives_a_round_trip_with_all_its_fields) {
  virtual_engine engine;
  using block = caf::id_block::millrace;
  int travelled = 0;
  [&]<caf::type_id_t... I>(std::integer_sequence<caf::type_id_t, I...>) {
    (expect_round_trip_of<static_cast<caf::type_id_t>(block::begin + I)>(engine.system, travelled),
     ...);
  }
  (std::make_integer_sequence<caf::type_id_t, block::end - block::begin>{});
  EXPECT_EQ(travelled, 62);
}

TEST(messages, embeddings_arrive_bit_by_bit_whatever_they_hold) {
  virtual_engine engine;
  chunks_embedded sent;
  for (int i = 0; i < 256; ++i) sent.embeddings.emplace_back(8, static_cast<char>(i));
  auto bytes = bytes_of(engine.system, sent);
  chunks_embedded received;
  caf::binary_deserializer source{engine.system, bytes};
  EXPECT_FALSE(source(received));
  EXPECT_EQ(received.embeddings, sent.embeddings);
}

TEST(messages, an_error_travels_with_its_code_and_its_sentence) {
  virtual_engine engine;
  for (const auto code : {ec::mailbox_full, ec::insufficient_credits, ec::http_unreachable}) {
    auto sent = to_caf({code, "what to do"});
    auto bytes = bytes_of(engine.system, sent);
    caf::error received;
    caf::binary_deserializer source{engine.system, bytes};
    EXPECT_FALSE(source(received));
    EXPECT_EQ(from_caf(received).code, code);
    EXPECT_EQ(from_caf(received).message, "what to do");
    EXPECT_NE(engine.system.render(received).find("what to do"), std::string::npos);
  }
  EXPECT_EQ(from_caf(caf::make_error(caf::sec::request_receiver_down)).code, ec::actor_lost);
  EXPECT_EQ(from_caf(caf::make_error(caf::exit_reason::kill)).code, ec::actor_lost);
  caf::error of_nobody;  // a handle that is empty
  (*engine.self)
      ->request(embedder_actor{}, caf::infinite, ask_grant{})
      .receive([](const granted&) {}, [&](const caf::error& e) { of_nobody = e; });
  EXPECT_EQ(from_caf(of_nobody).code, ec::actor_lost);
  EXPECT_EQ(from_caf(caf::make_error(caf::sec::request_timeout)).code, ec::timeout);
  EXPECT_EQ(from_caf(caf::make_error(caf::sec::unexpected_message)).code, ec::internal);
}

}  // namespace
}  // namespace millrace
