#include "tests/sim/client.h"

#include <memory>
#include <string>
#include <utility>

#include "protocol/record/builder.h"
#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr std::int64_t kRequestTime = kMs;
constexpr std::int64_t kBetweenRequests = 100 * kMs;
// A client that hears nothing for that long stops waiting; the outcome is not known then.
constexpr std::int64_t kPatience = 3 * kSecond;
// One request in so many takes about that long on its way: it may come behind its repetition.
constexpr std::uint64_t kOneLateIn = 20;
constexpr std::int64_t kLateTime = 3 * kSecond;
// One failure in so many is the last one of its batch.
constexpr std::uint64_t kOneGivenUpIn = 8;

Bytes make_batch(const BatchName& name, std::int32_t records, Timestamp now) {
  record::BatchBuilder builder(
      {.producer_id = name.client, .producer_epoch = name.epoch, .base_sequence = name.sequence});
  const std::string value = std::to_string(name.client) + "-" + std::to_string(name.sequence) +
                            std::string(static_cast<std::size_t>(20 + name.sequence % 200), '.');
  for (std::int32_t i = 0; i < records; ++i) builder.append(now, std::nullopt, as_bytes(value));
  return *builder.build();
}

}  // namespace

SimClient::SimClient(Scene& scene, std::int64_t id, std::vector<std::unique_ptr<Node>>& nodes)
    : scene_(scene), id_(id), nodes_(nodes) {}

std::int64_t SimClient::last_acknowledged_ns(GroupNumber group) const {
  const auto found = last_ns_.find(group);
  return found == last_ns_.end() ? -1 : found->second;
}

void SimClient::start() { send_next(); }

void SimClient::send_next() {
  scene_.world.after(scene_.world.around(kBetweenRequests), [this] {
    if (stopped_) return;
    const std::vector<GroupNumber>& groups = scene_.groups.in_use();
    if (groups.empty()) return send_next();
    const GroupNumber group = groups[scene_.world.rng().below(groups.size())];
    Sequence& sequence = sequences_[group];
    if (!sequence.open) begin_batch(group, sequence);
    attempt(group);
  });
}

void SimClient::begin_batch(GroupNumber group, Sequence& sequence) {
  const BatchName name{id_, sequence.epoch, sequence.next};
  const auto records = static_cast<std::int32_t>(1 + scene_.world.rng().below(4));
  const std::int64_t now_ns = scene_.world.now_ns();
  sequence.open = Batch{.name = name,
                        .records = records,
                        .bytes = make_batch(name, records, NodeClock(scene_.world).wall()),
                        .begun_ns = now_ns};
  for (auto& invariant : scene_.invariants) invariant->requested(group, name);
}

void SimClient::attempt(GroupNumber group) {
  const bool is_late = !healed_ && scene_.world.rng().one_in(kOneLateIn);
  // Whichever comes first counts: the answer, or the end of patience.
  auto waiting = std::make_shared<bool>(true);
  const auto answer = [this, group, waiting](const Result<Offset>& outcome) {
    if (!std::exchange(*waiting, false)) return;
    scene_.world.after(scene_.world.around(kRequestTime),
                       [this, group, outcome] { told(group, outcome); });
  };
  scene_.world.after(kPatience, [answer] { answer(fail(Errc::kTimeout)); });
  scene_.world.after(
      scene_.world.around(is_late ? kLateTime : kRequestTime),
      [&node = *nodes_[leader_guess_[group]], group, bytes = sequences_[group].open->bytes,
       answer] { node.produce(group, bytes, answer); });
}

void SimClient::told(GroupNumber group, const Result<Offset>& outcome) {
  Sequence& sequence = sequences_[group];
  if (outcome) {
    const Batch batch = *std::exchange(sequence.open, std::nullopt);
    ++acknowledged_;
    last_ns_[group] = batch.begun_ns;
    sequence.next += batch.records;
    for (auto& invariant : scene_.invariants) invariant->acknowledged(group, batch.name, *outcome);
  } else {
    leader_guess_[group] = guess_after(leader_guess_[group]);
    not_acknowledged(group, outcome.error());
  }
  send_next();
}

void SimClient::not_acknowledged(GroupNumber group, const Error& error) {
  Sequence& sequence = sequences_[group];
  if (error.outcome() == Outcome::kMaybeDone) {
    probe(Probe::kAppendOutcomeUnknown);
    sequence.open->may_be_there = true;
  }
  switch (error.code()) {
    // One who was deposed and does not know it may lack what came before; nobody else does.
    case Errc::kOutOfOrderSequence:
    case Errc::kUnknownProducer:
      return;
    // One batch at a time, in one epoch after the other.
    case Errc::kProducerFenced:
    case Errc::kDuplicateSequence:
    case Errc::kInvalidBatch:
      return scene_.violations.add("honest-producer", "group " + std::to_string(group) +
                                                          ": client " + std::to_string(id_) +
                                                          " is told " + error.to_string());
    default:
      if (scene_.world.rng().one_in(kOneGivenUpIn)) give_up(group, sequence);
  }
}

void SimClient::give_up(GroupNumber group, Sequence& sequence) {
  probe(Probe::kProducerGaveUp);
  const Batch batch = *std::exchange(sequence.open, std::nullopt);
  ++sequence.epoch;
  sequence.next = 0;
  if (batch.may_be_there) return;
  for (auto& invariant : scene_.invariants) invariant->refused(group, batch.name);
}

// At random finds brokers that lead nothing, which is wanted in trouble; but it may miss the leader
// for so long that a group that works is taken for one that does not.
std::size_t SimClient::guess_after(std::size_t refused) {
  return healed_ ? (refused + 1) % nodes_.size() : scene_.world.rng().below(nodes_.size());
}

}  // namespace penstock::sim
