#include "tests/broker/raft/scenario_commands.h"

#include <algorithm>
#include <map>

#include "tests/broker/raft/scenario_cast.h"
#include "tests/broker/raft/scenario_expect.h"
#include "tests/broker/raft/scenario_forgery.h"

namespace penstock::raft {
namespace {

using Handler = Status (*)(ScenarioArguments&, ScenarioCluster&);

// `act` on each node of the list that comes next; all must be up.
template <typename Act>
Status with_each(ScenarioArguments& arguments, ScenarioCluster& cluster, Act act) {
  for (const NodeId id : arguments.nodes()) {
    if (ScenarioNode* const node = cluster.find_up(id)) act(*node);
  }
  return {};
}

// Asks the node that comes next for something it may refuse.
template <typename Ask>
Status of_one(ScenarioArguments& arguments, ScenarioCluster& cluster, Ask ask) {
  ScenarioNode* const node = cluster.find_up(arguments.node());
  return node == nullptr ? Status{} : ask(*node);
}

ScenarioNode::Access read_access(ScenarioArguments& arguments, std::string_view fails,
                                 std::string_view works) {
  const std::string word = arguments.word("what is possible");
  if (word != fails && word != works) arguments.problem("no such access: " + word);
  return word == fails ? ScenarioNode::Access::kFails : ScenarioNode::Access::kWorks;
}

// --- time

Status tick(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const std::vector<NodeId> ids = arguments.nodes();
  const std::int64_t ms = arguments.number("milliseconds");
  for (const NodeId id : ids) {
    if (ScenarioNode* const node = cluster.find_up(id)) node->tick(ms);
  }
  return {};
}

Status later(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const std::vector<NodeId> ids = arguments.nodes();
  const std::int64_t ms = arguments.number("milliseconds");
  for (const NodeId id : ids) {
    if (ScenarioNode* const node = cluster.find_up(id)) node->pass(ms);
  }
  return {};
}

Status run_on(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  cluster.run(arguments.number("milliseconds"));
  return {};
}

Status stabilize(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const std::vector<NodeId> ids = arguments.has_word() ? arguments.nodes() : std::vector<NodeId>{};
  cluster.stabilize({ids.begin(), ids.end()});
  return {};
}

Status elect(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  cluster.elect(arguments.node());
  return {};
}

// --- messages

Status deliver(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  if (!cluster.deliver(ParcelFilter::read(arguments))) arguments.problem("no such message");
  return {};
}

Status drop(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  cluster.network().take(ParcelFilter::read(arguments));
  return {};
}

Status duplicate(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  cluster.network().duplicate(ParcelFilter::read(arguments));
  return {};
}

Status hold(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  cluster.network().hold(ParcelFilter::read(arguments));
  return {};
}

Status release(ScenarioArguments&, ScenarioCluster& cluster) {
  cluster.network().release();
  return {};
}

Status cut(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const std::size_t arrow = arguments.peek().find("->");
  if (arrow != std::string::npos) {
    const std::string link = arguments.word("link");
    ScenarioArguments ends("ends " + link.substr(0, arrow) + " " + link.substr(arrow + 2));
    const NodeId from = ends.node();
    cluster.network().cut(from, ends.node());
    for (const std::string& problem : ends.problems()) arguments.problem(problem);
    return {};
  }
  const std::vector<NodeId> side = arguments.nodes();
  const std::vector<NodeId> other_side = arguments.nodes();
  for (const NodeId a : side) {
    for (const NodeId b : other_side) {
      cluster.network().cut(a, b);
      cluster.network().cut(b, a);
    }
  }
  return {};
}

Status heal(ScenarioArguments&, ScenarioCluster& cluster) {
  cluster.network().heal();
  return {};
}

Status messages(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  for (const Parcel* const parcel : cluster.network().find(ParcelFilter::read(arguments))) {
    const Envelope& envelope = parcel->envelope;
    cluster.trace().event(to_string(envelope.from) + " -> " + to_string(envelope.to) + " " +
                          to_string(envelope.message));
  }
  return {};
}

Status inject(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const Parcel parcel = forge(arguments, cluster.safety());
  if (ScenarioNode* const node = cluster.find_up(parcel.envelope.to)) node->deliver(parcel);
  return {};
}

// --- disks

Status save(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const bool only_oldest = arguments.number_option("oldest", 0) == 1;
  return with_each(arguments, cluster, [only_oldest](ScenarioNode& node) {
    only_oldest ? node.save_oldest() : node.save();
  });
}

Status flush(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const bool is_partial = arguments.has_option("until");
  const Offset until(arguments.number_option("until", 0));
  return with_each(arguments, cluster, [&](ScenarioNode& node) {
    node.flush(is_partial ? std::optional(until) : std::nullopt);
  });
}

Status flush_begin(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return with_each(arguments, cluster, [](ScenarioNode& node) { node.begin_flush(); });
}

Status flush_end(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return with_each(arguments, cluster, [](ScenarioNode& node) { node.end_flush(); });
}

Status writes(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) -> Status {
    node.set_writes(read_access(arguments, "fail", "work"));
    return {};
  });
}

Status reads(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) -> Status {
    node.set_reads(read_access(arguments, "hold", "serve"));
    return {};
  });
}

