#include "tests/broker/raft/scenario_forgery.h"

namespace penstock::raft {
namespace {

// More records than a scenario makes up for one message; larger ranges travel without batches.
constexpr std::int64_t kMaxMadeUp = 1'000;

Term read_term(ScenarioArguments& arguments) {
  return Term(static_cast<std::int32_t>(arguments.number_option("term", 0)));
}

std::vector<std::int64_t> numbers(ScenarioArguments& arguments, std::string_view text,
                                  char separator) {
  std::vector<std::int64_t> found;
  for (const std::string& part : split(text, separator)) {
    ScenarioArguments number("number " + part);
    found.push_back(number.number("number"));
    for (const std::string& problem : number.problems()) arguments.problem(problem);
  }
  return found;
}

// "2,10": term and end.
LogPoint read_point(ScenarioArguments& arguments, const std::string& name) {
  const auto values = numbers(arguments, arguments.option(name).value_or("0,0"), ',');
  if (values.size() == 2) return {Term(static_cast<std::int32_t>(values[0])), Offset(values[1])};
  arguments.problem("not a point: " + name);
  return {};
}

EntryRange read_range(ScenarioArguments& arguments, Offset otherwise) {
  EntryRange range{.begin = otherwise, .end = otherwise, .runs = {}, .memberships = {}, .bytes = 0};
  if (const auto ends = arguments.option("range")) {
    const auto values = numbers(arguments, *ends, ',');
    if (values.size() != 2) arguments.problem("not a range");
    if (values.size() == 2) range.begin = Offset(values[0]);
    if (values.size() == 2) range.end = Offset(values[1]);
  }
  for (const std::string& run : split(arguments.option("runs").value_or(""), ',')) {
    const auto values = numbers(arguments, run, '@');
    if (values.size() != 2) arguments.problem("not a run: " + run);
    if (values.size() != 2) continue;
    range.runs.push_back({Term(static_cast<std::int32_t>(values[0])), Offset(values[1])});
  }
  range.bytes = static_cast<std::uint64_t>(arguments.number_option(
      "bytes", range.end > range.begin ? 100 * (range.end - range.begin) : 0));
  return range;
}

std::vector<ScenarioBatch> made_up(const EntryRange& range, ScenarioSafety& safety) {
  std::vector<ScenarioBatch> batches;
  if (range.runs.empty() || range.begin < Offset() || range.begin > range.end ||
      range.end > range.begin + kMaxMadeUp) {
    return batches;
  }
  std::size_t run = 0;
  for (Offset at = range.begin; at < range.end; at = at + 1) {
    while (run + 1 < range.runs.size() && range.runs[run + 1].begin <= at) ++run;
    batches.push_back(safety.made_up(at, range.runs[run].term));
  }
  return batches;
}

AppendRequest read_append(ScenarioArguments& arguments) {
  AppendRequest request{.term = read_term(arguments),
                        .previous = read_point(arguments, "prev"),
                        .range = {},
                        .commit = Offset(arguments.number_option("commit", 0)),
                        .round = static_cast<std::uint64_t>(arguments.number_option("round", 0))};
  request.range = read_range(arguments, request.previous.end);
  return request;
}

Message read_message(ScenarioArguments& arguments) {
  const std::string type = arguments.word("type of message");
  const Ballot ballot = type.starts_with("pre") ? Ballot::kPreVote : Ballot::kVote;
  const auto round =
      static_cast<std::uint64_t>(type == "append" ? 0 : arguments.number_option("round", 0));
  if (type == "prevote" || type == "vote") {
    return VoteRequest{ballot, read_term(arguments), read_point(arguments, "log"),
                       arguments.number_option("transfer", 0) == 1};
  }
  if (type == "prevote-reply" || type == "vote-reply") {
    return VoteReply{ballot, read_term(arguments), arguments.number_option("granted", 0) == 1};
  }
  if (type == "append-reply") {
    return AppendReply{read_term(arguments), arguments.number_option("accepted", 0) == 1, round,
                       Offset(arguments.number_option("durable", 0)),
                       read_point(arguments, "hint")};
  }
  if (type == "append") return read_append(arguments);
  if (type == "install") {
    return InstallRequest{read_term(arguments),
                          read_point(arguments, "start"),
                          {.voters = arguments.ids_option("voters"),
                           .outgoing = {},
                           .learners = arguments.ids_option("learners")}};
  }
  if (type == "install-reply") {
    return InstallReply{read_term(arguments), read_point(arguments, "start")};
  }
  if (type != "timeout-now") arguments.problem("no such message: " + type);
  return TimeoutNow{read_term(arguments)};
}

}  // namespace

Parcel forge(ScenarioArguments& arguments, ScenarioSafety& safety) {
  Parcel parcel;
  const std::string link = arguments.word("link");
  const std::size_t arrow = std::min(link.find("->"), link.size());
  ScenarioArguments ends("ends " + link.substr(0, arrow) + " " +
                         (arrow < link.size() ? link.substr(arrow + 2) : ""));
  parcel.envelope.from = ends.node();
  parcel.envelope.to = ends.node();
  for (const std::string& problem : ends.problems()) arguments.problem(problem);
  parcel.envelope.message = read_message(arguments);
  if (const auto* append = std::get_if<AppendRequest>(&parcel.envelope.message)) {
    parcel.batches = made_up(append->range, safety);
  }
  return parcel;
}

}  // namespace penstock::raft
