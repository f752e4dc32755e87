#include "tests/broker/raft/scenario_cast.h"

namespace penstock::raft {
namespace {

template <typename Number>
void read_option(ScenarioArguments& arguments, const std::string& name, Number& option) {
  option = static_cast<Number>(arguments.number_option(name, static_cast<std::int64_t>(option)));
}

// "t1:5": a term and a number.
std::pair<Term, std::int64_t> read_run(ScenarioArguments& arguments, const std::string& text,
                                       char separator) {
  const std::vector<std::string> parts = split(text, separator);
  if (parts.size() != 2 || !parts[0].starts_with('t')) {
    arguments.problem("not of the form t1" + std::string(1, separator) + "5: " + text);
    return {};
  }
  ScenarioArguments numbers("numbers " + parts[0].substr(1) + " " + parts[1]);
  const Term term(static_cast<std::int32_t>(numbers.number("term")));
  const std::int64_t number = numbers.number("number");
  for (const std::string& problem : numbers.problems()) arguments.problem(problem);
  return {term, number};
}

}  // namespace

Status set_options(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  Options& options = cluster.options();
  read_option(arguments, "election_timeout_ms", options.election_timeout_ms);
  read_option(arguments, "heartbeat_ms", options.heartbeat_ms);
  read_option(arguments, "max_inflight_requests", options.max_inflight_requests);
  read_option(arguments, "max_inflight_bytes", options.max_inflight_bytes);
  read_option(arguments, "max_request_bytes", options.max_request_bytes);
  read_option(arguments, "max_uncommitted_bytes", options.max_uncommitted_bytes);
  read_option(arguments, "max_promotion_lag", options.max_promotion_lag);
  return {};
}

Status add_nodes(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const std::int64_t count = arguments.number("how many");
  const std::int64_t learners = arguments.number_option("learners", 0);
  Membership membership;
  for (std::int64_t id = 1; id <= count; ++id) {
    auto& list = id > count - learners ? membership.learners : membership.voters;
    list.emplace_back(static_cast<std::int32_t>(id));
  }
  for (const NodeId id : membership.everyone()) {
    cluster.add(id, {}, {.start = {}, .base = membership, .batches = {}});
  }
  return {};
}

Status add_node(ScenarioArguments& arguments, ScenarioCluster& cluster) {
  const NodeId id = arguments.node();
  LogImage log;
  log.base.voters = arguments.ids_option("voters");
  log.base.learners = arguments.ids_option("learners");
  if (const auto start = arguments.option("start")) {
    const auto [term, end] = read_run(arguments, *start, '@');
    log.start = {term, Offset(end)};
  }
  const auto bytes = static_cast<std::uint64_t>(arguments.number_option("bytes", 100));
  for (const std::string& run : split(arguments.option("log").value_or(""), ',')) {
    const auto [term, length] = read_run(arguments, run, ':');
    for (std::int64_t i = 0; i < length; ++i) {
      log.batches.push_back(cluster.safety().made_up(log.end(), term, bytes));
    }
  }
  const Term last = log.batches.empty() ? log.start.term : log.batches.back().term;
  const HardState hard_state{
      Term(static_cast<std::int32_t>(arguments.number_option("term", last.value()))),
      NodeId(static_cast<std::int32_t>(arguments.number_option("vote", -1)))};
  cluster.add(id, hard_state, std::move(log));
  return {};
}

}  // namespace penstock::raft
