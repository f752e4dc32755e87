// A member of a consumer group: reads its share of a topic, commits how far it came, and writes
// down what it was given, did and was told.
//
//   penstock-history-member BOOTSTRAP TOPIC GROUP NAME INSTANCE OUTPUT
//
// INSTANCE is a static member's name, or "-". SIGTERM: it leaves in order. SIGUSR1: it processes
// one record for longer than the group waits for a poll(). Whoever starts it kills and stops it,
// too. Lines of OUTPUT (history_output.h); ids count the questions of this process:
//   assigned  at: [[p, offset], ...]            is its own from here on, and is read from there
//   took      p, r: [[first, last], ...], next  processed these records, without gaps in a pair
//   commit    id, at: [[p, offset], ...]        asked before the outcome, which is one of:
//   ok        id
//   refused   id, e                             certainly not committed
//   unknown   id, e                             may have been committed
//   ask       id                                for the group's positions; answered with one of:
//   told      id, at: [[p, offset], ...]
//   untold    id, e
//   revoked   p: [...]                          lets go of them, in order
//   lost      p: [...]                          they went to others: it was taken for dead
//   error     e                                 ended this membership; another one begins
#include <csignal>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "client/group_consumer.h"
#include "tests/nemesis/client_arguments.h"
#include "tests/nemesis/history_output.h"