Status resets(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) -> Status {
    node.set_resets(read_access(arguments, "hold", "work"));
    return {};
  });
}

Status crash(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return with_each(arguments, cluster, [](ScenarioNode& node) { node.crash(); });
}

Status restart(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  for (const NodeId id : arguments.nodes()) {
    ScenarioNode* const node = cluster.find(id);
    if (node == nullptr) continue;
    if (node->is_up()) cluster.trace().failure(to_string(id) + " is up");
    node->start();
  }
  return {};
}

Status damage(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  ScenarioNode* const node = cluster.find(arguments.node());
  const Offset until(arguments.number_option("until", 0));
  std::optional<Offset> keep;
  if (arguments.has_option("keep")) keep = Offset(arguments.number_option("keep", 0));
  if (node != nullptr) node->damage(until, keep);
  return {};
}

Status repaired(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return with_each(arguments, cluster, [](ScenarioNode& node) { node.repaired(); });
}

Status log_start(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) {
    return node.remove_below(Offset(arguments.number("offset")));
  });
}

// --- requests

Status campaign(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return with_each(arguments, cluster, [](ScenarioNode& node) {
    node.ask([](Group& group, std::int64_t now) { group.campaign(now); });
  });
}

Status step_down(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return with_each(arguments, cluster, [](ScenarioNode& node) {
    node.ask([](Group& group, std::int64_t now) { group.step_down(now); });
  });
}

Status propose(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) -> Status {
    const std::int64_t records = arguments.number_option("count", 1);
    const std::int64_t bytes = arguments.number_option("bytes", 100 * records);
    for (std::int64_t left = arguments.number_option("batches", 1); left > 0; --left) {
      PENSTOCK_TRY(node.propose(records, static_cast<std::uint64_t>(bytes)));
    }
    return {};
  });
}

Status membership(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) {
    const std::vector<NodeId> voters = arguments.ids_option("voters");
    const std::vector<NodeId> learners = arguments.ids_option("learners");
    return node.ask([&](Group& group, std::int64_t now) {
      return group.change_membership(voters, learners, now);
    });
  });
}

Status transfer(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) {
    const NodeId to = arguments.node();
    return node.ask(
        [to](Group& group, std::int64_t now) { return group.transfer_leadership(to, now); });
  });
}

Status read_index(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) {
    const auto context = static_cast<std::uint64_t>(arguments.number("context"));
    cluster.safety().read_asked(context);
    return node.ask(
        [context](Group& group, std::int64_t now) { return group.read_index(context, now); });
  });
}

Status install_failed(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return of_one(arguments, cluster, [&](ScenarioNode& node) -> Status {
    const NodeId to = arguments.node();
    node.ask([to](Group& group, std::int64_t now) { group.install_failed(to, now); });
    return {};
  });
}

// --- looking

Status status(ScenarioArguments&, ScenarioCluster& cluster) {
  for (const auto& [id, node] : cluster.nodes()) cluster.trace().event(node.describe());
  return {};
}

Status log(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  for (const NodeId id : arguments.nodes()) {
    if (const ScenarioNode* const node = cluster.find(id)) {
      cluster.trace().event(to_string(id) + " log " + node->log().to_string());
    }
  }
  return {};
}

Status peers(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  return with_each(arguments, cluster, [&](ScenarioNode& node) {
    for (const PeerStatus& peer : node.group().peers()) {
      cluster.trace().event(to_string(peer.node) + (peer.voter ? " voter" : " learner") +
                            " durable=" + std::to_string(peer.durable_end.value()) +
                            " inflight=" + std::to_string(peer.inflight_bytes) +
                            (peer.installing ? " installing" : ""));
    }
  });
}

Status expect_that(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  expect(arguments, cluster);
  return {};
}

const std::map<std::string, Handler>& handlers() {
  static const std::map<std::string, Handler> all = {
      {"options", set_options},
      {"nodes", add_nodes},
      {"node", add_node},
      {"tick", tick},
      {"later", later},
      {"run", run_on},
      {"deliver", deliver},
      {"drop", drop},
      {"dup", duplicate},
      {"hold", hold},
      {"release", release},
      {"cut", cut},
      {"heal", heal},
      {"messages", messages},
      {"inject", inject},
      {"save", save},
      {"flush", flush},
      {"flush-begin", flush_begin},
      {"flush-end", flush_end},
      {"writes", writes},
      {"reads", reads},
      {"crash", crash},
      {"restart", restart},
      {"damage", damage},
      {"repaired", repaired},
      {"log-start", log_start},
      {"campaign", campaign},
      {"step-down", step_down},
      {"elect", elect},
      {"propose", propose},
      {"transfer", transfer},
      {"membership", membership},
      {"stabilize", stabilize},
      {"read-index", read_index},
      {"status", status},
      {"install-failed", install_failed},
      {"log", log},
      {"peers", peers},
      {"expect", expect_that},
      {"resets", resets},
  };
  return all;
}

}  // namespace

Status carry_out(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const auto handler = handlers().find(arguments.verb());
  if (handler != handlers().end()) return handler->second(arguments, cluster);
  arguments.problem("no such command");
  return {};
}

}  // namespace penstock::raft
