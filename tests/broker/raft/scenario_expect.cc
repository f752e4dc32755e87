#include "tests/broker/raft/scenario_expect.h"

#include <algorithm>
#include <functional>
#include <map>

namespace penstock::raft {
namespace {

// What was looked at, in words, and whether it is as wanted.
struct Verdict {
  bool holds = false;
  std::string found;
};

using Question = std::function<Verdict(ScenarioArguments&, ScenarioCluster&)>;

const ScenarioNode* node_of(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return cluster.find_up(arguments.node());
}

// "12", ">=12", "<=12", "<12", ">12".
Verdict compare(std::int64_t value, ScenarioArguments& arguments) {
  const std::string wanted = arguments.word("number");
  const std::size_t digits = std::min(wanted.find_first_of("0123456789"), wanted.size());
  const std::string sign = wanted.substr(0, digits);
  ScenarioArguments number("number " + wanted.substr(digits));
  const std::int64_t bound = number.number("number");
  for (const std::string& problem : number.problems()) arguments.problem(problem);
  const bool holds = sign.empty()   ? value == bound
                     : sign == ">=" ? value >= bound
                     : sign == "<=" ? value <= bound
                     : sign == ">"  ? value > bound
                                    : sign == "<" && value < bound;
  return {holds, std::to_string(value)};
}

Question offset_question(Offset (Group::*position)() const) {
  return [position](ScenarioArguments& arguments, ScenarioCluster& cluster) -> Verdict {
    const ScenarioNode* const node = node_of(arguments, cluster);
    if (node == nullptr) return {};
    return compare((node->group().*position)().value(), arguments);
  };
}

Question role_question(Role role) {
  return [role](ScenarioArguments& arguments, ScenarioCluster& cluster) -> Verdict {
    const ScenarioNode* const node = node_of(arguments, cluster);
    if (node == nullptr) return {};
    return {node->group().role() == role, node->describe()};
  };
}

Question flag_question(bool (Group::*flag)() const) {
  return [flag](ScenarioArguments& arguments, ScenarioCluster& cluster) -> Verdict {
    const ScenarioNode* const node = node_of(arguments, cluster);
    if (node == nullptr) return {};
    return {(node->group().*flag)(), node->describe()};
  };
}

// leader n2: it leads the latest term alone. leader none: nobody leads. leader one: somebody does.
Verdict leader(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const std::vector<NodeId> leaders = cluster.leaders_of_latest_term();
  const std::string found = leaders.empty() ? "nobody" : to_string(leaders.front());
  const std::string wanted = arguments.word("n1, none or one");
  if (wanted == "none") return {leaders.empty(), found};
  if (wanted == "one") return {leaders.size() == 1, found};
  return {leaders.size() == 1 && found == wanted, found};
}

Verdict term(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  return node == nullptr ? Verdict{} : compare(node->group().term().value(), arguments);
}

// follows n2 n1: n2 takes n1 for the leader; "none" for nobody.
Verdict follows(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  if (node == nullptr) return {};
  const NodeId known = node->group().leader();
  const std::string wanted = arguments.word("leader");
  return {(known == kNobody ? "none" : to_string(known)) == wanted, node->describe()};
}

// saved n2 term=3 vote=1: what is on the disk.
Verdict saved(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = cluster.find(arguments.node());
  if (node == nullptr) return {};
  const HardState& state = node->hard_state();
  const std::int64_t term = arguments.number_option("term", state.term.value());
  const std::int64_t vote = arguments.number_option("vote", state.voted_for.value());
  return {state.term.value() == term && state.voted_for.value() == vote,
          "t" + std::to_string(state.term.value()) + " vote " + to_string(state.voted_for)};
}

// terms n2 t1:5 t2:4: the runs of the log, and how many records each has.
Verdict terms(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  if (node == nullptr) return {};
  std::string found;
  const EntryRange range = range_of(node->log().start.end, node->log().batches);
  for (std::size_t i = 0; i < range.runs.size(); ++i) {
    const Offset end = i + 1 < range.runs.size() ? range.runs[i + 1].begin : range.end;
    found += (found.empty() ? "t" : " t") + std::to_string(range.runs[i].term.value()) + ":" +
             std::to_string(end - range.runs[i].begin);
  }
  return {found == arguments.rest(), found};
}

// members n1 voters=1,2 learners=3 outgoing=…: the latest membership in the log.
Verdict members(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  const Membership wanted{.voters = arguments.ids_option("voters"),
                          .outgoing = arguments.ids_option("outgoing"),
                          .learners = arguments.ids_option("learners")};
  if (node == nullptr) return {};
  return {node->group().membership() == wanted, to_string(node->group().membership())};
}

// messages n1->n2 type=append 3: how many are under way.
Verdict messages(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ParcelFilter filter = ParcelFilter::read(arguments);
  return compare(static_cast<std::int64_t>(cluster.network().find(filter).size()), arguments);
}

// same-logs [n1,n2]: equal to the last record.
Verdict same_logs(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const std::vector<NodeId> ids = arguments.has_word() ? arguments.nodes() : cluster.everybody();
  if (!std::ranges::all_of(ids, [&](NodeId id) { return cluster.find(id) != nullptr; })) return {};
  std::string found;
  for (const NodeId id : ids)
    found += to_string(id) + " " + cluster.find(id)->log().to_string() + "; ";
  return {cluster.same_logs(ids), found};
}

// room n1 >=100: bytes that may be proposed now; 0 while proposals are refused.
Verdict room(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  if (node == nullptr) return {};
  return compare(static_cast<std::int64_t>(node->group().propose_room().value_or(0)), arguments);
}

// deadline n1 <=750: milliseconds until its timer wants to be looked at.
Verdict deadline(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  return node == nullptr ? Verdict{} : compare(node->ms_to_deadline(), arguments);
}

// peer n1 n3 durable=12 installing=1 voter=0 inflight=0: what the leader knows of a member.
Verdict peer(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  const NodeId other = arguments.node();
  if (node == nullptr) return {};
  const std::vector<PeerStatus> peers = node->group().peers();
  const auto found = std::ranges::find(peers, other, &PeerStatus::node);
  if (found == peers.end()) return {arguments.option("known") == "0", "not a peer"};
  const auto inflight = static_cast<std::int64_t>(found->inflight_bytes);
  const bool holds =
      arguments.number_option("durable", found->durable_end.value()) ==
          found->durable_end.value() &&
      (arguments.number_option("installing", found->installing ? 1 : 0) == 1) ==
          found->installing &&
      (arguments.number_option("voter", found->voter ? 1 : 0) == 1) == found->voter &&
      arguments.number_option("inflight", inflight) == inflight;
  return {holds, "durable=" + std::to_string(found->durable_end.value()) +
                     " installing=" + std::to_string(found->installing ? 1 : 0) +
                     " voter=" + std::to_string(found->voter ? 1 : 0) +
                     " inflight=" + std::to_string(inflight)};
}

// faulty n2: it stopped itself, and that is what should have happened.
Verdict faulty(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const NodeId id = arguments.node();
  const ScenarioNode* const node = cluster.find_up(id);
  cluster.safety().allow_fault(id);
  return node == nullptr ? Verdict{} : Verdict{node->group().is_faulty(), node->describe()};
}

// read 7 12: it was confirmed there; or "failed", or "pending".
Verdict read(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const auto context = static_cast<std::uint64_t>(arguments.number("context"));
  const std::string found = cluster.safety().read_outcome(context);
  return {found == arguments.word("outcome"), found};
}

Verdict joint(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const ScenarioNode* const node = node_of(arguments, cluster);
  if (node == nullptr) return {};
  return {node->group().membership().is_joint(), node->describe()};
}

const std::map<std::string, Question>& questions() {
  static const std::map<std::string, Question> all = {
      {"follower", role_question(Role::kFollower)},
      {"precandidate", role_question(Role::kPreCandidate)},
      {"candidate", role_question(Role::kCandidate)},
      {"leading", role_question(Role::kLeader)},
      {"committed", offset_question(&Group::committed)},
      {"end", offset_question(&Group::log_end)},
      {"start", offset_question(&Group::log_start)},
      {"durable", offset_question(&Group::durable_end)},
      {"ready", flag_question(&Group::is_ready)},
      {"members-committed", flag_question(&Group::membership_is_committed)},
      {"leader", leader},
      {"term", term},
      {"follows", follows},
      {"saved", saved},
      {"terms", terms},
      {"members", members},
      {"joint", joint},
      {"messages", messages},
      {"same-logs", same_logs},
      {"read", read},
      {"room", room},
      {"deadline", deadline},
      {"peer", peer},
      {"faulty", faulty},
  };
  return all;
}

}  // namespace

void expect(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const bool wanted = arguments.peek() != "not";
  if (!wanted) arguments.word("not");
  const std::string name = arguments.word("question");
  const auto question = questions().find(name);
  if (question == questions().end()) return arguments.problem("no such question: " + name);
  const Verdict verdict = question->second(arguments, cluster);
  if (verdict.holds != wanted) {
    cluster.trace().failure("it is not so; found: " + verdict.found);
  }
}

}  // namespace penstock::raft
