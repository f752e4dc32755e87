// Membership: a scene with one topic of four partitions, for stories about members.
#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/broker/group/group_scene.h"

namespace penstock::group {

class Membership : public testing::Test {
 protected:
  Membership() { scene.topic(1, 4); }

  TestMember member(int id, std::vector<int> topics = {1}) {
    return {scene, id, scene.profile(std::move(topics))};
  }
  auto expire(const TestMember& one) {
    return scene.carry_out(
        ExpireMembers{GroupScene::kGroup, {one.id()}, scene.topics(), scene.now()});
  }
  auto topics_changed(std::vector<Uuid> deleted = {}) {
    return scene.carry_out(TopicsChanged{.group = GroupScene::kGroup,
                                         .topics = scene.topics(),
                                         .deleted = std::move(deleted),
                                         .matches = {},
                                         .now = scene.now()});
  }
  GroupScene scene;
};

}  // namespace penstock::group
