// What an operator was told to be done is done, and what nobody asked for is not: topics that were
// created are there until somebody asks for their deletion, deleted ones do not come back,
// partitions do not become fewer, and the replication factor is one that was asked for last.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class KeptCommands final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "kept-commands"; }

  void told(const ToldCommand& told) override {
    Topic& topic = topics_[told.topic];
    using enum ToldCommand::What;
    switch (told.what) {
      case kCreate:
        topic.created = told.certain;
        topic.partitions = topic.most_partitions = told.value;
        return;
      case kDelete:
        (told.certain ? topic.deleted : topic.may_be_deleted) = true;
        return;
      case kPartitions:
        if (told.certain) topic.partitions = std::max(topic.partitions, told.value);
        topic.most_partitions = std::max(topic.most_partitions, told.value);
        return;
      case kFactor:
        if (told.certain) topic.factors.clear();
        topic.factors.insert(told.value);
        return;
    }
  }

  void settled(const broker::ClusterImage& image) override {
    for (const auto& [id, topic] : topics_) check(id, topic, image.find(id).get());
    for (const auto& [name, topic] : image.topics()) {
      if (!topics_.contains(topic->id)) violated("nobody created topic " + name);
    }
  }

 private:
  struct Topic {
    bool created = false;
    bool may_be_deleted = false;
    bool deleted = false;
    std::uint32_t partitions = 0;
    std::uint32_t most_partitions = 0;
    std::set<std::uint32_t> factors;  // the last certain one, and later ones
  };

  void check(const Uuid& id, const Topic& told, const broker::TopicImage* topic) {
    const std::string who = "topic " + id.to_string().substr(0, 8);
    if (topic == nullptr) {
      if (told.created && !told.deleted && !told.may_be_deleted) violated(who + " is not there");
      return;
    }
    if (told.deleted) violated(who + " was deleted and is there");
    if (topic->partitions < told.partitions || topic->partitions > told.most_partitions) {
      violated(who + " has " + std::to_string(topic->partitions) + " partitions, told were " +
               std::to_string(told.partitions));
    }
    if (!told.factors.contains(topic->replication_factor)) {
      violated(who + " has replication factor " + std::to_string(topic->replication_factor) +
               ", which was not asked for last");
    }
  }

  std::map<Uuid, Topic> topics_;
};

}  // namespace penstock::sim
