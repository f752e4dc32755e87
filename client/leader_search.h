// LeaderSearch: when brokers are asked again who leads the partitions of a topic.
//
// One question for a topic at a time; pauses grow while answers bring nothing new, and begin anew
// for the next trouble. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "client/instant.h"
#include "client/limits.h"

namespace penstock::client {

class LeaderSearch {
 public:
  // False while a question for the topic, or the pause behind it, is under way.
  bool begin(const std::string& topic) { return under_way_.insert(topic).second; }
  // How many answers in a row have brought nothing new, this one included.
  std::uint32_t answered(const std::string& topic, bool with_news, Instant now) {
    Past& past = past_[topic];
    const bool is_same_trouble = now - past.answered_at < 4 * kMaxLeaderSearchPause;
    past.fruitless = with_news || !is_same_trouble ? 0 : past.fruitless + 1;
    past.answered_at = now;
    return past.fruitless;
  }
  void end(const std::string& topic) { under_way_.erase(topic); }
  void forget(const std::string& topic) { past_.erase(topic); }

 private:
  struct Past {
    std::uint32_t fruitless = 0;
    Instant answered_at = Instant();
  };
  std::set<std::string> under_way_;
  std::map<std::string, Past> past_;
};

}  // namespace penstock::client
