// The image desk of a node: hands the images of its documents to idle image actors, and, while all
// of them are at work or where the node has none, to the desks of other nodes.
//
//   documents of this node → desk → image actors of this node
//                              ↓ within their grants
//                            desks of other nodes → (fetch the document's file) → their image
//                            actors
//
// Between desks work is pulled: one grants what it could begin at once, the other sends no more and
// gives back what it does not need. An image actor that is busy with this node's images grants
// nothing. Of an image only its place in the document travels; its bytes are read there, out of the
// document's file, which comes in pieces (file_fetcher.hpp).
//
// Scheduled; never blocks. Bounded by the mailbox limit (images of this node that wait) and by its
// image actors (images of others). What a lost or silent desk had is done elsewhere.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "actors/grant_desk.hpp"
#include "config/settings.hpp"

namespace millrace {

struct image_desk_config {
  std::string node;     ///< This one: its files need no fetching.
  std::size_t workers;  ///< Image actors of this node when all are alive; 0: it has not the role.
  images_settings settings;
  /// In which another node must have read an image.
  duration answer_limit = std::chrono::minutes{20};
};

class image_desk_actor_impl : public bounded_actor<image_desk_actor> {
 public:
  /// Images that are asked room for at another desk at a time.
  static constexpr std::uint64_t largest_ask = 8;
  /// An image that cannot be read where it was sent is sent elsewhere, so often in all.
  static constexpr int max_tries = 4;
  /// Where no node reads images for so long, documents that have some go back to the queue.
  static constexpr auto away_limit = std::chrono::seconds{30};
  static constexpr auto tick_interval = std::chrono::seconds{5};  ///< What limits are looked at in.
  /// Fetched files of other nodes' documents that are kept for their next image, and how long.
  static constexpr std::size_t max_files = 16;
  static constexpr auto file_lifetime = std::chrono::seconds{15};

  image_desk_actor_impl(caf::actor_config& config, actor_place place, image_desk_config s);
  behavior_type make_behavior() override;
  /// Who waits is told; handles of other actors go with it.
  void on_exit() override;

 private:
  struct job {
    describe_image order;
    caf::typed_response_promise<image_described> promise;
    bool distant = false;  ///< Another node's, within its grant.
    int tries = 0;
    std::uint64_t since = 0;  ///< Tick.
  };
  /// Another node's desk: what it granted, and what it has.
  struct other_desk {
    image_desk_actor handle;
    demand sent;
    demand granted;
    bool asked = false;
    std::uint64_t life = 0;  ///< Grows when the totals begin anew: answers of before are none.
    std::map<std::uint64_t, job> at_work;
  };
  /// The file of another node's document.
  struct document_file {
    std::shared_ptr<scratch_file> file;  ///< Null while it is being fetched.
    file_version version;
    std::vector<job> waiting;
    std::uint64_t used = 0;  ///< Tick.
  };

  caf::result<image_described> on_describe(describe_image& order);
  caf::result<image_described> on_distant(describe_distant_image& order);
  void on_roles(const use_image_roles& roles);
  void on_tick();
  void count_idle();
  void on_down(const caf::down_msg& down);

  void pump();
  void hand_out(std::deque<job>& jobs);
  void give_to_worker(job work);
  void finish(job& work, result<image_described> outcome, bool may_retry = false);
  void worker_is_free(const image_actor& worker, bool died);

  void overflow();
  void ask_for_room(other_desk& desk);
  void send_to(other_desk& desk, job work);
  void on_distant_answer(const image_desk_actor& from, std::uint64_t number,
                         result<image_described> outcome);
  void give_room_back(other_desk& desk);
  void lose(other_desk& desk);
  other_desk* find(const image_desk_actor& handle);

  void fetch(job work);
  void on_fetched(const std::string& key, result<file_fetched> outcome);
  void forget_files();

  image_desk_config config_;
  grant_desk grants_;  ///< To other desks; holds what this node's documents have at work here, too.
  std::deque<job> mine_;     ///< Of this node's documents, waiting.
  std::deque<job> distant_;  ///< Of others, their files here.
  std::vector<image_actor> workers_;
  std::set<std::uint64_t>
      dead_;  ///< Image actors that ended since the supervisor said who is there.
  std::deque<image_actor> idle_;
  std::map<std::uint64_t, job> at_work_;  ///< By image actor.
  std::vector<other_desk> others_;
  std::map<std::string, document_file> files_;  ///< By the document's URI and version.
  file_fetcher_actor fetcher_;
  std::uint64_t last_number_ = 0;
  std::uint64_t ticks_ = 0;
  std::size_t next_other_ = 0;
};

}  // namespace millrace
