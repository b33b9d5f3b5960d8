// A document actor between an embedder and a committer, a provider and a writer that do what the
// test says.
#pragma once

#include "actors/document.hpp"
#include "actors/embedder.hpp"
#include "actors/image.hpp"
#include "actors/image_desk.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {

class document_test : public ::testing::Test {
 protected:
  struct extraction {
    extraction_request request;
    extraction_callback done;
  };

  virtual_engine engine;
  std::deque<extraction> extractions;
  std::shared_ptr<scripted_provider> provider = std::make_shared<scripted_provider>();
  scripted_writer writer;
  std::shared_ptr<puller_log> log = std::make_shared<puller_log>();
  document_config config;
  read_image image_read_seam;  ///< Empty: images are listed only.
  demand embedder_limit{1024, 16ULL << 20};
  use_roles roles;
  std::vector<image_actor> image_actors;
  document_actor document;

  embedder_actor new_embedder() {
    return engine.spawn<embedder_actor_impl>(
        "embedder",
        embedder_config{.provider = provider, .limit = embedder_limit, .batch_delay = duration{0}});
  }
  committer_actor new_committer() {
    return engine.spawn<committer_actor_impl>(
        "committer", committer_config{.write = writer.seam(), .counters = engine.counters});
  }
  document_actor new_document() {
    return engine.spawn<document_actor_impl>("document", config, 64);
  }

  void start() {
    config.extract = [this](extraction_request request, extraction_callback done) {
      extractions.push_back({std::move(request), std::move(done)});
    };
    config.options = "chunk=512/64";
    config.counters = engine.counters;
    roles.puller = spawn_puller_log(engine, log);
    roles.embedder = new_embedder();
    roles.committer = new_committer();
    for (int i = 0; i < 2; ++i)
      image_actors.push_back(
          engine.spawn<image_actor_impl>("image", image_config{{}, image_read_seam}));
    roles.images =
        engine.spawn<image_desk_actor_impl>("image_desk", image_desk_config{"node", 2, {}});
    caf::anon_send(roles.images, use_image_roles{image_actors, {}, {}});
    document = new_document();
    announce();
  }
  void announce() {
    caf::anon_send(document, roles);
    caf::anon_send(roles.committer, roles);
    caf::anon_send(roles.embedder, roles);
    engine.run();
  }

  bool deliver(lease work) {
    return engine.ask<lease_accepted>(document, deliver_lease{std::move(work)}).has_value();
  }
  void extracted(result<extracted_document> outcome) {
    auto next = std::move(extractions.front());
    extractions.pop_front();
    next.done(std::move(outcome));
    engine.run();
  }
  void embedded() {
    provider->answer();
    engine.run();
  }
  void write() {
    writer.write();
    engine.run();
  }
  actor_probe::load load() { return engine.probe("document")->current(); }
};

}  // namespace millrace
