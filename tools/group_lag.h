// GroupLag: how far a consumer group is behind, partition by partition. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"

namespace penstock::tools {

struct LagRow {
  TopicPartition id;
  std::string topic;
  std::optional<Offset> position;   // none: never committed
  std::optional<Offset> log_start;  // with log_end: as far as a leader told
  std::optional<Offset> log_end;
  std::optional<std::uint64_t> records;  // not read yet
  std::optional<std::uint64_t> bytes;    // they take about that much of the log
  std::optional<double> seconds;         // age of the first of them; 0: there is none
  std::optional<std::uint64_t> removed;  // went from the log before the group read them
  std::string owner;                     // empty: nobody
  Timestamp committed_at;                // -1: never
  std::string note;                      // the application's own
};

// Every partition of `topics`, which are those that the group reads, and of which it has a position,
// by topic and number. Where it has none, everything is unread.
std::vector<LagRow> lag_of(const client::GroupDescription& group,
                           const std::vector<client::TopicDescription>& topics);

// When the first record that is not read was made, of the rows (by index) of which it is known.
void set_ages(std::vector<LagRow>& rows, const std::map<TopicPartition, Timestamp>& first_unread,
              Timestamp now);

// Names of all topics that the group reads or has positions of.
std::vector<std::string> topics_of(const client::GroupDescription& group);
client::LogEnds log_ends_of(const std::vector<client::TopicDescription>& topics);

// How a member is called in tables: its instance, or the beginning of its id.
std::string short_name(const client::GroupMemberDescription& member);

// "empty", "moving", "stable" ...
std::string state_of(const client::GroupDescription& group);

// One reason in words, e.g. "orders/3 is 1,200 records behind (member 8f3a...)".
std::string reason_text(const client::GroupReason& reason, const client::GroupDescription& group);

}  // namespace penstock::tools
