#include "tests/broker/raft/scenario_network.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace penstock::raft {
namespace {

constexpr std::array<std::string_view, 10> kTypes = {
    "prevote",   "prevote-reply", "vote",    "vote-reply",    "append",
    "heartbeat", "append-reply",  "install", "install-reply", "timeout-now",
};

struct TypeName {
  std::string operator()(const VoteRequest& m) const {
    return m.ballot == Ballot::kPreVote ? "prevote" : "vote";
  }
  std::string operator()(const VoteReply& m) const {
    return m.ballot == Ballot::kPreVote ? "prevote-reply" : "vote-reply";
  }
  std::string operator()(const AppendRequest& m) const {
    return m.range.empty() ? "heartbeat" : "append";
  }
  std::string operator()(const AppendReply&) const { return "append-reply"; }
  std::string operator()(const InstallRequest&) const { return "install"; }
  std::string operator()(const InstallReply&) const { return "install-reply"; }
  std::string operator()(const TimeoutNow&) const { return "timeout-now"; }
};

std::optional<NodeId> read_end(const std::string& text, ScenarioArguments& arguments) {
  if (text == "*") return std::nullopt;
  ScenarioArguments end("end " + text);
  const NodeId node = end.node();
  for (const std::string& problem : end.problems()) arguments.problem(problem);
  return node;
}

}  // namespace

std::string type_of(const Message& message) { return std::visit(TypeName{}, message); }

ParcelFilter ParcelFilter::read(ScenarioArguments& arguments) {
  ParcelFilter filter;
  if (arguments.peek().contains("->")) {
    const std::string link = arguments.word("link");
    const std::size_t arrow = link.find("->");
    filter.from_ = read_end(link.substr(0, arrow), arguments);
    filter.to_ = read_end(link.substr(arrow + 2), arguments);
  }
  filter.types_ = split(arguments.option("type").value_or(""), ',');
  for (const std::string& type : filter.types_) {
    if (std::ranges::find(kTypes, type) == kTypes.end()) arguments.problem("no type: " + type);
  }
  if (arguments.has_option("term")) {
    filter.term_ = Term(static_cast<std::int32_t>(arguments.number_option("term", 0)));
  }
  filter.nth_ = arguments.number_option("nth", 0);
  filter.last_ = arguments.number_option("last", 0) == 1;
  return filter;
}

bool ParcelFilter::matches(const Parcel& parcel) const {
  const Envelope& envelope = parcel.envelope;
  if (from_ && *from_ != envelope.from) return false;
  if (to_ && *to_ != envelope.to) return false;
  if (term_ && *term_ != term_of(envelope.message)) return false;
  return types_.empty() || std::ranges::find(types_, type_of(envelope.message)) != types_.end();
}

std::vector<std::size_t> ParcelFilter::choose(std::vector<std::size_t> matching) const {
  if (matching.empty()) return matching;
  if (last_) return {matching.back()};
  if (nth_ == 0) return matching;
  const auto index = static_cast<std::size_t>(nth_ - 1);
  return index < matching.size() ? std::vector{matching[index]} : std::vector<std::size_t>{};
}

std::vector<std::size_t> ScenarioNetwork::matching(const ParcelFilter& filter) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    if (filter.matches(pool_[i])) found.push_back(i);
  }
  return filter.choose(std::move(found));
}

std::vector<Parcel> ScenarioNetwork::take(const ParcelFilter& filter) {
  const std::vector<std::size_t> chosen = matching(filter);
  std::vector<Parcel> taken;
  std::vector<Parcel> left;
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    (std::ranges::binary_search(chosen, i) ? taken : left).push_back(std::move(pool_[i]));
  }
  pool_ = std::move(left);
  return taken;
}

std::vector<Parcel> ScenarioNetwork::take_free(const std::set<NodeId>& among) {
  std::vector<Parcel> taken;
  std::vector<Parcel> left;
  for (Parcel& parcel : pool_) {
    const bool held = std::ranges::any_of(
        holds_, [&parcel](const ParcelFilter& filter) { return filter.matches(parcel); });
    const bool inside = among.empty() || (among.contains(parcel.envelope.from) &&
                                          among.contains(parcel.envelope.to));
    (inside && !held ? taken : left).push_back(std::move(parcel));
  }
  pool_ = std::move(left);
  return taken;
}

std::vector<const Parcel*> ScenarioNetwork::find(const ParcelFilter& filter) const {
  std::vector<const Parcel*> found;
  for (const std::size_t i : matching(filter)) found.push_back(&pool_[i]);
  return found;
}

void ScenarioNetwork::duplicate(const ParcelFilter& filter) {
  for (const std::size_t i : matching(filter)) {
    Parcel copy = pool_[i];
    pool_.push_back(std::move(copy));
  }
}

}  // namespace penstock::raft
