// What a coordinator does without being asked: the dead are removed, topics are followed.
#include "base/log.h"
#include "broker/group/limits.h"
#include "broker/server/group_coordinator.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("groups");
  return instance;
}

}  // namespace

bool GroupCoordinator::tick() {
  if (stopped_ || !leads_in_) {
    idle_ = true;
    return false;
  }
  remove_the_dead();
  if (topics_are_new_) follow_topics();
  idle_ = !topics_are_new_ && !sessions_.next_deadline_ms();
  return !idle_;
}

void GroupCoordinator::remove_the_dead() {
  std::set<std::string> groups;
  for (const auto& one : sessions_.expired(now_ms())) {
    if (!expiring_.contains(one.group)) groups.insert(one.group);
  }
  for (const std::string& name : groups) {
    expiring_.insert(name);
    const auto removed = std::make_shared<std::vector<group::GroupSessions::Expiry>>();
    host_->submit(
        // Looked at once more: who was heard meanwhile lives.
        [this, name, removed]() -> Result<std::vector<StateRecord>> {
          group::ExpireMembers command{
              .group = name, .members = {}, .topics = topics_, .now = clock_.wall()};
          for (auto& one : sessions_.expired(now_ms())) {
            if (one.group != name) continue;
            command.members.push_back(one.member);
            removed->push_back(std::move(one));
          }
          PENSTOCK_TRY_ASSIGN(const auto decision, machine_.state().handle(command));
          std::vector<StateRecord> records;
          for (const auto& record : decision.records) records.push_back(to_state_record(record));
          return records;
        },
        [self = shared_from_this(), name, removed](const Status& done) {
          self->expiring_.erase(name);
          if (!done) return;  // tried again, here or by another coordinator
          for (const auto& one : *removed) {
            log().info("member is declared dead group={} member={} cause={}", name,
                       one.member.to_string(), to_string(one.cause));
          }
          self->changed(name);
        });
  }
  if (!groups.empty()) drive();
}

void GroupCoordinator::set_image(ImagePtr image) {
  const bool same_topics = &image->topics() == &image_->topics();
  for (const auto& [name, topic] : image_->topics()) {
    if (!same_topics && !image->find(topic->id)) gone_topics_.insert(topic->id);
  }
  image_ = std::move(image);
  topics_ = std::make_shared<const ImageTopics>(image_);
  if (same_topics || stopped_) return;
  topics_are_new_ = true;
  if (leads_in_) wake();
}

group::TopicsChanged GroupCoordinator::topics_changed(const std::string& name) {
  group::TopicsChanged command{
      .group = name, .topics = topics_, .deleted = {}, .matches = {}, .now = clock_.wall()};
  const group::Group* const group = machine_.state().find(name);
  if (group == nullptr) return command;
  for (const auto& [member, facts] : group->members) {
    const std::string& pattern = facts.profile.subscription.pattern;
    if (pattern.empty() || command.matches.contains(pattern)) continue;
    // More than a member may have: it keeps what it has.
    auto matches = patterns_.of(pattern, image_);
    if (matches && matches->size() <= group::kMaxTopicsPerSubscription) {
      command.matches.emplace(pattern, *std::move(matches));
    }
  }
  std::set<Uuid> read;
  for (const auto& [partition, position] : group->positions) read.insert(partition.topic);
  for (const Uuid& topic : read) {
    const bool is_deleted = gone_topics_.contains(topic) || image_->deleted().contains(topic);
    if (is_deleted && !image_->find(topic)) command.deleted.push_back(topic);
  }
  return command;
}

void GroupCoordinator::follow_topics() {
  topics_are_new_ = false;
  std::vector<std::string> due;
  for (const auto& [name, group] : machine_.state().groups()) {
    if (!group.facts || moving_.contains(name)) continue;
    const auto decision = machine_.state().handle(topics_changed(name));
    if (!decision) {
      // The view is older than one that was used before: there will be a newer one.
      topics_are_new_ = true;
    } else if (!decision->records.empty()) {
      due.push_back(name);
    }
  }
  moving_.insert(due.begin(), due.end());
  for (const std::string& name : due) take_in_topics(name);
  if (!due.empty()) drive();
}

void GroupCoordinator::take_in_topics(const std::string& name) {
  const auto more = std::make_shared<bool>(false);
  host_->submit(
      [this, name, more]() -> Result<std::vector<StateRecord>> {
        PENSTOCK_TRY_ASSIGN(const auto decision, machine_.state().handle(topics_changed(name)));
        *more = decision.answer == group::Progress::kMore;
        std::vector<StateRecord> records;
        for (const auto& record : decision.records) records.push_back(to_state_record(record));
        return records;
      },
      [self = shared_from_this(), name, more](const Status& done) {
        self->moving_.erase(name);
        if (!done || *more) self->topics_are_new_ = true;
        if (done) self->changed(name);
        if (self->topics_are_new_) self->wake();
      });
}

}  // namespace penstock::broker