namespace {

using namespace penstock;
using namespace penstock::client;
using penstock::nemesis::HistoryOutput;

volatile std::sig_atomic_t stop_requested = 0;
volatile std::sig_atomic_t dawdle_requested = 0;

// Faults last seconds: sessions end in some of them, and last through others.
constexpr milliseconds kSessionTimeout{2'500};
constexpr milliseconds kMaxPollInterval{6'000};
constexpr milliseconds kDawdling{7'500};
constexpr milliseconds kPollWait{100};
// Questions are asked after a pause drawn up to these.
constexpr int kLongestCommitPauseMs = 500;
constexpr int kLongestReadPauseMs = 2'000;

struct Plan {
  std::string topic;
  std::string group;
  std::string name;
  std::string instance;  // empty: none
};

using Positions = std::map<std::int32_t, Offset>;

std::string to_json(const Positions& positions) {
  std::string text;
  for (const auto& [partition, offset] : positions) {
    if (!text.empty()) text += ',';
    text += "[" + std::to_string(partition) + "," + std::to_string(offset.value()) + "]";
  }
  return "[" + text + "]";
}

std::string to_json(const std::vector<GroupPartition>& partitions) {
  std::string text;
  for (const GroupPartition& one : partitions) {
    if (!text.empty()) text += ',';
    text += std::to_string(one.partition.value());
  }
  return "[" + text + "]";
}

// Offsets as they come, in runs without gaps.
class Runs {
 public:
  void add(Offset offset) {
    if (!last_ || offset != *last_ + 1) {
      close();
      first_ = offset;
    }
    last_ = offset;
  }
  std::string to_json() {
    close();
    return "[" + text_ + "]";
  }

 private:
  void close() {
    if (!last_) return;
    if (!text_.empty()) text_ += ',';
    text_ += "[" + std::to_string(first_.value()) + "," + std::to_string(last_->value()) + "]";
    last_.reset();
  }

  Offset first_;
  std::optional<Offset> last_;
  std::string text_;
};

class Member {
 public:
  Member(const Plan& plan, HistoryOutput& out)
      : plan_(plan), out_(out), random_(std::hash<std::string>()(plan.name)) {}

  // One membership; returns what ended it.
  Status live(Client& client) {
    held_.clear();
    PENSTOCK_TRY_ASSIGN(consumer_, GroupConsumer::open(client, config()));
    const Status lived = work();
    const Status left = consumer_->close();
    consumer_.reset();
    PENSTOCK_TRY(lived);
    return left;
  }

 private:
  struct Held {
    Offset next;       // behind what was processed
    Offset committed;  // for certain
  };

  GroupConfig config() {
    return {.group = plan_.group,
            .topics = {plan_.topic},
            .instance = plan_.instance,
            .session_timeout = kSessionTimeout,
            .max_poll_interval = kMaxPollInterval,
            .consumer = {.max_wait = kPollWait},
            .callbacks = {.assigned = [this](const auto& partitions) { take_over(partitions); },
                          .revoked = [this](const auto& partitions) { hand_over(partitions); },
                          .lost = [this](const auto& partitions) { forget("lost", partitions); }}};
  }

  Status work() {
    double commit_at = 0;
    double read_at = 0;
    while (stop_requested == 0) {
      PENSTOCK_TRY_ASSIGN(auto chunks, consumer_->poll(kPollWait));
      for (Chunk& chunk : chunks) PENSTOCK_TRY(process(chunk));
      if (dawdle_requested != 0) {
        dawdle_requested = 0;
        out_.flush();
        std::this_thread::sleep_for(kDawdling);
      }
      const double now = HistoryOutput::now_s();
      if (now >= commit_at) {
        commit_all();
        commit_at = HistoryOutput::now_s() + pause_s(kLongestCommitPauseMs);
      }
      if (now >= read_at) {
        read_positions();
        read_at = HistoryOutput::now_s() + pause_s(kLongestReadPauseMs);
      }
      out_.flush();
    }
    return {};
  }

  Status process(Chunk& chunk) {
    Runs runs;
    while (true) {
      PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
      if (!record) break;
      runs.add(record->offset);
    }
    const std::int32_t partition = chunk.partition().value();
    held_[partition].next = chunk.next_offset();
    out_.line("took", R"("p":%d,"r":%s,"next":%lld)", partition, runs.to_json().c_str(),
              static_cast<long long>(chunk.next_offset().value()));
    // What is committed from here on has been processed, whatever becomes of this process.
    out_.flush();
    return {};
  }

  // --- what the group gives and takes

  void take_over(const std::vector<GroupPartition>& partitions) {
    Positions starts;
    for (const GroupPartition& one : partitions) {
      const auto start = consumer_->position(one.topic, one.partition);
      if (!start) continue;  // went to others meanwhile
      held_[one.partition.value()] = {*start, *start};
      starts[one.partition.value()] = *start;
    }
    out_.line("assigned", R"("at":%s)", to_json(starts).c_str());
    out_.flush();
  }

  void hand_over(const std::vector<GroupPartition>& partitions) {
    std::vector<GroupCommit> last;
    for (const GroupPartition& one : partitions) {
      const auto held = held_.find(one.partition.value());
      if (held == held_.end() || held->second.next == held->second.committed) continue;
      last.push_back({.partition = one, .offset = held->second.next});
    }
    Positions positions;
    for (const GroupCommit& one : last) positions[one.partition.partition.value()] = one.offset;
    commit(positions, [&] { return consumer_->commit(last); });
    forget("revoked", partitions);
  }

  void forget(const char* how, const std::vector<GroupPartition>& partitions) {
    for (const GroupPartition& one : partitions) held_.erase(one.partition.value());
    out_.line(how, R"("p":%s)", to_json(partitions).c_str());
    out_.flush();
  }

  // --- positions

  void commit_all() {
    Positions positions;
    for (const auto& [partition, held] : held_) {
      if (held.next != held.committed) positions[partition] = held.next;
    }
    commit(positions, [this] { return consumer_->commit(); });
  }

  template <typename Ask>
  void commit(const Positions& positions, Ask ask) {
    if (positions.empty()) return;
    const unsigned long long id = questions_++;
    out_.line("commit", R"("id":%llu,"at":%s)", id, to_json(positions).c_str());
    out_.flush();
    const Status done = ask();
    if (done) {
      for (const auto& [partition, offset] : positions) held_[partition].committed = offset;
      out_.line("ok", R"("id":%llu)", id);
    } else {
      out_.line(done.error().outcome() == Outcome::kNotDone ? "refused" : "unknown",
                R"("id":%llu,"e":"%s")", id, nemesis::quotable(done.error().to_string()).c_str());
    }
  }

  void read_positions() {
    const unsigned long long id = questions_++;
    out_.line("ask", R"("id":%llu)", id);
    const auto found = consumer_->committed();
    if (!found) {
      out_.line("untold", R"("id":%llu,"e":"%s")", id,
                nemesis::quotable(found.error().to_string()).c_str());
      return;
    }
    Positions positions;
    for (const GroupCommit& one : *found) positions[one.partition.partition.value()] = one.offset;
    out_.line("told", R"("id":%llu,"at":%s)", id, to_json(positions).c_str());
  }

  double pause_s(int longest_ms) {
    return std::uniform_int_distribution<int>(0, longest_ms)(random_) / 1000.0;
  }

  const Plan& plan_;
  HistoryOutput& out_;
  std::minstd_rand random_;
  std::unique_ptr<GroupConsumer> consumer_;
  std::map<std::int32_t, Held> held_;  // by partition
  unsigned long long questions_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s BOOTSTRAP TOPIC GROUP NAME INSTANCE OUTPUT\n", argv[0]);
    return 2;
  }
  const auto bootstrap = nemesis::endpoints_of(argv[1]);
  if (!bootstrap) return std::fprintf(stderr, "%s: not HOST:PORT,...\n", argv[1]), 2;
  const std::string instance = argv[5];
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  std::signal(SIGUSR1, [](int) { dawdle_requested = 1; });
  HistoryOutput out(argv[6]);
  const Plan plan{.topic = argv[2],
                  .group = argv[3],
                  .name = argv[4],
                  .instance = instance == "-" ? "" : instance};
  Member member(plan, out);
  nemesis::live_on(
      *bootstrap, plan.name, out, [] { return stop_requested != 0; },
      [&](Client& client) { return member.live(client); });
  return 0;
}
